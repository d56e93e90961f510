// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A value of the language: a floating-point number or a 32-bit integer, what it is, and how it was measured. Trivial
// on purpose, so that the executor copies it without counting references.

/// What a variable, an array element or a literal holds.
struct ScriptValue: Hashable, Sendable {
  /// The number, when it is not an integer.
  var number: Double
  /// The integer, when it is one.
  var integer: Int32
  /// Which of the two counts.
  var isInteger: Bool
  /// Whether `status` and `range` belong to it, because it was measured.
  var isMeasured = false
  /// 1 timing not met, 2 overload, 4 underload, 8 overload warning.
  var status: UInt8 = 0
  /// The index of the range that it was measured on.
  var range: UInt8 = 0
  /// What it is.
  var type = VariableType.unknown

  /// A number.
  init(_ number: Double, _ type: VariableType = .unknown) {
    self.number = number
    integer = 0
    isInteger = false
    self.type = type
  }
  /// An integer.
  init(integer: Int32) {
    number = 0
    self.integer = integer
    isInteger = true
  }
  /// The value for a comparison or an output, whichever kind it is.
  var asNumber: Double { isInteger ? Double(integer) : number }

  /// A literal of the language: decimal digits with a unit prefix or `i`, or `0x`/`0b` digits.
  ///
  /// Throws the code that the instrument would answer. There is no decimal point, and the digits must fit into 32
  /// bits with a sign.
  init(literal word: some StringProtocol) throws(ErrorCode) {
    var digits = Substring(word)
    let isNegative = digits.first == "-"
    if isNegative || digits.first == "+" { digits.removeFirst() }
    if digits.hasPrefix("0x") || digits.hasPrefix("0b") {
      let radix = digits.hasPrefix("0x") ? 16 : 2
      digits.removeFirst(2)
      if digits.last == "i" {
        digits.removeLast()
      } else if let last = digits.last, last.isLetter, !last.isHexDigit {
        throw .hexadecimalNotInteger
      }
      guard !isNegative, digits.first != "+", digits.first != "-", let bits = UInt32(digits, radix: radix) else {
        throw .malformedLiteral
      }
      self.init(integer: Int32(bitPattern: bits))
      return
    }
    var prefix: Character?
    if let last = digits.last, !("0"..."9").contains(last) { prefix = digits.removeLast() }
    guard !digits.isEmpty, digits.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
      let whole = Int32((isNegative ? "-" : "") + digits)
    else { throw .malformedLiteral }
    if prefix == "i" {
      self.init(integer: whole)
    } else {
      guard let number = Self.scaled(Double(whole), by: prefix) else { throw .malformedLiteral }
      self.init(number)
    }
  }

  /// A whole number with its unit prefix. Divides by a power of ten where the prefix is a fraction, so that the result
  /// is the binary number nearest to what was written.
  private static func scaled(_ whole: Double, by prefix: Character?) -> Double? {
    switch prefix {
    case nil: whole
    case "a": whole / 1e18
    case "f": whole / 1e15
    case "p": whole / 1e12
    case "n": whole / 1e9
    case "u": whole / 1e6
    case "m": whole / 1e3
    case "k": whole * 1e3
    case "M": whole * 1e6
    case "G": whole * 1e9
    case "T": whole * 1e12
    case "P": whole * 1e15
    case "E": whole * 1e18
    default: nil
    }
  }
}
