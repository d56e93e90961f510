// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Recordings of what passes between the daemon and one instrument, as people ask for them.

internal import ControlAPI
internal import CyclerModel
internal import InstrumentIO
internal import InstrumentKit
internal import Logging

extension LaboratoryOperations {
  func recordTranscript(
    of instrument: String, _ request: TranscriptRequest, by requester: Requester
  ) async throws -> AsyncThrowingStream<[UInt8], any Error> {
    let tap = try await laboratory.record(instrument, note: request.note, by: requester)
    let reading = TranscriptReading(tap, seconds: request.seconds)
    return AsyncThrowingStream { try await reading.next() }
  }
}

extension Laboratory {
  /// So long a port's thread may take to answer.
  private static let recorderPatience = Duration.seconds(5)

  /// Begins a recording of an idle instrument.
  func record(_ name: String, note: String?, by requester: Requester) async throws -> TranscriptTap {
    let worker = try worker(of: name)
    try requireIdle(worker, name)
    let tap = TranscriptTap(recorded: "by nacyclerd at \(worker.path)", note: note)
    let answer = worker.send(.record(tap)) ? await tap.answer(patience: Self.recorderPatience) : .silent
    switch answer {
    case .taken:
      logger.info("\(requester.name) records \(name) at \(worker.path)")
      return tap
    case .refused(let reason): throw Self.inUse(name, reason)
    case .silent:
      throw RequestRefused(
        .unavailable, code: "port.stalled", message: "the thread of \(worker.path) does not answer",
        hint: "`nactl instruments` shows how its line is")
    }
  }

  /// The port's thread of an instrument by its serial number, by one of its channels, or by its port.
  private func worker(of name: String) throws -> PortWorker {
    if let port = roster.worker(at: name) { return port }
    let driving = channels.values.filter { $0.name == name || $0.instrument.serial == name }
    let observing = observers.filter { $0.key.serial == name }
    guard !driving.isEmpty || !observing.isEmpty else {
      throw RequestRefused(
        .notFound, code: "instrument.not_found", message: "there is no instrument “\(name)”",
        hint: "name its serial number, one of its channels or its port; `nactl instruments` shows them")
    }
    let workers = driving.compactMap(\.worker) + observing.compactMap(\.value.worker)
    guard let worker = workers.first else {
      throw away(
        "instrument.away", "“\(name)” is away: it has no port", hint: "plug it in and see `nactl instruments`")
    }
    guard workers.allSatisfy({ $0 === worker }) else {
      throw RequestRefused(
        .conflict, code: "instrument.ambiguous", message: "“\(name)” is the serial number of several instruments",
        hint: "name the port: \(Set(workers.map(\.path)).sorted().joined(separator: ", "))")
    }
    return worker
  }

  /// A recording begins with the port's opening, so the port is closed first: not while a run needs it.
  private func requireIdle(_ worker: PortWorker, _ name: String) throws {
    let observed = bindings.filter { observers[$0.value]?.worker === worker }.keys
    let users = channels.values.filter { $0.worker === worker || observed.contains($0.id) }.sorted { $0.id < $1.id }
    guard let user = users.first(where: { $0.run != nil || $0.isReserved }) else { return }
    throw Self.inUse(name, user.run.map { "\(user.name) has run \($0)" } ?? "a run is being started on \(user.name)")
  }

  private static func inUse(_ name: String, _ reason: String) -> RequestRefused {
    RequestRefused(
      .conflict, code: "instrument.in_use", message: "“\(name)” cannot be recorded now: \(reason)",
      hint:
        "a recording begins by opening the port anew: begin it while nothing runs, then start the run, which is recorded too"
    )
  }
}
