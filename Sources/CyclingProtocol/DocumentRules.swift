// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What a protocol's parts mean together and what can be judged without a cell: cut-offs inside the limits, ends that
// can be reached, time bounds, one half-cycle pair a pass. docs/protocol.md lists every rule for people.

import CyclerModel
import Quantities

/// Judges a decoded protocol.
struct DocumentRules {
  /// The cell section, nil when it could not be read; rules that need it are then left out.
  let cell: WrittenCell?
  /// The voltage limits of the run, nil when they could not be read.
  private let runLimits: WrittenLimits.VoltageLimits?
  /// The voltage limits of the step that is judged.
  private(set) var limits: WrittenLimits.VoltageLimits?
  /// What the metrics section says, or what holds without it.
  let metrics: MetricParameters
  private(set) var problems: [ProtocolProblem] = []
  /// The lists that are being judged, outermost first, each with the place of the step that is judged.
  private(set) var lists: [(steps: [WrittenStep], place: Int)] = []

  /// A safety limit lies at least so far beyond the nearest cut-off (hazard rule 8).
  static let leastMargin = Voltage(millivolts: 20)
  /// A hold may begin so far from where the step before ended (hazard rule 2).
  static let holdTolerance = Voltage(millivolts: 20)
  /// Steps that one run can count: the database numbers a run's steps with 24 bits, and interruptions add some.
  static let mostStepExecutions: Int64 = 10_000_000

  init(cell: WrittenCell?, limits: WrittenLimits.VoltageLimits?, metrics: MetricParameters) {
    self.cell = cell
    runLimits = limits
    self.limits = limits
    self.metrics = metrics
  }

  private var isInReservoirTest = false
  /// The cycles that are over before the step that is judged, so that their capacities have been measured.
  private var cyclesBehind: [CyclePurpose: Int64] = [:]
  private(set) var purposes: [CyclePurpose: Int64] = [:]

  mutating func report(_ site: Site, _ message: String, hint: String) {
    problems.append(site.problem(message, hint: hint))
  }

  /// Judges all steps.
  mutating func judge(_ steps: [WrittenStep], isComplete: Bool, at site: Site) {
    judge(steps, inCycles: false)
    countCycles(steps, passes: 1)
    guard isComplete else { return }
    let executions = Self.executions(of: steps)
    if executions > Self.mostStepExecutions {
      report(
        site, "the protocol runs \(executions) steps",
        hint: "at most \(Self.mostStepExecutions); split it into several protocols")
    }
  }

  /// Judges the reference of retention, once the cycles are known.
  mutating func judge(_ metrics: MetricParameters, at site: Site) {
    guard let reference = metrics.retentionReference else { return }
    let count = purposes[reference.purpose] ?? 0
    guard reference.number > count else { return }
    var place = site
    place.path = "metrics.retention_reference"
    report(
      place, "there are only \(count) \(reference.purpose.rawValue) cycles",
      hint: "name a cycle that the protocol runs")
  }

  private mutating func countCycles(_ steps: [WrittenStep], passes: Int64) {
    for case .test(let test) in steps.lazy.map(\.body) { countCycles(test.steps, passes: passes) }
    for case .block(let block) in steps.lazy.map(\.body) {
      let total = passes.multipliedReportingOverflow(by: block.passes)
      let count = total.overflow ? .max : total.partialValue
      if let purpose = block.purpose {
        let sum = purposes[purpose, default: 0].addingReportingOverflow(count)
        purposes[purpose] = sum.overflow ? .max : sum.partialValue
      } else {
        countCycles(block.steps, passes: count)
      }
      judgeReferenceIsBehind(block)
    }
  }

  /// How many steps are run in all; the largest number when it does not fit.
  private static func executions(of steps: [WrittenStep]) -> Int64 {
    var sum: Int64 = 0
    for step in steps {
      var count: Int64 = 1
      if case .block(let block) = step.body {
        let product = executions(of: block.steps).multipliedReportingOverflow(by: block.passes)
        count = product.overflow ? .max : product.partialValue
      }
      if case .test(let test) = step.body { count = executions(of: test.steps) }
      let total = sum.addingReportingOverflow(count)
      if total.overflow { return .max }
      sum = total.partialValue
    }
    return sum
  }

  // MARK: Steps

  /// A step's own limits protect more than the run's, never less.
  private mutating func judgeNarrower(_ own: WrittenLimits.VoltageLimits) {
    guard let run = runLimits else { return }
    for (bound, isOutside) in [(own.low, own.low.value < run.low.value), (own.high, own.high.value > run.high.value)]
    where isOutside {
      report(
        bound.site, "\(bound.value.written) lies outside the run's limits",
        hint: "a step's limits are narrower: \(run.low.value.written) to \(run.high.value.written) at most")
    }
  }

  private mutating func judge(_ steps: [WrittenStep], inCycles: Bool) {
    var before: WrittenStep?
    lists.append((steps, 0))
    defer { lists.removeLast() }
    for (place, step) in steps.enumerated() {
      lists[lists.count - 1].place = place
      limits = step.limits?.voltage ?? runLimits
      if let own = step.limits?.voltage { judgeNarrower(own) }
      switch step.body {
      case .rest(let rest):
        judge(rest, inCycles: inCycles)
        judgeTargets(rest.until, inCycles: inCycles)
      case .drive(let drive):
        judge(drive, at: step.site, inCycles: inCycles)
        judgeShares([drive.share?.value].compactMap { $0 }, drive.until + drive.holdUntil, at: step.site)
        judgeTargets(drive.until + drive.holdUntil, inCycles: inCycles)
      case .hold(let hold):
        judge(hold, after: before, at: step.site, inCycles: inCycles)
        judgeShares([], hold.until, at: step.site)
        judgeTargets(hold.until, inCycles: inCycles)
      case .sweep(let sweep):
        judge(sweep, at: step.site, inCycles: inCycles)
        judgeShares([], sweep.until, at: step.site)
        judgeTargets(sweep.until, inCycles: inCycles)
      case .profile(let profile):
        judge(profile, at: step.site, inCycles: inCycles)
        judgeShares([], profile.until, at: step.site)
        judgeTargets(profile.until, inCycles: inCycles)
      case .impedance(let impedance): judge(impedance, after: before, at: step.site)
      case .block(let block): judge(block, at: step.site, inCycles: inCycles)
      case .test(let test): judge(test, at: step.site, isOutermost: lists.count == 1)
      }
      before = step
    }
  }

  private mutating func judge(_ rest: WrittenRest, inCycles: Bool) {
    judgeJoined(rest.until, .rest, inCycles: inCycles)
    for condition in rest.until where condition.also.isEmpty {
      switch condition.quantity {
      case .voltage:
        if case .voltage(let voltage) = condition.value { judgeInside(voltage, at: condition.site) }
      case .voltageDrift: judgeDrift(condition)
      case .testTime: requireGrowing(condition)
      case .cycleTime: requireGrowing(condition, inCycles: inCycles)
      case .temperature: break
      case .stepTime:
        report(condition.site, "a rest already says how long it lasts", hint: "change `rest` instead")
      case .cycleNumber: reportConstant(condition)
      case .current, .holdTime, .halfCycleTime, .stepCharge, .halfCycleCharge, .stepEnergy, .chargePerVolt:
        report(
          condition.site, "`\(condition.quantity.rawValue)` does not change during a rest",
          hint: "a rest ends by its duration, a voltage, a temperature or a test time")
      }
    }
  }

  private mutating func judge(_ drive: WrittenDrive, at site: Site, inCycles: Bool) {
    judgeJoined(
      drive.until,
      drive.law == nil ? .current(isDiagnostic: drive.isDiagnostic) : .demand(isDiagnostic: drive.isDiagnostic),
      inCycles: inCycles)
    for term in drive.until.flatMap({ $0.also.isEmpty ? [] : [$0] + $0.also })
    where drive.to != nil && [.voltageDrift, .chargePerVolt].contains(term.quantity) { reportHeld(term) }
    judgeLaw(of: drive)
    judgeJoined(drive.holdUntil, .hold(isDiagnostic: drive.isDiagnostic), inCycles: inCycles)
    for condition in drive.until where condition.also.isEmpty {
      switch condition.quantity {
      case .voltage: judgeCutOff(condition, drive)
      case .voltageDrift, .chargePerVolt:
        if drive.to != nil { reportHeld(condition) } else { judgeBeginning(condition) }
      case .cycleNumber: reportConstant(condition)
      case .current where drive.law != nil, .temperature: break
      case .current:
        report(
          condition.site, "the current is constant here and cannot end the step",
          hint: drive.to == nil ? "end it by voltage, charge or time" : "move it to `hold_until`")
      case .holdTime:
        report(
          condition.site, "`hold_time` counts only while a voltage is held",
          hint: drive.to == nil ? "write `step_time`" : "move it to `hold_until`")
      case .stepTime, .testTime, .stepCharge, .stepEnergy: requireGrowing(condition)
      case .halfCycleTime, .halfCycleCharge: requireGrowing(condition, isDiagnostic: drive.isDiagnostic)
      case .cycleTime: requireGrowing(condition, inCycles: inCycles)
      }
    }
    if let part = drive.part, !isInReservoirTest {
      report(part.site, "`part` means something in a reservoir test only", hint: "leave it out")
    }
    requireTimeBound(drive.until, [.stepTime], settle: drive.settle, at: site)
    if let to = drive.to {
      judgeReachable(to.value, direction: drive.direction, what: "voltage", at: to.site)
      judgeHoldEnds(drive, at: site)
    }
  }

  /// Inside a hold only the current and the hold's own time can end it (hazard rule 9).
  private mutating func judgeHoldEnds(_ drive: WrittenDrive, at site: Site) {
    for condition in drive.holdUntil where condition.also.isEmpty {
      switch condition.quantity {
      case .current: requireFalling(condition)
      case .holdTime: requireGrowing(condition)
      case .voltage:
        report(condition.site, "the voltage is held and cannot end the hold", hint: "end it by current or `hold_time`")
      case .voltageDrift, .chargePerVolt: reportHeld(condition)
      case .cycleNumber: reportConstant(condition)
      case .temperature: break
      case .stepTime, .halfCycleTime, .cycleTime, .testTime, .stepCharge, .halfCycleCharge, .stepEnergy:
        report(
          condition.site, "`\(condition.quantity.rawValue)` is not a matter of the hold alone",
          hint: "move it to `until`, which counts in both phases")
      }
    }
  }

  private mutating func judge(_ hold: WrittenHold, after before: WrittenStep?, at site: Site, inCycles: Bool) {
    judgeJoined(hold.until, .hold(isDiagnostic: hold.isDiagnostic), inCycles: inCycles)
    for condition in hold.until where condition.also.isEmpty {
      switch condition.quantity {
      case .current: requireFalling(condition)
      case .voltage:
        report(condition.site, "the voltage is held and cannot end the hold", hint: "end it by current or time")
      case .voltageDrift, .chargePerVolt: reportHeld(condition)
      case .cycleNumber: reportConstant(condition)
      case .temperature: break
      case .stepTime, .holdTime, .testTime, .stepCharge, .stepEnergy: requireGrowing(condition)
      case .halfCycleTime, .halfCycleCharge: requireGrowing(condition, isDiagnostic: hold.isDiagnostic)
      case .cycleTime: requireGrowing(condition, inCycles: inCycles)
      }
    }
    requireTimeBound(hold.until, [.stepTime, .holdTime], settle: hold.settle, at: site)
    judgeReachable(hold.voltage.value, direction: .none, what: "held voltage", at: hold.voltage.site)
    judgeStart(of: hold, after: before)
  }

  /// A hold that begins with the circuit closed begins where the step before ended (hazard rule 2). After a rest or at
  /// a block's beginning the engine measures the open circuit instead.
  private mutating func judgeStart(of hold: WrittenHold, after before: WrittenStep?) {
    let reached: Voltage?
    switch before?.body {
    case .rest, .impedance, .block, .test, nil: return
    case .hold(let other): reached = other.voltage.value
    case .drive(let drive): reached = drive.to?.value ?? Self.cutOff(of: drive)
    case .sweep(let sweep): reached = sweep.targets.last?.value
    case .profile: reached = nil
    }
    guard let reached else {
      report(
        hold.voltage.site, "the step before does not end at a voltage, so the hold could begin far away",
        hint: "give it a voltage end of \(hold.voltage.value.written), or put a rest between")
      return
    }
    guard (reached - hold.voltage.value).magnitude > Self.holdTolerance else { return }
    report(
      hold.voltage.site,
      "the step before ends at \(reached.written), the hold would begin at \(hold.voltage.value.written)",
      hint: "hold the voltage at which it ends, within \(Self.holdTolerance.written)")
  }

  /// The voltage at which a constant current ends, where it has one.
  static func cutOff(of drive: WrittenDrive) -> Voltage? {
    for condition in drive.until where condition.also.isEmpty {
      if case .voltage(let voltage) = condition.value { return voltage }
    }
    return nil
  }

  private mutating func judge(_ block: WrittenBlock, at site: Site, inCycles: Bool) {
    if block.isCycles, inCycles {
      report(site, "`cycles` inside `cycles`", hint: "a pass of `cycles` is one cycle; use `repeat` inside it")
    }
    if block.isCycles, !inCycles, block.isComplete { judgePair(block, at: site) }
    for condition in block.until { judge(condition, of: block, inCycles: inCycles) }
    let before = cyclesBehind
    judge(block.steps, inCycles: inCycles || block.isCycles)
    if let purpose = block.purpose {
      leaveBehind(block.passes, purpose)
    } else {
      for (purpose, count) in cyclesBehind {
        let once = count - before[purpose, default: 0]
        leaveBehind(once.multipliedReportingOverflow(by: block.passes - 1).partialValue, purpose)
      }
    }
  }

  private mutating func leaveBehind(_ count: Int64, _ purpose: CyclePurpose) {
    cyclesBehind[purpose] = cyclesBehind[purpose, default: 0].addingReportingOverflow(max(0, count)).partialValue
  }

  /// An ampere-hour in nanocoulombs, to compare shares of the same capacity.
  private static let anAmpereHour: Int64 = 3_600_000_000_000

  /// A share is one of what a cycle before the step has shown.
  private mutating func judgeShares(_ driven: [MeasuredShare], _ conditions: [WrittenCondition], at site: Site) {
    for condition in conditions where !condition.also.isEmpty {
      for term in [condition] + condition.also where term.share != nil {
        report(term.site, "a share of a capacity is not joined by `and`", hint: "write the value itself")
      }
    }
    if let drive = driven.first {
      for condition in conditions where condition.quantity == .current {
        guard let end = condition.share, end.capacity == drive.capacity, end.cycle == drive.cycle,
          let ends = end.factor.of(Self.anAmpereHour), let drives = drive.factor.of(Self.anAmpereHour), ends >= drives
        else { continue }
        report(
          condition.site, "`\(condition.text)` is true at once: the hold begins with at most \(drive.written)",
          hint: "write a smaller rate")
      }
    }
    for share in driven + conditions.compactMap(\.share) {
      if let cycle = share.cycle {
        guard cyclesBehind[cycle.purpose, default: 0] < cycle.number else { continue }
        report(
          site, "\(cycle.written) is not over before this step, so `\(share.written)` is not known",
          hint: "name a cycle of a block before it, or write the value itself")
      } else if cyclesBehind.isEmpty {
        report(
          site, "no cycle is over before this step, so `\(share.written)` is not known",
          hint: "put a `cycles` block before it, or write the value itself")
      }
    }
  }

  private mutating func judge(_ test: WrittenTest, at site: Site, isOutermost: Bool) {
    if !isOutermost { report(site, "a test inside a block", hint: "put it into the protocol's own list of steps") }
    judgeParts(of: test, at: site)
    if isOutermost, let list = lists.first { judgeBeginning(of: test, after: list.steps.prefix(list.place), at: site) }
    let outer = isInReservoirTest
    isInReservoirTest = test.kind == .reservoir
    judge(test.steps, inCycles: false)
    isInReservoirTest = outer
  }

  // MARK: Cycles

  /// A pass holds exactly one half-cycle pair in the order of the role.
  private mutating func judgePair(_ block: WrittenBlock, at site: Site) {
    guard let role = cell?.role else { return }
    guard let first = role.firstDirection else {
      report(site, "role \(role.rawValue) counts no cycles", hint: "use `repeat`")
      return
    }
    var leadingHold: Site?
    let found = Self.directions(of: block.steps, leadingHold: &leadingHold)
    if let leadingHold {
      report(
        leadingHold, "a hold before the first charge or discharge of a pass belongs to no half-cycle",
        hint: "put it after the step that brings the cell to its voltage, or mark it `\"diagnostic\": true`")
    }
    guard found != [first, first.reversed] else { return }
    let words = found.isEmpty ? "nothing" : found.prefix(8).map(Self.word).joined(separator: ", ")
    report(
      site, "a pass of `cycles` must be one \(Self.word(first)), then one \(Self.word(first.reversed)), not \(words)",
      hint: "that is the order of role \(role.rawValue); use `repeat` for anything else")
  }

  private static func word(_ direction: Direction) -> String {
    switch direction {
    case .charge: "charge"
    case .discharge: "discharge"
    case .none: "rest"
    }
  }

  /// The directions of one pass, neighbours of the same direction taken together; a `repeat` that holds both counts
  /// twice, which is enough to see that it is more than one pair.
  private static func directions(of steps: [WrittenStep], leadingHold: inout Site?) -> [Direction] {
    var found: [Direction] = []
    func append(_ direction: Direction) {
      if found.last != direction { found.append(direction) }
    }
    for step in steps {
      switch step.body {
      case .rest: break
      case .drive(let drive): if !drive.isDiagnostic { append(drive.direction) }
      case .hold(let hold):
        if !hold.isDiagnostic, found.isEmpty, leadingHold == nil { leadingHold = step.site }
      case .sweep, .profile, .impedance: break
      case .block(let block):
        var inner: Site?
        let body = directions(of: block.steps, leadingHold: &inner)
        if found.isEmpty, leadingHold == nil { leadingHold = inner }
        for _ in 0..<min(block.passes, 2) { body.forEach(append) }
      case .test: break
      }
    }
    return found
  }
}
