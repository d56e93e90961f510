// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation
import Testing

extension ProgramTests {
  /// A thermometer beside the cells: bound by a person, and then part of what a run may do.
  @Suite struct ObserverTests {
    /// Instruments, a thermometer in a chamber, and a daemon that knows both.
    private static func rig(count: Int, speed: String, chamber: [String]) throws -> LaboratoryRig {
      let rig = try LaboratoryRig()
      try rig.startBench(cell: "hard-carbon", count: count, speed: speed, extra: chamber)
      try rig.startDaemon(extra: [
        "--port", "line_thermometer:\(rig.links)/thermometer", "--observer-patience", "3", "--lease", "300",
      ])
      try rig.waitForChannels(count)
      try rig.wait(for: "the thermometer to measure", seconds: 10) {
        try thermometer(rig)?["state"] as? String == "measuring"
      }
      return rig
    }

    private static func thermometer(_ rig: LaboratoryRig) throws -> [String: Any]? {
      (try rig.nactl("observe", "--format", "json").json()["thermometers"] as? [[String: Any]])?.first
    }

    private static func write(
      _ steps: String, limit: String? = nil, to rig: LaboratoryRig, name: String = "observed.json"
    ) throws -> String {
      let plain = try TestProtocol.write(.hardCarbon, cycles: 1, to: rig.directory, name: "plain.json")
      let text = try String(contentsOfFile: plain, encoding: .utf8)
      let whole = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
      var changed = whole
      changed["steps"] = try JSONSerialization.jsonObject(with: Data("[\(steps)]".utf8))
      if let limit {
        var limits = try #require(whole["limits"] as? [String: Any])
        limits["temperature"] = try JSONSerialization.jsonObject(with: Data(limit.utf8))
        changed["limits"] = limits
      }
      let file = rig.directory.appendingPathComponent(name)
      try JSONSerialization.data(withJSONObject: changed).write(to: file)
      return file.path
    }

    private static let drive =
      #"{"discharge": "36 uA", "until": ["voltage <= 10 mV", "step_time >= 30 h"]}"#

    @Test func aRestWaitsForTheChamber() throws {
      let rig = try Self.rig(
        count: 1, speed: "1000",
        chamber: ["--thermometer", "60", "--thermometer-from", "25", "--thermometer-time", "1.5"]
      )
      let condition = "temperature >= 59 degC and temperature <= 61 degC"
      let file = try Self.write(
        #"{"rest": "30 h", "until": [{"when": "\#(condition)", "for": "10 min"}]}, "#
          + #"{"discharge": "360 uA", "until": ["voltage <= 10 mV", "step_time >= 5 min"]}"#, to: rig)
      // Without a bound thermometer it is refused, with the way out.
      let check = try rig.nactl("check", file)
      #expect(check.status == 0 && check.errors.contains("needs a thermometer"), "\(check)")
      #expect(check.output.contains("the channel needs a thermometer"))
      let unbound = try rig.nactl("check", file, "--channel", "ch1")
      #expect(unbound.status == 4 && unbound.errors.contains("no thermometer is bound to ch1"), "\(unbound)")
      let start = try rig.nactl("start", file)
      #expect(start.status != 0 && start.errors.contains("nactl observe ch1 THERMOMETER"), "\(start)")
      let stranger = try rig.nactl("observe", "ch1", "NATHERM0009")
      #expect(stranger.status != 0 && stranger.errors.contains("NATHERM0001"), "\(stranger)")
      #expect(try rig.sqlite("SELECT count(*) FROM run") == "0")

      let bound = try rig.nactl("observe", "ch1", "NATHERM0001")
      #expect(bound.status == 0 && bound.output == "NATHERM0001 observes ch1\n", "\(bound)")
      #expect(try rig.channel()["thermometer"] as? String == "NATHERM0001")
      #expect(try rig.nactl("check", file, "--channel", "ch1").status == 0)
      try rig.nasim("chamber", "25", "--links", rig.links)
      try rig.wait(for: "the chamber to cool", seconds: 15) {
        (try rig.channel()["temperature_degC"] as? Double).map { $0 < 45 } ?? false
      }
      #expect(try rig.nactl("start", file).status == 0)
      try rig.waitForRun(states: ["running"], seconds: 10)
      try rig.nasim("chamber", "60", "--links", rig.links)
      #expect(try rig.waitForRun(states: ["completed", "held", "ended"], seconds: 60) == "completed")
      let reason = try rig.sqlite("SELECT end_reason FROM step WHERE kind = 'rest'")
      #expect(reason == "\(condition) for 10 min")
      try expectTheWindow(rig)

      // A sensor that came off is no temperature, and says so.
      try rig.nasim("fault", "thermometer", "sensor-lost", "--seconds", "600", "--links", rig.links)
      try rig.wait(for: "the thermometer to be silent", seconds: 10) {
        try Self.thermometer(rig)?["state"] as? String == "silent"
      }
      #expect((try Self.thermometer(rig)?["trouble"] as? String ?? "").contains("disconnected"))
      #expect(try rig.sqlite("SELECT count(*) FROM event WHERE code = 'observer.sensor' AND channel_id = 1") == "1")
      #expect(try rig.nactl("start", file).status != 0)
      // A rehearsal has a temperature where somebody says it.
      let blind = try rig.nactl("check", file, "--simulate", "hard-carbon")
      #expect(blind.status != 0 && blind.errors.contains("--simulate-temperature"), "\(blind)")
      let warm = try rig.nactl("check", file, "--simulate", "hard-carbon", "--simulate-temperature", "60")
      #expect(warm.status == 0 && warm.output.contains("SIMULATED") && warm.output.contains("completed"), "\(warm)")
    }

    /// The rest ended in the window and not before, in the export as in the store.
    private func expectTheWindow(_ rig: LaboratoryRig) throws {
      let rows = try rig.nactl("export", "last", "--format", "csv").output.split(separator: "\n").map {
        $0.split(separator: ",", omittingEmptySubsequences: false)
      }
      let head = try #require(rows.first)
      let (kind, temperature) = (
        try #require(head.firstIndex(of: "step_kind")), try #require(head.firstIndex(of: "temperature_degC"))
      )
      let rest = rows.dropFirst().filter { $0[kind] == "rest" }.compactMap { Double($0[temperature]) }
      #expect(rest.count > 5 && (rest.first ?? 60) < 59, "\(rest)")
      #expect((59...61).contains(rest.last ?? 0), "\(rest.suffix(5))")
      let stored = try rig.sqlite(
        "SELECT count(*) FROM temperature_record JOIN step USING(step_id) WHERE temperature_mdegc IS NOT NULL")
      #expect((Int(stored) ?? 0) > 5)
      let tail = try rig.nactl("tail", "last", "--records", "-n", "1", "--no-follow", "--format", "ndjson")
      #expect(tail.output.contains("\"temperature_degC\":"), "\(tail.output)")
      #expect(try rig.nactl("show", "last").output.contains(" °C"))
    }

    @Test func whatIsTooHotOrSilentOpensTheCircuitOfWhoNeedsIt() throws {
      let rig = try Self.rig(
        count: 2, speed: "50",
        chamber: ["--thermometer", "60", "--thermometer-from", "60", "--thermometer-time", "0.2"])
      for channel in ["ch1", "ch2"] { #expect(try rig.nactl("observe", channel, "NATHERM0001").status == 0) }
      let limited = try Self.write(Self.drive, limit: #"{"max": "65 degC", "for": "5 s"}"#, to: rig)
      let free = try Self.write(Self.drive, to: rig, name: "free.json")
      #expect(try rig.nactl("start", limited, "--channels", "ch1").status == 0)
      #expect(try rig.nactl("start", free, "--channels", "ch2").status == 0)
      try rig.waitForRun("1", states: ["running"], seconds: 20)
      try rig.waitForRun("2", states: ["running"], seconds: 20)
      let inUse = try rig.nactl("observe", "ch1", "--none")
      #expect(inUse.status != 0 && inUse.errors.contains("run 1"), "\(inUse)")

      // The thermometer is unplugged.
      try rig.nasim("fault", "thermometer", "link-lost", "--seconds", "600", "--links", rig.links)
      try rig.waitForRun("1", states: ["held"], seconds: 20)
      #expect(try rig.sqlite("SELECT state_reason FROM run WHERE run_id = 1") == "observer.silent")
      #expect(try rig.sqlite("SELECT count(*) FROM latch") == "0")
      let circuits = try rig.nactl("channels", "--format", "json").json()["channels"] as? [[String: Any]] ?? []
      #expect(circuits.first?["circuit"] as? String == "open (confirmed)")
      #expect(circuits.last?["circuit"] as? String == "closed" && circuits.last?["run_state"] as? String == "running")
      let away = try rig.nactl("check", limited, "--channel", "ch1")
      #expect(away.status == 4 && away.errors.contains("has said nothing for"), "\(away)")

      // It comes back, also for another daemon, and is still bound.
      #expect(try rig.nactl("stop", "1").status == 0)
      try rig.nasim("fault", "thermometer", "link-lost", "--seconds", "0", "--links", rig.links)
      #expect(rig.stopDaemon() == 0)
      try rig.launchDaemon()
      try rig.waitForChannels(2)
      try rig.wait(for: "the thermometer to be back", seconds: 10) {
        try Self.thermometer(rig)?["state"] as? String == "measuring"
      }
      #expect(try Self.thermometer(rig)?["channels"] as? [String] == ["ch1", "ch2"])

      // And it gets too hot.
      #expect(try rig.nactl("start", limited, "--channels", "ch1").status == 0)
      try rig.waitForRun("3", states: ["running"], seconds: 20)
      try rig.nasim("chamber", "75", "--links", rig.links)
      try rig.waitForRun("3", states: ["held"], seconds: 20)
      #expect(try rig.sqlite("SELECT fault, run_id FROM latch") == "limit.temperature.high|3")
      #expect(try rig.sqlite("SELECT state FROM run WHERE run_id = 2") == "running")
      #expect(
        try rig.nactl("observe", "ch2", "--none").status == 0, "a run that does not need it keeps nobody from that")
    }

    @Test func aFamilyThatNobodyKnowsIsRefusedAtTheStart() throws {
      let rig = try LaboratoryRig()
      let refused = try LaboratoryRig.run(
        "nacyclerd", ["--state-directory", rig.state, "--socket", rig.socket, "--port", "thermometre:/dev/null"])
      #expect(refused.status == 64 && refused.errors.contains("line_thermometer"), "\(refused)")
    }
  }
}
