// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What a protocol becomes with a cell's values, before anything is stored.

internal import ControlAPI
internal import CycleStore
internal import CyclerModel
internal import CyclingProtocol
internal import InstrumentKit
internal import Quantities

extension Laboratory {
  /// A run that only needs to be stored.
  struct PreparedRun: Sendable {
    var target: Int
    var name: String
    var source: String
    var title: String
    var role: CellRole
    var cellName: String?
    var values: CellValues
    var program: Program
    var listing: String
  }

  func prepare(_ documents: [NamedDocument], _ targets: [Target], _ request: StartRequest) throws
    -> [PreparedRun]
  {
    var prepared: [PreparedRun] = []
    var problems: [Problem] = []
    for (index, target) in targets.enumerated() {
      for named in documents {
        let values = try CellValues(target.cell, CellValues(request))
        try Self.checkRole(named.document, target.cell)
        if request.isOnResistor { try Self.checkResistor(named.document, target.cell) }
        let limits = target.channel.instrument.capabilities.limits
        switch named.document.compile(cell: values, instrument: limits) {
        case .failure(let found): problems += found.problems.map { Problem($0, in: named.name) }
        case .success(let program):
          let known = values.filled(from: named.document.values)
          prepared.append(
            PreparedRun(
              target: index, name: named.name, source: named.document.source, title: named.document.title,
              role: named.document.role, cellName: named.document.cellName, values: known, program: program,
              listing: ProgramListing.lines(of: program, instrument: limits, cell: known).joined(separator: "\n")))
        }
      }
    }
    guard problems.isEmpty else { throw RequestRefused(problems: problems) }
    return prepared
  }

  /// On a resistor nothing of a cell's life may be counted, and no cell be meant that is elsewhere.
  private static func checkResistor(_ document: ProtocolDocument, _ cell: StoredCell?) throws {
    guard document.role == .noCycles else {
      throw RequestRefused(
        .malformed, code: "start.resistor_role",
        message: "a resistor has no cycles, and the protocol is for \(document.role.rawValue)",
        hint: "choose a protocol for \(CellRole.noCycles.rawValue), or leave on_resistor out")
    }
    guard let cell, cell.channelId != nil else { return }
    throw RequestRefused(
      .conflict, code: "cell.mounted", message: "“\(cell.name)” is to stand for a resistor, and is mounted as a cell",
      hint: "`nactl cell list` shows where; `nactl cell mount CHANNEL` takes it off")
  }

  static func checkRole(_ document: ProtocolDocument, _ cell: StoredCell?) throws {
    guard let cell, cell.role != document.role.rawValue else { return }
    throw RequestRefused(
      .conflict, code: "cell.role_differs",
      message: "the cell “\(cell.name)” is registered as \(cell.role), the protocol is for \(document.role.rawValue)",
      hint: "choose a protocol for \(cell.role), or mount the right cell")
  }
}
