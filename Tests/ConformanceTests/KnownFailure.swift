// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import DriverTrials

/// A field of the matrix that is known to fail, and how.
struct KnownFailure {
  /// What stands in each of its violations.
  let words: String
  /// Why it is so.
  let reason: String
  /// Whether it depends on the seed if it is seen at all.
  let isByChance: Bool

  init(_ words: String, because reason: String, isByChance: Bool = false) {
    self.words = words
    self.reason = reason
    self.isByChance = isByChance
  }

  /// Whether nothing else is wrong. A field that is well is not explained by it either, but has to be seen as
  /// well, unless chance decides.
  func explains(_ verdict: ConformanceMatrix.Verdict) -> Bool {
    guard case .failed(_, let violations) = verdict else { return true }
    return violations.allSatisfy { $0.contains(words) }
  }
}
