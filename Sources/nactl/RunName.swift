// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ArgumentParser
import ControlAPI

/// A run on the command line: its number, `last`, or the name of a cell.
///
/// A cell's name stands for its newest run that has begun where somebody looks. Where something happens to a cell, a run
/// must be named itself: a cell that waits for its next run has two that could be meant.
struct RunName: ExpressibleByArgument {
  /// As it was written.
  let text: String

  init?(argument: String) {
    guard !argument.isEmpty else { return nil }
    // A number is a run's, and never the name of a cell.
    guard RunReference(argument) != nil || !argument.allSatisfy(\.isWholeNumber) else { return nil }
    text = argument
  }

  /// The run that is looked at. A cell with several runs is told which one its name stands for, on standard error.
  /// - Throws: `UsageFailure` when it is neither a run nor a cell that has one.
  func looked(at client: ControlClient) async throws -> RunReference {
    if let run = RunReference(text) { return run }
    let all = try await client.runs(active: false).value.runs
    let begun = Self.begun(all, cell: text)
    guard let newest = begun.last else { throw failure(all) }
    if begun.count > 1 { Terminal.error("note: \(text) stands for its newest run, \(newest.run)\n") }
    return .number(newest.run)
  }

  /// The run that something is to happen to.
  /// - Throws: `UsageFailure` when it is not named by its number or as `last`; it says which runs the cell has.
  func named(to client: ControlClient) async throws -> RunReference {
    if let run = RunReference(text) { return run }
    throw failure(try await client.runs(active: false).value.runs)
  }

  /// The runs of a cell that have begun, the newest last.
  static func begun(_ runs: [RunStatus], cell: String) -> [RunStatus] {
    runs.filter { $0.cell == cell && $0.started_unix_us != nil }
      .sorted { ($0.started_unix_us ?? 0, $0.run) < ($1.started_unix_us ?? 0, $1.run) }
  }

  /// What is said of a name that is no run.
  func failure(_ all: [RunStatus]) -> UsageFailure {
    let runs = all.filter { $0.cell == text }.map(\.run).sorted()
    guard runs.isEmpty else {
      let numbers = runs.map(String.init).joined(separator: ", ")
      let begun = Self.begun(all, cell: text).isEmpty ? ", which has not begun" : ""
      return UsageFailure(
        code: "run.bad_name", message: "\(text) is no run: name one by its number, or last",
        hint: "`nactl runs` lists them; cell \(text) has \(runs.count == 1 ? "run" : "runs") \(numbers)\(begun)")
    }
    let near = NearestWord.to(text, among: all.map(\.cell) + ["last"]).map { "; \($0) perhaps" } ?? ""
    return UsageFailure(
      code: "run.bad_name", message: "“\(text)” is no run, and no cell that has one\(near)",
      hint: "`nactl runs` lists runs and their cells")
  }
}
