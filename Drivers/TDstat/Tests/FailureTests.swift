// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import InstrumentKit
import Quantities
import TDstatEmulator
import Testing
import VirtualLab

@testable import TDstatDriver

/// What goes wrong, and what the driver says of it.
@Suite struct FailureTests {
  /// In the middle of a current.
  private static func driven(_ current: Double = 1_000) throws -> Laboratory {
    var laboratory = try Laboratory.identified()
    laboratory.command(.begin(setpoint(.constantCurrent(microamperes(current)), every: 100)))
    laboratory.run(seconds: 20) { $0.readings.count >= 10 }
    laboratory.forget()
    return laboratory
  }

  /// In the middle of a hold, some millivolts above where the cell stands.
  private static func holding() throws -> Laboratory {
    var laboratory = try Laboratory.identified()
    laboratory.command(.begin(setpoint(.constantVoltage(volts(laboratory.trueVoltage + 0.03)), every: 100)))
    laboratory.run(seconds: 20) { $0.readings.count >= 10 }
    laboratory.forget()
    return laboratory
  }

  // MARK: Mute

  @Test func muteFromTheBeginning() throws {
    var laboratory = Laboratory(TDstatInstrument(cell: try Laboratory.cell()))
    laboratory.instrument.isMute = true
    laboratory.open()
    laboratory.run(seconds: 10)
    #expect(laboratory.identity == nil && laboratory.faults == [.linkTimeout] && laboratory.circuit == .unknown)
    #expect(laboratory.words.allSatisfy { $0 == "CELL OFF" } && laboratory.words.count > 20)
    laboratory.command(.begin(setpoint(.openCircuit)))
    #expect(laboratory.refusal?.code == .instrumentRefused)
    laboratory.instrument.isMute = false
    laboratory.run(seconds: 3)
    #expect(laboratory.identity != nil && laboratory.circuit == .openConfirmed)
  }

  @Test func muteWhileDriven() throws {
    var laboratory = try Self.driven()
    let before = laboratory.trueCharge
    laboratory.instrument.isMute = true
    laboratory.run(seconds: 6)
    #expect(laboratory.faults == [.linkTimeout] && laboratory.circuit == .unknown && laboratory.end == nil)
    // Nothing on the instrument ends it.
    #expect(laboratory.instrument.isClosed && abs(laboratory.trueCharge - before - 6e-3) < 1e-4)
    laboratory.instrument.isMute = false
    laboratory.run(seconds: 3)
    #expect(laboratory.end?.fault?.code == .linkTimeout && laboratory.circuit == .openConfirmed)
    #expect(laboratory.hasLostMark && !laboratory.instrument.isClosed)
  }

  /// How long a silence is before it is one.
  @Test func aSilenceIsNoticedWithinASecond() throws {
    var laboratory = try Self.driven()
    laboratory.instrument.isMute = true
    let from = laboratory.instrument.time
    laboratory.run(seconds: 6) { $0.circuit == .unknown }
    #expect(laboratory.instrument.time - from < 1.1)
  }

  @Test func oneLostAnswerIsSurvived() throws {
    for held in [false, true] {
      var laboratory = held ? try Self.holding() : try Self.driven()
      laboratory.spoil = { _ in [] }
      laboratory.run(seconds: 0.11)
      laboratory.spoil = nil
      laboratory.run(seconds: 3)
      #expect(laboratory.end == nil && laboratory.faults.isEmpty && laboratory.readings.count > 20)
      #expect(laboratory.readings.allSatisfy { $0.quality.isEmpty && ($0.current ?? .zero) > .zero })
    }
  }

  /// Answers that are out of step with the questions: the moment of a conversion is not known any more.
  @Test func anAcknowledgementInPlaceOfAConversionEndsTheSetpoint() throws {
    var laboratory = try Self.driven()
    laboratory.spoil = { $0.count == 6 ? Array("OK".utf8) : $0 }
    laboratory.run(seconds: 0.11)
    laboratory.spoil = nil
    laboratory.run(seconds: 1)
    #expect(laboratory.end?.fault?.code == .linkGarbage && laboratory.circuit == .openConfirmed)
    #expect(!laboratory.instrument.isClosed)
    // Nor between two questions, and no conversion in the place of an acknowledgement.
    laboratory = try Self.driven()
    laboratory.receive(Array("OK".utf8))
    laboratory.run(seconds: 1)
    #expect(laboratory.end?.fault?.code == .linkGarbage && laboratory.circuit == .openConfirmed)
    laboratory = try Laboratory.identified()
    laboratory.command(.begin(setpoint(.constantCurrent(microamperes(500)))))
    laboratory.spoil = { $0 == Array("OK".utf8) ? [0, 0, 1, 0, 0, 1] : $0 }
    laboratory.run(seconds: 3) { $0.words.last == "CELL ON" }
    laboratory.spoil = nil
    laboratory.run(seconds: 1)
    #expect(
      laboratory.refusal?.code == .linkTimeout && !laboratory.words.contains("CELL ON"), "in the arming it is a miss")
    laboratory.forget()
    laboratory.command(.begin(setpoint(.constantCurrent(microamperes(500)))))
    laboratory.run(seconds: 3) { $0.words.last == "CELL ON" }
    laboratory.spoil = { $0 == Array("OK".utf8) ? [0, 0, 1, 0, 0, 1] : $0 }
    laboratory.run(seconds: 0.002)
    laboratory.spoil = nil
    laboratory.run(seconds: 1)
    #expect(laboratory.end?.fault?.code == .linkGarbage && laboratory.circuit == .openConfirmed)
  }

  @Test func aPowerCutEndsACurrentWithinTwoReadings() throws {
    var laboratory = try Self.driven()
    laboratory.instrument.powerCycle()
    laboratory.run(seconds: 3)
    #expect(laboratory.end?.fault?.code == .instrumentSetpointNotFollowed && laboratory.circuit == .openConfirmed)
    #expect(laboratory.readings.count <= 3)
  }

  // MARK: Refusals

  @Test(arguments: ["RANGE", "DACSET", "GALVANOSTATIC", "ADCREAD"]) func aRefusalRefusesTheSetpoint(word: String) throws
  {
    var laboratory = try Laboratory.identified()
    let before = laboratory.trueCharge
    laboratory.instrument.unknown = [word]
    laboratory.forget()
    laboratory.command(.begin(setpoint(.constantCurrent(microamperes(500)))))
    laboratory.run(seconds: 3)
    if word == "ADCREAD" {
      // Without a conversion nobody can say that nothing flows.
      #expect(laboratory.refusal == nil && laboratory.circuit == .unknown && !laboratory.words.contains("CELL ON"))
    }
    laboratory.instrument.unknown = []
    laboratory.run(seconds: 3)
    #expect(laboratory.refusal?.code == .instrumentRefused && laboratory.circuit == .openConfirmed)
    #expect(laboratory.refusal?.detail.contains("`?` to `\(word)") == true)
    #expect(laboratory.trueCharge == before && laboratory.end == nil)
    laboratory.run(setpoint(.constantCurrent(microamperes(500)), until: [after(seconds: 1)]), atMost: 5)
    #expect(laboratory.end == .cutOff(0))
  }

  @Test func aRefusalToConnectEndsTheSetpoint() throws {
    var laboratory = try Laboratory.identified()
    laboratory.instrument.unknown = ["CELL ON"]
    laboratory.run(setpoint(.constantCurrent(microamperes(500))), atMost: 5)
    #expect(laboratory.end?.fault?.code == .instrumentRefused && laboratory.circuit == .openConfirmed)
    #expect(laboratory.closed.count == 1 && laboratory.measuredCharge == 0)
  }

  @Test func whoDoesNotKnowTheCommandsIsNobody() throws {
    for word in ["CELL OFF", "OFFSETREAD", "DACCALGET", "SHUNTCALREAD", "RANGE"] {
      var laboratory = Laboratory(TDstatInstrument(cell: try Laboratory.cell()))
      laboratory.instrument.unknown = [word]
      laboratory.open()
      laboratory.run(seconds: 3)
      #expect(laboratory.identity == nil && laboratory.faults == [.linkIdentity] && laboratory.circuit == .unknown)
      laboratory.command(.begin(setpoint(.openCircuit)))
      #expect(laboratory.refusal?.code == .instrumentRefused)
    }
  }

  @Test func whatAnotherHostLeftHalfSaidIsNoRefusal() throws {
    var laboratory = try Laboratory.identified()
    laboratory.command(.begin(setpoint(.constantCurrent(microamperes(500)))))
    laboratory.run(seconds: 5) { $0.instrument.isClosed }
    laboratory.lose()
    laboratory.forget()
    // Two commands in one packet are none, and are answered so when the first of this host is.
    Array("ADCREADCELL OFF".utf8).withUnsafeBytes { laboratory.instrument.receive($0) }
    laboratory.open()
    laboratory.run(seconds: 5) { $0.identity != nil }
    #expect(laboratory.identity != nil && laboratory.circuit == .openConfirmed && laboratory.faults.isEmpty)
    #expect(!laboratory.instrument.isClosed)
  }

  // MARK: Acknowledged and not done

  @Test(arguments: ["CELL ON", "DACSET"]) func aCurrentThatDoesNotFlowIsFoundByTheSecondReading(word: String) throws {
    var laboratory = try Laboratory.identified()
    laboratory.instrument.ignored = [word]
    laboratory.run(setpoint(.constantCurrent(microamperes(500)), every: 50), atMost: 5)
    #expect(laboratory.end?.fault?.code == .instrumentSetpointNotFollowed && laboratory.circuit == .openConfirmed)
    #expect(laboratory.readings.count == 2)
    #expect(try #require(laboratory.closed.first).upperBound < 0.3)
  }

  /// A potentiostat that should be a galvanostat holds some millivolts: it pulls what it can, and is stopped at its bound.
  @Test func aModeThatIsNotTakenIsFound() throws {
    var laboratory = try Laboratory.identified()
    laboratory.instrument.ignored = ["GALVANOSTATIC"]
    laboratory.run(setpoint(.constantCurrent(microamperes(-500)), every: 50), atMost: 5)
    #expect(laboratory.end?.fault?.code == .instrumentBoundReached && laboratory.circuit == .openConfirmed)
    #expect(laboratory.readings.count == 1 && laboratory.closed[0].upperBound < 0.12)
  }

  @Test(arguments: ["CELL ON", "DACSET"]) func aVoltageThatIsNotHeldIsFoundByTheSecondReading(word: String) throws {
    var laboratory = try Laboratory.identified()
    // What the last set-point left: with the output as it was, a potentiostat would hold its zero.
    laboratory.instrument.ignored = [word]
    let target = laboratory.trueVoltage + 0.019
    laboratory.run(setpoint(.constantVoltage(volts(target)), range: 20_000, every: 50), atMost: 5)
    #expect(laboratory.end?.fault?.code == .instrumentSetpointNotFollowed && laboratory.circuit == .openConfirmed)
    #expect(laboratory.readings.count == 2)
  }

  /// A stop that is acknowledged and not carried out is found by the current, and never called open.
  @Test func aStopThatIsNotFollowedIsNeverCalledOpen() throws {
    for held in [false, true] {
      var laboratory = held ? try Self.holding() : try Self.driven()
      laboratory.instrument.ignored = ["CELL OFF"]
      laboratory.command(.openCircuit)
      let before = laboratory.trueCharge
      laboratory.run(seconds: 8)
      #expect(laboratory.end == nil && laboratory.circuit == .unknown)
      #expect(laboratory.faults == [.instrumentSetpointNotFollowed] && laboratory.instrument.isClosed)
      // A galvanostat was told to keep nothing, but for a tenth of a second in each second and at the beginning.
      if !held { #expect(abs(laboratory.trueCharge - before) < 2e-3) }
      laboratory.instrument.ignored = []
      laboratory.run(seconds: 3)
      #expect(laboratory.end == .requested && laboratory.circuit == .openConfirmed && !laboratory.instrument.isClosed)
      #expect(laboratory.hasLostMark)
    }
  }

  /// A silence in between changes nothing: a current of nothing proves no open circuit where nothing was asked for.
  @Test func aStopThatIsNotFollowedIsNotForgottenInASilence() throws {
    var laboratory = try Self.driven()
    laboratory.instrument.ignored = ["CELL OFF"]
    laboratory.command(.openCircuit)
    for moment in 0..<12 {
      laboratory.run(seconds: 1 + Double(moment) * 0.09)
      laboratory.instrument.isMute = true
      laboratory.run(seconds: 2)
      laboratory.instrument.isMute = false
      laboratory.run(seconds: 1)
      #expect(laboratory.instrument.isClosed && laboratory.end == nil && laboratory.circuit == .unknown)
    }
    laboratory.instrument.ignored = []
    laboratory.run(seconds: 3)
    #expect(laboratory.end == .requested && laboratory.circuit == .openConfirmed && !laboratory.instrument.isClosed)
  }

  /// Before the mode is changed the cell has to be disconnected: where it is not, nothing is changed.
  @Test func aHandOverWithoutAnOpenCircuitDoesNotHappen() throws {
    var laboratory = try Laboratory.identified()
    laboratory.command(
      .begin(
        setpoint(.constantCurrentThenVoltage(microamperes(1_000), volts(laboratory.trueVoltage + 0.1)), every: 100)))
    laboratory.run(seconds: 1)
    laboratory.instrument.ignored = ["CELL OFF"]
    laboratory.run(seconds: 3_000) { $0.circuit == .unknown }
    laboratory.run(seconds: 2)
    #expect(laboratory.circuit == .unknown && !laboratory.words.contains("POTENTIOSTATIC"))
    laboratory.instrument.ignored = []
    laboratory.run(seconds: 3)
    #expect(laboratory.end?.fault?.code == .instrumentSetpointNotFollowed && laboratory.circuit == .openConfirmed)
    #expect(laboratory.holdBeganAt == nil)
  }

  /// A relay that does not open is found at the next opening of the port.
  @Test func aConnectedCellIsFoundAtTheOpening() throws {
    var laboratory = try Self.driven()
    laboratory.lose()
    #expect(laboratory.circuit == .unknown)
    laboratory.instrument.ignored = ["CELL OFF"]
    laboratory.forget()
    laboratory.open()
    laboratory.run(seconds: 3)
    #expect(laboratory.identity == nil && laboratory.circuit == .unknown)
    #expect(laboratory.faults == [.instrumentSetpointNotFollowed])
    laboratory.instrument.ignored = []
    laboratory.run(seconds: 3)
    #expect(laboratory.identity != nil && laboratory.circuit == .openConfirmed && !laboratory.instrument.isClosed)
  }

  // MARK: Ends of ranges

  @Test func aCurrentBeyondTheRangeIsTheBound() throws {
    var laboratory = try Laboratory.identified()
    laboratory.run(
      setpoint(
        .constantVoltage(volts(laboratory.trueVoltage + 0.2)), range: 150, atMost: 200, every: 50), atMost: 10)
    #expect(laboratory.end?.fault?.code == .instrumentBoundReached && laboratory.circuit == .openConfirmed)
    let reading = try #require(laboratory.readings.last)
    #expect(laboratory.readings.count == 1 && reading.current == nil && reading.quality == .overload)
    #expect(laboratory.closed[0].upperBound < 0.12)
  }

  @Test func aCurrentBeyondTheRangeAndBelowTheBoundIsAnOverload() throws {
    var laboratory = try Laboratory.identified()
    laboratory.run(
      setpoint(.constantVoltage(volts(laboratory.trueVoltage + 0.2)), range: 150, atMost: 5_000, every: 50), atMost: 10)
    #expect(laboratory.end?.fault?.code == .instrumentOverload && laboratory.circuit == .openConfirmed)
    #expect(laboratory.readings.count == 1 && laboratory.readings[0].quality == .overload)
  }

  @Test func aSenseLeadThatFallsOffOpensTheCircuit() throws {
    for held in [false, true] {
      var laboratory = held ? try Self.holding() : try Self.driven()
      laboratory.instrument.hasSenseLeadOff = true
      laboratory.run(seconds: 3)
      #expect(laboratory.circuit == .openConfirmed && !laboratory.instrument.isClosed)
      #expect(laboratory.end?.fault.map { [.instrumentOverload, .instrumentBoundReached].contains($0.code) } == true)
      // At rest it is told, and nothing is driven.
      laboratory.run(setpoint(.openCircuit, until: [after(seconds: 0.5)], every: 100), atMost: 5)
      #expect(laboratory.readings.allSatisfy { $0.voltage == nil && $0.quality == .overload })
      laboratory.run(setpoint(.constantCurrent(microamperes(100))), atMost: 5)
      #expect(laboratory.refusal?.code == .instrumentNoReading && laboratory.circuit == .openConfirmed)
    }
  }

  @Test func aBoundOfTheCurrentOpensTheCircuit() throws {
    var laboratory = try Laboratory.identified()
    laboratory.run(
      setpoint(.constantVoltage(volts(laboratory.trueVoltage + 0.05)), atMost: 100, every: 10_000), atMost: 10)
    #expect(laboratory.end?.fault?.code == .instrumentBoundReached && laboratory.readings.count == 1)
    #expect(laboratory.closed[0].upperBound < 0.12)
  }

  @Test func theLongestTimeIsKept() throws {
    var laboratory = try Laboratory.identified()
    laboratory.run(setpoint(.constantCurrent(microamperes(100)), every: 5_000, seconds: 12), atMost: 30)
    #expect(laboratory.end?.fault?.code == .instrumentBoundReached)
    #expect(laboratory.closed[0].upperBound < 12.12)
  }

  @Test func convertersThatNeverEndAreAFault() throws {
    var laboratory = try Self.driven()
    laboratory.instrument.hasStuckConverters = true
    laboratory.run(seconds: 1.5)
    #expect(!laboratory.instrument.isClosed, "it was disconnected, which nobody can confirm")
    laboratory.run(seconds: 3)
    #expect(laboratory.end == nil && laboratory.circuit == .unknown)
    laboratory.instrument.hasStuckConverters = false
    laboratory.run(seconds: 3)
    #expect(laboratory.end?.fault?.code == .instrumentNoReading && laboratory.circuit == .openConfirmed)
  }

  // MARK: Stops

  /// A stop at every moment of every kind of set-point ends it with an open circuit, and the charge is known.
  @Test(arguments: ["rest", "current", "hold", "both"]) func aStopAtEveryMoment(kind: String) throws {
    let cell = try Laboratory.cell(charged: -0.5)
    for moment in stride(from: 0.0, through: 1.1, by: 0.007) {
      var laboratory = try Laboratory.identified(cell: cell)
      let stands = laboratory.trueVoltage
      let mode: Setpoint.Mode =
        switch kind {
        case "rest": .openCircuit
        case "current": .constantCurrent(microamperes(1_000))
        case "hold": .constantVoltage(volts(stands + 0.015))
        // Reached at once, so that the hand-over falls into this time.
        default: .constantCurrentThenVoltage(microamperes(1_000), volts(stands + 0.01))
        }
      laboratory.forget()
      laboratory.command(.begin(setpoint(mode, every: 50)))
      laboratory.run(seconds: moment)
      let before = laboratory.trueCharge
      laboratory.command(.openCircuit)
      laboratory.run(seconds: 0.06)
      #expect(!laboratory.instrument.isClosed, "\(kind) after \(moment) s")
      #expect(abs(laboratory.trueCharge - before) < 1e-3 * 0.02, "\(kind) after \(moment) s")
      laboratory.run(seconds: 2)
      #expect(laboratory.end == .requested && laboratory.circuit == .openConfirmed, "\(kind) after \(moment) s")
      #expect(laboratory.closed.count <= 2 && laboratory.faults.isEmpty)
    }
  }

  /// A stop does not wait for the answer to something else, and when its own is lost its moment is not known.
  @Test func aStopWaitsForNobody() throws {
    var laboratory = try Self.driven()
    laboratory.spoil = { _ in [] }
    laboratory.run(seconds: 1) { $0.words.last == "ADCREAD" }
    laboratory.run(seconds: 0.01)
    laboratory.command(.openCircuit)
    #expect(laboratory.instrument.isClosed && laboratory.words.last == "ADCREAD")
    laboratory.run(seconds: 0.06)
    #expect(!laboratory.instrument.isClosed && laboratory.words.last == "CELL OFF")
    laboratory.spoil = nil
    laboratory.run(seconds: 2)
    #expect(laboratory.end == .requested && laboratory.circuit == .openConfirmed && laboratory.faults.isEmpty)
    #expect(laboratory.hasLostMark)
    laboratory = try Self.driven()
    laboratory.command(.openCircuit)
    laboratory.run(seconds: 2)
    #expect(laboratory.end == .requested && !laboratory.hasLostMark)
  }

  /// The bytes for a stop need no state, in every state; after a packet that was cut off, too.
  @Test func safeStopBytesNeedNoState() throws {
    for kind in ["current", "hold", "both"] {
      for moment in stride(from: 0.0, through: 0.9, by: 0.011) {
        for torn in ["", "CELL ", "DACSET 12"] {
          var laboratory = try Laboratory.identified()
          let stands = volts(laboratory.trueVoltage)
          let mode: Setpoint.Mode =
            switch kind {
            case "current": .constantCurrent(microamperes(1_000))
            case "hold": .constantVoltage(stands)
            default: .constantCurrentThenVoltage(microamperes(1_000), stands + Voltage(millivolts: 10))
            }
          laboratory.command(.begin(setpoint(mode, every: 50)))
          laboratory.run(seconds: moment)
          Array(torn.utf8).withUnsafeBytes { laboratory.instrument.receive($0) }
          TDstatDriver.safeStopBytes.withUnsafeBytes { laboratory.instrument.receive($0) }
          var output: [UInt8] = []
          _ = laboratory.instrument.run(until: laboratory.instrument.time + 0.1, output: &output, outputLimit: .max)
          #expect(!laboratory.instrument.isClosed, "\(kind) after \(moment) s, behind \(torn)")
        }
      }
    }
  }

  @Test(arguments: [0.0, 0.002, 0.1, 0.25, 2]) func aLossIsMadeSafeAtTheNextOpening(seconds: Double) throws {
    var laboratory = try Laboratory.identified()
    laboratory.command(.begin(setpoint(.constantCurrent(microamperes(500)))))
    laboratory.run(seconds: seconds)
    laboratory.lose()
    #expect(laboratory.events.last == .circuit(channel: 0, .unknown))
    laboratory.forget()
    laboratory.run(seconds: 0.5)
    try laboratory.introduce()
    #expect(!laboratory.instrument.isClosed && laboratory.circuit == .openConfirmed)
  }

  /// Nothing on the instrument knows that the host is gone: the reason why `hasLease` is false.
  @Test func itStaysOnWithoutAHost() throws {
    var laboratory = try Self.driven()
    laboratory.isCut = true
    laboratory.run(seconds: 3_600)
    #expect(laboratory.instrument.isClosed)
    laboratory.isCut = false
    laboratory.run(seconds: 2)
    #expect(!laboratory.instrument.isClosed && laboratory.end?.fault?.code == .linkTimeout)
  }
}
