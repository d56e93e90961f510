// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Maps paths to operations; docs/control-api.md describes each. What a person may only look at is a GET; what
// changes something is a POST, needs the right to operate and carries a request id.

import ControlAPI
import HTTPTypes
import Hummingbird

/// The routes of the control socket.
struct ControlRoutes<Operations: CyclerOperations>: Sendable {
  let operations: Operations
  let roles: PeerRoles
  let streams: StreamResponder
  /// Where what is sent lies while it is looked at.
  let stateDirectory: String
  /// One archive is taken in at a time: the writer has runs to serve.
  let importSeat = Seat()

  /// The router with all routes.
  func router() -> Router<PeerContext> {
    let router = Router(context: PeerContext.self)
    router.add(middleware: RefusalMiddleware())
    addChannels(to: router)
    addCells(to: router)
    addRuns(to: router)
    addViews(to: router)
    addStreams(to: router)
    addImport(to: router)
    return router
  }

  private func addChannels(to router: Router<PeerContext>) {
    look(router, "v1/status") { _ in try JSONResponse.make(try await operations.status()) }
    look(router, "v1/instruments") { _ in try JSONResponse.make(try await operations.instruments()) }
    // A person who gives up leaves no port being asked.
    operateAtLength(router, "v1/ports/identify") { call in
      let request = try call.decode(IdentifyRequest.self)
      return try JSONResponse.make(try await operations.identify(request, by: call.requester))
    }
    look(router, "v1/channels") { _ in try JSONResponse.make(try await operations.channels()) }
    operate(router, "v1/channels/:channel/clear") { call in
      let request = try call.decode(ClearRequest.self)
      try PersonText.require(
        request.reason, "reason", code: "request.empty", purpose: "a latch is cleared with a reason",
        hint: "say in a few words what was done")
      let channel = try call.name("channel")
      return try JSONResponse.make(try await operations.clear(channel: channel, request, by: call.requester))
    }
    look(router, "v1/thermometers") { _ in try JSONResponse.make(try await operations.thermometers()) }
    operate(router, "v1/channels/:channel/observe") { call in
      let request = try call.decode(ObserveRequest.self)
      let channel = try call.name("channel")
      return try JSONResponse.make(try await operations.observe(channel: channel, request, by: call.requester))
    }
    operate(router, "v1/channels/:channel/mount") { call in
      let request = try call.decode(MountRequest.self)
      let channel = try call.name("channel")
      return try JSONResponse.make(try await operations.mount(channel: channel, request, by: call.requester))
    }
  }

  private func addCells(to router: Router<PeerContext>) {
    look(router, "v1/cells") { _ in try JSONResponse.make(try await operations.cells()) }
    look(router, "v1/cells/:cell") { call in
      try JSONResponse.make(try await operations.cell(named: try call.name("cell")))
    }
    operate(router, "v1/cells") { call in
      let added = try await operations.addCells([try call.decode(CellRequest.self)], by: call.requester)
      return try JSONResponse.make(added, status: .created)
    }
    operate(router, "v1/cells/import") { call in
      let request = try call.decode(CellImportRequest.self)
      let added = try await operations.addCells(request.cells, by: call.requester)
      return try JSONResponse.make(added, status: .created)
    }
    operate(router, "v1/cells/:cell/revisions") { call in
      let request = try call.decode(CellRevisionRequest.self)
      try PersonText.require(
        request.reason, "reason", code: "request.empty", purpose: "a cell is changed with a reason",
        hint: "say why in a few words")
      let name = try call.name("cell")
      return try JSONResponse.make(
        try await operations.reviseCell(named: name, request, by: call.requester), status: .created)
    }
  }

  private func addRuns(to router: Router<PeerContext>) {
    // Checking changes nothing; it is a POST because it has a body, and everybody may check.
    router.post("v1/check") { request, context in
      _ = try QueryParameters(request, known: [])
      let body = try await Self.body(of: request)
      let check = try WireCoding.decodeRequest(CheckRequest.self, from: body)
      return try JSONResponse.make(try await operations.check(check))
    }
    operate(router, "v1/runs") { call in
      let started = try await operations.start(try call.decode(StartRequest.self), by: call.requester)
      return try JSONResponse.make(started, status: .created)
    }
    look(router, "v1/runs", parameters: ["active"]) { call in
      try JSONResponse.make(try await operations.runs(active: try call.query.flag("active", otherwise: false)))
    }
    look(router, "v1/runs/:run") { call in try JSONResponse.make(try await operations.run(try call.run())) }
    look(router, "v1/runs/:run/cycles", parameters: ["parameters", "units"]) { call in
      let set = try call.query.value("parameters", expected: "the number or label of a parameter set") {
        ParameterSetName($0)
      }
      let known = CapacityBasis.allCases.map(\.rawValue).joined(separator: " or ")
      let basis = try call.query.value("units", expected: known) { CapacityBasis(rawValue: $0) }
      var table =
        if let set {
          try await operations.cycles(of: try call.run(), parameterSet: set)
        } else {
          try await operations.cycles(of: try call.run())
        }
      if let basis { try table.add(basis) }
      return try JSONResponse.make(table)
    }
    addRecounts(to: router)
    look(router, "v1/runs/:run/impedance", parameters: ["step"]) { call in
      // A run has no more steps than that (`RowIdentity.countBits`).
      let step = try call.query.value("step", expected: "the number of a step, 1 or more") {
        Self.number($0, in: 1...0xFF_FFFF)
      }
      return try JSONResponse.make(try await operations.impedance(of: try call.run(), step: step.map(Int64.init)))
    }
    look(router, "v1/predict", parameters: PredictionRequest.keys) { call in
      func positive(_ key: String) throws -> Double? {
        try call.query.value(key, expected: "a number above 0") {
          Double($0).flatMap { $0 > 0 && $0.isFinite ? $0 : nil }
        }
      }
      let request = PredictionRequest(
        coulombic_efficiency: try positive("coulombic_efficiency"), cycles: try positive("cycles"),
        retention: try positive("retention"),
        run: try call.query.value("run", expected: "the number of a run, or last") { RunReference($0) },
        areal_capacity_mAh_per_cm2: try positive("areal_capacity_mAh_per_cm2"))
      return try JSONResponse.make(try await operations.predict(request))
    }
    look(router, "v1/runs/:run/events", parameters: ["after", "limit"]) { call in
      let after = try call.query.value("after", expected: "the number of an event") { Int64($0) } ?? 0
      let limit = try call.query.value("limit", expected: "1 to 10000") { Self.number($0, in: 1...10_000) } ?? 1_000
      return try JSONResponse.make(try await operations.events(of: try call.run(), after: after, limit: limit))
    }
    operate(router, "v1/runs/:run/notes") { call in
      let request = try call.decode(NoteRequest.self)
      try PersonText.require(
        request.text, "text", code: "request.empty", purpose: "a note says something", hint: "say it in a few words",
        severalLines: true)
      return try JSONResponse.make(
        try await operations.note(request, on: try call.run(), by: call.requester), status: .created)
    }
    operate(router, "v1/runs/:run/amend") { call in
      let request = try call.decode(AmendRequest.self)
      return try JSONResponse.make(try await operations.amend(request, on: try call.run(), by: call.requester))
    }
    for command in RunCommand.allCases {
      operate(router, RouterPath("v1/runs/:run/\(command.rawValue)")) { call in
        let request = call.body.isEmpty ? CommandRequest() : try call.decode(CommandRequest.self)
        return try JSONResponse.make(
          try await operations.command(command, request, on: try call.run(), by: call.requester))
      }
    }
  }

  private func addStreams(to router: Router<PeerContext>) {
    router.get("v1/stream") { request, context in
      let wanted = try Self.streamRequest(request)
      return try await streams.respond(to: request, context: context) { try await operations.stream(wanted) }
    }
    look(router, "v1/runs/:run/export", parameters: ["format"]) { call in
      let expected = ExportFormat.allCases.map(\.rawValue).joined(separator: ", ")
      let format = try call.query.value("format", expected: expected) { ExportFormat(rawValue: $0) } ?? .bdf
      let chunks = try await operations.export(try call.run(), as: format)
      return streams.respond(chunks: chunks, contentType: format.contentType, context: call.context)
    }
    operate(router, "v1/instruments/:instrument/transcript") { call in
      let request = call.body.isEmpty ? TranscriptRequest() : try call.decode(TranscriptRequest.self)
      try Self.check(request)
      let chunks = try await operations.recordTranscript(
        of: try call.name("instrument"), request, by: call.requester)
      return streams.respond(chunks: chunks, contentType: "text/plain; charset=us-ascii", context: call.context)
    }
    // A snapshot costs the disk a copy, so it is for people who may operate.
    operate(router, "v1/snapshot") { call in
      let chunks = try await operations.snapshot(by: call.requester)
      return streams.respond(chunks: chunks, contentType: "application/vnd.sqlite3", context: call.context)
    }
  }

  private static func check(_ request: TranscriptRequest) throws {
    try PersonText.check(request.note, "note")
    if let seconds = request.seconds, !(seconds > 0 && seconds <= TranscriptRequest.longestSeconds) {
      throw RequestRefused(
        .malformed, code: "request.bad_seconds", message: "a recording cannot last \(seconds) s",
        hint: "more than 0 and at most \(Int(TranscriptRequest.longestSeconds)), or leave it out")
    }
  }

  private static func number(_ text: String, in range: ClosedRange<Int>) -> Int? {
    Int(text).flatMap { range.contains($0) ? $0 : nil }
  }

  private static func streamRequest(_ request: Request) throws -> StreamRequest {
    let query = try QueryParameters(request, known: ["run", "kinds", "after", "last", "follow"])
    let run = try query.value("run", expected: "the number of a run, or last") { RunReference($0) }
    let names = StreamRequest.Kind.allCases.map(\.rawValue).joined(separator: ", ")
    let kinds = try query.value("kinds", expected: "some of \(names), with commas") {
      text -> Set<StreamRequest.Kind>? in
      let kinds = text.split(separator: ",", omittingEmptySubsequences: false).map {
        StreamRequest.Kind(rawValue: String($0))
      }
      return kinds.contains(nil) ? nil : Set(kinds.compactMap { $0 })
    }
    var after = try query.value("after", expected: "a cursor that a stream gave") { StreamCursor($0) }
    // A reader that comes back says where it was; that is newer than what its URL says.
    if let text = request.headers[.lastEventID] {
      guard let cursor = StreamCursor(text) else {
        throw RequestRefused(
          .malformed, code: "request.bad_cursor", message: "Last-Event-ID: \(text) is no cursor",
          hint: "use the id of the last frame that came, unchanged")
      }
      after = cursor
    }
    let last = try query.value("last", expected: "0 to 1000000") { number($0, in: 0...1_000_000) }
    return StreamRequest(
      run: run, kinds: kinds ?? Set(StreamRequest.Kind.allCases), after: after, last: last,
      follow: try query.flag("follow", otherwise: true))
  }
}

extension HTTPField.Name {
  /// The cursor of a reader that comes back (WHATWG HTML, Server-sent events).
  static var lastEventID: HTTPField.Name { HTTPField.Name("Last-Event-ID") ?? .eTag }
  /// The id of a mutating request.
  static var requestID: HTTPField.Name { HTTPField.Name("X-Request-ID") ?? .eTag }
}

extension ExportFormat {
  /// The media type.
  var contentType: String {
    switch self {
    case .bdf, .csv: "text/csv; charset=utf-8"
    case .json: "application/json; charset=utf-8"
    case .archive: "application/vnd.sqlite3"
    }
  }
}
