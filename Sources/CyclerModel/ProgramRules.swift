// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What holds for a whole program: limits, records, metrics, the policy after an interruption, and the cell's values.

public import Quantities

/// A limit with a tolerated value and a value without tolerance (hazard rule 20).
public struct SoftHardLimit: Sendable, Hashable {
  /// Passing it for longer than `tolerance` trips.
  public var soft: Int64
  /// Passing it once trips.
  public var hard: Int64
  /// How long the soft value may be passed.
  public var tolerance: TimeSpan
  /// A limit.
  public init(soft: Int64, hard: Int64, tolerance: TimeSpan) {
    self.soft = soft
    self.hard = hard
    self.tolerance = tolerance
  }
}

/// The limits that hold for a whole run, judged apart from the steps.
public struct SafetyLimits: Sendable, Hashable {
  /// In nanovolts; judged while discharging, and at rest.
  public var lowerVoltage: SoftHardLimit
  /// In nanovolts; judged while charging, and at rest.
  public var upperVoltage: SoftHardLimit
  /// In picoamperes, magnitude, while charging.
  public var chargeCurrent: SoftHardLimit
  /// In picoamperes, magnitude, while discharging.
  public var dischargeCurrent: SoftHardLimit
  /// The most charge that one half-cycle may move.
  public var halfCycleCharge: Charge
  /// Half-cycles with less charge are empty (hazard rule 10).
  public var emptyHalfCycleBelow: Charge
  /// So many empty half-cycles in a row hold the run.
  public var emptyHalfCyclesInARow: Int
  /// The limits that end the run when they are passed; after the others it waits for a person.
  public var endingRun: LimitKinds = []
  /// Between what temperatures the run may go on; nil where it says nothing of them.
  public var temperature: TemperatureLimits?
  /// Limits.
  public init(
    lowerVoltage: SoftHardLimit, upperVoltage: SoftHardLimit, chargeCurrent: SoftHardLimit,
    dischargeCurrent: SoftHardLimit, halfCycleCharge: Charge, emptyHalfCycleBelow: Charge, emptyHalfCyclesInARow: Int,
    temperature: TemperatureLimits? = nil
  ) {
    self.lowerVoltage = lowerVoltage
    self.upperVoltage = upperVoltage
    self.chargeCurrent = chargeCurrent
    self.dischargeCurrent = dischargeCurrent
    self.halfCycleCharge = halfCycleCharge
    self.emptyHalfCycleBelow = emptyHalfCycleBelow
    self.emptyHalfCyclesInARow = emptyHalfCyclesInARow
    self.temperature = temperature
  }
}

/// When a reading becomes a record, besides the edges of steps and plateaus, which always do.
public struct RecordRule: Sendable, Hashable {
  /// At the latest after so long.
  public var every: TimeSpan
  /// When the voltage differs so much from the last record's.
  public var onVoltageChange: Voltage?
  /// When the current differs from the last record's by so many millionths of it.
  public var onCurrentChangePartsPerMillion: Int64?
  /// When the step's charge differs so much from the last record's.
  public var onChargeChange: Charge?
  /// The slowest readings while current flows; nil where the file leaves them to the daemon.
  public var readEvery: TimeSpan?
  /// A rule.
  public init(
    every: TimeSpan, onVoltageChange: Voltage?, onCurrentChangePartsPerMillion: Int64?,
    onChargeChange: Charge? = nil, readEvery: TimeSpan? = nil
  ) {
    self.every = every
    self.onVoltageChange = onVoltageChange
    self.onCurrentChangePartsPerMillion = onCurrentChangePartsPerMillion
    self.onChargeChange = onChargeChange
    self.readEvery = readEvery
  }
}

/// A stretch of a step with a rule of its own for records.
public struct RecordSegment: Sendable, Hashable {
  /// The rule.
  public var rule: RecordRule
  /// The time since the circuit was closed, or the rest begun, at which the next segment takes over; nil for the last.
  public var until: TimeSpan?
  /// A segment.
  public init(rule: RecordRule, until: TimeSpan?) {
    self.rule = rule
    self.until = until
  }
}

/// The parameters under which a run's metrics are computed while it runs.
public struct MetricParameters: Sendable, Hashable {
  /// Charge passed below this voltage on sodiation (discharge of an anode half cell) is plateau charge.
  public var sodiationPlateauBelow: Voltage?
  /// Charge passed below this voltage on desodiation is plateau charge of that branch.
  public var desodiationPlateauBelow: Voltage?
  /// The cycle against which retention is told; nil where nobody has named one.
  public var retentionReference: CycleReference?
  /// After how long the resistance is read by which plateaus are told a second time, of the voltage less its ohmic part;
  /// nil where they are not.
  public var plateauIRCorrection: ResistanceDelay?
  /// Below this retention a life is over, a fraction.
  public var retentionThreshold = RunSummary.usualThreshold
  /// Parameters.
  public init(
    sodiationPlateauBelow: Voltage?, desodiationPlateauBelow: Voltage?, retentionReference: CycleReference?
  ) {
    self.sodiationPlateauBelow = sodiationPlateauBelow
    self.desodiationPlateauBelow = desodiationPlateauBelow
    self.retentionReference = retentionReference
  }

  /// Whether plateaus come out as by other parameters: thresholds and ohmic correction are the same.
  public func tellsPlateaus(like other: MetricParameters) -> Bool {
    sodiationPlateauBelow == other.sodiationPlateauBelow && desodiationPlateauBelow == other.desodiationPlateauBelow
      && plateauIRCorrection == other.plateauIRCorrection
  }
}

/// What a run does after the instrument, the daemon or the power was away (hazard rule 3).
public struct InterruptionPolicy: Sendable, Hashable {
  /// What happens when the interruption was too long or the cell does not fit.
  public enum Otherwise: String, Sendable, Hashable, CaseIterable {
    /// The run waits for a person.
    case hold
    /// The run ends.
    case end
  }
  /// The longest interruption after which the run goes on by itself.
  public var resumeWithin: TimeSpan
  /// What happens otherwise.
  public var otherwise: Otherwise
  /// A policy.
  public init(resumeWithin: TimeSpan, otherwise: Otherwise) {
    self.resumeWithin = resumeWithin
    self.otherwise = otherwise
  }
}

/// What a cell brings to a protocol; nil where nobody has said it.
public struct CellValues: Sendable, Hashable {
  /// Active mass.
  public var activeMass: Mass?
  /// Electrode area.
  public var area: Area?
  /// Nominal capacity.
  public var nominalCapacity: Charge?
  /// Values.
  public init(activeMass: Mass? = nil, area: Area? = nil, nominalCapacity: Charge? = nil) {
    self.activeMass = activeMass
    self.area = area
    self.nominalCapacity = nominalCapacity
  }
}
