// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Steps: currents resolved and judged against limits and instrument, conditions in whole smallest units.

import CyclerModel
import Quantities

/// What the steps of a list inherit from the blocks around them.
private struct Surroundings {
  var label: String?
  var purpose: CyclePurpose?
  var isInCycles = false
  /// The direction of the constant current before the list, inside `cycles` only.
  var direction = Direction.none
  /// The test around the list, as its place among all, and its kind.
  var test: (index: Int, kind: EfficiencyTestKind)?
  /// What the constant current before the step is in it: a hold goes on with it.
  var part: EfficiencyTestPart?
}

extension Compiler {
  /// Compiles the whole list of steps.
  mutating func buildAll(_ steps: [WrittenStep]) -> [PassNode] { build(steps, in: Surroundings()).nodes }

  private mutating func build(
    _ steps: [WrittenStep], in outer: Surroundings
  ) -> (nodes: [PassNode], direction: Direction) {
    var nodes: [PassNode] = []
    var direction = outer.direction
    var part: EfficiencyTestPart?
    for step in steps {
      var around = outer
      around.part = part
      around.label = step.label ?? outer.label
      around.direction = direction
      if let label = step.label { nodes.append(.label(label)) }
      switch step.body {
      case .rest(let rest):
        nodes.append(.step(build(rest, step, around)))
        // The rest's own duration stands before its conditions.
        nodes += jumps(of: rest.until, from: 1)
      case .drive(let drive):
        if let built = build(step, { $0.build(drive, step, around) }) { nodes.append(.step(built)) }
        nodes += jumps(of: drive.until + drive.holdUntil)
        if !drive.isDiagnostic { (direction, part) = (drive.direction, drive.part?.value) }
      case .hold(let hold):
        if !around.isInCycles, direction != .none, !hold.isDiagnostic { nodes.reopenLastHalfCycle(direction) }
        if let built = build(step, { $0.build(hold, step, around) }) { nodes.append(.step(built)) }
        nodes += jumps(of: hold.until)
      case .sweep(let sweep):
        if let built = build(step, { $0.build(sweep, step, around) }) { nodes.append(.step(built)) }
        // The sweep's own end stands before its conditions.
        nodes += jumps(of: sweep.until, from: 1)
      case .profile(let profile):
        nodes += build(profile, step, around)
      case .impedance(let impedance):
        if let built = build(step, { $0.build(impedance, step, around) }) { nodes.append(.step(built)) }
      case .block(let block):
        nodes.append(build(block, around))
        direction = around.isInCycles ? lastDirection(block.steps) ?? direction : .none
      case .test(let test):
        nodes.append(build(test, around))
        direction = .none
      }
    }
    return (nodes, direction)
  }

  /// Builds a step under its own limits, where it has some.
  private mutating func build(_ step: WrittenStep, _ body: (inout Compiler) -> ProgramStep?) -> ProgramStep? {
    let run = limits
    let own = limits(of: step)
    limits = own ?? run
    voltageLimits = step.limits?.voltage ?? document.limits.voltage
    var built = body(&self)
    built?.limits = own
    limits = run
    voltageLimits = document.limits.voltage
    return built
  }

  /// Where the conditions of a step lead, in the order in which they are compiled.
  private func jumps(of conditions: [WrittenCondition], from first: Int = 0) -> [PassNode] {
    conditions.enumerated().compactMap { index, condition in
      if case .label(let name) = condition.target.value { .jump(end: first + index, label: name) } else { nil }
    }
  }

  private func lastDirection(_ steps: [WrittenStep]) -> Direction? {
    for step in steps.reversed() {
      switch step.body {
      case .drive(let drive) where !drive.isDiagnostic: return drive.direction
      case .block(let block):
        if let direction = lastDirection(block.steps) { return direction }
      case .rest, .drive, .hold, .sweep, .profile, .impedance, .test: continue
      }
    }
    return nil
  }

  /// A test is a list of its own that is passed once; its steps share a range as those of a block do.
  private mutating func build(_ test: WrittenTest, _ outer: Surroundings) -> PassNode {
    var around = outer
    around.direction = .none
    around.test = (tests.count, test.kind)
    tests.append(EfficiencyTest(kind: test.kind, label: outer.label ?? test.kind.rawValue))
    return .loop(PassLoop(passes: 1, isCycles: false, ends: [], body: build(test.steps, in: around).nodes))
  }

  /// What a closed step is in the test around it. In a long cycling test every half-cycle is a cycled one.
  private func testPlace(_ part: EfficiencyTestPart?, _ around: Surroundings) -> EfficiencyTestPlace? {
    guard let test = around.test else { return nil }
    let part = test.kind == .longCycling ? .cycled : part
    return part.map { EfficiencyTestPlace(test: test.index, part: $0) }
  }

  private mutating func build(_ block: WrittenBlock, _ outer: Surroundings) -> PassNode {
    var around = outer
    around.purpose = block.purpose ?? outer.purpose
    around.isInCycles = outer.isInCycles || block.isCycles
    if !outer.isInCycles { around.direction = .none }
    var body = build(block.steps, in: around).nodes
    if block.isCycles, let first = document.role.firstDirection { body.markPair(first: first) }
    let ends = block.until.compactMap { compile($0) }
    return .loop(PassLoop(passes: block.passes, isCycles: block.isCycles, ends: ends, body: body))
  }

  private mutating func compile(_ written: WrittenPassCondition) -> PassEnd? {
    let also = written.also.map { term in
      threshold(of: term).map {
        PassCondition.Term(quantity: term.quantity, comparison: term.comparison, threshold: $0)
      }
    }
    guard let threshold = threshold(of: written), !also.contains(nil) else { return nil }
    let condition = PassCondition(
      quantity: written.quantity, comparison: written.comparison, threshold: threshold,
      cyclesInARow: written.cyclesInARow, target: written.target.value.compiled, text: written.text, block: 0..<0,
      also: also.compactMap { $0 })
    var label: String?
    if case .label(let name) = written.target.value { label = name }
    return PassEnd(condition: condition, label: label)
  }

  private mutating func threshold(of written: WrittenPassCondition) -> Int64? {
    switch written.value {
    case .share(let share): share.partsPerMillion
    case .voltage(let voltage): voltage.count
    case .time(let time): time.count
    case .count(let count): count
    case .charge(let charge): resolve(Sited(value: charge, site: written.site))?.count
    }
  }

  private func place(_ direction: Direction, _ around: Surroundings, isDiagnostic: Bool) -> ProgramStep.HalfCyclePlace?
  {
    guard !isDiagnostic, direction != .none else { return nil }
    let alone = !around.isInCycles
    return ProgramStep.HalfCyclePlace(opens: alone, closes: alone, closesCycle: false, isCounted: around.isInCycles)
  }

  private mutating func build(_ rest: WrittenRest, _ step: WrittenStep, _ around: Surroundings) -> ProgramStep {
    let duration = rest.duration.value
    let own = EndCondition(
      quantity: .stepTime, comparison: .atLeast, threshold: duration.count, onlyInHold: false,
      text: "step_time >= \(duration.written)")
    judgeKind(.rest, at: step.site)
    var compiled = CompiledEnds(ends: [own])
    compile(rest.until, onlyInHold: false, into: &compiled)
    return ProgramStep(
      path: step.site.path, label: around.label, purpose: around.purpose, action: .rest, ends: compiled.ends,
      joined: compiled.joined, halfCycle: nil, rangeCurrent: .zero, record: records(of: step))
  }

  private mutating func build(_ drive: WrittenDrive, _ step: WrittenStep, _ around: Surroundings) -> ProgramStep? {
    judgeKind(Self.kind(of: drive), at: step.site)
    var compiled = CompiledEnds()
    compile(drive.until, onlyInHold: false, into: &compiled)
    compile(drive.holdUntil, onlyInHold: true, into: &compiled)
    let ends = compiled.ends
    for condition in drive.until where condition.also.isEmpty { judgeVoltage(condition, drive.direction) }
    if let to = drive.to { judgeVoltage(to.value, drive.direction, at: to.site) }
    guard let current = resolve(drive.current) else { return nil }
    judge(current, drive.current, drive.direction)
    judgeHoldEnds(drive.holdUntil, ends, below: current)
    if drive.law != nil { judgeCurrentEnds(drive.until, ends, atMost: current) }
    judgeCharge(drive, current, ends, at: step.site)
    let action: ProgramStep.Action =
      if let law = drive.law {
        .demand(CurrentDemand(direction: drive.direction, law: law.value, currentAtMost: current))
      } else if let to = drive.to {
        .constantCurrentConstantVoltage(drive.direction, current, to.value)
      } else {
        .constantCurrent(drive.direction, current)
      }
    return ProgramStep(
      path: step.site.path, label: around.label, purpose: around.purpose, action: action, ends: ends,
      joined: compiled.joined, halfCycle: place(drive.direction, around, isDiagnostic: drive.isDiagnostic),
      rangeCurrent: current, currentShare: drive.share?.value,
      settle: drive.settle?.value ?? Setpoint.usualSettle,
      test: drive.isDiagnostic ? nil : testPlace(drive.part?.value, around), record: records(of: step))
  }

  private static func kind(of drive: WrittenDrive) -> StepKind {
    switch drive.law?.value {
    case .power: .constantPower
    case .resistance: .constantResistance
    case nil: drive.to == nil ? .constantCurrent : .constantCurrentConstantVoltage
    }
  }

  private mutating func build(_ hold: WrittenHold, _ step: WrittenStep, _ around: Surroundings) -> ProgramStep? {
    judgeKind(.constantVoltage, at: step.site)
    var compiled = CompiledEnds()
    compile(hold.until, onlyInHold: false, into: &compiled)
    let ends = compiled.ends
    judgeVoltage(hold.voltage.value, .none, at: hold.voltage.site)
    guard let atMost = resolve(hold.currentAtMost) else { return nil }
    judge(atMost, hold.currentAtMost, around.direction)
    judgeHoldEnds(hold.until, ends, below: atMost)
    var halfCycle = place(around.direction, around, isDiagnostic: hold.isDiagnostic)
    if !around.isInCycles { halfCycle?.opens = false }
    return ProgramStep(
      path: step.site.path, label: around.label, purpose: around.purpose,
      action: .hold(around.direction, hold.voltage.value, currentAtMost: atMost), ends: ends, joined: compiled.joined,
      halfCycle: halfCycle, rangeCurrent: atMost, settle: hold.settle?.value ?? Setpoint.usualSettle,
      test: hold.isDiagnostic ? nil : testPlace(around.part, around), record: records(of: step))
  }

  private mutating func build(_ sweep: WrittenSweep, _ step: WrittenStep, _ around: Surroundings) -> ProgramStep? {
    judgeKind(.voltageSweep, at: step.site)
    let own = EndCondition(
      quantity: .stepTime, comparison: .atLeast, threshold: longest(sweep).count, onlyInHold: false,
      text: "\(sweep.targets.last?.value.written ?? "") reached")
    var compiled = CompiledEnds(ends: [own])
    compile(sweep.until, onlyInHold: false, into: &compiled)
    for voltage in [sweep.from].compactMap({ $0 }) + sweep.targets {
      judgeVoltage(voltage.value, .none, at: voltage.site)
    }
    guard let atMost = resolve(sweep.currentAtMost) else { return nil }
    judge(atMost, sweep.currentAtMost, .none)
    let action = VoltageSweep(
      from: sweep.from?.value, to: sweep.targets.map(\.value), rate: sweep.rate.value, currentAtMost: atMost)
    return ProgramStep(
      path: step.site.path, label: around.label, purpose: around.purpose, action: .sweep(action), ends: compiled.ends,
      joined: compiled.joined, halfCycle: nil, rangeCurrent: atMost, record: records(of: step))
  }

  /// A profile is a step for each of its tables. A condition that ends the profile in one of them leads behind all of them.
  private mutating func build(
    _ profile: WrittenProfile, _ step: WrittenStep, _ around: Surroundings
  ) -> [PassNode] {
    var tables: [CurrentProfile] = []
    var nodes: [PassNode] = []
    let behind = "behind \(step.site.path)"
    var built = build(step) { compiler in
      tables = compiler.tables(of: profile, at: step.site)
      return tables.first.map { compiler.build($0, profile, step, around) }
    }
    for (index, table) in tables.enumerated() {
      if index > 0 { built = build(step) { $0.build(table, profile, step, around) } }
      guard var part = built else { return [] }
      let hasMore = index < tables.count - 1
      if hasMore { part.ends.append(.behind()) }
      nodes.append(.step(part))
      nodes += jumps(of: profile.until, from: 1)
      guard hasMore else { continue }
      // The rest of it is not driven either.
      nodes.append(.jump(end: part.ends.count - 1, label: behind))
      for (end, condition) in profile.until.enumerated() where condition.target.value == .next {
        nodes.append(.jump(end: 1 + end, label: behind))
      }
    }
    return tables.count > 1 ? nodes + [.label(behind)] : nodes
  }

  private mutating func build(
    _ table: CurrentProfile, _ profile: WrittenProfile, _ step: WrittenStep, _ around: Surroundings
  ) -> ProgramStep {
    let own = EndCondition(
      quantity: .stepTime, comparison: .atLeast, threshold: Self.longest(table).count, onlyInHold: false,
      text: "profile over")
    var compiled = CompiledEnds(ends: [own])
    compile(profile.until, onlyInHold: false, into: &compiled)
    return ProgramStep(
      path: step.site.path, label: around.label, purpose: around.purpose, action: .profile(table), ends: compiled.ends,
      joined: compiled.joined, halfCycle: nil, rangeCurrent: table.largestCurrent, record: records(of: step))
  }

  private mutating func build(_ impedance: WrittenImpedance, _ step: WrittenStep, _ around: Surroundings)
    -> ProgramStep?
  {
    judgeKind(.impedanceSpectrum, at: step.site)
    judgeReach(of: impedance)
    guard let atMost = resolve(impedance.currentAtMost) else { return nil }
    judge(atMost, impedance.currentAtMost, .none)
    let spectrum = ImpedanceSpectrum(
      amplitude: impedance.amplitude.value, from: impedance.from.value, to: impedance.to.value,
      pointsPerDecade: impedance.pointsPerDecade, currentAtMost: atMost, mayPlate: document.cell.allowPlating)
    // A bound, should the instrument never say that it is done; the host's leave before each point is in it.
    let most = spectrum.longestTime + TimeSpan(seconds: 120) * Int64(spectrum.points)
    let own = EndCondition(
      quantity: .stepTime, comparison: .atLeast, threshold: most.count, onlyInHold: false, text: "spectrum measured")
    return ProgramStep(
      path: step.site.path, label: around.label, purpose: around.purpose, action: .impedance(spectrum), ends: [own],
      halfCycle: nil, rangeCurrent: atMost)
  }

  /// The instrument must reach the frequencies.
  private mutating func judgeReach(of impedance: WrittenImpedance) {
    guard let highest = instrument?.highestFrequency else { return }
    for frequency in [impedance.from, impedance.to] where frequency.value > highest {
      report(
        frequency.site, "\(frequency.value.written) is more than the instrument reaches",
        hint: "at most \(highest.written)")
    }
  }

  /// How long a sweep takes; where it begins at the cell's own voltage, from the farthest at which it may stand, and a
  /// little more in any case, so that the instrument's word of the end comes first.
  private func longest(_ sweep: WrittenSweep) -> TimeSpan {
    let (limit, fresh) = (document.limits.voltage, document.cell.expectOpenCircuit)
    // A fresh cell may stand outside the limits.
    let (lowest, highest) = (min(limit.low.value, fresh.from), max(limit.high.value, fresh.to))
    let first = sweep.to.value
    let begin = sweep.from?.value ?? (first - lowest > highest - first ? lowest : highest)
    var before = begin
    var distance: Int128 = 0
    for target in sweep.targets {
      distance += Int128((target.value - before).magnitude.count)
      before = target.value
    }
    // nV over nV/h are hours.
    let microseconds = distance * 3_600_000_000 / Int128(max(sweep.rate.value.count, 1))
    return TimeSpan(count: Int64(clamping: microseconds + microseconds / 50 + 5_000_000))
  }

  /// The step's own rules for records, as often as the instrument reads.
  private mutating func records(of step: WrittenStep) -> [RecordSegment] {
    for segment in step.record {
      guard let shortest = instrument?.shortestReadingInterval, segment.value.rule.every < shortest else { continue }
      report(
        segment.site, "the instrument reads no faster than every \(shortest.written)",
        hint: "record that often or less")
    }
    return step.record.map(\.value)
  }

  // MARK: Conditions

  /// The ends of a step, and what some of them are joined with.
  private struct CompiledEnds {
    var ends: [EndCondition] = []
    var joined: [JoinedComparison] = []
  }

  private mutating func compile(_ conditions: [WrittenCondition], onlyInHold: Bool, into compiled: inout CompiledEnds) {
    for condition in conditions {
      let also = condition.also.compactMap { term in
        threshold(of: term).map {
          JoinedComparison(quantity: term.quantity, comparison: term.comparison, threshold: $0)
        }
      }
      guard let threshold = threshold(of: condition), also.count == condition.also.count else { continue }
      let first = compiled.joined.count
      compiled.joined += also
      compiled.ends.append(
        EndCondition(
          quantity: condition.quantity, comparison: condition.comparison, threshold: threshold, share: condition.share,
          onlyInHold: onlyInHold, text: condition.text, target: condition.target.value.compiled,
          lasting: condition.lasting?.value ?? .zero,
          also: first..<compiled.joined.count))
    }
  }

  private mutating func threshold(of condition: WrittenCondition) -> Int64? {
    switch condition.value {
    case .voltage(let voltage): voltage.count
    case .time(let time): time.count
    case .energy(let energy): energy.count
    case .rate(let rate): rate.count
    case .count(let count): count
    case .chargePerVolt(let charge): resolve(Sited(value: charge, site: condition.site))?.count
    case .temperature(let temperature): temperature.count
    case .current(let current): resolve(Sited(value: current, site: condition.site))?.count
    case .charge(let charge): resolveEnd(charge, condition)
    // What is sure before the capacity is known: no more charge than the limit, a current above nothing.
    case .share: condition.quantity == .current ? 0 : limits?.halfCycleCharge.count
    }
  }

  /// A charge end beyond the limit of a half-cycle would never act before the limit does.
  private mutating func resolveEnd(_ charge: ChargeExpression, _ condition: WrittenCondition) -> Int64? {
    guard let resolved = resolve(Sited(value: charge, site: condition.site)) else { return nil }
    if let most = limits?.halfCycleCharge, resolved > most {
      report(
        condition.site, "`\(condition.text)` lies beyond the limit of a half-cycle, \(most.shown())",
        hint: "lower it, or raise `limits.half_cycle_charge.max`")
    }
    return resolved.count
  }

  // MARK: Judgements

  mutating func judge(_ current: Current, _ written: Sited<CurrentExpression>, _ direction: Direction) {
    let text = "`\(written.value.written)` (\(current.shown()))"
    if let limits {
      let bounds: [(Direction, String, SoftHardLimit)] = [
        (.charge, "charge_current", limits.chargeCurrent), (.discharge, "discharge_current", limits.dischargeCurrent),
      ]
      for (bounded, name, limit) in bounds where direction == bounded || direction == .none {
        guard current.count > limit.soft else { continue }
        report(
          written.site, "\(text) is more than `limits.\(name)` allows, \(Current(count: limit.soft).shown())",
          hint: "lower it, or raise the limit")
      }
    }
    if let most = instrument?.maximumCurrent, current > most {
      report(
        written.site, "\(text) is more than the instrument can do, \(most.shown())",
        hint: "lower it, or use an instrument with more current")
    }
  }

  /// A current that ends a hold must lie below the one that it begins with.
  private mutating func judgeHoldEnds(_ written: [WrittenCondition], _ ends: [EndCondition], below start: Current) {
    for condition in written where condition.also.isEmpty {
      guard case .current = condition.value else { continue }
      guard let end = ends.first(where: { $0.text == condition.text }), end.threshold >= start.count else { continue }
      report(
        condition.site, "`\(condition.text)` is true at once: the hold begins with at most \(start.shown())",
        hint: "write a smaller current")
    }
  }

  /// A current that follows the voltage lies anywhere between nothing and its most.
  private mutating func judgeCurrentEnds(_ written: [WrittenCondition], _ ends: [EndCondition], atMost: Current) {
    for condition in written where condition.also.isEmpty {
      guard case .current = condition.value, let end = ends.first(where: { $0.text == condition.text }) else {
        continue
      }
      let isFalling = condition.comparison == .atMost || condition.comparison == .below
      if isFalling, end.threshold >= atMost.count {
        report(
          condition.site, "`\(condition.text)` is true at once: at most \(atMost.shown()) flows",
          hint: "write a smaller current")
      } else if !isFalling, Int128(end.threshold) * 100 > Int128(atMost.count) * 99 {
        report(
          condition.site, "`\(condition.text)` is never true, or by chance: at most \(atMost.shown()) flows",
          hint: "write at most 99 % of `current_at_most`, or raise that")
      }
    }
  }

  /// A constant current without a voltage end moves its current times its time, which must stay below the limit.
  private mutating func judgeCharge(_ drive: WrittenDrive, _ current: Current, _ ends: [EndCondition], at site: Site) {
    guard let limits, drive.to == nil, DocumentRules.cutOff(of: drive) == nil else { return }
    guard !ends.contains(where: { [.stepCharge, .halfCycleCharge].contains($0.quantity) && $0.isPlain }) else {
      return
    }
    guard let time = ends.first(where: { $0.quantity == .stepTime && $0.isPlain })?.threshold else { return }
    // pA times µs is 1e-18 C; 1e9 of them are a nanocoulomb.
    let moved = Int128(current.count) * Int128(time) / 1_000_000_000
    guard moved > Int128(limits.halfCycleCharge.count) else { return }
    report(
      site, "\(current.shown()) for \(TimeSpan(count: time).written) moves more than a half-cycle may",
      hint: "add a voltage or charge end: the limit is \(limits.halfCycleCharge.shown())")
  }

  mutating func judgeKind(_ kind: StepKind, at site: Site) {
    guard let instrument, !instrument.kinds.contains(kind) else { return }
    let name = kind.rawValue.split(separator: "_").joined(separator: " ")
    let others = instrument.elsewhere[kind].map { "use one that has: \($0)" }
    report(site, "the instrument has no \(name) steps", hint: others ?? "use another instrument or another step")
  }

  private mutating func judgeVoltage(_ condition: WrittenCondition, _ direction: Direction) {
    guard case .voltage(let voltage) = condition.value else { return }
    judgeVoltage(voltage, direction, at: condition.site)
  }

  /// The instrument must reach the voltage, and the safety limit must lie three of its errors beyond (hazard rule 8).
  private mutating func judgeVoltage(_ voltage: Voltage, _ direction: Direction, at site: Site) {
    guard let instrument else { return }
    guard instrument.voltage.contains(voltage) else {
      let range = "\(instrument.voltage.from.written) to \(instrument.voltage.to.written)"
      report(site, "\(voltage.written) is outside the instrument's range", hint: "it reaches \(range)")
      return
    }
    let room = instrument.voltageError(at: voltage) * 3
    let limit = voltageLimits
    if direction != .charge, voltage - limit.low.value < room {
      reportRoom(voltage, limit.low.value, room, "min", site)
    }
    if direction != .discharge, limit.high.value - voltage < room {
      reportRoom(voltage, limit.high.value, room, "max", site)
    }
  }

  private mutating func reportRoom(_ voltage: Voltage, _ limit: Voltage, _ room: Voltage, _ end: String, _ site: Site) {
    report(
      site, "the limit \(limit.written) lies within three instrument errors (\(room.shown())) of \(voltage.written)",
      hint: "move `limits.voltage.\(end)` away, or use a more accurate instrument")
  }

  mutating func judgeRecord(_ instrument: InstrumentLimits) {
    let intervals = [("every", document.record.every), ("read_every", document.record.readEvery)]
    for case (let key, let interval?) in intervals where interval < instrument.shortestReadingInterval {
      var site = document.recordSite
      site.path = "record.\(key)"
      report(
        site, "the instrument reads no faster than every \(instrument.shortestReadingInterval.written)",
        hint: key == "every" ? "record that often or less" : "read that often or less")
    }
  }

  mutating func judgeLimits(_ instrument: InstrumentLimits) {
    let (limit, reach) = (document.limits.voltage, instrument.voltage)
    let range = "\(reach.from.written) to \(reach.to.written)"
    for bound in [limit.low, limit.high] where !reach.contains(bound.value) {
      report(
        bound.site, "the instrument cannot measure \(bound.value.written), so the limit would never act",
        hint: "it reaches \(range)")
    }
    for (soft, hard) in [(limit.low, limit.hardLow), (limit.high, limit.hardHigh)]
    where reach.contains(soft.value) && !reach.contains(hard.value) {
      report(
        hard.site, "the instrument cannot measure the hard limit, \(hard.value.written), so it would never act",
        hint: "it reaches \(range); without `hard` the hard limits lie 50 mV outside `min` and `max`")
    }
  }
}

extension [PassNode] {
  /// Outside `cycles` a step is a half-cycle of its own, but for the holds that follow it: the half-cycle then closes
  /// with the last of them.
  fileprivate mutating func reopenLastHalfCycle(_ direction: Direction) {
    for index in indices.reversed() {
      switch self[index] {
      case .label, .jump: continue
      case .step, .loop: break
      }
      guard case .step(var step) = self[index] else { return }
      guard step.halfCycle != nil else { continue }
      guard step.direction == direction else { return }
      step.halfCycle?.closes = false
      self[index] = .step(step)
      return
    }
  }
}
