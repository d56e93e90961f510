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
  /// The layout of the bytes that are written.
  static let checkpointFormat: Int32 = 11
  /// Layouts that are read; another number is refused. 4 knew nothing of retention, 5 nothing of tests of plating,
  /// 6 nothing of how the half-cycle before left the cell, 7 nothing of revisions of the
  /// protocol and of what the cycles have not given back, 8 nothing of the capacities that they have shown, 9 nothing of
  /// rests, of a half-cycle besides its sums, and of the row of cycles, 10 nothing of what a hold that was left had let
  /// flow.
  static let readableFormats: ClosedRange<Int32> = 4...11

  /// The revision of the protocol in which a checkpoint stands; it must be known before the rest can be read.
  public static func protocolRevision(ofCheckpoint bytes: [UInt8]) throws(ByteReader.Malformed) -> Int32 {
    var reader = ByteReader(bytes)
    let format: Int32 = try reader.read()
    return format > 7 ? try reader.read() : 1
  }

  /// Writes what the run needs in order to go on; false, and nothing, once it is over. It changes nothing: it is
  /// `mutating` so that a pilot in an optional is read where it stands, ten times a second, instead of being copied.
  @discardableResult
  public mutating func checkpoint(into writer: inout ByteWriter) -> Bool {
    if case .over = phase { return false }
    writer.write(Self.checkpointFormat)
    writer.write(identity.protocolRevision)
    writer.write(state.rawValue)
    encodeMeaning(into: &writer)
    machine.encode(into: &writer)
    writer.write(stepCount)
    writer.write(halfCycleNumber)
    writer.write(emptyInARow)
    writer.write(testTime.microseconds)
    writer.write(runCharge.nanocoulombs)
    writer.write(cycleTimeBeforeStep.microseconds)
    writer.write(lastVoltage?.nanovolts)
    writer.write(isFresh)
    writer.write(hasPassedPreflight)
    carried.encode(into: &writer)
    cycle.encode(into: &writer)
    // Asked of a field: whether the whole is there would be asked of a copy.
    writer.write(halfCycle?.isTruncated != nil)
    halfCycle?.encode(into: &writer)
    writer.write(setpoint?.hasBegun != nil)
    setpoint?.encode(into: &writer)
    encodePhase(into: &writer)
    // What came with format 6 stands behind all that was there before.
    writer.write(allowedWindow?.from.nanovolts)
    writer.write(allowedWindow?.to.nanovolts)
    writer.write(efficiencyTest?.row.number != nil)
    efficiencyTest?.encode(into: &writer)
    encodeFormat7(into: &writer)
    cycle.encodeBalance(into: &writer)
    machine.measured.encode(into: &writer)
    encodeCourse(into: &writer)
    encodeFormat10(into: &writer)
    writer.write(carried.heldCurrent?.picoamperes)
    return true
  }

  /// A pilot as it stood at its last checkpoint, waiting for its instrument.
  ///
  /// `since` is when the checkpoint was written: the interruption is counted from there, unless it had begun before.
  public init(
    identity: RunIdentity, program: Program, settings: RunSettings, checkpoint bytes: [UInt8], since: UnixInstant
  ) throws(ByteReader.Malformed) {
    self.init(identity: identity, program: program, settings: settings, instrumentIsHere: false)
    var reader = ByteReader(bytes)
    let format: Int32 = try reader.read()
    guard Self.readableFormats.contains(format) else { throw reader.malformed }
    if format > 7 { self.identity.protocolRevision = try reader.read() }
    guard let stored = RunState(rawValue: try reader.readString()) else { throw reader.malformed }
    restore(state: stored)
    try decodeMeaning(from: &reader)
    machine = try StepMachine(program: program, from: &reader)
    stepCount = try reader.read()
    halfCycleNumber = try reader.read()
    emptyInARow = try reader.read()
    testTime = TimeSpan(microseconds: try reader.read())
    runCharge = Charge(nanocoulombs: try reader.read())
    cycleTimeBeforeStep = TimeSpan(microseconds: try reader.read())
    lastVoltage = try reader.readOptional(Int64.self).map { Voltage(nanovolts: $0) }
    isFresh = try reader.readBool()
    hasPassedPreflight = try reader.readBool()
    carried = try CarriedStep(from: &reader)
    cycle = try CycleAccumulator(
      role: program.role, earlierCellCycles: identity.earlierCellCycles,
      retentionReference: program.metrics.retentionReference, retentionThreshold: program.metrics.retentionThreshold,
      knowsRetention: format > 4, from: &reader)
    if try reader.readBool() {
      halfCycle = try OpenHalfCycle(from: &reader, correctionDelay: program.metrics.plateauIRCorrection)
    }
    if try reader.readBool() { setpoint = try ActiveSetpoint(rule: program.record, from: &reader) }
    try decodePhase(from: &reader, writtenAt: since)
    if format > 5 { try decodeFormat6(from: &reader) }
    if format > 6 { try decodeFormat7(from: &reader) } else if halfCycleNumber > 0 { earlier = nil }
    if format > 7 { try cycle.decodeBalance(from: &reader) } else { cycle.forgetBalance() }
    machine.restore(format > 8 ? try MeasuredCapacities(from: &reader) : .uncounted)
    if format > 9 { try decodeCourse(from: &reader) } else { forgetCourse() }
    setpoint?.rest = restTrace
    if format > 9 { try decodeFormat10(from: &reader) } else { forgetSeries() }
    if format > 10 { carried.heldCurrent = try reader.readOptional(Int64.self).map { Current(picoamperes: $0) } }
    guard reader.isAtEnd else { throw reader.malformed }
    voltageBeforeInterruption = voltageBeforeInterruption ?? lastVoltage
    if case .step(let index) = machine.place, setpoint?.kind == program.steps[index].kind {
      let ends = cutOffs(of: program.steps[index]).1
      setpoint?.cutOffEnds = ends
      setpoint?.isDiagnostic = program.steps[index].isDiagnostic
      if case .impedance(let spectrum) = program.steps[index].action { setpoint?.longestPoint = spectrum.longestPoint }
    }
  }

  /// What no format before 6 has.
  private mutating func decodeFormat6(from reader: inout ByteReader) throws(ByteReader.Malformed) {
    allowedWindow = try Self.window(from: &reader)
    guard try reader.readBool() else { return }
    guard let plating = program.role.firstDirection else { throw reader.malformed }
    efficiencyTest = try EfficiencyTestAccumulator(
      run: identity.run, tests: program.tests, platingDirection: plating, from: &reader)
  }

  /// What came with format 10. Changes nothing; `mutating` spares the copy.
  mutating func encodeCourse(into writer: inout ByteWriter) {
    if setpoint?.hasBegun != nil { setpoint?.rest.encode(into: &writer) } else { restTrace.encode(into: &writer) }
    halfCycle?.accumulator.encodeCourse(into: &writer)
    cycle.encodeDetails(into: &writer)
  }

  private mutating func forgetCourse() {
    restTrace = .unknown
    halfCycle?.accumulator.forgetCourse()
  }

  private mutating func decodeCourse(from reader: inout ByteReader) throws(ByteReader.Malformed) {
    restTrace = try RestTrace(from: &reader)
    if halfCycle?.isTruncated != nil { try halfCycle?.accumulator.decodeCourse(from: &reader) }
    try cycle.decodeDetails(from: &reader)
  }

  private func encodeFormat7(into writer: inout ByteWriter) {
    writer.write(earlier != nil)
    guard let earlier else { return }
    writer.write(Int64(earlier.direction.rawValue))
    writer.write(earlier.isWhole)
    writer.write(earlier.endedAtVoltage)
  }

  private mutating func decodeFormat7(from reader: inout ByteReader) throws(ByteReader.Malformed) {
    earlier = nil
    guard try reader.readBool() else { return }
    let code: Int64 = try reader.read()
    guard let direction = Direction(rawValue: Int8(clamping: code)) else { throw reader.malformed }
    earlier = EarlierHalfCycle(
      direction: direction, isWhole: try reader.readBool(), endedAtVoltage: try reader.readBool())
  }

  /// What no format before 10 has.
  mutating func encodeFormat10(into writer: inout ByteWriter) {
    cycle.encodeSeries(into: &writer)
    halfCycle?.accumulator.encodeConditions(into: &writer)
  }

  private mutating func decodeFormat10(from reader: inout ByteReader) throws(ByteReader.Malformed) {
    try cycle.decodeSeries(from: &reader)
    try halfCycle?.accumulator.decodeConditions(from: &reader)
  }

  /// A run that has not cycled yet has missed nothing.
  private mutating func forgetSeries() {
    if halfCycleNumber > 0 { cycle.forgetSeries() }
    halfCycle?.accumulator.forgetConditions()
  }

  private static func window(from reader: inout ByteReader) throws(ByteReader.Malformed) -> VoltageWindow? {
    let from = try reader.readOptional(Int64.self)
    let to = try reader.readOptional(Int64.self)
    guard let from, let to else { return nil }
    return VoltageWindow(from: Voltage(nanovolts: from), to: Voltage(nanovolts: to))
  }

  /// Puts a restored pilot on hold because its channel is latched or its daemon keeps crashing. What it left with the
  /// instrument stays open until the instrument is back and has told how it ended.
  public mutating func holdRestored(_ fault: Fault, latches: Bool, at now: RunMoment, into outputs: inout RunOutputs) {
    pendingCause = nil
    hold(fault, latches: latches, now, &outputs)
  }

  // MARK: - Phases

  /// What had been meant and what had ended.
  private func encodeMeaning(into writer: inout ByteWriter) {
    let cause: ClosingCause? = if case .closing(_, let cause) = phase { cause.remembered } else { pendingCause }
    writer.write(cause != nil)
    cause?.encode(into: &writer)
    writer.write(stepEnding != nil)
    stepEnding.map { ClosingCause($0) }?.encode(into: &writer)
  }

  private mutating func decodeMeaning(from reader: inout ByteReader) throws(ByteReader.Malformed) {
    if try reader.readBool() { pendingCause = try ClosingCause(from: &reader) }
    guard try reader.readBool() else { return }
    stepEnding = try ClosingCause(from: &reader).stepEnding
    guard stepEnding != nil else { throw reader.malformed }
  }

  private func encodePhase(into writer: inout ByteWriter) {
    let code: UInt8 =
      switch phase {
      case .ready, .active, .closing, .committing, .suspended: 0
      case .away: 1
      case .paused: 2
      case .held: 3
      case .over: 4
      }
    writer.write(code)
    writer.write(awaySince?.microseconds)
    writer.write(voltageBeforeInterruption?.nanovolts)
  }

  /// A run that was under way is away since the checkpoint was written, unless it was interrupted already. What was being
  /// closed then is closed by the driver when it opens the port.
  private mutating func decodePhase(
    from reader: inout ByteReader, writtenAt: UnixInstant
  ) throws(ByteReader.Malformed) {
    let code: UInt8 = try reader.read()
    awaySince = try reader.readOptional(Int64.self).map { UnixInstant(microseconds: $0) }
    voltageBeforeInterruption = try reader.readOptional(Int64.self).map { Voltage(nanovolts: $0) }
    // Under way it was heard until then, but not once it was away.
    restoredFrom = code == 0 ? writtenAt : awaySince ?? writtenAt
    observing.isRestored()
    switch code {
    case 0, 1:
      awaySince = awaySince ?? writtenAt
      phase = .away(since: awaySince ?? writtenAt)
    case 2: phase = .paused
    case 3: phase = .held
    case 4: phase = .over
    default: throw reader.malformed
    }
  }
}
