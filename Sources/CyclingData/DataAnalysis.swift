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
  private let first: Direction?
  private var reader: TableReader
  /// The beginning of the table, until its first line tells whether it is one of ours; nil once that is known.
  private var beginning: [UInt8]?
  /// A table of ours.
  private var stamped: StampedTable?
  private var finder: HalfCycleFinder

  /// An analysis that has read nothing yet.
  /// - Throws: `DataProblem` when the role has no cycles.
  public init(_ options: AnalysisOptions) throws(DataProblem) {
    guard options.role != .noCycles else {
      throw DataProblem("analysis.no_cycles", "a cell of the role no-cycles has no cycles", hint: "name another role")
    }
    self.options = options
    first = options.firstDirection.flatMap { $0 == .none ? nil : $0 }
    beginning = options.ignoresStamps ? nil : []
    reader = TableReader(map: options.columns, invertsCurrent: options.invertsCurrent)
    finder = HalfCycleFinder(HalfCycleFinder.Rules(options))
  }

  /// How many lines were read.
  public var lines: Int { reader.line }

  /// Which half-cycle comes first. A table of ours says it, anybody else's does not.
  private func order() throws(DataProblem) -> Direction {
    guard let first else {
      throw DataProblem(
        "analysis.no_order", "nobody has said what the cell is, and its data do not tell which half-cycle comes first",
        hint: "--role anode-half-cell (or another), or --pair charge-first or discharge-first")
    }
    return first
  }

  /// Reads the next bytes, in pieces of any size.
  public mutating func read(_ bytes: UnsafeRawBufferPointer) throws(DataProblem) {
    if stamped != nil { return try readStamped(bytes) }
    if beginning != nil { return try begin(with: bytes) }
    try readForeign(bytes)
  }

  private mutating func readStamped(_ bytes: some Collection<UInt8>) throws(DataProblem) {
    try stamped?.read(bytes)
  }

  /// Waits for the first line and sees whose table it is.
  private mutating func begin(with bytes: UnsafeRawBufferPointer) throws(DataProblem) {
    beginning?.append(contentsOf: bytes)
    guard let opening = beginning else { return }
    let end = opening.firstIndex(of: DecimalText.lineFeed)
    if end == nil, opening.count < Self.longestHeading { return }
    beginning = nil
    if let end, let heading = StampedHeading(line: Array(opening[..<end])) {
      try refuseWhatIsStamped()
      stamped = StampedTable(heading, options: options)
      return try readStamped(opening[(end + 1)...])
    }
    try opening.withUnsafeBufferPointer { (all) throws(DataProblem) in try readForeign(UnsafeRawBufferPointer(all)) }
  }

  /// What is said of a table that says it itself would be passed over in silence.
  private func refuseWhatIsStamped() throws(DataProblem) {
    let said: [(Bool, String)] = [
      (options.first != nil, "--pair"), (options.columns != ColumnMap(), "--columns"),
      (options.invertsCurrent, "--invert-current"),
      (options.chargeSource != .automatic, "--charge"), (options.gapLimit != nil, "--gap-limit"),
      (options.test != nil, "--test"), (options.currentGainPartsPerMillion != nil, "--current-gain-ppm"),
      (options.currentOffset != nil, "--current-offset"),
    ]
    let names = said.filter(\.0).map(\.1)
    guard !names.isEmpty else { return }
    throw DataProblem(
      "analysis.stamped",
      "the file is an export of NaCycler: its stamps stand in the place of what \(names.joined(separator: ", ")) would say",
      hint: "leave it out, or add --ignore-stamps to read the file like anybody's")
  }

  /// More than any heading of ours has.
  private static let longestHeading = 1 << 16

  private mutating func readForeign(_ bytes: UnsafeRawBufferPointer) throws(DataProblem) {
    try reader.read(bytes, into: &finder)
    // Only of a file that is a table is it worth asking.
    if reader.header != nil { _ = try order() }
    if let header = reader.header, options.chargeSource == .counter, header.counters.isEmpty {
      throw DataProblem(
        "data.no_counter", "no column is a counter of charge",
        hint: "name it: --columns charge_capacity_Ah=NAME,discharge_capacity_Ah=NAME, or step_capacity_Ah=NAME",
        columnNames: header.names)
    }
  }

  /// The table is over.
  public mutating func finish() throws(DataProblem) -> AnalysisResult {
    if stamped != nil { return try finishStamped() }
    if let opening = beginning {
      beginning = nil
      try opening.withUnsafeBufferPointer { (all) throws(DataProblem) in try readForeign(UnsafeRawBufferPointer(all)) }
    }
    try reader.finish(into: &finder)
    let first = try order()
    finder.finish()
    if finder.tally.records == 0 { throw reader.holdsNoRecord }
    if let problem = reader.signs.problem { throw problem }
    try refuseAbsurd(finder.closed)
    try refuseReversed(finder.closed)
    let (halves, removed) = HalfCycleReview.merged(
      finder.closed, restsAreExact: finder.tally.restsAreExact)
    let maker = CycleMaker(halves, options: options, first: first)
    var result = AnalysisResult(
      cycles: maker.cycles, halfCycles: maker.halves, tests: maker.tests, summary: Self.summary(maker, options),
      notes: [],
      records: finder.tally.records, span: finder.tally.lastTime - finder.tally.firstTime,
      usesCounter: finder.rules.countersArePrimary)
    result.summary.counterMismatch = counterMismatch(of: result.halfCycles)
    result.summary.spuriousRuns = finder.tally.spurious + removed
    let review = FirstCycleReview(result: result, options: options, readsWords: reader.signs.readsWords)
    result.initialEfficiencyDoubt = review.doubt
    let notes = AnalysisNotes(
      reader: reader, tally: finder.tally, rules: finder.rules, result: result, role: options.role)
    let plateaus = PlateauReview(halfCycles: result.halfCycles, options: options)
    result.notes = (notes.sentences + maker.notes + plateaus.notes + review.notes).map(\.readable)
    return result
  }

  private mutating func finishStamped() throws(DataProblem) -> AnalysisResult {
    try stamped?.finish()
    guard let table = stamped else { throw reader.holdsNoRecord }
    try refuseAbsurd(table.halves.map { DataHalfCycle(summing: $0.counted.accumulator) })
    let found = StampedCycles(table, options: options)
    var result = AnalysisResult(
      cycles: found.cycles, halfCycles: found.halves, tests: table.tests,
      summary: AnalysisResult.Summary(cycles: found.summary, referenceCycle: found.summary.referenceCycle),
      notes: found.notes.map(\.readable), records: table.records, span: Double(table.lastTime - table.firstTime) / 1e6,
      usesCounter: true, stampedOptions: found.options)
    let review = FirstCycleReview(result: result, options: found.options)
    result.initialEfficiencyDoubt = review.doubt
    result.notes +=
      PlateauReview(halfCycles: result.halfCycles, options: found.options, isStamped: true).notes + review.notes
    return result
  }

  /// A counter of charge that counts while the current discharges, or the other way round.
  private func refuseReversed(_ halves: [DataHalfCycle]) throws(DataProblem) {
    guard finder.rules.countersArePrimary, halves.reduce(0, { $0 + Double($1.charge.nanocoulombs) }) < 0 else { return }
    throw DataProblem(
      "data.signs", line: halves.first?.firstLine,
      "the counters of charge and discharge run against the sign of the current",
      hint:
        "positive current charges here: --invert-current turns the sign of the file's round, and leaving it out keeps it"
    )
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

  private static func summary(
    _ maker: CycleMaker, _ options: AnalysisOptions
  ) -> AnalysisResult.Summary {
    AnalysisResult.Summary(cycles: maker.runSummary, referenceCycle: options.reference)
  }

  private func counterMismatch(of halves: [DataHalfCycle]) -> Double? {
    let least = Double(halves.map(\.charge.nanocoulombs).max() ?? 0) / 100
    return halves.filter { Double($0.charge.nanocoulombs) >= least }.compactMap { half in
      guard let counted = half.counted, let integral = half.integral, counted > .zero else { return nil }
      return (Double(integral.nanocoulombs) / Double(counted.nanocoulombs) - 1).magnitude
    }.max()
  }
}
