// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Names of columns as people, programs and instruments write them. A name is a quantity and a unit: `current_mA`,
// `Current / A` (Battery Data Format), `Current(mA)` (Neware, Arbin), `Current [A]`, `I/mA` (EC-Lab). A quantity that
// has a unit must say it: a current of unknown unit is no current.

/// A name, taken apart.
struct ColumnName: Sendable, Hashable {
  /// As it stands in the file, without quotes and spaces around it.
  let text: String
  /// Letters and digits of the quantity, in lower case.
  let quantity: String
  /// The unit in lower case, nil when the name has none. Empty for `1`.
  let unit: String?
  /// Whether the unit stood in square brackets.
  let isBracketed: Bool

  init(_ text: String) {
    self.text = text
    let lowered = Self.ascii(text.lowercased())
    var quantity = Substring(lowered)
    var unit: Substring?
    isBracketed = lowered.hasSuffix("]")
    if let end = lowered.last, end == ")" || end == "]", let open = lowered.lastIndex(of: end == ")" ? "(" : "[") {
      quantity = lowered[..<open]
      unit = lowered[lowered.index(after: open)...].dropLast()
    } else if let slash = lowered.lastIndex(of: "/") {
      quantity = lowered[..<slash]
      unit = lowered[lowered.index(after: slash)...]
    } else if let mark = lowered.lastIndex(where: { $0 == "_" || $0 == " " }),
      Self.isUnit(Self.spelled(lowered[lowered.index(after: mark)...]))
    {
      quantity = lowered[..<mark]
      unit = lowered[lowered.index(after: mark)...]
    }
    self.quantity = String(quantity.filter { $0.isLetter || $0.isNumber })
    self.unit = unit.map { Self.spelled($0) }
  }

  /// What the column is, or nil when it is none that is used or its unit does not belong to it.
  func column(isBattery: Bool) -> (column: Column, scale: ColumnScale, rank: Int)? {
    if let unit, !unit.isEmpty, let scale = Self.timeUnits[unit], let place = Self.timesWithUnit[quantity] {
      return (place, scale, 1)
    }
    if unit == nil, let known = Self.unitsAsNames[quantity] { return (known.column, known.scale, 0) }
    if let place = Self.times[quantity], let scale = Self.timeUnits[unit ?? ""] {
      return (place.column, scale, place.rank)
    }
    if Self.currents.contains(quantity), let unit, let scale = Self.currentUnits[unit] { return (.current, scale, 0) }
    if let rank = Self.voltages.firstIndex(of: quantity), let unit, let scale = Self.voltageUnits[unit] {
      return (.voltage, scale, rank)
    }
    if let rank = Self.steps.firstIndex(of: quantity), unit == nil || unit == "" {
      // In the Battery Data Format this one counts the records of a step.
      return isBattery && quantity == "stepindex" ? nil : (.step, ColumnScale(), rank)
    }
    if let rank = Self.stepTypes.firstIndex(of: quantity), unit == nil || unit == "" {
      return (.stepType, ColumnScale(), rank)
    }
    if let unit, let scale = Self.chargeUnits[unit], let counter = counter() { return (counter.0, scale, counter.1) }
    return nil
  }

  private func counter() -> (Column, Int)? {
    if quantity == "capacity", isBracketed { return nil }
    // EC-Lab's dQ is that of a whole step, dq that of a record.
    if quantity == "dq", !text.hasPrefix("dq") { return nil }
    guard let entry = Self.counters[quantity] else { return nil }
    return (.counter(entry.kind, entry.side, isPrimary: entry.isPrimary), entry.rank)
  }
}

// MARK: - What is known

extension ColumnName {
  private static let times: [String: (column: Column, rank: Int)] = [
    "testtime": (.time, 0), "totaltime": (.time, 1), "cumulativetime": (.time, 2), "elapsedtime": (.time, 3),
    "runtime": (.time, 4), "time": (.time, 5), "t": (.time, 6), "steptime": (.stepTime, 0),
    "relativetime": (.stepTime, 1),
    "recordtime": (.stepTime, 2), "unixtime": (.unixTime, 0),
    // BaSyTec.
    "tstep": (.stepTime, 1),
    // Neware in Chinese: time of the test, all time, time of the step, time since its beginning.
    "测试时间": (.time, 0), "总时间": (.time, 1), "时间": (.time, 5), "工步时间": (.stepTime, 0), "相对时间": (.stepTime, 1),
  ]
  /// Names that are a time only where a unit says so: `Test (Sec)` and `Step (Sec)` of Maccor.
  private static let timesWithUnit: [String: Column] = ["test": .time, "step": .stepTime]
  /// Units that stand for what they measure: `Amps`, `Volts` and `mAmps` of Maccor.
  private static let unitsAsNames: [String: (column: Column, scale: ColumnScale)] = [
    "amps": (.current, ColumnScale()), "amperes": (.current, ColumnScale()), "mamps": (.current, ColumnScale(-3)),
    "volts": (.voltage, ColumnScale()), "mvolts": (.voltage, ColumnScale(-3)),
  ]
  private static let currents: Set<String> = ["current", "i", "cur", "iwe", "cellcurrent", "电流"]
  private static let voltages = [
    "voltage", "ecell", "ewe", "cellvoltage", "potential", "volt", "ewece", "e", "v", "u", "电压",
  ]
  private static let steps = [
    "stepcount", "stepindex", "step", "stepnumber", "stepno", "stepid", "ns", "工步序号", "工步号", "步次",
  ]
  private static let stepTypes = ["steptype", "stepname", "工步类型", "工步名称", "command", "status", "state", "md", "状态"]

  private static let counters:
    [String: (kind: ChargeCounter.Kind, side: ChargeCounter.Side, isPrimary: Bool, rank: Int)] = [
      // Battery Data Format.
      "chargingcapacity": (.total, .charge, true, 0), "dischargingcapacity": (.total, .discharge, true, 0),
      "stepchargingcapacity": (.step, .charge, true, 1), "stepdischargingcapacity": (.step, .discharge, true, 1),
      "cyclechargingcapacity": (.total, .charge, true, 2), "cycledischargingcapacity": (.total, .discharge, true, 2),
      "netcapacity": (.total, .net, true, 5), "stepnetcapacity": (.step, .net, true, 6),
      // Our own export.
      "stepcharge": (.step, .net, true, 6),
      // Arbin.
      "chargecapacity": (.total, .charge, true, 3), "dischargecapacity": (.total, .discharge, true, 3),
      // Neware.
      "capacity": (.step, .magnitude, true, 7), "cap": (.step, .magnitude, true, 7), "容量": (.step, .magnitude, true, 7),
      "充电容量": (.total, .charge, true, 4), "放电容量": (.total, .discharge, true, 4), "chgcap": (.total, .charge, true, 4),
      "dchgcap": (.total, .discharge, true, 4), "capacitychg": (.total, .charge, true, 4),
      "capacitydchg": (.total, .discharge, true, 4), "capacitancechg": (.total, .charge, true, 4),
      "capacitancedchg": (.total, .discharge, true, 4),
      // EC-Lab: what flowed since the record before.
      "dq": (.increment, .net, true, 6),
      // Copies of an instrument's counter in a plain table: no format says what they count from, so they only check.
      "qcinst": (.total, .charge, false, 20), "qdinst": (.total, .discharge, false, 20),
      "qstepinst": (.step, .magnitude, false, 21), "dqinst": (.increment, .net, false, 22),
    ]

  private static let timeUnits: [String: ColumnScale] = [
    // Without a unit a time is one of the form 1:02:03, or of seconds by the rules of `TableHeader`.
    "": ColumnScale(), "s": ColumnScale(), "sec": ColumnScale(), "sec.": ColumnScale(), "second": ColumnScale(),
    "seconds": ColumnScale(),
    "ms": ColumnScale(-3), "us": ColumnScale(-6), "min": ColumnScale(factor: 60), "minute": ColumnScale(factor: 60),
    "minutes": ColumnScale(factor: 60), "h": ColumnScale(factor: 3_600), "hr": ColumnScale(factor: 3_600),
    "hour": ColumnScale(factor: 3_600), "hours": ColumnScale(factor: 3_600), "d": ColumnScale(factor: 86_400),
    "day": ColumnScale(factor: 86_400), "days": ColumnScale(factor: 86_400), "h:min:s.ms": ColumnScale(),
    "h:m:s": ColumnScale(), "hh:mm:ss": ColumnScale(), "h:m:s.ms": ColumnScale(), "h:min:s": ColumnScale(),
  ]
  private static let currentUnits: [String: ColumnScale] = [
    "a": ColumnScale(), "ampere": ColumnScale(), "amp": ColumnScale(), "amps": ColumnScale(), "ma": ColumnScale(-3),
    "milliampere": ColumnScale(-3), "ua": ColumnScale(-6), "microampere": ColumnScale(-6), "na": ColumnScale(-9),
  ]
  private static let voltageUnits: [String: ColumnScale] = [
    "v": ColumnScale(), "volt": ColumnScale(), "volts": ColumnScale(), "mv": ColumnScale(-3),
    "millivolt": ColumnScale(-3), "uv": ColumnScale(-6),
  ]
  private static let chargeUnits: [String: ColumnScale] = [
    "ah": ColumnScale(factor: 3_600), "a.h": ColumnScale(factor: 3_600), "mah": ColumnScale(-3, factor: 3_600),
    "ma.h": ColumnScale(-3, factor: 3_600), "uah": ColumnScale(-6, factor: 3_600), "c": ColumnScale(),
    "mc": ColumnScale(-3),
  ]

  private static func isUnit(_ text: String) -> Bool {
    !text.isEmpty && (timeUnits[text] ?? currentUnits[text] ?? voltageUnits[text] ?? chargeUnits[text]) != nil
  }

  /// The wide signs of Chinese headings as the usual ones.
  private static func ascii(_ text: String) -> String {
    guard text.contains(where: { !$0.isASCII }) else { return text }
    return String(text.map { $0 == "（" ? "(" : $0 == "）" ? ")" : $0 == "／" ? "/" : $0 })
  }

  /// Both signs for micro as a u, without spaces; `1` as nothing.
  private static func spelled(_ unit: Substring) -> String {
    let plain = String(unit.map { $0 == "µ" || $0 == "μ" ? "u" : $0 }.filter { $0 != " " })
    return plain == "1" ? "" : plain
  }
}
