// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import InstrumentKit
import Quantities
import RodeostatEmulator
import Testing
import VirtualLab

@testable import RodeostatDriver

/// What goes wrong, and what the driver says of it.
@Suite struct FailureTests {
  /// In the middle of a hold.
  private static func holding() throws -> Laboratory {
    var laboratory = try Laboratory.identified(RodeostatBoard(current: .tenMilliAmp))
    laboratory.command(
      .begin(setpoint(.constantVoltage(Voltage(volts: laboratory.trueVoltage + 0.01)), microamperes: 9_000)))
    laboratory.run(seconds: 20) { $0.readings.count >= 10 }
    return laboratory
  }

  private static func failure(_ end: SetpointEnd?) -> FaultCode? {
    switch end {
    case .failed(let fault), .bound(let fault): fault.code
    case .cutOff, .leaseExpired, .requested, nil: nil
    }
  }

  @Test func muteFromTheBeginning() throws {
    var laboratory = Laboratory(RodeostatInstrument(cell: try Laboratory.cell()))
    laboratory.instrument.isMute = true
    laboratory.open()
    laboratory.run(seconds: 10)
    #expect(laboratory.identity == nil && laboratory.faults.contains(.linkTimeout) && laboratory.circuit == .unknown)
    laboratory.command(.begin(setpoint(.openCircuit)))
    #expect(laboratory.refusal?.code == .instrumentRefused)
    laboratory.instrument.isMute = false
    laboratory.run(seconds: 3)
    #expect(laboratory.identity != nil && laboratory.circuit == .openConfirmed)
  }

  /// The answer to `runTest` and the first samples are read together: those are no older than the question.
  @Test func aHostThatIsLateTakesASoundTestForOne() throws {
    var laboratory = try Laboratory.identified(RodeostatBoard(current: .tenMilliAmp))
    let voltage = Voltage(volts: laboratory.trueVoltage + 0.01)
    laboratory.command(.begin(setpoint(.constantVoltage(voltage), microamperes: 9_000)))
    laboratory.run(seconds: 5) { $0.written.contains("runTest") }
    laboratory.isHostLate = true
    laboratory.run(seconds: 0.45)
    laboratory.isHostLate = false
    laboratory.run(seconds: 20) { $0.readings.count >= 10 || $0.end != nil }
    #expect(laboratory.readings.count >= 10 && laboratory.end == nil && laboratory.faults.isEmpty)
    #expect(laboratory.driver.damagedMessages == 0)
  }

  @Test func muteWhileHolding() throws {
    var laboratory = try Self.holding()
    laboratory.instrument.isMute = true
    laboratory.run(seconds: 6)
    #expect(Set(laboratory.faults) == [.linkTimeout] && laboratory.circuit == .unknown && laboratory.end == nil)
    laboratory.instrument.isMute = false
    laboratory.run(seconds: 3)
    #expect(Self.failure(laboratory.end) == .linkTimeout && laboratory.circuit == .openConfirmed)
    #expect(laboratory.events.contains { if case .circuitMarkLost = $0 { true } else { false } })
  }

  /// A crashed processor holds the voltage for ever; it is never called open.
  @Test func aHungInstrumentIsNeverCalledOpen() throws {
    var laboratory = try Self.holding()
    laboratory.instrument.isHung = true
    laboratory.run(seconds: 120)
    #expect(laboratory.instrument.isClosed && laboratory.end == nil && laboratory.circuit == .unknown)
    #expect(laboratory.faults.allSatisfy { $0 == .linkTimeout } && laboratory.faults.count > 20)
    laboratory.instrument.powerCycle()
    laboratory.run(seconds: 3)
    #expect(laboratory.circuit == .openConfirmed && laboratory.end != nil)
  }

  @Test func aPowerCutEndsTheHold() throws {
    var laboratory = try Self.holding()
    laboratory.instrument.powerCycle()
    laboratory.run(seconds: 6)
    #expect(Self.failure(laboratory.end) == .instrumentError && laboratory.circuit == .openConfirmed)
    #expect(laboratory.events.contains { if case .circuitMarkLost = $0 { true } else { false } })
  }

  @Test func somebodyElseStopsTheTest() throws {
    var laboratory = try Self.holding()
    laboratory.instrument.receive(Array("{\"command\":\"stopTest\"}\n".utf8))
    laboratory.run(seconds: 2)
    #expect(Self.failure(laboratory.end) == .instrumentError && laboratory.circuit == .openConfirmed)
    #expect(!laboratory.instrument.isClosed)
  }

  /// A stop that is acknowledged and not carried out is found by asking each electrode.
  @Test func aStopThatIsNotFollowedIsNeverCalledOpen() throws {
    var laboratory = try Self.holding()
    laboratory.instrument.ignored = ["stopTest", "setAllElectConnected"]
    laboratory.command(.openCircuit)
    laboratory.run(seconds: 8)
    #expect(laboratory.end == nil && laboratory.circuit == .unknown)
    #expect(laboratory.faults.contains(.instrumentSetpointNotFollowed))
    laboratory.instrument.ignored = []
    laboratory.run(seconds: 3)
    #expect(laboratory.end == .requested && laboratory.circuit == .openConfirmed && !laboratory.instrument.isClosed)
  }

  /// Acknowledged and not carried out, or refused: nothing is closed.
  @Test(arguments: ["setCurrRange", "setSamplePeriod", "setParam", "setElectAutoConnect", "runTest"])
  func aRefusalRefusesTheSetpoint(command: String) throws {
    var laboratory = try Laboratory.identified()
    laboratory.instrument.refused = [command: "because"]
    let held = setpoint(.constantVoltage(Voltage(volts: laboratory.trueVoltage)), until: [after(seconds: 1)])
    laboratory.run(held, atMost: 10)
    #expect(laboratory.refusal?.code == .instrumentRefused && laboratory.circuit == .openConfirmed)
    #expect(laboratory.refusal?.detail == "to \(command) the instrument says: because")
    #expect(laboratory.trueCharge == 0)
    laboratory.instrument.refused = [:]
    laboratory.run(held, atMost: 10)
    #expect(laboratory.end == .cutOff(0))
  }

  @Test func aTestThatDoesNotBeginIsFound() throws {
    var laboratory = try Laboratory.identified()
    laboratory.instrument.ignored = ["runTest"]
    laboratory.run(setpoint(.constantVoltage(Voltage(volts: laboratory.trueVoltage))), atMost: 10)
    #expect(laboratory.end != nil || laboratory.refusal != nil)
    #expect(laboratory.readings.isEmpty && laboratory.circuit == .openConfirmed)
  }

  /// The instrument's samples carry the voltage that was asked for: only the measured one shows that it is not there.
  @Test func aVoltageThatIsNotKeptIsFound() throws {
    var laboratory = try Self.holding()
    laboratory.instrument.voltageError = 0.08
    laboratory.run(seconds: 3)
    #expect(Self.failure(laboratory.end) == .instrumentSetpointNotFollowed && laboratory.circuit == .openConfirmed)
    laboratory = try Self.holding()
    laboratory.instrument.voltageError = 0.01
    laboratory.run(seconds: 3)
    #expect(laboratory.end == nil, "what two converters may differ by")
  }

  /// At the end of a range the current is not known: the reading says so, and the bound is passed.
  @Test func theEndOfARangeIsABound() throws {
    var laboratory = try Laboratory.identified()
    laboratory.run(
      setpoint(.constantVoltage(Voltage(volts: laboratory.trueVoltage + 0.3)), microamperes: 90), atMost: 10)
    #expect(Self.failure(laboratory.end) == .instrumentBoundReached)
    let reading = try #require(laboratory.readings.last)
    #expect(reading.current == nil && reading.quality == .overload && reading.range == 3)
    print("overload", laboratory.trueCharge, laboratory.closed)
    #expect(laboratory.trueCharge.magnitude < 110e-6 * 0.3, "no more than the amplifier's end for one period")
  }

  /// Where the range ends before the bound, the reading says that nothing is known, and leaves it to who reads it.
  @Test func anOverloadBelowTheBoundIsToldOnly() throws {
    var laboratory = try Laboratory.identified()
    var wide = setpoint(.constantVoltage(Voltage(volts: laboratory.trueVoltage + 0.3)), microamperes: 90)
    wide.bounds.currentMagnitude = Current(amperes: 5e-4)
    laboratory.command(.begin(wide))
    laboratory.run(seconds: 2)
    #expect(laboratory.end == nil && laboratory.readings.count > 5)
    #expect(laboratory.readings.allSatisfy { $0.current == nil && $0.quality == .overload })
  }

  @Test func theBoundOfTheCurrentOpensTheCircuit() throws {
    var laboratory = try Laboratory.identified()
    var held = setpoint(.constantVoltage(Voltage(volts: laboratory.trueVoltage + 0.019)))
    held.bounds.currentMagnitude = Current(amperes: 30e-6)
    laboratory.run(held, atMost: 10)
    #expect(Self.failure(laboratory.end) == .instrumentBoundReached && laboratory.readings.count == 1)
    #expect(laboratory.readings[0].current.map { $0.magnitude > Current(amperes: 30e-6) } == true)
  }

  /// The longest time is the instrument's too: its test is no longer.
  @Test func theBoundOfTheTimeIsTheInstruments() throws {
    var laboratory = try Laboratory.identified()
    laboratory.command(
      .begin(setpoint(.constantVoltage(Voltage(volts: laboratory.trueVoltage)), seconds: 12, lease: 10)))
    laboratory.run(seconds: 11)
    laboratory.isCut = true
    laboratory.run(seconds: 1.2)
    #expect(!laboratory.instrument.isClosed)
  }

  @Test(arguments: [0.0, 0.002, 0.1, 2]) func aLossIsMadeSafeAtTheNextOpening(seconds: Double) throws {
    var laboratory = try Laboratory.identified()
    laboratory.command(.begin(setpoint(.constantVoltage(Voltage(volts: laboratory.trueVoltage + 0.01)))))
    laboratory.run(seconds: seconds)
    laboratory.lose()
    #expect(laboratory.events.last == .circuit(channel: 0, .unknown))
    laboratory.forget()
    laboratory.run(seconds: 0.5)
    try laboratory.introduce()
    #expect(!laboratory.instrument.isClosed && laboratory.circuit == .openConfirmed)
  }

  @Test func safeStopBytesNeedNoState() throws {
    for torn in ["", "{", "{\"command\":\"runTest\",\"test\":\"const"] {
      var laboratory = try Self.holding()
      laboratory.instrument.receive(Array("{\"command\":\"setElectAutoConnect\",\"autoConnect\":false}\n".utf8))
      laboratory.run(seconds: 0.01)
      laboratory.instrument.receive(Array(torn.utf8))
      laboratory.instrument.receive(RodeostatDriver.safeStopBytes)
      var output: [UInt8] = []
      _ = laboratory.instrument.run(until: laboratory.instrument.time + 0.1, output: &output, outputLimit: 10_000)
      #expect(!laboratory.instrument.isClosed && !laboratory.instrument.isTesting)
    }
  }

  /// The older hardware has no switches: what it holds it holds for ever, so no cell is trusted to it.
  @Test func hardwareWithoutSwitchesIsNotDriven() throws {
    let board = RodeostatBoard(processor: .teensy, hasSwitches: false)
    var laboratory = Laboratory(RodeostatInstrument(board: board, cell: try Laboratory.cell()))
    laboratory.open()
    laboratory.run(seconds: 3)
    #expect(laboratory.identity == nil && laboratory.faults == [.linkIdentity] && laboratory.circuit == .unknown)
    laboratory.command(.begin(setpoint(.openCircuit)))
    #expect(laboratory.refusal?.code == .instrumentRefused)
    laboratory.command(.openCircuit)
    laboratory.run(seconds: 3)
    #expect(laboratory.circuit == .unknown)
  }

  /// Answers that come half a second late belong to no later question.
  @Test func aLateAnswerIsNotTakenForTheNextOne() throws {
    var laboratory = try Self.holding()
    let count = laboratory.readings.count
    let time = try #require(laboratory.readings.last?.time)
    // One answer is withheld until the question was given up, and another one is open.
    laboratory.spoil = { bytes in String(decoding: bytes, as: UTF8.self).contains("getCurr") ? [] : bytes }
    laboratory.run(seconds: 0.35)
    laboratory.spoil = nil
    laboratory.receive(Array("{\"success\":true,\"response\":{\"command\":\"getCurr\",\"i\":-512.8205}}\r\n".utf8))
    laboratory.run(seconds: 2)
    #expect(laboratory.end == nil && laboratory.readings.count > count + 5)
    #expect(laboratory.readings.allSatisfy { $0.current.map { $0 > .zero } == true })
    #expect(laboratory.readings.last.map { $0.time > time } == true)
  }

  /// Each answer damaged in turn: it goes on, or it ends safely, and no reading is wrong.
  @Test(arguments: 0..<12) func oneDamagedLineIsSurvived(place: Int) throws {
    var laboratory = try Self.holding()
    let count = laboratory.heard.split(separator: "\r\n").count + place
    let seen = Counter(count: 0)
    let limit = count - laboratory.heard.split(separator: "\r\n").count
    laboratory.spoil = { bytes in
      seen.count += 1
      return seen.count == limit + 1 ? bytes.map { $0 == 0x22 ? 0x24 : $0 } : bytes
    }
    laboratory.run(seconds: 5)
    #expect(laboratory.end == nil && laboratory.readings.count > 20)
    #expect(laboratory.readings.allSatisfy { $0.current.map { $0 > .zero } == true && $0.quality.isEmpty })
  }

  /// Unchecked, and safe: only the test that made it counts with it, on the one thread on which host and instrument take turns.
  private final class Counter: @unchecked Sendable {
    var count: Int
    init(count: Int) { self.count = count }
  }
}
