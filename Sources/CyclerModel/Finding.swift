// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What a reading was found guilty of, in numbers. Words are put together when somebody reads them: between a dangerous
// reading and the instrument's stop they would cost more than everything else.

public import Quantities

/// What was measured, and against what.
public enum Finding: Sendable, Hashable {
  /// Words that somebody else chose.
  case said(String)
  /// So many readings in a row were clipped by the range.
  case clipped(readings: Int)
  /// A current against the commanded direction.
  case againstDirection(Current, Direction)
  /// So many readings in a row lacked voltage or current while the circuit was closed.
  case blind(readings: Int)
  /// Another current than the one asked for, in so many readings in a row.
  case astray(Current, asked: Current, readings: Int)
  /// More current than a hold allows.
  case intoHold(Current, allowed: Current)
  /// More current than the limit.
  case currentAbove(Current, limit: Current)
  /// A voltage above the limit while charging.
  case chargedAbove(Voltage, limit: Voltage)
  /// A voltage below the limit while discharging.
  case dischargedBelow(Voltage, limit: Voltage)
  /// A voltage above the limit at open circuit.
  case restsAbove(Voltage, limit: Voltage)
  /// A voltage below the limit at open circuit.
  case restsBelow(Voltage, limit: Voltage)
  /// More charge than one half-cycle may move.
  case movedMore(Charge, limit: Charge)

  /// A temperature above the limit.
  case warmerThan(Temperature, limit: Temperature)
  /// A temperature below the limit.
  case colderThan(Temperature, limit: Temperature)

  /// In one sentence, with units.
  public var words: String {
    switch self {
    case .said(let words): words
    case .clipped(let readings): "\(readings) readings in a row were clipped by the range"
    case .againstDirection(let current, let direction):
      "\(current.shown()) flow, against the commanded direction (\(direction))"
    case .blind(let readings):
      "\(readings) readings in a row without voltage or current while the circuit is closed"
    case .astray(let current, let asked, let readings):
      "\(current.shown()) flow where \(asked.shown()) were asked for, in \(readings) readings in a row"
    case .intoHold(let current, let allowed): "\(current.shown()) flow into a hold that allows \(allowed.shown())"
    case .currentAbove(let current, let limit): "\(current.shown()), more than \(limit.shown())"
    case .chargedAbove(let voltage, let limit): "\(voltage.shown()) while charging, above \(limit.shown())"
    case .dischargedBelow(let voltage, let limit): "\(voltage.shown()) while discharging, below \(limit.shown())"
    case .restsAbove(let voltage, let limit): "\(voltage.shown()) at open circuit, above \(limit.shown())"
    case .restsBelow(let voltage, let limit):
      "\(voltage.shown()) at open circuit, below \(limit.shown()): stripped too far, a soft short or a lost contact"
    case .warmerThan(let temperature, let limit): "\(temperature.written) beside the cell, above \(limit.written)"
    case .colderThan(let temperature, let limit): "\(temperature.written) beside the cell, below \(limit.written)"
    case .movedMore(let charge, let limit): "the half-cycle moved \(charge.shown()), more than \(limit.shown())"
    }
  }
}
