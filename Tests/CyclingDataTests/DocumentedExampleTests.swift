// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Runs the worked examples of files in docs/metrics.md.

import CyclerModel
import Foundation
import Quantities
import Testing

@testable import CyclingData

@Suite struct DocumentedExampleTests {
  @Test func everyFileOfThePage() throws {
    let page = try String(contentsOf: RepositoryRoot.url.appending(path: "docs/metrics.md"), encoding: .utf8)
    let blocks = page.components(separatedBy: "```file role=").dropFirst()
    #expect(!blocks.isEmpty)
    for block in blocks {
      let lines = block.components(separatedBy: "```")[0].split(separator: "\n").map(String.init)
      let role = try #require(CellRole(rawValue: lines[0]))
      let table = lines.dropFirst().filter { !$0.hasPrefix("= ") }.map { $0 + "\n" }.joined()
      let stated = lines.filter { $0.hasPrefix("= ") }.map { $0.split(separator: " ").map(String.init) }
      let computed = try values(analyze(table, role))
      #expect(!stated.isEmpty && stated.allSatisfy { $0.count == 3 })
      for words in stated { #expect(computed[words[1]] == words[2], "\(words)") }
    }
  }

  private func values(_ result: AnalysisResult) -> [String: String] {
    var values: [String: String] = [:]
    for summary in result.cycles.map(\.summary) {
      let number = summary.cycleNumber
      values["charge_capacity_nc_of_\(number)"] = summary.chargeCapacity.map { "\($0.nanocoulombs)" }
      values["discharge_capacity_nc_of_\(number)"] = summary.dischargeCapacity.map { "\($0.nanocoulombs)" }
      values["charge_energy_nj_of_\(number)"] = summary.chargeEnergy.map { "\($0.nanojoules)" }
      values["discharge_energy_nj_of_\(number)"] = summary.dischargeEnergy.map { "\($0.nanojoules)" }
    }
    return values
  }
}
