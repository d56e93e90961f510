// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

public import Quantities

/// What an instrument said of a reading's trustworthiness.
public struct ReadingQuality: OptionSet, Sendable, Hashable {
  /// Bits as stored in a record's flags.
  public var rawValue: UInt16
  /// Bits as stored in a record's flags.
  @inlinable public init(rawValue: UInt16) { self.rawValue = rawValue }
  /// The value is beyond the range: it is clipped, and every integral over it is wrong.
  @inlinable public static var overload: ReadingQuality { ReadingQuality(rawValue: 1) }
  /// The value is too small for the range to resolve well.
  @inlinable public static var underload: ReadingQuality { ReadingQuality(rawValue: 2) }
  /// The instrument could not keep the sampling time.
  @inlinable public static var late: ReadingQuality { ReadingQuality(rawValue: 4) }
  /// The value lies near the end of the range.
  @inlinable public static var overloadWarning: ReadingQuality { ReadingQuality(rawValue: 8) }
}

/// One measurement of a cell.
///
/// The time is the instrument's own, counted from the start of the set-point that the reading belongs to, so two
/// readings may be compared only within one set-point.
public struct Reading: Sendable, Hashable {
  /// Since the set-point's start on the instrument's clock.
  public var time: TimeSpan
  /// Across the cell; nil when the instrument could not measure it.
  public var voltage: Voltage?
  /// Through the cell, positive charging; exactly zero while the circuit is open.
  public var current: Current?
  /// The instrument's current range, as it names it; 0 when it does not say.
  public var range: UInt16
  /// Trustworthiness.
  public var quality: ReadingQuality

  /// A reading.
  @inlinable
  public init(time: TimeSpan, voltage: Voltage?, current: Current?, range: UInt16 = 0, quality: ReadingQuality = []) {
    self.time = time
    self.voltage = voltage
    self.current = current
    self.range = range
    self.quality = quality
  }
}

/// What is known of a cell's circuit. Never shown as open without a confirmation.
public enum CircuitState: Sendable, Hashable {
  /// Current may flow.
  case closed
  /// The instrument confirmed that the cell is disconnected.
  case openConfirmed
  /// Nobody confirmed it, but the instrument's own lease has run out at that moment.
  case openLeaseExpired(UnixInstant)
  /// Nothing is known.
  case unknown
}
