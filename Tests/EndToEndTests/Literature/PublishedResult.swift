// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation

/// A single result that the review tells of a cell, and how it is read from what the daemon reports.
struct PublishedResult: Sendable, CustomStringConvertible {
  /// One number.
  struct Claim: Sendable {
    /// How far what is measured may lie from what was published.
    enum Bound: Sendable {
      case within(Double)
      case withinPercent(Double)
      case atLeast
      case atMost
      /// Nothing was published; it is shown.
      case none
    }
    var what: String
    /// As it was published.
    var published: String
    var value: Double
    var bound: Bound
    var measured: @Sendable (Report) throws -> Double?

    /// Whether a measured value keeps the bound.
    func isKept(by measured: Double) -> Bool {
      switch bound {
      case .within(let most): abs(measured - value) <= most
      case .withinPercent(let most): abs(measured / value - 1) * 100 <= most
      case .atLeast: measured >= value
      case .atMost: measured <= value
      case .none: true
      }
    }
  }

  /// Names the protocol in `Protocols/literature`; that of the cell is the same but where `cell` says otherwise.
  var identifier: String
  var cell: String
  var material: String
  var instrument = "emstat4-hr"
  var claims: [Claim]
  /// What no driver or no daemon can do yet.
  var mark: String?
  /// How warm it is beside the cell, where the protocol names it: a thermometer is on the bench then.
  var temperature: Int?
  /// Whether the protocol has the variable `cycles`.
  var hasCycles = true
  /// Whether it sweeps the voltage instead of cycling the cell.
  var isSweep: Bool { identifier == "s-10" }
  /// How far a sweep's charge may lie from the truth: steps of 50 ms miss 3 % of a double layer with a time constant of
  /// 0.8 s, and 5 % of one of 0.5 s.
  var sweepTolerance: Double { cell == "s-10b" ? 0.06 : 0.01 }
  var description: String { "\(identifier) on \(cell)" }

  init(
    _ identifier: String, cell: String? = nil, _ material: String, instrument: String = "emstat4-hr",
    mark: String? = nil, temperature: Int? = nil, hasCycles: Bool = true, _ claims: [Claim]
  ) {
    self.identifier = identifier
    self.cell = cell ?? identifier
    self.material = material
    self.instrument = instrument
    self.mark = mark
    self.temperature = temperature
    self.hasCycles = hasCycles
    self.claims = claims
  }
}

extension PublishedResult {
  /// What the daemon says of a run.
  struct Report {
    /// As `nactl cycles --format json` has them.
    var cycles: [[String: Any]]
    var initialEfficiency: Double?
    var tests: [[String: Any]]
    /// Asks the database.
    var number: (String) throws -> Double?

    func cycle(_ number: Int, _ key: String) -> Double? {
      cycles.first { $0["cycle_number"] as? Int == number }?[key] as? Double
    }

    /// The efficiency of a test of plating in per cent.
    func efficiency(of kind: String) -> Double? {
      (tests.first { $0["kind"] as? String == kind }?["coulombic_efficiency"] as? Double).map { $0 * 100 }
    }
  }

  private static func ice(_ percent: Double) -> Claim {
    Claim(what: "ICE, %", published: "\(percent)", value: percent, bound: .within(0.05)) {
      $0.initialEfficiency.map { $0 * 100 }
    }
  }

  private static func plating(_ published: String, _ percent: Double, _ bound: Claim.Bound) -> [Claim] {
    [("reservoir", "reservoir"), ("long cycling", "long_cycling")].map { name, kind in
      Claim(what: "CE of plating by \(name), %", published: published, value: percent, bound: bound) {
        $0.efficiency(of: kind)
      }
    }
  }

  /// How many cycles keep 80 % of the first one's capacity.
  private static func life(_ published: String, _ cycles: Double, _ bound: Claim.Bound) -> Claim {
    Claim(what: "cycles to 80 %", published: published, value: cycles, bound: bound) {
      try $0.number("SELECT count(*) FROM cycle WHERE retention >= 0.8")
    }
  }

  private static func plateaus(_ branch: String) -> Claim {
    Claim(what: "plateau of the second \(branch), mAh/g", published: "–", value: 0, bound: .none) {
      $0.cycle(2, "\(branch)_plateau_capacity_Ah").map { $0 / 1.2e-6 }
    }
  }

  /// The lowest voltage at which a sweep has drawn 10 µA/cm² on 1.13 cm².
  private static let onset =
    "SELECT min(voltage_nv) / 1e9 FROM record WHERE current_pa >= 11300000 AND voltage_nv > 3000000000"

  /// The largest current of a sweep in µA/cm², without the one that charges the double layer at its beginning.
  private static func largest(_ published: String, _ value: Double, _ bound: Claim.Bound) -> Claim {
    Claim(what: "largest current above 3 V, µA/cm2", published: published, value: value, bound: bound) {
      try $0.number("SELECT max(current_pa) / 1.13e6 FROM record WHERE voltage_nv > 3000000000")
    }
  }

  /// Gram of the carbons.
  private static let carbonMass = 1.2e-3

  static let all: [PublishedResult] = [
    PublishedResult(
      "s-01", "carbon molecular sieve, 0.1 A/g",
      [
        ice(73.2),
        Claim(what: "reversible capacity, mAh/g", published: "~300", value: 300, bound: .withinPercent(1)) {
          $0.cycle(2, "charge_capacity_Ah").map { $0 * 1e3 / carbonMass }
        },
      ]),
    PublishedResult(
      "s-02", "sieving carbon, 0.05 A/g",
      [
        ice(80.6),
        Claim(what: "plateau capacity, mAh/g", published: "> 400", value: 400, bound: .atLeast) {
          $0.cycle(2, "sodiation_plateau_capacity_Ah").map { $0 * 1e3 / carbonMass }
        },
      ]),
    PublishedResult(
      "s-03", cell: "s-03a", "hard carbon with a zeolite film, 0.05 to 0.5 A/g", hasCycles: false,
      [
        Claim(what: "plateau share at 0.5 A/g, %", published: "73", value: 73, bound: .within(0.5)) {
          $0.cycle(12, "sodiation_plateau_ratio").map { $0 * 100 }
        }
      ]),
    PublishedResult(
      "s-03", cell: "s-03b", "hard carbon with a zeolite film, 0.05 to 0.5 A/g", hasCycles: false,
      [
        Claim(what: "plateau at 0.5 A/g of that at 0.05 A/g, %", published: "73", value: 73, bound: .within(0.5)) {
          guard let fast = $0.cycle(12, "sodiation_plateau_capacity_Ah"),
            let slow = $0.cycle(3, "sodiation_plateau_capacity_Ah")
          else { return nil }
          return fast / slow * 100
        }
      ]),
    PublishedResult(
      "s-04", "hard carbon in ether, 0.1 A/g",
      [
        Claim(what: "cycles", published: "100", value: 100, bound: .within(0)) { Double($0.cycles.count) },
        Claim(what: "left desodiated (1)", published: "–", value: 1, bound: .within(0)) {
          try $0.number("SELECT direction FROM half_cycle ORDER BY number DESC LIMIT 1")
        },
      ]),
    PublishedResult("s-05", "porous carbon, 0.05 A/g", [plateaus("sodiation"), plateaus("desodiation")]),
    PublishedResult(
      "s-05", cell: "s-02", "sieving carbon, 0.05 A/g", [plateaus("sodiation"), plateaus("desodiation")]),
    PublishedResult(
      "s-07", "Na, NVPF at 60 °C", mark: "with an emulated thermometer", temperature: 60,
      [
        Claim(what: "temperature, °C", published: "60", value: 60, bound: .within(1)) {
          try $0.number("SELECT avg(temperature_mdegc) / 1000 FROM temperature_record")
        },
        Claim(what: "rests that waited for it", published: "–", value: 1, bound: .within(0)) {
          try $0.number("SELECT count(*) FROM step WHERE end_reason LIKE 'temperature %'")
        },
        Claim(what: "CE of the last cycle, %", published: "–", value: 0, bound: .none) {
          $0.cycle($0.cycles.count, "coulombic_efficiency").map { $0 * 100 }
        },
      ]),
    PublishedResult("s-08", "Na, Cu in a localised high-concentration electrolyte", plating("99", 99, .within(0.05))),
    PublishedResult("s-09", "Na, NVPF with zeolite, 2 to 4.25 V", [life("> 800", 800, .atLeast)]),
    PublishedResult(
      "s-10", cell: "s-10a", "1 M NaPF6 in diglyme, swept to 5 V", hasCycles: false,
      [
        largest("decomposes", 10, .atLeast),
        Claim(what: "onset of oxidation, V", published: "–", value: 0, bound: .none) { try $0.number(onset) },
      ]),
    PublishedResult(
      "s-10", cell: "s-10b", "the same behind a zeolite, swept to 5 V", hasCycles: false,
      [largest("negligible", 10, .atMost)]),
    PublishedResult("s-12", "Na, Cu in ether", plating("> 99.9", 99.9, .atLeast)),
    PublishedResult(
      "s-13", "Cu, Na2Fe2(CN)6 without an anode",
      [
        Claim(what: "retention after 100 cycles, %", published: "76", value: 76, bound: .within(0.2)) {
          $0.cycle(100, "retention").map { $0 * 100 }
        }
      ]),
    PublishedResult(
      "s-14a", cell: "s-14", "cylindrical, without an anode, to 3.8 V", instrument: "nexus",
      [life("260", 260, .withinPercent(1))]),
    PublishedResult(
      "s-14b", cell: "s-14", "cylindrical, without an anode, to 4.0 V", instrument: "nexus",
      [life("few", 130, .atMost)]),
    PublishedResult(
      "s-16", "Al, NVPF without an anode",
      [
        Claim(what: "highest voltage, V", published: "4.25", value: 4.25, bound: .within(0.005)) {
          try $0.number("SELECT max(voltage_nv) / 1e9 FROM record")
        },
        Claim(what: "retention after 50 cycles, %", published: "–", value: 0, bound: .none) {
          $0.cycle(50, "retention").map { $0 * 100 }
        },
      ]),
    PublishedResult(
      "s-17", "Al, NNCFM without an anode, 2 to 4 V",
      [
        Claim(what: "specific energy, Wh/kg", published: "369", value: 369, bound: .withinPercent(1)) {
          $0.cycle(1, "discharge_energy_Wh").map { $0 / 12e-6 }
        },
        Claim(what: "cycles", published: "250", value: 250, bound: .within(0)) { Double($0.cycles.count) },
        Claim(what: "retention in the end, %", published: "–", value: 0, bound: .none) {
          $0.cycle(250, "retention").map { $0 * 100 }
        },
      ]),
  ]

  /// Those that `NACYCLER_LITERATURE` names, with commas between, or `all`; without it short ones.
  static var chosen: [PublishedResult] {
    guard let names = ProcessInfo.processInfo.environment["NACYCLER_LITERATURE"] else {
      return all.filter { ["s-01", "s-03", "s-10", "s-12"].contains($0.identifier) }
    }
    if names == "all" { return all }
    let wanted = names.split(separator: ",")
    return all.filter { wanted.contains(Substring($0.identifier)) }
  }
}
