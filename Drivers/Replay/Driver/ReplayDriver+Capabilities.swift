// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
public import InstrumentKit
import Quantities

extension ReplayDriver {
  /// A player is never plugged in by itself: its port is named by a person.
  public static let descriptor = InstrumentDescriptor(
    family: "replay", baudRate: 115_200, matches: [], maturity: .emulatedOnly)

  /// A model's name is the recording's, so every name is one. What a recording holds is not known before it is played.
  public static func capabilities(ofModel name: String) -> InstrumentCapabilities? { capabilities }

  /// Opens the circuit. The empty line ends half a command.
  public static var safeStopBytes: [UInt8] { Array("\nO*4F\n".utf8) }

  /// What a player takes from a file at most.
  static let largestVoltage = Voltage(millivolts: 100_000)
  static let largestCurrent = Current(picoamperes: 1_000_000_000_000_000)

  static let capabilities = InstrumentCapabilities(
    channels: 1,
    kinds: [.rest, .constantCurrent, .constantVoltage, .constantCurrentConstantVoltage, .openCircuitCheck],
    voltage: VoltageWindow(from: Voltage(millivolts: -100_000), to: largestVoltage), maximumCurrent: largestCurrent,
    currentRanges: [largestCurrent],
    // Readings come as they were recorded; what is asked for is not followed.
    shortestReadingInterval: TimeSpan(milliseconds: 1),
    // What the recorded instrument's errors were, the file does not say.
    voltageErrorPartsPerMillion: 0, voltageOffsetError: .zero,
    // The player judges no bounds: this driver does, at each reading.
    holdsBounds: false,
    // It drives no cell, and waits when nobody acknowledges what it says.
    hasLease: true, openCircuit: .disconnectedAndMeasured)
}
