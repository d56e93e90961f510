// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CycleStore
import CyclerModel
import Foundation
import Quantities

/// A store in a directory of its own with runs that a test writes records of.
final class StoredLaboratory: Sendable {
  static let start = UnixInstant(microseconds: 1_700_000_000_000_000)
  let path: String
  let store: CycleStore
  let inlet: StoreInlet

  /// Makes runs 1 to `runs`.
  init(runs: Int64) throws {
    path = FileManager.default.temporaryDirectory.appending(path: "nacycler-live-\(UInt64.random(in: 0 ... .max))").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    store = try CycleStore.open(at: path)
    inlet = store.makeInlet(name: "test")
    for run in 1...runs { try addRun(run) }
    try store.start()
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Adds a run on a channel and a cell of its own.
  func addRun(_ number: Int64) throws {
    let run = try store.writeNow { edit in
      let instrument = try edit.upsertInstrument(
        family: "emulated", model: "Bench", serial: "0001", firmware: "1.0", at: Self.start)
      let channel = try edit.upsertChannel(instrument: instrument, number: number, name: "ch\(number)", at: Self.start)
      let cell = try edit.addCell(name: "HC-\(number)", role: .anodeHalfCell, CellEntry(), by: "ada", at: Self.start)
      let text = try edit.addProtocol(sha256: [UInt8](repeating: 7, count: 32), source: "{}")
      return try edit.addRun(
        RunEntry(
          uuid: "00000000-0000-0000-0000-00000000000\(number)", title: "Formation", cell: cell.cellId,
          cellRevision: cell.revision, channel: channel, state: .running, at: Self.start, startedBy: "ada",
          protocolID: text, definitionsVersion: "1", parameters: "{}", firstCycleNumber: 1, daemonVersion: "0.1.0",
          instrumentSpecification: "bench"))
    }
    precondition(run == number, "runs are numbered in order")
  }

  /// Pushes records. The first of a step begin it, and with it a cycle of the same number; the last may end the run.
  func push(run: Int64, step: Int32 = 1, _ range: Range<Int32>, ends: Bool = false) {
    var batch = JournalBatch()
    batch.records = ContiguousArray(
      range.map { index in
        RecordRow(
          stepID: RowIdentity.step(run: run, count: step), index: index,
          stepTime: TimeSpan(milliseconds: Int64(index) * 100), voltage: Voltage(nanovolts: 1_234_567_890),
          current: nil, charge: .zero, energy: .zero, flags: [])
      })
    if range.lowerBound == 0 {
      if step > 1 { batch.entries.append(.cycleClosed(run: run, Self.cycle(Int64(step) - 1))) }
      batch.entries.append(.stepStarted(Self.step(step, of: run)))
    }
    if ends { batch.entries.append(.runState(run: run, .completed, at: Self.start, reason: nil)) }
    inlet.push(&batch)
  }

  /// Pushes one entry.
  func push(_ entry: JournalEntry) {
    var batch = JournalBatch(records: [], entries: [entry])
    inlet.push(&batch)
  }

  /// Waits until everything that was pushed is stored.
  func settle() async throws {
    // A request is carried out at the begin of a round: when the second is, the round of the first is over.
    for _ in 0..<2 { _ = try await store.write { _ in true } }
  }

  private static func cycle(_ number: Int64) -> CycleSummary {
    CycleSummary(cycleNumber: number, cellCycleNumber: number, purpose: nil, label: nil)
  }

  private static func step(_ count: Int32, of run: Int64) -> StepRow {
    StepRow(
      stepID: RowIdentity.step(run: run, count: count), run: run, stepCount: count, protocolRevision: 1,
      programIndex: count - 1, programPath: "steps[\(count - 1)]", kind: .constantCurrent, direction: .discharge,
      halfCycleID: nil, cycleNumber: Int64(count), startedAt: start, startedTestTime: .zero, startCharge: .zero,
      rangeCurrent: nil)
  }
}
