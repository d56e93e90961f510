// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A driver and an emulated instrument on one desk, in virtual time. What passes between them is kept as a transcript.

import BatlabEmulator
import CyclerModel
import Foundation
import InstrumentKit
import Quantities
import VirtualLab

@testable import BatlabDriver

struct Laboratory {
  var driver = BatlabDriver()
  var instrument: BatlabInstrument
  var entries: [DriverTranscript.Entry] = []
  var events: [DriverEvent] = []
  /// What the host wrote, in order.
  var writes: [UInt8] = []
  /// The host writes and nothing arrives.
  var isCut = false
  private var wakeAt: HostInstant?
  /// Microseconds that the instrument was on when the port was opened.
  private static let head: Int64 = 1_000_000
  private var lastTick = HostInstant(microseconds: 1_000_000)

  init(_ instrument: BatlabInstrument) {
    self.instrument = instrument
    self.instrument.rest(until: Double(Self.head) / 1e6)
  }

  /// The host's clock; it counts as the instrument's does.
  var now: HostInstant {
    HostInstant(microseconds: Int64((instrument.time * 1e6).rounded()))
  }

  /// One with an Ah cell in each named channel, brought to some 3 V.
  static func withCells(_ count: Int = 1, gain: Double = 1, ampereSeconds: Double = 900) throws -> Laboratory {
    let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let preset = try CellPreset(
      json: Data(contentsOf: repository.appending(path: "VirtualCells/anode-free-cylindrical.json")))
    let cells: [(any VirtualCell)?] = (0..<count).map { _ in
      var cell = preset.makeCell()
      cell.advance(seconds: ampereSeconds, drive: .current(1))
      cell.advance(seconds: 3_600, drive: .open)
      return cell
    }
    return Laboratory(BatlabInstrument(serial: 70_001, cells: cells, currentGain: gain))
  }

  private mutating func take(_ input: DriverInput) {
    var outputs = DriverOutputs()
    driver.handle(input, at: now, into: &outputs)
    wakeAt = outputs.wakeAt
    events.append(contentsOf: outputs.events)
    writes.append(contentsOf: outputs.writes)
    if !outputs.writes.isEmpty, !isCut { outputs.writes.withUnsafeBytes { instrument.receive($0) } }
  }

  private mutating func syncTick() {
    if now > lastTick {
      entries.append(.tick(after: now - lastTick))
      lastTick = now
      take(.tick)
    }
  }

  mutating func open() {
    entries.append(.opened)
    take(.opened)
  }

  mutating func lose() {
    syncTick()
    entries.append(.lost)
    take(.lost)
  }

  mutating func command(_ command: ChannelCommand, channel: Int = 0) {
    syncTick()
    entries.append(.command(channel: channel, command))
    take(.command(channel: channel, command))
  }

  /// Lets time pass until `isOver`, or for so many seconds; whether it was over.
  @discardableResult
  mutating func run(seconds: Double, until isOver: ([DriverEvent]) -> Bool = { _ in false }) -> Bool {
    let end = instrument.time + seconds
    while instrument.time < end - 1e-9 {
      if isOver(events) { return true }
      step(to: end)
    }
    return isOver(events)
  }

  private mutating func step(to end: Double) {
    let wake = wakeAt.map { Double($0.microseconds) / 1e6 } ?? end
    let limit = min(end, max(wake, instrument.time + 0.000_1))
    var output: [UInt8] = []
    switch instrument.run(until: limit, output: &output, outputLimit: 1) {
    case .idle: instrument.rest(until: limit)
    case .reachedLimit, .outputFull, .hostDeadline: break
    }
    if isCut { output.removeAll() }
    if !output.isEmpty || wakeAt.map({ $0 <= now }) == true { syncTick() }
    guard !output.isEmpty else { return }
    entries.append(.received(output))
    output.withUnsafeBytes { take(.bytes($0)) }
  }

  /// Opens the port and lets the instrument say who it is.
  mutating func introduce() throws {
    open()
    guard run(seconds: 3, until: { $0.contains { if case .identified = $0 { true } else { false } } }) else {
      throw Fault(.linkIdentity, "nobody was identified: \(events)")
    }
  }

  func readings(channel: Int = 0) -> [Reading] {
    events.compactMap { event in
      if case .reading(channel, let reading) = event { return reading }
      return nil
    }
  }

  func end(channel: Int = 0) -> SetpointEnd? {
    for event in events.reversed() {
      if case .ended(channel, _, let end) = event { return end }
    }
    return nil
  }

  func refusal(channel: Int = 0) -> Fault? {
    for event in events.reversed() {
      if case .refused(channel, _, let fault) = event { return fault }
    }
    return nil
  }

  func circuitTimes(channel: Int = 0) -> (closed: TimeSpan, opened: TimeSpan)? {
    var closed: TimeSpan?
    var opened: TimeSpan?
    for event in events {
      if case .circuitClosed(channel, let at) = event { closed = at }
      if case .circuitOpened(channel, let at) = event { opened = at }
    }
    if let closed, let opened { return (closed, opened) }
    return nil
  }

  /// Coulombs by the trapezoid over the readings, with the first and last held to the edges of the closed circuit.
  func chargeFromReadings(channel: Int = 0) -> Double? {
    guard let times = circuitTimes(channel: channel) else { return nil }
    let points = readings(channel: channel).compactMap { reading in
      reading.current.map { (reading.time.seconds, $0.amperes) }
    }
    guard let first = points.first, let last = points.last else { return nil }
    var charge = (first.0 - times.closed.seconds) * first.1 + (times.opened.seconds - last.0) * last.1
    for (left, right) in zip(points, points.dropFirst()) { charge += (right.0 - left.0) * (left.1 + right.1) / 2 }
    return charge
  }

  /// Coulombs through the terminals, positive charging.
  func trueCharge(channel: Int = 0) -> Double {
    let truth = instrument.cellTruth(channel: channel)
    return (truth.closed + (truth.open.map { [$0] } ?? [])).reduce(0) { $0 + Double($1.direction) * $1.terminalCharge }
  }
}

/// A set-point for the tests.
func setpoint(
  amperes: Double?, cutOffs: [CutOff] = [], lower: Int64 = 2_000, upper: Int64 = 3_900, seconds: Int64 = 600,
  lease: Int64 = 20, step: Int32 = 1
) -> Setpoint {
  let mode = amperes.map { Setpoint.Mode.constantCurrent(Current(amperes: $0)) } ?? .openCircuit
  return Setpoint(
    token: SetpointToken(run: 7, stepCount: step), mode: mode, cutOffs: cutOffs,
    bounds: Bounds(
      lowerVoltage: Voltage(millivolts: lower), upperVoltage: Voltage(millivolts: upper),
      currentMagnitude: Current(amperes: 1.5), duration: TimeSpan(seconds: seconds)),
    readingInterval: TimeSpan(seconds: 1), rangeCurrent: Current(amperes: 1), lease: TimeSpan(seconds: lease))
}

func after(seconds: Int64) -> CutOff {
  CutOff(quantity: .time, comparison: .atLeast, threshold: seconds * 1_000_000, onlyInHold: false)
}
