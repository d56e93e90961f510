// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Runs the worked examples of docs/metrics.md.

import CellMetrics
import CyclerModel
import CyclingEngine
import Foundation
import Quantities
import Testing

/// A fenced block of docs/metrics.md: what it is about, its lines and the results that it states.
struct WorkedExample: CustomTestStringConvertible, Sendable {
  struct Misprint: Error {
    var line: Int
    var text: String
  }

  var line: Int
  var kind: String
  var options: [String: String] = [:]
  var rows: [[String]] = []
  var results: [String: String] = [:]

  var testDescription: String { "\(kind) in line \(line)" }

  func number(_ row: [String], _ column: Int) throws -> Int64 {
    guard column < row.count, let value = Int64(row[column]) else {
      throw Misprint(line: line, text: "column \(column) of \(row) is no number")
    }
    return value
  }

  /// The value of an option such as `direction=charge`.
  func option(_ name: String) throws -> String {
    guard let value = options[name] else { throw Misprint(line: line, text: "no option \(name)") }
    return value
  }

  func direction(_ word: String) throws -> Direction {
    switch word {
    case "charge": return .charge
    case "discharge": return .discharge
    default: throw Misprint(line: line, text: "\(word) is no direction")
    }
  }

  static func all() throws -> [WorkedExample] {
    let page = RepositoryRoot.url.appending(path: "docs/metrics.md")
    let lines = try String(contentsOf: page, encoding: .utf8).split(separator: "\n", omittingEmptySubsequences: false)
    var examples: [WorkedExample] = []
    var open: WorkedExample?
    for (index, line) in lines.enumerated() {
      if line.hasPrefix("```") {
        if let closed = open {
          examples.append(closed)
          open = nil
        } else {
          let words = line.dropFirst(3).split(separator: " ")
          guard let kind = words.first else { throw Misprint(line: index + 1, text: "a block without a kind") }
          var example = WorkedExample(line: index + 1, kind: String(kind))
          for word in words.dropFirst() {
            let pair = word.split(separator: "=")
            guard pair.count == 2 else { throw Misprint(line: index + 1, text: "\(word) is no option") }
            example.options[String(pair[0])] = String(pair[1])
          }
          open = example
        }
      } else if line.hasPrefix("= ") {
        let words = line.split(separator: " ")
        guard words.count == 3 else { throw Misprint(line: index + 1, text: "\(line) is no result") }
        open?.results[String(words[1])] = String(words[2])
      } else {
        open?.rows.append(line.split(separator: ",").map(String.init))
      }
    }
    return examples
  }
}

@Suite struct DocumentedExamplesTests {
  @Test func everyExampleOfThePage() throws {
    // CyclingDataTests runs those of files, HalfCycleDetailExamplesTests those of what is known besides sums.
    let elsewhere: Set = ["file", "stamped", "closing", "rest", "plateau-ir", "uncertainty"]
    let examples = try WorkedExample.all().filter { !elsewhere.contains($0.kind) }
    #expect(
      Set(examples.map(\.kind)) == [
        "integral", "half-cycle", "cycle", "retention", "reversibility", "efficiency-test", "series",
        "differential-capacity", "differential-voltage",
      ])
    #expect(examples.count >= 11)
    for example in examples {
      let computed: [String: String]
      switch example.kind {
      case "integral": computed = try integral(example)
      case "half-cycle": computed = try halfCycle(example)
      case "cycle": computed = try cycle(example)
      case "retention": computed = try retention(example)
      case "reversibility": computed = try reversibility(example)
      case "series": computed = try series(example)
      case "efficiency-test": computed = try efficiencyTest(example)
      case "differential-capacity": computed = try differentialCapacity(example)
      case "differential-voltage": computed = try differentialVoltage(example)
      default: throw WorkedExample.Misprint(line: example.line, text: "\(example.kind) is no kind of example")
      }
      #expect(!example.results.isEmpty, "\(example.testDescription)")
      for (name, stated) in example.results {
        #expect(computed[name] == stated, "\(name) of \(example.testDescription)")
      }
    }
  }

  @Test func thePageNamesThisVersion() throws {
    let page = RepositoryRoot.url.appending(path: "docs/metrics.md")
    let text = try String(contentsOf: page, encoding: .utf8)
    #expect(text.contains("Definitions version \(MetricDefinitions.version)."))
  }

  private func integral(_ example: WorkedExample) throws -> [String: String] {
    var integral = ChargeIntegrator(direction: try example.direction(example.option("direction")))
    for row in example.rows {
      let time = TimeSpan(microseconds: try example.number(row, 1))
      switch row[0] {
      case "closed": integral.circuitClosed(at: time)
      case "opened": integral.circuitOpened(at: time)
      case "read":
        integral.reading(
          Reading(
            time: time, voltage: Voltage(nanovolts: try example.number(row, 2)),
            current: Current(picoamperes: try example.number(row, 3))))
      default: throw WorkedExample.Misprint(line: example.line, text: "\(row[0]) does not happen")
      }
    }
    return [
      "charge_nc": "\(integral.charge.nanocoulombs)", "energy_nj": "\(integral.energy.nanojoules)",
      "reverse_charge_nc": "\(integral.reverseCharge.nanocoulombs)",
    ]
  }

  private func halfCycle(_ example: WorkedExample) throws -> [String: String] {
    var sums = HalfCycleAccumulator(
      direction: try example.direction(example.option("direction")),
      plateauThreshold: Int64(try example.option("plateau_below_nv")).map(Voltage.init(nanovolts:)))
    for (index, row) in example.rows.enumerated() {
      if row[0] == "step" {
        if index > 0 { sums.stepEnded() }
        continue
      }
      sums.record(
        RecordRow(
          stepID: 1, index: Int32(index), stepTime: TimeSpan(seconds: Int64(index)),
          voltage: Voltage(nanovolts: try example.number(row, 1)), current: nil,
          charge: Charge(nanocoulombs: try example.number(row, 2)),
          energy: Energy(nanojoules: try example.number(row, 3)),
          flags: row.count > 4 && row[4] == "hold" ? .constantVoltage : []))
    }
    let live = results(sums)
    sums.stepEnded()
    #expect(live == results(sums), "the sums are right before the step has ended")
    return live
  }

  /// The records of an example whose rows are `step`, or voltage in nV and charge in nC, and `hold`; nil between steps.
  private func curveRecords(_ example: WorkedExample) throws -> [RecordRow?] {
    try example.rows.dropFirst().enumerated().map { index, row in
      guard row[0] == "record" else { return nil }
      return RecordRow(
        stepID: 1, index: Int32(index), stepTime: .zero, voltage: Voltage(nanovolts: try example.number(row, 1)),
        current: nil, charge: Charge(nanocoulombs: try example.number(row, 2)), energy: .zero,
        flags: row.last == "hold" ? .constantVoltage : [])
    }
  }

  private func differentialCapacity(_ example: WorkedExample) throws -> [String: String] {
    let grid = Voltage(nanovolts: Int64(try example.option("grid_nv")) ?? 0)
    var curve = try #require(
      DifferentialCapacity(direction: try example.direction(example.option("direction")), grid: grid))
    for row in try curveRecords(example) { if let row { curve.record(row) } else { curve.stepEnded() } }
    curve.stepEnded()
    return curve.bins.reduce(into: [:]) { results, bin in
      results["charge_nc_from_\(bin.lowerEdge.nanovolts)"] = "\(bin.charge.nanocoulombs)"
      results["held_nc_from_\(bin.lowerEdge.nanovolts)"] = "\(bin.constantVoltageCharge.nanocoulombs)"
    }
  }

  private func differentialVoltage(_ example: WorkedExample) throws -> [String: String] {
    let grid = Charge(nanocoulombs: Int64(try example.option("grid_nc")) ?? 0)
    let whole = Charge(nanocoulombs: Int64(try example.option("whole_nc")) ?? 0)
    var curve = try #require(
      ChargeCurve(direction: try example.direction(example.option("direction")), grid: grid, of: whole))
    for row in try curveRecords(example) { if let row { curve.record(row) } else { curve.stepEnded() } }
    curve.stepEnded()
    var results = ["intervals": "\(curve.slopes.count)"]
    for node in curve.nodes { results["voltage_nv_at_\(node.charge.nanocoulombs)"] = "\(node.voltage.nanovolts)" }
    for slope in curve.slopes { results["change_nv_from_\(slope.charge.nanocoulombs)"] = "\(slope.change.nanovolts)" }
    return results
  }

  private func results(_ sums: HalfCycleAccumulator) -> [String: String] {
    [
      "charge_nc": "\(sums.charge.nanocoulombs)", "energy_nj": "\(sums.energy.nanojoules)",
      "reverse_charge_nc": "\(sums.reverseCharge.nanocoulombs)",
      "constant_voltage_charge_nc": "\(sums.constantVoltageCharge.nanocoulombs)",
      "plateau_charge_nc": sums.plateauCharge.map { "\($0.nanocoulombs)" } ?? "null",
    ]
  }

  private func cycle(_ example: WorkedExample) throws -> [String: String] {
    guard let role = CellRole(rawValue: try example.option("role")),
      let earlier = Int64(try example.option("earlier_cell_cycles"))
    else { throw WorkedExample.Misprint(line: example.line, text: "no such role or number") }
    var cycle = CycleAccumulator(role: role, earlierCellCycles: earlier)
    for (index, row) in example.rows.enumerated() {
      var flags: DataFlags = []
      for word in row.dropFirst(4) {
        switch word {
        case "gap": flags.insert(.gap)
        case "truncated": flags.insert(.truncated)
        default: throw WorkedExample.Misprint(line: example.line, text: "\(word) is no flag")
        }
      }
      cycle.add(
        .sample(
          Int32(index + 1), try example.direction(row[0]), charge: try example.number(row, 1),
          plateau: row[2] == "null" ? nil : try example.number(row, 2),
          gap: row[3] == "null" ? nil : try example.number(row, 3), flags: flags))
    }
    let summary = try cycle.summary(1)
    func text(_ value: Double?) -> String {
      value.map { $0 == $0.rounded() ? "\(Int($0))" : "\($0)" } ?? "null"
    }
    func text(_ value: Charge?) -> String { value.map { "\($0.nanocoulombs)" } ?? "null" }
    return [
      "charge_capacity_nc": text(summary.chargeCapacity), "discharge_capacity_nc": text(summary.dischargeCapacity),
      "coulombic_efficiency": text(summary.coulombicEfficiency),
      "initial_efficiency": text(InitialEfficiency.value(of: summary)),
      "sodiation_plateau_charge_nc": text(summary.sodiationPlateauCharge),
      "sodiation_plateau_ratio": text(summary.sodiationPlateauRatio),
      "desodiation_plateau_ratio": text(summary.desodiationPlateauRatio),
    ]
  }

  private func efficiencyTest(_ example: WorkedExample) throws -> [String: String] {
    guard let role = CellRole(rawValue: try example.option("role")), let plating = role.firstDirection,
      let kind = EfficiencyTestKind(rawValue: try example.option("kind"))
    else { throw WorkedExample.Misprint(line: example.line, text: "no such role or kind") }
    var test = EfficiencyTestAccumulator(
      run: 5, number: 1, test: EfficiencyTest(kind: kind, label: "example"), platingDirection: plating)
    for (index, row) in example.rows.enumerated() {
      guard let part = EfficiencyTestPart(rawValue: row[0]) else {
        throw WorkedExample.Misprint(line: example.line, text: "\(row[0]) is no part")
      }
      test.add(
        .sample(
          Int32(index + 1), try example.direction(row[1]), charge: try example.number(row, 2), cycle: nil,
          flags: row.last == "truncated" ? .truncated : []), part: part, endedAtVoltage: row.last != "by_time")
    }
    return [
      "plated_charge_nc": "\(test.row.platedCharge.nanocoulombs)",
      "stripped_charge_nc": "\(test.row.strippedCharge.nanocoulombs)",
      "cycles": "\(test.row.cycles)",
      "coulombic_efficiency": test.row.coulombicEfficiency.map { "\($0)" } ?? "null",
    ]
  }

  private func retention(_ example: WorkedExample) throws -> [String: String] {
    guard let purpose = CyclePurpose(rawValue: try example.option("purpose")),
      let number = Int64(try example.option("number"))
    else { throw WorkedExample.Misprint(line: example.line, text: "no such cycle") }
    let summaries = try summaries(example, reference: CycleReference(purpose: purpose, number: number))
    return summaries.reduce(into: [:]) { results, cycle in
      results["retention_of_\(cycle.cycleNumber)"] = cycle.retention.map { $0 == 1 ? "1" : "\($0)" } ?? "null"
    }
  }

  private func reversibility(_ example: WorkedExample) throws -> [String: String] {
    try summaries(example).reduce(into: [:]) { results, cycle in
      let irreversible = cycle.cumulativeIrreversibleCharge.map { "\($0.nanocoulombs)" }
      results["irreversible_nc_of_\(cycle.cycleNumber)"] = irreversible ?? "null"
      // To the rounding of the division.
      let change = cycle.capacityChange.map { ($0 * 1e12).rounded() / 1e12 }
      results["change_of_\(cycle.cycleNumber)"] = change.map { $0 == 0 ? "0" : "\($0)" } ?? "null"
    }
  }

  private func series(_ example: WorkedExample) throws -> [String: String] {
    guard let role = CellRole(rawValue: try example.option("role")), let first = role.firstDirection,
      let purpose = CyclePurpose(rawValue: try example.option("purpose")),
      let number = Int64(try example.option("number")), let threshold = Double(try example.option("threshold"))
    else { throw WorkedExample.Misprint(line: example.line, text: "no such role, cycle or threshold") }
    var bench = SeriesBench(
      role: role, reference: CycleReference(purpose: purpose, number: number), threshold: threshold)
    var results: [String: String] = [:]
    for row in example.rows {
      let current = try example.number(row, 3)
      var halves = (
        SeriesBench.Half(first, try example.number(row, 1), current: current),
        SeriesBench.Half(first.reversed, try example.number(row, 2), current: current)
      )
      if row.count > 5 {
        halves.0.plateau = try example.number(row, 4)
        halves.1.plateau = try example.number(row, 5)
      }
      if row.last == "truncated" { halves.1.flags = .truncated }
      let cycle = try bench.cycle(halves.0, halves.1, purpose: try #require(CyclePurpose(rawValue: row[0])))
      results.merge(Self.values(of: cycle)) { _, new in new }
    }
    results.merge(Self.values(of: try #require(bench.accumulator.runSummary))) { _, new in new }
    return results
  }

  private static func values(of cycle: CycleSummary) -> [String: String] {
    let series = cycle.series
    let values = [
      "group": text(series.group), "comparable": "\(series.isComparable)", "retention": text(cycle.retention),
      "group_retention": text(series.groupRetention), "linear_decay": text(series.linearDecay),
      "geometric_decay": text(series.geometricDecay), "decay_cycles": text(series.decayIntervals),
      "charge_slippage_nc": text(series.chargeEndSlippage?.nanocoulombs),
      "discharge_slippage_nc": text(series.dischargeEndSlippage?.nanocoulombs),
      "product": text(series.efficiencyProduct), "slope_nc": text(series.capacitySlope.map { $0 * 3.6e12 }),
      "slope_cycles": text(series.capacitySlopeCycles),
      "sodiation_plateau_retention": text(series.sodiationPlateauRetention),
      "desodiation_plateau_retention": text(series.desodiationPlateauRetention),
    ]
    return Dictionary(uniqueKeysWithValues: values.map { ("\($0.key)_of_\(cycle.cycleNumber)", $0.value) })
  }

  private static func values(of summary: RunSummary) -> [String: String] {
    [
      "first_after_formation": text(summary.firstEfficiencyAfterFormation),
      "mean_from_second": text(summary.meanEfficiencyFromSecond),
      "geometric_mean": text(summary.geometricMeanEfficiency),
      "geometric_mean_cycles": text(summary.geometricMeanCycles),
      "predicted_cycles": text(summary.predictedCyclesToThreshold, decimals: 6),
      "threshold_cycle": text(summary.thresholdCycle), "cycles_to_threshold": text(summary.cyclesToThreshold),
      "threshold_provisional": summary.isThresholdProvisional.map { "\($0)" } ?? "null",
      "complete_cycles": "\(summary.completeCycles)",
    ]
  }

  /// To so many decimals, without zeros at the end of whole numbers.
  private static func text(_ value: Double?, decimals: Int = 12) -> String {
    guard let value else { return "null" }
    let text = String(format: "%.\(decimals)f", value)
    guard text.contains(".") else { return text }
    let short = String(text.reversed().drop { $0 == "0" }.drop { $0 == "." }.reversed())
    return short == "-0" ? "0" : short
  }
  private static func text(_ value: Int64?) -> String { value.map { "\($0)" } ?? "null" }

  /// The cycles of an example whose rows are a purpose, two charges in the order of the role, and flags of the second.
  private func summaries(_ example: WorkedExample, reference: CycleReference? = nil) throws -> [CycleSummary] {
    guard let role = CellRole(rawValue: try example.option("role")), let first = role.firstDirection
    else { throw WorkedExample.Misprint(line: example.line, text: "no such role") }
    var cycle = CycleAccumulator(role: role, earlierCellCycles: 0, retentionReference: reference)
    return try example.rows.enumerated().map { index, row in
      let place = Int64(index + 1)
      for (half, direction) in [first, first.reversed].enumerated() {
        var half: HalfCycleRow = .sample(
          Int32(2 * index + half + 1), direction, charge: try example.number(row, half + 1), cycle: place,
          flags: half == 1 && row.last == "truncated" ? .truncated : [])
        half.purpose = CyclePurpose(rawValue: row[0])
        cycle.add(half)
      }
      return try cycle.summary(place)
    }
  }
}
