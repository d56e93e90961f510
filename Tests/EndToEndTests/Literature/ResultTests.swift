// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation
import Testing

extension ProgramTests {
  /// Single results of the review, as the daemon reports them of virtual cells that were derived from them.
  @Suite struct LiteratureResultTests {
    @Test func everyRowHasItsFiles() throws {
      let named = [
        ("Protocols", Set(PublishedResult.all.map(\.identifier))),
        ("VirtualCells", Set(PublishedResult.all.map(\.cell))),
      ]
      for (folder, names) in named {
        let path = LaboratoryRig.repository.appendingPathComponent("\(folder)/literature").path
        let files = try FileManager.default.contentsOfDirectory(atPath: path).filter { $0.hasPrefix("s-") }
        #expect(files.sorted() == names.map { "\($0).json" }.sorted())
      }
    }

    @Test(arguments: PublishedResult.chosen)
    func theResultIsAsPublished(_ row: PublishedResult) throws {
      let rig = try LaboratoryRig()
      let began = Date()
      let cell = LaboratoryRig.repository.appendingPathComponent("VirtualCells/literature/\(row.cell).json").path
      try LiteratureRun.cycle(
        row.identifier, on: cell, instrument: row.instrument, rig, temperature: row.temperature)
      let report = try report(of: rig)
      for claim in row.claims {
        let measured = try #require(try claim.measured(report), "\(claim.what)")
        #expect(claim.isKept(by: measured), "\(claim.what): \(measured), published \(claim.published)")
        print(
          "literature-result | \(row.identifier.uppercased()) | \(row.material) | \(claim.what) | \(claim.published) |",
          "\(rounded(measured)) | \(row.mark ?? "") |")
      }
      let comparison = try TruthComparison(rig)
      if row.isSweep {
        try comparison.expectSweepAgreement(rig, within: row.sweepTolerance)
      } else {
        comparison.expectAgreement()
      }
      let records = try #require(try report.number("SELECT count(*) FROM record"))
      let perCycle = records / Double(max(1, report.cycles.count))
      #expect(perCycle <= 500, "\(perCycle) records a cycle")
      #expect(try rig.sqlite("SELECT code FROM event WHERE severity > 0") == "")
      print(
        "\(row): \(Int(Date().timeIntervalSince(began))) s, \(Int(perCycle)) records a cycle, worst half-cycle",
        "\(rounded(comparison.worst * 1e6)) ppm")
    }

    private func report(of rig: LaboratoryRig) throws -> PublishedResult.Report {
      let answer = try rig.nactl("cycles", "last", "--format", "json").json()
      return PublishedResult.Report(
        cycles: try #require(answer["cycles"] as? [[String: Any]]),
        initialEfficiency: answer["initial_coulombic_efficiency"] as? Double,
        tests: answer["efficiency_tests"] as? [[String: Any]] ?? []
      ) { Double(try rig.sqlite($0)) }
    }

    private func rounded(_ value: Double) -> String { String(format: "%.5g", value) }
  }

  /// The same protocols on cells whose every property differs by up to a fifth: nothing is published of those, and what
  /// the daemon reports must be what passed through their terminals.
  @Suite struct LiteratureVariantTests {
    /// A protocol with the cell that it is for.
    struct Row: Sendable, CustomStringConvertible {
      var identifier: String
      var cell: String
      var instrument: String
      var temperature: Int?
      var hasCycles: Bool
      var isSweep = false
      var sweepTolerance = 0.0
      var description: String { "\(identifier) on \(cell)" }
    }

    private static var rows: [Row] {
      let decays = PublishedDecay.chosen.map {
        Row(identifier: $0.identifier, cell: $0.identifier, instrument: "emstat4-hr", hasCycles: true)
      }
      return decays
        + PublishedResult.chosen.map {
          Row(
            identifier: $0.identifier, cell: $0.cell, instrument: $0.instrument, temperature: $0.temperature,
            hasCycles: $0.hasCycles,
            isSweep: $0.isSweep, sweepTolerance: $0.sweepTolerance)
        }
    }

    @Test(arguments: rows)
    func aVariedCellAgreesWithItsTruth(_ row: Row) throws {
      let rig = try LaboratoryRig()
      let seed = ProcessInfo.processInfo.environment["NACYCLER_TEST_SEED"].flatMap { UInt64($0) } ?? 20_261_128
      let cell = rig.directory.appendingPathComponent("varied.json")
      try PresetVariation(seed: seed, of: row.description).varied("literature/\(row.cell)").write(to: cell)
      let settings = row.hasCycles ? ["--set", "cycles=6"] : []
      try LiteratureRun.cycle(
        row.identifier, on: cell.path, instrument: row.instrument, rig, settings: settings, temperature: row.temperature
      )
      let comparison = try TruthComparison(rig)
      if row.isSweep {
        try comparison.expectSweepAgreement(rig, within: row.sweepTolerance)
        return
      }
      comparison.expectAgreement()
      #expect(comparison.stored.count >= 12 && comparison.stored.allSatisfy { !$0.isDamaged })
      let worst = String(format: "%.3g", comparison.worst * 1e6)
      print("\(row), varied with seed \(seed): worst half-cycle \(worst) ppm")
    }
  }
}

/// Runs a protocol of `Protocols/literature` on a virtual cell to its end.
enum LiteratureRun {
  static func cycle(
    _ identifier: String, on cell: String, instrument: String, _ rig: LaboratoryRig, settings: [String] = [],
    temperature: Int? = nil
  ) throws {
    let chamber = temperature.map { ["--thermometer", "\($0)"] } ?? []
    try rig.startBench(cell: cell, seed: nil, instrument: instrument, extra: chamber)
    try rig.startDaemon(extra: temperature == nil ? [] : ["--port", "line_thermometer:\(rig.links)/thermometer"])
    try rig.waitForChannels(1)
    if temperature != nil {
      try rig.wait(for: "the thermometer", seconds: 10) { try rig.nactl("observe", "ch1", "NATHERM0001").status == 0 }
      try rig.wait(for: "a temperature", seconds: 10) { try rig.channel()["temperature_degC"] is Double }
    }
    let file = LaboratoryRig.repository.appendingPathComponent("Protocols/literature/\(identifier).json").path
    let start = try rig.nactl(["start", file] + settings)
    #expect(start.status == 0, "\(start.errors)")
    let state = try rig.waitForRun(states: ["completed", "held", "ended"], seconds: 3_000)
    let events = try rig.sqlite("SELECT code, detail FROM event")
    #expect(state == "completed", "\(events)")
  }
}

/// A preset of which every property that is a number is multiplied by something between 0.8 and 1.2.
struct PresetVariation {
  private var state: UInt64
  private var changed = 0

  /// The same seed and name give the same cell.
  init(seed: UInt64, of name: String) {
    state = name.utf8.reduce(seed ^ 0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
  }

  /// xorshift64* (Vigna, 2016).
  private mutating func factor() -> Double {
    state ^= state >> 12
    state ^= state << 25
    state ^= state >> 27
    return 0.8 + 0.4 * Double((state &* 0x2545_F491_4F6C_DD1D) >> 11) / Double(1 << 53)
  }

  /// What is the cell and not what people say of it, and not where its curve stands.
  private static let properties: Set<String> = [
    "capacity_mAh", "lasting_fraction", "early_fraction", "early_reach_mAh", "capacity_reach_mAh", "resistance_ohm",
    "diffusion_ohm", "diffusion_time_s", "hysteresis_V", "hysteresis_reach_mAh", "fraction",
  ]

  func varied(_ name: String) throws -> Data {
    var variation = self
    let preset = try #require(variation.vary(try Self.whole(name)) as? [String: Any])
    // Capacity, losses and their reach, resistance, diffusion and its times, hysteresis and its reach: ten at least.
    #expect(variation.changed >= 10, "only \(variation.changed) properties of \(name) were varied")
    return try JSONSerialization.data(withJSONObject: preset, options: [.sortedKeys])
  }

  private mutating func vary(_ value: Any, isProperty: Bool = false) -> Any {
    if let object = value as? [String: Any] {
      var changed = object
      for key in object.keys.sorted() {
        changed[key] = vary(object[key] ?? 0, isProperty: Self.properties.contains(key))
      }
      return changed
    }
    guard isProperty else { return value }
    if let list = value as? [Double] {
      changed += list.count
      return list.map { $0 * factor() }
    }
    guard let number = value as? Double else { return value }
    changed += 1
    return number * factor()
  }

  /// A preset with what it takes from the one that it is like.
  private static func whole(_ name: String) throws -> [String: Any] {
    let file = LaboratoryRig.repository.appendingPathComponent("VirtualCells/\(name).json")
    let object = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
    guard let base = object["like"] as? String else { return object }
    return merged(try whole(base), object.filter { $0.key != "like" })
  }

  private static func merged(_ base: [String: Any], _ other: [String: Any]) -> [String: Any] {
    base.merging(other) { old, new in
      guard let old = old as? [String: Any], let new = new as? [String: Any] else { return new }
      return merged(old, new)
    }
  }
}
