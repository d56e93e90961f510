// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A compiled protocol as the tree of steps that other programs can say: constant currents until a time or a voltage, held
// voltages until a time or a current, rests, loops. What would change what happens to the cell is a problem; what only
// watches over it (limits beyond the other format, bounds that hold the run) is left out and told.

public import CyclerModel
public import CyclingProtocol
internal import Quantities

/// A protocol of ours in another program's words.
public struct ExportedProtocol: Sendable, Hashable {
  /// The file.
  public var text: String
  /// What it does not say any more, a sentence each.
  public var leftOut: [String]
}

extension ProtocolExchange {
  /// Writes a protocol for another program.
  /// - Parameters:
  ///   - bytes: A protocol of ours.
  ///   - cell: What the file does not say of the cell.
  ///   - format: unicycler or pybamm.
  public static func exported(
    _ bytes: [UInt8], to format: ForeignFormat, cell: CellValues
  ) -> Result<ExportedProtocol, ProtocolProblems> {
    ProtocolDecoder.decode(bytes).flatMap { document in
      document.compile(cell: cell, instrument: nil).flatMap { program in
        var export = ProgramExport(program: program, format: format)
        let steps = export.steps()
        var capacity = document.values.nominalCapacity ?? cell.nominalCapacity
        if format == .pybamm { capacity = nil }
        let name = document.cellName
        let text =
          switch format {
          case .unicycler, .tomato:
            UnicyclerWriter.write(program, steps, name: name, capacity: capacity, &export)
          case .pybamm: PyBaMMWriter.write(program, steps, &export)
          }
        if let found = ProtocolProblems(export.problems) { return .failure(found) }
        return .success(ExportedProtocol(text: text, leftOut: export.leftOut))
      }
    }
  }
}

/// Makes the tree, and collects what it cannot hold.
struct ProgramExport {
  private let program: Program
  private let format: ForeignFormat
  private(set) var problems: [ProtocolProblem] = []
  private(set) var leftOut: [String] = []

  init(program: Program, format: ForeignFormat) {
    self.program = program
    self.format = format
  }

  mutating func report(_ step: ProgramStep, _ message: String, hint: String) {
    problems.append(ProtocolProblem(path: step.path, line: 1, column: 1, message: message, hint: hint))
  }

  mutating func refuse(_ message: String, hint: String) {
    problems.append(ProtocolProblem(path: "steps", line: 1, column: 1, message: message, hint: hint))
  }

  /// Told once, however many steps have it.
  mutating func leaveOut(_ what: String) { if !leftOut.contains(what) { leftOut.append(what) } }

  mutating func steps() -> [PlanStep] {
    leaveOut("where the cell must stand before the start, and what happens after an interruption")
    leaveOut("the number of a cycle and the purpose of a block")
    if let condition = program.passConditions.first {
      refuse(
        "a block ends by `\(condition.text)`, which only NaCycler can judge",
        hint: "remove the block's `until`")
    }
    if !program.tests.isEmpty { leaveOut("which steps are a test of plating") }
    var place = 0
    return steps(from: &place)
  }

  /// The steps up to the end of the loop, or of the program.
  private mutating func steps(from place: inout Int) -> [PlanStep] {
    var found: [PlanStep] = []
    while program.instructions.indices.contains(place) {
      let instruction = program.instructions[place]
      place += 1
      switch instruction {
      case .step(let index): found += step(program.steps[index])
      case .beginCycle: continue
      case .beginLoop:
        let body = steps(from: &place)
        guard program.instructions.indices.contains(place - 1),
          case .endLoop(_, let passes, _) = program.instructions[place - 1]
        else { continue }
        let label = label(of: body, before: place)
        found.append(.loop(PlanLoop(passes: passes, label: label, body: body)))
      case .endLoop, .end: return found
      }
    }
    return found
  }

  /// The label of the last step before a place.
  private func label(of body: [PlanStep], before place: Int) -> String? {
    for instruction in program.instructions[..<place].reversed() {
      if case .step(let index) = instruction { return program.steps[index].label }
    }
    return nil
  }

  // MARK: One step

  private mutating func step(_ step: ProgramStep) -> [PlanStep] {
    let ends = ends(of: step)
    if let share = step.currentShare {
      report(step, "the other format has no `\(share.written)`", hint: "name the current")
    }
    if step.isDiagnostic { leaveOut("that a step is a diagnostic") }
    if step.limits != nil { leaveOut("the limits of single steps") }
    if step.settle != Setpoint.usualSettle { leaveOut("how long a step settles (`settle`)") }
    if step.record.count > 1 { leaveOut("that the records of a step become sparser (`record` in parts)") }
    let every = step.record.first?.rule.every
    switch step.action {
    case .rest:
      if ends.voltage != nil || ends.current != nil {
        report(step, "a rest ends by a time only", hint: "remove the rest")
      }
      return ends.time.map { [.rest($0, every: every)] } ?? []
    case .constantCurrent(let direction, let current):
      if ends.time == nil, ends.voltage == nil {
        report(step, "the step ends by nothing that the other format can say", hint: "end it by a voltage or a time")
      }
      return [
        .drive(
          PlanDrive(
            direction: direction, current: .amperes(current), time: ends.time, voltage: ends.voltage, every: every))
      ]
    case .constantCurrentConstantVoltage(let direction, let current, let voltage):
      if ends.voltage != nil { report(step, "a second voltage ends the step", hint: "keep `to` alone") }
      if ends.time != nil {
        report(
          step, "a time ends the constant current and its hold as a whole, which the other format cannot say",
          hint: #"if it is a bound that should never be met, write {"when": "step_time >= …", "go": "hold"}"#)
      }
      if ends.holdTime == nil, ends.current == nil {
        report(step, "the hold ends by nothing that the other format can say", hint: "end it by a current or a time")
      }
      let hold = PlanHold(
        voltage: voltage, time: ends.holdTime, current: ends.current.map { .amperes($0) }, every: every)
      return [
        .drive(
          PlanDrive(direction: direction, current: .amperes(current), voltage: voltage, hold: hold, every: every))
      ]
    case .hold(_, let voltage, _):
      leaveOut("the largest current of a hold")
      let time = [ends.time, ends.holdTime].compactMap { $0 }.min()
      if time == nil, ends.current == nil {
        report(step, "the hold ends by nothing that the other format can say", hint: "end it by a current or a time")
      }
      return [
        .hold(PlanHold(voltage: voltage, time: time, current: ends.current.map { .amperes($0) }, every: every))
      ]
    case .demand(let demand): return written(demand, step, ends, every)
    case .impedance:
      report(step, "the other format has no such impedance spectrum", hint: "remove the spectrum")
      return []
    case .profile:
      report(step, "the other format has no profile of currents that we know to mean the same", hint: "remove it")
      return []
    case .sweep(let sweep): return written(sweep, step, every)
    }
  }

  private mutating func written(_ sweep: VoltageSweep, _ step: ProgramStep, _ every: TimeSpan?) -> [PlanStep] {
    guard format == .unicycler, let from = sweep.from, let to = sweep.to.first, sweep.to.count == 1 else {
      let hint = format == .unicycler ? "sweep one way, `from` a voltage `to` another" : "remove the sweep"
      report(step, "the other format has no sweep of the voltage that means the same", hint: hint)
      return []
    }
    if step.ends.count > 1 { report(step, "a sweep there ends where it goes to only", hint: "leave `until` out") }
    leaveOut("the largest current of a sweep")
    if every != nil { leaveOut("a step's own interval of records") }
    return [.sweep(PlanSweep(from: from, to: to, rate: sweep.rate))]
  }

  private mutating func written(
    _ demand: CurrentDemand, _ step: ProgramStep, _ ends: Ends, _ every: TimeSpan?
  ) -> [PlanStep] {
    guard format == .pybamm else {
      report(step, "the other format has no constant power or resistance", hint: "drive the step by a current")
      return []
    }
    leaveOut("the largest current of a constant power or resistance")
    if ends.current != nil {
      report(
        step, "a current ends the step, which the other format compares otherwise",
        hint: "end it by a voltage or a time")
    }
    if ends.time == nil, ends.voltage == nil {
      report(step, "the step ends by nothing that the other format can say", hint: "end it by a voltage or a time")
    }
    return [
      .demand(
        PlanDemand(
          direction: demand.direction, law: demand.law, time: ends.time, voltage: ends.voltage, every: every))
    ]
  }

  private struct Ends {
    var time: TimeSpan?
    var holdTime: TimeSpan?
    var voltage: Voltage?
    var current: Current?
  }

  private mutating func ends(of step: ProgramStep) -> Ends {
    var ends = Ends()
    for end in step.ends {
      if let share = end.share {
        report(step, "the other format has no `\(share.written)`", hint: "name the value")
        continue
      }
      let isTime = [.stepTime, .holdTime].contains(end.quantity)
      if isTime, end.target == .hold, end.isPlain {
        leaveOut("time bounds that hold the run")
        continue
      }
      guard end.isPlain, end.target == .next else {
        report(step, "`\(end.text)` says more than the other format can", hint: "write one comparison, without `go`")
        continue
      }
      switch end.quantity {
      case .stepTime: ends.time = TimeSpan(count: end.threshold)
      case .holdTime: ends.holdTime = TimeSpan(count: end.threshold)
      case .voltage: ends.voltage = Voltage(nanovolts: end.threshold)
      case .current: ends.current = Current(picoamperes: end.threshold)
      case .voltageDrift, .halfCycleTime, .cycleTime, .testTime, .stepCharge, .halfCycleCharge, .stepEnergy,
        .chargePerVolt, .cycleNumber, .temperature:
        report(
          step, "the other format has no end by `\(end.quantity.rawValue)`", hint: "end the step by a time or a voltage"
        )
      }
    }
    return ends
  }
}
