// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// Virtual time as a multiple of real time, from a moment at which both were known.
///
/// When the bench falls behind, because a host does not read or the machine is busy, the moment is set anew: virtual
/// time is late then and does not rush afterwards.
struct PacedClock {
  /// More than so many real microseconds behind, virtual time is not caught up.
  private static let largestDelay: Int64 = 100_000

  private let factor: Double
  private var real: Int64
  private var virtual: Double

  /// A clock with `factor` virtual seconds in a real one, at `virtual` seconds now (real microseconds).
  init(factor: Double, now: Int64, virtual: Double) {
    self.factor = factor
    real = now
    self.virtual = virtual
  }

  /// Says where both times are now.
  mutating func set(now: Int64, virtual: Double) {
    real = now
    self.virtual = virtual
  }

  /// The virtual time that it is now if nothing was late.
  func time(now: Int64) -> Double { virtual + Double(now - real) * 1e-6 * factor }

  /// The virtual time to which a busy instrument at `virtual` may go now.
  mutating func target(now: Int64, virtual reached: Double) -> Double {
    let wanted = time(now: now)
    let delay = Double(Self.largestDelay) * 1e-6 * factor
    guard wanted - reached > delay else { return wanted }
    set(now: now, virtual: reached + delay)
    return reached + delay
  }
}
