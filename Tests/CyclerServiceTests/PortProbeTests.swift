// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CNacycler
import CyclerModel
import Foundation
import Glibc
import InstrumentIO
import InstrumentKit
import Quantities
import Synchronization
import Testing

@testable import CyclerService

/// Understands whoever is there and drives nobody; at a line of either parity.
private struct ChoosyDriver: InstrumentDriver {
  static let descriptor = InstrumentDescriptor(
    family: "choosy", baudRate: 9_600, parities: [.odd, .even], matches: [], maturity: .emulatedOnly)
  static let safeStopBytes = Array("stop\n".utf8)
  var damagedMessages: Int { 0 }
  static let refusal = Fault(.linkIdentity, "model 7 is none that the driver knows")
  static func capabilities(ofModel name: String) -> InstrumentCapabilities? { nil }

  mutating func handle(_ input: DriverInput, at now: HostInstant, into outputs: inout DriverOutputs) {
    if case .opened = input { outputs.events.append(.fault(channel: nil, Self.refusal)) }
  }
}

/// Hears nobody.
private struct DeafDriver: InstrumentDriver {
  static let descriptor = InstrumentDescriptor(family: "deaf", baudRate: 9_600, matches: [], maturity: .emulatedOnly)
  static let safeStopBytes = Array("stop\n".utf8)
  var damagedMessages: Int { 0 }
  static func capabilities(ofModel name: String) -> InstrumentCapabilities? { nil }

  mutating func handle(_ input: DriverInput, at now: HostInstant, into outputs: inout DriverOutputs) {
    if case .opened = input { outputs.events.append(.fault(channel: nil, Fault(.linkTimeout, "no answer"))) }
  }
}

/// Knows everybody.
private struct KindDriver: InstrumentDriver {
  static let descriptor = InstrumentDescriptor(family: "kind", baudRate: 9_600, matches: [], maturity: .emulatedOnly)
  static let safeStopBytes = Array("stop\n".utf8)
  var damagedMessages: Int { 0 }
  static let identity = InstrumentIdentity(
    family: "kind", model: "K", serial: "1", firmware: "", capabilities: .observer(of: [.temperature]))
  static func capabilities(ofModel name: String) -> InstrumentCapabilities? { nil }

  mutating func handle(_ input: DriverInput, at now: HostInstant, into outputs: inout DriverOutputs) {
    if case .opened = input { outputs.events.append(.identified(Self.identity)) }
  }
}

/// A person asks at a line, family after family.
@Suite struct PortProbeTests {
  /// A pseudo-terminal.
  private final class Line {
    private(set) var bench: CInt = -1
    private(set) var host: CInt = -1
    let path: String

    init() throws {
      var name = [CChar](repeating: 0, count: 64)
      try #require(nacycler_pty_open(&bench, &host, &name, CInt(name.count)) == 0)
      path = name.withUnsafeBytes { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    deinit {
      close(bench)
      close(host)
    }
  }

  @Test func whoIsUnderstoodAndNotDrivenIsToldWithTheReason() throws {
    let line = try Line()
    let probe = PortProbe(path: line.path, families: [ChoosyDriver.self, DeafDriver.self]) { false }
    guard case .nobody(let asked, let refusals) = probe.run() else { throw Surprise() }
    #expect(asked == ["choosy", "deaf"])
    // Once, although its lines have two parities.
    #expect(refusals == [PortProbe.Refusal(family: "choosy", fault: ChoosyDriver.refusal)])
  }

  @Test func whatOneFamilyDoesNotDriveAnotherMay() throws {
    let line = try Line()
    let probe = PortProbe(path: line.path, families: [ChoosyDriver.self, KindDriver.self, DeafDriver.self]) { false }
    guard case .instrument(let identity, let asked) = probe.run() else { throw Surprise() }
    #expect(identity == KindDriver.identity && asked == ["choosy", "kind"])
  }

  @Test func theAskingEndsWhenNobodyWaitsForTheAnswer() throws {
    let line = try Line()
    let asks = Counter()
    // Asked before a family and at each turn of its wait; the one who waits goes at the first turn.
    let probe = PortProbe(path: line.path, families: [SilentDriver.self, KindDriver.self]) { asks.next() > 1 }
    let begun = ContinuousClock.now
    guard case .stopped = probe.run() else { throw Surprise() }
    #expect(ContinuousClock.now - begun < .seconds(4), "half the patience with a family that is silent")
  }

  private final class Counter: Sendable {
    private let count = Atomic(0)
    func next() -> Int { count.add(1, ordering: .relaxed).newValue }
  }

  private struct Surprise: Error {}
}
