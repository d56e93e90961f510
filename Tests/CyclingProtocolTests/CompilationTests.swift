// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingProtocol
import Quantities
import Testing

@Suite struct CompilationTests {
  private func program(_ steps: String, role: String = "anode-half-cell") throws -> Program {
    var sample = SampleProtocol()
    sample.cell = #"{"role": "\#(role)", "expect_open_circuit": {"from": "-0.2 V", "to": "3.3 V"}}"#
    sample.steps = steps
    return try sample.compile(instrument: .small).get()
  }

  private let pair = SampleProtocol.discharge + #", {"rest": "5 min"}, "# + SampleProtocol.charge

  @Test func cyclesBecomeALoopThatCounts() throws {
    let program = try program(SampleProtocol.cycles(pair, passes: "7"))
    #expect(
      program.instructions == [
        .beginLoop(loop: 0), .beginCycle, .step(0), .step(1), .step(2), .endLoop(loop: 0, passes: 7, start: 1), .end,
      ])
    #expect(program.loopCount == 1)
    #expect(program.cycleCount == 7)
    #expect(
      program.steps.map(\.halfCycle) == [
        .init(opens: true, closes: true, closesCycle: false, isCounted: true), nil,
        .init(opens: true, closes: true, closesCycle: true, isCounted: true),
      ])
    #expect(program.steps.map(\.path) == ["steps[0].steps[0]", "steps[0].steps[1]", "steps[0].steps[2]"])
    #expect(program.steps.allSatisfy { $0.purpose == .life && $0.label == "life" })
  }

  @Test func loopsInsideEachOtherHaveTheirOwnCounters() throws {
    let inner = #"{"repeat": 3, "steps": [{"rest": "1 s"}]}"#
    let program = try program(
      #"[{"repeat": 2, "steps": [\#(inner), \#(inner), \#(SampleProtocol.cycles(pair).dropFirst().dropLast())]}]"#)
    #expect(program.loopCount == 2)
    #expect(program.cycleCount == 4)
    let loops = program.instructions.compactMap { instruction -> Int? in
      if case .beginLoop(let loop) = instruction { loop } else { nil }
    }
    #expect(loops == [0, 1, 1, 1])
  }

  @Test func severalSegmentsOfOneDirectionAreOneHalfCycle() throws {
    let slow = #"{"discharge": "50 uA", "until": ["voltage <= 10 mV", "step_time >= 9 h"]}"#
    let hold = #"{"hold": "10 mV", "current_at_most": "50 uA", "until": ["current <= 5 uA", "step_time >= 1 h"]}"#
    let program = try program(
      SampleProtocol.cycles(
        "\(SampleProtocol.discharge), {\"rest\": \"1 s\"}, \(slow), \(hold), \(SampleProtocol.charge)"))
    let places = program.steps.map { $0.halfCycle.map { [$0.opens, $0.closes, $0.closesCycle] } }
    #expect(
      places == [
        [true, false, false], nil, [false, false, false], [false, true, false], [true, true, true],
      ])
    #expect(program.steps[3].direction == .discharge)
  }

  @Test func aRepeatAtTheEdgesOfAHalfCycleIsUnrolledThere() throws {
    let pulses =
      #"{"repeat": 10, "steps": [{"discharge": "0.1 mA", "until": ["step_time >= 5 min"]}, {"rest": "5 min"}]}"#
    let program = try program(SampleProtocol.cycles("\(pulses), \(SampleProtocol.charge)"))
    #expect(
      program.instructions == [
        .beginLoop(loop: 0), .beginCycle, .step(0), .step(1), .beginLoop(loop: 1), .step(2), .step(3),
        .endLoop(loop: 1, passes: 8, start: 5), .step(4), .step(5), .step(6), .endLoop(loop: 0, passes: 2, start: 1),
        .end,
      ])
    let places = program.steps.map { $0.halfCycle.map { [$0.opens, $0.closes, $0.closesCycle] } }
    #expect(
      places == [
        [true, false, false], nil, [false, false, false], nil, [false, true, false], nil, [true, true, true],
      ])
    #expect(Set(program.steps.prefix(6).map(\.path)).count == 2)
  }

  @Test func unrollingKeepsTheNumberOfExecutions() throws {
    for outer in 1...4 {
      for inner in 1...4 {
        let pulse = #"{"discharge": "0.1 mA", "until": ["step_time >= 5 min"]}"#
        let nested = #"{"repeat": \#(outer), "steps": [{"repeat": \#(inner), "steps": [\#(pulse)]}]}"#
        let program = try program(SampleProtocol.cycles("\(nested), \(SampleProtocol.charge)", passes: "1"))
        let trace = executions(of: program)
        #expect(trace.count == outer * inner + 1)
        #expect(trace.filter { $0.opens }.count == 2)
        #expect(trace.filter { $0.closes }.count == 2)
        #expect(trace[0].opens)
        #expect(trace[outer * inner - 1].closes)
        #expect(trace[outer * inner].closesCycle)
      }
    }
  }

  /// The half-cycle places of the closed steps, in the order in which they are run.
  private func executions(of program: Program) -> [ProgramStep.HalfCyclePlace] {
    var counters = Array(repeating: Int64(0), count: program.loopCount)
    var trace: [ProgramStep.HalfCyclePlace] = []
    var at = 0
    while true {
      switch program.instructions[at] {
      case .step(let index): trace += [program.steps[index].halfCycle].compactMap { $0 }
      case .beginLoop(let loop): counters[loop] = 0
      case .endLoop(let loop, let passes, let start):
        counters[loop] += 1
        if counters[loop] < passes {
          at = start
          continue
        }
      case .beginCycle: break
      case .end: return trace
      }
      at += 1
    }
  }

  @Test func stepsOutsideCyclesAreHalfCyclesOfTheirOwn() throws {
    let hold = #"{"hold": "2 V", "current_at_most": "50 uA", "until": ["step_time >= 1 h"]}"#
    let diagnostic = #"{"charge": "1 mA", "diagnostic": true, "until": ["step_time >= 10 s"]}"#
    let program = try program("[\(SampleProtocol.discharge), \(SampleProtocol.charge), \(hold), \(diagnostic)]")
    #expect(
      program.steps.map(\.halfCycle) == [
        .init(opens: true, closes: true, closesCycle: false, isCounted: false),
        .init(opens: true, closes: false, closesCycle: false, isCounted: false),
        .init(opens: false, closes: true, closesCycle: false, isCounted: false), nil,
      ])
    #expect(program.cycleCount == 0)
  }

  /// Hazard rule 14: one range a cycle.
  @Test func oneRangeServesTheOutermostBlock() throws {
    let fast = #"{"charge": "0.4 mA", "until": ["voltage >= 2 V", "step_time >= 9 h"]}"#
    let program = try program(
      #"[{"rest": "1 s"}, \#(SampleProtocol.discharge), "#
        + SampleProtocol.cycles("\(SampleProtocol.discharge), \(fast)").dropFirst())
    #expect(program.steps.map(\.rangeCurrent.amperes) == [0, 1e-4, 4e-4, 4e-4])
  }

  @Test func verbsOfSodiumCompileToDirections() throws {
    let anode = try program(
      SampleProtocol.cycles(pair.replacing("discharge", with: "sodiate").replacing("charge", with: "desodiate")))
    #expect(anode.steps.map(\.direction) == [.discharge, .none, .charge])
    func plating(_ role: String) throws -> [Direction] {
      try program(
        #"[{"plate": "0.1 mA", "until": ["step_time >= 1 h"]}, {"strip": "0.1 mA", "until": ["step_time >= 1 h"]}]"#,
        role: role
      ).steps.map(\.direction)
    }
    #expect(try plating("plating-stripping") == [.discharge, .charge])
    #expect(try plating("anode-free") == [.charge, .discharge])
  }

  /// Hazard rule 20, and rule 10 for what counts as empty.
  @Test func limitsHaveTheirDefaults() throws {
    var sample = SampleProtocol()
    let limits = try sample.compile().get().limits
    #expect(
      limits.lowerVoltage == SoftHardLimit(soft: -50_000_000, hard: -100_000_000, tolerance: TimeSpan(seconds: 2)))
    #expect(limits.upperVoltage.hard == 2_350_000_000)
    #expect(
      limits.chargeCurrent == SoftHardLimit(soft: 1_000_000_000, hard: 2_000_000_000, tolerance: TimeSpan(seconds: 1)))
    #expect(limits.emptyHalfCycleBelow == Charge(ampereHours: 1e-3) / 200)
    #expect(limits.emptyHalfCyclesInARow == 3)
    let known = try sample.compile(CellValues(nominalCapacity: Charge(ampereHours: 4e-4))).get().limits
    #expect(known.emptyHalfCycleBelow == Charge(ampereHours: 2e-6))
    sample.limits.replace(#""for": "2 s"}"#, with: #""for": "2 s", "hard": {"min": "-60 mV", "max": "2.31 V"}}"#)
    #expect(try sample.compile().get().limits.upperVoltage.hard == 2_310_000_000)
  }

  @Test func conditionsKeepTheirTextAndTheirPhase() throws {
    let program = try program(
      #"[{"charge": "0.4 mA", "to": "2 V", "hold_until": ["current < 50 uA", "hold_time >= 1 h"], "#
        + #""until": ["step_time >= 9 h"], "settle": "1 s"}]"#)
    let step = program.steps[0]
    #expect(step.ends.map(\.onlyInHold) == [false, true, true])
    #expect(step.ends.map(\.text) == ["step_time >= 9 h", "current < 50 uA", "hold_time >= 1 h"])
    #expect(step.ends.map(\.threshold) == [32_400_000_000, 50_000_000, 3_600_000_000])
    #expect(step.settle == TimeSpan(seconds: 1))
    #expect(
      ProgramListing.step(step)
        == "charge 400 uA to 2 V and hold it until current < 50 uA or hold_time >= 1 h; in all until step_time >= 9 h; its ends are judged after 1 s"
    )
  }

  @Test func conditionsAreJoinedAndLast() throws {
    let program = try program(
      #"[{"discharge": "0.1 mA", "until": [{"when": "voltage <= 10 mV and step_charge >= 1 uAh", "for": "1 min"}, "#
        + #"{"when": "step_charge <= 20 uAh and step_time >= 1 h", "go": "hold"}, "voltage <= 5 mV", "#
        + #""step_time >= 9 h"]}]"#)
    let step = program.steps[0]
    #expect(
      step.ends.map(\.text) == [
        "voltage <= 10 mV and step_charge >= 1 uAh for 1 min", "step_charge <= 20 uAh and step_time >= 1 h",
        "voltage <= 5 mV", "step_time >= 9 h",
      ])
    #expect(step.ends.map(\.isPlain) == [false, false, true, true])
    #expect(step.ends.map(\.also) == [0..<1, 1..<2, 2..<2, 2..<2])
    #expect(
      step.joined == [
        JoinedComparison(quantity: .stepCharge, comparison: .atLeast, threshold: 3_600_000),
        JoinedComparison(quantity: .stepTime, comparison: .atLeast, threshold: 3_600_000_000),
      ])
    #expect(step.hasLastingEnds && step.ends[0].lasting == TimeSpan(seconds: 60))
    #expect(ProgramListing.step(step).contains("until voltage <= 10 mV and step_charge >= 1 uAh for 1 min or "))
  }

  @Test func zeroVoltIsALegalCutOff() throws {
    let program = try program(#"[{"discharge": "0.1 mA", "until": ["voltage <= 0 V", "step_time >= 9 h"]}]"#)
    #expect(program.steps[0].ends[0].threshold == 0)
    let warnings = ProgramListing.warnings(of: program, instrument: nil)
    #expect(warnings == ["steps[0]: 0 V reaches 0 V, where sodium can plate on the anode"])
  }

  /// Hazard rule 8: the instrument's error can put a cut-off of 1 mV below 0 V.
  @Test func aCutOffWithinTheInstrumentsErrorOfZeroIsWarnedOf() throws {
    let program = try program(#"[{"discharge": "0.1 mA", "until": ["voltage <= 1 mV", "step_time >= 9 h"]}]"#)
    #expect(ProgramListing.warnings(of: program, instrument: nil).isEmpty)
    let warnings = ProgramListing.warnings(of: program, instrument: .small)
    #expect(warnings == ["steps[0]: 1 mV ± 2 mV reaches 0 V, where sodium can plate on the anode"])
  }

  /// A threshold beyond the limits is one in the wrong unit.
  @Test func aPlateauThatNoVoltageCanPassIsWarnedOf() throws {
    func warnings(_ metrics: String) throws -> [String] {
      var sample = SampleProtocol()
      sample.more = ", \"metrics\": \(metrics)"
      return ProgramListing.warnings(of: try sample.compile().get(), instrument: nil).filter {
        $0.hasPrefix("metrics.")
      }
    }
    #expect(
      try warnings(#"{"sodiation_plateau_below": "100 V"}"#) == [
        "metrics.sodiation_plateau_below 100 V lies above limits.voltage.max 2.3 V, so all charge of the branch will "
          + "count as plateau: is its unit right?"
      ])
    #expect(
      try warnings(#"{"desodiation_plateau_below": "-500 mV"}"#).first?.contains("so no charge will count as plateau")
        == true)
    #expect(try warnings(#"{"sodiation_plateau_below": "100 mV", "desodiation_plateau_below": "0.2 V"}"#).isEmpty)
  }

  /// Hazard rule 8: negative voltages are ordinary where sodium is plated on purpose.
  @Test func negativeCutOffsAreOrdinaryWherePlatingIsMeant() throws {
    let steps = #"[{"discharge": "0.1 mA", "until": ["voltage <= -20 mV", "step_time >= 9 h"]}]"#
    #expect(try program(steps, role: "plating-stripping").steps.count == 1)
    #expect(try program(steps, role: "symmetric").steps.count == 1)
    var sample = SampleProtocol()
    sample.steps = steps
    sample.cell.replace(#""role""#, with: #""allow_plating": true, "role""#)
    #expect(sample.compile().problems.isEmpty)
  }

  @Test func listingsCarryLabelsErrorsAndTotals() throws {
    let lines = ProgramListing.lines(
      of: try program(SampleProtocol.cycles(pair)), instrument: .small,
      cell: CellValues(activeMass: Mass(micrograms: 1_000)))
    #expect(
      lines.suffix(6) == [
        "      2 cycles (life):",
        "  1.    discharge 100 uA (100 mA/g) until voltage <= 10 mV ± 2.01 mV or step_time >= 9 h",
        "  2.    rest 5 min", "  3.    charge 100 uA (100 mA/g) until voltage >= 2 V ± 4 mV or step_time >= 9 h",
        "2 cycles in all; 10 min at the shortest, 1 d 12 h at the longest",
        "then at most 2182 records by the clock (98 kB), and at most 3.6 mAh in both directions together",
      ])
  }

  /// Of a recording nobody knows the instrument's error: none is stated, and it is not nought.
  @Test func anErrorThatIsNotStatedIsNotShown() throws {
    var silent = InstrumentLimits.small
    (silent.voltageErrorPartsPerMillion, silent.voltageOffsetError) = (0, .zero)
    let lines = ProgramListing.lines(of: try program(SampleProtocol.cycles(pair)), instrument: silent)
    #expect(lines.contains { $0.contains("voltage <= 10 mV or step_time") }, "\(lines)")
    #expect(!lines.contains { $0.contains("±") }, "\(lines)")
  }

  /// Only what the cell does not decide makes a protocol last.
  @Test(arguments: [
    (#"[{"rest": "10 min"}]"#, "10 min"),
    // The cell may be at its voltage at once.
    (#"[{"discharge": "0.1 mA", "until": ["voltage <= 10 mV", "step_time >= 9 h"]}]"#, "0 min"),
    (
      #"[{"discharge": "0.1 mA", "until": [{"when": "voltage <= 10 mV", "for": "2 min"}, "step_time >= 9 h"]}]"#,
      "2 min"
    ),
    (
      #"[{"discharge": "0.1 mA", "until": ["voltage <= 10 mV and step_time >= 30 min", "step_time >= 9 h"]}]"#, "30 min"
    ),
    // 0.3 mAh at 0.1 mA.
    (#"[{"discharge": "0.1 mA", "until": ["step_charge >= 0.3 mAh", "step_time >= 9 h"]}]"#, "3 h"),
    (#"[{"repeat": 3, "steps": [{"rest": "10 min"}, {"rest": "5 min"}]}, {"rest": "1 h"}]"#, "1 h 45 min"),
    // A condition that leads elsewhere: to the end, past a rest, to a person.
    (#"[{"rest": "1 h", "until": [{"when": "voltage >= 2 V", "go": "end"}]}, {"rest": "10 min"}]"#, "0 min"),
    (
      #"[{"rest": "1 h", "until": [{"when": "voltage >= 2 V", "for": "7 min", "go": "last"}]}, {"rest": "9 h"}, "#
        + #"{"rest": "10 min", "label": "last"}]"#, "17 min"
    ),
    (
      #"[{"rest": "1 h", "until": [{"when": "voltage >= 2 V", "for": "3 min", "go": "hold"}]}, {"rest": "9 h"}]"#,
      "3 min"
    ),
  ])
  func theShortestCourseIsTold(_ steps: String, _ shortest: String) throws {
    let lines = ProgramListing.lines(of: try program(steps), instrument: .small)
    let total = try #require(lines.first { $0.contains(" at the shortest") })
    #expect(total.contains("in all; \(shortest) at the shortest"), "\(total)")
  }

  @Test func aBlockThatMayEndEarlyIsShort() throws {
    func shortest(_ until: String) throws -> String {
      let text = SampleProtocol.cycles(pair, passes: "50")
      let block = text.replacing("[{\"cycles\": 50", with: "[{\"cycles\": 50, \"until\": [\(until)]")
      let lines = ProgramListing.lines(of: try program(block), instrument: .small)
      return try #require(lines.first { $0.contains(" at the shortest") })
    }
    #expect(
      try shortest(#"{"when": "coulombic_efficiency < 90 %", "for": "3 cycles"}"#).contains("; 15 min at the shortest"))
    #expect(try shortest(#""test_time >= 1 h""#).contains("; 5 min at the shortest"))
    #expect(
      try shortest(#"{"when": "coulombic_efficiency < 90 %", "for": "4 cycles", "go": "end"}"#)
        .contains("; 20 min at the shortest"))
  }

  @Test func theDocumentSaysWhatItNeedsAndCarries() throws {
    var sample = SampleProtocol()
    sample.cell =
      #"{"role": "anode-half-cell", "name": "HC-7", "active_mass": "1.2 mg", "requires": ["active_mass"], "#
      + #""expect_open_circuit": {"from": "1.2 V", "to": "3.3 V"}}"#
    sample.steps = #"[{"charge": "C/10", "until": ["step_charge >= 100 mAh/g", "step_time >= 9 h"]}]"#
    let document = try sample.decode().get()
    #expect(document.cellName == "HC-7")
    #expect(document.values == CellValues(activeMass: Mass(micrograms: 1_200)))
    #expect(document.requires == [.activeMass])
    #expect(document.needs == [.activeMass, .nominalCapacity])
    #expect(document.source == sample.text)
  }
}
