// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A run's cycles once more, with other parameters. Nothing that the run itself has said is touched.

internal import CellMetrics
internal import ControlAPI
internal import CycleStore
internal import CyclerModel
internal import CyclingRun
internal import Synchronization

extension LaboratoryOperations {
  func parameterSets(of reference: RunReference) async throws -> ParameterSetList {
    let run = try await stored(reference)
    return try await store.read { view in
      ParameterSetList(run: run.runId, parameter_sets: try view.recounts(run: run.runId).map { ParameterSet($0) })
    }
  }

  func cycles(of reference: RunReference, parameterSet name: ParameterSetName) async throws -> CycleTable {
    let run = try await stored(reference)
    return try await store.read { view in
      let set = try view.recount(of: run, named: name)
      var table = try CycleTable(run, view)
      guard !set.isOwn else { return table }
      table.cycles = try view.cycles(run: run.runId, parameterSet: set.parameterSetId).map {
        CycleFrame($0, cell: run.cellName)
      }
      table.summary = try view.runSummary(run.runId, parameterSet: set.parameterSetId).map {
        RunSummaryFrame($0, of: table)
      }
      table.take(ParameterSet(set))
      // The plateaus of half-cycles are those of the run's own thresholds, and are kept under no other.
      for index in table.half_cycles.indices {
        table.half_cycles[index].plateau_charge_Ah = nil
        table.half_cycles[index].plateau_ir_corrected_charge_Ah = nil
      }
      return table
    }
  }

  func recompute(
    _ request: RecomputeRequest, on reference: RunReference, by requester: Requester
  ) async throws -> RecomputeResponse {
    try PersonText.check(request.label, "label")
    guard let seat = RecountSeat.take() else {
      throw RequestRefused(
        .unavailable, code: "recompute.busy", message: "a run is being computed again already",
        hint: "wait until it is done")
    }
    defer { withExtendedLifetime(seat) {} }
    let run = try await stored(reference)
    let begun = try await store.read { view in try Recount(run, request, by: requester.name, in: view) }
    let rows = try RecountedRows(run: run.runId)
    let walk = try await begun.walk.walked(through: store, into: rows)
    try Task.checkCancellation()
    return try await keep(begun, walk, rows, run, requester, asked: request)
  }

  private func keep(
    _ begun: Recount, _ walk: RecountWalk, _ rows: RecountedRows, _ run: StoredRun, _ requester: Requester,
    asked request: RecomputeRequest
  ) async throws -> RecomputeResponse {
    var differences = walk.differences
    var counts: (others: Int64, more: Int64)?
    if begun.hasOwnMetrics {
      var found: (others: Int64, more: Int64) = (0, 0)
      for (number, comparison) in try await store.read({ try rows.compareCycles(with: $0) }) {
        switch comparison {
        case .same: continue
        case .moreIsKnown: found.more += 1
        case .missing: differences.appendFew("cycle \(number): not stored")
        case .others(let columns): differences.appendFew("cycle \(number): \(columns.joined(separator: ", "))")
        }
        if comparison != .moreIsKnown { found.others += 1 }
      }
      counts = found
    }
    var entry = begun.entry
    entry.halfCycles = walk.halfCycles
    entry.records = walk.records
    entry.lastRecord = walk.lastRecord
    let (kept, at) = (entry, laboratory.now().unix)
    let set =
      begun.isOwn ? run.parameterSetId : try await store.write { edit in try edit.addRecount(kept, rows, at: at) }
    let (sets, isRetentionTold) = try await store.read { view in
      let sets = try view.recounts(run: run.runId)
      guard begun.namesReference else { return (sets, true) }
      return (sets, try view.cycles(run: run.runId, parameterSet: set).contains { $0.retention != nil })
    }
    guard let stored = sets.first(where: { $0.parameterSetId == set }).map({ ParameterSet($0) }) else {
      throw StoreError.unknown(kind: "parameter set", name: "\(set)")
    }
    var warnings = begun.warnings(about: run, label: kept.label) + walk.warnings(about: request)
    if !isRetentionTold, let reference = stored.retention_reference {
      warnings.append("no retention is told: \(reference) was cut short, or its charge is not known")
    }
    return RecomputeResponse(
      request_id: requester.requestID, run: run.runId, parameter_set: stored, is_own: begun.isOwn,
      half_cycles: walk.halfCycles, half_cycles_other: walk.halfCyclesOther,
      half_cycles_more_known: walk.halfCyclesMoreKnown, cycles: try rows.cycleCount,
      cycles_other: counts?.others, cycles_more_known: counts?.more, differences: differences,
      warnings: warnings)
  }

}

extension StoreView {
  /// The set of a run that a person means. Refused as `ParameterSetName.chosen` says.
  func recount(of run: StoredRun, named name: ParameterSetName) throws -> StoredRecount {
    try name.chosen(
      from: try recounts(run: run.runId), by: { ($0.parameterSetId, $0.label) }, of: run.runId, cell: run.cellName,
      role: try cell(run.cellId)?.role)
  }
}

/// One recount, as it was begun.
private struct Recount: Sendable {
  var walk: RecountWalk
  var entry: RecountEntry
  /// The parameters are the run's own, mass and area included: there is nothing to store.
  var isOwn: Bool
  /// Those of the metrics are: every number must come out as it is stored.
  var hasOwnMetrics: Bool
  /// Whoever asked has named the cycle that retention is told by.
  let namesReference: Bool
  private let runIsOver: Bool

  init(_ run: StoredRun, _ request: RecomputeRequest, by person: String, in view: StoreView) throws {
    guard let role = try view.cell(run.cellId)?.cellRole else {
      throw StoreError.unknown(kind: "role of cell", name: run.cellName)
    }
    let own = try view.recounts(run: run.runId).first { $0.isOwn }
    guard let own, var parameters = RecountParameters(stored: own.parameters) else {
      throw RequestRefused(
        .impossible, code: "recompute.unknown_parameters",
        message: "the parameters of run \(run.runId) are not all known to this version",
        hint: "use the version that ran it, or a newer one")
    }
    let metrics = parameters.metrics
    try parameters.take(request, role: role)
    namesReference = request.retention_reference != nil
    if namesReference, let reference = parameters.metrics.retentionReference {
      try Self.check(reference, among: try view.cycles(run: run.runId), of: run)
    }
    hasOwnMetrics = parameters.metrics == metrics && own.definitionsVersion == MetricDefinitions.version
    isOwn = parameters.stored == own.parameters && own.definitionsVersion == MetricDefinitions.version
    runIsOver = run.runState?.isFinal ?? false
    walk = try RecountWalk(run: run, role: role, parameters: parameters.metrics, own: metrics, in: view)
    entry = RecountEntry(
      run: run.runId, definitionsVersion: MetricDefinitions.version, parameters: parameters.stored, person: person,
      programVersion: NaCyclerVersion.text, label: request.label)
  }

  /// A reference that is nowhere would only leave every retention unknown.
  private static func check(
    _ reference: CycleReference, among cycles: [StoredCycle], of run: StoredRun
  ) throws {
    let counts = Dictionary(grouping: cycles.compactMap(\.purpose)) { $0 }.mapValues(\.count)
    guard counts[reference.purpose.rawValue] ?? 0 < reference.number else { return }
    let closed = run.runState?.isFinal == true ? "cycles" : "cycles that are closed so far"
    let there = CyclePurpose.allCases.compactMap { purpose in
      counts[purpose.rawValue].map { "\(purpose.rawValue) cycle 1\($0 > 1 ? " to \($0)" : "")" }
    }
    throw RequestRefused(
      .impossible, code: "recompute.no_such_cycle",
      message: "\(reference.written) is not among the \(closed) of run \(run.runId)",
      hint: there.isEmpty
        ? "it has none with a purpose, so no retention can be told" : "there are \(there.joined(separator: ", "))")
  }

  func warnings(about run: StoredRun, label: String?) -> [String] {
    var warnings: [String] = []
    if !runIsOver {
      warnings.append("run \(run.runId) goes on: only the cycles that are closed now were computed")
    }
    if isOwn, label != nil { warnings.append("nothing was stored, so the label is kept nowhere") }
    return warnings
  }
}

/// The recount that may be under way: it keeps two processors busy, and the cells come first.
private final class RecountSeat: Sendable {
  private static let most = 1
  private static let taken = Atomic<Int>(0)

  private init() {}

  /// Nil while somebody has it.
  static func take() -> RecountSeat? {
    let seat = taken.add(1, ordering: .relaxed).newValue
    let made = RecountSeat()
    return seat <= most ? made : nil
  }

  deinit { Self.taken.subtract(1, ordering: .relaxed) }
}
