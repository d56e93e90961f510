// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ControlAPI
import CyclerModel
import Testing

@testable import CycleStore
@testable import CyclerService

/// What an archive says of its cell is held to what a person can say of one.
@Suite struct ArchivedCellTests {
  private static func content(_ entries: CellEntry...) -> ArchiveReader.Content {
    ArchiveReader.Content(
      uuid: "", title: "", cell: "HC-1", externalID: nil, batch: nil, role: .anodeHalfCell, programVersion: "",
      checksum: "", records: 0,
      revisions: entries.enumerated().map { index, entry in
        ArchiveReader.Content.Revision(
          number: Int64(index) + 1, enteredBy: "ada", reason: index == 0 ? "" : "weighed again", entry: entry)
      }, protocols: [])
  }

  private static func entry(_ change: (inout CellEntry) -> Void) -> CellEntry {
    var entry = CellEntry()
    change(&entry)
    return entry
  }

  private static let impossible: [(what: String, code: String, entry: CellEntry)] = [
    ("active_mass_ug is -5.0", "cell.impossible_value", entry { $0.activeMassUg = -5 }),
    ("active_mass_ug is 0.0", "cell.impossible_value", entry { $0.activeMassUg = 0 }),
    ("area_mm2 is 0.0", "cell.impossible_value", entry { $0.areaMm2E3 = 0 }),
    ("nominal_capacity_mAh is -", "cell.impossible_value", entry { $0.nominalChargeNc = -1 }),
    ("nominal_capacity_mAh is", "cell.impossible_value", entry { $0.nominalChargeNc = 1 << 60 }),
    ("`electrolyte`", "request.unreadable_text", entry { $0.electrolyte = "1 M\u{202E}" }),
    ("`notes`", "request.text_too_long", entry { $0.notes = String(repeating: "x", count: 20_001) }),
  ]

  @Test func whatNoCellHasIsRefusedWithItsPlace() {
    for (what, code, entry) in Self.impossible {
      let refusal = #expect(throws: RequestRefused.self) {
        try LaboratoryOperations.check(Self.content(CellEntry(), entry))
      }
      #expect(refusal?.body.code == code && refusal?.kind == .impossible, "\(what)")
      #expect(refusal?.body.message.contains("cell_revision 2 ") == true, "\(what)")
      #expect(refusal?.body.message.contains(what) == true, "\(refusal?.body.message ?? "")")
    }
  }

  @Test func whatCanBeEnteredComesIn() throws {
    // The smallest and the largest of each, as they are stored.
    for (mass, area, nominal): (Double, Double, Double) in [(1, 1e-3, 1e-9), (1e9, 1e8, 1e6)] {
      let entry = try CellEntry(
        CellRequest(
          cell: "HC-1", role: "anode-half-cell", active_mass_ug: Int64(mass), area_mm2: area,
          nominal_capacity_mAh: nominal, notes: "two\nlines"))
      try LaboratoryOperations.check(Self.content(entry, CellEntry()))
    }
  }
}
