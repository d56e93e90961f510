// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import Quantities
import Testing

@testable import MethodSCRIPTDriver

@Suite struct StepScriptTests {
  private func lines(_ setpoint: Setpoint) -> [String] {
    StepScript(setpoint, capabilities: MethodSCRIPTModel.emStat4HR.capabilities).lines
  }

  @Test func writesConstantCurrent() {
    #expect(lines(Samples.discharge).joined(separator: "\n") == GoldenScripts.constantCurrent)
  }

  @Test func writesConstantCurrentThenVoltage() {
    #expect(lines(Samples.chargeThenHold).joined(separator: "\n") == GoldenScripts.constantCurrentThenVoltage)
  }

  @Test func writesConstantVoltage() {
    #expect(lines(Samples.hold).joined(separator: "\n") == GoldenScripts.constantVoltage)
  }

  @Test func writesImpedance() {
    #expect(lines(Samples.impedance).joined(separator: "\n") == GoldenScripts.impedance)
  }

  @Test func writesOpenCircuit() {
    #expect(lines(Samples.rest).joined(separator: "\n") == GoldenScripts.openCircuit)
  }

  @Test(arguments: [
    Samples.discharge, Samples.chargeThenHold, Samples.hold, Samples.rest, Samples.sweep, Samples.profile,
    Samples.power,
    Samples.resistance, Samples.impedance,
  ])
  func keepsLinesShortAndBlocksClosed(setpoint: Setpoint) {
    var depth = 0
    var setpoint = setpoint
    setpoint.token = SetpointToken(run: .max, stepCount: .max)
    for line in lines(setpoint) {
      #expect(!line.isEmpty && line.utf8.count <= StepScript.maximumLineLength)
      if line.hasPrefix("if ") || line.hasPrefix("loop ") || line.hasPrefix("meas_loop") { depth += 1 }
      if line == "endif" || line == "endloop" { depth -= 1 }
      #expect(depth >= 0)
    }
    #expect(depth == 0)
  }

  /// Hazard rule 11: the circuit's moments are taken right after it is closed and right before it is opened.
  @Test(arguments: [
    Samples.discharge, Samples.chargeThenHold, Samples.hold, Samples.sweep, Samples.profile, Samples.power,
    Samples.resistance,
    Samples.impedance,
  ])
  func rule11StampsTheCircuit(setpoint: Setpoint) {
    let script = lines(setpoint)
    for (index, line) in script.enumerated() {
      if line == "cell_on" { #expect(script[index + 1] == "timer_get t") }
      // The first one, before any mode is set, disconnects what nobody connected.
      if line == "cell_off", script[..<index].contains("timer_start") { #expect(script[index - 1] == "timer_get t") }
      if line.hasPrefix("set_pgstat_mode") { #expect(script[index + 1].hasPrefix("set_max_bandwidth")) }
    }
    #expect(script.filter { $0 == "cell_on" }.count == script.filter { $0 == "cell_off" }.count - 1)
  }

  /// Each piece of a sweep is no longer than the lease: 0.5 mV/s for 60 s are 30 mV.
  @Test func rule12ASweepGoesOnPieceByPiece() {
    let script = lines(Samples.sweep)
    #expect(script.count { $0 == "meas_loop_lsv o i e f 500u 500u add_meas(0 ab p)" } == 2)
    // Bounds are judged 100 ms after the circuit is closed, whatever the interval.
    let early = script.firstIndex(of: "meas_loop_ca o i 2800m 100m 1 add_meas(0 ab p)") ?? .max
    let bound = script.firstIndex(of: "store_var c \(Reason.current)i jb") ?? .max
    #expect(early < bound && bound < (script.firstIndex(of: "timer_get l") ?? 0))
    #expect(script.contains("add_var f -30m") && script.contains("add_var f 30m"))
    #expect(script.contains("loop e > 5m") && script.contains("loop e < 2"))
    #expect(script.contains("mul_var e -500u") && script.contains("mul_var e 500u"))
    #expect(script.count { $0 == "store_var c \(Reason.leaseExpired)i jb" } == 2)
    #expect(script.contains("store_var c \(Reason.firstCutOff)i jb"))
  }

  /// Hazard rule 14: the range follows the set-point's range current alone, not direction or mode.
  @Test func rule14SameRangeForBothDirections() {
    var charge = Samples.discharge
    charge.mode = .constantCurrent(Current(picoamperes: 13_000_000))
    #expect(lines(charge).contains("set_range db 1m"))
    #expect(lines(Samples.discharge).contains("set_range db 1m"))
    charge.rangeCurrent = Current(picoamperes: 150_000_000_000)
    #expect(lines(charge).contains("set_range db 100m"))
  }

  /// Hazard rule 8: a cut-off at 0 V and a negative one are ordinary numbers.
  @Test func rule8ZeroAndNegativeVoltages() {
    var setpoint = Samples.discharge
    setpoint.cutOffs = [
      CutOff(quantity: .voltage, comparison: .atMost, threshold: 0, onlyInHold: false),
      CutOff(quantity: .voltage, comparison: .below, threshold: -20_000_000, onlyInHold: false),
    ]
    #expect(lines(setpoint).contains("if p <= 0") && lines(setpoint).contains("if p < -20m"))
  }

  /// Hazard rule 10: one early reading is judged by the bounds alone; cut-offs count from the next on.
  @Test func rule10OneReadingBeforeTheCutOffs() throws {
    let script = lines(Samples.discharge)
    let early = try #require(script.firstIndex(of: "meas_loop_cp p i -134300n 100m 1"))
    let leased = try #require(script.firstIndex(of: "meas_loop_cp p i -134300n 1 60"))
    #expect(early < leased && script[early..<leased].contains("if p < -45m"))
    #expect(!script[early..<leased].contains("if p <= 5m") && script[leased...].contains("if p <= 5m"))
    var fast = Samples.discharge
    fast.readingInterval = TimeSpan(milliseconds: 100)
    #expect(!lines(fast).contains("meas_loop_cp p i -134300n 100m 1"))
  }

  /// Hazard rule 10: the protocol's own `settle` is the instrument's too, for a current and for a hold.
  @Test func rule10CutOffsWaitForTheStepsOwnSettle() {
    var discharge = Samples.discharge
    discharge.settle = TimeSpan(seconds: 20)
    #expect(lines(discharge).contains("store_var h 20 eb"))
    var hold = Samples.hold
    hold.settle = TimeSpan(milliseconds: 2_500)
    #expect(lines(hold).contains("add_var h 2500m"))
  }

  /// Hazard rule 10: the iR of the closing does not count as having arrived at the voltage to be held, and a long
  /// `settle` does not drive the cell past it.
  @Test(arguments: [(10, "10m"), (100, "100m"), (60_000, "100m")])
  func rule10ArrivalWaitsForTheFirstSettle(settle: Int64, threshold: String) throws {
    var setpoint = Samples.chargeThenHold
    setpoint.settle = TimeSpan(milliseconds: settle)
    let script = lines(setpoint)
    let arrivals = script.indices.filter { script[$0] == "if p >= 4250m" }
    let leased = try #require(script.firstIndex(of: "meas_loop_cp p i 1m 500m 30"))
    #expect(arrivals.count == 1)
    #expect(arrivals.allSatisfy { $0 > leased && script[$0 - 1] == "if u >= \(threshold)" })
  }

  @Test func judgesMagnitudesWithoutSigns() {
    var setpoint = Samples.hold
    setpoint.cutOffs = [CutOff(quantity: .currentMagnitude, comparison: .atLeast, threshold: 5_000, onlyInHold: false)]
    let script = lines(setpoint)
    #expect(script.contains("if i >= 5n") && script.contains("if i <= -5n"))
  }

  @Test func entersTheHoldFromEitherSide() {
    var setpoint = Samples.chargeThenHold
    #expect(lines(setpoint).contains("if p >= 4250m"))
    setpoint.mode = .constantCurrentThenVoltage(Current(picoamperes: -1_000_000_000), Voltage(millivolts: 2_000))
    #expect(lines(setpoint).contains("if p <= 2") && lines(setpoint).contains("set_e 2"))
  }

  @Test func samplesOftenEnoughForTheLease() {
    var setpoint = Samples.rest
    setpoint.readingInterval = TimeSpan(seconds: 30)
    let script = StepScript(setpoint, capabilities: MethodSCRIPTModel.emStat4HR.capabilities)
    #expect(script.interval == TimeSpan(seconds: 10) && script.lines.contains("meas_loop_ocp p 10 60"))
  }

  private static let impossible: [(String, Setpoint)] = {
    func changed(_ base: Setpoint, _ change: (inout Setpoint) -> Void) -> Setpoint {
      var setpoint = base
      change(&setpoint)
      return setpoint
    }
    let discharge = Samples.discharge
    return [
      ("shorter than", changed(discharge) { $0.readingInterval = TimeSpan(milliseconds: 49) }),
      ("six readings", changed(discharge) { $0.lease = TimeSpan(milliseconds: 299) }),
      ("time bound", changed(discharge) { $0.bounds.duration = .zero }),
      ("cut-offs", changed(discharge) { $0.cutOffs = Array(repeating: $0.cutOffs[0], count: 27) }),
      ("voltage cut-off", changed(discharge) { $0.cutOffs[0].threshold = 6_000_000_001 }),
      ("of zero", changed(discharge) { $0.mode = .constantCurrent(.zero) }),
      ("more than 0.2 A", changed(discharge) { $0.mode = .constantCurrent(Current(picoamperes: 200_000_000_001)) }),
      ("does not fit", changed(discharge) { $0.rangeCurrent = Current(picoamperes: 134_299_999) }),
      ("does not exist", changed(discharge) { $0.rangeCurrent = .zero }),
      ("not below", changed(discharge) { $0.bounds.upperVoltage = $0.bounds.lowerVoltage }),
      ("lower voltage bound", changed(discharge) { $0.bounds.lowerVoltage = Voltage(millivolts: -6_001) }),
      ("upper voltage bound", changed(discharge) { $0.bounds.upperVoltage = Voltage(millivolts: 6_001) }),
      ("current bound", changed(discharge) { $0.bounds.currentMagnitude = .zero }),
      ("held voltage", changed(Samples.hold) { $0.mode = .constantVoltage(Voltage(millivolts: 6_001)) }),
    ]
  }()

  @Test(arguments: impossible.indices)
  func refusesTheImpossibleBeforeSending(index: Int) throws {
    let (words, setpoint) = Self.impossible[index]
    let check = SetpointCheck(capabilities: MethodSCRIPTModel.emStat4HR.capabilities, modelName: "EmStat4 HR")
    let fault = try #require(check.refusal(of: setpoint))
    #expect(fault.code == .instrumentRefused && fault.detail.contains(words), "\(fault.detail)")
  }

  @Test func picoHoldsButDrivesNoCurrent() throws {
    let check = SetpointCheck(capabilities: MethodSCRIPTModel.emStatPico.capabilities, modelName: "EmStat Pico")
    #expect(check.refusal(of: Samples.discharge)?.detail.contains("constant_current") == true)
    #expect(check.refusal(of: Samples.rest) == nil)
    var hold = Samples.hold
    #expect(check.refusal(of: hold)?.detail.contains("upper voltage bound") == true)
    hold.bounds.upperVoltage = Voltage(millivolts: 2_000)
    #expect(check.refusal(of: hold) == nil)
  }

  @Test func aNVPFCellNeedsMoreThanTheLR() {
    let check = SetpointCheck(capabilities: MethodSCRIPTModel.emStat4LR.capabilities, modelName: "EmStat4 LR")
    #expect(check.refusal(of: Samples.chargeThenHold)?.detail.contains("lies outside -3 V to 3 V") == true)
    #expect(check.refusal(of: Samples.discharge) == nil)
  }
}
