// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The models, by the code in their reports.

/// A tester's model.
public enum TesterModel: UInt8, Sendable, Hashable, CaseIterable {
  /// EBC-A05+: currents in milliamperes.
  case a05Plus = 5
  /// EBC-A10H: currents in steps of 10 mA.
  case a10H = 6
  /// EBC-A20: the same, and a charge with a current at which it ends.
  case a20 = 9

  /// Amperes in a count.
  var ampereStep: Double { self == .a05Plus ? 0.001 : 0.01 }
  /// The code that starts a charge with current and hold.
  var chargeCode: UInt8 { self == .a20 ? 0x21 : 0x71 }
  /// Its mode in reports.
  var chargeMode: UInt8 { self == .a20 ? 2 : 7 }
  /// Amperes at most, charging.
  var mostCharge: Double { 5 }
  /// Amperes at most, discharging.
  var mostDischarge: Double {
    switch self {
    case .a05Plus: 5
    case .a10H: 10
    case .a20: 20
    }
  }
}
