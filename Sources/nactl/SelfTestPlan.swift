// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ControlAPI

/// What a self-test does with a resistor in place of the cell: nothing flows, a current in each direction, and half the voltage
/// that the current made, held.
struct SelfTestPlan {
  /// One step and what should be measured in it.
  struct Step {
    /// Its label in the protocol, by which its records are found.
    var label: String
    /// What flows, if the resistor is what was said.
    var current_A: Double
    /// What lies over it.
    var voltage_V: Double
    /// As the protocol says it.
    fileprivate var text: String
  }

  var resistance_ohm: Double
  var current_A: Double
  var steps: [Step]
  private var window_V: ClosedRange<Double>
  private var readEvery_s: Double

  /// Seconds of each step.
  private static let length_s = 12.0
  /// Unless somebody says another current, it makes so many volts, and is at most half of what the instrument has.
  private static let usualVoltage_V = 0.5

  /// A plan for an instrument; throws when a resistor tells nothing of it, with the reason.
  init(resistance_ohm: Double, current_A: Double?, abilities: InstrumentAbilities) throws {
    let usual = min(Self.usualVoltage_V / resistance_ohm, abilities.maximum_current_A / 2)
    // Whole nanoamperes: what is asked for is what the protocol says.
    let current = ((current_A ?? usual) * 1e9).rounded() / 1e9
    let voltage = current * resistance_ohm
    guard current > 0, current <= abilities.maximum_current_A else {
      throw UsageFailure(
        code: "selftest.current", message: "the instrument's largest current is \(abilities.maximum_current_A) A",
        hint: "choose one up to that, well within what the resistor bears")
    }
    guard abilities.voltage_from_V < -1.2 * voltage, abilities.voltage_to_V > 1.2 * voltage else {
      throw UsageFailure(
        code: "selftest.voltage",
        message: "the current would make \(voltage) V, and the instrument works from \(abilities.voltage_from_V) V to "
          + "\(abilities.voltage_to_V) V",
        hint: "a resistor shows nothing where 0 V is no voltage of the instrument; otherwise choose less current")
    }
    self.resistance_ohm = resistance_ohm
    self.current_A = current
    window_V = -1.2 * voltage...1.2 * voltage
    readEvery_s = max(0.5, (abilities.shortest_reading_interval_s * 10).rounded(.up) / 10)
    steps = Self.steps(current, voltage, Set(abilities.step_kinds))
  }

  private static func steps(_ current: Double, _ voltage: Double, _ kinds: Set<String>) -> [Step] {
    let nanoamperes = "\(Int64((current * 1e9).rounded())) nA"
    let until = "\"until\": [\"step_time >= \(Int(length_s)) s\"]"
    var steps: [Step] = []
    if kinds.contains("rest") {
      steps.append(
        Step(label: "rest", current_A: 0, voltage_V: 0, text: "{\"rest\": \"\(Int(length_s)) s\", \"label\": \"rest\"}")
      )
    }
    if kinds.contains("constant_current") {
      for (word, sign) in [("charge", 1.0), ("discharge", -1.0)] {
        steps.append(
          Step(
            label: word, current_A: sign * current, voltage_V: sign * voltage,
            text: "{\"\(word)\": \"\(nanoamperes)\", \(until), \"label\": \"\(word)\"}"))
      }
    }
    if kinds.contains("constant_current_constant_voltage") {
      // A hold begins where the cell stands (hazard rule 9), so it is reached by a current.
      let microvolts = (voltage / 2 * 1e6).rounded()
      let held = "\"to\": \"\(Int64(microvolts)) uV\", \"hold_until\": [\"hold_time >= \(Int(length_s)) s\"]"
      steps.append(
        Step(
          label: "hold", current_A: current / 2, voltage_V: microvolts / 1e6,
          text: "{\"charge\": \"\(nanoamperes)\", \(held), \"until\": [\"step_time >= 1 min\"], \"label\": \"hold\"}"))
    }
    return steps
  }

  /// The protocol. A resistor has no role and no cycles.
  var protocolText: String {
    // What flows in all steps together, and as much again.
    let charge = Int64((current_A * Self.length_s * Double(steps.count) * 2 / 3600 * 1e6).rounded(.up))
    let largest = "\(Int64((current_A * 1.5 * 1e9).rounded())) nA"
    let (low, high) = (Int64(window_V.lowerBound * 1e6), Int64(window_V.upperBound * 1e6))
    return """
      {
        "nacycler_protocol": 1, "title": "self-test with a resistor of \(resistance_ohm) ohm",
        "cell": {"role": "no-cycles", "expect_open_circuit": {"from": "-50 mV", "to": "50 mV"}},
        "limits": {
          "voltage": {"min": "\(low) uV", "max": "\(high) uV", "for": "2 s"},
          "charge_current": {"max": "\(largest)", "for": "2 s"},
          "discharge_current": {"max": "\(largest)", "for": "2 s"},
          "half_cycle_charge": {"max": "\(charge) uAh"}
        },
        "record": {"every": "\(readEvery_s) s"},
        "on_interruption": {"resume_within": "1 min", "otherwise": "hold"},
        "steps": [\(steps.map(\.text).joined(separator: ", {\"rest\": \"3 s\"}, "))]
      }
      """
  }
}
