// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A driver and an emulated instrument on one desk, in virtual time. What passes between them is kept as a transcript.

import CyclerModel
import Foundation
import InstrumentKit
import Quantities
import VirtualLab
import ZKEtechEBCDriver
import ZKEtechEBCEmulator

struct Laboratory {
  var driver = ZKEtechEBCDriver()
  var instrument: EBCInstrument
  var entries: [DriverTranscript.Entry] = []
  var events: [DriverEvent] = []
  /// What the host wrote, in order.
  var writes: [UInt8] = []
  /// How the last set-point ended, if it did.
  private(set) var end: SetpointEnd?
  /// Why the last set-point was refused, if it was.
  private(set) var refusal: Fault?
  private var wakeAt: HostInstant?
  /// Microseconds that the instrument was on when the port was opened.
  private static let head: Int64 = 1_000_000
  private var lastTick = HostInstant(microseconds: 1_000_000)

  init(_ instrument: EBCInstrument) {
    self.instrument = instrument
    self.instrument.rest(until: Double(Self.head) / 1e6)
  }

  /// One with an Ah cell, charged with so many coulombs and rested.
  static func withCell(
    _ model: TesterModel = .a20, gain: Double = 1, coulombs: Double = 900
  ) throws -> Laboratory {
    Laboratory(EBCInstrument(model, cell: try cell(coulombs: coulombs), currentGain: gain))
  }

  static func cell(coulombs: Double = 900) throws -> SodiumCell {
    let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let preset = try CellPreset(
      json: Data(contentsOf: repository.appending(path: "VirtualCells/anode-free-cylindrical.json")))
    var cell = preset.makeCell()
    cell.advance(seconds: coulombs, drive: .current(1))
    cell.advance(seconds: 3_600, drive: .open)
    return cell
  }

  /// The host's clock; it counts as the instrument's does.
  var now: HostInstant { HostInstant(microseconds: Int64((instrument.time * 1e6).rounded())) }

  // MARK: Inputs

  private mutating func take(_ input: DriverInput) {
    var outputs = DriverOutputs()
    driver.handle(input, at: now, into: &outputs)
    wakeAt = outputs.wakeAt
    events.append(contentsOf: outputs.events)
    for event in outputs.events { note(event) }
    writes.append(contentsOf: outputs.writes)
    if !outputs.writes.isEmpty { outputs.writes.withUnsafeBytes { instrument.receive($0) } }
  }

  private mutating func note(_ event: DriverEvent) {
    if case .ended(0, _, let end) = event { self.end = end }
    if case .refused(_, _, let fault) = event { refusal = fault }
  }

  private mutating func syncTick() {
    guard now > lastTick else { return }
    entries.append(.tick(after: now - lastTick))
    lastTick = now
    take(.tick)
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

  /// Bytes that no instrument sent.
  mutating func hear(_ bytes: [UInt8]) {
    syncTick()
    entries.append(.received(bytes))
    bytes.withUnsafeBytes { take(.bytes($0)) }
  }

  // MARK: Time

  /// Lets time pass until `isOver`, or for so many seconds; whether it was over.
  @discardableResult
  mutating func run(seconds: Double, until isOver: (Laboratory) -> Bool = { _ in false }) -> Bool {
    let end = instrument.time + seconds
    while instrument.time < end - 1e-9 {
      if isOver(self) { return true }
      step(to: end)
    }
    return isOver(self)
  }

  private mutating func step(to end: Double) {
    let wake = wakeAt.map { Double($0.microseconds) / 1e6 } ?? end
    let limit = min(end, max(wake, instrument.time + 0.000_1))
    var output: [UInt8] = []
    switch instrument.run(until: limit, output: &output, outputLimit: 1) {
    case .idle: instrument.rest(until: limit)
    case .reachedLimit, .outputFull, .hostDeadline: break
    }
    if !output.isEmpty || wakeAt.map({ $0 <= now }) == true { syncTick() }
    guard !output.isEmpty else { return }
    entries.append(.received(output))
    output.withUnsafeBytes { take(.bytes($0)) }
  }

  /// Opens the port and waits until the instrument is known.
  mutating func introduce() throws {
    open()
    guard run(seconds: 10, until: { $0.identity != nil }) else {
      throw Fault(.linkIdentity, "nobody was identified: \(events)")
    }
  }

  /// Runs a set-point to its end and returns that.
  mutating func drive(_ setpoint: Setpoint, atMost seconds: Double) -> SetpointEnd? {
    events.removeAll()
    end = nil
    refusal = nil
    command(.begin(setpoint))
    run(seconds: seconds) { $0.end != nil || $0.refusal != nil }
    return end
  }

  // MARK: What came of it

  var identity: InstrumentIdentity? {
    for event in events { if case .identified(let identity) = event { return identity } }
    return nil
  }

  var readings: [Reading] {
    events.compactMap { event in
      if case .reading(0, let reading) = event { return reading }
      return nil
    }
  }

  var failure: Fault? {
    if case .failed(let fault)? = end { return fault }
    return nil
  }

  var circuit: CircuitState? {
    for event in events.reversed() { if case .circuit(0, let state) = event { return state } }
    return nil
  }

  var holdBegan: TimeSpan? {
    for event in events { if case .holdBegan(0, let at) = event { return at } }
    return nil
  }

  var isMarkLost: Bool { events.contains { if case .circuitMarkLost = $0 { true } else { false } } }

  func faults(_ code: FaultCode) -> Int {
    events.count { if case .fault(_, let fault) = $0 { fault.code == code } else { false } }
  }

  /// Coulombs by the trapezoid over the readings, with the first and last held to the edges of the closed circuit.
  var countedCharge: Double? {
    var closed: TimeSpan?
    var opened: TimeSpan?
    for event in events {
      if case .circuitClosed(0, let at) = event { closed = at }
      if case .circuitOpened(0, let at) = event { opened = at }
    }
    let points = readings.compactMap { reading in reading.current.map { (reading.time.seconds, $0.amperes) } }
    guard let closed, let opened, let first = points.first, let last = points.last else { return nil }
    var charge = (first.0 - closed.seconds) * first.1 + (opened.seconds - last.0) * last.1
    for (left, right) in zip(points, points.dropFirst()) { charge += (right.0 - left.0) * (left.1 + right.1) / 2 }
    return charge
  }
}
