// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import CellMetrics
internal import CyclerModel
internal import CyclingEngine
internal import Quantities

extension CarriedStep {
  func encode(into writer: inout ByteWriter) {
    writer.write(time.microseconds)
    writer.write(holdTime.microseconds)
    writer.write(charge.nanocoulombs)
    writer.write(energy.nanojoules)
    writer.write(isResumed)
  }

  init(from reader: inout ByteReader) throws(ByteReader.Malformed) {
    time = TimeSpan(microseconds: try reader.read())
    holdTime = TimeSpan(microseconds: try reader.read())
    charge = Charge(nanocoulombs: try reader.read())
    energy = Energy(nanojoules: try reader.read())
    isResumed = try reader.readBool()
  }
}

extension OpenHalfCycle {
  /// Changes nothing; `mutating`, so that one in an optional is read where it stands.
  mutating func encode(into writer: inout ByteWriter) {
    writer.write(row.halfCycleID)
    writer.write(row.run)
    writer.write(row.number)
    writer.write(row.cycleNumber)
    writer.write(row.direction.rawValue)
    writer.write(row.purpose?.rawValue ?? "")
    writer.write(row.label != nil)
    writer.write(row.label ?? "")
    writer.write(row.flags.rawValue)
    writer.write(chargeBeforeStep.nanocoulombs)
    writer.write(timeBeforeStep.microseconds)
    writer.write(isTruncated)
    writer.write(gapCharge?.nanocoulombs)
    accumulator.encode(into: &writer)
  }

  init(from reader: inout ByteReader, correctionDelay: ResistanceDelay?) throws(ByteReader.Malformed) {
    let id: Int64 = try reader.read()
    let run: Int64 = try reader.read()
    let number: Int32 = try reader.read()
    let cycleNumber = try reader.readOptional(Int64.self)
    guard let direction = Direction(rawValue: try reader.read()) else { throw reader.malformed }
    let purpose = CyclePurpose(rawValue: try reader.readString())
    let hasLabel = try reader.readBool()
    let label = try reader.readString()
    let flags = DataFlags(rawValue: try reader.read())
    row = HalfCycleRow(
      halfCycleID: id, run: run, number: number, cycleNumber: cycleNumber, direction: direction, purpose: purpose,
      label: hasLabel ? label : nil, charge: .zero, reverseCharge: .zero, energy: .zero, constantVoltageCharge: .zero,
      plateauCharge: nil, gapCharge: .zero, endReason: nil, flags: flags)
    chargeBeforeStep = Charge(nanocoulombs: try reader.read())
    timeBeforeStep = TimeSpan(microseconds: try reader.read())
    isTruncated = try reader.readBool()
    gapCharge = try reader.readOptional(Int64.self).map { Charge(nanocoulombs: $0) }
    accumulator = try HalfCycleAccumulator(from: &reader, correctionDelay: correctionDelay)
  }
}

extension ActiveSetpoint {
  /// Only what is needed to close the row and to bound a gap: the set-point itself does not go on. Changes nothing;
  /// `mutating`, so that one in an optional is read where it stands.
  mutating func encode(into writer: inout ByteWriter) {
    writer.write(token.run)
    writer.write(token.stepCount)
    writer.write(stepID)
    writer.write(kind.rawValue)
    writer.write(readingInterval.microseconds)
    writer.write(zero?.microseconds)
    writer.write(closedAt?.microseconds)
    writer.write(openedAt?.microseconds)
    writer.write(holdBeganAt?.microseconds)
    writer.write(lastReading?.time.microseconds)
    writer.write(lastReading?.voltage?.nanovolts)
    writer.write(lastReading?.current?.picoamperes)
    writer.write(recordIndex)
    writer.write(flags.rawValue)
    writer.write(largestCurrent.picoamperes)
    writer.write(lease.microseconds)
    writer.write(hasBegun)
    integrator.encode(into: &writer)
  }

  init(rule: RecordRule, from reader: inout ByteReader) throws(ByteReader.Malformed) {
    token = SetpointToken(run: try reader.read(), stepCount: try reader.read())
    stepID = try reader.read()
    guard let kind = StepKind(rawValue: try reader.readString()) else { throw reader.malformed }
    self.kind = kind
    readingInterval = TimeSpan(microseconds: try reader.read())
    zero = try reader.readOptional(Int64.self).map { TimeSpan(microseconds: $0) }
    closedAt = try reader.readOptional(Int64.self).map { TimeSpan(microseconds: $0) }
    openedAt = try reader.readOptional(Int64.self).map { TimeSpan(microseconds: $0) }
    holdBeganAt = try reader.readOptional(Int64.self).map { TimeSpan(microseconds: $0) }
    let lastTime = try reader.readOptional(Int64.self)
    let voltage = try reader.readOptional(Int64.self).map { Voltage(nanovolts: $0) }
    let current = try reader.readOptional(Int64.self).map { Current(picoamperes: $0) }
    lastReading = lastTime.map { Reading(time: TimeSpan(microseconds: $0), voltage: voltage, current: current) }
    recordIndex = try reader.read()
    flags = DataFlags(rawValue: try reader.read())
    largestCurrent = Current(picoamperes: try reader.read())
    lease = TimeSpan(microseconds: try reader.read())
    hasBegun = try reader.readBool()
    integrator = try ChargeIntegrator(from: &reader)
    commanded = .open(orIn: nil)
    cutOffEnds = []
    policy = RecordPolicy(rule: rule)
    edges = PlateauEdges(threshold: nil, direction: .none)
    // How many points the store has is not known here.
    pointCount = -1
    askedAt = HostInstant(microseconds: 0)
    heardAt = HostInstant(microseconds: 0)
  }
}
