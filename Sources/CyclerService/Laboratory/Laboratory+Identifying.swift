// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A person asks who is at a port for which nobody has named a family.

internal import ControlAPI
internal import CyclerModel
internal import InstrumentIO
internal import InstrumentKit
internal import Logging

extension Laboratory {
  /// Asks at a port that this daemon does not use; one port at a time.
  ///
  /// - Throws: `port.in_use` where a family is spoken with at the port already, or another port is being asked;
  ///   `port.unusable` where it cannot be opened; `request.field` for a name that is none.
  func identify(port path: String, by requester: Requester) async throws -> PortProbe.Finding {
    if let problem = SocketAddress.problem(with: path) {
      throw RequestRefused(.malformed, code: "request.field", message: problem)
    }
    if SocketAddress(path) == nil, NamedPattern(path).family != nil {
      throw RequestRefused(
        .malformed, code: "request.field", message: "\(path) names a family already",
        hint: "name the port alone; the daemon takes it with nacyclerd --port \(path)")
    }
    if let worker = roster.workers.first(where: { Self.isSame($0.path, path) }) {
      let family = drivers[worker.path]?.descriptor.family ?? "another family"
      throw RequestRefused(
        .conflict, code: "port.in_use", message: "the daemon speaks \(family) at \(worker.path) already",
        hint: "nactl instruments says who is there, or why nobody is")
    }
    guard !isIdentifying else {
      throw RequestRefused(
        .conflict, code: "port.in_use", message: "another port is being asked", hint: "try again in a minute")
    }
    isIdentifying = true
    logger.info("\(requester.name) asks who is at \(path)")
    defer { isIdentifying = false }
    let probe = PortProbe(path: path, families: InstrumentFamilies.asked(at: path)) { [roster] in roster.isStopping }
    return await Self.run(probe)
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
