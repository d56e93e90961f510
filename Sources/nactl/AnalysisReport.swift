// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CellMetrics
import ControlAPI
import CyclerModel
import CyclingData
import Quantities

/// An analysis as programs get it.
struct AnalysisReport {
  var head: AnalysisHead
  var cycles: [AnalyzedCycle]
  var halfCycles: [DataHalfCycle]

  init(_ result: AnalysisResult, file: String, options: AnalysisOptions, cell: AnalyzedCellOptions) {
    head = AnalysisHead(result, file: file, options: options)
    cycles = result.cycles.map { AnalyzedCycle($0, of: result, cell: cell) }
    halfCycles = result.halfCycles
  }

  /// Writes one object, a piece at a time: a table of ten thousand cycles would take ten times its size at once.
  func writeJSON() throws {
    try writeJSON("{\"cycles\":[", cycles) { $0 }
    try writeJSON("],\"half_cycles\":[", halfCycles, AnalyzedHalfCycle.init)
    Terminal.out("],")
    Terminal.out(bytes: try WireCoding.encode(head).dropFirst() + [0x0A])
  }

  private func writeJSON<Row, Value: Encodable>(
    _ begin: String, _ rows: [Row], _ value: (Row) -> Value
  ) throws {
    var bytes = Array(begin.utf8)
    for (index, row) in rows.enumerated() {
      if index > 0 { bytes.append(0x2C) }
      bytes += try WireCoding.encode(value(row))
      guard bytes.count > 1 << 16 else { continue }
      Terminal.out(bytes: bytes)
      bytes.removeAll(keepingCapacity: true)
    }
    Terminal.out(bytes: bytes)
  }
}

/// What is told of the table as a whole.
struct AnalysisHead: Encodable {
  var file: String
  @OrNull var role: String?
  var pair: String
  var records: Int
  var time_span_s: Double
  var charge_source: String
  @OrNull var sodiation_plateau_below_v: Double?
  @OrNull var desodiation_plateau_below_v: Double?
  var definitions: String
  var efficiency_tests: [AnalyzedTest]
  var summary: AnalyzedSummary
  var notes: [String]

  init(_ result: AnalysisResult, file: String, options: AnalysisOptions) {
    self.file = file
    role = options.role?.rawValue
    pair = (options.firstDirection == .charge ? PairOrder.chargeFirst : .dischargeFirst).rawValue
    records = result.records
    time_span_s = result.span
    charge_source = result.usesCounter ? "counter" : "samples"
    sodiation_plateau_below_v = options.sodiationPlateauBelow?.volts
    desodiation_plateau_below_v = options.desodiationPlateauBelow?.volts
    definitions = MetricDefinitions.version
    efficiency_tests = result.tests.map(AnalyzedTest.init)
    summary = AnalyzedSummary(result, role: options.role)
    notes = result.notes
  }
}

/// A cycle; capacities in Ah, efficiencies and ratios as fractions, what is not known as null.
struct AnalyzedCycle: Encodable {
  var cycle: Int64
  @OrNull var charge_capacity_ah: Double?
  @OrNull var discharge_capacity_ah: Double?
  @OrNull var coulombic_efficiency: Double?
  @OrNull var charge_energy_wh: Double?
  @OrNull var discharge_energy_wh: Double?
  @OrNull var energy_efficiency: Double?
  @OrNull var mean_charge_voltage_v: Double?
  @OrNull var mean_discharge_voltage_v: Double?
  @OrNull var voltage_hysteresis_v: Double?
  @OrNull var voltage_efficiency: Double?
  @OrNull var sodiation_plateau_capacity_ah: Double?
  @OrNull var sodiation_plateau_ratio: Double?
  @OrNull var sodiation_slope_capacity_ah: Double?
  @OrNull var desodiation_plateau_capacity_ah: Double?
  @OrNull var desodiation_plateau_ratio: Double?
  @OrNull var desodiation_slope_capacity_ah: Double?
  @OrNull var cumulative_irreversible_capacity_ah: Double?
  @OrNull var retention: Double?
  @OrNull var capacity_change: Double?
  @OrNull var linear_decay_per_cycle: Double?
  @OrNull var geometric_decay_per_cycle: Double?
  @OrNull var decay_cycles: Int64?
  @OrNull var charge_end_slippage_ah: Double?
  @OrNull var discharge_end_slippage_ah: Double?
  @OrNull var conditions_group: Int?
  @OrNull var charge_capacity_mah_g: Double?
  @OrNull var discharge_capacity_mah_g: Double?
  @OrNull var charge_capacity_mah_cm2: Double?
  @OrNull var discharge_capacity_mah_cm2: Double?
  @OrNull var charge_rate_c: Double?
  @OrNull var discharge_rate_c: Double?
  var complete: Bool
  var comparable: Bool
  var flags: [String]

  init(_ data: DataCycle, of result: AnalysisResult, cell: AnalyzedCellOptions) {
    let summary = data.summary
    cycle = summary.cycleNumber
    let charge = summary.chargeCapacity?.ampereHours
    let discharge = summary.dischargeCapacity?.ampereHours
    charge_capacity_ah = charge
    discharge_capacity_ah = discharge
    coulombic_efficiency = summary.coulombicEfficiency
    charge_energy_wh = summary.chargeEnergy?.wattHours
    discharge_energy_wh = summary.dischargeEnergy?.wattHours
    let means = summary.means
    energy_efficiency = means.energyEfficiency
    mean_charge_voltage_v = means.chargeVoltage
    mean_discharge_voltage_v = means.dischargeVoltage
    voltage_hysteresis_v = means.hysteresis
    if let above = means.dischargeVoltage, let below = means.chargeVoltage, below > 0 {
      voltage_efficiency = above / below
    }
    let sodiation = summary.sodiationPlateauCharge?.ampereHours
    let desodiation = summary.desodiationPlateauCharge?.ampereHours
    sodiation_plateau_capacity_ah = sodiation
    sodiation_plateau_ratio = summary.sodiationPlateauRatio
    if let sodiation, let discharge { sodiation_slope_capacity_ah = discharge - sodiation }
    desodiation_plateau_capacity_ah = desodiation
    desodiation_plateau_ratio = summary.desodiationPlateauRatio
    if let desodiation, let charge { desodiation_slope_capacity_ah = charge - desodiation }
    cumulative_irreversible_capacity_ah = summary.cumulativeIrreversibleCharge?.ampereHours
    retention = summary.retention
    capacity_change = summary.capacityChange
    linear_decay_per_cycle = data.decay?.linear
    geometric_decay_per_cycle = data.decay?.geometric
    decay_cycles = data.decayIntervals
    charge_end_slippage_ah = data.chargeEndSlippage?.ampereHours
    discharge_end_slippage_ah = data.dischargeEndSlippage?.ampereHours
    conditions_group = data.group
    if let mass = cell.mass {
      let perGram = 1e9 / Double(mass.micrograms)
      charge_capacity_mah_g = charge.map { $0 * perGram }
      discharge_capacity_mah_g = discharge.map { $0 * perGram }
    }
    if let area = cell.area {
      let perArea = 1e5 / area.squareMillimetres
      charge_capacity_mah_cm2 = charge.map { $0 * perArea }
      discharge_capacity_mah_cm2 = discharge.map { $0 * perArea }
    }
    if let nominal = cell.nominal {
      func rate(_ half: Int?) -> Double? {
        half.flatMap { result.halfCycles[$0].meanCurrent }.map { $0 * 1e3 / nominal.milliampereHours }
      }
      charge_rate_c = rate(data.charge)
      discharge_rate_c = rate(data.discharge)
    }
    complete = data.isComplete
    comparable = data.isComparable
    flags = data.flags
  }
}

/// A half-cycle with its place in the file.
struct AnalyzedHalfCycle: Encodable {
  var cycle: Int64
  var direction: String
  var capacity_ah: Double
  @OrNull var energy_wh: Double?
  @OrNull var plateau_capacity_ah: Double?
  var start_s: Double
  var end_s: Double
  var first_line: Int
  var last_line: Int
  @OrNull var first_voltage_v: Double?
  @OrNull var last_voltage_v: Double?
  @OrNull var mean_current_a: Double?
  var largest_current_a: Double
  var steps: Int
  @OrNull var counter_capacity_ah: Double?
  @OrNull var samples_capacity_ah: Double?
  @OrNull var gap_charge_ah: Double?
  @OrNull var interruption_s: Double?
  var spurious_segments: Int
  var spurious_charge_ah: Double
  var flags: [String]

  init(_ half: DataHalfCycle) {
    cycle = half.cycle
    direction = half.direction == .charge ? "charge" : "discharge"
    capacity_ah = half.charge.ampereHours
    energy_wh = half.energy?.wattHours
    plateau_capacity_ah = half.plateauCharge?.ampereHours
    start_s = half.begin
    end_s = half.end
    first_line = half.firstLine
    last_line = half.lastLine
    first_voltage_v = half.firstVoltage
    last_voltage_v = half.lastVoltage
    mean_current_a = half.meanCurrent
    largest_current_a = half.largestCurrent
    steps = half.steps
    counter_capacity_ah = half.counted?.ampereHours
    samples_capacity_ah = half.integral?.ampereHours
    gap_charge_ah = half.gapCharge?.ampereHours
    interruption_s = half.interruption
    spurious_segments = half.spurious
    spurious_charge_ah = half.spuriousCharge.ampereHours
    flags = []
    if half.cycle == 0 { flags.append("pre_cycle") }
    if half.isTruncated { flags.append("truncated") }
    if half.isPartialStart { flags.append("partial_start") }
    if half.gapCharge != nil { flags.append("gap") }
    if half.interruption != nil { flags.append("interrupted") }
    if half.spurious > 0 { flags.append("spurious_segments") }
  }
}

/// A test of plating.
struct AnalyzedTest: Encodable {
  var kind: String
  var cycles: Int32
  var reservoir_charge_ah: Double
  var plated_charge_ah: Double
  var stripped_charge_ah: Double
  @OrNull var coulombic_efficiency: Double?
  var flags: [String]

  init(_ row: EfficiencyTestRow) {
    kind = row.kind.rawValue
    cycles = row.cycles
    reservoir_charge_ah = row.reservoirCharge.ampereHours
    plated_charge_ah = row.platedCharge.ampereHours
    stripped_charge_ah = row.strippedCharge.ampereHours
    coulombic_efficiency = row.coulombicEfficiency
    flags = row.flags.names
  }
}

/// What follows from all cycles.
struct AnalyzedSummary: Encodable {
  var complete_cycles: Int
  @OrNull var initial_coulombic_efficiency: Double?
  @OrNull var first_coulombic_efficiency_after_formation: Double?
  @OrNull var mean_coulombic_efficiency_from_second: Double?
  @OrNull var cumulative_irreversible_capacity_ah: Double?
  var reference_cycle: Int64
  @OrNull var retention_cycle: Int64?
  @OrNull var retention: Double?
  @OrNull var linear_decay_per_cycle: Double?
  @OrNull var geometric_decay_per_cycle: Double?
  @OrNull var decay_cycles: Int64?
  @OrNull var retention_of_last_complete_cycle: Double?
  @OrNull var reservoir_coulombic_efficiency: Double?
  @OrNull var long_cycling_coulombic_efficiency: Double?
  var spurious_segments: Int
  @OrNull var counter_mismatch: Double?

  init(_ result: AnalysisResult, role: CellRole?) {
    let summary = result.summary
    complete_cycles = summary.completeCycles
    initial_coulombic_efficiency = summary.initialEfficiency
    first_coulombic_efficiency_after_formation = summary.firstEfficiencyAfterFormation
    mean_coulombic_efficiency_from_second = summary.meanEfficiencyFromSecond
    cumulative_irreversible_capacity_ah = summary.cumulativeIrreversible?.ampereHours
    reference_cycle = summary.referenceCycle
    retention_cycle = summary.retentionCycle
    retention = summary.retention
    linear_decay_per_cycle = summary.decay?.linear
    geometric_decay_per_cycle = summary.decay?.geometric
    decay_cycles = summary.decayIntervals
    retention_of_last_complete_cycle = summary.lastRetention
    reservoir_coulombic_efficiency = result.tests.first { $0.kind == .reservoir }?.coulombicEfficiency
    long_cycling_coulombic_efficiency = result.tests.first { $0.kind == .longCycling }?.coulombicEfficiency
    spurious_segments = summary.spuriousRuns
    counter_mismatch = summary.counterMismatch
  }
}
