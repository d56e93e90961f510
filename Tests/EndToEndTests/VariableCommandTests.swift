// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation
import Testing

extension CommandProgramTests {
  /// `variables`, `for_each` and `--set`, from the file to the store.
  @Suite struct VariableCommandTests {
    /// A rate test whose numbers are variables.
    private static let rateTest = """
      {
        "nacycler_protocol": 1, "title": "Rate test of hard carbon",
        "variables": {"passes": 2, "wait": "1 min", "cut_off": "10 mV"},
        "cell": {"role": "anode-half-cell", "expect_open_circuit": {"from": "0 V", "to": "3.3 V"}},
        "limits": {
          "voltage": {"min": "-50 mV", "max": "2.3 V", "for": "2 s"},
          "charge_current": {"max": "5 mA", "for": "1 s"}, "discharge_current": {"max": "5 mA", "for": "1 s"},
          "half_cycle_charge": {"max": "4 mAh"}, "empty_half_cycle": {"below": "1 uAh", "in_a_row": 3}
        },
        "record": {"every": "10 s"},
        "on_interruption": {"resume_within": "30 min", "otherwise": "hold"},
        "steps": [
          {"for_each": {"rate": ["360 uA", "720 uA"]}, "steps": [
            {"cycles": "$passes", "purpose": "rate", "label": "rate $rate", "steps": [
              {"discharge": "$rate", "until": ["voltage <= $cut_off", "step_time >= 30 h"]}, {"rest": "$wait"},
              {"charge": "$rate", "until": ["voltage >= 2.0 V", "step_time >= 30 h"]}, {"rest": "$wait"}
            ]}
          ]}
        ]
      }
      """

    private func write(to rig: LaboratoryRig) throws -> String {
      let file = rig.directory.appendingPathComponent("rate.json")
      try Self.rateTest.write(to: file, atomically: true, encoding: .utf8)
      return file.path
    }

    private func rig(speed: String = "max") throws -> LaboratoryRig {
      let rig = try LaboratoryRig()
      try rig.startBench(cell: "hard-carbon", speed: speed)
      try rig.startDaemon(extra: ["--lease", "300"])
      try rig.waitForChannels(1)
      return rig
    }

    /// The steps of another file stand in the run's own text, with the digest of that file.
    @Test func blocksOfAnotherFileArePartOfTheRun() throws {
      let rig = try rig()
      let block = #"""
        [
          {"discharge": "$rate", "until": ["voltage <= $cut_off", "step_time >= 30 h"]}, {"rest": "$wait"},
          {"charge": "$rate", "until": ["voltage >= 2.0 V", "step_time >= 30 h"]}, {"rest": "0.5 * $wait"}
        ]
        """#
      let folder = rig.directory.appendingPathComponent("blocks")
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      try block.write(to: folder.appendingPathComponent("pair.json"), atomically: true, encoding: .utf8)
      var text = Self.rateTest.replacing(
        #""cell": {"#, with: #""blocks": {"pair": {"file": "blocks/pair.json"}}, "cell": {"#, maxReplacements: 1)
      let begin = try #require(text.range(of: #"{"for_each""#))
      text =
        text[..<begin.lowerBound] + #"""
          {"cycles": "$passes", "purpose": "rate", "label": "rate", "steps": [{"use": "pair", "with": {"rate": "720 uA"}}]}
          ]}
          """#
      let file = rig.directory.appendingPathComponent("use.json")
      try text.write(to: file, atomically: true, encoding: .utf8)
      let check = try rig.nactl("check", file.path)
      #expect(check.status == 0 && check.output.contains("rest 30 s"), "\(check.output)\(check.errors)")
      #expect(try rig.nactl("start", file.path).status == 0)
      #expect(try rig.waitForRun(states: ["completed", "held", "ended"], seconds: 60) == "completed")
      #expect(try rig.sqlite("SELECT count(*) FROM cycle") == "2")
      let stored = try rig.sqlite("SELECT source FROM protocol")
      #expect(stored.contains(#""file": "blocks/pair.json""#) && stored.contains(#""sha256": ""#))
      #expect(try rig.sqlite("SELECT program_path FROM step WHERE program_index = 0 LIMIT 1") == "blocks.pair.steps[0]")
      try block.dropLast(3).write(to: folder.appendingPathComponent("pair.json"), atomically: true, encoding: .utf8)
      let broken = try rig.nactl("check", file.path)
      #expect(broken.status != 0 && broken.errors.contains("pair.json"), "\(broken.errors)")
    }

    /// What was set holds after a crash as well: the run's own text says it.
    @Test func whatIsSetIsRunAndSurvivesACrash() throws {
      let rig = try rig(speed: "5000")
      let file = try write(to: rig)
      let set = ["--set", "passes=6", "--set", "cut_off=15mV"]
      let check = try rig.nactl(["check", file] + set)
      #expect(check.status == 0, "\(check.errors)")
      #expect(check.output.contains("12 cycles") && check.output.contains("voltage <= 15 mV"), "\(check.output)")
      let start = try rig.nactl(["start", file] + set)
      #expect(start.status == 0, "\(start.errors)")
      try rig.wait(for: "some cycles", seconds: 60) { (Int(try rig.sqlite("SELECT count(*) FROM cycle")) ?? 0) >= 3 }
      rig.killDaemon()
      try rig.launchDaemon()
      // While nobody listened the cell may have relaxed too far; then a person looks and says go on.
      try rig.wait(for: "the end of the run", seconds: 120) {
        if try rig.sqlite("SELECT state FROM run") == "held" { _ = try rig.nactl("resume", "1", "--reason", "looked") }
        return try rig.sqlite("SELECT state FROM run") == "completed"
      }
      try TruthComparison(rig).expectAgreement()
      #expect(
        try rig.sqlite("SELECT label, count(*) FROM half_cycle GROUP BY label ORDER BY label")
          == "rate 360 uA|12\nrate 720 uA|12")
      #expect(
        try rig.sqlite("SELECT DISTINCT end_reason FROM half_cycle ORDER BY 1") == "voltage <= 15 mV\nvoltage >= 2.0 V")
      let expected = Self.rateTest.replacing("\"passes\": 2", with: "\"passes\": 6")
        .replacing("\"10 mV\"", with: "\"15 mV\"")
      #expect(try rig.sqlite("SELECT source FROM protocol") == expected)
    }

    @Test func whatCannotBeSetStartsNothing() throws {
      let rig = try rig()
      let file = try write(to: rig)
      for (setting, code, hint) in [
        ("pases=3", "start.set_unknown", "`passes`"), ("passes", "start.set_malformed", "equals sign"),
        ("=3", "start.set_malformed", "equals sign"), ("passes=", "start.set_malformed", "equals sign"),
      ] {
        for command in ["check", "start"] {
          let result = try rig.nactl(command, file, "--set", setting)
          #expect(result.status != 0 && result.errors.contains(code), "\(result.errors)")
          #expect(result.errors.contains(hint), "\(result.errors)")
        }
      }
      let twice = try rig.nactl("start", file, "--set", "passes=1", "--set", "passes=2")
      #expect(twice.errors.contains("is set twice"), "\(twice.errors)")
      for (setting, place) in [
        ("passes=many", "steps[0].steps[0].cycles"), ("passes=0", "steps[0].steps[0].cycles"),
        ("cut_off=10", "steps[0].steps[0].steps[0].until[0]"), ("cut_off=3V", "steps[0].steps[0].steps[0].until[0]"),
      ] {
        let result = try rig.nactl("start", file, "--set", setting)
        #expect(result.status != 0 && result.errors.contains(place), "\(result.errors)")
      }
      let plain = LaboratoryRig.repository.appendingPathComponent("Protocols/demo-hard-carbon.json").path
      let other = try rig.nactl("start", plain, "--set", "rate=1mA")
      #expect(other.status != 0 && other.errors.contains("declares no `variables`"), "\(other.errors)")
      #expect(try rig.sqlite("SELECT count(*) FROM run") == "0")
    }
  }
}
