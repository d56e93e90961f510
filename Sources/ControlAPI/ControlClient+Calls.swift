// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import NIOCore
import NIOHTTP1

/// A value with the bytes that it was read from, for callers that pass the daemon's own JSON on.
public struct Received<Value: Sendable>: Sendable {
  /// The value.
  public var value: Value
  /// The JSON as it came.
  public var json: [UInt8]
}

/// The calls. All throw `RequestRefused` when the daemon refuses and `ControlFailure` when it does not answer.
extension ControlClient {
  /// The daemon in a few numbers.
  public func status() async throws -> Received<DaemonStatus> { try await get("/v1/status") }
  /// All channels.
  public func channels() async throws -> Received<ChannelList> { try await get("/v1/channels") }
  /// Removes a latch.
  public func clear(channel: String, _ request: ClearRequest) async throws -> Received<Acknowledgement> {
    try await post("/v1/channels/\(PercentEncoding.encode(channel))/clear", request)
  }
  /// All instruments.
  public func instruments() async throws -> Received<InstrumentList> { try await get("/v1/instruments") }
  /// Asks who is at a port that the daemon does not use; may take minutes.
  public func identify(_ request: IdentifyRequest) async throws -> Received<IdentifiedPort> {
    var patient = self
    patient.timeout = .minutes(5)
    return try await patient.post("/v1/ports/identify", request)
  }
  /// All thermometers.
  public func thermometers() async throws -> Received<ThermometerList> { try await get("/v1/thermometers") }
  /// Binds a thermometer to a channel, or none.
  public func observe(channel: String, _ request: ObserveRequest) async throws -> Received<Acknowledgement> {
    try await post("/v1/channels/\(PercentEncoding.encode(channel))/observe", request)
  }
  /// Says which cell a channel holds.
  public func mount(channel: String, _ request: MountRequest) async throws -> Received<Acknowledgement> {
    try await post("/v1/channels/\(PercentEncoding.encode(channel))/mount", request)
  }

  /// All cells.
  public func cells() async throws -> Received<CellList> { try await get("/v1/cells") }
  /// One cell.
  public func cell(named name: String) async throws -> Received<CellStatus> {
    try await get("/v1/cells/\(PercentEncoding.encode(name))")
  }
  /// Registers a cell.
  public func add(_ request: CellRequest) async throws -> Received<CellList> { try await post("/v1/cells", request) }
  /// Registers cells, all or none.
  public func add(_ request: CellImportRequest) async throws -> Received<CellList> {
    try await post("/v1/cells/import", request)
  }
  /// Adds a revision to a cell.
  public func revise(cell: String, _ request: CellRevisionRequest) async throws -> Received<CellStatus> {
    try await post("/v1/cells/\(PercentEncoding.encode(cell))/revisions", request)
  }

  /// Compiles protocols.
  public func check(_ request: CheckRequest) async throws -> Received<CheckResponse> {
    try await post("/v1/check", request)
  }
  /// Starts runs.
  public func start(_ request: StartRequest) async throws -> Received<StartResponse> {
    try await post("/v1/runs", request)
  }
  /// Runs, newest first.
  public func runs(active: Bool) async throws -> Received<RunList> { try await get("/v1/runs?active=\(active)") }
  /// One run.
  public func run(_ run: RunReference) async throws -> Received<RunDetail> { try await get("/v1/runs/\(run)") }
  /// The closed cycles of a run; capacities also in `mAh_per_g` or `mAh_per_cm2` where that is asked for.
  public func cycles(of run: RunReference, units: String? = nil) async throws -> Received<CycleTable> {
    try await get("/v1/runs/\(run)/cycles\(units.map { "?units=\($0)" } ?? "")")
  }
  /// The closed cycles of a run under a set of parameters.
  public func cycles(
    of run: RunReference, parameterSet: ParameterSetName, units: String? = nil
  ) async throws -> Received<CycleTable> {
    let set = PercentEncoding.encode("\(parameterSet)")
    return try await get("/v1/runs/\(run)/cycles?parameters=\(set)\(units.map { "&units=\($0)" } ?? "")")
  }
  /// The sets of parameters under which a run has cycles.
  public func parameterSets(of run: RunReference) async throws -> Received<ParameterSetList> {
    try await get("/v1/runs/\(run)/parameter-sets")
  }
  /// Computes a run's cycles again, however long it takes.
  public func recompute(_ run: RunReference, _ request: RecomputeRequest) async throws -> Received<RecomputeResponse> {
    var patient = self
    patient.timeout = .hours(12)
    return try await patient.post("/v1/runs/\(run)/recompute", request)
  }
  /// The points of a run's impedance spectra; of one step only when it is given.
  public func impedance(of run: RunReference, step: Int64? = nil) async throws -> Received<ImpedanceTable> {
    try await get("/v1/runs/\(run)/impedance\(step.map { "?step=\($0)" } ?? "")")
  }
  /// Curves of a run's half-cycles. Long ones take their time, so there is no bound to it.
  public func curves(of run: RunReference, _ request: CurveRequest) async throws -> Received<CurveTable> {
    try await getPatiently("/v1/runs/\(run)/curves?\(request.query)")
  }
  /// A whole run in a few columns. A run of months takes its time, so there is no bound to it.
  public func trace(of run: RunReference, _ request: TraceRequest) async throws -> Received<RunTrace> {
    try await getPatiently("/v1/runs/\(run)/trace?\(request.query)")
  }
  /// Cells side by side.
  public func compare(_ request: ComparisonRequest) async throws -> Received<ComparisonTable> {
    try await getPatiently("/v1/compare?\(request.query)")
  }
  /// What an efficiency means for a life.
  public func predict(_ request: PredictionRequest) async throws -> Received<Prediction> {
    try await get("/v1/predict?\(request.query)")
  }
  /// Events of a run after the event of that number.
  public func events(of run: RunReference, after event: Int64 = 0, limit: Int = 1_000) async throws
    -> Received<EventList>
  { try await get("/v1/runs/\(run)/events?after=\(event)&limit=\(limit)") }
  /// Adds a note to a run.
  public func note(_ request: NoteRequest, on run: RunReference) async throws -> Received<Acknowledgement> {
    try await post("/v1/runs/\(run)/notes", request)
  }
  /// `stop`, `pause`, `resume` or `skip`.
  public func command(_ command: String, _ request: CommandRequest, on run: RunReference) async throws
    -> Received<Acknowledgement>
  { try await post("/v1/runs/\(run)/\(command)", request) }

  /// Gives a run another protocol.
  public func amend(_ run: RunReference, _ request: AmendRequest) async throws -> Received<AmendResponse> {
    try await post("/v1/runs/\(run)/amend", request)
  }

  /// A run in a form for other programs, in pieces as they come.
  public func export(_ run: RunReference, as format: ExportFormat, _ take: ([UInt8]) async throws -> Void)
    async throws
  { try await receive(.GET, "/v1/runs/\(run)/export?format=\(format.rawValue)") { try await take(Array(buffer: $0)) } }
  /// A consistent copy of the database, in pieces as they come.
  public func snapshot(_ take: ([UInt8]) async throws -> Void) async throws {
    try await receive(.POST, "/v1/snapshot") { try await take(Array(buffer: $0)) }
  }

  /// What passes between the daemon and an idle instrument from its port's next opening on, in pieces as they come.
  public func recordTranscript(
    of instrument: String, _ request: TranscriptRequest, _ take: ([UInt8]) async throws -> Void
  ) async throws {
    let target = "/v1/instruments/\(PercentEncoding.encode(instrument))/transcript"
    try await receive(.POST, target, body: try WireCoding.encode(request)) { try await take(Array(buffer: $0)) }
  }

  private func get<Value: Decodable & Sendable>(_ target: String) async throws -> Received<Value> {
    try received(try await send(.GET, target))
  }

  /// Waits as long as the daemon is at work on it.
  private func getPatiently<Value: Decodable & Sendable>(_ target: String) async throws -> Received<Value> {
    var bytes: [UInt8] = []
    try await receive(.GET, target) { bytes.append(contentsOf: $0.readableBytesView) }
    return try received(Answer(status: 200, body: bytes))
  }

  private func post<Value: Decodable & Sendable>(_ target: String, _ request: some Encodable) async throws
    -> Received<Value>
  { try received(try await send(.POST, target, body: try WireCoding.encode(request))) }

  private func received<Value: Decodable & Sendable>(_ answer: Answer) throws -> Received<Value> {
    do {
      return Received(value: try WireCoding.decode(Value.self, from: answer.body), json: answer.body)
    } catch {
      throw ControlFailure.badAnswer(path: socketPath, detail: "\(error)")
    }
  }
}
