// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

public import ArgumentParser
import ControlAPI
import CyclerModel
public import CyclingData
import Glibc
import Quantities

/// `nactl analyze FILE`
struct Analyze: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Tells the cycles of data from anywhere: capacities, efficiencies, plateaus, fade.",
    discussion: """
      Reads CSV with the columns time_s, current_A and voltage_V (other units too: time_h, current_mA, voltage_mV), \
      better with step_index and step_time_s, the Battery Data Format, and text exports of Neware, Arbin and EC-Lab. \
      Positive current charges. The definitions are those of a live run (docs/metrics.md). No daemon is asked.
      """)

  @Argument(help: "The file, or - for standard input.", completion: .file()) var file: String
  @OptionGroup var cell: AnalyzedCellOptions
  @OptionGroup var table: AnalyzedTableOptions
  @Option(help: "table for people, json or csv.") var format: ListFormat = .table
  @Option(help: "mAh, mAh/g or mAh/cm2; csv and json always give Ah.") var units: CapacityUnits = .milliampereHours

  func run() throws {
    let options = try cell.analysisOptions(table)
    let scale = try cell.scale(units)
    let result = try read(options)
    for note in result.notes { Terminal.error("note: \(note)\n") }
    let report = AnalysisReport(result, file: file, options: options, cell: cell)
    switch format {
    case .json: try report.writeJSON()
    case .csv: Terminal.out(Table(columns: report.columns(scale)).csv(report.cycles))
    case .table: Terminal.out(report.text(scale))
    }
  }

  private func read(_ options: AnalysisOptions) throws -> AnalysisResult {
    let descriptor = file == "-" ? 0 : open(file, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileFailure("unreadable", path: file) }
    defer { if file != "-" { close(descriptor) } }
    var status = stat()
    let size = fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 19, alignment: 64)
    defer { buffer.deallocate() }
    var done = 0
    do {
      var analysis = try DataAnalysis(options)
      while true {
        let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
        if count < 0, errno == EINTR { continue }
        guard count >= 0 else {
          Terminal.endProgress()
          throw FileFailure("unreadable", path: file)
        }
        if count == 0 { break }
        try analysis.read(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        showProgress(done, done + count, of: size)
        done += count
      }
      Terminal.endProgress()
      return try analysis.finish()
    } catch let problem as DataProblem {
      Terminal.endProgress()
      throw failure(problem)
    }
  }

  /// A bar for each new hundredth of a long file.
  private func showProgress(_ before: Int, _ now: Int, of size: Int) {
    guard size > 1 << 25, before * 100 / size != now * 100 / size else { return }
    let full = min(20, now * 20 / size)
    let bar = String(repeating: "#", count: full) + String(repeating: ".", count: 20 - full)
    Terminal.progress("[\(bar)] \(min(100, now * 100 / size)) % of \(Numbers.bytes(size))")
  }

  private func failure(_ problem: DataProblem) -> any Error {
    if problem.code.hasPrefix("analysis.") || problem.code.hasPrefix("columns.") {
      return UsageFailure(code: problem.code, message: problem.message, hint: problem.hint)
    }
    let place = problem.line.map { "\(file):\($0): " } ?? "\(file): "
    let known = ["time_s", "current_A", "voltage_V", "Test Time / s", "Current / A", "Voltage / V", "Current(mA)"]
    let near = problem.columnNames.compactMap { name in
      NearestWord.to(name, among: known).flatMap { $0 == name ? nil : "“\(name)” may stand for \($0); " }
    }.prefix(3).joined()
    return FileFailure(code: problem.code, message: place + problem.message, hint: near + problem.hint)
  }
}

/// What the table's cell is.
struct AnalyzedCellOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "What the cell is; it says which half-cycle comes first.", discussion: CellRole.names, valueName: "role"),
    completion: .list(CellRole.allCases.map(\.rawValue)), transform: CellRole.read)
  var role: CellRole?
  @Option(help: "Which half-cycle of a cycle comes first, charge-first or discharge-first; otherwise the role says it.")
  var pair: PairOrder?
  @Option(help: "A test of plating that the file holds: reservoir or long-cycling.") var test: PlatingTest?
  @Option(help: ArgumentHelp("How often a reservoir test strips and plates a part.", valueName: "count"))
  var reservoirCycles: Int?
  @Option(
    help: ArgumentHelp("Active mass, for instance \"1.2 mg\".", valueName: "mass"), transform: MassArgument.read)
  var mass: MassArgument?
  @Option(
    help: ArgumentHelp("Electrode area, for instance \"1.131 cm2\".", valueName: "area"), transform: AreaArgument.read)
  var area: AreaArgument?
  @Option(
    help: ArgumentHelp("Nominal capacity, the meaning of 1 C, for instance \"0.36 mAh\".", valueName: "capacity"),
    transform: CapacityArgument.read)
  var nominal: CapacityArgument?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Sodiation below this voltage is plateau; 100 mV for an anode half-cell.", valueName: "voltage"),
    transform: PlateauArgument.read)
  var sodiationPlateauBelow: PlateauArgument?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Desodiation below this voltage is plateau; 200 mV for an anode half-cell.", valueName: "voltage"),
    transform: PlateauArgument.read)
  var desodiationPlateauBelow: PlateauArgument?
  @Option(help: ArgumentHelp("How many of the first cycles are formation.", valueName: "count"))
  var formationCycles: Int64?
  @Option(
    help: ArgumentHelp(
      "The cycle whose reversible capacity is a retention of one; otherwise the first after formation.",
      valueName: "cycle"))
  var referenceCycle: Int64?

  func validate() throws {
    if test == .reservoir, reservoirCycles == nil {
      throw ValidationError("--test reservoir needs --reservoir-cycles: how often a part was stripped and plated again")
    }
    if reservoirCycles != nil, test != .reservoir {
      throw ValidationError("--reservoir-cycles belongs to --test reservoir")
    }
    if let reservoirCycles, !(1...100_000).contains(reservoirCycles) {
      throw ValidationError("--reservoir-cycles is a number from 1 on")
    }
    if let formationCycles, !(0...1_000_000).contains(formationCycles) {
      throw ValidationError("--formation-cycles is a number from 0 on")
    }
    if let referenceCycle, !(1...1_000_000).contains(referenceCycle) {
      throw ValidationError("--reference-cycle is a number from 1 on")
    }
    if test != nil, let role, !role.platesSodium {
      throw ValidationError(
        "a test of plating is for the roles plating-stripping and anode-free, not for \(role.rawValue)")
    }
  }

  func analysisOptions(_ table: AnalyzedTableOptions) throws -> AnalysisOptions {
    var options = AnalysisOptions()
    options.role = role
    options.first = pair?.direction
    switch test {
    case .reservoir: options.test = .reservoir(cycles: reservoirCycles ?? 1)
    case .longCycling: options.test = .longCycling
    case nil: break
    }
    let isAnode = role == .anodeHalfCell
    options.sodiationPlateauBelow = sodiationPlateauBelow?.voltage ?? (isAnode ? Voltage(millivolts: 100) : nil)
    options.desodiationPlateauBelow = desodiationPlateauBelow?.voltage ?? (isAnode ? Voltage(millivolts: 200) : nil)
    options.formationCycles = formationCycles
    options.referenceCycle = referenceCycle
    options.chargeSource = table.charge
    options.gapLimit = table.gapLimit?.seconds
    if let columns = table.columns {
      do { options.columns = try ColumnMap(written: columns) } catch {
        throw UsageFailure(code: error.code, message: error.message, hint: error.hint)
      }
    }
    return options
  }

  func scale(_ units: CapacityUnits) throws -> CapacityScale {
    if units == .milliampereHoursPerGram, mass == nil { throw ValidationError("--units mAh/g needs --mass") }
    if units == .milliampereHoursPerSquareCentimetre, area == nil {
      throw ValidationError("--units mAh/cm2 needs --area")
    }
    return try CapacityScale(
      units, cell: "the cell", massMicrograms: mass?.micrograms, areaSquareMillimetres: area?.squareMillimetres)
  }
}

/// How the table is to be read.
struct AnalyzedTableOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Which column is what, for instance time_s=Zeit,current_mA=Strom,voltage_V=U.", valueName: "key=name,…"))
  var columns: String?
  @Option(
    help: "Where charge comes from: auto (the instrument's counter where the format has one), counter or samples.")
  var charge = AnalysisOptions.ChargeSource.automatic
  @Option(
    help: ArgumentHelp(
      "A longer interval between records is a gap, for instance \"10 min\"; else 20 times the longest before it.",
      valueName: "time"), transform: GapArgument.read)
  var gapLimit: GapArgument?
}

extension AnalysisOptions.ChargeSource: ExpressibleByArgument {}

/// The order of a cycle's half-cycles.
enum PairOrder: String, ExpressibleByArgument, CaseIterable {
  case chargeFirst = "charge-first"
  case dischargeFirst = "discharge-first"

  var direction: Direction { self == .chargeFirst ? .charge : .discharge }
}

/// What test of plating a table holds.
enum PlatingTest: String, ExpressibleByArgument, CaseIterable {
  case reservoir
  case longCycling = "long-cycling"
}

/// A voltage below which charge is plateau; a bare number is volts.
struct PlateauArgument {
  var voltage: Voltage

  static func read(_ argument: String) throws -> PlateauArgument {
    if let voltage = (try? Voltage(written: argument)) ?? (try? Voltage(written: argument + " V")) {
      return PlateauArgument(voltage: voltage)
    }
    throw ValidationError("“\(argument)” is no voltage; write 100 mV or 0.1 V")
  }
}

/// How long an interval is a gap.
struct GapArgument {
  var seconds: Double

  static func read(_ argument: String) throws -> GapArgument {
    if let span = try? TimeSpan(written: argument), span > .zero { return GapArgument(seconds: span.seconds) }
    throw ValidationError("“\(argument)” is no time; write 10 min or 600 s")
  }
}
