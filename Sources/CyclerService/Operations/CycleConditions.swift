// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import CycleStore
internal import Foundation

/// How a cycle was driven, as far as cycles of different cells must have it in common to be compared: which condition
/// ended each half-cycle, and at which rate.
struct CycleConditions: Sendable, Hashable {
  /// What a cell's currents are told in; two cells are compared in one that both have.
  struct Bases: Sendable, Hashable {
    var chargeNc: Int64?
    var massUg: Int64?
    var areaMm2E3: Int64?

    /// What a current is divided by; nil where it is not known.
    func value(_ measure: Measure) -> Int64? {
      let value =
        switch measure {
        case .current: 1 as Int64?
        case .nominalCapacity: chargeNc
        case .mass: massUg
        case .area: areaMm2E3
        }
      return value.flatMap { $0 > 0 ? $0 : nil }
    }
  }

  /// In which rates are compared.
  enum Measure: CaseIterable {
    case mass, nominalCapacity, area, current
  }

  /// Rates that differ by less are the same: currents follow masses that are weighed to a per cent.
  static let tolerance = 0.02

  /// By the direction: -1 discharge, 1 charge.
  private(set) var ends: [Int64: String] = [:]
  private var currents: [Int64: Int64] = [:]
  private var bases: Bases

  init(bases: Bases) { self.bases = bases }

  /// Takes a half-cycle of the cycle.
  mutating func take(_ drive: StoredDrive) {
    if let reason = drive.endReason { ends[drive.direction] = reason }
    if let current = drive.currentRangePa { currents[drive.direction] = current }
  }

  /// Whether the ends are the same conditions, and the rates the same within the tolerance in one measure. A protocol that
  /// says a current keeps that the same, one that says a rate the rate; so a row is compared in the measure in which most
  /// of it agrees.
  func matches(_ other: CycleConditions, by measure: Measure) -> Bool {
    ends == other.ends && currents.keys.sorted() == other.currents.keys.sorted()
      && currents.allSatisfy { direction, current in
        guard let others = other.currents[direction], let below = bases.value(measure),
          let otherBelow = other.bases.value(measure)
        else { return false }
        let (left, right) = (Double(current) / Double(below), Double(others) / Double(otherBelow))
        return abs(left - right) <= Self.tolerance * max(abs(left), abs(right))
      }
  }

  /// The largest current over the mass, in A/g; nil where either is not known.
  var specificCurrent: Double? {
    guard let mass = bases.massUg, mass > 0, let current = currents.values.max() else { return nil }
    return Double(current) / 1e6 / Double(mass)
  }

  /// For people, for instance `discharge to voltage <= 10 mV at 0.36 mA (0.300 A/g)`.
  var text: String {
    [Int64(-1), 1].compactMap { direction -> String? in
      guard let end = ends[direction] else { return nil }
      let word = direction < 0 ? "discharge" : "charge"
      guard let current = currents[direction] else { return "\(word) to \(end)" }
      return "\(word) to \(end) at \(rate(current))"
    }.joined(separator: ", ")
  }

  private func rate(_ current: Int64) -> String {
    let milliamperes = String(format: "%.4g mA", Double(current) / 1e9)
    if let mass = bases.massUg, mass > 0 {
      return milliamperes + String(format: " (%.3g A/g)", Double(current) / 1e6 / Double(mass))
    }
    if let charge = bases.chargeNc, charge > 0 {
      return milliamperes + String(format: " (%.3g C)", Double(current) * 3.6 / Double(charge))
    }
    return milliamperes
  }
}
