// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import Quantities
import Testing

@testable import TDstatDriver

/// Answers that come in pieces, behind noise, or not at all.
@Suite struct AssemblyTests {
  private static let answers: [(Question.Expected, [UInt8])] = [
    (.acknowledgement, Array("OK".utf8)), (.conversion, [0x08, 0, 0, 0x3F, 0xFF, 0x10]),
    (.conversion, [0x3F, 0xFF, 0xFE, 0x00, 0, 1]), (.conversion, Array("WAIT".utf8)),
    (.memory, [0x80, 0, 0, 0x80, 0, 0]),
    (.memory, [UInt8](repeating: 0xFF, count: 6)), (.shunts, [0x80, 0, 0x80, 1, 0x80, 2, 0x80, 3]),
    (.shunts, [0x80, 0, 0x80, 1, 0x80, 2]),
  ]
  private static let start = HostInstant(microseconds: 5_000_000)

  /// What pieces of one moment are taken for, with the silence behind them.
  private static func read(_ pieces: [[UInt8]], _ expected: Question.Expected) -> [Answer] {
    var assembler = AnswerAssembler()
    var found: [Answer] = []
    for piece in pieces {
      if let answer = piece.withUnsafeBytes({ assembler.take($0, expected, at: start) }) { found.append(answer) }
    }
    if assembler.quietAt == start + AnswerAssembler.quiet, let answer = assembler.settle(expected) {
      found.append(answer)
    }
    return found
  }

  @Test func everyCutIsTheSame() {
    for (expected, bytes) in Self.answers {
      let whole = Self.read([bytes], expected)
      #expect(whole.count == 1 && whole != [.refused], "\(expected) \(bytes)")
      #expect(Self.read(bytes.map { [$0] }, expected) == whole)
      for cut in 1..<bytes.count {
        #expect(Self.read([Array(bytes[..<cut]), Array(bytes[cut...])], expected) == whole, "\(bytes) at \(cut)")
      }
    }
  }

  @Test func noiseInFrontIsNoPart() {
    let noise: [[UInt8]] = [[0x0D], [0x00, 0xFF, 0x55, 0xAA, 0x0A], [UInt8](repeating: 0x80, count: 5_000), [0x41]]
    for (expected, bytes) in Self.answers {
      for garbage in noise {
        #expect(Self.read([garbage, bytes], expected) == Self.read([bytes], expected), "\(garbage.prefix(5)) \(bytes)")
      }
    }
  }

  @Test func tooShortAndTooLongIsNothing() {
    for (expected, bytes) in Self.answers where bytes.count != 8 {
      #expect(Self.read([Array(bytes.dropLast())], expected).isEmpty, "\(expected) \(bytes)")
      #expect(Self.read([bytes + [0x24]], expected).isEmpty, "\(expected) \(bytes)")
    }
    #expect(Self.read([[0x80, 0, 0x80, 1, 0x80, 2, 0x80]], .shunts).isEmpty)
    #expect(Self.read([[UInt8](repeating: 0x80, count: 9)], .shunts).isEmpty)
  }

  /// `?` is also how a voltage just below zero begins; what comes within a moment decides.
  @Test func aQuestionMarkIsDecidedBySilence() {
    for expected in [Question.Expected.acknowledgement, .conversion, .memory, .shunts] {
      #expect(Self.read([Array("?".utf8)], expected) == [.refused])
    }
    var assembler = AnswerAssembler()
    let mark: [UInt8] = [0x3F]
    #expect(mark.withUnsafeBytes { assembler.take($0, .conversion, at: Self.start) } == nil)
    let late: [UInt8] = [0xFF, 0xFE, 0, 0, 1]
    let found = late.withUnsafeBytes {
      assembler.take($0, .conversion, at: Self.start + TimeSpan(milliseconds: 31))
    }
    #expect(found == .refused)
  }

  /// Half an answer does not wait for the half of another one.
  @Test func aPieceIsForgotten() {
    var assembler = AnswerAssembler()
    let piece: [UInt8] = [0x08, 0, 0]
    #expect(piece.withUnsafeBytes { assembler.take($0, .conversion, at: Self.start) } == nil)
    #expect(
      piece.withUnsafeBytes { assembler.take($0, .conversion, at: Self.start + TimeSpan(milliseconds: 40)) } == nil)
    #expect(assembler.quietAt == Self.start + TimeSpan(milliseconds: 70))
    #expect(assembler.settle(.conversion) == nil && assembler.quietAt == nil)
  }
}
