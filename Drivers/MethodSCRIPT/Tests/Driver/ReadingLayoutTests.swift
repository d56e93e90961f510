// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A line that is laid out as the reading before is read by a short way. Whatever is on the line, the driver must say
// the same as when it gets each byte by itself, for then it knows the long way only.

import CyclerModel
import InstrumentKit
import Quantities
import Testing

@testable import MethodSCRIPTDriver

@Suite struct ReadingLayoutTests {
  private static func digits(_ value: Int64) -> String {
    let text = String(value + 0x800_0000, radix: 16, uppercase: true)
    return String(repeating: "0", count: 7 - text.count) + text
  }

  /// Lines as an instrument sends them, one in ten with something wrong or at least unusual.
  private static func lines(_ numbers: inout SplitMix, driven: Bool) -> [UInt8] {
    var bytes: [UInt8] = []
    var time: Int64 = 0
    for _ in 0..<200 {
      time += Int64.random(in: 900...1_100, using: &numbers)
      if numbers.chance(0.02) { time -= 5_000 }
      let volts = Int64.random(in: -3_000_000...3_000_000, using: &numbers)
      let prefix = numbers.chance(0.95) ? "u" : ["n", "m", " ", "p", "x"].randomElement(using: &numbers) ?? "u"
      let status = numbers.chance(0.95) ? "10" : ["11", "12", "18", "1F"].randomElement(using: &numbers) ?? "10"
      var line = "Peb\(digits(time))m;ab\(digits(volts))\(prefix),\(status),206"
      if driven {
        let amperes = Int64.random(in: -140_000...140_000, using: &numbers)
        let value = numbers.chance(0.97) ? "\(digits(amperes))n" : "     nan"
        line += ";ba\(value),10,2\(numbers.chance(0.9) ? "12" : "13")"
      }
      var raw = Array(line.utf8) + [0x0A]
      if numbers.chance(0.1) {
        let place = Int.random(in: raw.indices, using: &numbers)
        switch Int.random(in: 0..<3, using: &numbers) {
        case 0: raw[place] = UInt8.random(in: 0...255, using: &numbers)
        case 1: raw.remove(at: place)
        default: raw.insert(UInt8.random(in: 0...255, using: &numbers), at: place)
        }
      }
      bytes += raw
    }
    return bytes
  }

  @Test(arguments: Array(1...60) + [UInt64.random(in: 1_000...(.max))])
  func theShortWayReadsWhatTheLongWayReads(seed: UInt64) {
    var numbers = SplitMix(state: seed)
    let isDriven = numbers.chance(0.7)
    let bytes = Self.lines(&numbers, driven: isDriven)
    let now = HostInstant(microseconds: 2_000_000)
    var byPieces = Conversation.running(isDriven ? Samples.discharge : Samples.rest).driver
    var byBytes = byPieces
    var (first, second) = (DriverOutputs(), DriverOutputs())
    var offset = 0
    while offset < bytes.count {
      let end = min(bytes.count, offset + Int.random(in: 1...400, using: &numbers))
      bytes[offset..<end].withUnsafeBytes { byPieces.handle(.bytes($0), at: now, into: &first) }
      offset = end
    }
    for byte in bytes { withUnsafeBytes(of: byte) { byBytes.handle(.bytes($0), at: now, into: &second) } }
    #expect(first.events == second.events, "seed \(seed)")
    #expect(first.writes == second.writes, "seed \(seed)")
    #expect(byPieces.damagedMessages == byBytes.damagedMessages, "seed \(seed)")
    let readings = first.events.count { if case .reading = $0 { true } else { false } }
    #expect(readings > 20, "seed \(seed)")
  }
}

extension SplitMix {
  fileprivate mutating func chance(_ share: Double) -> Bool { Double.random(in: 0..<1, using: &self) < share }
}
