// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingRun
import InstrumentKit
import MethodSCRIPTEmulator
import Quantities
import Testing
import VirtualLab

/// Constant powers and resistances, through driver, emulator and pilot.
@Suite struct DemandTests {
  private static func world(
    _ steps: String, role: String = "cathode-half-cell", cell: String = "nvpf",
    voltage: (String, String) = ("1.8 V", "4.4 V"), settings: RunSettings = RunSettings(), extra: String = "",
    converters: ConverterModel = .ideal
  ) throws -> RunWorld {
    let program = try TestLaboratory.program(
      TestLaboratory.text(
        role: role, steps: steps, voltage: voltage, open: ("0 V", "4 V"), every: "1 s", cell: extra))
    return RunWorld(
      cell: try TestLaboratory.cell(cell), program: program, settings: settings, converters: converters,
      plateau: nil)
  }

  private static func records(_ world: RunWorld, _ kind: StepKind) -> [[RecordRow]] {
    let ids = world.journal.entries.compactMap { entry -> Int64? in
      if case .stepStarted(let row) = entry, row.kind == kind { return row.stepID }
      return nil
    }
    return ids.map { id in world.journal.records.filter { $0.stepID == id } }
  }

  private static func volts(_ row: RecordRow) -> Double { Double(row.voltage?.nanovolts ?? 0) / 1e9 }
  private static func amperes(_ row: RecordRow) -> Double { Double(row.current?.picoamperes ?? 0) / 1e12 }
  private static func seconds(_ row: RecordRow) -> Double { Double(row.stepTime.microseconds) / 1e6 }

  /// How far each reading is from what its own voltage asks for, beyond the thousandth that is not corrected and what the
  /// voltage changes over two readings: a renewal of the lease puts one off by as much as that.
  private static func excess(_ rows: [RecordRow], asked: (Double) -> Double) -> (worst: Double, excess: Double) {
    var (worst, excess) = (0.0, 0.0)
    // The first readings are those of a current that follows from the open circuit.
    for (before, row) in zip(rows, rows.dropFirst()).dropFirst(2) {
      let error = abs(amperes(row) / asked(volts(row)) - 1)
      let slope = abs(volts(row) / volts(before) - 1) / max(seconds(row) - seconds(before), 0.05)
      worst = max(worst, error)
      excess = max(excess, error - 1e-3 - slope * 0.5)
    }
    return (worst, excess)
  }

  private static let cycle = """
    {"cycles": 2, "purpose": "life", "label": "life", "steps": [
      {"charge": "1.2 mW", "current_at_most": "1 mA", "until": ["voltage >= 4.25 V", "step_time >= 10 h"]},
      {"rest": "1 min"},
      {"discharge": "1 mW", "current_at_most": "1 mA", "until": ["voltage <= 2 V", "step_time >= 10 h"]},
      {"rest": "1 min"}
    ]}
    """

  /// What flows between two readings is counted as if the current had changed evenly; here that costs some millionths.
  @Test func aPowerIsConstantAndItsChargeIsTheTerminals() throws {
    var world = try Self.world(Self.cycle)
    let isOver = world.runToEnd()
    #expect(isOver && world.journal.states.last == .completed && world.journal.latches.isEmpty)
    var worst = 0.0
    for (index, rows) in Self.records(world, .constantPower).enumerated() {
      let power = index % 2 == 0 ? 1.2e-3 : -1e-3
      let found = Self.excess(rows) { power / $0 }
      #expect(rows.count > 100 && found.excess < 2e-4, "half-cycle \(index + 1)")
      // But for the steep ends the power is constant within 0.2 %.
      let within = rows.count { abs(Self.volts($0) * Self.amperes($0) / power - 1) < 2e-3 }
      #expect(Double(within) > 0.98 * Double(rows.count), "half-cycle \(index + 1)")
      worst = max(worst, found.worst)
    }
    let truth = world.instrument.cellTruth(channel: 0)
    let lived = truth.closed + [truth.open].compactMap { $0 }
    #expect(world.journal.halfCycles.count == 4 && lived.count == 4 && world.journal.cycles.count == 2)
    var errors: [Double] = []
    for (row, half) in zip(world.journal.halfCycles, lived) {
      #expect(Int(row.direction.rawValue) == half.direction)
      errors.append(Double(row.charge.nanocoulombs) / 1e9 / half.terminalCharge - 1)
    }
    print("power within \(worst * 1e6) ppm, charge within \(errors.map { $0 * 1e6 }) ppm of the terminals")
    #expect(errors.allSatisfy { abs($0) < 5e-6 })
  }

  @Test func whatAsksForTooMuchFlowsAtTheMost() throws {
    var world = try Self.world(
      #"{"charge": "1.2 mW", "current_at_most": "0.2 mA", "until": ["voltage >= 4.25 V", "step_time >= 10 h"]}"#)
    let isOver = world.runToEnd()
    #expect(isOver && world.journal.states.last == .completed && world.journal.latches.isEmpty)
    let rows = try #require(Self.records(world, .constantPower).first)
    #expect(rows.count > 100 && rows.allSatisfy { abs(Self.amperes($0) - 0.2e-3) < 1e-9 })
    #expect(world.journal.endedSteps.last == "voltage >= 4.25 V")
  }

  @Test func aResistanceMakesTheCurrentOfTheVoltage() throws {
    var world = try Self.world(
      #"{"charge": "400 uA", "until": ["voltage >= 4.2 V", "step_time >= 10 h"]}, "#
        + #"{"discharge": "12 kohm", "current_at_most": "1 mA", "until": ["voltage <= 2 V", "step_time >= 20 h"]}"#)
    let isOver = world.runToEnd()
    #expect(isOver && world.journal.states.last == .completed && world.journal.latches.isEmpty)
    let rows = try #require(Self.records(world, .constantResistance).first)
    let found = Self.excess(rows) { -$0 / 12e3 }
    #expect(rows.count > 100 && found.excess < 2e-4 && found.worst < 1e-2, "\(found)")
  }

  /// A falling curve, read once a second: nearly every sample asks for another current, over many leases.
  @Test func aNewCurrentAtEachReadingNeitherRenewsNorLosesTheLease() throws {
    var world = try Self.world(
      #"{"discharge": "0.4 mW", "current_at_most": "2 mA", "until": ["voltage <= 20 mV", "step_time >= 10 h"]}"#,
      role: "anode-half-cell", cell: "hard-carbon", voltage: ("-50 mV", "3.4 V"), settings: .aReadingASecond)
    let isOver = world.runToEnd()
    #expect(isOver && world.journal.states.last == .completed && world.journal.latches.isEmpty)
    #expect(Self.records(world, .constantPower).count == 1, "it was never interrupted")
    let rows = try #require(Self.records(world, .constantPower).first)
    #expect(Self.seconds(try #require(rows.last)) > 600)
    let renewals = world.written.count { $0 == Array("Y\n".utf8) }
    #expect(renewals > 10, "\(renewals)")
  }

  /// Hazard rule 12: whatever the current, the instrument opens the circuit when it was left alone for its lease.
  @Test func leftAloneForItsLeaseTheInstrumentOpensTheCircuit() throws {
    var world = try Self.world(
      #"{"discharge": "0.4 mW", "current_at_most": "2 mA", "until": ["voltage <= 20 mV", "step_time >= 10 h"]}"#,
      role: "anode-half-cell", cell: "hard-carbon", voltage: ("-50 mV", "3.4 V"))
    _ = world.run(slice: 1) { (Self.records($0, .constantPower).first?.count ?? 0) > 30 }
    let charge = { (world: RunWorld) in world.instrument.cellTruth(channel: 0).open?.terminalCharge ?? 0 }
    world.isLinked = false
    world.passWithoutHost(seconds: 61)
    let after = charge(world)
    world.passWithoutHost(seconds: 600)
    #expect(charge(world) == after && after > 0)
  }

  @Test func aPausedPowerGoesOn() throws {
    var world = try Self.world(
      #"{"charge": "1.2 mW", "current_at_most": "1 mA", "until": ["step_charge >= 0.1 mAh", "step_time >= 10 h"]}"#)
    _ = world.run { (Self.records($0, .constantPower).first?.count ?? 0) > 200 }
    world.feedRun(.person(.pause, actor: "anna"))
    _ = world.run(turns: 500) { $0.pilot.state == .paused }
    #expect(world.pilot.state == .paused)
    world.feedRun(.person(.resume, actor: "anna"))
    let isOver = world.runToEnd()
    #expect(isOver && world.journal.states.last == .completed && world.journal.latches.isEmpty)
    let parts = Self.records(world, .constantPower)
    #expect(parts.count == 2)
    let moved = parts.compactMap(\.last).map { Double($0.charge.nanocoulombs) / 3.6e12 }.reduce(0, +)
    #expect(abs(moved - 0.1e-3) < 1e-6)
    #expect(world.journal.endedSteps.last == "step_charge >= 0.1 mAh")
  }

  @Test func aPowerThatWasCutOffIsTakenUpAgain() throws {
    var world = try Self.world(Self.cycle)
    _ = world.run { (Self.records($0, .constantPower).first?.count ?? 0) > 200 }
    world.loseLink()
    _ = world.run(turns: 200) { _ in false }
    world.restoreLink()
    _ = world.run { (Self.records($0, .constantPower).count) > 1 }
    try world.killAndRestart(after: 5)
    let isOver = world.runToEnd()
    #expect(isOver && world.journal.states.last == .completed && world.journal.latches.isEmpty)
    #expect(Self.records(world, .constantPower).count > 4 && world.journal.halfCycles.count == 4)
  }

  @Test func aCurrentEndsAPowerEitherWay() throws {
    for (condition, isReached) in [("current >= 0.5 mA", 0.5e-3), ("current <= 0.5 mA", 0.5e-3)] {
      let isRising = condition.contains(">")
      let step =
        isRising
        ? #"{"discharge": "1 mW", "current_at_most": "1 mA", "until": ["\#(condition)", "voltage <= 1.9 V", "step_time >= 10 h"]}"#
        : #"{"discharge": "4 kohm", "current_at_most": "1.5 mA", "until": ["\#(condition)", "voltage <= 1.9 V", "step_time >= 10 h"]}"#
      var world = try Self.world(
        #"{"charge": "400 uA", "until": ["voltage >= 4.2 V", "step_time >= 10 h"]}, "# + step)
      let isOver = world.runToEnd()
      #expect(isOver && world.journal.states.last == .completed)
      #expect(world.journal.endedSteps.last == condition)
      let rows = try #require(Self.records(world, isRising ? .constantPower : .constantResistance).first)
      #expect(abs(abs(Self.amperes(try #require(rows.last))) - isReached) < 2e-5)
    }
  }

  /// At 0 V and below the most that may flow flows; it never turns round, and nothing is divided by nothing.
  @Test func atNothingAndBelowTheCurrentStaysWithinItsBounds() throws {
    for (value, kind) in [("0.1 mW", StepKind.constantPower), ("1 kohm", .constantResistance)] {
      var world = try Self.world(
        #"{"discharge": "0.3 mA", "until": ["voltage <= 0.2 V", "step_time >= 10 h"]}, "#
          + #"{"discharge": "\#(value)", "current_at_most": "0.3 mA", "#
          + #""until": ["voltage <= -20 mV", "step_time >= 20 h"]}"#,
        role: "anode-half-cell", cell: "hard-carbon", voltage: ("-50 mV", "3.4 V"), settings: .aReadingASecond,
        extra: #", "allow_plating": true"#)
      _ = world.run { $0.pilot.isOver || $0.journal.states.last == .held }
      let rows = try #require(Self.records(world, kind).first)
      #expect(rows.allSatisfy { Self.amperes($0) <= 0 && Self.amperes($0) >= -0.3e-3 - 1e-9 })
      #expect(world.journal.latches.isEmpty, "\(world.journal.latches)")
      if kind == .constantPower {
        #expect(world.journal.endedSteps.last == "voltage <= -20 mV")
        #expect(rows.contains { Self.volts($0) <= 0 && abs(Self.amperes($0) + 0.3e-3) < 1e-9 })
      } else {
        // Less and less flows, until the time is over.
        #expect(world.journal.endedSteps.last == "step_time >= 20 h")
        #expect(abs(Self.amperes(try #require(rows.last))) < 0.05e-3)
      }
    }
  }

  /// The errors of real converters: noise asks for a new current often, and the offset of a range turns nothing round.
  @Test func realConvertersAreNoFault() throws {
    var world = try Self.world(Self.cycle, converters: .real())
    let isOver = world.runToEnd()
    #expect(isOver && world.journal.states.last == .completed && world.journal.latches.isEmpty)
    for (index, rows) in Self.records(world, .constantPower).enumerated() {
      let power = index % 2 == 0 ? 1.2e-3 : -1e-3
      #expect(rows.dropFirst(2).allSatisfy { abs(Self.volts($0) * Self.amperes($0) / power - 1) < 0.02 })
    }
  }
}
