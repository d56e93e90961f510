// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Testing
import VirtualLab

@testable import TDstatEmulator

/// The emulator by itself, packet by packet, as the firmware's sources say.
@Suite struct EmulatorTests {
  private static func ask(_ packet: [UInt8], _ instrument: inout TDstatInstrument, for seconds: Double = 0.002)
    -> [UInt8]
  {
    var output: [UInt8] = []
    packet.withUnsafeBytes { instrument.receive($0) }
    let end = instrument.time + seconds
    if instrument.run(until: end, output: &output, outputLimit: .max) == .idle { instrument.rest(until: end) }
    return output
  }

  private static func ask(_ text: String, _ instrument: inout TDstatInstrument, for seconds: Double = 0.002) -> String {
    String(decoding: ask(Array(text.utf8), &instrument, for: seconds), as: UTF8.self)
  }

  @Test func wakesUpDisconnected() throws {
    let instrument = TDstatInstrument(cell: try Laboratory.cell())
    #expect(!instrument.isClosed && !instrument.isGalvanostatic && instrument.range == 1)
    #expect(instrument.outputCode == 1 << 19 && instrument.hostDeadline == nil)
  }

  @Test func everyCommandIsAnsweredByOnePacket() throws {
    var instrument = TDstatInstrument(cell: try Laboratory.cell())
    for text in ["CELL ON", "CELL OFF", "GALVANOSTATIC", "POTENTIOSTATIC"] {
      #expect(Self.ask(text, &instrument) == "OK")
    }
    #expect(Self.ask("RANGE 3", &instrument, for: 0.005).isEmpty, "the relay takes 10 ms")
    #expect(Self.ask("", &instrument, for: 0.01) == "OK" && instrument.range == 3)
    #expect(Self.ask(Array("DACSET ".utf8) + [0x90, 0x00, 0x10], &instrument) == Array("OK".utf8))
    #expect(instrument.outputCode == 0x90001)
    #expect(Self.ask("OFFSETREAD", &instrument).utf8.count > 0)
    #expect(Self.ask(Array("OFFSETSAVE ".utf8) + [1, 2, 3, 4, 5, 6], &instrument) == Array("OK".utf8))
    #expect(Self.ask(Array("OFFSETREAD".utf8), &instrument) == [1, 2, 3, 4, 5, 6])
    #expect(Self.ask(Array("SHUNTCALREAD".utf8), &instrument) == [UInt8](repeating: 0xFF, count: 6))
    #expect(Self.ask(Array("SHUNTCALSAVE ".utf8) + [1, 2, 3, 4, 5, 6], &instrument) == Array("OK".utf8))
    #expect(Self.ask(Array("SHUNTCALREAD".utf8), &instrument) == [1, 2, 3, 4, 5, 6])
    #expect(Self.ask(Array("DACCALSET ".utf8) + [1, 2, 3, 0x81, 5, 6], &instrument) == Array("OK".utf8))
    #expect(Self.ask(Array("DACCALGET".utf8), &instrument) == [1, 2, 3, 0x81, 5, 6])
    #expect(Self.ask("DACCAL", &instrument, for: 0.4).isEmpty && Self.ask("", &instrument, for: 0.2) == "OK")
    #expect(Self.ask(Array("DACCALGET".utf8), &instrument) == [0, 0, 0, 0x80, 0, 0])
    instrument.powerCycle()
    #expect(Self.ask(Array("OFFSETREAD".utf8), &instrument) == [1, 2, 3, 4, 5, 6], "its memory survives")
  }

  @Test func lengthsAreChecked() throws {
    var instrument = TDstatInstrument(cell: try Laboratory.cell())
    let wrong = [
      "CELL ON\n", "cell on", "CELL  ON", "CELL", "RANGE 4", "RANGE 0", "RANGE", "ADCREAD ", "DACSET", "DACSET 12",
      "DACSET 1234", "OFFSETSAVE 12345", "SHUNTCALSAVE 12345678", "X", String(repeating: "A", count: 64),
    ]
    for text in wrong { #expect(Self.ask(text, &instrument) == "?", "\(text)") }
    #expect(!instrument.isClosed && instrument.range == 1)
    var larger = TDstatInstrument(board: TDstatBoard(.mystat), cell: try Laboratory.cell())
    #expect(Self.ask("RANGE 4", &larger, for: 0.02) == "OK" && larger.range == 4)
    #expect(Self.ask(Array("SHUNTCALREAD".utf8), &larger).count == 8)
    #expect(Self.ask("SHUNTCALSAVE 123456", &larger) == "?")
  }

  /// A packet that a line has cut within a millisecond is one; what is not its rest is another.
  @Test func aPacketInTwoPieces() throws {
    var instrument = TDstatInstrument(cell: try Laboratory.cell())
    Array("CELL ".utf8).withUnsafeBytes { instrument.receive($0) }
    #expect(Self.ask("ON", &instrument) == "OK" && instrument.isClosed)
    Array("CELL OFF".utf8).withUnsafeBytes { instrument.receive($0) }
    #expect(Self.ask("CELL OFF", &instrument, for: 0.003) == "OKOK" && !instrument.isClosed)
    #expect(Self.ask("CELL ", &instrument) == "?")
    #expect(Self.ask("ON", &instrument) == "?" && !instrument.isClosed)
  }

  /// What is read began when the last was read; before that there is nothing but `WAIT`.
  @Test func conversionsBeginWhenTheyAreRead() throws {
    var instrument = TDstatInstrument(cell: try Laboratory.cell(charged: -0.5))
    let stands = instrument.cell.voltage(under: .open)
    #expect(Self.ask("ADCREAD", &instrument) == "WAIT")
    #expect(Self.ask("ADCREAD", &instrument, for: 0.081) == "WAIT")
    let first = Self.ask(Array("ADCREAD".utf8), &instrument)
    #expect(first.count == 6 && first[3...] == [0, 0, 0])
    let counts = Int((stands / 8 * Double(1 << 21)).rounded())
    #expect(abs(Self.counts(first[..<3]) - counts) <= 1)
    #expect(Self.ask("ADCREAD", &instrument, for: 0.081) == "WAIT")
    // Connected only now, and a conversion that has begun before knows nothing of it.
    #expect(Self.ask("GALVANOSTATIC", &instrument) == "OK")
    #expect(Self.ask(Array("DACSET ".utf8) + [0x85, 0x1E, 0xC0], &instrument) == Array("OK".utf8))
    #expect(Self.ask("CELL ON", &instrument, for: 0.1) == "OK")
    #expect(Self.ask(Array("ADCREAD".utf8), &instrument, for: 0.09)[3...] == [0, 0, 0])
    let second = Self.ask(Array("ADCREAD".utf8), &instrument)
    // 1 mA of 25 mA, to half a step of the output.
    let expected = Double(1 << 21) / 25
    #expect(abs(Double(Self.counts(second[3...])) - expected) <= 3)
  }

  private static func counts(_ bytes: ArraySlice<UInt8>) -> Int { bytes.reduce(0) { $0 << 8 | Int($1) } }

  @Test func overloadsHaveTheirFlags() {
    #expect(ConverterResult.bytes(share: 1, offset: 0) == [0x60, 0, 0])
    #expect(ConverterResult.bytes(share: 1, offset: -1) == [0x1F, 0xFF, 0xFF])
    #expect(ConverterResult.bytes(share: -1, offset: 0) == [0x20, 0, 0])
    #expect(ConverterResult.bytes(share: -1, offset: -1) == [0x9F, 0xFF, 0xFF])
    #expect(ConverterResult.bytes(share: 9, offset: 0) == ConverterResult.bytes(share: 2, offset: 0))
    #expect(ConverterResult.bytes(share: .nan, offset: 5) == [0, 0, 0])
  }

  @Test func survivesEverything() throws {
    let seed = UInt64.random(in: 0 ... .max)
    print("seed \(seed)")
    var state = seed
    func next(_ count: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(count))
    }
    let words = [
      "CELL ON", "CELL OFF", "GALVANOSTATIC", "POTENTIOSTATIC", "RANGE 1", "RANGE 2", "RANGE 3", "ADCREAD", "DACSET ",
      "OFFSETREAD", "DACCAL", "DACCALSET ", "CELL", "",
    ]
    var instrument = TDstatInstrument(cell: try Laboratory.cell())
    for _ in 0..<2_000 {
      let packet = Array(words[next(words.count)].utf8) + (0..<next(8)).map { _ in UInt8(next(256)) }
      let answer = Self.ask(packet, &instrument, for: 0.6)
      #expect(packet.isEmpty == answer.isEmpty)
      #expect(instrument.cell.voltage(under: .open).isFinite)
    }
    #expect(Self.ask("CELL OFF", &instrument) == "OK" && !instrument.isClosed)
  }

  @Test func aCalibratedBoardKnowsItself() {
    var board = TDstatBoard()
    board.calibrate()
    #expect(board.storedOffsets == [0x80, 0, 0, 0x80, 0, 0] && board.storedShunts == [0x80, 0, 0x80, 0, 0x80, 0])
    board.voltageOffset = 40
    board.currentOffset = -40
    board.shunts = [1.000_1, 0.999_9]
    board.calibrate()
    #expect(board.storedOffsets == [0x80, 0x02, 0x80, 0x7F, 0xFD, 0x80])
    #expect(board.storedShunts == [0x80, 0x64, 0x7F, 0x9C, 0x80, 0x00])
  }

  @Test func aBoardsFullScales() {
    let board = TDstatBoard()
    let mystat = TDstatBoard(.mystat)
    for (range, amperes) in [(1, 0.025), (2, 2.5e-4), (3, 2.5e-6)] {
      #expect(abs(board.fullScaleAmperes(range: range) / amperes - 1) < 1e-12)
    }
    for (range, amperes) in [(1, 0.25), (2, 0.025), (3, 2.5e-4), (4, 2.5e-6)] {
      #expect(abs(mystat.fullScaleAmperes(range: range) / amperes - 1) < 1e-12)
    }
  }
}
