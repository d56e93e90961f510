// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Sums, products and quotients of what a person writes: `4.25 V` less `50 mV` is `4.20 V`. Everything is done on the
// decimal digits, so nothing is rounded but a quotient without an end.

extension DecimalNumber {
  /// Digits of a quotient that has no end; quantities hold fewer.
  private static let digitsOfQuotient = 15

  /// The product; nil where it has more than 18 digits.
  public func product(_ other: DecimalNumber) -> DecimalNumber? {
    Self.fitting(Int128(mantissa) * Int128(other.mantissa), decimals: decimals + other.decimals)
  }

  /// The sum; nil where it has more than 18 digits.
  public func sum(_ other: DecimalNumber) -> DecimalNumber? {
    let places = max(decimals, other.decimals)
    return Self.fitting(
      Int128(mantissa) * powerOfTen(places - decimals) + Int128(other.mantissa) * powerOfTen(places - other.decimals),
      decimals: places)
  }

  /// The number with the other sign.
  public var negated: DecimalNumber { DecimalNumber(mantissa: -mantissa, decimals: decimals) }

  /// The quotient, exact where it ends within 15 digits and otherwise rounded to so many or more, half away from zero; nil where
  /// `divisor` is nothing or the quotient has more than 18 digits.
  public func quotient(_ divisor: DecimalNumber) -> DecimalNumber? {
    guard divisor.mantissa != 0 else { return nil }
    guard mantissa != 0 else { return self }
    let sign: Int128 = (mantissa < 0) == (divisor.mantissa < 0) ? 1 : -1
    var numerator = Int128(mantissa.magnitude)
    var places = decimals - divisor.decimals
    while numerator / Int128(divisor.mantissa.magnitude) < powerOfTen(Self.digitsOfQuotient - 1) {
      numerator *= 10
      places += 1
    }
    var quotient = roundedQuotient(numerator, Int128(divisor.mantissa.magnitude))
    while places < 0 {
      guard quotient < powerOfTen(18) else { return nil }
      quotient *= 10
      places += 1
    }
    return Self.fitting(sign * quotient, decimals: places)
  }

  /// Trailing zeros behind the point are left out; nil for more digits than a number has.
  private static func fitting(_ mantissa: Int128, decimals: Int) -> DecimalNumber? {
    var (value, places) = (mantissa, decimals)
    while places > 0, value % 10 == 0 { (value, places) = (value / 10, places - 1) }
    guard places <= 18, value.magnitude < powerOfTen(18).magnitude, let digits = Int64(exactly: value) else {
      return nil
    }
    return DecimalNumber(mantissa: digits, decimals: places)
  }

  // MARK: - Quantities

  /// A written quantity, `NUMBER UNIT`, `C/NUMBER` or a share `of` something, divided by this number; nil where that
  /// cannot be written.
  public func part(of quantity: String) -> String? {
    if let of = quantity.firstRange(of: " of ") {
      return part(of: String(quantity[..<of.lowerBound])).map { $0 + quantity[of.lowerBound...] }
    }
    if quantity.hasPrefix("C/") {
      guard mantissa > 0, let hours = try? DecimalNumber(written: quantity.dropFirst(2)) else { return nil }
      return product(hours).map { "C/\($0.written)" }
    }
    guard let space = quantity.firstIndex(of: " "), let number = try? DecimalNumber(written: quantity[..<space]) else {
      return nil
    }
    return number.quotient(self).map { $0.written + quantity[space...] }
  }

  /// The sum of two written quantities in the smaller of their units; nil where they are not of one kind, or cannot be
  /// written in one number.
  public static func sum(of left: String, and right: String, negating isDifference: Bool = false) -> String? {
    let parts = [left, right].map { $0.split(separator: " ", omittingEmptySubsequences: false) }
    guard parts.allSatisfy({ $0.count == 2 }), var one = try? DecimalNumber(written: parts[0][0]),
      var other = try? DecimalNumber(written: parts[1][0])
    else { return nil }
    let (unit, second) = (String(parts[0][1]), String(parts[1][1]))
    if isDifference { other = other.negated }
    if unit == second { return one.sum(other).map { "\($0.written) \(unit)" } }
    for units in QuantityKinds.all {
      guard let first = units.first(where: { $0.symbol == unit }),
        let then = units.first(where: { $0.symbol == second })
      else { continue }
      let smaller = first.size < then.size ? first : then
      guard let inFirst = one.scaled(from: first, to: smaller), let inSecond = other.scaled(from: then, to: smaller)
      else { return nil }
      (one, other) = (inFirst, inSecond)
      return one.sum(other).map { "\($0.written) \(smaller.symbol)" }
    }
    return nil
  }

  private func scaled(from unit: UnitOfMeasure, to smaller: UnitOfMeasure) -> DecimalNumber? {
    let (times, rest) = unit.size.quotientAndRemainder(dividingBy: smaller.size)
    return rest == 0 ? Self.fitting(Int128(mantissa) * Int128(times), decimals: decimals) : nil
  }
}

/// The units that can be added to one another.
private enum QuantityKinds {
  static let all: [[UnitOfMeasure]] = [
    Voltage.units, Current.units, Charge.units, Energy.units, Power.units, Resistance.units, TimeSpan.units,
    VoltageRate.units, Temperature.units, Mass.units, Area.units, CurrentExpression.specificUnits,
    CurrentExpression.arealUnits,
    ChargeExpression.specificUnits, ChargeExpression.arealUnits,
  ]
}
