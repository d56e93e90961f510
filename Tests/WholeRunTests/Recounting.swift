// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CellMetrics
import CyclerModel
import CyclingRun
import Quantities
import Testing

/// Half-cycles and cycles of a run, computed again from what it left.
struct Recounted: Equatable {
  var halfCycles: [HalfCycleRow] = []
  var cycles: [CycleSummary] = []

  /// Computes from the journal alone: its records, what was stamped on steps and half-cycles, and which cycles closed.
  init(_ journal: KeptJournal, role: CellRole, parameters: MetricParameters, earlierCellCycles: Int64 = 0) {
    var reasons: [Int64: String] = [:]
    for case .stepEnded(let step, _, let reason) in journal.entries { reasons[step] = reason }
    var runReason: String?
    for case .runState(_, _, _, let reason) in journal.entries { runReason = reason }
    let records = Dictionary(grouping: journal.records, by: \.stepID)
    let stamped = Dictionary(journal.halfCycles.map { ($0.halfCycleID, $0) }) { $1 }
    var members: [Int64: HalfCycleMembers] = [:]
    var grouping = HalfCycleGrouping()
    for case .stepStarted(let row) in journal.entries {
      let step = StampedStep(
        stepID: row.stepID, kind: row.kind, halfCycleID: row.halfCycleID, endReason: reasons[row.stepID])
      if let whole = grouping.take(step) { members[whole.halfCycleID] = whole }
    }
    if let whole = grouping.finish() { members[whole.halfCycleID] = whole }
    var recount = RunRecount(
      role: role, parameters: parameters, earlierCellCycles: earlierCellCycles,
      closed: journal.cycles.map(\.cycleNumber))
    for row in stamped.values.sorted(by: { $0.number < $1.number }) {
      var halfCycle = recount.halfCycle(Self.withoutSums(row))
      for step in members[row.halfCycleID]?.steps(endedBy: row.endReason, inRunEndedBy: runReason) ?? [] {
        halfCycle.record(records[step] ?? [])
        halfCycle.stepEnded()
      }
      cycles += recount.add(halfCycle.row)
      halfCycles.append(halfCycle.row)
    }
    cycles += recount.finish()
  }

  /// What no record tells.
  private static func withoutSums(_ row: HalfCycleRow) -> HalfCycleRow {
    var row = row
    row.charge = Charge(nanocoulombs: 1)
    row.reverseCharge = Charge(nanocoulombs: 1)
    row.energy = Energy(nanojoules: 1)
    row.constantVoltageCharge = Charge(nanocoulombs: 1)
    row.plateauCharge = Charge(nanocoulombs: 1)
    // These come from records alone.
    row.flags.subtract([.underload, .late])
    return row
  }
}

extension KeptJournal {
  /// The records and stamps come to exactly what the run said live.
  func expectRecount(of program: Program, earlierCellCycles: Int64 = 0, _ comment: Comment? = nil) {
    let again = Recounted(
      self, role: program.role, parameters: program.metrics, earlierCellCycles: earlierCellCycles)
    #expect(again.halfCycles == halfCycles, comment)
    #expect(again.cycles == cycles, comment)
  }
}
