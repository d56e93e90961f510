// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import InstrumentKit
import Quantities
import TDstatEmulator
import Testing
import VirtualLab

@testable import TDstatDriver

/// Word for word what is said, and when.
@Suite struct ConversationTests {
  private static let open = [
    "CELL OFF", "OFFSETREAD", "OFFSETREAD", "DACCALGET", "DACCALGET", "SHUNTCALREAD", "SHUNTCALREAD", "RANGE 1",
    "ADCREAD",
  ]

  @Test func anOpeningWordForWord() throws {
    let laboratory = try Laboratory.identified()
    #expect(laboratory.words.prefix(Self.open.count) == Self.open[...])
    #expect(laboratory.words.dropFirst(Self.open.count).allSatisfy { $0 == "ADCREAD" })
    let identity = try #require(laboratory.identity)
    #expect(identity.family == "tdstat" && identity.model == "TDstatv3" && identity.serial.isEmpty)
    #expect(identity.firmware == "never calibrated: offsets, shunts")
    #expect(!identity.capabilities.hasLease && !identity.capabilities.holdsBounds)
    #expect(identity.capabilities.leaseHole?.contains("stays connected") == true)
    #expect(laboratory.circuit == .openConfirmed && laboratory.driver.damagedMessages == 0)
    #expect(laboratory.instrument.time < 0.5, "\(laboratory.instrument.time) s")
  }

  @Test func theOtherModelIsToldByItsShunts() throws {
    var board = TDstatBoard(.mystat)
    board.storedShunts = [0x80, 0, 0x80, 0, 0x80, 0, 0x80, 0]
    board.storedOffsets = [0x80, 0, 0, 0x80, 0, 0]
    let laboratory = try Laboratory.identified(board)
    #expect(laboratory.identity?.model == "MYSTAT" && laboratory.identity?.firmware == "calibrated")
    #expect(laboratory.identity?.capabilities == TDstatModel.mystat.capabilities)
  }

  @Test func aCurrentWordForWord() throws {
    var laboratory = try Laboratory.identified()
    laboratory.run(
      setpoint(.constantCurrent(microamperes(-1_000)), until: [after(seconds: 0.4)], every: 100), atMost: 5)
    #expect(laboratory.end == .cutOff(0))
    // The middle less 20972: 0x7AE14.
    let asked = ["RANGE 1", "DACSET z.@", "GALVANOSTATIC"] + [String](repeating: "ADCREAD", count: 3) + ["CELL ON"]
    #expect(laboratory.words.prefix(asked.count) == asked[...])
    #expect(laboratory.packets[1] == Array("DACSET ".utf8) + [0x7A, 0xE1, 0x40])
    let stop = try #require(laboratory.words.lastIndex(of: "CELL OFF"))
    #expect(laboratory.words[asked.count..<stop].allSatisfy { $0 == "ADCREAD" })
    #expect(laboratory.words[stop...] == ["CELL OFF", "ADCREAD", "ADCREAD"])
    // Each answer is one of a known length.
    #expect(laboratory.answers.allSatisfy { [2, 4, 6].contains($0.count) })
    let first = try #require(laboratory.readings.first)
    #expect(first.time < TimeSpan(milliseconds: 110) && first.range == 1 && first.quality.isEmpty)
    #expect(first.current.map { abs($0.amperes + 1e-3) < 30e-9 } == true)
  }

  @Test func aHandOverNeverShowsTheCellAnotherCode() throws {
    var laboratory = try Laboratory.identified()
    let target = laboratory.trueVoltage + 0.1
    laboratory.run(
      setpoint(.constantCurrentThenVoltage(microamperes(1_000), volts(target)), until: [heldCurrent(below: 900)]),
      atMost: 3_000)
    #expect(laboratory.end == .cutOff(0))
    let galvanostat = try #require(laboratory.words.firstIndex(of: "GALVANOSTATIC"))
    let potentiostat = try #require(laboratory.words.firstIndex(of: "POTENTIOSTATIC"))
    let between = laboratory.words[galvanostat..<potentiostat]
    #expect(between.suffix(4).prefix(3) == ["CELL OFF", "ADCREAD", "ADCREAD"])
    #expect(between.last?.hasPrefix("DACSET") == true)
    #expect(laboratory.words[potentiostat + 1] == "CELL ON")
    // Two conversions prove that nothing flows, then the output settles.
    let stretches = laboratory.closed
    #expect(stretches.count == 2)
    let gap = stretches[1].lowerBound - stretches[0].upperBound
    print("hand-over without current for \(gap) s")
    #expect(gap < 0.29)
    #expect(laboratory.holdBeganAt == stretches[1].lowerBound)
  }

  /// Every call writes one packet or none: the firmware takes what comes together for one command.
  @Test func everyPacketIsOneCommand() throws {
    var laboratory = try Laboratory.identified()
    var packets = laboratory.packets
    let stands = laboratory.trueVoltage
    for mode: Setpoint.Mode in [
      .openCircuit, .constantCurrent(microamperes(300)), .constantVoltage(volts(stands)),
      .constantCurrentThenVoltage(microamperes(1_000), volts(stands + 0.06)),
    ] {
      laboratory.run(setpoint(mode, until: [after(seconds: 20)]), atMost: 40)
      packets += laboratory.packets
      laboratory.command(.openCircuit)
      laboratory.run(seconds: 1)
      packets += laboratory.packets
    }
    let known = [
      "CELL OFF", "CELL ON", "POTENTIOSTATIC", "GALVANOSTATIC", "RANGE 1", "ADCREAD", "OFFSETREAD", "DACCALGET",
      "SHUNTCALREAD",
    ].map { Array($0.utf8) }
    #expect(packets.count > 500)
    #expect(
      packets.allSatisfy { packet in
        known.contains(packet) || (packet.count == 10 && packet.starts(with: Array("DACSET ".utf8)))
      })
    #expect(laboratory.driver.damagedMessages == 0)
  }

  /// No faster than its converters, and no slower than a tenth of a second.
  @Test func conversionsAreAskedForAtTheirPace() throws {
    for seconds in [0.08, 1 / 15.0] {
      var board = TDstatBoard()
      board.conversionSeconds = seconds
      var laboratory = try Laboratory.identified(board)
      laboratory.run(setpoint(.constantCurrent(microamperes(100)), until: [after(seconds: 10)], every: 50), atMost: 15)
      let times = laboratory.readings.map(\.time.seconds)
      let gaps = zip(times, times.dropFirst()).map { $1 - $0 }
      #expect(gaps.allSatisfy { $0 >= 0.09 && $0 <= 0.1 } && times.count > 100)
      #expect(!laboratory.answers.contains(Array("WAIT".utf8)))
    }
    // Converters that are slower than any of them are waited for.
    var board = TDstatBoard()
    board.conversionSeconds = 0.12
    var laboratory = try Laboratory.identified(board)
    laboratory.run(setpoint(.constantCurrent(microamperes(100)), until: [after(seconds: 10)], every: 50), atMost: 15)
    #expect(laboratory.end == .cutOff(0) && laboratory.readings.count > 70)
    #expect(laboratory.answers.contains(Array("WAIT".utf8)))
  }

  /// The same on a line of bytes that knows no packets.
  @Test(arguments: [TDstatBoard.Kind.tdstatv3, .mystat]) func aLineOfBytesIsEnough(kind: TDstatBoard.Kind) throws {
    var laboratory = Laboratory(
      TDstatInstrument(board: TDstatBoard(kind), cell: try Laboratory.cell(charged: -0.5)))
    laboratory.isTrickling = true
    try laboratory.introduce()
    #expect(laboratory.identity?.model == (kind == .mystat ? "MYSTAT" : "TDstatv3"))
    let target = laboratory.trueVoltage + 0.06
    laboratory.run(
      setpoint(.constantCurrentThenVoltage(microamperes(1_000), volts(target)), until: [heldCurrent(below: 900)]),
      atMost: 300)
    #expect(laboratory.end == .cutOff(0) && laboratory.holdBeganAt != nil && laboratory.faults.isEmpty)
    // Whole milliseconds belong to an answer now: twelve behind each, of a current that hardly moves.
    #expect(abs(laboratory.measuredCharge / (laboratory.trueCharge + 0.5) - 1) < 0.01)
    laboratory.run(setpoint(.openCircuit, until: [after(seconds: 1)]), atMost: 5)
    #expect(laboratory.end == .cutOff(0))
  }

  @Test(arguments: [
    setpoint(.constantCurrent(.zero)), setpoint(.constantCurrent(microamperes(3_000))),
    setpoint(.constantVoltage(volts(8))), setpoint(.constantCurrentThenVoltage(microamperes(100), volts(-8))),
    setpoint(.constantCurrent(microamperes(100)), range: 20_001), setpoint(.constantVoltage(volts(1)), range: 0),
    setpoint(.constantVoltage(volts(1)), lower: 4_500),
    setpoint(
      .sweep(
        Setpoint.Sweep(from: volts(1), to: [volts(2)], rate: VoltageRate(count: 3_600_000_000_000), ownEnd: 0))),
  ]) func whatItCannotDoIsRefusedBeforeAWord(setpoint: Setpoint) throws {
    var laboratory = try Laboratory.identified()
    laboratory.run(setpoint, atMost: 1)
    #expect(laboratory.refusal?.code == .instrumentRefused && laboratory.packets.isEmpty)
  }

  @Test func onlyOneSetpointAtATime() throws {
    var laboratory = try Laboratory.identified()
    laboratory.command(.begin(setpoint(.openCircuit)), channel: 1)
    #expect(laboratory.refusal?.code == .instrumentRefused)
    laboratory.command(.openCircuit, channel: 1)
    #expect(laboratory.circuit == .unknown)
    laboratory.forget()
    laboratory.command(.begin(setpoint(.openCircuit)))
    laboratory.run(seconds: 1)
    #expect(laboratory.refusal == nil)
    laboratory.command(.begin(setpoint(.openCircuit)))
    #expect(laboratory.refusal?.code == .instrumentRefused && laboratory.end == nil)
  }

  /// A transcript as it could come from a port, written by hand: what it says is what is read.
  @Test func aTranscriptMeansWhatItSays() {
    func said(_ text: String) -> [DriverTranscript.Entry] {
      [.tick(after: TimeSpan(milliseconds: 1)), .received(Array(text.utf8))]
    }
    func found(_ bytes: [UInt8]) -> [DriverTranscript.Entry] {
      [.tick(after: TimeSpan(milliseconds: 90)), .received(bytes)]
    }
    let nothing: [UInt8] = [0x08, 0, 0, 0, 0, 0]
    let opening = [[UInt8](repeating: 0xFF, count: 6), [0, 0, 0, 0x80, 0, 0], [0x80, 0, 0x80, 0x64, 0x80, 0]]
    let stored = opening.flatMap { bytes in
      (0..<2).flatMap { _ -> [DriverTranscript.Entry] in
        [.received(bytes), .tick(after: AnswerAssembler.quiet)]
      }
    }
    let current = setpoint(
      .constantCurrent(microamperes(100)), until: [after(seconds: 0.25)], range: 150, every: 50)
    // 100 µA of 250 µA / 1.0001 are 838944.7 counts of 2^21.
    let flowing: [UInt8] = [0x08, 0x00, 0x01, 0x0C, 0xCD, 0x21]
    let entries: [DriverTranscript.Entry] =
      [.opened] + said("OK") + stored + said("OK") + found(nothing) + found(nothing) + found(nothing)
      + [.command(channel: 0, .begin(current))] + said("OK") + said("OK") + said("OK") + found(nothing)
      + found(nothing) + found(nothing) + [.tick(after: TDstatDriver.conversionTime)] + said("OK")
      + [.tick(after: TimeSpan(milliseconds: 10))] + said("WAIT")
      + found(flowing) + found(flowing) + found(flowing) + said("OK") + found(nothing) + found(nothing)
    let outcome = DriverConformance.replay(entries) { TDstatDriver() }
    #expect(
      outcome.readings
        == [192, 282].map { milliseconds in
          Reading(
            time: TimeSpan(milliseconds: milliseconds), voltage: Voltage(nanovolts: 2_000_003_815),
            current: Current(picoamperes: 100_000_037), range: 2)
        })
    #expect(outcome.ends == [.cutOff(0)])
    #expect(outcome.writes.starts(with: Array("CELL OFFOFFSETREADOFFSETREADDACCALGETDACCALGET".utf8)))
  }
}
