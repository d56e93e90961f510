// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A step's own limits: they protect more than the run's, never less.

import CyclerModel
import Quantities

extension Compiler {
  /// The run's limits with the step's own in their places; nil for a step without any.
  mutating func limits(of step: WrittenStep) -> SafetyLimits? {
    guard let written = step.limits, var own = limits else { return nil }
    if let voltage = written.voltage {
      judgeNarrower(voltage, than: own)
      own.lowerVoltage = SoftHardLimit(
        soft: voltage.low.value.count, hard: max(voltage.hardLow.value.count, own.lowerVoltage.hard),
        tolerance: voltage.tolerance)
      own.upperVoltage = SoftHardLimit(
        soft: voltage.high.value.count, hard: min(voltage.hardHigh.value.count, own.upperVoltage.hard),
        tolerance: voltage.tolerance)
    }
    if let charge = written.charge { own.chargeCurrent = narrower(charge, than: own.chargeCurrent) }
    if let discharge = written.discharge { own.dischargeCurrent = narrower(discharge, than: own.dischargeCurrent) }
    own.endingRun.set(.voltage, to: written.voltage?.action)
    own.endingRun.set(.chargeCurrent, to: written.charge?.action)
    own.endingRun.set(.dischargeCurrent, to: written.discharge?.action)
    return own
  }

  private mutating func narrower(_ written: WrittenLimits.CurrentLimit, than run: SoftHardLimit) -> SoftHardLimit {
    guard let own = compile(written) else { return run }
    if own.soft > run.soft {
      report(
        written.soft.site, "`\(written.soft.value.written)` is more than the run's limit",
        hint: "a step's limits are narrower: \(Current(count: run.soft).shown()) at most")
    }
    if let hard = written.hard, own.hard > run.hard {
      report(
        hard.site, "`\(hard.value.written)` is more than the run's hard limit",
        hint: "a step's limits are narrower: \(Current(count: run.hard).shown()) at most")
    }
    judgeTolerance(own.tolerance, run.tolerance, at: written.soft.site)
    return SoftHardLimit(soft: min(own.soft, run.soft), hard: min(own.hard, run.hard), tolerance: own.tolerance)
  }

  /// What was written of a step's voltage limits beyond the values themselves, which are judged with the document.
  private mutating func judgeNarrower(_ own: WrittenLimits.VoltageLimits, than run: SafetyLimits) {
    for (hard, isOutside) in [
      (own.hardLow, own.hardLow.value.count < run.lowerVoltage.hard),
      (own.hardHigh, own.hardHigh.value.count > run.upperVoltage.hard),
    ] where isOutside && hard.site.path.contains(".hard.") {
      let (low, high) = (Voltage(count: run.lowerVoltage.hard), Voltage(count: run.upperVoltage.hard))
      report(
        hard.site, "\(hard.value.written) lies outside the run's hard limits",
        hint: "a step's limits are narrower: \(low.written) to \(high.written) at most")
    }
    judgeTolerance(own.tolerance, run.lowerVoltage.tolerance, at: own.low.site)
  }

  /// A limit that may be passed for longer protects less. `site` is that of a value beside `for`.
  private mutating func judgeTolerance(_ own: TimeSpan, _ run: TimeSpan, at site: Site) {
    guard own > run else { return }
    var place = site
    place.path = site.path.split(separator: ".").dropLast().joined(separator: ".") + ".for"
    report(
      place, "\(own.written) is longer than the run's limit may be passed",
      hint: "a step's limits are narrower: \(run.written) at most")
  }
}
