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
/// Due times stand on a grid from the step's start: a late reading does not move the ones after it.
public struct RecordPolicy: Sendable, Hashable {
  /// The rule.
  public let rule: RecordRule
  // The next multiple of `every` that has not been served.
  private var due: Int64 = 0
  private var last: Measured?

  private struct Measured: Sendable, Hashable {
    var voltage: Voltage?
    var current: Current?
  }

  /// A policy at the beginning of a step, which wants the first reading.
  public init(rule: RecordRule) { self.rule = rule }

  /// Whether a reading at `stepTime` becomes a record.
  public func shouldRecord(_ stepTime: TimeSpan, _ voltage: Voltage?, _ current: Current?) -> Bool {
    guard let last else { return true }
    return stepTime.microseconds >= due || voltageChanged(from: last.voltage, to: voltage)
      || currentChanged(from: last.current, to: current)
  }

  /// The reading at `stepTime` was recorded, by this rule or for another reason.
  public mutating func recorded(_ stepTime: TimeSpan, _ voltage: Voltage?, _ current: Current?) {
    last = Measured(voltage: voltage, current: current)
    let every = rule.every.microseconds
    guard every > 0, stepTime.microseconds >= due else { return }
    // Nearly always the next due time follows, and nothing has to be divided.
    if stepTime.microseconds - due < every, due < .max - every {
      due += every
      return
    }
    let (next, overflowed) = (stepTime.microseconds / every).addingReportingOverflow(1)
    let (time, timeOverflowed) = next.multipliedReportingOverflow(by: every)
    due = overflowed || timeOverflowed ? .max : time
  }

  private func voltageChanged(from last: Voltage?, to now: Voltage?) -> Bool {
    guard let threshold = rule.onVoltageChange else { return false }
    guard let last, let now else { return (last == nil) != (now == nil) }
    let difference = Int128(now.nanovolts) - Int128(last.nanovolts)
    return difference != 0 && difference.magnitude >= threshold.nanovolts.magnitude
  }

  private func currentChanged(from last: Current?, to now: Current?) -> Bool {
    guard let millionths = rule.onCurrentChangePartsPerMillion else { return false }
    guard let last, let now else { return (last == nil) != (now == nil) }
    let difference = Int128(now.picoamperes) - Int128(last.picoamperes)
    // |difference| / |last| >= millionths / 1e6, without the division; any change from zero counts.
    return difference != 0
      && difference.magnitude * 1_000_000 >= UInt128(last.picoamperes.magnitude) * UInt128(millionths.magnitude)
  }
}
