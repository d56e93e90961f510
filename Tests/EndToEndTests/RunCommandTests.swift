// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation
import Testing

extension ProgramTests {
  /// "Accepted" means that the run has taken the request; what would do nothing is refused and says why.
  @Suite struct RunCommandTests {
    /// One run under way whose half-cycles last for minutes, and one behind it.
    private func running() throws -> LaboratoryRig {
      let rig = try LaboratoryRig()
      try rig.startBench(cell: "hard-carbon", speed: "20")
      try rig.startDaemon(extra: ["--lease", "300"])
      try rig.waitForChannels(1)
      // A fresh cell that is paused after a moment of current relaxes to where it came from: that must be inside.
      var cell = TestProtocol.Cell.hardCarbon
      cell.window.1 = "2.8 V"
      let file = try TestProtocol.write(cell, cycles: 3, to: rig.directory)
      let start = try rig.nactl("start", file, file)
      #expect(start.status == 0, "\(start.errors)")
      try rig.waitForRun("1", states: ["running"], seconds: 40)
      return rig
    }

    private func expectRefused(_ result: CommandResult, _ code: String) {
      #expect(result.status == 1, "\(result.output)")
      #expect(result.errors.contains(code) && result.errors.contains("hint: "), "\(result.errors)")
    }

    @Test func whatCannotActIsRefusedAndLeavesNoTrace() throws {
      let rig = try running()
      #expect(
        try rig.nactl("show", "last", "--format", "json").json()["run"].map { ($0 as? [String: Any])?["run"] as? Int }
          == 1,
        "the run that waits behind it is not the last")
      expectRefused(try rig.nactl("resume", "1", "--reason", "in vain"), "run.not_resumable")
      for command in ["skip", "pause", "resume"] { expectRefused(try rig.nactl(command, "2"), "run.queued") }
      #expect(try rig.nactl("pause", "1", "--reason", "lunch").status == 0)
      try rig.waitForRun("1", states: ["paused"], seconds: 20)
      expectRefused(try rig.nactl("pause", "1", "--reason", "in vain"), "run.not_pausable")
      expectRefused(try rig.nactl("skip", "1", "--reason", "in vain"), "run.not_skippable")
      let reasons = try rig.sqlite("SELECT detail FROM event WHERE code = 'run.note'")
      #expect(reasons == "pause: lunch")
      #expect(try rig.nactl("stop", "2").status == 0)
      // A stop is not refused for the spelling of its reason.
      #expect(try rig.nactl("stop", "1", "--reason", "smells\u{1B}[2J").status == 0)
      try rig.waitForRun("1", states: ["stopped"], seconds: 20)
      #expect(try rig.sqlite("SELECT count(*) FROM event WHERE detail = 'stop: smells\u{FFFD}[2J'") == "1")
      for command in ["skip", "pause", "resume", "stop"] { expectRefused(try rig.nactl(command, "1"), "run.over") }
      #expect(try rig.sqlite("SELECT state FROM run WHERE run_id = 2") == "stopped")
    }

    @Test func aResumeRightAfterAPauseIsCarriedOut() throws {
      let rig = try running()
      for turn in 1...5 {
        let pause = try rig.nactl("pause", "1")
        #expect(pause.status == 0, "\(pause.errors)")
        let resume = try rig.nactl("resume", "1")
        #expect(resume.status == 0, "\(resume.errors)")
        try rig.waitForRun("1", states: ["running"], seconds: 40)
        #expect(try rig.sqlite("SELECT count(*) FROM event WHERE code = 'run.paused'") == "\(turn)")
        #expect(try rig.sqlite("SELECT count(*) FROM event WHERE code = 'run.resumed'") == "\(turn)")
      }
    }

    @Test func everyAcceptedSkipEndsAStep() throws {
      let rig = try running()
      var accepted = 0
      for _ in 0..<30 {
        let skip = try rig.nactl("skip", "1")
        if skip.status == 0 {
          accepted += 1
        } else {
          #expect(skip.errors.contains("run.not_skippable") || skip.errors.contains("run.over"), "\(skip.errors)")
        }
      }
      #expect(accepted > 0)
      try rig.wait(for: "every accepted skip", seconds: 20) {
        try rig.sqlite("SELECT count(*) FROM event WHERE code = 'run.step_skipped'") == "\(accepted)"
      }
    }

    @Test func aSkipThatNamesAStepNeverEndsAnother() throws {
      let rig = try running()
      let step = "SELECT max(step_count) FROM step WHERE run_id = 1"
      try rig.wait(for: "the first discharge", seconds: 40) { try rig.channel()["circuit"] as? String == "closed" }
      let first = try rig.sqlite(step)
      let wrong = try rig.nactl("skip", "1", "--step", "1")
      expectRefused(wrong, "run.not_skippable")
      #expect(wrong.errors.contains("--step \(first)"), "\(wrong.errors)")
      #expect(try rig.nactl("skip", "1", "--step", first).status == 0)
      try rig.wait(for: "the next step", seconds: 20) { try rig.sqlite(step) != first }
      // Asked again, it is the same wish and not another one.
      expectRefused(try rig.nactl("skip", "1", "--step", first), "run.not_skippable")
      #expect(try rig.sqlite("SELECT count(*) FROM event WHERE code = 'run.step_skipped'") == "1")
    }

    @Test func nothingAcceptedIsLostWhileTheInstrumentGoesAndComes() throws {
      let rig = try running()
      for turn in 1...4 {
        #expect(try rig.nasim("fault", "--links", rig.links, "1", "link-lost", "--seconds", "0.5").status == 0)
        // Somewhere between the port's thread, the laboratory and the port's thread again.
        if turn > 1 { poll(nil, 0, Int32(turn) * 150) }
        let pause = try rig.nactl("pause", "1")
        #expect(pause.status == 0, "\(pause.errors)")
        try rig.wait(for: "pause \(turn)", seconds: 20) {
          try rig.sqlite("SELECT count(*) FROM event WHERE code = 'run.paused'") == "\(turn)"
        }
        let resume = try rig.nactl("resume", "1")
        #expect(resume.status == 0, "\(resume.errors)")
        try rig.waitForRun("1", states: ["running"], seconds: 40)
      }
      #expect(try rig.nasim("fault", "--links", rig.links, "1", "link-lost", "--seconds", "0.5").status == 0)
      #expect(try rig.nactl("stop", "1").status == 0)
      try rig.waitForRun("1", states: ["stopped"], seconds: 20)
    }

    @Test func whoWaitsForARunInAScriptSeesThatItWasRefused() throws {
      let rig = try LaboratoryRig()
      try rig.startBench(cell: "hard-carbon")
      try rig.startDaemon()
      try rig.waitForChannels(1)
      var cell = TestProtocol.Cell.hardCarbon
      cell.open = ("0.1 V", "0.2 V")
      let file = try TestProtocol.write(cell, cycles: 1, to: rig.directory)
      let start = try rig.nactl("start", file, "--follow")
      #expect(start.status == 1 && start.errors.contains("preflight.outside_window"), "\(start.errors)")
      cell.open = TestProtocol.Cell.hardCarbon.open
      let right = try TestProtocol.write(cell, cycles: 1, to: rig.directory, every: "10 s")
      let done = try rig.nactl("start", right, "--follow")
      #expect(done.status == 0, "\(done.errors)")
    }

    @Test func whoStopsARunHearsThatItsQueueEnds() throws {
      let rig = try running()
      let stop = try rig.nactl("stop", "1")
      #expect(stop.status == 0 && (stop.output + stop.errors).contains("with it ends its queue: run 2"), "\(stop)")
      try rig.waitForRun("2", states: ["stopped"], seconds: 20)
      let events = try rig.sqlite("SELECT detail FROM event WHERE run_id = 2 AND severity = 1")
      #expect(events == "taken out of the queue: run 1 before it was not completed")
    }

    @Test func newChannelsAreNumberedByTheirPorts() throws {
      let rig = try LaboratoryRig()
      try rig.startBench(cell: "hard-carbon", count: 12)
      // One that never answers.
      #expect(try rig.nasim("fault", "--links", rig.links, "5", "link-lost", "--seconds", "600").status == 0)
      try rig.startDaemon()
      try rig.waitForChannels(11)
      let list = try rig.nactl("channels", "--format", "json").json()["channels"] as? [[String: Any]] ?? []
      func name(_ channel: [String: Any]) -> String {
        channel["channel"] as? String ?? channel["name"] as? String ?? ""
      }
      let byName = list.sorted { name($0).compare(name($1), options: .numeric) == .orderedAscending }
      #expect(byName.first.map(name) == "ch1")
      let ports = byName.compactMap { $0["port"] as? String }
      #expect(ports.count == 11)
      #expect(ports == ports.sorted { $0.compare($1, options: .numeric) == .orderedAscending })
    }

    @Test func portsThatCannotBeUsedAreShownWithReasonAndHint() throws {
      let rig = try LaboratoryRig()
      try rig.startBench(cell: "hard-carbon", count: 2)
      let junk = rig.directory.appendingPathComponent("junk")
      try FileManager.default.createDirectory(
        at: junk.appendingPathComponent("folder"), withIntermediateDirectories: true)
      try Data("a text".utf8).write(to: junk.appendingPathComponent("text"))
      let names = try FileManager.default.contentsOfDirectory(atPath: rig.links).filter { $0.hasSuffix("-2") }
      let taken = rig.links + "/" + (try #require(names.first))
      // Another program that keeps to the rule.
      let descriptor = open(taken, O_RDWR | O_NOCTTY | O_NONBLOCK)
      try #require(descriptor >= 0 && flock(descriptor, LOCK_EX | LOCK_NB) == 0)
      defer { close(descriptor) }
      try rig.startDaemon(extra: ["--port", junk.path + "/*"])
      try rig.waitForChannels(1)
      var list: [String: Any] = [:]
      try rig.wait(for: "three ports of no use", seconds: 20) {
        list = try rig.nactl("channels", "--format", "json").json()
        return (list["unusable_ports"] as? [Any])?.count == 3
      }
      let ports = try #require(list["unusable_ports"] as? [[String: String]])
      let codes = Dictionary(uniqueKeysWithValues: ports.map { ($0["port"] ?? "", $0["code"] ?? "") })
      #expect(
        codes == [
          junk.path + "/folder": "port.unusable", junk.path + "/text": "port.unusable", taken: "link.busy",
        ])
      #expect(ports.allSatisfy { $0["hint"]?.isEmpty == false && $0["message"]?.contains($0["port"] ?? "-") == true })
      let shown = try rig.nactl("channels").output
      #expect(shown.contains("\(junk.path)/text cannot be used: port.unusable") && shown.contains("hint: "))
      #expect(try String(contentsOf: junk.appendingPathComponent("text"), encoding: .utf8) == "a text")
      // What becomes usable is used, and no longer complained of.
      close(descriptor)
      try rig.waitForChannels(2)
      try FileManager.default.removeItem(at: junk.appendingPathComponent("text"))
      try rig.wait(for: "one port of no use", seconds: 20) {
        list = try rig.nactl("channels", "--format", "json").json()
        return (list["unusable_ports"] as? [Any])?.count == 1
      }
    }
  }
}
