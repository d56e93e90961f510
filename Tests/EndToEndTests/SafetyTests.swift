// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation
import Testing

extension ProgramTests {
  /// What must hold when things go wrong around the real programs.
  @Suite struct SafetyTests {
    private func running(
      cycles: Int = 5, speed: String = "max", cell: TestProtocol.Cell = .hardCarbon, halfCycleCharge: String? = nil
    ) throws -> LaboratoryRig {
      let rig = try LaboratoryRig()
      try rig.startBench(cell: cell.preset, speed: speed)
      try rig.startDaemon(extra: ["--lease", "300"])
      try rig.waitForChannels(1)
      let file = try TestProtocol.write(cell, cycles: cycles, to: rig.directory, halfCycleCharge: halfCycleCharge)
      let start = try rig.nactl("start", file)
      #expect(start.status == 0, "\(start.errors)")
      return rig
    }

    @Test func secondDaemonOnTheSameStateIsRefusedAndHarmsNothing() throws {
      let rig = try running(cycles: 3, speed: "20000")
      let second = try LaboratoryRig.run(
        "nacyclerd", ["--state-directory", rig.state, "--socket", rig.directory.path + "/other.sock", "--no-discovery"])
      #expect(second.status == 75)
      #expect(second.errors.contains("daemon.already_running"))
      // Nor does one with a state of its own take the socket away from those who may want to stop the run.
      let third = try LaboratoryRig.run(
        "nacyclerd",
        ["--state-directory", rig.directory.path + "/other", "--socket", rig.socket, "--no-discovery"])
      #expect(third.status == 75)
      #expect(third.errors.contains("socket.in_use"), "\(third.errors)")
      let nowhere = try LaboratoryRig.run(
        "nacyclerd", ["--state-directory", "/dev/null/state", "--socket", rig.directory.path + "/other.sock"])
      #expect(nowhere.status == 73)
      #expect(nowhere.errors.contains("daemon.state_directory_unusable: /dev/null/state"), "\(nowhere.errors)")
      #expect(try rig.waitForRun(states: ["completed", "held"], seconds: 60) == "completed")
      try TruthComparison(rig).expectAgreement()
    }

    /// At the steep end of a desodiation the whole current would carry the cell past its voltage within a reading, and what
    /// flows back is no reversed hold.
    @Test func aHoldThatWasPausedGoesOn() throws {
      var cell = TestProtocol.Cell.hardCarbon
      cell.second =
        #"{"charge": "360 uA", "to": "2.0 V", "hold_until": ["hold_time >= 10 h"], "until": ["step_time >= 30 h"]}"#
      let rig = try running(cycles: 1, speed: "4000", cell: cell)
      func held(afterStep count: String) throws -> Double {
        let sought = """
          SELECT coalesce(max(step_time_us) - min(step_time_us), 0) / 1e6 FROM record JOIN step USING(step_id)
          WHERE ended_test_time_us IS NULL AND flags & 8192 AND step_count > \(count)
          """
        return Double(try rig.sqlite(sought)) ?? 0
      }
      try rig.wait(for: "the hold", seconds: 60) { try held(afterStep: "0") > 60 }
      #expect(try rig.nactl("pause", "last").status == 0)
      try rig.waitForRun(states: ["paused", "held"], seconds: 30)
      let paused = try rig.sqlite("SELECT max(step_count) FROM step")
      // The bench lets the time of an instrument that waits pass when it is spoken to next: so much is ten minutes.
      let relaxed = ContinuousClock.now + .milliseconds(150)
      try rig.wait(for: "some minutes of the cell's time", seconds: 30) { ContinuousClock.now > relaxed }
      let resume = try rig.nactl("resume", "last")
      #expect(resume.status == 0, "\(resume.errors)")
      try rig.wait(for: "the hold to go on", seconds: 60) {
        try held(afterStep: paused) > 120 || rig.sqlite("SELECT state FROM run") == "held"
      }
      #expect(try rig.nactl("stop", "last").status == 0)
      #expect(try rig.waitForRun(states: ["stopped", "held"], seconds: 30) == "stopped")
      #expect(try rig.sqlite("SELECT fault, detail FROM latch") == "")
      let highest = """
        SELECT max(voltage_nv) / 1e9 FROM record JOIN step USING(step_id)
        WHERE step_count > \(paused) AND kind = 'constant_current_constant_voltage'
        """
      #expect(try #require(Double(try rig.sqlite(highest))) < 2.005)
    }

    /// A strip so fast that its cut-off and its limit are passed within one reading leaves the cell outside its limits.
    @Test func aCellOutsideItsLimitsGoesOnWhenAPersonAnswersForIt() throws {
      let rig = try LaboratoryRig()
      // The preset itself: how far a reading lies behind the cut-off is a matter of luck.
      try rig.startBench(cell: "plating-stripping", seed: nil)
      try rig.startDaemon()
      try rig.waitForChannels(1)
      let file = try TestProtocol.write(
        TestProtocol.Cell(
          preset: "plating-stripping", role: "plating-stripping", window: ("-1 V", "1.03 V"), open: ("-0.5 V", "3 V"),
          first: #"{"plate": "5 mA", "until": ["step_charge >= 0.5 mAh", "step_time >= 1 h"]}"#,
          second: #"{"strip": "5 mA", "until": ["voltage >= 1.0 V", "step_time >= 1 h"]}"#, largest: "20 mA"),
        cycles: 1, to: rig.directory, halfCycleCharge: "100 mAh")
      #expect(try rig.nactl("start", file).status == 0)
      func held(by code: String) throws -> Bool {
        try rig.sqlite("SELECT state || ' ' || state_reason FROM run") == "held " + code
      }
      try rig.wait(for: "the limit", seconds: 60) { try held(by: "limit.voltage.high") }
      // The strip has passed its end on the way; nothing is driven again.
      #expect(try rig.sqlite("SELECT end_reason FROM half_cycle WHERE number = 2") == "voltage >= 1.0 V")
      #expect(try rig.nactl("clear", "ch1", "--reason", "measured by hand").status == 0)
      #expect(try rig.nactl("resume", "last").status == 0)
      try rig.wait(for: "the refusal", seconds: 60) { try held(by: "run.voltage_changed") }
      let event = try rig.sqlite("SELECT detail FROM event WHERE code = 'run.voltage_changed'")
      #expect(event.contains("nactl resume 1 --allow-voltage REASON"), "\(event)")
      let empty = try rig.nactl("resume", "last", "--allow-voltage", " ")
      #expect(empty.status == 1 && empty.errors.contains("run.reason_missing"))
      #expect(try rig.nactl("resume", "last", "--allow-voltage", "stripped too far").status == 0)
      #expect(try rig.waitForRun(states: ["completed", "held", "ended"], seconds: 60) == "completed")
      let allowed = try rig.sqlite("SELECT severity, detail FROM event WHERE code = 'run.voltage_allowed'")
      #expect(allowed.hasPrefix("1|") && allowed.hasSuffix("allowed: stripped too far"), "\(allowed)")
      try TruthComparison(rig).expectAgreement()
    }

    @Test func hazard04LatchOutlivesTheProcessAndNeverResumesByItself() throws {
      // The half-cycle limit is below what the cell can take, so the first half-cycle trips it.
      let rig = try running(halfCycleCharge: "0.2 mAh")
      #expect(try rig.waitForRun(states: ["completed", "held"], seconds: 60) == "held")
      #expect(rig.stopDaemon() == 0)
      try rig.launchDaemon()
      try rig.waitForChannels(1)
      let channels = try rig.nactl("channels", "--format", "json").json()["channels"] as? [[String: Any]]
      #expect(channels?.first?["state"] as? String == "latched")
      #expect(channels?.first?["circuit"] as? String == "open (confirmed)")
      #expect(try rig.nactl("resume", "last").status != 0)
      #expect(try rig.nactl("clear", "ch1").status != 0, "a latch is cleared with a reason only")
      #expect(try rig.nactl("clear", "ch1", "--reason", "limit was set for the test").status == 0)
      #expect(try rig.sqlite("SELECT state FROM run") == "held")
      #expect(try rig.nactl("stop", "last").status == 0)
      try rig.waitForRun(states: ["stopped"], seconds: 20)
    }

    @Test func hazard05SignalOpensEveryCircuitAndTheRunGoesOn() throws {
      let rig = try running(cycles: 3, speed: "20000")
      try rig.wait(for: "current", seconds: 20) { try !TruthComparison(rig).truth.isEmpty }
      // A client that never reads must not be waited for.
      let stuck = Process()
      stuck.executableURL = try LaboratoryRig.programs.appendingPathComponent("nactl")
      stuck.arguments = ["tail", "--socket", rig.socket]
      stuck.standardOutput = FileHandle.nullDevice
      try stuck.runAsFromAShell()
      kill(stuck.processIdentifier, SIGSTOP)
      defer {
        kill(stuck.processIdentifier, SIGKILL)
        stuck.waitUntilExit()
      }
      let before = ContinuousClock.now
      #expect(rig.stopDaemon() == 0)
      print("SIGTERM to exit: \(ContinuousClock.now - before)")
      #expect(try rig.sqlite("SELECT state FROM run") == "suspended")
      let charge = try TruthComparison(rig).truth.map(\.charge)
      let again = try TruthComparison(rig).truth.map(\.charge)
      #expect(charge == again, "no current flows once the daemon has stopped")
      try rig.launchDaemon()
      #expect(try rig.waitForRun(states: ["completed", "held"], seconds: 60) == "completed")
      try TruthComparison(rig).expectAgreement()
    }

    @Test func hazard05WhoAsksAgainToStopChangesNothing() throws {
      let rig = try running(cycles: 3, speed: "20000")
      try rig.wait(for: "current", seconds: 20) { try !TruthComparison(rig).truth.isEmpty }
      let daemon = try #require(rig.daemon)
      for signal in [SIGTERM, SIGINT, SIGTERM, SIGTERM] { kill(daemon.processIdentifier, signal) }
      daemon.waitUntilExit()
      #expect(daemon.terminationReason == .exit && daemon.terminationStatus == 0)
      #expect(try rig.sqlite("SELECT state FROM run") == "suspended")
      #expect(try rig.sqlite("SELECT count(*) FROM event WHERE code = 'run.suspended'") == "1")
      try rig.launchDaemon()
      #expect(try rig.waitForRun(states: ["completed", "held"], seconds: 60) == "completed")
      try TruthComparison(rig).expectAgreement()
    }

    @Test func badProtocolsStartNothingAndSayWhere() throws {
      let rig = try LaboratoryRig()
      try rig.startBench(cell: "hard-carbon")
      try rig.startDaemon()
      try rig.waitForChannels(1)
      let good = try TestProtocol.write(.hardCarbon, cycles: 1, to: rig.directory)
      let text = try String(contentsOfFile: good, encoding: .utf8)
      let damages = [
        ("\"360 uA\"", "-360"), ("\"360 uA\"", "\"-360 uA\""), ("voltage <= 10 mV", "voltage >= 10 mV"),
        ("\"record\"", "\"rekord\""), ("{\"rest\": \"1 min\"}", "{\"rest\": \"1 parsec\"}"), ("}\n", ""),
      ]
      for (from, to) in damages {
        let file = rig.directory.appendingPathComponent("bad.json")
        try text.replacingOccurrences(of: from, with: to).write(to: file, atomically: true, encoding: .utf8)
        let result = try rig.nactl("start", file.path)
        #expect(result.status != 0, "\(to)")
        #expect(!result.errors.isEmpty)
      }
      #expect(try rig.sqlite("SELECT count(*) FROM run") == "0")
      let channels = try rig.nactl("channels", "--format", "json").json()["channels"] as? [[String: Any]]
      #expect(channels?.first?["circuit"] as? String == "open (confirmed)")
    }

    @Test(arguments: ["link-lost", "power-lost"])
    func hazard07LostLinkAndLostPowerAreTwoThings(_ fault: String) throws {
      let rig = try running(cycles: 2, speed: "2000")
      try rig.wait(for: "current", seconds: 20) { try !TruthComparison(rig).truth.isEmpty }
      #expect(try rig.nasim("fault", "--links", rig.links, "1", fault, "--seconds", "1").status == 0)
      try rig.wait(for: "the fault to be seen", seconds: 20) {
        try rig.sqlite("SELECT count(*) FROM event WHERE code = 'run.interrupted'") != "0"
      }
      #expect(try rig.waitForRun(states: ["completed", "held"], seconds: 120) == "completed")
      let comparison = try TruthComparison(rig)
      comparison.expectAgreement()
      #expect(comparison.stored.contains { $0.isDamaged })
    }
  }
}
