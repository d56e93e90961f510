// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What the models can do with a cell, and how exactly.

internal import CyclerModel
public import InstrumentKit
internal import Quantities

extension KeithleyModel {
  /// What it can do with a cell. Measured accuracies (one year, 23 ± 5 °C): specification SPEC-2400 Rev. H; SPEC-2450
  /// Rev. A. Those of the 2460 are from a table of its sources' accuracies that others made, and unverified.
  public var capabilities: InstrumentCapabilities {
    var capabilities = InstrumentCapabilities(
      channels: 1,
      kinds: [.rest, .openCircuitCheck, .constantCurrent, .constantCurrentConstantVoltage, .constantVoltage],
      voltage: VoltageWindow(from: Voltage(millivolts: -19_500), to: Voltage(millivolts: 19_500)),
      maximumCurrent: currentRanges.last.map { Self.limit(of: $0) } ?? .zero, currentRanges: currentRanges,
      shortestReadingInterval: shortestReadingInterval, voltageErrorPartsPerMillion: 150,
      voltageOffsetError: voltageOffsetError, holdsBounds: false, hasLease: false,
      leaseHole: """
        the instrument has no watchdog and does not notice that its line is cut: without the host it goes on until \
        somebody switches it off; only its compliance bounds a charge
        """,
      openCircuit: .zeroCurrentHeld)
    capabilities.currentAccuracy = zip(currentRanges, accuracies).map { range, error in
      CurrentAccuracy(
        fullScale: range, gainPartsPerMillion: error.gain, offset: Current(picoamperes: error.offset))
    }
    return capabilities
  }

  /// Of a measurement, which takes two power-line cycles for each of voltage and current at a 2400, and one each at the
  /// others, whose line takes no time.
  private var shortestReadingInterval: TimeSpan {
    switch self {
    case .model2400: TimeSpan(milliseconds: 250)
    case .model2450, .model2460: TimeSpan(milliseconds: 100)
    }
  }

  /// In the 20 V range, in which a compliance above 2.1 V makes it measure.
  private var voltageOffsetError: Voltage {
    switch self {
    case .model2400: Voltage(nanovolts: 1_500_000)
    case .model2450: Voltage(nanovolts: 1_000_000)
    case .model2460: Voltage(nanovolts: 2_000_000)
    }
  }

  /// Of each current range: of reading in millionths, and offset in picoamperes.
  private var accuracies: [(gain: Int64, offset: Int64)] {
    switch self {
    case .model2400:
      [
        (290, 300), (270, 700), (250, 6_000), (270, 60_000), (350, 600_000), (550, 6_000_000), (2_200, 570_000_000),
      ]
    case .model2450:
      [
        (1_000, 50), (600, 100), (250, 300), (250, 700), (200, 6_000), (200, 60_000), (200, 600_000),
        (250, 6_000_000), (300, 500_000_000),
      ]
    case .model2460:
      [
        (250, 700), (250, 1_000), (200, 10_000), (200, 100_000), (200, 1_000_000), (200, 10_000_000),
        (500, 500_000_000), (1_000, 2_500_000_000), (1_000, 2_500_000_000), (1_500, 5_000_000_000),
      ]
    }
  }
}
