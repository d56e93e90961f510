// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Battery Data Format with preferred labels (battery-data-alliance/battery-data-format, ontology 1.3.0). Columns that
// the format does not have (half-cycles, cell cycle numbers) are left to the other formats.

import CyclerModel
import Quantities

/// One CSV row a record; an unmeasured value is an empty field.
struct BatteryDataFormatWriter: ExportWriter {
  private static let labels = [
    "Record Index / 1", "Test Time / s", "Voltage / V", "Current / A", "Unix Time / s", "Cycle Count / 1",
    "Step Count / 1", "Step ID", "Step Type", "Step Time / s", "Step Record Index / 1", "Charging Capacity / Ah",
    "Discharging Capacity / Ah", "Net Capacity / Ah", "Step Net Capacity / Ah", "Step Net Energy / Wh",
  ]

  /// A thermometer beside the cell; a run without one has no such column.
  private static let temperatureLabel = "Ambient Temperature / degC"
  private var hasTemperatures = false

  mutating func begin(_ head: ExportHead, _ text: inout TextBuffer) {
    hasTemperatures = head.hasTemperatures
    let labels = Self.labels + (hasTemperatures ? [Self.temperatureLabel] : [])
    text.append(labels.joined(separator: ",") + "\n")
  }

  func row(_ row: PlacedRecord, _ text: inout TextBuffer) {
    let (record, step) = (row.record, row.step)
    text.append(row.number)
    text.append(",")
    text.append(secondsOf: step.startedTestTimeUs + record.stepTime.microseconds)
    text.append(",")
    if let voltage = record.voltage { text.append(volts: voltage) }
    text.append(",")
    if let current = record.current { text.append(amperes: current) }
    text.append(",")
    text.append(secondsOf: step.startedUnixUs + record.stepTime.microseconds)
    for number in [row.cycle, step.stepCount, step.programIndex] {
      text.append(",")
      text.append(number)
    }
    text.append("," + stepType(step) + ",")
    text.append(secondsOf: record.stepTime.microseconds)
    text.append(",")
    text.append(Int64(record.index) + 1)
    for charge in [
      row.chargingCharge, row.dischargingCharge, step.startChargeNc + record.charge.nanocoulombs,
      record.charge.nanocoulombs, record.energy.nanojoules,
    ] {
      text.append(",")
      text.append(hoursOf: charge)
    }
    if hasTemperatures {
      text.append(",")
      if let temperature = row.temperature { text.append(degreesCelsius: temperature) }
    }
    text.append("\n")
  }

  func end(_ text: inout TextBuffer) {}

  /// The format's word for a step: what is controlled, and the direction.
  private func stepType(_ step: StoredStep) -> String {
    let suffix = step.direction < 0 ? "_DCH" : step.direction > 0 ? "_CHG" : ""
    switch StepKind(rawValue: step.kind) {
    case .rest: return "REST"
    case .openCircuitCheck: return "OCV"
    case .constantCurrent: return "CC" + suffix
    case .constantVoltage: return "CV" + suffix
    case .constantCurrentConstantVoltage: return "CCCV" + suffix
    case .constantPower: return "CP" + suffix
    case .constantResistance: return "CR" + suffix
    case .voltageSweep: return "LSV"
    case .currentProfile: return "PROFILE"
    case .impedanceSpectrum: return "EIS"
    case nil: return step.kind.uppercased()
    }
  }
}

/// The same rows under our own names, with what only we know.
struct MachineNamesWriter: ExportWriter {
  private static let names = [
    "record", "test_time_s", "unix_time_s", "voltage_V", "current_A", "cycle", "step_count", "step_kind", "direction",
    "step_record_index", "step_time_s", "step_charge_Ah", "step_energy_Wh", "run_charge_Ah", "flags", "program_path",
    "temperature_degC",
  ]

  func begin(_ head: ExportHead, _ text: inout TextBuffer) { text.append(Self.names.joined(separator: ",") + "\n") }

  func row(_ row: PlacedRecord, _ text: inout TextBuffer) {
    let (record, step) = (row.record, row.step)
    text.append(row.number)
    text.append(",")
    text.append(secondsOf: step.startedTestTimeUs + record.stepTime.microseconds)
    text.append(",")
    text.append(secondsOf: step.startedUnixUs + record.stepTime.microseconds)
    text.append(",")
    if let voltage = record.voltage { text.append(volts: voltage) }
    text.append(",")
    if let current = record.current { text.append(amperes: current) }
    text.append(",")
    if let cycle = step.cycleNumber { text.append(cycle) }
    text.append(",")
    text.append(step.stepCount)
    text.append("," + step.kind + ",")
    text.append(step.direction)
    text.append(",")
    text.append(Int64(record.index))
    text.append(",")
    text.append(secondsOf: record.stepTime.microseconds)
    for charge in [
      record.charge.nanocoulombs, record.energy.nanojoules, step.startChargeNc + record.charge.nanocoulombs,
    ] {
      text.append(",")
      text.append(hoursOf: charge)
    }
    text.append(",")
    text.append(record.flags.rawValue)
    text.append(",")
    text.append(csv: step.programPath)
    text.append(",")
    if let temperature = row.temperature { text.append(degreesCelsius: temperature) }
    text.append("\n")
  }

  func end(_ text: inout TextBuffer) {}
}
