// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import Foundation
import Quantities

/// Says of each record of a table in which half-cycle it counts, and hands out the run's stamps on the way: those of the
/// run with its first record, that of a half-cycle with the first record at or behind it, so that no field grows with the
/// length of the run.
struct StampWalk: Sendable {
  /// Numbers of half-cycles by the step's count; 0 for none.
  private var halfCycles: [Int32] = []
  private var rows: [HalfCycleRow] = []
  private var facts: RunFacts?
  private var tests: [StoredEfficiencyTest] = []
  /// Cycles that are done, with the number of the half-cycle that was the last of them.
  private var cycles: [(number: Int64, after: Int64)] = []
  private var rowPlace = 0
  private var cyclePlace = 0

  /// A walk that says nothing, for formats that need none.
  init() {}

  init(_ head: ExportHead) {
    rows = head.stamped
    tests = head.tests
    var parameters: [String: String] = [:]
    if let text = head.parameters?.parameters,
      let object = try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
    {
      for (key, value) in object { parameters[key] = (value as? String) ?? "\(value)" }
    }
    facts = RunFacts(
      run: head.run.runId, uuid: head.run.uuid, cell: head.cell.name, role: head.cell.cellRole,
      earlierCellCycles: head.run.firstCycleNumber - 1, definitionsVersion: head.parameters?.definitionsVersion ?? "",
      parameters: parameters)
    var after: Int64 = 0
    var place = 0
    for cycle in head.cycles {
      while place < rows.count, rows[place].cycleNumber ?? 0 <= cycle.cycleNumber {
        after = Int64(rows[place].number)
        place += 1
      }
      cycles.append((cycle.cycleNumber, after))
    }
    placeSteps(head)
  }

  /// A rest inside a half-cycle counts in it, though its row names none: it moves no charge, but its voltages are seen.
  private mutating func placeSteps(_ head: ExportHead) {
    halfCycles = [Int32](repeating: 0, count: Int(head.steps.last?.stepCount ?? 0) + 1)
    let reasons = Dictionary(rows.map { ($0.halfCycleID, $0.endReason) }) { $1 }
    func place(_ members: HalfCycleMembers?) {
      guard let members else { return }
      let number = Int32(truncatingIfNeeded: RowIdentity.count(of: members.halfCycleID))
      for step in members.steps(
        endedBy: reasons[members.halfCycleID] ?? nil, inRunEndedBy: head.run.endReason)
      {
        halfCycles[Int(RowIdentity.count(of: step))] = number
      }
    }
    var grouping = HalfCycleGrouping()
    for step in head.steps { if let stamped = StampedStep(step) { place(grouping.take(stamped)) } }
    place(grouping.finish())
  }

  /// What stands beside the next record.
  mutating func next(_ step: StoredStep, isLast: Bool) -> (halfCycle: Int64, stamps: [RunStamp]) {
    let count = Int(step.stepCount)
    let halfCycle = count < halfCycles.count ? Int64(halfCycles[count]) : 0
    guard facts != nil || isLast || rowPlace < rows.count && Int64(rows[rowPlace].number) <= halfCycle else {
      return (halfCycle, [])
    }
    var stamps: [RunStamp] = []
    if let facts {
      stamps.append(.run(facts))
      stamps += tests.compactMap { EfficiencyTestRow($0).map(RunStamp.test) }
      self.facts = nil
    }
    while rowPlace < rows.count, isLast || Int64(rows[rowPlace].number) <= halfCycle {
      stamps.append(.halfCycle(rows[rowPlace]))
      rowPlace += 1
    }
    let told = rowPlace > 0 ? Int64(rows[rowPlace - 1].number) : 0
    while cyclePlace < cycles.count, isLast || cycles[cyclePlace].after <= told {
      stamps.append(.cycle(cycles[cyclePlace].number))
      cyclePlace += 1
    }
    return (halfCycle, stamps)
  }
}

extension StampedStep {
  /// A stored one; nil only when somebody else wrote the row.
  init?(_ step: StoredStep) {
    guard let kind = StepKind(rawValue: step.kind) else { return nil }
    self.init(stepID: step.stepId, kind: kind, halfCycleID: step.halfCycleId, endReason: step.endReason)
  }
}

extension EfficiencyTestRow {
  /// A stored one; nil only when somebody else wrote the row.
  init?(_ row: StoredEfficiencyTest) {
    guard let kind = EfficiencyTestKind(rawValue: row.kind) else { return nil }
    self.init(run: row.runId, number: Int32(truncatingIfNeeded: row.number), kind: kind, label: row.label)
    cycles = Int32(truncatingIfNeeded: row.cycles)
    reservoirCharge = Charge(nanocoulombs: row.reservoirChargeNc)
    platedCharge = Charge(nanocoulombs: row.platedChargeNc)
    strippedCharge = Charge(nanocoulombs: row.strippedChargeNc)
    coulombicEfficiency = row.coulombicEfficiency
    flags = DataFlags(rawValue: row.flags)
  }
}
