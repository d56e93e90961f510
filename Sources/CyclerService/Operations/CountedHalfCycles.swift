// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The records of some half-cycles, counted page by page, each page read in a transaction of its own. One half-cycle needs
// nothing of another, so a run that is computed again is counted on two processors.

internal import CellMetrics
internal import CycleStore
internal import CyclerModel
internal import Quantities

/// A half-cycle and the steps whose records it is made of.
struct PlannedHalfCycle: Sendable {
  var halfCycle: RecountedHalfCycle
  var steps: [Int64]

  init(_ halfCycle: RecountedHalfCycle, steps: [Int64]) {
    self.halfCycle = halfCycle
    self.steps = steps
  }
}

/// A half-cycle as its records come to.
struct CountedHalfCycle: Sendable {
  var row: HalfCycleRow
  var records: Int64
  /// The last of them; nil without any.
  var lastRecord: RecordCursor?
  /// What voltages they have; nil without any.
  var voltages: SeenVoltages?
}

/// The lowest and the highest voltage of some records.
struct SeenVoltages: Sendable, Hashable {
  var lowest: Voltage
  var highest: Voltage

  func union(_ other: SeenVoltages) -> SeenVoltages {
    SeenVoltages(lowest: min(lowest, other.lowest), highest: max(highest, other.highest))
  }
}

/// Counts half-cycles in order.
struct HalfCycleCounting: Sendable {
  /// So many records, or steps with hardly any, are read in one transaction: some 20 ms.
  private static let page = 1 << 16

  private var waiting: ArraySlice<PlannedHalfCycle>
  // Of the first that is planned: the step that is read, and up to which record.
  private var step = 0
  private var index: Int64 = -1
  private var records: Int64 = 0
  private var lastRecord: RecordCursor?
  private var voltages: SeenVoltages?
  /// Those that are done.
  private(set) var counted: [CountedHalfCycle] = []

  init(_ planned: ArraySlice<PlannedHalfCycle>) { waiting = planned }

  /// Counts all of them.
  static func count(_ planned: ArraySlice<PlannedHalfCycle>, in store: CycleStore) async throws -> [CountedHalfCycle] {
    var counting = HalfCycleCounting(planned)
    while !counting.waiting.isEmpty {
      try Task.checkCancellation()
      let present = counting
      counting = try await store.read { view in
        var next = present
        try next.goOn(in: view)
        return next
      }
    }
    return counting.counted
  }

  /// Reads a page.
  private mutating func goOn(in view: StoreView) throws {
    var budget = Self.page
    let page = RecordPage()
    while budget > 0, let place = waiting.indices.first {
      guard step < waiting[place].steps.count else {
        close()
        budget -= 64
        continue
      }
      try view.read(page, ofStep: waiting[place].steps[step], after: index, limit: budget)
      take(page.records, place)
      budget -= max(page.records.count, 16)
    }
  }

  private mutating func take(_ rows: [RecordRow], _ place: Int) {
    guard let last = rows.last.map(RecordCursor.init) else {
      waiting[place].halfCycle.stepEnded()
      step += 1
      index = -1
      return
    }
    waiting[place].halfCycle.record(rows)
    records += Int64(rows.count)
    var seen = voltages
    for voltage in rows.lazy.compactMap(\.voltage) {
      seen = SeenVoltages(
        lowest: min(seen?.lowest ?? voltage, voltage), highest: max(seen?.highest ?? voltage, voltage))
    }
    voltages = seen
    (lastRecord, index) = (last, Int64(last.index))
  }

  private mutating func close() {
    guard let done = waiting.popFirst() else { return }
    counted.append(
      CountedHalfCycle(row: done.halfCycle.row, records: records, lastRecord: lastRecord, voltages: voltages))
    (step, index, records, lastRecord, voltages) = (0, -1, 0, nil, nil)
  }
}
