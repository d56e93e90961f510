// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Temperatures: between what a run may go on, and what a step waits for.

import CyclerModel
import Quantities

extension SectionReader {
  /// Colder or hotter stands no cell that is cycled; whoever writes more has another scale in mind.
  private static let coldest = Temperature(degrees: -100)
  private static let hottest = Temperature(degrees: 500)

  /// A temperature that a cell can have.
  mutating func temperature(_ field: Field) -> Sited<Temperature>? {
    guard let sited = quantity(field, as: Temperature.self) else { return nil }
    guard sited.value >= Self.coldest, sited.value <= Self.hottest else {
      report(
        field, "no cell is cycled at \(sited.value.written)",
        hint: "temperatures are in degrees Celsius, from \(Self.coldest.written) to \(Self.hottest.written)")
      return nil
    }
    return sited
  }

  /// `{"min": "55 degC", "max": "65 degC", "for": "10 s"}`, of which one of the first two may be left out.
  mutating func readTemperatureLimits(_ field: Field) -> TemperatureLimits? {
    guard let fields = object(field, what: "the limits of the temperature", known: ["min", "max", "for", "then"]) else {
      return nil
    }
    let low = fields["min"].map { temperature($0) }
    let high = fields["max"].map { temperature($0) }
    let tolerance = readTolerance(fields)
    let action = readAction(fields)
    guard low != nil || high != nil else {
      report(fields.site, "the limits of the temperature limit nothing", hint: #"add "max": "65 degC""#)
      return nil
    }
    guard let tolerance, low.map({ $0 != nil }) ?? true, high.map({ $0 != nil }) ?? true else { return nil }
    if let low = low ?? nil, let high = high ?? nil, low.value >= high.value {
      report(low.site, "the lower limit of the temperature is not below the upper", hint: "exchange `min` and `max`")
      return nil
    }
    return TemperatureLimits(
      min: (low ?? nil)?.value, max: (high ?? nil)?.value, tolerance: tolerance, action: action)
  }
}
