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
      let cell = LaboratoryRig.repository.appendingPathComponent("VirtualCells/literature/\(row.identifier).json").path
      try LiteratureRun.cycle(row.identifier, on: cell, instrument: "emstat4-hr", rig)
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

    private func rounded(_ value: Double) -> String { String(format: "%.4g", value) }
  }
}
