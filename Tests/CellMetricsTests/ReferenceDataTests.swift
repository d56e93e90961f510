// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Recorded and simulated cells with reference values that another program computed, read from a folder beside the
// repository. Where the folder is not there, the tests are skipped and say so.

import CellMetrics
import CyclerModel
import CyclingEngine
import Foundation
import Quantities
import Testing

/// What reference.json says of a data set; only what is compared.
private struct Reference: Decodable {
  struct Plateau: Decodable {
    var level_ah: Double
    var ratio_level: Double
  }
  struct Half: Decodable {
    var sign: Int8
    var steps: [Int]
    var q_ah: Double
    var e_wh: Double
    var plateau: Plateau?
  }
  struct Cycle: Decodable {
    var cycle: Int64
    var first_half: Int
    var second_half: Int
    var ce: Double
    var plateau_first: Plateau?
    var plateau_second: Plateau?
  }
  struct Summary: Decodable {
    var ice: Double
  }
  struct Truth: Decodable {
    var ce: Double
  }
  struct Reservoir: Decodable {
    var eta_true: Double
    var n: Int32
    var Qr_ah: Double
    var ce_adams: Double
  }
  var half_cycles: [Half]
  var cycles: [Cycle]
  var summary: Summary
  var truth: [Truth]?
  var reservoir: Reservoir?
}

/// A data set: its readings by step and its reference.
private struct ReferenceData {
  struct Misprint: Error {
    var row: Int
  }

  var readings: [Int: [Reading]] = [:]
  var reference: Reference

  static let folder = RepositoryRoot.url.deletingLastPathComponent().appending(path: "shared/data")
  static let isThere = FileManager.default.fileExists(atPath: folder.path)

  init(_ name: String) throws {
    let folder = Self.folder.appending(path: name)
    reference = try JSONDecoder().decode(
      Reference.self, from: Data(contentsOf: folder.appending(path: "reference.json")))
    let text = try String(contentsOf: folder.appending(path: "data.csv"), encoding: .utf8)
    let lines = text.split(whereSeparator: \.isNewline)
    let header = lines[0].split(separator: ",").map(String.init)
    let columns = try ["time_s", "current_A", "voltage_V", "step_index"].map { try #require(header.firstIndex(of: $0)) }
    for (index, line) in lines.enumerated().dropFirst() {
      let fields = line.split(separator: ",", omittingEmptySubsequences: false)
      guard let time = Double(fields[columns[0]]), let current = Double(fields[columns[1]]),
        let voltage = Double(fields[columns[2]]), let step = Int(fields[columns[3]])
      else { throw Misprint(row: index) }
      readings[step, default: []].append(
        Reading(
          time: TimeSpan(microseconds: Int64((time * 1e6).rounded())), voltage: Voltage(volts: voltage),
          current: Current(amperes: current)))
    }
  }
}

private let sets: [(name: String, role: CellRole)] = [
  ("pybamm_half_hc_c10", .anodeHalfCell), ("hc_half_parasitic_2uA", .anodeHalfCell),
  ("pybamm_full_cccv_c5", .fullCell), ("li_cellpy_si_halfcell_multistep", .anodeHalfCell),
]

@Suite(.enabled(if: ReferenceData.isThere, "the reference data are not beside the repository"))
struct ReferenceDataTests {
  // The reference prints ten digits.
  private let tolerance = 1e-9
  // A record rounds to 1 nC, in Ah.
  private let rounding = 1 / 3.6e12
  // Over a step the reference takes the mean voltage times the charge of an interval, the integrator the mean power.
  private let energyTolerance = 5e-6

  @Test(arguments: sets) func agreesWithItsReference(set: (name: String, role: CellRole)) throws {
    let data = try ReferenceData(set.name)
    var rows: [HalfCycleRow] = []
    for (index, half) in data.reference.half_cycles.enumerated() {
      let row = try self.row(index, half, data, role: set.role)
      rows.append(row)
      #expect(near(row.charge.ampereHours, half.q_ah, tolerance), "half-cycle \(index) of \(set.name)")
      #expect(near(row.energy.wattHours, half.e_wh, energyTolerance), "half-cycle \(index) of \(set.name)")
      if let plateau = half.plateau {
        let charge = try #require(row.plateauCharge)
        #expect(near(charge.ampereHours, plateau.level_ah, tolerance), "half-cycle \(index) of \(set.name)")
      }
    }
    var accumulator = CycleAccumulator(role: set.role, earlierCellCycles: 0)
    var initial: [Double] = []
    #expect(!data.reference.cycles.isEmpty)
    for (index, cycle) in data.reference.cycles.enumerated() {
      for half in [cycle.first_half, cycle.second_half] {
        var row = rows[half]
        row.cycleNumber = cycle.cycle
        accumulator.add(row)
      }
      let summary = try accumulator.summary(cycle.cycle)
      let efficiency = try #require(summary.coulombicEfficiency)
      #expect(abs(efficiency - cycle.ce) < 1e-9, "cycle \(cycle.cycle) of \(set.name)")
      if let truth = data.reference.truth?[index] { #expect(abs(efficiency - truth.ce) < 2e-9) }
      if let plateau = cycle.plateau_first {
        let ratio = try #require(summary.sodiationPlateauRatio)
        #expect(abs(ratio - plateau.ratio_level) < 1e-8, "cycle \(cycle.cycle) of \(set.name)")
      }
      if let plateau = cycle.plateau_second {
        let ratio = try #require(summary.desodiationPlateauRatio)
        #expect(abs(ratio - plateau.ratio_level) < 1e-8, "cycle \(cycle.cycle) of \(set.name)")
      }
      if let value = InitialEfficiency.value(of: summary) { initial.append(value) }
    }
    #expect(initial.count == 1 && abs(initial[0] - data.reference.summary.ice) < 1e-9)
  }

  /// A reservoir test of Na||Cu: a conditioning cycle, which is none of it, the reservoir, ten cycles and the final strip.
  @Test func aReservoirTestGivesItsEfficiencyExactly() throws {
    let data = try ReferenceData("na_cu_reservoir_eta0995")
    let reservoir = try #require(data.reference.reservoir)
    var test = EfficiencyTestAccumulator(
      run: 1, number: 1, test: EfficiencyTest(kind: .reservoir, label: "reservoir"), platingDirection: .discharge)
    let halves = Array(data.reference.half_cycles.enumerated()).dropFirst(2)
    for (index, half) in halves {
      let part: EfficiencyTestPart =
        if index == halves.startIndex { .reservoir } else if index == halves.endIndex - 1 { .finalStrip } else {
          .cycled
        }
      test.add(try row(index, half, data, role: .platingStripping), part: part, endedAtVoltage: part == .finalStrip)
    }
    #expect(test.row.cycles == reservoir.n)
    #expect(near(test.row.reservoirCharge.ampereHours, reservoir.Qr_ah, tolerance))
    let efficiency = try #require(test.row.coulombicEfficiency)
    #expect(abs(efficiency - reservoir.eta_true) < 1e-9 && abs(efficiency - reservoir.ce_adams) < 1e-9)
  }

  private func near(_ value: Double, _ reference: Double, _ tolerance: Double) -> Bool {
    abs(value - reference) <= tolerance * abs(reference) + rounding
  }

  /// A half-cycle's readings through integrator, thinning and accumulator.
  private func row(
    _ index: Int, _ half: Reference.Half, _ data: ReferenceData, role: CellRole
  ) throws -> HalfCycleRow {
    let direction = try #require(Direction(rawValue: half.sign))
    let parameters = MetricParameters(
      sodiationPlateauBelow: Voltage(millivolts: 100), desodiationPlateauBelow: Voltage(millivolts: 100),
      retentionReference: nil)
    let rule = RecordRule(
      every: TimeSpan(seconds: 1_800), onVoltageChange: Voltage(millivolts: 20), onCurrentChangePartsPerMillion: 100_000
    )
    let steps = try half.steps.map { number in
      let readings = try #require(data.readings[number])
      return RecordedStep(
        readings, direction: direction,
        plateauBelow: parameters.plateauThreshold(direction: direction, role: role), rule: rule,
        opening: try #require(readings.last).time)
    }
    let empty = HalfCycleRow.sample(Int32(index + 1), direction, charge: 0)
    var full = HalfCycleAccumulator(direction: direction, parameters: parameters, role: role)
    full.add(steps.map(\.all))
    var thinned = HalfCycleAccumulator(direction: direction, parameters: parameters, role: role)
    thinned.add(steps.map(\.thinned))
    #expect(thinned.fill(empty) == full.fill(empty))
    #expect(steps.reduce(0) { $0 + $1.thinned.count } < steps.reduce(0) { $0 + $1.all.count })
    return thinned.fill(empty)
  }
}
