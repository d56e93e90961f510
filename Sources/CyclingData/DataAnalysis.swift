// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Cycle metrics of anybody's data: bytes of a table in, cycles out, with the arithmetic that a live run has. Memory grows
// with the half-cycles and not with the records.

internal import CyclerModel
internal import CellMetrics
internal import Quantities

/// The analysis of one table.
public struct DataAnalysis: Sendable {
  private let options: AnalysisOptions
  private let first: Direction
  private var reader: TableReader
  private var finder: HalfCycleFinder

  /// An analysis that has read nothing yet.
  /// - Throws: `DataProblem` when nobody has said which half-cycle comes first.
  public init(_ options: AnalysisOptions) throws(DataProblem) {
    guard options.role != .noCycles else {
      throw DataProblem("analysis.no_cycles", "a cell of the role no-cycles has no cycles", hint: "name another role")
    }
    guard let first = options.firstDirection, first != .none else {
      throw DataProblem(
        "analysis.no_order", "nobody has said what the cell is, and its data do not tell which half-cycle comes first",
        hint: "--role anode-half-cell (or another), or --pair charge-first or discharge-first")
    }
    self.options = options
    self.first = first
    reader = TableReader(map: options.columns)
    finder = HalfCycleFinder(HalfCycleFinder.Rules(options))
  }

  /// How many lines were read.
  public var lines: Int { reader.line }

  /// Reads the next bytes, in pieces of any size.
  public mutating func read(_ bytes: UnsafeRawBufferPointer) throws(DataProblem) {
    try reader.read(bytes, into: &finder)
    if let header = reader.header, options.chargeSource == .counter, header.counters.isEmpty {
      throw DataProblem(
        "data.no_counter", "no column is a counter of charge",
        hint: "name it: --columns charge_capacity_Ah=NAME,discharge_capacity_Ah=NAME, or step_capacity_Ah=NAME",
        columnNames: header.names)
    }
  }

  /// The table is over.
  public mutating func finish() throws(DataProblem) -> AnalysisResult {
    try reader.finish(into: &finder)
    finder.finish()
    if finder.tally.records == 0 { throw reader.holdsNoRecord }
    if let problem = reader.signs.problem { throw problem }
    try refuseAbsurd(finder.closed)
    try refuseReversed(finder.closed)
    let (halves, removed) = HalfCycleReview.merged(
      finder.closed, restsAreExact: finder.tally.restsAreExact)
    let maker = CycleMaker(halves, options: options, first: first)
    var result = AnalysisResult(
      cycles: maker.cycles, halfCycles: maker.halves, tests: maker.tests, summary: AnalysisResult.Summary(), notes: [],
      records: finder.tally.records, span: finder.tally.lastTime - finder.tally.firstTime,
      usesCounter: finder.rules.countersArePrimary)
    result.summary = summary(of: result)
    result.summary.spuriousRuns = finder.tally.spurious + removed
    result.notes =
      AnalysisNotes(
        reader: reader, tally: finder.tally, rules: finder.rules, result: result, role: options.role
      ).sentences + maker.notes
    return result
  }

  /// A counter of charge that counts while the current discharges, or the other way round.
  private func refuseReversed(_ halves: [DataHalfCycle]) throws(DataProblem) {
    guard finder.rules.countersArePrimary, halves.reduce(0, { $0 + Double($1.charge.nanocoulombs) }) < 0 else { return }
    throw DataProblem(
      "data.signs", line: halves.first?.firstLine,
      "the counters of charge and discharge run against the sign of the current",
      hint: "positive current charges here: turn the sign of the current in the file")
  }

  /// Every later sum is at most what flowed in all, so none can overflow.
  private func refuseAbsurd(_ halves: [DataHalfCycle]) throws(DataProblem) {
    let charge = halves.reduce(0) { $0 + Double($1.charge.nanocoulombs).magnitude }
    let energy = halves.reduce(0) { $0 + Double($1.energy?.nanojoules ?? 0).magnitude }
    guard charge >= 4e18 || energy >= 4e18 else { return }
    throw DataProblem(
      "data.absurd", "more than a million ampere-hours or watt-hours flow in it",
      hint: "are the units of time, current and voltage those that the heading says?")
  }

  private func summary(of result: AnalysisResult) -> AnalysisResult.Summary {
    var summary = AnalysisResult.Summary()
    let complete = result.cycles.filter(\.isComplete)
    summary.completeCycles = complete.count
    summary.initialEfficiency =
      result.cycles.lazy.compactMap {
        $0.summary.cycleNumber == 0 ? nil : InitialEfficiency.value(of: $0.summary)
      }.first
    if let formation = options.formationCycles {
      summary.firstEfficiencyAfterFormation =
        result.cycles.first { $0.summary.cycleNumber == formation + 1 }?.summary.coulombicEfficiency
    }
    let later = complete.filter { $0.summary.cycleNumber > 1 }.compactMap(\.summary.coulombicEfficiency)
    if !later.isEmpty { summary.meanEfficiencyFromSecond = later.reduce(0, +) / Double(later.count) }
    summary.cumulativeIrreversible = complete.last?.summary.cumulativeIrreversibleCharge
    summary.referenceCycle = options.referenceCycle ?? (options.formationCycles ?? 0) + 1
    let reference = complete.first { $0.summary.cycleNumber == summary.referenceCycle }
    if let reference, let last = complete.last(where: { $0.group == reference.group }) {
      summary.retentionCycle = last.summary.cycleNumber
      summary.retention = last.summary.retention
      summary.decay = last.decay
      summary.decayIntervals = last.decayIntervals
    }
    summary.lastRetention = complete.last?.summary.retention
    let least = Double(result.halfCycles.map(\.charge.nanocoulombs).max() ?? 0) / 100
    summary.counterMismatch = result.halfCycles.filter { Double($0.charge.nanocoulombs) >= least }.compactMap { half in
      guard let counted = half.counted, let integral = half.integral, counted > .zero else { return nil }
      return (Double(integral.nanocoulombs) / Double(counted.nanocoulombs) - 1).magnitude
    }.max()
    return summary
  }
}
