// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Output and source of a 2450 and a 2460: levels, ranges that are chosen by hand or by the instrument, limits, the
// overvoltage protection, and an off state for each function.

import VirtualLab

extension KeithleyInstrument {
  /// `OUTPut`.
  mutating func interactiveOutput(_ unit: ScpiUnit) -> Answer? {
    guard let below = unit.below("OUTPut") else { return nil }
    if below.keywords.isEmpty || below.matches("STATe") {
      if below.isQuery { return .says(meter.isOn) }
      guard let value = truth(below) else { return .done }
      // The number of this event is not known.
      if value, isInterlocked { complain(5_074, "Output blocked by interlock") } else { meter.isOn = value }
      return .done
    }
    if below.matches("INTerlock:TRIPped"), below.isQuery { return .says(!isInterlocked) }
    // Without a function it is that of both (2461 Reference Manual, 6-47).
    if below.matches("SMODe") {
      if below.isQuery { return .says(meter.offState.rawValue) }
      if let state = offState(below) { meter.offState = state }
      return .done
    }
    guard let (function, rest) = Self.function(of: below), function != .resistance, rest.matches("SMODe") else {
      return nil
    }
    let path: WritableKeyPath<SourceMeter.PerFunction<SourceMeter.OffState>, SourceMeter.OffState> =
      function == .current ? \.current : \.voltage
    if rest.isQuery { return .says(meter.offStates[keyPath: path].rawValue) }
    if let state = offState(rest) { meter.offStates[keyPath: path] = state }
    return .done
  }

  private mutating func offState(_ unit: ScpiUnit) -> SourceMeter.OffState? {
    choice(unit.argument, ["NORMal", "HIMPedance", "ZERO", "GUARd"]).flatMap { SourceMeter.OffState(rawValue: $0) }
  }

  /// `SOURce`, behind that word.
  mutating func interactiveSource(_ unit: ScpiUnit) -> Answer? {
    if unit.matches("FUNCtion[:MODE]") {
      if unit.isQuery { return .says(meter.function.rawValue) }
      guard let name = choice(unit.argument, ["CURRent", "VOLTage"]) else { return .done }
      let function = SourceMeter.Function(rawValue: name) ?? meter.function
      // Another function switches the output off (from memory).
      if function != meter.function { meter.isOn = false }
      meter.function = function
      return .done
    }
    guard let (function, below) = Self.function(of: unit), function != .resistance else { return nil }
    if below.keywords.isEmpty || below.matches("LEVel[:IMMediate][:AMPLitude]")
      || below.matches("IMMediate[:AMPLitude]") || below.matches("AMPLitude")
    {
      return level(below, function)
    }
    if below.matches("RANGe") { return sourceRange(below, function) }
    if below.matches("RANGe:AUTO") { return sourceAutoRange(below, function) }
    if let answer = limit(below, function) { return answer }
    return sourceSwitches(below, function)
  }

  private mutating func sourceSwitches(_ unit: ScpiUnit, _ function: InteractiveState.Function) -> Answer? {
    let isCurrent = function == .current
    if unit.matches("READ:BACK") {
      return setting(unit, isCurrent ? \.interactive.readsBack.current : \.interactive.readsBack.voltage)
    }
    if unit.matches("DELay:AUTO") {
      return setting(unit, isCurrent ? \.interactive.delaysItself.current : \.interactive.delaysItself.voltage)
    }
    if unit.matches("DELay") {
      let answer = setting(
        unit, isCurrent ? \.interactive.delays.current : \.interactive.delays.voltage, 0...10_000, standard: 0)
      if !unit.isQuery {
        if isCurrent { interactive.delaysItself.current = false } else { interactive.delaysItself.voltage = false }
      }
      return answer
    }
    if unit.matches("HIGH:CAPacitance") {
      return setting(
        unit, isCurrent ? \.interactive.isForHighCapacitance.current : \.interactive.isForHighCapacitance.voltage)
    }
    return nil
  }

  // MARK: Level and range

  private mutating func level(_ unit: ScpiUnit, _ function: InteractiveState.Function) -> Answer {
    let isCurrent = function == .current
    let ranges = isCurrent ? model.currentRanges : model.voltageRanges
    let isChosen = isCurrent ? meter.choosesRange.current : meter.choosesRange.voltage
    let most = 1.05 * (isChosen ? ranges.last ?? 0 : isCurrent ? meter.currentRange : meter.voltageRange)
    let before = isCurrent ? meter.currentLevel : meter.voltageLevel
    let answer = setting(unit, isCurrent ? \.meter.currentLevel : \.meter.voltageLevel, -most...most, standard: 0)
    let now = isCurrent ? meter.currentLevel : meter.voltageLevel
    if isChosen, now != before { chooseSourceRange(function) }
    return answer
  }

  /// The smallest range that holds the level.
  private mutating func chooseSourceRange(_ function: InteractiveState.Function) {
    if function == .current {
      meter.currentRange = SourceMeter.range(model.currentRanges, holding: meter.currentLevel) ?? meter.currentRange
    } else {
      meter.voltageRange = SourceMeter.range(model.voltageRanges, holding: meter.voltageLevel) ?? meter.voltageRange
    }
    keepLimitsWithinPower()
  }

  private mutating func sourceRange(_ unit: ScpiUnit, _ function: InteractiveState.Function) -> Answer {
    let isCurrent = function == .current
    let ranges = isCurrent ? model.currentRanges : model.voltageRanges
    let most = 1.05 * (ranges.last ?? 0)
    if unit.isQuery {
      return setting(unit, isCurrent ? \.meter.currentRange : \.meter.voltageRange, 0...most, standard: ranges[0])
    }
    guard let asked = parameter(unit.argument, -most...most, standard: ranges[0]),
      let range = SourceMeter.range(ranges, holding: asked)
    else { return .done }
    // A range that does not hold the level is not taken.
    guard (isCurrent ? meter.currentLevel : meter.voltageLevel).magnitude <= range * 1.05 * (1 + 1e-9) else {
      complain(-222, "Parameter data out of range")
      return .done
    }
    if isCurrent {
      meter.currentRange = range
      meter.choosesRange.current = false
    } else {
      meter.voltageRange = range
      meter.choosesRange.voltage = false
    }
    keepLimitsWithinPower()
    return .done
  }

  private mutating func sourceAutoRange(_ unit: ScpiUnit, _ function: InteractiveState.Function) -> Answer {
    let answer = setting(
      unit, function == .current ? \.meter.choosesRange.current : \.meter.choosesRange.voltage)
    if !unit.isQuery, function == .current ? meter.choosesRange.current : meter.choosesRange.voltage {
      chooseSourceRange(function)
    }
    return answer
  }

  /// A limit that the range cannot give is lowered, with a warning that is no error.
  private mutating func keepLimitsWithinPower() {
    meter.voltageLimit = min(meter.voltageLimit, model.largestVoltage(inCurrentRange: meter.currentRange))
    meter.currentLimit = min(meter.currentLimit, model.largestCurrent(inVoltageRange: meter.voltageRange))
  }

  // MARK: Limits

  private mutating func limit(_ unit: ScpiUnit, _ function: InteractiveState.Function) -> Answer? {
    switch function {
    case .current:
      guard let below = unit.below("VLIMit") else { return nil }
      if below.matches("TRIPped") || below.matches("LEVel:TRIPped"), below.isQuery {
        return .says(meter.function == .current && meter.observe(cell).isLimited)
      }
      guard below.keywords.isEmpty || below.matches("LEVel") else { return nil }
      let most = min(model.largestVoltage(inCurrentRange: meter.currentRange), meter.protection ?? .infinity)
      let least = max(
        model.voltageRanges[0], meter.choosesSenseRange.voltage ? 0 : leastShare * meter.senseVoltageRange)
      return setting(below, \.meter.voltageLimit, min(least, most)...most, standard: most)
    case .voltage:
      if let answer = protection(unit) { return answer }
      guard let below = unit.below("ILIMit") else { return nil }
      if below.matches("TRIPped") || below.matches("LEVel:TRIPped"), below.isQuery {
        return .says(meter.function == .voltage && meter.observe(cell).isLimited)
      }
      guard below.keywords.isEmpty || below.matches("LEVel") else { return nil }
      let most = model.largestCurrent(inVoltageRange: meter.voltageRange)
      let floor = model == .model2450 ? 1e-9 : 1e-6
      let least = max(floor, meter.choosesSenseRange.current ? 0 : leastShare * meter.senseCurrentRange)
      return setting(below, \.meter.currentLimit, min(least, most)...most, standard: 1.05e-4)
    case .resistance: return nil
    }
  }

  /// A limit is no less than this part of a measuring range that was chosen by hand (SPEC-2450: a tenth; 2461: a
  /// thousandth).
  private var leastShare: Double { model == .model2450 ? 0.1 : 0.001 }

  private mutating func protection(_ unit: ScpiUnit) -> Answer? {
    guard let below = unit.below("PROTection") else { return nil }
    if below.matches("TRIPped") || below.matches("LEVel:TRIPped"), below.isQuery {
      return .says(meter.observe(cell).isProtected)
    }
    guard below.keywords.isEmpty || below.matches("LEVel") else { return nil }
    if below.isQuery { return .says(meter.protection.map { "PROT\(Int($0))" } ?? "NONE") }
    let word = below.argument.uppercased()
    let levels: [Double] = [2, 5, 10, 20, 40, 60, 80] + (model == .model2450 ? [100, 120, 140, 160, 180] : [])
    if word == "NONE" {
      meter.protection = nil
    } else if let level = levels.first(where: { word == "PROT\(Int($0))" }) {
      meter.protection = level
      meter.voltageLimit = min(meter.voltageLimit, level)
    } else {
      complain(-224, "Illegal parameter value")
    }
    return .done
  }
}
