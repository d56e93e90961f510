// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The models and how they differ: the steps of the current, and how a charge is asked for. What is unverified is said in
// the family's README.

import CyclerModel
import InstrumentKit
import Quantities

/// A model that the driver knows, by the code in its reports.
enum EBCModel: UInt8, Sendable, Hashable, CaseIterable {
  case a05Plus = 5
  case a10H = 6
  case a20 = 9

  /// What people call it.
  var name: String {
    switch self {
    case .a05Plus: "EBC-A05+"
    case .a10H: "EBC-A10H"
    case .a20: "EBC-A20"
    }
  }

  /// One count of current, in commands and reports.
  var currentStep: Current {
    switch self {
    case .a05Plus: Current(picoamperes: 1_000_000_000)
    case .a10H, .a20: Current(picoamperes: 10_000_000_000)
    }
  }

  /// One count of voltage in commands; reports have millivolts.
  static let voltageStep = Voltage(millivolts: 10)
  /// One count of power in commands, where it is known.
  static let powerStep = Power(count: 1_000_000_000_000)

  /// The least current that can be asked for.
  var smallestCurrent: Current {
    switch self {
    case .a05Plus: Current(picoamperes: 50_000_000_000)
    case .a10H, .a20: Current(picoamperes: 100_000_000_000)
    }
  }

  /// The most that it charges with.
  var largestCharge: Current { Current(picoamperes: 5_000_000_000_000) }

  /// The most that it discharges with.
  var largestDischarge: Current {
    switch self {
    case .a05Plus: Current(picoamperes: 5_000_000_000_000)
    case .a10H: Current(picoamperes: 10_000_000_000_000)
    case .a20: Current(picoamperes: 20_000_000_000_000)
    }
  }

  /// The highest voltage that it charges to.
  var highestVoltage: Voltage {
    switch self {
    case .a05Plus, .a10H: Voltage(millivolts: 5_000)
    case .a20: Voltage(millivolts: 18_000)
    }
  }

  /// The code of a charge with constant current and then constant voltage.
  var chargeCode: UInt8 { chargesToCurrent ? 0x21 : 0x71 }

  /// Its number in reports.
  var chargeMode: UInt8 { chargesToCurrent ? 2 : 7 }

  /// Whether the third number of a charge is the current at which it ends; otherwise it is a time in minutes, and when
  /// such a charge ends by itself is not known.
  var chargesToCurrent: Bool { self == .a20 }

  /// Whether the unit of power in commands is known; two clients disagree for the others.
  var knowsPower: Bool { self == .a20 }

  /// What it can do with a cell.
  var capabilities: InstrumentCapabilities {
    var kinds: Set<StepKind> = [.rest, .openCircuitCheck, .constantCurrent, .constantCurrentConstantVoltage]
    if knowsPower { kinds.insert(.constantPower) }
    return InstrumentCapabilities(
      channels: 1, kinds: kinds, voltage: VoltageWindow(from: .zero, to: highestVoltage),
      maximumCurrent: max(largestCharge, largestDischarge), currentRanges: [max(largestCharge, largestDischarge)],
      shortestReadingInterval: ZKEtechEBCDriver.reportInterval,
      // From memory of the maker's sheets, unverified.
      voltageErrorPartsPerMillion: 5_000, voltageOffsetError: Voltage(millivolts: 3),
      holdsBounds: true, hasLease: false,
      leaseHole: """
        the instrument has no watchdog: when this machine dies it goes on until its own cut-off voltage, current or time \
        ends it, or somebody presses its button; whether a relay disconnects the cell then, or at a stop, is unverified
        """,
      openCircuit: .disconnectedAndMeasured,
      elsewhere: knowsPower ? [:] : [.constantPower: "EBC-A20"])
  }
}
