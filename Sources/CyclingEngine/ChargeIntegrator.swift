// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Charge and energy are integrated from every reading, exactly over the time in which the circuit was closed, before
// anything is thinned, stored or rounded. Sums are 128-bit integers in twice the product of the base units, because
// the trapezoid halves; so a sum is exact however long the step, and rounding happens once, when it is asked for.
//
// It does not judge readings: limits, overload and the size of a gap are for others to decide.

public import CyclerModel
public import Quantities

/// The integrals of one step since it began.
///
/// The current counts between `circuitClosed(at:)` and `circuitOpened(at:)` only (hazard rule 11):
/// - from the closing to the first reading with the first reading's current,
/// - between two readings by the trapezoid, the energy with the mean of voltage times current at both ends,
/// - from the last reading to the opening with the last reading's current.
///
/// An interval with an end of unknown current is not counted and `hasUnknown` says so; one with unknown voltage only is
/// counted as charge and not as energy. A reading earlier than the one before is left out and counted in
/// `backwardsCount`; the next interval then spans it. No input, however absurd, traps: a sum that would overflow is
/// kept and becomes unknown.
public struct ChargeIntegrator: Sendable, Hashable {
  /// The programmed direction; charge against it is also kept as `reverseCharge`.
  public let direction: Direction

  /// Whether a part of the charge is unknown, because a reading in a closed circuit had no current.
  public private(set) var hasUnknown = false
  /// Whether a part of the energy is unknown, because a reading in a closed circuit had no voltage or no current.
  public private(set) var hasUnknownEnergy = false
  /// How many times the clock went backwards.
  public private(set) var backwardsCount: Int32 = 0
  /// Whether current counts at the moment.
  public private(set) var isClosed = false

  /// In 2 pA·µs, net, positive charging; see `charge(_:)`.
  public private(set) var chargeSum: Int128 = 0
  // In 2 pA·µs, a magnitude.
  private var reverseSum: Int128 = 0
  // In 2 pA·µs, net, positive charging.
  private var holdSum: Int128 = 0
  /// In 2 nV·pA·µs, net; see `energy(_:)`.
  public private(set) var energySum: Int128 = 0

  // The end of what was counted, on the set-point's clock.
  private var lastTime: Int64 = 0
  private var lastEnd = IntervalEnd.none
  private var lastCurrent: Int64 = 0
  private var lastPower: Int128 = 0
  // When the hold began, on the set-point's clock; Int64.max while none has.
  private var holdStart = Int64.max

  // What is known at the end of what was counted.
  private enum IntervalEnd: UInt8 {
    // The circuit closed and nothing was read since.
    case none
    // The last reading had no current.
    case unknown
    // It had a current and no voltage.
    case current
    // It had both.
    case currentAndVoltage
  }

  /// Nothing integrated yet, the circuit open.
  public init(direction: Direction) { self.direction = direction }

  /// The circuit closed at `time` on the set-point's clock. Closing a closed circuit changes nothing.
  public mutating func circuitClosed(at time: TimeSpan) {
    guard !isClosed else { return }
    isClosed = true
    lastTime = time.microseconds
    lastEnd = .none
  }

  /// Counts the interval that ends with `reading`. A reading in an open circuit counts nothing.
  public mutating func reading(_ reading: Reading) {
    guard isClosed else { return }
    let (span, overflowed) = reading.time.microseconds.subtractingReportingOverflow(lastTime)
    guard span >= 0, !overflowed else {
      backwardsCount &+= 1
      return
    }
    let end: IntervalEnd
    var current: Int64 = 0
    var power: Int128 = 0
    if let measured = reading.current {
      current = measured.picoamperes
      if let voltage = reading.voltage {
        power = Int128(voltage.nanovolts) &* Int128(current)
        end = .currentAndVoltage
      } else {
        end = .current
      }
    } else {
      end = .unknown
    }
    if lastEnd == .none {
      count(span, current, current, power, power, end, end)
    } else {
      count(span, lastCurrent, current, lastPower, power, lastEnd, end)
    }
    lastTime = reading.time.microseconds
    lastEnd = end
    lastCurrent = current
    lastPower = power
  }

  /// A voltage is held from `time` on; what flows afterwards is also `constantVoltageCharge`. An interval in which the
  /// hold began is shared in proportion to time. What was counted before the call stays as it is.
  public mutating func holdBegan(at time: TimeSpan) { holdStart = min(holdStart, time.microseconds) }

  /// The circuit opened at `time` on the set-point's clock. Opening an open circuit changes nothing.
  public mutating func circuitOpened(at time: TimeSpan) {
    guard isClosed else { return }
    isClosed = false
    let (span, overflowed) = time.microseconds.subtractingReportingOverflow(lastTime)
    guard span >= 0, !overflowed else {
      backwardsCount &+= 1
      return
    }
    if lastEnd == .none {
      count(span, 0, 0, 0, 0, .unknown, .unknown)
    } else {
      count(span, lastCurrent, lastCurrent, lastPower, lastPower, lastEnd, lastEnd)
    }
    lastTime = time.microseconds
  }

  /// Net charge since the step began, positive charging; rounded to the nanocoulomb, halves away from zero.
  public var charge: Charge { Self.charge(chargeSum) }
  /// The charge of a `chargeSum`.
  public static func charge(_ sum: Int128) -> Charge { Charge(nanocoulombs: rounded(sum, by: chargeUnit)) }
  /// Net energy since the step began, positive when the cell took it up; rounded as `charge`.
  public var energy: Energy { Self.energy(energySum) }
  /// The energy of an `energySum`.
  public static func energy(_ sum: Int128) -> Energy { Energy(nanojoules: rounded(sum, by: energyUnit)) }
  /// Charge of the intervals in which more flowed against `direction` than with it, a magnitude; zero without a
  /// direction.
  public var reverseCharge: Charge { Charge(nanocoulombs: Self.rounded(reverseSum, by: Self.chargeUnit)) }
  /// Of `charge`, what flowed since `holdBegan(at:)`; net, positive charging.
  public var constantVoltageCharge: Charge { Charge(nanocoulombs: Self.rounded(holdSum, by: Self.chargeUnit)) }
}

// MARK: - Arithmetic

extension ChargeIntegrator {
  // 1 nC = 1e9 pA·µs, counted twice.
  private static let chargeUnit: UInt64 = 2_000_000_000
  // 1 nJ = 1e18 nV·pA·µs, counted twice.
  private static let energyUnit: UInt64 = 2_000_000_000_000_000_000

  private mutating func count(
    _ span: Int64, _ currentBefore: Int64, _ currentAfter: Int64, _ powerBefore: Int128, _ powerAfter: Int128,
    _ before: IntervalEnd, _ after: IntervalEnd
  ) {
    guard span > 0 else { return }
    guard before != .unknown, after != .unknown else {
      hasUnknown = true
      hasUnknownEnergy = true
      return
    }
    // At most 2^64 times 2^63: fits.
    let charge = (Int128(currentBefore) &+ Int128(currentAfter)) &* Int128(span)
    addCharge(charge, span: span)
    guard before == .currentAndVoltage, after == .currentAndVoltage else {
      hasUnknownEnergy = true
      return
    }
    // At most 2^127 in magnitude before the product with time, which may overflow.
    let (power, powerOverflowed) = powerBefore.addingReportingOverflow(powerAfter)
    let (energy, energyOverflowed) = power.multipliedReportingOverflow(by: Int128(span))
    let (sum, sumOverflowed) = energySum.addingReportingOverflow(energy)
    guard !powerOverflowed, !energyOverflowed, !sumOverflowed, sum.magnitude < UInt128(Self.energyUnit) << 63 else {
      hasUnknownEnergy = true
      return
    }
    energySum = sum
  }

  private mutating func addCharge(_ charge: Int128, span: Int64) {
    let (sum, overflowed) = chargeSum.addingReportingOverflow(charge)
    // What cannot be told in nanocoulombs is unknown as well.
    guard !overflowed, sum.magnitude < UInt128(Self.chargeUnit) << 63 else {
      hasUnknown = true
      return
    }
    chargeSum = sum
    let isReverse: Bool
    switch direction {
    case .charge: isReverse = charge < 0
    case .discharge: isReverse = charge > 0
    case .none: isReverse = false
    }
    if isReverse { reverseSum = reverseSum.addingReportingOverflow(charge < 0 ? 0 &- charge : charge).partialValue }
    // lastTime is still the interval's beginning.
    let end = lastTime &+ span
    if holdStart <= lastTime {
      holdSum = holdSum.addingReportingOverflow(charge).partialValue
    } else if holdStart < end {
      let currents = charge / Int128(span)
      holdSum = holdSum.addingReportingOverflow(currents &* Int128(end &- holdStart)).partialValue
    }
  }

  // A sum over its unit, halves away from zero. One hardware division of 128 by 64 bits; a sum too large for the result
  // gives the largest value.
  private static func rounded(_ sum: Int128, by unit: UInt64) -> Int64 {
    let magnitude = sum.magnitude + UInt128(unit / 2)
    let high = UInt64(truncatingIfNeeded: magnitude >> 64)
    guard high < unit / 2 else { return sum < 0 ? -.max : .max }
    // Nearly always; the division of 64 bits by 64 is several times cheaper.
    if high == 0 {
      let value = Int64(UInt64(truncatingIfNeeded: magnitude) / unit)
      return sum < 0 ? -value : value
    }
    let quotient = unit.dividingFullWidth((high, UInt64(truncatingIfNeeded: magnitude))).quotient
    let value = Int64(clamping: quotient)
    return sum < 0 ? -value : value
  }
}

// MARK: - Checkpoint

extension ChargeIntegrator {
  /// Appends the state to a checkpoint; 16-byte sums as two little-endian 8-byte words, the low one first.
  public func encode(into writer: inout ByteWriter) {
    writer.write(direction.rawValue)
    writer.write(hasUnknown)
    writer.write(hasUnknownEnergy)
    writer.write(backwardsCount)
    writer.write(isClosed)
    writer.write(chargeSum)
    writer.write(reverseSum)
    writer.write(holdSum)
    writer.write(energySum)
    writer.write(lastTime)
    writer.write(lastEnd.rawValue)
    writer.write(lastCurrent)
    writer.write(lastPower)
    writer.write(holdStart)
  }

  /// Reads what `encode(into:)` wrote.
  /// - Throws: `ByteReader.Malformed` with the place, when the bytes end early or cannot be such a state.
  public init(from reader: inout ByteReader) throws(ByteReader.Malformed) {
    guard let direction = Direction(rawValue: try reader.read()) else { throw reader.malformed }
    self.init(direction: direction)
    hasUnknown = try reader.readBool()
    hasUnknownEnergy = try reader.readBool()
    backwardsCount = try reader.read()
    isClosed = try reader.readBool()
    chargeSum = try reader.read()
    reverseSum = try reader.read()
    holdSum = try reader.read()
    energySum = try reader.read()
    lastTime = try reader.read()
    guard let end = IntervalEnd(rawValue: try reader.read()) else { throw reader.malformed }
    lastEnd = end
    lastCurrent = try reader.read()
    lastPower = try reader.read()
    holdStart = try reader.read()
  }
}
