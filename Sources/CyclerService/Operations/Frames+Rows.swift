// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Stored rows as clients see them: units in names, null for what is not known.

internal import ControlAPI
internal import CycleStore
internal import CyclerModel
internal import Quantities

extension RunStatus {
  /// A stored run; the cycle that it is in, and how many its program counts, where that is known.
  init(_ run: StoredRun, cycle: Int64?, cycleCount: Int64?) {
    self.init(
      run: run.runId, uuid: run.uuid, cell: run.cellName, channel: run.channelName, title: run.title, state: run.state,
      is_over: run.runState?.isFinal ?? false, queue_position: run.queuePosition.map(Int.init),
      started_unix_us: run.startedUnixUs, ended_unix_us: run.endedUnixUs, started_by: run.startedBy,
      end_reason: run.endReason ?? run.stateReason, cycle_number: cycle, cycle_count: cycleCount)
  }
}

extension CycleFrame {
  /// A stored cycle of a cell.
  init(_ cycle: StoredCycle, cell: String) {
    let means = cycle.means
    self.init(
      run: cycle.runId, cell: cell, cycle_number: cycle.cycleNumber, cell_cycle_number: cycle.cellCycleNumber,
      purpose: cycle.purpose, label: cycle.label, charge_capacity_Ah: cycle.chargeCapacityAh,
      discharge_capacity_Ah: cycle.dischargeCapacityAh, charge_energy_Wh: cycle.chargeEnergyWh,
      discharge_energy_Wh: cycle.dischargeEnergyWh, mean_charge_voltage_V: means.chargeVoltage,
      mean_discharge_voltage_V: means.dischargeVoltage, voltage_hysteresis_V: means.hysteresis,
      energy_efficiency: means.energyEfficiency, coulombic_efficiency: cycle.coulombicEfficiency,
      sodiation_plateau_capacity_Ah: cycle.sodiationPlateauCapacityAh,
      sodiation_plateau_ratio: cycle.sodiationPlateauRatio,
      desodiation_plateau_capacity_Ah: cycle.desodiationPlateauCapacityAh,
      desodiation_plateau_ratio: cycle.desodiationPlateauRatio, retention: cycle.retention,
      cumulative_irreversible_capacity_Ah: cycle.cumulativeIrreversibleCapacityAh,
      flags: DataFlags(rawValue: cycle.flags).names)
    coulombic_efficiency_uncertainty = cycle.coulombicEfficiencyUncertainty
    charge_capacity_uncertainty_Ah = cycle.chargeCapacityUncertaintyAh
    discharge_capacity_uncertainty_Ah = cycle.dischargeCapacityUncertaintyAh
    sodiation_plateau_ir_corrected_capacity_Ah = cycle.sodiationPlateauIrCorrectedCapacityAh
    sodiation_plateau_ir_corrected_ratio = cycle.sodiationPlateauIrCorrectedRatio
    desodiation_plateau_ir_corrected_capacity_Ah = cycle.desodiationPlateauIrCorrectedCapacityAh
    desodiation_plateau_ir_corrected_ratio = cycle.desodiationPlateauIrCorrectedRatio
    conditions_group = cycle.conditionsGroup
    complete = cycle.complete
    comparable = cycle.comparable
    group_retention = cycle.groupRetention
    linear_decay_per_cycle = cycle.linearDecayPerCycle
    geometric_decay_per_cycle = cycle.geometricDecayPerCycle
    decay_cycles = cycle.decayCycles
    capacity_slope_Ah_per_cycle = cycle.capacitySlopeAhPerCycle
    capacity_slope_cycles = cycle.capacitySlopeCycles
    charge_end_slippage_Ah = cycle.chargeEndSlippageAh
    discharge_end_slippage_Ah = cycle.dischargeEndSlippageAh
    coulombic_efficiency_product = cycle.coulombicEfficiencyProduct
    sodiation_plateau_retention = cycle.sodiationPlateauRetention
    desodiation_plateau_retention = cycle.desodiationPlateauRetention
  }
}

extension EfficiencyTestFrame {
  /// A stored test.
  init(_ test: StoredEfficiencyTest) {
    self.init(
      number: test.number, kind: test.kind, label: test.label, cycles: test.cycles,
      reservoir_charge_Ah: Charge(nanocoulombs: test.reservoirChargeNc).ampereHours,
      plated_charge_Ah: Charge(nanocoulombs: test.platedChargeNc).ampereHours,
      stripped_charge_Ah: Charge(nanocoulombs: test.strippedChargeNc).ampereHours,
      coulombic_efficiency: test.coulombicEfficiency, flags: DataFlags(rawValue: test.flags).names)
  }
}

extension ImpedanceFrame {
  /// A stored point.
  init(_ point: StoredImpedance) {
    self.init(
      step_count: RowIdentity.count(of: point.stepId), number: point.number, cycle_number: point.cycleNumber,
      test_time_s: Double(point.startedTestTimeUs + point.stepTimeUs) / 1e6,
      unix_us: point.startedUnixUs + point.stepTimeUs, frequency_Hz: Frequency(microhertz: point.frequencyUhz).hertz,
      real_impedance_ohm: Resistance(count: point.realUohm).ohms,
      imaginary_impedance_ohm: Resistance(count: point.imaginaryUohm).ohms,
      voltage_V: point.voltageNv.map { Voltage(nanovolts: $0).volts },
      current_A: point.currentPa.map { Current(picoamperes: $0).amperes },
      flags: DataFlags(rawValue: point.flags).names)
  }
}

extension EventFrame {
  /// A stored event with the names of what it concerns.
  init(_ event: StoredEvent, channel: String?, cell: String?) {
    let severity = Severity(rawValue: Int(event.severity)).map { "\($0)" } ?? "info"
    self.init(
      event: event.eventId, unix_us: event.unixUs, run: event.runId, channel: channel, cell: cell,
      step_count: event.stepId.map { Int(RowIdentity.count(of: $0)) },
      step_time_s: event.stepTimeUs.map { Double($0) / 1e6 }, code: event.code, severity: severity,
      actor: event.actor, detail: event.detail)
  }
}

extension CellStatus {
  /// A stored cell with its newest revision.
  init(_ cell: StoredCell, channel: String?, cycles: Int64) {
    self.init(
      cell: cell.name, external_id: cell.externalId, batch: cell.batch, role: cell.role, revision: Int(cell.revision),
      entered_unix_us: cell.enteredUnixUs, entered_by: cell.enteredBy, reason: cell.reason,
      active_mass_ug: cell.activeMassUg, active_mass_basis: cell.activeMassBasis,
      active_mass_uncertainty_ug: cell.activeMassUncertaintyUg, area_mm2: cell.areaMm2E3.map { Double($0) / 1_000 },
      nominal_capacity_mAh: cell.nominalChargeNc.map { Double($0) / 3.6e9 }, electrolyte: cell.electrolyte,
      counter_electrode: cell.counterElectrode, notes: cell.notes, channel: channel, cycles: cycles,
      retired_unix_us: cell.retiredUnixUs)
  }
}

extension CellEntry {
  /// What a request says of a new cell.
  init(_ request: CellRequest) throws {
    self.init()
    try Self.checkTexts(request.active_mass_basis, request.electrolyte, request.counter_electrode, request.notes)
    try CellNumbers.check(mass: request.active_mass_ug, area: request.area_mm2, nominal: request.nominal_capacity_mAh)
    activeMassUg = request.active_mass_ug
    activeMassBasis = request.active_mass_basis
    activeMassUncertaintyUg = request.active_mass_uncertainty_ug
    areaMm2E3 = request.area_mm2.map { Int64(($0 * 1_000).rounded()) }
    nominalChargeNc = request.nominal_capacity_mAh.map { Int64(($0 * 3.6e9).rounded()) }
    electrolyte = request.electrolyte
    counterElectrode = request.counter_electrode
    notes = request.notes
  }

  /// Takes over what a revision says; what it does not say stays, and an empty text takes away what was there.
  mutating func take(_ request: CellRevisionRequest) throws {
    try Self.checkTexts(request.active_mass_basis, request.electrolyte, request.counter_electrode, request.notes)
    try CellNumbers.check(mass: request.active_mass_ug, area: request.area_mm2, nominal: request.nominal_capacity_mAh)
    activeMassUg = request.active_mass_ug ?? activeMassUg
    func text(_ new: String?, _ old: String?) -> String? { new.map { $0.isEmpty ? nil : $0 } ?? old }
    activeMassBasis = text(request.active_mass_basis, activeMassBasis)
    activeMassUncertaintyUg = request.active_mass_uncertainty_ug ?? activeMassUncertaintyUg
    areaMm2E3 = request.area_mm2.map { Int64(($0 * 1_000).rounded()) } ?? areaMm2E3
    nominalChargeNc = request.nominal_capacity_mAh.map { Int64(($0 * 3.6e9).rounded()) } ?? nominalChargeNc
    electrolyte = text(request.electrolyte, electrolyte)
    counterElectrode = text(request.counter_electrode, counterElectrode)
    notes = text(request.notes, notes)
  }

  /// Holds what was entered elsewhere to what can be entered here.
  func check() throws {
    try Self.checkTexts(activeMassBasis, electrolyte, counterElectrode, notes)
    try CellNumbers.check(
      mass: activeMassUg, area: areaMm2E3.map { Double($0) / 1_000 },
      nominal: nominalChargeNc.map { Double($0) / 3.6e9 })
  }

  private static func checkTexts(_ basis: String?, _ electrolyte: String?, _ counter: String?, _ notes: String?) throws
  {
    try PersonText.check(basis, "active_mass_basis")
    try PersonText.check(electrolyte, "electrolyte")
    try PersonText.check(counter, "counter_electrode")
    try PersonText.check(notes, "notes", severalLines: true)
  }
}

/// What a cell's numbers can be; anything else is a slip of the unit or of the pen, and is refused before it is used.
enum CellNumbers {
  /// Throws `RequestRefused` unless each number that is given lies where a cell's can.
  static func check(mass: Int64?, area: Double?, nominal: Double?) throws {
    try check(mass.map(Double.init), 1, 1e9, "active_mass_ug", "micrograms, up to a kilogram")
    try check(area, 1e-3, 1e8, "area_mm2", "square millimetres, up to 100 square metres")
    try check(nominal, 1e-9, 1e6, "nominal_capacity_mAh", "milliampere-hours, up to a thousand ampere-hours")
  }

  private static func check(_ value: Double?, _ least: Double, _ most: Double, _ name: String, _ unit: String) throws {
    guard let value, !(least...most).contains(value) else { return }
    throw RequestRefused(
      .malformed, code: "cell.impossible_value", message: "\(name) is \(value); no cell has that",
      hint: "a positive number of \(unit)")
  }

  /// Throws `RequestRefused` for a name, own id or batch that a table or a terminal cannot show.
  static func check(name: String, _ what: String = "a cell's name") throws {
    guard PersonText.isName(name) else {
      throw RequestRefused(
        .malformed, code: "cell.impossible_name",
        message: "\(what) has 1 to \(PersonText.mostBytesOfName) bytes, no control or invisible characters and no "
          + "space around it",
        hint: "accents are written as one letter (NFC)")
    }
  }

  /// The same for what need not be given; an empty text takes away what was there.
  static func check(ownID: String?, batch: String?) throws {
    if let ownID, !ownID.isEmpty { try check(name: ownID, "an own id") }
    if let batch, !batch.isEmpty { try check(name: batch, "a batch's name") }
  }
}
