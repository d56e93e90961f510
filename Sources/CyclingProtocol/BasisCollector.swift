// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import Quantities

/// Finds which of a cell's values a protocol is computed from.
enum BasisCollector {
  static func needs(of steps: [WrittenStep], _ limits: WrittenLimits) -> Set<CellBasis> {
    let currents = [limits.charge.soft, limits.charge.hard, limits.discharge.soft, limits.discharge.hard]
    let limitBases =
      currents.map { $0?.value.basis } + [limits.halfCycleCharge.value.basis, limits.emptyBelow?.value.basis]
    return needs(of: steps).union(limitBases.compactMap { $0 })
  }

  private static func needs(of steps: [WrittenStep]) -> Set<CellBasis> {
    var found: Set<CellBasis> = []
    for step in steps {
      switch step.body {
      case .rest: break
      case .drive(let drive):
        found.formUnion([drive.current.value.basis].compactMap { $0 })
        found.formUnion((drive.until + drive.holdUntil).flatMap(bases))
      case .hold(let hold):
        found.formUnion([hold.currentAtMost.value.basis].compactMap { $0 })
        found.formUnion(hold.until.flatMap(bases))
      case .sweep(let sweep):
        found.formUnion([sweep.currentAtMost.value.basis].compactMap { $0 })
        found.formUnion(sweep.until.flatMap(bases))
      case .profile(let profile):
        found.formUnion(profile.rows.compactMap { $0.current?.value.basis })
        found.formUnion(profile.until.flatMap(bases))
      case .impedance(let impedance):
        found.formUnion([impedance.currentAtMost.value.basis].compactMap { $0 })
      case .block(let block):
        found.formUnion(needs(of: block.steps))
        found.formUnion(block.until.flatMap { ([$0] + $0.also).compactMap(basis) })
      case .test(let test): found.formUnion(needs(of: test.steps))
      }
    }
    return found
  }

  private static func basis(of condition: WrittenPassCondition) -> CellBasis? {
    if case .charge(let charge) = condition.value { charge.basis } else { nil }
  }

  private static func bases(of condition: WrittenCondition) -> [CellBasis] {
    ([condition] + condition.also).compactMap(basis)
  }

  private static func basis(of condition: WrittenCondition) -> CellBasis? {
    switch condition.value {
    case .current(let current): current.basis
    case .charge(let charge), .chargePerVolt(let charge): charge.basis
    case .voltage, .time, .energy, .rate, .temperature, .share, .count: nil
    }
  }
}
