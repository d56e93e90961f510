// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// An experiment as the Python expression that stands between the brackets of `pybamm.Experiment(…)`.

import CyclerModel
import Quantities

/// Writes PyBaMM's experiment strings.
enum PyBaMMWriter {
  static func write(_ program: Program, _ steps: [PlanStep], _ export: inout ProgramExport) -> String {
    export.leaveOut("the limits of the run")
    if program.record.onVoltageChange != nil || program.record.onCurrentChangePartsPerMillion != nil
      || program.record.onChargeChange != nil
    {
      export.leaveOut("records at a change of voltage, current or charge")
    }
    return sum(steps, every: program.record.every) + "\n"
  }

  /// Lists with `+` between them.
  private static func sum(_ steps: [PlanStep], every: TimeSpan) -> String {
    var lists: [String] = []
    var plain: [String] = []
    func close() {
      if !plain.isEmpty { lists.append("[" + plain.joined(separator: ", ") + "]") }
      plain = []
    }
    for step in steps {
      guard case .loop(let loop) = step else {
        plain += words(step, every: every)
        continue
      }
      close()
      let hasLoops = loop.body.contains { if case .loop = $0 { true } else { false } }
      let body =
        hasLoops
        ? "(" + sum(loop.body, every: every) + ")"
        : "[(" + loop.body.flatMap { words($0, every: every) }.map { $0 + "," }.joined(separator: " ") + ")]"
      lists.append(loop.passes == 1 ? body : "\(body) * \(loop.passes)")
    }
    close()
    return lists.joined(separator: " + ")
  }

  private static func words(_ step: PlanStep, every: TimeSpan) -> [String] {
    switch step {
    case .rest(let time, let own): return [quoted("Rest for \(seconds(time))", own ?? every)]
    case .drive(let drive):
      guard case .amperes(let current) = drive.current else { return [] }
      let verb = drive.direction == .charge ? "Charge" : "Discharge"
      let text = "\(verb) at \(milli(current.count)) mA"
      let words = quoted(text + ends(drive.time, drive.voltage.map { "\(volts($0)) V" }), drive.every ?? every)
      return [words] + (drive.hold.map { [hold($0, every)] } ?? [])
    case .hold(let own): return [hold(own, every)]
    case .demand(let demand):
      let verb = demand.direction == .charge ? "Charge" : "Discharge"
      let text = "\(verb) at \(value(demand.law))"
      return [quoted(text + ends(demand.time, demand.voltage.map { "\(volts($0)) V" }), demand.every ?? every)]
    // Refused when the steps were made.
    case .sweep, .loop: return []
    }
  }

  private static func value(_ law: CurrentDemand.Law) -> String {
    switch law {
    case .power(let power): "\(decimal(power.count, 1_000_000_000_000)) W"
    case .resistance(let resistance): "\(decimal(resistance.count, 1_000_000)) Ohm"
    }
  }

  private static func hold(_ hold: PlanHold, _ every: TimeSpan) -> String {
    var least: String?
    if case .amperes(let current)? = hold.current { least = "\(milli(current.count)) mA" }
    return quoted("Hold at \(volts(hold.voltage)) V" + ends(hold.time, least), hold.every ?? every)
  }

  private static func ends(_ time: TimeSpan?, _ value: String?) -> String {
    let time = time.map { " for \(seconds($0))" }
    let until = value.map { " until \($0)" }
    return [time, until].compactMap { $0 }.joined(separator: time != nil && until != nil ? " or" : "")
  }

  private static func quoted(_ text: String, _ every: TimeSpan) -> String {
    every == TimeSpan(seconds: 60) ? "\"\(text)\"" : "\"\(text) (\(seconds(every)) period)\""
  }

  private static func seconds(_ time: TimeSpan) -> String { decimal(time.count, 1_000_000) + " seconds" }
  private static func milli(_ picoamperes: Int64) -> String { decimal(picoamperes, 1_000_000_000) }
  private static func volts(_ voltage: Voltage) -> String { decimal(voltage.count, 1_000_000_000) }

  private static func decimal(_ count: Int64, _ unitsInOne: Int64) -> String {
    Fraction(Int128(count), over: Int128(unitsInOne))?.decimal ?? "0"
  }
}
