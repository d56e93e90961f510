// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What `nasim rehearse` prints. A cycle, a test and an event have the keys of the daemon's own answers, so that whoever
// reads those reads these.

import CyclerModel
import Quantities
import Rehearsal

/// The outcome of a rehearsal.
struct RehearsalAnswer: Encodable {
  var title: String
  var role: String
  var instrument: String
  var preset: String
  /// The run's last state: `completed`, `held` and so on, or `running` when it was told to stop after some cycles.
  var state: String
  var reason: String?
  var virtual_time_s: Double
  var records: Int64
  /// Charge of the finished half-cycles, both directions together.
  var moved_charge_Ah: Double
  var initial_coulombic_efficiency: Double?
  var cycles: [Cycle] = []
  var efficiency_tests: [Test] = []
  var impedance_points: Int = 0
  var events: [Event] = []
  var event_count: Int
  var trace: Trace

  init(_ report: RehearsalReport, _ program: Program, _ instrument: String, _ preset: String, seconds: Double) {
    title = program.title
    role = program.role.rawValue
    self.instrument = instrument
    self.preset = preset
    state = report.state.rawValue
    reason = report.reason
    virtual_time_s = seconds
    records = report.recordCount
    moved_charge_Ah = report.movedCharge.ampereHours
    initial_coulombic_efficiency = report.cycles.first { $0.cellCycleNumber == 1 }?.coulombicEfficiency
    cycles = report.cycles.map(Cycle.init)
    efficiency_tests = report.tests.map(Test.init)
    impedance_points = report.impedancePointCount
    events = report.events.enumerated().map { Event($0.element, number: $0.offset + 1) }
    event_count = report.eventCount
    trace = Trace(report.trace)
  }

  struct Cycle: Encodable {
    var run = 0
    var cell = ""
    var cycle_number, cell_cycle_number: Int64
    var purpose, label: String?
    var charge_capacity_Ah, discharge_capacity_Ah, charge_energy_Wh, discharge_energy_Wh: Double?
    var mean_charge_voltage_V, mean_discharge_voltage_V, voltage_hysteresis_V, energy_efficiency: Double?
    var coulombic_efficiency: Double?
    var sodiation_plateau_capacity_Ah, sodiation_plateau_ratio: Double?
    var desodiation_plateau_capacity_Ah, desodiation_plateau_ratio: Double?
    var retention, cumulative_irreversible_capacity_Ah: Double?
    var flags: [String]
    var conditions_group: Int64?
    var complete, comparable: Bool
    var group_retention, linear_decay_per_cycle, geometric_decay_per_cycle: Double?
    var decay_cycles, capacity_slope_cycles: Int64?
    var capacity_slope_Ah_per_cycle, charge_end_slippage_Ah, discharge_end_slippage_Ah: Double?
    var coulombic_efficiency_product, sodiation_plateau_retention, desodiation_plateau_retention: Double?

    init(_ cycle: CycleSummary) {
      cycle_number = cycle.cycleNumber
      cell_cycle_number = cycle.cellCycleNumber
      purpose = cycle.purpose?.rawValue
      label = cycle.label
      charge_capacity_Ah = cycle.chargeCapacity?.ampereHours
      discharge_capacity_Ah = cycle.dischargeCapacity?.ampereHours
      charge_energy_Wh = cycle.chargeEnergy?.wattHours
      discharge_energy_Wh = cycle.dischargeEnergy?.wattHours
      mean_charge_voltage_V = cycle.means.chargeVoltage
      mean_discharge_voltage_V = cycle.means.dischargeVoltage
      voltage_hysteresis_V = cycle.means.hysteresis
      energy_efficiency = cycle.means.energyEfficiency
      coulombic_efficiency = cycle.coulombicEfficiency
      sodiation_plateau_capacity_Ah = cycle.sodiationPlateauCharge?.ampereHours
      sodiation_plateau_ratio = cycle.sodiationPlateauRatio
      desodiation_plateau_capacity_Ah = cycle.desodiationPlateauCharge?.ampereHours
      desodiation_plateau_ratio = cycle.desodiationPlateauRatio
      retention = cycle.retention
      cumulative_irreversible_capacity_Ah = cycle.cumulativeIrreversibleCharge?.ampereHours
      flags = cycle.flags.names
      let series = cycle.series
      conditions_group = series.group
      complete = series.isComplete
      comparable = series.isComparable
      group_retention = series.groupRetention
      linear_decay_per_cycle = series.linearDecay
      geometric_decay_per_cycle = series.geometricDecay
      decay_cycles = series.decayIntervals
      capacity_slope_Ah_per_cycle = series.capacitySlope
      capacity_slope_cycles = series.capacitySlopeCycles
      charge_end_slippage_Ah = series.chargeEndSlippage?.ampereHours
      discharge_end_slippage_Ah = series.dischargeEndSlippage?.ampereHours
      coulombic_efficiency_product = series.efficiencyProduct
      sodiation_plateau_retention = series.sodiationPlateauRetention
      desodiation_plateau_retention = series.desodiationPlateauRetention
    }
  }

  struct Test: Encodable {
    var number: Int32
    var kind, label: String
    var cycles: Int32
    var reservoir_charge_Ah, plated_charge_Ah, stripped_charge_Ah: Double
    var coulombic_efficiency: Double?
    var flags: [String]

    init(_ test: EfficiencyTestRow) {
      number = test.number
      kind = test.kind.rawValue
      label = test.label
      cycles = test.cycles
      reservoir_charge_Ah = test.reservoirCharge.ampereHours
      plated_charge_Ah = test.platedCharge.ampereHours
      stripped_charge_Ah = test.strippedCharge.ampereHours
      coulombic_efficiency = test.coulombicEfficiency
      flags = test.flags.names
    }
  }

  struct Event: Encodable {
    var number: Int
    var step_time_s: Double?
    var severity, code, detail: String

    init(_ event: EventRow, number: Int) {
      self.number = number
      step_time_s = event.stepTime?.seconds
      severity = "\(event.severity)"
      code = event.code.rawValue
      detail = event.detail
    }
  }

  /// The voltage against the run's time, as the lowest and highest of each stretch.
  struct Trace: Encodable {
    var stretch_s: Double
    var from_s, lowest_V, highest_V: [Double]

    init(_ trace: VoltageTrace) {
      stretch_s = trace.length.seconds
      from_s = trace.stretches.map(\.from.seconds)
      lowest_V = trace.stretches.map(\.lowest.volts)
      highest_V = trace.stretches.map(\.highest.volts)
    }
  }
}
