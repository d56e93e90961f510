// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import BatlabEmulator
import CyclerModel
import InstrumentKit
import Quantities
import Testing
import VirtualLab

@testable import BatlabDriver

@Suite struct FaultTests {
  private static func place(_ space: UInt8, _ number: UInt8) -> BatlabInstrument.Place {
    BatlabInstrument.Place(space: space, number: number)
  }

  /// A laboratory in which a discharge runs.
  private static func running(_ setpoint: Setpoint = setpoint(amperes: -0.5)) throws -> Laboratory {
    var laboratory = try Laboratory.withCells()
    try laboratory.introduce()
    laboratory.command(.begin(setpoint))
    laboratory.run(seconds: 3.5)
    return laboratory
  }

  private static func failure(_ end: SetpointEnd?) -> FaultCode? {
    if case .failed(let fault)? = end { return fault.code }
    return nil
  }

  @Test func aMuteInstrumentIsToldOnceAndAskedOn() throws {
    var laboratory = try Laboratory.withCells()
    laboratory.instrument.isMute = true
    laboratory.open()
    laboratory.run(seconds: 20)
    let faults = laboratory.events.filter {
      if case .fault(nil, let fault) = $0 { fault.code == .linkTimeout } else { false }
    }
    #expect(faults.count == 1 && laboratory.events.count == 1)
    laboratory.instrument.isMute = false
    laboratory.run(seconds: 4)
    #expect(laboratory.events.contains { if case .identified = $0 { true } else { false } })
  }

  @Test func whatIsAcknowledgedAndNotExecutedIsFound() throws {
    for number: UInt8 in [0x0A, 0x0B, 0x0C, 0x0D, 0x00] {
      var laboratory = try Laboratory.withCells()
      try laboratory.introduce()
      laboratory.instrument.ignoredWrites = [Self.place(0, number)]
      laboratory.command(.begin(setpoint(amperes: -0.5)))
      laboratory.run(seconds: 4)
      if number != 0 {
        #expect(laboratory.refusal()?.code == .instrumentRefused)
      }
      #expect(!laboratory.instrument.isDriven(channel: 0))
      #expect(!laboratory.events.contains { if case .circuitClosed = $0 { true } else { false } })
    }
  }

  @Test func aCurrentThatIsNotTakenEndsTheSetpoint() throws {
    var laboratory = try Laboratory.withCells()
    try laboratory.introduce()
    // The set-point register is 0 when its writes begin to be lost.
    laboratory.command(.begin(setpoint(amperes: -0.5)))
    laboratory.run(seconds: 0.08)
    laboratory.instrument.ignoredWrites = [Self.place(0, 0x03)]
    laboratory.run(seconds: 3)
    #expect(Self.failure(laboratory.end()) == .instrumentSetpointNotFollowed)
    #expect(laboratory.trueCharge() == 0)
  }

  @Test func aRefusedRegisterRefusesTheSetpoint() throws {
    var laboratory = try Laboratory.withCells()
    try laboratory.introduce()
    laboratory.instrument.refusedWrites = [Self.place(0, 0x0A)]
    laboratory.command(.begin(setpoint(amperes: 0.5)))
    laboratory.run(seconds: 2)
    #expect(laboratory.refusal()?.code == .instrumentRefused)
    #expect(laboratory.events.last.map { if case .refused = $0 { true } else { false } } == true)
    laboratory.instrument.refusedWrites = []
    laboratory.command(.begin(setpoint(amperes: 0.5, step: 2)))
    laboratory.run(seconds: 2)
    #expect(laboratory.instrument.isDriven(channel: 0))
  }

  @Test func aStopThatIsNotFollowedIsNeverCalledOpen() throws {
    var laboratory = try Self.running()
    laboratory.instrument.ignoredWrites = [Self.place(0, 0x00)]
    laboratory.command(.openCircuit)
    laboratory.run(seconds: 5)
    #expect(laboratory.end() == nil && laboratory.events.last == .circuit(channel: 0, .unknown))
    laboratory.instrument.ignoredWrites = []
    laboratory.run(seconds: 3)
    #expect(laboratory.end() == .requested)
    #expect(!laboratory.instrument.isDriven(channel: 0))
  }

  @Test func anEmptyHolderAndADeepCellAreRefused() throws {
    for seconds in [-1.0, 0.0] {
      var laboratory = try seconds < 0 ? Laboratory.withCells(0) : Laboratory.withCells(ampereSeconds: 0)
      try laboratory.introduce()
      laboratory.command(.begin(setpoint(amperes: 0.5)))
      laboratory.run(seconds: 3)
      #expect(laboratory.refusal()?.detail == "the instrument sees no cell: none, or one below 1.8 V")
    }
  }

  @Test func theInstrumentsOwnLimitIsABound() throws {
    var laboratory = try Self.running(setpoint(amperes: -1, lower: 2_000))
    let register = laboratory.instrument.register(Self.place(0, 0x0B))
    #expect(register == 14_564, "2.0 V, never below")
    #expect(laboratory.instrument.register(Self.place(0, 0x0A)) == 32_700, "the other one does not count")
    laboratory.run(seconds: 900) { $0.contains { if case .ended = $0 { true } else { false } } }
    guard case .bound(let fault)? = laboratory.end() else {
      Issue.record("\(String(describing: laboratory.end()))")
      return
    }
    #expect(fault.code == .instrumentBoundReached)
  }

  @Test func aVoltageLimitCountsInItsDirectionOnly() throws {
    // The cell stands near 2.9 V: below the lower bound while charging, above the upper one while discharging.
    for setpoint in [setpoint(amperes: 0.5, lower: 3_300), setpoint(amperes: -0.5, lower: 2_000, upper: 2_500)] {
      let laboratory = try Self.running(setpoint)
      #expect(laboratory.instrument.isDriven(channel: 0) && laboratory.readings().count == 3)
    }
    var laboratory = try Self.running(setpoint(amperes: 0.5, upper: 2_500))
    laboratory.run(seconds: 1)
    #expect(laboratory.refusal()?.code == .instrumentBoundReached, "\(laboratory.events.suffix(3))")
    #expect(laboratory.trueCharge() == 0)
    laboratory = try Laboratory.withCells()
    laboratory.instrument.hasSupply = false
    try laboratory.introduce()
    laboratory.command(.begin(setpoint(amperes: -0.5)))
    laboratory.run(seconds: 1)
    #expect(laboratory.refusal()?.detail == "the instrument stopped: its external supply is missing")
  }

  @Test func aMissingSupplyIsSaid() throws {
    var laboratory = try Self.running()
    laboratory.instrument.hasSupply = false
    laboratory.run(seconds: 3)
    guard case .failed(let fault)? = laboratory.end() else {
      Issue.record("\(laboratory.events.suffix(4))")
      return
    }
    #expect(fault.detail == "the instrument stopped: its external supply is missing")
    #expect(laboratory.events.contains { if case .circuitMarkLost(0, _) = $0 { true } else { false } })
  }

  @Test func aPowerCycleEndsTheSetpoint() throws {
    var laboratory = try Self.running()
    laboratory.instrument.powerCycle()
    laboratory.run(seconds: 3)
    #expect(Self.failure(laboratory.end()) == .instrumentError)
    laboratory.command(.begin(setpoint(amperes: -0.5, lease: 5, step: 2)))
    laboratory.run(seconds: 2)
    #expect(laboratory.instrument.register(Self.place(4, 0x06)) == 4, "the watchdog is on again")
    #expect(laboratory.instrument.isDriven(channel: 0))
  }

  @Test func oldFirmwareAndABootLoaderAreNotDriven() throws {
    var old = Laboratory(BatlabInstrument(serial: 1, firmware: 3, cells: []))
    old.open()
    old.run(seconds: 2)
    var loader = Laboratory(BatlabInstrument(serial: 1, cells: []))
    loader.instrument.isInBootLoader = true
    loader.open()
    loader.run(seconds: 2)
    for laboratory in [old, loader] {
      #expect(!laboratory.events.contains { if case .identified = $0 { true } else { false } })
    }
    #expect(
      old.events.contains { if case .fault(nil, let fault) = $0 { fault.code == .linkIdentity } else { false } })
  }

  @Test func aStopGoesBeforeEverythingThatWaits() throws {
    var laboratory = try Laboratory.withCells(4)
    try laboratory.introduce()
    for channel in 0..<4 { laboratory.command(.begin(setpoint(amperes: -0.5)), channel: channel) }
    laboratory.run(seconds: 0.3)
    laboratory.writes.removeAll()
    laboratory.command(.openCircuit, channel: 3)
    laboratory.run(seconds: 0.012)
    #expect(Array(laboratory.writes.prefix(5)) == [0xAA, 3, 0x80, 6, 0])
  }

  @Test func aStopIsTakenInEveryState() throws {
    for seconds in [0.0, 0.01, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 1.5] {
      var laboratory = try Laboratory.withCells()
      try laboratory.introduce()
      laboratory.command(.begin(setpoint(amperes: 0.5)))
      laboratory.run(seconds: seconds)
      laboratory.command(.openCircuit)
      laboratory.run(seconds: 1)
      #expect(laboratory.end() == .requested)
      #expect(!laboratory.instrument.isDriven(channel: 0))
      laboratory.command(.openCircuit)
      laboratory.run(seconds: 1)
      #expect(laboratory.events.last == .circuit(channel: 0, .openConfirmed))
    }
  }

  @Test func aLossInEveryStateIsMadeSafeAtTheNextOpening() throws {
    for seconds in [0.0, 0.05, 0.2, 0.3, 2] {
      var laboratory = try Laboratory.withCells()
      try laboratory.introduce()
      laboratory.command(.begin(setpoint(amperes: 0.5)))
      laboratory.run(seconds: seconds)
      laboratory.lose()
      #expect(laboratory.events.suffix(4).contains(.circuit(channel: 0, .unknown)))
      laboratory.run(seconds: 0.5)
      laboratory.events.removeAll()
      try laboratory.introduce()
      #expect(!laboratory.instrument.isDriven(channel: 0))
    }
  }

  @Test func safeStopBytesNeedNoState() throws {
    for torn: [UInt8] in [[], [0xAA], [0xAA, 0], [0xAA, 0, 0x83], [0xAA, 0, 0x83, 0x40]] {
      var laboratory = try Self.running()
      torn.withUnsafeBytes { laboratory.instrument.receive($0) }
      BatlabDriver.safeStopBytes.withUnsafeBytes { laboratory.instrument.receive($0) }
      var output: [UInt8] = []
      _ = laboratory.instrument.run(until: laboratory.instrument.time + 0.1, output: &output, outputLimit: 1_000)
      #expect(!laboratory.instrument.isDriven(channel: 0))
      #expect(laboratory.instrument.register(Self.place(0, 0x03)) <= 64)
    }
  }

  @Test func whatItCannotDoIsRefused() throws {
    var laboratory = try Laboratory.withCells()
    laboratory.command(.begin(setpoint(amperes: 1)))
    #expect(laboratory.refusal()?.code == .instrumentRefused)
    try laboratory.introduce()
    for amperes in [0.05, 4.1] {
      laboratory.events.removeAll()
      laboratory.command(.begin(setpoint(amperes: amperes)))
      #expect(laboratory.refusal()?.code == .instrumentRefused)
    }
    var held = setpoint(amperes: 1)
    held.mode = .constantVoltage(Voltage(millivolts: 3_000))
    laboratory.events.removeAll()
    laboratory.command(.begin(held))
    laboratory.command(.begin(setpoint(amperes: 1)), channel: 4)
    #expect(laboratory.refusal() != nil && laboratory.refusal(channel: 4) != nil)
    #expect(!laboratory.instrument.isDriven(channel: 0))
  }
}
