// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Reads one of our own exports, whose rows carry the run's stamps: nothing is guessed, and every number is taken as the
// whole nanovolt, nanocoulomb or nanojoule that was stored. So what comes out is what the run had, to the last digit
// (docs/metrics.md, "Our own exports").

internal import CellMetrics
internal import CyclerModel
internal import Quantities

/// The records of a table as half-cycles, by the stamps in it.
struct StampedTable: Sendable {
  /// What a half-cycle's records come to, beside what its stamp says.
  struct Half: Sendable {
    var counted: RecountedHalfCycle
    var draft: DataHalfCycle
    /// A step of it ended at the voltage that its stamp says.
    var endsAtItsVoltage = false
    /// How long the circuit can have been closed, µs: the time of the steps that moved charge at least, that of all at most.
    var activeTime: (least: Int64, most: Int64) = (0, 0)
  }

  /// What the run says of itself; nil before its first record.
  private(set) var facts: RunFacts?
  /// What is the case with it, by what was asked for or what it says.
  private(set) var role: CellRole?
  private(set) var parameters = MetricParameters(
    sodiationPlateauBelow: nil, desodiationPlateauBelow: nil, retentionReference: nil)
  private(set) var halves: [Half] = []
  private(set) var cycles: [Int64] = []
  private(set) var tests: [EfficiencyTestRow] = []
  private(set) var records = 0
  private(set) var firstTime: Int64 = 0
  private(set) var lastTime: Int64 = 0
  /// Whether the last line ended in the middle.
  private(set) var hasCutLine = false

  /// Whether plateaus are told by the parameters and the role of the run itself.
  var hasOwnPlateaus: Bool { facts.map { $0.role == role && $0.metricParameters.known == ownPlateaus } ?? false }

  /// The parameters that are used, with what does not change plateaus as the run has it.
  private var ownPlateaus: MetricParameters {
    var compared = parameters
    if let known = facts?.metricParameters.known {
      compared.retentionReference = known.retentionReference
      compared.retentionThreshold = known.retentionThreshold
    }
    return compared
  }

  private let heading: StampedHeading
  private let options: AnalysisOptions
  private var line = 1
  private var kept: [UInt8] = []
  private var fields: [(begin: Int, count: Int)] = []
  /// Which half-cycle a number is among `halves`.
  private var places: [Int32: Int] = [:]
  private var open: Int?
  private var step: Int64 = -1
  private var stepTime: Int64 = 0
  private var stepMoved = false
  // Of the present step, at its last record, and at its last one with a voltage.
  private var stepCharge = Charge.zero
  private var stepVoltage: Voltage?

  /// Longer lines are no table of ours.
  private static let longestLine = 1 << 20

  init(_ heading: StampedHeading, options: AnalysisOptions) {
    self.heading = heading
    self.options = options
  }

  /// Reads the next bytes behind the heading, in pieces of any size.
  mutating func read(_ bytes: some Collection<UInt8>) throws(DataProblem) {
    kept.append(contentsOf: bytes)
    guard let end = kept.lastIndex(of: DecimalText.lineFeed) else {
      guard kept.count <= Self.longestLine else { throw problem("a line has more than \(Self.longestLine) bytes") }
      return
    }
    let whole = kept
    kept = Array(whole[(end + 1)...])
    try whole.withUnsafeBufferPointer { (text) throws(DataProblem) in
      var begin = 0
      while begin <= end {
        var stop = begin
        while text[stop] != DecimalText.lineFeed { stop += 1 }
        try take(UnsafeBufferPointer(rebasing: text[begin..<stop]))
        begin = stop + 1
      }
    }
  }

  /// The table is over. A last line without an end counts if all of its fields are there.
  mutating func finish() throws(DataProblem) {
    if !kept.isEmpty {
      let last = kept
      kept = []
      try last.withUnsafeBufferPointer { (text) throws(DataProblem) in
        split(text)
        // The last field of a row may be empty, so only a row that is followed by another is surely whole.
        hasCutLine = fields.count < heading.count || heading.stamps == heading.count - 1
        if !hasCutLine { try take(text) }
      }
    }
    endStep()
    guard facts != nil else {
      throw DataProblem(
        "data.no_records", "no record is in it", hint: "below its heading a table has a record a line")
    }
  }
}

// MARK: - Rows

extension StampedTable {
  private mutating func take(_ text: UnsafeBufferPointer<UInt8>) throws(DataProblem) {
    line += 1
    var text = text
    if text.last == DecimalText.carriageReturn { text = UnsafeBufferPointer(rebasing: text.dropLast()) }
    if text.isEmpty { return }
    split(text)
    guard fields.count == heading.count else {
      throw problem("there are \(fields.count) fields where the heading has \(heading.count)")
    }
    if fields[heading.stamps].count > 0 { try takeStamps(field(heading.stamps, text)) }
    let index = try integer(heading.index, text) - heading.firstIndex
    // The row for the moment at which a step begins is no record.
    guard index >= 0 else { return }
    guard facts != nil else { throw problem("the first record has no stamp of the run") }
    try takeRecord(Int32(clamping: index), text)
  }

  private mutating func takeRecord(_ index: Int32, _ text: UnsafeBufferPointer<UInt8>) throws(DataProblem) {
    let time = try integer(heading.testTime, text, exponent: 6)
    if records == 0 { firstTime = time }
    lastTime = time
    records += 1
    let number = try integer(heading.step, text)
    if number != step {
      endStep()
      step = number
    }
    let half = try optional(heading.halfCycle, text) ?? 0
    guard half != 0 else { return }
    guard let place = Int32(exactly: half).flatMap({ places[$0] }) else {
      throw problem("the stamp of half-cycle \(half) is missing")
    }
    guard place >= open ?? 0 else { throw problem("half-cycle \(half) comes back after a later one") }
    open = place
    stepTime = try integer(heading.stepTime, text, exponent: 6)
    let voltage = try optional(heading.voltage, text, exponent: 9)
    let current = try optional(heading.current, text, exponent: 12)
    let record = RecordRow(
      stepID: 0, index: index, stepTime: TimeSpan(microseconds: stepTime),
      voltage: voltage.map(Voltage.init(nanovolts:)), current: current.map(Current.init(picoamperes:)),
      charge: Charge(nanocoulombs: try count(heading.charge, text)),
      energy: Energy(nanojoules: try count(heading.energy, text)),
      flags: DataFlags(rawValue: try integer(heading.flags, text)))
    if record.charge != .zero || current ?? 0 != 0 { stepMoved = true }
    stepCharge = record.charge
    stepVoltage = record.voltage ?? stepVoltage
    halves[place].counted.record(record)
    halves[place].draft.note(record, at: Double(time) / 1e6, line: line)
  }

  private mutating func endStep() {
    guard let open, step >= 0 else { return }
    halves[open].counted.stepEnded()
    if stepMoved { halves[open].draft.noteStep(seconds: Double(stepTime) / 1e6) }
    halves[open].noteStep(time: stepTime, hasCharge: stepCharge != .zero, voltage: stepVoltage)
    (stepTime, stepMoved, stepCharge, stepVoltage) = (0, false, .zero, nil)
  }

  private mutating func takeStamps(_ text: UnsafeBufferPointer<UInt8>) throws(DataProblem) {
    for part in text.split(separator: UInt8(ascii: " ")) {
      let stamp: RunStamp
      do {
        stamp = try RunStamp(text: String(decoding: part, as: UTF8.self), run: facts?.run ?? 0)
      } catch {
        throw problem(error.what)
      }
      switch stamp {
      case .run(let facts):
        guard self.facts == nil else { throw problem("another run begins; analyse each run by itself") }
        try begin(facts)
      case .halfCycle(let row): add(row)
      case .cycle(let number):
        guard number > cycles.last ?? 0 else { throw problem("the cycles are not in order") }
        cycles.append(number)
      case .test(let row): tests.append(row)
      }
    }
  }

  private mutating func begin(_ facts: RunFacts) throws(DataProblem) {
    guard options.role ?? facts.role != nil else {
      throw DataProblem(
        "analysis.no_order", "the file does not say what the cell is", hint: "--role anode-half-cell (or another)")
    }
    self.facts = facts
    role = options.role ?? facts.role
    parameters = facts.metricParameters.known
    if options.hasStatedSodiationPlateau { parameters.sodiationPlateauBelow = options.sodiationPlateauBelow }
    if options.hasStatedDesodiationPlateau { parameters.desodiationPlateauBelow = options.desodiationPlateauBelow }
    if options.hasStatedRetentionThreshold { parameters.retentionThreshold = options.retentionThreshold }
  }

  private mutating func add(_ row: HalfCycleRow) {
    guard let role, places[row.number] == nil else { return }
    places[row.number] = halves.count
    halves.append(
      Half(
        counted: RecountedHalfCycle(row, parameters: parameters, role: role),
        draft: DataHalfCycle(direction: row.direction, cycle: row.cycleNumber ?? 0)))
  }
}

// MARK: - Fields

extension StampedTable {
  private mutating func split(_ text: UnsafeBufferPointer<UInt8>) {
    fields.removeAll(keepingCapacity: true)
    var begin = 0
    var isQuoted = false
    for place in 0...text.count {
      if place < text.count {
        let byte = text[place]
        // A quote within quotes is written twice, which opens and closes once more.
        if byte == DecimalText.quote { isQuoted.toggle() }
        guard byte == heading.delimiter, !isQuoted else { continue }
      }
      fields.append((begin, place - begin))
      begin = place + 1
    }
  }

  private func field(_ index: Int, _ text: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
    let place = fields[index]
    var field = UnsafeBufferPointer(rebasing: text[place.begin..<(place.begin + place.count)])
    if field.count >= 2, field.first == DecimalText.quote, field.last == DecimalText.quote {
      field = UnsafeBufferPointer(rebasing: field.dropFirst().dropLast())
    }
    return field
  }

  private func optional(
    _ index: Int, _ text: UnsafeBufferPointer<UInt8>, exponent: Int = 0
  ) throws(DataProblem) -> Int64? {
    let field = field(index, text)
    if field.isEmpty { return nil }
    guard let value = ExactDecimal.read(field, exponent: exponent), let fitting = Self.fitting(value) else {
      throw problem("“\(String(decoding: field.prefix(40), as: UTF8.self))” is no number that can stand there")
    }
    return fitting
  }

  private func integer(
    _ index: Int, _ text: UnsafeBufferPointer<UInt8>, exponent: Int = 0
  ) throws(DataProblem) -> Int64 {
    guard let value = try optional(index, text, exponent: exponent) else { throw problem("a number is missing") }
    return value
  }

  /// Ampere-hours as nanocoulombs, or watt-hours as nanojoules: the exports write 10^-13 of them, of which 25 are 9.
  private func count(_ index: Int, _ text: UnsafeBufferPointer<UInt8>) throws(DataProblem) -> Int64 {
    let field = field(index, text)
    guard let scaled = ExactDecimal.read(field, exponent: 13), scaled.magnitude < 1 << 100 else {
      throw problem("“\(String(decoding: field.prefix(40), as: UTF8.self))” is no number that can stand there")
    }
    let magnitude = (scaled.magnitude * 18 + 25) / 50
    guard let value = Self.fitting(scaled < 0 ? -Int128(magnitude) : Int128(magnitude)) else {
      throw problem("more than a million ampere-hours or watt-hours flow in a step")
    }
    return value
  }

  // Beyond this nothing is a cell, and later sums stay in their range.
  private static func fitting(_ value: Int128) -> Int64? {
    value.magnitude < 4_000_000_000_000_000_000 ? Int64(value) : nil
  }

  private func problem(_ what: String) -> DataProblem {
    DataProblem(
      "data.stamps", line: line, what,
      hint: "the file has the columns of an export of NaCycler, but not its contents: export the run again, or add "
        + "--ignore-stamps to find half-cycles by the current alone")
  }
}
