// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A range of a converter: its name, and the numbers that its codes stand for. Single precision, as the processor
// computes them.

/// One range, symmetric about zero.
struct ConverterRange: Sendable, Hashable {
  var name: String
  /// Volts or microamperes.
  var fullScale: Float

  static let volts = [
    ConverterRange(name: "1V", fullScale: 1), ConverterRange(name: "2V", fullScale: 2),
    ConverterRange(name: "5V", fullScale: 5), ConverterRange(name: "10V", fullScale: 10),
  ]

  /// The code of a level, cut off, not rounded, and kept within the converter.
  func code(below level: Float, of most: Int) -> Int {
    let code = Float(most) / (2 * fullScale) * (fullScale - level)
    guard code > 0 else { return 0 }
    return code >= Float(most) ? most : Int(code)
  }

  /// The level that the firmware computes from a code.
  func level(_ code: Int, of most: Int) -> Float { fullScale - Float(code) / Float(most) * (2 * fullScale) }

  /// The code that a converter finds for a real level, the nearest.
  func code(measured level: Double, of most: Int) -> Int {
    let code = (Double(most) / (2 * Double(fullScale)) * (Double(fullScale) - level)).rounded()
    return Int(min(max(code, 0), Double(most)))
  }

  /// The smallest of the voltage ranges that holds both; nil when none does.
  static func holding(_ low: Float, _ high: Float) -> ConverterRange? {
    volts.first { low >= -$0.fullScale && high <= $0.fullScale }
  }
}
