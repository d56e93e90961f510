// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ArgumentParser
import ControlAPI
import CyclerModel
import Quantities

/// `nactl recompute RUN`
struct Recompute: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Computes a run's cycles again from its records, with other parameters.",
    discussion: """
      What is not said is as in the run's own parameters. The result stands beside the run's own cycles as a parameter \
      set of its own: nactl cycles RUN --parameters SET, by its number or label. Without any option the stored half-cycles and cycles are \
      compared with what their records come to, and nothing is stored.
      """)
  @OptionGroup var daemon: DaemonOption
  @OptionGroup var argument: ShownRunArgument
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The plateau on sodiation, for instance \"100 mV\"; or none.", valueName: "voltage"),
    transform: ThresholdArgument.read)
  var sodiationPlateauBelow: ThresholdArgument?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The plateau on desodiation, for instance \"200 mV\"; or none.", valueName: "voltage"),
    transform: ThresholdArgument.read)
  var desodiationPlateauBelow: ThresholdArgument?
  @Option(
    help: ArgumentHelp("The cycle of which retention is told, for instance \"life 1\"; or none.", valueName: "cycle"),
    transform: ReferenceArgument.read)
  var retentionReference: ReferenceArgument?
  @Option(
    help: ArgumentHelp(
      "The retention below which a life is over, for instance \"70 %\".", valueName: "share"))
  var retentionThreshold: ShareArgument?
  @Option(
    help: ArgumentHelp("Active mass that mAh/g are told by, for instance \"1.2 mg\".", valueName: "mass"),
    transform: MassArgument.read)
  var mass: MassArgument?
  @Option(
    help: ArgumentHelp("Electrode area that mAh/cm2 are told by, for instance \"1.131 cm2\".", valueName: "area"),
    transform: AreaArgument.read)
  var area: AreaArgument?
  @Option(help: "What the result is called.") var label: String?
  @Flag(help: "Lists the parameter sets of the run instead.") var list = false
  @Option(
    help: ArgumentHelp("Shows a parameter set of the run instead, by number or label.", valueName: "set"),
    transform: ParameterSetOption.read)
  var show: ParameterSetName?
  @Option(help: "table for people; json as the daemon sends it; with --list also csv.") var format: ListFormat = .table

  func validate() throws {
    let computes =
      sodiationPlateauBelow != nil || desodiationPlateauBelow != nil || retentionReference != nil
      || retentionThreshold != nil || mass != nil || area != nil || label != nil
    if list, show != nil { throw ValidationError("--list and --show are two questions; ask one") }
    if list || show != nil, computes { throw ValidationError("--list and --show compute nothing; leave the rest out") }
    if let retentionThreshold, retentionThreshold.fraction >= 1 {
      throw ValidationError("--retention-threshold is less than 100 %")
    }
    if format == .csv, !list { throw ValidationError("csv is for --list; use table or json") }
  }

  func run() async throws {
    if list || show != nil { return try await look() }
    let client = try daemon.client()
    let answer = try await client.recompute(try await argument.reference(client), request)
    guard format == .table else { return Terminal.out(bytes: answer.json) }
    for warning in answer.value.warnings { Terminal.error("warning: \(warning)\n") }
    Terminal.out(Self.sentence(answer.value))
    for line in answer.value.differences { Terminal.out("  \(line)\n") }
    if answer.value.half_cycles_other > 0 || answer.value.cycles_other ?? 0 > 0 { Exit.end(.refused) }
  }

  private var request: RecomputeRequest {
    var request = RecomputeRequest(
      retention_threshold: retentionThreshold?.fraction, active_mass_ug: mass?.micrograms,
      area_mm2: area?.squareMillimetres, label: label)
    var without: [String] = []
    switch sodiationPlateauBelow {
    case .voltage(let voltage): request.sodiation_plateau_below_V = voltage.volts
    case .nothing: without.append("sodiation_plateau_below")
    case nil: break
    }
    switch desodiationPlateauBelow {
    case .voltage(let voltage): request.desodiation_plateau_below_V = voltage.volts
    case .nothing: without.append("desodiation_plateau_below")
    case nil: break
    }
    switch retentionReference {
    case .cycle(let cycle): request.retention_reference = cycle.written
    case .nothing: without.append("retention_reference")
    case nil: break
    }
    request.without = without.isEmpty ? nil : without
    return request
  }

  private func look() async throws {
    let client = try daemon.client()
    let answer = try await client.parameterSets(of: try await argument.reference(client))
    guard let show else {
      let columns = Self.columns
      switch format {
      case .json: Terminal.out(bytes: answer.json)
      case .csv: Terminal.out(Table(columns: columns).csv(answer.value.parameter_sets))
      case .table: Terminal.out(Table(columns: columns).text(answer.value.parameter_sets))
      }
      return
    }
    let set = try show.chosen(
      from: answer.value.parameter_sets, by: { ($0.parameter_set, $0.label) }, of: answer.value.run)
    guard format == .table else { return Terminal.out(bytes: try WireCoding.encode(set) + [UInt8(ascii: "\n")]) }
    for column in Self.columns { Terminal.out("\(column.key)  \(column.value(set) ?? Numbers.unknown)\n") }
  }

  /// What came out, in a sentence or two.
  static func sentence(_ answer: RecomputeResponse) -> String {
    let computed = "\(answer.cycles) cycles and \(answer.half_cycles) half-cycles of run \(answer.run)"
    let others = answer.half_cycles_other + (answer.cycles_other ?? 0)
    if others > 0 { return "\(computed) were computed again; \(others) are not as they are stored:\n" }
    let known = [(answer.cycles_more_known ?? 0, "cycles"), (answer.half_cycles_more_known, "half-cycles")]
    let counts = known.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
    let more = counts.isEmpty ? "" : "; of \(counts.joined(separator: " and ")) more is known now"
    if answer.is_own { return "\(computed) come out of their records as they are stored, to the last digit\(more)\n" }
    let set = answer.parameter_set.parameter_set
    let same = answer.cycles_other == nil ? "" : ", which are as the run's own"
    return "parameter set \(set): \(answer.cycles) cycles of run \(answer.run)\(same)\(more); "
      + "nactl cycles \(answer.run) --parameters \(set)\n"
  }

  private static var columns: [Table<ParameterSet>.Column] {
    func voltage(_ value: Double?) -> String? { value.map { "\(Numbers.fixed($0, 4)) V" } }
    return [
      .init("SET", "parameter_set", number: true) { "\($0.parameter_set)" },
      .init("OWN", "is_own", text: { $0.is_own ? "yes" : "" }) { "\($0.is_own)" },
      .init("DEFINITIONS", "definitions_version") { $0.definitions_version },
      .init("SOD. BELOW", "sodiation_plateau_below_V", text: { voltage($0.sodiation_plateau_below_V) }) {
        $0.sodiation_plateau_below_V.map { "\($0)" }
      },
      .init("DESOD. BELOW", "desodiation_plateau_below_V", text: { voltage($0.desodiation_plateau_below_V) }) {
        $0.desodiation_plateau_below_V.map { "\($0)" }
      },
      .init("REFERENCE", "retention_reference") { $0.retention_reference },
      .hidden("retention_threshold") { $0.retention_threshold.map { "\($0)" } },
      .hidden("plateau_ir_correction") { $0.plateau_ir_correction },
      .init("MASS", "active_mass_ug", text: { $0.active_mass_ug.map { Numbers.scaled(Double($0) * 1e-6, "g") } }) {
        $0.active_mass_ug.map { "\($0)" }
      },
      .init("AREA", "area_mm2", text: { $0.area_mm2.map { Numbers.fixed($0 / 100, 4) + " cm²" } }) {
        $0.area_mm2.map { "\($0)" }
      },
      .init("CYCLES", "cycles", number: true) { "\($0.cycles)" },
      .init("BY", "computed_by") { $0.computed_by },
      .init("AT", "computed_unix_us", text: { $0.computed_unix_us.map { Numbers.instant(unixMicroseconds: $0) } }) {
        $0.computed_unix_us.map { "\($0)" }
      },
      .init("LABEL", "label", text: { $0.label.map(Table<ParameterSet>.shortened) }) { $0.label },
      .hidden("program_version") { $0.program_version },
      .hidden("records") { $0.records.map { "\($0)" } },
      .hidden("last_step_count") { $0.last_step_count.map { "\($0)" } },
      .hidden("last_step_record_index") { $0.last_step_record_index.map { "\($0)" } },
    ]
  }
}

/// A threshold on the command line, or that there is none.
enum ThresholdArgument {
  case voltage(Voltage)
  case nothing

  static func read(_ argument: String) throws -> ThresholdArgument {
    if argument == "none" { return .nothing }
    guard let voltage = try? Voltage(written: argument) else {
      throw ValidationError("“\(argument)” is no voltage; write \"100 mV\" or none")
    }
    return .voltage(voltage)
  }
}

/// A reference cycle on the command line, or that there is none.
enum ReferenceArgument {
  case cycle(CycleReference)
  case nothing

  static func read(_ argument: String) throws -> ReferenceArgument {
    if argument == "none" { return .nothing }
    let words = argument.split(separator: " ")
    let written = words.count == 2 ? "\(words[0]) cycle \(words[1])" : argument
    guard let cycle = CycleReference(written: written) else {
      throw ValidationError("“\(argument)” is no cycle; write \"life 1\", a purpose and a number, or none")
    }
    return .cycle(cycle)
  }
}
