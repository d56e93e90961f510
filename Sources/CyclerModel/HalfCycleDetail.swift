// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

public import Quantities

/// The rest that a half-cycle begins behind: no current flowed since the step before it that drove one.
public struct RestBefore: Sendable, Hashable {
  /// Test time from the end of the last step that drove current, or from the run's beginning, to the closing of the
  /// circuit; nil when that is not known.
  public var duration: TimeSpan?
  /// The first voltage that was recorded in it; nil when none was.
  public var startVoltage: Voltage?
  /// That of its last record; nil when nobody measured it.
  public var endVoltage: Voltage?
  /// How fast the voltage still moved at its end, over `driftSpan`; nil when the rest was too short to say.
  public var drift: VoltageRate?
  /// Between the two records from which the drift comes; at least a minute.
  public var driftSpan: TimeSpan?
  /// A rest of which nothing is known.
  public init() {}
}

/// What the records of a half-cycle say of it besides its sums (docs/metrics.md, "More of one half-cycle"). Everything is
/// nil when it is not known.
public struct HalfCycleDetail: Sendable, Hashable {
  /// Of the charge, what flowed at constant current.
  public var constantCurrentCharge: Charge?
  /// How long that was.
  public var constantCurrentTime: TimeSpan?
  /// How long a voltage was held.
  public var constantVoltageTime: TimeSpan?
  /// The rest before it; nil also when it followed another current without one.
  public var restBefore: RestBefore?
  /// The resistance at its beginning.
  public var resistances = ClosingResistances()
  /// Charge below the plateau threshold of the voltage less its ohmic part; nil unless the parameters ask for it.
  public var plateauIRCorrectedCharge: Charge?
  /// By how much the charge can be wrong because of the instrument's stated offset, a magnitude.
  public var offsetUncertainty: Charge?
  /// By how much it can be wrong because of its stated error in proportion to the reading, a magnitude.
  public var gainUncertainty: Charge?
  /// The full scale of the current range in which all of it was measured; nil when there was more than one.
  public var rangeFullScale: Current?
  /// Nothing known.
  public init() {}

  /// By how much the charge can be wrong by the instrument's stated error, a magnitude.
  public var chargeUncertainty: Charge? {
    guard let offsetUncertainty, let gainUncertainty else { return nil }
    let (sum, overflowed) = offsetUncertainty.nanocoulombs.addingReportingOverflow(gainUncertainty.nanocoulombs)
    return overflowed ? nil : Charge(nanocoulombs: sum)
  }
}
