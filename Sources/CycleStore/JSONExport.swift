// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// One JSON object for people who want everything in one file. Names carry their units; a number is the stored integer
// as an exact decimal; unknown is null. Records come last, one a line, so that the file can also be read as a stream.

import CyclerModel
import Quantities

/// Writes run, cell, protocols, cycles, half-cycles, steps, events and records.
struct JSONExportWriter: ExportWriter {
  private var isFirst = true

  mutating func begin(_ head: ExportHead, _ text: inout TextBuffer) {
    text.append("{\"format\":\"nacycler.run.1\",\n\"run\":")
    write(head.run, &text)
    text.append(",\n\"cell\":")
    write(head.cell, &text)
    write(list: "protocols", head.revisions, &text) { write($0, &$1) }
    write(list: "cycles", head.cycles, &text) { write($0, &$1) }
    write(list: "half_cycles", head.halfCycles, &text) { write($0, &$1) }
    write(list: "efficiency_tests", head.tests, &text) { write($0, &$1) }
    write(list: "impedance", head.impedance, &text) { write($0, &$1) }
    write(list: "steps", head.steps, &text) { write($0, &$1) }
    write(list: "events", head.events, &text) { write($0, &$1) }
    text.append(",\n\"records\":[")
  }

  mutating func row(_ row: PlacedRecord, _ text: inout TextBuffer) {
    let (record, step) = (row.record, row.step)
    text.append(isFirst ? "\n" : ",\n")
    isFirst = false
    var object = JSONObject(&text)
    object.number("step_count", step.stepCount, &text)
    object.number("step_record_index", Int64(record.index), &text)
    object.number("step_time_s", record.stepTime.microseconds, decimals: 6, &text)
    object.number("test_time_s", step.startedTestTimeUs + record.stepTime.microseconds, decimals: 6, &text)
    object.number("voltage_V", record.voltage?.nanovolts, decimals: 9, &text)
    object.number("current_A", record.current?.picoamperes, decimals: 12, &text)
    object.number("temperature_degC", row.temperature?.millidegrees, decimals: 3, &text)
    object.hours("step_charge_Ah", record.charge.nanocoulombs, &text)
    object.hours("step_energy_Wh", record.energy.nanojoules, &text)
    object.number("flags", record.flags.rawValue, &text)
    object.end(&text)
  }

  func end(_ text: inout TextBuffer) { text.append("\n]}\n") }

  private func write<Row>(
    list name: String, _ rows: [Row], _ text: inout TextBuffer, _ one: (Row, inout TextBuffer) -> Void
  ) {
    text.append(",\n\"\(name)\":[")
    for (place, row) in rows.enumerated() {
      text.append(place == 0 ? "\n" : ",\n")
      one(row, &text)
    }
    text.append("]")
  }

  private func write(_ run: StoredRun, _ text: inout TextBuffer) {
    var object = JSONObject(&text)
    object.number("run_id", run.runId, &text)
    object.string("uuid", run.uuid, &text)
    object.string("title", run.title, &text)
    object.string("channel", run.channelName, &text)
    object.number("cell_revision", run.cellRevision, &text)
    object.string("state", run.state, &text)
    object.number("created_unix_s", run.createdUnixUs, decimals: 6, &text)
    object.number("started_unix_s", run.startedUnixUs, decimals: 6, &text)
    object.number("ended_unix_s", run.endedUnixUs, decimals: 6, &text)
    object.string("started_by", run.startedBy, &text)
    object.string("end_reason", run.endReason, &text)
    object.hours("rate_basis_capacity_Ah", run.rateBasisChargeNc, &text)
    object.number("rate_basis_mass_g", run.rateBasisMassUg, decimals: 6, &text)
    object.number("rate_basis_area_cm2", run.rateBasisAreaMm2E3, decimals: 5, &text)
    object.number("first_cycle_number", run.firstCycleNumber, &text)
    object.string("daemon_version", run.daemonVersion, &text)
    object.string("instrument_specification", run.instrumentSpecification, &text)
    object.end(&text)
  }

  private func write(_ cell: StoredCell, _ text: inout TextBuffer) {
    var object = JSONObject(&text)
    object.string("name", cell.name, &text)
    object.string("external_id", cell.externalId, &text)
    object.string("batch", cell.batch, &text)
    object.string("role", cell.role, &text)
    object.number("revision", cell.revision, &text)
    object.number("active_mass_g", cell.activeMassUg, decimals: 6, &text)
    object.string("active_mass_basis", cell.activeMassBasis, &text)
    object.number("active_mass_uncertainty_g", cell.activeMassUncertaintyUg, decimals: 6, &text)
    object.number("area_cm2", cell.areaMm2E3, decimals: 5, &text)
    object.hours("nominal_capacity_Ah", cell.nominalChargeNc, &text)
    object.string("electrolyte", cell.electrolyte, &text)
    object.string("counter_electrode", cell.counterElectrode, &text)
    object.string("notes", cell.notes, &text)
    object.end(&text)
  }

  private func write(_ cycle: StoredCycle, _ text: inout TextBuffer) {
    var object = JSONObject(&text)
    object.number("cycle", cycle.cycleNumber, &text)
    object.number("cell_cycle", cycle.cellCycleNumber, &text)
    object.string("purpose", cycle.purpose, &text)
    object.string("label", cycle.label, &text)
    object.real("charge_capacity_Ah", cycle.chargeCapacityAh, &text)
    object.real("discharge_capacity_Ah", cycle.dischargeCapacityAh, &text)
    object.real("charge_energy_Wh", cycle.chargeEnergyWh, &text)
    object.real("discharge_energy_Wh", cycle.dischargeEnergyWh, &text)
    let means = cycle.means
    object.real("mean_charge_voltage_V", means.chargeVoltage, &text)
    object.real("mean_discharge_voltage_V", means.dischargeVoltage, &text)
    object.real("voltage_hysteresis_V", means.hysteresis, &text)
    object.real("energy_efficiency", means.energyEfficiency, &text)
    object.real("coulombic_efficiency", cycle.coulombicEfficiency, &text)
    object.real("sodiation_plateau_capacity_Ah", cycle.sodiationPlateauCapacityAh, &text)
    object.real("sodiation_plateau_ratio", cycle.sodiationPlateauRatio, &text)
    object.real("desodiation_plateau_capacity_Ah", cycle.desodiationPlateauCapacityAh, &text)
    object.real("desodiation_plateau_ratio", cycle.desodiationPlateauRatio, &text)
    object.real("retention", cycle.retention, &text)
    object.real("cumulative_irreversible_capacity_Ah", cycle.cumulativeIrreversibleCapacityAh, &text)
    writeDetail(of: cycle, to: &object, &text)
    object.number("flags", cycle.flags, &text)
    object.number("conditions_group", cycle.conditionsGroup, &text)
    object.truth("complete", cycle.complete, &text)
    object.truth("comparable", cycle.comparable, &text)
    object.real("group_retention", cycle.groupRetention, &text)
    object.real("linear_decay_per_cycle", cycle.linearDecayPerCycle, &text)
    object.real("geometric_decay_per_cycle", cycle.geometricDecayPerCycle, &text)
    object.number("decay_cycles", cycle.decayCycles, &text)
    object.real("capacity_slope_Ah_per_cycle", cycle.capacitySlopeAhPerCycle, &text)
    object.number("capacity_slope_cycles", cycle.capacitySlopeCycles, &text)
    object.real("charge_end_slippage_Ah", cycle.chargeEndSlippageAh, &text)
    object.real("discharge_end_slippage_Ah", cycle.dischargeEndSlippageAh, &text)
    object.real("coulombic_efficiency_product", cycle.coulombicEfficiencyProduct, &text)
    object.real("sodiation_plateau_retention", cycle.sodiationPlateauRetention, &text)
    object.real("desodiation_plateau_retention", cycle.desodiationPlateauRetention, &text)
    object.end(&text)
  }

  private func write(_ half: StoredHalfCycle, _ text: inout TextBuffer) {
    var object = JSONObject(&text)
    object.number("half_cycle", half.number, &text)
    object.number("cycle", half.cycleNumber, &text)
    object.number("direction", half.direction, &text)
    object.hours("charge_Ah", half.chargeNc, &text)
    object.hours("reverse_charge_Ah", half.reverseChargeNc, &text)
    object.hours("energy_Wh", half.energyNj, &text)
    object.hours("constant_voltage_charge_Ah", half.constantVoltageChargeNc, &text)
    object.hours("plateau_charge_Ah", half.plateauChargeNc, &text)
    object.hours("gap_charge_Ah", half.gapChargeNc, &text)
    object.string("end_reason", half.endReason, &text)
    writeDetail(of: half, to: &object, &text)
    object.number("flags", half.flags, &text)
    object.number("active_time_s", half.activeTimeUs, decimals: 6, &text)
    object.number("end_voltage_V", half.endVoltageNv, decimals: 9, &text)
    object.hours("end_net_charge_Ah", half.endNetChargeNc, &text)
    object.end(&text)
  }

  private func write(_ test: StoredEfficiencyTest, _ text: inout TextBuffer) {
    var object = JSONObject(&text)
    object.number("number", test.number, &text)
    object.string("kind", test.kind, &text)
    object.string("label", test.label, &text)
    object.number("cycles", test.cycles, &text)
    object.hours("reservoir_charge_Ah", test.reservoirChargeNc, &text)
    object.hours("plated_charge_Ah", test.platedChargeNc, &text)
    object.hours("stripped_charge_Ah", test.strippedChargeNc, &text)
    object.real("coulombic_efficiency", test.coulombicEfficiency, &text)
    object.number("flags", test.flags, &text)
    object.end(&text)
  }

  private func write(_ point: StoredImpedance, _ text: inout TextBuffer) {
    var object = JSONObject(&text)
    object.number("step_count", RowIdentity.count(of: point.stepId), &text)
    object.number("number", point.number, &text)
    object.number("step_time_s", point.stepTimeUs, decimals: 6, &text)
    object.number("test_time_s", point.startedTestTimeUs + point.stepTimeUs, decimals: 6, &text)
    object.number("frequency_Hz", point.frequencyUhz, decimals: 6, &text)
    object.number("real_impedance_ohm", point.realUohm, decimals: 6, &text)
    object.number("imaginary_impedance_ohm", point.imaginaryUohm, decimals: 6, &text)
    object.number("voltage_V", point.voltageNv, decimals: 9, &text)
    object.number("current_A", point.currentPa, decimals: 12, &text)
    object.number("flags", point.flags, &text)
    object.end(&text)
  }

  /// A revision of the protocol with its text, as it was stored.
  private func write(_ revision: StoredRevision, _ text: inout TextBuffer) {
    var object = JSONObject(&text)
    object.number("revision", revision.revision, &text)
    object.number("from_step_count", revision.fromStepId.map(RowIdentity.count), &text)
    object.string("amended_by", revision.amendedBy, &text)
    object.number("amended_unix_s", revision.amendedUnixUs, decimals: 6, &text)
    object.string("reason", revision.reason, &text)
    object.string("refusal", revision.refusal, &text)
    object.string("source", revision.source, &text)
    object.end(&text)
  }

  private func write(_ event: StoredEvent, _ text: inout TextBuffer) {
    var object = JSONObject(&text)
    object.number("event_id", event.eventId, &text)
    object.number("unix_s", event.unixUs, decimals: 6, &text)
    object.number("step_count", event.stepId.map(RowIdentity.count), &text)
    object.number("step_time_s", event.stepTimeUs, decimals: 6, &text)
    object.string("code", event.code, &text)
    object.number("severity", event.severity, &text)
    object.string("actor", event.actor, &text)
    object.string("detail", event.detail, &text)
    object.end(&text)
  }

  private func write(_ step: StoredStep, _ text: inout TextBuffer) {
    var object = JSONObject(&text)
    object.number("step_count", step.stepCount, &text)
    object.number("protocol_revision", step.protocolRevision, &text)
    object.number("program_index", step.programIndex, &text)
    object.string("program_path", step.programPath, &text)
    object.string("kind", step.kind, &text)
    object.number("direction", step.direction, &text)
    object.number("cycle", step.cycleNumber, &text)
    object.number("started_unix_s", step.startedUnixUs, decimals: 6, &text)
    object.number("started_test_time_s", step.startedTestTimeUs, decimals: 6, &text)
    object.number("ended_test_time_s", step.endedTestTimeUs, decimals: 6, &text)
    object.hours("start_charge_Ah", step.startChargeNc, &text)
    object.string("end_reason", step.endReason, &text)
    object.end(&text)
  }
}

/// The members of one object, in the order in which they are written.
struct JSONObject {
  private var isFirst = true

  init(_ text: inout TextBuffer) { text.append("{") }

  private mutating func name(_ name: String, _ text: inout TextBuffer) {
    text.append(isFirst ? "\"\(name)\":" : ",\"\(name)\":")
    isFirst = false
  }

  mutating func number(_ name: String, _ value: Int64?, decimals: Int = 0, _ text: inout TextBuffer) {
    self.name(name, &text)
    if let value { text.append(value, decimals: decimals) } else { text.append("null") }
  }

  mutating func hours(_ name: String, _ count: Int64?, _ text: inout TextBuffer) {
    self.name(name, &text)
    if let count { text.append(hoursOf: count) } else { text.append("null") }
  }

  /// A result in binary floating point, written so that reading it back gives the same number.
  mutating func real(_ name: String, _ value: Double?, _ text: inout TextBuffer) {
    self.name(name, &text)
    if let value, value.isFinite { text.append("\(value)") } else { text.append("null") }
  }

  mutating func truth(_ name: String, _ value: Bool?, _ text: inout TextBuffer) {
    self.name(name, &text)
    text.append(value.map { $0 ? "true" : "false" } ?? "null")
  }

  mutating func string(_ name: String, _ value: String?, _ text: inout TextBuffer) {
    self.name(name, &text)
    if let value { text.append(json: value) } else { text.append("null") }
  }

  func end(_ text: inout TextBuffer) { text.append("}") }
}
