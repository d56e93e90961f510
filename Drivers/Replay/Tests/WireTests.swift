// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The lines by value, as Drivers/Replay/README.md says them, on both sides.

import CyclerModel
import Quantities
import ReplayEmulator
import Testing
import VirtualLab

@testable import ReplayDriver

@Suite struct WireTests {
  static func closed(_ body: String) -> String {
    let digits = String(body.utf8.reduce(0 as UInt8, ^), radix: 16, uppercase: true)
    return body + "*" + (digits.count < 2 ? "0" : "") + digits
  }

  private func line(_ text: String) -> PlayerLine? { Array(text.utf8).withUnsafeBytes { PlayerLine($0) } }

  @Test func linesByValue() {
    let token = SetpointToken(run: 7, stepCount: 12)
    #expect(
      line("41 R 60000000 -0.000302 0.9079714*48")?.content
        == .reading(time: 60_000_000, current: -302_000_000, voltage: 907_971_400))
    for (body, content) in [
      ("0 I cell A1B2-2 1 14 46102", PlayerLine.Content.identity(name: 4..<8, serial: 9..<15, version: 16..<17)),
      ("3 B 7.12 4 hold 5 0", .begun(token, stretch: 4, isHold: true, passed: 0)),
      ("3 B 7.12 4 current 5 17", .begun(token, stretch: 4, isHold: false, passed: 17)),
      ("3 B 7.12 14 look 0 0", .begun(token, stretch: 14, isHold: false, passed: 0)),
      ("4 V 1000000 3.05", .standing(time: 1_000_000, voltage: 3_050_000_000)),
      ("5 C 90000000 hold", .border(time: 90_000_000, isHold: true)),
      ("5 C 90000000 current", .border(time: 90_000_000, isHold: false)),
      ("6 X 140000000 7.12 3 24 stretch", .over(token, time: 140_000_000, stretch: 3, fileLine: 24, .stretch)),
      ("6 X 0 7.12 3 24 damaged", .over(token, time: 0, stretch: 3, fileLine: 24, .damaged)),
      ("7 S 7.12 40000000", .stopped(token, time: 40_000_000)), ("7 S - 0", .stopped(nil, time: 0)),
      ("8 N 7.12 the recording is over", .refused(token, 9..<30)),
    ] {
      #expect(line(Self.closed(body))?.content == content, "\(body)")
      #expect(line(Self.closed(body))?.number == Int64(body.prefix(1)))
      #expect(line(body) == nil, "without a checksum it is none")
    }
  }

  @Test(arguments: [
    "", "*00", "41", "41 R", "41 R 1 2", "41 R 1 2 3 4", "R 1 2 3", "-1 R 1 2 3", "41 R -1 2 3", "41 R 1 nan 3",
    "41 R 1 2 ",
    "41  R 1 2 3", "41 r 1 2 3", "41 RR 1 2 3", "41 R 1 2 3 ", "41 R 1 1e99999 3", "41 R 1 9e30 3", "41 Q 1",
    "41 C 1 rest",
    "41 B 7.12 4 warm 5 0", "41 B 7 4 hold 5 0", "41 B 7.99999999999 4 hold 5 0", "41 X 1 7.12 3 24 odd", "41 S - 1",
    "41 N 7.12",
    "41 I a b", "123456789012345678 R 1 2 3", "41 I  b 1 2 3", "41 R 1 2 3\u{7}", "41 R 1 1000.1 3", "41 R 1 -1000.1 3",
    "41 R 1 2 100.1", "41 V 1 -100.1", "41 R 1 2*32 3",
  ])
  func whatIsNoLine(body: String) {
    #expect(line(Self.closed(body)) == nil, "\(body)")
  }

  @Test func everyChangedByteIsSeen() {
    let text = Array("41 R 60000000 -0.000302 0.9079714*48".utf8)
    for place in text.indices {
      for byte in UInt8.min...UInt8.max where byte != text[place] {
        var damaged = text
        damaged[place] = byte
        #expect(damaged.withUnsafeBytes { PlayerLine($0) } == nil, "byte \(place) turned into \(byte)")
      }
    }
  }

  @Test(arguments: [
    ("0", 0), ("-0", 0), ("0.0", 0), ("1", 1_000_000_000_000), ("-0.000302", -302_000_000), ("+.5", 500_000_000_000),
    ("8.87960047e-05", 88_796_005), ("-8.87960047E-5", -88_796_005), ("1e-13", 0), ("5e-13", 1), ("-5e-13", -1),
    ("4.9e-13", 0),
    ("1e2", 100_000_000_000_000), ("12.", 12_000_000_000_000), ("0.100000000000000005551", 100_000_000_000),
    ("1000.0000000000000000001", 1_000_000_000_000_000), ("1e-400", 0), ("0e30", 0),
  ])
  func numbersByValue(text: String, picoamperes: Int64) {
    let bytes = Array(text.utf8)
    let value = bytes.withUnsafeBytes { RecordedNumber.count($0, 0..<bytes.count, places: 12) }
    #expect(value == picoamperes)
  }

  @Test(arguments: ["", "-", ".", "e5", "1e", "1e+", "1e12345", "1.2.3", "0x1", "1 ", "--1", "1e9", "inf"])
  func whatIsNoNumber(text: String) {
    let bytes = Array(text.utf8)
    #expect(bytes.withUnsafeBytes { RecordedNumber.count($0, 0..<bytes.count, places: 12) } == nil)
  }

  // MARK: The player alone

  private func answers(to said: [String], in text: String = smallTest) throws -> [String] {
    var player = ReplayInstrument(try Recording(text: Array(text.utf8), name: "test"))
    var output: [UInt8] = []
    for line in said {
      Array((line + "\n").utf8).withUnsafeBytes { player.receive($0) }
      _ = player.run(until: player.time + 1e6, output: &output, outputLimit: .max)
    }
    return String(decoding: output, as: UTF8.self).split(separator: "\n").map(String.init)
  }

  /// A dialogue as the README prints it.
  @Test func aDialogue() throws {
    // Computed by another program from the same bytes.
    let digest = "F138EE3871A2D79D"
    let expected = [
      "0 I test \(digest) 1 5 36", "1 S - 0", "2 I test \(digest) 1 5 36", "3 B 7.1 1 look 0 0", "4 V 0 3.00",
      "5 V 1000000 3.00", "6 V 2000000 3.00", "7 X 2000000 7.1 1 1 look", "8 B 7.2 1 rest 7 0", "9 R 0 0 3.00",
      "10 R 10000000 0 3.01", "11 R 20000000 0 3.02", "12 R 30000000 0 3.03", "13 R 40000000 0 3.04",
      "14 R 50000000 0 3.05", "15 R 60000000 0 3.06", "16 X 60000000 7.2 1 8 stretch",
      "17 N 7.3 asked for a rest, but the recording goes on with stretch 2 of 5 (line 9): charge at 1 mA on average for 90 s"
        + " from 3 V to 3.9 V",
    ].map(Self.closed)
    let said = ["O", "?", "P 7.1 look 2000000 1000000", "P 7.2 rest", "P 7.3 rest"].map {
      $0 == "?" ? $0 : Self.closed($0)
    }
    #expect(try answers(to: said) == expected)
  }

  @Test func whatItDoesNotHear() throws {
    let first = try answers(to: [])
    #expect(first.isEmpty)
    let deaf = try answers(to: [
      "O", "O*4E", "O*4f", "?*3F", "A", "P 7.1 rest", String(repeating: "x", count: 500), "\u{0}",
    ])
    #expect(deaf.count == 1, "only who it is, which it says by itself when it is switched on: \(deaf)")
    let unknown = try answers(to: [
      Self.closed("P 7.1 dance"), Self.closed("P 7.1 look 99999999999 1"), Self.closed("Z"),
    ])
    #expect(unknown.dropFirst().allSatisfy { $0.contains("N 7.1 the request is none that a player knows") })
    #expect(unknown.count == 3)
  }

  @Test func itRepeatsItsLastLine() throws {
    let said = try answers(to: [Self.closed("P 7.2 rest"), Self.closed("A"), Self.closed("P 7.2 rest")])
    #expect(said.suffix(3) == [said[said.count - 1], said[said.count - 1], said[said.count - 1]])
    #expect(said.last?.contains("X 60000000 7.2") == true)
  }

  /// It waits when nobody acknowledges, and its time with it.
  @Test func itDoesNotRunAhead() throws {
    var text = "time_s,current_A,voltage_V\n"
    for index in 0..<2_000 { text += "\(index),1,3\n" }
    var player = ReplayInstrument(try Recording(text: Array(text.utf8), name: "test"))
    var output: [UInt8] = []
    func say(_ body: String) { Array((Self.closed(body) + "\n").utf8).withUnsafeBytes { player.receive($0) } }
    func lines() -> Int { output.count { $0 == UInt8(ascii: "\n") } }
    say("P 7.1 charge current 1000000000000")
    #expect(player.run(until: 1e5, output: &output, outputLimit: .max) == .idle)
    #expect(lines() == 1 + Int(ReplayInstrument.window))
    #expect(player.time == Double(ReplayInstrument.window) - 2, "the first line of the window is `B`")
    // A hundred seconds later the rows go on with their distance, and do not rush.
    player.rest(until: 355)
    say("G 200")
    output.removeAll()
    _ = player.run(until: 365, output: &output, outputLimit: .max)
    #expect(lines() == 11, "\(lines())")
    #expect(player.isPlaying && player.hostDeadline == nil)
  }
}
