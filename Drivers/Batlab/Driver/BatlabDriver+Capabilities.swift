// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What the instrument can do. Ranges, scales and the watchdog are those of the firmware's sources; nobody states an
// accuracy, so none is stated here.

import CyclerModel
public import InstrumentKit
import Quantities

extension BatlabDriver {
  /// Found by nobody but a person: its USB numbers, 04d8:000a, are a Microchip stack's general ones, other things have them
  /// too, and the first bytes to a port are those that stop all cells.
  public static let descriptor = InstrumentDescriptor(
    family: "batlab", baudRate: 38_400, matches: [], maturity: .emulatedOnly)

  static let modelName = "Batlab V1.0"
  /// Four cells on one line.
  static let channelCount = 4
  /// The first firmware with a watchdog is the one after this (reference client).
  static let lastFirmwareWithoutWatchdog: UInt16 = 3
  /// Twice the current that the instrument reports as none.
  static let smallestCurrent = Current(picoamperes: 100_000_000_000)
  /// The firmware's limit; the fuse is guarded at 4.096 A.
  static let largestCurrent = Current(picoamperes: 4_000_000_000_000)

  /// There is one model.
  public static func capabilities(ofModel name: String) -> InstrumentCapabilities? {
    name == modelName ? capabilities : nil
  }

  static let capabilities = InstrumentCapabilities(
    channels: channelCount, kinds: [.rest, .constantCurrent, .openCircuitCheck],
    // Below 1.8 V it sees no cell; at 4.49 V its converter ends.
    voltage: VoltageWindow(from: Voltage(millivolts: 1_800), to: Voltage(millivolts: 4_490)),
    maximumCurrent: largestCurrent, currentRanges: [largestCurrent],
    // Each cell is measured for 102.4 ms in every 614.4 ms.
    shortestReadingInterval: TimeSpan(milliseconds: 700),
    // Unverified: nobody states them. A count is 0.14 mV, a step of the converter 1.1 mV.
    voltageErrorPartsPerMillion: 1_000, voltageOffsetError: Voltage(millivolts: 5),
    holdsBounds: true, hasLease: true,
    leaseHole: "if the processor that regulates the current hangs, its watchdog stands still with it, and only that "
      + "processor's own reset ends the current",
    openCircuit: .disconnectedAndMeasured)

  /// Zeros complete a packet that was cut off by an earlier end of the host, and complete it harmlessly: a set-point, mode
  /// or limit of 0. Between packets they are skipped. The reference client sends start bytes instead, which would leave a
  /// set-point of 0xAAAA.
  static let resynchronisation: [UInt8] = [0, 0, 0, 0]

  /// Stops all cells.
  public static var safeStopBytes: [UInt8] {
    var bytes = resynchronisation
    for cell in 0..<channelCount {
      RegisterPacket(.mode(cell), writing: BatlabMode.stopped).write(into: &bytes)
    }
    return bytes
  }
}
