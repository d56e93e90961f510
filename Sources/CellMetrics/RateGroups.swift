// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Cycles that ran alike. A rate test is no ageing: what can be compared ran at the same currents to the same cut-offs.

internal import CyclerModel
internal import Quantities

/// The groups of like cycles that a run has had so far, at most `most`.
struct RateGroups: Sendable, Hashable {
  /// A group, with what its first complete cycle showed.
  struct Group: Sendable, Hashable {
    var charging: HalfCycleConditions
    var discharging: HalfCycleConditions
    var reversible: Charge
    var sodiationPlateau: Charge?
    var desodiationPlateau: Charge?
  }

  /// More groups than this are not told apart any more: a checkpoint stays small.
  static let most = 32

  private(set) var groups: [Group] = []

  /// The number of the group of a complete cycle, from 1; a new group begins where the first cycle of none is alike. Later
  /// members do not count: a current that creeps would take its group with it, and retention within would be no retention.
  /// - Returns: nil where the conditions are not known, and for a new group behind the last that is remembered.
  mutating func take(_ cycle: Group?) -> Int64? {
    guard let cycle else { return nil }
    if let place = groups.firstIndex(where: {
      $0.charging.isAlike(cycle.charging) && $0.discharging.isAlike(cycle.discharging)
    }) {
      return Int64(place) + 1
    }
    guard groups.count < Self.most else { return nil }
    groups.append(cycle)
    return Int64(groups.count)
  }

  /// What the first complete cycle of a group gave back.
  func reversible(_ group: Int64) -> Charge { groups[Int(group) - 1].reversible }

  /// The plateau charge of the group with the lowest discharge current.
  var lowestSodiationPlateau: Charge? {
    groups.min { $0.discharging.meanCurrent < $1.discharging.meanCurrent }?.sodiationPlateau
  }

  /// The plateau charge of the group with the lowest charge current.
  var lowestDesodiationPlateau: Charge? {
    groups.min { $0.charging.meanCurrent < $1.charging.meanCurrent }?.desodiationPlateau
  }
}

// MARK: - Checkpoint

extension RateGroups {
  func encode(into writer: inout ByteWriter) {
    writer.write(UInt8(groups.count))
    for group in groups {
      group.charging.encode(into: &writer)
      group.discharging.encode(into: &writer)
      writer.write(group.reversible.nanocoulombs)
      writer.write(group.sodiationPlateau?.nanocoulombs)
      writer.write(group.desodiationPlateau?.nanocoulombs)
    }
  }

  init(from reader: inout ByteReader) throws(ByteReader.Malformed) {
    let count: UInt8 = try reader.read()
    guard count <= Self.most else { throw reader.malformed }
    for _ in 0..<count {
      groups.append(
        Group(
          charging: try HalfCycleConditions(from: &reader), discharging: try HalfCycleConditions(from: &reader),
          reversible: Charge(nanocoulombs: try reader.read()),
          sodiationPlateau: try reader.readOptional(Int64.self).map(Charge.init(nanocoulombs:)),
          desodiationPlateau: try reader.readOptional(Int64.self).map(Charge.init(nanocoulombs:))))
    }
  }
}
