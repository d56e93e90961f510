// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ArgumentParser
import ControlAPI

/// `nactl tail [RUN]`
struct Tail: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows what runs do, live.",
    discussion: """
      Begins with the newest stored lines and follows. Everything shown is stored. The place is printed on standard \
      error at the end; --after goes on exactly there.
      """)
  @OptionGroup var daemon: DaemonOption
  @Argument(help: "The number of a run, last, or the name of a cell for its newest run. Otherwise all runs.")
  var run: RunName?
  @Flag(help: "Measurements.") var records = false
  @Flag(help: "Closed cycles.") var cycles = false
  @Flag(help: "Events.") var events = false
  @Option(name: .short, help: ArgumentHelp("Begin with so many stored lines of each kind.", valueName: "count"))
  var number = 10
  @Option(help: ArgumentHelp("Go on after this place.", valueName: "cursor")) var after: CursorArgument?
  @Flag(inversion: .prefixedNo, help: "Go on with what happens from now on.") var follow = true
  @Option(help: "table for people, ndjson with all fields, or csv of one kind.") var format: TailForm = .table
  @Option(help: "mAh, mAh/g or mAh/cm2 in the table.") var units: CapacityUnits = .milliampereHours

  func validate() throws {
    guard number >= 0 else { throw ValidationError("-n takes 0 or more.") }
    guard format != .csv || kinds.count == 1 else {
      throw ValidationError("csv has one kind of line: choose one of --records, --cycles and --events.")
    }
  }

  /// The kinds that were chosen; without a choice all, and in CSV measurements.
  private var kinds: Set<StreamRequest.Kind> {
    var kinds: Set<StreamRequest.Kind> = []
    if records { kinds.insert(.records) }
    if cycles { kinds.insert(.cycles) }
    if events { kinds.insert(.events) }
    return !kinds.isEmpty ? kinds : format == .csv ? [.records] : Set(StreamRequest.Kind.allCases)
  }

  func run() async throws {
    let client = try daemon.client()
    let view = TailView(client: client, form: format, units: units)
    await view.endAtInterrupt()
    let request = StreamRequest(
      run: try await run?.looked(at: client), kinds: kinds, after: after?.cursor, last: after == nil ? number : nil,
      follow: follow)
    do {
      try await StoreWatch(client).during { try await view.show(request) }
    } catch {
      view.printCursor()
      throw error
    }
    view.printCursor()
  }
}

/// How a tail is written.
enum TailForm: String, ExpressibleByArgument, CaseIterable {
  case table, ndjson, csv
}

/// A cursor on the command line.
struct CursorArgument: ExpressibleByArgument {
  var cursor: StreamCursor
  init?(argument: String) {
    guard let cursor = StreamCursor(argument) else { return nil }
    self.cursor = cursor
  }
}
