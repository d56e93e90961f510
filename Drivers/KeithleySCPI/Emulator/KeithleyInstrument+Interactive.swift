// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The command tree of a 2450 and a 2460 in their own command set (Reference Manual of the 2461, their sister,
// sections 5 and 6; what clients for the 2450 send). Sweeps, pulses, configuration lists, digital lines and all of the
// trigger model but its simple loop are not here: they are undefined headers.

import VirtualLab

extension KeithleyInstrument {
  /// Carries out one unit in SCPI; its answer, if it is a question that has one.
  mutating func carryOutInteractive(_ given: ScpiUnit) -> String? {
    var unit = given
    // The first word of the measuring commands may be left out.
    let measuring: [Substring] = ["CURRent", "VOLTage", "RESistance", "FUNCtion", "COUNt", "AZERo"]
    if let first = unit.keywords.first, measuring.contains(where: { ScpiUnit.isForm(first, of: $0) }) {
      unit.keywords.insert("SENS", at: 0)
    }
    if let answer = interactiveCommon(unit) { return answer.text }
    if let answer = interactiveSystem(unit) { return answer.text }
    if let answer = interactiveOutput(unit) { return answer.text }
    if let below = unit.below("SOURce"), let answer = interactiveSource(below) { return answer.text }
    if let below = unit.below("SENSe"), let answer = interactiveSense(below) { return answer.text }
    if let below = unit.below("TRACe"), let answer = trace(below) { return answer.text }
    if let answer = acquisition(unit) { return answer.text }
    complain(-113, "Undefined header")
    return nil
  }

  /// Seconds that a unit takes.
  func interactiveDuration(of unit: ScpiUnit) -> Double {
    guard language == .scpi else { return unit.isMeasurement ? 2 * cycles / 50 + 0.012 : 0.001 }
    if unit.matches("OUTPut[:STATe]"), !unit.isQuery { return 0.01 }
    let function = unit.below("MEASure").flatMap { Self.function(of: $0)?.0 } ?? interactive.function
    let once = secondsOfMeasurement(function)
    if unit.isQuery, unit.below("READ") != nil || unit.below("MEASure") != nil {
      return once * Double(interactive.count)
    }
    if unit.matches("TRACe:TRIGger"), !unit.isQuery { return once * Double(interactive.count) }
    if unit.matches("INITiate[:IMMediate]"), let loop = interactive.loop {
      return (once + loop.delay) * Double(loop.count)
    }
    return 0.001
  }

  /// Seconds of one measurement: the source's and the function's own, and what the processor takes.
  func secondsOfMeasurement(_ function: InteractiveState.Function) -> Double {
    let readsBack = meter.function == .current ? interactive.readsBack.current : interactive.readsBack.voltage
    let sense = interactive[function]
    let repeats = sense.averages && sense.averageType == "REP" ? Double(sense.averageCount) : 1
    return (readsBack ? 2 : 1) * sense.powerLineCycles * repeats / 50 + 0.012
  }

  // MARK: Numbers

  /// `-1.375422E-11`: a sign where it is negative, one digit before the point, an exponent of two digits.
  static func scientific(_ value: Double, digits: Int) -> String {
    guard value != 0 else { return "0." + String(repeating: "0", count: max(1, digits - 1)) + "E+00" }
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
    var scale = 1.0
    for _ in 1..<max(digits, 2) { scale *= 10 }
    var count = Int((mantissa * scale).rounded())
    if Double(count) >= 10 * scale {
      count /= 10
      exponent += 1
    }
    let text = String(count)
    let power = String(exponent.magnitude)
    return (value < 0 ? "-" : "") + text.prefix(1) + "." + text.dropFirst() + "E" + (exponent < 0 ? "-" : "+")
      + (power.utf8.count < 2 ? "0" : "") + power
  }

  /// As measurements are written.
  func formatted(_ value: Double) -> String {
    Self.scientific(value, digits: interactive.precision == 0 ? 7 : interactive.precision)
  }

  /// A parameter within its bounds, or one of the three names; complains otherwise.
  mutating func parameter(_ text: String, _ bounds: ClosedRange<Double>, standard: Double) -> Double? {
    let word = text.uppercased()
    if ScpiUnit.isForm(word, of: "MINimum") { return bounds.lowerBound }
    if ScpiUnit.isForm(word, of: "MAXimum") { return bounds.upperBound }
    if ScpiUnit.isForm(word, of: "DEFault") { return standard }
    guard !text.isEmpty else {
      complain(-109, "Missing parameter")
      return nil
    }
    guard let value = Double(text), value.isFinite else {
      complain(-104, "Data type error")
      return nil
    }
    // The last digit of a decimal number is not the machine's.
    let slack = 1e-9 * max(bounds.lowerBound.magnitude, bounds.upperBound.magnitude)
    guard value >= bounds.lowerBound - slack, value <= bounds.upperBound + slack else {
      complain(-222, "Parameter data out of range")
      return nil
    }
    return value
  }

  /// A number that is set and asked for.
  mutating func setting(
    _ unit: ScpiUnit, _ path: WritableKeyPath<KeithleyInstrument, Double>, _ bounds: ClosedRange<Double>,
    standard: Double
  ) -> Answer {
    if unit.isQuery {
      let asked = unit.argument.isEmpty ? self[keyPath: path] : parameter(unit.argument, bounds, standard: standard)
      return asked.map { .says(Self.scientific($0, digits: 7)) } ?? .done
    }
    if let value = parameter(unit.argument, bounds, standard: standard) { self[keyPath: path] = value }
    return .done
  }

  /// A whole number that is set and asked for.
  mutating func setting(
    _ unit: ScpiUnit, _ path: WritableKeyPath<KeithleyInstrument, Int>, _ bounds: ClosedRange<Int>, standard: Int
  ) -> Answer {
    if unit.isQuery { return .says(String(self[keyPath: path])) }
    let wide = Double(bounds.lowerBound)...Double(bounds.upperBound)
    if let value = parameter(unit.argument, wide, standard: Double(standard)) {
      self[keyPath: path] = Int(value.rounded())
    }
    return .done
  }

  /// A switch that is set and asked for.
  mutating func setting(_ unit: ScpiUnit, _ path: WritableKeyPath<KeithleyInstrument, Bool>) -> Answer {
    if unit.isQuery { return .says(self[keyPath: path]) }
    if let value = truth(unit) { self[keyPath: path] = value }
    return .done
  }

  /// The word of a list that a parameter is, in its short form; complains otherwise.
  mutating func choice(_ text: String, _ names: [Substring]) -> String? {
    guard let name = names.first(where: { ScpiUnit.isForm(text.uppercased(), of: $0) }) else {
      complain(-224, "Illegal parameter value")
      return nil
    }
    return name.filter { $0.isUppercase || !$0.isLetter }
  }

  // MARK: Command sets

  /// `*LANG` is understood in all of them.
  mutating func commandSet(_ unit: ScpiUnit) -> Answer? {
    if unit.keywords == ["*LANG"] {
      if unit.isQuery { return .says(language.rawValue) }
      guard let next = Language(rawValue: unit.argument.uppercased()) else {
        complain(-224, "Illegal parameter value")
        return .done
      }
      interactive.nextLanguage = next
      return .done
    }
    return language == .tsp ? script(unit) : nil
  }

  /// A line of TSP: common commands that stand alone, and the two assignments that disconnect a cell.
  private mutating func script(_ unit: ScpiUnit) -> Answer {
    if unit.keywords.first?.first == "*", !unit.argument.contains(";"), let answer = interactiveCommon(unit) {
      return answer
    }
    let text = (unit.keywords.joined(separator: ":") + unit.argument).uppercased().filter { $0 != " " }
    switch text {
    case "SMU.SOURCE.OUTPUT=SMU.OFF", "SMU.SOURCE.OUTPUT=0": meter.isOn = false
    case "SMU.SOURCE.OUTPUT=SMU.ON", "SMU.SOURCE.OUTPUT=1": meter.isOn = true
    case "SMU.SOURCE.OFFMODE=SMU.OFFMODE_HIGHZ":
      if meter.function == .current {
        meter.offStates.current = .highImpedance
      } else {
        meter.offStates.voltage = .highImpedance
      }
    default: complain(-285, "TSP Syntax error at line 1: unexpected symbol")
    }
    return .done
  }

  // MARK: Common

  private mutating func interactiveCommon(_ unit: ScpiUnit) -> Answer? {
    switch (unit.keywords.first ?? "", unit.isQuery) {
    case ("*CLS", false): errors = []
    case ("*RST", false): reset()
    case ("*ESE", false):
      if let value = parameter(unit.argument, 0...255, standard: 0) { eventEnable = Int(value) }
    case ("*ESE", true): return .says(String(eventEnable))
    case ("*ESR", true):
      defer { interactive.events = 0 }
      return .says(String(interactive.events))
    case ("*SRE", false):
      if let value = parameter(unit.argument, 0...255, standard: 0) { interactive.serviceEnable = Int(value) }
    case ("*SRE", true): return .says(String(interactive.serviceEnable))
    case ("*STB", true): return .says(errors.isEmpty ? "0" : "4")
    case ("*OPC", false): interactive.events |= 1
    case ("*OPC", true): return .says("1")
    case ("*TST", true): return .says("0")
    case ("*WAI", false), ("*TRG", false): break
    case ("*IDN", true): return .says("\(maker),\(serial),\(model.firmware)")
    default: return nil
    }
    return .done
  }

  // MARK: System, format, status, display

  private mutating func interactiveSystem(_ unit: ScpiUnit) -> Answer? {
    if let below = unit.below("SYSTem") { return system(below: below) }
    if let below = unit.below("FORMat") { return format(below) }
    if let below = unit.below("STATus") { return status(below) }
    if let below = unit.below("CALCulate") { return calculation(below) }
    if let below = unit.below("DISPlay"), !below.isQuery,
      below.matches("CLEar") || below.matches("SCReen") || below.matches("USER:TEXT[:DATA]")
        || below.matches("USER2:TEXT[:DATA]") || below.matches("LIGHt:STATe")
    {
      return .done
    }
    if unit.matches("ROUTe:TERMinals") {
      if unit.isQuery { return .says(interactive.usesRearTerminals ? "REAR" : "FRON") }
      guard let place = choice(unit.argument, ["FRONt", "REAR"]) else { return .done }
      if (place == "REAR") != interactive.usesRearTerminals { meter.isOn = false }
      interactive.usesRearTerminals = place == "REAR"
      return .done
    }
    return nil
  }

  private mutating func system(below unit: ScpiUnit) -> Answer? {
    if unit.matches("ERRor[:NEXT]"), unit.isQuery { return .says(nextError.entry) }
    if unit.matches("ERRor:CODE[:NEXT]"), unit.isQuery { return .says(String(nextError.number)) }
    if unit.matches("EVENtlog:NEXT"), unit.isQuery { return .says(nextError.entry) }
    if unit.matches("ERRor:COUNt") || unit.matches("EVENtlog:COUNt"), unit.isQuery {
      return .says(String(errors.count))
    }
    if unit.matches("CLEar"), !unit.isQuery {
      errors = []
      return .done
    }
    if unit.matches("LFRequency"), unit.isQuery { return .says("50") }
    if unit.matches("VERSion"), unit.isQuery { return .says("1996.0") }
    if unit.matches("BEEPer[:IMMediate]"), !unit.isQuery { return beep(unit) }
    if unit.matches("TIME"), unit.isQuery {
      return .says(String(Calendar.epoch + Int(time.rounded(.down))))
    }
    return nil
  }

  private mutating func beep(_ unit: ScpiUnit) -> Answer {
    let asked = unit.parameters
    guard asked.count == 2 else {
      complain(-109, "Missing parameter")
      return .done
    }
    _ = parameter(asked[0], 20...8_000, standard: 1_000)
    _ = parameter(asked[1], 0.001...100, standard: 0.1)
    return .done
  }

  /// Takes the oldest entry out of the event log.
  private var nextError: (number: Int, entry: String) {
    mutating get {
      guard !errors.isEmpty else { return (0, "0,\"No error;0;0 0\"") }
      let (number, words) = errors.removeFirst()
      return (number, "\(number),\"\(words)\"")
    }
  }

  private mutating func format(_ unit: ScpiUnit) -> Answer? {
    if unit.matches("ASCii:PRECision") { return setting(unit, \.interactive.precision, 0...16, standard: 0) }
    guard unit.keywords.isEmpty || unit.matches("DATA") else { return nil }
    if unit.isQuery { return .says("ASC") }
    // Numbers as bytes are not written here.
    _ = choice(unit.argument, ["ASCii"])
    return .done
  }

  private mutating func status(_ unit: ScpiUnit) -> Answer? {
    if unit.matches("PRESet"), !unit.isQuery {
      interactive.enables = [:]
      return .done
    }
    if unit.matches("CLEar"), !unit.isQuery {
      errors = []
      return .done
    }
    for (name, key) in [("OPERation", "OPER"), ("QUEStionable", "QUES")] as [(Substring, String)] {
      guard let below = unit.below(name) else { continue }
      if below.matches("ENABle") {
        if below.isQuery { return .says(String(interactive.enables[key] ?? 0)) }
        if let value = parameter(below.argument, 0...65_535, standard: 0) { interactive.enables[key] = Int(value) }
        return .done
      }
      if below.isQuery, below.keywords.isEmpty || below.matches("EVENt") || below.matches("CONDition") {
        return .says("0")
      }
    }
    return nil
  }

  /// Of the calculations the straight line only.
  private mutating func calculation(_ unit: ScpiUnit) -> Answer? {
    guard let (function, below) = Self.function(of: unit), let math = below.below("MATH") else { return nil }
    if math.matches("STATe") || math.keywords.isEmpty {
      return setting(math, \.interactive[function].calculates)
    }
    if math.matches("MMFactor") { return setting(math, \.interactive[function].factor, -1e12...1e12, standard: 1) }
    if math.matches("MBFactor") { return setting(math, \.interactive[function].summand, -1e12...1e12, standard: 0) }
    if math.matches("FORMat") {
      if math.isQuery { return .says("MXB") }
      _ = choice(math.argument, ["MXB"])
      return .done
    }
    return nil
  }

  /// The measuring function that a header goes on with, and what is left of the header.
  static func function(of unit: ScpiUnit) -> (InteractiveState.Function, ScpiUnit)? {
    for function in InteractiveState.Function.allCases {
      if let below = unit.below(function.keyword) { return (function, below.below("DC") ?? below) }
    }
    return nil
  }
}
