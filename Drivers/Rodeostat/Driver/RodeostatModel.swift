// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The models and their ranges, by the names with which the firmware calls itself. Two boards have the same name and
// different converters; which it is shows in whether it knows of a multiplexer.

internal import CyclerModel
public import InstrumentKit
internal import Quantities

/// A model that the driver can drive: hardware V0.2, whose electrodes have switches.
public struct RodeostatModel: Sendable, Hashable {
  /// The analogue half, by the firmware's word.
  public enum Variant: String, Sendable, Hashable, CaseIterable {
    /// 60 nA to 10 µA.
    case nanoAmp
    /// 1 µA to 1 mA.
    case microAmp
    /// 10 µA to 10 mA.
    case tenMilliAmp = "10MilliAmp"
    /// 100 µA to 24 mA.
    case twentyFourMilliAmp = "24MilliAmp"
  }

  /// A current range.
  struct CurrentRange: Sendable, Hashable {
    var name: String
    var fullScale: Current
  }

  /// A voltage range.
  struct VoltageRange: Sendable, Hashable {
    var name: String
    var fullScale: Voltage
  }

  /// The analogue half.
  public var variant: Variant
  /// Bits of the converters at its inputs: 12, or 16 on a Teensy.
  public var bits: Int

  private static let teensy = " (Teensy)"

  /// What it is called: the firmware's own name, such as `10V_microAmpV0.2`, and for a Teensy that word.
  public var name: String { "10V_\(variant.rawValue)V0.2" + (bits == 16 ? Self.teensy : "") }

  /// By its name; nil for one that the driver cannot drive.
  public init?(named name: String) {
    let found = Variant.allCases.lazy.flatMap { variant in [12, 16].map { Self(variant: variant, bits: $0) } }
      .first { $0.name == name }
    guard let found else { return nil }
    self = found
  }

  init(variant: Variant, bits: Int) {
    self.variant = variant
    self.bits = bits
  }

  // MARK: Ranges

  /// Ascending. The last two of the largest are a little larger than their names.
  var currentRanges: [CurrentRange] {
    let all: [(String, Int64)] =
      switch variant {
      case .nanoAmp: [("60nA", 60_000), ("100nA", 100_000), ("1uA", 1_000_000), ("10uA", 10_000_000)]
      case .microAmp:
        [("1uA", 1_000_000), ("10uA", 10_000_000), ("100uA", 100_000_000), ("1000uA", 1_000_000_000)]
      case .tenMilliAmp:
        [("10uA", 10_000_000), ("100uA", 100_000_000), ("1000uA", 1_000_000_000), ("10000uA", 10_000_000_000)]
      case .twentyFourMilliAmp:
        [
          ("100uA", 100_000_000), ("1000uA", 1_000_000_000), ("12000uA", 12_024_000_000),
          ("24000uA", 24_048_000_000),
        ]
      }
    return all.map { CurrentRange(name: $0.0, fullScale: Current(picoamperes: $0.1)) }
  }

  /// Ascending; of what is set and of what is measured.
  static let voltageRanges = [1, 2, 5, 10].map {
    VoltageRange(name: "\($0)V", fullScale: Voltage(millivolts: $0 * 1_000))
  }

  /// So much of a range is used; at its very end the converter only says that it is there.
  static func usable(_ fullScale: Current) -> Current { fullScale / 100 * 99 }

  /// The smallest range that holds a current.
  func range(holding current: Current) -> Int? {
    currentRanges.firstIndex { Self.usable($0.fullScale) >= current.magnitude }
  }

  /// The smallest range that holds a voltage; the firmware chooses in the same way.
  static func range(holding voltage: Voltage) -> VoltageRange? {
    voltageRanges.first { $0.fullScale >= voltage.magnitude }
  }

  /// A voltage with room above it, so that a cell that is there is not at the end of its range.
  static func withRoom(_ voltage: Voltage) -> Voltage { voltage + voltage / 100 * 3 }

  func scale(of range: CurrentRange) -> ConverterScale { .microamperes(range.fullScale.picoamperes, bits: bits) }
  func scale(of range: VoltageRange) -> ConverterScale { .volts(range.fullScale.nanovolts, bits: bits) }

  // MARK: Capabilities

  /// Voltages up to here leave room in the largest range.
  static let largestVoltage = Voltage(millivolts: 9_700)

  /// What it can do with a cell. Nobody states an accuracy: of the voltage, two steps of a 12-bit converter are taken
  /// in each range (unverified), of the current nothing is said.
  public var capabilities: InstrumentCapabilities {
    InstrumentCapabilities(
      channels: 1, kinds: [.rest, .openCircuitCheck, .constantVoltage, .voltageSweep],
      voltage: VoltageWindow(from: -Self.largestVoltage, to: Self.largestVoltage),
      maximumCurrent: Self.usable(currentRanges.last?.fullScale ?? .zero),
      currentRanges: currentRanges.map(\.fullScale),
      shortestReadingInterval: TimeSpan(milliseconds: 50), voltageErrorPartsPerMillion: 1_000,
      voltageOffsetError: Voltage(millivolts: 5), holdsBounds: false, hasLease: true,
      leaseHole: """
        that it disconnects the cell when this machine falls silent rests on its firmware alone, which was read and not \
        tried: if its processor crashes, the cell stays at the last voltage; it bounds time itself, but neither voltage \
        nor current
        """,
      openCircuit: .disconnectedAndMeasured)
  }
}
