// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Where a 2450 keeps what it measured. Times count from the first reading since the buffer was cleared; statistics are
// of all readings since then, also of those that were overwritten (2461 Reference Manual, TRACe subsystem).

/// A reading buffer.
struct ReadingBuffer: Sendable {
  /// One reading with all that is kept of it.
  struct Entry: Sendable {
    var reading: Double
    var source: Double
    /// Seconds since the first power-on.
    var time: Double
    var sourceStatus: Int
    var status: Int
    var unit: String
    var sourceUnit: String
  }

  /// How many readings it holds.
  private(set) var capacity: Int
  /// Whether it stops when it is full, instead of overwriting the oldest.
  var fillsOnce: Bool
  private var entries: [Entry] = []
  private var oldest = 0
  /// The moment of the first reading since it was cleared.
  private(set) var zero: Double?
  private(set) var statistics = Statistics()

  /// What is known of all readings since the statistics were cleared.
  struct Statistics: Sendable {
    var count = 0
    var mean = 0.0
    var squares = 0.0
    var least = Double.infinity
    var most = -Double.infinity

    /// The sample's standard deviation.
    var deviation: Double { count > 1 ? (squares / Double(count - 1)).squareRoot() : 0 }

    mutating func add(_ value: Double) {
      count += 1
      let distance = value - mean
      mean += distance / Double(count)
      squares += distance * (value - mean)
      least = min(least, value)
      most = max(most, value)
    }
  }

  init(capacity: Int, fillsOnce: Bool) {
    self.capacity = capacity
    self.fillsOnce = fillsOnce
  }

  var count: Int { entries.count }
  var last: Entry? { entries.isEmpty ? nil : self[entries.count - 1] }

  /// By age, the oldest first.
  subscript(index: Int) -> Entry { entries[(oldest + index) % entries.count] }

  /// Seconds since the first reading.
  func relative(_ entry: Entry) -> Double { entry.time - (zero ?? entry.time) }

  mutating func add(_ entry: Entry) {
    if entries.count == capacity, fillsOnce { return }
    zero = zero ?? entry.time
    statistics.add(entry.reading)
    if entries.count < capacity {
      entries.append(entry)
    } else {
      entries[oldest] = entry
      oldest = (oldest + 1) % capacity
    }
  }

  mutating func clear() {
    entries = []
    oldest = 0
    zero = nil
    statistics = Statistics()
  }

  mutating func clearStatistics() { statistics = Statistics() }

  /// Another size, which empties it.
  mutating func resize(_ capacity: Int) {
    self.capacity = capacity
    clear()
  }
}
