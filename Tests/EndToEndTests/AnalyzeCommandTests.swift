// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation
import Testing

extension CommandProgramTests {
  @Suite("Analysing files") struct AnalyzeCommandTests {
    private static let folder = LaboratoryRig.repository.appendingPathComponent("../shared/data")
    private static let hasData = FileManager.default.fileExists(atPath: folder.path)

    private func nactl(_ arguments: String...) throws -> CommandResult { try LaboratoryRig.run("nactl", arguments) }

    private func cycles(_ json: [String: Any]) throws -> [[String: Any]] {
      try #require(json["cycles"] as? [[String: Any]])
    }

    private func write(_ text: String, as name: String, in rig: LaboratoryRig) throws -> String {
      let file = rig.directory.appendingPathComponent(name)
      try text.write(to: file, atomically: true, encoding: .utf8)
      return file.path
    }

    /// Two half-cycles of 1 and 0.95 mAh.
    private static let table = """
      time_s,current_A,voltage_V,step_index,step_time_s
      0,0.001,2,1,0
      3600,0.001,4,1,3600
      3600,-0.001,3.9,2,0
      7020,-0.001,2,2,3420

      """

    /// What was counted live is what an analysis of the run's export finds, to the last nanocoulomb.
    @Test func anExportedRunHasTheCyclesThatItHadLive() throws {
      let rig = try LaboratoryRig()
      try rig.startBench(cell: "hard-carbon")
      try rig.startDaemon(extra: ["--lease", "300"])
      try rig.waitForChannels(1)
      let demonstration = LaboratoryRig.repository.appendingPathComponent("Protocols/demo-hard-carbon.json")
      var text = try String(contentsOf: demonstration, encoding: .utf8)
      for (long, short) in [
        ("\"cycles\": 2", "\"cycles\": 1"), ("\"cycles\": 3", "\"cycles\": 1"),
        ("\"$schema\": \"protocol.schema.json\",", ""),
        ("\"every\": \"30 s\"", "\"every\": \"30 s\", \"read_every\": \"1 s\""),
      ] {
        text = text.replacingOccurrences(of: long, with: short)
      }
      let file = try write(text, as: "short.json", in: rig)
      #expect(try rig.nactl("start", file, "--follow").status == 0)
      let live = try cycles(try rig.nactl("cycles", "last", "--format", "json").json())
      #expect(live.count == 2)
      for format in ["bdf", "csv"] {
        let file = rig.directory.appendingPathComponent("run.\(format)").path
        #expect(try rig.nactl("export", "last", "--format", format, "-o", file).status == 0)
        let result = try nactl(
          "analyze", file, "--role", "anode-half-cell", "--formation-cycles", "1", "--format", "json")
        try #require(result.status == 0, "\(result.errors)")
        let table = try nactl("analyze", file).output
        #expect(table.hasPrefix("plateau: sodiation below 100 mV (as in its run)"), "\(table.prefix(200))")
        let json = try result.json()
        let found = try cycles(json)
        #expect(json["charge_source"] as? String == "counter" && found.count == live.count)
        for (one, other) in zip(found, live) {
          for (key, liveKey) in [
            ("charge_capacity_ah", "charge_capacity_Ah"), ("discharge_capacity_ah", "discharge_capacity_Ah"),
            ("coulombic_efficiency", "coulombic_efficiency"), ("retention", "retention"),
            ("sodiation_plateau_capacity_ah", "sodiation_plateau_capacity_Ah"),
            ("sodiation_plateau_ratio", "sodiation_plateau_ratio"),
            ("conditions_group", "conditions_group"), ("group_retention", "group_retention"),
            ("coulombic_efficiency_product", "coulombic_efficiency_product"),
            ("sodiation_plateau_retention", "sodiation_plateau_retention"),
          ] {
            guard let expected = other[liveKey] as? Double else { continue }
            let value = try #require(one[key] as? Double, "\(key) in \(format)")
            #expect(abs(value - expected) <= 2e-9 * abs(expected), "\(key) in \(format): \(value) for \(expected)")
          }
          #expect(one["comparable"] as? Bool == other["comparable"] as? Bool)
          for end in ["charge", "discharge"] {
            let live = other["\(end)_end_slippage_Ah"] as? Double
            let found = one["\(end)_end_slippage_ah"] as? Double
            #expect((live == nil) == (found == nil))
            // To the digits of the export.
            #expect(abs((live ?? 0) - (found ?? 0)) < 2e-12, "\(end) in \(format)")
          }
        }
      }
    }

    @Test(
      .enabled(if: hasData, "the reference data are not beside the repository"),
      arguments: [
        ("hc_half_parasitic_2uA", "anode-half-cell", 0.8635419815),
        ("li_aurora_cccv_partialstart", "full-cell", 8.178987912),
        ("na_nacoo2_c24", "cathode-half-cell", 0.8647223183),
      ]) func measuredData(set: String, role: String, initial: Double) throws
    {
      let path = Self.folder.appendingPathComponent("\(set)/data.csv").path
      let result = try nactl("analyze", path, "--role", role, "--format", "json")
      try #require(result.status == 0, "\(result.errors)")
      let summary = try #require(try result.json()["summary"] as? [String: Any])
      let efficiency = try #require(summary["initial_coulombic_efficiency"] as? Double)
      #expect(abs(efficiency / initial - 1) < 1e-8)
      let hasStepTimes = set.hasPrefix("li_aurora")
      #expect(result.errors.components(separatedBy: "no step times").count == (hasStepTimes ? 1 : 2))
      let notes = try #require(try result.json()["notes"] as? [String])
      #expect(notes.count { $0.contains("no step times") } == (hasStepTimes ? 0 : 1))
    }

    @Test(.enabled(if: hasData, "the reference data are not beside the repository"))
    func aReservoirTestIsDeclared() throws {
      let path = Self.folder.appendingPathComponent("na_cu_reservoir_eta0995/data.csv").path
      let result = try nactl(
        "analyze", path, "--role", "plating-stripping", "--test", "reservoir", "--reservoir-cycles", "10", "--format",
        "json")
      let summary = try #require(try result.json()["summary"] as? [String: Any])
      let efficiency = try #require(summary["reservoir_coulombic_efficiency"] as? Double, "\(result.errors)")
      #expect(abs(efficiency - 0.995) < 1e-12)
      let table = try nactl(
        "analyze", path, "--role", "plating-stripping", "--test", "reservoir", "--reservoir-cycles", "10")
      #expect(table.output.contains("PLATING CE  99.500 %"), "\(table.output)")
    }

    /// A table that was cut from the right one or read by the wrong sign: the number stays, the doubt stands beside it.
    @Test func doubtsStandBesideTheNumbers() throws {
      let rig = try LaboratoryRig()
      let text =
        "time_s,current_A,voltage_V,step_index,step_time_s\n0,-0.001,4,1,0\n3600,-0.001,2,1,3600\n"
        + "3600,0.001,2.1,2,0\n7020,0.001,4,2,3420\n"
      let file = try write(text, as: "cell.csv", in: rig)
      let wrong = try nactl("analyze", file, "--role", "full-cell", "--pair", "discharge-first", "--invert-current")
      #expect(wrong.status == 0 && wrong.errors.contains("--invert-current"), "\(wrong.errors)")
      let right = try nactl("analyze", file, "--role", "full-cell", "--pair", "discharge-first")
      #expect(right.status == 0 && !right.errors.contains("--invert-current"), "\(right.errors)")
      #expect(right.output.contains("ICE         95.000 %\n"), "\(right.output)")
      #expect(right.output.contains("RETENTION   –  (no complete cycle follows cycle 1"), "\(right.output)")
      let more = try nactl("analyze", file, "--role", "full-cell", "--pair", "charge-first", "--invert-current")
      #expect(more.output.contains("ICE         95.000 % (is the sign of the current inverted?)\n"), "\(more.output)")
      let json = try nactl(
        "analyze", file, "--role", "full-cell", "--pair", "charge-first", "--invert-current", "--format", "json"
      ).json()
      #expect((json["notes"] as? [String])?.contains { $0.contains("--invert-current") } == true)
      let slip = try nactl(
        "analyze", file, "--pair", "discharge-first", "--sodiation-plateau-below", "100")
      #expect(slip.status == 0 && slip.errors.contains("100 V lies above the highest voltage, 4.0 V"), "\(slip.errors)")
    }

    @Test func tablesForPeopleAndPrograms() throws {
      let rig = try LaboratoryRig()
      let file = try write(Self.table, as: "cell.csv", in: rig)
      let table = try nactl("analyze", file, "--role", "full-cell", "--mass", "2 mg", "--units", "mAh/g")
      #expect(
        table.status == 0 && table.output.contains("    1        500.00           475.00  95.0000"), "\(table.output)")
      let csv = try nactl(
        "analyze", file, "--pair", "charge-first", "--format", "csv", "--area", "1 cm2", "--nominal", "1 mAh")
      let lines = csv.output.split(separator: "\n").map { $0.split(separator: ",", omittingEmptySubsequences: false) }
      try #require(lines.count == 2, "\(csv.output)")
      let cycle = Dictionary(uniqueKeysWithValues: zip(lines[0].map(String.init), lines[1].map(String.init)))
      #expect(cycle["charge_capacity_ah"] == "0.001" && cycle["coulombic_efficiency"] == "0.95")
      #expect(
        cycle["charge_capacity_mah_cm2"] == "1" && cycle["discharge_rate_c"] == "1" && cycle["flags"] == "complete")
      #expect(cycle["sodiation_plateau_ratio"] == "" && cycle["sodiation_plateau_below_v"] == "")
      #expect(!table.output.contains("plateau:"), "a full cell has none")
      try expectThresholds(file)
      let piped = try LaboratoryRig.system(
        "bash", "-c",
        "cat '\(file)' | '\(try LaboratoryRig.programs.appendingPathComponent("nactl").path)' analyze - --role full-cell"
      )
      #expect(piped.status == 0 && piped.output.contains("95.0000"), "\(piped.errors)")
    }

    /// A threshold that nobody has said is told to be assumed.
    private func expectThresholds(_ file: String) throws {
      let assumed = try nactl("analyze", file, "--role", "anode-half-cell", "--sodiation-plateau-below", "2.5 V")
      #expect(
        assumed.output.hasPrefix("plateau: sodiation below 2500 mV, desodiation below 200 mV (assumed)\n\nCYCLE"),
        "\(assumed.output)\(assumed.errors)")
      let csv = try nactl("analyze", file, "--role", "anode-half-cell", "--format", "csv").output.split(separator: "\n")
      #expect(csv.first?.hasSuffix(",flags,sodiation_plateau_below_v,desodiation_plateau_below_v") == true)
      #expect(csv.count > 1 && csv.dropFirst().allSatisfy { $0.hasSuffix(",0.1,0.2") }, "\(csv)")
      let weightless = try nactl("analyze", file, "--role", "full-cell", "--units", "mAh/g")
      #expect(weightless.status == 64)
      #expect(
        weightless.errors == "analysis.no_mass: --units mAh/g needs --mass: the file does not say it\n"
          + "hint: for instance nactl analyze FILE --units mAh/g --mass \"1.2 mg\"\n")
      let areal = try nactl("analyze", file, "--role", "full-cell", "--units", "mAh/cm2").errors
      #expect(areal.hasPrefix("analysis.no_area: ") && areal.contains("--area \"1.131 cm2\""), "\(areal)")
    }

    /// A table of magnitudes with letters for the direction, as Maccor writes it, as UTF-16 and with a letter too many.
    @Test func aTableOfMagnitudes() throws {
      let rig = try LaboratoryRig()
      let text =
        "Date of Test:\t23-Nov-23\r\nRec#\tCyc#\tStep\tTest (Sec)\tStep (Sec)\tAmps\tVolts\tState\r\n"
        + "1\t0\t1\t0\t0\t0.001\t2.1\tC\r\n2\t0\t1\t3600\t3600\t0.001\t4\tC\r\n"
        + "3\t0\t2\t3600\t0\t0.001\t3.9\tD\r\n4\t0\t2\t6840\t3240\t0.001\t2\tD\r\n"
      let file = try write(text, as: "maccor.txt", in: rig)
      let wide = rig.directory.appendingPathComponent("wide.txt")
      try #require(text.data(using: .utf16)).write(to: wide)
      for path in [file, wide.path] {
        let result = try nactl("analyze", path, "--role", "full-cell", "--format", "json")
        try #require(result.status == 0, "\(result.errors)")
        let cycle = try #require(try cycles(try result.json()).first)
        #expect(cycle["coulombic_efficiency"] as? Double == 0.9 && result.errors.contains("magnitudes"))
      }
      let contrary = try write(text + "5\t0\t3\t6900\t0\t-0.001\t2\tC\r\n", as: "contrary.txt", in: rig)
      let refused = try nactl("analyze", contrary, "--role", "full-cell")
      #expect(refused.status == 2 && refused.errors.contains("data.signs"), "\(refused.errors)")
      #expect(refused.errors.contains("contrary.txt:5: the signs of the currents"), "\(refused.errors)")
    }

    @Test func whatIsWrongIsSaidWithItsPlace() throws {
      let rig = try LaboratoryRig()
      let file = try write(Self.table, as: "cell.csv", in: rig)
      let order = try nactl("analyze", file)
      #expect(order.status == 64 && order.errors.contains("--role anode-half-cell"), "\(order.errors)")
      #expect(try nactl("analyze", file, "--role", "hard-carbon").status == 64)
      #expect(try nactl("analyze", file, "--role", "full-cell", "--test", "reservoir").status == 64)
      #expect(try nactl("analyze", file, "--role", "full-cell", "--columns", "time=t").status == 64)
      #expect(try nactl("analyze", file, "--role", "full-cell", "--units", "mAh/g").status == 64)
      #expect(try nactl("analyze", rig.directory.path + "/none.csv", "--role", "full-cell").status == 2)
      let folder = try nactl("analyze", rig.directory.path, "--role", "full-cell")
      #expect(folder.status == 2 && folder.errors.contains("Is a directory"), "\(folder.errors)")
      let misspelt = try write(Self.table.replacingOccurrences(of: "current_A", with: "curent_A"), as: "m.csv", in: rig)
      let names = try nactl("analyze", misspelt, "--role", "full-cell")
      #expect(
        names.status == 2 && names.errors.contains("m.csv:1: no line names a column with the current"),
        "\(names.errors)")
      #expect(names.errors.contains("“curent_A” may stand for current_A"), "\(names.errors)")
      let text = try write(Self.table.replacingOccurrences(of: "3.9", with: "three"), as: "t.csv", in: rig)
      let number = try nactl("analyze", text, "--role", "full-cell")
      #expect(number.status == 2 && number.errors.contains("t.csv:4: “three” in the column “voltage_V” is no number"))
      #expect(number.output.isEmpty)
      try LaboratoryRig.system("gzip", "-k", file)
      // What is wrong with the file is said before anybody is asked what its cell is.
      for arguments in [[], ["--ignore-stamps"]] {
        let unasked = try LaboratoryRig.run("nactl", ["analyze", file + ".gz"] + arguments)
        #expect(unasked.status == 2 && unasked.errors.contains("data.compressed"), "\(unasked.errors)")
      }
      #expect(try nactl("analyze", file).errors.contains("analysis.no_order"))
      let packed = try nactl("analyze", file + ".gz", "--role", "full-cell")
      #expect(packed.status == 2 && packed.errors.contains("gunzip -c"), "\(packed.errors)")
      // Cut in the middle of its last line.
      let cut = try write(String(Self.table.dropLast(8)), as: "cut.csv", in: rig)
      let whole = try nactl("analyze", cut, "--role", "full-cell", "--format", "json")
      #expect(whole.status == 0 && whole.errors.contains("the last line is cut off"), "\(whole.errors)")
    }
  }
}
