// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingRun
import MethodSCRIPTEmulator
import Quantities
import Testing
import VirtualLab

/// Impedance spectra, through driver, emulator and pilot.
@Suite struct ImpedanceTests {
  private static let spectrum =
    #"{"impedance": "10 mV", "from": "10 kHz", "to": "100 mHz", "points_per_decade": 5, "current_at_most": "1 mA"}"#

  private static func world(_ steps: String, cell: any VirtualCell) throws -> RunWorld {
    let program = try TestLaboratory.program(
      TestLaboratory.text(
        role: "anode-half-cell", steps: steps, voltage: ("-50 mV", "3.4 V"), current: "20 mA", every: "10 s"))
    return RunWorld(cell: cell, program: program)
  }

  private static func world(_ steps: String) throws -> RunWorld {
    try world(steps, cell: try TestLaboratory.cell("hard-carbon"))
  }

  private static func points(_ world: RunWorld) -> [ImpedanceRow] {
    world.journal.entries.compactMap { entry in if case .impedancePoint(let row) = entry { row } else { nil } }
  }

  private static func steps(_ world: RunWorld) -> [StepRow] {
    world.journal.entries.compactMap { entry in if case .stepStarted(let row) = entry { row } else { nil } }
  }

  @Test func aSpectrumAtRestIsTheCellsImpedance() throws {
    var world = try Self.world(#"{"rest": "10 min"}, \#(Self.spectrum), {"rest": "1 min"}"#)
    let isOver = world.runToEnd()
    #expect(isOver && world.journal.states.last == .completed)
    #expect(world.journal.latches.isEmpty && world.journal.halfCycles.isEmpty)
    let rows = Self.points(world)
    try #require(rows.count == 26)
    #expect(rows.map(\.number) == Array(1...26))
    #expect(rows.first?.point.frequency == Frequency(microhertz: 10_000_000_000))
    #expect(abs((rows.last?.point.frequency.hertz ?? 0) - 0.1) < 1e-6)
    let cell = try TestLaboratory.cell("hard-carbon")
    for row in rows {
      let expected = cell.impedance(atHertz: row.point.frequency.hertz)
      let magnitude = (expected.real * expected.real + expected.imaginary * expected.imaginary).squareRoot()
      #expect(abs(row.point.real.ohms - expected.real) < 0.002 * magnitude)
      #expect(abs(row.point.imaginary.ohms - expected.imaginary) < 0.002 * magnitude)
      #expect(row.flags.isEmpty && row.point.voltage != nil)
    }
    #expect(zip(rows, rows.dropFirst()).allSatisfy { $0.stepTime < $1.stepTime })
    let ended = Self.steps(world).map(\.kind)
    #expect(ended == [.openCircuitCheck, .rest, .impedanceSpectrum, .rest])
    #expect(world.journal.endedSteps.contains("spectrum measured"))
  }

  /// A smaller impedance than the bound lets through: the instrument judges the point and opens the circuit.
  @Test func moreCurrentThanTheSpectrumAllowsOpensTheCircuit() throws {
    var world = try Self.world(
      #"{"rest": "10 min"}, "#
        + Self.spectrum.replacing("\"1 mA\"", with: "\"100 uA\"") + #", {"rest": "1 min"}"#)
    _ = world.runToEnd()
    #expect(world.journal.states.last == .held)
    #expect(world.journal.latches.map(\.code) == [.instrumentBoundReached])
    #expect(Self.points(world).count == 1)
    #expect(world.instrument.cellTruth(channel: 0).closed.count <= 2)
  }

  /// Half a spectrum is of another hour: it is left, and the run goes on behind it.
  @Test func aSpectrumThatWasCutOffIsLeft() throws {
    var world = try Self.world(#"{"rest": "10 min"}, \#(Self.spectrum), {"rest": "1 min"}"#)
    _ = world.run { Self.points($0).count >= 5 }
    world.loseLink()
    world.restoreLink()
    let isOver = world.runToEnd()
    #expect(isOver && world.journal.states.last == .completed)
    let kinds = Self.steps(world).map(\.kind)
    #expect(kinds.filter { $0 == .impedanceSpectrum }.count == 1 && kinds.last == .rest)
    #expect(Self.points(world).count < 26)
  }

  @Test func aPersonsStopOpensTheCircuitInTheMiddleOfAPoint() throws {
    var world = try Self.world(
      #"{"rest": "10 min"}, "#
        + Self.spectrum.replacing("100 mHz", with: "2 mHz").replacing("10 kHz", with: "1 Hz"))
    // Points of 1 Hz to 5 mHz are done; the next lasts for minutes.
    _ = world.run(slice: 1) { Self.points($0).count >= 12 }
    let before = world.instrument.time
    world.feedRun(.person(.stop, actor: "tester"))
    let isOver = world.run(turns: 50, slice: 1) { $0.pilot.isOver }
    #expect(isOver && world.journal.states.last == .stopped)
    #expect(world.instrument.time - before < 60)
  }
}
