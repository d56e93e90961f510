// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// The steps in which a counter counts, from what it showed: the largest value of which every difference between two
/// readings is a whole multiple (Euclid's algorithm on numbers with noise).
///
/// The smallest difference alone would not do: a fine counter that is read once an hour moves in large steps too. So it
/// takes intervals of one length and one current over which the counter moved by unlike amounts, or not at all.
struct CounterGrid: Sendable, Hashable {
  /// It counts so finely that nobody needs to know, and nothing is looked at any more.
  private(set) var isFine = false
  private var divisor = 0.0
  private var differences = 0
  // Differences unlike the one before, over an interval like the one before.
  private var witnesses = 0
  private var lastDifference = 0.0
  private var lastSpan = 0.0

  /// Readings that were written as single-precision numbers are exact to this share.
  private static let noise = 2e-7
  /// Below this share of a reading a step is fine: a hundredth of what is worth a word.
  private static let fine = 1e-6
  /// So many differences, and so many that are unequal, before anything is said.
  private static let enough = 20
  private static let enoughWitnesses = 5
  /// Intervals of one length.
  private static let sameSpan = 0.01

  /// The step; nil where nothing shows that there are steps.
  var step: Double? {
    !isFine && differences >= Self.enough && witnesses >= Self.enoughWitnesses ? divisor : nil
  }

  /// Takes the next difference, a magnitude.
  /// - Parameter span: The interval, s, when the current was the same at both of its ends; otherwise nil.
  mutating func observe(_ difference: Double, reading: Double, span: Double?) {
    let noise = Self.noise * max(reading, difference)
    note(difference, span, noise)
    guard difference > noise else { return }
    differences += 1
    guard divisor > 0 else {
      divisor = difference
      return
    }
    let multiple = (difference / divisor).rounded()
    if multiple >= 1, (difference - multiple * divisor).magnitude <= noise { return }
    var (larger, smaller) = difference > divisor ? (difference, divisor) : (divisor, difference)
    while smaller > noise {
      // To the nearest multiple, so that a rest just below the divisor is not taken for one.
      let rest = (larger - (larger / smaller).rounded() * smaller).magnitude
      (larger, smaller) = (smaller, rest)
    }
    divisor = larger
    isFine = divisor < Self.fine * reading || divisor <= 4 * noise
  }

  private mutating func note(_ difference: Double, _ span: Double?, _ noise: Double) {
    guard let span, span > 0 else {
      lastSpan = 0
      return
    }
    if (span - lastSpan).magnitude <= Self.sameSpan * span, (difference - lastDifference).magnitude > noise {
      witnesses += 1
    }
    (lastSpan, lastDifference) = (span, difference)
  }
}
