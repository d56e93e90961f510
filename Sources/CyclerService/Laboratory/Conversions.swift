// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Between the daemon's own quantities and what requests and rows carry.

internal import ControlAPI
internal import CycleStore
internal import CyclerModel
internal import CyclingProtocol
internal import InstrumentKit
internal import Quantities

extension Problem {
  /// A problem of the protocol language.
  init(_ problem: ProtocolProblem, in name: String) {
    self.init(
      protocol_name: name, path: problem.path, line: problem.line, column: problem.column, message: problem.message,
      hint: problem.hint)
  }
}

extension RequestRefused {
  /// Refused because protocols do not compile.
  init(problems: [Problem]) {
    let files = Set(problems.map(\.protocol_name)).count == 1 ? "the protocol has" : "the protocols have"
    self.init(
      .impossible, code: "protocol.invalid",
      message: problems.count == 1 ? "the protocol has a problem" : "\(files) \(problems.count) problems",
      hint: "`nactl check` lists them", problems: problems)
  }
}

extension Wiring {
  /// By its name in requests.
  init(named name: String) throws {
    guard let wiring = Wiring(rawValue: name) else {
      let names = Wiring.allCases.map(\.rawValue).joined(separator: " or ")
      throw RequestRefused(
        .malformed, code: "mount.wiring", message: "“\(name)” is no wiring", hint: "\(names)")
    }
    self = wiring
  }
}
