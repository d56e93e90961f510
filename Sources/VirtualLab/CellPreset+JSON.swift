// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The names of the keys. JSONDecoder overlooks keys that it does not know; each object here looks for them itself.

/// A key of any name.
private struct AnyKey: CodingKey {
  let stringValue: String
  var intValue: Int? { nil }
  init(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { nil }
}

extension Decoder {
  /// The object's container, once it holds no keys but `Keys`.
  fileprivate func strictContainer<Keys: CodingKey & CaseIterable>(
    _ keys: Keys.Type
  ) throws -> KeyedDecodingContainer<Keys> {
    let known = Set(Keys.allCases.map(\.stringValue))
    for key in try container(keyedBy: AnyKey.self).allKeys where !known.contains(key.stringValue) {
      let place = (codingPath.map(\.stringValue) + [key.stringValue]).joined(separator: ".")
      throw CellPresetError(place: place, problem: "unknown key; known here: \(known.sorted().joined(separator: ", "))")
    }
    return try container(keyedBy: Keys.self)
  }
}

extension CellPreset: Decodable {
  private enum Keys: String, CodingKey, CaseIterable {
    case title, notes, role
    case activeMass = "active_mass_mg"
    case area = "area_cm2"
    case nominalCapacity = "nominal_capacity_mAh"
    case positive = "positive_electrode"
    case negative = "negative_electrode"
    case sideReactions = "side_reactions"
    case oxidation
    case capacityReach = "capacity_reach_mAh"
    case resistance = "resistance_ohm"
    case diffusion = "diffusion_ohm"
    case diffusionTime = "diffusion_time_s"
    case hysteresis = "hysteresis_V"
    case hysteresisReach = "hysteresis_reach_mAh"
    case cellToCell = "cell_to_cell"
  }

  /// Decodes without judging the numbers; `init(json:)` also does that.
  public init(from decoder: any Decoder) throws {
    let object = try decoder.strictContainer(Keys.self)
    title = try object.decode(String.self, forKey: .title)
    notes = try object.decode(String.self, forKey: .notes)
    role = try object.decode(String.self, forKey: .role)
    activeMassMilligrams = try object.decode(Double.self, forKey: .activeMass)
    areaSquareCentimetres = try object.decode(Double.self, forKey: .area)
    nominalCapacityMilliampereHours = try object.decode(Double.self, forKey: .nominalCapacity)
    positiveElectrode = try object.decode(Electrode.self, forKey: .positive)
    negativeElectrode = try object.decodeIfPresent(Electrode.self, forKey: .negative)
    sideReactions = try object.decode(SideReactions.self, forKey: .sideReactions)
    oxidation = try object.decodeIfPresent(Oxidation.self, forKey: .oxidation)
    capacityReachMilliampereHours = try object.decodeIfPresent(Double.self, forKey: .capacityReach)
    resistanceOhms = try object.decode(Double.self, forKey: .resistance)
    diffusionOhms = try object.decode([Double].self, forKey: .diffusion)
    diffusionSeconds = try object.decode([Double].self, forKey: .diffusionTime)
    hysteresisVolts = try object.decode(Double.self, forKey: .hysteresis)
    hysteresisReachMilliampereHours = try object.decode(Double.self, forKey: .hysteresisReach)
    cellToCell = try object.decode(CellToCell.self, forKey: .cellToCell)
  }
}

extension CellPreset.Electrode: Decodable {
  private enum Keys: String, CodingKey, CaseIterable {
    case capacity = "capacity_mAh"
    case sodiumWhenMade = "sodium_when_made"
    case potential = "potential_V"
  }

  /// Decodes without judging the numbers.
  public init(from decoder: any Decoder) throws {
    let object = try decoder.strictContainer(Keys.self)
    capacityMilliampereHours = try object.decode(Double.self, forKey: .capacity)
    sodiumWhenMade = try object.decode(Double.self, forKey: .sodiumWhenMade)
    potential = try object.decode([[Double]].self, forKey: .potential)
  }
}

extension CellPreset.SideReactions: Decodable {
  private enum Keys: String, CodingKey, CaseIterable {
    case electrode
    case during = "while"
    case lasting = "lasting_fraction"
    case early = "early_fraction"
    case reach = "early_reach_mAh"
  }

  /// Decodes without judging the numbers.
  public init(from decoder: any Decoder) throws {
    let object = try decoder.strictContainer(Keys.self)
    electrode = try object.decode(Place.self, forKey: .electrode)
    during = try object.decode(Occasion.self, forKey: .during)
    lastingFraction = try object.decode(Double.self, forKey: .lasting)
    earlyFractions = try object.decode([Double].self, forKey: .early)
    earlyReachMilliampereHours = try object.decode([Double].self, forKey: .reach)
  }
}

extension CellPreset.Oxidation: Decodable {
  private enum Keys: String, CodingKey, CaseIterable {
    case above = "above_V"
    case fraction
  }

  /// Decodes without judging the numbers.
  public init(from decoder: any Decoder) throws {
    let object = try decoder.strictContainer(Keys.self)
    aboveVolts = try object.decode(Double.self, forKey: .above)
    fraction = try object.decode(Double.self, forKey: .fraction)
  }
}

extension CellPreset.CellToCell: Decodable {
  private enum Keys: String, CodingKey, CaseIterable {
    case capacity = "capacity_percent"
    case resistance = "resistance_percent"
    case sideReactions = "side_reactions_percent"
  }

  /// Decodes without judging the numbers.
  public init(from decoder: any Decoder) throws {
    let object = try decoder.strictContainer(Keys.self)
    capacityPercent = try object.decode(Double.self, forKey: .capacity)
    resistancePercent = try object.decode(Double.self, forKey: .resistance)
    sideReactionsPercent = try object.decode(Double.self, forKey: .sideReactions)
  }
}
