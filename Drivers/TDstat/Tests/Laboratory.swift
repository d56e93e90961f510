// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A driver and an emulated instrument at the two ends of a cable, in virtual time. What one call of the driver writes is one
// packet, and what the instrument answers comes as one piece, as over USB.

import CyclerModel
import FoundationEssentials
import InstrumentKit
import Quantities
import TDstatEmulator
import VirtualLab

@testable import TDstatDriver

struct Laboratory {
  var driver = TDstatDriver()
  var instrument: TDstatInstrument
  var entries: [DriverTranscript.Entry] = []
  var events: [DriverEvent] = []
  /// What the host wrote, packet by packet, and what it was answered.
  var packets: [[UInt8]] = []
  var answers: [[UInt8]] = []
  /// Whether what passes is kept; long courses are not.
  var isRecording = true
  /// Nothing passes any more, in either direction.
  var isCut = false
  /// A line of bytes in place of the cable: packets of the host come in two pieces, answers byte by byte, two milliseconds
  /// apart.
  var isTrickling = false
  /// Changes what the cable carries to the host.
  var spoil: (@Sendable ([UInt8]) -> [UInt8])?
  private(set) var identity: InstrumentIdentity?
  private(set) var end: SetpointEnd?
  private(set) var refusal: Fault?
  private(set) var circuit: CircuitState?
  private var wakeAt: HostInstant?
  private var lastTick = HostInstant(microseconds: start)
  private static let start: Int64 = 1_000_000

  init(_ instrument: TDstatInstrument) { self.instrument = instrument }

  /// The host's clock, in step with the instrument's life.
  var now: HostInstant { HostInstant(microseconds: Self.start + Int64((instrument.time * 1e6).rounded())) }

  /// A cell of a shipped preset, `charged` by so many coulombs and rested for an hour.
  static func cell(_ name: String = "hard-carbon", charged coulombs: Double = 0) throws -> SodiumCell {
    var folder = URL(filePath: #filePath).deletingLastPathComponent()
    let place = "VirtualCells/\(name).json"
    while !FileManager.default.fileExists(atPath: folder.appending(path: place).path), folder.path != "/" {
      folder.deleteLastPathComponent()
    }
    var cell = try CellPreset(json: Data(contentsOf: folder.appending(path: place))).makeCell()
    if coulombs != 0 {
      cell.advance(seconds: coulombs.magnitude / 1e-4, drive: .current(coulombs > 0 ? 1e-4 : -1e-4))
      cell.advance(seconds: 3_600, drive: .open)
    }
    return cell
  }

  /// One with a half-discharged hard-carbon cell and a driver that knows who is there.
  static func identified(_ board: TDstatBoard = TDstatBoard(), cell: (any VirtualCell)? = nil) throws -> Laboratory {
    var laboratory = Laboratory(TDstatInstrument(board: board, cell: try cell ?? Self.cell(charged: -0.5)))
    try laboratory.introduce()
    return laboratory
  }

  // MARK: Inputs

  private mutating func take(_ input: DriverInput) {
    var outputs = DriverOutputs()
    driver.handle(input, at: now, into: &outputs)
    wakeAt = outputs.wakeAt
    events.append(contentsOf: outputs.events)
    for event in outputs.events { note(event) }
    guard !outputs.writes.isEmpty else { return }
    if isRecording { packets.append(outputs.writes) }
    guard !isCut else { return }
    let half = isTrickling ? outputs.writes.count / 2 : 0
    for piece in [outputs.writes[..<half], outputs.writes[half...]] {
      piece.withUnsafeBytes { instrument.receive($0) }
    }
  }

  private mutating func note(_ event: DriverEvent) {
    switch event {
    case .identified(let identity): self.identity = identity
    case .ended(_, _, let end): self.end = end
    case .refused(_, _, let refusal): self.refusal = refusal
    case .circuit(_, let circuit): self.circuit = circuit
    default: break
    }
  }

  private mutating func record(_ entry: DriverTranscript.Entry) { if isRecording { entries.append(entry) } }

  /// What was said so far counts no more; who is there does.
  mutating func forget() {
    events = []
    packets = []
    answers = []
    end = nil
    refusal = nil
    circuit = nil
  }

  private mutating func tick() {
    guard now > lastTick else { return }
    record(.tick(after: now - lastTick))
    lastTick = now
    take(.tick)
  }

  mutating func open() {
    tick()
    identity = nil
    record(.opened)
    take(.opened)
  }

  mutating func lose() {
    tick()
    record(.lost)
    take(.lost)
  }

  mutating func command(_ command: ChannelCommand, channel: Int = 0) {
    tick()
    record(.command(channel: channel, command))
    take(.command(channel: channel, command))
  }

  mutating func receive(_ bytes: [UInt8]) {
    record(.received(bytes))
    if isRecording { answers.append(bytes) }
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
    let wake = wakeAt.map { Double($0.microseconds - Self.start) / 1e6 } ?? end
    let limit = min(end, max(wake, instrument.time + 0.000_1))
    var output: [UInt8] = []
    if instrument.run(until: limit, output: &output, outputLimit: 1) == .idle { instrument.rest(until: limit) }
    if isCut { output.removeAll() }
    if let spoil, !output.isEmpty { output = spoil(output) }
    if !output.isEmpty || wakeAt.map({ $0 <= now }) == true { tick() }
    guard isTrickling else {
      if !output.isEmpty { receive(output) }
      return
    }
    for byte in output {
      receive([byte])
      instrument.rest(until: instrument.time + 0.002)
      tick()
    }
  }

  /// Opens the port and lets the instrument say who it is.
  mutating func introduce() throws {
    open()
    guard run(seconds: 5, until: { $0.identity != nil }) else {
      throw Fault(.linkIdentity, "nobody was identified: \(events)")
    }
  }

  /// Begins a set-point and lets it end, or so many seconds pass.
  mutating func run(_ setpoint: Setpoint, atMost seconds: Double) {
    forget()
    command(.begin(setpoint))
    run(seconds: seconds) { $0.end != nil || $0.refusal != nil }
  }

  func transcript(_ name: String) -> DriverTranscript { DriverTranscript(name: name, entries: entries) }

  // MARK: What came of it

  var readings: [Reading] { events.compactMap { if case .reading(_, let reading) = $0 { reading } else { nil } } }
  var faults: [FaultCode] {
    events.compactMap { event in
      switch event {
      case .fault(_, let fault), .ended(_, _, .failed(let fault)), .ended(_, _, .bound(let fault)): fault.code
      default: nil
      }
    }
  }
  var holdBeganAt: Double? {
    events.lazy.compactMap { if case .holdBegan(_, let at) = $0 { at.seconds } else { nil } }.last
  }
  var hasLostMark: Bool { events.contains { if case .circuitMarkLost = $0 { true } else { false } } }
  /// The packets as text; bytes that are none as dots.
  var words: [String] {
    packets.map { packet in
      String(decoding: packet.map { (0x20..<0x7F).contains($0) ? $0 : UInt8(ascii: ".") }, as: UTF8.self)
    }
  }

  /// The stretches of time in which the circuit was closed.
  var closed: [ClosedRange<Double>] {
    var stretches: [ClosedRange<Double>] = []
    var from: Double?
    for event in events {
      if case .circuitClosed(_, let at) = event { from = at.seconds }
      if case .circuitOpened(_, let at) = event, let begin = from {
        stretches.append(begin...at.seconds)
        from = nil
      }
    }
    return stretches
  }

  /// Coulombs as a host integrates them: trapezoids within each closed stretch, the ends with the nearest reading's current.
  var measuredCharge: Double {
    let points = readings.compactMap { reading in
      reading.current.map { (time: reading.time.seconds, amperes: $0.amperes) }
    }
    return closed.reduce(0) { sum, stretch in
      let inside = points.filter { stretch.contains($0.time) }
      guard let first = inside.first, let last = inside.last else { return sum }
      var charge =
        (first.time - stretch.lowerBound) * first.amperes + (stretch.upperBound - last.time) * last.amperes
      for (left, right) in zip(inside, inside.dropFirst()) {
        charge += (right.time - left.time) * (left.amperes + right.amperes) / 2
      }
      return sum + charge
    }
  }

  /// Coulombs through the terminals, positive charging.
  var trueCharge: Double { instrument.cell.terminalCharge }
  /// Volts of the cell at its open circuit.
  var trueVoltage: Double { instrument.cell.voltage(under: .open) }
}

extension SetpointEnd {
  /// What was wrong; nil where nothing was.
  var fault: Fault? {
    switch self {
    case .failed(let fault), .bound(let fault): fault
    case .cutOff, .leaseExpired, .requested: nil
    }
  }
}

/// A set-point for the tests.
func setpoint(
  _ mode: Setpoint.Mode, until cutOffs: [CutOff] = [], range microamperes: Double = 2_000, atMost bound: Double? = nil,
  every milliseconds: Int64 = 1_000, seconds: Int64 = 36_000, lower: Int64 = -500, upper: Int64 = 4_500
) -> Setpoint {
  Setpoint(
    token: SetpointToken(run: 7, stepCount: 1), mode: mode, cutOffs: cutOffs,
    bounds: Bounds(
      lowerVoltage: Voltage(millivolts: lower), upperVoltage: Voltage(millivolts: upper),
      currentMagnitude: Current(amperes: (bound ?? microamperes * 2) * 1e-6), duration: TimeSpan(seconds: seconds)),
    readingInterval: TimeSpan(milliseconds: milliseconds), rangeCurrent: Current(amperes: microamperes * 1e-6),
    lease: TimeSpan(seconds: 60))
}

func after(seconds: Double) -> CutOff {
  CutOff(quantity: .time, comparison: .atLeast, threshold: Int64(seconds * 1e6), onlyInHold: false)
}

func voltage(_ comparison: Comparison, _ volts: Double) -> CutOff {
  CutOff(quantity: .voltage, comparison: comparison, threshold: Int64(volts * 1e9), onlyInHold: false)
}

func heldCurrent(below microamperes: Double) -> CutOff {
  CutOff(quantity: .currentMagnitude, comparison: .atMost, threshold: Int64(microamperes * 1e6), onlyInHold: true)
}

func microamperes(_ value: Double) -> Current { Current(amperes: value * 1e-6) }
func volts(_ value: Double) -> Voltage { Voltage(volts: value) }
