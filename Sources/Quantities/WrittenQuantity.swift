// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// How a person writes a quantity: a number, one space, a unit. One spelling a thing, so that two people's protocols
// can be compared line by line; what is nearly right is refused with the right spelling.

/// A unit in which a quantity may be written.
public struct UnitOfMeasure: Sendable, Hashable {
  /// As it is written, for instance `mV`.
  public let symbol: String
  /// How many of the quantity's smallest units it holds.
  public let size: Int64
  /// How many decimals a person likes to read in this unit before the next smaller one is used.
  let neatDecimals: Int

  init(_ symbol: String, _ size: Int64, neatDecimals: Int = 6) {
    self.symbol = symbol
    self.size = size
    self.neatDecimals = neatDecimals
  }
}

/// What is wrong with a written quantity, and what would be right.
public struct QuantityProblem: Error, Sendable, Hashable {
  /// What is wrong, one sentence without a full stop.
  public var message: String
  /// What would be right.
  public var hint: String
  /// A problem.
  public init(message: String, hint: String) {
    self.message = message
    self.hint = hint
  }
}

/// A quantity that a person can write and read.
public protocol WrittenQuantity: FixedPointQuantity {
  /// What it is called in a sentence, for instance `a voltage`.
  static var noun: String { get }
  /// A correct example, for instance `10 mV`.
  static var example: String { get }
  /// All its units, largest first.
  static var units: [UnitOfMeasure] { get }
  /// The unit in which nothing is written: `0 V`.
  static var zeroUnit: String { get }
}

extension WrittenQuantity {
  /// Reads a quantity as `10 mV` or `-0.05 V`. The value is rounded to the nearest smallest unit, which lies
  /// far below what any instrument resolves; one that would round to nothing is refused.
  public init(written text: String) throws(QuantityProblem) {
    let parts = try NumberAndUnit(text, noun: Self.noun, example: Self.example, units: Self.units.map(\.symbol))
    guard let unit = Self.units.first(where: { $0.symbol == parts.unit }) else {
      throw parts.unknownUnit(noun: Self.noun, units: Self.units.map(\.symbol))
    }
    guard let count = parts.number.scaled(Int128(unit.size)) else {
      throw QuantityProblem(message: "`\(text)` is too large", hint: "write a value like `\(Self.example)`")
    }
    guard count != 0 || parts.number.mantissa == 0 else {
      throw QuantityProblem(
        message: "`\(text)` is too small to be represented", hint: "the smallest step is \(Self(count: 1).written)")
    }
    self.init(count: count)
  }

  /// The quantity in the unit that suits it, exact: reading it again gives the same quantity (up to 18 digits: charges and energies
  /// to 2.5 kAh and 2.5 kWh).
  public var written: String {
    guard count != 0 else { return "0 \(Self.zeroUnit)" }
    let fitting = Self.units.filter { $0.size.magnitude <= count.magnitude }
    for unit in fitting {
      if let text = exactDecimal(count, per: unit.size, decimals: unit.neatDecimals) { return "\(text) \(unit.symbol)" }
    }
    for unit in fitting + Self.units.reversed() {
      if let text = exactDecimal(count, per: unit.size, decimals: 12) { return "\(text) \(unit.symbol)" }
    }
    let unit = fitting.first ?? Self.units[Self.units.count - 1]
    return "\(roundedDecimal(count, per: unit.size, decimals: String(unit.size).utf8.count)) \(unit.symbol)"
  }

  /// The quantity rounded to `digits` significant digits, for tables and listings.
  public func shown(digits: Int = 5) -> String {
    guard count != 0 else { return "0 \(Self.zeroUnit)" }
    let fitting = Self.units.first { $0.size.magnitude <= count.magnitude }
    let unit = fitting ?? Self.units[Self.units.count - 1]
    let whole = String((count / unit.size).magnitude).utf8.count
    return "\(roundedDecimal(count, per: unit.size, decimals: max(0, digits - whole))) \(unit.symbol)"
  }
}

/// A written quantity taken apart.
struct NumberAndUnit {
  let text: String
  let number: DecimalNumber
  let unit: String

  init(_ text: String, noun: String, example: String, units: [String]) throws(QuantityProblem) {
    let parts = text.split(separator: " ", omittingEmptySubsequences: false)
    let spelling = "write \(noun) like `\(example)`: a number, one space, a unit"
    guard parts.count == 2 else {
      let numeral = text.utf8.prefix { "0123456789.-".utf8.contains($0) }
      let rest = text.dropFirst(numeral.count).drop { $0 == " " }
      if numeral.count == text.utf8.count, !text.isEmpty {
        throw QuantityProblem(message: "`\(text)` is a bare number", hint: "\(spelling); units are \(list(units))")
      }
      if !numeral.isEmpty, units.contains(String(rest)) {
        throw QuantityProblem(
          message: "`\(text)` needs exactly one space between number and unit",
          hint: "write `\(String(Substring(numeral))) \(rest)`")
      }
      throw QuantityProblem(message: "`\(text)` is not \(noun)", hint: spelling)
    }
    do {
      number = try DecimalNumber(written: parts[0])
    } catch {
      switch error {
      case .malformed:
        throw QuantityProblem(
          message: "`\(parts[0])` in `\(text)` is not a decimal number",
          hint: "digits, a point where needed, no exponent, no plus sign, no zero in front")
      case .tooManyDigits:
        throw QuantityProblem(message: "`\(parts[0])` has more than 18 digits", hint: "round it")
      }
    }
    self.text = text
    unit = String(parts[1])
  }

  func unknownUnit(noun: String, units: [String]) -> QuantityProblem {
    let nearest = units.first { $0.lowercased() == unit.lowercased() } ?? plainSpelling(among: units)
    let hint = nearest.map { "write `\(number.written) \($0)`" } ?? "units of \(noun) are \(list(units))"
    return QuantityProblem(message: "`\(unit)` is not a unit of \(noun)", hint: hint)
  }

  /// `µA` (either micro sign) and `cm²` are written in plain letters here.
  private func plainSpelling(among units: [String]) -> String? {
    var plain = ""
    for scalar in unit.unicodeScalars {
      switch scalar {
      case "\u{B5}", "\u{3BC}": plain += "u"
      case "\u{B2}": plain += "2"
      default: plain.unicodeScalars.append(scalar)
      }
    }
    return units.first { $0 == plain }
  }
}

private func list(_ words: [String]) -> String { words.joined(separator: ", ") }

/// `count`/`size` in digits when at most `decimals` of them after the point are exact, otherwise nil.
private func exactDecimal(_ count: Int64, per size: Int64, decimals: Int) -> String? {
  let scaled = Int128(count) * powerOfTen(decimals)
  guard scaled % Int128(size) == 0 else { return nil }
  return roundedDecimal(count, per: size, decimals: decimals)
}

/// `count`/`size` rounded to `decimals` digits after the point, without trailing zeros. Written from its end, byte by byte:
/// the message of a fault is made before its circuit is opened.
private func roundedDecimal(_ count: Int64, per size: Int64, decimals: Int) -> String {
  let value = roundedQuotient(Int128(count) * powerOfTen(decimals), Int128(size))
  // 39 digits at most, or those after the point and one before it; a point and a sign.
  let room = max(39, decimals + 1) + 2
  return String(unsafeUninitializedCapacity: room) { text in
    var rest = value.magnitude
    var begin = room
    for place in 0..<max(decimals + 1, 39) where place <= decimals || rest > 0 {
      if place == decimals, begin < room { put(UInt8(ascii: "."), before: &begin, in: text) }
      let digit = nextDigit(of: &rest)
      // Zeros at the end of the fraction are left out.
      if place < decimals, begin == room, digit == 0 { continue }
      put(UInt8(ascii: "0") + digit, before: &begin, in: text)
    }
    if value < 0 { put(UInt8(ascii: "-"), before: &begin, in: text) }
    for index in begin..<room { text[index - begin] = text[index] }
    return room - begin
  }
}

private func put(_ byte: UInt8, before begin: inout Int, in text: UnsafeMutableBufferPointer<UInt8>) {
  begin -= 1
  text[begin] = byte
}

/// Takes the last decimal digit off; in 64 bits where that is enough.
private func nextDigit(of rest: inout UInt128) -> UInt8 {
  if let small = UInt64(exactly: rest) {
    rest = UInt128(small / 10)
    return UInt8(small % 10)
  }
  let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
  rest = quotient
  return UInt8(digit)
}
