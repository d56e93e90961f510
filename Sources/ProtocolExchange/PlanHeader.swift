// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What a protocol of ours must say besides its steps: what the cell is, where it must stand before the start, the limits,
// the policy after an interruption. What the other file does not say is taken from a protocol of ours, or follows from
// its steps and is told; what cannot follow is asked for.

import CyclerModel
import CyclingProtocol
import Quantities

/// Makes the sections of a protocol for a plan.
struct PlanHeader {
  let plan: ForeignPlan
  let options: ImportOptions
  /// The capacity that the file itself says; the plan's may be that of the options.
  let fileCapacity: Charge?
  /// The sections of a protocol of ours that stand for those that the file lacks; empty without one.
  var like: [TextNode.Member] = []
  var notes: [String] = []
  private(set) var problems: [ProtocolProblem] = []
  private(set) var role: CellRole?
  var bounds: PlanBounds

  /// The room between a cut-off and the limit beyond it.
  private static let room = Voltage(millivolts: 50)

  init(plan: ForeignPlan, options: ImportOptions) {
    fileCapacity = plan.nominalCapacity
    var plan = plan
    plan.nominalCapacity = plan.nominalCapacity ?? options.nominalCapacity
    self.plan = plan
    self.options = options
    bounds = PlanBounds(capacity: plan.nominalCapacity)
  }

  var title: String {
    let name = plan.cellName.map { " for \($0)" } ?? ""
    return String("\(plan.format.name) protocol\(name)".prefix(200))
  }

  mutating func report(_ message: String, hint: String) {
    problems.append(ProtocolProblem(path: "", line: 1, column: 1, message: message, hint: hint))
  }

  mutating func sections() -> [TextNode.Member] {
    let version = plan.version.map { " \($0)" } ?? ""
    notes.append("Converted from \(plan.format.name)\(version).")
    judgeCapacity()
    readLike()
    role = likeRole ?? options.role
    if role == nil {
      report(
        "the file does not say what the cell is",
        hint: "--role \(CellRole.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    let record = TextNode.Member(key: "record", value: record())
    if options.like != nil {
      judgeOptionsBesideLike()
      return like.filter { $0.key != "on_interruption" } + [record] + interruption
    }
    let limits = limits()
    guard let role, let window = limits.window else { return [] }
    let cell = TextNode.members([
      ("role", .text(role.rawValue)), ("name", plan.cellName.map { .text($0) }),
      ("nominal_capacity", plan.nominalCapacity.map { .text($0.written) }), ("expect_open_circuit", window),
    ])
    return [TextNode.Member(key: "cell", value: cell), TextNode.Member(key: "limits", value: limits.section), record]
      + interruption
  }

  /// Two capacities would mean two currents.
  private mutating func judgeCapacity() {
    guard let said = options.nominalCapacity, let theirs = fileCapacity, said != theirs else { return }
    report(
      "the file's nominal capacity is \(theirs.written), the one that was said \(said.written)",
      hint: "correct one of them: C-rates are computed from it")
  }

  private var interruption: [TextNode.Member] {
    if let theirs = like.first(where: { $0.key == "on_interruption" }) { return [theirs] }
    // Told with the limits.
    let value = TextNode.members([("resume_within", .text("10 min")), ("otherwise", .text("hold"))])
    return [TextNode.Member(key: "on_interruption", value: value)]
  }

  private mutating func record() -> TextNode {
    if let change = plan.record.onCurrentChange {
      notes.append(
        "Records at a change of the current by \(change.written) are left out: here such a change is a share.")
    }
    return .members([
      ("every", .text(plan.record.every.written)),
      ("on_voltage_change", plan.record.onVoltageChange.map { .text($0.written) }),
    ])
  }

  // MARK: Limits

  private mutating func limits() -> (window: TextNode?, section: TextNode) {
    let window = voltageLimits()
    bounds.charge = currentLimit(.charge)
    bounds.discharge = currentLimit(.discharge)
    if bounds.charge == nil { bounds.charge = bounds.discharge }
    if bounds.discharge == nil { bounds.discharge = bounds.charge }
    if !hasDrives, bounds.charge == nil {
      (bounds.charge, bounds.discharge) = (.rate(Fraction(1)), .rate(Fraction(1)))
      notes.append("The file has no constant currents: at most 1 C may flow.")
    }
    let most = plan.safety.charge ?? halfAsMuchAgain
    tellAssumed()
    if most == nil {
      report(
        "nothing says how much charge a half-cycle may move",
        hint: "say what the cell holds by --nominal-capacity, or --like")
    }
    let tolerance = tolerance
    let current = { (limit: PlanCurrent?, capacity: Charge?) -> TextNode? in
      guard let written = limit?.written(capacity: capacity) else { return nil }
      return .members([("max", .text(written)), ("for", .text(tolerance))])
    }
    let (charge, discharge) = (current(bounds.charge, bounds.capacity), current(bounds.discharge, bounds.capacity))
    if charge == nil || discharge == nil, bounds.charge != nil {
      report("the currents cannot be compared", hint: "say what 1 C is by --nominal-capacity")
    }
    let voltage = window.map {
      TextNode.members([("min", .text($0.from.written)), ("max", .text($0.to.written)), ("for", .text(tolerance))])
    }
    let section = TextNode.members([
      ("voltage", voltage), ("charge_current", charge), ("discharge_current", discharge),
      ("half_cycle_charge", most.map { .members([("max", .text($0.written))]) }),
    ])
    return (window.map { expectedOpenCircuit($0) }, section)
  }

  /// A fresh cell can stand outside of its limits: hard carbon against sodium at 2 to 3.3 V, a bare collector at -0.2 V.
  private mutating func expectedOpenCircuit(_ limits: VoltageWindow) -> TextNode {
    var window = limits
    if role == .anodeHalfCell { window.to = max(window.to, Voltage(millivolts: 3_300)) }
    if role == .anodeFree || role == .platingStripping { window.from = min(window.from, Voltage(millivolts: -200)) }
    if let said = options.openCircuit {
      window = said
    } else {
      notes.append("Before the start the cell must stand between \(window.from.written) and \(window.to.written).")
    }
    return .members([("from", .text(window.from.written)), ("to", .text(window.to.written))])
  }

  /// What stands in the file and was nobody's word.
  private mutating func tellAssumed() {
    var assumed = ["an interruption of up to 10 min is resumed and a longer one held"]
    if plan.safety.chargeCurrent == nil || plan.safety.dischargeCurrent == nil, hasDrives {
      assumed.append("current limits lie a quarter above the largest current")
    }
    if plan.safety.charge == nil { assumed.append("a half-cycle may move one and a half of the nominal capacity") }
    if plan.safety.delay == nil { assumed.append("limits may be passed for 2 s") }
    if !plan.saysRecord { assumed.append("a record is made every \(plan.record.every.written)") }
    notes.append("Assumed: \(assumed.joined(separator: "; ")).")
  }

  private var hasDrives: Bool { plan.steps.flat.contains { if case .drive = $0 { true } else { false } } }

  private var halfAsMuchAgain: Charge? {
    bounds.capacity.flatMap { capacity in
      Fraction(3, over: 2)?.times(Fraction(capacity.count))?.count(unitsInOne: 1).map { Charge(count: $0) }
    }
  }

  /// At most a minute.
  private var tolerance: String {
    guard let delay = plan.safety.delay else { return "2 s" }
    return min(delay, TimeSpan(seconds: 60)).written
  }

  private mutating func voltageLimits() -> VoltageWindow? {
    var (low, high) = (plan.safety.lowestVoltage, plan.safety.highestVoltage)
    if let delay = plan.safety.delay, delay > TimeSpan(seconds: 60) {
      notes.append("Limits may be passed for 1 min at most, not for \(delay.written).")
    }
    if let window = options.voltageLimits {
      if let own = low, window.from < own { reportWider(window.from, own) }
      if let own = high, window.to > own { reportWider(window.to, own) }
      return window
    }
    if low == nil {
      low = voltages(.discharge).min().map { $0 - Self.room }
      if let low { notes.append("The lower voltage limit, \(low.written), lies 50 mV below the lowest cut-off.") }
    }
    if high == nil {
      high = voltages(.charge).max().map { $0 + Self.room }
      if let high { notes.append("The upper voltage limit, \(high.written), lies 50 mV above the highest cut-off.") }
    }
    guard let low, let high else {
      report(
        "nothing says how \(low == nil ? "low" : "high") the voltage may go",
        hint: #"say it by --voltage-limits "2 V to 4.3 V", or --like"#)
      return nil
    }
    return VoltageWindow(from: low, to: high)
  }

  private mutating func reportWider(_ said: Voltage, _ own: Voltage) {
    report(
      "the voltage limit \(said.written) is wider than the file's own, \(own.written)",
      hint: "a limit is widened in the file that says it")
  }

  /// The voltages at which steps of a direction end, and those that are held.
  private func voltages(_ direction: Direction) -> [Voltage] {
    plan.steps.flat.compactMap { step in
      switch step {
      case .drive(let drive): drive.direction == direction ? drive.voltage : nil
      case .demand(let demand): demand.direction == direction ? demand.voltage : nil
      case .hold(let hold): hold.voltage
      case .sweep(let sweep): direction == .charge ? max(sweep.from, sweep.to) : min(sweep.from, sweep.to)
      case .rest, .loop: nil
      }
    }
  }

  /// What the file says, otherwise a quarter more than the largest current.
  private mutating func currentLimit(_ direction: Direction) -> PlanCurrent? {
    let said = direction == .charge ? plan.safety.chargeCurrent : plan.safety.dischargeCurrent
    if let said { return .amperes(said) }
    var largest: PlanCurrent?
    for case .drive(let drive) in plan.steps.flat where drive.direction == direction {
      guard let before = largest else {
        largest = drive.current
        continue
      }
      guard let isLess = before.isLess(than: drive.current, capacity: bounds.capacity) else {
        report("the file has currents in amperes and as rates", hint: "say what 1 C is by --nominal-capacity")
        return nil
      }
      if isLess { largest = drive.current }
    }
    return largest.flatMap { current in Fraction(5, over: 4).flatMap { current.scaled(by: $0) } }
  }
}
