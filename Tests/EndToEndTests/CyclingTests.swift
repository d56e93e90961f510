// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation
import Testing

extension ProgramTests {
  /// From `nactl start` to the initial efficiency, through the real programs.
  @Suite struct CyclingTests {
    @Test func demonstrationProtocolRunsToItsTable() throws {
      let rig = try LaboratoryRig()
      try rig.startBench(cell: "hard-carbon")
      try rig.startDaemon()
      try rig.waitForChannels(1)
      let file = LaboratoryRig.repository.appendingPathComponent("Protocols/demo-hard-carbon.json").path
      let check = try rig.nactl("check", file)
      #expect(check.status == 0, "\(check.errors)")
      let start = try rig.nactl("start", file)
      #expect(start.status == 0, "\(start.errors)")
      #expect(try rig.waitForRun(states: ["completed", "held", "ended"], seconds: 60) == "completed")
      let table = try rig.nactl("cycles", "last", "--format", "json").json()
      let cycles = try #require(table["cycles"] as? [[String: Any]])
      #expect(cycles.count == 5)
      let initial = try #require(table["initial_coulombic_efficiency"] as? Double)
      #expect(initial > 0.8 && initial < 0.9)
      #expect(cycles.allSatisfy { ($0["sodiation_plateau_ratio"] as? Double ?? 0) > 0.5 })
      try TruthComparison(rig).expectAgreement()
      #expect(try rig.sqlite("SELECT lower(hex(sha256)) FROM protocol") == sha256(of: file))
      try expectReadableWhileTheDaemonRuns(rig)
    }

    /// What `sha256sum` says of a file.
    private func sha256(of file: String) throws -> String {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      process.arguments = ["sha256sum", file]
      let pipe = Pipe()
      process.standardOutput = pipe
      try process.runAsFromAShell()
      let data = pipe.fileHandleForReading.readDataToEndOfFile()
      process.waitUntilExit()
      return String(String(decoding: data, as: UTF8.self).prefix(64))
    }

    /// The database with sqlite3, and the exports, agree in the number of records.
    private func expectReadableWhileTheDaemonRuns(_ rig: LaboratoryRig) throws {
      let records = try #require(Int(try rig.sqlite("SELECT count(*) FROM records_bdf")))
      #expect(records > 1_000)
      let bdf = try rig.nactl("export", "last", "--format", "bdf")
      #expect(bdf.status == 0)
      let lines = bdf.output.split(separator: "\n")
      let beginnings = try #require(
        Int(try rig.sqlite("SELECT count(*) FROM record WHERE step_record_index = 0 AND step_time_us > 0")))
      #expect(lines.count == records + beginnings + 1)
      #expect(lines.first?.contains("Test Time / s") == true)
    }

    @Test(arguments: TestProtocol.Cell.chosen)
    func everyPresetAgreesWithItsTruth(_ cell: TestProtocol.Cell) throws {
      let cycles = Int(ProcessInfo.processInfo.environment["NACYCLER_TEST_CYCLES"] ?? "") ?? 20
      let speed = ProcessInfo.processInfo.environment["NACYCLER_TEST_SPEED"] ?? "max"
      let rig = try LaboratoryRig()
      try rig.startBench(cell: cell.preset, speed: speed, instrument: cell.instrument)
      try rig.startDaemon(extra: speed == "max" ? [] : ["--lease", "600"])
      try rig.waitForChannels(1)
      let file = try TestProtocol.write(cell, cycles: cycles, to: rig.directory, every: "1 s")
      let start = try rig.nactl("start", file)
      #expect(start.status == 0, "\(start.errors)")
      let state = try rig.waitForRun(states: ["completed", "held", "ended"], seconds: 9_000)
      let events = try rig.sqlite("SELECT code, detail FROM event")
      #expect(state == "completed", "\(events)")
      let comparison = try TruthComparison(rig)
      comparison.expectAgreement()
      #expect(comparison.stored.count == 2 * cycles)
      #expect(
        comparison.stored.allSatisfy { $0.flags & 0xFFFF_DFFF == 0 }, "\(comparison.stored.map(\.flags))\n\(events)")
      let undamaged = comparison.stored.filter { !$0.isDamaged }.count
      print(
        "\(cell): \(comparison.stored.count) half-cycles, \(undamaged) unflagged, worst difference",
        "\((comparison.worst * 1e8).rounded() / 100) ppm")
    }
  }
}
