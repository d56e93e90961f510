// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// From the records and stamps of a run to its half-cycles and cycles, by the accumulators that the daemon has: what the
// stamps say is taken, what the records tell is summed up again.

internal import CellMetrics
internal import CyclerModel
internal import Quantities

/// What a stamped table comes to.
struct StampedCycles {
  let table: StampedTable
  /// As asked for, with what the run says where nothing was.
  private(set) var options: AnalysisOptions
  private(set) var halves: [DataHalfCycle] = []
  private(set) var cycles: [DataCycle] = []
  private(set) var notes: [String] = []
  /// What the cycles come to.
  private(set) var summary: RunSummary
  private var rows: [HalfCycleRow] = []
  private let role: CellRole

  init(_ table: StampedTable, options: AnalysisOptions) {
    self.table = table
    self.options = options
    role = table.role ?? .noCycles
    self.options.role = role
    self.options.sodiationPlateauBelow = table.parameters.sodiationPlateauBelow
    self.options.desodiationPlateauBelow = table.parameters.desodiationPlateauBelow
    self.options.retentionThreshold = table.parameters.retentionThreshold
    summary = RunSummary(retentionThreshold: table.parameters.retentionThreshold)
    sumUp()
    makeCycles()
    tell()
  }

  // MARK: Half-cycles

  private mutating func sumUp() {
    var differing: [String] = []
    var contradicted: [String] = []
    let hasOwnPlateaus = table.hasOwnPlateaus
    for half in table.halves {
      var row = half.counted.row
      if half.lacksRecords {
        // What its records do not hold is not known from this table, nor how much it is.
        row.flags.formUnion([.gap, .chargeUnknown])
        row.gapCharge = nil
        differing.append("\(row.number)")
      }
      let others = half.contradictions(hasOwnPlateaus: hasOwnPlateaus)
      if !others.isEmpty { contradicted.append("\(row.number) (\(others.joined(separator: ", ")))") }
      if let formation = options.formationCycles, let cycle = row.cycleNumber {
        row.purpose = cycle <= formation ? .formation : .life
      }
      rows.append(row)
      var data = half.draft
      data.fill(row)
      halves.append(data)
    }
    if !differing.isEmpty {
      notes.append(
        "data quality: the records of half-cycle \(Self.few(differing)) do not come to what the run had: records are missing "
          + "or were changed, so its charge counts as unknown")
    }
    if !contradicted.isEmpty {
      notes.append(
        "data quality: the stamp of half-cycle \(Self.few(contradicted)) does not say what its records come to: sums and "
          + "flags are counted from the records, end and active time are taken from the stamp")
    }
    // Half-cycles that lack records have moved more than is known.
    if differing.isEmpty { reviewTests() }
  }

  private static func few(_ names: [String]) -> String {
    names.prefix(10).joined(separator: ", ") + (names.count > 10 ? " …" : "")
  }

  /// Tests of plating are taken as they are stamped: which half-cycles are in one only the run knew.
  private mutating func reviewTests() {
    func moved(_ direction: Direction) -> Double {
      rows.reduce(0) { $0 + ($1.direction == direction ? Double(max(0, $1.charge.nanocoulombs)) : 0) }
    }
    let (charged, discharged) = (moved(.charge), moved(.discharge))
    for test in table.tests {
      guard let what = test.contradiction(charged: charged, discharged: discharged) else { continue }
      notes.append("data quality: the stamp of test \(test.number) says \(what)")
    }
  }

  // MARK: Cycles

  /// The cycle of the run that retention refers to: what was asked for, otherwise what the run's protocol names.
  private func reference(_ purposes: [Int64: CyclePurpose]) -> CycleReference? {
    let asked = options.referenceCycle ?? options.formationCycles.map { $0 + 1 }
    guard let asked else { return table.parameters.retentionReference }
    let purpose = purposes[asked] ?? .life
    let number = purposes.filter { $0.key <= asked && $0.value == purpose }.count
    return CycleReference(purpose: purpose, number: max(1, Int64(number)))
  }

  private mutating func makeCycles() {
    var purposes: [Int64: CyclePurpose] = [:]
    var members: [Int64: [Int]] = [:]
    for (index, row) in rows.enumerated() where row.endReason != nil {
      guard let number = row.cycleNumber else { continue }
      members[number, default: []].append(index)
    }
    for number in table.cycles {
      // The purpose of a cycle is that of its first half-cycle in the order of the role.
      let own = (members[number] ?? []).map { rows[$0] }
      purposes[number] =
        own.last { $0.direction == role.firstDirection }?.purpose ?? own.last { $0.purpose != nil }?.purpose
    }
    let reference = reference(purposes)
    let referenceCycle = reference.flatMap { named in
      purposes.filter { $0.value == named.purpose }.keys.sorted().dropFirst(Int(clamping: named.number - 1)).first
    }
    // As a run is computed again: every half-cycle that is over, and a cycle's end before the next one begins.
    var accumulator = CycleAccumulator(
      role: role, earlierCellCycles: table.facts?.earlierCellCycles ?? 0, retentionReference: reference,
      retentionThreshold: table.parameters.retentionThreshold, isFormationDone: options.formationCycles == 0)
    var open = table.cycles[...]
    for row in rows where row.endReason != nil {
      while let number = open.first, let next = row.cycleNumber, number < next {
        close(open.removeFirst(), members[number] ?? [], &accumulator)
      }
      accumulator.add(row)
    }
    for number in open { close(number, members[number] ?? [], &accumulator) }
    if !cycles.isEmpty, let all = accumulator.runSummary { summary = all }
    if options.formationCycles == nil {
      let formation = table.cycles.prefix { purposes[$0] == .formation }.count
      options.formationCycles = formation > 0 ? Int64(formation) : nil
    }
    options.referenceCycle = options.referenceCycle ?? referenceCycle
  }

  private mutating func close(_ number: Int64, _ members: [Int], _ accumulator: inout CycleAccumulator) {
    guard let summary = accumulator.close(cycleNumber: number) else { return }
    var cycle = DataCycle(
      summary: summary, charge: members.last { rows[$0].direction == .charge },
      discharge: members.last { rows[$0].direction == .discharge }, isComparable: summary.series.isComparable)
    // The run's own.
    cycle.flags = summary.flags.names
    cycles.append(cycle)
  }

  // MARK: Notes

  private mutating func tell() {
    guard let facts = table.facts else { return }
    notes.insert(
      "the file carries the stamps of run \(facts.run) of \(facts.cell), and they are used: half-cycles and cycles are the "
        + "run's own; --ignore-stamps finds them by the current alone", at: 0)
    if facts.definitionsVersion != MetricDefinitions.version {
      notes.append(
        "the run's own numbers follow version \(facts.definitionsVersion) of the definitions, these version "
          + MetricDefinitions.version)
    }
    if let stamped = facts.role, stamped != role {
      notes.append("the run was one of a cell of role \(stamped.rawValue)")
    }
    let unknown = facts.metricParameters.unknown
    if !unknown.isEmpty {
      notes.append("parameters that this program does not know: \(unknown.joined(separator: ", "))")
    }
    if table.hasCutLine { notes.append("the last line is cut off and left out") }
    if let last = rows.last, last.endReason == nil {
      notes.append("half-cycle \(last.number) was not over when the run was exported")
    }
  }
}

extension DataHalfCycle {
  /// A half-cycle of which no record is known yet.
  init(direction: Direction, cycle: Int64) {
    self.direction = direction
    self.cycle = cycle
    charge = .zero
    begin = 0
    end = 0
    firstLine = 0
    lastLine = 0
    activeTime = 0
    largestCurrent = 0
    steps = 0
    spurious = 0
    spuriousCharge = .zero
    quiet = QuietPart()
  }

  /// What was summed up, for a look at its size.
  init(summing accumulator: HalfCycleAccumulator) {
    self.init(direction: accumulator.direction, cycle: 0)
    charge = accumulator.charge
    energy = accumulator.energy
  }

  /// Takes the place of one more record.
  mutating func note(_ record: RecordRow, at time: Double, line: Int) {
    if firstLine == 0 {
      firstLine = line
      begin = time
    }
    lastLine = line
    end = time
    if let voltage = record.voltage {
      firstVoltage = firstVoltage ?? voltage.volts
      lastVoltage = voltage.volts
      lowestVoltage = min(lowestVoltage ?? voltage.volts, voltage.volts)
      highestVoltage = max(highestVoltage ?? voltage.volts, voltage.volts)
    }
    if let current = record.current {
      largestCurrent = max(largestCurrent, Double(current.picoamperes).magnitude / 1e12)
    }
  }

  /// A step of it in which current flowed is over.
  mutating func noteStep(seconds: Double) {
    activeTime += seconds
    steps += 1
  }

  /// Takes the sums and flags of a stamped half-cycle.
  mutating func fill(_ row: HalfCycleRow) {
    charge = row.charge
    energy = row.energy
    plateauCharge = row.plateauCharge
    plateauIRCorrectedCharge = row.detail.plateauIRCorrectedCharge
    gapCharge = row.gapCharge
    isTruncated = row.flags.contains(.truncated)
    isPartialStart = row.flags.contains(.partialStart)
    stampedFlags = row.flags
  }
}
