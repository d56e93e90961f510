// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import CyclerModel

/// A product of any number of factors: its exponent has a place of its own, so that thousands of small factors do not come
/// to zero. While a `Double` holds the product as a normal number, it is what plain multiplication gives, to the last digit.
struct LongProduct: Sendable, Hashable {
  // A magnitude from 1 to below 2 with a sign; or zero, infinite or no number, which stay so.
  private var significand = 1.0
  // Of two.
  private var exponent = 0

  init() {}

  /// Multiplies by a factor.
  mutating func take(_ factor: Double) {
    guard let (scaled, twos) = Self.parts(factor), let (product, carry) = Self.parts(significand * scaled) else {
      significand *= factor
      exponent = 0
      return
    }
    significand = product
    exponent = exponent &+ twos &+ carry
  }

  /// As a number: zero below what it holds, and infinite beyond.
  var value: Double { Double(sign: .plus, exponent: exponent, significand: significand) }

  /// ln; nil unless the product is above zero.
  var logarithm: Double? {
    guard significand > 0, significand.isFinite else { return nil }
    return NaturalLogarithm.of(significand: significand, exponent: exponent)
  }

  private static func parts(_ value: Double) -> (significand: Double, exponent: Int)? {
    guard value.isFinite, value != 0 else { return nil }
    return (Double(sign: value.sign, exponent: 0, significand: value.significand), Int(value.exponent))
  }
}

// MARK: - Checkpoint

extension LongProduct {
  func encode(into writer: inout ByteWriter) {
    writer.write(significand)
    writer.write(Int64(exponent))
  }

  init(from reader: inout ByteReader) throws(ByteReader.Malformed) {
    significand = try reader.readDouble()
    let exponent: Int64 = try reader.read()
    self.exponent = Int(exponent)
  }
}
