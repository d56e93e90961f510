// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import FoundationEssentials
import InstrumentKit
import KeithleySCPIDriver
import KeithleySCPIEmulator
import Quantities
import VirtualLab

/// Driver and emulator at the two ends of a line, in virtual time. What happens is recorded for replay.
struct Laboratory {
  var driver = KeithleySCPIDriver()
  var instrument: KeithleyInstrument
  var outputs = DriverOutputs()
  var entries: [DriverTranscript.Entry] = []
  var events: [DriverEvent] = []
  /// Everything that the driver wrote.
  var written = ""
  /// The same, call by call.
  var calls: [String] = []
  /// Changes what the line carries to the host; with the answer comes how many there were before.
  var spoil: (@Sendable ([UInt8], Int) -> [UInt8])?
  private var answers = 0
  private var told = 0.0
  private var line: [UInt8] = []

  init(_ model: KeithleyInstrument.Model = .model2400, cell: any VirtualCell) {
    instrument = KeithleyInstrument(model, serial: "1234567", cell: cell)
  }

  /// The models with a touch screen, which speak the newer SCPI.
  static let interactive: [KeithleyInstrument.Model] = [.model2450, .model2460]

  static func cell(_ name: String) throws -> SodiumCell {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    // The presets lie beside the shared rooms.
    let rooms = URL(filePath: folder.appending(path: "Sources/VirtualLab").path).resolvingSymlinksInPath()
    let json = rooms.deletingLastPathComponent().deletingLastPathComponent().appending(
      path: "VirtualCells/\(name).json")
    return try CellPreset(json: try Data(contentsOf: json)).makeCell()
  }

  /// The host's clock: seconds of the instrument's life and a start.
  var now: HostInstant { HostInstant(microseconds: 1_000_000 + Int64((told * 1e6).rounded())) }

  // MARK: Inputs

  private mutating func give(_ input: DriverInput) {
    outputs.removeAll()
    driver.handle(input, at: now, into: &outputs)
    carryOut()
  }

  private mutating func carryOut() {
    events += outputs.events
    let text = String(decoding: outputs.writes, as: UTF8.self)
    written += text
    if !text.isEmpty { calls.append(text) }
    outputs.writes.withUnsafeBytes { instrument.receive($0) }
  }

  /// Brings the driver's clock to the instrument's, in whole microseconds.
  private mutating func tick() {
    let before = now
    told = instrument.time
    entries.append(.tick(after: now - before))
    give(.tick)
  }

  mutating func open() {
    entries.append(.opened)
    give(.opened)
  }

  mutating func command(_ command: ChannelCommand) {
    entries.append(.command(channel: 0, command))
    give(.command(channel: 0, command))
  }

  mutating func lose() {
    entries.append(.lost)
    give(.lost)
  }

  /// Somebody else says a line to the instrument; its answer goes to him.
  mutating func sayAside(_ line: String) {
    var answer: [UInt8] = []
    Array((line + "\n").utf8).withUnsafeBytes { instrument.receive($0) }
    while instrument.run(until: instrument.time + 0.1, output: &answer, outputLimit: 10_000) != .idle {}
  }

  mutating func receive(_ bytes: [UInt8]) {
    entries.append(.received(bytes))
    outputs.removeAll()
    bytes.withUnsafeBytes { driver.handle(.bytes($0), at: now, into: &outputs) }
    carryOut()
  }

  // MARK: Time

  /// Lets time pass until something is true or so many seconds are over; whether it became true.
  @discardableResult
  mutating func pass(_ seconds: Double, until isTrue: (Laboratory) -> Bool = { _ in false }) -> Bool {
    let end = instrument.time + seconds
    while instrument.time < end {
      if isTrue(self) { return true }
      let wake = outputs.wakeAt.map { Double($0.microseconds - 1_000_000) / 1e6 } ?? end
      let limit = min(end, max(wake, instrument.time))
      let pause = instrument.run(until: limit, output: &line, outputLimit: 1)
      if !line.isEmpty {
        tick()
        let bytes = spoil.map { $0(line, answers) } ?? line
        answers += 1
        line = []
        receive(bytes)
      } else {
        if pause == .idle { instrument.rest(until: limit) }
        // Not reached by rounding down.
        if limit == instrument.time, limit < end, wake <= limit { instrument.rest(until: limit + 1e-6) }
        tick()
      }
    }
    return isTrue(self)
  }

  /// One whose driver knows who is there.
  static func identified(
    _ cell: any VirtualCell, _ model: KeithleyInstrument.Model = .model2400
  ) -> Laboratory {
    var laboratory = Laboratory(model, cell: cell)
    laboratory.open()
    laboratory.pass(10) { $0.identity != nil }
    return laboratory
  }

  /// Begins a set-point and lets it end, or so many seconds pass.
  mutating func run(_ setpoint: Setpoint, atMost seconds: Double) {
    command(.begin(setpoint))
    pass(seconds) { $0.end != nil || $0.refusal != nil }
  }

  // MARK: What came of it

  var identity: InstrumentIdentity? {
    events.lazy.compactMap { if case .identified(let identity) = $0 { identity } else { nil } }.last
  }
  var readings: [Reading] { events.compactMap { if case .reading(_, let reading) = $0 { reading } else { nil } } }
  var end: SetpointEnd? { events.lazy.compactMap { if case .ended(_, _, let end) = $0 { end } else { nil } }.last }
  var refusal: Fault? {
    events.lazy.compactMap { if case .refused(_, _, let fault) = $0 { fault } else { nil } }.last
  }
  var holdBegan: TimeSpan? { events.lazy.compactMap { if case .holdBegan(_, let at) = $0 { at } else { nil } }.last }
  var faults: [FaultCode] {
    events.compactMap { event in
      switch event {
      case .fault(_, let fault), .ended(_, _, .failed(let fault)), .ended(_, _, .bound(let fault)): fault.code
      default: nil
      }
    }
  }
  /// What the faults that are not ends say.
  var faultDetails: [String] {
    events.compactMap { if case .fault(_, let fault) = $0 { fault.detail } else { nil } }
  }
  var circuit: CircuitState? {
    events.lazy.compactMap { if case .circuit(_, let state) = $0 { state } else { nil } }.last
  }
  /// The lines that the driver wrote, without empty ones.
  var lines: [String] { written.split(separator: "\n").map(String.init) }
  /// How often the circuit was closed.
  var closings: Int { events.count { if case .circuitClosed = $0 { true } else { false } } }
  /// Whether a moment is said to be unknown.
  var hasLostMark: Bool { events.contains { if case .circuitMarkLost = $0 { true } else { false } } }
  var hasBegun: Bool { events.contains { if case .began = $0 { true } else { false } } }

  /// Coulombs of the present events' readings, as a host integrates them: closed circuit only, trapezoids, the ends
  /// with the nearest reading's current.
  var charge: Double {
    var sum = 0.0
    var closedAt: TimeSpan?
    var last: Reading?
    for event in events {
      switch event {
      case .circuitClosed(_, let at):
        closedAt = at
        last = nil
      case .reading(_, let reading):
        let before = last ?? closedAt.map { Reading(time: $0, voltage: nil, current: reading.current) }
        if let before, let from = before.current, let to = reading.current {
          sum += (from.amperes + to.amperes) / 2 * (reading.time - before.time).seconds
        }
        last = reading
      case .circuitOpened(_, let at):
        if let last, let current = last.current { sum += current.amperes * (at - last.time).seconds }
        closedAt = nil
        last = nil
      default: continue
      }
    }
    return sum
  }

  func transcript(_ name: String) -> DriverTranscript { DriverTranscript(name: name, entries: entries) }

  // MARK: Set-points

  static func setpoint(
    _ mode: Setpoint.Mode, until cutOffs: [CutOff], bounds: Bounds, interval: TimeSpan = TimeSpan(seconds: 1)
  ) -> Setpoint {
    Setpoint(
      token: SetpointToken(run: 1, stepCount: 1), mode: mode, cutOffs: cutOffs, bounds: bounds,
      readingInterval: interval, rangeCurrent: Current(picoamperes: 400_000_000), lease: TimeSpan(seconds: 60))
  }

  /// Bounds of a half cell.
  static let bounds = Bounds(
    lowerVoltage: Voltage(millivolts: -50), upperVoltage: Voltage(millivolts: 2_900),
    currentMagnitude: Current(picoamperes: 800_000_000), duration: TimeSpan(seconds: 40_000))

  static func voltage(_ comparison: Comparison, _ millivolts: Int64) -> CutOff {
    CutOff(quantity: .voltage, comparison: comparison, threshold: millivolts * 1_000_000, onlyInHold: false)
  }

  static func time(_ seconds: Int64) -> CutOff {
    CutOff(quantity: .time, comparison: .atLeast, threshold: seconds * 1_000_000, onlyInHold: false)
  }

  static func microamperes(_ count: Int64) -> Current { Current(picoamperes: count * 1_000_000) }
}
