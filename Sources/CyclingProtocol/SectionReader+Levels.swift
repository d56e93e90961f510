// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What a charge or discharge is driven by: a current, a power or a resistance, told by the unit of the verb's value.

import CyclerModel
import Quantities

extension SectionReader {
  /// The constant current of a step; or what its current follows from, and the most that may flow then.
  struct Level {
    var current: Sited<CurrentExpression>
    var share: Sited<MeasuredShare>?
    var law: Sited<CurrentDemand.Law>?
  }

  /// What the unit of a value says.
  private enum Driven {
    case current
    case power
    case resistance
  }

  mutating func readLevel(_ value: Field, _ fields: Fields, verb: String, _ direction: Direction?) -> Level? {
    if namesAShare(value) { return readMeasuredLevel(value, fields) }
    let law: CurrentDemand.Law?
    let noun: String
    switch driven(by: value) {
    case .current:
      if let extra = fields["current_at_most"] {
        report(
          extra, "`current_at_most` beside a constant current",
          hint: "leave it out: `\(verb)` says what flows, and `limits` watch over it")
      }
      return current(value).map { Level(current: $0) }
    case .power:
      noun = "power"
      law = magnitude(value, verb, as: Power.self).map { .power($0) }
    case .resistance:
      noun = "resistance"
      law = magnitude(value, verb, as: Resistance.self).map { .resistance($0) }
      if direction == .charge {
        report(
          value, "a resistance only discharges, so there is no `\(verb)` with it",
          hint: "`\(verb)` with a current or a power")
      }
    }
    for key in ["to", "hold_until"] {
      guard let extra = fields[key] else { continue }
      report(
        extra, "`\(key)` behind a constant \(noun) is not possible",
        hint: "end the step by a `voltage` in `until`, and `hold` that voltage in a step of its own")
    }
    let why = noun == "power" ? "it rises without end as the voltage falls" : "it rises with the voltage"
    let atMost = readMost(fields, "constant \(noun)", "follows the voltage, and \(why)")
    guard let law, let atMost else { return nil }
    return Level(current: atMost, law: Sited(value: law, site: site(value)))
  }

  /// A current that is a share of what a cycle shows.
  private mutating func readMeasuredLevel(_ value: Field, _ fields: Fields) -> Level? {
    let share = readShare(value, of: .current)
    let atMost = readMost(fields, "share of a capacity", "is not known before that is measured")
    guard let share, let atMost else { return nil }
    return Level(current: atMost, share: share)
  }

  /// A power asks for the more current, the nearer the voltage comes to 0 V.
  private mutating func readMost(_ fields: Fields, _ noun: String, _ why: String) -> Sited<CurrentExpression>? {
    if let field = fields["current_at_most"] { return current(field) }
    var place = fields.site
    place.path = Self.join(place.path, "current_at_most")
    report(
      place, "`current_at_most` is missing: the current of a \(noun) \(why)",
      hint: #"add "current_at_most": "1 mA""#)
    return nil
  }

  private mutating func magnitude<Quantity: WrittenQuantity>(
    _ field: Field, _ verb: String, as type: Quantity.Type
  ) -> Quantity? {
    guard let sited = quantity(field, as: type) else { return nil }
    if sited.value > .zero { return sited.value }
    if sited.value < .zero {
      report(
        field, "`\(sited.value.written)` has a sign; \(Quantity.noun) is a magnitude",
        hint: "the verb is the direction: `\(verb)` with `\((.zero - sited.value).written)`, or the opposite verb")
    } else {
      report(
        field, "`\(sited.value.written)` is no \(Quantity.noun.dropFirst(2))",
        hint: "write a positive value, or a `rest`")
    }
    return nil
  }

  /// A unit that is nearly one of a power or a resistance is left to their reader, who says the right one.
  private func driven(by value: Field) -> Driven {
    let unit = plainText(value)?.drop { "0123456789.- ".contains($0) }.lowercased() ?? ""
    if unit.hasSuffix("w") || unit.contains("w/") { return .power }
    // The second is the sign for ohm, the first the Greek letter.
    return unit.hasSuffix("ohm") || unit.contains("\u{3C9}") || unit.contains("\u{2126}") ? .resistance : .current
  }
}
