// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What a profile of currents may say.

import CyclerModel
import Quantities

extension DocumentRules {
  mutating func judge(_ profile: WrittenProfile, at site: Site, inCycles: Bool) {
    for row in profile.rows where row.duration.value < CurrentProfile.shortestRow {
      report(
        row.duration.site, "a row of \(row.duration.value.written)",
        hint: "a row lasts \(CurrentProfile.shortestRow.written) or more")
    }
    if !profile.rows.contains(where: { $0.current != nil }) {
      report(site, "a profile that drives nothing", hint: "write a `rest`")
    }
    let isLong = profile.rows.count > CurrentProfile.mostRows
    if isLong, inCycles {
      report(
        site, "a profile of more than \(CurrentProfile.mostRows) rows inside `cycles`",
        hint: "its tables are steps of their own; use `repeat`, or make it shorter")
    }
    judgeJoined(profile.until, .hold(isDiagnostic: true), inCycles: inCycles)
    for condition in profile.until { judgeEnd(condition, isLong: isLong, inCycles: inCycles) }
  }

  private mutating func judgeEnd(_ condition: WrittenCondition, isLong: Bool, inCycles: Bool) {
    for term in [condition] + condition.also {
      if isLong, [.stepTime, .stepCharge, .stepEnergy].contains(term.quantity) {
        report(
          term.site, "`\(term.quantity.rawValue)` counts in each \(CurrentProfile.mostRows) rows of a profile anew",
          hint: "end a long profile by a `voltage` or `test_time`")
      }
      if term.quantity == .current {
        report(term.site, "the profile itself says the current", hint: "end it by a voltage")
      }
    }
    guard condition.also.isEmpty else { return }
    switch condition.quantity {
    case .voltage: if case .voltage(let voltage) = condition.value { judgeInside(voltage, at: condition.site) }
    case .current, .temperature: break
    case .voltageDrift, .chargePerVolt:
      report(
        condition.site, "`\(condition.quantity.rawValue)` means nothing where the current changes",
        hint: "use it with a current alone")
    case .cycleNumber: reportConstant(condition)
    case .stepTime, .testTime, .stepCharge, .stepEnergy: requireGrowing(condition)
    case .cycleTime: requireGrowing(condition, inCycles: inCycles)
    case .holdTime: report(condition.site, "nothing is held in a profile", hint: "write `step_time`")
    case .halfCycleTime, .halfCycleCharge: requireGrowing(condition, isDiagnostic: true)
    }
  }
}
