// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Battery Data Format with preferred labels (battery-data-alliance/battery-data-format, ontology 1.3.0), and behind them
// columns of our own that its readers pass over: the half-cycle, the flags and the run's stamps, from which `nactl analyze`
// has the cycles of the run to the last digit.

import CyclerModel
import Quantities

/// One CSV row a record; an unmeasured value is an empty field.
///
/// In front of the first record of a step stands a row for the moment at which it began, unless the record is of that
/// moment: programs that take a step's capacity for its highest less its lowest would otherwise lose the first interval. It
/// carries the sums of that moment and the first record's voltage and current, which are what is integrated up to that
/// record; its `Step Record Index / 1` is 0, and no such record is stored.
struct BatteryDataFormatWriter: ExportWriter {
  private static let labels = [
    "Record Index / 1", "Test Time / s", "Voltage / V", "Current / A", "Unix Time / s", "Cycle Count / 1",
    "Step Count / 1", "Step ID", "Step Type", "Step Time / s", "Step Record Index / 1", "Charging Capacity / Ah",
    "Discharging Capacity / Ah", "Net Capacity / Ah", "Step Net Capacity / Ah", "Step Net Energy / Wh",
  ]
  /// A thermometer beside the cell; a run without one has no such column.
  private static let temperatureLabel = "Ambient Temperature / degC"
  /// What came later stands behind what was there.
  private static let laterLabels = [
    "Cycle Charging Capacity / Ah", "Cycle Discharging Capacity / Ah", "Half-Cycle / 1", "Flags / 1", "Stamps",
  ]
  private var hasTemperatures = false
  /// Rows so far, those at the beginnings of steps included.
  private var rows: Int64 = 0

  mutating func begin(_ head: ExportHead, _ text: inout TextBuffer) {
    hasTemperatures = head.hasTemperatures
    let labels = Self.labels + (hasTemperatures ? [Self.temperatureLabel] : []) + Self.laterLabels
    text.append(labels.joined(separator: ",") + "\n")
  }

  mutating func row(_ row: PlacedRecord, _ text: inout TextBuffer) {
    if row.record.index == 0, row.record.stepTime > .zero { write(row.atStepStart, index: 0, &text) }
    write(row, index: Int64(row.record.index) + 1, &text)
  }

  private mutating func write(_ row: PlacedRecord, index: Int64, _ text: inout TextBuffer) {
    let (record, step) = (row.record, row.step)
    rows += 1
    text.append(rows)
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
    text.append(index)
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
    text.append(",")
    text.append(hoursOf: row.chargingCharge &- row.cycleStart.charging)
    text.append(",")
    text.append(hoursOf: row.dischargingCharge &- row.cycleStart.discharging)
    text.append(",")
    text.append(row.halfCycle)
    text.append(",")
    text.append(record.flags.rawValue)
    text.append(",")
    text.append(row.stamps)
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
    "temperature_degC", "half_cycle", "purpose", "stamps",
  ]
  /// Purposes of half-cycles, by their numbers.
  private var purposes: [Int64: String] = [:]

  mutating func begin(_ head: ExportHead, _ text: inout TextBuffer) {
    for half in head.stamped { purposes[Int64(half.number)] = half.purpose?.rawValue }
    text.append(Self.names.joined(separator: ",") + "\n")
  }

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
    text.append(",")
    if row.halfCycle > 0 { text.append(row.halfCycle) }
    text.append(",")
    if let purpose = purposes[row.halfCycle] { text.append(purpose) }
    text.append(",")
    text.append(row.stamps)
    text.append("\n")
  }

  func end(_ text: inout TextBuffer) {}
}

extension TextBuffer {
  /// Adds stamps with a space between them; nothing in them needs quotes.
  fileprivate mutating func append(_ stamps: [RunStamp]) {
    for (place, stamp) in stamps.enumerated() {
      if place > 0 { append(" ") }
      append(stamp.text)
    }
  }
}

extension PlacedRecord {
  /// The moment at which its step began, if it is the first of the step.
  fileprivate var atStepStart: PlacedRecord {
    var start = self
    start.record.stepTime = .zero
    start.record.charge = .zero
    start.record.energy = .zero
    start.record.flags = []
    start.chargingCharge = chargingChargeBefore
    start.dischargingCharge = dischargingChargeBefore
    start.stamps = []
    return start
  }
}
