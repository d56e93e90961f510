// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ArgumentParser
import ControlAPI

/// The units in which a person wants capacities.
enum CapacityUnits: String, ExpressibleByArgument, CaseIterable {
  case milliampereHours = "mAh"
  case milliampereHoursPerGram = "mAh/g"
  case milliampereHoursPerSquareCentimetre = "mAh/cm2"

  /// As the end of a name, and as the daemon is asked; nil for what it always tells.
  var key: String? {
    switch self {
    case .milliampereHours: nil
    case .milliampereHoursPerGram: "mAh_per_g"
    case .milliampereHoursPerSquareCentimetre: "mAh_per_cm2"
    }
  }
}

/// Turns ampere-hours into what a person wants, for one cell.
struct CapacityScale {
  var units: CapacityUnits
  /// Multiplies ampere-hours.
  var factor: Double
  /// Digits after the point.
  var decimals: Int

  /// Milliampere-hours.
  static let milliampereHours = CapacityScale(units: .milliampereHours, factor: 1_000, decimals: 5)

  private init(units: CapacityUnits, factor: Double, decimals: Int) {
    self.units = units
    self.factor = factor
    self.decimals = decimals
  }

  /// A scale for a cell; throws `UsageFailure` when the cell lacks the value that the unit needs.
  init(_ units: CapacityUnits, cell: String, massMicrograms: Int64?, areaSquareMillimetres: Double?) throws {
    func lacking(_ what: String, _ option: String) -> UsageFailure {
      UsageFailure(
        code: "cell.no_\(what)", message: "\(units.rawValue) needs the \(what) of \(cell), which nobody has said",
        hint: "nactl cell edit \(cell) --\(option) … --reason …; or --units mAh")
    }
    switch units {
    case .milliampereHours: self = .milliampereHours
    case .milliampereHoursPerGram:
      guard let mass = massMicrograms, mass > 0 else { throw lacking("mass", "mass") }
      self.init(units: units, factor: 1e9 / Double(mass), decimals: 2)
    case .milliampereHoursPerSquareCentimetre:
      guard let area = areaSquareMillimetres, area > 0 else { throw lacking("area", "area") }
      self.init(units: units, factor: 1e5 / area, decimals: 4)
    }
  }

  /// A capacity without its unit.
  func number(_ ampereHours: Double?) -> String? { ampereHours.map { Numbers.fixed($0 * factor, decimals) } }

  /// A capacity with its unit.
  func text(_ ampereHours: Double?) -> String {
    number(ampereHours).map { "\($0) \(units.rawValue)" } ?? Numbers.unknown
  }
}
