// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Curves of half-cycles and traces of runs, computed from the store whenever somebody asks. Nothing of it is kept, and no
// metric depends on it.

internal import CellMetrics
internal import ControlAPI
internal import CycleStore
internal import CyclerModel
internal import Quantities

extension LaboratoryOperations {
  /// Points of a voltage curve, when nobody says a grid.
  static let voltageIntervals: Int64 = 400
  /// In one answer: some 100 half-cycles on a usual grid. It bounds what somebody who only looks can ask of the daemon.
  static let mostPoints = 90_000

  func curves(of reference: RunReference, _ request: CurveRequest) async throws -> EncodedAnswer<CurveTable> {
    let run = try await stored(reference)
    let maker = try CurveMaker(request)
    let extents = try await store.read { view in
      let newest = try view.newestCycleNumber(run: run.runId) ?? 0
      let cycles = try Self.cycles(request.cycles, newest: newest, of: run)
      return try view.halfCycles(run: run.runId, cycles: cycles).map { try HalfCycleExtent($0, in: view) }
    }
    let cell = try await store.read { try $0.cell(run.cellId) }
    return try await withTaskExecutorPreference(computing) {
      let curves = try await self.curves(of: extents, by: maker, run, request)
      return try EncodedAnswer(
        CurveTable(
          run: run.runId, cell: run.cellName, active_mass_ug: cell?.activeMassUg,
          area_mm2: cell?.areaMm2E3.map { Double($0) / 1_000 }, curve: request.curve, smoothing: request.smoothing,
          half_cycles: curves))
    }
  }

  private func curves(
    of extents: [HalfCycleExtent], by maker: CurveMaker, _ run: StoredRun, _ request: CurveRequest
  ) async throws -> [HalfCycleCurve] {
    var curves: [HalfCycleCurve] = []
    var points = 0
    for extent in extents {
      guard let direction = Direction(rawValue: Int8(clamping: extent.row.direction)), direction != .none,
        request.direction.map({ $0 == "\(direction)" }) ?? true
      else { continue }
      let curve = try await maker.curve(of: extent, direction, run, store)
      points += curve.points.count
      guard points <= Self.mostPoints else {
        throw RequestRefused(
          .malformed, code: "curve.too_many_points", message: "the curves have more than \(Self.mostPoints) points",
          hint: "ask for fewer cycles, or a coarser grid")
      }
      curves.append(curve)
    }
    return curves
  }

  private static func cycles(_ selection: CycleSelection, newest: Int64, of run: StoredRun) throws -> [Int64] {
    guard newest > 0 else {
      throw RequestRefused(
        .notFound, code: "cycle.not_found", message: "run \(run.runId) has begun no cycle yet",
        hint: "curves are of half-cycles; `nactl plot \(run.runId)` shows the run against time")
    }
    guard let numbers = selection.numbers(newest: newest) else {
      throw RequestRefused(
        .malformed, code: "cycle.too_many", message: "\(selection) are more than \(CycleSelection.most) cycles",
        hint: "ask for fewer at a time")
    }
    guard let wrong = numbers.first(where: { !(1...newest).contains($0) }) else { return numbers }
    throw RequestRefused(
      .notFound, code: "cycle.not_found",
      message: wrong < 1
        ? "run \(run.runId) has no cycle before its first" : "run \(run.runId) has begun no cycle \(wrong)",
      hint: "its newest is \(newest); `nactl cycles \(run.runId)` lists those that are over")
  }

  func trace(of reference: RunReference, _ request: TraceRequest) async throws -> RunTrace {
    let run = try await stored(reference)
    let place = try await store.read { view in try TracePlace(request, run, view) }
    guard let place else {
      return RunTrace(run: run.runId, cell: run.cellName, state: run.state, from_s: 0, to_s: 0, records: 0, columns: [])
    }
    var fold = TraceFold(from: place.from, to: place.to, columns: request.columns)
    var pages = RecordPages(of: store, fromStep: place.firstStep, to: place.last)
    while true {
      let records = try await pages.next()
      guard let first = records.first, let last = records.last else { break }
      let steps = try await store.read { try $0.steps(from: first.stepID, to: last.stepID) }
      for record in records {
        guard let step = steps[record.stepID] else { continue }
        fold.take(record, at: step.startedTestTimeUs + record.stepTime.microseconds)
      }
    }
    return RunTrace(
      run: run.runId, cell: run.cellName, state: run.state, from_s: Double(place.from) / 1e6,
      to_s: Double(place.to) / 1e6, records: fold.records, columns: fold.filled)
  }
}

/// The records that a trace is made of, and the time that they take, in microseconds of test time.
private struct TracePlace: Sendable {
  var firstStep: Int64
  var last: RecordCursor
  var from: Int64
  var to: Int64

  /// nil when there is no record. Throws `RequestRefused` for cycles that the run does not have.
  init?(_ request: TraceRequest, _ run: StoredRun, _ view: StoreView) throws {
    var first = RowIdentity.step(run: run.runId, count: 0)
    var last = try view.lastRecord(run: run.runId)
    if request.first_cycle != nil || request.last_cycle != nil {
      let (low, high) = (request.first_cycle ?? 1, request.last_cycle ?? .max)
      guard low <= high, let range = try view.stepRange(run: run.runId, cycles: low...high) else {
        throw RequestRefused(
          .notFound, code: "cycle.not_found", message: "run \(run.runId) has begun no such cycle",
          hint: "`nactl cycles \(run.runId)` lists those that are over")
      }
      first = range.lowerBound
      last = try last.map { end in try view.lastRecord(from: first, to: range.upperBound) ?? end }
    }
    guard let last, let start = try view.records(after: RecordCursor(stepID: first, index: -1), limit: 1).first,
      RecordCursor(start) <= last,
      let end = try view.records(after: RecordCursor(stepID: last.stepID, index: last.index - 1), limit: 1).first
    else { return nil }
    let steps = try view.steps(from: start.stepID, to: start.stepID)
      .merging(view.steps(from: last.stepID, to: last.stepID)) { $1 }
    guard let startStep = steps[start.stepID], let endStep = steps[end.stepID] else { return nil }
    (firstStep, self.last) = (first, last)
    from = startStep.startedTestTimeUs + start.stepTime.microseconds
    to = endStep.startedTestTimeUs + end.stepTime.microseconds
  }
}

/// The lowest and highest values of each column.
struct TraceFold {
  private let from: Int64
  private let span: Int64
  private var columns: [TraceColumn?]
  private(set) var records: Int64 = 0

  init(from: Int64, to: Int64, columns count: Int) {
    self.from = from
    span = max(1, to &- from)
    columns = Array(repeating: nil, count: max(1, count))
  }

  /// Takes a record at its test time, in microseconds.
  mutating func take(_ record: RecordRow, at time: Int64) {
    records += 1
    // Held to the columns before it is an integer: what came from elsewhere may have times of any size.
    let share = (Double(time) - Double(from)) / Double(span)
    let index = Int(min(max(0, share * Double(columns.count)), Double(columns.count - 1)))
    var column = columns[index] ?? TraceColumn(test_time_s: Double(time) / 1e6)
    if let voltage = record.voltage?.volts {
      column.lowest_voltage_V = min(column.lowest_voltage_V ?? voltage, voltage)
      column.highest_voltage_V = max(column.highest_voltage_V ?? voltage, voltage)
    }
    if let current = record.current?.amperes {
      column.lowest_current_A = min(column.lowest_current_A ?? current, current)
      column.highest_current_A = max(column.highest_current_A ?? current, current)
    }
    columns[index] = column
  }

  /// Those in which something was recorded.
  var filled: [TraceColumn] { columns.compactMap(\.self) }
}
