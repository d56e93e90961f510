// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The bytes from which a run goes on. They are committed with the records that they follow from, so a restored pilot
// stands exactly at the last acknowledged reading.

internal import CellMetrics
public import CyclerModel
internal import CyclingEngine
internal import InstrumentKit
internal import Quantities

extension RunPilot {
  /// The layout of the bytes; another number is refused.
  static let checkpointFormat: Int32 = 2

  /// Writes what the run needs in order to go on.
  public func checkpoint(into writer: inout ByteWriter) {
    writer.write(Self.checkpointFormat)
    writer.write(state.rawValue)
    encodePhase(into: &writer)
    machine.encode(into: &writer)
    for value in [stepCount, halfCycleNumber, emptyInARow] { writer.write(value) }
    writer.write(testTime.microseconds)
    writer.write(runCharge.nanocoulombs)
    writer.write(cycleTimeBeforeStep.microseconds)
    writer.write(lastVoltage?.nanovolts)
    writer.write(isFresh)
    writer.write(wasDriven)
    writer.write(hasPassedPreflight)
    carried.encode(into: &writer)
    cycle.encode(into: &writer)
    writer.write(halfCycle != nil)
    halfCycle?.encode(into: &writer)
    writer.write(setpoint != nil)
    setpoint?.encode(into: &writer)
  }

  /// A pilot as it stood at its last checkpoint, waiting for its instrument.
  ///
  /// `since` is when the checkpoint was written: the interruption is counted from there.
  public init(
    identity: RunIdentity, program: Program, settings: RunSettings, checkpoint bytes: [UInt8], since: UnixInstant
  ) throws(ByteReader.Malformed) {
    self.init(identity: identity, program: program, settings: settings, instrumentIsHere: false)
    var reader = ByteReader(bytes)
    guard try reader.read(Int32.self) == Self.checkpointFormat, let stored = RunState(rawValue: try reader.readString())
    else { throw reader.malformed }
    restore(state: stored)
    phase = try Self.decodePhase(from: &reader, since: since)
    machine = try StepMachine(program: program, from: &reader)
    stepCount = try reader.read()
    halfCycleNumber = try reader.read()
    emptyInARow = try reader.read()
    testTime = TimeSpan(microseconds: try reader.read())
    runCharge = Charge(nanocoulombs: try reader.read())
    cycleTimeBeforeStep = TimeSpan(microseconds: try reader.read())
    lastVoltage = try reader.readOptional(Int64.self).map { Voltage(nanovolts: $0) }
    isFresh = try reader.readBool()
    wasDriven = try reader.readBool()
    hasPassedPreflight = try reader.readBool()
    carried = try CarriedStep(from: &reader)
    cycle = try CycleAccumulator(role: program.role, earlierCellCycles: identity.earlierCellCycles, from: &reader)
    if try reader.readBool() { halfCycle = try OpenHalfCycle(from: &reader) }
    if try reader.readBool() { setpoint = try ActiveSetpoint(rule: program.record, from: &reader) }
    guard reader.isAtEnd else { throw reader.malformed }
    voltageBeforeInterruption = lastVoltage
    restoredFrom = since
    settlePhase(since)
  }

  /// Puts a restored pilot on hold because its channel is latched or its daemon keeps crashing.
  public mutating func holdRestored(_ fault: Fault, latches: Bool, at now: RunMoment, into outputs: inout RunOutputs) {
    pendingCause = nil
    closeLeftRow(now, &outputs)
    hold(fault, latches: latches, now, &outputs)
  }

  // MARK: - Phases

  private func encodePhase(into writer: inout ByteWriter) {
    switch phase {
    case .ready, .active, .committing, .suspended: writer.write(UInt8(0))
    case .away:
      writer.write(UInt8(pendingCause == nil ? 0 : 1))
      pendingCause?.encode(into: &writer)
    case .closing(_, let cause):
      writer.write(UInt8(1))
      cause.encode(into: &writer)
    case .paused: writer.write(UInt8(2))
    case .held: writer.write(UInt8(3))
    case .over: writer.write(UInt8(4))
    }
  }

  private static func decodePhase(
    from reader: inout ByteReader, since: UnixInstant
  ) throws(ByteReader.Malformed) -> Phase {
    switch try reader.read(UInt8.self) {
    case 0: return .away(since: since)
    case 1: return .closing(.step, try ClosingCause(from: &reader))
    case 2: return .paused
    case 3: return .held
    case 4: return .over
    default: throw reader.malformed
    }
  }

  /// What was being closed when the checkpoint was written is closed by the driver when it opens the port.
  private mutating func settlePhase(_ since: UnixInstant) {
    guard case .closing(_, let cause) = phase else { return }
    pendingCause = cause == .suspend ? nil : cause
    phase = .away(since: since)
  }
}

extension RunPilot.ClosingCause {
  func encode(into writer: inout ByteWriter) {
    let (code, text, detail): (UInt8, String, String) =
      switch self {
      case .condition(let text): (0, text, "")
      case .pause(let actor): (1, actor, "")
      case .stop(let actor): (2, actor, "")
      case .skip(let actor): (3, actor, "")
      case .suspend: (4, "", "")
      case .fault(let fault, let latches): (latches ? 6 : 5, fault.code.rawValue, fault.detail)
      }
    writer.write(code)
    writer.write(text)
    writer.write(detail)
  }

  init(from reader: inout ByteReader) throws(ByteReader.Malformed) {
    let code: UInt8 = try reader.read()
    let text = try reader.readString()
    let detail = try reader.readString()
    switch code {
    case 0: self = .condition(text)
    case 1: self = .pause(actor: text)
    case 2: self = .stop(actor: text)
    case 3: self = .skip(actor: text)
    case 4: self = .suspend
    case 5, 6:
      guard let fault = FaultCode(rawValue: text) else { throw reader.malformed }
      self = .fault(Fault(fault, detail), latches: code == 6)
    default: throw reader.malformed
    }
  }
}
