// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation
import Testing

extension CommandProgramTests {
  /// What leaves the laboratory: one run and many, and the same numbers again from what left.
  @Suite("Exports") struct ExportCommandTests {
    /// A formation with two currents and a rest in one half-cycle and a hold in the other, then life cycles.
    private static let steps = """
      {"rest": "20 s"},
      {"cycles": 1, "purpose": "formation", "label": "slow, \\"gentle\\" & 1 %", "steps": [
        {"discharge": "360 uA", "until": ["voltage <= 50 mV", "step_time >= 24 h"]},
        {"rest": "20 s"},
        {"discharge": "120 uA", "until": ["voltage <= 10 mV", "step_time >= 24 h"]},
        {"rest": "20 s"},
        {"charge": "360 uA", "to": "2.0 V", "hold_until": ["current <= 60 uA", "hold_time >= 30 min"],
         "until": ["step_time >= 24 h"]},
        {"rest": "20 s"}]},
      {"cycles": 2, "purpose": "life", "label": "life", "steps": [
        {"discharge": "360 uA", "until": ["voltage <= 10 mV", "step_time >= 12 h"]},
        {"rest": "20 s"},
        {"charge": "360 uA", "until": ["voltage >= 2.0 V", "step_time >= 12 h"]},
        {"rest": "20 s"}]},
      {"cycles": 1, "purpose": "life", "label": "held until somebody skips it", "steps": [
        {"discharge": "360 uA", "until": ["voltage <= 10 mV", "step_time >= 12 h"]},
        {"charge": "360 uA", "to": "2.0 V", "hold_until": ["hold_time >= 300 h"], "until": ["step_time >= 400 h"]}]},
      {"cycles": 2, "purpose": "life", "label": "life again", "steps": [
        {"discharge": "720 uA", "until": ["voltage <= 10 mV", "step_time >= 12 h"]},
        {"charge": "720 uA", "until": ["voltage >= 2.0 V", "step_time >= 12 h"]}]}
      """

    private static func protocolText(_ steps: String) -> String {
      """
      {"nacycler_protocol": 1, "title": "exports",
       "cell": {"role": "anode-half-cell", "active_mass": "1.2 mg", "expect_open_circuit": {"from": "-50 mV", "to": "3.3 V"}},
       "limits": {"voltage": {"min": "-50 mV", "max": "2.9 V", "for": "2 s"},
         "charge_current": {"max": "5 mA", "for": "1 s"}, "discharge_current": {"max": "5 mA", "for": "1 s"},
         "half_cycle_charge": {"max": "4 mAh"}, "empty_half_cycle": {"below": "1 uAh", "in_a_row": 5}},
       "record": {"every": "20 s", "on_voltage_change": "5 mV"},
       "metrics": {"sodiation_plateau_below": "100 mV", "desodiation_plateau_below": "200 mV",
         "plateau_ir_correction": "1 s",
         "retention_reference": "life cycle 1"},
       "on_interruption": {"resume_within": "30 min", "otherwise": "hold"},
       "steps": [\(steps)]}
      """
    }

    private func cycles(_ rig: LaboratoryRig) throws -> [Value] {
      try Value.read(try rig.nactl("cycles", "last", "--format", "json").output)["cycles"]?.list ?? []
    }

    /// A run that was paused on the way, and of whose fourth cycle a person has skipped the end.
    private func run(_ rig: LaboratoryRig) throws {
      let file = rig.directory.appendingPathComponent("exports.json")
      try Self.protocolText(Self.steps).write(to: file, atomically: true, encoding: .utf8)
      #expect(try rig.nactl("cell", "add", "HC/1", "--role", "anode-half-cell", "--batch", "b7").status == 0)
      #expect(try rig.nactl("cell", "mount", "ch1", "HC/1").status == 0)
      let start = try rig.nactl("start", file.path)
      try #require(start.status == 0, "\(start.errors)")
      // Any of them may come between two half-cycles.
      for _ in 1...3 {
        try rig.wait(for: "a pause on the way", seconds: 60) { try rig.nactl("pause", "last").status == 0 }
        try rig.waitForRun("1", states: ["paused"], seconds: 30)
        #expect(try rig.nactl("resume", "last").status == 0)
        try rig.waitForRun("1", states: ["running"], seconds: 30)
      }
      let held = """
        SELECT count(*) FROM step JOIN record USING(step_id)
        WHERE ended_test_time_us IS NULL AND cycle_number = 4 AND flags & 8192
        """
      try rig.wait(for: "the hold", seconds: 120) { try rig.sqlite(held) != "0" }
      #expect(try rig.nactl("skip", "last").status == 0)
      try rig.waitForRun("1", states: ["completed"], seconds: 180)
    }

    /// A value of JSON. Foundation's JSONSerialization rounds a number twice; this is the Double that was written.
    private enum Value: Decodable, Equatable {
      case null, flag(Bool), number(UInt64), text(String), list([Value]), object([String: Value])

      init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
          self = .null
        } else if let flag = try? container.decode(Bool.self) {
          self = .flag(flag)
        } else if let number = try? container.decode(Double.self) {
          self = .number(number.bitPattern)
        } else if let text = try? container.decode(String.self) {
          self = .text(text)
        } else if let list = try? container.decode([Value].self) {
          self = .list(list)
        } else {
          self = .object(try container.decode([String: Value].self))
        }
      }

      static func read(_ text: String) throws -> Value { try JSONDecoder().decode(Value.self, from: Data(text.utf8)) }
      static func double(_ value: Double) -> Value { .number(value.bitPattern) }

      subscript(key: String) -> Value? {
        if case .object(let members) = self { members[key] } else { nil }
      }
      var members: [String: Value] { if case .object(let members) = self { members } else { [:] } }
      var list: [Value] { if case .list(let list) = self { list } else { [] } }
      var double: Double? { if case .number(let bits) = self { Double(bitPattern: bits) } else { nil } }
    }

    /// Compares every key that both have; names differ by the case of their units.
    private func compare(_ found: Value, with live: Value, _ what: String) -> Int {
      var compared = 0
      for (key, expected) in live.members {
        guard let value = found[key.lowercased()] ?? found[key] else { continue }
        compared += 1
        #expect(value == expected, "\(what): \(key)")
      }
      return compared
    }

    @Test func whatIsExportedIsWhatTheRunHadToTheLastBit() throws {
      let rig = try LaboratoryRig()
      try rig.startBench(cell: "hard-carbon")
      try rig.startDaemon(extra: ["--lease", "300"])
      try rig.waitForChannels(1)
      try run(rig)
      let table = try Value.read(try rig.nactl("cycles", "last", "--format", "json").output)
      let live = try cycles(rig)
      let flags = live.flatMap { $0["flags"]?.list ?? [] }
      #expect(live.count == 6)
      for flag in ["truncated", "interrupted", "partial_start"] { #expect(flags.contains(.text(flag)), "\(flags)") }
      #expect(live.contains { $0["coulombic_efficiency"] == .null } && live.contains { $0["retention"]?.double != nil })
      for format in ["csv", "bdf"] {
        // The name says nothing: the columns do.
        let file = rig.directory.appendingPathComponent("any-\(format).txt").path
        #expect(try rig.nactl("export", "last", "--format", format, "-o", file).status == 0)
        let result = try LaboratoryRig.run("nactl", ["analyze", file, "--format", "json"])
        try #require(result.status == 0, "\(result.errors)")
        #expect(
          result.errors.contains("carries the stamps of run 1 of HC/1") && !result.errors.contains("data quality"))
        let json = try Value.read(result.output)
        let found = json["cycles"]?.list ?? []
        try #require(found.count == live.count)
        for (place, (one, other)) in zip(found, live).enumerated() {
          #expect(one["cycle"] == other["cycle_number"])
          let compared = compare(one, with: other, "\(format), cycle \(place + 1)")
          // All that the daemon says but the run, the cell and the number, which has another name.
          #expect(compared == other.members.count - 3, "only \(compared) keys are in both")
        }
        let corrected = found.compactMap { $0["sodiation_plateau_ir_corrected_ratio"]?.double }
        #expect(corrected.count >= 4, "\(found.map { $0["sodiation_plateau_ir_corrected_ratio"] })")
        #expect(json["summary"]?["initial_coulombic_efficiency"] == table["initial_coulombic_efficiency"])
        let summary = try #require(table["summary"])
        #expect(compare(try #require(json["summary"]), with: summary, "summary") == summary.members.count)
        try checkHalfCycles(json, rig, table)
        try checkOtherOptions(file, live, found)
      }
      // The fourth cycle was cut short, so nothing can be told by it.
      let again = try rig.nactl("recompute", "last", "--retention-reference", "life 3")
      #expect(
        again.status == 0
          && again.errors
            == "warning: no retention is told: life cycle 3 was cut short, or its charge is not known\n",
        "\(again.errors)")
    }

    /// The half-cycles are the stored ones.
    private func checkHalfCycles(_ json: Value, _ rig: LaboratoryRig, _ table: Value) throws {
      let halves = json["half_cycles"]?.list ?? []
      let stored = try rig.sqlite("SELECT charge_nc, energy_nj FROM half_cycle ORDER BY number").split(separator: "\n")
      try #require(halves.count == stored.count)
      for (half, line) in zip(halves, stored) {
        let numbers = line.split(separator: "|").compactMap { Double($0) }
        try #require(numbers.count == 2)
        #expect(
          half["capacity_ah"] == .double(numbers[0] / 3.6e12) && half["energy_wh"] == .double(numbers[1] / 3.6e12))
      }
      let live = table["half_cycles"]?.list ?? []
      try #require(halves.count == live.count)
      for (half, other) in zip(halves, live) {
        #expect(compare(half, with: other, "half-cycle") >= 3, "direction, gap_charge_ah and flags")
        #expect(half["capacity_ah"] == other["charge_Ah"] && half["plateau_capacity_ah"] == other["plateau_charge_Ah"])
        #expect(half["plateau_ir_corrected_capacity_ah"] == other["plateau_ir_corrected_charge_Ah"])
      }
      #expect(live.contains { $0["gap_charge_Ah"] == .double(0) }, "without a gap it is known to be zero")
    }

    /// Another threshold changes the plateaus alone; without the stamps half-cycles are found by the current.
    private func checkOtherOptions(_ file: String, _ live: [Value], _ found: [Value]) throws {
      let other = try LaboratoryRig.run(
        "nactl", ["analyze", file, "--format", "json", "--sodiation-plateau-below", "60 mV", "--reference-cycle", "3"])
      let changed = try Value.read(other.output)["cycles"]?.list ?? []
      try #require(changed.count == found.count, "\(other.errors)")
      for (one, before) in zip(changed, found) {
        for key in ["charge_capacity_ah", "coulombic_efficiency", "energy_efficiency", "desodiation_plateau_ratio"] {
          #expect(one[key] == before[key])
        }
        let ratio = before["sodiation_plateau_ratio"]
        #expect(ratio == .null || one["sodiation_plateau_ratio"] != ratio)
      }
      #expect(changed[1]["retention"] == .null && changed[2]["retention"] == .double(1))
      let ignoring = try LaboratoryRig.run(
        "nactl", ["analyze", file, "--format", "json", "--ignore-stamps", "--role", "anode-half-cell"])
      let guessed = try Value.read(ignoring.output)["cycles"]?.list ?? []
      #expect(!ignoring.errors.contains("stamps"))
      let first = try #require(guessed.first?["charge_capacity_ah"]?.double)
      let known = try #require(live.first?["charge_capacity_Ah"]?.double)
      #expect(abs(first / known - 1) < 1e-6)
      let needsRole = try LaboratoryRig.run("nactl", ["analyze", file, "--ignore-stamps"])
      #expect(needsRole.status == 64 && needsRole.errors.contains("analysis.no_order"))
      let saysTwice = try LaboratoryRig.run("nactl", ["analyze", file, "--pair", "charge-first"])
      #expect(saysTwice.status == 64 && saysTwice.errors.contains("analysis.stamped"), "\(saysTwice.errors)")
      let errors = try LaboratoryRig.run("nactl", ["analyze", file, "--current-gain-ppm", "100"])
      #expect(
        errors.status == 64 && errors.errors.contains("--current-gain-ppm")
          && errors.errors.contains("--ignore-stamps"),
        "\(errors.errors)")
      // Somebody says that the cell is formed already: its first cycle is the first after formation.
      let formed = try LaboratoryRig.run("nactl", ["analyze", file, "--format", "json", "--formation-cycles", "0"])
      #expect(
        try Value.read(formed.output)["summary"]?["first_coulombic_efficiency_after_formation"]
          == live.first?["coulombic_efficiency"], "\(formed.errors)")
      try checkContradiction(file)
    }

    /// A stamp that somebody has changed is told with its half-cycle.
    private func checkContradiction(_ file: String) throws {
      let text = try String(contentsOfFile: file, encoding: .utf8)
      let stamp = try #require(text.firstMatch(of: /half_cycle=2&[^ ,\n]*?&reverse_charge_nC=\d+/)).output
      let changed = file + ".changed"
      try text.replacing(stamp, with: stamp + "1", maxReplacements: 1).write(
        toFile: changed, atomically: true, encoding: .utf8)
      let result = try LaboratoryRig.run("nactl", ["analyze", changed])
      #expect(
        result.status == 0 && result.errors.contains("data quality: the stamp of half-cycle 2 (reverse charge)"),
        "\(result.errors)")
    }

    @Test func manyRunsGoIntoAFolderAndNothingIsOverwritten() throws {
      let rig = try LaboratoryRig()
      try rig.startBench(cell: "hard-carbon")
      try rig.startDaemon(extra: ["--lease", "300"])
      try rig.waitForChannels(1)
      let file = rig.directory.appendingPathComponent("short.json")
      try Self.protocolText(
        """
        {"cycles": 1, "purpose": "life", "label": "short", "steps": [{"discharge": "720 uA", "until": ["step_time >= 3 min", "voltage <= 10 mV"]},
          {"charge": "720 uA", "until": ["step_time >= 2 min", "voltage >= 2.8 V"]}]}
        """
      ).write(to: file, atomically: true, encoding: .utf8)
      #expect(try rig.nactl("cell", "add", "HC/1", "--role", "anode-half-cell", "--batch", "b7").status == 0)
      #expect(try rig.nactl("cell", "mount", "ch1", "HC/1").status == 0)
      for _ in 1...2 {
        let start = try rig.nactl("start", file.path, "--follow")
        try #require(start.status == 0, "\(start.errors)")
      }
      let folder = rig.directory.appendingPathComponent("out").path
      let deep = try rig.nactl("export", "HC*", "--format", "bdf", "--into", folder + "/deep/er")
      #expect(deep.status == 2 && deep.errors.contains("make it: mkdir -p \(folder)/deep"), "\(deep.errors)")
      let plain = try rig.nactl("export", "HC*", "--format", "bdf", "--into", file.path)
      #expect(plain.status == 2 && plain.errors.contains("file.no_folder"), "\(plain.errors)")
      let both = try rig.nactl("export", "HC?[0-9]", "--format", "bdf", "--into", folder, "--institution", "TU X")
      #expect(both.status == 0 && both.errors.contains("2 of 2 runs written"), "\(both.errors)")
      #expect(both.errors.contains("made the folder \(folder)\n"), "\(both.errors)")
      var files = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
      try #require(files.count == 4, "\(files)")
      let pattern = /TU-X__HC-1__\d{8}_00[12]\.bdf\.(csv|metadata\.json)/
      #expect(files.allSatisfy { $0.wholeMatch(of: pattern) != nil }, "\(files)")
      #expect(both.output.split(separator: "\n").count == 2 && both.output.contains(": run 2 of HC/1, "))
      let metadata = try #require(files.first { $0.hasSuffix("metadata.json") })
      let data = try Data(contentsOf: URL(fileURLWithPath: folder + "/" + metadata))
      let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
      #expect(object["file"] as? String == files[0] && object["definitions"] as? String == "1", "\(object)")
      #expect((object["cell"] as? [String: Any])?["batch"] as? String == "b7")

      // One of two exists: it is left as it is, the other is written, and the end tells.
      try FileManager.default.removeItem(atPath: folder + "/" + files[0])
      try FileManager.default.removeItem(atPath: folder + "/" + metadata)
      let left = folder + "/" + files[2]
      try "mine".write(toFile: left, atomically: true, encoding: .utf8)
      let again = try rig.nactl("export", "1", "2", "--format", "bdf", "--into", folder, "--institution", "TU X")
      #expect(again.status == 2 && again.errors.contains("file.exists") && again.errors.contains("1 of 2 runs written"))
      #expect(try String(contentsOfFile: left, encoding: .utf8) == "mine")
      #expect(FileManager.default.fileExists(atPath: folder + "/" + files[0]))
      let forced = try rig.nactl(
        "export", "--batch", "b7", "--since", "2020-01-01", "--format", "bdf", "--into", folder, "--institution",
        "TU X",
        "--force")
      #expect(forced.status == 0, "\(forced.errors)")
      #expect(try String(contentsOfFile: left, encoding: .utf8) != "mine")
      files = try FileManager.default.contentsOfDirectory(atPath: folder)
      #expect(files.count == 4 && !files.contains { $0.contains("partial") }, "\(files)")

      for arguments in [["HC-9*"], ["99"], ["--since", "2999-01-01"], ["--batch", "b8"]] {
        let none = try rig.nactl(["export"] + arguments + ["--format", "csv", "--into", folder])
        #expect(none.status == 1 && none.errors.contains("export.no_"), "\(arguments): \(none.errors)")
      }
      #expect(try rig.nactl("export", "HC/1", "--format", "csv").status == 64)
      #expect(try rig.nactl("export", "1", "2", "--format", "csv").status == 64)
      #expect(try rig.nactl("export", "1", "--since", "2026-02-30", "--format", "csv", "--into", folder).status == 64)
      try checkCycleTable(rig, folder)
    }

    /// The table of cycles says by which definitions, and its numbers read back to the daemon's.
    private func checkCycleTable(_ rig: LaboratoryRig, _ folder: String) throws {
      let shown = try rig.nactl("cycles", "2", "--format", "csv")
      let exported = try rig.nactl("export", "2", "--format", "cycles-csv")
      #expect(exported.status == 0 && exported.output == shown.output, "\(exported.errors)")
      let lines = shown.output.split(separator: "\n").map { $0.split(separator: ",", omittingEmptySubsequences: false) }
      try #require(lines.count == 2, "\(shown.output)")
      let row = Dictionary(uniqueKeysWithValues: zip(lines[0].map(String.init), lines[1].map(String.init)))
      #expect(row["definitions_version"] == "1" && row["run"] == "2" && row["cell"] == "HC/1")
      let json = try Value.read(try rig.nactl("cycles", "2", "--format", "json").output)
      #expect(json["definitions_version"] == .text("1"))
      var compared = 0
      for (key, value) in json["cycles"]?.list.first?.members ?? [:] {
        guard let number = value.double, let text = row[key] else { continue }
        #expect(Double(text)?.bitPattern == number.bitPattern, "\(key): \(text) for \(number)")
        compared += 1
      }
      #expect(compared >= 8)
      let day = try #require(
        FileManager.default.contentsOfDirectory(atPath: folder).first { $0.hasPrefix("TU-X") }
      ).split(separator: "_")[2]
      // A name that would be an option, and longer than a file system takes.
      let named = try rig.nactl(
        "export", "2", "--format", "bdf", "--into", folder, "--institution=-TU" + String(repeating: "X", count: 300))
      #expect(named.status == 0, "\(named.errors)")
      let names = try FileManager.default.contentsOfDirectory(atPath: folder)
      #expect(names.contains { $0.hasPrefix("TUX") && $0.hasSuffix("X__HC-1__\(day)_002.bdf.csv") }, "\(names)")
      #expect(try rig.nactl("export", "last", "--format", "cycles-csv", "--into", folder).status == 0)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).contains { $0.hasSuffix("_002.cycles.csv") })
    }
  }
}
