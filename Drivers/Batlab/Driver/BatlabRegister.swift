// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The registers that the driver uses, and what their numbers mean. Places and units are those of the firmware (hal.h,
// hal.c of batlab-firmware-measure 7659373) and of the reference client (batlab 0.5.36).

public import Quantities

/// Where a register is: the unit or a cell, and a number there.
public struct BatlabRegister: Sendable, Hashable {
  /// 0 to 3 are the cells, 4 is the unit, 5 the boot loader.
  public var place: UInt8
  /// 0 to 127.
  public var number: UInt8
  /// A register.
  public init(place: UInt8, number: UInt8) {
    self.place = place
    self.number = number
  }

  static func mode(_ cell: Int) -> Self { Self(place: UInt8(cell), number: 0x00) }
  static func error(_ cell: Int) -> Self { Self(place: UInt8(cell), number: 0x01) }
  static func setpoint(_ cell: Int) -> Self { Self(place: UInt8(cell), number: 0x03) }
  static func reportInterval(_ cell: Int) -> Self { Self(place: UInt8(cell), number: 0x04) }
  static func current(_ cell: Int) -> Self { Self(place: UInt8(cell), number: 0x06) }
  static func voltage(_ cell: Int) -> Self { Self(place: UInt8(cell), number: 0x07) }
  static func upperVoltage(_ cell: Int) -> Self { Self(place: UInt8(cell), number: 0x0A) }
  static func lowerVoltage(_ cell: Int) -> Self { Self(place: UInt8(cell), number: 0x0B) }
  static func chargeCurrentLimit(_ cell: Int) -> Self { Self(place: UInt8(cell), number: 0x0C) }
  static func dischargeCurrentLimit(_ cell: Int) -> Self { Self(place: UInt8(cell), number: 0x0D) }
  static func chargeTemperatureLimit(_ cell: Int) -> Self { Self(place: UInt8(cell), number: 0x0E) }
  static func dischargeTemperatureLimit(_ cell: Int) -> Self { Self(place: UInt8(cell), number: 0x0F) }
  static let serialLow = Self(place: 4, number: 0x00)
  static let serialHigh = Self(place: 4, number: 0x01)
  static let firmware = Self(place: 4, number: 0x02)
  static let settings = Self(place: 4, number: 0x06)
  static let zeroAmpereThreshold = Self(place: 4, number: 0x10)
  static let watchdog = Self(place: 4, number: 0x11)
  /// Answered with 257 by the application, which has no such place, and with something else by the boot loader.
  static let presence = Self(place: 5, number: 0x01)
}

/// What a cell's circuit does.
public enum BatlabMode {
  /// Below 1.8 V nothing is taken for a cell.
  public static let noCell: UInt16 = 0
  /// Below −0.01 V.
  public static let backwards: UInt16 = 1
  /// Ready, no current.
  public static let idle: UInt16 = 2
  /// Charging.
  public static let charge: UInt16 = 3
  /// Discharging.
  public static let discharge: UInt16 = 4
  /// An alternating current.
  public static let impedance: UInt16 = 5
  /// No current, by command, limit or watchdog.
  public static let stopped: UInt16 = 6

  static func isDriven(_ mode: UInt16) -> Bool { mode == charge || mode == discharge || mode == impedance }
}

/// The registers' numbers as quantities.
public enum BatlabScale {
  /// From here on the converter is at its end (the firmware's own test for an open lead).
  public static let clipped: UInt16 = 32_700
  /// 1.8 V, below which the firmware sees no cell.
  static let noCell: Int64 = 13_107
  /// Where currents count as zero: 50 mA, as the reference client sets it; 250 mA at the factory.
  static let zeroAmpereThreshold: UInt16 = 400
  /// The firmware's own limits of the temperature, 45 and 65 degrees with its usual sensor.
  static let chargeTemperature: UInt16 = 25_092
  static let dischargeTemperature: UInt16 = 20_825

  /// A signed 16-bit number, 4.5 V are 32768; nil at the converter's end.
  public static func voltage(_ raw: UInt16) -> Voltage? {
    let value = Int64(Int16(bitPattern: raw))
    guard value < Int64(clipped), value > -Int64(clipped) else { return nil }
    let scaled = value * 4_500_000_000
    return Voltage(nanovolts: (scaled + (scaled < 0 ? -16_384 : 16_384)) / 32_768)
  }

  /// The magnitude of the current, 4.096 A are 32768, so 125 µA a count; nil at the converter's end and for a negative
  /// number, which the firmware never means.
  public static func currentMagnitude(_ raw: UInt16) -> Current? {
    raw < clipped ? Current(picoamperes: Int64(raw) * 125_000_000) : nil
  }

  /// The nearest set-point, in 128ths of an ampere.
  static func setpoint(_ current: Current) -> UInt16 {
    let counts = (current.magnitude.picoamperes * 128 + 500_000_000_000) / 1_000_000_000_000
    return UInt16(clamping: min(counts, 575))
  }

  /// Never above `voltage`: a limit acts above it.
  static func upperLimit(_ voltage: Voltage) -> UInt16 {
    UInt16(clamping: min(max(counts(voltage, roundedUp: false), noCell), Int64(clipped)))
  }

  /// Never below `voltage`, and never where the firmware sees no cell.
  static func lowerLimit(_ voltage: Voltage) -> UInt16 {
    UInt16(clamping: min(max(counts(voltage, roundedUp: true), noCell), Int64(clipped)))
  }

  /// Never above `current`, nor beyond the converter's end.
  static func currentLimit(_ current: Current) -> UInt16 {
    UInt16(clamping: min(current.magnitude.picoamperes / 125_000_000, Int64(clipped)))
  }

  private static func counts(_ voltage: Voltage, roundedUp: Bool) -> Int64 {
    let bounded = min(max(voltage.nanovolts, 0), 5_000_000_000)
    return (bounded * 32_768 + (roundedUp ? 4_499_999_999 : 0)) / 4_500_000_000
  }
}
