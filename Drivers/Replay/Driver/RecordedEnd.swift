// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Which of a set-point's cut-offs ended it. The recorded instrument has judged already: where its stretch is over,
// the set-point is over. So a cut-off does not end a set-point by being met, but it must have been met, or as good
// as, for its end to be called by its name; a test that was broken off must not look like a half-cycle that came to
// its end.

internal import CyclerModel
internal import Quantities

/// Follows the readings of one set-point and names its end.
struct RecordedEnd: Sendable, Hashable {
  /// A recorded voltage may have fallen short of the cut-off by this …
  static let leastVoltageSlack = Voltage(millivolts: 5)
  /// … or by as much as it moved between the last two readings, but not by more than this.
  static let mostVoltageSlack = Voltage(millivolts: 100)
  /// A time may have fallen short by this, or by a hundredth.
  static let leastTimeSlack: Int64 = 1_000_000
  /// A current in a hold may have fallen short by a twentieth, or by as much as it moved between the last two readings.
  static let currentShare: Int64 = 20
  /// Met in so many readings in a row while the recording goes on, a voltage or a current ends the set-point all the
  /// same.
  static let tolerableMet = 2

  let setpoint: Setpoint
  /// When the voltage began to be held; nil before.
  var holdBeganAt: TimeSpan?
  private(set) var last: Reading?
  private var before: Reading?
  private var metIndex = -1
  private var metInARow = 0

  /// Nothing was read yet.
  init(_ setpoint: Setpoint) { self.setpoint = setpoint }

  /// Takes a reading.
  mutating func take(_ reading: Reading) {
    before = last
    last = reading
    let index = setpoint.cutOffs.firstIndex { isMet($0, at: reading, slack: false, endedAt: reading.time) } ?? -1
    metInARow = index >= 0 && index == metIndex ? metInARow + 1 : index >= 0 ? 1 : 0
    metIndex = index
  }

  /// The cut-off that was met although the recording goes on with another reading; nil where it may go on.
  var overdue: Int? {
    guard metIndex >= 0 else { return nil }
    switch setpoint.cutOffs[metIndex].quantity {
    case .time, .holdTime: return metIndex
    case .voltage, .currentMagnitude: return metInARow >= Self.tolerableMet ? metIndex : nil
    }
  }

  /// The cut-off that the end of the stretch was: the first that was met, or else the first that was as good as met.
  func cutOff(endedAt time: TimeSpan) -> Int? {
    guard let last else { return setpoint.cutOffs.firstIndex { $0.quantity == .time && isRest } }
    return setpoint.cutOffs.firstIndex { isMet($0, at: last, slack: false, endedAt: time) }
      ?? setpoint.cutOffs.firstIndex { isMet($0, at: last, slack: true, endedAt: time) }
      // Nothing flows in a rest: the recorded one was as long as it was.
      ?? setpoint.cutOffs.firstIndex { isRest && $0.quantity == .time }
  }

  /// Whether a rest was shorter than the set-point's by more than is worth a word; by how long it was to be.
  func missingRest(endedAt time: TimeSpan) -> TimeSpan? {
    guard isRest, let last, let cutOff = setpoint.cutOffs.first(where: { $0.quantity == .time }),
      !isMet(cutOff, at: last, slack: true, endedAt: time)
    else { return nil }
    return TimeSpan(microseconds: cutOff.threshold)
  }

  private var isRest: Bool { setpoint.mode == .openCircuit }

  private func isMet(_ cutOff: CutOff, at reading: Reading, slack: Bool, endedAt time: TimeSpan) -> Bool {
    if cutOff.onlyInHold || cutOff.quantity == .holdTime {
      guard let holdBeganAt, time - holdBeganAt >= setpoint.settle else { return false }
    } else if time < setpoint.settle {
      return false
    }
    let value: Int64
    let tolerance: Int64
    switch cutOff.quantity {
    case .voltage:
      guard let voltage = reading.voltage else { return false }
      value = voltage.nanovolts
      let moved = (before?.voltage).map { (voltage - $0).magnitude } ?? .zero
      tolerance = min(max(moved, Self.leastVoltageSlack), Self.mostVoltageSlack).nanovolts
    case .currentMagnitude:
      guard !isRest, let current = reading.current else { return false }
      value = current.magnitude.picoamperes
      let moved = (before?.current).map { (current - $0).magnitude.picoamperes } ?? 0
      tolerance = max(moved, cutOff.threshold.magnitude > .max / 2 ? 0 : abs(cutOff.threshold) / Self.currentShare)
    case .time:
      value = time.microseconds
      tolerance = max(Self.leastTimeSlack, cutOff.threshold / 100)
    case .holdTime:
      guard let holdBeganAt else { return false }
      value = (time - holdBeganAt).microseconds
      tolerance = max(Self.leastTimeSlack, cutOff.threshold / 100)
    }
    guard slack else { return cutOff.comparison.holds(value, cutOff.threshold) }
    let favoured =
      cutOff.comparison.isUpper
      ? value.addingReportingOverflow(tolerance) : value.subtractingReportingOverflow(tolerance)
    return favoured.overflow || cutOff.comparison.holds(favoured.partialValue, cutOff.threshold)
  }
}
