// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Currents and charges that are only known together with a cell: per gram, per square centimetre, by the hour of its
// nominal capacity. They stay as written until a cell's values are there and are then resolved in one exact integer
// step, so `C/3` of 1 mAh is 333333333 pA times one thousand, rounded once, and never 0.33 times something.

/// A value of a cell that an expression can need.
public enum CellBasis: String, Sendable, Hashable, CaseIterable {
  /// Mass of the active material, for `A/g` and `mAh/g`.
  case activeMass = "active_mass"
  /// Area of the electrode, for `mA/cm2` and `mAh/cm2`.
  case area
  /// Nominal capacity, for `C/20`.
  case nominalCapacity = "nominal_capacity"
}

/// Why an expression has no value for a cell.
public enum ResolutionProblem: Error, Sendable, Hashable {
  /// The cell's value is not known.
  case missing(CellBasis)
  /// The result does not fit 64 bits of the smallest unit.
  case tooLarge
}

/// A current as a person writes it: `1.2 mA`, `0.1 A/g`, `0.5 mA/cm2`, `C/20` or `2 C`.
public enum CurrentExpression: Sendable, Hashable {
  /// In amperes.
  case absolute(Current)
  /// Per gram of active mass; the unit's size is in picoamperes per microgram.
  case specific(DecimalNumber, UnitOfMeasure)
  /// Per square centimetre; the unit's size is in picoamperes per thousandth of a square millimetre.
  case areal(DecimalNumber, UnitOfMeasure)
  /// `2 C`: so many times the current that moves the nominal capacity in one hour.
  case rate(DecimalNumber)
  /// `C/20`: the current that moves the nominal capacity in so many hours.
  case hourRate(DecimalNumber)

  /// Units per gram.
  static let specificUnits = [UnitOfMeasure("A/g", 1_000_000), UnitOfMeasure("mA/g", 1_000)]
  /// Units per square centimetre.
  static let arealUnits = [UnitOfMeasure("mA/cm2", 10_000), UnitOfMeasure("uA/cm2", 10)]

  /// Reads a current; its sign is not judged here.
  public init(written text: String) throws(QuantityProblem) {
    let symbols =
      (Current.units + Self.specificUnits + Self.arealUnits).map(\.symbol) + ["C"]
    if text.hasPrefix("C/") {
      let divisor = text.dropFirst(2)
      guard let hours = try? DecimalNumber(written: divisor), hours.mantissa > 0 else {
        throw QuantityProblem(message: "`\(text)` is not a C-rate", hint: "write `C/20` or `2 C`")
      }
      self = .hourRate(hours)
      return
    }
    let parts = try NumberAndUnit(text, noun: "a current", example: "0.1 A/g` or `C/20", units: symbols)
    if parts.unit == "C" {
      self = .rate(parts.number)
    } else if let unit = Self.specificUnits.first(where: { $0.symbol == parts.unit }) {
      self = .specific(parts.number, unit)
    } else if let unit = Self.arealUnits.first(where: { $0.symbol == parts.unit }) {
      self = .areal(parts.number, unit)
    } else if Current.units.contains(where: { $0.symbol == parts.unit }) {
      self = .absolute(try Current(written: text))
    } else {
      throw parts.unknownUnit(noun: "a current", units: symbols)
    }
  }

  /// Which of the cell's values is needed; nil for amperes.
  public var basis: CellBasis? {
    switch self {
    case .absolute: nil
    case .specific: .activeMass
    case .areal: .area
    case .rate, .hourRate: .nominalCapacity
    }
  }

  /// Whether it is negative, positive or nothing: -1, 1 or 0.
  public var signum: Int64 {
    switch self {
    case .absolute(let current): current.count.signum()
    case .specific(let number, _), .areal(let number, _), .rate(let number), .hourRate(let number):
      number.mantissa.signum()
    }
  }

  /// The picoamperes of a C-rate for each nanocoulomb of the capacity that it is a rate of; nil for other currents.
  public var picoamperesPerNanocoulomb: ExactFraction? {
    // 1 nC in one hour is 1/3600 nA = 1000/3600 pA = 5/18 pA.
    switch self {
    case .absolute, .specific, .areal: nil
    case .rate(let number): ExactFraction(Int128(number.mantissa) * 5, 18 * powerOfTen(number.decimals))
    case .hourRate(let hours): ExactFraction(5 * powerOfTen(hours.decimals), Int128(hours.mantissa) * 18)
    }
  }

  /// As a person writes it.
  public var written: String {
    switch self {
    case .absolute(let current): current.written
    case .specific(let number, let unit), .areal(let number, let unit): "\(number.written) \(unit.symbol)"
    case .rate(let number): "\(number.written) C"
    case .hourRate(let hours): "C/\(hours.written)"
    }
  }

  /// The current in amperes for a cell, rounded once, half away from zero, to the picoampere.
  public func resolved(activeMass: Mass?, area: Area?, nominalCapacity: Charge?) throws(ResolutionProblem) -> Current {
    let count: Int64?
    switch self {
    case .absolute(let current):
      count = current.count
    case .specific(let number, let unit):
      guard let activeMass else { throw .missing(.activeMass) }
      count = number.scaled(Int128(unit.size) * Int128(activeMass.count))
    case .areal(let number, let unit):
      guard let area else { throw .missing(.area) }
      count = number.scaled(Int128(unit.size) * Int128(area.count))
    case .rate(let number):
      guard let nominalCapacity else { throw .missing(.nominalCapacity) }
      // 1 nC in one hour is 1/3600 nA = 1000/3600 pA = 5/18 pA.
      count = number.scaled(Int128(nominalCapacity.count) * 5, per: 18)
    case .hourRate(let hours):
      guard let nominalCapacity else { throw .missing(.nominalCapacity) }
      let numerator = Int128(nominalCapacity.count) * 5 * powerOfTen(hours.decimals)
      count = Int64(exactly: roundedQuotient(numerator, Int128(hours.mantissa) * 18))
    }
    guard let count else { throw .tooLarge }
    return Current(count: count)
  }
}

/// A charge as a person writes it: `0.35 mAh`, `160 mAh/g` or `0.5 mAh/cm2`.
public enum ChargeExpression: Sendable, Hashable {
  /// In ampere-hours.
  case absolute(Charge)
  /// Per gram of active mass; the unit's size is in nanocoulombs per microgram.
  case specific(DecimalNumber, UnitOfMeasure)
  /// Per square centimetre; the unit's size is in nanocoulombs per thousandth of a square millimetre.
  case areal(DecimalNumber, UnitOfMeasure)

  /// Units per gram.
  static let specificUnits = [UnitOfMeasure("mAh/g", 3_600)]
  /// Units per square centimetre.
  static let arealUnits = [UnitOfMeasure("mAh/cm2", 36_000), UnitOfMeasure("uAh/cm2", 36)]

  /// Reads a charge; its sign is not judged here.
  public init(written text: String) throws(QuantityProblem) {
    let symbols = (Charge.units + Self.specificUnits + Self.arealUnits).map(\.symbol)
    let parts = try NumberAndUnit(text, noun: "a charge", example: "0.35 mAh` or `300 mAh/g", units: symbols)
    if let unit = Self.specificUnits.first(where: { $0.symbol == parts.unit }) {
      self = .specific(parts.number, unit)
    } else if let unit = Self.arealUnits.first(where: { $0.symbol == parts.unit }) {
      self = .areal(parts.number, unit)
    } else if Charge.units.contains(where: { $0.symbol == parts.unit }) {
      self = .absolute(try Charge(written: text))
    } else {
      throw parts.unknownUnit(noun: "a charge", units: symbols)
    }
  }

  /// Which of the cell's values is needed; nil for ampere-hours.
  public var basis: CellBasis? {
    switch self {
    case .absolute: nil
    case .specific: .activeMass
    case .areal: .area
    }
  }

  /// Whether it is negative, positive or nothing: -1, 1 or 0.
  public var signum: Int64 {
    switch self {
    case .absolute(let charge): charge.count.signum()
    case .specific(let number, _), .areal(let number, _): number.mantissa.signum()
    }
  }

  /// As a person writes it.
  public var written: String {
    switch self {
    case .absolute(let charge): charge.written
    case .specific(let number, let unit), .areal(let number, let unit): "\(number.written) \(unit.symbol)"
    }
  }

  /// The charge for a cell, rounded once, half away from zero, to the nanocoulomb.
  public func resolved(activeMass: Mass?, area: Area?) throws(ResolutionProblem) -> Charge {
    let count: Int64?
    switch self {
    case .absolute(let charge):
      count = charge.count
    case .specific(let number, let unit):
      guard let activeMass else { throw .missing(.activeMass) }
      count = number.scaled(Int128(unit.size) * Int128(activeMass.count))
    case .areal(let number, let unit):
      guard let area else { throw .missing(.area) }
      count = number.scaled(Int128(unit.size) * Int128(area.count))
    }
    guard let count else { throw .tooLarge }
    return Charge(count: count)
  }
}
