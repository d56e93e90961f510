// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Testing

@testable import ZKEtechEBCDriver

/// Frames, their checksum, and how they are found again.
@Suite struct FrameTests {
  /// EBC-A20, charging to 3.00 V with 0.10 A, at 0.510 V and no current yet; found on the web.
  static let published: [UInt8] = [
    0xFA, 0x0C, 0x00, 0x00, 0x02, 0x1E, 0x00, 0x00, 0x00, 0x00, 0x00, 0x0A, 0x01, 0x3C, 0x00, 0x0A, 0x09, 0x24, 0xF8,
  ]

  static func bytes(_ command: CommandFrame) -> [UInt8] {
    var bytes: [UInt8] = []
    command.write(into: &bytes)
    return bytes
  }

  /// A report like the published one with other measurements.
  static func report(_ status: UInt8, amperes: Int = 0, millivolts: Int, _ numbers: FrameNumbers) -> [UInt8] {
    let (current, voltage) = (FrameNumber(amperes), FrameNumber(millivolts))
    var frame: [UInt8] = [0xFA, status, current.high, current.low, voltage.high, voltage.low, 0, 0, 0, 0]
    for number in [numbers.first, numbers.second, numbers.third] { frame += [number.high, number.low] }
    frame.append(9)
    return frame + [CommandFrame.checksum(frame[1...]), 0xF8]
  }

  @Test func commandsAreThoseOfTheClients() {
    #expect(Self.bytes(.connect) == [0xFA, 0x05, 0, 0, 0, 0, 0, 0, 0x05, 0xF8])
    #expect(Self.bytes(.stop) == [0xFA, 0x02, 0, 0, 0, 0, 0, 0, 0x02, 0xF8])
    #expect(
      Self.bytes(CommandFrame(code: 0x01, numbers: FrameNumbers(100, 200, 0)))
        == [0xFA, 0x01, 0x00, 0x64, 0x00, 0xC8, 0, 0, 0xAD, 0xF8])
    #expect(
      Self.bytes(CommandFrame(code: 0x21, numbers: FrameNumbers(100, 400, 10)))
        == [0xFA, 0x21, 0x00, 0x64, 0x01, 0xA0, 0x00, 0x0A, 0xEE, 0xF8])
  }

  @Test func thePublishedReportIsUnderstood() throws {
    let report = try #require(Report(Self.published))
    #expect(report.state == .running && report.mode == 2 && report.model == 9)
    #expect(report.millivolts == 510 && report.current == 0)
    #expect(report.numbers == FrameNumbers(10, 300, 10))
    #expect(Self.report(0x0C, millivolts: 510, report.numbers) == Self.published)
  }

  @Test func statesAreTensOfTheStatus() throws {
    let states: [(UInt8, Report.State)] = [
      (0x00, .stopped), (0x02, .stopped), (0x0A, .running), (0x0C, .running), (0x11, .running), (0x14, .finished),
      (0x16, .finished), (0x64, .connecting(isRunning: false)), (0x66, .connecting(isRunning: false)),
      (0x6E, .connecting(isRunning: true)), (0x70, .connecting(isRunning: true)), (0x1E, .unknown), (0xC8, .unknown),
    ]
    for (status, state) in states {
      #expect(Report(Self.report(status, millivolts: 3_000, FrameNumbers()))?.state == state, "\(status)")
    }
  }

  @Test func everyNumberComesBackAndMarksNoFrame() {
    for value in 0...FrameNumber.largest {
      let number = FrameNumber(value)
      guard number.high < 0xF0, number.low < 0xF0,
        FrameNumber(high: number.high, low: number.low).value == value
      else {
        Issue.record("\(value)")
        return
      }
    }
  }

  @Test func aChecksumMarksNoFrame() {
    for sum in UInt8.min ... .max { #expect(CommandFrame.checksum([sum]) < 0xF0) }
    // The same as clients that take the remainder of 240.
    for sum in UInt8.min ... .max { #expect(CommandFrame.checksum([sum]) == sum % 240) }
  }

  /// The checksum leaves one gap, where its high digit is left out: two bytes that differ in all bits of that digit.
  @Test func aChangedByteIsSeen() {
    var changes = 0
    var unseen = 0
    for place in Self.published.indices {
      for value in UInt8.min ... .max where value != Self.published[place] {
        var damaged = Self.published
        damaged[place] = value
        changes += 1
        guard Report(damaged) != nil else { continue }
        unseen += 1
        #expect(value ^ Self.published[place] == 0xF0, "byte \(place) as \(value)")
      }
    }
    print("changed bytes", changes, "unseen", unseen)
    #expect(changes == 19 * 255 && unseen <= 16)
  }

  private static func found(in bytes: [UInt8]) -> (reports: [Report], damaged: Int) {
    var scanner = ReportScanner()
    let reports = bytes.compactMap { scanner.take($0) }
    return (reports, scanner.damaged)
  }

  @Test func itFindsItsWayBackFromEveryByte() throws {
    let sound = try #require(Report(Self.published))
    for cut in 0...Self.published.count {
      // The line was joined in the middle of a report, or lost the rest of one.
      let joined = Self.found(in: Array(Self.published[cut...]) + Self.published + Self.published)
      #expect(joined.reports == Array(repeating: sound, count: cut == 0 ? 3 : 2), "joined at \(cut)")
      let broken = Self.found(in: Array(Self.published[..<cut]) + Self.published + Self.published)
      #expect(broken.reports.count == (cut == 19 ? 3 : 2), "broken at \(cut)")
      #expect(broken.damaged == ((1..<19).contains(cut) ? 1 : 0))
    }
    for place in 1..<Self.published.count {
      for alien: UInt8 in [0x00, 0x24, 0xF8, 0xFA, 0xFF] {
        var longer = Self.published
        longer.insert(alien, at: place)
        // A mark that came twice marks the same.
        let isDoubled = (alien == 0xFA && place == 1) || (alien == 0xF8 && place == 18)
        let expected = Array(repeating: sound, count: isDoubled ? 2 : 1)
        #expect(Self.found(in: longer + Self.published).reports == expected, "\(alien) before \(place)")
        var shorter = Self.published
        shorter.remove(at: place)
        #expect(Self.found(in: shorter + Self.published).reports == [sound], "without \(place)")
      }
    }
  }

  @Test func noiseIsNoReport() {
    #expect(Self.found(in: Array(repeating: 0x80, count: 5_000)).reports.isEmpty)
    #expect(Self.found(in: Array(repeating: 0xFA, count: 100) + Self.published.dropFirst()).reports.count == 1)
    // Of what lies between two reports nobody knows how many there were.
    let noise = [UInt8](repeating: 0xF8, count: 100)
    #expect(Self.found(in: noise).damaged == 1)
    #expect(Self.found(in: noise + Self.published + noise).damaged == 2)
    #expect(Self.found(in: Self.published + Self.published).damaged == 0)
  }
}
