// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What a sweep of the voltage may say.

import CyclerModel
import Quantities

extension DocumentRules {
  /// Neighbouring voltages of a sweep differ by so much at least; the instruments step by about as much.
  private static let leastDistance = Voltage(millivolts: 1)
  /// Beyond this a sweep needs an instrument that measures faster than any that is driven.
  private static let fastest = VoltageRate(count: 100 * 3_600_000_000)

  /// Below this a sweep would take years, and its rate would come near to what a script can say.
  private static let slowest = VoltageRate(count: 1_000_000)

  mutating func judge(_ sweep: WrittenSweep, at site: Site, inCycles: Bool) {
    for voltage in [sweep.from].compactMap({ $0 }) + sweep.targets {
      judgeReachable(voltage.value, direction: .none, what: "swept voltage", at: voltage.site)
    }
    var before = sweep.from
    for target in sweep.targets {
      if let before, (before.value - target.value).magnitude < Self.leastDistance {
        report(
          target.site, "the sweep would go from \(before.value.written) to \(target.value.written)",
          hint: "sweep \(Self.leastDistance.written) or more, or `hold` the voltage")
      }
      before = target
    }
    if sweep.rate.value > Self.fastest {
      report(
        sweep.rate.site, "a sweep of more than 100 mV/s",
        hint: "sweep more slowly: readings come some ten times a second")
    }
    if sweep.rate.value < Self.slowest {
      report(sweep.rate.site, "a sweep of less than 1 mV/h", hint: "sweep faster, or `hold` the voltage")
    }
    judgeJoined(sweep.until, .hold(isDiagnostic: true), inCycles: inCycles)
    for condition in sweep.until where condition.also.isEmpty { judgeEnd(condition, inCycles: inCycles) }
  }

  private mutating func judgeEnd(_ condition: WrittenCondition, inCycles: Bool) {
    switch condition.quantity {
    case .voltage: if case .voltage(let voltage) = condition.value { judgeInside(voltage, at: condition.site) }
    // The current of a sweep rises and falls.
    case .current, .temperature: return
    case .voltageDrift, .chargePerVolt: reportHeld(condition)
    case .cycleNumber: reportConstant(condition)
    case .stepTime, .testTime, .stepCharge, .stepEnergy: requireGrowing(condition)
    case .cycleTime: requireGrowing(condition, inCycles: inCycles)
    case .holdTime:
      report(condition.site, "nothing is held in a sweep", hint: "write `step_time`")
    case .halfCycleTime, .halfCycleCharge: requireGrowing(condition, isDiagnostic: true)
    }
  }
}
