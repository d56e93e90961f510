// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingRun
import MethodSCRIPTEmulator
import Quantities
import Testing
import VirtualLab

/// A hold that is left and taken up again: the cell relaxed meanwhile, and is brought back to its voltage.
@Suite struct ResumedHoldTests {
  /// Where the voltage is steep, and on a plateau; the second in one step and in two.
  enum Hold: CaseIterable {
    case desodiated, sodiated, sodiatedInItsOwnStep

    var direction: Direction { self == .desodiated ? .charge : .discharge }

    private static let desodiation = #"{"charge": "360 uA", "until": ["voltage >= 2.0 V", "step_time >= 30 h"]}"#

    var steps: String {
      let ends = #""hold_time >= 30 min""#
      let sodiation = #"{"discharge": "360 uA", "until": ["voltage <= 10 mV", "step_time >= 30 h"]}"#
      return switch self {
      case .desodiated:
        sodiation
          + #", {"charge": "360 uA", "to": "2.0 V", "hold_until": [\#(ends)], "until": ["step_time >= 30 h"]}"#
      case .sodiated:
        #"{"discharge": "360 uA", "to": "10 mV", "hold_until": [\#(ends)], "until": ["step_time >= 30 h"]}, "#
          + Self.desodiation
      case .sodiatedInItsOwnStep:
        sodiation + #", {"hold": "10 mV", "current_at_most": "1 mA", "until": [\#(ends), "step_time >= 2 h"]}, "#
          + Self.desodiation
      }
    }
  }

  /// A world in which the hold has lasted for half a minute.
  private func holding(_ hold: Hold, _ converters: ConverterModel) throws -> RunWorld {
    let steps = #"{"cycles": 1, "purpose": "life", "label": "life", "steps": [\#(hold.steps)]}"#
    let program = try TestLaboratory.program(TestLaboratory.text(role: "anode-half-cell", steps: steps))
    var world = RunWorld(
      cell: try TestLaboratory.cell("hard-carbon"), program: program, converters: converters, plateau: nil)
    let isHeld = world.run(slice: 30) { $0.journal.records.last?.flags.contains(.constantVoltage) == true }
    let begin = world.instrument.time
    let isThere = world.run { $0.instrument.time >= begin + 30 }
    #expect(isHeld && isThere && world.pilot.state == .running)
    return world
  }

  private func pause(_ world: inout RunWorld, seconds: Double) {
    world.feedRun(.person(.pause, actor: "anna"))
    let isPaused = world.run(turns: 100) { $0.pilot.state == .paused }
    #expect(isPaused)
    world.instrument.rest(until: world.instrument.time + seconds)
  }

  @Test(arguments: Hold.allCases, [ConverterModel.ideal, .real()])
  func itGoesOnWhereItWasLeft(_ hold: Hold, _ converters: ConverterModel) throws {
    let held = try holding(hold, converters)
    for seconds in [0.0, 300, 3_600] {
      var world = held
      pause(&world, seconds: seconds)
      let (before, steps) = (world.journal.records.count, world.journal.endedSteps.count)
      world.feedRun(.person(.resume, actor: "anna"))
      let isOver = world.runToEnd()
      #expect(isOver && world.journal.latches.isEmpty, "\(seconds) s")
      #expect(world.journal.endedSteps[steps...].prefix(2) == ["done", "hold_time >= 30 min"], "\(seconds) s")
      let row = world.journal.records[before...].first { $0.flags.contains(.constantVoltage) }?.stepID
      let records = world.journal.records.filter { $0.stepID == row }
      // Less than a twentieth of the current flows back, and no cell is carried far past the voltage.
      for record in records where record.flags.contains(.constantVoltage) {
        let current = try #require(record.current)
        let back = hold.direction == .charge ? Current.zero - current : current
        #expect(back < Current(picoamperes: 18_000_000), "\(seconds) s: \(current.shown())")
      }
      for record in records {
        let voltage = try #require(record.voltage)
        let target = hold.direction == .charge ? Voltage(millivolts: 2_000) : Voltage(millivolts: 10)
        let beyond = hold.direction == .charge ? voltage - target : target - voltage
        #expect(beyond < Voltage(millivolts: 10), "\(seconds) s: \(voltage.shown())")
      }
    }
  }

  /// A daemon that finds a run paused knows what flowed last, or that it does not know: either way the whole current would
  /// bring the cell past its voltage.
  @Test(arguments: Hold.allCases, [ConverterModel.ideal, .real()])
  func itGoesOnAfterADeathInThePause(_ hold: Hold, _ converters: ConverterModel) throws {
    var world = try holding(hold, converters)
    pause(&world, seconds: 0)
    world.commit()
    try world.killAndRestart()
    let isBack = world.run(turns: 1_000) { $0.pilot.obstacle(to: .resume) == nil }
    #expect(isBack)
    let before = world.journal.records.count
    world.feedRun(.person(.resume, actor: "anna"))
    let isOver = world.runToEnd()
    #expect(isOver && world.journal.latches.isEmpty)
    for record in world.journal.records[before...] where record.flags.contains(.constantVoltage) {
      let current = try #require(record.current)
      let back = hold.direction == .charge ? Current.zero - current : current
      #expect(back < Current(picoamperes: 18_000_000), "\(current.shown())")
    }
  }
}
