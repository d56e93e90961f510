// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Logarithm and exponential for the geometric mean of efficiencies. This room may import no C library, and so the same
// digits come out on every machine.

/// ln and e^x, to a few units of the last place.
enum NaturalLogarithm {
  private static let ofTwo = 0.693_147_180_559_945_309_417

  /// ln of a positive, normal number; nil of any other.
  static func of(_ value: Double) -> Double? {
    guard value > 0, value.isNormal else { return nil }
    return of(significand: value.significand, exponent: Int(value.exponent))
  }

  /// ln of significand · 2^exponent, of a significand from 1 to below 2.
  static func of(significand: Double, exponent: Int) -> Double {
    var exponent = Double(exponent)
    var significand = significand
    if significand > 1.414_213_562_373_095 {
      significand /= 2
      exponent += 1
    }
    // 2 artanh t = 2 (t + t³/3 + …) with t² below 0.0295, so that the twelfth term is below the last place.
    let t = (significand - 1) / (significand + 1)
    var power = t
    var sum = 0.0
    for odd in stride(from: 1.0, through: 23, by: 2) {
      sum += power / odd
      power *= t * t
    }
    return exponent * ofTwo + 2 * sum
  }

  /// e to the power of something from -700 to 700; nil beyond.
  static func power(_ exponent: Double) -> Double? {
    guard exponent.magnitude <= 700 else { return nil }
    let twos = (exponent / ofTwo).rounded()
    let rest = exponent - twos * ofTwo
    var term = 1.0
    var sum = 1.0
    for number in 1...18 {
      term *= rest / Double(number)
      sum += term
    }
    return Double(sign: .plus, exponent: Int(twos), significand: sum)
  }
}
