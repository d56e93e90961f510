// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// PyBaMM's experiment strings: "Discharge at C/20 for 10 hours or until 2.5 V (5 minute period)". PyBaMM reads them into
// its own signs (discharge positive); here the verb stays. The ends of a step are joined by "or"; a current end means
// the magnitude. What has only an `until` lasts 24 h at most there, or twice what its C-rate says, and then stops the
// experiment: here it holds the run.

import CyclerModel
import CyclingProtocol
import Quantities

/// Reads experiments of strings.
struct PyBaMMReader {
  private let bytes: [UInt8]
  private let lines: LineIndex
  private(set) var problems: [ProtocolProblem] = []
  private var plan = ForeignPlan(format: .pybamm)

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    lines = LineIndex(bytes)
  }

  mutating func read() -> ForeignPlan {
    let start = ProtocolExchange.withoutComments(bytes).first ?? 0
    if start == UInt8(ascii: "[") || start == UInt8(ascii: "(") || (0x30...0x39).contains(start) {
      do throws(PythonList.Fault) {
        plan.steps = steps(try PythonList.read(bytes), path: "").joiningHolds()
      } catch {
        problems.append(lines.site(error.offset, path: "").problem(error.message, hint: error.hint))
      }
    } else {
      plan.steps = readLines().joiningHolds()
    }
    if plan.steps.isEmpty, problems.isEmpty {
      problems.append(lines.site(0, path: "").problem("no step", hint: "write `Rest for 1 hour`"))
    }
    return plan
  }

  /// One step a line; quotes around it and a comma behind it are left over from Python.
  private mutating func readLines() -> [PlanStep] {
    var steps: [PlanStep] = []
    var offset = 0
    for (number, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
      var text = Substring(String(decoding: line, as: UTF8.self).trimmed)
      if text.hasSuffix(",") { text = text.dropLast() }
      if text.count > 1, let quote = text.first, quote == "\"" || quote == "'", text.last == quote {
        text = text.dropFirst().dropLast()
      }
      if !text.isEmpty, !text.hasPrefix("#"), let step = step(String(text), offset, path: "line \(number + 1)") {
        steps.append(step)
      }
      offset += line.count + 1
    }
    return steps
  }

  private mutating func steps(_ values: [PythonList.Value], path: String) -> [PlanStep] {
    var found: [PlanStep] = []
    for (index, value) in values.enumerated() {
      let place = "\(path)[\(index)]"
      switch value {
      case .text(let text, let offset): if let step = step(text, offset, path: place) { found.append(step) }
      case .list(let inner, _): found += [.loop(PlanLoop(passes: 1, label: nil, body: steps(inner, path: place)))]
      case .repeated(let inner, let times, _):
        // A list of one tuple, repeated: the tuple is the body.
        var body = steps(inner, path: path)
        if body.count == 1, case .loop(let only) = body[0], only.passes == 1 { body = only.body }
        found.append(.loop(PlanLoop(passes: times, label: nil, body: body)))
      }
    }
    return Self.joiningEqual(found)
  }

  /// The same cycle written out many times is a loop.
  private static func joiningEqual(_ steps: [PlanStep]) -> [PlanStep] {
    var joined: [PlanStep] = []
    for step in steps {
      if case .loop(let next) = step, case .loop(var last) = joined.last, next.body == last.body {
        last.passes += next.passes
        joined[joined.count - 1] = .loop(last)
      } else {
        joined.append(step)
      }
    }
    return joined
  }

  // MARK: One step

  private mutating func step(_ text: String, _ offset: Int, path: String) -> PlanStep? {
    do throws(StepFault) {
      return try Self.step(text)
    } catch {
      problems.append(lines.site(offset, path: path).problem("`\(text)`: \(error.message)", hint: error.hint))
      return nil
    }
  }

  private struct StepFault: Error {
    var message: String
    var hint: String
  }

  private static func step(_ written: String) throws(StepFault) -> PlanStep {
    var text = written.trimmed
    var every: TimeSpan?
    if let open = text.firstRange(of: " ("), text.hasSuffix(" period)") {
      every = try duration(String(text[open.upperBound...].dropLast(" period)".count)))
      text = String(text[..<open.lowerBound])
    }
    var end: String?
    if let until = text.firstRange(of: " until ") {
      end = String(text[until.upperBound...])
      text = String(text[..<until.lowerBound])
      if text.hasSuffix(" or") { text = String(text.dropLast(3)) }
      if let end, end.firstRange(of: " until ") != nil || end.firstRange(of: " for ") != nil {
        throw StepFault(message: "more than one `until`", hint: "write `for TIME or until VALUE`")
      }
    }
    var time: TimeSpan?
    if let span = text.firstRange(of: " for ") {
      time = try duration(String(text[span.upperBound...]))
      text = String(text[..<span.lowerBound])
    }
    guard time != nil || end != nil else {
      throw StepFault(message: "the step never ends", hint: "write `for 1 hour` or `until 2.5 V`")
    }
    return try step(text, time: time, end: try end.map { text throws(StepFault) in try Electric(text) }, every: every)
  }

  private static func step(
    _ text: String, time: TimeSpan?, end: Electric?, every: TimeSpan?
  ) throws(StepFault) -> PlanStep {
    if text == "Rest" {
      guard let time, end == nil else {
        throw StepFault(message: "a rest ends by a time only", hint: "write `Rest for 1 hour`")
      }
      return .rest(time, every: every)
    }
    guard let at = text.firstRange(of: " at ") else {
      throw StepFault(message: "not a step", hint: "write `Charge at …`, `Discharge at …`, `Hold at …` or `Rest for …`")
    }
    let value = try Electric(String(text[at.upperBound...]))
    if let law = value.law {
      switch text[..<at.lowerBound] {
      case "Charge": return .demand(try demand(.charge, law, time, end, every))
      case "Discharge": return .demand(try demand(.discharge, law, time, end, every))
      default: break
      }
    }
    switch text[..<at.lowerBound] {
    case "Charge": return .drive(try drive(.charge, value, time, end, every))
    case "Discharge": return .drive(try drive(.discharge, value, time, end, every))
    case "Hold": return .hold(try hold(value, time, end, every))
    case let verb:
      throw StepFault(message: "`\(verb)` is no step", hint: "Charge, Discharge, Hold and Rest are")
    }
  }

  private static func drive(
    _ direction: Direction, _ value: Electric, _ time: TimeSpan?, _ end: Electric?, _ every: TimeSpan?
  ) throws(StepFault) -> PlanDrive {
    guard let current = value.current else {
      if value.unit == .rate || value.unit == .amperes {
        throw StepFault(
          message: "a current is more than nothing, and no instrument has more than 1000 A",
          hint: "the verb says the direction")
      }
      let kind = value.unit == .volts ? "a voltage" : value.unit == .watts ? "such a power" : "such a resistance"
      throw StepFault(
        message: "\(kind) cannot be driven by `Charge` and `Discharge`",
        hint: value.unit == .volts ? "write `Hold at …`" : "write a value above nothing, like `5 W` or `4 Ohm`")
    }
    var drive = PlanDrive(direction: direction, current: current, time: time, every: every)
    if let end {
      guard let voltage = end.voltage else {
        throw StepFault(message: "a constant current does not end by a current", hint: "end it by a voltage or a time")
      }
      drive.voltage = voltage
    }
    return drive
  }

  private static func demand(
    _ direction: Direction, _ law: CurrentDemand.Law, _ time: TimeSpan?, _ end: Electric?, _ every: TimeSpan?
  ) throws(StepFault) -> PlanDemand {
    if direction == .charge, case .resistance = law {
      throw StepFault(message: "a resistance only discharges", hint: "charge at a current or a power")
    }
    var demand = PlanDemand(direction: direction, law: law, time: time, every: every)
    if let end {
      guard let voltage = end.voltage else {
        throw StepFault(
          message: "a constant power or resistance ends by a voltage or a time here", hint: "write `until 2.5 V`")
      }
      demand.voltage = voltage
    }
    return demand
  }

  private static func hold(
    _ value: Electric, _ time: TimeSpan?, _ end: Electric?, _ every: TimeSpan?
  ) throws(StepFault) -> PlanHold {
    guard let voltage = value.voltage else {
      throw StepFault(message: "only a voltage is held", hint: "write `Charge at …` or `Discharge at …`")
    }
    var hold = PlanHold(voltage: voltage, time: time, every: every)
    if let end {
      guard let current = end.current else {
        throw StepFault(message: "a hold ends by a current or a time", hint: "write `until C/50` or `until 10 mA`")
      }
      hold.current = current
    }
    return hold
  }

  private static func duration(_ text: String) throws(StepFault) -> TimeSpan {
    let text = text.trimmed
    let unit = text.reversed().prefix { $0.isLetter }
    let seconds: Int64? =
      switch String(unit.reversed()) {
      case "second", "seconds", "s", "sec": 1
      case "minute", "minutes", "m", "min": 60
      case "hour", "hours", "h", "hr": 3_600
      default: nil
      }
    guard let seconds, let number = Fraction(String(text.dropLast(unit.count)).trimmed),
      let count = number.times(Fraction(seconds))?.count(unitsInOne: 1_000_000),
      (1...PlanBounds.longestTime.count).contains(count)
    else { throw StepFault(message: "`\(text)` is no time", hint: "write `30 seconds`, `10 minutes` or `1 hour`") }
    return TimeSpan(count: count)
  }

  /// A number with a unit: `C/20`, `1C`, `5 A`, `200mW`, `4.2 V`, `4 Ohm`.
  private struct Electric {
    enum Unit { case rate, amperes, volts, watts, ohms }
    var unit: Unit
    var number: Fraction

    init(_ written: String) throws(StepFault) {
      let text = Substring(written.trimmed)
      if text.hasPrefix("<") || text.hasPrefix(">") {
        throw StepFault(
          message: "`\(written)` compares with PyBaMM's sign, in which discharging is positive",
          hint: "leave the operator out: the direction of the step says it")
      }
      let fault = StepFault(
        message: "`\(written)` is no value", hint: "write `C/20`, `0.5C`, `5 A`, `10 mA` or `4.2 V`")
      if text.hasPrefix("C/") {
        guard let hours = Fraction(String(text.dropFirst(2)).trimmed), let rate = hours.inverse, !rate.isNegative else {
          throw fault
        }
        (unit, number) = (.rate, rate)
        return
      }
      let units: [(String, Unit, Int64)] = [
        ("mA", .amperes, 1_000), ("mW", .watts, 1_000), ("mV", .volts, 1_000), ("Ohm", .ohms, 1), ("A", .amperes, 1),
        ("W", .watts, 1), ("V", .volts, 1), ("C", .rate, 1),
      ]
      guard let (symbol, unit, parts) = units.first(where: { text.hasSuffix($0.0) }),
        let number = Fraction(String(text.dropLast(symbol.count)).trimmed),
        let share = Fraction(1, over: Int128(parts)), let value = number.times(share)
      else { throw fault }
      (self.unit, self.number) = (unit, value)
    }

    /// A current that is more than nothing.
    var current: PlanCurrent? {
      guard !number.isNegative, !number.isZero else { return nil }
      switch unit {
      case .rate: return .rate(number)
      case .amperes:
        return number.count(unitsInOne: 1_000_000_000_000).flatMap {
          (1...PlanBounds.largestCurrent.count).contains($0) ? .amperes(Current(picoamperes: $0)) : nil
        }
      case .volts, .watts, .ohms: return nil
      }
    }

    /// A power or a resistance that is more than nothing, in whole smallest units.
    var law: CurrentDemand.Law? {
      guard !number.isNegative else { return nil }
      switch unit {
      case .watts:
        return number.count(unitsInOne: 1_000_000_000_000).flatMap { $0 > 0 ? .power(Power(count: $0)) : nil }
      case .ohms:
        return number.count(unitsInOne: 1_000_000).flatMap { $0 > 0 ? .resistance(Resistance(count: $0)) : nil }
      case .rate, .amperes, .volts: return nil
      }
    }

    var voltage: Voltage? {
      guard unit == .volts, let count = number.count(unitsInOne: 1_000_000_000),
        count.magnitude <= PlanBounds.largestVoltage.count.magnitude
      else { return nil }
      return Voltage(nanovolts: count)
    }
  }
}
