// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// What counts of a sample that a test sends unasked: its time, and whether the current's converter was at its end.
///
/// Its voltage is the one that was asked for and is not measured; its current has no form by which a lost digit could be
/// seen, and in a stair is a difference. Both are asked for apart.
struct TestSample: Sendable, Hashable {
  /// Since the test began.
  var milliseconds: Int64
  /// The converter of the current was at its end.
  var isAtEnd: Bool

  /// Reads `{"t":100,"v":0.5,"i":49.98778}`, with `"n"` before and `"le":true` at its end where they are.
  init?(_ line: LineObject) {
    guard let time = line.number("t")?.whole, time >= 0, line.number("v") != nil, line.has("i") else { return nil }
    let isAtEnd = line.truth("le") == true
    // Nothing else may be there: a damaged key is a damaged line.
    guard line.count == 3 + (isAtEnd ? 1 : 0) else { return nil }
    milliseconds = time
    self.isAtEnd = isAtEnd
  }
}
