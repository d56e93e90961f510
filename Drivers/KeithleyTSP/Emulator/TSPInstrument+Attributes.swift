// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Attributes: what reading one gives, what setting one does, and which errors the instrument finds (error numbers 1101 and
// 1102 by its manual; the words are ours).

extension TSPInstrument {
  /// Names in the global environment.
  mutating func furnish() {
    for (channel, name) in ["smua", "smub"].enumerated() { machine.setGlobal(name, .object(.smu, channel: channel)) }
    for object in [InstrumentObject.timer, .trigger, .errorqueue, .format, .localnode, .status, .script] {
      machine.setGlobal(object.rawValue, .object(object, channel: 0))
    }
    for name in ["display", "beeper"] { machine.setGlobal(name, .object(.panel, channel: 0)) }
    for command in [InstrumentCommand.print, .delay, .reset, .waitcomplete, .exit] {
      machine.setGlobal(command.rawValue, .command(command, channel: 0))
    }
    var libraries: [String: Int] = [:]
    for function in LuaLibrary.allCases {
      let parts = function.rawValue.split(separator: ".").map(String.init)
      guard parts.count == 2 else {
        machine.setGlobal(parts[0], .library(function))
        continue
      }
      guard let table = libraries[parts[0]] ?? (try? machine.newTable()) else { continue }
      libraries[parts[0]] = table
      machine.tables[table][.text(parts[1])] = .library(function)
      machine.setGlobal(parts[0], .table(table))
    }
    if case .table(let math) = machine.global("math") { machine.tables[math][.text("pi")] = .number(Double.pi) }
  }

  /// `reset()`: all channels and the formats; the memory of the language stays.
  mutating func reset() {
    for channel in meters.indices { resetChannel(channel) }
    kept = [:]
    precision = 6
  }

  /// `smuX.reset()`.
  mutating func resetChannel(_ channel: Int) {
    if !isIdleByFault(channel) { meters[channel].restoreSettings() }
  }

  private static let smuConstants: [String: Double] = [
    "OUTPUT_OFF": 0, "OUTPUT_ON": 1, "OUTPUT_HIGH_Z": 2, "OUTPUT_NORMAL": 0, "OUTPUT_ZERO": 1, "OUTPUT_DCAMPS": 0,
    "OUTPUT_DCVOLTS": 1, "SENSE_LOCAL": 0, "SENSE_REMOTE": 1, "AUTORANGE_OFF": 0, "AUTORANGE_ON": 1, "AUTOZERO_OFF": 0,
    "AUTOZERO_ONCE": 1, "AUTOZERO_AUTO": 2, "DISABLE": 0, "ENABLE": 1, "DELAY_OFF": 0, "DELAY_AUTO": -1,
    "SETTLE_SMOOTH": 0, "FILTER_OFF": 0, "FILTER_ON": 1,
  ]
  private static let keptNames: [InstrumentObject: Set<String>] = [
    .source: ["delay", "settling", "highc", "lowrangei", "lowrangev", "limitp"],
    .measure: ["autozero", "count", "delay", "interval", "lowrangei", "lowrangev", "delayfactor"],
    .filter: ["enable", "type", "count"],
    .format: ["data", "byteorder"],
    .localnode: ["prompts", "prompts4882", "showerrors", "linefreq", "description"],
  ]

  // MARK: Reading

  /// What an attribute holds; nil for a name that the instrument does not know.
  func value(of object: InstrumentObject, _ channel: Int, _ key: String) -> LuaValue {
    switch object {
    case .smu: smuValue(channel, key)
    case .source: sourceValue(channel, key)
    case .measure: measureValue(channel, key)
    case .timer:
      key == "measure" ? .object(.timerMeasure, channel: 0) : key == "reset" ? .command(.resetTimer, channel: 0) : .none
    case .timerMeasure: key == "t" ? .command(.readTimer, channel: 0) : .none
    case .trigger:
      key == "wait"
        ? .command(.waitForTrigger, channel: 0) : key == "clear" ? .command(.clearTrigger, channel: 0) : .none
    case .errorqueue:
      switch key {
      case "count": .number(Double(errors.count))
      case "next": .command(.nextError, channel: 0)
      case "clear": .command(.clearErrors, channel: 0)
      default: .none
      }
    case .format:
      key == "ASCII"
        ? .number(1) : key == "asciiprecision" ? .number(Double(precision)) : keptValue(object, channel, key)
    case .localnode:
      switch key {
      case "model": .text(maker.split(separator: " ").last.map(String.init) ?? "")
      case "serialno": .text(serial)
      case "revision", "version": .text(firmware)
      default: keptValue(object, channel, key)
      }
    case .script: key == "run" || key == "anonymous" ? anonymous : .none
    case .panel: .command(.nothing, channel: 0)
    case .filter, .status: keptValue(object, channel, key)
    }
  }

  private func smuValue(_ channel: Int, _ key: String) -> LuaValue {
    switch key {
    case "source": .object(.source, channel: channel)
    case "measure": .object(.measure, channel: channel)
    case "sense": .number(meters[channel].hasRemoteSense ? 1 : 0)
    case "reset": .command(.resetChannel, channel: channel)
    default: Self.smuConstants[key].map { .number($0) } ?? .none
    }
  }

  private func sourceValue(_ channel: Int, _ key: String) -> LuaValue {
    if key == "compliance" { return .boolean(meters[channel].isLimited(cells[channel])) }
    return Self.sourceNumber(meters[channel], key).map { .number($0) } ?? keptValue(.source, channel, key)
  }

  private static func sourceNumber(_ meter: SourceMeterChannel, _ key: String) -> Double? {
    switch key {
    case "func": meter.sourcesCurrent ? 0 : 1
    case "output": meter.isOn ? 1 : 0
    case "offmode": Double(meter.offMode.rawValue)
    case "offfunc": meter.offSourcesCurrent ? 0 : 1
    case "offlimiti": meter.offCurrentLimit
    case "offlimitv": meter.offVoltageLimit
    case "leveli": meter.currentLevel
    case "levelv": meter.voltageLevel
    case "limiti": meter.currentLimit
    case "limitv": meter.voltageLimit
    case "rangei": meter.currentRange
    case "rangev": meter.voltageRange
    case "autorangei": meter.autoCurrentRange ? 1 : 0
    case "autorangev": meter.autoVoltageRange ? 1 : 0
    case "sink": meter.sinks ? 1 : 0
    default: nil
    }
  }

  private func measureValue(_ channel: Int, _ key: String) -> LuaValue {
    let meter = meters[channel]
    switch key {
    case "v": return .command(.measureVoltage, channel: channel)
    case "i": return .command(.measureCurrent, channel: channel)
    case "iv": return .command(.measureBoth, channel: channel)
    case "r": return .command(.measureResistance, channel: channel)
    case "p": return .command(.measurePower, channel: channel)
    case "nplc": return .number(meter.cycles)
    case "rangev": return .number(meter.measureVoltageRange)
    case "rangei": return .number(meter.measureCurrentRange)
    case "autorangev": return .number(meter.autoMeasureVoltage ? 1 : 0)
    case "autorangei": return .number(meter.autoMeasureCurrent ? 1 : 0)
    case "filter": return .object(.filter, channel: channel)
    default: return keptValue(.measure, channel, key)
    }
  }

  private func keptValue(_ object: InstrumentObject, _ channel: Int, _ key: String) -> LuaValue {
    guard Self.keptNames[object]?.contains(key) == true else { return .none }
    return kept["\(object.rawValue)\(channel).\(key)"] ?? .number(0)
  }

  // MARK: Setting

  /// Sets an attribute, or finds an error, which ends the chunk where the language would end it.
  mutating func set(_ object: InstrumentObject, _ channel: Int, _ key: String, _ value: LuaValue) {
    guard object != .panel, !ignored.contains("\(object.rawValue).\(key)") else { return }
    switch object {
    case .smu, .source, .measure, .filter: if isIdleByFault(channel) { return }
    default: break
    }
    if Self.keptNames[object]?.contains(key) == true {
      kept["\(object.rawValue)\(channel).\(key)"] = value
      return
    }
    let number: Double
    switch value {
    case .number(let given): number = given
    case .boolean(let given): number = given ? 1 : 0
    default: return fail(-286, "TSP Runtime error: `\(key)' needs a number, got \(value.typeName)")
    }
    let isKnown =
      switch object {
      case .smu: setSense(channel, key, number)
      case .source: setSource(channel, key, number)
      case .measure: setMeasure(channel, key, number)
      case .format: setFormat(key, number)
      default: false
      }
    if !isKnown { fail(-286, "TSP Runtime error: cannot set `\(key)' of `\(object.rawValue)'") }
  }

  private mutating func setSense(_ channel: Int, _ key: String, _ value: Double) -> Bool {
    guard key == "sense" else { return false }
    if let isRemote = flag(value) { meters[channel].hasRemoteSense = isRemote }
    return true
  }

  private mutating func setFormat(_ key: String, _ value: Double) -> Bool {
    guard key == "asciiprecision" else { return false }
    if (1...16).contains(value) { precision = Int(value) } else { complain(1101, "Parameter too big") }
    return true
  }

  /// A choice of two; an error for anything else.
  private mutating func flag(_ value: Double) -> Bool? {
    if value == 0 || value == 1 { return value == 1 }
    complain(1101, "Parameter too big")
    return nil
  }

  private mutating func setSource(_ channel: Int, _ key: String, _ value: Double) -> Bool {
    switch key {
    case "output": setOutput(channel, value)
    case "offmode":
      if let mode = SourceMeterChannel.OffMode(rawValue: Int(value)) {
        meters[channel].offMode = mode
      } else {
        complain(1101, "Parameter too big")
      }
    case "func":
      guard let isVoltage = flag(value) else { break }
      // Whether the output survives another function is not known: it is switched off.
      if meters[channel].sourcesCurrent == isVoltage { meters[channel].isOn = false }
      meters[channel].sourcesCurrent = !isVoltage
    case "offfunc": if let isVoltage = flag(value) { meters[channel].offSourcesCurrent = !isVoltage }
    case "sink": if let sinks = flag(value) { meters[channel].sinks = sinks }
    case "offlimiti": setLimit(channel, \.offCurrentLimit, value, atMost: 3.03)
    case "offlimitv": setLimit(channel, \.offVoltageLimit, value, atMost: 40.4)
    case "limiti": setLimit(channel, \.currentLimit, value, atMost: 3.03)
    case "limitv": setLimit(channel, \.voltageLimit, value, atMost: 40.4)
    case "leveli":
      setLevel(channel, \.currentLevel, value, \.currentRange, \.autoCurrentRange, SourceMeterChannel.currentRanges)
    case "levelv":
      setLevel(channel, \.voltageLevel, value, \.voltageRange, \.autoVoltageRange, SourceMeterChannel.voltageRanges)
    case "rangei": setRange(channel, \.currentRange, \.autoCurrentRange, value, SourceMeterChannel.currentRanges)
    case "rangev": setRange(channel, \.voltageRange, \.autoVoltageRange, value, SourceMeterChannel.voltageRanges)
    case "autorangei": if let isOn = flag(value) { meters[channel].autoCurrentRange = isOn }
    case "autorangev": if let isOn = flag(value) { meters[channel].autoVoltageRange = isOn }
    default: return false
    }
    return true
  }

  /// The relay takes its time; until then the output is as it was.
  private mutating func setOutput(_ channel: Int, _ value: Double) {
    guard [0, 1, 2].contains(value) else { return complain(1101, "Parameter too big") }
    meters[channel].isSentToHighImpedance = value == 2
    let isOn = value == 1
    guard meters[channel].isOn != isOn else { return }
    task = .switchOutput(until: startsAt + Self.relayTime, channel: channel, isOn: isOn)
  }

  private mutating func setLimit(
    _ channel: Int, _ place: WritableKeyPath<SourceMeterChannel, Double>, _ value: Double, atMost most: Double
  ) {
    if value.magnitude > most {
      complain(1101, "Parameter too big")
    } else if value == 0 {
      complain(1102, "Parameter too small")
    } else {
      meters[channel][keyPath: place] = value.magnitude
    }
  }

  private mutating func setLevel(
    _ channel: Int, _ place: WritableKeyPath<SourceMeterChannel, Double>, _ value: Double,
    _ range: WritableKeyPath<SourceMeterChannel, Double>, _ isAuto: WritableKeyPath<SourceMeterChannel, Bool>,
    _ ranges: [Double]
  ) {
    let needed = SourceMeterChannel.range(ranges, holding: value)
    guard let needed, meters[channel][keyPath: isAuto] || needed <= meters[channel][keyPath: range] else {
      return complain(1101, "Parameter too big")
    }
    if meters[channel][keyPath: isAuto] { meters[channel][keyPath: range] = needed }
    meters[channel][keyPath: place] = value
  }

  private mutating func setRange(
    _ channel: Int, _ place: WritableKeyPath<SourceMeterChannel, Double>,
    _ isAuto: WritableKeyPath<SourceMeterChannel, Bool>, _ value: Double, _ ranges: [Double]
  ) {
    guard let range = SourceMeterChannel.range(ranges, holding: value) else {
      return complain(1101, "Parameter too big")
    }
    meters[channel][keyPath: place] = range
    meters[channel][keyPath: isAuto] = false
  }

  private mutating func setMeasure(_ channel: Int, _ key: String, _ value: Double) -> Bool {
    switch key {
    case "nplc":
      if (0.001...25).contains(value) { meters[channel].cycles = value } else { complain(1101, "Parameter too big") }
    case "rangev":
      setRange(channel, \.measureVoltageRange, \.autoMeasureVoltage, value, SourceMeterChannel.voltageRanges)
    case "rangei":
      setRange(channel, \.measureCurrentRange, \.autoMeasureCurrent, value, SourceMeterChannel.currentRanges)
    case "autorangev": if let isOn = flag(value) { meters[channel].autoMeasureVoltage = isOn }
    case "autorangei": if let isOn = flag(value) { meters[channel].autoMeasureCurrent = isOn }
    default: return false
    }
    return true
  }
}
