// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// What a variable's value is, as the two letters that stand in front of it in a package.
struct VariableType: RawRepresentable, Hashable, Sendable {
  /// The first letter in the high byte, the second in the low byte.
  var rawValue: UInt16
  /// Two letters.
  init(rawValue: UInt16) { self.rawValue = rawValue }
  /// The first letter.
  var first: UInt8 { UInt8(truncatingIfNeeded: rawValue >> 8) }
  /// The second letter.
  var second: UInt8 { UInt8(truncatingIfNeeded: rawValue) }

  /// Unknown, the type of a variable that was never written.
  static let unknown = VariableType("a", "a")
  /// Potential of the working against the reference electrode, measured.
  static let measuredPotential = VariableType("a", "b")
  /// Current of the working electrode, measured.
  static let measuredCurrent = VariableType("b", "a")
  /// Potential as applied.
  static let appliedPotential = VariableType("d", "a")
  /// Current as applied.
  static let appliedCurrent = VariableType("d", "b")
  /// Frequency.
  static let frequency = VariableType("d", "c")
  /// Real part of an impedance.
  static let realImpedance = VariableType("c", "c")
  /// Imaginary part of an impedance.
  static let imaginaryImpedance = VariableType("c", "d")
  /// Time.
  static let time = VariableType("e", "b")

  private init(_ first: Unicode.Scalar, _ second: Unicode.Scalar) {
    rawValue = UInt16(UInt8(truncatingIfNeeded: first.value)) << 8 | UInt16(UInt8(truncatingIfNeeded: second.value))
  }

  /// The type that a script names, or nil when the language has no such type.
  init?(word: some StringProtocol) {
    let letters = Array(word.utf8)
    guard letters.count == 2 else { return nil }
    let seconds: ClosedRange<UInt8>
    switch letters[0] {
    case UInt8(ascii: "a"):
      guard letters[1] <= UInt8(ascii: "i") || letters[1] >= UInt8(ascii: "s") else { return nil }
      seconds = UInt8(ascii: "a")...UInt8(ascii: "z")
    case UInt8(ascii: "b"): seconds = UInt8(ascii: "a")...UInt8(ascii: "b")
    case UInt8(ascii: "c"): seconds = UInt8(ascii: "a")...UInt8(ascii: "z")
    case UInt8(ascii: "d"): seconds = UInt8(ascii: "a")...UInt8(ascii: "d")
    case UInt8(ascii: "e"): seconds = UInt8(ascii: "a")...UInt8(ascii: "g")
    case UInt8(ascii: "h"), UInt8(ascii: "i"), UInt8(ascii: "j"): seconds = UInt8(ascii: "a")...UInt8(ascii: "d")
    default: return nil
    }
    guard seconds.contains(letters[1]) else { return nil }
    rawValue = UInt16(letters[0]) << 8 | UInt16(letters[1])
  }
}
