// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What the control server can ask of the rest of the daemon. The server knows HTTP, peers and streams; it knows
// nothing of stores, channels and runs, and a test can put a double behind this protocol.

public import ControlAPI

/// Who asks for a change, as the kernel says it, and under which id the event log keeps it.
public struct Requester: Sendable, Hashable {
  /// Login name, or `uid N` for a user without one. It is the `actor` of the events.
  public var name: String
  /// User id of the peer.
  public var userID: UInt32
  /// Process id of the peer when it connected.
  public var processID: Int32
  /// Given by the client in `X-Request-ID`, or made by the server; 1 to 64 letters, digits, `.`, `_` or `-`.
  public var requestID: String

  /// A requester.
  public init(name: String, userID: UInt32, processID: Int32, requestID: String) {
    self.name = name
    self.userID = userID
    self.processID = processID
    self.requestID = requestID
  }
}

/// The commands on a run that need nothing but the run.
public enum RunCommand: String, Sendable, Hashable, CaseIterable {
  /// Ends the run and opens the circuit.
  case stop
  /// Opens the circuit and waits.
  case pause
  /// Goes on after a pause or a hold.
  case resume
  /// Ends the present step and goes on with the next.
  case skip
}

/// Everything that the control server can be asked for.
///
/// All functions throw `RequestRefused` for a request that cannot be granted; any other error is answered as
/// `daemon.failed` and logged. Only people who may operate reach the functions that take a `Requester`. None may
/// block its thread: stores are asked through their own threads.
public protocol CyclerOperations: Sendable {
  /// The daemon in a few numbers.
  func status() async throws -> DaemonStatus

  /// All channels as they are now.
  func channels() async throws -> ChannelList
  /// Removes a latch; never resumes a run. Refused with `channel.not_found` or `channel.not_latched`.
  func clear(channel: String, _ request: ClearRequest, by requester: Requester) async throws -> Acknowledgement
  /// The instruments that are known, what they can do and how their lines are.
  func instruments() async throws -> InstrumentList
  /// Asks who is at a port that the daemon does not use. Refused with `port.in_use` where it does, `port.unusable` or
  /// `link.busy` where the port cannot be opened, and `request.field` for a name that is none.
  func identify(_ request: IdentifyRequest, by requester: Requester) async throws -> IdentifiedPort
  /// The thermometers that are there or bound.
  func thermometers() async throws -> ThermometerList
  /// Binds a thermometer to a channel, or none. Refused with `observer.not_found`, and with `channel.in_use` while a run
  /// that names a temperature has the channel.
  func observe(channel: String, _ request: ObserveRequest, by requester: Requester) async throws -> Acknowledgement
  /// Says which cell a channel holds, or none.
  func mount(channel: String, _ request: MountRequest, by requester: Requester) async throws -> Acknowledgement

  /// All cells with their newest revisions.
  func cells() async throws -> CellList
  /// One cell by name or id of the laboratory. Refused with `cell.not_found`.
  func cell(named name: String) async throws -> CellStatus
  /// Registers cells, all or none.
  func addCells(_ cells: [CellRequest], by requester: Requester) async throws -> CellList
  /// Adds a revision to a cell.
  func reviseCell(named name: String, _ request: CellRevisionRequest, by requester: Requester) async throws
    -> CellStatus

  /// Compiles protocols without starting anything. Problems in protocols are an answer here, not an error.
  func check(_ request: CheckRequest) async throws -> CheckResponse
  /// Starts runs, all or none. Refused with `protocol.invalid` and all problems when a protocol does not compile.
  func start(_ request: StartRequest, by requester: Requester) async throws -> StartResponse

  /// Runs, newest first; only those that are not over when `active`.
  func runs(active: Bool) async throws -> RunList
  /// One run. Refused with `run.not_found`.
  func run(_ run: RunReference) async throws -> RunDetail
  /// The closed cycles of a run.
  func cycles(of run: RunReference) async throws -> CycleTable
  /// The points of a run's impedance spectra; of one step only when it is given.
  func impedance(of run: RunReference, step: Int64?) async throws -> ImpedanceTable
  /// Curves of half-cycles. Refused with `cycle.not_found`, and with `curve.not_possible` for a grid that there is not.
  func curves(of run: RunReference, _ request: CurveRequest) async throws -> EncodedAnswer<CurveTable>
  /// A whole run, or some of its cycles, in a few columns.
  func trace(of run: RunReference, _ request: TraceRequest) async throws -> RunTrace
  /// Cells side by side, one comparison at a time. Refused with `compare.not_found`, `compare.roles_differ`,
  /// `compare.too_many`, `compare.busy` and `recompute.no_such_set`.
  func compare(_ request: ComparisonRequest) async throws -> EncodedAnswer<ComparisonTable>
  /// What an efficiency means for a life. Refused when the numbers are not two of three, or the run has none to take.
  func predict(_ request: PredictionRequest) async throws -> Prediction
  /// The closed cycles of a run under a set of parameters. Refused with `recompute.no_such_set`.
  func cycles(of run: RunReference, parameterSet: ParameterSetName) async throws -> CycleTable
  /// The sets of parameters under which a run has cycles.
  func parameterSets(of run: RunReference) async throws -> ParameterSetList
  /// Computes a run's cycles again from its records; ends soon after its task is cancelled.
  func recompute(_ request: RecomputeRequest, on run: RunReference, by requester: Requester) async throws
    -> RecomputeResponse
  /// Events of a run after the event of that number, oldest first, at most `limit`.
  func events(of run: RunReference, after event: Int64, limit: Int) async throws -> EventList
  /// Keeps a note as an event.
  func note(_ request: NoteRequest, on run: RunReference, by requester: Requester) async throws -> Acknowledgement
  /// Carries out a command; answers when it has been accepted, the effect shows in the run's state.
  func command(_ command: RunCommand, _ request: CommandRequest, on run: RunReference, by requester: Requester)
    async throws -> Acknowledgement
  /// Gives a run another protocol from the next cycle on. Refused with `protocol.invalid` when it does not compile, and
  /// with `amend.does_not_fit` when the run cannot go on in it.
  func amend(_ request: AmendRequest, on run: RunReference, by requester: Requester) async throws -> AmendResponse

  /// The live stream: what is stored after the request's place, then `ready`, then what is committed from then on, in
  /// batches of any size. Each frame's cursor is the place after it.
  ///
  /// It must end soon after its task is cancelled, which is how the server leaves it when the reader goes away.
  ///
  /// The server takes the next batch only when the reader has taken the last one, so an implementation reads the
  /// store on demand (`AsyncThrowingStream(unfolding:)`) and never collects for slow readers. It ends after what is
  /// stored when `follow` is false, and when the run is over and everything was sent; the server says `bye`.
  func stream(_ request: StreamRequest) async throws -> AsyncThrowingStream<[StreamFrame], any Error>
  /// A run in a form for other programs, in chunks read on demand.
  func export(_ run: RunReference, as format: ExportFormat) async throws -> AsyncThrowingStream<[UInt8], any Error>
  /// Takes in the run of an archive in a file that the caller removes. Refused with `archive.…` when it is none, or does
  /// not fit. Ends soon after its task is cancelled, and leaves nothing behind then.
  func importArchive(at path: String, asCell cell: String?, by requester: Requester) async throws -> ImportResponse
  /// What passes between the daemon and an idle instrument from its port's next opening on, as lines of a transcript; it
  /// ends with its time, and soon after its reader is gone. `instrument` is a serial number, a channel or a port. Refused with
  /// `instrument.not_found`, `instrument.away`, `instrument.ambiguous`, `instrument.in_use` and `port.stalled`.
  func recordTranscript(of instrument: String, _ request: TranscriptRequest, by requester: Requester) async throws
    -> AsyncThrowingStream<[UInt8], any Error>
  /// A consistent copy of the database, in chunks read on demand. A temporary copy is the implementation's to remove,
  /// also when the reader goes away.
  func snapshot(by requester: Requester) async throws -> AsyncThrowingStream<[UInt8], any Error>
}
