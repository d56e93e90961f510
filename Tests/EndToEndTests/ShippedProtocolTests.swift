// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation
import Testing

extension CommandProgramTests {
  /// The protocols that people start from, word by word, each on a fresh cell of the kind that it is for. A false alarm
  /// here is what makes people widen limits until they protect nothing.
  @Suite struct ShippedProtocolTests {
    /// A protocol and the cell that it is for.
    struct Pair: Sendable, CustomStringConvertible {
      var file: String
      var preset: String
      var instrument = "emstat4-hr"
      /// It is over in seconds, often before anybody can stop it: it runs to its end.
      var isShort = false
      var description: String { file }
      /// Whether it sweeps the voltage, which belongs to no cycle.
      var sweeps: Bool { file.hasSuffix("voltammetry") }
      /// Whether it holds the voltage at the open circuit's, with currents that belong to no half-cycle of the cell's either.
      var measuresImpedance: Bool { file.hasSuffix("impedance") }
      /// Whether it ends with a profile of currents, which is no half-cycle.
      var endsWithAProfile: Bool { file.hasSuffix("load-profile") }
    }

    static let pairs = [
      Pair(file: "demo-hard-carbon", preset: "hard-carbon", isShort: true),
      Pair(file: "hard-carbon-half-cell", preset: "hard-carbon"),
      Pair(file: "hard-carbon-impedance", preset: "hard-carbon", isShort: true),
      Pair(file: "hard-carbon-pulses-by-charge", preset: "hard-carbon", isShort: true),
      Pair(file: "hard-carbon-rate-series", preset: "hard-carbon"),
      Pair(file: "hard-carbon-voltammetry", preset: "hard-carbon", isShort: true),
      Pair(file: "na-nvpf-constant-power", preset: "nvpf"),
      Pair(file: "na-nvpf-load-profile", preset: "nvpf", isShort: true),
      Pair(file: "na-nvpf-half-cell", preset: "nvpf"),
      Pair(file: "al-nvpf-anode-free", preset: "anode-free-nvpf"),
      Pair(file: "al-nncfm-anode-free", preset: "anode-free-nncfm"),
      Pair(file: "anode-free-cylindrical", preset: "anode-free-cylindrical", instrument: "nexus"),
      Pair(file: "plating-stripping-efficiency", preset: "plating-stripping"),
    ]

    @Test func everyProtocolHasItsCell() throws {
      let folder = LaboratoryRig.repository.appendingPathComponent("Protocols").path
      let shipped = try FileManager.default.contentsOfDirectory(atPath: folder)
        .filter { $0.hasSuffix(".json") && $0 != "protocol.schema.json" }
      #expect(Set(shipped) == Set(Self.pairs.map { $0.file + ".json" }))
    }

    /// With offsets, gains and noise a hold begins with a jump of current that an ideal instrument does not make. Both
    /// laboratories are under way at once, which takes half as long.
    @Test(arguments: pairs)
    func shippedProtocolRunsOnItsFreshCellWithoutAFalseAlarm(_ pair: Pair) throws {
      let ideal = try rigUnderWay(pair)
      let real = try rigUnderWay(pair, bench: ["--converters", "real"])
      if pair.isShort {
        for rig in [ideal, real] {
          #expect(try rig.waitForRun(states: ["stopped", "completed", "held", "ended"], seconds: 120) == "completed")
        }
      } else {
        try stopAfterTheFirstLifeCycle([ideal, real])
      }
      try expectNoAlarm(real)
      if pair.sweeps {
        try TruthComparison(ideal).expectSweepAgreement(ideal)
        try expectNoAlarm(ideal)
      } else if pair.measuresImpedance {
        try expectNoAlarm(ideal)
        for rig in [ideal, real] {
          #expect(
            try rig.sqlite("SELECT DISTINCT count(*) FROM impedance_point GROUP BY step_id") == "57",
            "each spectrum has all its points")
        }
      } else {
        try expectNothingAmiss(pair, ideal)
      }
    }

    /// A rig on which a protocol was started.
    private func rigUnderWay(_ pair: Pair, bench: [String] = []) throws -> LaboratoryRig {
      let rig = try LaboratoryRig()
      try rig.startBench(cell: pair.preset, seed: 7, instrument: pair.instrument, extra: bench)
      try rig.startDaemon(extra: ["--lease", "300"])
      try rig.waitForChannels(1)
      try register(pair, rig)
      let file = LaboratoryRig.repository.appendingPathComponent("Protocols/\(pair.file).json").path
      let start = try rig.nactl("start", file)
      #expect(start.status == 0, "\(start.errors)")
      return rig
    }

    /// Lets each run go on to formation and the first cycle after it. None waits for the other one to come so far: how many
    /// cycles it is ahead when it is asked is for the machine to say, and it may have come to its end by itself.
    private func stopAfterTheFirstLifeCycle(_ rigs: [LaboratoryRig]) throws {
      var underWay = rigs
      while let any = underWay.first {
        var arrived: [LaboratoryRig] = []
        try any.wait(for: "the first life cycle", seconds: 120) {
          arrived = try underWay.filter(hasLived)
          return !arrived.isEmpty
        }
        for rig in arrived {
          let stop = try rig.nactl("stop", "last")
          let end = try rig.waitForRun(states: ["stopped", "completed", "held", "ended"], seconds: 30)
          #expect(end == "stopped" || end == "completed")
          #expect(stop.status == 0 || end == "completed" && stop.errors.contains("run.over"), "\(stop.errors)")
        }
        underWay.removeAll { rig in arrived.contains { $0 === rig } }
      }
    }

    /// Whether a run has come behind its first life cycle, or waits for a person.
    private func hasLived(_ rig: LaboratoryRig) throws -> Bool {
      try rig.sqlite(
        """
        SELECT (SELECT count(*) FROM cycle WHERE purpose IN ('rate', 'life', 'diagnostic')) > 0
          OR (SELECT state FROM run) IN ('held', 'ended')
        """) == "1"
    }

    /// The cell, with the values that its preset is made for, on the channel.
    private func register(_ pair: Pair, _ rig: LaboratoryRig) throws {
      let preset = LaboratoryRig.repository.appendingPathComponent("VirtualCells/\(pair.preset).json")
      let values = try #require(
        try JSONSerialization.jsonObject(with: Data(contentsOf: preset)) as? [String: Any])
      let mass = try #require(values["active_mass_mg"] as? Double)
      let capacity = try #require(values["nominal_capacity_mAh"] as? Double)
      var given: [String] = ["--mass", "\(mass) mg", "--nominal-capacity", "\(capacity) mAh"]
      if let area = values["area_cm2"] as? Double { given += ["--area", "\(area) cm2"] }
      let add = try rig.nactl(["cell", "add", "fresh", "--role", try #require(values["role"] as? String)] + given)
      #expect(add.status == 0, "\(add.errors)")
      #expect(try rig.nactl("cell", "mount", "ch1", "fresh").status == 0)
    }

    private func expectNoAlarm(_ rig: LaboratoryRig) throws {
      let alarms = try rig.sqlite("SELECT code, detail FROM event WHERE severity > 0")
      #expect(alarms == "")
      #expect(try rig.sqlite("SELECT count(*) FROM latch") == "0")
      #expect(try rig.sqlite("SELECT count(*) FROM half_cycle WHERE flags & 1") == "0", "clipped readings")
    }

    private func expectNothingAmiss(_ pair: Pair, _ rig: LaboratoryRig) throws {
      try expectNoAlarm(rig)
      var comparison = try TruthComparison(rig)
      if pair.endsWithAProfile { comparison.truth = Array(comparison.truth.prefix(comparison.stored.count)) }
      // The half-cycle in which the run was stopped may be so short that a script's two instructions of current count,
      // and the stop may come before any current: then nothing passed, and the truth has no such half-cycle.
      if let last = comparison.stored.last, last.isDamaged {
        comparison.stored.removeLast()
        if comparison.truth.count > comparison.stored.count {
          comparison.truth.removeLast()
        } else {
          #expect(last.charge == 0)
        }
      }
      comparison.expectAgreement()
      #expect(comparison.worst < 10e-6)
      // Only the half-cycle in which the run was stopped is truncated, and perhaps empty; a hold's is marked as one.
      let flags = try rig.sqlite(
        "SELECT number, end_reason, flags FROM half_cycle WHERE flags & ~(1024 + 8192) AND NOT "
          + "(flags = 1024 + 2048 AND number = (SELECT max(number) FROM half_cycle))")
      #expect(flags == "")
      // The voltage before the first closed circuit is the fresh cell's own, far outside the limits of cycling.
      let fresh = try #require(
        Double(try rig.sqlite("SELECT voltage_nv / 1e9 FROM record ORDER BY step_id, step_record_index LIMIT 1")))
      let range = pair.preset.hasPrefix("anode-free") ? -0.2...1.0 : pair.preset == "nvpf" ? 2.2...3.0 : 1.5...3.0
      #expect(range.contains(fresh), "\(fresh) V")
      let formation = try #require(
        Int(try rig.sqlite("SELECT count(*) FROM cycle WHERE purpose = 'formation' AND flags & ~8192 = 0")))
      #expect(formation >= 1)
      let efficiency = try #require(
        Double(
          try rig.sqlite(
            """
            SELECT coulombic_efficiency FROM cycle WHERE purpose IN ('rate', 'life', 'diagnostic')
            ORDER BY cycle_number LIMIT 1
            """))
      )
      #expect(efficiency > 0.9 && efficiency < 1.01)
    }
  }
}
