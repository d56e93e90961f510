// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import Foundation
import Quantities

@testable import CycleStore

/// A directory of its own for one test, removed at the end.
final class ScratchDirectory: Sendable {
  let path: String

  init() throws {
    let template = NSTemporaryDirectory() + "nacycler-store-XXXXXX"
    path = try template.withCString { text in
      let copy = UnsafeMutablePointer<CChar>(mutating: strdup(text))
      defer { free(copy) }
      guard let copy, let made = mkdtemp(copy) else { throw POSIXError(.EIO) }
      return String(cString: made)
    }
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// The database file in a state directory below.
  func database(_ state: String = "state") -> String { path + "/" + state + "/" + CycleStore.fileName }
}

/// The rows that a run needs before its first record.
struct Bench {
  static let start = UnixInstant(microseconds: 1_700_000_000_000_000)
  var cell: Int64
  var channel: Int64
  var run: Int64

  /// Registers an instrument, a channel, a cell and a run.
  init(_ store: CycleStore, number: Int64 = 1) throws {
    self = try store.writeNow { edit in
      let instrument = try edit.upsertInstrument(
        family: "emulated", model: "Bench", serial: "0001", firmware: "1.0", at: Self.start)
      let channel = try edit.upsertChannel(
        instrument: instrument, number: number, name: "bench-\(number)", at: Self.start)
      var entry = CellEntry()
      entry.activeMassUg = 1_200
      let cell = try edit.addCell(
        name: "HC-\(number)", role: .anodeHalfCell, entry, by: "ada", at: Self.start)
      let text = try edit.addProtocol(sha256: [UInt8](repeating: 7, count: 32), source: "{}")
      var run = RunEntry(
        uuid: "00000000-0000-0000-0000-00000000000\(number)", title: "Formation", cell: cell.cellId,
        cellRevision: cell.revision, channel: channel, state: .preflight, at: Self.start, startedBy: "ada",
        protocolID: text, definitionsVersion: "1", parameters: "{\"sodiation_plateau_below_V\":0.1}",
        firstCycleNumber: 1, daemonVersion: "0.1.0", instrumentSpecification: "bench")
      run.rateBasisMassUg = 1_200
      run.listing = "1 rest"
      return Bench(cell: cell.cellId, channel: channel, run: try edit.addRun(run))
    }
  }

  private init(cell: Int64, channel: Int64, run: Int64) {
    self.cell = cell
    self.channel = channel
    self.run = run
  }

  func step(_ count: Int32, kind: StepKind = .constantCurrent, direction: Direction = .discharge) -> StepRow {
    StepRow(
      stepID: RowIdentity.step(run: run, count: count), run: run, stepCount: count, protocolRevision: 1,
      programIndex: count - 1, programPath: "steps[\(count - 1)]", kind: kind, direction: direction,
      halfCycleID: nil, cycleNumber: nil, startedAt: Self.start, startedTestTime: .zero, startCharge: .zero,
      rangeCurrent: nil)
  }

  func halfCycle(_ number: Int32, cycle: Int64, _ direction: Direction, charge: Int64) -> HalfCycleRow {
    HalfCycleRow(
      halfCycleID: RowIdentity.halfCycle(run: run, number: number), run: run, number: number, cycleNumber: cycle,
      direction: direction, purpose: .formation, label: nil, charge: Charge(nanocoulombs: charge),
      reverseCharge: .zero, energy: .zero, constantVoltageCharge: .zero, plateauCharge: nil, gapCharge: .zero,
      endReason: nil, flags: [])
  }

  func record(_ index: Int32, step count: Int32 = 1, voltage: Int64? = 1_234_567_890) -> RecordRow {
    RecordRow(
      stepID: RowIdentity.step(run: run, count: count), index: index,
      stepTime: TimeSpan(milliseconds: Int64(index) * 100), voltage: voltage.map(Voltage.init(nanovolts:)),
      current: Current(picoamperes: -134_300_000), charge: Charge(nanocoulombs: -13_430 * Int64(index)),
      energy: Energy(nanojoules: -16_580 * Int64(index)), flags: [])
  }

  func records(_ range: Range<Int32>, step: Int32 = 1) -> ContiguousArray<RecordRow> {
    ContiguousArray(range.map { record($0, step: step) })
  }
}

/// Waits, without polling, until an inlet has committed a push.
final class CommitWaiter: Sendable {
  private let stream: AsyncStream<Int64>
  let continuation: AsyncStream<Int64>.Continuation
  init() { (stream, continuation) = AsyncStream.makeStream(bufferingPolicy: .unbounded) }
  func wait(for sequence: Int64) async {
    for await committed in stream where committed >= sequence { return }
  }
}

extension CycleStore {
  /// An inlet together with a way to wait for its commits.
  func inletWithWaiter(capacity: Int = 1 << 20) -> (StoreInlet, CommitWaiter) {
    let waiter = CommitWaiter()
    let inlet = makeInlet(name: "test", capacity: capacity, onCommit: { waiter.continuation.yield($0) })
    return (inlet, waiter)
  }
}
