// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ControlAPI
import Glibc
import Synchronization

/// Writes a live stream as lines and remembers the place.
final class TailView: Sendable {
  /// On a terminal the headings come again after so many lines, which keeps them on most screens.
  private static let linesBetweenHeadings = 30

  private struct State {
    var cursor: StreamCursor?
    var linesSinceHeadings: Int?
    var channelWidth = 7
    var cellWidth = 8
    var scales: [Int64: CapacityScale] = [:]
    var signals: SignalWatch?
    var hasPrintedCursor = false
  }

  private let client: ControlClient
  private let form: TailForm
  private let units: CapacityUnits
  private let state = Mutex(State())

  /// A view of a daemon's streams.
  init(client: ControlClient, form: TailForm, units: CapacityUnits) {
    self.client = client
    self.form = form
    self.units = units
  }

  /// From now on Ctrl-C prints the place and ends the process with 0: leaving a tail is no failure.
  func endAtInterrupt() async {
    let watch = await SignalWatch.hear([SIGINT]) { [self] in
      Terminal.error("\n")
      printCursor()
      exit(0)
    }
    state.withLock { $0.signals = watch }
  }

  /// Says on standard error how to go on from here, once.
  func printCursor() {
    let cursor = state.withLock { state -> StreamCursor? in
      guard !state.hasPrintedCursor else { return nil }
      state.hasPrintedCursor = true
      return state.cursor
    }
    if let cursor { Terminal.error("cursor: \(cursor)\n") }
  }

  /// Shows a stream to its end. With `only`, frames of other runs are left aside, and the end is when all of those
  /// runs are over.
  func show(_ request: StreamRequest, only: Set<Int64>? = nil) async throws {
    if form == .csv { Terminal.out(Self.csvHeading(request.kinds)) }
    var left = only ?? []
    do {
      try await client.stream(request) { news in
        switch news {
        case .lost(let body): Exit.explain(body)
        case .back: Terminal.error("the daemon is back\n")
        case .frame(let received):
          state.withLock { $0.cursor = received.cursor ?? $0.cursor }
          guard only == nil || Self.run(of: received.frame).map({ only?.contains($0) == true }) == true else { return }
          try await write(received)
          guard case .run(let status) = received.frame.body, status.is_over, left.remove(status.run) != nil else {
            return
          }
          if left.isEmpty { throw AllOver() }
        }
      }
    } catch is AllOver {
      return
    }
  }

  /// All runs that were waited for are over.
  private struct AllOver: Error {}

  private static func run(of frame: StreamFrame) -> Int64? {
    switch frame.body {
    case .record(let record): record.run
    case .cycle(let cycle): cycle.run
    case .event(let event): event.run
    case .run(let status): status.run
    case .ready, .bye: nil
    }
  }

  private func write(_ received: ReceivedFrame) async throws {
    switch form {
    case .table: try await writeLine(received.frame)
    case .csv: Terminal.out(Self.csvLine(received.frame.body))
    case .ndjson:
      switch received.frame.body {
      case .ready, .bye: return
      case .record, .cycle, .event, .run:
        let place = received.cursor.map { "\"\($0)\"" } ?? "null"
        let head = "{\"kind\":\"\(received.frame.kind)\",\"cursor\":\(place),\"data\":"
        Terminal.out(bytes: Array(head.utf8) + received.json + Array("}\n".utf8))
      }
    }
  }

  private func writeLine(_ frame: StreamFrame) async throws {
    switch frame.body {
    case .record(let record):
      let scale = try await scale(run: record.run)
      Terminal.out(state.withLock { Self.line(record, scale: scale, state: &$0) })
    case .cycle(let cycle):
      let scale = try await scale(run: cycle.run)
      Terminal.out("── \(cycle.cell): \(Self.sentence(cycle, units: scale))\n")
    case .event(let event): Terminal.out(Self.line(event) + "\n")
    case .run(let status):
      if status.is_over {
        let reason = status.end_reason.map { ": \($0)" } ?? ""
        Terminal.out("── \(status.cell): run \(status.run) \(status.state)\(reason)\n")
      }
    case .ready, .bye: return
    }
  }

  /// How the capacities of a run's cell are shown.
  private func scale(run: Int64) async throws -> CapacityScale {
    if units == .milliampereHours { return .milliampereHours }
    if let known = state.withLock({ $0.scales[run] }) { return known }
    let table = try await client.cycles(of: .number(run)).value
    let scale = try CapacityScale(
      units, cell: table.cell, massMicrograms: table.active_mass_ug, areaSquareMillimetres: table.area_mm2)
    state.withLock { $0.scales[run] = scale }
    return scale
  }

  private static func line(_ record: RecordFrame, scale: CapacityScale, state: inout State) -> String {
    state.channelWidth = max(state.channelWidth, record.channel.count)
    state.cellWidth = max(state.cellWidth, record.cell.count)
    var text = ""
    if state.linesSinceHeadings.map({ Terminal.isInteractive && $0 >= linesBetweenHeadings }) ?? true {
      text += columns(
        [
          "TIME", "CHANNEL", "CELL", "CYCLE", "STEP", "STEP TIME", "VOLTAGE", "CURRENT",
          "CHARGE \(scale.units.rawValue)",
          "NEXT CUT-OFF",
        ], state)
      state.linesSinceHeadings = 0
    }
    state.linesSinceHeadings = (state.linesSinceHeadings ?? 0) + 1
    let flags = record.flags.filter { $0 != "step_start" && $0 != "step_end" && $0 != "plateau_edge" }
    return text
      + columns(
        [
          Numbers.timeOfDay(unixMicroseconds: record.unix_us), record.channel, record.cell,
          record.cycle_number.map { "\($0)" } ?? Numbers.unknown, "\(record.step_count) \(stepName(record))",
          Numbers.duration(record.step_time_s), record.voltage_V.map { Numbers.fixed($0, 4) + " V" } ?? Numbers.unknown,
          record.current_A.map { Numbers.scaled($0, "A") } ?? Numbers.unknown,
          scale.number(record.step_charge_Ah) ?? Numbers.unknown,
          ([record.temperature_degC.map { Numbers.fixed($0, 2) + " °C" }, record.next_cutoff.map(Self.text) ?? ""]
            .compactMap { $0 } + flags.map { "[\($0)]" }).joined(separator: " "),
        ], state)
  }

  private static func columns(_ fields: [String], _ state: State) -> String {
    // Widths of what stands there; names grow the columns as they appear. Negative: at the left.
    let widths = [8, -state.channelWidth, -state.cellWidth, 5, -16, 9, 10, 10, 12, 0]
    var line = ""
    for (field, width) in zip(fields, widths) {
      let space = String(repeating: " ", count: max(0, abs(width) - field.count))
      line += (width < 0 ? field + space : space + field) + "  "
    }
    while line.last == " " { line.removeLast() }
    return line + "\n"
  }

  private static func stepName(_ record: RecordFrame) -> String {
    switch record.step_kind {
    case "constant_current": "\(record.direction) CC"
    case "constant_current_constant_voltage": "\(record.direction) CCCV"
    case "constant_power": "\(record.direction) CP"
    case "constant_resistance": "\(record.direction) CR"
    case "constant_voltage": "hold"
    case "open_circuit_check": "open circuit"
    case "impedance_spectrum": "impedance"
    default: record.step_kind
    }
  }

  /// `voltage <= 10 mV, 143.2 mV to go`
  static func text(_ cutoff: CutoffDistance) -> String {
    let distance =
      cutoff.unit == "s" ? Numbers.duration(cutoff.remaining) : Numbers.scaled(cutoff.remaining, cutoff.unit)
    return "\(cutoff.condition), \(distance) to go"
  }

  /// A cycle in a sentence.
  static func sentence(_ cycle: CycleFrame, units scale: CapacityScale) -> String {
    var text = "cycle \(cycle.cycle_number)"
    if let purpose = cycle.purpose { text += " (\(purpose))" }
    text += ": charge \(scale.text(cycle.charge_capacity_Ah)), discharge \(scale.text(cycle.discharge_capacity_Ah))"
    text += ", CE \(Numbers.percent(cycle.coulombic_efficiency, decimals: 3)) %"
    if let plateau = cycle.sodiation_plateau_capacity_Ah {
      text += ", sodiation plateau \(scale.text(plateau)) (\(Numbers.percent(cycle.sodiation_plateau_ratio)) %)"
    }
    if !cycle.flags.isEmpty { text += " [\(cycle.flags.joined(separator: " "))]" }
    return text
  }

  /// An event in a line.
  static func line(_ event: EventFrame) -> String {
    let place = [event.channel, event.cell].compactMap { $0 }.joined(separator: " ")
    let time = Numbers.timeOfDay(unixMicroseconds: event.unix_us)
    let mark = event.severity == "info" ? "" : "\(event.severity): "
    return "\(time)  \(mark)\(event.code)\(place.isEmpty ? "" : "  \(place)")  \(event.detail) (\(event.actor))"
  }

  private static func csvHeading(_ kinds: Set<StreamRequest.Kind>) -> String {
    if kinds.contains(.records) { return CSV.line(recordColumns.map(\.0)) }
    if kinds.contains(.cycles) { return CSV.line(cycleColumns.map(\.0)) }
    return CSV.line(eventColumns.map(\.0))
  }

  private static func csvLine(_ body: StreamFrame.Body) -> String {
    switch body {
    case .record(let record): CSV.line(recordColumns.map { $0.1(record) ?? "" })
    case .cycle(let cycle): CSV.line(cycleColumns.map { $0.1(cycle) ?? "" })
    case .event(let event): CSV.line(eventColumns.map { $0.1(event) ?? "" })
    case .run, .ready, .bye: ""
    }
  }
}
