// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What a person reads before anything is connected to a cell: every step in the order in which it runs, with amperes
// in place of rates, and what the whole can come to at worst.

public import CyclerModel
import Quantities

/// A compiled program in plain words.
public struct ProgramListing {
  /// The whole program, one line a step, indented by blocks.
  ///
  /// - Parameters:
  ///   - program: What is listed.
  ///   - instrument: When given, every cut-off is printed with the instrument's stated error.
  ///   - cell: When it has a mass, every current is printed per gram too.
  public static func lines(
    of program: Program, instrument: InstrumentLimits? = nil, cell: CellValues? = nil
  ) -> [String] {
    var writer = ListingWriter(program: program, instrument: instrument, cell: cell)
    return writer.write()
  }

  /// One step in one line, for instance `discharge 1.2 mA until voltage <= 10 mV or step_time >= 40 h`.
  public static func step(_ step: ProgramStep) -> String { self.step(step, instrument: nil, mass: nil) }

  static func step(_ step: ProgramStep, instrument: InstrumentLimits?, mass: Mass?) -> String {
    var text = course(of: step, instrument: instrument, mass: mass)
    if step.settle != Setpoint.usualSettle { text += "; its ends are judged after \(step.settle.written)" }
    guard let limits = step.limits else { return text }
    let (low, high) = (Voltage(count: limits.lowerVoltage.soft), Voltage(count: limits.upperVoltage.soft))
    let (charge, discharge) = (Current(count: limits.chargeCurrent.soft), Current(count: limits.dischargeCurrent.soft))
    let (lowest, highest) = (Voltage(count: limits.lowerVoltage.hard), Voltage(count: limits.upperVoltage.hard))
    let most = (Current(count: limits.chargeCurrent.hard), Current(count: limits.dischargeCurrent.hard))
    let times = (limits.lowerVoltage.tolerance, limits.chargeCurrent.tolerance, limits.dischargeCurrent.tolerance)
    return "\(text); its own limits are \(low.written) to \(high.written) for \(times.0.written), "
      + "\(charge.shown()) charging for \(times.1.written) and \(discharge.shown()) discharging for \(times.2.written), "
      + "at once \(lowest.written) to \(highest.written), \(most.0.shown()) and \(most.1.shown())"
      + ends(of: limits)
  }

  /// Which of a step's own limits end the run.
  private static func ends(of limits: SafetyLimits) -> String {
    let kinds: [(LimitKinds, String)] = [
      (.voltage, "voltage"), (.chargeCurrent, "charging current"), (.dischargeCurrent, "discharging current"),
    ]
    let names = kinds.filter { limits.endingRun.contains($0.0) }.map(\.1)
    return names.isEmpty ? "" : ", which end the run for the \(names.joined(separator: " and the "))"
  }

  private static func course(of step: ProgramStep, instrument: InstrumentLimits?, mass: Mass?) -> String {
    let always = step.ends.filter { !$0.onlyInHold }.map { condition($0, instrument) }.joined(separator: " or ")
    let inHold = step.ends.filter(\.onlyInHold).map { condition($0, instrument) }.joined(separator: " or ")
    switch step.action {
    case .rest:
      let duration = step.ends.first.map { TimeSpan(count: $0.threshold).written }
      let others = step.ends.dropFirst().map { condition($0, instrument) }
      return (["rest \(duration ?? "")"] + others).joined(separator: " or until ")
    case .constantCurrent(let direction, let current):
      return "\(verb(direction)) \(text(current, of: step, mass)) until \(always)"
    case .constantCurrentConstantVoltage(let direction, let current, let voltage):
      let held = "\(text(voltage, instrument)) and hold it until \(inHold)"
      return "\(verb(direction)) \(text(current, of: step, mass)) to \(held); in all until \(always)"
    case .hold(_, let voltage, let atMost):
      return "hold \(text(voltage, instrument)) with at most \(text(atMost, mass)) until \(always)"
    case .demand(let demand):
      return
        "\(verb(demand.direction)) \(text(demand.law)) with at most \(text(demand.currentAtMost, mass)) until \(always)"
    case .sweep(let sweep):
      let from = sweep.from.map { text($0, instrument) } ?? "where the cell stands"
      let way = ([from] + sweep.to.map { text($0, instrument) }).joined(separator: " to ")
      let others = step.ends.dropFirst().map { " or until \(condition($0, instrument))" }.joined()
      return "sweep from \(way) at \(text(sweep.rate)) with at most \(text(sweep.currentAtMost, mass))\(others)"
    case .profile(let profile):
      let (count, charges) = (profile.rows.count, profile.charges)
      let others = step.ends.dropFirst().filter { $0.text != EndCondition.cutOff }
        .map { " or until \(condition($0, instrument))" }.joined()
      return "profile of \(count) \(count == 1 ? "row" : "rows"), \(profile.duration.shown()) with at most "
        + "\(text(profile.largestCurrent, mass)), \(charges.net.shown()) net\(others)"
    case .impedance(let spectrum): return text(spectrum, mass)
    }
  }

  private static func text(_ current: Current, of step: ProgramStep, _ mass: Mass?) -> String {
    guard let share = step.currentShare else { return text(current, mass) }
    return "\(share.written) with at most \(text(current, mass))"
  }

  private static func text(_ law: CurrentDemand.Law) -> String {
    switch law {
    case .power(let power): power.written
    case .resistance(let resistance): "over \(resistance.written)"
    }
  }

  private static func verb(_ direction: Direction) -> String {
    switch direction {
    case .charge: "charge"
    case .discharge: "discharge"
    case .none: "hold"
    }
  }

  /// By the second, as electrochemists say it.
  static func text(_ rate: VoltageRate) -> String {
    let perSecond = (rate.count + 1_800) / 3_600
    return perSecond >= 1_000 ? "\(Voltage(count: perSecond).shown())/s" : rate.written
  }

  static func text(_ current: Current, _ mass: Mass?) -> String {
    guard let mass, mass > .zero else { return current.shown() }
    let perGram = (Int128(current.count) * 1_000_000 + Int128(mass.count) / 2) / Int128(mass.count)
    return "\(current.shown()) (\(Current(count: Int64(clamping: perGram)).shown())/g)"
  }

  /// What a record takes in the database, by measurement.
  static let bytesOfRecord: Int128 = 45

  /// What is said behind a limit that ends the run.
  static func end(of kind: LimitKinds, _ limits: SafetyLimits) -> String {
    limits.endingRun.contains(kind) ? ", which ends the run" : ""
  }

  static func text(_ voltage: Voltage, _ instrument: InstrumentLimits?) -> String {
    voltage.written + error(at: voltage, instrument)
  }

  /// The stated error, to be written behind a voltage; nothing where none is stated. No instrument is without any.
  private static func error(at voltage: Voltage, _ instrument: InstrumentLimits?) -> String {
    guard let error = instrument?.voltageError(at: voltage), error > .zero else { return "" }
    return " ± \(error.shown(digits: 3))"
  }

  /// A block's condition as it was written, with the charge that it resolves to where that is something else.
  static func condition(_ condition: PassCondition) -> String {
    guard condition.also.isEmpty else { return condition.text }
    return switch condition.quantity {
    case .chargeCapacity, .dischargeCapacity, .sodiationPlateauCapacity, .desodiationPlateauCapacity,
      .cumulativeIrreversibleCapacity:
      "\(condition.text) (\(Charge(count: condition.threshold).shown()))"
    case .coulombicEfficiency, .initialCoulombicEfficiency, .retention, .capacityChange, .sodiationPlateauRatio,
      .desodiationPlateauRatio, .energyEfficiency,
      .meanChargeVoltage, .meanDischargeVoltage, .voltageHysteresis, .testTime, .cycleNumber:
      condition.text
    }
  }

  /// A condition as it was written, with what it resolves to where that is something else.
  private static func condition(_ end: EndCondition, _ instrument: InstrumentLimits?) -> String {
    if end.share != nil { return end.text }
    let operand = end.text.split(separator: " ", maxSplits: 2).last.map(String.init) ?? ""
    switch end.quantity {
    case .voltage:
      return end.text + error(at: Voltage(count: end.threshold), instrument)
    case .current:
      return (try? Current(written: operand)) == nil
        ? "\(end.text) (\(Current(count: end.threshold).shown()))" : end.text
    case .stepCharge, .halfCycleCharge:
      return (try? Charge(written: operand)) == nil ? "\(end.text) (\(Charge(count: end.threshold).shown()))" : end.text
    case .chargePerVolt:
      let isAbsolute = ["uAh/V", "mAh/V", "Ah/V"].contains { operand.hasSuffix(" \($0)") }
      return isAbsolute ? end.text : "\(end.text) (\(Charge(count: end.threshold).shown())/V)"
    case .stepTime, .holdTime, .halfCycleTime, .cycleTime, .testTime, .stepEnergy, .voltageDrift, .cycleNumber,
      .temperature:
      return end.text
    }
  }
}

extension RecordRule {
  /// Whether something else than the clock makes records too.
  fileprivate var makesMore: Bool {
    onVoltageChange != nil || onCurrentChangePartsPerMillion != nil || onChargeChange != nil
  }
}

/// Writes the lines of a listing.
private struct ListingWriter {
  let program: Program
  let instrument: InstrumentLimits?
  let cell: CellValues?
  private var lines: [String] = []

  init(program: Program, instrument: InstrumentLimits?, cell: CellValues?) {
    self.program = program
    self.instrument = instrument
    self.cell = cell
  }

  mutating func write() -> [String] {
    writeHead()
    writeSteps()
    writeTotals()
    return lines
  }

  private mutating func writeHead() {
    let window = program.expectOpenCircuit
    lines.append(program.title)
    lines.append("role \(program.role.rawValue); open circuit between \(window.from.written) and \(window.to.written)")
    if let instrument { lines.append(instrument.openCircuit.meaning) }
    let limits = program.limits
    lines.append(
      "voltage limits \(volts(limits.lowerVoltage.soft)) to \(volts(limits.upperVoltage.soft)) for "
        + "\(limits.lowerVoltage.tolerance.written), \(volts(limits.lowerVoltage.hard)) to "
        + "\(volts(limits.upperVoltage.hard)) at once\(ProgramListing.end(of: .voltage, limits))")
    for (name, limit, kind) in [
      ("charge", limits.chargeCurrent, LimitKinds.chargeCurrent),
      ("discharge", limits.dischargeCurrent, .dischargeCurrent),
    ] {
      let soft = ProgramListing.text(Current(count: limit.soft), cell?.activeMass)
      lines.append(
        "\(name) current at most \(soft) for \(limit.tolerance.written), \(Current(count: limit.hard).shown()) at once"
          + ProgramListing.end(of: kind, limits))
    }
    lines.append(
      "a half-cycle moves at most \(limits.halfCycleCharge.shown())\(ProgramListing.end(of: .halfCycleCharge, limits)); "
        + "below \(limits.emptyHalfCycleBelow.shown()) it is empty, and \(limits.emptyHalfCyclesInARow) empty ones in a row "
        + (limits.endingRun.contains(.emptyHalfCycles) ? "end the run" : "hold the run"))
    writeTemperature(limits.temperature)
    lines.append("records " + Self.text(program.record))
    let metrics = [
      program.metrics.sodiationPlateauBelow.map { "sodiation's plateau lies below \($0.written)" },
      program.metrics.desodiationPlateauBelow.map { "desodiation's below \($0.written)" },
      program.metrics.plateauIRCorrection.map { delay in
        "plateaus are also told less the ohmic drop, by the resistance "
          + (delay == .firstRecord ? "at the first record" : "after \(delay.rawValue)")
      },
      program.metrics.retentionReference.map { "retention is told against \($0.written)" },
      program.metrics.retentionThreshold == RunSummary.usualThreshold
        ? nil
        : "a life is over below \(Share(count: Int64((program.metrics.retentionThreshold * 1e6).rounded())).written)",
    ].compactMap { $0 }
    if !metrics.isEmpty { lines.append(metrics.joined(separator: ", ")) }
    let policy = program.onInterruption
    lines.append(
      "after an interruption of up to \(policy.resumeWithin.written) the run goes on by itself, otherwise it "
        + (policy.otherwise == .hold ? "waits for a person" : "ends"))
  }

  private mutating func writeTemperature(_ limits: TemperatureLimits?) {
    if let limits {
      let bounds = [limits.lower.map { ("not below", $0) }, limits.upper.map { ("not above", $0) }].compactMap { $0 }
      let words = bounds.map { word, limit in
        "\(word) \(Temperature(count: limit.soft).written) for \(limit.tolerance.written), "
          + "\(Temperature(count: limit.hard).written) at once"
      }
      lines.append(
        "temperature " + words.joined(separator: ", ") + ProgramListing.end(of: .temperature, program.limits))
    }
    if program.placeOfTemperature != nil { lines.append("the channel needs a thermometer") }
  }

  private func volts(_ count: Int64) -> String { Voltage(count: count).written }

  private mutating func writeSteps() {
    var indent = "  "
    for (index, instruction) in program.instructions.enumerated() {
      switch instruction {
      case .step(let number):
        let step = program.steps[number]
        let text = ProgramListing.step(step, instrument: instrument, mass: cell?.activeMass)
        lines.append("\(number + 1).".paddedLeft(to: 4) + indent + text + remark(step))
        writeTargets(of: step, indent)
        writeRecords(of: step, indent)
        if case .impedance(let spectrum) = step.action {
          lines.append("    " + indent + "  " + ProgramListing.alone(spectrum))
        }
      case .beginLoop:
        lines.append("    " + indent + blockHead(index))
        indent += "  "
        writeEnds(ofBlockAt: index, indent)
      case .endLoop: indent = String(indent.dropLast(2))
      case .beginCycle, .end: continue
      }
    }
  }

  /// What ends a block before its passes are done, and what comes then.
  private mutating func writeEnds(ofBlockAt begin: Int, _ indent: String) {
    for condition in program.passConditions where condition.block.lowerBound == begin {
      let then = then(condition.target) ?? "the block is over"
      lines.append("    " + indent + "once \(ProgramListing.condition(condition)), \(then)")
    }
  }

  /// Where the conditions of a step lead, where it is not to what follows.
  private mutating func writeTargets(of step: ProgramStep, _ indent: String) {
    for end in step.ends {
      guard let then = then(end.target) else { continue }
      lines.append("    " + indent + "  after \(end.text), \(then)")
    }
  }

  /// When a step's readings become records, where it says so itself.
  private mutating func writeRecords(of step: ProgramStep, _ indent: String) {
    guard !step.record.isEmpty else { return }
    let segments = step.record.map { segment in
      Self.text(segment.rule) + (segment.until.map { " until \($0.written)" } ?? "")
    }
    lines.append("    " + indent + "  records " + segments.joined(separator: ", then "))
  }

  private static func text(_ rule: RecordRule) -> String {
    let changes = [
      rule.onVoltageChange.map { "by \($0.written)" }, rule.onChargeChange.map { "by \($0.shown())" },
      rule.onCurrentChangePartsPerMillion.map { "by \(Double($0) / 10_000) % of the current" },
    ].compactMap { $0 }
    let read = rule.readEvery.map { ", read every \($0.written) while current flows" } ?? ""
    return (["every \(rule.every.written)"] + changes).joined(separator: " or ") + read
  }

  private func then(_ target: ConditionTarget) -> String? {
    switch target {
    case .next: nil
    case .end: "the protocol is over"
    case .hold: "the run waits for a person"
    case .instruction(let index): "the run goes on with step \(firstStep(from: index))"
    }
  }

  /// The number of the first step at or behind an instruction.
  private func firstStep(from index: Int) -> Int {
    for case .step(let number) in program.instructions[index...] { return number + 1 }
    return program.steps.count
  }

  private func remark(_ step: ProgramStep) -> String {
    step.isDiagnostic && (step.direction != .none || step.kind == .impedanceSpectrum) ? "  [diagnostic]" : ""
  }

  private func blockHead(_ begin: Int) -> String {
    if let test = test(beginningAt: begin) {
      return "test of the plating efficiency (\(test.kind.rawValue), \(test.label)):"
    }
    let passes = ProgramWalk.passes(ofLoopAt: begin, in: program)
    guard program.instructions[begin + 1] == .beginCycle else {
      return passes == 1 ? "once:" : "\(passes) times:"
    }
    guard case .step(let number)? = program.instructions[begin...].first(where: \.isStep) else { return "" }
    let step = program.steps[number]
    let names = [step.purpose?.rawValue, blockLabel(begin)].compactMap { $0 }
    let name = names.first == names.last ? names.first ?? "" : names.joined(separator: ", ")
    return "\(passes) \(passes == 1 ? "cycle" : "cycles") (\(name)):"
  }

  /// The test whose steps are those of the block that begins there: no block around it has them alone.
  private func test(beginningAt begin: Int) -> EfficiencyTest? {
    let inner = tests(in: begin...ProgramWalk.end(ofLoopAt: begin, in: program))
    guard let first = inner.first, Set(inner).count == 1 else { return nil }
    let isAround = program.instructions[..<begin].indices.contains { index in
      guard case .beginLoop = program.instructions[index] else { return false }
      let end = ProgramWalk.end(ofLoopAt: index, in: program)
      return end > begin && tests(in: index...end).allSatisfy { $0 == first }
    }
    return isAround ? nil : program.tests[first]
  }

  /// The tests of the closed steps among these instructions.
  private func tests(in range: ClosedRange<Int>) -> [Int] {
    program.instructions[range].compactMap { instruction in
      guard case .step(let number) = instruction else { return nil }
      return program.steps[number].test?.test
    }
  }

  /// The label that most of a block's steps carry is the block's: steps may have labels of their own.
  private func blockLabel(_ begin: Int) -> String? {
    let end = ProgramWalk.end(ofLoopAt: begin, in: program)
    var counts: [(label: String, count: Int)] = []
    for case .step(let number) in program.instructions[begin..<end] {
      guard let label = program.steps[number].label else { continue }
      if let index = counts.firstIndex(where: { $0.label == label }) {
        counts[index].count += 1
      } else {
        counts.append((label, 1))
      }
    }
    return counts.max { $0.count < $1.count }?.label
  }

  private mutating func writeTotals() {
    let cycles = program.cycleCount == 1 ? "1 cycle" : "\(program.cycleCount) cycles"
    let extent = ProgramWalk.extent(of: program)
    let shortest = ProgramWalk.roughly(ShortestCourse.duration(of: program))
    let longest = ProgramWalk.roughly(extent.duration)
    lines.append("\(cycles) in all; \(shortest) at the shortest, \(longest) at the longest")
    let size = ProgramWalk.roughly(bytes: extent.records * ProgramListing.bytesOfRecord)
    let charge = Charge(count: Int64(clamping: extent.charge)).shown(digits: 3)
    let more = program.record.makesMore || program.steps.contains { $0.record.contains { $0.rule.makesMore } }
    lines.append(
      "then at most \(extent.records) records by the clock (\(size))\(more ? ", and more where something changes" : ""), "
        + "and at most \(charge) in both directions together")
  }
}

extension Program.Instruction {
  fileprivate var isStep: Bool {
    switch self {
    case .step: true
    case .beginLoop, .endLoop, .beginCycle, .end: false
    }
  }
}

extension String {
  fileprivate func paddedLeft(to width: Int) -> String { String(repeating: " ", count: max(0, width - count)) + self }
}
