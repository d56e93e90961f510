// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// C-rates as aurora-unicycler and tomato write them: `C/10`, `2C/3`, `0.1C`, `1/5`, with `D` for discharging.
enum ForeignRate {
  /// The rate, negative for discharging; nil when the text is none. A sign may stand before the whole, as in `-C/10`.
  static func read(_ written: some StringProtocol) -> Fraction? {
    var text = Substring(written.filter { !$0.isWhitespace })
    let isMinus = text.hasPrefix("-")
    if isMinus { text = text.dropFirst() }
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count) else { return nil }
    let letters = parts[0].filter { $0 == "C" || $0 == "D" }
    guard letters.count <= 1, letters.isEmpty || parts[0].hasSuffix(letters) else { return nil }
    let digits = parts[0].dropLast(letters.count)
    let above = digits.isEmpty && !letters.isEmpty ? Fraction(1) : Fraction(digits)
    let below = parts.count == 2 ? Fraction(parts[1]) : Fraction(1)
    // Signs inside say nothing that a letter and the sign before the whole do not.
    guard let above, let below, !above.isNegative, !below.isNegative, let inverse = below.inverse,
      let rate = above.times(inverse)
    else { return nil }
    return (letters == "D") != isMinus ? rate.negated : rate
  }
}
