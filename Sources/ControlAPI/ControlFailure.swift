// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import NIOCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Why a client got no answer. What the daemon itself refuses is `RequestRefused`.
public enum ControlFailure: Error, Sendable, Hashable {
  /// Nothing listens at the socket's path.
  case noDaemon(path: String)
  /// The system does not let this person connect.
  case notPermitted(path: String)
  /// Something else lies at the socket's path.
  case notASocket(path: String)
  /// The socket is there, and connecting failed in another way.
  case cannotConnect(path: String, reason: String)
  /// The connection ended in the middle of an answer.
  case connectionLost(path: String)
  /// No answer came in time.
  case silent(path: String, seconds: Int64)
  /// Something came that is not an answer of ours.
  case badAnswer(path: String, detail: String)

  /// Code, message and hint, in the form of a refusal.
  public var body: ErrorBody {
    switch self {
    case .noDaemon(let path):
      ErrorBody(
        code: "daemon.absent", message: "no daemon answers on \(path): is nacyclerd running?",
        hint: "systemctl status nacyclerd; or say where it listens with --socket or NACYCLER_SOCKET")
    case .notPermitted(let path):
      ErrorBody(
        code: "daemon.not_permitted", message: "you may not connect to \(path)",
        hint: "an administrator can change that: usermod -aG nacycler YOU, then log in again")
    case .notASocket(let path):
      ErrorBody(
        code: "daemon.not_a_socket", message: "\(path) is not a socket",
        hint: "say where nacyclerd listens with --socket or NACYCLER_SOCKET")
    case .cannotConnect(let path, let reason):
      ErrorBody(code: "daemon.unreachable", message: "cannot connect to \(path): \(reason)")
    case .connectionLost(let path):
      ErrorBody(
        code: "daemon.connection_lost", message: "the connection to \(path) ended in the middle of an answer",
        hint: "the daemon stopped or dropped a reader that was too slow; look again with nactl runs")
    case .silent(let path, let seconds):
      ErrorBody(
        code: "daemon.silent", message: "the daemon on \(path) took the request and did not answer within \(seconds) s",
        hint: "whether it was carried out is not known: look with nactl runs and journalctl -u nacyclerd")
    case .badAnswer(let path, let detail):
      ErrorBody(
        code: "daemon.bad_answer", message: "what answers on \(path) does not speak like nacyclerd: \(detail)",
        hint: "are nactl and nacyclerd of the same version?")
    }
  }

  /// What a failed connect(2) means.
  static func connecting(to path: String, _ error: any Error) -> ControlFailure {
    guard let error = error as? IOError else { return .cannotConnect(path: path, reason: "\(error)") }
    switch error.errnoCode {
    case ECONNREFUSED where ControlSocket.isSomethingElse(path): return .notASocket(path: path)
    case ENOENT, ECONNREFUSED: return .noDaemon(path: path)
    case EACCES, EPERM: return .notPermitted(path: path)
    default: return .cannotConnect(path: path, reason: "\(error)")
    }
  }
}
