// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What is measured by a 2450 and a 2460 and how, and where it is kept: `SENSe`, `READ?` and its like, `TRACe`.

import VirtualLab

extension KeithleyInstrument {
  /// `SENSe`, behind that word.
  mutating func interactiveSense(_ unit: ScpiUnit) -> Answer? {
    if unit.matches("COUNt") { return setting(unit, \.interactive.count, 1...300_000, standard: 1) }
    if unit.matches("AZERo:ONCE"), !unit.isQuery { return .done }
    if unit.matches("FUNCtion[:ON]") {
      if unit.isQuery { return .says(interactive.function.answer) }
      let name = (unit.parameters.first ?? "").split(separator: ":").first ?? ""
      guard let word = choice(String(name), InteractiveState.Function.allCases.map(\.keyword)),
        let function = InteractiveState.Function(rawValue: word)
      else { return .done }
      interactive.function = function
      return .done
    }
    guard let (function, below) = Self.function(of: unit) else { return nil }
    if below.matches("RANGe[:UPPer]") { return senseRange(below, function) }
    if below.matches("RANGe:AUTO") { return senseAutoRange(below, function) }
    return senseSwitches(below, function)
  }

  private mutating func senseSwitches(_ unit: ScpiUnit, _ function: InteractiveState.Function) -> Answer? {
    if unit.matches("NPLCycles") || unit.matches("NPLC") {
      return setting(unit, \.interactive[function].powerLineCycles, 0.01...10, standard: 1)
    }
    if unit.matches("RSENse") {
      let before = interactive[function].hasRemoteSense
      let answer = setting(unit, \.interactive[function].hasRemoteSense)
      if interactive[function].hasRemoteSense != before { meter.isOn = false }
      return answer
    }
    if unit.matches("AZERo[:STATe]") { return setting(unit, \.interactive[function].zeroes) }
    if unit.matches("AVERage[:STATe]") { return setting(unit, \.interactive[function].averages) }
    if unit.matches("AVERage:COUNt") {
      return setting(unit, \.interactive[function].averageCount, 1...100, standard: 10)
    }
    if unit.matches("AVERage:TCONtrol") {
      if unit.isQuery { return .says(interactive[function].averageType) }
      if let type = choice(unit.argument, ["REPeat", "MOVing"]) { interactive[function].averageType = type }
      return .done
    }
    if unit.matches("RELative") { return setting(unit, \.interactive[function].offset, -2e8...2e8, standard: 0) }
    if unit.matches("RELative:STATe") { return setting(unit, \.interactive[function].subtractsOffset) }
    if unit.matches("RELative:ACQuire"), !unit.isQuery {
      interactive[function].offset = observed(function).raw
      return .done
    }
    if unit.matches("UNIT"), function != .resistance {
      if unit.isQuery { return .says(interactive[function].unit) }
      let names: [Substring] = function == .current ? ["OHM", "WATT", "AMP"] : ["OHM", "WATT", "VOLT"]
      if let name = choice(unit.argument, names) { interactive[function].unit = name }
      return .done
    }
    return nil
  }

  private mutating func senseRange(_ unit: ScpiUnit, _ function: InteractiveState.Function) -> Answer {
    switch function {
    case .resistance:
      let answer = setting(unit, \.interactive[.resistance].range, 0...210e6, standard: 2e5)
      if !unit.isQuery { interactive[.resistance].choosesRange = false }
      return answer
    case .current, .voltage:
      let isCurrent = function == .current
      let ranges = isCurrent ? model.currentRanges : model.voltageRanges
      let most = 1.05 * (ranges.last ?? 0)
      if unit.isQuery {
        return setting(
          unit, isCurrent ? \.meter.senseCurrentRange : \.meter.senseVoltageRange, 0...most, standard: ranges[0])
      }
      guard let asked = parameter(unit.argument, -most...most, standard: ranges[0]),
        let range = SourceMeter.range(ranges, holding: asked)
      else { return .done }
      if isCurrent {
        meter.senseCurrentRange = range
        meter.choosesSenseRange.current = false
      } else {
        meter.senseVoltageRange = range
        meter.choosesSenseRange.voltage = false
      }
      return .done
    }
  }

  private mutating func senseAutoRange(_ unit: ScpiUnit, _ function: InteractiveState.Function) -> Answer {
    switch function {
    case .current: setting(unit, \.meter.choosesSenseRange.current)
    case .voltage: setting(unit, \.meter.choosesSenseRange.voltage)
    case .resistance: setting(unit, \.interactive[.resistance].choosesRange)
    }
  }

  // MARK: Measuring

  /// What a function finds at this moment: before and after offset and straight line; and what the source does.
  private func observed(
    _ function: InteractiveState.Function
  ) -> (raw: Double, reading: Double, source: Double, status: Int) {
    let found = meter.observe(cell)
    let (volts, amperes) = shown(found)
    let ratio = amperes == 0 ? SourceMeter.overflow : volts / amperes
    let isClipped = max(volts, amperes) >= SourceMeter.overflow
    let sense = interactive[function]
    let raw: Double =
      switch (function, sense.unit) {
      case (.resistance, _), (_, "OHM"): isClipped ? SourceMeter.overflow : ratio
      case (_, "WATT"): isClipped ? SourceMeter.overflow : volts * amperes
      case (.current, _): amperes
      case (.voltage, _): volts
      }
    var reading = raw
    if raw != SourceMeter.overflow {
      if sense.subtractsOffset { reading -= sense.offset }
      if sense.calculates { reading = reading * sense.factor + sense.summand }
    }
    let isCurrent = meter.function == .current
    let readsBack = isCurrent ? interactive.readsBack.current : interactive.readsBack.voltage
    let source = readsBack ? (isCurrent ? amperes : volts) : isCurrent ? meter.currentLevel : meter.voltageLevel
    // Constants of the maker's scripting language: 4 protection, 8 read back, 32 limit, 64 four wires, 128 output.
    let status =
      (found.isProtected ? 4 : 0) | (readsBack ? 8 : 0) | (found.isLimited ? 32 : 0)
      | (sense.hasRemoteSense && meter.isOn ? 64 : 0) | (meter.isOn ? 128 : 0)
    return (raw, reading, source, status)
  }

  /// Takes as many measurements as are asked for at once; the last is what this moment shows.
  private mutating func measure(_ count: Int, into name: String) {
    let function = interactive.function
    let found = observed(function)
    let duration = secondsOfMeasurement(function)
    var entry = ReadingBuffer.Entry(
      reading: found.reading, source: found.source, time: time, sourceStatus: found.status,
      status: interactive.usesRearTerminals ? 0 : 8, unit: interactive[function].unit,
      sourceUnit: meter.function == .current ? "AMP" : "VOLT")
    for index in 0..<count {
      entry.time = time - Double(count - 1 - index) * duration
      interactive.buffers[name]?.add(entry)
    }
  }

  /// `READ?`, `MEASure?`, `FETCh?`, and the trigger model's simple loop.
  mutating func acquisition(_ unit: ScpiUnit) -> Answer? {
    if unit.matches("ABORt"), !unit.isQuery { return .done }
    if let answer = simpleLoop(unit) { return answer }
    guard unit.isQuery else { return nil }
    let isFetch = unit.matches("FETCh")
    if let below = unit.below("MEASure") {
      if let (function, rest) = Self.function(of: below), rest.keywords.isEmpty {
        interactive.function = function
      } else if !below.keywords.isEmpty {
        return nil
      }
    } else if !isFetch, !unit.matches("READ") {
      return nil
    }
    let asked = unit.parameters
    guard let name = buffer(asked.first), let elements = elements(Array(asked.dropFirst())) else { return .done }
    if !isFetch { measure(interactive.count, into: name) }
    guard let last = interactive.buffers[name]?.last else {
      complain(-230, "Data corrupt or stale")
      return .done
    }
    return .says(elements.map { written($0, of: last, in: name) }.joined(separator: elementSeparator))
  }

  private mutating func simpleLoop(_ unit: ScpiUnit) -> Answer? {
    if unit.matches("INITiate[:IMMediate]"), !unit.isQuery {
      guard let loop = interactive.loop else {
        // The number of this event is not known.
        complain(-221, "Settings conflict; no trigger model is defined")
        return .done
      }
      measure(loop.count, into: loop.buffer)
      return .done
    }
    guard unit.matches("TRIGger:LOAD"), !unit.isQuery else { return nil }
    let asked = unit.parameters
    if asked.first?.uppercased() == "EMPTY" {
      interactive.loop = nil
      return .done
    }
    guard asked.first?.uppercased() == "SIMPLELOOP", asked.count > 1 else {
      complain(-224, "Illegal parameter value")
      return .done
    }
    guard let count = parameter(asked[1], 1...268_435_455, standard: 1), let name = buffer(asked.dropFirst(3).first)
    else { return .done }
    let delay = asked.count > 2 ? parameter(asked[2], 0...10_000, standard: 0) : 0
    if let delay { interactive.loop = (Int(count), delay, name) }
    return .done
  }

  // MARK: Buffers

  /// A buffer's name, the first where none is given; complains where there is none of that name.
  private mutating func buffer(_ name: String?) -> String? {
    let name = name ?? "defbuffer1"
    if interactive.buffers[name] != nil { return name }
    complain(-224, "Illegal parameter value; no such reading buffer")
    return nil
  }

  private static let elementNames: [Substring] = [
    "READing", "SOURce", "RELative", "SOURSTATus", "STATus", "SEConds", "FRACtional", "DATE", "TIME", "TSTamp", "UNIT",
    "SOURUNIT", "FORMatted", "SOURFORMatted",
  ]

  /// The elements of a list in their long forms, the reading where there is none; complains of one that there is not.
  private mutating func elements(_ asked: [String]) -> [Substring]? {
    guard !asked.isEmpty else { return ["READing"] }
    let names = asked.compactMap { word in
      Self.elementNames.first { ScpiUnit.isForm(word.uppercased(), of: $0) }
    }
    guard names.count == asked.count, names.count <= 14 else {
      complain(1_133, "Parameter 4, Syntax error, expected valid name parameters")
      return nil
    }
    return names
  }

  private func written(_ element: Substring, of entry: ReadingBuffer.Entry, in buffer: String) -> String {
    switch element {
    case "SOURce": formatted(entry.source)
    case "RELative": formatted(interactive.buffers[buffer]?.relative(entry) ?? 0)
    case "SOURSTATus": String(entry.sourceStatus)
    case "STATus": String(entry.status)
    case "SEConds": String(Calendar.epoch + Int(entry.time.rounded(.down)))
    case "FRACtional": formatted(entry.time - entry.time.rounded(.down))
    case "DATE": Calendar.date(entry.time)
    case "TIME": Calendar.timeOfDay(entry.time)
    case "TSTamp": Calendar.date(entry.time) + " " + Calendar.timeOfDay(entry.time)
    case "UNIT": entry.unit
    case "SOURUNIT": entry.sourceUnit
    case "FORMatted": formatted(entry.reading) + " " + entry.unit
    case "SOURFORMatted": formatted(entry.source) + " " + entry.sourceUnit
    default: formatted(entry.reading)
    }
  }

  /// `TRACe`, behind that word.
  mutating func trace(_ unit: ScpiUnit) -> Answer? {
    let asked = unit.parameters
    if unit.matches("DATA"), unit.isQuery { return traceData(asked) }
    if unit.matches("MAKE"), !unit.isQuery { return makeBuffer(asked) }
    if unit.matches("POINts") || unit.matches("FILL:MODE"), !unit.isQuery { return shapeBuffer(unit, asked) }
    guard let below = tracedBuffer(unit) else { return nil }
    guard let name = buffer(asked.first) else { return .done }
    switch below {
    case .clear: interactive.buffers[name]?.clear()
    case .clearStatistics: interactive.buffers[name]?.clearStatistics()
    case .trigger: measure(interactive.count, into: name)
    case .delete:
      if name.hasPrefix("defbuffer") {
        complain(-221, "Settings conflict; a default buffer cannot be deleted")
      } else {
        interactive.buffers[name] = nil
      }
    case .count: return .says(String(interactive.buffers[name]?.count ?? 0))
    case .first: return .says((interactive.buffers[name]?.count ?? 0) == 0 ? "0" : "1")
    case .capacity: return .says(String(interactive.buffers[name]?.capacity ?? 0))
    case .fill: return .says(interactive.buffers[name]?.fillsOnce == true ? "ONCE" : "CONT")
    case .statistic(let value): return .says(formatted(interactive.buffers[name].map { value($0.statistics) } ?? 0))
    }
    return .done
  }

  /// What is done with, or asked of, one buffer.
  private enum BufferAct {
    case clear, clearStatistics, trigger, delete, count, first, capacity, fill
    case statistic(@Sendable (ReadingBuffer.Statistics) -> Double)
  }

  private func tracedBuffer(_ unit: ScpiUnit) -> BufferAct? {
    if unit.isQuery {
      if unit.matches("ACTual") || unit.matches("ACTual:END") { return .count }
      if unit.matches("ACTual:STARt") { return .first }
      if unit.matches("POINts") { return .capacity }
      if unit.matches("FILL:MODE") { return .fill }
      guard let below = unit.below("STATistics") else { return nil }
      if below.matches("AVERage") { return .statistic { $0.mean } }
      if below.matches("MAXimum") { return .statistic { $0.count == 0 ? 0 : $0.most } }
      if below.matches("MINimum") { return .statistic { $0.count == 0 ? 0 : $0.least } }
      if below.matches("PK2Pk") { return .statistic { $0.count == 0 ? 0 : $0.most - $0.least } }
      if below.matches("STDDev") { return .statistic { $0.deviation } }
      return nil
    }
    if unit.matches("CLEar") { return .clear }
    if unit.matches("STATistics:CLEar") { return .clearStatistics }
    if unit.matches("TRIGger") { return .trigger }
    if unit.matches("DELete") { return .delete }
    return nil
  }

  private mutating func traceData(_ asked: [String]) -> Answer {
    guard asked.count >= 2 else {
      complain(-109, "Missing parameter")
      return .done
    }
    guard let name = buffer(asked.dropFirst(2).first), let elements = elements(Array(asked.dropFirst(3))),
      let buffer = interactive.buffers[name]
    else { return .done }
    guard let first = parameter(asked[0], 1...7e6, standard: 1), let last = parameter(asked[1], 1...7e6, standard: 1)
    else { return .done }
    guard first <= last, Int(last) <= buffer.count else {
      complain(-222, "Parameter data out of range")
      return .done
    }
    let parts = (Int(first)...Int(last)).flatMap { index in
      elements.map { written($0, of: buffer[index - 1], in: name) }
    }
    return .says(parts.joined(separator: elementSeparator))
  }

  private mutating func makeBuffer(_ asked: [String]) -> Answer {
    guard asked.count >= 2, let size = parameter(asked[1], 10...6_875_000, standard: 100) else {
      if asked.count < 2 { complain(-109, "Missing parameter") }
      return .done
    }
    guard interactive.buffers[asked[0]] == nil, !asked[0].isEmpty, interactive.buffers.count < 100 else {
      complain(-221, "Settings conflict; there is such a buffer")
      return .done
    }
    interactive.buffers[asked[0]] = ReadingBuffer(capacity: Int(size), fillsOnce: true)
    return .done
  }

  private mutating func shapeBuffer(_ unit: ScpiUnit, _ asked: [String]) -> Answer {
    guard let value = asked.first, let name = buffer(asked.dropFirst().first) else {
      if asked.isEmpty { complain(-109, "Missing parameter") }
      return .done
    }
    if unit.matches("POINts") {
      if let size = parameter(value, 10...6_875_000, standard: 100_000) { interactive.buffers[name]?.resize(Int(size)) }
    } else if let mode = choice(value, ["CONTinuous", "ONCE"]) {
      interactive.buffers[name]?.fillsOnce = mode == "ONCE"
      interactive.buffers[name]?.clear()
    }
    return .done
  }
}
