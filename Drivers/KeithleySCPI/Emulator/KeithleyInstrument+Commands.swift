// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What each command does at a 2400. What a real one answers to a command that it does not know or cannot obey goes
// into its error queue, and the line goes on.

import VirtualLab

extension KeithleyInstrument {
  /// Carries out one unit; its answer, if it is a question that has one.
  mutating func carryOut(_ unit: ScpiUnit) -> String? {
    if !unit.isQuery, ignored.contains(unit.keywords.joined(separator: ":")) || isIdleByFault(unit) { return nil }
    if model.isInteractive, let answer = commandSet(unit) { return answer.text }
    if model.isInteractive, language == .scpi { return carryOutInteractive(unit) }
    if let answer = common(unit) { return answer.text }
    if let answer = system(unit) { return answer.text }
    if let answer = output(unit) { return answer.text }
    if let answer = source(unit) { return answer.text }
    if let answer = sense(unit) { return answer.text }
    complain(-113, "Undefined header")
    return nil
  }

  /// What a known unit says; nothing for a command.
  struct Answer {
    var text: String?
    static let done = Answer(text: nil)
    static func says(_ text: String) -> Answer { Answer(text: text) }
    static func says(_ value: Bool) -> Answer { Answer(text: value ? "1" : "0") }
    static func says(_ value: Double) -> Answer { Answer(text: KeithleyInstrument.written(value)) }
  }

  mutating func complain(_ number: Int, _ words: String) {
    if model.isInteractive {
      if errors.count < 1_000 { errors.append((number, "\(words);1;\(Calendar.stamp(time))")) }
      return
    }
    if errors.count < 10 { errors.append((number, words)) } else { errors[9] = (-350, "Queue overflow") }
  }

  /// `+3.700123E+00`: a sign, seven digits, an exponent of two.
  static func written(_ value: Double) -> String {
    guard value != 0 else { return "+0.000000E+00" }
    var exponent = 0
    var mantissa = value.magnitude
    while mantissa >= 10 {
      mantissa /= 10
      exponent += 1
    }
    while mantissa < 1 {
      mantissa *= 10
      exponent -= 1
    }
    var digits = Int((mantissa * 1e6).rounded())
    if digits >= 10_000_000 {
      digits /= 10
      exponent += 1
    }
    let text = String(digits)
    let power = String(exponent.magnitude)
    return (value < 0 ? "-" : "+") + text.prefix(1) + "." + text.dropFirst() + "E" + (exponent < 0 ? "-" : "+")
      + (power.count < 2 ? "0" : "") + power
  }

  mutating func number(_ unit: ScpiUnit) -> Double? {
    if let value = Double(unit.argument), value.isFinite { return value }
    complain(-104, "Data type error")
    return nil
  }

  mutating func truth(_ unit: ScpiUnit) -> Bool? {
    switch unit.argument.uppercased() {
    case "1", "ON": return true
    case "0", "OFF": return false
    default:
      complain(-104, "Data type error")
      return nil
    }
  }

  // MARK: Common, system

  private mutating func common(_ unit: ScpiUnit) -> Answer? {
    switch (unit.keywords.first ?? "", unit.isQuery) {
    case ("*CLS", false): errors = []
    case ("*RST", false): reset()
    case ("*ESE", false): if let value = number(unit) { eventEnable = Int(value) & 255 }
    case ("*ESE", true): return .says(String(eventEnable))
    case ("*OPC", true): return .says("1")
    case ("*IDN", true): return .says("\(maker),\(serial),\(model.firmware)")
    default: return nil
    }
    return .done
  }

  private mutating func system(_ unit: ScpiUnit) -> Answer? {
    if unit.matches("SYSTem:RSENse") {
      if unit.isQuery { return .says(meter.hasRemoteSense) }
      if let value = truth(unit) { meter.hasRemoteSense = value }
    } else if unit.matches("SYSTem:TIME"), unit.isQuery {
      return .says(time - clockZero)
    } else if unit.matches("SYSTem:TIME:RESet"), !unit.isQuery {
      clockZero = time
    } else if unit.matches("SYSTem:TIME:RESet:AUTO"), !unit.isQuery {
      _ = truth(unit)
    } else if unit.matches("SYSTem:ERRor"), unit.isQuery {
      guard !errors.isEmpty else { return .says("0,\"No error\"") }
      let (number, words) = errors.removeFirst()
      return .says((number > 0 ? "+" : "") + "\(number),\"\(words)\"")
    } else if unit.matches("FORMat[:DATA]"), !unit.isQuery {
      if unit.argument.uppercased().hasPrefix("ASC") == false { complain(701, "ASCII only with RS-232") }
    } else if unit.matches("FORMat:ELEMents") {
      if unit.isQuery { return .says(elements.joined(separator: ",")) }
      let asked = unit.argument.uppercased().split(separator: ",").map { String($0.prefix(4)) }
      // Whatever the order of the words, the elements come in that of the manual.
      elements = ["VOLT", "CURR", "RES", "TIME", "STAT"].filter { asked.contains($0) }
    } else if unit.matches("ARM:COUNt") || unit.matches("TRIGger:COUNt") {
      if unit.isQuery { return .says("1") }
      _ = number(unit)
    } else {
      return nil
    }
    return .done
  }

  // MARK: Output, measurement

  private mutating func output(_ unit: ScpiUnit) -> Answer? {
    if unit.matches("OUTPut[:STATe]") {
      if unit.isQuery { return .says(meter.isOn) }
      guard let value = truth(unit) else { return .done }
      if value, isInterlocked { complain(802, "OUTPUT blocked by output enable") } else { meter.isOn = value }
    } else if unit.matches("OUTPut:SMODe") {
      if unit.isQuery { return .says(meter.offState.rawValue) }
      let state = SourceMeter.OffState.allCases.first { unit.argument.uppercased().hasPrefix($0.rawValue) }
      if let state { meter.offState = state } else { complain(-224, "Illegal parameter value") }
    } else if unit.isMeasurement {
      return measure(unit)
    } else {
      return nil
    }
    return .done
  }

  /// `MEASure` is a choice of what is measured, with a range that fits, and a `READ` [M].
  private mutating func measure(_ unit: ScpiUnit) -> Answer {
    if let function = ["VOLT", "CURR"].first(where: { unit.keywords.last?.hasPrefix($0) == true }) {
      measured = [function]
      if function == "VOLT" {
        meter.senseVoltageRange = SourceMeter.range(SourceMeter.voltageRanges, holding: meter.voltageLimit) ?? 200
      } else {
        meter.senseCurrentRange = SourceMeter.range(SourceMeter.currentRanges, holding: meter.currentLimit) ?? 1
      }
    }
    guard meter.isOn else {
      complain(803, "Not permitted with OUTPUT off")
      return .done
    }
    return .says(reading())
  }

  /// What is not measured is told as it was set, where it was [M].
  private func reading() -> String {
    let found = shown(meter.measure(cell))
    let values = elements.map { element in
      switch element {
      case "VOLT":
        measured.contains("VOLT")
          ? found.volts : meter.function == .voltage ? meter.voltageLevel : SourceMeter.notANumber
      case "CURR":
        measured.contains("CURR")
          ? found.amperes : meter.function == .current ? meter.currentLevel : SourceMeter.notANumber
      case "TIME": time - clockZero
      case "STAT": Double(found.status)
      default: SourceMeter.notANumber
      }
    }
    return values.map { Self.written($0) }.joined(separator: ",")
  }

  // MARK: Source

  private mutating func source(_ unit: ScpiUnit) -> Answer? {
    if unit.matches("SOURce:CLEar:AUTO") {
      if unit.isQuery { return .says(clearsOutput) }
      if let value = truth(unit) { clearsOutput = value }
    } else if unit.matches("SOURce:FUNCtion[:MODE]") {
      if unit.isQuery { return .says(meter.function.rawValue) }
      guard let function = SourceMeter.Function(rawValue: String(unit.argument.uppercased().prefix(4))) else {
        complain(-224, "Illegal parameter value")
        return .done
      }
      // Another function switches the output off.
      if function != meter.function { meter.isOn = false }
      meter.function = function
    } else if unit.matches("SOURce:CURRent:MODE") || unit.matches("SOURce:VOLTage:MODE"), !unit.isQuery {
      if !unit.argument.uppercased().hasPrefix("FIX") { complain(-224, "Illegal parameter value") }
    } else if unit.matches("SOURce:CURRent:RANGe") {
      return set(unit, \.currentRange, among: SourceMeter.currentRanges)
    } else if unit.matches("SOURce:VOLTage:RANGe") {
      return set(unit, \.voltageRange, among: SourceMeter.voltageRanges)
    } else if unit.matches("SOURce:CURRent[:LEVel]") {
      return set(unit, \.currentLevel, atMost: meter.currentRange * 1.05)
    } else if unit.matches("SOURce:VOLTage[:LEVel]") {
      return set(unit, \.voltageLevel, atMost: meter.voltageRange * 1.05)
    } else {
      return nil
    }
    return .done
  }

  private mutating func set(
    _ unit: ScpiUnit, _ place: WritableKeyPath<SourceMeter, Double>, among ranges: [Double]
  ) -> Answer {
    if unit.isQuery { return .says(meter[keyPath: place]) }
    guard let value = number(unit) else { return .done }
    if let range = SourceMeter.range(ranges, holding: value) {
      meter[keyPath: place] = range
    } else {
      complain(-222, "Parameter data out of range")
    }
    return .done
  }

  private mutating func set(
    _ unit: ScpiUnit, _ place: WritableKeyPath<SourceMeter, Double>, atMost limit: Double
  ) -> Answer {
    if unit.isQuery { return .says(meter[keyPath: place]) }
    guard let value = number(unit) else { return .done }
    if value.magnitude <= limit * (1 + 1e-9) {
      meter[keyPath: place] = value
    } else {
      complain(-222, "Parameter data out of range")
    }
    return .done
  }

  // MARK: Sense

  private mutating func sense(_ unit: ScpiUnit) -> Answer? {
    if unit.matches("SENSe:FUNCtion:CONCurrent") {
      if unit.isQuery { return .says(isConcurrent) }
      if let value = truth(unit) { isConcurrent = value }
    } else if unit.matches("SENSe:FUNCtion:OFF"), !unit.isQuery {
      measured = measured.filter { !unit.argument.uppercased().contains($0) }
    } else if unit.matches("SENSe:FUNCtion[:ON]"), !unit.isQuery {
      // Concurrent functions are added to those there are; otherwise the last one takes their place.
      let asked = ["VOLT", "CURR"].filter { unit.argument.uppercased().contains($0) }
      measured = isConcurrent ? measured.union(asked) : Set(asked.suffix(1))
    } else if unit.matches("SENSe:AVERage[:STATe]"), !unit.isQuery {
      _ = truth(unit)
    } else if unit.matches("SENSe:VOLTage:NPLCycles") || unit.matches("SENSe:CURRent:NPLCycles")
      || unit.matches("SENSe:VOLTage:NPLC") || unit.matches("SENSe:CURRent:NPLC")
    {
      if unit.isQuery { return .says(cycles) }
      if let value = number(unit) { cycles = min(max(value, 0.01), 10) }
    } else if unit.matches("SENSe:VOLTage:PROTection") {
      return set(unit, \.voltageLimit, atMost: 210)
    } else if unit.matches("SENSe:CURRent:PROTection") {
      return set(unit, \.currentLimit, atMost: 1.05)
    } else if unit.matches("SENSe:VOLTage:RANGe") {
      return sense(unit, \.senseVoltageRange, limit: meter.voltageLimit, among: SourceMeter.voltageRanges)
    } else if unit.matches("SENSe:CURRent:RANGe") {
      return sense(unit, \.senseCurrentRange, limit: meter.currentLimit, among: SourceMeter.currentRanges)
    } else {
      return nil
    }
    return .done
  }

  /// A measuring range cannot lie above the limit's.
  private mutating func sense(
    _ unit: ScpiUnit, _ place: WritableKeyPath<SourceMeter, Double>, limit: Double, among ranges: [Double]
  ) -> Answer {
    if !unit.isQuery, let asked = Double(unit.argument), let range = SourceMeter.range(ranges, holding: asked),
      let most = SourceMeter.range(ranges, holding: limit), range > most
    {
      complain(824, "Cannot exceed compliance range")
      return .done
    }
    return set(unit, place, among: ranges)
  }
}
