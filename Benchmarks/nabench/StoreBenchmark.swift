// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The store alone: 64 sources push records of the real schema through their inlets as fast as they are taken, and the
// clock stops when the last one is on the disk.

import CycleStore
import CyclerModel
import CyclingRun
import Foundation
import Quantities

enum StoreBenchmark {
  private static let sources = 64
  private static let rows = 3_000_000
  private static let pushed: Int32 = 1_000

  static func run() throws {
    let directory = try ScratchDirectory()
    let store = try CycleStore.open(at: directory.path)
    let runs = try addRuns(store)
    try store.start()
    let inlets = runs.map { store.makeInlet(name: "run \($0)") }
    var last = [Int64](repeating: 0, count: sources)
    var batch = JournalBatch()
    var index: Int32 = 0
    let begun = Figures.now()
    while Int(index) * sources < rows {
      for (place, inlet) in inlets.enumerated() {
        for row in index..<index + pushed { batch.records.append(record(runs[place], row)) }
        last[place] = inlet.push(&batch)
        // More than this in memory and the source would have to pause; wait as it would.
        while inlet.waitingCount > 50_000 { poll(nil, 0, 1) }
      }
      index += pushed
    }
    for (place, inlet) in inlets.enumerated() {
      inlet.requestCommit()
      while inlet.committedSequence < last[place] { poll(nil, 0, 1) }
    }
    let seconds = Double(Figures.now() - begun) * 1e-9
    let stored = try store.readNow { view in try runs.reduce(0) { try $0 + view.recordCount(run: $1) } }
    store.stopAndWait()
    guard stored == Int(index) * sources else { throw BenchmarkFailure("\(stored) rows were stored") }
    Figures.say("store_rows_per_s", Double(stored) / seconds, "rows/s")
    let bytes = try FileManager.default.attributesOfItem(atPath: directory.path + "/" + CycleStore.fileName)[.size]
    Figures.say("store_bytes_per_row", Double((bytes as? Int) ?? 0) / Double(stored), "bytes")
  }

  private static func addRuns(_ store: CycleStore) throws -> [Int64] {
    let at = SampleRun.moment.unix
    return try store.writeNow { edit in
      let instrument = try edit.upsertInstrument(
        family: "emulated", model: "Bench", serial: "1", firmware: nil, at: at)
      let text = try edit.addProtocol(sha256: [UInt8](repeating: 1, count: 32), source: "{}")
      return try (1...Int64(sources)).map { number in
        let cell = try edit.addCell(name: "C\(number)", role: .anodeHalfCell, CellEntry(), by: "bench", at: at)
        let channel = try edit.upsertChannel(
          instrument: instrument, number: number, name: "bench-\(number)", at: UnixInstant(microseconds: 1))
        return try edit.addRun(
          RunEntry(
            uuid: "\(number)", title: "benchmark", cell: cell.cellId, cellRevision: cell.revision, channel: channel,
            state: .preflight, at: at, startedBy: "bench", protocolID: text, definitionsVersion: "1",
            parameters: "{}", firstCycleNumber: 1, daemonVersion: "0", instrumentSpecification: "bench"))
      }
    }
  }

  /// A record with as many digits as a real one has.
  private static func record(_ run: Int64, _ index: Int32) -> RecordRow {
    let reading = SampleRun.reading(Int64(index) + 1)
    return RecordRow(
      stepID: RowIdentity.step(run: run, count: 1), index: index, stepTime: reading.time,
      voltage: reading.voltage.map { Voltage(nanovolts: $0.nanovolts - Int64(index % 1_000) * 12_345) },
      current: reading.current, charge: Charge(nanocoulombs: -Int64(index) * 10_003),
      energy: Energy(nanojoules: -Int64(index) * 19_071), flags: [])
  }
}

/// A directory of its own below the usual temporary place, removed at the end.
final class ScratchDirectory {
  let path: String

  init() throws {
    var template = Array((NSTemporaryDirectory() + "nabench-XXXXXX").utf8CString)
    guard let made = mkdtemp(&template) else { throw BenchmarkFailure("no temporary directory: errno \(errno)") }
    path = String(cString: made)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}
