// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import ControlAPI
internal import CycleStore
internal import CyclerModel

extension LaboratoryOperations {
  /// More cells than that nobody can look at side by side.
  static let mostComparedCells = 200
  /// In one answer: forty cells of a thousand cycles, some 150 MB while they are compared. It bounds what somebody who only
  /// looks can ask of the daemon.
  static let mostComparedCycles: Int64 = 40_000
  /// A cycle has two, and more where something broke in; what drove each of them is read.
  static let mostHalfCyclesACycle: Int64 = 4

  func compare(_ request: ComparisonRequest) async throws -> EncodedAnswer<ComparisonTable> {
    guard let seat = comparisonSeat.take() else {
      throw RequestRefused(
        .unavailable, code: "compare.busy", message: "another comparison is being made", hint: "wait until it is done")
    }
    defer { withExtendedLifetime(seat) {} }
    let chosen = try await store.read { view in try view.chosen(request) }
    guard !chosen.isEmpty else {
      throw RequestRefused(
        .malformed, code: "compare.nothing", message: "nothing is named that could be compared",
        hint: "name runs by number or cells by name, or a batch")
    }
    let roles = Set(chosen.map(\.cell.role))
    guard roles.count == 1, let role = roles.first.flatMap({ CellRole(rawValue: $0) }) else {
      throw RequestRefused(
        .conflict, code: "compare.roles_differ",
        message: "the cells have different roles: \(roles.sorted().joined(separator: ", "))",
        hint: "compare cells of one role at a time")
    }
    guard role.firstDirection != nil else {
      throw RequestRefused(
        .conflict, code: "compare.no_cycles", message: "cells of role \(role.rawValue) have no cycles")
    }
    try await checkSize(chosen)
    return try await withTaskExecutorPreference(computing) {
      var cells: [ComparableCell] = []
      // A short transaction for each cell.
      for choice in chosen {
        try Task.checkCancellation()
        cells.append(try await store.read { view in try ComparableCell(choice, under: request.parameters, view) })
      }
      var comparison = CellComparison(request, role: role, cells: cells)
      return try EncodedAnswer(try comparison.compared())
    }
  }

  fileprivate static func checkCount(_ cells: Int) throws {
    guard cells > mostComparedCells else { return }
    throw RequestRefused(
      .malformed, code: "compare.too_many", message: "more than \(mostComparedCells) cells are too many at a time",
      hint: "at most \(mostComparedCells)")
  }

  /// Counts before anything is read: all of it is in memory at once.
  private func checkSize(_ chosen: [ChosenCell]) async throws {
    let (most, mostHalves) = (Self.mostComparedCycles, Self.mostComparedCycles * Self.mostHalfCyclesACycle)
    var (cycles, halfCycles): (Int64, Int64) = (0, 0)
    for choice in chosen {
      let counts = try await store.read { view in
        try choice.runs.map { (try view.cycleCount(run: $0.runId), try view.halfCycleCount(run: $0.runId)) }
      }
      for (more, moreHalves) in counts { (cycles, halfCycles) = (cycles + more, halfCycles + moreHalves) }
    }
    guard cycles > most || halfCycles > mostHalves else { return }
    let what = cycles > most ? "\(cycles) cycles" : "\(halfCycles) half-cycles"
    throw RequestRefused(
      .malformed, code: "compare.too_many",
      message:
        "the \(chosen.count == 1 ? "cell has" : "\(chosen.count) cells have together") \(what), too many at a time",
      hint: "at most \(most) cycles of \(mostHalves) half-cycles; name fewer cells, or runs by number")
  }
}

/// A cell with those of its runs that are compared.
private struct ChosenCell: Sendable {
  var cell: StoredCell
  var runs: [StoredRun]
}

extension StoreView {
  /// The cells that a request names, each once, in the order in which they are named.
  fileprivate func chosen(_ request: ComparisonRequest) throws -> [ChosenCell] {
    var chosen: [ChosenCell] = []
    func add(_ cell: StoredCell, _ runs: [StoredRun]) throws {
      guard let index = chosen.firstIndex(where: { $0.cell.cellId == cell.cellId }) else {
        try LaboratoryOperations.checkCount(chosen.count + 1)
        chosen.append(ChosenCell(cell: cell, runs: runs))
        return
      }
      let known = Set(chosen[index].runs.map(\.runId))
      chosen[index].runs = (chosen[index].runs + runs.filter { !known.contains($0.runId) }).sorted {
        $0.runId < $1.runId
      }
    }
    for name in request.of {
      if let run = try runNamed(name), let cell = try cell(run.cellId) {
        try add(cell, [run])
      } else if let cell = try cell(named: name) {
        try add(cell, try runs(cell: cell.cellId))
      } else {
        throw RequestRefused(
          .notFound, code: "compare.not_found", message: "“\(name)” is neither a run nor a cell",
          hint: "`nactl runs` and `nactl cell list` show what there is")
      }
    }
    if let batch = request.batch {
      let members = try cells(batch: batch)
      guard !members.isEmpty else {
        throw RequestRefused(
          .notFound, code: "batch.not_found", message: "no cell is of the batch “\(batch)”",
          hint: "`nactl cell list` shows the batches")
      }
      try LaboratoryOperations.checkCount(members.count)
      for cell in members { try add(cell, try runs(cell: cell.cellId)) }
    }
    return chosen
  }

  private func runNamed(_ name: String) throws -> StoredRun? {
    switch RunReference(name) {
    case .number(let number): try run(number)
    case .last: try lastBegunRun()
    case nil: nil
    }
  }
}

extension ComparableCell {
  fileprivate init(_ choice: ChosenCell, under name: ParameterSetName?, _ view: StoreView) throws {
    let cell = choice.cell
    self.init(name: cell.name)
    first = try view.firstCycle(cell: cell.cellId)
    (massUg, massBasis, areaMm2E3) = (cell.activeMassUg, cell.activeMassBasis, cell.areaMm2E3)
    for run in choice.runs where run.startedUnixUs != nil {
      runs.append(run.runId)
      let set = try name.map { try view.recount(of: run, named: $0) }
      try take(set, of: run, view)
      let bases = CycleConditions.Bases(
        chargeNc: run.rateBasisChargeNc, massUg: run.rateBasisMassUg, areaMm2E3: run.rateBasisAreaMm2E3)
      var conditions: [Int64: CycleConditions] = [:]
      for drive in try view.drives(run: run.runId) {
        conditions[drive.cycleNumber, default: CycleConditions(bases: bases)].take(drive)
      }
      let finished =
        try set.map { try view.cycles(run: run.runId, parameterSet: $0.parameterSetId) } ?? view.cycles(run: run.runId)
      cycles += finished.map { Cycle(row: $0, conditions: conditions[$0.cycleNumber] ?? CycleConditions(bases: bases)) }
      if let newest = conditions.keys.max(), newest > finished.last?.cycleNumber ?? 0 {
        openCycles.append((run.runId, newest, run.runState?.isFinal ?? false))
      }
    }
    try takeBases(of: name)
    cycles.sort { ($0.row.cellCycleNumber, $0.row.runId) < ($1.row.cellCycleNumber, $1.row.runId) }
  }

  /// Notes by what a run's cycles were computed: by a set that was asked for, or by its own.
  private mutating func take(_ set: StoredRecount?, of run: StoredRun, _ view: StoreView) throws {
    parameterSets.append(set?.parameterSetId ?? run.parameterSetId)
    guard let text = try set?.parameters ?? view.metricParameters(of: run) else { return }
    let parameters = RecountParameters(stored: text)
    sodiationPlateaus.insert(parameters?.metrics.sodiationPlateauBelow)
    setMasses.insert(parameters?.massMicrograms)
    setAreas.insert(parameters?.areaCount)
    // What capacities are divided by makes no cycle another one.
    self.parameters.insert(parameters?.metrics.stored ?? text)
  }

  /// Takes mass and area from the sets, where they say one; a mean over the cell's cycles can have one of each only.
  private mutating func takeBases(of name: ParameterSetName?) throws {
    guard let name else { return }
    guard setMasses.count < 2, setAreas.count < 2 else {
      throw RequestRefused(
        .conflict, code: "compare.bases_differ",
        message: "the runs of \(self.name) have different masses or areas under parameter set \(name)",
        hint: "compare single runs, or compute them again with the same ones")
    }
    massUg = setMasses.compactMap(\.self).first ?? massUg
    areaMm2E3 = setAreas.compactMap(\.self).first ?? areaMm2E3
  }
}
