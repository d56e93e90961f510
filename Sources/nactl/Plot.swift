// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ArgumentParser
import ControlAPI

/// `nactl plot RUN`
struct Plot: AsyncParsableCommand {
  /// What is at the x axis.
  enum Abscissa: String, ExpressibleByArgument, CaseIterable { case time, capacity }
  /// What is at the y axis.
  enum Curve: String, ExpressibleByArgument, CaseIterable { case voltage, current, dqdv, dvdq }
  /// Of which half-cycles.
  enum Branch: String, ExpressibleByArgument, CaseIterable { case both, charge, discharge }
  /// How it is written.
  enum Form: String, ExpressibleByArgument, CaseIterable { case plot, json, csv }

  static let configuration = CommandConfiguration(
    abstract: "Draws a run, in the terminal or as an SVG file; also one that goes on.",
    discussion: """
      voltage and current are shown against time; --x capacity shows the voltage of each half-cycle against its charge. \
      dqdv is the charge in the intervals of a voltage grid (5 mV), dvdq the slope of the voltage over a charge grid (a \
      200th of the half-cycle). --format csv and json give the numbers.
      """)
  @OptionGroup var daemon: DaemonOption
  @OptionGroup var argument: ShownRunArgument
  @Option(help: "voltage, current, dqdv or dvdq.") var curve: Curve = .voltage
  @Option(help: "time, or capacity for the voltage of each half-cycle.") var x: Abscissa?
  @Option(
    help: ArgumentHelp(
      "Which cycles, for instance 1,2,10-20,last; last is the newest that has begun, previous the one before it.",
      valueName: "cycles"), completion: .list(["last", "previous"]), transform: CycleList.read)
  var cycles: CycleSelection?
  @Option(help: "Of which half-cycles: both, charge or discharge.") var branch: Branch = .both
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "How fine the grid is, for instance \"2 mV\" for dqdv, \"1 uAh\" for the others.", valueName: "grid"),
    transform: GridArgument.read)
  var grid: GridArgument?
  @Option(
    help: ArgumentHelp(
      "Also a smoothed curve: moving-average[:WINDOW] or savitzky-golay[:WINDOW[:ORDER]].", valueName: "method"),
    completion: .list(["moving-average", "savitzky-golay"]), transform: SmoothingArgument.read)
  var smooth: SmoothingArgument?
  @Option(help: "mAh, mAh/g or mAh/cm2, in the picture; csv and json always give Ah.")
  var units: CapacityUnits = .milliampereHours
  @Option(help: ArgumentHelp("Write an SVG file; - is standard output.", valueName: "file"), completion: .file())
  var svg: String?
  @Flag(help: "Replace the file when it exists.") var force = false
  @Option(help: "Characters across, or pixels of the file.") var width: Int?
  @Option(help: "Lines, or pixels of the file.") var height: Int?
  @Option(help: "plot, or the numbers as json or csv.") var format: Form = .plot

  func validate() throws {
    let isAgainstTime = curve == .current || (curve == .voltage && x != .capacity)
    if x == .time, curve == .dqdv || curve == .dvdq {
      throw ValidationError("\(curve.rawValue) is of half-cycles and has no time; leave --x out")
    }
    if x == .capacity, curve == .current { throw ValidationError("current is shown against time only") }
    if isAgainstTime, grid != nil || smooth != nil || branch != .both {
      throw ValidationError("--grid, --smooth and --branch are for curves of half-cycles: dqdv, dvdq or --x capacity")
    }
    if curve == .voltage, smooth != nil { throw ValidationError("the voltage is not smoothed; dqdv and dvdq are") }
    if let grid, (curve == .dqdv) != grid.isVoltage {
      throw ValidationError(
        curve == .dqdv
          ? "the grid of dqdv is a voltage, such as \"2 mV\"" : "the grid of \(kind) is a charge, such as \"1 uAh\"")
    }
    if let millivolts = grid?.millivolts, !GridArgument.voltages.contains(millivolts) {
      throw ValidationError("the grid of dqdv is 0.5 mV to 1 V, such as \"2 mV\", not \(millivolts) mV")
    }
    if svg != nil, format != .plot { throw ValidationError("--svg is a picture; --format \(format.rawValue) is none") }
    if svg == nil, force { throw ValidationError("--force belongs to --svg") }
    let (widths, heights) = svg == nil ? (40...500, 4...200) : (200...10_000, 150...10_000)
    if let width, !widths.contains(width) {
      throw ValidationError("--width is \(widths.lowerBound) to \(widths.upperBound) here, not \(width)")
    }
    if let height, !heights.contains(height) {
      throw ValidationError("--height is \(heights.lowerBound) to \(heights.upperBound) here, not \(height)")
    }
  }

  /// The curve in words of the command line.
  private var kind: String { curve == .voltage ? "--x capacity" : curve.rawValue }

  func run() async throws {
    if curve == .current || (curve == .voltage && x != .capacity) { try await traced() } else { try await curved() }
  }

  // MARK: Against time

  private func traced() async throws {
    let client = try daemon.client()
    let run = try await argument.reference(client)
    let range = try await stretch(run, client)
    let columns = min(TraceRequest.mostColumns, 2 * (width ?? (svg == nil ? Terminal.width : 800)))
    let request = TraceRequest(columns: columns, first_cycle: range?.lowerBound, last_cycle: range?.upperBound)
    let answer = try await client.trace(of: run, request)
    switch format {
    case .json: Terminal.out(bytes: answer.json)
    case .csv: Terminal.out(Table(columns: TraceColumn.tableColumns).csv(answer.value.columns))
    case .plot: try draw(Picture(answer.value, current: curve == .current), empty: "nothing has been measured yet")
    }
  }

  /// Time has no holes: cycles that follow each other, or all of the run.
  private func stretch(_ run: RunReference, _ client: ControlClient) async throws -> ClosedRange<Int64>? {
    guard let cycles else { return nil }
    let newest = try await client.run(run).value.run.cycle_number ?? 0
    guard let numbers = cycles.numbers(newest: newest), let first = numbers.first, let last = numbers.last,
      first > 0, last - first + 1 == Int64(numbers.count)
    else {
      throw UsageFailure(
        code: "plot.cycles_apart",
        message: "against time only cycles that follow each other can be shown, not \(cycles)",
        hint: "say a range such as 3-7, or --x capacity")
    }
    return first...last
  }

  // MARK: Half-cycles

  private func curved() async throws {
    let kind: CurveKind = curve == .dqdv ? .dqdv : curve == .dvdq ? .dvdq : .voltage
    let request = CurveRequest(
      cycles: cycles ?? .last, curve: kind, direction: branch == .both ? nil : branch.rawValue,
      grid_mV: grid?.millivolts, grid_uAh: grid?.microampereHours, smoothing: smooth?.smoothing)
    let client = try daemon.client()
    let answer = try await client.curves(of: try await argument.reference(client), request)
    let table = answer.value
    switch format {
    case .json: Terminal.out(bytes: answer.json)
    case .csv: Terminal.out(Table(columns: CurveRow.columns(table)).csv(CurveRow.all(of: table)))
    case .plot:
      let scale = try CapacityScale(
        units, cell: table.cell, massMicrograms: table.active_mass_ug, areaSquareMillimetres: table.area_mm2)
      try draw(Picture(table, scale), empty: "no charge has flowed in it yet")
    }
  }

  private func draw(_ picture: Picture, empty: String) throws {
    guard let span = picture.xSpan, span.upperBound > span.lowerBound else {
      Terminal.error(empty + "\n")
      return
    }
    guard let svg else {
      let lines = height ?? 18
      Terminal.out(
        CurvePlot.text(picture, width: width ?? Terminal.width, height: lines, glyphs: .ofTerminal))
      return
    }
    let text = VectorPlot(width: width ?? 800, height: height ?? 500).text(picture)
    if svg == "-" {
      Terminal.out(text)
    } else {
      let file = try Download(path: svg, replacing: force)
      try file.append(Array(text.utf8))
      Terminal.error("\(svg): \(Numbers.bytes(try file.finish()))\n")
    }
  }
}

/// Cycles on the command line.
enum CycleList {
  static func read(_ argument: String) throws -> CycleSelection {
    if let selection = CycleSelection(argument) { return selection }
    throw ValidationError("“\(argument)” names no cycles; write for instance 1,2,10-20,last")
  }
}

/// How fine a curve is.
struct GridArgument {
  /// Of a voltage grid.
  var millivolts: Double?
  /// Of a charge grid.
  var microampereHours: Double?

  var isVoltage: Bool { millivolts != nil }

  /// What the daemon can do, mV.
  static let voltages = 0.5...1_000.0

  static func read(_ argument: String) throws -> GridArgument {
    let text = argument.trimmingSpaces()
    let units: [(String, Double, Bool)] = [
      ("mV", 1, true), ("uAh", 1, false), ("µAh", 1, false), ("mAh", 1_000, false), ("Ah", 1e6, false),
      ("V", 1_000, true),
    ]
    let right = "write \"2 mV\" for dqdv, \"1 uAh\" for dvdq and --x capacity"
    guard let (symbol, factor, isVoltage) = units.first(where: { text.hasSuffix($0.0) }) else {
      throw ValidationError(
        "“\(argument)” has no unit of a grid (\(units.map(\.0).joined(separator: ", "))); \(right)")
    }
    guard let number = Double(text.dropLast(symbol.count).trimmingSpaces()), number.isFinite else {
      throw ValidationError("“\(argument)” has no number in front of \(symbol); \(right)")
    }
    guard number > 0 else { throw ValidationError("“\(argument)” is not above zero; \(right)") }
    let value = number * factor
    return GridArgument(millivolts: isVoltage ? value : nil, microampereHours: isVoltage ? nil : value)
  }
}

/// A smoothing on the command line.
struct SmoothingArgument {
  var smoothing: CurveRequest.Smoothing

  static func read(_ argument: String) throws -> SmoothingArgument {
    let parts = argument.split(separator: ":", omittingEmptySubsequences: false)
    let numbers = parts.dropFirst().map { Int($0) }
    let known: [(String, SmoothingMethod, Int, Int)] = [
      ("moving-average", .movingAverage, 5, 0), ("savitzky-golay", .savitzkyGolay, 11, 3),
    ]
    guard let (_, method, window, order) = known.first(where: { $0.0 == parts[0] }), !numbers.contains(nil),
      numbers.count <= (method == .movingAverage ? 1 : 2)
    else {
      throw ValidationError("“\(argument)” is no smoothing; write for instance moving-average:5 or savitzky-golay:11:3")
    }
    return SmoothingArgument(
      smoothing: CurveRequest.Smoothing(
        method: method, window: numbers.first.flatMap(\.self) ?? window,
        order: numbers.dropFirst().first.flatMap(\.self) ?? order))
  }
}
