// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation
import Testing

extension CommandProgramTests {
  /// Tests of plating from the file to the table, against what really passed through the terminals.
  @Suite struct EfficiencyTestCommandTests {
    @Test func bothTestsAgreeWithTheTruth() throws {
      let rig = try LaboratoryRig()
      try rig.startBench(cell: "plating-stripping")
      try rig.startDaemon()
      try rig.waitForChannels(1)
      let source = LaboratoryRig.repository.appendingPathComponent("Protocols/plating-stripping-efficiency.json")
      let text = try String(contentsOf: source, encoding: .utf8).replacing(#""cycles": 50"#, with: #""cycles": 3"#)
      let file = rig.directory.appendingPathComponent("efficiency.json")
      try text.write(to: file, atomically: true, encoding: .utf8)
      let check = try rig.nactl("check", file.path, "--area", "1.13 cm2")
      #expect(check.output.contains("test of the plating efficiency (reservoir, reservoir):"), "\(check.output)")
      let start = try rig.nactl("start", file.path, "--area", "1.13 cm2")
      #expect(start.status == 0, "\(start.errors)")
      #expect(try rig.waitForRun(states: ["completed", "held", "ended"], seconds: 120) == "completed")
      let comparison = try TruthComparison(rig)
      comparison.expectAgreement()
      let expected = try expectRows(rig, comparison)
      try expectWords(rig, expected)
      try expectSameInExport(rig)
      try rig.expectRecount()
    }

    /// The conditioning cycle belongs to no test; the reservoir's are 22 half-cycles, the long cycling's 6.
    private func expectRows(_ rig: LaboratoryRig, _ comparison: TruthComparison) throws -> [Double] {
      let truth = comparison.truth
      try #require(truth.count == 2 + 22 + 6)
      let tests = [truth[2..<24], truth[24..<30]]
      let expected = tests.map { halves in
        let plated = halves.filter { $0.direction < 0 }.map(\.charge).reduce(0, +)
        return halves.filter { $0.direction > 0 }.map(\.charge).reduce(0, +) / plated
      }
      let rows = try rig.sqlite(
        "SELECT number, kind, cycles, coulombic_efficiency, flags FROM efficiency_test ORDER BY number"
      ).split(separator: "\n").map { $0.split(separator: "|") }
      try #require(rows.count == 2)
      #expect(rows.map { $0[0...2].joined(separator: " ") } == ["1 reservoir 10", "2 long_cycling 3"])
      for (row, efficiency) in zip(rows, expected) {
        let stored = try #require(Double(row[3]))
        #expect(abs(stored / efficiency - 1) < 10e-6, "\(stored) against \(efficiency)")
        #expect(stored > 0.9 && stored < 1)
        #expect(row[4] == "0")
      }
      return expected
    }

    /// What is exported tells the same tests, by number and label too.
    private func expectSameInExport(_ rig: LaboratoryRig) throws {
      let live = try #require(
        try rig.nactl("cycles", "last", "--format", "json").json()["efficiency_tests"] as? [[String: Any]])
      let file = rig.directory.appendingPathComponent("tests.csv").path
      #expect(try rig.nactl("export", "last", "--format", "csv", "-o", file).status == 0)
      let result = try LaboratoryRig.run("nactl", ["analyze", file, "--format", "json"])
      #expect(result.status == 0 && !result.errors.contains("data quality"), "\(result.errors)")
      let found = try #require(try result.json()["efficiency_tests"] as? [[String: Any]])
      try #require(found.count == live.count)
      for (one, other) in zip(found, live) {
        #expect(Set(one.keys) == Set(other.keys.map { $0.lowercased() }))
        for (key, value) in other { #expect(one[key.lowercased()] as? NSObject == value as? NSObject, "\(key)") }
      }
    }

    private func expectWords(_ rig: LaboratoryRig, _ expected: [Double]) throws {
      let table = try rig.nactl("cycles", "last").output
      for (efficiency, kind) in zip(expected, ["reservoir, reservoir", "long_cycling, long cycling"]) {
        let percent = String(format: "%.3f", efficiency * 100)
        #expect(table.contains("PLATING CE  \(percent) %  (\(kind):"), "\(table)")
      }
      let json = try rig.nactl("cycles", "last", "--format", "json").json()
      let tests = try #require(json["efficiency_tests"] as? [[String: Any]])
      #expect(tests.map { $0["kind"] as? String } == ["reservoir", "long_cycling"])
      let events = try rig.nactl("tail", "last", "--events", "--no-follow").output
      #expect(events.contains("run.test_done"), "\(events)")
      let export = try rig.nactl("export", "last", "--format", "json").json()
      #expect((export["efficiency_tests"] as? [Any])?.count == 2)
      let view = try rig.sqlite("SELECT count(*), min(coulombic_efficiency_percent) > 90 FROM efficiency_tests_view")
      #expect(view == "2|1")
    }
  }
}
