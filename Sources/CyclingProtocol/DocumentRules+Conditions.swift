// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What the conditions and voltages of a step must be, judged without a cell.

import CyclerModel
import Quantities

extension DocumentRules {
  // MARK: Conditions

  mutating func judgeCutOff(_ condition: WrittenCondition, _ drive: WrittenDrive) {
    guard case .voltage(let voltage) = condition.value else { return }
    guard drive.to == nil else {
      report(condition.site, "the voltage of this step is `to`, and it is then held", hint: "remove the condition")
      return
    }
    let isUpper = condition.comparison == .atLeast || condition.comparison == .above
    if isUpper != (drive.direction == .charge) {
      let verb = drive.direction == .charge ? "charge raises" : "discharge lowers"
      let right = drive.direction == .charge ? ">=" : "<="
      report(
        condition.site, "\(verb) the voltage, so `\(condition.text)` is true at once or never",
        hint: "write `voltage \(right) \(voltage.written)`")
    }
    judgeReachable(voltage, direction: drive.direction, what: "cut-off", at: condition.site)
  }

  /// Times and charges grow from nothing: only an upper bound can end a step.
  mutating func requireGrowing(
    _ condition: WrittenCondition, inCycles: Bool = true, isDiagnostic: Bool = false
  ) {
    let name = condition.quantity.rawValue
    if condition.comparison == .atMost || condition.comparison == .below {
      report(condition.site, "`\(condition.text)` is true at once", hint: "write `\(name) >= …`")
    }
    if !inCycles {
      report(condition.site, "`\(name)` has no meaning outside `cycles`", hint: "write `step_time`")
    }
    if isDiagnostic {
      report(
        condition.site, "a diagnostic step belongs to no half-cycle, so `\(name)` has no meaning",
        hint: "write `step_time` or `step_charge`")
    }
  }

  /// A voltage comes to rest: its drift falls.
  mutating func judgeDrift(_ condition: WrittenCondition) {
    guard condition.comparison == .atLeast || condition.comparison == .above else { return }
    report(
      condition.site, "the voltage of a resting cell comes to rest, so `\(condition.text)` is true at once or never",
      hint: "write `voltage_drift <= …`")
  }

  mutating func reportHeld(_ condition: WrittenCondition) {
    report(
      condition.site, "`\(condition.quantity.rawValue)` means nothing where the voltage is held or swept",
      hint: condition.quantity == .voltageDrift
        ? "use it in a rest, or with a current alone" : "use it with a current alone")
  }

  /// At the beginning of a step the resistance moves the voltage, and hardly any charge.
  mutating func judgeBeginning(_ condition: WrittenCondition) {
    guard condition.quantity == .chargePerVolt, !condition.comparison.isUpper else { return }
    report(
      condition.site, "`\(condition.text)` is met at the beginning of the step, where its resistance moves the voltage",
      hint: "join it with `and`, like `dq_dv <= 1 mAh/V and step_charge >= 0.1 mAh`")
  }

  /// All of a step lies in one cycle.
  mutating func reportConstant(_ condition: WrittenCondition) {
    report(
      condition.site, "`cycle_number` does not change during a step, so `\(condition.text)` is true at once or never",
      hint: "join it with `and`, like `voltage <= 10 mV and cycle_number >= 50`, or end the block by it")
  }

  /// The current of a hold decays, and it is compared by magnitude (hazard rule 9).
  mutating func requireFalling(_ condition: WrittenCondition) {
    guard condition.comparison == .atLeast || condition.comparison == .above else { return }
    report(
      condition.site, "the current of a hold falls, so `\(condition.text)` is true at once or never",
      hint: "write `current <= …`; its largest value is bounded by `current_at_most` and `limits`")
  }

  mutating func requireTimeBound(
    _ conditions: [WrittenCondition], _ quantities: Set<EndCondition.Quantity>, settle: Sited<TimeSpan>?, at site: Site
  ) {
    let bounds = conditions.filter { quantities.contains($0.quantity) && $0.isPlain }
    if bounds.isEmpty, !conditions.isEmpty {
      let names = quantities.map(\.rawValue).sorted(by: >).joined(separator: "` or `")
      report(
        site, "a closed circuit without a time bound",
        hint: "add `\(names) >= …` to `until`: a leak, a soft short or a broken clip never reaches the other ends")
    }
    guard let settle else { return }
    for case .time(let bound) in bounds.map(\.value) where bound <= settle.value {
      report(settle.site, "`settle` is not shorter than the step", hint: "less than \(bound.written)")
    }
  }

  // MARK: Joined and lasting conditions

  /// In what a condition is judged.
  enum Surroundings: Equatable {
    case rest
    case current(isDiagnostic: Bool)
    case hold(isDiagnostic: Bool)
    /// A current that follows the voltage.
    case demand(isDiagnostic: Bool)
  }

  /// What is joined by `and` may be a lower bound of something that grows, as in "little charge after a long time"; each
  /// comparison only needs a meaning where it stands. What must last can come and go: a voltage or the current of a hold.
  mutating func judgeJoined(_ conditions: [WrittenCondition], _ place: Surroundings, inCycles: Bool) {
    for condition in conditions {
      if let lasting = condition.lasting, condition.also.isEmpty,
        ![.voltage, .current, .voltageDrift, .chargePerVolt, .temperature].contains(condition.quantity)
      {
        report(
          lasting.site,
          "`\(condition.quantity.rawValue)` does not come and go, so `for` changes nothing but the moment",
          hint: "add the time to the value")
      }
      guard !condition.also.isEmpty else { continue }
      for term in [condition] + condition.also { judgeMeaning(of: term, place, inCycles: inCycles) }
    }
  }

  private mutating func judgeMeaning(of term: WrittenCondition, _ place: Surroundings, inCycles: Bool) {
    let name = term.quantity.rawValue
    switch term.quantity {
    case .voltage: if case .voltage(let voltage) = term.value { judgeInside(voltage, at: term.site) }
    case .voltageDrift: if case .hold = place { reportHeld(term) }
    case .chargePerVolt:
      if place == .rest {
        report(term.site, "`\(name)` does not change during a rest", hint: "leave it out")
      } else if case .hold = place {
        reportHeld(term)
      }
    case .cycleNumber:
      guard !inCycles else { return }
      report(term.site, "`\(name)` has no meaning outside `cycles`", hint: "leave it out")
    case .current, .holdTime:
      if case .hold = place { return }
      if case .demand = place, term.quantity == .current { return }
      report(term.site, "`\(name)` means something in a hold only", hint: "leave it out, or move it to the hold")
    case .stepCharge, .stepEnergy:
      guard place == .rest else { return }
      report(term.site, "`\(name)` does not change during a rest", hint: "leave it out")
    case .halfCycleTime, .halfCycleCharge:
      switch place {
      case .current(isDiagnostic: false), .hold(isDiagnostic: false), .demand(isDiagnostic: false): return
      case .rest, .current, .hold, .demand:
        report(term.site, "the step belongs to no half-cycle, so `\(name)` has no meaning", hint: "leave it out")
      }
    case .cycleTime:
      guard !inCycles else { return }
      report(term.site, "`\(name)` has no meaning outside `cycles`", hint: "write `step_time`")
    case .stepTime, .testTime, .temperature: return
    }
  }

  // MARK: Voltages

  mutating func judgeInside(_ voltage: Voltage, at site: Site) {
    guard let limits, voltage < limits.low.value || voltage > limits.high.value else { return }
    report(
      site, "\(voltage.written) lies outside the limits \(limits.low.value.written) to \(limits.high.value.written)",
      hint: "change the voltage or `limits.voltage`")
  }

  /// A voltage that a closed circuit is to reach lies inside the limits, with room on the side that it comes near to,
  /// and not below 0 V for an anode against sodium (hazard rule 8).
  mutating func judgeReachable(_ voltage: Voltage, direction: Direction, what: String, at site: Site) {
    if voltage < .zero, cell?.role == .anodeHalfCell, cell?.allowPlating == false {
      report(
        site, "the \(what) \(voltage.written) plates sodium on the anode",
        hint: #"0 V or more, or say "allow_plating": true in the cell section"#)
    }
    guard let limits else { return }
    let before = problems.count
    judgeInside(voltage, at: site)
    guard problems.count == before else { return }
    if direction != .charge, voltage - limits.low.value < Self.leastMargin {
      reportMargin(voltage, limits.low.value, "min", "at most \((voltage - Self.leastMargin).written)", what, site)
    }
    if direction != .discharge, limits.high.value - voltage < Self.leastMargin {
      reportMargin(voltage, limits.high.value, "max", "at least \((voltage + Self.leastMargin).written)", what, site)
    }
  }

  mutating func reportMargin(
    _ voltage: Voltage, _ limit: Voltage, _ end: String, _ right: String, _ what: String, _ site: Site
  ) {
    report(
      site, "the limit \(limit.written) is less than \(Self.leastMargin.written) beyond the \(what) \(voltage.written)",
      hint: "set `limits.voltage.\(end)` to \(right)")
  }
}
