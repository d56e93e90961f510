// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingRun
import InstrumentKit
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

  /// One clipped point may be a range at its change, two are none.
  @Test func clippedPointsOpenTheCircuit() throws {
    var bench = PilotBench(
      try TestLaboratory.program(
        TestLaboratory.text(role: "anode-half-cell", steps: #"{"rest": "10 s"}, "# + Self.spectrum, current: "20 mA")))
    bench.start(at: 1.0)
    bench.check(Array(repeating: 1.0, count: 10))
    bench.accept()
    func point(_ quality: ReadingQuality) -> RunInput {
      .driver(
        .impedance(
          channel: 0,
          ImpedancePoint(
            time: TimeSpan(seconds: 20), frequency: Frequency(hertz: 100), real: Resistance(count: 100_000_000),
            imaginary: .zero, quality: quality)))
    }
    for quality in [.overload, [], .overload] as [ReadingQuality] {
      bench.feed(point(quality))
      #expect(!bench.wantsOpenCircuit)
    }
    bench.feed(point(.overload))
    #expect(bench.wantsOpenCircuit)
    #expect(bench.journal.latches.map(\.code) == [.instrumentOverload])
  }

  /// A product of rounded ratios lies a little off its last frequency; beyond what the instrument reaches its script would
  /// stop with the cell connected. And a point of minutes is no machine that stood still, however short a silence may be.
  @Test func aSpectrumUpwardsEndsAtItsLastFrequency() throws {
    let program = try TestLaboratory.program(
      TestLaboratory.text(
        role: "anode-half-cell",
        steps:
          #"{"rest": "10 min"}, {"impedance": "10 mV", "from": "10 mHz", "to": "200 kHz", "points_per_decade": 10, "#
          + #""current_at_most": "5 mA"}, {"rest": "1 min"}"#, voltage: ("-50 mV", "3.4 V"), current: "20 mA",
        every: "10 s", interruption: #""resume_within": "1 min", "otherwise": "hold""#))
    var world = RunWorld(cell: try TestLaboratory.cell("hard-carbon"), program: program)
    let isOver = world.runToEnd()
    #expect(isOver && world.journal.states.last == .completed, "\(world.journal.latches)")
    #expect(Self.points(world).last?.point.frequency == Frequency(hertz: 200_000))
    #expect(world.journal.endedSteps.last == "step_time >= 1 min")
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

  /// Without a host the point at hand is measured to its end, and then the lease runs out.
  @Test func aHostThatIsGoneLetsTheCircuitBeOpenedAfterAPointAndALease() throws {
    var world = try Self.world(#"{"rest": "10 min"}, "# + Self.spectrum.replacing("100 mHz", with: "10 mHz"))
    // The next point is one of 15.8 mHz: 5 s and two periods.
    _ = world.run(slice: 1) { Self.points($0).count >= 30 }
    _ = world.run(slice: 1) { Self.points($0).count >= 30 && $0.isInAPoint }
    #expect(world.instrument.isCellOn)
    world.passWithoutHost(seconds: 100)
    #expect(world.instrument.isCellOn)
    // 205 s at the most for the point, 60 s of lease.
    world.passWithoutHost(seconds: 170)
    #expect(!world.instrument.isCellOn)
  }

  /// A renewal that comes late meets a point and spoils it: it is measured again, and none is counted twice or left out.
  @Test func aPointThatALateRenewalSpoiltIsMeasuredAgain() throws {
    var world = try Self.world(#"{"rest": "10 min"}, \#(Self.spectrum), {"rest": "1 min"}"#)
    for count in [3, 12, 25] {
      _ = world.run(slice: 0.1) { Self.points($0).count >= count && $0.isInAPoint }
      Array("Y\n".utf8).withUnsafeBytes { world.instrument.receive($0) }
    }
    let isOver = world.runToEnd()
    #expect(isOver && world.journal.states.last == .completed)
    let rows = Self.points(world)
    #expect(rows.count == 26 && rows.map(\.number) == Array(1...26))
    for (one, next) in zip(rows, rows.dropFirst()) {
      #expect(abs(one.point.frequency.hertz / next.point.frequency.hertz - 1.584_893) < 1e-3)
    }
  }

  /// The peaks must stay inside the limits, and above 0 V on an anode.
  @Test(arguments: [
    ("50 mV", "2.63 V", "-50 mV", FaultCode.limitVoltageHigh), ("50 mV", "3.4 V", "2.57 V", .limitVoltageLow),
  ])
  func aSpectrumThatWouldLeaveTheLimitsIsNotBegun(
    amplitude: String, highest: String, lowest: String, code: FaultCode
  ) throws {
    let step =
      #"{"impedance": "\#(amplitude)", "from": "1 kHz", "to": "1 Hz", "points_per_decade": 5, "current_at_most": "10 mA"}"#
    let program = try TestLaboratory.program(
      TestLaboratory.text(
        role: "anode-half-cell", steps: #"{"rest": "1 min"}, "# + step, voltage: (lowest, highest), current: "20 mA"))
    var world = RunWorld(cell: try TestLaboratory.cell("hard-carbon"), program: program)
    _ = world.runToEnd()
    #expect(world.journal.states.last == .held)
    #expect(world.journal.latches.map(\.code) == [code])
    #expect(Self.points(world).isEmpty && !world.instrument.isCellOn)
  }

  @Test func anAnodeIsNotTakenBelowZero() throws {
    let step =
      #"{"impedance": "50 mV", "from": "1 kHz", "to": "1 Hz", "points_per_decade": 5, "current_at_most": "10 mA"}"#
    var world = try Self.world(
      #"{"discharge": "360 uA", "until": ["voltage <= 5 mV", "step_time >= 10 h"]}, {"rest": "10 s"}, "# + step)
    _ = world.runToEnd()
    #expect(world.journal.latches.map(\.code) == [.limitVoltageLow])
    #expect(world.journal.events.contains { $0.detail.contains("where sodium can plate on the anode") })
    #expect(Self.points(world).isEmpty)
  }

  /// The instrument says that it lacks the option: the set-point is refused before a byte of it is sent.
  @Test func anInstrumentWithoutTheOptionRefusesTheStep() throws {
    var profile = MethodSCRIPTProfile.emStat4HR
    profile.hasImpedance = false
    let program = try TestLaboratory.program(
      TestLaboratory.text(
        role: "anode-half-cell", steps: #"{"rest": "1 min"}, "# + Self.spectrum, voltage: ("-50 mV", "3.4 V")))
    var world = RunWorld(cell: try TestLaboratory.cell("hard-carbon"), program: program, profile: profile)
    _ = world.runToEnd()
    #expect(world.journal.latches.map(\.code) == [.instrumentRefused])
    #expect(world.identity?.capabilities.kinds.contains(.impedanceSpectrum) == false)
  }
}

extension RunWorld {
  /// An impedance loop is at a point.
  fileprivate var isInAPoint: Bool { instrument.isMeasuringImpedance }
}
