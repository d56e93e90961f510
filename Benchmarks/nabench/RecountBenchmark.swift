// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A long run computed again by the real daemon: ten million records from its database to two and a half thousand cycles,
// which must come out as they were stored.

import CellMetrics
import CycleStore
import CyclerModel
import CyclingRun
import Foundation
import Quantities

enum RecountBenchmark {
  private static let halfCycles: Int32 = 5_000
  private static let recordsEach: Int32 = 2_000
  private static let parameters = MetricParameters(
    sodiationPlateauBelow: Voltage(millivolts: 100), desodiationPlateauBelow: nil, retentionReference: nil)

  static func run() throws {
    let daemon = try DaemonUnderTest(ports: "/nonexistent/*", prepare: fill)
    let before = try daemon.residentMebibytes()
    var best = Double.infinity
    for _ in 0..<3 {
      let begun = Figures.now()
      let answer = try ControlCaller(socket: daemon.socket).need("POST", "/v1/runs/1/recompute", [:])
      best = min(best, Double(Figures.now() - begun) * 1e-9)
      let counts = ["cycles", "half_cycles_other", "cycles_other"].map { answer[$0] as? Int }
      guard counts == [Int(halfCycles) / 2, 0, 0] else { throw BenchmarkFailure("not as stored: \(answer)") }
    }
    Figures.say("recompute_seconds_1e7_records", best, "s")
    Figures.say("recompute_rss_mib_1e7_records", try daemon.peakMebibytes() - before, "MiB")
  }

  /// A run as a daemon would have stored it.
  private static func fill(_ state: String) throws {
    let store = try CycleStore.open(at: state)
    let at = SampleRun.moment.unix
    let run = try store.writeNow { edit in
      let instrument = try edit.upsertInstrument(
        family: "emulated", model: "Bench", serial: "1", firmware: nil, at: at)
      let text = try edit.addProtocol(sha256: [UInt8](repeating: 1, count: 32), source: "{}")
      let cell = try edit.addCell(name: "C1", role: .anodeHalfCell, CellEntry(), by: "bench", at: at)
      let channel = try edit.upsertChannel(instrument: instrument, number: 1, name: "bench-1", at: at)
      return try edit.addRun(
        RunEntry(
          uuid: "1", title: "benchmark", cell: cell.cellId, cellRevision: cell.revision, channel: channel,
          state: .preflight, at: at, startedBy: "bench", protocolID: text,
          definitionsVersion: MetricDefinitions.version, parameters: "{\"sodiation_plateau_below_nv\":100000000}",
          firstCycleNumber: 1, daemonVersion: "0", instrumentSpecification: "bench"))
    }
    try store.start()
    let inlet = store.makeInlet(name: "run")
    var cycles = CycleAccumulator(role: .anodeHalfCell, earlierCellCycles: 0)
    var batch = JournalBatch()
    var last: Int64 = 0
    for number in 1...halfCycles {
      try add(number, of: run, &cycles, &batch)
      if number == halfCycles {
        batch.entries.append(.runState(run: run, .completed, at: at, reason: "completed"))
      }
      last = inlet.push(&batch)
      while inlet.waitingCount > 50_000 { poll(nil, 0, 1) }
    }
    inlet.requestCommit()
    while inlet.committedSequence < last { poll(nil, 0, 1) }
    store.stopAndWait()
  }

  private static func add(
    _ number: Int32, of run: Int64, _ cycles: inout CycleAccumulator, _ batch: inout JournalBatch
  ) throws {
    let direction: Direction = number % 2 == 1 ? .discharge : .charge
    let cycle = Int64(number + 1) / 2
    let step = RowIdentity.step(run: run, count: number)
    var halfCycle = HalfCycleAccumulator(direction: direction, parameters: parameters, role: .anodeHalfCell)
    var row = HalfCycleRow(
      halfCycleID: RowIdentity.halfCycle(run: run, number: number), run: run, number: number, cycleNumber: cycle,
      direction: direction, purpose: .life, label: "life", charge: .zero, reverseCharge: .zero, energy: .zero,
      constantVoltageCharge: .zero, plateauCharge: nil, gapCharge: .zero, endReason: "voltage", flags: [])
    for index in 0..<recordsEach {
      let record = record(index, of: step, direction)
      halfCycle.record(record)
      batch.records.append(record)
    }
    halfCycle.stepEnded()
    row = halfCycle.fill(row)
    cycles.add(row)
    batch.entries = [
      .halfCycleUpdated(row),
      .stepStarted(
        StepRow(
          stepID: step, run: run, stepCount: number, protocolRevision: 1, programIndex: 0, programPath: "steps[0]",
          kind: .constantCurrent, direction: direction, halfCycleID: row.halfCycleID, cycleNumber: cycle,
          startedAt: SampleRun.moment.unix, startedTestTime: .zero, startCharge: .zero, rangeCurrent: nil)),
      .stepEnded(stepID: step, endedTestTime: .zero, reason: "voltage"),
    ]
    if direction == .charge, let summary = cycles.close(cycleNumber: cycle) {
      batch.entries.append(.cycleClosed(run: run, summary))
    }
  }

  /// Down to 1 mV and up again, with as many digits as a real record has.
  private static func record(_ index: Int32, of step: Int64, _ direction: Direction) -> RecordRow {
    let place = Int64(direction == .discharge ? recordsEach - index : index)
    let sign: Int64 = direction == .discharge ? -1 : 1
    return RecordRow(
      stepID: step, index: index, stepTime: TimeSpan(milliseconds: Int64(index) * 1_000),
      voltage: Voltage(nanovolts: place * 1_000_003), current: Current(picoamperes: sign * 100_000_003),
      charge: Charge(nanocoulombs: sign * Int64(index) * 100_003),
      energy: Energy(nanojoules: sign * Int64(index) * 19_071), flags: [])
  }
}
