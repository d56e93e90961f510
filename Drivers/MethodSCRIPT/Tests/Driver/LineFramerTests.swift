// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import InstrumentKit
import Testing

@Suite struct LineFramerTests {
  /// Feeds pieces and returns the lines; an overlong one is shown as `<overlong>`.
  private func lines(_ pieces: [[UInt8]], limit: Int = 20) -> [String] {
    var framer = LineFramer(maximumLength: limit)
    var lines: [String] = []
    for piece in pieces {
      piece.withUnsafeBytes { bytes in
        var offset = 0
        scan: while true {
          switch framer.next(in: bytes, at: &offset) {
          case .line(let range):
            lines.append(String(decoding: bytes[range], as: UTF8.self))
          case .assembled:
            var line: [UInt8] = []
            framer.exchangeAssembled(&line)
            lines.append(String(decoding: line, as: UTF8.self))
            framer.exchangeAssembled(&line)
          case .overlong:
            lines.append("<overlong>")
          case .none:
            break scan
          }
        }
      }
    }
    return lines
  }

  @Test func findsLinesHoweverTheyAreCut() {
    let text = Array("e\n\nM000A\r\nP12\u{11}34\u{13}\n*\nlast".utf8)
    let expected = ["e", "", "M000A", "P1234", "*"]
    #expect(lines([text]) == expected)
    #expect(lines(text.map { [$0] }) == expected)
    for first in 0...text.count {
      for second in first...text.count {
        let pieces = [Array(text[..<first]), Array(text[first..<second]), Array(text[second...])]
        #expect(lines(pieces) == expected, "cut at \(first) and \(second)")
      }
    }
  }

  @Test func dropsOverlongLinesAndGoesOn() {
    let exact = String(repeating: "x", count: 20)
    let text = Array("\(exact)\n\(exact)y\n\(exact)\(exact)\(exact)\nz\n".utf8)
    let expected = [exact, "<overlong>", "<overlong>", "z"]
    #expect(lines([text]) == expected)
    #expect(lines(text.map { [$0] }) == expected)
    for cut in 0...text.count {
      #expect(lines([Array(text[..<cut]), Array(text[cut...])]) == expected, "cut at \(cut)")
    }
  }

  @Test func resetForgetsHalfALine() {
    var framer = LineFramer(maximumLength: 20)
    Array("half".utf8).withUnsafeBytes { bytes in
      var offset = 0
      #expect(framer.next(in: bytes, at: &offset) == .none)
    }
    framer.reset()
    Array("whole\n".utf8).withUnsafeBytes { bytes in
      var offset = 0
      #expect(framer.next(in: bytes, at: &offset) == .line(0..<5))
    }
  }
}
