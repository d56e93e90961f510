// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A driver and an emulated instrument at the two ends of a line, in virtual time. What passes is kept as a transcript. When copying,
// nothing but names has to be replaced.

import CyclerModel
import InstrumentKit
import Quantities
import TemplateEmulator
import VirtualLab

@testable import TemplateDriver

struct Laboratory {
  var driver = TemplateDriver()
  var instrument: TemplateInstrument
  var entries: [DriverTranscript.Entry] = []
  var events: [DriverEvent] = []
  /// What the host wrote.
  var written: [UInt8] = []
  /// Nothing passes any more, in either direction.
  var isCut = false
  /// Changes what the line carries to the host.
  var spoil: (@Sendable ([UInt8]) -> [UInt8])?
  private var wakeAt: HostInstant?
  private var lastTick = HostInstant(microseconds: start)
  private static let start: Int64 = 1_000_000

  init(volts: Double = 3) {
    instrument = TemplateInstrument(serial: "000042", cell: SmallCell(volts: volts))
  }

  /// One whose driver knows who is there.
  static func identified(volts: Double = 3) -> Laboratory {
    var laboratory = Laboratory(volts: volts)
    laboratory.open()
    laboratory.run(seconds: 1) { $0.identity != nil }
    return laboratory
  }

  /// The host's clock, in step with the instrument's life.
  private var now: HostInstant { HostInstant(microseconds: Self.start + Int64((instrument.time * 1e6).rounded())) }

  // MARK: Inputs

  private mutating func take(_ input: DriverInput) {
    var outputs = DriverOutputs()
    driver.handle(input, at: now, into: &outputs)
    wakeAt = outputs.wakeAt
    events += outputs.events
    written += outputs.writes
    if !isCut { outputs.writes.withUnsafeBytes { instrument.receive($0) } }
  }

  private mutating func tick() {
    guard now > lastTick else { return }
    entries.append(.tick(after: now - lastTick))
    lastTick = now
    take(.tick)
  }

  mutating func open() {
    tick()
    entries.append(.opened)
    take(.opened)
  }

  mutating func lose() {
    tick()
    entries.append(.lost)
    take(.lost)
  }

  mutating func command(_ command: ChannelCommand, channel: Int = 0) {
    tick()
    entries.append(.command(channel: channel, command))
    take(.command(channel: channel, command))
  }

  mutating func misbehave(_ kind: Misbehaviour?) { _ = instrument.misbehave(kind, channel: 0) }

  mutating func receive(_ bytes: [UInt8]) {
    tick()
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
      let wake = wakeAt.map { Double($0.microseconds - Self.start) / 1e6 } ?? end
      let limit = min(end, max(wake, instrument.time + 1e-4))
      var output: [UInt8] = []
      if instrument.run(until: limit, output: &output, outputLimit: 1) == .idle { instrument.rest(until: limit) }
      if isCut { output.removeAll() }
      if let spoil, !output.isEmpty { output = spoil(output) }
      if !output.isEmpty { receive(output) } else if let wakeAt, wakeAt <= now { tick() }
    }
    return isOver(self)
  }

  /// Begins a set-point and lets it end, or so many seconds pass.
  mutating func run(_ setpoint: Setpoint, atMost seconds: Double) {
    command(.begin(setpoint))
    run(seconds: seconds) { $0.end != nil || $0.refusal != nil }
  }

  // MARK: What came of it

  var identity: InstrumentIdentity? {
    events.lazy.compactMap { if case .identified(let identity) = $0 { identity } else { nil } }.last
  }
  var end: SetpointEnd? { events.lazy.compactMap { if case .ended(_, _, let end) = $0 { end } else { nil } }.last }
  var refusal: Fault? { events.lazy.compactMap { if case .refused(_, _, let fault) = $0 { fault } else { nil } }.last }
  var circuit: CircuitState? {
    events.lazy.compactMap { if case .circuit(_, let state) = $0 { state } else { nil } }.last
  }
  var readings: [Reading] { events.compactMap { if case .reading(_, let reading) = $0 { reading } else { nil } } }
  var faults: [FaultCode] { events.compactMap { if case .fault(_, let fault) = $0 { fault.code } else { nil } } }
  var hasLostMark: Bool { events.contains { if case .circuitMarkLost = $0 { true } else { false } } }
  var holdBeganAt: Double? {
    events.lazy.compactMap { if case .holdBegan(_, let at) = $0 { at.seconds } else { nil } }.last
  }
  var openedAt: Double? {
    events.lazy.compactMap { if case .circuitOpened(_, let at) = $0 { at.seconds } else { nil } }.last
  }
  /// What the host said, without numbers and checksums.
  var words: [String] {
    String(decoding: written, as: UTF8.self).split(separator: "\n").map { String($0.dropFirst(3).dropLast(5)) }
  }
}

/// A capacitor of a farad behind a resistor: 1 mA moves it by 1 mV a second, and by 10 mV at once.
struct SmallCell: VirtualCell {
  var volts: Double
  var terminalCharge = 0.0
  let lostCharge = 0.0
  private let resistance = 10.0

  init(volts: Double) { self.volts = volts }

  func current(under drive: CellDrive) -> Double {
    switch drive {
    case .open: 0
    case .current(let amperes): amperes
    case .voltage(let target, let limit): min(max((target - volts) / resistance, -limit), limit)
    }
  }
  func voltage(under drive: CellDrive) -> Double { volts + current(under: drive) * resistance }
  func impedance(atHertz hertz: Double) -> (real: Double, imaginary: Double) { (resistance, 0) }
  mutating func advance(seconds: Double, drive: CellDrive) {
    let coulombs = current(under: drive) * seconds
    volts += coulombs
    terminalCharge += coulombs
  }
}

/// A set-point for the tests; it bounds at ±5 V.
func setpoint(
  _ mode: Setpoint.Mode, until cutOffs: [CutOff] = [], rangeMilliamperes: Double = 1, atMost bound: Double = 2,
  every milliseconds: Int64 = 500, seconds: Int64 = 3_600
) -> Setpoint {
  Setpoint(
    token: SetpointToken(run: 7, stepCount: 1), mode: mode, cutOffs: cutOffs,
    bounds: Bounds(
      lowerVoltage: Voltage(millivolts: -5_000), upperVoltage: Voltage(millivolts: 5_000),
      currentMagnitude: Current(amperes: bound * 1e-3), duration: TimeSpan(seconds: seconds)),
    readingInterval: TimeSpan(milliseconds: milliseconds), rangeCurrent: Current(amperes: rangeMilliamperes * 1e-3),
    lease: TimeSpan(seconds: 10))
}

func after(seconds: Double, _ quantity: CutOff.Quantity = .time) -> CutOff {
  CutOff(
    quantity: quantity, comparison: .atLeast, threshold: Int64(seconds * 1e6), onlyInHold: quantity == .holdTime)
}

func voltage(_ comparison: Comparison, _ volts: Double) -> CutOff {
  CutOff(quantity: .voltage, comparison: comparison, threshold: Int64((volts * 1e9).rounded()), onlyInHold: false)
}

func milliamperes(_ value: Double) -> Current { Current(amperes: value * 1e-3) }
