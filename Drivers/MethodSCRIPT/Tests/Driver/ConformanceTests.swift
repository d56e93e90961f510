// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import InstrumentKit
import Quantities
import Testing

@testable import MethodSCRIPTDriver

@Suite struct ConformanceTests {
  static let transcripts: [DriverTranscript] = {
    var idle = Conversation()
    _ = idle.openIdle()

    var orphan = Conversation.orphan()
    _ = orphan.introduce()

    var discharge = Conversation.running(Samples.discharge)
    discharge.receive(mark(1, at: 1_000) + "M000A\n" + sample(1_005, 5_400, -134_300))
    discharge.receive(sample(2_005, 4_900, -134_300) + "*\n")
    discharge.receive(ending(10, opened: 2_020, sampled: 2_005, 4_900, -134_300))

    var hold = Conversation.running(Samples.chargeThenHold)
    for text in Conversation.chargeThenHoldAnswers { hold.receive(text) }

    var rest = Conversation.running(Samples.rest)
    rest.receive("M000B\n" + package(variable("eb", 10_000, "m"), variable("ab", 2_650_000, "u", ",10,206")))
    rest.receive("*\n" + ending(10, opened: 600_010, sampled: 600_000, 2_650_000, 0, kind: "rest"))

    var abort = Conversation.running(Samples.discharge)
    abort.receive(mark(1, at: 1_000) + "M000A\n" + sample(1_000, 900_000, -134_300))
    _ = abort.command(.openCircuit)
    abort.receive(sample(2_000, 899_000, -134_300) + "Z\n*\n")
    abort.receive(ending(0, opened: 2_007, sampled: 2_000, 899_000, -134_300))

    var error = Conversation.running(Samples.discharge)
    error.receive(mark(1, at: 1_000) + "M000A\n" + sample(1_000, 900_000, -134_300) + "!0058: Line 41\n")
    error.disconnect()

    var refusal = Conversation()
    _ = refusal.openIdle()
    _ = refusal.command(.begin(Samples.discharge))
    refusal.receive("e!4001: Line 24, Col 1\n")

    var renewal = Conversation.running(Samples.discharge)
    renewal.receive(mark(1, at: 1_000) + "M000A\n" + sample(1_000, 900_000, -134_300))
    renewal.receive(sample(22_000, 899_000, -134_300))
    renewal.receive("Y\n*\nM000A\n" + sample(23_000, 898_000, -134_300) + "*\n")
    renewal.receive(ending(2, opened: 83_000, sampled: 82_000, 890_000, -134_300))

    var power = Conversation.running(Samples.power)
    power.receive(mark(1, at: 1_000) + "M000A\n" + sample(101, 900_000, -100_000) + "*\n" + mark(4, at: 102_000))
    power.receive("M000A\n" + sample(1_100, 898_000, -100_000) + "*\nM000A\n" + sample(1_160, 898_000, -100_200))
    power.receive("*\nM000A\n" + sample(22_000, 897_000, -100_200) + "Y\n*\n" + mark(4, at: 22_010_000) + "M000A\n")
    power.receive(sample(23_000, 5_000, -200_000) + "*\n")
    power.receive(ending(10, opened: 23_005, sampled: 23_000, 5_000, -200_000))

    return [
      power.transcript("constant power"),
      idle.transcript("open, idle"), orphan.transcript("open, running"), discharge.transcript("constant current"),
      hold.transcript("constant current, then voltage"), rest.transcript("rest"), abort.transcript("abort"),
      error.transcript("runtime error"), refusal.transcript("refusal"), renewal.transcript("lease"),
    ]
  }()

  @Test(arguments: transcripts.indices)
  func survivesASpoiledLine(index: Int) {
    let violations = DriverConformance.check(Self.transcripts[index]) { MethodSCRIPTDriver() }
    #expect(violations.isEmpty, "\(violations.prefix(5).map(\.description).joined(separator: "\n"))")
  }

  @Test func survivesRandomBytes() {
    var generator = SplitMix(state: UInt64.random(in: .min ... .max))
    print("seed \(generator.state)")
    let alphabet = Array("PeTMZY!*;,\n\n0123456789ABCDEFabjegiu mn".utf8)
    for _ in 0..<200 {
      var conversation = Conversation.running(Samples.discharge)
      for _ in 0..<20 {
        let length = Int(generator.next() % 60)
        let isText = generator.next() % 4 != 0
        conversation.receive(
          (0..<length).map { _ in
            let random = generator.next()
            return isText ? alphabet[Int(random % UInt64(alphabet.count))] : UInt8(truncatingIfNeeded: random)
          })
        if generator.next() % 5 == 0 { conversation.tickWhenWanted() }
        if generator.next() % 9 == 0 { _ = conversation.command(.openCircuit) }
      }
      // Whatever came, a wish for an open circuit is on its way or fulfilled.
      _ = conversation.command(.openCircuit)
      #expect(conversation.wakeAt != nil)
    }
  }

  /// The suite must find a driver that takes what it should not.
  @Test func findsADriverThatTrustsTheLine() {
    let entries: [DriverTranscript.Entry] = [.opened, .received(Array("12\n34\n".utf8))]
    let transcript = DriverTranscript(name: "numbers", entries: entries)
    let violations = DriverConformance.check(transcript) { TrustingDriver() }
    let rules = Set(violations.map(\.rule))
    #expect(rules.contains(.splitChangesNothing) && rules.contains(.damageInventsNothing))
    #expect(rules.contains(.truncationInventsNothing))
  }

  /// And one that counts what is sound, or does not count what is not.
  @Test func findsADriverThatMiscounts() throws {
    let transcript = try #require(Self.transcripts.first { $0.name == "constant current" })
    let eager = DriverConformance.check(transcript) { MiscountingDriver(perPiece: 1) }
    #expect(Set(eager.map(\.rule)).contains(.soundIsNotDamaged))
    let careless = DriverConformance.check(transcript) { MiscountingDriver(perPiece: 0) }
    #expect(Set(careless.map(\.rule)) == [.noiseIsCounted])
  }
}

/// A seeded generator, so that a failure can be repeated.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

/// Makes a reading of whatever digits a piece of bytes holds, as no driver must.
private struct TrustingDriver: InstrumentDriver {
  static func capabilities(ofModel name: String) -> InstrumentCapabilities? {
    MethodSCRIPTDriver.capabilities(ofModel: name)
  }
  static let descriptor = MethodSCRIPTDriver.descriptor
  static let safeStopBytes: [UInt8] = []
  var damagedMessages: Int { 0 }
  mutating func handle(_ input: DriverInput, at now: HostInstant, into outputs: inout DriverOutputs) {
    guard case .bytes(let bytes) = input else { return }
    var value: Int64 = 0
    for byte in bytes { value = (value &* 10) &+ Int64(byte) }
    outputs.events.append(
      .reading(channel: 0, Reading(time: .zero, voltage: Voltage(nanovolts: value), current: nil)))
  }
}

/// Does everything right but to count damage: so many for each piece.
private struct MiscountingDriver: InstrumentDriver {
  static func capabilities(ofModel name: String) -> InstrumentCapabilities? {
    MethodSCRIPTDriver.capabilities(ofModel: name)
  }
  static let descriptor = MethodSCRIPTDriver.descriptor
  static let safeStopBytes = MethodSCRIPTDriver.safeStopBytes
  private(set) var damagedMessages = 0
  private let perPiece: Int
  private var driver = MethodSCRIPTDriver()
  init() { self.init(perPiece: 0) }
  init(perPiece: Int) { self.perPiece = perPiece }
  mutating func handle(_ input: DriverInput, at now: HostInstant, into outputs: inout DriverOutputs) {
    if case .bytes = input { damagedMessages += perPiece }
    driver.handle(input, at: now, into: &outputs)
  }
}
