// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// swift-format-ignore-file: AlwaysUseLowerCamelCase

/// What capacities are told over besides ampere-hours.
public enum CapacityBasis: String, Sendable, Hashable, CaseIterable {
  /// The active mass.
  case mass = "mAh_per_g"
  /// The electrode area.
  case area = "mAh_per_cm2"
}

extension CycleTable {
  /// Adds the capacities over the cell's mass or area.
  /// - Throws: `RequestRefused` with `cell.no_mass` or `cell.no_area` when nobody has said it; it is never taken for one.
  public mutating func add(_ basis: CapacityBasis) throws(RequestRefused) {
    switch basis {
    case .mass:
      guard let mass = active_mass_ug, mass > 0 else { throw lacking("mass", basis) }
      for index in cycles.indices { cycles[index].divide(byMass: Double(mass)) }
    case .area:
      guard let area = area_mm2, area > 0 else { throw lacking("area", basis) }
      for index in cycles.indices { cycles[index].divide(byArea: area) }
    }
  }

  private func lacking(_ what: String, _ basis: CapacityBasis) -> RequestRefused {
    RequestRefused(
      .conflict, code: "cell.no_\(what)",
      message: "\(basis.rawValue) needs the \(what) of \(cell), which nobody has said",
      hint: "nactl cell edit \(cell) --\(what) … --reason …")
  }
}

extension CycleFrame {
  fileprivate mutating func divide(byMass micrograms: Double) {
    func over(_ ampereHours: Double?) -> Double? { ampereHours.map { $0 * 1e9 / micrograms } }
    charge_capacity_mAh_per_g = over(charge_capacity_Ah)
    discharge_capacity_mAh_per_g = over(discharge_capacity_Ah)
    sodiation_plateau_capacity_mAh_per_g = over(sodiation_plateau_capacity_Ah)
    desodiation_plateau_capacity_mAh_per_g = over(desodiation_plateau_capacity_Ah)
  }

  fileprivate mutating func divide(byArea squareMillimetres: Double) {
    func over(_ ampereHours: Double?) -> Double? { ampereHours.map { $0 * 1e5 / squareMillimetres } }
    charge_capacity_mAh_per_cm2 = over(charge_capacity_Ah)
    discharge_capacity_mAh_per_cm2 = over(discharge_capacity_Ah)
    sodiation_plateau_capacity_mAh_per_cm2 = over(sodiation_plateau_capacity_Ah)
    desodiation_plateau_capacity_mAh_per_cm2 = over(desodiation_plateau_capacity_Ah)
  }
}
