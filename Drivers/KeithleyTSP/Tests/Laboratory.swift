// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import FoundationEssentials
import InstrumentKit
import KeithleyTSPEmulator
import Quantities
import VirtualLab

@testable import KeithleyTSPDriver

/// Driver and emulator at the two ends of a line, in virtual time. What happens is recorded for replay.
struct Laboratory {
  var driver = KeithleyTSPDriver()
  var instrument: TSPInstrument
  var outputs = DriverOutputs()
  var entries: [DriverTranscript.Entry] = []
  var events: [DriverEvent] = []
  /// What was said, line by line: `>` by the driver, `<` by the instrument.
  var dialogue: [String] = []
  /// Everything that the driver wrote.
  var written = ""
  /// Everything that the instrument wrote.
  var heard = ""
  /// Of five lines to the host, one loses a byte, by a generator that begins with this; nil for a good line.
  var noise: UInt64?
  /// Beginnings of lines to the host, each of which swallows the next such line.
  var swallowed: [String] = []
  /// Whether the cable is out: nothing passes in either direction, and the driver does not run.
  var isCut = false
  /// Times in a row that the driver wanted to be woken at a moment that had come; more than a few never end.
  private(set) var mostIdleWakes = 0
  private var idleWakes = 0
  private var told = 0.0
  private var line: [UInt8] = []

  init(_ cells: (any VirtualCell, any VirtualCell)) { instrument = TSPInstrument(serial: "1234567", cells: cells) }

  static func cell(_ name: String) throws -> SodiumCell {
    var folder = URL(filePath: #filePath).deletingLastPathComponent()
    while !FileManager.default.fileExists(atPath: folder.appending(path: "Sources/VirtualLab").path),
      folder.path.count > 1
    {
      folder = folder.deletingLastPathComponent()
    }
    // The presets lie beside the shared rooms.
    let rooms = URL(filePath: folder.appending(path: "Sources/VirtualLab").path).resolvingSymlinksInPath()
    let json = rooms.deletingLastPathComponent().deletingLastPathComponent().appending(
      path: "VirtualCells/\(name).json")
    return try CellPreset(json: try Data(contentsOf: json)).makeCell()
  }

  /// Two hard-carbon half cells.
  static func cells() throws -> (any VirtualCell, any VirtualCell) {
    (try cell("hard-carbon"), try cell("hard-carbon"))
  }

  /// The host's clock: seconds of the instrument's life and a start.
  var now: HostInstant { HostInstant(microseconds: 1_000_000 + Int64((told * 1e6).rounded())) }

  // MARK: Inputs

  private mutating func give(_ input: DriverInput) {
    outputs.removeAll()
    driver.handle(input, at: now, into: &outputs)
    takeOutputs()
  }

  private mutating func takeOutputs() {
    events += outputs.events
    let text = String(decoding: outputs.writes, as: UTF8.self)
    written += text
    dialogue += text.replacing(InstrumentProgram.messages, with: "(the program)").split(separator: "\n").map {
      "> \($0)"
    }
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

  mutating func command(_ command: ChannelCommand, channel: Int = 0) {
    entries.append(.command(channel: channel, command))
    give(.command(channel: channel, command))
  }

  mutating func lose() {
    entries.append(.lost)
    give(.lost)
  }

  mutating func receive(_ bytes: [UInt8]) {
    entries.append(.received(bytes))
    outputs.removeAll()
    bytes.withUnsafeBytes { driver.handle(.bytes($0), at: now, into: &outputs) }
    takeOutputs()
  }

  /// Bytes of somebody else at the instrument.
  mutating func whisper(_ text: String) { Array(text.utf8).withUnsafeBytes { instrument.receive($0) } }

  // MARK: Time

  /// Lets time pass until something is true or so many seconds are over; whether it became true.
  @discardableResult
  mutating func pass(_ seconds: Double, until isTrue: (Laboratory) -> Bool = { _ in false }) -> Bool {
    let end = instrument.time + seconds
    while instrument.time < end {
      if isTrue(self) { return true }
      if isCut {
        passAlone(until: end)
        continue
      }
      let wake = outputs.wakeAt.map { Double($0.microseconds - 1_000_000) / 1e6 } ?? end
      let limit = min(end, max(wake, instrument.time))
      let pause = instrument.run(until: limit, output: &line, outputLimit: 1)
      if !line.isEmpty {
        tick()
        let bytes = spoiled(line)
        let text = String(decoding: line, as: UTF8.self)
        heard += text
        dialogue += text.split(separator: "\n").map { "< \($0)" }
        line = []
        receive(bytes)
      } else {
        if pause == .idle { instrument.rest(until: limit) }
        idleWakes = wake <= instrument.time ? idleWakes + 1 : 0
        mostIdleWakes = max(mostIdleWakes, idleWakes)
        // Not reached by rounding down.
        if limit == instrument.time, limit < end, wake <= limit { instrument.rest(until: limit + 1e-6) }
        tick()
      }
    }
    return isTrue(self)
  }

  private mutating func spoiled(_ bytes: [UInt8]) -> [UInt8] {
    if let index = swallowed.firstIndex(where: { bytes.starts(with: $0.utf8) }) {
      swallowed.remove(at: index)
      return []
    }
    guard let last = noise else { return bytes }
    let next = last &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    noise = next
    guard (next >> 33) % 5 == 0, bytes.count > 4 else { return bytes }
    var bytes = bytes
    bytes.remove(at: Int((next >> 40) % UInt64(bytes.count)))
    return bytes
  }

  /// The instrument without a host.
  private mutating func passAlone(until end: Double) {
    var unheard: [UInt8] = []
    if instrument.run(until: end, output: &unheard, outputLimit: 1_000_000) == .idle { instrument.rest(until: end) }
  }

  /// One whose driver knows who is there.
  static func identified(_ cells: (any VirtualCell, any VirtualCell)) -> Laboratory {
    var laboratory = Laboratory(cells)
    laboratory.open()
    laboratory.pass(20) { $0.identity != nil }
    return laboratory
  }

  /// Begins a set-point and lets it end, or so many seconds pass.
  mutating func run(_ setpoint: Setpoint, channel: Int = 0, atMost seconds: Double) {
    command(.begin(setpoint), channel: channel)
    pass(seconds) { $0.end(channel) != nil || $0.refusal(channel) != nil }
  }

  // MARK: What came of it

  var identity: InstrumentIdentity? {
    events.lazy.compactMap { if case .identified(let identity) = $0 { identity } else { nil } }.last
  }
  func readings(_ channel: Int = 0) -> [Reading] {
    events.compactMap { if case .reading(channel, let reading) = $0 { reading } else { nil } }
  }
  func end(_ channel: Int = 0) -> SetpointEnd? {
    events.lazy.compactMap { if case .ended(channel, _, let end) = $0 { end } else { nil } }.last
  }
  func refusal(_ channel: Int = 0) -> Fault? {
    events.lazy.compactMap { if case .refused(channel, _, let fault) = $0 { fault } else { nil } }.last
  }
  func holdBegan(_ channel: Int = 0) -> TimeSpan? {
    events.lazy.compactMap { if case .holdBegan(channel, let at) = $0 { at } else { nil } }.last
  }
  func closings(_ channel: Int = 0) -> Int {
    events.count { if case .circuitClosed(channel, _) = $0 { true } else { false } }
  }
  var faults: [FaultCode] {
    events.compactMap { event in
      switch event {
      case .fault(_, let fault), .ended(_, _, .failed(let fault)), .ended(_, _, .bound(let fault)): fault.code
      default: nil
      }
    }
  }
  func circuit(_ channel: Int = 0) -> CircuitState? {
    events.lazy.compactMap { if case .circuit(channel, let state) = $0 { state } else { nil } }.last
  }
  func hasBegun(_ channel: Int = 0) -> Bool {
    events.contains { if case .began(channel, _) = $0 { true } else { false } }
  }

  /// Coulombs of the present events' readings, as a host integrates them: closed circuit only, trapezoids, the ends
  /// with the nearest reading's current.
  func charge(_ channel: Int = 0) -> Double {
    var sum = 0.0
    var closedAt: TimeSpan?
    var last: Reading?
    for event in events {
      switch event {
      case .circuitClosed(channel, let at):
        closedAt = at
        last = nil
      case .reading(channel, let reading):
        let before = last ?? closedAt.map { Reading(time: $0, voltage: nil, current: reading.current) }
        if let before, let from = before.current, let to = reading.current {
          sum += (from.amperes + to.amperes) / 2 * (reading.time - before.time).seconds
        }
        last = reading
      case .circuitOpened(channel, let at):
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
    _ mode: Setpoint.Mode, until cutOffs: [CutOff], bounds: Bounds = bounds,
    interval: TimeSpan = TimeSpan(seconds: 1), lease: TimeSpan = TimeSpan(seconds: 60), stepCount: Int32 = 1
  ) -> Setpoint {
    Setpoint(
      token: SetpointToken(run: 1, stepCount: stepCount), mode: mode, cutOffs: cutOffs, bounds: bounds,
      readingInterval: interval, rangeCurrent: Current(picoamperes: 400_000_000), lease: lease)
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

  /// The end of a hold by its current.
  static func tail(_ microamperes: Int64) -> CutOff {
    CutOff(
      quantity: .currentMagnitude, comparison: .atMost, threshold: microamperes * 1_000_000, onlyInHold: true)
  }

  static func microamperes(_ count: Int64) -> Current { Current(picoamperes: count * 1_000_000) }
}
