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
  /// One JSON object: run, cell, protocols, cycles, half-cycles, steps, events, records.
  case json
}

/// The text of a run, in pieces of some 64 KiB that are made when they are asked for: a run of any length is exported in
/// constant memory, and a reader that goes away leaves nothing behind.
public actor RunExport {
  private let store: CycleStore
  private let end: RecordCursor?
  private var cursor: RecordCursor
  private var records: [RecordRow] = []
  private var steps: [Int64: StoredStep] = [:]
  private var temperatures = TemperatureWalk()
  private var place = 0
  private var writer: any ExportWriter
  private var walk = RecordWalk()
  private var stamps: StampWalk
  private var text = TextBuffer()
  private var isOver = false

  /// Records a read; a short transaction each.
  private static let page = 4_096
  /// Bytes a piece.
  private static let piece = 64 << 10

  /// Begins; what is committed now will be in it.
  /// - Throws: `StoreError.unknown` when there is no such run.
  public init(run: Int64, format: ExportFormat, of store: CycleStore) async throws {
    guard let head = try await store.read({ try ExportHead(run: run, for: format, of: $0) }) else {
      throw StoreError.unknown(kind: "run", name: "\(run)")
    }
    self.store = store
    end = head.lastRecord
    cursor = RecordCursor(startOf: run)
    temperatures = TemperatureWalk(run: run)
    stamps = format == .json ? StampWalk() : StampWalk(head)
    var writer = format.rowWriter
    writer.begin(head, &text)
    self.writer = writer
  }

  /// The next piece; nil after the last.
  public func next() async throws -> [UInt8]? {
    guard !isOver else { return nil }
    while text.bytes.count < Self.piece {
      if place == records.count {
        guard try await readPage() else {
          writer.end(&text)
          isOver = true
          break
        }
      }
      let record = records[place]
      place += 1
      guard let end, RecordCursor(record) <= end, let step = steps[record.stepID] else { continue }
      var row = walk.next(record, step, temperatures.next(record))
      (row.halfCycle, row.stamps) = stamps.next(step, isLast: RecordCursor(record) == end)
      writer.row(row, &text)
    }
    defer { text.removeAll() }
    return text.bytes
  }

  /// Reads on; false when all has been read.
  private func readPage() async throws -> Bool {
    guard let end, cursor < end else { return false }
    let from = cursor
    let read = temperatures.read
    let newTemperatures: [TemperatureRow]
    (records, steps, newTemperatures) = try await store.read { view in
      let records = try view.records(after: from, limit: Self.page)
      let temperatures = try records.last.map {
        try view.temperatures(afterStep: read.stepID, time: read.time, upTo: $0)
      }
      return (records, try view.steps(of: records), temperatures ?? [])
    }
    temperatures.take(newTemperatures)
    place = 0
    guard let last = records.last else { return false }
    cursor = RecordCursor(last)
    return true
  }
}

/// What an export needs before the first record.
struct ExportHead: Sendable {
  var run: StoredRun
  var cell: StoredCell
  var parameters: StoredParameters?
  var cycles: [StoredCycle]
  var halfCycles: [StoredHalfCycle]
  var stamped: [HalfCycleRow]
  var tests: [StoredEfficiencyTest]
  var impedance: [StoredImpedance]
  var steps: [StoredStep]
  var revisions: [StoredRevision]
  var events: [StoredEvent]
  var hasTemperatures: Bool
  var lastRecord: RecordCursor?

  /// nil when there is no such run.
  init?(run number: Int64, for format: ExportFormat, of view: StoreView) throws {
    guard let run = try view.run(number), let cell = try view.cell(run.cellId) else { return nil }
    self.run = run
    self.cell = cell
    parameters = try view.parameters(run.parameterSetId)
    cycles = try view.cycles(run: number)
    halfCycles = format == .json ? try view.halfCycles(run: number) : []
    stamped = format == .json ? [] : try view.stampedHalfCycles(run: number)
    tests = try view.efficiencyTests(run: number)
    impedance = format == .json ? try view.impedance(run: number) : []
    steps = try view.steps(run: number, limit: Int(RowIdentity.step(run: 1, count: 0)))
    // The others have no room for them.
    revisions = format == .json ? try view.revisions(run: number) : []
    events = format == .json ? try view.events(run: number, limit: .max) : []
    hasTemperatures = try view.hasTemperatures(run: number)
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
  /// Beside the cell; nil when it is not known.
  var temperature: Temperature?
  /// Charge that flowed in the charging direction since the run began.
  var chargingCharge: Int64
  /// Charge that flowed in the discharging direction, a magnitude.
  var dischargingCharge: Int64
  /// What these two were when the step began, or at the record before in the step.
  var chargingChargeBefore: Int64
  /// See `chargingChargeBefore`.
  var dischargingChargeBefore: Int64
  /// What they were when the cycle began.
  var cycleStart: (charging: Int64, discharging: Int64)
  /// The half-cycle that it counts in; 0 for none.
  var halfCycle: Int64 = 0
  /// What the run says of itself here.
  var stamps: [RunStamp] = []
}

/// Carries the running sums from record to record.
struct RecordWalk {
  private var number: Int64 = 0
  private var cycle: Int64 = 0
  private var stepID: Int64 = -1
  private var stepCharge: Int64 = 0
  private var charging: Int64 = 0
  private var discharging: Int64 = 0
  private var cycleStart: (charging: Int64, discharging: Int64) = (0, 0)

  /// Places the next record of the run.
  mutating func next(_ record: RecordRow, _ step: StoredStep, _ temperature: Temperature?) -> PlacedRecord {
    if record.stepID != stepID {
      stepID = record.stepID
      stepCharge = 0
    }
    number += 1
    if let begun = step.cycleNumber, begun > cycle {
      cycle = begun
      cycleStart = (charging, discharging)
    }
    let before = (charging: charging, discharging: discharging)
    let moved = record.charge.nanocoulombs - stepCharge
    stepCharge = record.charge.nanocoulombs
    // What came from elsewhere may say anything.
    if moved > 0 { charging &+= moved } else { discharging &-= moved }
    return PlacedRecord(
      record: record, step: step, number: number, cycle: cycle, temperature: temperature,
      chargingCharge: charging, dischargingCharge: discharging, chargingChargeBefore: before.charging,
      dischargingChargeBefore: before.discharging, cycleStart: cycleStart)
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
