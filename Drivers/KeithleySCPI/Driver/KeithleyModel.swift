// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The models of the family and their numbers. One so far; a 2450 in its own SCPI is another dialect of the set-up lines
// and joins here.

internal import CyclerModel
public import InstrumentKit
internal import Quantities

/// A model that the driver knows.
public enum KeithleyModel: String, Sendable, Hashable, CaseIterable {
  /// The 2400 SourceMeter, 1 A, over RS-232.
  case model2400 = "2400"

  /// What it is called in answers to `*IDN?`: `MODEL 2400`.
  var identification: String { "MODEL \(rawValue)" }

  /// Full scales of the current ranges, ascending.
  static let currentRanges: [Current] = [
    1_000_000, 10_000_000, 100_000_000, 1_000_000_000, 10_000_000_000, 100_000_000_000, 1_000_000_000_000,
  ].map { Current(picoamperes: $0) }

  /// Full scales of the voltage ranges that a cell needs, ascending; the 200 V range is not used.
  static let voltageRanges = [200, 2_000, 20_000].map { Voltage(millivolts: $0) }

  /// A range goes this far beyond its full scale: 105 %.
  static let overrange: Int64 = 105

  /// The largest current of a range.
  static func limit(of range: Current) -> Current { range * overrange / 100 }

  /// The largest voltage of a range.
  static func limit(of range: Voltage) -> Voltage { range * overrange / 100 }

  /// The index of the smallest current range that holds a current, 5 % beyond its full scale included.
  static func rangeIndex(holding current: Current) -> Int? {
    currentRanges.firstIndex { limit(of: $0) >= current.magnitude }
  }

  /// The smallest voltage range that holds a voltage.
  static func range(holding voltage: Voltage) -> Voltage? { voltageRanges.first { limit(of: $0) >= voltage.magnitude } }

  /// What it can do with a cell. Measured accuracies: specification SPEC-2400 Rev. H (one year, 23 ± 5 °C).
  public var capabilities: InstrumentCapabilities {
    var capabilities = InstrumentCapabilities(
      channels: 1,
      kinds: [.rest, .openCircuitCheck, .constantCurrent, .constantCurrentConstantVoltage, .constantVoltage],
      voltage: VoltageWindow(from: Voltage(millivolts: -19_500), to: Voltage(millivolts: 19_500)),
      maximumCurrent: Current(picoamperes: 1_050_000_000_000), currentRanges: Self.currentRanges,
      shortestReadingInterval: TimeSpan(milliseconds: 250), voltageErrorPartsPerMillion: 150,
      voltageOffsetError: Voltage(nanovolts: 1_500_000), holdsBounds: false, hasLease: false,
      leaseHole: """
        the instrument has no watchdog and does not notice that its line is cut: without the host it goes on until \
        somebody switches it off; only its compliance bounds a charge
        """,
      openCircuit: .zeroCurrentHeld)
    let errors: [(gain: Int64, offset: Int64)] = [
      (290, 300), (270, 700), (250, 6_000), (270, 60_000), (350, 600_000), (550, 6_000_000), (2_200, 570_000_000),
    ]
    capabilities.currentAccuracy = zip(Self.currentRanges, errors).map { range, error in
      CurrentAccuracy(
        fullScale: range, gainPartsPerMillion: error.gain, offset: Current(picoamperes: error.offset))
    }
    return capabilities
  }
}
