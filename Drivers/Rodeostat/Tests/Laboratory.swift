// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A driver and an emulated instrument on one desk, in virtual time. What passes between them is kept as a transcript.

import CyclerModel
import FoundationEssentials
import InstrumentKit
import Quantities
import RodeostatEmulator
import VirtualLab

@testable import RodeostatDriver

struct Laboratory {
  var driver = RodeostatDriver()
  var instrument: RodeostatInstrument
  var entries: [DriverTranscript.Entry] = []
  var events: [DriverEvent] = []
  /// What the host wrote, in order, and what it was told.
  var written = ""
  var heard = ""
  /// Nothing passes the line any more, in either direction.
  var isCut = false
  /// The host is kept from its processor: what comes waits for it.
  var isHostLate = false {
    didSet {
      let waiting = backlog
      backlog = []
      if !isHostLate, !waiting.isEmpty { receive(waiting) }
    }
  }
  private var backlog: [UInt8] = []
  /// Changes what the line carries to the host.
  var spoil: (@Sendable ([UInt8]) -> [UInt8])?
  /// What the last of these events said; kept, because it is looked at at each step.
  private(set) var identity: InstrumentIdentity?
  private(set) var end: SetpointEnd?
  private(set) var refusal: Fault?
  private(set) var circuit: CircuitState?
  private var wakeAt: HostInstant?
  private var lastTick = HostInstant(microseconds: 1_000_000)
  private static let start: Int64 = 1_000_000

  init(_ instrument: RodeostatInstrument) { self.instrument = instrument }

  /// The host's clock; it counts as the instrument's does.
  var now: HostInstant { HostInstant(microseconds: Self.start + Int64((instrument.time * 1e6).rounded())) }

  /// A cell of a shipped preset, `charged` by so many coulombs.
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
  static func identified(
    _ board: RodeostatBoard = RodeostatBoard(), cell: (any VirtualCell)? = nil
  ) throws -> Laboratory {
    var laboratory = Laboratory(
      RodeostatInstrument(board: board, deviceID: 70_001, cell: try cell ?? Self.cell(charged: -1)))
    try laboratory.introduce()
    return laboratory
  }

  private mutating func take(_ input: DriverInput) {
    var outputs = DriverOutputs()
    driver.handle(input, at: now, into: &outputs)
    wakeAt = outputs.wakeAt
    events.append(contentsOf: outputs.events)
    for event in outputs.events { note(event) }
    written += String(decoding: outputs.writes, as: UTF8.self)
    if !outputs.writes.isEmpty, !isCut { outputs.writes.withUnsafeBytes { instrument.receive($0) } }
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

  /// What was said so far counts no more; who is there does.
  mutating func forget() {
    events = []
    end = nil
    refusal = nil
    circuit = nil
  }

  private mutating func syncTick() {
    guard now > lastTick else { return }
    entries.append(.tick(after: now - lastTick))
    lastTick = now
    take(.tick)
  }

  mutating func open() {
    syncTick()
    identity = nil
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

  mutating func receive(_ bytes: [UInt8]) {
    entries.append(.received(bytes))
    heard += String(decoding: bytes, as: UTF8.self)
    bytes.withUnsafeBytes { take(.bytes($0)) }
  }

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
    let wake = isHostLate ? end : wakeAt.map { Double($0.microseconds - Self.start) / 1e6 } ?? end
    let limit = min(end, max(wake, instrument.time + 0.000_1))
    var output: [UInt8] = []
    switch instrument.run(until: limit, output: &output, outputLimit: 1) {
    case .idle: instrument.rest(until: limit)
    case .reachedLimit, .outputFull, .hostDeadline: break
    }
    if isCut { output.removeAll() }
    if let spoil { output = spoil(output) }
    if isHostLate { return backlog.append(contentsOf: output) }
    if !output.isEmpty || wakeAt.map({ $0 <= now }) == true { syncTick() }
    if !output.isEmpty { receive(output) }
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

  /// Coulombs by the trapezoid over the readings of each stretch, the first and the last held to its edges.
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
  var trueCharge: Double {
    let truth = instrument.cellTruth(channel: 0)
    return (truth.closed + (truth.open.map { [$0] } ?? [])).reduce(0) { $0 + Double($1.direction) * $1.terminalCharge }
  }

  /// Volts of the cell at its open circuit.
  var trueVoltage: Double { instrument.cell.voltage(under: .open) }
}

/// A set-point for the tests.
func setpoint(
  _ mode: Setpoint.Mode, until cutOffs: [CutOff] = [], microamperes: Double = 900, milliseconds: Int64 = 200,
  seconds: Int64 = 36_000, lease: Int64 = 20, lower: Int64 = -500, upper: Int64 = 4_500
) -> Setpoint {
  Setpoint(
    token: SetpointToken(run: 7, stepCount: 1), mode: mode, cutOffs: cutOffs,
    bounds: Bounds(
      lowerVoltage: Voltage(millivolts: lower), upperVoltage: Voltage(millivolts: upper),
      currentMagnitude: Current(amperes: microamperes * 1e-6), duration: TimeSpan(seconds: seconds)),
    readingInterval: TimeSpan(milliseconds: milliseconds), rangeCurrent: Current(amperes: microamperes * 1e-6),
    lease: TimeSpan(seconds: lease))
}

func after(seconds: Double) -> CutOff {
  CutOff(quantity: .time, comparison: .atLeast, threshold: Int64(seconds * 1e6), onlyInHold: false)
}

/// A sweep whose own end is the set-point's first cut-off, as the compiler of protocols makes it.
func sweep(
  from: Double, to targets: [Double], voltsPerSecond rate: Double, alsoUntil cutOffs: [CutOff] = [],
  microamperes: Double = 900, milliseconds: Int64 = 200, lease: Int64 = 20
) -> Setpoint {
  let way = zip([from] + targets, targets).reduce(0) { $0 + abs($1.1 - $1.0) }
  let sweep = Setpoint.Sweep(
    from: Voltage(volts: from), to: targets.map { Voltage(volts: $0) },
    rate: VoltageRate(count: Int64((rate * 3.6e12).rounded())), ownEnd: 0)
  // Where it begins at the cell's own voltage, the compiler takes the longest way that it may have.
  return setpoint(
    .sweep(sweep), until: [after(seconds: way / rate + 60)] + cutOffs, microamperes: microamperes,
    milliseconds: milliseconds, lease: lease)
}
