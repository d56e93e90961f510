// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What a reading does to the set-point in which it was taken: it is integrated, and it becomes a record or not. All of
// it happens in place: a set-point is several hundred bytes, and a copy of it costs more than the arithmetic.

internal import CellMetrics
internal import CyclerModel
internal import CyclingEngine
internal import InstrumentKit
internal import Quantities

extension ActiveSetpoint {
  /// Integrates; what comes back is all that the pilot needs to judge the reading, so that it asks once. nil before time
  /// zero of the step.
  /// - Parameter settle: How long after the closing of the circuit the step's conditions are not judged.
  mutating func take(_ reading: Reading, heardAt: HostInstant, settle: TimeSpan) -> Taken? {
    guard let zero else { return nil }
    quiet = .none
    flags.formUnion(DataFlags(rawValue: Int64(reading.quality.rawValue) & 7))
    if kind == .openCircuitCheck, let voltage = reading.voltage { sawVoltage(voltage) }
    if kind == .currentProfile { noteSilence(before: reading) }
    let candidate = integrate(reading, heardAt: heardAt, zero: zero)
    return Taken(
      candidate: candidate, standing: standing(at: reading.time, after: settle), commanded: commanded,
      isClosed: isClosed, overdueEnds: overdueEnds)
  }

  /// Between readings that are missing a profile may have changed its current: a straight line between them tells nothing.
  private mutating func noteSilence(before reading: Reading) {
    guard let last = lastReading?.time, reading.time - last > readingInterval * 2 + TimeSpan(milliseconds: 200) else {
      return
    }
    flags.insert(.gap)
  }

  /// Takes a reading that needs no judgement: it is integrated and recorded if that is due. False, and nothing done,
  /// for any other.
  mutating func takeQuietly(
    _ reading: Reading, heardAt: HostInstant, into records: inout ContiguousArray<RecordRow>,
    of halfCycle: inout OpenHalfCycle?
  ) -> Bool {
    guard quiet.covers(reading), let zero else { return false }
    recordIfDue(integrate(reading, heardAt: heardAt, zero: zero), into: &records, of: &halfCycle)
    return true
  }

  @inline(__always)
  private mutating func integrate(_ reading: Reading, heardAt: HostInstant, zero: TimeSpan) -> RecordCandidate {
    voltageBeforeLast = lastReading?.voltage
    chargeSumBeforeLast = integrator.chargeSum
    integrator.reading(reading)
    lastReading = reading
    self.heardAt = heardAt
    readingsSinceClosed &+= 1
    return RecordCandidate(
      stepTime: reading.time - zero, voltage: reading.voltage, current: reading.current,
      chargeSum: integrator.chargeSum, energySum: integrator.energySum, flags: flags)
  }

  /// A reading and where the set-point stands after it.
  struct Taken {
    /// What it would store.
    var candidate: RecordCandidate
    var standing: Standing
    var commanded: CommandedDrive
    var isClosed: Bool
    var overdueEnds: Int32
  }

  /// Makes a record of the candidate when a metric turns at it, when it is the first, or when the protocol's rule wants
  /// it; otherwise keeps it until the next reading has been seen.
  mutating func recordIfDue(
    _ candidate: RecordCandidate, into records: inout ContiguousArray<RecordRow>, of halfCycle: inout OpenHalfCycle?
  ) {
    if edges.crossed(candidate.voltage, candidate.current) {
      // What turned lies between the reading before and this one: both are records.
      if let before = unrecorded {
        let awaited = awaitsResistance
        append(before, marked: .plateauEdge, to: &records, of: &halfCycle)
        // What was judged before the resistance was known has a corrected side from here on.
        if awaited, !awaitsResistance { _ = edges.crossed(candidate.voltage, candidate.current) }
      }
      append(candidate, marked: .plateauEdge, to: &records, of: &halfCycle)
    } else if recordIndex == 0 {
      append(candidate, marked: .stepStart, to: &records, of: &halfCycle)
    } else if isDue(candidate) {
      append(candidate, to: &records, of: &halfCycle)
    } else {
      unrecorded = candidate
    }
  }

  @inline(__always)
  private mutating func isDue(_ candidate: RecordCandidate) -> Bool {
    policy.shouldRecord(
      candidate.stepTime, candidate.voltage, candidate.current, policy.asksForCharge ? candidate.charge : .zero)
  }

  /// Makes a record, and counts it in the half-cycle unless it belongs to an open-circuit check or a diagnostic.
  mutating func append(
    _ candidate: RecordCandidate, marked mark: DataFlags = [], to records: inout ContiguousArray<RecordRow>,
    of halfCycle: inout OpenHalfCycle?
  ) {
    let charge = candidate.charge
    let row = RecordRow(
      stepID: stepID, index: recordIndex, stepTime: candidate.stepTime, voltage: candidate.voltage,
      current: candidate.current, charge: charge, energy: candidate.energy,
      flags: candidate.flags.union(mark))
    records.append(row)
    recordIndex += 1
    policy.recorded(candidate.stepTime, candidate.voltage, candidate.current, charge)
    unrecorded = nil
    flags.subtract([.overload, .underload, .late])
    rest.record(row, isDriven: isDriven)
    guard countsForHalfCycle else { return }
    halfCycle?.accumulator.record(row)
    if awaitsResistance, let resistance = halfCycle?.accumulator.correctionResistance {
      edges.correct(by: resistance, at: candidate.voltage, candidate.current)
      awaitsResistance = false
    }
    if row.flags.contains(.overload) { halfCycle?.row.flags.insert(.overload) }
  }

  /// Where the set-point stands after its last reading, for a step with that `settle`.
  func standing(after settle: TimeSpan) -> Standing {
    guard let lastReading else { return Standing(isDiagnostic: isDiagnostic, hasSettled: !isClosed) }
    return standing(at: lastReading.time, after: settle)
  }

  @inline(__always)
  private func standing(at time: TimeSpan, after settle: TimeSpan) -> Standing {
    var standing = Standing(isDiagnostic: isDiagnostic, hasSettled: true)
    if let holdBeganAt { standing.holdTime = time - holdBeganAt }
    if openedAt == nil, let closedAt {
      standing.hasSettled = readingsSinceClosed >= 2 && time - closedAt >= settle
    }
    return standing
  }

  /// What the judgement of a step's ends needs of its set-point, asked once a reading.
  struct Standing {
    /// Its charge is no half-cycle's.
    var isDiagnostic: Bool
    /// Since the voltage hold began; nil before.
    var holdTime: TimeSpan?
    /// Whether the iR of the closing has settled, so that a voltage says something of the cell. At open circuit there is
    /// none to settle.
    var hasSettled: Bool
  }

  /// When something was last asked of the instrument or heard of it, and how often it should be heard. Changes nothing;
  /// `mutating` spares the copy.
  mutating func silence() -> (since: HostInstant, interval: TimeSpan, point: TimeSpan) {
    (closingAskedAt ?? heardAt, readingInterval, closingAskedAt == nil ? longestPoint : .zero)
  }
}
