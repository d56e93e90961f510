// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import InstrumentKit
import Quantities
import RodeostatEmulator
import Testing
import VirtualLab

@testable import RodeostatDriver

/// Word for word what is said. The instrument's lines that stand in `recorded` are those that its own firmware gave, built
/// for another machine.
@Suite struct GoldenTests {
  private static func said(_ lines: [String], to instrument: inout RodeostatInstrument, for seconds: Double = 0)
    -> [String]
  {
    var output: [UInt8] = []
    for line in lines {
      instrument.receive(Array((line + "\n").utf8))
      _ = instrument.run(until: instrument.time + 0.001, output: &output, outputLimit: .max)
    }
    _ = instrument.run(until: instrument.time + seconds, output: &output, outputLimit: .max)
    return String(decoding: output, as: UTF8.self).split(separator: "\r\n").map { String($0) }
  }

  @Test func theInstrumentSpeaksAsItsFirmware() throws {
    var instrument = RodeostatInstrument(deviceID: 7, cell: try Laboratory.cell(charged: -1))
    let recorded: [(String, String)] = [
      (
        "{\"command\":\"setVoltRange\",\"voltRange\":\"2V\"}",
        "{\"success\":true,\"response\":{\"command\":\"setVoltRange\",\"voltRange\":\"2V\"}}"
      ),
      (
        "{\"command\":\"setVolt\",\"v\":0.5}",
        "{\"success\":true,\"response\":{\"command\":\"setVolt\",\"v\":0.499634}}"
      ),
      ("{\"command\":\"getVolt\"}", "{\"success\":true,\"response\":{\"command\":\"getVolt\",\"v\":0.499634}}"),
      ("{\"command\":\"nope\"}", "{\"success\":false,\"message\":\"command, nope, not found\",\"response\":{}}"),
      ("{\"nope\":1}", "{\"success\":false,\"message\":\"CommandTable: command not found\",\"response\":{}}"),
      ("nope", "{\"success\":false,\"message\":\"unable to parse json\",\"response\":{}}"),
      (
        "{\"command\":\"getVariant\"}",
        "{\"success\":true,\"response\":{\"command\":\"getVariant\",\"variant\":\"10V_microAmpV0.2\"}}"
      ),
      (
        "{\"command\":\"getMuxEnabled\"}",
        "{\"success\":true,\"response\":{\"command\":\"getMuxEnabled\",\"muxEnabled\":false}}"
      ),
    ]
    for (asked, answer) in recorded { #expect(Self.said([asked], to: &instrument) == [answer]) }
    #expect(
      Self.said(["{\"command\":\"stopTest\"}"], to: &instrument)
        == ["{\"success\":true,\"response\":{\"command\":\"stopTest\"}}", "{}"], "idle, and an end all the same")
    let step = "{\"command\":\"setParam\",\"test\":\"multiStep\",\"param\":{\"step\":[[10,1]]}}"
    #expect(Self.said([step], to: &instrument)[0].contains("item[1] not float"))
  }

  /// What nobody would send: it answers each line, and a test that could never be still ends when it is told to.
  @Test func theInstrumentSurvivesEverything() throws {
    let seed = UInt64.random(in: 0 ... .max)
    print("seed \(seed)")
    var state = seed
    func next(_ count: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(count))
    }
    let numbers = [
      "0", "-1", "1e38", "-3.4e38", "1e-40", "4294967295", "99999999999999999999", "0.5", "1", "NaN", "inf",
    ]
    let keys = [
      "quietValue", "quietTime", "value", "duration", "startValue", "finalValue", "stepValue", "amplitude", "window",
      "period", "numCycles", "shift", "offset", "pulseValue", "step",
    ]
    let tests = [
      "constant", "linearSweep", "cyclic", "sinusoid", "chronoamp", "multiStep", "squareWave", "differentialPulse",
    ]
    var instrument = RodeostatInstrument(board: RodeostatBoard(processor: .teensy), cell: try Laboratory.cell())
    for _ in 0..<500 {
      let number = numbers[next(numbers.count)]
      let test = tests[next(tests.count)]
      let lines = [
        "{\"command\":\"setParam\",\"test\":\"\(test)\",\"param\":{\"\(keys[next(keys.count)])\":\(number)}}",
        "{\"command\":\"runTest\",\"test\":\"\(test)\"}", "{\"command\":\"setVolt\",\"v\":\(number)}",
        "{\"command\":\"setSamplePeriod\",\"samplePeriod\":\(number)}",
        "{\"command\":\"setParam\",\"test\":\"multiStep\",\"param\":{\"step\":[[\(number),\(number)],[1,0.5]]}}",
        "{\"command\":\"getParam\",\"test\":\"\(test)\"}", "{\"command\":\(number)}", "[[[[", number, "",
        String(repeating: "[", count: 1_900), "{\"command\":\"getTestDoneTime\",\"test\":\"\(test)\"}",
      ]
      let answers = Self.said([lines[next(lines.count)]], to: &instrument, for: 0.03)
      #expect(answers.contains { $0.hasPrefix("{\"success\":") })
    }
    let ended = Self.said(["{\"command\":\"stopTest\"}"], to: &instrument)
    #expect(ended.last == "{}" && !instrument.isTesting && !instrument.isClosed)
  }

  /// A stair with an amplitude: the current of a sample is the difference between its two halves.
  @Test func aStairsSampleIsADifference() throws {
    var instrument = RodeostatInstrument(
      board: RodeostatBoard(current: .tenMilliAmp), cell: try Laboratory.cell(charged: -1))
    let stands = instrument.cell.voltage(under: .open)
    let parameters =
      "{\"startValue\":\(stands),\"finalValue\":\(stands + 0.02),\"stepValue\":0.005,\"amplitude\":0.02,\"window\":0.2}"
    let lines = Self.said(
      [
        "{\"command\":\"setCurrRange\",\"currRange\":\"10000uA\"}",
        "{\"command\":\"setParam\",\"test\":\"squareWave\",\"param\":\(parameters)}",
        "{\"command\":\"runTest\",\"test\":\"squareWave\"}",
      ], to: &instrument, for: 0.1)
    let samples = lines.filter { $0.hasPrefix("{\"t\"") }
    let currents = samples.compactMap { $0.split(separator: ":").last.flatMap { Double($0.dropLast()) } }
    print("stair", samples.count, currents)
    #expect(samples.count == 4 && lines.last == "{}")
    // Twice the amplitude through what the cell has at once.
    let expected = 0.04 / instrument.cell.impedance(atHertz: 1e6).real * 1e6
    #expect(currents.allSatisfy { abs($0 / expected - 1) < 0.03 })
  }

  @Test func aMessageThatFillsPacketsIsSeenLate() throws {
    var instrument = RodeostatInstrument(cell: try Laboratory.cell())
    let line = "{\"command\":\"getVersion\"}"
    let full = String(repeating: " ", count: 63 - line.utf8.count) + line
    #expect(Self.said([full], to: &instrument).isEmpty)
    #expect(Self.said([line], to: &instrument, for: 0.1).count == 2, "with the next one")
    var teensy = RodeostatInstrument(board: RodeostatBoard(processor: .teensy), cell: try Laboratory.cell())
    #expect(Self.said([full], to: &teensy).count == 1)
  }

  @Test func aHoldWordForWord() throws {
    var laboratory = try Laboratory.identified()
    laboratory.written = ""
    laboratory.heard = ""
    laboratory.run(
      setpoint(.constantVoltage(Voltage(millivolts: 80)), until: [after(seconds: 0.2)], lease: 10), atMost: 3)
    let asked = laboratory.written.split(separator: "\n").map { String($0.drop { $0 == " " }) }
    #expect(
      asked == [
        "{\"command\":\"setElectAutoConnect\",\"autoConnect\":true}",
        "{\"command\":\"setCurrRange\",\"currRange\":\"1000uA\"}",
        "{\"command\":\"setSamplePeriod\",\"samplePeriod\":200}",
        "{\"command\":\"setParam\",\"test\":\"constant\",\"param\":{\"quietValue\":0.0824,\"quietTime\":0,\"value\":0.08,"
          + "\"duration\":10000}}",
        "{\"command\":\"runTest\",\"test\":\"constant\"}", "{\"command\":\"getRefElectVoltRange\"}",
        "{\"command\":\"getCurr\"}", "{\"command\":\"getRefVolt\"}", "{\"command\":\"getCurr\"}",
        "{\"command\":\"getRefVolt\"}", "{\"command\":\"stopTest\"}",
        "{\"command\":\"setAllElectConnected\",\"connected\":false}", "{\"command\":\"getCtrElectConnected\"}",
        "{\"command\":\"getWrkElectConnected\"}", "{\"command\":\"getRefElectConnected\"}",
      ])
    let answered = laboratory.heard.split(separator: "\r\n").map { String($0) }
    #expect(answered.count == 17, "fifteen answers, a sample and an end")
    #expect(answered[6].hasPrefix("{\"t\":200,\"v\":0.08,\"i\":-"))
  }

  /// A transcript as it could come from the port: read, it says what it says, however it is cut.
  @Test func aTranscriptMeansWhatItSays() {
    func ok(_ command: String, _ rest: String = "") -> DriverTranscript.Entry {
      .received(Array("{\"success\":true,\"response\":{\"command\":\"\(command)\"\(rest)}}\r\n".utf8))
    }
    func line(_ text: String) -> DriverTranscript.Entry { .received(Array((text + "\r\n").utf8)) }
    let open = ok("getCtrElectConnected", ",\"connected\":false")
    let safe: [DriverTranscript.Entry] = [
      ok("stopTest"), line("{}"), ok("setAllElectConnected", ",\"connected\":false"), open,
      ok("getWrkElectConnected", ",\"connected\":false"), ok("getRefElectConnected", ",\"connected\":false"),
    ]
    let variant = ok("getVariant", ",\"variant\":\"10V_microAmpV0.2\"")
    let version = ok("getVersion", ",\"version\":\"FW0.1.0\"")
    let serial = ok("getDeviceId", ",\"deviceId\":4294967295")
    let held = setpoint(.constantVoltage(Voltage(millivolts: 500)), until: [after(seconds: 0.15)], microamperes: 90)
    let entries: [DriverTranscript.Entry] =
      [.opened] + safe + [
        variant, variant, version, version, serial, serial, ok("getMuxEnabled", ",\"muxEnabled\":false"),
        line(
          "{\"success\":false,\"message\":\"multiplexer hardware not supported\","
            + "\"response\":{\"command\":\"setMuxEnabled\"}}"),
        .command(channel: 0, .begin(held)), ok("setElectAutoConnect", ",\"autoConnect\":true"),
        ok("setCurrRange", ",\"currRange\":\"100uA\""), ok("setSamplePeriod", ",\"samplePeriod\":200"),
        ok(
          "setParam",
          ",\"test\":\"constant\",\"param\":{\"quietValue\":0.515,\"quietTime\":0,\"value\":0.5,\"duration\":20000}"),
        ok("runTest", ",\"test\":\"constant\""), ok("getRefElectVoltRange", ",\"voltRange\":\"1V\""),
        .tick(after: TimeSpan(milliseconds: 199)), line("{\"t\":200,\"v\":0.5,\"i\":49.98778}"),
        ok("getCurr", ",\"i\":49.98779"), ok("getRefVolt", ",\"r\":0.499878"), ok("getCurr", ",\"i\":49.93895"),
        ok("getRefVolt", ",\"r\":0.499878"),
      ] + safe
    let outcome = DriverConformance.replay(entries) { RodeostatDriver() }
    #expect(
      outcome.readings == [
        Reading(
          time: TimeSpan(milliseconds: 200), voltage: Voltage(nanovolts: 499_877_900),
          current: Current(picoamperes: 49_963_370), range: 3)
      ])
    #expect(outcome.ends == [.cutOff(0)])
    let violations = DriverConformance.check(DriverTranscript(name: "written", entries: entries)) { RodeostatDriver() }
    #expect(violations.isEmpty, "\(violations.prefix(5).map(\.description).joined(separator: "\n"))")
  }
}
