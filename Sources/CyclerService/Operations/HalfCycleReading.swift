// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Walks over the stored records of a half-cycle or of a run in pages, each read in a short transaction of its own, so
// that the write-ahead log is never held and memory does not grow with the run.

internal import CycleStore
internal import CyclerModel
internal import Quantities

/// The records of some steps that follow each other.
struct RecordPages: Sendable {
  /// Records a read.
  static let page = 2_048

  private let store: CycleStore
  private let last: RecordCursor
  private var cursor: RecordCursor

  /// From the first record of a step to a record, which is included.
  init(of store: CycleStore, fromStep first: Int64, to last: RecordCursor) {
    self.store = store
    self.last = last
    cursor = RecordCursor(stepID: first, index: -1)
  }

  /// The next records; empty after the last.
  mutating func next() async throws -> [RecordRow] {
    // A reader that has gone away is not read for.
    try Task.checkCancellation()
    guard cursor < last else { return [] }
    let (from, end) = (cursor, last)
    let records = try await store.read { view in
      try view.records(after: from, limit: Self.page).filter { RecordCursor($0) <= end }
    }
    if let newest = records.last { cursor = RecordCursor(newest) }
    return records
  }
}

/// A half-cycle with its steps, as far as they are committed at one moment.
struct HalfCycleExtent: Sendable {
  var row: StoredHalfCycle
  /// Those that move charge: in a rest nothing flows, and its voltages would only widen the curve.
  var steps: [StoredStep]
  /// What its steps have moved in its direction.
  var charge: Charge
  /// The last record; nil without any.
  var last: RecordCursor?

  init(_ row: StoredHalfCycle, in view: StoreView) throws {
    self.row = row
    steps = try view.steps(of: row).filter { $0.kind != StepKind.rest.rawValue }
    // What came from elsewhere may say anything; it must not stop the daemon.
    let net = try steps.reduce(into: Int64(0)) { $0 &+= try view.lastCharge(step: $1.stepId).nanocoulombs }
    charge = Charge(nanocoulombs: row.direction < 0 ? 0 &- net : net)
    // Of a step that goes on, the records up to now: what comes later is not in `charge` either.
    if let first = steps.first, let step = steps.last {
      last = try view.lastRecord(from: first.stepId, to: step.stepId)
    }
  }

  /// Hands over the records of its steps in order, and says where a step is over.
  func read(_ store: CycleStore, record: (RecordRow) -> Void, stepEnded: () -> Void) async throws {
    guard let last, let first = steps.first else { return }
    let own = Set(steps.map(\.stepId))
    var pages = RecordPages(of: store, fromStep: first.stepId, to: last)
    var step: Int64?
    while true {
      let records = try await pages.next()
      if records.isEmpty { break }
      for row in records where own.contains(row.stepID) {
        if let before = step, before != row.stepID { stepEnded() }
        step = row.stepID
        record(row)
      }
    }
    if step != nil { stepEnded() }
  }
}
