// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation
import Testing

extension LaboratoryRig {
  /// The stored half-cycles and cycles of a run are what its records come to, to the last digit, and no stamp of an export
  /// contradicts them.
  func expectRecount(of run: String = "last") throws {
    let again = try nactl("recompute", run)
    #expect(again.status == 0, "\(again.output)\(again.errors)")
    #expect(again.output.hasSuffix("as they are stored, to the last digit\n"), "\(again.output)")
    let file = directory.appendingPathComponent("recounted.csv").path
    let export = try nactl("export", run, "--format", "csv", "-o", file, "--force")
    #expect(export.status == 0, "\(export.errors)")
    let found = try LaboratoryRig.run("nactl", ["analyze", file, "--format", "csv"])
    #expect(found.status == 0 && !found.errors.contains("data quality"), "\(found.errors)")
  }
}

extension CommandProgramTests {
  /// Cycles that are computed again by the daemon, beside the run's own.
  @Suite struct RecomputeCommandTests {
    private static let steps = """
      {"cycles": 2, "purpose": "formation", "label": "formation", "steps": [
        {"discharge": "720 uA", "until": ["voltage <= 10 mV", "step_time >= 10 min"]}, {"rest": "1 min"},
        {"discharge": "360 uA", "to": "10 mV", "hold_until": ["current <= 100 uA", "hold_time >= 1 h"],
         "until": ["step_time >= 30 h"]},
        {"rest": "1 min"}, {"charge": "360 uA", "until": ["voltage >= 2.0 V", "step_time >= 30 h"]}, {"rest": "1 min"}]},
      {"cycles": CYCLES, "purpose": "life", "label": "life", "steps": [
        {"discharge": "720 uA", "until": ["voltage <= 10 mV", "step_time >= 30 h"]}, {"rest": "1 min"},
        {"charge": "720 uA", "until": ["voltage >= 2.0 V", "step_time >= 30 h"]}, {"rest": "1 min"}]}
      """

    private func start(cycles: Int, speed: String = "max") throws -> LaboratoryRig {
      let rig = try LaboratoryRig()
      try rig.startBench(cell: "hard-carbon", speed: speed)
      try rig.startDaemon()
      try rig.waitForChannels(1)
      let file = try TestProtocol.write(.hardCarbon, cycles: 1, to: rig.directory, every: "20 s")
      var text = try String(contentsOfFile: file, encoding: .utf8)
      let begin = try #require(text.range(of: "{\"cycles\": 1,")).lowerBound
      text.replaceSubrange(begin..., with: Self.steps.replacing("CYCLES", with: "\(cycles)") + "]}")
      text = text.replacing(
        "\"steps\": [\n", with: "\"metrics\": {\"retention_reference\": \"life cycle 1\"}, \"steps\": [\n",
        maxReplacements: 1)
      try text.write(toFile: file, atomically: true, encoding: .utf8)
      let start = try rig.nactl("start", file, "--mass", "1.2 mg")
      try #require(start.status == 0, "\(start.errors)")
      return rig
    }

    private static let own = "SELECT * FROM cycle JOIN run USING(run_id, parameter_set_id) ORDER BY cycle_number"

    @Test func aRunHasCyclesUnderSeveralParametersSideBySide() throws {
      let rig = try start(cycles: 3)
      #expect(try rig.waitForRun(states: ["completed", "held", "ended"], seconds: 60) == "completed")
      let tables = ["record", "half_cycle", "step", "event"].map { "SELECT * FROM \($0)" } + [Self.own]
      let before = try tables.map { try rig.sqlite($0) }
      try rig.expectRecount()
      #expect(try rig.sqlite("SELECT count(*) FROM parameter_set") == "1")

      // Only what capacities are divided by: every number is the run's own.
      let mass = try rig.nactl("recompute", "last", "--mass", "2.4 mg")
      #expect(
        mass.output.hasPrefix("parameter set 2: 5 cycles of run 1, which are as the run's own;"), "\(mass.output)")
      let specific = try rig.nactl("cycles", "last", "--format", "json", "--parameters", "2").json()
      let usual = try rig.nactl("cycles", "last", "--format", "json").json()
      #expect(specific["active_mass_ug"] as? Int == 2_400 && usual["active_mass_ug"] as? Int == 1_200)
      #expect(specific["cycles"] as? NSArray == usual["cycles"] as? NSArray)
      let halved = try rig.nactl("cycles", "1", "--parameters", "2", "--units", "mAh/g")
      #expect(halved.status == 0 && halved.output.contains("CHARGE mAh/g"), "\(halved.errors)")
      #expect(
        halved.errors
          == "note: capacities are over 2.400 mg, as parameter set 2 says; the run was started with 1.200 mg\n")
      #expect(specific["active_mass_source"] as? String == "parameter_set")
      #expect(usual["active_mass_source"] as? String == "cell" && usual["area_source"] is NSNull)

      let other = try rig.nactl(
        "recompute", "last", "--sodiation-plateau-below", "50 mV", "--desodiation-plateau-below", "0.5 V",
        "--retention-reference", "formation 1", "--label", "like the paper")
      #expect(other.output == "parameter set 3: 5 cycles of run 1; nactl cycles 1 --parameters 3\n", "\(other.errors)")
      #expect(!other.errors.contains("is its unit right?"), "\(other.errors)")
      try expectOtherPlateaus(rig)
      try expectParametersSaid(rig)
      try expectSetsByLabel(rig)
      let list = try rig.nactl("recompute", "last", "--list", "--format", "json").json()
      let sets = try #require(list["parameter_sets"] as? [[String: Any]])
      #expect(sets.map { $0["is_own"] as? Bool } == [true, false, false])
      let third = try #require(sets.last)
      #expect(third["label"] as? String == "like the paper" && third["computed_by"] as? String == NSUserName())
      #expect(third["sodiation_plateau_below_V"] as? Double == 0.05)
      #expect(third["retention_reference"] as? String == "formation cycle 1")
      #expect(third["records"] as? Int ?? 0 > 100 && third["program_version"] is String)
      let shown = try rig.nactl("recompute", "last", "--show", "3")
      #expect(shown.output.contains("desodiation_plateau_below_V  0.5\n"), "\(shown.output)")
      let slip = try rig.nactl("recompute", "last", "--sodiation-plateau-below", "50 V")
      #expect(
        slip.errors.contains("warning: sodiation_plateau_below 50 V lies above the run's highest voltage"),
        "\(slip.errors)")
      #expect(try tables.map { try rig.sqlite($0) } == before, "nothing that the run said has changed")
    }

    private func expectOtherPlateaus(_ rig: LaboratoryRig) throws {
      let differing = try rig.sqlite(
        """
        SELECT count(*), sum(n.sodiation_plateau_capacity_ah < o.sodiation_plateau_capacity_ah), \
        sum(o.desodiation_plateau_capacity_ah IS NULL AND n.desodiation_plateau_capacity_ah > 0), \
        sum(n.coulombic_efficiency = o.coulombic_efficiency), sum(n.charge_capacity_ah = o.charge_capacity_ah) \
        FROM cycle o JOIN cycle n USING(run_id, cycle_number) WHERE o.parameter_set_id = 1 AND n.parameter_set_id = 3
        """)
      #expect(differing == "5|5|5|5|5")
      #expect(try rig.sqlite("SELECT retention FROM cycle WHERE parameter_set_id = 3 AND cycle_number = 1") == "1.0")
      #expect(
        try rig.sqlite("SELECT retention IS NULL FROM cycle WHERE parameter_set_id = 1 AND cycle_number = 1") == "1")
    }

    /// No plateau is shown or exported without the threshold that made it.
    private func expectParametersSaid(_ rig: LaboratoryRig) throws {
      func rows(_ arguments: String...) throws -> [[String: String]] {
        let result = try rig.nactl(arguments)
        let lines = result.output.split(separator: "\n").map {
          $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
        try #require(lines.count > 1, "\(arguments): \(result.errors)")
        // Those who count columns find the others where they were; what units ask for stands behind.
        let known = try #require(lines[0].firstIndex(of: "definitions_version") ?? lines[0].firstIndex(of: "flags"))
        #expect(
          lines[0].dropFirst(known + 1).prefix(4) == [
            "parameter_set", "sodiation_plateau_below_V", "desodiation_plateau_below_V", "retention_reference",
          ])
        return lines.dropFirst().map { Dictionary(uniqueKeysWithValues: zip(lines[0], $0)) }
      }
      let own = ["1", "0.1", "", "life cycle 1"]
      let other = ["3", "0.05", "0.5", "formation cycle 1"]
      func parameters(_ row: [String: String]) -> [String?] {
        [
          row["parameter_set"], row["sodiation_plateau_below_V"], row["desodiation_plateau_below_V"],
          row["retention_reference"],
        ]
      }
      #expect(try rows("cycles", "1", "--format", "csv").map(parameters) == Array(repeating: own, count: 5))
      #expect(
        try rows("cycles", "1", "--format", "csv", "--parameters", "3", "--units", "mAh/g").map(parameters)
          == Array(repeating: other, count: 5))
      #expect(try rows("cycles", "1", "--format", "csv", "--half-cycles").allSatisfy { parameters($0) == own })
      #expect(
        try rows("export", "1", "--format", "cycles-csv", "--parameters", "like the paper").map(parameters)
          == Array(repeating: other, count: 5))
      let json = try rig.nactl("cycles", "1", "--format", "json", "--parameters", "3").json()
      #expect(json["parameter_set"] as? Int == 3 && json["parameter_set_label"] as? String == "like the paper")
      #expect(json["parameter_set_is_own"] as? Bool == false)
      #expect(json["sodiation_plateau_below_V"] as? Double == 0.05)
      #expect(json["desodiation_plateau_below_V"] as? Double == 0.5)
      #expect(json["retention_reference"] as? String == "formation cycle 1")
      let usual = try rig.nactl("cycles", "1", "--format", "json").json()
      #expect(usual["parameter_set"] as? Int == 1 && usual["parameter_set_label"] is NSNull)
      #expect(usual["sodiation_plateau_below_V"] as? Double == 0.1 && usual["retention_threshold"] as? Double == 0.8)
      let head = "plateau: sodiation below 100 mV; retention of life cycle 1\n\n"
      for arguments in [["cycles", "1"], ["cycles", "1", "--half-cycles"], ["cycles", "1", "--plot"]] {
        #expect(try rig.nactl(arguments).output.hasPrefix(head), "\(arguments)")
      }
      #expect(
        try rig.nactl("cycles", "1", "--parameters", "3").output.hasPrefix(
          "plateau: sodiation below 50 mV, desodiation below 500 mV; retention of formation cycle 1; "
            + "set 3 “like the paper”\n\n"))
    }

    /// A label stays where a number does not, and names a set wherever a number does.
    private func expectSetsByLabel(_ rig: LaboratoryRig) throws {
      for arguments in [["cycles", "1", "--parameters"], ["recompute", "1", "--show"]] {
        #expect(
          try rig.nactl(arguments + ["like the paper"]).output == rig.nactl(arguments + ["3"]).output, "\(arguments)")
        let none = try rig.nactl(arguments + ["like another"])
        #expect(none.status == 1 && none.errors.contains("under parameter set “like another”\n"), "\(none.errors)")
        #expect(
          none.errors.hasSuffix("`nactl recompute 1 --sodiation-plateau-below \"50 mV\"` makes one\n"), "\(none.errors)"
        )
        #expect(try rig.nactl(arguments + [""]).status == 64)
      }
      let plain = try rig.nactl("compare", "1", "--format", "json").json()
      let set = try rig.nactl("compare", "1", "--format", "json", "--parameters", "like the paper").json()
      func first(_ comparison: [String: Any], _ key: String) throws -> [String: Any] {
        try #require((comparison[key] as? [[String: Any]])?.first)
      }
      #expect(try first(plain, "cells")["sodiation_plateau_below_V"] as? Double == 0.1)
      #expect(try first(set, "cells")["sodiation_plateau_below_V"] as? Double == 0.05)
      #expect(try first(set, "cells")["parameter_sets"] as? [Int] == [3])
      for (comparison, number) in [(plain, 1), (set, 3)] {
        let stored = Double(
          try rig.sqlite(
            "SELECT sodiation_plateau_ratio FROM cycle WHERE parameter_set_id = \(number) AND cycle_number = 1"))
        let ratio = try #require(try first(comparison, "rows")["sodiation_plateau_ratio"] as? [String: Any])
        let mean = try #require(ratio["mean"] as? Double)
        #expect(abs(mean / (try #require(stored)) - 1) < 1e-12)
      }
      // Twice the mass: half of everything over it.
      let heavy = try rig.nactl("compare", "1", "--format", "json", "--parameters", "2").json()
      #expect(try first(heavy, "cells")["active_mass_ug"] as? Int == 2_400)
      let lacking = try rig.nactl("compare", "1", "--parameters", "9")
      #expect(
        lacking.status == 1
          && lacking.errors.hasPrefix("recompute.no_such_set: run 1 of cell "), "\(lacking.errors)")
      let records = try rig.nactl("export", "1", "--format", "csv", "--parameters", "3")
      #expect(records.status == 64 && records.errors.contains("--parameters belongs to --format cycles-csv"))
    }

    @Test func aRunThatGoesOnIsComputedAsFarAsItIsClosed() throws {
      let rig = try start(cycles: 100_000, speed: "20000")
      func closed() throws -> Int {
        if try rig.sqlite("SELECT state FROM run") == "held" { _ = try rig.nactl("resume", "last") }
        return Int(try rig.sqlite("SELECT count(*) FROM cycle WHERE parameter_set_id = 1")) ?? 0
      }
      try rig.wait(for: "three cycles", seconds: 60) { try closed() >= 3 }
      let first = try rig.nactl("recompute", "last")
      #expect(first.output.hasSuffix("to the last digit\n"), "\(first.output)")
      #expect(first.errors == "warning: run 1 goes on: only the cycles that are closed now were computed\n")
      #expect(try rig.nactl("recompute", "last", "--sodiation-plateau-below", "none").status == 0)
      let early = try rig.sqlite("SELECT cycles, last_step_id FROM recount").split(separator: "|").compactMap {
        Int($0)
      }
      try rig.wait(for: "a cycle more", seconds: 60) { try closed() > early[0] }
      #expect(try rig.nactl("recompute", "last", "--sodiation-plateau-below", "none").status == 0)
      let late = try rig.sqlite("SELECT cycles, last_step_id FROM recount").split(separator: "|").compactMap { Int($0) }
      #expect(early.count == 2 && late.count == 2 && late[0] > early[0] && late[1] > early[1])
      #expect(try rig.sqlite("SELECT count(*) FROM cycle WHERE parameter_set_id = 2") == "\(late[0])")
      // What was touched while it went on is what a run that is over says.
      #expect(try rig.nactl("stop", "last").status == 0)
      try rig.waitForRun(states: ["stopped"], seconds: 30)
      try rig.expectRecount()
    }

    @Test func whatCannotBeComputedIsRefused() throws {
      let rig = try start(cycles: 1)
      try rig.waitForRun(states: ["completed", "held", "ended"], seconds: 60)
      func expect(_ code: String, _ arguments: String..., exit: Int32 = 1) throws {
        let result = try rig.nactl(["recompute"] + arguments)
        #expect(result.status == exit && (result.errors.contains(code)), "\(arguments) \(result.errors)")
      }
      try expect("run.not_found", "99")
      try expect("recompute.no_such_set", "last", "--show", "7")
      try expect("is no voltage", "last", "--sodiation-plateau-below", "100", exit: 64)
      try expect("is no cycle", "last", "--retention-reference", "ageing 1", exit: 64)
      try expect("two questions", "last", "--list", "--show", "1", exit: 64)
      try expect("compute nothing", "last", "--list", "--mass", "1 mg", exit: 64)
      try expect("recompute.bad_parameter", "last", "--sodiation-plateau-below", "200 V")
      // A reference that is nowhere would leave every retention unknown.
      try expect(
        "recompute.no_such_cycle: life cycle 2 is not among the cycles of run 1", "last", "--retention-reference",
        "life 2")
      try expect("there are formation cycle 1 to 2, life cycle 1", "last", "--retention-reference", "rate 1")
      #expect(try rig.nactl("cycles", "last", "--parameters", "9").errors.contains("recompute.no_such_set"))
      #expect(try rig.sqlite("SELECT count(*) FROM parameter_set") == "1")
    }
  }
}
