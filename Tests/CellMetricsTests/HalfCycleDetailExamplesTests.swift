// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Runs the worked examples of docs/metrics.md, "More of one half-cycle".

import CellMetrics
import CyclerModel
import Quantities
import Testing

@Suite struct HalfCycleDetailExamplesTests {
  @Test func everyExampleOfThePage() throws {
    var kinds: [String: Int] = [:]
    for example in try WorkedExample.all() {
      let computed: [String: String]
      switch example.kind {
      case "closing", "plateau-ir": computed = try halfCycle(example)
      case "rest": computed = try rest(example)
      case "uncertainty": computed = try uncertainty(example)
      default: continue
      }
      kinds[example.kind, default: 0] += 1
      #expect(!example.results.isEmpty, "\(example.testDescription)")
      for (name, stated) in example.results {
        #expect(computed[name] == stated, "\(name) of \(example.testDescription)")
      }
    }
    #expect(kinds == ["closing": 1, "plateau-ir": 1, "rest": 1, "uncertainty": 3])
  }

  private func halfCycle(_ example: WorkedExample) throws -> [String: String] {
    var sums = HalfCycleAccumulator(
      direction: .discharge,
      plateauThreshold: example.options["plateau_below_nv"].flatMap(Int64.init).map(Voltage.init(nanovolts:)),
      correctionDelay: .tenSeconds)
    sums.stepBegan(.constantCurrent, accuracy: nil)
    sums.circuitClosed(
      from: RestTrace.Standing(
        voltage: Int64(try example.option("from_nv")).map(Voltage.init(nanovolts:)),
        current: Int64(try example.option("from_pa")).map(Current.init(picoamperes:))), after: nil)
    for (index, row) in example.rows.enumerated() {
      sums.record(
        RecordRow(
          stepID: 1, index: Int32(index), stepTime: TimeSpan(microseconds: try example.number(row, 1)),
          voltage: Voltage(nanovolts: try example.number(row, 2)),
          current: Current(picoamperes: try example.number(row, 3)),
          charge: Charge(nanocoulombs: row.count > 4 ? try example.number(row, 4) : 0), energy: .zero, flags: []))
    }
    sums.stepEnded()
    let detail = sums.fill(.sample(1, .discharge, charge: 0)).detail
    func text(_ value: Int64?) -> String { value.map { "\($0)" } ?? "null" }
    return [
      "resistance_first_uohm": text(detail.resistances.firstRecord?.resistance.count),
      "resistance_first_delay_us": text(detail.resistances.firstRecord?.delay.microseconds),
      "resistance_1_s_uohm": text(detail.resistances.oneSecond?.resistance.count),
      "resistance_1_s_delay_us": text(detail.resistances.oneSecond?.delay.microseconds),
      "resistance_10_s_uohm": text(detail.resistances.tenSeconds?.resistance.count),
      "resistance_30_s_uohm": text(detail.resistances.thirtySeconds?.resistance.count),
      "plateau_charge_nc": text(sums.plateauCharge?.nanocoulombs),
      "plateau_ir_corrected_charge_nc": text(detail.plateauIRCorrectedCharge?.nanocoulombs),
    ]
  }

  private func rest(_ example: WorkedExample) throws -> [String: String] {
    var trace = RestTrace()
    var rest: RestBefore?
    for row in example.rows {
      let time = TimeSpan(microseconds: try example.number(row, 1))
      switch row[0] {
      case "driven": trace.drivenStepEnded(at: time)
      case "step": trace.stepBegan(at: time)
      case "record":
        trace.record(
          RecordRow(
            stepID: 1, index: 0, stepTime: time, voltage: Voltage(nanovolts: try example.number(row, 2)),
            current: .zero, charge: .zero, energy: .zero, flags: []), isDriven: false)
      case "closed": rest = trace.before(closingAt: time)
      default: throw WorkedExample.Misprint(line: example.line, text: "\(row[0]) does not happen")
      }
    }
    func text(_ value: Int64?) -> String { value.map { "\($0)" } ?? "null" }
    return [
      "duration_us": text(rest?.duration?.microseconds), "start_voltage_nv": text(rest?.startVoltage?.nanovolts),
      "end_voltage_nv": text(rest?.endVoltage?.nanovolts), "drift_nv_h": text(rest?.drift?.count),
      "drift_span_us": text(rest?.driftSpan?.microseconds),
    ]
  }

  private func uncertainty(_ example: WorkedExample) throws -> [String: String] {
    let role = try #require(CellRole(rawValue: try example.option("role")))
    var cycle = CycleAccumulator(role: role, earlierCellCycles: 0)
    for (index, row) in example.rows.enumerated() {
      var half = HalfCycleRow.sample(
        Int32(index + 1), try example.direction(row[0]), charge: try example.number(row, 1))
      half.detail.offsetUncertainty = Int64(row[2]).map(Charge.init(nanocoulombs:))
      half.detail.gainUncertainty = Int64(row[3]).map(Charge.init(nanocoulombs:))
      half.detail.rangeFullScale = Current(picoamperes: try example.number(row, 4))
      cycle.add(half)
    }
    let detail = try cycle.summary(1).detail
    // To the rounding of the division.
    let efficiency = detail.coulombicEfficiencyUncertainty.map { "\(($0 * 1e12).rounded() / 1e12)" }
    return [
      "charge_capacity_uncertainty_nc": detail.chargeCapacityUncertainty.map { "\($0.nanocoulombs)" } ?? "null",
      "discharge_capacity_uncertainty_nc": detail.dischargeCapacityUncertainty.map { "\($0.nanocoulombs)" } ?? "null",
      "coulombic_efficiency_uncertainty": efficiency ?? "null",
    ]
  }
}
