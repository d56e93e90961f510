// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The way through a run that is computed again: from its steps to half-cycles, and from each half-cycle's steps to their
// records. It goes on page by page, each in a read transaction of its own, and between two pages it is this value: a long
// transaction would keep the write-ahead log from being reused. Rows of half-cycles that are over never change, so the
// end that is fixed at the beginning holds.

internal import CellMetrics
internal import ControlAPI
internal import CycleStore
internal import CyclerModel
internal import Quantities

/// Reads what a run has left into a recount.
struct RecountWalk: Sendable {
  /// What remains to be read of the present half-cycle.
  private enum Work: Sendable {
    case open(HalfCycleRow)
    case step(Int64, after: Int64)
    case close
  }

  /// So many records, or steps with hardly any, are read in one transaction: some 20 ms.
  private static let page = 1 << 16
  private static let stepsTogether = 1_024

  private let run: Int64
  private let runEndReason: String?
  /// Half-cycles up to this one were over when the walk began.
  private let lastHalfCycle: Int64
  private var recount: RunRecount
  private var grouping = HalfCycleGrouping()
  private var steps: ArraySlice<StepPlace> = []
  private var lastStep: Int64
  private var areStepsRead = false
  private var work: [Work] = []
  private var place = 0
  private var halfCycle: Int64 = 0
  // Those of the present page that were counted and not yet compared.
  private var counted: [HalfCycleRow] = []

  /// Half-cycles that were counted.
  private(set) var halfCycles: Int64 = 0
  /// Records that were counted.
  private(set) var records: Int64 = 0
  /// The last of them.
  private(set) var lastRecord: RecordCursor?
  /// The lowest and the highest voltage of these records.
  private(set) var voltages: (lowest: Voltage, highest: Voltage)?
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

  /// Reads a page.
  /// - Returns: False when all has been read.
  mutating func goOn(in view: StoreView, into rows: RecountedRows) throws -> Bool {
    let isMore = try readPage(in: view, into: rows)
    let comparisons = try rows.compare(counted, with: view, plateausDiffer: plateausDiffer)
    for (row, comparison) in zip(counted, comparisons) { note(comparison, of: "half-cycle \(row.number)") }
    counted.removeAll(keepingCapacity: true)
    return isMore
  }

  private mutating func readPage(in view: StoreView, into rows: RecountedRows) throws -> Bool {
    var budget = Self.page
    let page = RecordPage()
    while budget > 0 {
      if place < work.count {
        budget -= try carryOut(work[place], budget, view, page, rows)
      } else if !(try gather(view)) {
        try rows.add(recount.finish())
        try rows.add(recount.runSummary)
        return false
      } else {
        budget -= 64
      }
    }
    return true
  }

  private mutating func carryOut(
    _ next: Work, _ budget: Int, _ view: StoreView, _ page: RecordPage, _ rows: RecountedRows
  ) throws -> Int {
    switch next {
    case .open(let row):
      place += 1
      try rows.add(recount.open(row))
      return 16
    case .step(let step, let index):
      try view.read(page, ofStep: step, after: index, limit: budget)
      guard let last = page.records.last.map(RecordCursor.init) else {
        recount.stepEnded()
        place += 1
        return 16
      }
      recount.record(page.records)
      records += Int64(page.records.count)
      for voltage in page.records.lazy.compactMap(\.voltage) { noteVoltage(voltage) }
      lastRecord = last
      work[place] = .step(step, after: last.index)
      return page.records.count
    case .close:
      place += 1
      guard let row = recount.closeHalfCycle() else { return 1 }
      halfCycles += 1
      counted.append(row)
      return 64
    }
  }

  private mutating func noteVoltage(_ voltage: Voltage) {
    guard let (lowest, highest) = voltages else { return voltages = (voltage, voltage) }
    voltages = (min(lowest, voltage), max(highest, voltage))
  }

  /// What was asked for and lies outside of what the run went through, where a plateau is all or nothing.
  func warnings(about request: RecomputeRequest) -> [String] {
    guard let (lowest, highest) = voltages else { return [] }
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

  /// Puts the next half-cycle together; false when there is none.
  private mutating func gather(_ view: StoreView) throws -> Bool {
    work.removeAll(keepingCapacity: true)
    place = 0
    guard halfCycle < lastHalfCycle else { return false }
    while true {
      if let step = steps.popFirst() {
        guard let kind = StepKind(rawValue: step.kind) else {
          throw StoreError.unknown(kind: "kind of step", name: step.kind)
        }
        let stamped = StampedStep(
          stepID: step.stepID, kind: kind, halfCycleID: step.halfCycleID, endReason: step.endReason)
        if let members = grouping.take(stamped) { return try plan(members, view) }
      } else if areStepsRead {
        return try plan(grouping.finish(), view)
      } else {
        steps = try view.stepPlaces(run: run, after: lastStep, limit: Self.stepsTogether)[...]
        if let last = steps.last { lastStep = last.stepID } else { areStepsRead = true }
      }
    }
  }

  /// Plans the half-cycles up to the one with these steps; nil plans all that are left. One whose step was refused
  /// before it began has none.
  private mutating func plan(_ members: HalfCycleMembers?, _ view: StoreView) throws -> Bool {
    let number = members.map { RowIdentity.count(of: $0.halfCycleID) } ?? lastHalfCycle
    let (end, none) = (min(number, lastHalfCycle), RowIdentity.step(run: run, count: 0))
    // From one that is there to the next: in what came from elsewhere millions of numbers may lie between two.
    while halfCycle < end, let row = try view.closedHalfCycle(after: none + halfCycle, through: none + end) {
      halfCycle = RowIdentity.count(of: row.halfCycleID)
      work.append(.open(row))
      if let members, members.halfCycleID == row.halfCycleID {
        work += members.steps(endedBy: row.endReason, inRunEndedBy: runEndReason).map { .step($0, after: -1) }
      }
      work.append(.close)
    }
    halfCycle = max(halfCycle, end)
    return halfCycle < lastHalfCycle || !work.isEmpty
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
