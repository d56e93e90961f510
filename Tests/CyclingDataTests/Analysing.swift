// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import Quantities
import Testing

@testable import CyclingData

/// A table through the whole analysis, in pieces of so many bytes.
func analyze(
  _ text: some StringProtocol, _ role: CellRole? = .fullCell, pieces: Int = .max,
  _ change: (inout AnalysisOptions) -> Void = { _ in }
) throws -> AnalysisResult {
  var options = AnalysisOptions()
  options.role = role
  change(&options)
  var analysis = try DataAnalysis(options)
  let bytes = Array(text.utf8)
  try bytes.withUnsafeBytes { all in
    var begin = 0
    while begin < all.count {
      let end = min(all.count, begin + min(pieces, all.count))
      try analysis.read(UnsafeRawBufferPointer(rebasing: all[begin..<end]))
      begin = end
    }
  }
  return try analysis.finish()
}

/// The problem of a table that cannot be analysed.
func problem(
  _ text: some StringProtocol, _ change: (inout AnalysisOptions) -> Void = { _ in }
) throws -> DataProblem {
  try #require(throws: DataProblem.self) { _ = try analyze(text, .fullCell, change) }
}

/// Bytes instead of a text.
func problem(ofBytes bytes: [UInt8]) throws -> DataProblem {
  var options = AnalysisOptions()
  options.role = .fullCell
  var analysis = try DataAnalysis(options)
  return try #require(throws: DataProblem.self) {
    try bytes.withUnsafeBytes { try analysis.read($0) }
    _ = try analysis.finish()
  }
}

/// Only the records of a table.
struct RowCollector: RowTaking {
  var rows: [DataRow] = []
  mutating func begin(_ header: TableHeader) {}
  mutating func take(_ row: DataRow) { rows.append(row) }

  static func rows(_ text: String, map: ColumnMap = ColumnMap()) throws -> [DataRow] {
    var reader = TableReader(map: map)
    var collector = RowCollector()
    try Array(text.utf8).withUnsafeBytes { try reader.read($0, into: &collector) }
    try reader.finish(into: &collector)
    return collector.rows
  }
}

/// Steps of constant current as a table with step times; a rest has no current.
struct SampleTable {
  var rows: [(time: Double, current: Double, voltage: Double, step: Int, stepTime: Double)] = []
  private var time = 0.0
  private var step = 0

  /// Adds a step from one voltage to the other.
  mutating func step(_ current: Double, seconds: Double, every interval: Double = 10, from: Double, to: Double) {
    step += 1
    var elapsed = 0.0
    while elapsed < seconds {
      append(elapsed, current, from + (to - from) * elapsed / seconds)
      elapsed += interval
    }
    append(seconds, current, to)
    time += seconds
  }

  private mutating func append(_ elapsed: Double, _ current: Double, _ voltage: Double) {
    rows.append((time + elapsed, current, voltage, step, elapsed))
  }

  var text: String { "time_s,current_A,voltage_V,step_index,step_time_s\n" + lines { "\($0.step),\($0.stepTime)" } }
  var withoutStepTimes: String { "time_s,current_A,voltage_V,step_index\n" + lines { "\($0.step)" } }
  var withoutSteps: String {
    "time_s,current_A,voltage_V\n" + rows.map { "\($0.time),\($0.current),\($0.voltage)\n" }.joined()
  }

  private func lines(_ tail: ((time: Double, current: Double, voltage: Double, step: Int, stepTime: Double)) -> String)
    -> String
  {
    rows.map { "\($0.time),\($0.current),\($0.voltage),\(tail($0))\n" }.joined()
  }

  /// So many cycles of 1 mA for an hour each way, with rests between.
  static func cycles(_ count: Int) -> SampleTable {
    var table = SampleTable()
    for _ in 0..<count {
      table.step(0.001, seconds: 3_600, from: 2, to: 4)
      table.step(0, seconds: 600, from: 3.9, to: 3.8)
      table.step(-0.001, seconds: 3_420, from: 3.7, to: 2)
      table.step(0, seconds: 600, from: 2.2, to: 2.4)
    }
    return table
  }
}

extension AnalysisResult {
  /// Capacities of all half-cycles, Ah, negative where they discharge.
  var capacities: [Double] { halfCycles.map { $0.charge.ampereHours * Double($0.direction.rawValue) } }
}
