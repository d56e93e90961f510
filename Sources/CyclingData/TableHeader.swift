// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The heading of a table: which column is what, what separates the fields, which decimal mark they have. Instruments put
// lines of their own in front of it, so it is the first line that names a time, a current and a voltage.

/// The plan by which the lines of a table are read.
struct TableHeader: Sendable, Hashable {
  /// What is done with one field.
  struct Field: Sendable, Hashable {
    enum Action: UInt8, Sendable, Hashable {
      case skip, time, stepTime, current, voltage, step, stepType, firstCounter, secondCounter
    }
    var action = Action.skip
    var exponent = 0
    var factor = 1.0
    /// A number without colons has no unit here.
    var needsDuration = false
    var name = ""
  }

  /// Names of all columns.
  let names: [String]
  /// Up to the last one that is used.
  private(set) var fields: [Field]
  let delimiter: UInt8
  /// Fields that are empty in records and not in the lines of steps and cycles that Neware puts between them.
  private(set) var leadingEmpty: Int
  /// The same without layers.
  var withoutLayers: TableHeader {
    var flat = self
    flat.leadingEmpty = 0
    return flat
  }
  let hasStep: Bool
  let hasStepTime: Bool
  let hasStepType: Bool
  /// Time is to be put together from the steps' times.
  let buildsTime: Bool
  /// What the counters count; empty without one.
  let counters: [ChargeCounter]
  /// Whether the counters are the instrument's by the file's format, or copies that only check.
  let countersArePrimary: Bool
  /// Names of the counters' columns.
  let counterNames: [String]

  /// Gives each current the other sign.
  mutating func invertCurrent() {
    for index in fields.indices where fields[index].action == .current { fields[index].factor *= -1 }
  }

  private typealias Candidate = (index: Int, column: Column, scale: ColumnScale, rank: Int)

  /// Reads a line as a heading.
  /// - Returns: nil when it is none.
  init?(line: String, map: ColumnMap) throws(DataProblem) {
    var best: (names: [String], delimiter: Character, candidates: [Candidate])?
    for delimiter in [",", "\t", ";", "|"] as [Character] {
      let names = Self.names(line, delimiter)
      guard names.count > 1 else { continue }
      let candidates = try Self.candidates(names, map)
      if Self.isComplete(candidates), candidates.count > best?.candidates.count ?? 0 {
        best = (names, delimiter, candidates)
      }
    }
    guard let best, let delimiter = best.delimiter.asciiValue else { return nil }
    self.init(best.names, delimiter, best.candidates)
  }

  private init(_ names: [String], _ delimiter: UInt8, _ candidates: [Candidate]) {
    func best(_ column: Column) -> Candidate? {
      candidates.filter { $0.column == column }.min { $0.rank < $1.rank }
    }
    var fields = [Field](repeating: Field(), count: names.count)
    func use(_ candidate: Candidate?, as action: Field.Action) {
      guard let candidate else { return }
      let name = ColumnName(names[candidate.index])
      let isTime = action == .time || action == .stepTime
      fields[candidate.index] = Field(
        action: action, exponent: candidate.scale.exponent, factor: candidate.scale.factor,
        needsDuration: isTime && name.unit == nil && candidate.rank >= 0, name: names[candidate.index])
    }
    let stepTime = best(.stepTime)
    let time = best(.time) ?? best(.unixTime)
    use(time, as: .time)
    use(stepTime, as: .stepTime)
    use(best(.current), as: .current)
    use(best(.voltage), as: .voltage)
    use(best(.step), as: .step)
    use(best(.stepType), as: .stepType)
    hasStep = best(.step) != nil
    hasStepTime = stepTime != nil
    hasStepType = best(.stepType) != nil
    buildsTime = time == nil
    let leading = names.prefix { $0.isEmpty }.count
    leadingEmpty = leading
    let chosen = Self.counters(candidates, knowsSteps: hasStep || hasStepTime || hasStepType || leading > 0)
    use(chosen.first, as: .firstCounter)
    use(chosen.dropFirst().first, as: .secondCounter)
    counters = chosen.compactMap {
      if case .counter(let kind, let side, _) = $0.column { ChargeCounter(kind, side) } else { nil }
    }
    counterNames = chosen.map { names[$0.index] }
    if case .counter(_, _, let isPrimary)? = chosen.first?.column {
      countersArePrimary = isPrimary
    } else {
      countersArePrimary = false
    }
    self.names = names
    self.delimiter = delimiter
    let used = (fields.lastIndex { $0.action != .skip } ?? -1) + 1
    self.fields = Array(fields[..<used])
  }

  /// The names in a line, without quotes and spaces around them; a quoted one may hold the delimiter.
  static func names(_ line: String, _ delimiter: Character) -> [String] {
    var names: [String] = []
    var name = ""
    var isQuoted = false
    for character in line {
      if character == "\"" {
        isQuoted.toggle()
      } else if character == delimiter, !isQuoted {
        names.append(trimmed(name))
        name = ""
      } else {
        name.append(character)
      }
    }
    names.append(trimmed(name))
    return names
  }

  private static func trimmed(_ text: String) -> String {
    var name = text[...]
    while let first = name.first, first.isWhitespace || first == "\u{FEFF}" { name.removeFirst() }
    while let last = name.last, last.isWhitespace { name.removeLast() }
    return String(name)
  }

  private static func candidates(_ names: [String], _ map: ColumnMap) throws(DataProblem) -> [Candidate] {
    let parsed = names.map(ColumnName.init)
    let isBattery = names.contains { $0.contains(" / ") || $0 == "voltage_volt" || $0 == "current_ampere" }
    var found: [Candidate] = []
    for (index, name) in parsed.enumerated() {
      if let known = name.column(isBattery: isBattery) { found.append((index, known.column, known.scale, known.rank)) }
    }
    addOwnNames(parsed, to: &found)
    let hasStepType = found.contains { $0.column == .stepType }
    let hasTotal = found.contains { $0.column == .time && ($0.rank == 1 || $0.rank == 2) }
    let hasRecords = names.first?.isEmpty == true || parsed.contains { Self.newareRecords.contains($0.quantity) }
    let isNeware = hasStepType || hasRecords
    // Others mean something else by a capacity: that of a cycle, or one that discharging lowers again.
    if !hasRecords {
      found.removeAll { ["capacity", "cap", "容量"].contains(parsed[$0.index].quantity) && !isCheck($0.column) }
    }
    for (place, candidate) in found.enumerated() where candidate.column == .time && candidate.rank == 5 {
      // Neware calls the step's time plainly Time, and writes it in hours, minutes and seconds.
      let unit = parsed[candidate.index].unit
      let isStepTime = isNeware && (unit == nil && (hasTotal || hasStepType) || unit?.contains(":") == true)
      if isStepTime {
        found[place].column = .stepTime
        found[place].rank = 3
      }
    }
    // None of these lines need be the heading: a name that is missing is told when no line is.
    guard map.entries.allSatisfy({ names.contains($0.name) }) else { return [] }
    for entry in map.entries {
      guard let index = names.firstIndex(of: entry.name) else { continue }
      found.removeAll { $0.index == index || $0.column == entry.column }
      found.append((index, entry.column, entry.scale, -1))
    }
    return found
  }

  private static let newareRecords: Set<String> = [
    "datapoint", "recordid", "recordindex", "recordnumber", "数据序号", "记录序号", "记录号", "序号",
  ]

  private static func isCheck(_ column: Column) -> Bool {
    if case .counter(_, _, let isPrimary) = column { return !isPrimary }
    return true
  }

  /// Names that mean something only among the others of one program.
  private static func addOwnNames(_ parsed: [ColumnName], to found: inout [Candidate]) {
    func place(_ quantity: String) -> Int? { parsed.firstIndex { $0.quantity == quantity && $0.unit == nil } }
    // BaSyTec: the line of the program is the step; its State is a code, its Command a word.
    if place("dataset") != nil, let line = place("line") {
      found.append((line, .step, ColumnScale(), 0))
      found.removeAll { $0.column == .stepType && parsed[$0.index].quantity != "command" }
    }
    // Arbin as BEEP exports it (TRI-AMDD/beep, docs): seconds, amperes, volts and ampere-hours, without saying so.
    let plain = ["testtime", "steptime", "current", "voltage", "chargecapacity", "dischargecapacity"].map(place)
    guard place("datapoint") != nil, place("stepindex") != nil, let time = plain[0], let step = plain[1],
      let current = plain[2], let voltage = plain[3], let charge = plain[4], let discharge = plain[5]
    else { return }
    found.removeAll { $0.column == .time || $0.column == .stepTime }
    found += [
      (time, .time, ColumnScale(), -1), (step, .stepTime, ColumnScale(), -1), (current, .current, ColumnScale(), 0),
      (voltage, .voltage, ColumnScale(), 0),
      (charge, .counter(.total, .charge, isPrimary: true), ColumnScale(factor: 3_600), 3),
      (discharge, .counter(.total, .discharge, isPrimary: true), ColumnScale(factor: 3_600), 3),
    ]
  }

  private static func isComplete(_ candidates: [Candidate]) -> Bool {
    let columns = Set(candidates.map(\.column))
    let hasTime = columns.contains(.time) || columns.contains(.unixTime) || columns.contains(.stepTime)
    return hasTime && columns.contains(.current) && columns.contains(.voltage)
  }

  /// The counters that are used: of those of a format the best complete set, otherwise copies of them.
  private static func counters(_ candidates: [Candidate], knowsSteps: Bool) -> [Candidate] {
    let sets = Dictionary(grouping: candidates) { $0.rank }.values.compactMap { group -> [Candidate]? in
      var sides: [ChargeCounter.Side: Candidate] = [:]
      for candidate in group {
        guard case .counter(let kind, let side, _) = candidate.column, kind != .step || knowsSteps else { continue }
        sides[side] = sides[side] ?? candidate
      }
      if let charge = sides[.charge], let discharge = sides[.discharge] { return [charge, discharge] }
      return (sides[.net] ?? sides[.magnitude]).map { [$0] }
    }
    func isPrimary(_ set: [Candidate]) -> Bool {
      if case .counter(_, _, let isPrimary)? = set.first?.column { isPrimary } else { false }
    }
    return sets.min { (isPrimary($0) ? 0 : 1, $0[0].rank) < (isPrimary($1) ? 0 : 1, $1[0].rank) } ?? []
  }
}

// MARK: - No heading

extension TableHeader {
  /// Why none of the first lines is a heading, told of the one that comes nearest.
  static func missing(in lines: [(number: Int, text: String)], map: ColumnMap) -> DataProblem {
    var nearest: (line: Int, names: [String], found: Set<Column>) = (lines.first?.number ?? 1, [], [])
    for line in lines {
      for delimiter in [",", "\t", ";", "|"] as [Character] {
        let names = names(line.text, delimiter)
        let found = Set(((try? candidates(names, ColumnMap())) ?? []).map(\.column))
        if found.count > nearest.found.count || (nearest.names.count <= 1 && names.count > nearest.names.count) {
          nearest = (line.number, names, found)
        }
      }
    }
    if let entry = map.entries.first(where: { !nearest.names.contains($0.name) }) {
      return DataProblem(
        "data.no_column", line: nearest.line, "there is no column “\(entry.name)”, which was said to be \(entry.key)",
        hint: "the columns are \(quoted(nearest.names))", columnNames: nearest.names)
    }
    var lacking: [String] = []
    if nearest.found.isDisjoint(with: [.time, .unixTime, .stepTime]) { lacking.append("time") }
    if !nearest.found.contains(.current) { lacking.append("current") }
    if !nearest.found.contains(.voltage) { lacking.append("voltage") }
    let names = nearest.names.isEmpty ? "" : "; the columns are \(quoted(nearest.names))"
    return DataProblem(
      "data.no_heading", line: nearest.line,
      "no line names a column with the \(lacking.joined(separator: " and the "))\(names)",
      hint:
        "name them time_s, current_A and voltage_V (or in another unit: time_h, current_mA, voltage_mV), or say which "
        + "is which: --columns time_s=NAME,current_mA=NAME,voltage_V=NAME"
        + (nearest.names.contains { $0.unicodeScalars.contains { (0x80...0xFF).contains($0.value) } }
          ? "; is the text in another encoding? iconv -f GBK -t UTF-8 FILE | nactl analyze - …" : ""),
      columnNames: nearest.names)
  }

  private static func quoted(_ names: [String]) -> String {
    let most = 20
    let shown = names.filter { !$0.isEmpty }.prefix(most).map { "“\($0.prefix(40))”" }.joined(separator: ", ")
    return names.count > most ? shown + " …" : shown
  }
}
