// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import MethodSCRIPTEmulator
import Testing
import VirtualLab

@Suite("The truth of what passed through the terminals")
struct TruthTests {
  @Test func hazard11ChargeIsCurrentTimesTheTimeThatTheCircuitWasClosed() {
    for interval in ["1", "700m", "33m"] {
      var laboratory = Laboratory(LinearCell(startVoltage: 3))
      _ = laboratory.execute(MeasurementTests.cycling("134300n \(interval) 600"))
      let open = laboratory.instrument.cellTruth(channel: 0).open
      guard let open else {
        Issue.record("no half-cycle")
        return
      }
      // Zero current was set before the loop: charge flows from the loop's beginning until cell_off.
      let closed = open.endedAt - open.startedAt
      #expect(closed > 600 - 1e-6 && closed < 600.1)
      #expect(abs(open.terminalCharge / (134300e-9 * closed) - 1) < 1e-12)
      #expect(abs(open.terminalEnergy / (3 * open.terminalCharge) - 1) < 1e-12)
    }
  }

  @Test func hazard11StampsOfTheScriptLeaveOutTwoInstructionsAtMost() {
    var laboratory = Laboratory(LinearCell(startVoltage: 3))
    let script = """
      var p
      var c
      var t
      set_pgstat_mode 6
      set_i 1m
      timer_start
      cell_on
      timer_get t
      pck_start
      pck_add t
      pck_end
      meas_loop_cp p c 1m 1 60
      endloop
      timer_get t
      cell_off
      pck_start
      pck_add t
      pck_end
      """
    let stamps = laboratory.execute(script).compactMap { Laboratory.package($0).first?.value }
    let charge = laboratory.instrument.cellTruth(channel: 0).open?.terminalCharge ?? 0
    #expect(stamps.count == 2)
    #expect(abs(charge / 1e-3 - (stamps[1] - stamps[0]) - 0.002) < 1e-9)
  }

  @Test func halfCyclesChangeWithTheSignAndRestsDoNotCount() {
    var laboratory = Laboratory(LinearCell(startVoltage: 1, capacitance: 1, lossShare: 0.25), plateau: 1.005)
    let step = "set_i 0\ncell_on\nmeas_loop_cp p c CURRENT 1 10\nendloop\ncell_off\nwait 100\n"
    var script = "var p\nvar c\nset_pgstat_mode 6\n"
    for current in ["1m", "1m", "-1m", "2m"] { script += step.replacing("CURRENT", with: current) }
    #expect(laboratory.execute(script).last == "")
    let truth = laboratory.instrument.cellTruth(channel: 0)
    #expect(truth.closed.map(\.direction) == [1, -1] && truth.open?.direction == 1)
    guard truth.closed.count == 2 else { return }
    let first = truth.closed[0]
    #expect(abs(first.terminalCharge - 0.02) < 1e-5 && abs(first.lostCharge - first.terminalCharge / 4) < 1e-12)
    // From 1.000 V to 1.020 V at constant current: a quarter lies below 1.005 V.
    #expect(abs(first.plateauCharge - 0.005) < 1e-9)
    #expect(first.endedAt - first.startedAt > 120 && truth.closed[1].startedAt > first.endedAt + 99)
    #expect(truth.closed[1].lostCharge == 0 && truth.closed[1].plateauCharge == 0)
    #expect(abs((truth.open?.terminalCharge ?? 0) - 0.02) < 1e-5)
  }

  @Test func truthIsUpToDateWhileAScriptRuns() {
    var laboratory = Laboratory(LinearCell(startVoltage: 3))
    laboratory.send("e\n" + MeasurementTests.cycling("1m 1000 6000") + "\n\n")
    _ = laboratory.run(until: 500)
    let half = laboratory.instrument.cellTruth(channel: 0).open
    #expect(abs((half?.terminalCharge ?? 0) - 0.5) < 1e-4)
    #expect(half?.endedAt == 500)
    #expect(laboratory.instrument.cellTruth(channel: 1) == CellTruth())
  }

  @Test func potentiostatChargesTheCellOnTheWay() {
    var laboratory = Laboratory(LinearCell(startVoltage: 1, capacitance: 0.01, resistance: 1000))
    let script = """
      var p
      var c
      set_pgstat_mode 2
      set_range ba 1m
      set_e 1500m
      cell_on
      meas_loop_ca p c 1500m 10m 100
      if c <= 10u
      breakloop
      endif
      endloop
      cell_off
      """
    #expect(laboratory.execute(script).last == "")
    let open = laboratory.instrument.cellTruth(channel: 0).open
    // An RC of 10 s: at 10 µA the stored voltage is 10 mV below 1.5 V, and 4.9 mC have passed.
    #expect(abs((open?.terminalCharge ?? 0) - 4.9e-3) < 1e-6)
  }
}
