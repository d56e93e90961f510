// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What ends a block before its passes are done must be something that its cycles say, and lead forward.

import CyclerModel
import Quantities

extension DocumentRules {
  mutating func judge(_ condition: WrittenPassCondition, of block: WrittenBlock, inCycles: Bool) {
    guard !inCycles else {
      report(
        condition.site, "`until` on a block inside `cycles` is not yet supported", hint: "end the block by its count")
      return
    }
    let terms = [condition] + condition.also
    if terms.count > 1, terms.contains(where: { $0.quantity == .testTime }) {
      report(
        condition.site, "`test_time` is not of a cycle and cannot be joined with what is",
        hint: "write it as a condition of its own")
    } else if condition.quantity == .testTime {
      judgeTestTime(condition)
    } else if !Self.hasCycles(block) {
      report(
        condition.site, "`\(condition.quantity.rawValue)` is of a cycle, and the block has none",
        hint: #"let a step of it lead out, {"when": "voltage <= 10 mV", "go": LABEL} with the label of what follows"#
          + "; or use `cycles`")
    } else {
      for term in terms { judgeIsKnown(term) }
      judgeInitial(condition)
      judgeCycleNumber(condition)
    }
    judgeTarget(condition.target)
  }

  /// Only one cycle of the cell's life says it: it cannot be said twice in a row, nor beside a change from the cycle before.
  private mutating func judgeInitial(_ condition: WrittenPassCondition) {
    let quantities = ([condition] + condition.also).map(\.quantity)
    guard quantities.contains(.initialCoulombicEfficiency) else { return }
    if condition.cyclesInARow > 1 {
      report(condition.site, "only the cell's first cycle has an initial efficiency", hint: "leave `for` out")
    }
    if quantities.contains(.capacityChange) {
      report(
        condition.site, "the cell's first cycle has no cycle before it to differ from",
        hint: "make it two conditions")
    }
  }

  /// Cycles are counted upwards.
  private mutating func judgeCycleNumber(_ condition: WrittenPassCondition) {
    guard condition.quantity == .cycleNumber, condition.also.isEmpty else { return }
    if condition.comparison == .atMost || condition.comparison == .below {
      report(condition.site, "`\(condition.text)` is true at once or never", hint: "write `cycle_number >= …`")
    }
    if condition.cyclesInARow > 1 {
      report(condition.site, "cycles are counted upwards, so `for` only adds to the number", hint: "add it yourself")
    }
  }

  private mutating func judgeTestTime(_ condition: WrittenPassCondition) {
    if condition.comparison == .atMost || condition.comparison == .below {
      report(condition.site, "`\(condition.text)` is true at once", hint: "write `test_time >= …`")
    }
    if condition.cyclesInARow > 1 {
      report(condition.site, "`for` counts cycles, and `test_time` is not of a cycle", hint: "leave `for` out")
    }
  }

  static func hasCycles(_ block: WrittenBlock) -> Bool {
    block.isCycles
      || block.steps.contains { step in if case .block(let inner) = step.body { hasCycles(inner) } else { false } }
  }

  /// A value that no cycle of this protocol has would leave the block without its end.
  private mutating func judgeIsKnown(_ condition: WrittenPassCondition) {
    let name = condition.quantity.rawValue
    switch condition.quantity {
    case .coulombicEfficiency, .initialCoulombicEfficiency, .cumulativeIrreversibleCapacity:
      guard let role = cell?.role, !role.hasCoulombicEfficiency else { return }
      report(condition.site, "role \(role.rawValue) has no coulombic efficiency", hint: "end the block by a capacity")
    case .retention:
      guard metrics.retentionReference == nil else { return }
      report(
        condition.site, "nothing says which cycle's capacity is 100 %",
        hint: #"add "metrics": {"retention_reference": "life cycle 1"}"#)
    case .sodiationPlateauRatio, .sodiationPlateauCapacity, .desodiationPlateauRatio, .desodiationPlateauCapacity:
      guard let role = cell?.role else { return }
      let isSodiation = condition.quantity == .sodiationPlateauRatio || condition.quantity == .sodiationPlateauCapacity
      if role != .anodeHalfCell {
        report(condition.site, "`\(name)` has no meaning for role \(role.rawValue)", hint: "end the block otherwise")
      } else if !isSodiation, metrics.desodiationPlateauBelow == nil {
        report(
          condition.site, "nothing says below which voltage desodiation's plateau lies",
          hint: #"add "metrics": {"desodiation_plateau_below": "200 mV"}"#)
      }
    case .energyEfficiency:
      guard let role = cell?.role, role == .platingStripping else { return }
      report(
        condition.site, "role \(role.rawValue) gives no energy back on discharge: it plates below 0 V",
        hint: "end the block by `coulombic_efficiency` or `voltage_hysteresis`")
    case .capacityChange, .chargeCapacity, .dischargeCapacity, .meanChargeVoltage, .meanDischargeVoltage,
      .voltageHysteresis, .testTime, .cycleNumber:
      break
    }
  }

  /// The reference of a block that ends by retention is run before the block is over.
  mutating func judgeReferenceIsBehind(_ block: WrittenBlock) {
    guard let reference = metrics.retentionReference, purposes[reference.purpose, default: 0] < reference.number
    else { return }
    for condition in block.until
    where ([condition] + condition.also).contains(where: { $0.quantity == .retention }) {
      report(
        condition.site, "\(reference.written), against which retention is told, comes after this block",
        hint: "name an earlier cycle in `metrics.retention_reference`")
    }
  }

  /// Where the conditions of a step lead. A pass of `cycles` is one cycle and is not left in its middle.
  mutating func judgeTargets(_ conditions: [WrittenCondition], inCycles: Bool) {
    for condition in conditions {
      guard inCycles, case .label(let name) = condition.target.value else {
        judgeTarget(condition.target)
        continue
      }
      report(
        condition.target.site, "`\(name)` would leave a cycle in its middle",
        hint: "inside `cycles` a step goes on with next, end or hold; end the block by its own `until`")
    }
  }

  private mutating func judgeTarget(_ target: Sited<WrittenTarget>) {
    if case .label(let name) = target.value { judgeLabel(name, at: target.site) }
  }

  /// A label at which a run goes on stands behind the step or block, in its own list or one around it: nothing is done
  /// twice, and no step is entered from aside.
  private mutating func judgeLabel(_ name: String, at site: Site) {
    for list in lists.reversed() {
      guard let target = list.steps[(list.place + 1)...].first(where: { $0.label == name }) else { continue }
      switch target.body {
      case .hold:
        report(
          site, "`\(name)` is a hold, which belongs to the step before it",
          hint: "go on at a rest, a charge, a discharge or a block")
      case .impedance:
        report(
          site, "`\(name)` is a spectrum, which is measured behind the rest before it",
          hint: "go on at that rest: give it the label")
      case .rest, .drive, .sweep, .profile, .block, .test: break
      }
      return
    }
    report(
      site, "no step behind this one has the label `\(name)`",
      hint: "known are next, end, hold and labels farther down, in the same list or one around it")
  }
}
