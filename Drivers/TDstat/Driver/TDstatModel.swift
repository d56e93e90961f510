// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The two models. They have the same USB numbers, the same product string and the same serial number; what tells them apart
// is how many shunts they keep a calibration of.

internal import CyclerModel
public import InstrumentKit
internal import Quantities

/// A model that the driver can drive.
public enum TDstatModel: String, Sendable, Hashable, CaseIterable {
  /// Three ranges up to 20 mA, ±8 V.
  case tdstatv3 = "TDstatv3"
  /// Four ranges up to 200 mA, ±12 V.
  case mystat = "MYSTAT"

  /// A current range.
  struct Range: Sendable, Hashable {
    /// Its place, the largest first.
    var place: Int
    /// What its makers call its end.
    var nominal: Current
    /// Where its converter ends, with a shunt that is as large as it should be.
    var fullScale: Current

    /// The firmware's number.
    var number: Int { place + 1 }
  }

  /// By the length of its answer to `SHUNTCALREAD`.
  init(shuntBytes count: Int) { self = count == 8 ? .mystat : .tdstatv3 }

  /// The converters' full scale: 8 V, or 13.4 V.
  var fullScale: Voltage { Voltage(millivolts: self == .mystat ? 13_400 : 8_000) }

  /// Voltages up to here are driven: what the maker of the one names, and of the other what leaves room to see more.
  var largestVoltage: Voltage { Voltage(millivolts: self == .mystat ? 12_000 : 7_900) }

  /// Largest first, as the firmware counts.
  var ranges: [Range] { self == .mystat ? Self.fourRanges : Self.threeRanges }

  private static let threeRanges = ranges(nominal: [20_000_000_000, 200_000_000, 2_000_000])
  private static let fourRanges = ranges(nominal: [200_000_000_000, 20_000_000_000, 200_000_000, 2_000_000])

  /// Each converter ends a quarter beyond what its range is called.
  private static func ranges(nominal picoamperes: [Int64]) -> [Range] {
    picoamperes.enumerated().map { place, nominal in
      Range(
        place: place, nominal: Current(picoamperes: nominal), fullScale: Current(picoamperes: nominal / 4 * 5))
    }
  }

  /// The smallest range that holds a current.
  func range(holding current: Current) -> Range? { ranges.last { $0.nominal >= current.magnitude } }

  /// What it can do with a cell. Nobody states an accuracy: of the voltage a thousandth and 2 mV are taken (unverified), of
  /// the current nothing is said.
  public var capabilities: InstrumentCapabilities {
    InstrumentCapabilities(
      channels: 1,
      kinds: [.rest, .openCircuitCheck, .constantCurrent, .constantCurrentConstantVoltage, .constantVoltage],
      voltage: VoltageWindow(from: -largestVoltage, to: largestVoltage),
      maximumCurrent: ranges.first?.nominal ?? .zero, currentRanges: ranges.map(\.nominal).reversed(),
      shortestReadingInterval: TimeSpan(milliseconds: 100), voltageErrorPartsPerMillion: 1_000,
      voltageOffsetError: Voltage(millivolts: 2), holdsBounds: false, hasLease: false,
      leaseHole: """
        it has no watchdog and knows no limit: when this machine falls silent the cell stays connected at the last current \
        or voltage for as long as the instrument has power; leave it alone only behind a relay or a switched hub of its own
        """,
      openCircuit: .disconnectedAndMeasured)
  }
}
