// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// Round numbers on an axis.
struct AxisTicks {
  /// In rising order, all within the axis.
  let values: [Double]
  /// Digits after the point that tell them apart.
  let decimals: Int

  /// At most so many round numbers from a lowest to a highest value; one at least of any proper axis.
  init(from low: Double, to high: Double, most: Int) {
    guard low.isFinite, high.isFinite, high > low, most > 0 else {
      (values, decimals) = (low.isFinite ? [low] : [], 3)
      return
    }
    // 1, 2 or 5 times a power of ten, the smallest that gives few enough.
    var power = 1.0
    var digits = 0
    while power * 10 < high - low { power *= 10 }
    while power > high - low {
      power /= 10
      digits += 1
    }
    // From a tenth of it on; a step that is too fine is passed over.
    let candidates: [(Double, Int)] = [
      (0.1, digits + 1), (0.2, digits + 1), (0.5, digits + 1), (1, digits), (2, digits), (5, digits), (10, digits),
    ]
    let room = Double(most)
    let (factor, places) =
      candidates.first { ((high - low) / ($0.0 * power)).rounded(.down) + 1 <= room }
      ?? (10, digits)
    let step = factor * power
    let first = (low / step - 1e-9).rounded(.up)
    let last = (high / step + 1e-9).rounded(.down)
    values = first <= last ? (0...Int(last - first)).map { (first + Double($0)) * step } : [low]
    decimals = max(0, min(12, step >= 1 ? 0 : places))
  }

  /// The numbers as they are written.
  var texts: [String] { values.map { Numbers.fixed($0, decimals) } }
}
