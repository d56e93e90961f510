// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingProtocol
import Quantities
import Testing

@Suite struct BlockEndCompilationTests {
  private func program(_ steps: String, metrics: String = BlockEndProtocols.reference) throws -> Program {
    var sample = SampleProtocol()
    sample.steps = steps
    sample.more = metrics
    return try sample.compile(CellValues(activeMass: Mass(micrograms: 1_000))).get()
  }

  @Test(arguments: BlockEndProtocols.refused + BlockEndProtocols.steps)
  func isRefused(_ refusal: RefusalCase) {
    let found = ProtocolDecoder.decode(Array(refusal.text.utf8))
      .flatMap { $0.compile(cell: refusal.cell, instrument: refusal.instrument) }.problems
    let isTold = found.contains {
      $0.path == refusal.path && $0.message.contains(refusal.message) && $0.hint.contains(refusal.hint)
    }
    #expect(isTold, "\(found)")
    #expect(found.count == 1, "\(found)")
  }

  @Test func everythingThatCanBeSaidIsCompiled() throws {
    let program = try program(
      BlockEndProtocols.life(
        """
        ["discharge_capacity < 100 mAh/g", {"when": "retention < 80.5 %", "for": "2 cycles", "go": "end"},
         {"when": "coulombic_efficiency > 99.99 %", "for": "1 cycle", "go": "hold"},
         {"when": "test_time >= 2 h", "go": "later"}, {"when": "sodiation_plateau_ratio <= 30 %", "go": "next"}]
        """, then: #", {"rest": "1 h"}, {"rest": "2 h", "label": "later"}"#))
    let block = 0..<5
    let expected = [
      PassCondition(
        quantity: .dischargeCapacity, comparison: .below, threshold: 360_000_000, cyclesInARow: 1, target: .next,
        text: "discharge_capacity < 100 mAh/g", block: block),
      PassCondition(
        quantity: .retention, comparison: .below, threshold: 805_000, cyclesInARow: 2, target: .end,
        text: "retention < 80.5 % for 2 cycles", block: block),
      PassCondition(
        quantity: .coulombicEfficiency, comparison: .above, threshold: 999_900, cyclesInARow: 1, target: .hold,
        text: "coulombic_efficiency > 99.99 %", block: block),
      PassCondition(
        quantity: .testTime, comparison: .atLeast, threshold: 7_200_000_000, cyclesInARow: 1, target: .instruction(6),
        text: "test_time >= 2 h", block: block),
      PassCondition(
        quantity: .sodiationPlateauRatio, comparison: .atMost, threshold: 300_000, cyclesInARow: 1, target: .next,
        text: "sodiation_plateau_ratio <= 30 %", block: block),
    ]
    #expect(program.passConditions == expected)
    #expect(program.instructions[6] == .step(3))
    #expect(program.metrics.retentionReference == CycleReference(purpose: .life, number: 1))
    let listing = ProgramListing.lines(of: program).map { $0.trimmingPrefix { $0 == " " } }
    #expect(listing.contains("once discharge_capacity < 100 mAh/g (100 uAh), the block is over"))
    #expect(listing.contains("once retention < 80.5 % for 2 cycles, the protocol is over"))
    #expect(listing.contains("once coulombic_efficiency > 99.99 %, the run waits for a person"))
    #expect(listing.contains("once test_time >= 2 h, the run goes on with step 4"))
  }

  @Test func comparisonsAreJoinedByAnd() throws {
    let program = try program(
      BlockEndProtocols.life(
        #"[{"when": "retention < 90 % and charge_capacity < 100 mAh/g and coulombic_efficiency < 99 %", "for": "3 cycles"}]"#
      ))
    let condition = try #require(program.passConditions.first)
    #expect(
      condition.also == [
        PassCondition.Term(quantity: .chargeCapacity, comparison: .below, threshold: 360_000_000),
        PassCondition.Term(quantity: .coulombicEfficiency, comparison: .below, threshold: 990_000),
      ])
    let text = "retention < 90 % and charge_capacity < 100 mAh/g and coulombic_efficiency < 99 % for 3 cycles"
    #expect(condition.text == text)
    #expect(ProgramListing.lines(of: program).contains { $0.contains("once \(text), the block is over") })
  }

  @Test func aLabelIsLookedForBehindAndFartherOut() throws {
    let inner = BlockEndProtocols.life(#"[{"when": "test_time >= 2 h", "go": "out"}]"#).dropFirst().dropLast()
    let program = try program(
      """
      [{"rest": "1 h", "label": "out"}, {"repeat": 3, "steps": [\(inner), {"rest": "2 h"}]},
       {"repeat": 2, "steps": [{"rest": "3 h", "label": "out"}]}, {"rest": "4 h", "label": "out"}]
      """)
    guard case .instruction(let index)? = program.passConditions.first?.target else {
      Issue.record("\(program.passConditions)")
      return
    }
    #expect(index == program.instructions.count - 2)
    #expect(program.instructions[index] == .step(program.steps.count - 1))
  }

  /// Values of variables are values of conditions, and `for_each` makes its labels.
  @Test func variablesStandInConditionsToo() throws {
    let steps = """
      [{"for_each": {"share": ["90 %", "80 %"]}, "steps": [
        {"cycles": 3, "purpose": "life", "label": "to $share", "steps": [\(SampleProtocol.discharge), \(SampleProtocol.charge)],
         "until": [{"when": "retention < $share", "go": "after $share"}]}, {"rest": "1 h"},
        {"rest": "2 h", "label": "after $share"}]}]
      """
    let program = try program(steps)
    #expect(program.passConditions.map(\.threshold) == [900_000, 800_000])
    #expect(program.passConditions.map(\.text) == ["retention < 90 %", "retention < 80 %"])
    let targets = program.passConditions.map(\.target)
    #expect(targets == [.instruction(6), .instruction(13)])
  }

  @Test func aStepsConditionsLeadWhereTheySay() throws {
    let program = try program(
      """
      [{"rest": "1 h", "until": [{"when": "voltage <= 1 V", "go": "end"}, {"when": "test_time >= 9 h", "go": "low"}]},
       {"charge": "0.1 mA", "to": "2 V", "hold_until": [{"when": "hold_time >= 1 h", "go": "hold"}, "current <= 10 uA"],
        "until": [{"when": "step_time >= 9 h", "go": "low"}]},
       {"repeat": 2, "steps": [{"rest": "1 min", "until": [{"when": "voltage >= 2 V", "go": "low"}]}]},
       {"rest": "2 h", "label": "low"}]
      """, metrics: "")
    let last = ConditionTarget.instruction(5)
    #expect(program.instructions[5] == .step(3))
    #expect(
      program.steps.map { $0.ends.map(\.target) } == [
        [.next, .end, last], [last, .hold, .next], [.next, last], [.next],
      ])
    let listing = ProgramListing.lines(of: program).map { $0.trimmingPrefix { $0 == " " } }
    #expect(listing.contains("after voltage <= 1 V, the protocol is over"))
    #expect(listing.contains("after hold_time >= 1 h, the run waits for a person"))
    #expect(listing.filter { $0.hasSuffix("the run goes on with step 4") }.count == 3)
  }
}
