// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import Foundation
import Quantities
import Testing

@testable import CycleStore

@Suite struct TemperatureStoreTests {
  /// A run of two steps with records at 0, 0.1, 0.2, … seconds.
  private static func run(_ store: CycleStore, _ temperatures: [JournalEntry], records: Int32 = 5) async throws -> Bench
  {
    let bench = try Bench(store)
    let (inlet, waiter) = store.inletWithWaiter()
    try store.start()
    var batch = JournalBatch(
      records: bench.records(0..<records) + bench.records(0..<records, step: 2),
      entries: [.stepStarted(bench.step(1)), .stepStarted(bench.step(2))] + temperatures)
    let sequence = inlet.push(&batch)
    inlet.requestCommit()
    await waiter.wait(for: sequence)
    return bench
  }

  private static func said(_ step: Int32, _ milliseconds: Int64, _ millidegrees: Int64?) -> JournalEntry {
    .temperature(
      stepID: RowIdentity.step(run: 1, count: step), stepTime: TimeSpan(milliseconds: milliseconds),
      millidegrees.map(Temperature.init(millidegrees:)))
  }

  private static func column(
    _ store: CycleStore, _ run: Int64, _ name: String, _ format: ExportFormat
  ) async throws -> [String] {
    var bytes: [UInt8] = []
    let export = try await RunExport(run: run, format: format, of: store)
    while let piece = try await export.next() { bytes.append(contentsOf: piece) }
    let rows = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map {
      $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
    guard let place = rows.first?.firstIndex(of: name) else { return [] }
    return rows.dropFirst().map { $0[place] }
  }

  @Test func aRecordHasWhatWasSaidAtItOrLastBeforeIt() async throws {
    let scratch = try ScratchDirectory()
    let store = try CycleStore.open(at: scratch.path + "/state")
    // Not in their order: the store has one.
    let bench = try await Self.run(
      store, [Self.said(2, 150, -12_345), Self.said(1, 100, 25_000), Self.said(1, 250, 25_050), Self.said(2, 350, nil)])
    #expect(bench.run == 1)
    let expected = ["", "25.000", "25.000", "25.050", "25.050", "25.050", "25.050", "-12.345", "-12.345", ""]
    #expect(try await Self.column(store, bench.run, "temperature_degC", .csv) == expected)
    #expect(try await Self.column(store, bench.run, "Ambient Temperature / degC", .bdf) == expected)
    let alone = try store.readNow { view in
      try (bench.records(0..<5) + bench.records(0..<5, step: 2)).map {
        try view.temperature(at: $0).map { "\($0.millidegrees)" } ?? ""
      }
    }
    #expect(alone == expected.map { $0.replacingOccurrences(of: ".", with: "") }, "one by one as in the export")
    await store.stop()
  }

  @Test func aRunWithoutOneHasNoColumnInTheBatteryDataFormat() async throws {
    let scratch = try ScratchDirectory()
    let store = try CycleStore.open(at: scratch.path + "/state")
    let bench = try await Self.run(store, [])
    #expect(try await Self.column(store, bench.run, "temperature_degC", .csv) == Array(repeating: "", count: 10))
    #expect(try await Self.column(store, bench.run, "Ambient Temperature / degC", .bdf).isEmpty)
    #expect(try store.readNow { try !$0.hasTemperatures(run: bench.run) })
    await store.stop()
  }

  /// More records than a page, and a temperature at each.
  @Test func pagesOfAnExportMissNone() async throws {
    let scratch = try ScratchDirectory()
    let store = try CycleStore.open(at: scratch.path + "/state")
    let count: Int32 = 5_000
    let bench = try await Self.run(
      store, (0..<Int64(count)).map { Self.said(1, $0 * 100, $0) } + [Self.said(2, 0, 1)], records: count)
    let column = try await Self.column(store, bench.run, "temperature_degC", .csv)
    #expect(column.count == 10_000)
    let first = column.prefix(Int(count)).enumerated().filter { place, value in
      value != "\(place / 1_000).\(String(place % 1_000 + 1_000).suffix(3))"
    }
    #expect(first.isEmpty, "\(first.prefix(3))")
    #expect(column.suffix(Int(count)).allSatisfy { $0 == "0.001" })
    await store.stop()
  }

  @Test func bindingsAreKept() async throws {
    let scratch = try ScratchDirectory()
    let store = try CycleStore.open(at: scratch.path + "/state")
    _ = try Bench(store)
    try store.start()
    let at = UnixInstant(microseconds: 5)
    let channel = try await store.write { edit in
      let channel = try edit.view.channels()[0].channelId
      for serial in ["T-1", "T-2"] {
        let thermometer = try edit.upsertInstrument(
          family: "line_thermometer", model: "nano", serial: serial, firmware: "1.0", at: at)
        try edit.bind(observer: thermometer, of: "temperature", to: channel, by: "ada", at: at)
      }
      return channel
    }
    let bound = try store.readNow { try $0.observers() }
    #expect(bound.map(\.serial) == ["T-2"] && bound.first?.channelId == channel && bound.first?.boundBy == "ada")
    await store.stop()
    let again = try CycleStore.open(at: scratch.path + "/state")
    #expect(try again.readNow { try $0.observers() } == bound)
    try again.start()
    try await again.write { try $0.unbind(observerOf: "temperature", from: channel) }
    #expect(try again.readNow { try $0.observers().isEmpty })
    await again.stop()
  }
}
