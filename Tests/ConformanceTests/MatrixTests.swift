// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import DriverTrials
import Glibc
import Synchronization
import Testing

/// The seed of this run: `NACYCLER_SEED`, or one that is the same every day.
private let seed = getenv("NACYCLER_SEED").flatMap { UInt64(String(cString: $0)) } ?? 20_260_101

/// What is known to be wrong. A field that gets well is an error, and so is one that is wrong in another way: nothing stays here
/// by mistake, and nothing hides behind it.
private let knownFailures: [String: [TrialRow: KnownFailure]] = [
  "tdstat": unprotectedConversions, "tdstat, mystat": unprotectedConversions,
]

private let unprotectedConversions: [TrialRow: KnownFailure] = [
  .corrupted: KnownFailure("a reading of", because: unprotectedConversion),
  .flood: KnownFailure("a reading of", because: unprotectedConversion, isByChance: true),
]

private let unprotectedConversion =
  "a conversion is six bytes without any redundancy: one of them that turns into another cannot be seen; the checksum of "
  + "USB, which such a line does not have, is what protects them"

/// Every family against every fault; `make conformance` prints the table.
@Suite struct MatrixTests {
  @Test func everyDriverWithstandsEveryFault() async throws {
    var table = ConformanceTable(families: families.map(\.name))
    let matrices = families.map { ConformanceMatrix($0, seed: seed) }
    for (family, matrix) in zip(families, matrices) {
      #expect(matrix.objections.isEmpty, "\(family.name) without any fault: \(matrix.objections)")
    }
    await withTaskGroup(of: (Int, TrialRow, ConformanceMatrix.Verdict).self) { group in
      for (place, matrix) in matrices.enumerated() where matrix.objections.isEmpty {
        for row in TrialRow.allCases {
          group.addTask {
            var matrix = matrix
            return (place, row, matrix.judge(row))
          }
        }
      }
      for await (place, row, verdict) in group { table.columns[place][row] = verdict }
    }
    print(table.written(seed: seed, known: knownFailures))
    for (place, family) in families.enumerated() {
      for row in TrialRow.allCases {
        let verdict = try #require(table.columns[place][row], "\(family.name): \(row.rawValue) was not tried")
        if let known = knownFailures[family.name]?[row], known.explains(verdict) {
          withKnownIssue(isIntermittent: known.isByChance) { Self.record(verdict, family, row) }
        } else {
          Self.record(verdict, family, row)
        }
      }
    }
  }

  private static func record(_ verdict: ConformanceMatrix.Verdict, _ family: DriverFamily, _ row: TrialRow) {
    guard case .failed(let trials, let violations) = verdict else { return }
    let found = "\(violations.count) of \(trials): \(violations.prefix(3))"
    Issue.record("\(family.name), \(row.rawValue), seed \(seed): \(found)")
  }
}
