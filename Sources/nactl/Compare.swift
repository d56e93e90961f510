// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

public import ArgumentParser
public import ControlAPI

extension ComparisonKey: ExpressibleByArgument {}

/// `nactl compare RUN_OR_CELL…`
struct Compare: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Puts cells side by side: mean and standard deviation of each cycle over the cells.",
    discussion: """
      A cell stands for all its runs, joined by the cell's own cycle number; a run stands for itself. A mean is taken \
      over whole cycles that were driven alike; what is in none is listed with its reason.
      """)
  @OptionGroup var list: ListOptions
  @Argument(
    help: ArgumentHelp("Cells by name, runs by number.", valueName: "run-or-cell"),
    completion: .shellCommand("nactl cell list --format csv 2>/dev/null | tail -n +2 | cut -d, -f1"))
  var of: [String] = []
  @Option(help: ArgumentHelp("All cells of a batch.", valueName: "name")) var batch: String?
  @Option(help: "What makes cycles the same: their number in the cell's life, or among its cycles of a purpose.")
  var by: ComparisonKey = .cycle
  @Option(help: "Only this cycle.") var cycle: Int64?
  @Option(
    help: ArgumentHelp(
      "The cycle in the cell's life whose reversible capacity is a retention of one; else the protocol's.",
      valueName: "cycle"))
  var reference: Int64?
  @Option(
    help: ArgumentHelp(
      "The parameter set of each run, by number or label, instead of its own; nactl recompute makes them.",
      valueName: "set"), transform: ParameterSetOption.read)
  var parameters: ParameterSetName?
  @Option(help: "mAh, mAh/g or mAh/cm2; json has all of them.") var units: CapacityUnits = .milliampereHours

  func validate() throws {
    if of.isEmpty, batch == nil { throw ValidationError("name cells or runs, or a --batch") }
    for number in [cycle, reference].compactMap(\.self) where number < 1 {
      throw ValidationError("cycles count from 1, so there is no \(number)")
    }
  }

  func run() async throws {
    let request = ComparisonRequest(
      of: of, batch: batch, by: by, cycle: cycle, reference: reference, parameters: parameters)
    let answer = try await list.daemon.client().compare(request)
    let comparison = answer.value
    let scales = try comparison.cells.map { cell in
      try CapacityScale(
        units, cell: cell.cell, massMicrograms: cell.active_mass_ug, areaSquareMillimetres: cell.area_mm2)
    }
    switch list.format {
    case .json: Terminal.out(bytes: answer.json)
    case .csv: Terminal.out(Table(columns: Self.columns(comparison, units, scales)).csv(comparison.rows))
    case .table: Terminal.out(Self.page(comparison, units, scales))
    }
    for warning in comparison.warnings { Terminal.error("warning: \(warning)\n") }
    guard list.format == .csv else { return }
    for line in Self.lines(comparison.left_out) { Terminal.error("left out: \(line)\n") }
  }

  // MARK: For people

  static func page(_ comparison: ComparisonTable, _ units: CapacityUnits, _ scales: [CapacityScale]) -> String {
    var text = Table(columns: cellColumns).text(comparison.cells)
    text += "\nICE % ± SD (n)  \(spread(comparison.initial_coulombic_efficiency, 100, 2))\n\n"
    text +=
      comparison.rows.isEmpty
      ? "no cycle is over\n" : Table(columns: columns(comparison, units, scales)).text(comparison.rows)
    text += bound(comparison).map { "\n\($0)\n" } ?? ""
    if comparison.rows.contains(where: { $0.cells.contains { !$0.is_counted } }) {
      text += "\n* is in no mean\n"
    }
    if !comparison.left_out.isEmpty {
      text += "\nLEFT OUT\n" + lines(comparison.left_out).map { "  \($0)\n" }.joined()
    }
    return text
  }

  /// The deviation of cells says nothing of an error that all of them share, which that of one instrument is.
  static func bound(_ comparison: ComparisonTable) -> String? {
    let counted = comparison.rows.flatMap(\.cells).filter { $0.is_counted && $0.coulombic_efficiency != nil }
    let bounds = counted.compactMap(\.coulombic_efficiency_uncertainty)
    guard let largest = bounds.max() else { return nil }
    let known = bounds.count == counted.count ? "" : ", known of \(bounds.count) of the \(counted.count) counted"
    return "largest bound of a CE by its instrument: \(Numbers.percent(largest, decimals: 3)) %\(known); "
      + "SD is the standard deviation over cells"
  }

  private static var cellColumns: [Table<ComparedCell>.Column] {
    [
      .init("CELL", "cell") { $0.cell },
      .init("RUNS", "runs") { $0.runs.map { "\($0)" }.joined(separator: " ") },
      .init("CYCLES", "cycles", number: true) { "\($0.cycles)" },
      .init("ICE %", "initial_coulombic_efficiency", number: true) { cell in
        cell.initial_coulombic_efficiency.map { Numbers.percent($0) }
      },
      .init("MASS", "active_mass_ug", number: true) { cell in
        cell.active_mass_ug.map { Numbers.scaled(Double($0) * 1e-6, "g") }
      },
      .init("COUNTS", "active_mass_basis") { $0.active_mass_basis },
      .init("SETS", "parameter_sets") { cell in
        // Runs with the same parameters have the same set.
        Set(cell.parameter_sets).sorted().map { "\($0)" }.joined(separator: " ")
      },
      .init("SOD. PLATEAU BELOW", "sodiation_plateau_below_V", number: true) { cell in
        cell.sodiation_plateau_below_V.map(ParameterLine.millivolts)
      },
    ]
  }

  /// What is left out for the same reason stands in one line.
  static func lines(_ all: [LeftOut]) -> [String] {
    struct Place: Hashable {
      var cell: String
      var run: Int64?
      var reason: String
    }
    var order: [Place] = []
    var cycles: [Place: [Int64]] = [:]
    for left in all {
      let place = Place(cell: left.cell, run: left.run, reason: left.reason)
      if cycles[place] == nil { order.append(place) }
      cycles[place, default: []] += left.cycle_number.map { [$0] } ?? []
    }
    return order.map { place in
      let numbers = ranges(cycles[place] ?? [])
      let word = (cycles[place] ?? []).count == 1 ? "cycle" : "cycles"
      let parts = [place.cell, place.run.map { "run \($0)" }, numbers.isEmpty ? nil : "\(word) \(numbers)"]
      return "\(parts.compactMap(\.self).joined(separator: ", ")): \(place.reason)"
    }
  }

  /// Numbers as a person writes them: `1-3, 7`.
  private static func ranges(_ numbers: [Int64]) -> String {
    var ranges: [ClosedRange<Int64>] = []
    for number in Set(numbers).sorted() {
      if let last = ranges.last, last.upperBound + 1 == number {
        ranges[ranges.count - 1] = last.lowerBound...number
      } else {
        ranges.append(number...number)
      }
    }
    return ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }.joined(
      separator: ", ")
  }

  /// Mean ± standard deviation (n); one value has no deviation.
  static func spread(_ sample: SampleMean, _ factor: Double, _ decimals: Int) -> String {
    guard let mean = sample.mean else { return Numbers.unknown }
    let deviation = sample.standard_deviation.map { Numbers.fixed($0 * factor, decimals) } ?? Numbers.unknown
    return "\(Numbers.fixed(mean * factor, decimals)) ± \(deviation) (\(sample.n))"
  }

  // MARK: Columns

  private static func columns(
    _ comparison: ComparisonTable, _ units: CapacityUnits, _ scales: [CapacityScale]
  ) -> [Table<ComparisonRow>.Column] {
    typealias Column = Table<ComparisonRow>.Column
    func statistics(
      _ title: String, _ key: String, _ factor: Double, _ decimals: Int, _ read: @escaping (ComparisonRow) -> SampleMean
    )
      -> [Column]
    {
      let isKnown = comparison.rows.contains { read($0).n > 0 }
      return [
        Column(
          isKnown ? "\(title) ± SD (n)" : "", "\(key)_mean", number: true, text: { spread(read($0), factor, decimals) }
        ) {
          read($0).mean.map { "\($0)" }
        },
        .hidden("\(key)_standard_deviation") { read($0).standard_deviation.map { "\($0)" } },
        .hidden("\(key)_n") { "\(read($0).n)" },
      ]
    }
    let capacity: [Column] =
      switch units {
      case .milliampereHours: statistics("MEAN mAh", "reversible_capacity_Ah", 1_000, 5) { $0.reversible_capacity_Ah }
      case .milliampereHoursPerGram:
        statistics("MEAN mAh/g", "reversible_capacity_mAh_per_g", 1, 2) { $0.reversible_capacity_mAh_per_g }
      case .milliampereHoursPerSquareCentimetre:
        statistics("MEAN mAh/cm2", "reversible_capacity_mAh_per_cm2", 1, 4) { $0.reversible_capacity_mAh_per_cm2 }
      }
    let number = comparison.by == .cycle ? ("OF CELL", "cell_cycle_number") : ("NUMBER", "number_of_purpose")
    return [
      Column(number.0, number.1, number: true) { "\($0.number)" }, Column("PURPOSE", "purpose") { $0.purpose },
    ] + capacity
      + statistics("CE %", "coulombic_efficiency", 100, 3) { $0.coulombic_efficiency }
      + statistics("RETENTION %", "retention", 100, 2) { $0.retention }
      + statistics("PLATEAU %", "sodiation_plateau_ratio", 100, 2) { $0.sodiation_plateau_ratio }
      + sideBySide(comparison, scales)
  }

  /// Capacity and efficiency of each cell.
  private static func sideBySide(_ comparison: ComparisonTable, _ scales: [CapacityScale])
    -> [Table<ComparisonRow>.Column]
  {
    zip(comparison.cells, scales).flatMap { cell, scale -> [Table<ComparisonRow>.Column] in
      func find(_ row: ComparisonRow) -> ComparedCycle? { row.cells.first { $0.cell == cell.cell } }
      func marked(_ text: String?, _ cycle: ComparedCycle?) -> String? {
        text.map { $0 + (cycle?.is_counted == false ? "*" : "") }
      }
      return [
        .init(
          "\(cell.cell) \(scale.units.rawValue)", "\(cell.cell) reversible_capacity_Ah", number: true,
          text: { marked(scale.number(find($0)?.reversible_capacity_Ah), find($0)) }
        ) { find($0)?.reversible_capacity_Ah.map { "\($0)" } },
        .init(
          "\(cell.cell) CE %", "\(cell.cell) coulombic_efficiency", number: true,
          text: { marked(find($0)?.coulombic_efficiency.map { Numbers.percent($0, decimals: 3) }, find($0)) }
        ) { find($0)?.coulombic_efficiency.map { "\($0)" } },
      ]
    }
  }
}
