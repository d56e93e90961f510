// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ControlAPI
import CyclerService
import Foundation
import Synchronization

/// A daemon's inside that remembers what it was asked and has one run with as many records as a test likes.
final class OperationsDouble: CyclerOperations {
  let run: Int64 = 3
  let recordCount: Int32
  /// Silent streams wait after what is stored; endless ones go on as fast as they are read.
  let streamTail: StreamTail
  /// Records whose frames carry a cursor; nil: all.
  let cursorsAt: Set<Int32>?
  let asked = Mutex<[String]>([])
  /// Batches that the server has taken from endless streams.
  let batchesTaken = Mutex<Int>(0)

  enum StreamTail: Sendable { case complete, silent, endless, breaking(after: Int32) }

  init(recordCount: Int32 = 10, streamTail: StreamTail = .complete, cursorsAt: Set<Int32>? = nil) {
    self.cursorsAt = cursorsAt
    self.recordCount = recordCount
    self.streamTail = streamTail
  }

  private func note(_ text: String) { asked.withLock { $0.append(text) } }

  private func acknowledge(_ requester: Requester, _ message: String) -> Acknowledgement {
    note("\(requester.name) \(requester.requestID) \(message)")
    return Acknowledgement(request_id: requester.requestID, message: message, run: run)
  }

  private func check(_ reference: RunReference) throws {
    guard reference == .last || reference == .number(run) else {
      throw RequestRefused(
        .notFound, code: "run.not_found", message: "there is no run \(reference)", hint: "nactl runs lists them")
    }
  }

  func status() async throws -> DaemonStatus {
    DaemonStatus(daemon_version: "0", started_unix_us: 1, database_path: "/x", channels: 1, runs_active: 1)
  }
  func channels() async throws -> ChannelList {
    ChannelList(channels: [
      ChannelStatus(
        channel: "bench/1 ä", instrument_family: "f", instrument_model: "m", instrument_serial: "s",
        driver_maturity: "emulated_only", state: "away", circuit: .openLeaseExpired,
        circuit_lease_expired_unix_us: 5, goes_safe_alone: true, holds_limits_itself: false)
    ])
  }
  func clear(channel: String, _ request: ClearRequest, by requester: Requester) async throws -> Acknowledgement {
    acknowledge(requester, "clear \(channel): \(request.reason)")
  }
  func instruments() async throws -> InstrumentList {
    InstrumentList(
      instruments: [
        InstrumentStatus(
          instrument_model: "2400", instrument_serial: "1", instrument_family: "keithley_scpi",
          driver_maturity: "emulated_only", state: "away", channels: ["bench/1"],
          abilities: InstrumentAbilities(
            step_kinds: ["rest"], voltage_from_V: -1, voltage_to_V: 1, maximum_current_A: 1, current_ranges_A: [1],
            shortest_reading_interval_s: 1, holds_limits_itself: false, goes_safe_alone: false,
            open_circuit: "zero_current_held", observes: []))
      ], unusable_ports: [], families: ["keithley_scpi"])
  }
  func identify(_ request: IdentifyRequest, by requester: Requester) async throws -> IdentifiedPort {
    note("identify \(request.port)")
    return IdentifiedPort(request_id: requester.requestID, port: request.port, asked: ["keithley_scpi"])
  }
  func thermometers() async throws -> ThermometerList {
    ThermometerList(
      thermometers: [
        ThermometerStatus(
          thermometer: "T-1", instrument_family: "line_thermometer", instrument_model: "nano",
          driver_maturity: "emulated_only", state: "away", channels: ["bench/1"])
      ])
  }
  func observe(channel: String, _ request: ObserveRequest, by requester: Requester) async throws -> Acknowledgement {
    acknowledge(requester, "observe \(channel) by \(request.thermometer ?? "nothing")")
  }
  func mount(channel: String, _ request: MountRequest, by requester: Requester) async throws -> Acknowledgement {
    acknowledge(requester, "mount \(request.cell ?? "nothing") on \(channel)")
  }
  func amend(_ request: AmendRequest, on reference: RunReference, by requester: Requester) async throws -> AmendResponse
  {
    try check(reference)
    note("\(requester.name) amends by \(request.protocol.name) \(request.set ?? []) \(request.reason ?? "")")
    return AmendResponse(
      request_id: requester.requestID, run: run, revision: 2, holds_from: "next_cycle", warnings: ["careful"],
      changes: ["- rest 1 min", "+ rest 2 min"])
  }
  func predict(_ request: PredictionRequest) async throws -> Prediction {
    note("predict \(request.query)")
    return Prediction(cycles: request.cycles)
  }
  func cells() async throws -> CellList { CellList(cells: []) }
  func cell(named name: String) async throws -> CellStatus {
    throw RequestRefused(.notFound, code: "cell.not_found", message: "there is no cell \(name)")
  }
  func addCells(_ cells: [CellRequest], by requester: Requester) async throws -> CellList {
    note("add \(cells.map(\.cell))")
    return CellList(cells: [])
  }
  func reviseCell(named name: String, _ request: CellRevisionRequest, by requester: Requester) async throws
    -> CellStatus
  { try await cell(named: name) }
  func check(_ request: CheckRequest) async throws -> CheckResponse { CheckResponse(valid: true, protocols: []) }
  func start(_ request: StartRequest, by requester: Requester) async throws -> StartResponse {
    throw RequestRefused(
      .impossible, code: "protocol.invalid", message: "the protocol has 1 problem", hint: nil,
      problems: [
        Problem(protocol_name: "p.json", path: "steps[0]", line: 3, column: 4, message: "wrong", hint: "right")
      ])
  }
  func runs(active: Bool) async throws -> RunList {
    note("runs \(active)")
    return RunList(runs: [])
  }
  func run(_ run: RunReference) async throws -> RunDetail {
    struct Broken: Error {}
    throw Broken()
  }
  func cycles(of run: RunReference) async throws -> CycleTable {
    try check(run)
    return CycleTable(run: self.run, cell: "c", role: "anode-half-cell", cycles: [])
  }
  func cycles(of run: RunReference, parameterSet: ParameterSetName) async throws -> CycleTable {
    try check(run)
    note("cycles under \(parameterSet)")
    return CycleTable(run: self.run, cell: "c", role: "anode-half-cell", cycles: [])
  }
  func parameterSets(of run: RunReference) async throws -> ParameterSetList {
    try check(run)
    return ParameterSetList(run: self.run, parameter_sets: [set])
  }
  private var set: ParameterSet { ParameterSet(parameter_set: 1, is_own: true, definitions_version: "1", cycles: 2) }
  /// Hangs until its caller has gone when the label says so.
  func recompute(_ request: RecomputeRequest, on run: RunReference, by requester: Requester) async throws
    -> RecomputeResponse
  {
    try check(run)
    note("\(requester.name) recomputes with \(request.sodiation_plateau_below_V.map { "\($0) V" } ?? "nothing else")")
    if request.label == "for ever" {
      do { try await Task.sleep(for: .seconds(3_600)) } catch {
        note("recompute was cancelled")
        throw error
      }
    }
    return RecomputeResponse(
      request_id: requester.requestID, run: self.run, parameter_set: set, is_own: true, half_cycles: 4,
      half_cycles_other: 0, half_cycles_more_known: 0, cycles: 2, cycles_other: 0, cycles_more_known: 0,
      differences: [], warnings: [])
  }
  func impedance(of run: RunReference, step: Int64?) async throws -> ImpedanceTable {
    try check(run)
    return ImpedanceTable(
      run: self.run, cell: "c",
      points: [
        ImpedanceFrame(
          step_count: step ?? 1, number: 1, test_time_s: 1, unix_us: 1, frequency_Hz: 1, real_impedance_ohm: 1,
          imaginary_impedance_ohm: -1)
      ])
  }
  func curves(of run: RunReference, _ request: CurveRequest) async throws -> EncodedAnswer<CurveTable> {
    try check(run)
    return try EncodedAnswer(
      CurveTable(
        run: self.run, cell: "\(request.cycles)", curve: request.curve, smoothing: request.smoothing, half_cycles: []))
  }
  func trace(of run: RunReference, _ request: TraceRequest) async throws -> RunTrace {
    try check(run)
    return RunTrace(
      run: self.run, cell: "c", state: "running", from_s: 0, to_s: 1, records: Int64(request.columns), columns: [])
  }
  func compare(_ request: ComparisonRequest) async throws -> EncodedAnswer<ComparisonTable> {
    try EncodedAnswer(
      ComparisonTable(
        by: request.by, role: "full-cell", cells: request.of.map { ComparedCell(cell: $0, runs: [], cycles: 0) },
        initial_coulombic_efficiency: SampleMean(mean: nil, standard_deviation: nil, n: 0), rows: [], left_out: [],
        warnings: []))
  }
  func events(of run: RunReference, after event: Int64, limit: Int) async throws -> EventList {
    EventList(events: [])
  }
  func note(_ request: NoteRequest, on run: RunReference, by requester: Requester) async throws -> Acknowledgement {
    acknowledge(requester, "note: \(request.text)")
  }
  func command(_ command: RunCommand, _ request: CommandRequest, on run: RunReference, by requester: Requester)
    async throws -> Acknowledgement
  {
    try check(run)
    return acknowledge(requester, "\(command.rawValue) \(request.reason ?? "without a reason")")
  }

  func stream(_ request: StreamRequest) async throws -> AsyncThrowingStream<[StreamFrame], any Error> {
    let next = Mutex<Int32>((request.after?[run: run].recordIndex ?? -1) + 1)
    note("stream after \(request.after.map { "\($0)" } ?? "nothing")")
    return AsyncThrowingStream { [self] in
      let index = next.withLock { value in
        defer { value += 1 }
        return value
      }
      if index < recordCount {
        if case .breaking(let last) = streamTail, index == last, request.after == nil { throw Interrupted() }
        return [record(index)]
      }
      switch streamTail {
      case .complete, .breaking: return nil
      case .silent:
        if index == recordCount { return [StreamFrame(cursor: cursor(recordCount - 1), body: .ready)] }
        try await Task.sleep(for: .seconds(3_600))
        return []
      case .endless:
        batchesTaken.withLock { $0 += 1 }
        return (0..<100).map { _ in record(index) }
      }
    }
  }
  struct Interrupted: Error {}

  func cursor(_ index: Int32) -> StreamCursor {
    StreamCursor(event: 0, runs: [.init(run: run, stepCount: 1, recordIndex: index)])
  }

  func record(_ index: Int32) -> StreamFrame {
    StreamFrame(
      cursor: cursorsAt?.contains(index) ?? true ? cursor(index) : nil,
      body: .record(
        RecordFrame(
          run: run, cell: "c", channel: "bench/1 ä", step_count: 1, step_kind: "rest", step_path: "steps[0]",
          direction: "none", step_record_index: Int(index), test_time_s: Double(index), step_time_s: Double(index),
          unix_us: Int64(index), voltage_V: 3.700000001, step_charge_Ah: 0, step_energy_Wh: 0, flags: [])))
  }

  func export(_ run: RunReference, as format: ExportFormat) async throws -> AsyncThrowingStream<[UInt8], any Error> {
    try check(run)
    let left = Mutex(50)
    return AsyncThrowingStream {
      let index = left.withLock { value in
        value -= 1
        return value
      }
      return index < 0 ? nil : [UInt8](repeating: UInt8(index), count: 10_000)
    }
  }
  func importArchive(at path: String, asCell cell: String?, by requester: Requester) async throws -> ImportResponse {
    let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
    note("\(requester.name) imports \(size) bytes as \(cell ?? "itself")")
    if cell == "refused" {
      throw RequestRefused(.impossible, code: "archive.damaged", message: "the archive is damaged: all of it")
    }
    return ImportResponse(
      request_id: requester.requestID, run: run, uuid: "u", title: "t", cell: cell ?? "c", records: Int64(size),
      cycles: 2, parameter_sets: [ParameterSet(parameter_set: 1, is_own: true, definitions_version: "1", cycles: 2)])
  }
  func recordTranscript(
    of instrument: String, _ request: TranscriptRequest, by requester: Requester
  ) async throws -> AsyncThrowingStream<[UInt8], any Error> {
    note("record \(instrument) \(request.seconds.map { "\($0)" } ?? "-") \(request.note ?? "-")")
    guard instrument != "busy" else {
      throw RequestRefused(.conflict, code: "instrument.in_use", message: "a run is on it")
    }
    let pieces = Mutex(["# nacycler ", "transcript 1\n", ". over\n"])
    return AsyncThrowingStream {
      pieces.withLock { pieces in pieces.isEmpty ? nil : Array(pieces.removeFirst().utf8) }
    }
  }
  func snapshot(by requester: Requester) async throws -> AsyncThrowingStream<[UInt8], any Error> {
    note("snapshot")
    let sent = Mutex(0)
    return AsyncThrowingStream {
      let count = sent.withLock { value in
        value += 1
        return value
      }
      if count > 3 { throw Interrupted() }
      return [1, 2, 3]
    }
  }
}
