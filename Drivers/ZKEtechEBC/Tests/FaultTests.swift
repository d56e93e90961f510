// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import InstrumentKit
import Quantities
import Testing
import VirtualLab
import ZKEtechEBCDriver
import ZKEtechEBCEmulator

/// What goes wrong on the line, in the instrument and at the bench.
@Suite struct FaultTests {
  /// A laboratory in which a discharge runs.
  private static func running(_ setpoint: Setpoint = setpoint(constant(-1))) throws -> Laboratory {
    var laboratory = try Laboratory.withCell()
    try laboratory.introduce()
    laboratory.command(.begin(setpoint))
    laboratory.run(seconds: 5)
    #expect(laboratory.instrument.state == .running && laboratory.readings.count == 2)
    return laboratory
  }

  // MARK: The line

  @Test func aMuteInstrumentIsToldOnceAndAskedOn() throws {
    var laboratory = try Laboratory.withCell()
    laboratory.instrument.isMute = true
    laboratory.open()
    laboratory.run(seconds: 60)
    #expect(laboratory.events.count == 1 && laboratory.faults(.linkTimeout) == 1)
    laboratory.instrument.isMute = false
    laboratory.run(seconds: 12)
    #expect(laboratory.identity != nil && laboratory.circuit == .openConfirmed)
  }

  @Test func aSpoiledReportIsLeftOut() throws {
    var laboratory = try Self.running()
    laboratory.instrument.reportsToSpoil = 2
    laboratory.run(seconds: 10)
    #expect(laboratory.driver.damagedMessages == 2)
    #expect(laboratory.readings.count == 5 && laboratory.faults(.linkTimeout) == 0, "\(laboratory.readings)")
    #expect(laboratory.end == nil)
    #expect(laboratory.readings.allSatisfy { $0.current == Current(amperes: -1) })
  }

  @Test func withoutReportsItEndsWithTheFirstThatComesAgain() throws {
    var laboratory = try Self.running()
    laboratory.instrument.isMute = true
    laboratory.run(seconds: 60)
    #expect(laboratory.faults(.linkTimeout) == 1 && laboratory.circuit == .unknown && laboratory.end == nil)
    #expect(laboratory.instrument.state == .running, "it has no watchdog")
    laboratory.instrument.isMute = false
    laboratory.run(seconds: 12)
    #expect(laboratory.failure?.code == .linkTimeout && laboratory.isMarkLost)
    #expect(laboratory.instrument.state == .stopped && laboratory.circuit == .openConfirmed)
  }

  @Test func anotherModelsReportsAreNotTaken() throws {
    var laboratory = try Self.running()
    laboratory.instrument.reportedModel = 5
    laboratory.run(seconds: 10)
    #expect(laboratory.readings.count == 2 && laboratory.faults(.linkTimeout) == 1)
  }

  @Test func anUnknownModelIsToldOnceAndNotDriven() throws {
    var laboratory = try Laboratory.withCell()
    laboratory.instrument.reportedModel = 17
    laboratory.open()
    laboratory.run(seconds: 30)
    #expect(laboratory.identity == nil && laboratory.faults(.linkIdentity) == 1 && laboratory.events.count == 1)
    laboratory.command(.begin(setpoint(constant(-1))))
    #expect(laboratory.refusal?.code == .instrumentRefused)
  }

  // MARK: Commands that are lost

  @Test func aStartThatIsLostIsSentAgainAndTimedAnew() throws {
    var laboratory = try Laboratory.withCell()
    try laboratory.introduce()
    let before = laboratory.instrument.cell.terminalCharge
    laboratory.instrument.ignoredCodes = [0x01]
    laboratory.command(.begin(setpoint(constant(-1), until: [after(seconds: 100)])))
    laboratory.run(seconds: 1)
    laboratory.instrument.ignoredCodes = []
    laboratory.run(seconds: 110) { $0.end != nil }
    #expect(laboratory.end == .cutOff(0) && !laboratory.isMarkLost)
    let counted = try #require(laboratory.countedCharge)
    #expect(abs(counted - (laboratory.instrument.cell.terminalCharge - before)) < 0.05)
  }

  @Test func aStartThatIsNeverTakenIsRefused() throws {
    var laboratory = try Laboratory.withCell()
    try laboratory.introduce()
    laboratory.instrument.ignoredCodes = [0x01]
    #expect(laboratory.drive(setpoint(constant(-1)), atMost: 20) == nil)
    #expect(laboratory.refusal?.detail.contains("after 3 commands") == true && laboratory.circuit == .openConfirmed)
    #expect(!laboratory.events.contains { if case .circuitClosed = $0 { true } else { false } })
    laboratory.instrument.ignoredCodes = []
    #expect(laboratory.drive(setpoint(constant(-1), until: [after(seconds: 4)], step: 2), atMost: 20) == .cutOff(0))
  }

  @Test func aStopThatIsLostIsSentAgainAndItsChargeCounted() throws {
    var laboratory = try Self.running(setpoint(constant(-1), until: [after(seconds: 20)]))
    laboratory.instrument.ignoredCodes = [0x02]
    laboratory.run(seconds: 26)
    #expect(laboratory.end == nil && laboratory.faults(.instrumentError) == 1 && laboratory.circuit == .unknown)
    laboratory.instrument.ignoredCodes = []
    laboratory.run(seconds: 6)
    #expect(laboratory.end == .cutOff(0))
    let truth = try #require(laboratory.instrument.cellTruth(channel: 0).open?.terminalCharge)
    let counted = try #require(laboratory.countedCharge)
    #expect(abs(counted + truth) < 0.05)
  }

  // MARK: The instrument

  @Test func withoutItsSupplyNoChargeBegins() throws {
    var laboratory = try Laboratory.withCell()
    laboratory.instrument.hasSupply = false
    try laboratory.introduce()
    #expect(laboratory.drive(setpoint(constant(1)), atMost: 20) == nil)
    #expect(laboratory.refusal?.detail.contains("supply") == true)
    laboratory.instrument.hasSupply = true
    laboratory.command(.begin(setpoint(constant(1), step: 2)))
    laboratory.run(seconds: 5)
    laboratory.instrument.hasSupply = false
    laboratory.run(seconds: 3)
    #expect(laboratory.failure?.code == .instrumentError && laboratory.isMarkLost)
  }

  @Test func aPowerCutEndsTheSetpoint() throws {
    var laboratory = try Self.running()
    laboratory.instrument.powerCycle()
    laboratory.run(seconds: 20)
    // It is silent until it is asked again, and then says that it is stopped.
    #expect(laboratory.failure?.code == .linkTimeout && laboratory.circuit == .openConfirmed)
    let isMarkLost = laboratory.isMarkLost
    #expect(isMarkLost && laboratory.faults(.linkTimeout) == 1)
    #expect(laboratory.drive(setpoint(constant(-1), until: [after(seconds: 4)], step: 2), atMost: 20) == .cutOff(0))
  }

  @Test func itsButtonEndsTheSetpoint() throws {
    var laboratory = try Self.running()
    laboratory.instrument.pressButton()
    laboratory.run(seconds: 3)
    #expect(laboratory.failure?.code == .instrumentError && laboratory.circuit == .openConfirmed)
  }

  @Test(arguments: [false, true]) func aCurrentThatNobodyAskedForIsStopped(inARest: Bool) throws {
    var laboratory = try Self.running()
    laboratory.command(.openCircuit)
    laboratory.run(seconds: 4)
    laboratory.events = []
    if inARest { laboratory.command(.begin(setpoint(.openCircuit, step: 2))) }
    laboratory.run(seconds: 5)
    laboratory.instrument.pressButton()
    laboratory.run(seconds: 2.1)
    #expect(laboratory.events.contains(.circuit(channel: 0, .closed)))
    laboratory.run(seconds: 4)
    #expect(laboratory.instrument.state == .stopped && laboratory.circuit == .openConfirmed)
    if inARest {
      #expect(laboratory.failure?.code == .instrumentError)
    } else {
      #expect(laboratory.faults(.instrumentError) == 1)
    }
  }

  @Test func aSettingThatSomebodyChangesEndsTheSetpoint() throws {
    var laboratory = try Self.running()
    let adjusted: [UInt8] = [0xFA, 0x07, 0x00, 0xC8, 0x00, 0x96, 0x00, 0x00, 0x59, 0xF8]
    adjusted.withUnsafeBytes { laboratory.instrument.receive($0) }
    laboratory.run(seconds: 5)
    #expect(laboratory.failure?.code == .instrumentSetpointNotFollowed && laboratory.instrument.state == .stopped)
  }

  /// The instrument still says "finished" of the set-point before, which had the same numbers.
  @Test func anEarlierEndIsNotTakenForThisOne() throws {
    var laboratory = try Laboratory.withCell(coulombs: 60)
    try laboratory.introduce()
    let wanted = setpoint(constant(-5), lower: 2_300)
    guard case .bound? = laboratory.drive(wanted, atMost: 300) else {
      Issue.record("\(laboratory.events.suffix(4))")
      return
    }
    #expect(laboratory.instrument.state == .finished)
    laboratory.instrument.ignoredCodes = [0x01, 0x02]
    #expect(laboratory.drive(wanted, atMost: 20) == nil)
    #expect(laboratory.readings.isEmpty && laboratory.refusal?.code == .instrumentRefused)
    // A stop in front of the start brings it out of its end.
    laboratory.instrument.ignoredCodes = []
    let heard = laboratory.instrument.heard.count
    #expect(laboratory.drive(setpoint(constant(1), until: [after(seconds: 5)], step: 3), atMost: 20) == .cutOff(0))
    #expect(laboratory.instrument.heard.dropFirst(heard).prefix(2) == [0x02, 0x21])
  }

  /// The voltage falls below the cut-off as soon as the current flows: over before its first report.
  @Test func anEndBeforeTheFirstReportIsToldAsOne() throws {
    var laboratory = try Laboratory.withCell(coulombs: 900)
    try laboratory.introduce()
    let end = laboratory.drive(setpoint(constant(-5), lower: 2_900), atMost: 20)
    guard case .bound? = end else {
      Issue.record("\(laboratory.events)")
      return
    }
    #expect(laboratory.readings.isEmpty && laboratory.isMarkLost && laboratory.circuit == .openConfirmed)
  }

  // MARK: The host

  @Test func aStopIsTakenInEveryState() throws {
    for seconds in [0.0, 0.1, 0.3, 0.6, 1, 1.7, 2.2, 5] {
      var laboratory = try Laboratory.withCell()
      try laboratory.introduce()
      laboratory.command(.begin(setpoint(constant(-1))))
      laboratory.run(seconds: seconds)
      laboratory.command(.openCircuit)
      laboratory.run(seconds: 5)
      #expect(laboratory.end == .requested && laboratory.instrument.state == .stopped, "\(seconds)")
      // Either the charge is known, or it is said that it is not.
      if let truth = laboratory.instrument.cellTruth(channel: 0).open, let counted = laboratory.countedCharge {
        #expect(abs(counted + truth.terminalCharge) < 0.05, "\(seconds)")
      } else {
        #expect(laboratory.isMarkLost || laboratory.instrument.cellTruth(channel: 0).open == nil, "\(seconds)")
      }
      laboratory.command(.openCircuit)
      laboratory.run(seconds: 3)
      #expect(laboratory.events.last == .circuit(channel: 0, .openConfirmed))
    }
  }

  @Test func aLossInEveryStateIsMadeSafeAtTheNextOpening() throws {
    for seconds in [0.0, 0.3, 1, 2.5, 6] {
      var laboratory = try Laboratory.withCell()
      try laboratory.introduce()
      laboratory.command(.begin(setpoint(constant(-1))))
      laboratory.run(seconds: seconds)
      laboratory.lose()
      #expect(laboratory.circuit == .unknown)
      laboratory.run(seconds: 30)
      #expect(laboratory.instrument.state == .running, "it goes on without the host")
      laboratory.events = []
      try laboratory.introduce()
      #expect(laboratory.instrument.state == .stopped && laboratory.circuit == .openConfirmed)
    }
  }

  @Test func safeStopBytesNeedNoState() throws {
    for torn: [UInt8] in [[], [0xFA], [0xFA, 0x01, 0x00, 0x64], [0xFA, 0x01, 0, 0x64, 0, 0xC8, 0, 0, 0xAD]] {
      var laboratory = try Self.running()
      torn.withUnsafeBytes { laboratory.instrument.receive($0) }
      ZKEtechEBCDriver.safeStopBytes.withUnsafeBytes { laboratory.instrument.receive($0) }
      var output: [UInt8] = []
      _ = laboratory.instrument.run(until: laboratory.instrument.time + 0.1, output: &output, outputLimit: 1_000)
      #expect(laboratory.instrument.state == .stopped)
    }
  }

  @Test func whatComesTooEarlyOrToNoChannelIsRefused() throws {
    var laboratory = try Laboratory.withCell()
    laboratory.command(.begin(setpoint(constant(-1))))
    #expect(laboratory.refusal?.code == .instrumentRefused)
    laboratory.command(.openCircuit)
    #expect(laboratory.events.last == .circuit(channel: 0, .unknown))
    try laboratory.introduce()
    laboratory.events = []
    laboratory.command(.begin(setpoint(constant(-1))), channel: 1)
    #expect(laboratory.refusal?.detail.contains("channel") == true)
    laboratory.command(.begin(setpoint(constant(-0.01))))
    #expect(laboratory.refusal?.detail.contains("between") == true && laboratory.instrument.heard.count == 2)
    laboratory.command(.begin(setpoint(constant(-1))))
    laboratory.command(.begin(setpoint(constant(-1), step: 2)))
    #expect(laboratory.refusal?.detail.contains("not ready") == true)
  }
}
