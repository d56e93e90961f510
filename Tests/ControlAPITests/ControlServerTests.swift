// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ControlAPI
import CyclerService
import Foundation
import Synchronization
import Testing

/// The client against the real server on a real socket.
@Suite struct ControlServerTests {
  @Test func answersComeBackAsTheyWereGiven() async throws {
    try await ControlBench.run { bench in
      let channels = try await bench.client.channels().value.channels
      #expect(channels.count == 1)
      #expect(channels.first?.circuit == .openLeaseExpired)
      #expect(channels.first?.circuit_lease_expired_unix_us == 5)
      #expect(channels.first?.voltage_V == nil)
      #expect(try await bench.client.status().value.database_path == "/x")
    }
  }

  @Test func theKernelSaysWhoAsks() async throws {
    let operations = OperationsDouble()
    try await ControlBench.run(operations) { bench in
      let answer = try await bench.client.command("stop", CommandRequest(reason: "done"), on: .last).value
      #expect(RequestIDs.isValid(answer.request_id))
      let name = NSUserName()
      #expect(operations.asked.withLock { $0 } == ["\(name) \(answer.request_id) stop done"])
    }
  }

  @Test func anAmendmentTravelsWhole() async throws {
    let operations = OperationsDouble()
    try await ControlBench.run(operations) { bench in
      let request = AmendRequest(
        protocol: ProtocolSource(name: "longer.json", text: "{}"), set: ["rate=0.2A/g"], reason: "more cycles")
      let answer = try await bench.client.amend(.last, request).value
      #expect(answer.revision == 2 && answer.holds_from == "next_cycle" && answer.warnings == ["careful"])
      let asked = operations.asked.withLock { $0 }
      #expect(asked == ["\(NSUserName()) amends by longer.json [\"rate=0.2A/g\"] more cycles"])
    }
  }

  @Test func namesInPathsKeepSlashesAndLetters() async throws {
    let operations = OperationsDouble()
    try await ControlBench.run(operations) { bench in
      _ = try await bench.client.clear(channel: "bench/1 ä", ClearRequest(reason: "clip was off"))
      #expect(operations.asked.withLock { $0.last?.hasSuffix("clear bench/1 ä: clip was off") } == true)
    }
  }

  @Test func refusalsCarryCodeMessageHintAndProblems() async throws {
    try await ControlBench.run { bench in
      let missing = await #expect(throws: RequestRefused.self) {
        _ = try await bench.client.cycles(of: .number(99))
      }
      #expect(missing?.kind == .notFound)
      #expect(missing?.body.code == "run.not_found")
      #expect(missing?.body.hint == "nactl runs lists them")
      let invalid = await #expect(throws: RequestRefused.self) {
        _ = try await bench.client.start(StartRequest(protocols: [], channels: [], cells: []))
      }
      #expect(invalid?.body.problems?.first?.line == 3)
    }
  }

  @Test func pointsOfASpectrumTravelWhole() async throws {
    try await ControlBench.run { bench in
      let table = try await bench.client.impedance(of: .last, step: 7).value
      #expect(table.points.map(\.step_count) == [7] && table.points.first?.imaginary_impedance_ohm == -1)
      #expect(try await bench.client.impedance(of: .last).value.points.map(\.step_count) == [1])
    }
  }

  @Test func whatIsAskedOfCurvesAndCellsArrives() async throws {
    try await ControlBench.run { bench in
      let smoothing = CurveRequest.Smoothing(method: .savitzkyGolay, window: 9, order: 2)
      let request = CurveRequest(
        cycles: CycleSelection("1,3-5,last") ?? .last, curve: .dqdv, grid_mV: 2, smoothing: smoothing)
      let curves = try await bench.client.curves(of: .last, request).value
      #expect(curves.cell == "1,3-5,last" && curves.curve == .dqdv && curves.smoothing == smoothing)
      #expect(try await bench.client.trace(of: .last, TraceRequest(columns: 17)).value.records == 17)
      let comparison = try await bench.client.compare(ComparisonRequest(of: ["HC, 1", "ü/2 + 3"], by: .purpose)).value
      #expect(comparison.cells.map(\.cell) == ["HC, 1", "ü/2 + 3"] && comparison.by == .purpose)
    }
  }

  @Test func anUnexpectedErrorIsADaemonFailure() async throws {
    try await ControlBench.run { bench in
      let failure = await #expect(throws: RequestRefused.self) { _ = try await bench.client.run(.last) }
      #expect(failure?.kind == .failed)
      #expect(failure?.body.code == "daemon.failed")
    }
  }

  @Test(arguments: [
    ("GET", "/v1/nothing", "", "404", "request.unknown_path"),
    ("GET", "/v1/runs?actve=true", "", "400", "request.unknown_key"),
    ("GET", "/v1/runs?active=yes", "", "400", "request.wrong_type"),
    ("GET", "/v1/runs/first/cycles", "", "400", "run.bad_name"),
    ("GET", "/v1/runs/last/impedance?step=0", "", "400", "request.wrong_type"),
    ("GET", "/v1/runs/last/impedance?steps=1", "", "400", "request.unknown_key"),
    ("GET", "/v1/runs/last/cycles?units=mAh", "", "400", "request.wrong_type"),
    ("GET", "/v1/runs/last/curves?cycle=0", "", "400", "request.wrong_type"),
    ("GET", "/v1/runs/last/curves?curve=dq", "", "400", "request.wrong_type"),
    ("GET", "/v1/runs/last/curves?grid_mV=-5", "", "400", "request.wrong_type"),
    ("GET", "/v1/runs/last/curves?grid_mV=nan", "", "400", "request.wrong_type"),
    ("GET", "/v1/runs/last/curves?window=5", "", "400", "request.missing_key"),
    ("GET", "/v1/runs/last/curves?grid=5", "", "400", "request.unknown_key"),
    ("GET", "/v1/runs/last/trace?columns=0", "", "400", "request.wrong_type"),
    ("GET", "/v1/compare?by=rate", "", "400", "request.wrong_type"),
    ("GET", "/v1/compare?cells=a", "", "400", "request.unknown_key"),
    ("GET", "/v1/stream?after=nonsense", "", "400", "request.wrong_type"),
    ("GET", "/v1/stream?kinds=records,everything", "", "400", "request.wrong_type"),
    ("POST", "/v1/runs/last/notes", #"{"text":"a","txet":"b"}"#, "400", "request.unknown_key"),
    ("POST", "/v1/runs/last/notes", #"{"text":"a","text":"b"}"#, "400", "request.not_json"),
    ("POST", "/v1/runs/last/notes", #"{"text":"a",}"#, "400", "request.not_json"),
    ("POST", "/v1/runs/last/notes", #"{"text":7}"#, "400", "request.wrong_type"),
    ("POST", "/v1/runs/last/notes", "{}", "400", "request.missing_key"),
    ("POST", "/v1/runs/last/amend", #"{"protocol":{"name":"a","txet":"b"}}"#, "400", "request.unknown_key"),
    ("POST", "/v1/runs/last/amend", #"{"reason":"why"}"#, "400", "request.missing_key"),
    ("POST", "/v1/runs/last/skip", #"{"step":99999999999999}"#, "400", "request.wrong_type"),
    ("POST", "/v1/runs/last/skip", #"{"step":3.5}"#, "400", "request.wrong_type"),
    ("POST", "/v1/runs/last/notes", #"{"text":" "}"#, "400", "request.empty"),
    ("POST", "/v1/runs/last/notes", #"{"text":"\u200b\u2060 "}"#, "400", "request.empty"),
    ("POST", "/v1/runs/last/notes", #"{"text":"a\u202eb"}"#, "400", "request.unreadable_text"),
    ("POST", "/v1/channels/x/clear", #"{"reason":""}"#, "400", "request.empty"),
    ("POST", "/v1/channels/x/clear", #"{"reason":"a\nb"}"#, "400", "request.unreadable_text"),
    ("POST", "/v1/cells/x/revisions", #"{"reason":"\u200b"}"#, "400", "request.empty"),
    ("GET", "/v1/runs/01", "", "400", "run.bad_name"),
    ("POST", "/v1/runs/last/explode", "", "404", "request.unknown_path"),
  ])
  func badRequestsAreRefused(method: String, target: String, body: String, status: String, code: String) async throws {
    let operations = OperationsDouble()
    try await ControlBench.run(operations) { bench in
      let raw = try bench.rawConnection(
        "\(method) \(target) HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
      )
      defer { close(raw) }
      let answer = await bench.read(raw)
      #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(answer)")
      #expect(answer.contains("\"code\":\"\(code)\""), "\(answer)")
      #expect(operations.asked.withLock { $0.isEmpty })
    }
  }

  @Test func aRequestThatBreaksOffDoesNothing() async throws {
    let operations = OperationsDouble()
    try await ControlBench.run(operations) { bench in
      let raw = try bench.rawConnection(
        "POST /v1/runs/last/stop HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 50\r\n\r\n{\"rea")
      defer { close(raw) }
      shutdown(raw, Int32(SHUT_WR))
      let answer = await bench.read(raw)
      #expect(answer.hasPrefix("HTTP/1.1 400 ") && answer.contains("request.broken_off"), "\(answer)")
      #expect(operations.asked.withLock { $0.isEmpty })
    }
  }

  @Test func aBodyOverOneMebibyteIsRefused() async throws {
    let operations = OperationsDouble()
    try await ControlBench.run(operations) { bench in
      let text = String(repeating: "a", count: WireCoding.largestBody)
      let refusal = await #expect(throws: RequestRefused.self) {
        _ = try await bench.client.note(NoteRequest(text: text), on: .last)
      }
      #expect(refusal?.body.code == "request.too_large")
      #expect(operations.asked.withLock { $0.isEmpty })
    }
  }

  /// Whoever sends too much is told so after the last byte, whatever the order in which reader and writer get their
  /// turns.
  @Test func tooLongABodyIsReadToItsEndAndRefused() async throws {
    let operations = OperationsDouble()
    try await ControlBench.run(operations) { bench in
      let body = String(repeating: "a", count: 2 * WireCoding.largestBody)
      let raw = try await bench.sentConnection(
        "POST /v1/runs/last/notes HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
          + body)
      defer { close(raw) }
      let answer = await bench.read(raw)
      #expect(answer.hasPrefix("HTTP/1.1 413 "), "\(answer)")
      #expect(answer.contains("\"code\":\"request.too_large\""), "\(answer)")
      #expect(operations.asked.withLock { $0.isEmpty })
    }
  }

  @Test func aBodyJustUnderTheBoundIsTaken() async throws {
    try await ControlBench.run { bench in
      let text = String(repeating: "a", count: WireCoding.largestBody - 100)
      let start = StartRequest(protocols: [ProtocolSource(name: "a", text: text)], channels: [], cells: [])
      let refusal = await #expect(throws: RequestRefused.self) { _ = try await bench.client.start(start) }
      #expect(refusal?.body.problems?.first?.line == 3, "it came through to the laboratory")
    }
  }

  @Test func exportsArriveWhole() async throws {
    try await ControlBench.run { bench in
      var count = 0
      try await bench.client.export(.last, as: .csv) { count += $0.count }
      #expect(count == 500_000)
    }
  }

  @Test func anExportThatBreaksOffIsNotTakenForWhole() async throws {
    try await ControlBench.run { bench in
      await #expect(throws: ControlFailure.connectionLost(path: bench.socketPath)) {
        try await bench.client.snapshot { _ in }
      }
    }
  }

  @Test func recordingsArriveAsTheyAreMadeAndRefusalsAreTold() async throws {
    let operations = OperationsDouble()
    try await ControlBench.run(operations) { bench in
      var text: [UInt8] = []
      let request = TranscriptRequest(seconds: 2, note: "two wires")
      try await bench.client.recordTranscript(of: "EM 4/7", request) { text += $0 }
      #expect(String(decoding: text, as: UTF8.self) == "# nacycler transcript 1\n. over\n")
      #expect(operations.asked.withLock { $0 } == ["record EM 4/7 2.0 two wires"])
      var refusal = await #expect(throws: RequestRefused.self) {
        try await bench.client.recordTranscript(of: "busy", TranscriptRequest()) { _ in }
      }
      #expect(refusal?.body.code == "instrument.in_use")
      for seconds in [0, -1, 1e9] {
        refusal = await #expect(throws: RequestRefused.self) {
          try await bench.client.recordTranscript(of: "a", TranscriptRequest(seconds: seconds)) { _ in }
        }
        #expect(refusal?.body.code == "request.bad_seconds")
      }
    }
  }

  @Test func nobodyAtThePathIsToldAsSuch() async throws {
    let path = FileManager.default.temporaryDirectory.path + "/nacycler-nobody-\(UInt32.random(in: .min ... .max))"
    let client = try ControlClient(socketPath: path)
    let failure = await #expect(throws: ControlFailure.self) { _ = try await client.status() }
    #expect(failure == .noDaemon(path: path))
    #expect(failure?.body.code == "daemon.absent")
  }

  @Test func aPathTooLongIsRefusedEarly() throws {
    let path = "/tmp/" + String(repeating: "x", count: 103)
    let refusal = #expect(throws: RequestRefused.self) { _ = try ControlClient(socketPath: path) }
    #expect(refusal?.body.code == "socket.path_too_long")
  }

  @Test func theSocketIsOpenToOwnerAndGroupOnly() async throws {
    try await ControlBench.run { bench in
      var info = stat()
      #expect(stat(bench.socketPath, &info) == 0)
      #expect(info.st_mode & 0o777 == 0o660)
    }
  }

  @Test(.enabled(if: geteuid() == 0, "needs to become another user"))
  func peopleWhoMayOnlyLookAreRefusedOperating() async throws {
    let operations = OperationsDouble()
    try await ControlBench.run(operations, { $0.socketMode = 0o666 }) { bench in
      _ = chmod((bench.socketPath as NSString).deletingLastPathComponent, 0o755)
      let look = try await runAsNobody(["--unix-socket", bench.socketPath, "http://n/v1/status"])
      #expect(look.contains("\"database_path\""), "\(look)")
      let operate = try await runAsNobody([
        "--unix-socket", bench.socketPath, "-X", "POST", "http://n/v1/runs/last/stop",
      ])
      #expect(operate.contains("request.forbidden"), "\(operate)")
      #expect(operations.asked.withLock { $0.isEmpty })
    }
  }

  /// Runs curl as the user nobody.
  private func runAsNobody(_ arguments: [String]) async throws -> String {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/setpriv")
    process.arguments = ["--reuid=65534", "--regid=65534", "--clear-groups", "curl", "-s"] + arguments
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    return await withCheckedContinuation { continuation in
      Thread.detachNewThread {
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        continuation.resume(returning: String(decoding: data, as: UTF8.self))
      }
    }
  }
}
