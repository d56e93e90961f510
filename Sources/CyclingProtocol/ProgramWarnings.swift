// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What is not wrong, but worth a look before the circuit is closed.

public import CyclerModel
import Quantities

extension ProgramListing {
  /// A limit farther than this beyond every cut-off protects little.
  private static let looseLimit = Voltage(millivolts: 500)
  /// A current so near its limit (in per cent) may trip it by the instrument's own error.
  private static let tightCurrentPerCent: Int64 = 2

  /// Sentences for a person; empty when there is nothing to say. An instrument adds what its accuracy means.
  public static func warnings(of program: Program, instrument: InstrumentLimits?) -> [String] {
    var found: [String] = []
    for step in program.steps {
      found += platingWarning(step, program.role, instrument)
      found += currentWarning(step, program.limits)
      found += driftWarning(step)
      found += powerWarning(step, program.limits)
    }
    found += looseLimits(program)
    found += plateauWarnings(program)
    if let instrument { found += uselessCurrentLimits(program.limits, instrument) }
    var said: Set<String> = []
    return found.filter { said.insert($0).inserted }
  }

  /// Hazard rule 8: on the plateau a millivolt is a few per cent of the capacity, and below 0 V sodium plates.
  private static func platingWarning(
    _ step: ProgramStep, _ role: CellRole, _ instrument: InstrumentLimits?
  ) -> [String] {
    guard role == .anodeHalfCell else { return [] }
    return reachedVoltages(step).filter { $0.direction != .charge }.compactMap { reached in
      let error = instrument?.voltageError(at: reached.voltage) ?? .zero
      guard reached.voltage - error <= .zero else { return nil }
      let value = instrument == nil ? reached.voltage.written : text(reached.voltage, instrument)
      return "\(step.path): \(value) reaches 0 V, where sodium can plate on the anode"
    }
  }

  /// Ten minutes of such a drift are less than the noise of many an instrument.
  private static let slowDrift = VoltageRate(count: 500_000)

  private static func driftWarning(_ step: ProgramStep) -> [String] {
    step.ends.compactMap { end in
      let first = JoinedComparison(quantity: end.quantity, comparison: end.comparison, threshold: end.threshold)
      let drift = ([first] + end.also.map { step.joined[$0] }).first { $0.quantity == .voltageDrift }
      guard let drift, drift.threshold < slowDrift.count, end.lasting == .zero else { return nil }
      let moved = Voltage(nanovolts: drift.threshold / 6).shown(digits: 2)
      return "\(step.path): `\(end.text)` is \(moved) in ten minutes, which noise can be: the step may end by chance; "
        + #"let it hold for some time, {"when": "\#(end.text)", "for": "10 min"}"#
    }
  }

  /// A power that is more than the most current makes at any voltage.
  private static func powerWarning(_ step: ProgramStep, _ limits: SafetyLimits) -> [String] {
    guard case .demand(let demand) = step.action, case .power(let power) = demand.law else { return [] }
    let highest = Voltage(nanovolts: (step.limits ?? limits).upperVoltage.soft)
    guard demand.current(at: highest) == demand.currentAtMost else { return [] }
    return [
      "\(step.path): \(power.written) ask for more than \(demand.currentAtMost.shown()) at every voltage up to "
        + "\(highest.written), so the current is constant"
    ]
  }

  private static func currentWarning(_ step: ProgramStep, _ limits: SafetyLimits) -> [String] {
    let current: Current
    switch step.action {
    case .rest: return []
    case .constantCurrent(_, let drive), .constantCurrentConstantVoltage(_, let drive, _): current = drive
    case .hold(_, _, let atMost): current = atMost
    case .demand(let demand): current = demand.currentAtMost
    case .sweep(let sweep): current = sweep.currentAtMost
    case .profile(let profile): current = profile.largestCurrent
    case .impedance(let spectrum): current = spectrum.currentAtMost
    }
    let limit: Int64
    switch step.direction {
    case .charge: limit = limits.chargeCurrent.soft
    case .discharge: limit = limits.dischargeCurrent.soft
    case .none: limit = min(limits.chargeCurrent.soft, limits.dischargeCurrent.soft)
    }
    guard Int128(current.count) * Int128(100 + tightCurrentPerCent) > Int128(limit) * 100 else { return [] }
    return [
      "\(step.path): \(current.shown()) is within \(tightCurrentPerCent) % of its limit \(Current(count: limit).shown()), "
        + "which noise can trip"
    ]
  }

  /// A limit that the instrument cannot reach is often one in the wrong unit.
  private static func uselessCurrentLimits(_ limits: SafetyLimits, _ instrument: InstrumentLimits) -> [String] {
    [("charge_current", limits.chargeCurrent), ("discharge_current", limits.dischargeCurrent)].compactMap {
      name, limit in
      let most = Current(count: limit.soft)
      guard most > instrument.maximumCurrent else { return nil }
      return "limits.\(name) \(most.shown()) is more than the instrument can do, "
        + "\(instrument.maximumCurrent.shown()), so it never acts: is its unit right?"
    }
  }

  private static func looseLimits(_ program: Program) -> [String] {
    let reached = program.steps.flatMap(reachedVoltages)
    var found: [String] = []
    let low = Voltage(count: program.limits.lowerVoltage.soft)
    let high = Voltage(count: program.limits.upperVoltage.soft)
    if let lowest = reached.filter({ $0.direction != .charge }).map(\.voltage).min(), lowest - low > looseLimit {
      found.append("limits.voltage.min \(low.written) lies far below the lowest cut-off \(lowest.written)")
    }
    if let highest = reached.filter({ $0.direction != .discharge }).map(\.voltage).max(), high - highest > looseLimit {
      found.append("limits.voltage.max \(high.written) lies far above the highest cut-off \(highest.written)")
    }
    return found
  }

  /// A threshold that no voltage of the run can pass is often one in the wrong unit.
  private static func plateauWarnings(_ program: Program) -> [String] {
    let low = Voltage(count: program.limits.lowerVoltage.soft)
    let high = Voltage(count: program.limits.upperVoltage.soft)
    let thresholds = [
      ("sodiation_plateau_below", program.metrics.sodiationPlateauBelow),
      ("desodiation_plateau_below", program.metrics.desodiationPlateauBelow),
    ]
    return thresholds.compactMap { name, threshold in
      guard let threshold, threshold > high || threshold <= low else { return nil }
      let place =
        threshold > high
        ? "above limits.voltage.max \(high.written), so all charge of the branch will count as plateau"
        : "not above limits.voltage.min \(low.written), so no charge will count as plateau"
      return "metrics.\(name) \(threshold.written) lies \(place): is its unit right?"
    }
  }

  /// The voltages that a closed step goes to.
  private static func reachedVoltages(_ step: ProgramStep) -> [(voltage: Voltage, direction: Direction)] {
    switch step.action {
    // Around the open circuit, wherever that is.
    case .rest, .impedance: return []
    case .constantCurrentConstantVoltage(let direction, _, let voltage): return [(voltage, direction)]
    case .hold(let direction, let voltage, _): return [(voltage, direction)]
    case .sweep(let sweep): return ([sweep.from].compactMap { $0 } + sweep.to).map { ($0, .none) }
    case .constantCurrent, .demand, .profile:
      return step.ends.filter { $0.quantity == .voltage && $0.also.isEmpty }.map {
        (Voltage(count: $0.threshold), step.direction)
      }
    }
  }
}
