// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The models of the family and their numbers.

internal import CyclerModel
public import InstrumentKit
internal import Quantities

/// A model that the driver knows; they differ in nothing that is used here.
public enum SourceMeterModel: String, Sendable, Hashable, CaseIterable {
  /// The 2602 of 2005.
  case model2602 = "2602"
  /// Its successor with a LAN interface.
  case model2602A = "2602A"
  /// The present one.
  case model2602B = "2602B"

  /// What it is called in answers to `*IDN?`: `Model 2602B`.
  var identification: String { "MODEL \(rawValue)" }

  /// Full scales of the current ranges, ascending.
  static let currentRanges: [Current] = [
    100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000, 10_000_000_000, 100_000_000_000, 1_000_000_000_000,
    3_000_000_000_000,
  ].map { Current(picoamperes: $0) }

  /// What the driver uses of the voltages: the range that every cell fits into, in which all currents are allowed.
  static let largestVoltage = Voltage(millivolts: 6_000)

  /// Of each of two channels that run, each measured with one power-line cycle for current and voltage, over a line of 9,600 bits
  /// per second.
  static let shortestInterval = TimeSpan(milliseconds: 300)

  /// The largest current of a range: 101 % of its full scale.
  static func limit(of range: Current) -> Current { range * 101 / 100 }

  /// The index of the smallest range that holds a current.
  static func rangeIndex(holding current: Current) -> Int? {
    currentRanges.firstIndex { limit(of: $0) >= current.magnitude }
  }

  /// What it can do with a cell. Accuracies are from memory of the data sheet (one year, 23 ± 5 °C).
  public var capabilities: InstrumentCapabilities {
    var capabilities = InstrumentCapabilities(
      channels: KeithleyTSPDriver.channelCount,
      kinds: [.rest, .openCircuitCheck, .constantCurrent, .constantCurrentConstantVoltage, .constantVoltage],
      voltage: VoltageWindow(from: -Self.largestVoltage, to: Self.largestVoltage),
      maximumCurrent: Current(picoamperes: 3_000_000_000_000), currentRanges: Self.currentRanges,
      shortestReadingInterval: Self.shortestInterval, voltageErrorPartsPerMillion: 150,
      voltageOffsetError: Voltage(nanovolts: 1_000_000), holdsBounds: true, hasLease: true,
      leaseHole: """
        for about a second while a set-point of either channel begins or is stopped, and after an error of the \
        program on the instrument, nothing on the instrument watches: if the host or the line dies just then, outputs \
        stay on; that the program hears the host while it runs was not tried on hardware
        """,
      openCircuit: .zeroCurrentHeld)
    let errors: [(gain: Int64, offset: Int64)] = [
      (500, 100), (250, 500), (250, 1_500), (200, 25_000), (200, 200_000), (200, 2_500_000), (200, 20_000_000),
      (300, 1_500_000_000), (500, 3_500_000_000),
    ]
    capabilities.currentAccuracy = zip(Self.currentRanges, errors).map { range, error in
      CurrentAccuracy(fullScale: range, gainPartsPerMillion: error.gain, offset: Current(picoamperes: error.offset))
    }
    return capabilities
  }
}
