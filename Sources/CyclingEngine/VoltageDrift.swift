// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

public import Quantities

/// How fast a resting cell's voltage moves: the difference between the means of two ten-second intervals that lie ten
/// minutes apart, so that the noise of single readings does not decide. A millivolt an hour is 0.17 mV then.
///
/// Nothing is known before the step has lasted ten minutes and ten seconds, nor after an interval without a reading; then
/// it begins anew.
public struct VoltageDrift: Sendable, Hashable {
  /// In what the voltage is averaged, in microseconds.
  static let interval: Int64 = 10_000_000
  /// The intervals whose means are compared lie so many intervals apart.
  static let span = 60

  // The means of the last `span` whole intervals, in nanovolts, as a ring.
  private var means: [Int64] = []
  private var oldest = 0
  private var present: Int64 = -1
  private var sum: Int128 = 0
  private var count: Int64 = 0
  /// The magnitude after the last whole interval, in nanovolts an hour; nil while it is not known.
  public private(set) var nanovoltsPerHour: Int64?

  /// Nothing seen yet.
  public init() {}

  /// Forgets everything, and keeps the memory.
  public mutating func reset() {
    means.removeAll(keepingCapacity: true)
    oldest = 0
    present = -1
    sum = 0
    count = 0
    nanovoltsPerHour = nil
  }

  /// Takes a reading; one without a voltage says nothing.
  public mutating func add(_ voltage: Voltage?, at stepTime: TimeSpan) {
    guard let voltage, stepTime.microseconds >= 0 else { return }
    let interval = stepTime.microseconds / Self.interval
    if interval != present {
      let follows = interval == present + 1 && count > 0
      if follows { close() } else { reset() }
      present = interval
      sum = 0
      count = 0
    }
    sum += Int128(voltage.nanovolts)
    count += 1
  }

  private mutating func close() {
    let mean = Int64(clamping: sum / Int128(count))
    guard means.count == Self.span else {
      means.append(mean)
      return
    }
    let difference = (Int128(mean) - Int128(means[oldest])).magnitude
    nanovoltsPerHour = Int64(clamping: difference * UInt128(3_600_000_000 / (Self.interval * Int64(Self.span))))
    means[oldest] = mean
    oldest = (oldest + 1) % Self.span
  }
}
