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

  /// How a half-cycle of one direction was driven.
  struct Drive: Sendable, Hashable {
    var end: String?
    /// The largest, in pA.
    var current: Int64?
  }

  private(set) var discharge = Drive()
  private(set) var charge = Drive()
  private var bases: Bases

  init(bases: Bases) { self.bases = bases }

  /// Takes a half-cycle of the cycle.
  mutating func take(_ drive: StoredDrive) {
    if drive.direction < 0 { discharge.take(drive) } else { charge.take(drive) }
  }

  /// Whether the ends are the same conditions, and the rates the same within the tolerance in one measure. A protocol that
  /// says a current keeps that the same, one that says a rate the rate; so a row is compared in the measure in which most
  /// of it agrees.
  func matches(_ other: CycleConditions, by measure: Measure) -> Bool {
    likeness(by: measure).matches(other.likeness(by: measure))
  }

  /// What is compared in a measure.
  func likeness(by measure: Measure) -> Likeness {
    let below = bases.value(measure)
    return Likeness(
      dischargeEnd: discharge.end, chargeEnd: charge.end, dischargeRate: Self.rate(discharge.current, below),
      chargeRate: Self.rate(charge.current, below))
  }

  private static func rate(_ current: Int64?, _ below: Int64?) -> Rate {
    guard let current else { return .none }
    return below.map { .value(Double(current) / Double($0)) } ?? .unknown
  }

  /// The largest current over the mass, in A/g; nil where either is not known.
  var specificCurrent: Double? {
    guard let mass = bases.massUg, mass > 0,
      let current = [discharge.current, charge.current].compactMap(\.self).max()
    else { return nil }
    return Double(current) / 1e6 / Double(mass)
  }

  /// For people, for instance `discharge to voltage <= 10 mV at 0.36 mA (0.300 A/g)`.
  var text: String {
    [("discharge", discharge), ("charge", charge)].compactMap { word, drive -> String? in
      guard let end = drive.end else { return nil }
      guard let current = drive.current else { return "\(word) to \(end)" }
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

extension CycleConditions {
  /// A current over what it is told in.
  enum Rate: Sendable, Hashable {
    /// No current was driven.
    case none
    /// What it is told in is not known.
    case unknown
    case value(Double)

    /// Whether both are the same within the tolerance; what is not known is like nothing.
    func matches(_ other: Rate) -> Bool {
      switch (self, other) {
      case (.none, .none): true
      case (.value(let left), .value(let right)):
        abs(left - right) <= CycleConditions.tolerance * max(abs(left), abs(right))
      default: false
      }
    }
  }

  /// What cycles are compared by in one measure.
  struct Likeness: Sendable, Hashable {
    var dischargeEnd: String?
    var chargeEnd: String?
    var dischargeRate: Rate
    var chargeRate: Rate

    func matches(_ other: Likeness) -> Bool {
      dischargeRate.matches(other.dischargeRate) && chargeRate.matches(other.chargeRate)
        && dischargeEnd == other.dischargeEnd && chargeEnd == other.chargeEnd
    }
  }
}

extension CycleConditions.Drive {
  fileprivate mutating func take(_ drive: StoredDrive) {
    if let reason = drive.endReason { end = reason }
    if let largest = drive.currentRangePa { current = largest }
  }
}
