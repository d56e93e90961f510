// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import InstrumentKit
import LineThermometerDriver
import LineThermometerEmulator
import Quantities
import Testing

@Suite struct LineThermometerDriverTests {
  @Test func itIsAskedUntilItSaysWhoItIs() {
    var conversation = ThermometerConversation()
    #expect(conversation.open().isEmpty && conversation.written == "?\n")
    // A microcontroller that the opening has reset says nothing for two seconds, and then perhaps noise.
    #expect(conversation.tick(after: 0.9).isEmpty && conversation.written == "")
    #expect(conversation.tick(after: 0.1).isEmpty && conversation.written == "?\n")
    #expect(conversation.receive("\u{0}ets Jun  8\n").isEmpty)
    let line = ThermometerConversation.line("THERMOMETER,nano,T-0042,1.2")
    let events = conversation.receive(line)
    guard case .identified(let identity)? = events.first else {
      Issue.record("\(events)")
      return
    }
    #expect(identity.family == "line_thermometer" && identity.model == "nano")
    #expect(identity.serial == "T-0042" && identity.firmware == "1.2")
    #expect(identity.capabilities.isObserver && identity.capabilities.observes == [.temperature])
    #expect(identity.capabilities.channels == 0 && identity.capabilities.kinds.isEmpty)
    // It says so again when it was switched on; that is no news.
    #expect(conversation.receive(line).isEmpty)
    let other = conversation.receive(ThermometerConversation.line("THERMOMETER,nano,T-0043,1.2"))
    #expect(other.faults == [.linkLost], "another instrument in the same place is not the one that was bound")
  }

  @Test(
    arguments: [
      ("60.125", 60_125), ("60", 60_000), ("-0.5", -500), ("0", 0), ("60.0625", 60_063), ("-60.0625", -60_063),
      ("21.9999999", nil), ("21.999999", 22_000), ("1234.5", nil), ("12345", nil), ("", nil), ("-", nil), ("60.", nil),
      (".5", nil), ("+60", nil), ("60,5", nil), ("6e1", nil), ("60 ", nil), (" 60", nil), ("nan", nil),
      ("0060.5", 60_500),
    ] as [(String, Int64?)])
  func aTemperatureIsReadExactly(text: String, millidegrees: Int64?) {
    var conversation = ThermometerConversation.identified()
    let events = conversation.say("T \(text)")
    #expect(events.temperatures == (millidegrees.map { [$0] } ?? []))
  }

  @Test func whatCameBeforeTheNameIsNobodys() {
    var conversation = ThermometerConversation()
    _ = conversation.open()
    #expect(conversation.say("T 60.1").isEmpty)
  }

  @Test func aLineThatLostSomethingIsIgnored() {
    var conversation = ThermometerConversation.identified()
    let whole = ThermometerConversation.line("T 60.125")
    for place in whole.indices.dropLast() {
      var damaged = whole
      damaged.remove(at: place)
      #expect(conversation.receive(damaged).temperatures.isEmpty, "\(damaged)")
    }
    #expect(conversation.driver.damagedMessages == whole.count - 1)
    #expect(conversation.receive(whole.replacing("60", with: "61")).temperatures.isEmpty)
    #expect(conversation.receive("T 60.125\n").temperatures.isEmpty, "a line without a checksum")
    #expect(conversation.receive(whole.lowercased()).temperatures.isEmpty)
    #expect(conversation.receive(whole).temperatures == [60_125])
  }

  @Test func damageIsToldOnceAMinute() {
    var conversation = ThermometerConversation.identified()
    #expect(conversation.receive("x\n").faults == [.linkGarbage])
    #expect(conversation.receive("x\n").isEmpty)
    #expect(conversation.tick(after: 9).isEmpty && conversation.say("T 20", after: 0).temperatures == [20_000])
    for _ in 0..<6 { _ = conversation.say("T 20", after: 9) }
    #expect(conversation.receive("x\n").faults == [.linkGarbage])
  }

  @Test func whatABrokenSensorSaysIsNoTemperature() {
    var conversation = ThermometerConversation.identified()
    #expect(conversation.say("T 60.1").temperatures == [60_100])
    for false_ in ["-127", "-127.00", "85", "85.00", "-200.1", "850.1"] {
      let events = conversation.say("T \(false_)")
      #expect(events.temperatures.isEmpty && events.faults == [.observerSensor], "\(false_): \(events)")
      #expect(conversation.say("T \(false_)").isEmpty, "a series is told once")
      #expect(conversation.say("T 60.1").temperatures == [60_100])
    }
    #expect(conversation.say("E disconnected").faults == [.observerSensor])
    #expect(conversation.say("E disconnected").isEmpty)
    #expect(conversation.say("T 60.1").temperatures == [60_100])
  }

  @Test func eightyFiveDegreesAreTrueOnTheWayThere() {
    var conversation = ThermometerConversation.identified()
    #expect(conversation.say("T 85").temperatures.isEmpty, "the first reading may be the power-on value")
    #expect(conversation.say("T 84.5").temperatures == [84_500])
    #expect(conversation.say("T 85").temperatures == [85_000])
    #expect(conversation.say("T 85").temperatures == [85_000])
    #expect(conversation.say("T 85", after: 9).temperatures == [85_000])
  }

  @Test func silenceEndsTheLink() {
    var conversation = ThermometerConversation.identified()
    #expect(conversation.say("T 60").temperatures == [60_000])
    #expect(conversation.tick(after: 9.9).isEmpty && conversation.written == "")
    #expect(conversation.tick(after: 0.1).isEmpty && conversation.written == "?\n")
    #expect(conversation.tick(after: 4.9).isEmpty)
    #expect(conversation.tick(after: 0.1).faults == [.linkTimeout])
    var stranger = ThermometerConversation()
    _ = stranger.open()
    for _ in 0..<14 { #expect(stranger.say("T 20").isEmpty) }
    #expect(stranger.tick(after: 1).faults == [.linkTimeout], "who never says who it is, is of no use")
  }

  @Test func itDrivesNothing() {
    var conversation = ThermometerConversation.identified()
    let setpoint = Setpoint(
      token: SetpointToken(run: 1, stepCount: 1), mode: .openCircuit, cutOffs: [],
      bounds: Bounds(
        lowerVoltage: .zero, upperVoltage: Voltage(millivolts: 1), currentMagnitude: .zero,
        duration: TimeSpan(seconds: 1)),
      readingInterval: TimeSpan(seconds: 1), rangeCurrent: .zero, lease: TimeSpan(seconds: 60))
    guard case .refused(_, let token, let fault)? = conversation.command(.begin(setpoint)).first else {
      Issue.record("a set-point was not refused")
      return
    }
    #expect(token == setpoint.token && fault.code == .instrumentRefused)
    #expect(conversation.command(.openCircuit) == [.circuit(channel: 0, .unknown)])
    #expect(LineThermometerDriver.safeStopBytes.isEmpty)
  }

  @Test func survivesASpoiledLine() {
    var conversation = ThermometerConversation()
    _ = conversation.open()
    _ = conversation.receive(ThermometerConversation.line("THERMOMETER,nano,T-0042,1.2"))
    for body in ["T 21.0", "T 21.5", "E disconnected", "T 60.125", "T 59.9375"] { _ = conversation.say(body) }
    let violations = DriverConformance.check(conversation.transcript("thermometer")) { LineThermometerDriver() }
    #expect(violations.isEmpty, "\(violations.prefix(5).map(\.description).joined(separator: "\n"))")
  }

  /// The two sides were written from one page and must agree on it.
  @Test func itUnderstandsTheEmulator() {
    var instrument = LineThermometerInstrument(
      serial: "NATHERM0001", chamber: Chamber(temperature: 20, target: 60, timeConstant: 10))
    var conversation = ThermometerConversation()
    _ = conversation.open()
    conversation.outputs.writes.withUnsafeBytes { instrument.receive($0) }
    var output: [UInt8] = []
    instrument.run(until: 0.05, output: &output)
    guard case .identified(let identity)? = conversation.receive(output).first else {
      Issue.record("not identified: \(String(decoding: output, as: UTF8.self))")
      return
    }
    #expect(identity.serial == "NATHERM0001")
    output.removeAll()
    instrument.run(until: 30.5, output: &output)
    let temperatures = conversation.receive(output).temperatures
    // 60 − 40·exp(−t/10) at each whole second.
    #expect(temperatures.count == 30)
    #expect(temperatures.first == 23_807 && temperatures[9] == 45_285 && temperatures.last == 58_009)
    instrument.hasSensor = false
    output.removeAll()
    instrument.run(until: 31.5, output: &output)
    #expect(conversation.receive(output).faults == [.observerSensor])
  }
}
