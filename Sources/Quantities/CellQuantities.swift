// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// An electric potential difference, counted in nanovolts (range ±9.2 GV).
public struct Voltage: FixedPointQuantity {
  /// Nanovolts.
  public var nanovolts: Int64
  /// Nanovolts.
  @inlinable public var count: Int64 {
    get { nanovolts }
    set { nanovolts = newValue }
  }
  /// A voltage of so many nanovolts.
  @inlinable public init(count: Int64) { nanovolts = count }
  /// A voltage of so many nanovolts.
  @inlinable public init(nanovolts: Int64) { self.nanovolts = nanovolts }
  /// A voltage of so many whole millivolts.
  @inlinable public init(millivolts: Int64) { nanovolts = millivolts * 1_000_000 }
  /// A voltage in volts, rounded to the nanovolt.
  @inlinable public init(volts: Double) { nanovolts = Int64((volts * 1e9).rounded()) }
  /// The value in volts.
  @inlinable public var volts: Double { Double(nanovolts) / 1e9 }
}

/// How fast a voltage changes, counted in nanovolts an hour.
public struct VoltageRate: FixedPointQuantity {
  /// Nanovolts an hour.
  public var count: Int64
  /// A rate of so many nanovolts an hour.
  @inlinable public init(count: Int64) { self.count = count }
}

/// An electric current, counted in picoamperes; positive charges the cell (range ±9.2 MA).
public struct Current: FixedPointQuantity {
  /// Picoamperes.
  public var picoamperes: Int64
  /// Picoamperes.
  @inlinable public var count: Int64 {
    get { picoamperes }
    set { picoamperes = newValue }
  }
  /// A current of so many picoamperes.
  @inlinable public init(count: Int64) { picoamperes = count }
  /// A current of so many picoamperes.
  @inlinable public init(picoamperes: Int64) { self.picoamperes = picoamperes }
  /// A current in amperes, rounded to the picoampere.
  @inlinable public init(amperes: Double) { picoamperes = Int64((amperes * 1e12).rounded()) }
  /// The value in amperes.
  @inlinable public var amperes: Double { Double(picoamperes) / 1e12 }
}

/// An electric charge, counted in nanocoulombs (1 Ah = 3.6e12 nC; range ±2.5 MAh).
public struct Charge: FixedPointQuantity {
  /// Nanocoulombs.
  public var nanocoulombs: Int64
  /// Nanocoulombs.
  @inlinable public var count: Int64 {
    get { nanocoulombs }
    set { nanocoulombs = newValue }
  }
  /// A charge of so many nanocoulombs.
  @inlinable public init(count: Int64) { nanocoulombs = count }
  /// A charge of so many nanocoulombs.
  @inlinable public init(nanocoulombs: Int64) { self.nanocoulombs = nanocoulombs }
  /// A charge in ampere-hours, rounded to the nanocoulomb.
  @inlinable public init(ampereHours: Double) { nanocoulombs = Int64((ampereHours * 3.6e12).rounded()) }
  /// The value in ampere-hours.
  @inlinable public var ampereHours: Double { Double(nanocoulombs) / 3.6e12 }
}

/// An energy, counted in nanojoules (1 Wh = 3.6e12 nJ).
public struct Energy: FixedPointQuantity {
  /// Nanojoules.
  public var nanojoules: Int64
  /// Nanojoules.
  @inlinable public var count: Int64 {
    get { nanojoules }
    set { nanojoules = newValue }
  }
  /// An energy of so many nanojoules.
  @inlinable public init(count: Int64) { nanojoules = count }
  /// An energy of so many nanojoules.
  @inlinable public init(nanojoules: Int64) { self.nanojoules = nanojoules }
  /// The value in watt-hours.
  @inlinable public var wattHours: Double { Double(nanojoules) / 3.6e12 }
}

/// A power, counted in picowatts (range ±9.2 MW).
public struct Power: FixedPointQuantity {
  /// Picowatts.
  public var count: Int64
  /// A power of so many picowatts.
  @inlinable public init(count: Int64) { self.count = count }
}

/// An electric resistance, counted in microohms (range 9.2 TΩ).
public struct Resistance: FixedPointQuantity {
  /// Microohms.
  public var count: Int64
  /// A resistance of so many microohms.
  @inlinable public init(count: Int64) { self.count = count }
  /// The value in ohms.
  @inlinable public var ohms: Double { Double(count) / 1e6 }
}

/// A frequency, counted in microhertz (range 9.2 THz).
public struct Frequency: FixedPointQuantity {
  /// Microhertz.
  public var microhertz: Int64
  /// Microhertz.
  @inlinable public var count: Int64 {
    get { microhertz }
    set { microhertz = newValue }
  }
  /// A frequency of so many microhertz.
  @inlinable public init(count: Int64) { microhertz = count }
  /// A frequency of so many microhertz.
  @inlinable public init(microhertz: Int64) { self.microhertz = microhertz }
  /// A frequency in hertz, rounded to the microhertz.
  @inlinable public init(hertz: Double) { microhertz = Int64((hertz * 1e6).rounded()) }
  /// The value in hertz.
  @inlinable public var hertz: Double { Double(microhertz) / 1e6 }
}

/// A span of time, counted in microseconds (range ±292,000 years).
///
/// Named apart from the standard library's `Duration`, which counts attoseconds in 128 bits.
public struct TimeSpan: FixedPointQuantity {
  /// Microseconds.
  public var microseconds: Int64
  /// Microseconds.
  @inlinable public var count: Int64 {
    get { microseconds }
    set { microseconds = newValue }
  }
  /// A span of so many microseconds.
  @inlinable public init(count: Int64) { microseconds = count }
  /// A span of so many microseconds.
  @inlinable public init(microseconds: Int64) { self.microseconds = microseconds }
  /// A span of so many milliseconds.
  @inlinable public init(milliseconds: Int64) { microseconds = milliseconds * 1_000 }
  /// A span of so many whole seconds.
  @inlinable public init(seconds: Int64) { microseconds = seconds * 1_000_000 }
  /// The value in seconds.
  @inlinable public var seconds: Double { Double(microseconds) / 1e6 }
}

/// A mass, counted in micrograms.
public struct Mass: FixedPointQuantity {
  /// Micrograms.
  public var micrograms: Int64
  /// Micrograms.
  @inlinable public var count: Int64 {
    get { micrograms }
    set { micrograms = newValue }
  }
  /// A mass of so many micrograms.
  @inlinable public init(count: Int64) { micrograms = count }
  /// A mass of so many micrograms.
  @inlinable public init(micrograms: Int64) { self.micrograms = micrograms }
  /// The value in grams.
  @inlinable public var grams: Double { Double(micrograms) / 1e6 }
}

/// An electrode area, counted in thousandths of a square millimetre (1 cm² = 100,000).
public struct Area: FixedPointQuantity {
  /// Thousandths of a square millimetre.
  public var squareMillimetreThousandths: Int64
  /// Thousandths of a square millimetre.
  @inlinable public var count: Int64 {
    get { squareMillimetreThousandths }
    set { squareMillimetreThousandths = newValue }
  }
  /// An area of so many thousandths of a square millimetre.
  @inlinable public init(count: Int64) { squareMillimetreThousandths = count }
  /// An area of so many thousandths of a square millimetre.
  @inlinable public init(squareMillimetreThousandths: Int64) {
    self.squareMillimetreThousandths = squareMillimetreThousandths
  }
  /// The value in square centimetres.
  @inlinable public var squareCentimetres: Double { Double(squareMillimetreThousandths) / 1e5 }
}
