// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The way through a run that is computed again: from its steps to half-cycles, some at a time, each of which is counted by
// itself (CountedHalfCycles.swift). Between two of its read transactions it is this value: a long transaction would keep the
// write-ahead log from being reused. Rows of half-cycles that are over never change, so the end that is fixed at the
// beginning holds.

internal import CellMetrics
internal import ControlAPI
internal import CycleStore
internal import CyclerModel
internal import Quantities

/// Reads what a run has left into a recount.
struct RecountWalk: Sendable {
  /// So many half-cycles, or some with so many steps, are planned in one transaction.
  private static let halfCyclesTogether = 64
  private static let stepsTogether = 4_096

  private let run: Int64
  private let runEndReason: String?
  /// Half-cycles up to this one were over when the walk began.
  private let lastHalfCycle: Int64
  private var recount: RunRecount
  private var grouping = HalfCycleGrouping()
  private var steps: ArraySlice<StepPlace> = []
  private var lastStep: Int64
  private var areStepsRead = false
  private var halfCycle: Int64 = 0
  /// What the last steps were put together to, while half-cycles before it wait to be planned.
  private var gathered: HalfCycleMembers??
  /// Half-cycles that were counted.
  private(set) var halfCycles: Int64 = 0
  /// Records that were counted.
  private(set) var records: Int64 = 0
  /// The last of them.
  private(set) var lastRecord: RecordCursor?
  /// The lowest and the highest voltage of these records.
  private(set) var voltages: SeenVoltages?
  /// Half-cycles that are not as they are stored, and how the first of them differ.
  private(set) var halfCyclesOther: Int64 = 0
  /// Those of which more is known than is stored.
  private(set) var halfCyclesMoreKnown: Int64 = 0
  private(set) var differences: [String] = []
  /// The plateaus are told by another rule than the run's.
  private let plateausDiffer: Bool

  /// A walk that ends at what is closed now.
  init(run: StoredRun, role: CellRole, parameters: MetricParameters, own: MetricParameters?, in view: StoreView) throws
  {
    self.run = run.runId
    runEndReason = run.endReason
    lastHalfCycle = try view.lastClosedHalfCycle(run: run.runId)
    recount = RunRecount(
      role: role, parameters: parameters, earlierCellCycles: run.firstCycleNumber - 1,
      closed: try view.closedCycleNumbers(run: run.runId))
    lastStep = RowIdentity.step(run: run.runId, count: 0)
    // What retention is told by is no matter of half-cycles.
    plateausDiffer = own.map { !parameters.tellsPlateaus(like: $0) } ?? true
  }

  /// Goes all the way.
  func walked(through store: CycleStore, into rows: RecountedRows) async throws -> RecountWalk {
    var walk = self
    while true {
      try Task.checkCancellation()
      let present = walk
      let (next, planned) = try await store.read { view in
        var walk = present
        let planned = try walk.plan(in: view)
        return (walk, planned)
      }
      walk = next
      if planned.isEmpty { break }
      let middle = planned.count / 2
      async let first = HalfCycleCounting.count(planned[..<middle], in: store)
      async let second = HalfCycleCounting.count(planned[middle...], in: store)
      let counted = try await first + second
      let counting = walk
      walk = try await store.read { view in
        var walk = counting
        try walk.take(counted, in: view, into: rows)
        return walk
      }
    }
    try walk.finish(into: rows)
    return walk
  }

  /// The next half-cycles, of which no record is counted; none when all have been handed out.
  mutating func plan(in view: StoreView) throws -> [PlannedHalfCycle] {
    var planned: [PlannedHalfCycle] = []
    var stepCount = 0
    while planned.count < Self.halfCyclesTogether, stepCount < Self.stepsTogether, halfCycle < lastHalfCycle {
      let count = planned.count
      try gather(view, into: &planned)
      stepCount += planned[count...].reduce(0) { $0 + $1.steps.count }
    }
    return planned
  }

  /// Takes half-cycles that were planned and counted since, in order.
  mutating func take(_ counted: [CountedHalfCycle], in view: StoreView, into rows: RecountedRows) throws {
    for halfCycle in counted {
      try rows.add(recount.add(halfCycle.row))
      halfCycles += 1
      records += halfCycle.records
      lastRecord = halfCycle.lastRecord ?? lastRecord
      if let seen = halfCycle.voltages { voltages = voltages.map { $0.union(seen) } ?? seen }
    }
    let comparisons = try rows.compare(counted.map(\.row), with: view, plateausDiffer: plateausDiffer)
    for (halfCycle, comparison) in zip(counted, comparisons) {
      note(comparison, of: "half-cycle \(halfCycle.row.number)")
    }
  }

  /// Says that all half-cycles have been taken.
  mutating func finish(into rows: RecountedRows) throws {
    try rows.add(recount.finish())
    try rows.add(recount.runSummary)
  }

  /// What was asked for and lies outside of what the run went through, where a plateau is all or nothing.
  func warnings(about request: RecomputeRequest) -> [String] {
    guard let voltages else { return [] }
    let (lowest, highest) = (voltages.lowest, voltages.highest)
    let asked = [
      ("sodiation_plateau_below", request.sodiation_plateau_below_V),
      ("desodiation_plateau_below", request.desodiation_plateau_below_V),
    ]
    return asked.compactMap { name, volts in
      guard let threshold = volts.map(Voltage.init(volts:)), threshold > highest || threshold <= lowest else {
        return nil
      }
      let place =
        threshold > highest
        ? "above the run's highest voltage, \(highest.shown(digits: 4)), so all charge of the branch counts as plateau"
        : "not above the run's lowest voltage, \(lowest.shown(digits: 4)), so no plateau is told"
      return "\(name) \(threshold.written) lies \(place): is its unit right?"
    }
  }

  /// Puts the next half-cycle together.
  private mutating func gather(_ view: StoreView, into planned: inout [PlannedHalfCycle]) throws {
    if let members = gathered { return try plan(members, view, into: &planned) }
    while true {
      if let step = steps.popFirst() {
        guard let kind = StepKind(rawValue: step.kind) else {
          throw StoreError.unknown(kind: "kind of step", name: step.kind)
        }
        let stamped = StampedStep(
          stepID: step.stepID, kind: kind, halfCycleID: step.halfCycleID, endReason: step.endReason)
        if let members = grouping.take(stamped) { return try plan(members, view, into: &planned) }
      } else if areStepsRead {
        return try plan(grouping.finish(), view, into: &planned)
      } else {
        steps = try view.stepPlaces(run: run, after: lastStep, limit: Self.stepsTogether)[...]
        if let last = steps.last { lastStep = last.stepID } else { areStepsRead = true }
      }
    }
  }

  /// Plans the half-cycles up to the one with these steps; nil plans all that are left. One whose step was refused
  /// before it began has none.
  private mutating func plan(
    _ members: HalfCycleMembers?, _ view: StoreView, into planned: inout [PlannedHalfCycle]
  ) throws {
    let number = members.map { RowIdentity.count(of: $0.halfCycleID) } ?? lastHalfCycle
    let (end, none) = (min(number, lastHalfCycle), RowIdentity.step(run: run, count: 0))
    // From one that is there to the next: in what came from elsewhere millions of numbers may lie between two.
    gathered = .some(members)
    while halfCycle < end, let row = try view.closedHalfCycle(after: none + halfCycle, through: none + end) {
      guard planned.count < Self.halfCyclesTogether else { return }
      halfCycle = RowIdentity.count(of: row.halfCycleID)
      let own = members.flatMap { $0.halfCycleID == row.halfCycleID ? $0 : nil }
      let steps = own?.steps(endedBy: row.endReason, inRunEndedBy: runEndReason) ?? []
      planned.append(PlannedHalfCycle(recount.halfCycle(row), steps: steps))
    }
    halfCycle = max(halfCycle, end)
    gathered = nil
  }

  private mutating func note(_ comparison: RecountedRows.Comparison, of what: String) {
    switch comparison {
    case .same: return
    case .moreIsKnown:
      halfCyclesMoreKnown += 1
      return
    case .missing: differences.appendFew("\(what): not stored")
    case .others(let columns): differences.appendFew("\(what): \(columns.joined(separator: ", "))")
    }
    halfCyclesOther += 1
  }
}

extension [String] {
  /// Adds a line unless there are enough to begin looking.
  mutating func appendFew(_ line: String) { if count < 20 { append(line) } }
}
