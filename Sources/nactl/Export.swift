// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ArgumentParser
import ControlAPI
import Glibc

/// `nactl export RUN`
struct Export: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Writes runs in a form for other programs.",
    discussion: """
      bdf: Battery Data Format, CSV with its labels; csv: our own names; json: one document; cycles-csv: one row a \
      cycle; archive: an SQLite file with the whole run, which nactl import takes in elsewhere. One run goes to standard \
      output or to -o; with --into every run that is meant gets a file of its own, named CELL__YYYYMMDD_RUN, and bdf a \
      file of metadata beside it.
      """)
  @OptionGroup var daemon: DaemonOption
  @OptionGroup var runs: ExportedRuns
  @Option(help: "bdf, csv, json, cycles-csv or archive.") var format: RunFileFormat
  @Option(name: .shortAndLong, help: "The new file; otherwise standard output.", completion: .file())
  var output: String?
  @Option(help: "The folder for a file of each run; made when missing.", completion: .directory) var into: String?
  @Option(
    help: ArgumentHelp(
      "Put in front of the names of files, as the Battery Data Format asks.", valueName: "name"))
  var institution: String?
  @Option(
    help: ArgumentHelp(
      "Cycles under another parameter set than each run's own, by number or label, in cycles-csv.", valueName: "set"),
    transform: ParameterSetOption.read)
  var parameters: ParameterSetName?
  @Flag(help: "Replace files that exist.") var force = false

  func validate() throws {
    try runs.validate(several: into != nil)
    if into != nil, output != nil { throw ValidationError("--into names the files itself; leave out -o") }
    if institution != nil, into == nil { throw ValidationError("--institution belongs to --into") }
    if parameters != nil, format != .cyclesCSV {
      throw ValidationError(
        "--parameters belongs to --format cycles-csv; bdf, csv and json carry the run's own parameters, archive all sets"
      )
    }
    if let institution, institution.isEmpty { throw ValidationError("--institution is a name") }
  }

  func run() async throws {
    let client = try daemon.client()
    if let into {
      try await RunExports(
        client, format: format, parameters: parameters, institution: institution, replacing: force
      ).write(runs, into: into)
      return
    }
    let run = try runs.single()
    guard let output else {
      if format == .archive, Terminal.isInteractive {
        throw UsageFailure(
          code: "usage.binary", message: "an archive is nothing for a terminal", hint: "-o FILE.nacycler")
      }
      try await format.write(run, under: parameters, from: client) { Terminal.out(bytes: $0) }
      return
    }
    let download = try Download(path: output, replacing: force)
    try await format.write(run, under: parameters, from: client) { try download.append($0) }
    Terminal.error("\(output): \(Numbers.bytes(try download.finish()))\n")
  }
}

/// Which runs are meant.
struct ExportedRuns: ParsableArguments {
  @Argument(
    help: ArgumentHelp(
      "Numbers of runs, last, or with --into names of cells, in which * and ? stand for anything.",
      valueName: "run"),
    completion: .shellCommand("nactl runs --format csv 2>/dev/null | tail -n +2 | cut -d, -f1"))
  var runs: [String] = []
  @Option(help: ArgumentHelp("All runs on the cells of a batch, with --into.", valueName: "name")) var batch: String?
  @Option(
    help: ArgumentHelp(
      "Only runs that began on or after that day (UTC), with --into.", valueName: "YYYY-MM-DD"),
    transform: CalendarDay.read)
  var since: CalendarDay?

  func validate(several: Bool) throws {
    if several {
      if runs.isEmpty, batch == nil, since == nil {
        throw ValidationError("say which runs: numbers, last, names of cells as 'HC-*', --batch or --since")
      }
      return
    }
    if batch != nil || since != nil { throw ValidationError("--batch and --since need --into FOLDER") }
    if runs.count != 1 { throw ValidationError("one run at a time, or --into FOLDER for several") }
    _ = try single()
  }

  /// The one run that is meant.
  func single() throws -> RunReference {
    guard let text = runs.first, let run = RunReference(text) else {
      throw ValidationError("“\(runs.first ?? "")” is no run: write its number, or last; cells need --into FOLDER")
    }
    return run
  }
}

/// A day of the calendar in UTC.
struct CalendarDay {
  /// When it begins.
  var unixMicroseconds: Int64

  static func read(_ argument: String) throws -> CalendarDay {
    let parts = argument.split(separator: "-", omittingEmptySubsequences: false)
    var time = tm()
    if parts.map(\.count) == [4, 2, 2], parts.allSatisfy({ $0.utf8.allSatisfy { $0 &- 0x30 < 10 } }),
      let year = Int32(parts[0]), let month = Int32(parts[1]), let day = Int32(parts[2]), year >= 1970
    {
      time.tm_year = year - 1900
      time.tm_mon = month - 1
      time.tm_mday = day
      let seconds = timegm(&time)
      // A day that the calendar lacks comes out as another one.
      if time.tm_mday == day, time.tm_mon == month - 1 {
        return CalendarDay(unixMicroseconds: Int64(seconds) * 1_000_000)
      }
    }
    throw ValidationError("“\(argument)” is no day; write it as 2026-11-29")
  }

  /// The day of an instant as YYYYMMDD.
  static func digits(unixMicroseconds: Int64) -> String {
    var seconds = time_t(unixMicroseconds / 1_000_000)
    var parts = tm()
    gmtime_r(&seconds, &parts)
    func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return "\(parts.tm_year + 1900)\(two(parts.tm_mon + 1))\(two(parts.tm_mday))"
  }
}
