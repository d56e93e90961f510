// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Every fault has its row in the documentation, and every row its fault.

import Foundation
import Testing

@Suite("Faults and their page") struct FaultPageTests {
  /// The names in the code: `case linkLost = "link.lost"`.
  private func registered() throws -> [String] {
    let text = try Repository.text("Sources/CyclerModel/FaultCode.swift")
    let registry = try #require(text.firstRange(of: "enum FaultCode")).upperBound
    let end = try #require(text[registry...].firstRange(of: "\n}")).lowerBound
    return text[registry..<end].matches(of: /case \w+ = "([^"]+)"/).map { String($0.output.1) }
  }

  /// The rows of the page: name, meaning, what the daemon does, what a person should do.
  private func rows() throws -> [[String]] {
    try Repository.text("docs/faults.md").split(separator: "\n").filter { $0.hasPrefix("| `") }.map { line in
      line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
    }
  }

  @Test("the code and docs/faults.md name the same faults, each once") func agree() throws {
    let code = try registered()
    let page = try rows().map { $0[0].trimmingCharacters(in: ["`"]) }
    #expect(code.count > 40)
    #expect(Set(code).count == code.count)
    #expect(Set(page).count == page.count)
    #expect(Set(code).subtracting(page).sorted() == [], "these faults have no row in docs/faults.md")
    #expect(Set(page).subtracting(code).sorted() == [], "these rows are of no fault in FaultCode.swift")
  }

  @Test("every row says what it means, what happens and what to do") func complete() throws {
    for row in try rows() {
      #expect(row.count == 4, "\(row)")
      for cell in row.dropFirst() { #expect(cell.count > 5 || cell == "The same.", "\(row)") }
    }
  }

  @Test("a fault's name is dotted, lower-case words") func names() throws {
    for name in try registered() {
      #expect(name.wholeMatch(of: /[a-z]+(_[a-z]+)*(\.[a-z]+(_[a-z]+)*)+/) != nil, "\(name)")
    }
  }
}
