// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import Foundation
import GRDB
import Quantities
import Testing

@testable import CycleStore

@Suite struct ExportTests {
  /// A run with an open-circuit check, a discharge and a rest, small enough to be read by eye.
  private static func smallRun(_ state: String) async throws -> (CycleStore, Bench) {
    let store = try CycleStore.open(at: state)
    let bench = try Bench(store)
    var discharge = bench.step(2)
    discharge.cycleNumber = 1
    discharge.startedTestTime = TimeSpan(seconds: 10)
    discharge.startedAt = UnixInstant(microseconds: Bench.start.microseconds + 10_000_000)
    var half = bench.halfCycle(1, cycle: 1, .discharge, charge: 26_860)
    half.endReason = "voltage <= 10 mV"
    discharge.halfCycleID = half.halfCycleID
    var rest = bench.step(3, kind: .rest, direction: .none)
    rest.startedTestTime = TimeSpan(microseconds: 10_200_000)
    rest.startedAt = UnixInstant(microseconds: Bench.start.microseconds + 10_200_000)
    rest.startCharge = Charge(nanocoulombs: -26_860)
    rest.programPath = "steps[2] \"rest\""
    var cycle = CycleSummary(cycleNumber: 1, cellCycleNumber: 1, purpose: .formation, label: nil)
    cycle.dischargeCapacity = Charge(nanocoulombs: 7_200_000_000)
    cycle.chargeCapacity = Charge(nanocoulombs: 6_480_000_000)
    cycle.coulombicEfficiency = 0.9
    var check = bench.record(0, voltage: 2_500_000_001)
    check.current = .zero
    var blind = bench.record(0, step: 3, voltage: nil)
    blind.current = nil
    let batch = JournalBatch(
      records: [
        check, bench.record(0, step: 2), bench.record(1, step: 2, voltage: -1), bench.record(2, step: 2), blind,
      ],
      entries: [
        .stepStarted(bench.step(1, kind: .openCircuitCheck, direction: .none)), .halfCycleOpened(half),
        .stepStarted(discharge),
        .stepEnded(
          stepID: discharge.stepID, endedTestTime: TimeSpan(microseconds: 10_200_000), reason: "voltage <= 10 mV"),
        .stepStarted(rest), .cycleClosed(run: bench.run, cycle),
      ])
    let (inlet, waiter) = store.inletWithWaiter()
    try store.start()
    var moved = batch
    let sequence = inlet.push(&moved)
    inlet.requestCommit()
    await waiter.wait(for: sequence)
    return (store, bench)
  }

  private static func text(_ store: CycleStore, _ run: Int64, _ format: ExportFormat) async throws -> String {
    var bytes: [UInt8] = []
    let export = try await RunExport(run: run, format: format, of: store)
    while let piece = try await export.next() { bytes.append(contentsOf: piece) }
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test func batteryDataFormatIsWrittenToTheLastDigit() async throws {
    let scratch = try ScratchDirectory()
    let (store, bench) = try await Self.smallRun(scratch.path + "/state")
    let expected = """
      Record Index / 1,Test Time / s,Voltage / V,Current / A,Unix Time / s,Cycle Count / 1,Step Count / 1,Step ID,\
      Step Type,Step Time / s,Step Record Index / 1,Charging Capacity / Ah,Discharging Capacity / Ah,\
      Net Capacity / Ah,Step Net Capacity / Ah,Step Net Energy / Wh,Cycle Charging Capacity / Ah,\
      Cycle Discharging Capacity / Ah,Half-Cycle / 1,Flags / 1,Stamps
      1,0.000000,2.500000001,0.000000000000,1700000000.000000,0,1,0,OCV,0.000000,1,0.0000000000000,0.0000000000000,\
      0.0000000000000,0.0000000000000,0.0000000000000,0.0000000000000,0.0000000000000,0,0,
      2,10.000000,1.234567890,-0.000134300000,1700000010.000000,1,2,1,CC_DCH,0.000000,1,0.0000000000000,\
      0.0000000000000,0.0000000000000,0.0000000000000,0.0000000000000,0.0000000000000,0.0000000000000,1,0,
      3,10.100000,-0.000000001,-0.000134300000,1700000010.100000,1,2,1,CC_DCH,0.100000,2,0.0000000000000,\
      0.0000000037306,-0.0000000037306,-0.0000000037306,-0.0000000046056,0.0000000000000,0.0000000037306,1,0,
      4,10.200000,1.234567890,-0.000134300000,1700000010.200000,1,2,1,CC_DCH,0.200000,3,0.0000000000000,\
      0.0000000074611,-0.0000000074611,-0.0000000074611,-0.0000000092111,0.0000000000000,0.0000000074611,1,0,
      5,10.200000,,,1700000010.200000,1,3,2,REST,0.000000,1,0.0000000000000,0.0000000074611,-0.0000000074611,\
      0.0000000000000,0.0000000000000,0.0000000000000,0.0000000074611,0,0,

      """
    let lines = try await Self.text(store, bench.run, .bdf).split(separator: "\n").map { line in
      line.split(separator: ",", omittingEmptySubsequences: false)
    }
    let rows = lines.dropFirst().map { $0.dropLast().joined(separator: ",") + ",\n" }.joined()
    #expect(lines[0].joined(separator: ",") + "\n" + rows == expected)
    let stamps = lines.dropFirst().map { $0.last ?? "" }
    #expect(stamps[0].hasPrefix("run=1&stamps=1&uuid=") && stamps[0].contains("&cell=HC-1&role=anode-half-cell&"))
    #expect(stamps[1].hasPrefix("half_cycle=1&cycle=1&direction=-1&purpose=formation&charge_nC=26860&"))
    #expect(stamps[1].hasSuffix("&end_reason=voltage%20%3C%3D%2010%20mV&flags=0 cycle=1"))
    #expect(stamps[2...].allSatisfy { $0.isEmpty })
    await store.stop()
  }

  /// A rest counts in the half-cycle that was still open in it, whoever closed that: in the export as in the store's view.
  @Test(arguments: [("voltage <= 10 mV", false), ("voltage >= 500 mV", true), (nil, true)])
  func aRestIsOfTheHalfCycleThatWasOpenInIt(reason: String?, isOwn: Bool) async throws {
    let scratch = try ScratchDirectory()
    let store = try CycleStore.open(at: scratch.path + "/state")
    let bench = try Bench(store)
    var half = bench.halfCycle(1, cycle: 1, .discharge, charge: 13_430)
    half.endReason = reason
    var next = bench.halfCycle(2, cycle: 1, .charge, charge: 13_430)
    next.endReason = "voltage >= 2 V"
    var (discharge, charge) = (bench.step(1), bench.step(3, direction: .charge))
    discharge.halfCycleID = half.halfCycleID
    charge.halfCycleID = next.halfCycleID
    var entries: [JournalEntry] = [
      .halfCycleOpened(half), .stepStarted(discharge),
      .stepEnded(stepID: discharge.stepID, endedTestTime: .zero, reason: "voltage <= 10 mV"),
      .stepStarted(bench.step(2, kind: .rest, direction: .none)),
    ]
    if let reason {
      let rest = RowIdentity.step(run: bench.run, count: 2)
      entries.append(.stepEnded(stepID: rest, endedTestTime: .zero, reason: isOwn ? reason : "step_time >= 60 s"))
    }
    var records = [bench.record(0), bench.record(0, step: 2)]
    if reason != nil {
      entries += [.halfCycleOpened(next), .stepStarted(charge)]
      records.append(bench.record(0, step: 3))
    }
    let (inlet, waiter) = store.inletWithWaiter()
    try store.start()
    var batch = JournalBatch(records: ContiguousArray(records), entries: entries)
    let sequence = inlet.push(&batch)
    inlet.requestCommit()
    await waiter.wait(for: sequence)
    let lines = try await Self.text(store, bench.run, .bdf).split(separator: "\n").dropFirst().map { line in
      line.split(separator: ",", omittingEmptySubsequences: false)
    }
    #expect(lines.prefix(2).map { $0[18] } == ["1", isOwn ? "1" : "0"])
    let steps = try store.readNow { view in
      let row = try #require(try view.halfCycles(run: bench.run).first)
      return try view.steps(of: row).map(\.stepCount)
    }
    #expect(steps == (isOwn ? [1, 2] : [1]))
    await store.stop()
  }

  /// What takes a step's capacity for its highest less its lowest finds the charge in front of the first record too.
  @Test func aStepBeginsWithARowForItsBeginning() async throws {
    let scratch = try ScratchDirectory()
    let store = try CycleStore.open(at: scratch.path + "/state")
    let bench = try Bench(store)
    let (inlet, waiter) = store.inletWithWaiter()
    try store.start()
    var first = bench.record(1)
    first.index = 0
    var second = bench.record(2, step: 2)
    second.index = 0
    var step = bench.step(2)
    step.startCharge = Charge(nanocoulombs: -13_430)
    var batch = JournalBatch(records: [first, second], entries: [.stepStarted(bench.step(1)), .stepStarted(step)])
    let sequence = inlet.push(&batch)
    inlet.requestCommit()
    await waiter.wait(for: sequence)
    let rows = try await Self.text(store, bench.run, .bdf).split(separator: "\n").dropFirst().map { line in
      line.split(separator: ",", omittingEmptySubsequences: false)
    }
    #expect(rows.map { $0[0] } == ["1", "2", "3", "4"])
    #expect(rows.map { $0[10] } == ["0", "1", "0", "1"], "what is no record has the index 0")
    #expect(rows.map { $0[9] } == ["0.000000", "0.100000", "0.000000", "0.200000"])
    #expect(rows.map { $0[12] } == ["0.0000000000000", "0.0000000037306", "0.0000000037306", "0.0000000111917"])
    #expect(rows.map { $0[13] } == ["0.0000000000000", "-0.0000000037306", "-0.0000000037306", "-0.0000000111917"])
    #expect(rows[0][2] == rows[1][2] && rows[2][3] == rows[3][3] && rows[2][14] == "0.0000000000000")
    #expect(rows[0].last == "" && rows[1].last?.hasPrefix("run=") == true)
    // Our own table holds records only.
    #expect(try await Self.text(store, bench.run, .csv).split(separator: "\n").count == 3)
    await store.stop()
  }

  @Test func machineNamesCarryUnitsAndQuoteWhatNeedsIt() async throws {
    let scratch = try ScratchDirectory()
    let (store, bench) = try await Self.smallRun(scratch.path + "/state")
    let lines = try await Self.text(store, bench.run, .csv).split(separator: "\n")
    #expect(
      lines.first == """
        record,test_time_s,unix_time_s,voltage_V,current_A,cycle,step_count,step_kind,direction,step_record_index,\
        step_time_s,step_charge_Ah,step_energy_Wh,run_charge_Ah,flags,program_path,temperature_degC,half_cycle,purpose,stamps
        """)
    #expect(
      lines.last == """
        5,10.200000,1700000010.200000,,,,3,rest,0,0,0.000000,0.0000000000000,0.0000000000000,-0.0000000074611,0,\
        "steps[2] ""rest""\",,,,
        """)
    #expect(lines.count == 6)
    await store.stop()
  }

  @Test func theJSONExportHoldsTheWholeRunAndNullForUnknown() async throws {
    let scratch = try ScratchDirectory()
    let (store, bench) = try await Self.smallRun(scratch.path + "/state")
    let text = try await Self.text(store, bench.run, .json)
    let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    #expect(object["format"] as? String == "nacycler.run.1")
    let cell = try #require(object["cell"] as? [String: Any])
    #expect(cell["name"] as? String == "HC-1")
    #expect(cell["active_mass_g"] as? Double == 0.0012)
    #expect(cell["area_cm2"] is NSNull)
    let cycles = try #require(object["cycles"] as? [[String: Any]])
    #expect(cycles.first?["coulombic_efficiency"] as? Double == 0.9)
    #expect(cycles.first?["sodiation_plateau_ratio"] is NSNull)
    #expect((object["half_cycles"] as? [[String: Any]])?.first?["end_reason"] as? String == "voltage <= 10 mV")
    let steps = try #require(object["steps"] as? [[String: Any]])
    #expect(steps.count == 3)
    #expect(steps.last?["program_path"] as? String == "steps[2] \"rest\"")
    let protocols = try #require(object["protocols"] as? [[String: Any]])
    #expect(protocols.map { $0["revision"] as? Int } == [1])
    #expect((protocols.first?["source"] as? String)?.isEmpty == false && protocols.first?["amended_by"] is NSNull)
    #expect(object["events"] is [[String: Any]])
    let records = try #require(object["records"] as? [[String: Any]])
    #expect(records.count == 5)
    #expect(records.last?["voltage_V"] is NSNull)
    #expect(text.contains("\"voltage_V\":-0.000000001,"))
    await store.stop()
  }

  @Test func aLongRunComesInPiecesAndCountsEveryRecord() async throws {
    let scratch = try ScratchDirectory()
    let store = try CycleStore.open(at: scratch.path + "/state")
    let bench = try Bench(store)
    let inlet = store.makeInlet(name: "test")
    try store.start()
    var batch = JournalBatch(records: bench.records(0..<30_000), entries: [.stepStarted(bench.step(1))])
    inlet.push(&batch)
    await store.stop()
    let again = try CycleStore.open(at: scratch.path + "/state")
    var pieces = 0
    var lines = 0
    var largest = 0
    let export = try await RunExport(run: bench.run, format: .bdf, of: again)
    while let piece = try await export.next() {
      pieces += 1
      largest = max(largest, piece.count)
      lines += piece.count { $0 == UInt8(ascii: "\n") }
    }
    #expect(lines == 30_001)
    #expect(pieces > 10)
    #expect(largest < 70_000)
    await #expect(throws: StoreError.unknown(kind: "run", name: "99")) {
      try await RunExport(run: 99, format: .csv, of: again)
    }
    await again.stop()
  }

  @Test func aChargeReadBackFromItsTextIsTheSameInteger() {
    var random = SplitMix(state: 20_240_229)
    for _ in 0..<20_000 {
      // Up to 1e16 nC (2,800 Ah), far beyond any cell on a potentiostat.
      let charge = Int64(truncatingIfNeeded: random.next()) % 10_000_000_000_000_000
      var text = TextBuffer()
      text.append(hoursOf: charge)
      let digits = String(decoding: text.bytes, as: UTF8.self).filter { $0 != "." }
      guard let scaled = Int128(digits) else {
        Issue.record("\(digits) is no number, from \(charge) nC, seed 20240229")
        return
      }
      // scaled / 1e13 Ah · 3.6e12 nC/Ah, rounded
      let product = scaled * 36
      let back = (product + (product < 0 ? -50 : 50)) / 100
      #expect(back == Int128(charge), "seed 20240229")
    }
  }

  @Test(arguments: [
    (Int64.min, 9, "-9223372036.854775808"), (Int64.max, 12, "9223372.036854775807"), (0, 0, "0"), (0, 3, "0.000"),
    (-1, 6, "-0.000001"), (10, 1, "1.0"), (-42, 0, "-42"),
  ])
  func decimalsAreExact(value: Int64, decimals: Int, expected: String) {
    var text = TextBuffer()
    text.append(value, decimals: decimals)
    #expect(String(decoding: text.bytes, as: UTF8.self) == expected)
  }

  @Test func jsonTextIsEscaped() {
    var text = TextBuffer()
    text.append(json: "a\"\\\n\u{1}µ")
    #expect(String(decoding: text.bytes, as: UTF8.self) == #""a\"\\\n\u0001µ""#)
  }

  @Test func aSnapshotIsAWholeDatabaseAndNeverOverwrites() async throws {
    let scratch = try ScratchDirectory()
    let (store, bench) = try await Self.smallRun(scratch.path + "/state")
    let target = scratch.path + "/copy.sqlite"
    try await store.snapshot(to: target)
    let (health, count) = try await DatabaseQueue(path: target).read { database in
      let sql = "SELECT count(*) FROM records_bdf WHERE run_id = ?"
      return (
        try String.fetchOne(database, sql: "PRAGMA integrity_check"),
        try Int.fetchOne(database, sql: sql, arguments: [bench.run])
      )
    }
    #expect(health == "ok")
    #expect(count == 5)
    #expect(!FileManager.default.fileExists(atPath: target + ".partial"))
    await #expect(throws: StoreError.taken(kind: "file", name: target)) { try await store.snapshot(to: target) }
    await #expect(throws: StoreError.self) { try await store.snapshot(to: scratch.path + "/nowhere/copy.sqlite") }
    await store.stop()
  }

  @Test func theViewsAgreeWithTheTables() async throws {
    let scratch = try ScratchDirectory()
    let (store, bench) = try await Self.smallRun(scratch.path + "/state")
    let (rows, cycle) = try store.pool.read { database in
      let sql = "SELECT * FROM records_bdf WHERE run_id = ?"
      return (
        try Row.fetchAll(database, sql: sql, arguments: [bench.run]),
        try Row.fetchOne(database, sql: "SELECT * FROM cycles_view")
      )
    }
    #expect(rows.count == 5)
    let (voltage, index, net): (Double, Int, Double) = (
      rows[2]["Voltage / V"], rows[2]["Step Record Index / 1"], rows[4]["Net Capacity / Ah"]
    )
    #expect(voltage == -1e-9)
    #expect(index == 2)
    #expect(net == -26_860 / 3.6e12)
    let view = try #require(cycle)
    let (cell, capacity, specific, efficiency): (String, Double, Double, Double) = (
      view["cell"], view["discharge_capacity_mAh"], view["discharge_capacity_mAh_per_g"],
      view["coulombic_efficiency_percent"]
    )
    #expect(cell == "HC-1")
    #expect(capacity == 2)
    #expect(abs(specific - 2 / 0.0012) < 1e-9)
    #expect(efficiency == 90)
    await store.stop()
  }
}
