// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A resistance from the jump of the voltage when a circuit is closed means nothing without the time after which it was
// read, so the two are never apart.

public import Quantities

/// How long after the closing of the circuit a resistance is told.
public enum ResistanceDelay: String, Sendable, Hashable, CaseIterable {
  /// The step's first record, whenever it was.
  case firstRecord = "first"
  /// A second.
  case oneSecond = "1 s"
  /// Ten seconds.
  case tenSeconds = "10 s"
  /// Half a minute.
  case thirtySeconds = "30 s"

  /// The time that must have passed.
  public var least: TimeSpan {
    switch self {
    case .firstRecord: .zero
    case .oneSecond: TimeSpan(seconds: 1)
    case .tenSeconds: TimeSpan(seconds: 10)
    case .thirtySeconds: TimeSpan(seconds: 30)
    }
  }

  /// A record that comes later says nothing of this delay: a tenth of it late, or half a second where that is more.
  public var most: TimeSpan {
    switch self {
    case .firstRecord: TimeSpan(microseconds: .max)
    case .oneSecond: TimeSpan(milliseconds: 1_500)
    case .tenSeconds: TimeSpan(seconds: 11)
    case .thirtySeconds: TimeSpan(seconds: 33)
    }
  }

  /// The next one; nil after the last.
  public var next: ResistanceDelay? {
    switch self {
    case .firstRecord: .oneSecond
    case .oneSecond: .tenSeconds
    case .tenSeconds: .thirtySeconds
    case .thirtySeconds: nil
    }
  }
}

/// A resistance and how long after the closing it was read.
public struct ClosingResistance: Sendable, Hashable {
  /// Change of the voltage over change of the current.
  public var resistance: Resistance
  /// Step time of the record.
  public var delay: TimeSpan
  /// A resistance.
  public init(resistance: Resistance, delay: TimeSpan) {
    self.resistance = resistance
    self.delay = delay
  }
}

/// What is known of the resistance at the beginning of a half-cycle.
public struct ClosingResistances: Sendable, Hashable {
  /// At the first record.
  public var firstRecord: ClosingResistance?
  /// After a second.
  public var oneSecond: ClosingResistance?
  /// After ten seconds.
  public var tenSeconds: ClosingResistance?
  /// After half a minute.
  public var thirtySeconds: ClosingResistance?
  /// Nothing known.
  public init() {}

  /// That of one delay.
  public subscript(delay: ResistanceDelay) -> ClosingResistance? {
    get {
      switch delay {
      case .firstRecord: firstRecord
      case .oneSecond: oneSecond
      case .tenSeconds: tenSeconds
      case .thirtySeconds: thirtySeconds
      }
    }
    set {
      switch delay {
      case .firstRecord: firstRecord = newValue
      case .oneSecond: oneSecond = newValue
      case .tenSeconds: tenSeconds = newValue
      case .thirtySeconds: thirtySeconds = newValue
      }
    }
  }
}
