// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A player that is silent, is cut off, is switched off, loses lines or its file; and a stop from every state.

import CyclerModel
import Foundation
import InstrumentKit
import Quantities
import ReplayEmulator
import Testing

@testable import ReplayDriver

@Suite struct FaultTests {
  private static let token = SetpointToken(run: 7, stepCount: 2)

  /// One that charges, with four readings behind it.
  private static func charging() throws -> Laboratory {
    var laboratory = try Laboratory(csv: smallTest)
    try laboratory.introduce()
    laboratory.play(resting(after(60)))
    laboratory.events.removeAll()
    laboratory.command(.begin(ReplayTests.charging(0.001, step: 2, above(3.9))))
    laboratory.run(seconds: 100) { $0.readings.count >= 4 }
    return laboratory
  }

  @Test func nobodyIsThere() throws {
    var laboratory = try Laboratory(csv: smallTest)
    laboratory.isCut = true
    laboratory.open()
    laboratory.run(seconds: 7)
    #expect(laboratory.faults.map(\.code) == [.linkTimeout, .linkTimeout])
    #expect(laboratory.written == String(repeating: "O*4F\n", count: 8).replacing("O", with: "\nO", maxReplacements: 1))
    laboratory.isCut = false
    #expect(laboratory.run(seconds: 3) { $0.driver.stage == .idle })
  }

  /// Readings that lie far apart are no silence: the player is asked, and the host hears that it is there.
  @Test func readingsMayLieFarApart() throws {
    var laboratory = try Laboratory(csv: "time_s,current_A,voltage_V\n0,1,3\n600,1,3.1\n1200,1,3.2\n")
    try laboratory.introduce()
    let asked = ReplayTests.charging(1, step: 2, above(3.2))
    #expect(laboratory.play(asked) == .cutOff(0))
    #expect(laboratory.readings.count == 3 && laboratory.faults.isEmpty)
    let signs = laboratory.events.count { $0 == .began(channel: 0, Self.token) }
    // Every two seconds of 1,200 it is asked, and answers at once.
    #expect((590...601).contains(signs), "\(signs)")
    #expect(laboratory.ledger.coulombs == 1_200)
  }

  @Test func aPlayerThatFallsSilentIsGivenUp() throws {
    var laboratory = try Self.charging()
    laboratory.player.isMute = true
    laboratory.run(seconds: 20) { !$0.faults.isEmpty }
    #expect(laboratory.faults.first?.code == .linkTimeout)
    #expect(laboratory.events.contains(.circuit(channel: 0, .unknown)))
    #expect(laboratory.end(of: Self.token) == nil, "nobody confirmed that the circuit is open")
    laboratory.player.isMute = false
    laboratory.run(seconds: 5) { $0.driver.stage == .idle }
    guard case .failed(let fault)? = laboratory.end(of: Self.token) else {
      Issue.record("\(laboratory.events.suffix(4))")
      return
    }
    #expect(fault.code == .linkTimeout)
  }

  /// What was played before the link went is told when it is back; the recording goes on behind it.
  @Test func aLostLinkLosesNothingThatWasHeard() throws {
    var laboratory = try Self.charging()
    laboratory.lose()
    #expect(laboratory.events.last == .circuit(channel: 0, .unknown))
    laboratory.events.removeAll()
    try laboratory.introduce()
    #expect(
      laboratory.events.last
        == .orphanEnded(
          channel: 0, Self.token, lastReading: nil, circuitOpenedAt: TimeSpan(seconds: 30), end: .requested))
    laboratory.events.removeAll()
    #expect(laboratory.play(ReplayTests.charging(0.001, step: 3, above(3.9))) == .cutOff(0))
    #expect(laboratory.readings.map(\.voltage) == (4...9).map { Voltage(millivolts: 3_000 + $0 * 100) })
    #expect(laboratory.faults.isEmpty)
  }

  /// At greatest speed a window of lines may be on its way when the link goes. They are lost, and the player says up
  /// to when it had played, so that a run knows of its gap; it goes on behind them.
  @Test func whatIsOnItsWayWhenTheLinkGoesIsAGap() throws {
    var text = "time_s,current_A,voltage_V\n"
    for index in 0..<5_000 { text += "\(index),0.001,3\n" }
    var laboratory = try Laboratory(csv: text, pace: .greatest)
    try laboratory.introduce()
    laboratory.command(.begin(ReplayTests.charging(0.001, step: 2, after(4_999))))
    laboratory.run(seconds: 1e5) { $0.readings.count >= 1_000 }
    let heard = try #require(laboratory.readings.last?.time)
    laboratory.lose()
    laboratory.events.removeAll()
    laboratory.open()
    laboratory.run(seconds: 100) { $0.driver.stage == .idle }
    guard case .orphanEnded(0, Self.token, nil, let played?, .requested)? = laboratory.events.last else {
      Issue.record("\(laboratory.events)")
      return
    }
    #expect(played >= heard && played - heard <= TimeSpan(seconds: ReplayInstrument.window), "\(played) \(heard)")
    laboratory.events.removeAll()
    #expect(laboratory.play(ReplayTests.charging(0.001, step: 3, after(9_999))) != nil)
    #expect(laboratory.readings.count == 4_999 - Int(played.seconds))
  }

  @Test func afterAPowerCutItBeginsAnew() throws {
    var laboratory = try Self.charging()
    laboratory.player.powerCycle()
    laboratory.run(seconds: 5) { $0.driver.active == nil }
    guard case .failed(let fault)? = laboratory.end(of: Self.token) else {
      Issue.record("\(laboratory.events.suffix(4))")
      return
    }
    #expect(fault.detail == "the player was switched off and on: the recording begins anew")
    laboratory.events.removeAll()
    #expect(laboratory.play(resting(step: 3, after(60))) == .cutOff(0))
    #expect(laboratory.readings.first?.voltage == Voltage(millivolts: 3_000))
  }

  @Test func anotherRecordingInItsPlace() throws {
    var laboratory = try Self.charging()
    laboratory.receive(WireTests.closed("900 I other FFFF 1 2 3") + "\n")
    #expect(laboratory.faults.contains { $0.code == .linkLost })
  }

  @Test func anotherVersionIsNotDriven() throws {
    var laboratory = try Laboratory(csv: smallTest)
    laboratory.isCut = true
    laboratory.open()
    laboratory.receive(WireTests.closed("900 S - 0") + "\n" + WireTests.closed("901 I other FFFF 2 2 3") + "\n")
    #expect(laboratory.faults.map(\.detail) == ["the player speaks version 2 of its protocol; 1 would be right"])
    #expect(laboratory.driver.stage == .undrivable)
    laboratory.command(.begin(resting(after(60))))
    #expect(laboratory.refusal?.code == .instrumentRefused)
  }

  /// Each kind of line is lost once. The last before a silence is said again when the player is asked; of another a
  /// reading may be missed, and then that is told. Nothing is made up, and the set-point comes to its end.
  @Test(arguments: [
    ("B", Laboratory.Pace.real, true), ("R", .real, false), ("C", .real, true), ("X", .real, false),
    ("S", .real, false),
    ("B", .greatest, true), ("R", .greatest, true), ("C", .greatest, true), ("X", .greatest, false),
  ])
  func aLostLineIsNoticed(letter: String, pace: Laboratory.Pace, isTold: Bool) throws {
    var laboratory = try Laboratory(csv: smallTest, pace: pace)
    try laboratory.introduce()
    laboratory.play(resting(after(60)))
    laboratory.events.removeAll()
    laboratory.wire = LineThief(letter, occurrence: letter == "R" ? 3 : 1).steal
    let charge = setpoint(
      .constantCurrentThenVoltage(Current(amperes: 0.001), Voltage(millivolts: 3_900)), [heldBelow(0.0001)], step: 2)
    laboratory.command(.begin(charge))
    if letter == "S" {
      laboratory.run(seconds: 30)
      laboratory.command(.openCircuit)
    }
    laboratory.run(seconds: 400) { $0.driver.active == nil }
    #expect(laboratory.end(of: Self.token) == (letter == "S" ? .requested : .cutOff(0)))
    #expect(laboratory.faults.map(\.code) == (isTold ? [.linkGarbage] : []))
    #expect(laboratory.readings.count { $0.quality == .late } == (isTold ? 1 : 0))
    guard letter != "S" else { return }
    #expect(laboratory.readings.count == (isTold && letter == "R" ? 15 : 16))
    // What was lost lies in a constant current, so that it changes nothing.
    #expect(abs(laboratory.ledger.coulombs - 0.1155) < 1e-12)
  }

  /// The word that a rest is over is lost together with the last reading, and a host that did not wait begins the next
  /// set-point: its readings are not taken for the rest's.
  @Test func anotherSetpointsReadingsAreNotTaken() throws {
    var driver = ReplayDriver()
    var outputs = DriverOutputs()
    let now = HostInstant(microseconds: 1)
    func say(_ body: String) {
      Array((WireTests.closed(body) + "\n").utf8).withUnsafeBytes { driver.handle(.bytes($0), at: now, into: &outputs) }
    }
    driver.handle(.opened, at: now, into: &outputs)
    say("1 S - 0")
    say("2 I test FFFF 1 5 36")
    driver.handle(.command(channel: 0, .begin(resting(after(60)))), at: now, into: &outputs)
    say("3 B 7.1 1 rest 7 0")
    say("4 R 0 0 3.00")
    outputs.removeAll()
    say("13 B 7.2 2 current 10 0")
    say("14 R 50000000 0.001 3.5")
    #expect(!outputs.events.contains { if case .reading = $0 { true } else { false } })
    #expect(String(decoding: outputs.writes, as: UTF8.self).hasPrefix("O 4*"))
    say("15 S 7.1 0")
    guard case .ended(_, _, .failed(let fault))? = outputs.events.last else {
      Issue.record("\(outputs.events)")
      return
    }
    #expect(fault.code == .linkGarbage)
  }

  /// Lost acknowledgements do not stop the recording for ever.
  @Test func lostAcknowledgementsAreSaidAgain() throws {
    var text = "time_s,current_A,voltage_V\n"
    for index in 0..<1_000 { text += "\(index),1,3\n" }
    var laboratory = try Laboratory(csv: text)
    try laboratory.introduce()
    laboratory.command(.begin(ReplayTests.charging(1, step: 2, after(999))))
    laboratory.run(seconds: 2_000) { $0.readings.count >= 60 }
    laboratory.isHostUnheard = true
    laboratory.run(seconds: 300) { $0.driver.hasAskedWhetherThere }
    #expect(laboratory.readings.count == Int(ReplayInstrument.window) - 1, "there it waits")
    laboratory.isHostUnheard = false
    laboratory.run(seconds: 2_000) { $0.driver.active == nil }
    #expect(laboratory.end(of: Self.token) == .cutOff(0))
    #expect(laboratory.readings.map(\.time.seconds) == (0..<1_000).map(Double.init))
    #expect(laboratory.faults.isEmpty)
  }

  @Test func aFileThatChangesIsNoticed() throws {
    let path = FileManager.default.temporaryDirectory.appending(path: "replay-\(UUID().uuidString).csv").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    var text = "time_s,current_A,voltage_V\n"
    for index in 0..<10_000 { text += "\(index),1,3.25\n" }
    try text.write(toFile: path, atomically: false, encoding: .utf8)
    var laboratory = Laboratory(try Recording(contentsOf: path), pace: .greatest)
    try laboratory.introduce()
    let spoilt = "time_s,current_A,voltage_V\n" + String(repeating: "?", count: text.utf8.count - 27)
    try spoilt.write(toFile: path, atomically: false, encoding: .utf8)
    guard case .failed(let fault)? = laboratory.play(ReplayTests.charging(1, above(3.25))) else {
      Issue.record("\(laboratory.events.suffix(4))")
      return
    }
    #expect(fault.detail.hasPrefix("the player cannot read its recording any further"))
  }

  // MARK: A stop from every state

  @Test(arguments: ["securing", "asking", "idle", "starting", "playing", "stopping", "over", "closed"])
  func openCircuitIsAnswered(state: String) throws {
    var laboratory = try Laboratory(csv: smallTest)
    switch state {
    case "closed": break
    case "securing": laboratory.open()
    case "asking":
      laboratory.isCut = true
      laboratory.open()
      laboratory.receive(WireTests.closed("900 S - 0") + "\n")
      #expect(laboratory.driver.stage == .asking)
      laboratory.isCut = false
    default:
      laboratory = try Self.charging()
      if state == "idle" { laboratory.play(resting(step: 9)) }
      if state == "over" { laboratory.run(seconds: 1_000) { $0.driver.active == nil } }
      if state == "stopping" { laboratory.command(.openCircuit) }
      if state == "starting" {
        laboratory.run(seconds: 1_000) { $0.driver.active == nil }
        laboratory.command(.begin(setpoint(.constantVoltage(Voltage(millivolts: 3_900)), [after(50)], step: 3)))
        #expect(laboratory.driver.stage == .starting)
      }
    }
    laboratory.command(.openCircuit)
    laboratory.run(seconds: 3)
    if state == "closed" {
      #expect(laboratory.events == [.circuit(channel: 0, .unknown)])
    } else {
      #expect(laboratory.driver.stage == (state == "asking" ? .asking : .idle) || laboratory.driver.stage == .idle)
      let last = laboratory.events.last {
        if case .circuit = $0 { true } else { false }
      }
      #expect(last == .circuit(channel: 0, .openConfirmed), "\(state)")
      #expect(!laboratory.player.isPlaying)
    }
  }

  /// The bytes that need no driver end whatever runs, also in the middle of a line.
  @Test func safeStopBytesStopThePlayer() throws {
    var laboratory = try Self.charging()
    #expect(laboratory.player.isPlaying)
    Array("P 7.9 char".utf8).withUnsafeBytes { laboratory.player.receive($0) }
    ReplayDriver.safeStopBytes.withUnsafeBytes { laboratory.player.receive($0) }
    #expect(!laboratory.player.isPlaying)
  }
}

/// Takes one line of a kind away.
///
/// Unchecked, and safe: it is asked by the test that made it, which runs host and player one after the other on one thread.
final class LineThief: @unchecked Sendable {
  private let letter: String
  private var left: Int

  init(_ letter: String, occurrence: Int) {
    self.letter = letter
    left = occurrence
  }

  @Sendable func steal(_ line: String) -> String {
    guard line.split(separator: " ").dropFirst().first.map(String.init) == letter else { return line }
    left -= 1
    return left == 0 ? "" : line
  }
}
