// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// What passed in a part of a recording.
struct PassedCharge: Sendable, Hashable {
  /// In coulombs, positive charging.
  private(set) var charge = 0.0
  /// In joules, positive where the cell took it up.
  private(set) var energy = 0.0
  /// In coulombs, of `charge`, what flowed while the voltage was below the threshold.
  private(set) var plateau = 0.0

  /// Counts an interval in which current and voltage went from the first to the second along straight lines; the
  /// energy is the mean of the powers at both ends.
  mutating func count(
    seconds: Double, current first: Double, _ second: Double, voltage from: Double, _ to: Double,
    below threshold: Double?
  ) {
    guard seconds > 0 else { return }
    charge += (first + second) / 2 * seconds
    energy += (first * from + second * to) / 2 * seconds
    guard let threshold else { return }
    switch (from < threshold, to < threshold) {
    case (true, true): plateau += (first + second) / 2 * seconds
    case (false, false): break
    case (let startsBelow, _):
      let share = (threshold - from) / (to - from)
      let crossing = first + (second - first) * share
      plateau +=
        startsBelow ? (first + crossing) / 2 * seconds * share : (crossing + second) / 2 * seconds * (1 - share)
    }
  }

  /// Both together.
  mutating func add(_ other: PassedCharge) {
    charge += other.charge
    energy += other.energy
    plateau += other.plateau
  }
}
