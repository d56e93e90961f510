// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import MethodSCRIPTEmulator
import Testing
import VirtualLab

@Suite("Measurement loops and virtual time")
struct MeasurementTests {
  static let galvanostat = "set_pgstat_mode 6\nset_range db 1m\nset_i 0\ncell_on\ntimer_start\n"
  static let package = "timer_get t\npck_start\npck_add t\npck_add p\npck_add c\npck_end\n"

  /// A galvanostatic script with one loop.
  static func cycling(_ arguments: String, body: String = "", after: String = "cell_off") -> String {
    "var p\nvar c\nvar t\n" + galvanostat + "meas_loop_cp p c \(arguments)\n" + package + body
      + "endloop\non_finished:\n" + after
  }

  @Test func galvanostaticLoopSamplesAtTheIntervalUntilItsRunTime() {
    var laboratory = Laboratory(LinearCell(startVoltage: 2, capacitance: 1, resistance: 100))
    let lines = laboratory.execute(Self.cycling("-500u 2 10"))
    #expect(lines.first == "e" && lines.dropFirst().first == "M000A" && lines.suffix(2) == ["*", ""])
    let packages = lines.filter { $0.hasPrefix("P") }.map(Laboratory.package)
    #expect(packages.count == 5)
    for (index, package) in packages.enumerated() {
      // The loop begins 1 ms after timer_start, and timer_get comes 1 ms after the sample.
      let sampleTime = 2 * Double(index + 1)
      #expect(package.map(\.type) == ["eb", "ab", "ba"])
      #expect(abs(package[0].value - (sampleTime + 0.002)) < 1e-6)
      #expect(abs(package[1].value - (2 - 0.05 - 500e-6 * sampleTime)) < 2e-6)
      #expect(package[2].value == -500e-6)
      #expect(package[1].metadata == ",10,206" && package[2].metadata == ",10,215")
    }
  }

  /// Loops in a loop, whose current, interval and run time are variables: the cell is not touched between them, and its
  /// charge is that of each current for its own time.
  @Test func aLoopTakesItsCurrentFromAVariable() {
    var laboratory = Laboratory(LinearCell(startVoltage: 2, capacitance: 1, resistance: 100))
    let script = """
      var p
      var c
      var t
      var x
      var v
      var r
      var n
      store_var x -500u ba
      store_var v 2 eb
      store_var r 4 eb
      store_var n 0i jb
      \(Self.galvanostat)loop n < 2i
      meas_loop_cp p c x v r
      \(Self.package)endloop
      copy_var x p
      div_var p -2
      copy_var p x
      add_var n 1i
      endloop
      on_finished:
      cell_off
      """
    let lines = laboratory.execute(script)
    let currents = lines.filter { $0.hasPrefix("P") }.map { Laboratory.package($0)[2].value }
    #expect(currents == [-500e-6, -500e-6, 250e-6, 250e-6])
    #expect(lines.count { $0 == "M000A" } == 2)
    #expect(!lines.contains { $0.hasPrefix("!") })
  }

  @Test func potentiostaticLoopReportsTheAppliedPotentialAndTheCurrentThatFlows() {
    var laboratory = Laboratory(LinearCell(startVoltage: 1, resistance: 1000))
    let script = """
      var p
      var c
      var v
      var t
      set_pgstat_mode 2
      set_range ba 1m
      set_e 1500m
      cell_on
      meas_loop_ca p c 1500m 1 2 add_meas(0 ab v) time(t)
      pck_start
      pck_add p
      pck_add c
      pck_add v
      pck_add t
      pck_end
      endloop
      cell_off
      """
    let lines = laboratory.execute(script)
    let expected = [
      "Pda816E360u;ba\(Self.hexadecimal(500_000))n,10,215;ab816E360u,10,206;eb\(Self.hexadecimal(1_000_000))u",
      "Pda816E360u;ba\(Self.hexadecimal(500_000))n,10,215;ab816E360u,10,206;eb\(Self.hexadecimal(2_000_000))u",
    ]
    #expect(lines == ["e", "M0007"] + expected + ["*", ""])
  }

  private static func hexadecimal(_ count: Int) -> String {
    String(count + 0x800_0000, radix: 16, uppercase: true)
  }

  @Test func openCircuitLoopMeasuresWithoutCurrent() {
    var laboratory = Laboratory(LinearCell(startVoltage: -200e-3))
    let lines = laboratory.execute("var p\nmeas_loop_ocp p 1 3\npck_start\npck_add p\npck_end\nendloop")
    let package = "Pab\(Self.hexadecimal(-200_000))u,10,206"
    #expect(lines == ["e", "M000B", package, package, package, "*", ""])
    #expect(laboratory.instrument.cellTruth(channel: 0).open == nil)
  }

  /// With the cell off there is no current, and one that flows all the same, through a switch that hangs, is measured.
  @Test(arguments: [false, true])
  func theCurrentIsMeasuredWithTheCellOffToo(hangs: Bool) {
    var laboratory = Laboratory(LinearCell(startVoltage: 1, resistance: 100))
    let script = """
      var m
      \(Self.galvanostat)wait 1
      set_i 500u
      wait 10
      cell_off
      meas 100m m ba
      pck_start
      pck_add m
      pck_end
      """
    laboratory.send("e\n\(script)\n\n")
    var lines = laboratory.run(until: 5)
    let doesHang = hangs && laboratory.instrument.misbehave(.liar, channel: 0)
    #expect(doesHang == hangs)
    lines += laboratory.run()
    let current = Self.hexadecimal(hangs ? 500_000 : 0)
    #expect(lines == ["e", "Pba\(current)\(hangs ? "n" : " "),10,215", ""])
    #expect(!laboratory.instrument.isCellOn)
    #expect(laboratory.instrument.terminals(channel: 0)?.amperes == (hangs ? 500e-6 : 0))
  }

  @Test func cutOffOnTheInstrumentEndsTheLoop() {
    var laboratory = Laboratory(LinearCell(startVoltage: 1, capacitance: 1))
    let lines = laboratory.execute(Self.cycling("-1m 1 600", body: "if p <= 990m\nbreakloop\nendif\n"))
    #expect(lines.filter { $0.hasPrefix("P") }.count == 10)
    #expect(lines.suffix(2) == ["*", ""] && !laboratory.instrument.isCellOn)
  }

  @Test func bodyLongerThanTheIntervalMarksSamplesAsLate() {
    var laboratory = Laboratory()
    let lines = laboratory.execute(Self.cycling("1m 100m 1", body: "wait 150m\n"))
    let packages = lines.filter { $0.hasPrefix("P") }.map(Laboratory.package)
    #expect(packages.first?[1].metadata == ",10,206")
    #expect(packages.count > 2 && packages.dropFirst().allSatisfy { $0[1].metadata == ",11,206" })
    #expect(packages.dropFirst().allSatisfy { $0[2].metadata == ",11,215" })
  }

  @Test func currentBeyondItsRangeIsClippedAndMarked() {
    var laboratory = Laboratory(LinearCell(startVoltage: 0, resistance: 1))
    let script = """
      var p
      var c
      set_pgstat_mode 3
      set_range ba 1m
      set_e 1
      cell_on
      meas_loop_ca p c 1 1 1
      pck_start
      pck_add c
      pck_end
      endloop
      cell_off
      """
    let lines = laboratory.execute(script)
    // The 1 mA range reaches to 2 mA on this model.
    #expect(lines[2] == "Pba\(Self.hexadecimal(2_000_000))n,12,215")
    let charge = laboratory.instrument.cellTruth(channel: 0).open?.terminalCharge ?? 0
    #expect(abs(charge - 2e-3 * 1.003) < 1e-5)
  }

  @Test func automaticRangingPicksTheRangeOfEachSample() {
    var laboratory = Laboratory(LinearCell(startVoltage: 0, resistance: 1e6))
    let script = """
      var p
      var c
      set_pgstat_mode 3
      set_range ba 1m
      set_autoranging ba 100n 1m
      cell_on
      meas_loop_ca p c 50m 1 1
      pck_start
      pck_add c
      pck_end
      endloop
      meas_loop_ca p c 5 1 1
      pck_start
      pck_add c
      pck_end
      endloop
      cell_off
      """
    let lines = laboratory.execute(script).filter { $0.hasPrefix("P") }
    #expect(lines.map { String($0.suffix(3)) } == ["209", "20F"])
  }

  @Test func nexusNamesItsOwnRanges() {
    var laboratory = Laboratory(profile: .nexus)
    let lines = laboratory.execute(Self.cycling("500u 1 1"))
    #expect(lines.contains { $0.hasSuffix(",10,228") && $0.contains(",10,200;") })
  }

  @Test func instructionTimeIsWhatEachCommandTakes() {
    for milliseconds in [1.0, 5.0] {
      var laboratory = Laboratory(instructionSeconds: milliseconds / 1000)
      let lines = laboratory.execute(
        "var t\ntimer_start\nwait 1\nsend_string \"x\"\ntimer_get t\npck_start\npck_add t\npck_end")
      let time = Laboratory.package(lines[2]).first?.value ?? 0
      #expect(abs(time - (1 + 3 * milliseconds / 1000)) < 1e-9)
    }
  }

  @Test func singleMeasurementTakesItsTimeAndNoMoreThanTheLimit() {
    var laboratory = Laboratory(LinearCell(startVoltage: 3))
    laboratory.send("e\nvar p\nmeas 100 p ab\npck_start\npck_add p\npck_end\n\n")
    #expect(laboratory.run(until: 50) == ["e"] && laboratory.instrument.time == 50)
    #expect(laboratory.run() == ["Pab\(Self.hexadecimal(3_000_000))u,10,206", ""])
    #expect(abs(laboratory.instrument.time - 100.005) < 1e-9)
  }

  @Test func runStopsAtTheLimitAndContinuesThere() {
    var whole = Laboratory(LinearCell(startVoltage: 1, capacitance: 1))
    let expected = whole.execute(Self.cycling("1m 1 20"))
    var inPieces = Laboratory(LinearCell(startVoltage: 1, capacitance: 1))
    inPieces.send("e\n" + Self.cycling("1m 1 20") + "\n\n")
    var lines: [String] = []
    for piece in 0..<400 {
      let limit = Double(piece) * 0.0731
      lines += inPieces.run(until: limit)
      #expect(inPieces.instrument.time <= limit + 1e-9)
    }
    #expect(lines == expected)
  }

  @Test func outputLimitPausesWithoutLosingALine() {
    var laboratory = Laboratory()
    laboratory.send("e\n" + Self.cycling("1m 1 50") + "\n\n")
    var all: [UInt8] = []
    var pauses = 0
    while true {
      var output: [UInt8] = []
      let pause = laboratory.instrument.run(until: 1e6, output: &output, outputLimit: 100)
      all += output
      #expect(output.count < 200)
      if pause == .idle { break }
      if pause == .outputFull { pauses += 1 }
    }
    #expect(pauses > 10 && Laboratory.lines(all).filter { $0.hasPrefix("P") }.count == 50)
  }

  @Test func setRangesAreLeftBehindByAModeChangeWhichOpensTheCircuit() {
    var laboratory = Laboratory()
    laboratory.send("e\n" + Self.galvanostat + "set_pgstat_mode 3\n\n")
    _ = laboratory.run()
    #expect(!laboratory.instrument.isCellOn)
  }

  @Test func realConvertersChangeWhatIsReadAndWhatIsDriven() {
    let model = ConverterModel.real(
      voltageOffset: 1e-3, voltageGain: 1, currentOffsetFractionOfRange: 0, currentGain: 1.01, noise: 0, bits: 24)
    var laboratory = Laboratory(LinearCell(startVoltage: 1), converters: model)
    let lines = laboratory.execute(Self.cycling("1m 1 10"))
    let package = lines.last { $0.hasPrefix("P") }.map(Laboratory.package) ?? []
    #expect(abs(package[1].value - 1.001) < 2e-6)
    // Driven with the gain, and read with it again.
    #expect(abs(package[2].value - 1e-3 * 1.01 * 1.01) < 1e-9)
    let charge = laboratory.instrument.cellTruth(channel: 0).open?.terminalCharge ?? 0
    #expect(abs(charge / 1.01e-3 - 10) < 0.05)
  }

  @Test func noiseIsAFunctionOfTheSeed() {
    let script = Self.cycling("1m 1 50")
    func lines(seed: UInt64) -> [String] {
      var laboratory = Laboratory(converters: .real(noise: 1e-4), seed: seed)
      return laboratory.execute(script)
    }
    #expect(lines(seed: 7) == lines(seed: 7) && lines(seed: 7) != lines(seed: 8))
  }

  /// The begin is the first step; each lasts step over rate, with a sample at its end.
  @Test(arguments: [("0", "1", [0, 0.25, 0.5, 0.75, 1]), ("500m", "-100m", [0.5, 0.25, 0])])
  func linearSweepStepsFromBeginToEnd(begin: String, end: String, potentials: [Double]) {
    var laboratory = Laboratory(LinearCell(startVoltage: 0, resistance: 1000))
    let script = """
      var p
      var c
      var t
      var e
      var f
      store_var e \(begin) da
      store_var f \(end) da
      set_pgstat_mode 3
      set_range ba 1m
      set_e \(begin)
      cell_on
      timer_start
      meas_loop_lsv p c e f 250m 100m
      \(Self.package)endloop
      on_finished:
      cell_off
      """
    let lines = laboratory.execute(script)
    #expect(lines.dropFirst().first == "M0000" && lines.suffix(2) == ["*", ""])
    let packages = lines.filter { $0.hasPrefix("P") }.map(Laboratory.package)
    #expect(packages.map { $0[1].value } == potentials)
    #expect(packages.first?.map(\.type) == ["eb", "da", "ba"])
    for (index, package) in packages.enumerated() {
      #expect(abs(package[0].value - (2.5 * Double(index + 1) + 0.002)) < 2e-3)
      #expect(abs(package[2].value - potentials[index] / 1000) < 1e-6)
    }
  }

  @Test(arguments: ["meas_loop_lsv p c 0 1 0 100m", "meas_loop_lsv p c 0 1 10m -1", "meas_loop_lsv p c 0 9 10m 1"])
  func aSweepThatCannotBeIsRefused(loop: String) {
    var laboratory = Laboratory(LinearCell(startVoltage: 0, resistance: 1000))
    let lines = laboratory.execute("var p\nvar c\nset_pgstat_mode 3\nset_e 0\ncell_on\n\(loop)\nendloop\ncell_off")
    #expect(lines.first?.hasPrefix("e!") == true, "\(lines)")
  }
}
