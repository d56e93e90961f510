// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import InstrumentKit
import Quantities
import Testing

@testable import TDstatDriver

/// Bytes by value. The examples are those of the makers' clients.
@Suite struct CodingTests {
  private static func scale(_ model: TDstatModel, _ calibration: StoredCalibration = StoredCalibration())
    -> ConverterScale
  {
    ConverterScale(model: model, calibration: calibration)
  }

  private static func packet(_ question: Question) -> [UInt8] {
    var bytes: [UInt8] = []
    question.write(into: &bytes)
    return bytes
  }

  private static func bytes(_ code: OutputCode) -> [UInt8] { Array(packet(.output(code)).dropFirst(7)) }

  private static func word(_ bytes: [UInt8]) -> ConverterWord? { ConverterWord(bytes[0], bytes[1], bytes[2]) }

  private static func memory(_ bytes: [UInt8]) -> AnswerBytes? { bytes.withUnsafeBytes { AnswerBytes($0) } }

  @Test func commandsHaveNoEnd() {
    let words: [(Question, String)] = [
      (.cellOff, "CELL OFF"), (.cellOn, "CELL ON"), (.potentiostatic, "POTENTIOSTATIC"),
      (.galvanostatic, "GALVANOSTATIC"), (.range(1), "RANGE 1"), (.range(4), "RANGE 4"), (.conversion, "ADCREAD"),
      (.offsets, "OFFSETREAD"), (.outputCalibration, "DACCALGET"), (.shunts, "SHUNTCALREAD"),
    ]
    for (question, text) in words { #expect(Self.packet(question) == Array(text.utf8)) }
    let zero = OutputCode(aroundMiddle: 0)
    #expect(Self.packet(.output(zero)) == Array("DACSET ".utf8) + [0x80, 0, 0])
    #expect(TDstatDriver.safeStopBytes == Array("CELL OFF".utf8))
  }

  @Test func outputCodes() {
    let scale = Self.scale(.tdstatv3)
    let ranges = TDstatModel.tdstatv3.ranges
    #expect(Self.bytes(scale.code(.zero)) == [0x80, 0x00, 0x00])
    #expect(Self.bytes(scale.code(volts(1))) == [0x90, 0x00, 0x00])
    #expect(Self.bytes(scale.code(volts(-1))) == [0x70, 0x00, 0x00])
    #expect(Self.bytes(scale.code(microamperes(1_000), ranges[0])) == [0x85, 0x1E, 0xC0])
    #expect(Self.bytes(scale.code(microamperes(50), ranges[1])) == [0x99, 0x99, 0xA0])
    #expect(Self.bytes(scale.code(microamperes(-50), ranges[1])) == [0x66, 0x66, 0x60])
    // Beyond its ends a converter stays at them.
    #expect(Self.bytes(scale.code(volts(8))) == [0xFF, 0xFF, 0xF0])
    #expect(Self.bytes(scale.code(volts(-9))) == [0x00, 0x00, 0x00])
    // 13.4 V, and a range that is ten times as large.
    let mystat = Self.scale(.mystat)
    #expect(Self.bytes(mystat.code(volts(6.7))) == [0xC0, 0x00, 0x00])
    #expect(Self.bytes(mystat.code(microamperes(10_000), TDstatModel.mystat.ranges[0])) == [0x85, 0x1E, 0xC0])
    #expect(Self.bytes(mystat.code(microamperes(1_000), TDstatModel.mystat.ranges[1])) == [0x85, 0x1E, 0xC0])
  }

  @Test func offsetsAndShuntsEnterTheCodes() throws {
    var calibration = StoredCalibration()
    calibration.voltageOffset = 40
    calibration.currentOffset = -40
    calibration.shunts = [20_000, 0, 0]
    let scale = Self.scale(.tdstatv3, calibration)
    let ranges = TDstatModel.tdstatv3.ranges
    #expect(scale.code(.zero).code == (1 << 19) + 10)
    #expect(scale.code(.zero, ranges[1]).code == (1 << 19) - 10)
    // 1 mA / (25 mA / 1.02) of 2^19 are 21390.95.
    #expect(scale.code(microamperes(1_000), ranges[0]).code == (1 << 19) + 21_391 - 10)
    let word = try #require(Self.word([0x08, 0x00, 0x28]))
    #expect(scale.voltage(word) == volts(2))
    // 2^19 counts of 2^21, 25 mA / 1.02, less an offset of -40: 524368 / 2^21 * 25 / 1.02 mA.
    #expect(scale.current(word, ranges[0]).picoamperes == 6_128_385_955)
  }

  /// Halves of the offset's quarter go to the even code, as the makers' clients round.
  @Test func anOffsetIsRoundedToTheEvenCode() {
    for (offset, code) in [(2, 0), (6, 2), (10, 2), (-2, 0), (-6, -2), (3, 1), (5, 1)] {
      var calibration = StoredCalibration()
      calibration.voltageOffset = Int64(offset)
      #expect(Self.scale(.tdstatv3, calibration).code(.zero).code == (1 << 19) + Int64(code), "\(offset)")
    }
  }

  @Test func inputWords() throws {
    let scale = Self.scale(.tdstatv3)
    let known: [([UInt8], Int64, Bool)] = [
      ([0x08, 0x00, 0x00], 1 << 19, false), ([0, 0, 0], 0, false), ([0x3F, 0xFF, 0xFF], -1, false),
      ([0x1F, 0xFF, 0xFF], (1 << 21) - 1, false), ([0x20, 0, 0], -(1 << 21), false),
      ([0x60, 0, 0], 1 << 21, true), ([0x60, 0, 0x10], (1 << 21) + 16, true),
      ([0x9F, 0xFF, 0xFF], -(1 << 21) - 1, true),
    ]
    for (bytes, counts, isOverload) in known {
      let word = try #require(Self.word(bytes), "\(bytes)")
      #expect(word.counts == counts && word.isOverload == isOverload, "\(bytes)")
    }
    #expect(scale.voltage(try #require(Self.word([0x08, 0, 0]))) == volts(2))
    #expect(Self.scale(.mystat).voltage(try #require(Self.word([0x08, 0, 0]))) == volts(3.35))
    let ranges = TDstatModel.mystat.ranges
    let half = try #require(Self.word([0x30, 0, 0]))
    #expect(scale.current(half, TDstatModel.tdstatv3.ranges[2]).picoamperes == -1_250_000)
    #expect(Self.scale(.mystat).current(half, ranges[0]).picoamperes == -125_000_000_000)
    #expect(Self.scale(.mystat).current(half, ranges[3]).picoamperes == -1_250_000)
    // `WAIT`, `OK`, erased memory, and flags that contradict the sign.
    for first: UInt8 in [0x57, 0x4F, 0xFF, 0x40, 0xA0, 0xC0] { #expect(Self.word([first, 0, 0]) == nil) }
  }

  /// The result of every code is the code again.
  @Test func codesAndWordsAgree() throws {
    let seed = UInt64.random(in: 0 ... .max)
    print("seed \(seed)")
    var state = seed
    for _ in 0..<2_000 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      var calibration = StoredCalibration()
      calibration.voltageOffset = Int64(state >> 40) % 4_000 - 2_000
      calibration.currentOffset = Int64(state >> 20) % 4_000 - 2_000
      calibration.shunts = (0..<3).map { Int64(state >> UInt64(10 * $0 + 1)) % 30_000 - 15_000 }
      let scale = Self.scale(.tdstatv3, calibration)
      let counts = Int(state >> 33) % 4_000_000 - 2_000_000
      let bits = counts & 0x3F_FFFF
      let word = try #require(
        Self.word([UInt8(bits >> 16), UInt8(truncatingIfNeeded: bits >> 8), UInt8(truncatingIfNeeded: bits)]))
      // Four counts of the input are one of the output; two roundings, of the quantity and of the offset.
      let code = scale.code(scale.voltage(word)).code - (1 << 19)
      #expect((4 * code - Int64(counts)).magnitude <= 4)
      let range = TDstatModel.tdstatv3.ranges[Int(state >> 60) % 3]
      let current = scale.code(scale.current(word, range), range).code - (1 << 19)
      #expect((4 * current - Int64(counts)).magnitude <= 4)
    }
  }

  @Test func storedCalibrations() throws {
    var calibration = StoredCalibration()
    calibration.takeOffsets(try #require(Self.memory([0x80, 0x02, 0x80, 0x7F, 0xFD, 0x80])))
    #expect(calibration.voltageOffset == 40 && calibration.currentOffset == -40 && !calibration.lacksOffsets)
    calibration.takeShunts(try #require(Self.memory([0x80, 0x00, 0x80, 0x64, 0x7F, 0x9C])))
    #expect(calibration.shunts == [0, 100, -100])
    calibration.takeShunts(try #require(Self.memory([0x80, 0, 0x80, 1, 0x7F, 0xFF, 0, 0])))
    #expect(calibration.shunts == [0, 1, -1, -32_768])
    calibration.takeOutput(try #require(Self.memory([0, 0, 0, 0x80, 0, 0])))
    #expect(calibration.words == "calibrated")
  }

  /// Ones are no offset and no shunt: they are what erased memory reads as.
  @Test func neverStoredIsNothing() throws {
    var calibration = StoredCalibration()
    let ones = try #require(Self.memory([UInt8](repeating: 0xFF, count: 6)))
    calibration.takeOffsets(ones)
    calibration.takeOutput(ones)
    calibration.takeShunts(ones)
    #expect(calibration.voltageOffset == 0 && calibration.currentOffset == 0 && calibration.shunts == [0, 0, 0])
    #expect(calibration.words == "never calibrated: offsets, output, shunts")
    calibration.takeOffsets(try #require(Self.memory([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE])))
    #expect(!calibration.lacksOffsets)
  }

  @Test func ranges() {
    let cases: [(TDstatModel, Double, Int?)] = [
      (.tdstatv3, 2, 3), (.tdstatv3, 2.1, 2), (.tdstatv3, -200, 2), (.tdstatv3, 200.1, 1), (.tdstatv3, 20_000, 1),
      (.tdstatv3, 20_001, nil), (.mystat, 2, 4), (.mystat, 150, 3), (.mystat, 19_000, 2), (.mystat, 100_000, 1),
      (.mystat, 200_001, nil),
    ]
    for (model, current, number) in cases {
      #expect(model.range(holding: microamperes(current))?.number == number, "\(model) \(current)")
    }
    #expect(TDstatDriver.capabilities(ofModel: "MYSTAT")?.maximumCurrent == microamperes(200_000))
    #expect(TDstatDriver.capabilities(ofModel: "TDstatv3")?.currentRanges.first == microamperes(2))
    #expect(TDstatDriver.capabilities(ofModel: "TDstatv2") == nil)
  }
}
