// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A profile becomes a step for each table of rows that an instrument can hold. What ends one of them ends the profile.

import CyclerModel
import Quantities

extension Compiler {
  /// The tables of a profile, each in amperes and judged; empty where a row could not be resolved.
  mutating func tables(of profile: WrittenProfile, at site: Site) -> [CurrentProfile] {
    judgeKind(.currentProfile, at: site)
    let rows = profile.rows.compactMap { row -> CurrentProfile.Row? in
      guard let written = row.current else { return CurrentProfile.Row(current: .zero, duration: row.duration.value) }
      guard let current = resolve(written) else { return nil }
      judge(current, written, row.direction)
      return CurrentProfile.Row(
        current: row.direction == .discharge ? -current : current, duration: row.duration.value)
    }
    guard rows.count == profile.rows.count else { return [] }
    judgeCharge(CurrentProfile(rows: rows), at: site)
    return stride(from: 0, to: rows.count, by: CurrentProfile.mostRows).map { first in
      CurrentProfile(rows: Array(rows[first..<min(first + CurrentProfile.mostRows, rows.count)]))
    }
  }

  /// A profile that goes further from its beginning than a half-cycle may move would be ended by that limit.
  private mutating func judgeCharge(_ profile: CurrentProfile, at site: Site) {
    if profile.duration > Self.longestProfile {
      report(site, "the profile lasts \(profile.duration.shown())", hint: "at most \(Self.longestProfile.written)")
    }
    let farthest = profile.charges.farthest
    guard let most = limits?.halfCycleCharge, farthest > most else { return }
    report(
      site, "the profile moves \(farthest.shown()) in one direction, more than a half-cycle may, \(most.shown())",
      hint: "make it smaller, or raise `limits.half_cycle_charge.max`")
  }

  private static let longestProfile = TimeSpan(seconds: 366 * 86_400)

  /// How long a table may take: a little longer than it does, so that the instrument's word of its end comes first.
  static func longest(_ table: CurrentProfile) -> TimeSpan {
    let microseconds = table.duration.microseconds
    return TimeSpan(microseconds: microseconds + microseconds / 50 + 5_000_000)
  }
}
