// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The models of the family and their numbers.

internal import CyclerModel
internal import Quantities

/// A model that the driver knows.
public enum KeithleyModel: String, Sendable, Hashable, CaseIterable {
  /// The 2400 SourceMeter, 1 A, over RS-232.
  case model2400 = "2400"
  /// The 2450 SourceMeter, 1 A, over USBTMC or a socket, in the command set `SCPI`.
  case model2450 = "2450"
  /// The 2460 SourceMeter, 7 A, otherwise as the 2450.
  case model2460 = "2460"

  /// What it is called in answers to `*IDN?`: `MODEL 2400`.
  var identification: String { "MODEL \(rawValue)" }

  /// Its lines.
  var dialect: ScpiDialect {
    switch self {
    case .model2400: .series2400
    case .model2450, .model2460: .interactive
    }
  }

  /// Full scales of the current ranges, ascending.
  var currentRanges: [Current] {
    switch self {
    case .model2400: Self.decades
    case .model2450: Self.currents2450
    case .model2460: Self.currents2460
    }
  }

  /// 1 µA to 1 A.
  private static let decades = [
    1_000_000, 10_000_000, 100_000_000, 1_000_000_000, 10_000_000_000, 100_000_000_000, 1_000_000_000_000,
  ].map { Current(picoamperes: $0) }
  /// 10 nA and 100 nA before them.
  private static let currents2450 = [10_000, 100_000].map { Current(picoamperes: $0) } + decades
  /// 4, 5 and 7 A behind them.
  private static let currents2460 = decades + [4, 5, 7].map { Current(picoamperes: $0 * 1_000_000_000_000) }

  /// The range in which no current is sourced: small, and the same in all models; those below need long to settle.
  static let zeroRange = Current(picoamperes: 1_000_000)

  /// Full scales of the voltage ranges that a cell needs, ascending; those above 20 V are not used.
  var voltageRanges: [Voltage] {
    switch self {
    case .model2400: [200, 2_000, 20_000].map { Voltage(millivolts: $0) }
    case .model2450: [20, 200, 2_000, 20_000].map { Voltage(millivolts: $0) }
    case .model2460: [200, 2_000, 7_000, 10_000, 20_000].map { Voltage(millivolts: $0) }
    }
  }

  /// The most that a compliance may be in a current range: what the driver uses, or the range's own limit where that is
  /// less. A 2460 drives 7 A at 7 V and 5 A at 10 V at the most; in all other ranges used here 20 V are open.
  func largestCompliance(in range: Current) -> Voltage {
    guard self == .model2460 else { return Self.usedVoltage }
    if range > Current(picoamperes: 5_000_000_000_000) { return Voltage(millivolts: 7_350) }
    return range > Current(picoamperes: 4_000_000_000_000) ? Voltage(millivolts: 10_500) : Self.usedVoltage
  }

  /// The largest compliance of a set-point that the driver uses.
  static let usedVoltage = Voltage(millivolts: 19_700)

  /// A range goes this far beyond its full scale: 105 %.
  static let overrange: Int64 = 105

  /// The largest current of a range.
  static func limit(of range: Current) -> Current { range * overrange / 100 }

  /// The largest voltage of a range.
  static func limit(of range: Voltage) -> Voltage { range * overrange / 100 }

  /// The index of the smallest current range that holds a current, 5 % beyond its full scale included.
  func rangeIndex(holding current: Current) -> Int? {
    currentRanges.firstIndex { Self.limit(of: $0) >= current.magnitude }
  }

  /// The smallest voltage range that holds a voltage; the largest where none does.
  func range(holding voltage: Voltage) -> Voltage {
    voltageRanges.first { Self.limit(of: $0) >= voltage.magnitude } ?? voltageRanges.last ?? voltage.magnitude
  }
}
