// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Many runs, each into a file of its own. One that fails is told and the others go on; the exit code is that of the first
// failure.

import ControlAPI
import Glibc

/// Writes runs into a folder.
struct RunExports {
  private let client: ControlClient
  private let format: RunFileFormat
  private let parameters: ParameterSetName?
  private let institution: String?
  private let replacing: Bool

  init(
    _ client: ControlClient, format: RunFileFormat, parameters: ParameterSetName?, institution: String?, replacing: Bool
  ) {
    self.client = client
    self.format = format
    self.parameters = parameters
    self.institution = institution
    self.replacing = replacing
  }

  /// Writes the runs that are meant, oldest first, and tells each on a line of its own.
  func write(_ wanted: ExportedRuns, into folder: String) async throws {
    let runs = try await chosen(wanted)
    try Self.make(folder)
    var failure: (any Error)?
    var failures = 0
    for run in runs {
      do {
        let (path, count) = try await write(run, into: folder)
        Terminal.out("\(path): run \(run.run) of \(run.cell), \(Numbers.bytes(count))\n")
      } catch let error where isAboutOne(error) {
        failures += 1
        failure = failure ?? error
        Terminal.endProgress()
        Terminal.error("run \(run.run) of \(run.cell) is not written: \(Self.body(of: error).code): ")
        Terminal.error("\(Self.body(of: error).message)\n")
      }
    }
    let written = runs.count - failures
    Terminal.error("\(written) of \(runs.count) \(runs.count == 1 ? "run" : "runs") written to \(folder)\n")
    if let failure { Exit.report(failure) }
  }

  /// Makes the folder where it is missing; what it is to lie in must be there, so that a slip makes no tree of folders.
  private static func make(_ folder: String) throws {
    guard mkdir(folder, 0o777) != 0 else { return Terminal.error("made the folder \(folder)\n") }
    guard errno == EEXIST else { throw FileFailure("unwritable", path: folder) }
    var status = stat()
    guard stat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
      throw FileFailure(
        code: "file.no_folder", message: "\(folder) is no folder", hint: "name another; it is made where it is missing")
    }
  }

  /// Whether an error is about this run or this file, so that the next may do better. A daemon that is gone is not.
  private func isAboutOne(_ error: any Error) -> Bool { error is RequestRefused || error is FileFailure }

  private static func body(of error: any Error) -> ErrorBody {
    switch error {
    case let refusal as RequestRefused: refusal.body
    case let failure as FileFailure: failure.body
    default: ErrorBody(code: "export.failed", message: "\(error)", hint: nil)
    }
  }

  /// What the daemon would say were it asked for such a run.
  private static func refused(_ code: String, _ message: String, hint: String) -> RequestRefused {
    RequestRefused(.notFound, code: code, message: message, hint: hint)
  }

  // MARK: - Which

  private func chosen(_ wanted: ExportedRuns) async throws -> [RunStatus] {
    let all = try await client.runs(active: false).value.runs.sorted { $0.run < $1.run }
    var ofBatch: Set<String>?
    if let batch = wanted.batch {
      let cells = try await client.cells().value.cells
      ofBatch = Set(cells.filter { $0.batch == batch }.map(\.cell))
      guard ofBatch?.isEmpty == false else {
        let near = NearestWord.to(batch, among: cells.compactMap(\.batch)).map { ", “\($0)” perhaps" } ?? ""
        throw Self.refused(
          "export.no_batch", "no cell is in a batch “\(batch)”\(near)", hint: "`nactl cell list` tells")
      }
    }
    var named: Set<Int64>?
    for text in wanted.runs {
      let found = try matching(text, all)
      named = (named ?? []).union(found)
    }
    let chosen = all.filter { run in
      guard let started = run.started_unix_us else {
        return named?.contains(run.run) == true && Self.isNumber(wanted, run)
      }
      return named?.contains(run.run) ?? true && ofBatch?.contains(run.cell) ?? true
        && started >= wanted.since?.unixMicroseconds ?? .min
    }
    guard !chosen.isEmpty else {
      throw Self.refused(
        "export.no_run", "no run that has begun is meant by that", hint: "`nactl runs` shows the runs")
    }
    return chosen
  }

  /// Whether somebody has asked for just this run, so that it must not be passed over in silence.
  private static func isNumber(_ wanted: ExportedRuns, _ run: RunStatus) -> Bool { wanted.runs.contains("\(run.run)") }

  private func matching(_ text: String, _ all: [RunStatus]) throws -> [Int64] {
    let found: [Int64]
    switch RunReference(text) {
    case .number(let number): found = all.filter { $0.run == number }.map(\.run)
    case .last: found = all.filter { $0.started_unix_us != nil }.suffix(1).map(\.run)
    case nil: found = all.filter { Self.matches($0.cell, text) }.map(\.run)
    }
    guard !found.isEmpty else {
      let near = NearestWord.to(text, among: all.map(\.cell)).map { ", “\($0)” perhaps" } ?? ""
      throw Self.refused(
        "export.no_run", "“\(text)” is no run and no cell that has one\(near)",
        hint: "`nactl runs` shows the runs; in a shell write patterns in quotes: 'HC-*'")
    }
    return found
  }

  private static func matches(_ cell: String, _ pattern: String) -> Bool { fnmatch(pattern, cell, 0) == 0 }

  // MARK: - Files

  /// `[INSTITUTION__]CELL__YYYYMMDD_RUN`, the run's number with three digits at least.
  private func stem(_ run: RunStatus, started: Int64) -> String {
    let digits = String(run.run)
    let number = String(repeating: "0", count: max(0, 3 - digits.count)) + digits
    return FileNames.stem(
      [institution, run.cell].compactMap(\.self), "\(CalendarDay.digits(unixMicroseconds: started))_\(number)")
  }

  private func write(_ run: RunStatus, into folder: String) async throws -> (path: String, count: Int) {
    guard let started = run.started_unix_us else {
      throw Self.refused("export.not_begun", "it has not begun", hint: "`nactl runs` shows the runs")
    }
    let stem = (folder.hasSuffix("/") ? folder : folder + "/") + stem(run, started: started)
    let path = stem + format.suffix
    let reference = RunReference.number(run.run)
    let download = try Download(path: path, replacing: replacing)
    // Neither of two files that belong together appears where the other could not be begun.
    let metadata = format == .bdf ? try Download(path: stem + ".bdf.metadata.json", replacing: replacing) : nil
    try await format.write(reference, under: parameters, from: client) { try download.append($0) }
    if let metadata {
      try metadata.append(try await RunMetadata(reference, from: client, file: path).json())
      _ = try metadata.finish()
    }
    return (path, try download.finish())
  }
}
