// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation
import Testing

extension CommandProgramTests {
  /// Impedance spectra from the file to the table, against the resistances that the virtual cell is made of.
  @Suite struct ImpedanceCommandTests {
    private static let spectrum =
      #"{"impedance": "10 mV", "from": "10 kHz", "to": "10 mHz", "points_per_decade": 4, "current_at_most": "1 mA", "#
      + #""label": "eis after formation"}"#

    /// A protocol around some steps.
    private static func write(_ steps: String, to directory: URL, resumeWithin: String = "1 h") throws -> String {
      let text = """
        {
          "nacycler_protocol": 1, "title": "impedance",
          "cell": {"role": "anode-half-cell", "expect_open_circuit": {"from": "0 V", "to": "3.3 V"}},
          "limits": {
            "voltage": {"min": "-50 mV", "max": "3.4 V", "for": "2 s"},
            "charge_current": {"max": "5 mA", "for": "1 s"}, "discharge_current": {"max": "5 mA", "for": "1 s"},
            "half_cycle_charge": {"max": "2 mAh"}, "empty_half_cycle": {"below": "1 uAh", "in_a_row": 3}
          },
          "record": {"every": "30 s"},
          "on_interruption": {"resume_within": "\(resumeWithin)", "otherwise": "hold"},
          "steps": [\(steps)]
        }
        """
      let file = directory.appendingPathComponent("impedance.json")
      try text.write(to: file, atomically: true, encoding: .utf8)
      return file.path
    }

    private static func rig(speed: String = "max", extra: [String] = []) throws -> LaboratoryRig {
      let rig = try LaboratoryRig()
      try rig.startBench(cell: "hard-carbon", speed: speed, seed: nil, extra: extra)
      try rig.startDaemon()
      try rig.waitForChannels(1)
      return rig
    }

    @Test func aSpectrumAfterFormationTellsTheCellsResistances() throws {
      let rig = try Self.rig()
      let file = try Self.write(
        """
        {"cycles": 1, "purpose": "formation", "label": "formation", "steps": [
          {"discharge": "360 uA", "until": ["voltage <= 10 mV", "step_time >= 10 h"]},
          {"rest": "5 min"},
          {"charge": "360 uA", "until": ["voltage >= 2.0 V", "step_time >= 10 h"]},
          {"rest": "2 h"}, \(Self.spectrum)
        ]}
        """, to: rig.directory)
      let check = try rig.nactl("check", file, "--channel", "ch1", "--simulate", "hard-carbon")
      #expect(check.output.contains("impedance spectrum of 10 mV (root mean square)"), "\(check.errors)")
      #expect(check.output.contains("the circuit stays closed until the point at hand is measured, for some 4 min"))
      #expect(check.output.contains("IMPEDANCE  25 points"), "\(check.output)")
      #expect(try rig.nactl("start", file).status == 0)
      let state = try rig.waitForRun(states: ["completed", "held", "ended"], seconds: 120)
      let events = try rig.sqlite("SELECT code, detail FROM event")
      #expect(state == "completed", "\(events)")
      #expect(
        events.contains("run.spectrum_done|impedance: 25 of 25 points from 10 kHz to 10 mHz measured"), "\(events)")
      #expect(try rig.sqlite("SELECT count(*) FROM cycle WHERE coulombic_efficiency > 0.5") == "1")
      #expect(try rig.sqlite("SELECT count(*) FROM half_cycle") == "2")
      #expect(try rig.sqlite("SELECT count(*) FROM latch") == "0")
      try expectResistances(rig)
      try expectWords(rig)
    }

    /// 40 ohm, 30 ohm over 5 s and 80 ohm over 240 s, as the preset says; what is left of the imaginary part is the slope
    /// of the cell's potential over ω.
    private func expectResistances(_ rig: LaboratoryRig) throws {
      let rows = try rig.sqlite(
        #"SELECT "Frequency / Hz", "Real Impedance / ohm", "Imaginary Impedance / ohm" FROM impedance_bdf WHERE run_id = 1"#
      ).split(separator: "\n").map { $0.split(separator: "|").compactMap { Double($0) } }
      try #require(rows.count == 25 && rows.allSatisfy { $0.count == 3 })
      var slopes: [Double] = []
      for row in rows {
        let omega = 2 * Double.pi * row[0]
        let elements = [(30.0, 5.0), (80.0, 240.0)].map { ohms, seconds in
          (
            ohms / (1 + omega * omega * seconds * seconds),
            ohms * omega * seconds / (1 + omega * omega * seconds * seconds)
          )
        }
        let real = 40 + elements.map(\.0).reduce(0, +)
        #expect(abs(row[1] / real - 1) < 1e-3, "\(row[0]) Hz: \(row[1]) against \(real) ohm")
        slopes.append((-row[2] - elements.map(\.1).reduce(0, +)) * omega)
      }
      // Volts over coulombs; the potential moves a little while the cell is held, and is held better and better.
      let (least, most) = (slopes.suffix(20).min() ?? 0, slopes.suffix(20).max() ?? 0)
      #expect(least > 0 && most / least < 1.05, "\(slopes)")
      let frequencies = rows.map { $0[0] }
      for (one, next) in zip(frequencies, frequencies.dropFirst()) { #expect(abs(one / next - 1.778_279) < 1e-3) }
    }

    private func expectWords(_ rig: LaboratoryRig) throws {
      let table = try rig.nactl("impedance", "last").output
      #expect(table.hasPrefix("STEP  POINT  CYCLE"), "\(table)")
      #expect(table.contains("10.00 kHz") && table.contains("10.00 mHz"), "\(table)")
      let csv = try rig.nactl("impedance", "last", "--format", "csv").output.split(separator: "\n")
      #expect(csv.count == 26)
      for label in ["Frequency / Hz", "Real Impedance / ohm", "Imaginary Impedance / ohm", "Unix Time / s"] {
        #expect(csv.first?.contains(label) == true, "\(csv.first ?? "")")
      }
      let json = try rig.nactl("impedance", "last", "--format", "json").json()
      let points = try #require(json["points"] as? [[String: Any]])
      let step = try #require(points.first?["step_count"] as? Int)
      #expect(
        try rig.nactl("impedance", "last", "--step", "\(step)", "--format", "csv").output.split(separator: "\n").count
          == 26)
      let none = try rig.nactl("impedance", "last", "--step", "1")
      #expect(none.status == 0 && none.errors.contains("no point of a spectrum"), "\(none.errors)")
      #expect(try rig.nactl("impedance", "last", "--step", "0").status == 64)
      #expect(try rig.nactl("show", "last").output.contains("25 points in 1 spectrum"))
      let export = try rig.nactl("export", "last", "--format", "json").json()
      #expect((export["impedance"] as? [Any])?.count == 25)
      #expect(try rig.nactl("export", "last", "--format", "bdf").output.contains(",EIS,"))
      #expect(try rig.nactl("tail", "last", "--events", "--no-follow").output.contains("25 of 25 points"))
    }

    @Test func anInstrumentWithoutImpedanceNamesThoseThatHaveIt() throws {
      let rig = try Self.rig(extra: ["--without-impedance"])
      let file = try Self.write(#"{"rest": "10 min"}, \#(Self.spectrum)"#, to: rig.directory)
      for command in [["check", file, "--channel", "ch1"], ["start", file]] {
        let answer = try rig.nactl(command)
        #expect(answer.status == 4, "\(answer.output)")
        #expect(answer.errors.contains("the instrument has no impedance spectrum steps"), "\(answer.errors)")
        #expect(
          answer.errors.contains("use one that has: EmStat4 HR, EmStat4 LR, Nexus with their maker's option"),
          "\(answer.errors)")
      }
      #expect(try rig.sqlite("SELECT count(*) FROM run") == "0")
    }

    /// What was acknowledged of a spectrum outlives the daemon; the rest of it is left, and the run goes on behind it.
    @Test func aKillInTheMiddleOfASpectrumLosesNoPointAndTheRunGoesOn() throws {
      let rig = try Self.rig(speed: "60")
      let file = try Self.write(
        #"{"rest": "1 min"}, \#(Self.spectrum), {"rest": "1 min"}"#, to: rig.directory)
      #expect(try rig.nactl("start", file).status == 0)
      try rig.wait(for: "some points", seconds: 60) {
        (try rig.nactl("impedance", "last", "--format", "csv").output.split(separator: "\n").count) > 8
      }
      let seen = try rig.nactl("impedance", "last", "--format", "csv").output
      rig.killDaemon()
      try rig.launchDaemon()
      try rig.wait(for: "the end of the run", seconds: 60) {
        // A machine that stood still for longer than it may be asks for a person.
        let state = try rig.sqlite("SELECT state FROM run")
        if state == "held" { _ = try rig.nactl("resume", "last") }
        return state == "completed"
      }
      let kept = try rig.nactl("impedance", "last", "--format", "csv").output
      #expect(kept.hasPrefix(seen), "\(kept)")
      #expect(kept.split(separator: "\n").count < 26)
      let kinds = try rig.sqlite("SELECT kind FROM step WHERE kind != 'open_circuit_check' ORDER BY step_id")
      #expect(kinds == "rest\nimpedance_spectrum\nrest")
      #expect(try rig.sqlite("SELECT count(*) FROM event WHERE code = 'run.spectrum_done' AND severity = 1") == "1")
    }

    /// A point of 10 mHz lasts for minutes; the stop does not wait for it.
    @Test func aStopInTheMiddleOfAPointOpensTheCircuit() throws {
      let rig = try Self.rig(speed: "30")
      let file = try Self.write(
        #"{"rest": "1 min"}, \#(Self.spectrum.replacing("10 kHz", with: "20 mHz")), {"rest": "1 min"}"#,
        to: rig.directory)
      #expect(try rig.nactl("start", file).status == 0)
      try rig.wait(for: "a point to begin", seconds: 60) {
        try rig.sqlite("SELECT count(*) FROM record JOIN step USING (step_id) WHERE kind = 'impedance_spectrum'") != "0"
      }
      #expect(try rig.channel()["circuit"] as? String == "closed")
      let asked = ContinuousClock.now
      #expect(try rig.nactl("stop", "last").status == 0)
      #expect(try rig.waitForRun(states: ["stopped", "held", "ended"], seconds: 20) == "stopped")
      // 105 s of the instrument's time are 3.5 s of ours.
      #expect(ContinuousClock.now - asked < .seconds(3))
      #expect(try rig.channel()["circuit"] as? String == "open (confirmed)")
    }
  }
}
