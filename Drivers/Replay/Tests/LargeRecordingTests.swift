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
  /// About the bytes of all collections and strings in a value: what the process has resident is also its other tests'.
  private static func footprint(_ value: Any) -> Int {
    if let bytes = value as? [UInt8] { return bytes.count }
    if let text = value as? String { return text.utf8.count }
    let mirror = Mirror(reflecting: value)
    let own = mirror.displayStyle == .collection ? mirror.children.count * 8 : 8
    return mirror.children.reduce(own) { $0 + footprint($1.value) }
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
    let clock = ContinuousClock()
    var most = 0
    let begun = clock.now
    let recording = try Recording(contentsOf: path)
    let cut = clock.now
    #expect(recording.rows == 1_000_000 && recording.stretches.count == 1_000)
    var laboratory = Laboratory(recording, pace: .greatest)
    laboratory.keeps = false
    try laboratory.introduce()
    for (index, (setpoint, _)) in recording.setpoints.enumerated() {
      laboratory.play(setpoint)
      if index % 100 == 0 { most = max(most, Self.footprint(laboratory.player) + Self.footprint(laboratory.driver)) }
    }
    #expect(laboratory.ledger.readings == 1_000_000)
    #expect(laboratory.player.rowsPlayed == 1_000_000)
    // Charge and discharge, but for the last second, which no interval follows.
    #expect(abs(laboratory.ledger.coulombs - 0.000302) < 1e-9, "\(laboratory.ledger.coulombs)")
    print("a million rows: cut in \(cut - begun), played in \(clock.now - cut), \(most) bytes kept at most")
    // One buffer, whatever was read.
    #expect(laboratory.player.rows.lines.buffer.count == 64 * 1_024)
    // Besides it a thousand stretches and a few lines; the file has 34 MB.
    #expect(most < 64 * 1_024 + 1_000 * 512)
  }
}
