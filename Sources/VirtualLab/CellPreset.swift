// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The file form of a virtual cell. Every key carries its unit; a key that nobody knows, a curve that runs the wrong way
// or a resistance of zero is refused with its place, because a cell that silently differs from its file is worse than
// none. docs/virtual-laboratory.md explains each key.

public import FoundationEssentials

/// A virtual cell as a file in VirtualCells/ describes it.
public struct CellPreset: Sendable, Equatable {
  /// One electrode: how much sodium it can hold and its potential at each filling.
  public struct Electrode: Sendable, Equatable {
    /// Milliampere-hours from empty (0) to full (1); for a bare collector any charge that scales its curve.
    public var capacityMilliampereHours: Double
    /// The filling of the electrode when the cell was made, a fraction of the capacity.
    public var sodiumWhenMade: Double
    /// Pairs of filling, strictly increasing, and equilibrium potential in volts against sodium, nowhere increasing.
    public var potential: [[Double]]
  }

  /// Charge that goes through the terminals and not into the electrode.
  public struct SideReactions: Sendable, Equatable {
    /// Which of the electrodes.
    public enum Place: String, Sendable, Codable {
      /// The working electrode.
      case positive
      /// The other one.
      case negative
    }
    /// When.
    public enum Occasion: String, Sendable, Codable {
      /// While the current is positive.
      case charging
      /// While the current is negative.
      case discharging
    }
    /// The electrode that does not get all the charge.
    public var electrode: Place
    /// The direction of current in which it does not.
    public var during: Occasion
    /// The fraction lost for ever after.
    public var lastingFraction: Double
    /// Two further fractions, of a fresh cell, that fade exponentially.
    public var earlyFractions: [Double]
    /// The charges in milliampere-hours, counted in that direction only, over which they fade to 1/e.
    public var earlyReachMilliampereHours: [Double]
  }

  /// Electrolyte that is oxidised while the working electrode stands high; only for a cell that loses at the other one.
  public struct Oxidation: Sendable, Equatable {
    /// The working electrode's equilibrium potential in volts from which on it happens, while charging.
    public var aboveVolts: Double
    /// The further fraction of the charge that is lost there.
    public var fraction: Double
  }

  /// How much cells of one batch differ; standard deviations in per cent.
  public struct CellToCell: Sendable, Equatable {
    /// Of the capacity of both electrodes.
    public var capacityPercent: Double
    /// Of the resistances.
    public var resistancePercent: Double
    /// Of the fractions lost.
    public var sideReactionsPercent: Double
  }

  /// One line for a list.
  public var title: String
  /// Where the numbers come from and what they are good for.
  public var notes: String
  /// The cell's role in a protocol, such as `anode-half-cell`.
  public var role: String
  /// Milligrams of active material, for specific currents.
  public var activeMassMilligrams: Double
  /// Square centimetres.
  public var areaSquareCentimetres: Double
  /// Milliampere-hours, for C-rates.
  public var nominalCapacityMilliampereHours: Double
  /// The working electrode.
  public var positiveElectrode: Electrode
  /// The other electrode; nil stands for sodium metal, 0 V and inexhaustible.
  public var negativeElectrode: Electrode?
  /// Where charge is lost.
  public var sideReactions: SideReactions
  /// What is lost besides at high potentials; nil for nothing.
  public var oxidation: Oxidation?
  /// The charge in milliampere-hours, counted in the direction of the side reactions, over which the capacity of the
  /// electrode with the side reactions fades to 1/e; nil for one that does not age.
  public var capacityReachMilliampereHours: Double?
  /// Ohms in series.
  public var resistanceOhms: Double
  /// Ohms of the faster and the slower diffusion element.
  public var diffusionOhms: [Double]
  /// Their time constants in seconds.
  public var diffusionSeconds: [Double]
  /// Half the gap between the charging and the discharging branch in volts.
  public var hysteresisVolts: Double
  /// The charge in milliampere-hours over which the cell goes over to the other branch.
  public var hysteresisReachMilliampereHours: Double
  /// How much cells of this kind differ.
  public var cellToCell: CellToCell

  /// Reads a preset from JSON and checks it; throws `CellPresetError` with the place and what would be right.
  public init(json: Data) throws(CellPresetError) {
    do {
      self = try JSONDecoder().decode(CellPreset.self, from: json)
    } catch let error as CellPresetError {
      throw error
    } catch let error as DecodingError {
      throw CellPresetError(error)
    } catch {
      throw CellPresetError(place: "", problem: "\(error)")
    }
    try check()
  }
}

/// What is wrong with a preset, and where.
public struct CellPresetError: Error, Equatable, CustomStringConvertible {
  /// Path of keys, such as `side_reactions.lasting_fraction`; empty for the whole file.
  public var place: String
  /// What is wrong and what would be right.
  public var problem: String
  /// `place: problem`.
  public var description: String { place.isEmpty ? problem : "\(place): \(problem)" }

  init(place: String, problem: String) {
    self.place = place
    self.problem = problem
  }

  init(_ error: DecodingError) {
    let context: DecodingError.Context
    var missing = ""
    switch error {
    case .keyNotFound(let key, let found):
      context = found
      missing = key.stringValue
    case .typeMismatch(_, let found), .valueNotFound(_, let found), .dataCorrupted(let found): context = found
    @unknown default: context = .init(codingPath: [], debugDescription: "\(error)")
    }
    let keys = context.codingPath.map(\.stringValue) + (missing.isEmpty ? [] : [missing])
    self.init(
      place: keys.joined(separator: "."),
      problem: missing.isEmpty ? context.debugDescription : "this key is required")
  }
}

extension CellPreset {
  /// Refuses numbers that are not a cell.
  private func check() throws(CellPresetError) {
    try Self.check(positiveElectrode, at: "positive_electrode")
    if let negativeElectrode { try Self.check(negativeElectrode, at: "negative_electrode") }
    let above: [(Double, String)] = [
      (activeMassMilligrams, "active_mass_mg"), (areaSquareCentimetres, "area_cm2"),
      (nominalCapacityMilliampereHours, "nominal_capacity_mAh"), (resistanceOhms, "resistance_ohm"),
      (hysteresisReachMilliampereHours, "hysteresis_reach_mAh"),
    ]
    for (value, key) in above where !(value > 0 && value.isFinite) {
      throw CellPresetError(place: key, problem: "must be above 0, is \(value)")
    }
    if let reach = capacityReachMilliampereHours, !(reach > 0 && reach.isFinite) {
      throw CellPresetError(place: "capacity_reach_mAh", problem: "must be above 0, is \(reach)")
    }
    let notBelow: [(Double, String)] = [
      (hysteresisVolts, "hysteresis_V"), (cellToCell.capacityPercent, "cell_to_cell.capacity_percent"),
      (cellToCell.resistancePercent, "cell_to_cell.resistance_percent"),
      (cellToCell.sideReactionsPercent, "cell_to_cell.side_reactions_percent"),
      (sideReactions.lastingFraction, "side_reactions.lasting_fraction"),
    ]
    for (value, key) in notBelow where !(value >= 0 && value.isFinite) {
      throw CellPresetError(place: key, problem: "must not be below 0, is \(value)")
    }
    let pairs: [([Double], String, Bool)] = [
      (diffusionOhms, "diffusion_ohm", false), (diffusionSeconds, "diffusion_time_s", true),
      (sideReactions.earlyFractions, "side_reactions.early_fraction", false),
      (sideReactions.earlyReachMilliampereHours, "side_reactions.early_reach_mAh", true),
    ]
    for (values, key, zeroForbidden) in pairs {
      guard values.count == 2, values.allSatisfy({ $0.isFinite && (zeroForbidden ? $0 > 0 : $0 >= 0) }) else {
        let bound = zeroForbidden ? "above 0" : "not below 0"
        throw CellPresetError(place: key, problem: "must be two numbers \(bound), is \(values)")
      }
    }
    let most = sideReactions.lastingFraction + sideReactions.earlyFractions.reduce(0, +)
    guard most < 1 else {
      throw CellPresetError(place: "side_reactions", problem: "the fractions add up to \(most); must stay below 1")
    }
    if let oxidation { try check(oxidation, besides: most) }
    guard sideReactions.electrode == .positive || negativeElectrode != nil else {
      throw CellPresetError(
        place: "side_reactions.electrode",
        problem: "sodium metal has no balance to lose from: name \"positive\" or give a negative_electrode")
    }
  }

  private func check(_ oxidation: Oxidation, besides losses: Double) throws(CellPresetError) {
    guard sideReactions.electrode == .negative, sideReactions.during == .charging else {
      throw CellPresetError(
        place: "oxidation", problem: "is for cells whose side reactions are at the negative electrode while charging")
    }
    guard oxidation.fraction >= 0, losses + oxidation.fraction < 1, oxidation.aboveVolts.isFinite else {
      throw CellPresetError(
        place: "oxidation.fraction", problem: "must not be below 0, and stay below 1 together with the side reactions")
    }
  }

  private static func check(_ electrode: Electrode, at place: String) throws(CellPresetError) {
    guard electrode.capacityMilliampereHours > 0, electrode.capacityMilliampereHours.isFinite else {
      throw CellPresetError(place: place + ".capacity_mAh", problem: "must be above 0")
    }
    guard electrode.sodiumWhenMade.isFinite else {
      throw CellPresetError(place: place + ".sodium_when_made", problem: "must be a fraction of the capacity")
    }
    let points = electrode.potential
    guard points.count >= 2, points.allSatisfy({ $0.count == 2 && $0.allSatisfy(\.isFinite) }) else {
      throw CellPresetError(place: place + ".potential_V", problem: "must be at least two pairs [sodium, volts]")
    }
    for index in points.indices.dropFirst() {
      guard points[index][0] > points[index - 1][0], points[index][1] <= points[index - 1][1] else {
        throw CellPresetError(
          place: "\(place).potential_V[\(index)]",
          problem:
            "sodium must increase and the potential must not: \(points[index - 1]) is followed by \(points[index])"
        )
      }
    }
  }
}
