// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A cycler reads more often than anybody wants to store. What is left out may not change a single number: the first
// and the last record of a step are the step machine's to add, `PlateauEdges` names the readings between which a metric
// turns, and `RecordPolicy` decides about all others by the protocol's `record` rule.

public import CyclerModel
public import Quantities

/// Decides, reading by reading within one step, whether the protocol's rule wants a record.
///
/// The reading is compared with the last one that was recorded, for whatever reason it was; so say `recorded` for each.
/// Due times stand on a grid from the beginning of the step or segment: a late reading does not move the ones after it.
public struct RecordPolicy: Sendable, Hashable {
  /// The rule that holds now.
  public private(set) var rule: RecordRule
  /// The segments that follow, and the time in microseconds at which the first of them takes over.
  private var later: ArraySlice<RecordSegment> = []
  private var changesAt = Int64.max
  private var beganAt: Int64 = 0
  // The next multiple of `every` that has not been served.
  private var due: Int64 = 0
  // The next delay at which a resistance is read, in microseconds, and which it is.
  private var delayAt = Int64.max
  private var delay: ResistanceDelay?
  private var last: Measured?

  /// The step time of the last record; nil before the first.
  public var lastRecordedAt: TimeSpan? { last?.at }

  private struct Measured: Sendable, Hashable {
    var at: TimeSpan
    var voltage: Voltage?
    var current: Current?
    var charge: Charge
  }

  /// A policy at the beginning of a step, which wants the first reading.
  public init(rule: RecordRule) { self.rule = rule }

  /// A policy at the beginning of a step with segments of its own; without any, `rule` holds throughout.
  /// - Parameter readsResistance: The first readings after a second, ten seconds and half a minute are records, whatever
  ///   the rule says.
  public init(segments: [RecordSegment], otherwise rule: RecordRule, readsResistance: Bool = false) {
    self.init(rule: segments.first?.rule ?? rule)
    if readsResistance { expectDelay(.oneSecond) }
    later = segments.dropFirst()
    changesAt = segments.first?.until?.microseconds ?? .max
  }

  /// Whether the rule looks at the charge; rounding it costs a division.
  @inline(__always)
  public var asksForCharge: Bool { rule.onChargeChange != nil }

  /// Whether a reading at `stepTime`, with so much charge in the step, becomes a record. The first reading of a segment
  /// does. Changes nothing; `mutating`, so that it is asked where it stands and not in a copy.
  public mutating func shouldRecord(
    _ stepTime: TimeSpan, _ voltage: Voltage?, _ current: Current?, _ charge: Charge = .zero
  ) -> Bool {
    guard let last else { return true }
    return stepTime.microseconds >= min(due, changesAt, delayAt) || voltageChanged(from: last.voltage, to: voltage)
      || currentChanged(from: last.current, to: current) || chargeChanged(from: last.charge, to: charge)
  }

  /// The reading at `stepTime` was recorded, by this rule or for another reason.
  public mutating func recorded(
    _ stepTime: TimeSpan, _ voltage: Voltage?, _ current: Current?, _ charge: Charge = .zero
  ) {
    last = Measured(at: stepTime, voltage: voltage, current: current, charge: charge)
    while stepTime.microseconds >= changesAt, beginNextSegment() {}
    while delay != nil, stepTime.microseconds >= delayAt { expectDelay(delay?.next) }
    let every = rule.every.microseconds
    guard every > 0, stepTime.microseconds >= due else { return }
    // Nearly always the next due time follows, and nothing has to be divided.
    if stepTime.microseconds - due < every, due < .max - every {
      due += every
      return
    }
    let next = (Int128(stepTime.microseconds - beganAt) / Int128(every) + 1) * Int128(every) + Int128(beganAt)
    due = Int64(clamping: next)
  }

  private mutating func expectDelay(_ next: ResistanceDelay?) {
    delay = next
    delayAt = next?.least.microseconds ?? .max
  }

  private mutating func beginNextSegment() -> Bool {
    guard let next = later.popFirst() else { return false }
    beganAt = changesAt
    due = changesAt
    rule = next.rule
    changesAt = next.until?.microseconds ?? .max
    return true
  }

  private mutating func chargeChanged(from last: Charge, to now: Charge) -> Bool {
    guard let threshold = rule.onChargeChange else { return false }
    return (Int128(now.nanocoulombs) - Int128(last.nanocoulombs)).magnitude >= threshold.nanocoulombs.magnitude
  }

  private mutating func voltageChanged(from last: Voltage?, to now: Voltage?) -> Bool {
    guard let threshold = rule.onVoltageChange else { return false }
    guard let last, let now else { return (last == nil) != (now == nil) }
    let difference = Int128(now.nanovolts) - Int128(last.nanovolts)
    return difference != 0 && difference.magnitude >= threshold.nanovolts.magnitude
  }

  private mutating func currentChanged(from last: Current?, to now: Current?) -> Bool {
    guard let millionths = rule.onCurrentChangePartsPerMillion else { return false }
    guard let last, let now else { return (last == nil) != (now == nil) }
    let difference = Int128(now.picoamperes) - Int128(last.picoamperes)
    // |difference| / |last| >= millionths / 1e6, without the division; any change from zero counts.
    return difference != 0
      && difference.magnitude * 1_000_000 >= UInt128(last.picoamperes.magnitude) * UInt128(millionths.magnitude)
  }
}
