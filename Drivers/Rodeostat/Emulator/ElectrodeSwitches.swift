// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// The three switches between the electrodes and the amplifiers.
struct ElectrodeSwitches: Sendable, Hashable {
  var reference = false
  var counter = false
  var working = false

  var areAllConnected: Bool { reference && counter && working }

  mutating func set(_ isConnected: Bool) {
    reference = isConnected
    counter = isConnected
    working = isConnected
  }
}
