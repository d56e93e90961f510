// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import MethodSCRIPTEmulator
import Testing
import VirtualLab

@Suite("Communication")
struct CommunicationTests {
  static let endless = MeasurementTests.cycling("1m 1 1000", after: "cell_off\nsend_string \"finished\"")

  private func answers(_ text: String, profile: MethodSCRIPTProfile = .emStat4HR) -> [String] {
    var laboratory = Laboratory(profile: profile)
    laboratory.send(text)
    return laboratory.run()
  }

  @Test func identity() {
    #expect(answers("t\n") == ["tes4_hr1500#Mar 12 2026 14:28:01", "R*"])
    #expect(answers("t\n", profile: .nexus).first?.hasPrefix("tnexus1") == true)
    #expect(answers("i\nv\n") == ["iTEST0001", "v01.09.00"])
    #expect(answers("\n") == [""])
  }

  @Test func capabilitiesNameWhatIsThere() {
    func bits(_ text: String) -> Set<Int> {
      let digits = text.dropFirst(2).reversed().map { $0.hexDigitValue ?? 0 }
      return Set((0..<256).filter { digits.count == 64 && digits[$0 / 4] & 1 << ($0 % 4) != 0 })
    }
    let language = bits(answers("CM\n").first ?? "")
    #expect(language.isSuperset(of: [28, 30, 31, 38, 39, 40, 62, 65, 66, 67, 68]) && !language.contains(70))
    #expect(bits(answers("CM\n", profile: .emStatPico).first ?? "").isDisjoint(with: [67, 68]))
    #expect(bits(answers("CC\n").first ?? "").isSuperset(of: [1, 32, 33, 38, 48, 49, 98, 99]))
  }

  @Test(arguments: [
    ("x", "x!0003"), ("m", "m!0048"), ("Z", "Z!0006"), ("Y", "Y!0006"), ("h", "h!0006"), ("H", "H!0006"),
    ("R", "R!0006"), ("r", "r!000C"), ("G06", "G!0004"), ("tt", "t!0003"),
  ])
  func idleInstrumentRefuses(_ command: String, _ answer: String) {
    #expect(answers(command + "\n") == [answer])
  }

  @Test func tooLongLineIsRefused() {
    #expect(answers(String(repeating: "t", count: 128) + "\n") == ["t!0008"])
    #expect(answers(String(repeating: "t", count: 100_000) + "\n") == ["t!0008"])
  }

  @Test func whatComesWithin50MillisecondsOfAnErrorIsIgnored() {
    var laboratory = Laboratory()
    laboratory.send("x\ni\n")
    #expect(laboratory.run(until: 0.04) == ["x!0003"])
    laboratory.send("i\n")
    #expect(laboratory.run(until: 0.06).isEmpty)
    laboratory.send("i\n")
    #expect(laboratory.run() == ["iTEST0001"])
  }

  @Test func deafTimePassesByItselfAndIdleTimeDoesNot() {
    var laboratory = Laboratory()
    laboratory.send("x\n")
    _ = laboratory.run(until: 1e6)
    #expect(laboratory.instrument.time == 0.05)
    laboratory.instrument.rest(until: 10)
    #expect(laboratory.instrument.time == 10)
    laboratory.instrument.rest(until: 5)
    #expect(laboratory.instrument.time == 10)
  }

  @Test func flowControlAndCarriageReturnsAreDropped() {
    #expect(answers("\u{11}i\u{13}\r\n") == ["iTEST0001"])
  }

  @Test func inputInPiecesGivesTheSame() {
    let script = "e\n" + MeasurementTests.cycling("1m 1 5") + "\n\nt\n"
    var whole = Laboratory()
    whole.send(script.dropLast(2).description)
    var expected = whole.run()
    expected += ["tes4_hr1500#Mar 12 2026 14:28:01", "R*"]
    var pieces = Laboratory()
    var lines: [String] = []
    for byte in script.utf8 {
      withUnsafeBytes(of: byte) { pieces.instrument.receive($0) }
      lines += pieces.run()
    }
    #expect(lines == expected)
  }

  @Test func loadedScriptRunsTwice() {
    var laboratory = Laboratory()
    laboratory.send("l\nsend_string \"x\"\n\nr\n")
    #expect(laboratory.run() == ["l", "r", "Tx", ""])
    laboratory.send("r\n")
    #expect(laboratory.run() == ["r", "Tx", ""])
    laboratory.send("l\nfly\n\n")
    #expect(laboratory.run() == ["l!4001: Line 1, Col 1"])
  }

  @Test func runningScriptTakesOnlyAFewCommands() {
    var laboratory = Laboratory()
    laboratory.send("e\n\(Self.endless)\n\n")
    _ = laboratory.run(until: 10)
    for (command, answer) in [("i", "i!0006"), ("e", "e!0006"), ("v", "v!0006"), ("R", "R!0006")] {
      laboratory.send(command + "\n")
      let time = laboratory.instrument.time
      #expect(laboratory.run(until: time + 0.06).first == answer)
    }
    laboratory.send("t\n")
    #expect(laboratory.run(until: laboratory.instrument.time).first == "tes4_hr1500#Mar 12 2026 14:28:01")
    #expect(laboratory.instrument.isScriptRunning)
  }

  @Test func abortRunsOnFinishedAndEndsWithAnEmptyLine() {
    var laboratory = Laboratory()
    laboratory.send("e\n\(Self.endless)\n\n")
    _ = laboratory.run(until: 10.5)
    #expect(laboratory.instrument.isCellOn)
    laboratory.send("Z\n")
    #expect(laboratory.run() == ["Z", "Tfinished", ""])
    #expect(!laboratory.instrument.isCellOn && abs(laboratory.instrument.time - 10.502) < 1e-9)
  }

  @Test func abortWithoutOnFinishedLeavesTheCellOn() {
    var laboratory = Laboratory()
    laboratory.send("e\nset_pgstat_mode 6\ncell_on\nwait 100\ncell_off\n\n")
    _ = laboratory.run(until: 50)
    laboratory.send("Z\n")
    #expect(laboratory.run() == ["Z", ""] && laboratory.instrument.isCellOn)
  }

  @Test func endingTheMeasurementLoopLetsTheScriptGoOn() {
    var laboratory = Laboratory()
    laboratory.send(
      "e\n\(MeasurementTests.cycling("1m 1 1000", after: "timer_get t\npck_start\npck_add t\npck_end"))\n\n")
    _ = laboratory.run(until: 10.5)
    laboratory.send("Y\n")
    let lines = laboratory.run()
    #expect(lines.count == 4 && lines.prefix(2) == ["Y", "*"] && lines.last == "")
    // At once, and not at the next sample.
    #expect(abs((Laboratory.package(lines[2]).first?.value ?? 0) - 10.5) < 0.02)
  }

  @Test func endingTheMeasurementLoopInItsBodyFinishesTheBody() {
    var laboratory = Laboratory()
    let body = "wait 500m\nsend_string \"body\"\n"
    laboratory.send("e\n\(MeasurementTests.cycling("1m 1 1000", body: body))\n\n")
    _ = laboratory.run(until: 10.25)
    laboratory.send("Y\n")
    #expect(laboratory.run() == ["Y", "Tbody", "*", ""])
  }

  @Test func endingAMeasurementLoopOutsideOneIsRefused() {
    var laboratory = Laboratory()
    laboratory.send("e\nwait 100\n\n")
    _ = laboratory.run(until: 10)
    laboratory.send("Y\n")
    #expect(laboratory.run() == ["Y!0006", ""])
  }

  @Test func haltStopsTheScriptAndLeavesTheCellDriven() {
    var laboratory = Laboratory()
    laboratory.send("e\n\(Self.endless)\n\n")
    _ = laboratory.run(until: 10)
    laboratory.send("h\n")
    #expect(laboratory.run(until: 20) == ["h"])
    #expect(laboratory.instrument.hostDeadline == nil)
    laboratory.instrument.rest(until: 20)
    laboratory.send("H\n")
    let lines = laboratory.run(until: 20.02)
    #expect(lines.first == "H" && lines.dropFirst().first?.contains(",11,206") == true)
    let charge = laboratory.instrument.cellTruth(channel: 0).open?.terminalCharge ?? 0
    #expect(abs(charge - 0.02) < 1e-4)
  }

  @Test func hazard12RuntimeErrorStopsTheScriptAndLeavesTheCellOn() {
    var laboratory = Laboratory()
    let script = MeasurementTests.cycling("1m 1 1000", body: "if t >= 5\ndiv_var t 0\nendif\n")
    let lines = laboratory.execute(script)
    #expect(lines.suffix(2) == ["!0028: Line 17", ""])
    #expect(laboratory.instrument.isCellOn && !laboratory.instrument.isScriptRunning)
    let before = laboratory.instrument.cellTruth(channel: 0).open?.terminalCharge ?? 0
    laboratory.instrument.rest(until: laboratory.instrument.time + 100)
    let after = laboratory.instrument.cellTruth(channel: 0).open?.terminalCharge ?? 0
    #expect(abs(after - before - 0.1) < 1e-9)
    #expect(laboratory.execute("cell_off") == ["e", ""] && !laboratory.instrument.isCellOn)
  }

  @Test func hazard7PowerLossDisconnectsTheCellAndForgetsTheScript() {
    var laboratory = Laboratory()
    laboratory.send("e\n\(Self.endless)\n\n")
    _ = laboratory.run(until: 10)
    laboratory.send("e\nhalf a scr")
    laboratory.instrument.powerCycle()
    #expect(!laboratory.instrument.isCellOn && laboratory.instrument.time == 10)
    laboratory.instrument.rest(until: 20)
    laboratory.send("i\n")
    #expect(laboratory.run() == ["iTEST0001"])
    let charge = laboratory.instrument.cellTruth(channel: 0).open?.terminalCharge ?? 0
    #expect(charge > 9e-3 && charge < 10e-3)
  }
}

@Suite("The host's deadline")
struct HostDeadlineTests {
  /// A loop that has stopped at half and at three quarters of its time, where a host in good time prolongs it.
  private func running(_ arguments: String = "1m 1 60") -> Laboratory {
    var laboratory = Laboratory()
    laboratory.send("e\n\(MeasurementTests.cycling(arguments))\n\n")
    var output: [UInt8] = []
    for seconds in [30.0, 45.0] {
      #expect(laboratory.instrument.run(until: 1000, output: &output, outputLimit: .max) == .hostDeadline)
      #expect(abs(laboratory.instrument.time - seconds) < 0.1)
    }
    return laboratory
  }

  @Test(arguments: ["1m 1 60", "1m 7 60", "1m 100 60"])
  func runStopsJustBeforeItOnceAndPassesItTheNextTime(_ arguments: String) {
    var laboratory = running(arguments)
    var output: [UInt8] = []
    #expect(laboratory.instrument.run(until: 1000, output: &output, outputLimit: .max) == .hostDeadline)
    let deadline = laboratory.instrument.hostDeadline ?? 0
    #expect(abs(deadline - 60) < 0.1 && laboratory.instrument.time < deadline)
    #expect(laboratory.instrument.time > deadline - 1e-5)
    #expect(laboratory.instrument.run(until: 1000, output: &output, outputLimit: .max) == .idle)
    #expect(laboratory.instrument.hostDeadline == nil && laboratory.instrument.time > deadline)
  }

  @Test func hostThatEndsTheLoopThereComesInTime() {
    var laboratory = running("1m 7 60")
    var output: [UInt8] = []
    #expect(laboratory.instrument.run(until: 1000, output: &output, outputLimit: .max) == .hostDeadline)
    let deadline = laboratory.instrument.hostDeadline ?? 0
    laboratory.send("Y\n")
    #expect(laboratory.instrument.hostDeadline == nil)
    output = []
    #expect(laboratory.instrument.run(until: deadline, output: &output, outputLimit: .max) == .reachedLimit)
    #expect(Laboratory.lines(output).prefix(2) == ["Y", "*"])
  }

  @Test func anyByteFromTheHostMakesItStopThereAgain() {
    var laboratory = running()
    var output: [UInt8] = []
    #expect(laboratory.instrument.run(until: 1000, output: &output, outputLimit: .max) == .hostDeadline)
    laboratory.send("t\n")
    #expect(laboratory.instrument.run(until: 1000, output: &output, outputLimit: .max) == .hostDeadline)
    #expect(laboratory.instrument.run(until: 1000, output: &output, outputLimit: .max) == .idle)
  }

  @Test func limitBeforeItIsReached() {
    var laboratory = running()
    var output: [UInt8] = []
    #expect(laboratory.instrument.run(until: 59, output: &output, outputLimit: .max) == .reachedLimit)
    #expect(laboratory.instrument.time == 59)
  }

  @Test func hazard12RenewedLoopHasALaterDeadline() {
    var laboratory = Laboratory()
    let script = """
      var p
      var c
      set_pgstat_mode 6
      set_i 1m
      cell_on
      loop 0i == 0i
      meas_loop_cp p c 1m 1 60
      endloop
      endloop
      on_finished:
      cell_off
      """
    laboratory.send("e\n\(script)\n\n")
    var last = 0.0
    for renewal in 1...20 {
      _ = laboratory.run(until: Double(renewal) * 20)
      let deadline = laboratory.instrument.hostDeadline ?? 0
      #expect(deadline > last && deadline > laboratory.instrument.time)
      last = deadline
      laboratory.send("Y\n")
    }
    laboratory.send("Z\n")
    #expect(laboratory.run().last == "")
    let truth = laboratory.instrument.cellTruth(channel: 0).open
    // Renewing never interrupted the current.
    let closed = (truth?.endedAt ?? 0) - (truth?.startedAt ?? 0)
    #expect(abs((truth?.terminalCharge ?? 0) / (1e-3 * closed) - 1) < 1e-12)
  }
}
