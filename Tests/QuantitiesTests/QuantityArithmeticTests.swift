// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Quantities
import Testing

@Suite struct QuantityArithmeticTests {
  private func number(_ text: String) throws -> DecimalNumber { try DecimalNumber(written: text[...]) }

  @Test(arguments: [
    ("1", "4", "0.25"), ("1", "3", "0.333333333333333"), ("2", "3", "0.666666666666667"),
    ("-2", "3", "-0.666666666666667"),
    ("10", "0.5", "20"), ("0", "7", "0"), ("1000000", "0.001", "1000000000"), ("0.1", "3", "0.0333333333333333"),
    ("999999999999999999", "1", "999999999999999999"),
  ])
  func aQuotientIsExactOrHasFifteenDigits(one: String, other: String, quotient: String) throws {
    #expect(try number(one).quotient(try number(other))?.written == quotient)
  }

  @Test func nothingIsDividedByNothingNorBeyondEighteenDigits() throws {
    #expect(try number("1").quotient(try number("0")) == nil)
    #expect(try number("999999999999999999").quotient(try number("0.001")) == nil)
    #expect(try number("999999999999999999").product(try number("10")) == nil)
    #expect(try number("999999999999999999").sum(try number("1")) == nil)
    #expect(try number("0.000000001").product(try number("0.0000000001")) == nil)
  }

  @Test(arguments: [
    ("4.25 V", "50 mV", true, "4200 mV"), ("1 h", "10 min", false, "70 min"), ("0.1 A/g", "20 mA/g", false, "120 mA/g"),
    ("1 mAh/cm2", "200 uAh/cm2", true, "800 uAh/cm2"), ("10 mV", "20 mV", true, "-10 mV"), ("1 d", "1 h", true, "23 h"),
  ])
  func valuesOfOneKindAreAddedInTheSmallerUnit(one: String, other: String, isDifference: Bool, sum: String) {
    #expect(DecimalNumber.sum(of: one, and: other, negating: isDifference) == sum)
  }

  @Test(arguments: [
    ("1 V", "1 h"), ("1 A", "1 A/g"), ("1 mAh/g", "1 mAh"), ("C/3", "1 mA"), ("5", "1 V"), ("1 V", "x V"),
  ])
  func othersAreNot(one: String, other: String) { #expect(DecimalNumber.sum(of: one, and: other) == nil) }

  @Test(arguments: [
    ("1 mA", "4", "0.25 mA"), ("C/20", "2", "C/40"), ("2 C", "4", "0.5 C"),
    ("C/3 of discharge_capacity", "2", "C/6 of discharge_capacity"),
  ])
  func partsOfQuantities(quantity: String, divisor: String, part: String) throws {
    #expect(try number(divisor).part(of: quantity) == part)
  }
}
