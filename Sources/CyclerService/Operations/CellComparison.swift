// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Puts the cycles of several cells side by side. A mean is taken only over cycles that are whole and were driven alike;
// whatever is in none is named with its reason.

internal import CellMetrics
internal import ControlAPI
internal import CycleStore
internal import CyclerModel
internal import Quantities

/// What is known of one cell before it is compared.
struct ComparableCell: Sendable {
  /// A finished cycle.
  struct Cycle: Sendable {
    var row: StoredCycle
    var conditions: CycleConditions
  }

  var name: String
  var runs: [Int64] = []
  var first: StoredCycle?
  var massUg: Int64?
  var massBasis: String?
  var areaMm2E3: Int64?
  /// In the order of the cell's life.
  var cycles: [Cycle] = []
  /// The cycle of a run that has begun and was not finished, and whether the run is over.
  var openCycles: [(run: Int64, cycle: Int64, isOver: Bool)] = []
  /// The parameters of its runs' metrics.
  var parameters: Set<String> = []
  /// The sets that its runs' cycles were computed with, in the order of the runs.
  var parameterSets: [Int64] = []
  /// The thresholds of the plateau on sodiation in them; nil for none.
  var sodiationPlateaus: Set<Voltage?> = []
  /// The masses that the sets say; nil for the cell's.
  var setMasses: Set<Int64?> = []
  /// The areas that the sets say, in thousandths of a square millimetre; nil for the cell's.
  var setAreas: Set<Int64?> = []
}

/// Compares cells of one role.
struct CellComparison: Sendable {
  private let request: ComparisonRequest
  private let role: CellRole
  private let cells: [ComparableCell]
  /// The cycle that retention is told against, of each cell; nil where nobody asks for one or the cell has none.
  private let references: [StoredCycle?]
  private var leftOut: [LeftOut] = []
  /// How far apart the specific currents in one mean are, as a quotient.
  private var widestRates = 1.0
  /// Replicates are weighed, and one current on all of them is not the same rate.
  private static let rateWorthTelling = 1.1

  init(_ request: ComparisonRequest, role: CellRole, cells: [ComparableCell]) {
    self.request = request
    self.role = role
    self.cells = cells
    references = cells.map { cell in
      request.reference.flatMap { number in cell.cycles.last { $0.row.cellCycleNumber == number }?.row }
    }
  }

  /// One line of the table before it is summed up.
  private struct Line {
    var key: Key
    var entries: [(cell: Int, cycle: ComparableCell.Cycle)] = []
  }

  private struct Key: Hashable {
    var number: Int64
    var purpose: String?
  }

  /// Throws `CancellationError` when nobody waits for it any more.
  mutating func compared() throws -> ComparisonTable {
    leftOut = []
    for cell in cells {
      if cell.runs.isEmpty { leftOut.append(LeftOut(cell: cell.name, reason: "no run of it has begun")) }
      for run in cell.runs where !cell.cycles.contains(where: { $0.row.runId == run }) {
        leftOut.append(LeftOut(cell: cell.name, run: run, reason: "no cycle of it is over"))
      }
      for open in cell.openCycles {
        leftOut.append(
          LeftOut(
            cell: cell.name, run: open.run, cycle_number: open.cycle,
            reason: open.isOver ? "it was not finished" : "it goes on"))
      }
    }
    var rows: [ComparisonRow] = []
    for line in lines() {
      try Task.checkCancellation()
      rows.append(row(line))
    }
    var initial = SampleStatistics()
    for cell in cells { cell.first?.coulombicEfficiency.map { initial.take($0) } }
    return ComparisonTable(
      by: request.by, role: role.rawValue, cells: cells.map { ComparedCell($0) },
      initial_coulombic_efficiency: SampleMean(initial), rows: rows, left_out: leftOut, warnings: warnings())
  }

  // MARK: Rows

  private mutating func lines() -> [Line] {
    var lines: [Key: Line] = [:]
    for (index, cell) in cells.enumerated() {
      var seen: [String?: Int64] = [:]
      for cycle in latest(cell) {
        seen[cycle.row.purpose, default: 0] += 1
        let number = request.by == .cycle ? cycle.row.cellCycleNumber : seen[cycle.row.purpose] ?? 0
        if let wanted = request.cycle, wanted != number { continue }
        let key = Key(number: number, purpose: cycle.row.purpose)
        lines[key, default: Line(key: key)].entries.append((index, cycle))
      }
    }
    func order(_ purpose: String?) -> Int {
      purpose.flatMap { word in CyclePurpose.allCases.firstIndex { $0.rawValue == word } } ?? -1
    }
    return lines.values.sorted { left, right in
      let (one, other) = (order(left.key.purpose), order(right.key.purpose))
      return request.by == .cycle
        ? (left.key.number, one) < (right.key.number, other) : (one, left.key.number) < (other, right.key.number)
    }
  }

  /// The cycles of a cell, each number once: one that moved nothing may have left its number to the next run.
  private mutating func latest(_ cell: ComparableCell) -> [ComparableCell.Cycle] {
    var cycles: [ComparableCell.Cycle] = []
    for cycle in cell.cycles {
      if let last = cycles.last, last.row.cellCycleNumber == cycle.row.cellCycleNumber {
        leave(last, of: cell, because: "run \(cycle.row.runId) counts its cycle \(cycle.row.cycleNumber) in its place")
        cycles.removeLast()
      }
      cycles.append(cycle)
    }
    return cycles
  }

  private mutating func row(_ line: Line) -> ComparisonRow {
    let whole = line.entries.filter { reason($0.cycle.row) == nil }
    let common = Self.mostCommon(whole.map(\.cycle.conditions))
    var sums = RowSums()
    var shown: [ComparedCycle] = []
    for (index, cycle) in line.entries {
      let cell = cells[index]
      var compared = ComparedCycle(
        cell, cycle.row, reversible: reversible(cycle.row), retention: retention(cycle.row, index))
      var why = reason(cycle.row)
      if why == nil, let common, !common.includes(cycle.conditions) {
        why = "other conditions: \(cycle.conditions.text); most have \(common.conditions.text)"
      }
      if let why {
        leave(cycle, of: cell, because: why)
        compared.is_counted = false
      } else {
        sums.take(compared, cell)
      }
      shown.append(compared)
    }
    let counted = zip(line.entries, shown).compactMap { $1.is_counted ? $0.cycle.conditions.specificCurrent : nil }
    if let slowest = counted.min(), let fastest = counted.max(), slowest > 0 {
      widestRates = max(widestRates, fastest / slowest)
    }
    return sums.row(line.key.number, line.key.purpose, shown)
  }

  private mutating func leave(_ cycle: ComparableCell.Cycle, of cell: ComparableCell, because reason: String) {
    leftOut.append(
      LeftOut(cell: cell.name, run: cycle.row.runId, cycle_number: cycle.row.cycleNumber, reason: reason))
  }

  /// Why a cycle is in no mean whatever the others are; nil when it may be.
  private func reason(_ cycle: StoredCycle) -> String? {
    let flags = DataFlags(rawValue: cycle.flags)
    let spoilt = flags.intersection([.truncated, .partialStart, .chargeUnknown])
    if !spoilt.isEmpty { return "incomplete: \(spoilt.names.joined(separator: ", "))" }
    return reversible(cycle) == nil ? "incomplete: its charge is not known" : nil
  }

  /// What the second half-cycle of the role moved.
  private func reversible(_ cycle: StoredCycle) -> Double? {
    role.firstDirection == .charge ? cycle.dischargeCapacityAh : cycle.chargeCapacityAh
  }

  private func retention(_ cycle: StoredCycle, _ cell: Int) -> Double? {
    guard let number = request.reference else { return cycle.retention }
    guard cycle.cellCycleNumber >= number, let reference = references[cell], reason(reference) == nil,
      reason(cycle) == nil,
      let whole = reversible(reference), let part = reversible(cycle), whole > 0
    else { return nil }
    return part / whole
  }

  /// What most of a row have in common.
  struct Common {
    var conditions: CycleConditions
    var measure: CycleConditions.Measure

    func includes(_ other: CycleConditions) -> Bool { conditions.matches(other, by: measure) }
  }

  /// The conditions that match most of the others in one measure; of several the first. What is the very same is counted
  /// together, so that cells that were driven alike take one look each.
  static func mostCommon(_ conditions: [CycleConditions]) -> Common? {
    var best: (count: Int, common: Common)?
    for measure in CycleConditions.Measure.allCases {
      let kinds = Self.kinds(of: conditions, by: measure)
      for kind in kinds {
        let count = kinds.reduce(0) { $1.likeness.matches(kind.likeness) ? $0 + $1.count : $0 }
        guard count > best?.count ?? 0 else { continue }
        best = (count, Common(conditions: conditions[kind.first], measure: measure))
        if count == conditions.count { return best?.common }
      }
    }
    return best?.common
  }

  private struct Kind {
    var likeness: CycleConditions.Likeness
    var first: Int
    var count: Int
  }

  /// Which different ones there are in a measure, in the order in which they come.
  private static func kinds(of conditions: [CycleConditions], by measure: CycleConditions.Measure) -> [Kind] {
    var kinds: [Kind] = []
    var places: [CycleConditions.Likeness: Int] = [:]
    for (index, condition) in conditions.enumerated() {
      let likeness = condition.likeness(by: measure)
      if let place = places[likeness] {
        kinds[place].count += 1
      } else {
        places[likeness] = kinds.count
        kinds.append(Kind(likeness: likeness, first: index, count: 1))
      }
    }
    return kinds
  }

  // MARK: Warnings

  private func warnings() -> [String] {
    var warnings: [String] = []
    func named(_ names: [String]) -> String { names.joined(separator: ", ") }
    let weighed = cells.filter { $0.massUg != nil }
    if !weighed.isEmpty, weighed.count < cells.count {
      warnings.append("the mass is not known of \(named(cells.filter { $0.massUg == nil }.map(\.name)))")
    }
    let bases = Dictionary(grouping: weighed) { $0.massBasis ?? "not said" }
    if bases.count > 1 {
      let text = bases.keys.sorted().map { "“\($0)” (\(named((bases[$0] ?? []).map(\.name))))" }
      warnings.append("the masses count different things: \(text.joined(separator: "; "))")
    }
    if cells.reduce(into: Set<String>(), { $0.formUnion($1.parameters) }).count > 1 {
      warnings.append(
        "the runs' metrics have different parameters: plateau ratios or retentions may not be comparable")
    }
    let others = leftOut.filter { $0.reason.hasPrefix("other conditions") }
    if !others.isEmpty {
      warnings.append("cut-offs or rates differ in \(others.count == 1 ? "one cycle" : "\(others.count) cycles")")
    }
    if widestRates > Self.rateWorthTelling {
      let percent = Int(((widestRates - 1) * 100).rounded())
      warnings.append(
        "the same current flows on different masses: in one mean rates over the mass differ by \(percent) %")
    }
    let doubtful = cells.filter { cell in
      cell.cycles.contains { !DataFlags(rawValue: $0.row.flags).isDisjoint(with: [.gap, .overload, .interrupted]) }
    }
    if !doubtful.isEmpty {
      warnings.append("cycles with a gap, an overload or an interruption are counted: \(named(doubtful.map(\.name)))")
    }
    return warnings
  }
}

/// The statistics of one row.
private struct RowSums {
  private var capacity = SampleStatistics()
  private var specific = SampleStatistics()
  private var areal = SampleStatistics()
  private var efficiency = SampleStatistics()
  private var retention = SampleStatistics()
  private var plateau = SampleStatistics()

  mutating func take(_ cycle: ComparedCycle, _ cell: ComparableCell) {
    if let ampereHours = cycle.reversible_capacity_Ah {
      capacity.take(ampereHours)
      if let mass = cell.massUg, mass > 0 { specific.take(ampereHours * 1e9 / Double(mass)) }
      if let area = cell.areaMm2E3, area > 0 { areal.take(ampereHours * 1e8 / Double(area)) }
    }
    cycle.coulombic_efficiency.map { efficiency.take($0) }
    cycle.retention.map { retention.take($0) }
    cycle.sodiation_plateau_ratio.map { plateau.take($0) }
  }

  func row(_ number: Int64, _ purpose: String?, _ cells: [ComparedCycle]) -> ComparisonRow {
    ComparisonRow(
      number: number, purpose: purpose, reversible_capacity_Ah: SampleMean(capacity),
      reversible_capacity_mAh_per_g: SampleMean(specific), reversible_capacity_mAh_per_cm2: SampleMean(areal),
      coulombic_efficiency: SampleMean(efficiency), retention: SampleMean(retention),
      sodiation_plateau_ratio: SampleMean(plateau), cells: cells)
  }
}

extension SampleMean {
  init(_ sample: SampleStatistics) {
    self.init(mean: sample.mean, standard_deviation: sample.standardDeviation, n: sample.count)
  }
}

extension ComparedCell {
  init(_ cell: ComparableCell) {
    self.init(
      cell: cell.name, runs: cell.runs, cycles: Int64(cell.cycles.count),
      initial_coulombic_efficiency: cell.first?.coulombicEfficiency, initial_cycle_run: cell.first?.runId,
      active_mass_ug: cell.massUg, active_mass_basis: cell.massBasis,
      area_mm2: cell.areaMm2E3.map { Double($0) / 1_000 })
    parameter_sets = cell.parameterSets
    sodiation_plateau_below_V =
      cell.sodiationPlateaus.count == 1 ? cell.sodiationPlateaus.compactMap(\.self).first?.volts : nil
  }
}

extension ComparedCycle {
  init(_ cell: ComparableCell, _ cycle: StoredCycle, reversible: Double?, retention: Double?) {
    self.init(
      cell: cell.name, run: cycle.runId, cycle_number: cycle.cycleNumber, cell_cycle_number: cycle.cellCycleNumber,
      reversible_capacity_Ah: reversible, coulombic_efficiency: cycle.coulombicEfficiency, retention: retention,
      sodiation_plateau_ratio: cycle.sodiationPlateauRatio, flags: DataFlags(rawValue: cycle.flags).names)
    coulombic_efficiency_uncertainty = cycle.coulombicEfficiencyUncertainty
  }
}
