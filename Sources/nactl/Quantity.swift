// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A person says "1.2 mg"; the daemon is told 1200 µg. Read digit by digit in integers, so that nothing is rounded
// without a word, and a bare number is refused, as in protocol files.

import ArgumentParser

/// A positive quantity on the command line, as a whole number of its smallest unit.
protocol QuantityArgument: ExpressibleByArgument {
  /// How many smallest units a written unit holds.
  static var units: [(symbol: String, count: Int64)] { get }
  /// What is counted, for messages.
  static var smallest: String { get }
  init(count: Int64)
}

extension QuantityArgument {
  init?(argument: String) {
    guard let read = try? Self.read(argument) else { return nil }
    self = read
  }

  /// Reads what a person typed, or says what is wrong with it.
  static func read(_ argument: String) throws -> Self {
    let text = argument.trimmingSpaces()
    let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    let symbol = text.dropFirst(digits.count).trimmingSpaces()
    let known = units.map(\.symbol).joined(separator: ", ")
    guard !digits.isEmpty else {
      throw ValidationError("“\(argument)” is no positive decimal number with a unit (\(known))")
    }
    guard !symbol.isEmpty else { throw ValidationError("“\(argument)” has no unit; write one of \(known) behind it") }
    guard let unit = units.first(where: { $0.symbol == symbol }) else {
      throw ValidationError("“\(symbol)” is no unit here; write one of \(known)")
    }
    guard let count = Decimals.count(String(digits), times: unit.count), count > 0 else {
      throw ValidationError("“\(argument)” is not a whole positive number of \(smallest)")
    }
    return Self(count: count)
  }
}

/// Decimal numbers without floating point.
enum Decimals {
  /// A decimal number times a power of ten; nil when it is no number, not whole afterwards or too large.
  static func count(_ text: String, times factor: Int64) -> Int64? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), let whole = Int64(parts[0]), whole >= 0 else { return nil }
    var (sum, overflow) = whole.multipliedReportingOverflow(by: factor)
    guard !overflow else { return nil }
    guard parts.count == 2 else { return sum }
    guard !parts[1].isEmpty else { return nil }
    var place = factor
    for digit in parts[1] {
      guard let value = digit.wholeNumberValue else { return nil }
      if value != 0, place < 10 { return nil }
      place /= 10
      (sum, overflow) = sum.addingReportingOverflow(Int64(value) * place)
      guard !overflow else { return nil }
    }
    return sum
  }
}

/// A mass in micrograms.
struct MassArgument: QuantityArgument {
  static let units: [(symbol: String, count: Int64)] = [
    ("ug", 1), ("µg", 1), ("mg", 1_000), ("g", 1_000_000),
  ]
  static let smallest = "micrograms"
  var micrograms: Int64
  init(count: Int64) { micrograms = count }
}

/// An area in thousandths of a square millimetre.
struct AreaArgument: QuantityArgument {
  static let units: [(symbol: String, count: Int64)] = [
    ("mm2", 1_000), ("mm²", 1_000), ("cm2", 100_000), ("cm²", 100_000),
  ]
  static let smallest = "thousandths of a square millimetre"
  var count: Int64
  init(count: Int64) { self.count = count }
  /// Square millimetres.
  var squareMillimetres: Double { Double(count) / 1_000 }
}

/// A capacity in nanoampere-hours.
struct CapacityArgument: QuantityArgument {
  static let units: [(symbol: String, count: Int64)] = [
    ("uAh", 1_000), ("µAh", 1_000), ("mAh", 1_000_000), ("Ah", 1_000_000_000),
  ]
  static let smallest = "nanoampere-hours"
  var count: Int64
  init(count: Int64) { self.count = count }
  /// Milliampere-hours.
  var milliampereHours: Double { Double(count) / 1_000_000 }
}

extension StringProtocol {
  /// The text without spaces and tabs at its ends.
  func trimmingSpaces() -> String {
    var rest = Substring(self)
    while let first = rest.first, first == " " || first == "\t" { rest.removeFirst() }
    while let last = rest.last, last == " " || last == "\t" || last == "\r" { rest.removeLast() }
    return String(rest)
  }
}
