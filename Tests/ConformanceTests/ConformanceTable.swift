// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import DriverTrials

/// The matrix for people: a row for each fault, a column for each family, and below it the reasons.
struct ConformanceTable {
  let families: [String]
  var columns: [[TrialRow: ConformanceMatrix.Verdict]]

  init(families: [String]) {
    self.families = families
    columns = Array(repeating: [:], count: families.count)
  }

  func written(seed: UInt64, known: [String: [TrialRow: KnownFailure]]) -> String {
    let widths = families.map { max($0.count, 10) }
    var lines = ["Conformance of drivers, seed \(seed); in each field, how often it was tried"]
    lines.append(Self.line("fault", families, widths))
    var notes: [String] = []
    for row in TrialRow.allCases {
      let fields = columns.indices.map { place in
        switch columns[place][row] {
        case .passed(let trials, let found):
          if !found.isEmpty {
            let words = found.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
            notes.append("found \(families[place]), \(row.rawValue): \(words)")
          }
          return "pass \(trials)"
        case .notApplicable(let reason):
          notes.append("n/a   \(families[place]), \(row.rawValue): \(reason)")
          return "n/a"
        case .failed(let trials, let violations):
          notes.append("FAIL  \(families[place]), \(row.rawValue), \(violations.count) of \(trials):")
          if let known = known[families[place]]?[row] { notes.append("        known: \(known.reason)") }
          notes += violations.prefix(3).map { "        \($0)" }
          return "FAIL"
        case nil: return "not tried"
        }
      }
      lines.append(Self.line(row.rawValue, fields, widths))
    }
    return (lines + notes).joined(separator: "\n")
  }

  private static func line(_ head: String, _ fields: [String], _ widths: [Int]) -> String {
    func padded(_ text: String, _ width: Int) -> String {
      text + String(repeating: " ", count: max(0, width - text.count))
    }
    return padded(head, 23) + zip(fields, widths).map { padded($0, $1 + 2) }.joined()
  }
}
