// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The units in which each quantity is written and shown. Protocol files, listings and messages all use this table.

extension Voltage: WrittenQuantity {
  /// A voltage.
  public static var noun: String { "a voltage" }
  /// `10 mV`.
  public static var example: String { "10 mV" }
  /// V, mV, uV.
  public static let units: [UnitOfMeasure] = [
    UnitOfMeasure("V", 1_000_000_000), UnitOfMeasure("mV", 1_000_000), UnitOfMeasure("uV", 1_000),
  ]
  /// V.
  public static var zeroUnit: String { "V" }
}

extension Current: WrittenQuantity {
  /// A current.
  public static var noun: String { "a current" }
  /// `0.5 mA`.
  public static var example: String { "0.5 mA" }
  /// A, mA, uA, nA.
  public static let units: [UnitOfMeasure] = [
    UnitOfMeasure("A", 1_000_000_000_000), UnitOfMeasure("mA", 1_000_000_000), UnitOfMeasure("uA", 1_000_000),
    UnitOfMeasure("nA", 1_000),
  ]
  /// A.
  public static var zeroUnit: String { "A" }
}

extension Charge: WrittenQuantity {
  /// A charge.
  public static var noun: String { "a charge" }
  /// `0.35 mAh`.
  public static var example: String { "0.35 mAh" }
  /// Ah, mAh, uAh.
  public static let units: [UnitOfMeasure] = [
    UnitOfMeasure("Ah", 3_600_000_000_000), UnitOfMeasure("mAh", 3_600_000_000), UnitOfMeasure("uAh", 3_600_000),
  ]
  /// Ah.
  public static var zeroUnit: String { "Ah" }
}

extension VoltageRate: WrittenQuantity {
  /// A voltage per time.
  public static var noun: String { "a voltage per time" }
  /// `1 mV/h`.
  public static var example: String { "1 mV/h" }
  /// V/h, mV/min, mV/h, uV/h, V/s, mV/s, uV/s.
  public static let units: [UnitOfMeasure] = [
    UnitOfMeasure("V/h", 1_000_000_000), UnitOfMeasure("mV/min", 60_000_000), UnitOfMeasure("mV/h", 1_000_000),
    UnitOfMeasure("uV/h", 1_000), UnitOfMeasure("V/s", 3_600_000_000_000), UnitOfMeasure("mV/s", 3_600_000_000),
    UnitOfMeasure("uV/s", 3_600_000),
  ]
  /// mV/h.
  public static var zeroUnit: String { "mV/h" }
}

extension Energy: WrittenQuantity {
  /// An energy.
  public static var noun: String { "an energy" }
  /// `1.2 mWh`.
  public static var example: String { "1.2 mWh" }
  /// Wh, mWh, uWh.
  public static let units: [UnitOfMeasure] = [
    UnitOfMeasure("Wh", 3_600_000_000_000), UnitOfMeasure("mWh", 3_600_000_000), UnitOfMeasure("uWh", 3_600_000),
  ]
  /// Wh.
  public static var zeroUnit: String { "Wh" }
}

extension Power: WrittenQuantity {
  /// A power.
  public static var noun: String { "a power" }
  /// `5 mW`.
  public static var example: String { "5 mW" }
  /// W, mW, uW.
  public static let units: [UnitOfMeasure] = [
    UnitOfMeasure("W", 1_000_000_000_000), UnitOfMeasure("mW", 1_000_000_000), UnitOfMeasure("uW", 1_000_000),
  ]
  /// W.
  public static var zeroUnit: String { "W" }
}

extension Resistance: WrittenQuantity {
  /// A resistance.
  public static var noun: String { "a resistance" }
  /// `1 kohm`.
  public static var example: String { "1 kohm" }
  /// Mohm, kohm, ohm, mohm.
  public static let units: [UnitOfMeasure] = [
    UnitOfMeasure("Mohm", 1_000_000_000_000), UnitOfMeasure("kohm", 1_000_000_000), UnitOfMeasure("ohm", 1_000_000),
    UnitOfMeasure("mohm", 1_000),
  ]
  /// ohm.
  public static var zeroUnit: String { "ohm" }
}

extension Frequency: WrittenQuantity {
  /// A frequency.
  public static var noun: String { "a frequency" }
  /// `10 mHz`.
  public static var example: String { "10 mHz" }
  /// MHz, kHz, Hz, mHz, uHz.
  public static let units: [UnitOfMeasure] = [
    UnitOfMeasure("MHz", 1_000_000_000_000), UnitOfMeasure("kHz", 1_000_000_000), UnitOfMeasure("Hz", 1_000_000),
    UnitOfMeasure("mHz", 1_000), UnitOfMeasure("uHz", 1),
  ]
  /// Hz.
  public static var zeroUnit: String { "Hz" }
}

extension TimeSpan: WrittenQuantity {
  /// A time.
  public static var noun: String { "a time" }
  /// `10 min`.
  public static var example: String { "10 min" }
  /// d, h, min, s, ms.
  public static let units: [UnitOfMeasure] = [
    UnitOfMeasure("d", 86_400_000_000, neatDecimals: 0), UnitOfMeasure("h", 3_600_000_000, neatDecimals: 1),
    UnitOfMeasure("min", 60_000_000, neatDecimals: 1), UnitOfMeasure("s", 1_000_000),
    UnitOfMeasure("ms", 1_000, neatDecimals: 3),
  ]
  /// s.
  public static var zeroUnit: String { "s" }
}

extension Mass: WrittenQuantity {
  /// A mass.
  public static var noun: String { "a mass" }
  /// `1.2 mg`.
  public static var example: String { "1.2 mg" }
  /// g, mg, ug.
  public static let units: [UnitOfMeasure] = [
    UnitOfMeasure("g", 1_000_000), UnitOfMeasure("mg", 1_000), UnitOfMeasure("ug", 1),
  ]
  /// g.
  public static var zeroUnit: String { "g" }
}

extension Area: WrittenQuantity {
  /// An area.
  public static var noun: String { "an area" }
  /// `1.13 cm2`.
  public static var example: String { "1.13 cm2" }
  /// cm2, mm2.
  public static let units: [UnitOfMeasure] = [UnitOfMeasure("cm2", 100_000), UnitOfMeasure("mm2", 1_000)]
  /// cm2.
  public static var zeroUnit: String { "cm2" }
}

/// A fraction written in per cent, counted in millionths (1 % = 10,000).
public struct Share: WrittenQuantity {
  /// Millionths.
  public var partsPerMillion: Int64
  /// Millionths.
  public var count: Int64 {
    get { partsPerMillion }
    set { partsPerMillion = newValue }
  }
  /// A share of so many millionths.
  public init(count: Int64) { partsPerMillion = count }
  /// A share.
  public static var noun: String { "a share" }
  /// `1 %`.
  public static var example: String { "1 %" }
  /// %.
  public static let units: [UnitOfMeasure] = [UnitOfMeasure("%", 10_000)]
  /// %.
  public static var zeroUnit: String { "%" }
}
