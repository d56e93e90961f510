// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import InstrumentKit
import Quantities
import RodeostatEmulator
import Testing
import VirtualLab

@testable import RodeostatDriver

/// Lines and numbers, without an instrument.
@Suite struct CodingTests {
  private static func object<Result>(_ text: String, _ read: (LineObject?) -> Result) -> Result {
    Array(text.utf8).withUnsafeBytes { read(LineObject(line: $0)) }
  }

  private static func decimal(_ text: String) -> DecimalText? { Array(text.utf8).withUnsafeBytes { DecimalText($0) } }

  @Test func numbersAreJSONsOnly() {
    #expect(Self.decimal("49.98778")?.mantissa == 4_998_778 && Self.decimal("49.98778")?.places == 5)
    #expect(Self.decimal("-1.5e-6")?.value == -1.5e-6)
    #expect(Self.decimal("0")?.whole == 0 && Self.decimal("4294967295")?.whole == 4_294_967_295)
    #expect(Self.decimal("1.0")?.whole == nil)
    for wrong in [
      "", "-", ".5", "5.", "00.5", "05", "1e", "1e+", "1e999", "1.2.3", "--1", "1-", "0x10", "1 ", "NaN", "Infinity",
      "1234567890123456", "1e99",
    ] {
      #expect(Self.decimal(wrong) == nil, "\(wrong)")
    }
    #expect(DecimalText.written(picounits: 500_000_000_000) == "0.5")
    #expect(DecimalText.written(picounits: -277_778) == "-0.000000277778")
    #expect(DecimalText.written(picounits: 0) == "0.0")
    #expect(DecimalText.written(picounits: 9_700_000_000_000) == "9.7")
  }

  @Test func aLineIsOneObject() {
    #expect(Self.object("{}") { $0?.count } == 0)
    #expect(Self.object("{\"t\":100,\"v\":0.5,\"i\":49.98778}") { $0?.count } == 3)
    #expect(Self.object("{\"a\":[[1,0.5],[2,-1e-6]],\"b\":{\"c\":null}} ") { $0?.count } == nil)
    for wrong in [
      "", "{", "}", "{}{}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "[1]", "1", "{\"a\":tru}", "{a:1}", "{\"a\":1",
      "{\"a\":\"\u{1}\"}", "{\"a\":\"b}", "{\"a\":\"\\", "{\"a\":[1,]}", "{\"a\":{}", "{}x",
      String(repeating: "{\"a\":", count: 400) + "1" + String(repeating: "}", count: 400),
    ] {
      #expect(Self.object(wrong) { $0 == nil }, "\(wrong)")
    }
  }

  @Test func membersAreFoundOnce() {
    let text = "{\"success\":true,\"response\":{\"command\":\"getCurr\",\"i\":-0.5},\"x\":1,\"x\":2}"
    Self.object(text) { object in
      #expect(object?.truth("success") == true && object?.object("response")?.says("getCurr", for: "command") == true)
      #expect(object?.object("response")?.number("i")?.value == -0.5)
      #expect(object?.number("x") == nil, "twice is none")
      #expect(object?.number("response") == nil && object?.string("success") == nil && object?.object("success") == nil)
      #expect(object?.object("response")?.says("getCur", for: "command") == false)
    }
  }

  @Test func aSampleIsStrict() {
    func sample(_ text: String) -> TestSample? { Self.object(text) { $0.flatMap { TestSample($0) } } }
    #expect(sample("{\"t\":100,\"v\":0.5,\"i\":49.98778}")?.milliseconds == 100)
    #expect(sample("{\"t\":100,\"v\":0.5,\"i\":100,\"le\":true}")?.isAtEnd == true)
    #expect(sample("{\"t\":100,\"v\":0.5,\"i\":NaN}") != nil, "a stair without a sample in its window")
    for wrong in [
      "{\"t\":100,\"v\":0.5}", "{\"t\":-1,\"v\":0.5,\"i\":1}", "{\"t\":1.5,\"v\":0.5,\"i\":1}",
      "{\"t\":100,\"v\":0.5,\"i\":1,\"l\":true}", "{\"t\":100,\"v\":0.5,\"i\":1,\"le\":false}",
      "{\"t\":100,\"t\":100,\"v\":0.5,\"i\":1}", "{\"n\":1,\"t\":1,\"v\":0.5,\"i\":1}",
    ] {
      #expect(sample(wrong) == nil, "\(wrong)")
    }
  }

  /// Every number that a converter can give, as the instrument's side writes it, is read as the code that it was.
  @Test(arguments: [12, 16]) func everyCodeIsReadExactly(bits: Int) throws {
    var wrong = 0
    var count = 0
    for variant in RodeostatModel.Variant.allCases {
      let model = RodeostatModel(variant: variant, bits: bits)
      for range in model.currentRanges {
        (count, wrong) = Self.check(model.scale(of: range), Float(range.fullScale.picoamperes) / 1e6, count, wrong)
      }
    }
    for range in RodeostatModel.voltageRanges {
      let scale = ConverterScale.volts(range.fullScale.nanovolts, bits: bits)
      (count, wrong) = Self.check(scale, Float(range.fullScale.nanovolts) / 1e9, count, wrong)
    }
    print("codes", bits, count, wrong)
    #expect(wrong == 0)
  }

  private static func check(
    _ scale: ConverterScale, _ fullScale: Float, _ count: Int, _ wrong: Int
  ) -> (Int, Int) {
    var (count, wrong) = (count, wrong)
    let step = scale.count > 5_000 ? 7 : 1
    for code in stride(from: 0, through: Int(scale.count), by: step) {
      // In the order of the firmware's own operations.
      let level = fullScale - Float(code) / Float(scale.count) * (2 * fullScale)
      let text = RodeostatInstrument.text(of: level)
      let exact = Double(scale.fullScale) * (Double(scale.count) - 2 * Double(code)) / Double(scale.count)
      let isEnd = code == 0 || code == Int(scale.count)
      let expected: ConverterScale.Measured = isEnd ? .atEnd : .value(Int64(exact.rounded()))
      count += 1
      if decimal(text).flatMap({ scale.measured($0) }) != expected { wrong += 1 }
    }
    return (count, wrong)
  }

  /// A number that lost one of its digits rarely passes for another, and hardly ever for one near to what it was.
  @Test func aLostDigitIsSeen() {
    let scale = ConverterScale.volts(1_000_000_000, bits: 12)
    var (lost, taken, agreed) = (0, 0, 0)
    for code in 0...4_095 {
      let level: Float = 1 - Float(code) / 4_095 * 2
      let text = Array(RodeostatInstrument.text(of: level).utf8)
      let sound = text.withUnsafeBytes { DecimalText($0) }.flatMap { scale.measured($0) }
      for place in text.indices where text[place] != UInt8(ascii: "-") {
        var damaged = text
        damaged.remove(at: place)
        lost += 1
        let read = damaged.withUnsafeBytes { DecimalText($0) }.flatMap { scale.measured($0) }
        guard let read, let sound, read != sound else { continue }
        taken += 1
        var pair = ConverterPair()
        if !pair.take(read, scale), pair.take(sound, scale) { agreed += 1 }
      }
    }
    print("lost digits", lost, taken, agreed)
    #expect(taken * 25 < lost && agreed * 300 < lost)
  }

  @Test func noLineFillsPackets() throws {
    var laboratory = try Laboratory.identified()
    for mode in 0..<3 {
      let stands = laboratory.trueVoltage
      laboratory.run(
        mode == 0
          ? setpoint(.openCircuit, until: [after(seconds: 2)])
          : mode == 1
            ? setpoint(.constantVoltage(Voltage(volts: stands)), until: [after(seconds: 12)])
            : sweep(from: stands, to: [stands + 0.02, stands], voltsPerSecond: 0.002), atMost: 60)
    }
    let lengths = laboratory.written.drop { $0 == "\n" }.split(separator: "\n").map { $0.utf8.count + 1 }
    #expect(lengths.count > 300 && lengths.allSatisfy { (1...31).contains($0 % 64) })
    #expect(RodeostatDriver.safeStopBytes.count % 64 != 0)
    // The longest that can be asked for.
    var bytes: [UInt8] = []
    for name in stride(from: 0, to: 70, by: 1) {
      bytes = []
      Exchange(command: String(repeating: "x", count: name)).write(into: &bytes)
      #expect((1...31).contains(bytes.count % 64))
    }
  }

  @Test func aPlanReachesItsTargetsExactly() throws {
    let model = try #require(RodeostatModel(named: "10V_microAmpV0.2"))
    // 1 mV/h, far below a converter's step.
    let slow = try SetpointPlan(
      sweep(from: 1, to: [1.01], voltsPerSecond: 1e-3 / 3_600, milliseconds: 1_000), on: model)
    #expect(
      slow.period == 1_000
        && slow.legs == [
          SetpointPlan.Leg(from: Voltage(millivolts: 1_000), to: Voltage(millivolts: 1_010), step: 277_778)
        ])
    #expect(slow.legs[0].count == 36_000)
    #expect(slow.end(of: 0, until: 20_000).at == 20_000 && !slow.end(of: 0, until: 20_000).isThere)
    #expect(slow.end(of: 0, until: 40_000_000).at == 36_001_000 && slow.end(of: 0, until: 40_000_000).isThere)
    #expect(slow.voltage(leg: 0, at: 40_000_000) == Voltage(millivolts: 1_010))
    // Ranges have room for the largest voltage, which the firmware is made to see.
    let full = try SetpointPlan(setpoint(.constantVoltage(Voltage(millivolts: 2_000))), on: model)
    #expect(full.voltageRange.name == "5V" && full.begin(leg: 0, until: 5)[0].rest.contains("\"quietValue\":2.06"))
    let down = try SetpointPlan(sweep(from: 0.5, to: [-1.2, 0.5, 0.5], voltsPerSecond: 0.1), on: model)
    #expect(down.legs.count == 2 && down.voltageRange.name == "2V" && down.period == 10)
  }

  @Test func whatItCannotDoIsRefused() throws {
    var laboratory = try Laboratory.identified()
    let current = Current(picoamperes: 100_000_000)
    let volt = Voltage(millivolts: 1_000)
    let sweepOfNothing = Setpoint.Sweep(from: volt, to: [], rate: VoltageRate(count: 1), ownEnd: 0)
    let refused: [Setpoint] = [
      setpoint(.constantCurrent(current)), setpoint(.constantCurrentThenVoltage(current, volt)),
      setpoint(
        .demand(
          CurrentDemand(direction: .discharge, law: .power(Power(count: 1_000_000_000)), currentAtMost: current),
          from: current)),
      setpoint(
        .demand(
          CurrentDemand(direction: .discharge, law: .resistance(Resistance(count: 1_000_000)), currentAtMost: current),
          from: current)),
      setpoint(.constantVoltage(Voltage(millivolts: 9_800))), setpoint(.constantVoltage(volt), microamperes: 991),
      setpoint(.constantVoltage(volt), microamperes: 0), setpoint(.constantVoltage(volt), lower: 2_000, upper: 2_000),
      setpoint(.sweep(sweepOfNothing), until: [after(seconds: 1)]),
      sweep(from: 0, to: [1], voltsPerSecond: 0.6),
      setpoint(
        .sweep(Setpoint.Sweep(from: volt, to: [.zero], rate: VoltageRate(count: 3_600_000_000), ownEnd: 0))),
    ]
    for (number, setpoint) in refused.enumerated() {
      laboratory.forget()
      laboratory.written = ""
      laboratory.command(.begin(setpoint))
      #expect(laboratory.refusal?.code == .instrumentRefused && laboratory.written.isEmpty, "number \(number)")
    }
    laboratory.forget()
    laboratory.command(.begin(setpoint(.constantVoltage(volt))), channel: 1)
    #expect(laboratory.refusal?.code == .instrumentRefused)
    var unknown = RodeostatDriver()
    var outputs = DriverOutputs()
    unknown.handle(.command(channel: 0, .begin(setpoint(.openCircuit))), at: laboratory.now, into: &outputs)
    #expect(outputs.events.count == 1 && outputs.writes.isEmpty)
  }
}
