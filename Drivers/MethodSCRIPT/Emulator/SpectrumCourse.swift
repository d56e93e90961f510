// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The frequencies of an impedance loop, one after the other, and how long each of them takes.

import Glibc

/// Where an impedance loop stands. Trivial, like everything that runs.
struct SpectrumCourse: Sendable {
  /// Hertz of the point at hand, and by what it is multiplied for the next.
  private(set) var frequency: Double
  private let ratio: Double
  private let end: Double
  /// Points that are still to be measured, the one at hand included.
  private(set) var left: Int32
  /// Volts, root mean square.
  let amplitude: Double

  /// Evenly on a logarithmic scale from `start` to `end`, both included; one point is `start`.
  init(from start: Double, to end: Double, count: Int32, amplitude: Double) {
    frequency = start
    self.end = end
    left = count
    self.amplitude = amplitude
    ratio = count > 1 ? pow(end / start, 1 / Double(count - 1)) : 1
  }

  /// Goes on to the next frequency.
  mutating func advance() {
    left -= 1
    frequency = left == 1 ? end : frequency * ratio
  }

  /// How long the point at hand takes, in nanoseconds: a period to settle, 5 s at most, and two periods to measure, or as
  /// many whole ones as half a second needs.
  var duration: Int64 {
    let period = 1 / frequency
    let periods = max(2, (0.5 / period).rounded(.up))
    return Int64(((min(period, 5) + periods * period) * 1e9).rounded())
  }
}
