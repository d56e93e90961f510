// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A line that lost a digit can, rarely, still be a number that the converter has. So each value is asked for twice, and
// counts when the two agree as far as a cell and noise allow; their mean is taken.

/// Two answers to the same question.
struct ConverterPair: Sendable, Hashable {
  /// Two may differ by so many steps, and by so many where they have different signs: a lost sign is a lost byte too.
  private static let steps: Int64 = 32
  private static let stepsAcrossZero: Int64 = 4
  /// So often it is asked in all.
  static let attempts = 5

  private var last: ConverterScale.Measured?
  /// What the last two agreed on.
  private(set) var agreed: ConverterScale.Measured?
  /// Answers so far.
  private(set) var count = 0

  /// Takes an answer; whether it agrees with the one before.
  mutating func take(_ measured: ConverterScale.Measured, _ scale: ConverterScale) -> Bool {
    count += 1
    let before = last
    last = measured
    agreed = before.flatMap { Self.mean($0, measured, scale) }
    return agreed != nil
  }

  private static func mean(
    _ first: ConverterScale.Measured, _ second: ConverterScale.Measured, _ scale: ConverterScale
  ) -> ConverterScale.Measured? {
    guard case .value(let one) = first, case .value(let other) = second else {
      return first == second ? .atEnd : nil
    }
    let allowed = (one < 0) == (other < 0) ? steps : stepsAcrossZero
    guard (one - other).magnitude <= UInt64(allowed * scale.step) else { return nil }
    return .value((one + other) / 2)
  }
}
