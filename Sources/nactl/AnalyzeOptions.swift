// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

public import ArgumentParser
import CyclerModel
public import CyclingData
import Quantities

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
  @Option(
    help: ArgumentHelp(
      "The instrument's largest error of a current in proportion to it, in millionths.", valueName: "ppm"))
  var currentGainPpm: Int64?
  @Option(
    help: ArgumentHelp(
      "Its largest error apart from that, for instance \"100 nA\".", valueName: "current"),
    transform: CurrentErrorArgument.read)
  var currentOffset: CurrentErrorArgument?
  @Option(
    help: ArgumentHelp(
      "The retention below which a life is over, for instance \"70 %\"; else 80 %.", valueName: "share"))
  var retentionThreshold: ShareArgument?

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
    if let currentGainPpm, !(0...1_000_000).contains(currentGainPpm) {
      throw ValidationError("--current-gain-ppm is a number of millionths from 0 to 1000000")
    }
    if let retentionThreshold, retentionThreshold.fraction >= 1 {
      throw ValidationError("--retention-threshold is less than 100 %")
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
    options.hasStatedSodiationPlateau = sodiationPlateauBelow != nil
    options.hasStatedDesodiationPlateau = desodiationPlateauBelow != nil
    options.ignoresStamps = table.ignoreStamps
    options.formationCycles = formationCycles
    options.referenceCycle = referenceCycle
    options.currentGainPartsPerMillion = currentGainPpm
    options.currentOffset = currentOffset?.current
    if let retentionThreshold { options.retentionThreshold = retentionThreshold.fraction }
    options.hasStatedRetentionThreshold = retentionThreshold != nil
    options.invertsCurrent = table.invertCurrent
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
    if units == .milliampereHoursPerGram, mass == nil { throw Self.lacking(units, "mass", "1.2 mg") }
    if units == .milliampereHoursPerSquareCentimetre, area == nil { throw Self.lacking(units, "area", "1.131 cm2") }
    return try CapacityScale(
      units, cell: "the cell", massMicrograms: mass?.micrograms, areaSquareMillimetres: area?.squareMillimetres)
  }

  private static func lacking(_ units: CapacityUnits, _ option: String, _ example: String) -> UsageFailure {
    UsageFailure(
      code: "analysis.no_\(option)", message: "--units \(units.rawValue) needs --\(option): the file does not say it",
      hint: "for instance nactl analyze FILE --units \(units.rawValue) --\(option) \"\(example)\"")
  }
}

/// How the table is to be read.
struct AnalyzedTableOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Which column is what, for instance time_s=Zeit,current_mA=Strom,voltage_V=U.", valueName: "key=name,…"))
  var columns: String?
  @Flag(help: "The file writes discharging currents as positive: read each with the other sign.")
  var invertCurrent = false
  @Option(
    help: "Where charge comes from: auto (the instrument's counter where the format has one), counter or samples.")
  var charge = AnalysisOptions.ChargeSource.automatic
  @Option(
    help: ArgumentHelp(
      "A longer interval between records is a gap, for instance \"10 min\"; else 20 times the longest before it.",
      valueName: "time"), transform: GapArgument.read)
  var gapLimit: GapArgument?
  @Flag(
    help: "Read an export of NaCycler like anybody's file: find half-cycles by the current, without the run's stamps.")
  var ignoreStamps = false
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

/// By how much a current may be wrong.
struct CurrentErrorArgument {
  var current: Current

  static func read(_ argument: String) throws -> CurrentErrorArgument {
    if let current = try? Current(written: argument), current >= .zero { return CurrentErrorArgument(current: current) }
    throw ValidationError("“\(argument)” is no current; write 100 nA")
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
