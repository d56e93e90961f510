// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// The low pass through which the currents of samples go: two equal stages, together 200 Hz, stepped every 200 µs.
struct CurrentFilter: Sendable, Hashable {
  private static let share: Float = {
    let cutOff: Float = 200 / (2.0 as Float).squareRoot().advanced(by: -1).squareRoot()
    let time = 1 / (2 * Float.pi * cutOff)
    return 0.000_2 / (time + 0.000_2)
  }()
  private var first: Float = 0
  private(set) var value: Float = 0

  /// Takes the same input for some steps.
  mutating func take(_ input: Float, steps: Int) {
    // After so many nothing changes any more.
    for _ in 0..<min(steps, 400) {
      first += Self.share * (input - first)
      value += Self.share * (first - value)
    }
  }
}
