// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import InstrumentKit
import Quantities
import ReplayEmulator
import Testing

@testable import ReplayDriver

/// A rest, a charge to 3.9 V, the hold of that voltage, a rest of five seconds, a discharge: 10 s between rows.
let smallTest: String = {
  var text = "time_s,current_A,voltage_V,step_index\n"
  func row(_ time: Int, _ current: String, _ voltage: String, _ step: Int) {
    text += "\(time),\(current),\(voltage),\(step)\n"
  }
  for index in 0...6 { row(index * 10, "0", "3.0\(index)", 1) }
  for index in 0...9 { row(60 + index * 10, "0.001", "3.\(index)0", 2) }
  for (index, current) in ["1e-3", "8e-4", "6e-4", "4e-4", "2.0e-4", "1e-4"].enumerated() {
    row(150 + index * 10, current, "3.901", 3)
  }
  for index in 0...1 { row(200 + index * 5, "1e-9", "3.85", 4) }
  for index in 0...10 { row(205 + index * 10, "-0.0005", "3.\(80 - index * 5)", 5) }
  return text
}()

@Suite struct PlayingTests {
  private static func laboratory(_ pace: Laboratory.Pace = .real) throws -> Laboratory {
    var laboratory = try Laboratory(csv: smallTest, pace: pace)
    try laboratory.introduce()
    return laboratory
  }

  @Test func saysWhoItIs() throws {
    var laboratory = try Laboratory(csv: smallTest)
    laboratory.open()
    #expect(
      laboratory.written == "\nO*4F\n" && String(decoding: ReplayDriver.safeStopBytes, as: UTF8.self) == "\nO*4F\n")
    laboratory.run(seconds: 1)
    guard case .identified(let identity)? = laboratory.events.first else {
      Issue.record("\(laboratory.events)")
      return
    }
    #expect(identity.family == "replay" && identity.model == "test" && identity.firmware == "1")
    #expect(identity.serial == laboratory.player.recording.digest)
    #expect(identity.capabilities == ReplayDriver.capabilities(ofModel: "test"))
    #expect(laboratory.events.dropFirst() == [.circuit(channel: 0, .openConfirmed)])
  }

  @Test(arguments: [Laboratory.Pace.real, .greatest]) func playsAWholeTest(pace: Laboratory.Pace) throws {
    var laboratory = try Self.laboratory(pace)
    #expect(laboratory.play(looking()) == .cutOff(0))
    let looks = laboratory.readings
    #expect(looks.count == 11 && looks.allSatisfy { $0.voltage == Voltage(millivolts: 3_000) && $0.quality == .late })
    #expect(looks.map(\.time.seconds) == (0...10).map(Double.init))
    laboratory.events.removeAll()

    #expect(laboratory.play(resting(step: 2, after(60))) == .cutOff(0))
    #expect(
      laboratory.readings.count == 7 && laboratory.readings.allSatisfy { $0.current == .zero && $0.quality == [] })
    laboratory.events.removeAll()

    let charge = setpoint(
      .constantCurrentThenVoltage(Current(amperes: 0.001), Voltage(millivolts: 3_900)), [heldBelow(0.0001)], step: 3)
    #expect(laboratory.play(charge) == .cutOff(0))
    #expect(laboratory.readings.count == 16)
    let last = try #require(laboratory.readings.last)
    #expect(last.voltage == Voltage(millivolts: 3_901) && last.current == Current(picoamperes: 100_000_000))
    #expect(last.time.seconds == 140)
    // The current reaches 3.9 V with its last row, and there the recorded instrument went over to its next step.
    let borders = laboratory.events.filter {
      switch $0 {
      case .circuitClosed, .circuitOpened, .holdBegan: true
      default: false
      }
    }
    let ninety = TimeSpan(seconds: 90)
    #expect(
      borders == [
        .circuitClosed(channel: 0, at: .zero), .holdBegan(channel: 0, at: ninety),
        .circuitOpened(channel: 0, at: ninety), .circuitClosed(channel: 0, at: ninety),
        .circuitOpened(channel: 0, at: TimeSpan(seconds: 140)),
      ])
    // 1 mA for 90 s, and the trapezoid over what falls from 1 mA to 0.1 mA in steps of 10 s.
    #expect(abs(laboratory.ledger.coulombs - (0.09 + 0.0255)) < 1e-12)
    laboratory.events.removeAll()

    // The rest of five seconds is shorter than a check of the open circuit; it is passed over, and told.
    #expect(laboratory.play(charging(-0.0005, step: 4, below(3.3))) == .cutOff(0))
    #expect(laboratory.readings.count == 11)
    #expect(laboratory.faults.map(\.code) == [.runGap])
    #expect(laboratory.faults.first?.detail.hasPrefix("2 recorded readings before stretch 5 were passed over") == true)

    #expect(laboratory.play(resting(step: 5, after(60))) == nil)
    let words = "the recording is over after 5 stretches and 36 readings; switch the player off and on to begin anew"
    #expect(laboratory.refusal == Fault(.instrumentRefused, words))
  }

  @Test func refusesWhatWasNotRecordedAndSaysWhatWas() throws {
    var laboratory = try Self.laboratory()
    let rest = "stretch 1 of 5 (line 2): rest for 60 s from 3 V to 3.06 V"
    for (wanted, words) in [
      (charging(0.001), "a charge with a constant 1 mA"), (charging(-2), "a discharge with a constant 2 A"),
      (setpoint(.constantVoltage(Voltage(millivolts: 3_900))), "a held voltage"),
      (
        setpoint(.constantCurrentThenVoltage(Current(amperes: 0.001), Voltage(millivolts: 3_900))),
        "a charge to a voltage that is then held"
      ),
    ] {
      #expect(laboratory.play(wanted) == nil)
      #expect(laboratory.refusal?.code == .instrumentRefused)
      #expect(laboratory.refusal?.detail == "asked for \(words), but the recording goes on with \(rest)")
    }
    #expect(laboratory.play(resting(step: 2, after(60))) == .cutOff(0))
    let charge = "stretch 2 of 5 (line 9): charge at 1 mA on average for 90 s from 3 V to 3.9 V"
    for wanted in [
      resting(step: 3, after(60)), charging(-0.001, step: 3), charging(0.0001, step: 3), charging(0.0021, step: 3),
    ] {
      #expect(laboratory.play(wanted) == nil)
      #expect(laboratory.refusal?.detail.hasSuffix("but the recording goes on with \(charge)") == true)
    }
    #expect(laboratory.play(charging(0.0014, step: 4, above(3.9))) == .cutOff(0), "not so far from what was recorded")
  }

  @Test func refusesWhatNoRecordingHolds() throws {
    var laboratory = try Self.laboratory()
    let sweep = Setpoint.Sweep(
      from: .zero, to: [Voltage(millivolts: 100)], rate: VoltageRate(count: 1_000_000), ownEnd: 0)
    laboratory.command(.begin(setpoint(.sweep(sweep))))
    #expect(laboratory.refusal?.detail.contains("as nothing else") == true)
    laboratory.command(.begin(charging(0)))
    #expect(laboratory.refusal?.detail == "a current of zero has no direction")
    laboratory.command(.begin(charging(1)), channel: 1)
    #expect(laboratory.refusal?.detail == "a player has one channel, with the number 0")
    laboratory.command(.begin(resting(after(60))))
    laboratory.command(.begin(resting(step: 2, after(60))))
    #expect(laboratory.refusal?.detail.hasPrefix("the player is not ready") == true)
  }

  /// A pause: the host stops in the middle, looks, and goes on with the next row; nothing is lost or played twice.
  @Test func goesOnWhereItWasStopped() throws {
    var laboratory = try Self.laboratory()
    laboratory.play(resting(after(60)))
    laboratory.events.removeAll()
    laboratory.command(.begin(charging(0.001, step: 2, above(3.9))))
    laboratory.run(seconds: 100) { $0.readings.count >= 4 }
    laboratory.command(.openCircuit)
    laboratory.run(seconds: 100) { $0.driver.active == nil }
    #expect(laboratory.end(of: SetpointToken(run: 7, stepCount: 2)) == .requested)
    #expect(laboratory.readings.count == 4)
    #expect(laboratory.events.contains(.circuitOpened(channel: 0, at: TimeSpan(seconds: 30))))
    laboratory.events.removeAll()

    #expect(laboratory.play(looking(step: 3)) == .cutOff(0))
    #expect(laboratory.readings.allSatisfy { $0.voltage == Voltage(millivolts: 3_300) }, "where the recording stands")
    laboratory.events.removeAll()
    #expect(laboratory.play(charging(0.001, step: 4, above(3.9))) == .cutOff(0))
    #expect(laboratory.readings.count == 6)
    #expect(laboratory.readings.first?.time.seconds == 10, "counted from the last reading before")
    #expect(abs(laboratory.ledger.coulombs - 0.09) < 1e-12)
    #expect(laboratory.faults.isEmpty)
  }

  /// At greatest speed hundreds of readings are on their way when the host speaks. The recording goes on behind the
  /// last one that the host took, so also there nothing is lost.
  @Test func whatIsOnItsWayComesAgain() throws {
    var text = "time_s,current_A,voltage_V\n"
    for index in 0..<5_000 { text += "\(index * 7),0.001,\(2.0 + Double(index) / 5_000)\n" }
    var laboratory = try Laboratory(csv: text, pace: .greatest)
    try laboratory.introduce()
    var all: [Reading] = []
    for step in 1..<100 {
      let asked = charging(0.001, step: Int32(step), above(2.9998))
      laboratory.command(.begin(asked))
      laboratory.run(seconds: 1e6) { $0.readings.count >= 100 || $0.driver.active == nil }
      laboratory.command(.openCircuit)
      laboratory.run(seconds: 100) { $0.driver.active == nil }
      all += laboratory.readings
      if laboratory.end(of: asked.token) == .cutOff(0) { break }
      #expect(laboratory.end(of: asked.token) == .requested)
      laboratory.events.removeAll()
    }
    #expect(all.map(\.voltage) == (0..<5_000).map { Voltage(nanovolts: 2_000_000_000 + $0 * 200_000) })
    #expect(abs(laboratory.ledger.coulombs - 4_999 * 7 * 0.001) < 1e-9)
  }

  /// A protocol with another end than the recorded one: what it leaves is passed over, and told.
  @Test(arguments: [Laboratory.Pace.real, .greatest]) func whatAHostLeavesIsPassedOver(pace: Laboratory.Pace) throws {
    var laboratory = try Self.laboratory(pace)
    laboratory.play(resting(after(60)))
    laboratory.events.removeAll()
    // Met at 3.3 V; the second reading in a row is the last that it takes.
    #expect(laboratory.play(charging(0.001, step: 2, above(3.3))) == .cutOff(0))
    #expect(laboratory.readings.map(\.voltage) == (0...4).map { Voltage(millivolts: 3_000 + $0 * 100) })
    #expect(laboratory.events.contains(.circuitOpened(channel: 0, at: TimeSpan(seconds: 40))))
    laboratory.events.removeAll()
    let hold = setpoint(.constantVoltage(Voltage(millivolts: 3_900)), [heldBelow(0.0001)], step: 3)
    #expect(laboratory.play(hold) == .cutOff(0))
    #expect(laboratory.events.contains(.holdBegan(channel: 0, at: .zero)))
    #expect(laboratory.readings.count == 6)
    #expect(
      laboratory.faults.map(\.detail) == ["5 recorded readings before stretch 3 were passed over for the set-point"])
  }

  /// A time that is met ends a set-point before the next reading, however far away that is.
  @Test func aTimeEndsWhereItIsMet() throws {
    var laboratory = try Self.laboratory()
    #expect(laboratory.play(setpoint(.openCircuit, [after(25)], seconds: 35)) == .cutOff(0))
    #expect(laboratory.readings.map(\.time.seconds) == [0, 10, 20, 30])
  }

  /// An end of its own, which the instrument cannot judge, is the host's to say: it is waited for.
  @Test func theHostsOwnEndIsWaitedFor() throws {
    var laboratory = try Self.laboratory()
    laboratory.play(resting(after(60)))
    laboratory.events.removeAll()
    laboratory.command(.begin(charging(0.001, step: 2)))
    laboratory.run(seconds: 200) { if case .awaitingHost = $0.driver.stage { true } else { false } }
    #expect(laboratory.end(of: SetpointToken(run: 7, stepCount: 2)) == nil)
    #expect(laboratory.events.contains(.circuit(channel: 0, .openConfirmed)))
    laboratory.command(.openCircuit)
    #expect(laboratory.end(of: SetpointToken(run: 7, stepCount: 2)) == .requested)
    let hold = setpoint(.constantVoltage(Voltage(millivolts: 3_900)), [heldBelow(0.0001)], step: 3)
    #expect(laboratory.play(hold) == .cutOff(0), "the next stretch, and nothing passed over")
    #expect(laboratory.faults.isEmpty)
  }

  @Test func withoutAnEndItFails() throws {
    var laboratory = try Self.laboratory()
    laboratory.play(resting(after(60)))
    guard case .failed(let fault)? = laboratory.play(charging(0.001, step: 2)) else {
      Issue.record("\(laboratory.events)")
      return
    }
    #expect(fault.detail.contains("stretch 2 of the recording ended after"), "\(fault.detail)")
    #expect(fault.detail.contains("no cut-off that this could be"))
  }

  /// As good as met: five millivolts, or as far as the voltage moved from one reading to the next.
  @Test(arguments: [(3.9, true), (3.99, true), (4.01, false)])
  func aCutOffHasToBeNearTheRecordedEnd(volts: Double, isNear: Bool) throws {
    var laboratory = try Self.laboratory(.greatest)
    laboratory.play(resting(after(60)))
    let end = laboratory.play(charging(0.001, step: 2, above(volts)))
    #expect((end == .cutOff(0)) == isNear, "\(String(describing: end))")
  }

  @Test(arguments: [(3.55, 6.0), (-5, 0.0007)]) func boundsAreJudgedAtEachReading(bound: (Double, Double)) throws {
    var laboratory = try Self.laboratory(.greatest)
    laboratory.play(resting(after(60)))
    laboratory.events.removeAll()
    let isVoltage = bound.0 > 0
    let asked = setpoint(
      .constantCurrent(Current(amperes: 0.001)), [above(3.9)], upper: isVoltage ? bound.0 : 6,
      most: isVoltage ? 10 : bound.1, step: 2)
    guard case .bound(let fault)? = laboratory.play(asked) else {
      Issue.record("\(laboratory.events)")
      return
    }
    #expect(fault.code == .instrumentBoundReached)
    #expect(laboratory.readings.count == (isVoltage ? 7 : 1), "the first reading beyond it is the last")
    #expect(!laboratory.player.isPlaying)
  }

  @Test func aRestMayBeShorterThanAsked() throws {
    var laboratory = try Self.laboratory(.greatest)
    #expect(laboratory.play(resting(after(3_600))) == .cutOff(0))
    #expect(laboratory.faults.map(\.code) == [.runGap])
  }
}
