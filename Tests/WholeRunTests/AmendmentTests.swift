// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Another protocol in the middle of a run. The instrument is fed by hand, so that each cycle moves what a test wants.

import CyclerModel
import CyclingEngine
import CyclingRun
import InstrumentKit
import Quantities
import Testing

@Suite struct AmendmentTests {
  private static let wetting = #"{"rest": "7 min"}, "#

  private static func program(
    _ cycles: Int, current: String = "360 uA", until: String? = nil, before: String = wetting, then more: String = "",
    upper: String = "2.3 V"
  ) throws -> Program {
    let steps = before + TestLaboratory.hardCarbonCycles(cycles, current: current, until: until) + more
    return try TestLaboratory.program(
      TestLaboratory.text(
        role: "anode-half-cell", steps: steps, voltage: ("-50 mV", upper),
        metrics: "\"retention_reference\": \"life cycle 1\""))
  }

  /// In the sodiation of the second cycle.
  private static func bench(_ program: Program) throws -> PilotBench {
    var bench = PilotBench(program)
    bench.start(at: 2.5)
    bench.rest()
    bench.cycle(desodiation: 19)
    bench.drive(-360e-6, seconds: 10)
    return bench
  }

  private static func finishCycle(_ bench: inout PilotBench) {
    for _ in 0..<10 { bench.read(0.5, -360e-6) }
    bench.end(.cutOff(0))
    bench.rest()
    bench.half(360e-6, seconds: 19)
  }

  private func amended(_ bench: PilotBench) -> [(revision: Int32, from: Int64?)] {
    bench.journal.entries.compactMap {
      if case .amended(_, let revision, let from) = $0 { (revision, from) } else { nil }
    }
  }

  private func revisions(_ bench: PilotBench) -> [Int32] {
    bench.journal.entries.compactMap { if case .stepStarted(let row) = $0 { row.protocolRevision } else { nil } }
  }

  /// What is under way ends by the old protocol; from the next cycle on everything is the new one's.
  @Test func anAmendmentHoldsFromTheNextCycleOn() throws {
    var bench = try Self.bench(Self.program(9))
    let new = try Self.program(3, current: "180 uA", then: #", {"rest": "17 min"}"#, upper: "2.2 V")
    #expect(try bench.pilot.amend(by: new, revision: 2) == .nextCycle)
    #expect(bench.pilot.identity.protocolRevision == 1)
    Self.finishCycle(&bench)
    #expect(bench.pilot.identity.protocolRevision == 2)
    let setpoint = try #require(bench.setpoint)
    #expect(setpoint.mode == .constantCurrent(Current(picoamperes: -180_000_000)))
    #expect(setpoint.bounds.upperVoltage == Voltage(millivolts: 2_250), "the limits are the new protocol's")
    let told = amended(bench)
    #expect(told.map(\.revision) == [2])
    let steps = revisions(bench)
    #expect(told.first?.from.map { $0 & 0xFFFFFF } == Int64(steps.count), "it names the step that has just been begun")
    #expect(steps.dropLast().allSatisfy { $0 == 1 } && steps.last == 2)
    bench.half(-180e-6, seconds: 40)
    bench.half(180e-6, seconds: 39)
    #expect(bench.journal.cycles.map(\.cycleNumber) == [1, 2, 3], "two passes were done, and three are wanted")
    bench.rest()
    #expect(bench.journal.endedSteps.last == "step_time >= 17 min")
    #expect(bench.pilot.state == .completed)
    #expect(bench.journal.cycles.last?.retention != nil, "the reference cycle is still known")
  }

  @Test func fewerPassesThanAreDoneEndTheBlock() throws {
    var bench = try Self.bench(Self.program(9))
    _ = try bench.pilot.amend(by: Self.program(1), revision: 2)
    Self.finishCycle(&bench)
    #expect(bench.pilot.state == .completed)
    #expect(bench.journal.cycles.count == 2)
  }

  /// The newest of several that wait is the one that holds.
  @Test func aLaterAmendmentTakesThePlaceOfOneThatWaits() throws {
    var bench = try Self.bench(Self.program(9))
    _ = try bench.pilot.amend(by: Self.program(2, current: "1 mA"), revision: 2)
    _ = try bench.pilot.amend(by: Self.program(2), revision: 3)
    Self.finishCycle(&bench)
    #expect(bench.pilot.state == .completed)
    #expect(amended(bench).map(\.revision) == [3])
    #expect(amended(bench).map(\.from) == [nil], "no step was left for it")
  }

  /// What was run cannot become something else afterwards.
  @Test(arguments: ["", #"{"rest": "8 min"}, "#, #"{"rest": "7 min"}, {"rest": "7 min"}, "#])
  func whatIsDoneStaysAsItWas(before: String) throws {
    var bench = try Self.bench(Self.program(9))
    #expect(throws: AmendmentObstacle.self) {
      try bench.pilot.amend(by: Self.program(9, before: before), revision: 2)
    }
    Self.finishCycle(&bench)
    #expect(amended(bench).isEmpty)
    #expect(bench.pilot.state == .running)
  }

  /// A person looks between two cycles, amends and resumes: the next cycle is the new one's, after a restart too.
  @Test(arguments: [false, true], [false, true])
  func aRunThatWaitsBetweenTwoCyclesGoesOnByTheNewOne(ofTheBlock: Bool, restarts: Bool) throws {
    let hold = #"[{"when": "coulombic_efficiency > 1 %", "for": "2 cycles", "go": "hold"}]"#
    var old = try Self.program(9, until: ofTheBlock ? hold : nil)
    if !ofTheBlock {
      // The last rest of a pass asks for a person.
      let steps =
        Self.wetting
        + TestLaboratory.hardCarbonCycles(9).replacing(
          "{\"rest\": \"1 min\"}\n]",
          with: #"{"rest": "1 min", "until": [{"when": "voltage >= 0.9 V", "go": "hold"}]}]"#)
      #expect(steps.contains("0.9 V"))
      old = try TestLaboratory.program(
        TestLaboratory.text(
          role: "anode-half-cell", steps: steps, metrics: "\"retention_reference\": \"life cycle 1\""))
    }
    var bench = PilotBench(old)
    bench.start(at: 2.5)
    bench.rest()
    if ofTheBlock {
      for _ in 0..<2 { bench.cycle(desodiation: 19) }
    } else {
      bench.half(-360e-6, seconds: 20)
      bench.drive(360e-6, seconds: 19)
      bench.end(.cutOff(0))
      bench.accept()
      bench.read(1, 0)
      bench.end(.cutOff(1))
    }
    #expect(bench.pilot.state == .held)
    let cycles = bench.journal.cycles.count
    if restarts {
      try bench.restart()
      bench.feed(.instrumentReady)
    }
    let new = try Self.program(9, current: "180 uA", upper: "2.2 V")
    #expect(try bench.pilot.momentOfAmendment(by: new) == .nextCycle)
    _ = try bench.pilot.amend(by: Self.program(9, current: "1 mA"), revision: 2)
    #expect(try bench.pilot.amend(by: new, revision: 3) == .nextCycle)
    if restarts {
      // The daemon gives it the newest revision again.
      try bench.restart()
      bench.feed(.instrumentReady)
      _ = try bench.pilot.amend(by: new, revision: 3)
    }
    bench.feed(.person(.resume, actor: "tester"))
    bench.check(Array(repeating: 1.0, count: 10))
    #expect(bench.setpoint?.mode == .constantCurrent(Current(picoamperes: -180_000_000)))
    #expect(amended(bench).map(\.revision) == [3])
    bench.half(-180e-6, seconds: 40)
    bench.half(180e-6, seconds: 39)
    #expect(bench.journal.cycles.map(\.cycleNumber) == (1...Int64(cycles + 1)).map { $0 })
    // Nine in all.
    for _ in 0..<(8 - cycles) {
      bench.half(-180e-6, seconds: 40)
      bench.half(180e-6, seconds: 39)
    }
    #expect(bench.pilot.state == .completed && bench.journal.cycles.count == 9)
  }

  /// What waits already when the run is held between two cycles holds as soon as it is resumed, as after a restart.
  @Test func anAmendmentThatWaitsHoldsOnceTheHeldRunIsResumed() throws {
    let hold = #"[{"when": "coulombic_efficiency > 1 %", "for": "2 cycles", "go": "hold"}]"#
    var bench = PilotBench(try Self.program(9, until: hold))
    bench.start(at: 2.5)
    bench.rest()
    bench.cycle(desodiation: 19)
    bench.drive(-360e-6, seconds: 10)
    #expect(try bench.pilot.amend(by: Self.program(9, current: "180 uA", until: hold), revision: 2) == .nextCycle)
    Self.finishCycle(&bench)
    #expect(bench.pilot.state == .held && amended(bench).isEmpty)
    bench.feed(.person(.resume, actor: "tester"))
    bench.check(Array(repeating: 1.0, count: 10))
    #expect(bench.setpoint?.mode == .constantCurrent(Current(picoamperes: -180_000_000)))
    #expect(amended(bench).map(\.revision) == [2])
  }

  /// A bound of the test's time held the run; whoever amends has answered it, and the new bound is asked.
  @Test(arguments: [false, true])
  func aHeldTestTimeIsAnsweredByAnAmendment(stillPast: Bool) throws {
    func until(_ time: String) -> String { #"[{"when": "test_time >= \#(time)", "go": "hold"}]"# }
    var bench = PilotBench(try Self.program(9, until: until("30 s")))
    bench.start(at: 2.5)
    bench.rest()
    bench.cycle(desodiation: 19)
    #expect(bench.pilot.state == .held)
    _ = try bench.pilot.amend(
      by: Self.program(9, current: "180 uA", until: until(stillPast ? "40 s" : "9 h")), revision: 2)
    bench.host += 60
    bench.feed(.person(.resume, actor: "tester"))
    bench.check(Array(repeating: 1.0, count: 10))
    #expect(amended(bench).map(\.revision) == [2])
    if stillPast {
      #expect(bench.pilot.state == .held, "the new program asks as well")
      bench.feed(.person(.resume, actor: "tester"))
      bench.check(Array(repeating: 1.0, count: 10))
    }
    #expect(bench.setpoint?.mode == .constantCurrent(Current(picoamperes: -180_000_000)))
  }

  /// What came before the block under way in the same pass of a `repeat` is done as well.
  @Test func anotherBlockInFrontInTheSamePassIsRefused() throws {
    func program(_ first: String) throws -> Program {
      let late = TestLaboratory.hardCarbonCycles(3)
      return try TestLaboratory.program(
        TestLaboratory.text(role: "anode-half-cell", steps: #"{"repeat": 2, "steps": [\#(first)\#(late)]}"#))
    }
    let early = TestLaboratory.hardCarbonCycles(1) + ", "
    var bench = PilotBench(try program(early))
    bench.start(at: 2.5)
    bench.cycle(desodiation: 19)
    bench.drive(-360e-6, seconds: 10)
    #expect(throws: AmendmentObstacle.self) {
      try bench.pilot.amend(by: program(TestLaboratory.hardCarbonCycles(2) + ", " + early), revision: 2)
    }
    #expect(try bench.pilot.amend(by: program(early), revision: 2) == .nextCycle)
  }

  /// What watched over a step that is done, and where it stands in the file, is not what was done.
  @Test func limitsAndPlacesMayChangeBehindWhatIsDone() throws {
    func program(_ limits: String, wetting: String) throws -> Program {
      let first =
        #"{"discharge": "100 uA", "until": ["voltage <= 10 mV", "step_time >= 1 h"], "limits": \#(limits)}, "#
      return try TestLaboratory.program(
        TestLaboratory.text(
          role: "anode-half-cell", steps: first + wetting + TestLaboratory.hardCarbonCycles(9), current: "4 mA"))
    }
    let own = #"{"discharge_current": {"max": "1 mA", "for": "1 s"}}"#
    var bench = PilotBench(try program(own, wetting: #"{"rest": "1 min"}, "#))
    bench.start(at: 2.5)
    bench.half(-100e-6, seconds: 20)
    bench.drive(-360e-6, seconds: 10)
    let new = try program(#"{"charge_current": {"max": "1 mA", "for": "1 s"}}"#, wetting: #"{"rest": "1 min"}, "#)
    #expect(try bench.pilot.amend(by: new, revision: 2) == .nextCycle)
  }

  /// Its only steps were the open circuit that did not fit it.
  @Test func aRevisionThatHeldOnlyBeforeTheFirstStepIsTold() throws {
    var bench = PilotBench(try Self.program(9))
    bench.feed(.begin)
    #expect(try bench.pilot.amend(by: Self.program(8), revision: 2) == .beginning)
    bench.check(Array(repeating: 0.01, count: 10).map { $0 - 1 })
    bench.feed(.person(.stop, actor: "tester"))
    #expect(bench.pilot.isOver)
    #expect(amended(bench).map(\.revision) == [2] && amended(bench).map(\.from) == [nil])
  }

  @Test func theBlockUnderWayStaysABlockOfItsKind() throws {
    var bench = try Self.bench(Self.program(9))
    let other = TestLaboratory.hardCarbonCycles(9).replacing(#""purpose": "life""#, with: #""purpose": "rate""#)
    let text = TestLaboratory.text(role: "anode-half-cell", steps: Self.wetting + other)
    let rate = try TestLaboratory.program(text)
    #expect(throws: AmendmentObstacle.blockDiffers("steps[1].steps[0]")) {
      try bench.pilot.amend(by: rate, revision: 2)
    }
  }

  /// What cycles said before the amendment was said to other conditions.
  @Test func theConditionsOfTheNewProtocolAreCountedAnew() throws {
    var bench = try Self.bench(Self.program(9))
    let until = #"[{"when": "coulombic_efficiency > 90 %", "for": "2 cycles", "go": "end"}]"#
    _ = try bench.pilot.amend(by: Self.program(9, until: until), revision: 2)
    Self.finishCycle(&bench)
    bench.cycle(desodiation: 19)
    #expect(bench.pilot.state == .running)
    bench.cycle(desodiation: 19)
    #expect(bench.pilot.state == .completed)
    #expect(bench.journal.cycles.count == 4)
  }

  /// A condition that stands in both keeps what it has counted.
  @Test func aConditionThatStaysKeepsItsCount() throws {
    let until = #"[{"when": "coulombic_efficiency > 90 %", "for": "3 cycles", "go": "end"}]"#
    var bench = try Self.bench(Self.program(9, until: until))
    _ = try bench.pilot.amend(by: Self.program(50, until: until), revision: 2)
    Self.finishCycle(&bench)
    #expect(amended(bench).map(\.revision) == [2])
    bench.cycle(desodiation: 19)
    #expect(bench.pilot.state == .completed)
    #expect(bench.journal.cycles.count == 3)
  }

  /// What the cycle that ends has met is followed, and the amendment waits.
  @Test func aConditionThatIsMetComesFirst() throws {
    let until = #"[{"when": "coulombic_efficiency > 90 %", "for": "2 cycles", "go": "hold"}]"#
    var bench = try Self.bench(Self.program(9, until: until))
    _ = try bench.pilot.amend(by: Self.program(3), revision: 2)
    Self.finishCycle(&bench)
    #expect(bench.pilot.state == .held)
    #expect(bench.pilot.identity.protocolRevision == 1)
    bench.feed(.person(.resume, actor: "ada"))
    bench.check(Array(repeating: 1.0, count: 10))
    bench.cycle(desodiation: 19)
    #expect(bench.pilot.state == .completed, "three passes are what the amendment wants")
    #expect(amended(bench).map(\.revision) == [2])
  }

  /// A step that ends the protocol ends it, whatever was to be appended.
  @Test func theEndOfTheProtocolIsTheEnd() throws {
    func program(more: String) throws -> Program {
      let steps = #"{"rest": "1 h", "until": [{"when": "voltage >= 3 V", "go": "end"}]}, {"rest": "2 h"}"#
      return try TestLaboratory.program(
        TestLaboratory.text(role: "anode-half-cell", steps: steps + more, voltage: ("-50 mV", "3.5 V")))
    }
    var bench = PilotBench(try program(more: ""))
    bench.start(at: 2.5)
    bench.accept()
    _ = try bench.pilot.amend(by: program(more: #", {"rest": "3 h"}"#), revision: 2)
    bench.read(3.1, 0)
    bench.end(.cutOff(1))
    #expect(bench.pilot.state == .completed)
    #expect(bench.journal.has(.runAmendmentRefused) && !bench.journal.has(.runAmended))
  }

  /// In front of an inner block it holds after that block's first cycle, and is judged for that place.
  @Test func theNextSeamIsTheFirstOnTheWay() throws {
    func program(_ cycles: Int, purpose: String = "life") throws -> Program {
      let inner = TestLaboratory.hardCarbonCycles(cycles).replacing("\"life\"", with: "\"\(purpose)\"")
      let steps = "{\"repeat\": 3, \"steps\": [{\"rest\": \"5 min\"}, \(inner)]}"
      return try TestLaboratory.program(TestLaboratory.text(role: "anode-half-cell", steps: steps))
    }
    var bench = PilotBench(try program(4))
    bench.start(at: 2.5)
    bench.accept()
    #expect(throws: AmendmentObstacle.self) { try bench.pilot.amend(by: program(1, purpose: "rate"), revision: 2) }
    #expect(try bench.pilot.amend(by: program(1), revision: 2) == .nextCycle)
    bench.read(2.5, 0)
    bench.end(.cutOff(0))
    bench.cycle(desodiation: 19)
    #expect(amended(bench).count == 1)
    bench.rest()
    bench.cycle(desodiation: 19)
    bench.rest()
    bench.cycle(desodiation: 19)
    #expect(bench.pilot.state == .completed, "one cycle in each pass")
  }

  @Test func anOlderRevisionDoesNotComeAfterANewerOne() throws {
    var bench = try Self.bench(Self.program(9))
    _ = try bench.pilot.amend(by: Self.program(2), revision: 3)
    #expect(throws: AmendmentObstacle.isSuperseded) { try bench.pilot.amend(by: Self.program(5), revision: 2) }
    Self.finishCycle(&bench)
    #expect(bench.pilot.state == .completed)
  }

  /// Whether it could hold is asked without changing anything.
  @Test func askingChangesNothing() throws {
    var bench = try Self.bench(Self.program(9))
    #expect(try bench.pilot.momentOfAmendment(by: Self.program(1)) == .nextCycle)
    Self.finishCycle(&bench)
    #expect(bench.pilot.state == .running && amended(bench).isEmpty)
  }

  /// A checkpoint says in which revision it stands; one that waited is given to the run again.
  @Test func aRestartKnowsTheRevision() throws {
    var bench = try Self.bench(Self.program(9))
    let new = try Self.program(3, current: "180 uA")
    _ = try bench.pilot.amend(by: new, revision: 2)
    #expect(try revision(bench) == 1)
    try bench.restart()
    _ = try bench.pilot.amend(by: new, revision: 2)
    bench.feed(.instrumentReady)
    bench.check(Array(repeating: 0.5, count: 10))
    bench.accept()
    Self.finishCycle(&bench)
    #expect(try revision(bench) == 2)
    try bench.restart()
    #expect(bench.pilot.identity.protocolRevision == 2)
    bench.feed(.instrumentReady)
    bench.check(Array(repeating: 1.0, count: 10))
    bench.half(-180e-6, seconds: 40)
    bench.half(180e-6, seconds: 39)
    #expect(bench.pilot.state == .completed)
    #expect(bench.journal.cycles.map(\.cycleNumber) == [1, 2, 3])
  }

  private func revision(_ bench: PilotBench) throws -> Int32 {
    var pilot = bench.pilot
    var writer = ByteWriter()
    pilot.checkpoint(into: &writer)
    return try RunPilot.protocolRevision(ofCheckpoint: writer.bytes)
  }

  /// A condition led past what the amendment changes: then it does not hold, and the run says so.
  @Test func whatDoesNotFitWhenItsTimeComesIsRefused() throws {
    func program(middle: String, last: String) throws -> Program {
      try TestLaboratory.program(
        TestLaboratory.text(
          role: "anode-half-cell",
          steps: """
            {"rest": "1 h", "until": [{"when": "voltage >= 3 V", "go": "late"}]}, {"rest": "\(middle)"},
            {"rest": "4 min", "label": "late"}, {"rest": "\(last)"}
            """, voltage: ("-50 mV", "3.5 V")))
    }
    for (middle, isTaken) in [("3 min", false), ("2 min", true)] {
      var bench = PilotBench(try program(middle: "2 min", last: "6 min"))
      bench.start(at: 2.5)
      bench.accept()
      #expect(try bench.pilot.amend(by: program(middle: middle, last: "5 min"), revision: 2) == .nextBlock)
      bench.read(3.1, 0)
      bench.end(.cutOff(1))
      #expect(!bench.journal.has(.runAmended), "whoever jumps lands where the old protocol says")
      bench.rest()
      #expect(bench.journal.endedSteps.last == "step_time >= 4 min")
      #expect(bench.journal.has(.runAmended) == isTaken)
      #expect(bench.journal.has(.runAmendmentRefused) == !isTaken)
      bench.rest()
      #expect(bench.journal.endedSteps.last == "step_time >= \(isTaken ? 5 : 6) min")
      #expect(bench.pilot.state == .completed)
    }
  }

  /// A test of plating is one measurement: it is not amended in its middle.
  @Test func aTestIsOverBeforeAnAmendmentHolds() throws {
    func program(strip: String) throws -> Program {
      let steps = """
        {"test": "reservoir", "label": "reservoir", "steps": [
          {"plate": "1 mA", "until": ["step_charge >= 100 uAh", "step_time >= 1 h"], "part": "reservoir"},
          {"repeat": 3, "steps": [
            {"strip": "1 mA", "until": ["step_charge >= \(strip)", "step_time >= 1 h"], "part": "cycled"},
            {"plate": "1 mA", "until": ["step_charge >= 10 uAh", "step_time >= 1 h"], "part": "cycled"}]},
          {"strip": "1 mA", "until": ["voltage >= 1 V", "step_time >= 1 h"], "part": "final_strip"}]}, {"rest": "1 h"}
        """
      return try TestLaboratory.program(
        TestLaboratory.text(role: "plating-stripping", steps: steps, voltage: ("-1 V", "2.3 V"), open: ("-1 V", "2 V")))
    }
    var bench = PilotBench(try program(strip: "10 uAh"))
    bench.start(at: 0.5)
    bench.half(-1e-3, seconds: 2)
    bench.accept()
    #expect(throws: AmendmentObstacle.self) { try bench.pilot.amend(by: program(strip: "11 uAh"), revision: 2) }
    #expect(try bench.pilot.amend(by: program(strip: "10 uAh"), revision: 2) == .nextBlock)
  }

  /// The same protocol again changes nothing, whenever it comes and however deep the run stands in its blocks.
  @Test func theSameProtocolChangesNothing() throws {
    let steps = """
      \(Self.wetting){"repeat": 2, "steps": [\(TestLaboratory.hardCarbonCycles(2)), {"rest": "2 min"},
        {"repeat": 2, "steps": [{"rest": "3 min"}]}]}, {"repeat": 2, "steps": [{"rest": "5 min"}]}, {"rest": "9 min"}
      """
    let program = try TestLaboratory.program(TestLaboratory.text(role: "anode-half-cell", steps: steps))
    func course(amendedBefore amended: Int?) throws -> (taken: [Int32], moment: AmendmentMoment?) {
      var bench = PilotBench(program)
      bench.start(at: 2.5)
      var moment: AmendmentMoment?
      for step in 0..<60 where !bench.pilot.isOver {
        if step == amended { moment = try bench.pilot.amend(by: program, revision: 2) }
        let mode = bench.setpoint?.mode
        if case .constantCurrent(let current) = mode {
          bench.drive(current.amperes, seconds: 20)
        } else {
          bench.accept()
        }
        if mode == .openCircuit { bench.read(1, 0) }
        bench.end(.cutOff(0))
      }
      #expect(bench.pilot.state == .completed)
      #expect(moment == nil || bench.journal.has(.runAmended))
      return (bench.stepsTaken, moment)
    }
    let expected = try course(amendedBefore: nil).taken
    #expect(expected.count == 26)
    var moments: Set<AmendmentMoment> = []
    for step in expected.indices {
      let (taken, moment) = try course(amendedBefore: step)
      #expect(taken == expected, "amended in step \(step)")
      if let moment { moments.insert(moment) }
    }
    #expect(moments == [.nextCycle, .nextPass, .nextBlock])
  }

  @Test func aRunThatIsOverTakesNone() throws {
    let text = TestLaboratory.text(role: "anode-half-cell", steps: #"{"rest": "1 min"}"#)
    var bench = PilotBench(try TestLaboratory.program(text))
    bench.start(at: 2.5)
    bench.rest()
    #expect(throws: AmendmentObstacle.isOver) { try bench.pilot.amend(by: bench.pilot.program, revision: 2) }
  }

  @Test func beforeTheFirstStepEverythingMayBeOther() throws {
    var bench = PilotBench(try Self.program(9))
    bench.feed(.begin)
    let other = try TestLaboratory.program(TestLaboratory.text(role: "anode-half-cell", steps: #"{"rest": "1 min"}"#))
    #expect(try bench.pilot.amend(by: other, revision: 2) == .beginning)
    bench.check(Array(repeating: 2.5, count: 10))
    #expect(amended(bench).map(\.from).map { $0.map { $0 & 0xFFFFFF } } == [2])
    bench.rest()
    #expect(bench.pilot.state == .completed)
    #expect(bench.journal.endedSteps.last == "step_time >= 1 min")
  }

  /// The open circuit before the first step is judged by the revision that will be run, after a restart too.
  @Test(arguments: [false, true]) func theFirstCheckIsTheNewProtocols(restarts: Bool) throws {
    func program(_ from: String) throws -> Program {
      try TestLaboratory.program(
        TestLaboratory.text(role: "anode-half-cell", steps: #"{"rest": "1 min"}"#, open: (from, "3.3 V")))
    }
    var bench = PilotBench(try program("0 V"))
    bench.feed(.begin)
    bench.accept()
    _ = try bench.pilot.amend(by: program("2.6 V"), revision: 2)
    if restarts {
      try bench.restart()
      #expect(bench.pilot.identity.protocolRevision == 2)
      bench.feed(.instrumentReady)
    }
    bench.check(Array(repeating: 2.5, count: 10))
    #expect(bench.pilot.state == .ended || bench.pilot.state == .held)
    #expect(bench.journal.has(.preflightOutsideWindow))
  }
}
