// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What an instrument can do wrong while its line is sound: every byte is well formed, and what it says or does is not true.
// What a line does to bytes is a `LineFault`.

/// A way in which an instrument itself is wrong.
public enum Misbehaviour: Sendable, Hashable {
  /// It takes commands as it always does, acknowledges what it always acknowledges, and carries none out: not the one that
  /// closes a circuit, and not the one that opens it. What it tells of itself is true.
  case liar
  /// It refuses commands with its protocol's refusal.
  case refusing
  /// It goes on, and says again and again what it measured when this began.
  case frozenReading
  /// It measures, and judges by, other values than there are.
  case wrongValue(WrongValue)
  /// Its converters are at their ends.
  case overload
  /// What it says of voltage and current is no number.
  case notANumber

  /// Its name, as people write it.
  public var name: String {
    switch self {
    case .liar: "liar"
    case .refusing: "refusing"
    case .frozenReading: "frozen_reading"
    case .wrongValue: "wrong_value"
    case .overload: "overload"
    case .notANumber: "not_a_number"
    }
  }
}

/// By how much measured values are wrong: true value times a factor plus an offset.
public struct WrongValue: Sendable, Hashable {
  /// Times this.
  public var voltageFactor = 1.0
  /// Plus so many volts.
  public var voltageOffset = 0.0
  /// Times this.
  public var currentFactor = 1.0
  /// Plus so many amperes.
  public var currentOffset = 0.0
  /// Right values.
  public init() {}
}

/// What a meter that misbehaves makes of true values; for emulators.
public struct MeterFault: Sendable, Hashable {
  /// What is wrong.
  public let kind: Misbehaviour
  private let voltsAtBegin: Double
  private let amperesAtBegin: Double

  /// A fault that begins while a meter shows these values.
  public init(_ kind: Misbehaviour, volts: Double, amperes: Double) {
    self.kind = kind
    voltsAtBegin = volts
    amperesAtBegin = amperes
  }

  /// What it shows for so many volts.
  public func volts(_ real: Double) -> Double {
    switch kind {
    case .frozenReading: voltsAtBegin
    case .wrongValue(let wrong): real * wrong.voltageFactor + wrong.voltageOffset
    case .notANumber: .nan
    case .liar, .refusing, .overload: real
    }
  }

  /// What it shows for so many amperes.
  public func amperes(_ real: Double) -> Double {
    switch kind {
    case .frozenReading: amperesAtBegin
    case .wrongValue(let wrong): real * wrong.currentFactor + wrong.currentOffset
    case .notANumber: .nan
    case .liar, .refusing, .overload: real
    }
  }
}
