// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A file of a million rows is cut and played through one buffer: the memory does not grow with it.

import CyclerModel
import Foundation
import InstrumentKit
import Quantities
import Testing

@testable import ReplayDriver
@testable import ReplayEmulator

@Suite struct LargeRecordingTests {
  /// Resident kilobytes of this process.
  private static func residentKilobytes() throws -> Int {
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
    return try #require(Int(line.split(separator: " ")[1].filter(\.isNumber)))
  }

  /// Writes rows a second apart: charge and discharge in turn, a thousand rows each.
  private static func write(rows: Int, to path: String) throws {
    try Data().write(to: URL(filePath: path))
    let file = try #require(FileHandle(forWritingAtPath: path))
    try file.write(contentsOf: Data("time_s,current_A,voltage_V,step_index\n".utf8))
    for block in 0..<rows / 1_000 {
      var text = ""
      for row in 0..<1_000 {
        let share = Double(row) / 1_000
        text += "\(block * 1_000 + row).000000,\(block % 2 == 0 ? "" : "-")0.000302,"
        text += "\(block % 2 == 0 ? 2 + share : 3 - share),\(block + 1)\n"
      }
      try file.write(contentsOf: Data(text.utf8))
    }
    try file.close()
  }

  @Test func aMillionRows() throws {
    let path = FileManager.default.temporaryDirectory.appending(path: "replay-\(UUID().uuidString).csv").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Self.write(rows: 1_000_000, to: path)
    let before = try Self.residentKilobytes()
    let clock = ContinuousClock()
    var most = 0
    let begun = clock.now
    let recording = try Recording(contentsOf: path)
    let cut = clock.now
    #expect(recording.rows == 1_000_000 && recording.stretches.count == 1_000)
    most = max(most, try Self.residentKilobytes())
    var laboratory = Laboratory(recording, pace: .greatest)
    laboratory.keeps = false
    try laboratory.introduce()
    for (index, (setpoint, _)) in recording.setpoints.enumerated() {
      laboratory.play(setpoint)
      if index % 100 == 0 { most = max(most, try Self.residentKilobytes()) }
    }
    #expect(laboratory.ledger.readings == 1_000_000)
    #expect(laboratory.player.rowsPlayed == 1_000_000)
    // Charge and discharge, but for the last second, which no interval follows.
    #expect(abs(laboratory.ledger.coulombs - 0.000302) < 1e-9, "\(laboratory.ledger.coulombs)")
    let grown = most - before
    let size = (try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0) / 1_024
    print("a million rows, \(size) kB: cut in \(cut - begun), played in \(clock.now - cut), \(grown) kB more resident")
    // One buffer, whatever was read.
    #expect(laboratory.player.rows.lines.buffer.count == 64 * 1_024)
    // Alone it was 2 MB. Other tests run beside it in the same process, so that no less than the file can be asked for.
    #expect(grown < size)
  }
}
