// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A person asks who is at a port for which nobody has named a family, or another one than that of who is there. What the
// daemon has open meanwhile without having heard of anybody it gives up for the time of asking.

internal import ControlAPI
internal import CyclerModel
internal import InstrumentIO
internal import InstrumentKit
internal import Logging
internal import Synchronization

extension Laboratory {
  /// How long a port's thread may take to let go of it.
  private static let lettingGoPatience = Duration.seconds(5)

  /// Asks at a port at which this daemon knows nobody; one port at a time. Ends early when the task is cancelled.
  ///
  /// - Throws: `request.field` for a name that is none; `port.unusable` where nothing is or it cannot be opened;
  ///   `port.in_use` where an instrument is at the port or is just being asked for, or another port is being asked.
  func identify(port path: String, by requester: Requester) async throws -> PortProbe.Finding {
    try Self.checkName(path)
    let worker = roster.workers.first { Self.isSame($0.path, path) }
    if let worker { try checkIsNobodys(worker) }
    if let askedPort {
      throw RequestRefused(
        .conflict, code: "port.in_use", message: "\(askedPort) is being asked, and one port is asked at a time",
        hint: "try again in a minute")
    }
    askedPort = path
    logger.info("\(requester.name) asks who is at \(path)")
    defer { forgetAskedPort() }
    if let worker { try await letGo(worker) }
    let isGivenUp = Flag()
    let probe = PortProbe(path: path, families: InstrumentFamilies.asked(at: path)) { [roster] in
      roster.isStopping || isGivenUp.isSet.load(ordering: .relaxed)
    }
    return await withTaskCancellationHandler {
      await Self.run(probe)
    } onCancel: {
      isGivenUp.isSet.store(true, ordering: .relaxed)
    }
  }

  /// Whoever asked has gone.
  private final class Flag: Sendable { let isSet = Atomic(false) }

  /// Whether somebody is being asked at that port, whatever it is called.
  func isAsked(_ path: String) -> Bool { askedPort.map { Self.isSame($0, path) } ?? false }

  private static func checkName(_ path: String) throws {
    if let problem = SocketAddress.problem(with: path) {
      throw RequestRefused(.malformed, code: "request.field", message: problem)
    }
    guard SocketAddress(path) == nil else { return }
    if let family = NamedPattern(path).family {
      throw RequestRefused(
        .malformed, code: "request.field", message: "\(path) names a family already",
        hint: "to ask who is there, leave out `\(family):`; to have it taken, say nacyclerd --port '\(path)'")
    }
    guard InstrumentPorts.isThere(path) else {
      throw RequestRefused(
        .impossible, code: FaultCode.portUnusable.rawValue, message: "there is no port \(path)",
        hint: "plug the instrument in; `ls -l /dev/serial/by-id` shows the lines that are there")
    }
  }

  /// Throws where the port is not to be taken from its thread.
  private func checkIsNobodys(_ worker: PortWorker) throws {
    let path = worker.path
    let family = drivers[path]?.descriptor.family ?? "another family"
    if introduced.contains(path) {
      throw RequestRefused(
        .conflict, code: "port.in_use", message: "the daemon speaks \(family) at \(path) already",
        hint: "`nactl instruments` says who is there")
    }
    if unheard.contains(path) {
      throw RequestRefused(
        .conflict, code: "port.in_use", message: "the daemon itself is just asking for \(family) at \(path)",
        hint: "`nactl instruments` will say who is there; if nobody is, ask again in half a minute")
    }
  }

  /// Ends the thread of a port at which nobody said who he is. It is opened again when the asking is over.
  private func letGo(_ worker: PortWorker) async throws {
    reappeared.insert(worker.path)
    worker.send(.end)
    let deadline = ContinuousClock.now + Self.lettingGoPatience
    while roster.worker(at: worker.path) === worker {
      guard ContinuousClock.now < deadline else {
        throw RequestRefused(
          .conflict, code: "port.in_use", message: "the daemon's own thread does not let go of \(worker.path)",
          hint: "unplug the instrument and plug it in; look into `dmesg`")
      }
      try await Task.sleep(for: .milliseconds(5))
    }
  }

  private func forgetAskedPort() {
    askedPort = nil
    for path in reappeared.sorted() where roster.worker(at: path) == nil {
      reappeared.remove(path)
      open(path)
    }
  }

  private static func isSame(_ one: String, _ other: String) -> Bool {
    if let address = SocketAddress(one) { return address == SocketAddress(other) }
    return InstrumentPorts.node(at: one) == InstrumentPorts.node(at: other)
  }

  /// On a thread of its own, which ends with the answer.
  private static func run(_ probe: PortProbe) async -> PortProbe.Finding {
    await withCheckedContinuation { continuation in
      do throws(Fault) {
        _ = try PortThread.start(name: "identify") { continuation.resume(returning: probe.run()) }
      } catch {
        continuation.resume(returning: .unusable(error))
      }
    }
  }
}
