// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation
import Testing

extension ProgramTests {
  /// Published cells, cycled through the whole chain with all their cycles. What agrees here is the instrument chain and
  /// the book-keeping: the virtual cell was derived from the published numbers, which the daemon never sees.
  @Suite struct LiteratureDecayTests {
    @Test func everyRowHasItsFiles() throws {
      for folder in ["Protocols", "VirtualCells"] {
        let path = LaboratoryRig.repository.appendingPathComponent("\(folder)/literature").path
        let files = try FileManager.default.contentsOfDirectory(atPath: path).filter { $0.hasPrefix("t1-") }
        #expect(files.sorted() == PublishedDecay.table1.map { "\($0.identifier).json" })
      }
    }

    @Test(arguments: PublishedDecay.chosen)
    func theDecayIsAsPublished(_ row: PublishedDecay) throws {
      let rig = try LaboratoryRig()
      let began = Date()
      try cycle(row, rig)
      let life = "FROM cycle WHERE purpose = 'life'"
      #expect(try rig.sqlite("SELECT count(*) \(life)") == "\(row.cycles)")
      let retention = try #require(
        Double(try rig.sqlite("SELECT retention \(life) ORDER BY cycle_number DESC LIMIT 1")))
      let intervals = Double(row.cycles - 1)
      let linear = (1 - retention) / intervals * 100
      let geometric = (1 - pow(retention, 1 / intervals)) * 100
      let difference = linear / row.decay - 1
      #expect(abs(difference) <= 0.01, "\(linear) % a cycle, published \(row.decay)")
      let comparison = try TruthComparison(rig)
      comparison.expectAgreement()
      let records = try #require(Double(try rig.sqlite("SELECT count(*) FROM record")))
      let perCycle = records / Double(row.cycles + 3)
      #expect(perCycle <= 500)
      #expect(try rig.sqlite("SELECT count(*) FROM event WHERE severity > 0") == "0")
      print(
        "literature | \(row.identifier.uppercased()) | \(row.material) | \(row.current) A/g, \(row.cycles) cycles |",
        "\(row.decay) % a cycle | \(rounded(linear)) (linear), \(rounded(geometric)) (geometric) |",
        "\(rounded(difference * 100)) % of it |")
      print(
        "\(row): \(Int(Date().timeIntervalSince(began))) s, \(Int(perCycle)) records a cycle, worst half-cycle",
        "\(rounded(comparison.worst * 1e6)) ppm")
    }

    /// Runs a row's protocol on a row's cell to its end.
    private func cycle(_ row: PublishedDecay, _ rig: LaboratoryRig) throws {
      let repository = LaboratoryRig.repository
      let cell = repository.appendingPathComponent("VirtualCells/literature/\(row.identifier).json").path
      try rig.startBench(cell: cell, seed: nil)
      try rig.startDaemon()
      try rig.waitForChannels(1)
      let file = repository.appendingPathComponent("Protocols/literature/\(row.identifier).json").path
      let start = try rig.nactl("start", file)
      #expect(start.status == 0, "\(start.errors)")
      let state = try rig.waitForRun(states: ["completed", "held", "ended"], seconds: 3_000)
      let events = try rig.sqlite("SELECT code, detail FROM event")
      #expect(state == "completed", "\(events)")
    }

    private func rounded(_ value: Double) -> String { String(format: "%.4g", value) }
  }
}
