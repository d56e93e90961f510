// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ControlAPI

/// What a self-test does with a resistor in place of the cell: nothing flows, a current in each direction, and half the voltage
/// that the current made, held. An instrument that keeps no current sweeps the voltage that the current would make, both ways
/// through 0 V.
struct SelfTestPlan {
  /// One step and what should be measured in it.
  struct Step {
    /// Its label in the protocol, by which its records are found.
    var label: String
    /// What flows, if the resistor is what was said; in a sweep, at its ends.
    var current_A: Double
    /// What lies over it; in a sweep, at its upper end. The lower one is as far below 0 V.
    var voltage_V: Double
    /// Volts a second of a sweep; nil of a step in which the voltage stays.
    var rate_V_s: Double?
    /// How long it lasts, as far as current flows.
    fileprivate var length_s: Double
    /// As the protocol says it.
    fileprivate var text: String
  }

  var resistance_ohm: Double
  var current_A: Double
  var voltage_V: Double
  var steps: [Step]
  private var window_V: ClosedRange<Double>
  private var readEvery_s: Double

  /// Seconds of each step in which the voltage stays.
  private static let length_s = 8.0
  /// Seconds within which a current has reached the voltage that is held; over leads that touch it never does.
  private static let approach_s = 4.0
  /// Seconds of a sweep, unless that is faster than the language allows.
  private static let sweepLength_s = 20.0
  /// The fastest sweep of the language.
  private static let fastestSweep_V_s = 0.1
  /// Seconds between the records of a sweep, or as many as the instrument needs.
  private static let sweptRecordEvery_s = 0.1
  /// Unless somebody says another current, it makes so many volts, and is at most half of what the instrument has.
  private static let usualVoltage_V = 0.5
  /// The limits of the voltage lie so far beyond it, by its share and at least.
  private static let margin = (share: 0.2, least_V: 0.05)

  /// A plan for an instrument; throws when a resistor tells nothing of it, with the reason.
  init(resistance_ohm: Double, current_A: Double?, abilities: InstrumentAbilities) throws {
    let kinds = Set(abilities.step_kinds)
    guard !kinds.isDisjoint(with: ["constant_current", "voltage_sweep"]) else {
      let can = kinds.isEmpty ? "nothing" : kinds.sorted().joined(separator: ", ")
      throw UsageFailure(
        code: "selftest.kinds",
        message:
          "the instrument keeps no current and sweeps no voltage, so that nothing would be tested: it can do \(can)",
        hint: "compare a hold with a multimeter instead; `nactl instruments --abilities` shows what each can do")
    }
    let usual = min(Self.usualVoltage_V / resistance_ohm, abilities.maximum_current_A / 2)
    // Whole nanoamperes: what is asked for is what the protocol says.
    let current = ((current_A ?? usual) * 1e9).rounded() / 1e9
    let voltage = current * resistance_ohm
    guard current > 0, current <= abilities.maximum_current_A else {
      throw UsageFailure(
        code: "selftest.current", message: "the instrument's largest current is \(abilities.maximum_current_A) A",
        hint: "choose one up to that, well within what the resistor bears")
    }
    let limit = voltage + max(Self.margin.share * voltage, Self.margin.least_V)
    guard abilities.voltage_from_V < -limit, abilities.voltage_to_V > limit else {
      let knowsZero = abilities.voltage_from_V < 0 && abilities.voltage_to_V > 0
      throw UsageFailure(
        code: "selftest.voltage",
        message: "the current would make ±\(Numbers.scaled(voltage, "V")), and the instrument works from "
          + "\(abilities.voltage_from_V) V to \(abilities.voltage_to_V) V",
        hint: knowsZero
          ? "choose less current with --current"
          : "a resistor shows nothing of an instrument that does not work on both sides of 0 V: "
            + "compare it with a multimeter on a cell, docs/instruments.md says how")
    }
    self.resistance_ohm = resistance_ohm
    self.current_A = current
    voltage_V = voltage
    window_V = -limit...limit
    readEvery_s = max(0.5, (abilities.shortest_reading_interval_s * 10).rounded(.up) / 10)
    steps = Self.rest(kinds)
    if kinds.contains("constant_current") {
      steps += Self.driven(current, voltage, kinds)
    } else {
      steps += Self.swept(
        current, voltage, recordEvery_s: max(Self.sweptRecordEvery_s, abilities.shortest_reading_interval_s))
    }
  }

  private static func rest(_ kinds: Set<String>) -> [Step] {
    guard kinds.contains("rest") else { return [] }
    return [
      Step(
        label: "rest", current_A: 0, voltage_V: 0, length_s: 0,
        text: "{\"rest\": \"\(Int(length_s)) s\", \"label\": \"rest\"}")
    ]
  }

  private static func driven(_ current: Double, _ voltage: Double, _ kinds: Set<String>) -> [Step] {
    let amount = nanoamperes(current)
    let until = "\"until\": [\"step_time >= \(Int(length_s)) s\"]"
    var steps = [("charge", 1.0), ("discharge", -1.0)].map { word, sign in
      Step(
        label: word, current_A: sign * current, voltage_V: sign * voltage, length_s: length_s,
        text: "{\"\(word)\": \"\(amount)\", \(until), \"label\": \"\(word)\"}")
    }
    if kinds.contains("constant_current_constant_voltage") {
      // A hold begins where the cell stands (hazard rule 9), so it is reached by a current.
      let microvolts = (voltage / 2 * 1e6).rounded()
      let held = "\"to\": \"\(Int64(microvolts)) uV\", \"hold_until\": [\"hold_time >= \(Int(length_s)) s\"]"
      steps.append(
        Step(
          label: "hold", current_A: current / 2, voltage_V: microvolts / 1e6, length_s: length_s,
          text: "{\"charge\": \"\(amount)\", \(held), \"until\": [\"step_time >= \(Int(length_s + approach_s)) s\"], "
            + "\"label\": \"hold\"}"))
    }
    return steps
  }

  /// From 0 V to one end, through 0 V to the other, and then the other way round: each end is reached from 0 V and across it. A
  /// resistor falls back to 0 V between the two, where a sweep may begin.
  private static func swept(_ current: Double, _ voltage: Double, recordEvery_s: Double) -> [Step] {
    // Up, and as far down as up and back.
    let way_V = 3 * voltage
    let rate_V_s = max(1e-6, min(fastestSweep_V_s, way_V / sweepLength_s))
    let rate = "\(Int64((rate_V_s * 1e6).rounded())) uV/s"
    let end = Int64((voltage * 1e6).rounded())
    let record = "\"record\": {\"every\": \"\(Int64((recordEvery_s * 1_000).rounded(.up))) ms\"}"
    return [("sweep-up", 1), ("sweep-down", Int64(-1))].map { label, sign in
      Step(
        label: label, current_A: current, voltage_V: voltage, rate_V_s: rate_V_s, length_s: way_V / rate_V_s,
        text: "{\"sweep\": \"\(rate)\", \"to\": \"\(sign * end) uV\", \"back_to\": \"\(-sign * end) uV\", "
          + "\"current_at_most\": \"\(nanoamperes(1.4 * current))\", \(record), \"label\": \"\(label)\"}")
    }
  }

  private static func nanoamperes(_ current_A: Double) -> String { "\(Int64((current_A * 1e9).rounded())) nA" }

  /// The protocol. A resistor has no role and no cycles. Whatever goes wrong ends the run: nobody has to look after a resistor.
  var protocolText: String {
    // What flows in all steps together, and as much again.
    let length_s = max(Self.length_s, steps.map(\.length_s).reduce(0, +))
    let charge = Int64((current_A * length_s * 2 / 3600 * 1e6).rounded(.up))
    let largest = Self.nanoamperes(1.5 * current_A)
    let (low, high) = (Int64(window_V.lowerBound * 1e6), Int64(window_V.upperBound * 1e6))
    return """
      {
        "nacycler_protocol": 1, "title": "self-test with a resistor of \(resistance_ohm) ohm",
        "cell": {"role": "no-cycles", "expect_open_circuit": {"from": "-50 mV", "to": "50 mV"}},
        "limits": {
          "voltage": {"min": "\(low) uV", "max": "\(high) uV", "for": "2 s", "then": "end"},
          "charge_current": {"max": "\(largest)", "for": "2 s", "then": "end"},
          "discharge_current": {"max": "\(largest)", "for": "2 s", "then": "end"},
          "half_cycle_charge": {"max": "\(charge) uAh", "then": "end"}
        },
        "record": {"every": "\(readEvery_s) s"},
        "on_interruption": {"resume_within": "1 s", "otherwise": "end"},
        "steps": [\(steps.map(\.text).joined(separator: ", {\"rest\": \"3 s\"}, "))]
      }
      """
  }
}
