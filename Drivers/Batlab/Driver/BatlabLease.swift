// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The watchdog is one counter for all four cells, in tenths of a second; at 0 every current ends. The shortest lease of
// the set-points under way rules it.

import CyclerModel
import InstrumentKit
import Quantities

/// The instrument's watchdog.
struct BatlabLease: Sendable, Hashable {
  /// The register's largest number.
  static let longest: UInt16 = 255
  /// Shorter ones end by a busy line alone.
  static let shortest: UInt16 = 20

  /// What is written, in tenths of a second.
  var ticks = longest
  /// When the last renewal that was answered was sent.
  var renewedAt = HostInstant(microseconds: 0)
  /// Not asked before.
  var notBefore = HostInstant(microseconds: 0)

  /// Four renewals would have to be lost.
  var dueAt: HostInstant { max(renewedAt + TimeSpan(milliseconds: Int64(ticks) * 25), notBefore) }

  /// The counter for a lease.
  static func ticks(for lease: TimeSpan) -> UInt16 {
    min(max(UInt16(clamping: lease.microseconds / 100_000), shortest), longest)
  }
}
