// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Every closed circuit has a time bound here, and every hold a largest current. Other programs' files often say neither.
// A bound that is added never ends a step quietly: it holds the run, so that a person looks.

import CyclerModel
import Quantities

/// What is added to steps that do not say it.
struct PlanBounds: Sendable {
  /// What a step lasts at most that says no time and has no rate from which one follows; as in PyBaMM.
  static let usual = TimeSpan(seconds: 86_400)

  /// What no file can mean: a year, and more than any cell or instrument has.
  static let longestTime = TimeSpan(seconds: 366 * 86_400)
  static let largestVoltage = Voltage(millivolts: 100_000)
  static let largestCurrent = Current(picoamperes: 1_000 * 1_000_000_000_000)

  var capacity: Charge?
  /// What a hold may draw that follows no constant current, as a protocol of ours says its limits.
  var holdText: String?
  /// The limits of a direction, as a protocol of ours says them: what a power or a resistance may draw.
  var chargeText: String?
  var dischargeText: String?
  /// The limits of the run.
  var charge: PlanCurrent?
  var discharge: PlanCurrent?

  /// Twice the time in which the current moves the nominal capacity, in whole minutes.
  func longest(_ current: PlanCurrent) -> TimeSpan {
    let hours: Fraction?
    switch current {
    case .rate(let rate): hours = rate.inverse
    case .amperes(let current):
      // nC / pA = 1000 s.
      hours = capacity.flatMap { Fraction(Int128($0.count) * 1_000, over: Int128(current.count) * 3_600) }
    }
    guard let minutes = hours?.times(Fraction(120)) else { return Self.usual }
    let whole = (minutes.numerator + minutes.denominator - 1) / minutes.denominator
    return TimeSpan(seconds: Int64(clamping: min(max(whole, 1), 366 * 1_440)) * 60)
  }

  /// The most that a hold may draw that follows no constant current: the smaller limit of the run.
  var holdCurrent: PlanCurrent? {
    guard let charge, let discharge else { return charge ?? discharge }
    return charge.isLess(than: discharge, capacity: capacity) ?? true ? charge : discharge
  }
}

extension PlanCurrent {
  /// nil where they cannot be compared.
  func isLess(than other: PlanCurrent, capacity: Charge?) -> Bool? {
    if case .rate(let own) = self, case .rate(let others) = other { return own < others }
    guard let own = amperes(capacity: capacity), let others = other.amperes(capacity: capacity) else { return nil }
    return own < others
  }

  func scaled(by factor: Fraction) -> PlanCurrent? {
    switch self {
    case .rate(let rate): rate.times(factor).map { .rate($0) }
    case .amperes(let current):
      Fraction(current.count).times(factor)?.count(unitsInOne: 1).map { .amperes(Current(count: $0)) }
    }
  }
}
