// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Testing

@testable import CyclingData

@Suite("Numbers in tables") struct DecimalTextTests {
  private func read(_ text: String, exponent: Int = 0, mark: UInt8 = 0x2E) -> FieldValue {
    Array((text + ",x\n").utf8).withUnsafeBufferPointer { bytes in
      guard var cursor = bytes.baseAddress else { return .malformed }
      let value = DecimalText.read(&cursor, delimiter: 0x2C, decimalMark: mark, exponent: exponent)
      // Whatever it is, the field was left at its end.
      return cursor.pointee == 0x2C ? value : .malformed
    }
  }

  @Test(arguments: [
    "0", "-0", "1", "+1.5", "-1.5e-4", "2.50857592", ".5", "5.", "1e3", "1E+3", "8.87960047e-05", "000123.4500",
    "0.1", "0.3", "123456789012345678", "1234567890123456789012", "0.12345678901234567890123", "9007199254740993",
    "4.9406564584124654e-324", "1.7976931348623157e308", "2.2250738585072014e-308", "1e-400",
    "0.000000000000000000000001",
    "30.000509866513465", "4.138783931732178", "123456.7890123456e-10", "9999999999999999.5",
  ]) func isTheNearestDouble(text: String) throws {
    let expected = try #require(Double(text))
    #expect(read(text) == .number(expected))
    #expect(read("  \(text) ") == .number(expected))
    #expect(read("\"\(text)\"") == .number(expected))
  }

  /// A milliampere is not 0.001 times a rounded number.
  @Test(arguments: [("0.1", -3, "0.1e-3"), ("22.4794922", -3, "22.4794922e-3"), ("1e2", -6, "1e-4")])
  func aPrefixIsRoundedWithTheNumber(text: String, exponent: Int, same: String) throws {
    #expect(read(text, exponent: exponent) == .number(try #require(Double(same))))
  }

  @Test(arguments: SeededGenerator.seeds) func randomDecimals(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<300 {
      let digits = (0..<Int.random(in: 1...21, using: &random)).map { _ in String(Int.random(in: 0...9, using: &random))
      }
      var text = digits.joined()
      text.insert(".", at: text.index(text.startIndex, offsetBy: Int.random(in: 0...digits.count, using: &random)))
      if Bool.random(using: &random) { text = "-" + text }
      if Bool.random(using: &random) { text += "e\(Int.random(in: -30...30, using: &random))" }
      let expected = try #require(Double(text))
      #expect(read(text) == .number(expected), "\(text)")
      let scaled = try #require(Double(text.contains("e") ? "\(text)".replacingExponent(by: -3) : text + "e-3"))
      #expect(read(text, exponent: -3) == .number(scaled), "\(text)")
    }
  }

  /// Shortest and longest forms that programs write come back as what was written.
  @Test(arguments: SeededGenerator.seeds) func whatProgramsWrite(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<300 {
      let value = Double.random(in: -5...5, using: &random)
      #expect(read("\(value)") == .number(value))
    }
  }

  @Test func decimalCommas() {
    #expect(
      Array("-1,25e-3;\n".utf8).withUnsafeBufferPointer { bytes -> FieldValue in
        guard var cursor = bytes.baseAddress else { return .malformed }
        return DecimalText.read(&cursor, delimiter: 0x3B, decimalMark: 0x2C, exponent: 0)
      } == .number(-1.25e-3))
  }

  @Test func durations() {
    #expect(read("25:00:02.5") == .duration(90_002.5))
    #expect(read("0:00:10.000") == .duration(10))
    #expect(read("02:30") == .duration(150))
    #expect(read("1:02:03:04") == .duration(93_784))
    #expect(read("1:70:00") == .malformed)
    #expect(read("12:") == .malformed)
  }

  @Test func nothingAndNonsense() {
    for text in ["", "  ", "NaN", "nan", "null", "-", "\"\"", "N/A"] { #expect(read(text) == .unknown, "\(text)") }
    for text in ["1.2.3", "1e", "0x10", "abc", "1 2", "--1", "1-2", "12a", "e5", "2021-02-10"] {
      #expect(read(text) == .malformed, "\(text)")
    }
  }
}

extension String {
  fileprivate func replacingExponent(by shift: Int) -> String {
    guard let mark = firstIndex(of: "e"), let power = Int(self[index(after: mark)...]) else { return self }
    return self[..<mark] + "e\(power + shift)"
  }
}
