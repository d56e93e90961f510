// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// How a channel's leads go to its cell: a setting of the channel, kept with each run (hazard rule 23).
public enum Wiring: String, Sendable, Hashable, CaseIterable {
  /// Current and voltage share their leads: what the leads drop is part of every voltage.
  case twoWire = "2-wire"
  /// The voltage is sensed by leads of its own.
  case fourWire = "4-wire"
}
