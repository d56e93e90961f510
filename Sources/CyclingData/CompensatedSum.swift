// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// A sum that keeps what rounding would lose (Neumaier, Z. Angew. Math. Mech. 54 (1974) 39): the error stays that of one
/// rounding, however many terms there are.
struct CompensatedSum: Sendable, Hashable {
  private var sum = 0.0
  private var lost = 0.0

  /// A sum that begins with a term.
  init(_ first: Double = 0) { sum = first }

  /// The sum.
  var value: Double { sum + lost }

  /// Adds a term.
  mutating func add(_ term: Double) {
    let next = sum + term
    lost += sum.magnitude >= term.magnitude ? (sum - next) + term : (term - next) + sum
    sum = next
  }
}
