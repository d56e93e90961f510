// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Gives a run to other programs. Every format is written row by row from the same walk over the records, in pages, so
// that a run of any length is exported in constant memory and without holding the write-ahead log.

import CyclerModel
import GRDB
import Quantities

/// The formats that a run can be exported in.
public enum ExportFormat: String, Sendable, Hashable, CaseIterable {
  /// Battery Data Format: CSV with its preferred labels.
  case bdf
  /// CSV with our own machine names, units at their ends.
  case csv
  /// One JSON object: run, cell, protocol, cycles, half-cycles, steps, records.
  case json
}

extension CycleStore {
  /// Hands the text of a run to `sink` in pieces of some 64 KiB; what is committed when the export begins is in it.
  ///
  /// - Throws: `StoreError.unknown` when there is no such run, and whatever `sink` throws.
  public func export(
    run: Int64, format: ExportFormat, to sink: ([UInt8]) async throws -> Void
  ) async throws {
    guard let head = try await read({ try ExportHead(run: run, of: $0) }) else {
      throw StoreError.unknown(kind: "run", name: "\(run)")
    }
    var text = TextBuffer()
    var writer = format.rowWriter
    writer.begin(head, &text)
    var walk = RecordWalk()
    var cursor = RecordCursor(startOf: run)
    while let end = head.lastRecord, cursor < end {
      let from = cursor
      let page = try await read { view in
        let records = try view.records(after: from, limit: Self.exportPage)
        let steps = try view.steps(of: records)
        return (records, steps)
      }
      guard let last = page.0.last else { break }
      for record in page.0 where RecordCursor(record) <= end {
        guard let step = page.1[record.stepID] else { continue }
        writer.row(walk.next(record, step), &text)
        if text.bytes.count >= Self.exportChunk {
          try await sink(text.bytes)
          text.removeAll()
        }
      }
      cursor = RecordCursor(last)
    }
    writer.end(&text)
    try await sink(text.bytes)
  }

  /// Records a read; a short transaction each.
  private static let exportPage = 4_096
  /// Bytes a piece.
  private static let exportChunk = 64 << 10
}

/// What an export needs before the first record.
struct ExportHead: Sendable {
  var run: StoredRun
  var cell: StoredCell
  var cycles: [StoredCycle]
  var halfCycles: [StoredHalfCycle]
  var steps: [StoredStep]
  var lastRecord: RecordCursor?

  /// nil when there is no such run.
  init?(run number: Int64, of view: StoreView) throws {
    guard let run = try view.run(number), let cell = try view.cell(run.cellId) else { return nil }
    self.run = run
    self.cell = cell
    cycles = try view.cycles(run: number)
    halfCycles = try view.halfCycles(run: number)
    steps = try view.steps(run: number, limit: Int(RowIdentity.step(run: 1, count: 0)))
    lastRecord = try view.lastRecord(run: number)
  }
}

extension StoreView {
  /// The steps that these records belong to, by their keys. A record whose step is not stored cannot be placed in time.
  func steps(of records: [RecordRow]) throws -> [Int64: StoredStep] {
    guard let first = records.first, let last = records.last else { return [:] }
    let steps = try StoredStep.fetchAll(
      database, sql: "SELECT * FROM step WHERE step_id BETWEEN ? AND ?", arguments: [first.stepID, last.stepID])
    return Dictionary(uniqueKeysWithValues: steps.map { ($0.stepId, $0) })
  }
}

/// A record with its place in the run, as every format needs it.
struct PlacedRecord {
  var record: RecordRow
  var step: StoredStep
  /// Counted from 1 within the run.
  var number: Int64
  /// The newest cycle that had begun; 0 before the first.
  var cycle: Int64
  /// Charge that flowed in the charging direction since the run began.
  var chargingCharge: Int64
  /// Charge that flowed in the discharging direction, a magnitude.
  var dischargingCharge: Int64
}

/// Carries the running sums from record to record.
struct RecordWalk {
  private var number: Int64 = 0
  private var cycle: Int64 = 0
  private var stepID: Int64 = -1
  private var stepCharge: Int64 = 0
  private var charging: Int64 = 0
  private var discharging: Int64 = 0

  /// Places the next record of the run.
  mutating func next(_ record: RecordRow, _ step: StoredStep) -> PlacedRecord {
    if record.stepID != stepID {
      stepID = record.stepID
      stepCharge = 0
    }
    number += 1
    cycle = max(cycle, step.cycleNumber ?? 0)
    let moved = record.charge.nanocoulombs - stepCharge
    stepCharge = record.charge.nanocoulombs
    if moved > 0 { charging += moved } else { discharging -= moved }
    return PlacedRecord(
      record: record, step: step, number: number, cycle: cycle, chargingCharge: charging,
      dischargingCharge: discharging)
  }
}

/// Writes the parts of one format.
protocol ExportWriter {
  /// What stands before the first record.
  mutating func begin(_ head: ExportHead, _ text: inout TextBuffer)
  /// One record.
  mutating func row(_ row: PlacedRecord, _ text: inout TextBuffer)
  /// What stands after the last.
  mutating func end(_ text: inout TextBuffer)
}

extension ExportFormat {
  var rowWriter: any ExportWriter {
    switch self {
    case .bdf: BatteryDataFormatWriter()
    case .csv: MachineNamesWriter()
    case .json: JSONExportWriter()
    }
  }
}
