// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What a run knows of its records and no measured column says: which half-cycle is which, what ended it, what was not
// measured in it, which cycles are done, under which parameters the numbers were computed. An exported table carries it
// in one text column, so that whoever analyses the table need not guess (docs/metrics.md, "Our own exports").
//
// A stamp is written like the query of a URL, `half_cycle=3&cycle=2&direction=-1&…`, with everything but letters, digits
// and `-._~` as %XX: no comma, quote or space is in it, so no reader of CSV can stumble over it, and every language has a
// function that takes it apart. Several stand in one field with a space between them.

internal import Quantities

/// One thing that a run says of itself in a table of its records.
public enum RunStamp: Sendable, Hashable {
  /// The run itself; the first of a table.
  case run(RunFacts)
  /// A half-cycle as it was stored, closed or not.
  case halfCycle(HalfCycleRow)
  /// A cycle that is done, by its number in the run.
  case cycle(Int64)
  /// A test of plating, as far as it is.
  case test(EfficiencyTestRow)
}

/// What is the same for all records of a run.
public struct RunFacts: Sendable, Hashable {
  /// The run's number.
  public var run: Int64
  /// The same across databases.
  public var uuid: String
  /// The cell.
  public var cell: String
  /// What it is; nil when only somebody else's word for it is known.
  public var role: CellRole?
  /// Cycles that the cell had before the run.
  public var earlierCellCycles: Int64
  /// The definitions under which the run's numbers were computed.
  public var definitionsVersion: String
  /// The parameters as stored, by their names.
  public var parameters: [String: String]

  /// Facts.
  public init(
    run: Int64, uuid: String, cell: String, role: CellRole?, earlierCellCycles: Int64, definitionsVersion: String,
    parameters: [String: String]
  ) {
    self.run = run
    self.uuid = uuid
    self.cell = cell
    self.role = role
    self.earlierCellCycles = earlierCellCycles
    self.definitionsVersion = definitionsVersion
    self.parameters = parameters
  }

  /// The parameters, and the names of those that this program does not know.
  public var metricParameters: (known: MetricParameters, unknown: [String]) {
    func voltage(_ key: String) -> Voltage? { parameters[key].flatMap(Int64.init).map(Voltage.init(nanovolts:)) }
    let (sodiation, desodiation, reference) =
      ("sodiation_plateau_below_nv", "desodiation_plateau_below_nv", "retention_reference")
    let (correction, threshold) = ("plateau_ir_correction", "retention_threshold")
    var known = MetricParameters(
      sodiationPlateauBelow: voltage(sodiation), desodiationPlateauBelow: voltage(desodiation),
      retentionReference: parameters[reference].flatMap(CycleReference.init(written:)))
    known.plateauIRCorrection = parameters[correction].flatMap(ResistanceDelay.init(rawValue:))
    if let share = parameters[threshold].flatMap(Self.share) { known.retentionThreshold = share }
    let names = [sodiation, desodiation, reference, correction, threshold]
    return (known, parameters.keys.filter { !names.contains($0) }.sorted())
  }

  /// A share of a whole, from 0 to 1; nil for anything else, the words of a Double for what is no number among it.
  static func share(_ text: String) -> Double? { Double(text).flatMap { (0...1).contains($0) ? $0 : nil } }
}

// MARK: - As text

extension RunStamp {
  /// The version of this form; another one may mean something else.
  public static let version: Int64 = 1

  /// Why a text is no stamp.
  public struct Malformed: Error, Sendable, Hashable {
    /// What is wrong, as part of a sentence.
    public var what: String
  }

  /// The text of one stamp.
  public var text: String {
    var fields = StampFields()
    switch self {
    case .run(let facts):
      fields.add("run", facts.run)
      fields.add("stamps", Self.version)
      fields.add("uuid", facts.uuid)
      fields.add("cell", facts.cell)
      fields.add("role", facts.role?.rawValue)
      fields.add("earlier_cell_cycles", facts.earlierCellCycles)
      fields.add("definitions", facts.definitionsVersion)
      for (key, value) in facts.parameters.sorted(by: { $0.key < $1.key }) {
        fields.add(Self.parameterPrefix + key, value)
      }
    case .halfCycle(let row):
      fields.add("half_cycle", Int64(row.number))
      fields.add("cycle", row.cycleNumber)
      fields.add("direction", Int64(row.direction.rawValue))
      fields.add("purpose", row.purpose?.rawValue)
      fields.add("label", row.label)
      fields.add("charge_nC", row.charge.nanocoulombs)
      fields.add("reverse_charge_nC", row.reverseCharge.nanocoulombs)
      fields.add("energy_nJ", row.energy.nanojoules)
      fields.add("constant_voltage_charge_nC", row.constantVoltageCharge.nanocoulombs)
      fields.add("plateau_charge_nC", row.plateauCharge?.nanocoulombs)
      fields.add("gap_charge_nC", row.gapCharge?.nanocoulombs)
      fields.add("end_reason", row.endReason)
      fields.add("flags", row.flags.rawValue)
      Self.add(row, to: &fields)
    case .cycle(let number): fields.add("cycle", number)
    case .test(let row):
      fields.add("test", Int64(row.number))
      fields.add("kind", row.kind.rawValue)
      fields.add("label", row.label)
      fields.add("cycles", Int64(row.cycles))
      fields.add("reservoir_charge_nC", row.reservoirCharge.nanocoulombs)
      fields.add("plated_charge_nC", row.platedCharge.nanocoulombs)
      fields.add("stripped_charge_nC", row.strippedCharge.nanocoulombs)
      // The shortest text that reads back to the same number.
      fields.add("coulombic_efficiency", row.coulombicEfficiency.map { "\($0)" })
      fields.add("flags", row.flags.rawValue)
    }
    return fields.text
  }

  /// Reads one stamp.
  /// - Parameter run: The run that rows of half-cycles and tests are said to belong to.
  /// - Throws: `Malformed`, also for a kind, a version or a word that this program does not know.
  public init(text: some StringProtocol, run: Int64 = 0) throws(Malformed) {
    let fields = try StampFields(text: text)
    switch fields.kind {
    case "run":
      let version = try fields.integer("stamps")
      guard version == Self.version else {
        throw Malformed(what: "its stamps have the form \(version), and this program knows \(Self.version)")
      }
      let role = try fields.word("role") { CellRole(rawValue: $0) }
      _ = try fields.word(Self.parameterPrefix + "retention_threshold", RunFacts.share)
      self = .run(
        RunFacts(
          run: try fields.integer("run"), uuid: fields["uuid"] ?? "", cell: fields["cell"] ?? "", role: role,
          earlierCellCycles: try fields.cycles("earlier_cell_cycles"),
          definitionsVersion: fields["definitions"] ?? "", parameters: fields.with(prefix: Self.parameterPrefix)))
    case "half_cycle":
      guard let number = Int32(exactly: try fields.integer("half_cycle")), number > 0,
        let direction = Int8(exactly: try fields.integer("direction")).flatMap(Direction.init(rawValue:))
      else { throw Malformed(what: "a half-cycle of it has no number or no direction") }
      var row = HalfCycleRow(
        halfCycleID: RowIdentity.halfCycle(run: run, number: number), run: run, number: number,
        cycleNumber: try fields.optionalCycles("cycle"), direction: direction,
        purpose: try fields.word("purpose") { CyclePurpose(rawValue: $0) }, label: fields["label"],
        charge: Charge(nanocoulombs: try fields.integer("charge_nC")),
        reverseCharge: Charge(nanocoulombs: try fields.integer("reverse_charge_nC")),
        energy: Energy(nanojoules: try fields.integer("energy_nJ")),
        constantVoltageCharge: Charge(nanocoulombs: try fields.integer("constant_voltage_charge_nC")),
        plateauCharge: try fields.optionalInteger("plateau_charge_nC").map(Charge.init(nanocoulombs:)),
        gapCharge: try fields.optionalInteger("gap_charge_nC").map(Charge.init(nanocoulombs:)),
        endReason: fields["end_reason"], flags: DataFlags(rawValue: try fields.integer("flags")))
      try Self.read(&row, from: fields)
      self = .halfCycle(row)
    case "cycle": self = .cycle(try fields.cycles("cycle"))
    case "test":
      guard let number = Int32(exactly: try fields.integer("test")),
        let kind = try fields.word("kind", { EfficiencyTestKind(rawValue: $0) }),
        let cycles = Int32(exactly: try fields.integer("cycles"))
      else { throw Malformed(what: "a test of it has no number or no kind") }
      var row = EfficiencyTestRow(run: run, number: number, kind: kind, label: fields["label"] ?? "")
      row.cycles = cycles
      row.reservoirCharge = Charge(nanocoulombs: try fields.integer("reservoir_charge_nC"))
      row.platedCharge = Charge(nanocoulombs: try fields.integer("plated_charge_nC"))
      row.strippedCharge = Charge(nanocoulombs: try fields.integer("stripped_charge_nC"))
      row.coulombicEfficiency = try fields.word("coulombic_efficiency") {
        Double($0).flatMap { $0.isFinite ? $0 : nil }
      }
      row.flags = DataFlags(rawValue: try fields.integer("flags"))
      self = .test(row)
    default: throw Malformed(what: "“\(fields.kind.prefix(40))” is no kind of stamp")
    }
  }

  private static let parameterPrefix = "parameter."

  /// What is known of a half-cycle besides its sums.
  private static func add(_ row: HalfCycleRow, to fields: inout StampFields) {
    let (detail, rest) = (row.detail, row.detail.restBefore)
    fields.add("active_time_us", row.activeTime?.microseconds)
    fields.add("end_voltage_nV", row.endVoltage?.nanovolts)
    fields.add("end_net_charge_nC", row.endNetCharge?.nanocoulombs)
    fields.add("constant_current_charge_nC", detail.constantCurrentCharge?.nanocoulombs)
    fields.add("constant_current_time_us", detail.constantCurrentTime?.microseconds)
    fields.add("constant_voltage_time_us", detail.constantVoltageTime?.microseconds)
    fields.add("rest_before_us", rest?.duration?.microseconds)
    fields.add("rest_before_start_voltage_nV", rest?.startVoltage?.nanovolts)
    fields.add("rest_before_end_voltage_nV", rest?.endVoltage?.nanovolts)
    fields.add("rest_before_drift_nV_h", rest?.drift?.count)
    fields.add("rest_before_drift_span_us", rest?.driftSpan?.microseconds)
    for delay in ResistanceDelay.allCases {
      fields.add("resistance_\(delay.key)_uohm", detail.resistances[delay]?.resistance.count)
      fields.add("resistance_\(delay.key)_delay_us", detail.resistances[delay]?.delay.microseconds)
    }
    fields.add("plateau_ir_corrected_charge_nC", detail.plateauIRCorrectedCharge?.nanocoulombs)
    fields.add("offset_uncertainty_nC", detail.offsetUncertainty?.nanocoulombs)
    fields.add("gain_uncertainty_nC", detail.gainUncertainty?.nanocoulombs)
    fields.add("range_full_scale_pA", detail.rangeFullScale?.picoamperes)
  }

  private static func read(_ row: inout HalfCycleRow, from fields: StampFields) throws(Malformed) {
    func time(_ key: String) throws(Malformed) -> TimeSpan? {
      try fields.optionalInteger(key).map(TimeSpan.init(microseconds:))
    }
    func voltage(_ key: String) throws(Malformed) -> Voltage? {
      try fields.optionalInteger(key).map(Voltage.init(nanovolts:))
    }
    func charge(_ key: String) throws(Malformed) -> Charge? {
      try fields.optionalInteger(key).map(Charge.init(nanocoulombs:))
    }
    row.activeTime = try time("active_time_us")
    row.endVoltage = try voltage("end_voltage_nV")
    row.endNetCharge = try charge("end_net_charge_nC")
    row.detail.constantCurrentCharge = try charge("constant_current_charge_nC")
    row.detail.constantCurrentTime = try time("constant_current_time_us")
    row.detail.constantVoltageTime = try time("constant_voltage_time_us")
    var rest = RestBefore()
    rest.duration = try time("rest_before_us")
    rest.startVoltage = try voltage("rest_before_start_voltage_nV")
    rest.endVoltage = try voltage("rest_before_end_voltage_nV")
    rest.drift = try fields.optionalInteger("rest_before_drift_nV_h").map(VoltageRate.init(count:))
    rest.driftSpan = try time("rest_before_drift_span_us")
    if rest != RestBefore() { row.detail.restBefore = rest }
    for delay in ResistanceDelay.allCases {
      guard let microohms = try fields.optionalInteger("resistance_\(delay.key)_uohm"),
        let after = try time("resistance_\(delay.key)_delay_us")
      else { continue }
      row.detail.resistances[delay] = ClosingResistance(resistance: Resistance(count: microohms), delay: after)
    }
    row.detail.plateauIRCorrectedCharge = try charge("plateau_ir_corrected_charge_nC")
    row.detail.offsetUncertainty = try charge("offset_uncertainty_nC")
    row.detail.gainUncertainty = try charge("gain_uncertainty_nC")
    row.detail.rangeFullScale = try fields.optionalInteger("range_full_scale_pA").map(Current.init(picoamperes:))
  }
}

extension ResistanceDelay {
  fileprivate var key: String {
    switch self {
    case .firstRecord: "first"
    case .oneSecond: "1_s"
    case .tenSeconds: "10_s"
    case .thirtySeconds: "30_s"
    }
  }
}

/// Names and values of a stamp in their order.
private struct StampFields {
  private var pairs: [(key: String, value: String)] = []

  init() {}

  /// More parts than any stamp has; names are looked for one by one.
  private static let most = 200
  /// Cycles of a cell; nobody lives to see more.
  private static let cycleNumbers: ClosedRange<Int64> = 0...1_000_000_000_000
  /// Integers stay below this, so that several of them can be added.
  private static let largest: UInt64 = 1 << 60

  init(text: some StringProtocol) throws(RunStamp.Malformed) {
    guard text.utf8.count(where: { $0 == UInt8(ascii: "&") }) < Self.most else {
      throw RunStamp.Malformed(what: "a stamp of it has more than \(Self.most) parts")
    }
    for part in text.split(separator: "&", omittingEmptySubsequences: false) {
      guard let mark = part.firstIndex(of: "="), let key = Self.decoded(part[..<mark]),
        let value = Self.decoded(part[part.index(after: mark)...]), self[key] == nil
      else { throw RunStamp.Malformed(what: "“\(part.prefix(40))” is no part of a stamp") }
      pairs.append((key, value))
    }
  }

  var kind: String { pairs.first?.key ?? "" }

  subscript(key: String) -> String? { pairs.first { $0.key == key }?.value }

  func with(prefix: String) -> [String: String] {
    var found: [String: String] = [:]
    for pair in pairs where pair.key.hasPrefix(prefix) { found[String(pair.key.dropFirst(prefix.count))] = pair.value }
    return found
  }

  func optionalInteger(_ key: String) throws(RunStamp.Malformed) -> Int64? {
    try word(key) { Int64($0).flatMap { $0.magnitude <= Self.largest ? $0 : nil } }
  }

  /// A number of cycles, or of one; nil when it is not there.
  func optionalCycles(_ key: String) throws(RunStamp.Malformed) -> Int64? {
    guard let value = try optionalInteger(key) else { return nil }
    guard Self.cycleNumbers.contains(value) else {
      throw RunStamp.Malformed(what: "“\(key)=\(value)” of a stamp is no number of cycles")
    }
    return value
  }

  func cycles(_ key: String) throws(RunStamp.Malformed) -> Int64 {
    _ = try integer(key)
    return try optionalCycles(key) ?? 0
  }

  func integer(_ key: String) throws(RunStamp.Malformed) -> Int64 {
    guard let value = try optionalInteger(key) else {
      throw RunStamp.Malformed(what: "a stamp of the kind “\(kind.prefix(40))” lacks “\(key)”")
    }
    return value
  }

  /// nil when it is not there.
  func word<Value>(_ key: String, _ read: (String) -> Value?) throws(RunStamp.Malformed) -> Value? {
    guard let text = self[key] else { return nil }
    guard let value = read(text) else {
      throw RunStamp.Malformed(what: "“\(key)=\(text.prefix(40))” of a stamp cannot be understood")
    }
    return value
  }

  mutating func add(_ key: String, _ value: Int64?) { if let value { pairs.append((key, String(value))) } }
  mutating func add(_ key: String, _ value: String?) { if let value { pairs.append((key, value)) } }

  var text: String { pairs.map { Self.encoded($0.key) + "=" + Self.encoded($0.value) }.joined(separator: "&") }

  private static func encoded(_ text: String) -> String {
    if text.utf8.allSatisfy(isPlain) { return text }
    return text.utf8.reduce(into: "") { result, byte in
      if isPlain(byte) {
        result.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        result += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
      }
    }
  }

  private static func decoded(_ text: some StringProtocol) -> String? {
    guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
    var bytes: [UInt8] = []
    var rest = Substring(text).utf8
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else { return nil }
      bytes.append(high << 4 | low)
    }
    return String(validating: bytes, as: UTF8.self)
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    default: nil
    }
  }

  private static func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
      UInt8(ascii: "~"):
      true
    default: false
    }
  }
}
