// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Every set of recorded and simulated data with its reference, which another program computed from the same rows. Where
// the folder is not there, the tests are skipped and say so.
//
// Measured when this was written, the largest relative differences of a set: charge of complete half-cycles 3e-9 (the
// reference has ten digits), energy 2.4e-7 (a Hall sensor's noise turns the current inside a step), plateau 1e-8, CE 5e-10.

import CyclerModel
import Foundation
import Quantities
import Testing

@testable import CyclingData

private struct Reference: Decodable {
  struct Plateau: Decodable { var level_ah: Double }
  struct Instrument: Decodable { var q_ah: Double }
  struct Half: Decodable {
    var sign: Int8
    var q_ah: Double
    var e_wh: Double
    var steps: [Int]
    var plateau: Plateau?
    var instrument: Instrument?
  }
  struct Cycle: Decodable {
    var cycle: Int64
    var ce: Double
    var incomplete: Bool?
  }
  struct Summary: Decodable {
    var ice: Double
    var cumulative_irreversible_ah: Double
  }
  struct Flags: Decodable {
    var last_half_cycle_truncated: Bool
    var first_half_partial_suspect: Bool?
  }
  struct Reservoir: Decodable {
    var eta_true: Double
    var n: Int
  }
  var flags: Flags
  var half_cycles: [Half]
  var cycles: [Cycle]
  var summary: Summary
  var pre_cycle_half_cycles: [Int]
  var reservoir: Reservoir?
}

/// A set and how it is analysed.
struct ReferenceSet: CustomTestStringConvertible, Sendable {
  let name: String
  let role: CellRole
  let first: Direction?
  var testDescription: String { name }

  init(_ name: String, _ role: CellRole, _ first: Direction? = nil) {
    self.name = name
    self.role = role
    self.first = first
  }

  static let folder = RepositoryRoot.url.deletingLastPathComponent().appending(path: "shared/data")
  static let isThere = FileManager.default.fileExists(atPath: folder.path)
  static let all = [
    ReferenceSet("hc_half_parasitic_2uA", .anodeHalfCell), ReferenceSet("li_aurora_cccv_partialstart", .fullCell),
    ReferenceSet("li_cellpy_fullcell_formation_arbin", .fullCell),
    ReferenceSet("li_cellpy_si_halfcell_multistep", .anodeHalfCell),
    ReferenceSet("li_graphite_navani_arbin", .anodeHalfCell),
    ReferenceSet("na_cu_reservoir_eta0995", .platingStripping),
    // The reference pairs a discharge with the charge after it.
    ReferenceSet("na_hakadi18650_1c", .fullCell, .discharge), ReferenceSet("na_nacoo2_c24", .cathodeHalfCell),
    ReferenceSet("na_nacoo2_rate", .cathodeHalfCell), ReferenceSet("pybamm_full_cccv_c5", .fullCell),
    ReferenceSet("pybamm_half_hc_c10", .anodeHalfCell),
  ]

  func analyzed(_ change: (inout AnalysisOptions) -> Void = { _ in }) throws -> AnalysisResult {
    var options = AnalysisOptions()
    options.role = role
    options.first = first
    if role == .anodeHalfCell {
      options.sodiationPlateauBelow = Voltage(millivolts: 100)
      options.desodiationPlateauBelow = Voltage(millivolts: 100)
    }
    change(&options)
    var analysis = try DataAnalysis(options)
    try Data(contentsOf: Self.folder.appending(path: "\(name)/data.csv")).withUnsafeBytes { try analysis.read($0) }
    return try analysis.finish()
  }

  fileprivate func reference() throws -> Reference {
    try JSONDecoder().decode(
      Reference.self, from: Data(contentsOf: Self.folder.appending(path: "\(name)/reference.json")))
  }
}

@Suite(.enabled(if: ReferenceSet.isThere, "the reference data are not beside the repository"))
struct ReferenceTests {
  @Test(arguments: ReferenceSet.all) func agreesWithItsReference(set: ReferenceSet) throws {
    let result = try set.analyzed()
    let reference = try set.reference()
    try #require(result.halfCycles.map(\.direction.rawValue) == reference.half_cycles.map(\.sign))
    for (index, (half, expected)) in zip(result.halfCycles, reference.half_cycles).enumerated() {
      let charge = half.charge.ampereHours
      #expect(abs(charge / expected.q_ah - 1) < 1e-7, "half-cycle \(index)")
      #expect(abs((half.energy?.wattHours ?? 0) / expected.e_wh - 1) < 1e-6, "half-cycle \(index)")
      #expect(half.steps == expected.steps.count, "half-cycle \(index)")
      if let plateau = expected.plateau {
        #expect(abs((half.plateauCharge?.ampereHours ?? 0) / plateau.level_ah - 1) < 1e-7, "half-cycle \(index)")
      }
      if let instrument = expected.instrument?.q_ah {
        #expect(abs(charge - instrument) <= abs(expected.q_ah - instrument) + 1e-7 * charge, "half-cycle \(index)")
        #expect(abs((half.counted?.ampereHours ?? 0) / instrument - 1) < 2e-6, "half-cycle \(index)")
      }
    }
  }

  @Test(arguments: ReferenceSet.all) func itsCyclesAreTheReferences(set: ReferenceSet) throws {
    let result = try set.analyzed()
    let reference = try set.reference()
    let cycles = result.cycles.filter { $0.summary.cycleNumber > 0 }
    #expect(result.cycles.count - cycles.count == reference.pre_cycle_half_cycles.count)
    try #require(cycles.map(\.summary.cycleNumber) == reference.cycles.map(\.cycle))
    for (cycle, expected) in zip(cycles, reference.cycles) {
      // The reservoir test ends elsewhere by design, which the reference takes for cut short.
      let isCut = expected.incomplete == true && set.role != .platingStripping
      #expect(cycle.isComplete == !isCut && cycle.flags.contains("truncated") == isCut, "cycle \(expected.cycle)")
      if isCut {
        #expect(cycle.summary.coulombicEfficiency == nil)
      } else {
        let efficiency = try #require(cycle.summary.coulombicEfficiency)
        #expect(abs(efficiency / expected.ce - 1) < 1e-8, "cycle \(expected.cycle)")
      }
    }
    #expect(abs((result.summary.initialEfficiency ?? 0) / reference.summary.ice - 1) < 1e-8)
    let isCut = reference.flags.last_half_cycle_truncated && set.role != .platingStripping
    #expect(result.halfCycles.last?.isTruncated == isCut)
    #expect(cycles[0].flags.contains("partial_start") == (reference.flags.first_half_partial_suspect == true))
    if set.role != .platingStripping {
      let irreversible = try #require(result.summary.cumulativeIrreversible?.ampereHours)
      #expect(abs(irreversible - reference.summary.cumulative_irreversible_ah) < 1e-8)
    }
  }

  @Test func theReservoirsEfficiencyIsExact() throws {
    let set = try #require(ReferenceSet.all.first { $0.role == .platingStripping })
    let expected = try #require(try set.reference().reservoir)
    let result = try set.analyzed { $0.test = .reservoir(cycles: expected.n) }
    #expect(abs((result.tests.first?.coulombicEfficiency ?? 0) - expected.eta_true) < 1e-12)
    #expect(
      result.cycles[0].summary.coulombicEfficiency == 0.995 && result.cycles[1].summary.coulombicEfficiency == nil)
    let naive = try set.analyzed().cycles.dropFirst().compactMap(\.summary.coulombicEfficiency)
    #expect(naive.count == 11)
  }

  /// 2 µA of parasitic reduction while current flows appear as the slippage that they are.
  @Test func aParasiticCurrentIsSlippage() throws {
    let set = try #require(ReferenceSet.all.first { $0.name == "hc_half_parasitic_2uA" })
    let result = try set.analyzed()
    let clean = try #require(ReferenceSet.all.first { $0.name == "pybamm_half_hc_c10" }).analyzed()
    for (cycle, without) in zip(result.cycles, clean.cycles).dropFirst() {
      let halves = [cycle.charge, cycle.discharge].compactMap { $0.map { result.halfCycles[$0] } }
      let parasitic = 2e-6 * halves.reduce(0) { $0 + $1.activeTime } / 3_600
      let slipped = try #require(cycle.chargeEndSlippage?.ampereHours)
      let own = try #require(without.chargeEndSlippage?.ampereHours)
      #expect(abs(slipped - own + parasitic) < 1e-11, "cycle \(cycle.summary.cycleNumber)")
    }
  }

  /// The counters of the file as its charge.
  @Test(arguments: ReferenceSet.all.filter { $0.name.hasPrefix("li_") || $0.name.hasPrefix("na_nacoo2") })
  func theCountersChargeIsTheInstruments(set: ReferenceSet) throws {
    let result = try set.analyzed { $0.chargeSource = .counter }
    for (half, expected) in zip(result.halfCycles, try set.reference().half_cycles) {
      let instrument = try #require(expected.instrument?.q_ah)
      #expect(abs(half.charge.ampereHours / instrument - 1) < 2e-6)
    }
  }
}
