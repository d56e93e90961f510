// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// swift-format-ignore-file: AlwaysUseLowerCamelCase
//
// A whole run in a few hundred columns: of each column the lowest and the highest value, so that no peak is lost.

/// The query of `GET /v1/runs/{run}/trace`.
public struct TraceRequest: Sendable, Hashable {
  /// More columns than that are no picture.
  public static let mostColumns = 10_000

  /// Into how many columns the time is divided.
  public var columns: Int
  /// The first cycle; nil means from the beginning of the run.
  public var first_cycle: Int64?
  /// The last cycle; nil means to its end.
  public var last_cycle: Int64?

  /// Makes one from its parts.
  public init(columns: Int = 400, first_cycle: Int64? = nil, last_cycle: Int64? = nil) {
    self.columns = columns
    self.first_cycle = first_cycle
    self.last_cycle = last_cycle
  }

  /// The keys of the query.
  public static let keys = ["columns", "first_cycle", "last_cycle"]

  /// The query, without a question mark.
  public var query: String {
    let values: [Int64?] = [Int64(columns), first_cycle, last_cycle]
    return zip(Self.keys, values).compactMap { key, value in value.map { "\(key)=\($0)" } }.joined(separator: "&")
  }
}

/// One column; a time in which nothing was recorded has none.
public struct TraceColumn: Codable, Sendable, Hashable {
  /// Test time at its first record.
  public var test_time_s: Double
  /// The lowest voltage in it; null when nobody measured any.
  @OrNull public var lowest_voltage_V: Double?
  /// The highest voltage in it.
  @OrNull public var highest_voltage_V: Double?
  /// The lowest current in it; positive charges the cell.
  @OrNull public var lowest_current_A: Double?
  /// The highest current in it.
  @OrNull public var highest_current_A: Double?

  /// A column with nothing in it yet.
  public init(test_time_s: Double) { self.test_time_s = test_time_s }
}

/// Answer to `GET /v1/runs/{run}/trace`.
public struct RunTrace: Codable, Sendable, Hashable {
  /// The run.
  public var run: Int64
  /// The cell.
  public var cell: String
  /// As `RunStatus.state`.
  public var state: String
  /// Test time at which the first column begins.
  public var from_s: Double
  /// Test time of the last record.
  public var to_s: Double
  /// Records that the columns hold.
  public var records: Int64
  /// In the order of time.
  public var columns: [TraceColumn]

  /// Makes one from its parts.
  public init(
    run: Int64, cell: String, state: String, from_s: Double, to_s: Double, records: Int64, columns: [TraceColumn]
  ) {
    self.run = run
    self.cell = cell
    self.state = state
    self.from_s = from_s
    self.to_s = to_s
    self.records = records
    self.columns = columns
  }
}
