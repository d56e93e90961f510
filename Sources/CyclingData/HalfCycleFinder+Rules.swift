// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import CyclerModel
internal import Quantities

extension HalfCycleFinder {
  /// What to look for.
  struct Rules: Sendable, Hashable {
    var chargingPlateauBelow: Voltage?
    var dischargingPlateauBelow: Voltage?
    /// A longer interval is a gap, s; nil for a limit that follows from the file.
    var gapLimit: Double?
    var chargeSource = AnalysisOptions.ChargeSource.automatic
    // From the heading.
    var hasStep = false
    var hasStepTime = false
    var counters: [ChargeCounter] = []
    /// Whether the counters and not the samples give the charge.
    var countersArePrimary = false

    init(_ options: AnalysisOptions) {
      let parameters = MetricParameters(
        sodiationPlateauBelow: options.sodiationPlateauBelow, desodiationPlateauBelow: options.desodiationPlateauBelow,
        retentionReference: nil)
      chargingPlateauBelow = parameters.plateauThreshold(direction: .charge, role: options.countingRole)
      dischargingPlateauBelow = parameters.plateauThreshold(direction: .discharge, role: options.countingRole)
      gapLimit = options.gapLimit
      chargeSource = options.chargeSource
    }
  }

  /// What was seen of the table as a whole.
  struct Tally: Sendable, Hashable {
    var records = 0
    /// Of the same time as the record before, in the same step.
    var duplicates = 0
    /// Left out because their time lies before that of the record before.
    var backwards = 0
    /// Where the clock began anew; lines.
    var restarts: [Int] = []
    /// Intervals without records; lines, the first few.
    var gaps: [Int] = []
    var gapCount = 0
    var firstTime = 0.0
    var lastTime = 0.0
    /// Runs that split nothing and belong to no half-cycle.
    var spurious = 0
    /// Records without any current, once there was one.
    var zeros = 0
    /// Changes between none and hardly any inside a step: the noise of an instrument whose zero is a digit like others.
    var flickers = 0

    /// How far the voltage fell and rose while a positive current flowed inside steps, V; counted until there is a negative
    /// one.
    var fallen = 0.0
    var risen = 0.0
    var hasNegative = false

    /// Whether a rest shows exactly no current.
    var restsAreExact: Bool { zeros >= 3 && flickers <= zeros / 10 }
  }
}
