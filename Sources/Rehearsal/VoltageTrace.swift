// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

public import Quantities

/// The voltage against time in a bounded number of points: the lowest and the highest voltage of each stretch of time.
/// When there are too many stretches, two neighbours become one, so that a run of any length fits and no extreme is lost.
public struct VoltageTrace: Sendable, Hashable {
  /// A stretch of time with at least one reading.
  public struct Stretch: Sendable, Hashable {
    /// Its beginning, since the run's.
    public var from: TimeSpan
    /// The lowest voltage in it.
    public var lowest: Voltage
    /// The highest voltage in it.
    public var highest: Voltage
  }

  /// The most stretches.
  public let limit: Int
  /// How long each is.
  public private(set) var length = TimeSpan(seconds: 1)
  /// In the order of time.
  public private(set) var stretches: [Stretch] = []

  /// An empty trace of at most so many stretches, an even number.
  public init(limit: Int = 2_048) {
    precondition(limit > 0 && limit.isMultiple(of: 2), "neighbours must pair")
    self.limit = limit
    stretches.reserveCapacity(limit)
  }

  /// Takes a voltage; time does not run backwards.
  public mutating func add(_ voltage: Voltage, at time: TimeSpan) {
    while time.microseconds / length.microseconds >= Int64(limit) { joinNeighbours() }
    let from = TimeSpan(microseconds: time.microseconds / length.microseconds * length.microseconds)
    if let last = stretches.last, last.from >= from {
      take(voltage, voltage)
    } else {
      stretches.append(Stretch(from: from, lowest: voltage, highest: voltage))
    }
  }

  private mutating func take(_ lowest: Voltage, _ highest: Voltage) {
    let last = stretches.count - 1
    stretches[last].lowest = min(stretches[last].lowest, lowest)
    stretches[last].highest = max(stretches[last].highest, highest)
  }

  private mutating func joinNeighbours() {
    length = length + length
    let all = stretches
    stretches.removeAll(keepingCapacity: true)
    for stretch in all {
      let from = TimeSpan(microseconds: stretch.from.microseconds / length.microseconds * length.microseconds)
      if stretches.last?.from == from {
        take(stretch.lowest, stretch.highest)
      } else {
        stretches.append(Stretch(from: from, lowest: stretch.lowest, highest: stretch.highest))
      }
    }
  }
}
