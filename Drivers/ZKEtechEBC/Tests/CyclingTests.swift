// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import InstrumentKit
import Quantities
import Testing
import VirtualLab
import ZKEtechEBCDriver
import ZKEtechEBCEmulator

/// Driver and emulator against each other, against the truth of the cell.
@Suite struct CyclingTests {
  @Test func itIsStoppedBeforeItIsKnown() throws {
    var laboratory = try Laboratory.withCell()
    laboratory.open()
    #expect(laboratory.writes == [0xFA, 0x02, 0, 0, 0, 0, 0, 0, 0x02, 0xF8])
    laboratory.run(seconds: 10) { $0.identity != nil }
    #expect(laboratory.instrument.heard == [0x02, 0x05])
    let identity = try #require(laboratory.identity)
    #expect(identity.model == "EBC-A20" && identity.capabilities.openCircuit == .disconnectedAndMeasured)
    #expect(!identity.capabilities.hasLease && identity.capabilities.leaseHole?.contains("dies") == true)
    #expect(identity.capabilities.leaseHole?.contains("relay") == true, "what a stop leaves connected is unverified")
    #expect(laboratory.circuit == .openConfirmed)
  }

  @Test(arguments: [-1.0, 1, -0.25, 2.5]) func theChargeIsTheCells(amperes: Double) throws {
    var laboratory = try Laboratory.withCell(gain: 1.004)
    try laboratory.introduce()
    let before = laboratory.instrument.cell.terminalCharge
    let end = laboratory.drive(setpoint(constant(amperes), until: [after(seconds: 301)]), atMost: 400)
    #expect(end == .cutOff(0))
    let counted = try #require(laboratory.countedCharge)
    let truth = laboratory.instrument.cell.terminalCharge - before
    print("constant", amperes, "A: counted", counted, "C, cell", truth, "C,", (counted / truth - 1) * 1e6, "ppm")
    // A step of the converter is 10 mA: half of it over the whole time, and the ends to 50 ms.
    #expect(abs(counted - truth) < 0.005 * 301 + 0.05 * abs(amperes))
    #expect(laboratory.readings.count >= 149)
    #expect(laboratory.instrument.state == .stopped)
  }

  /// A cycle with a hold: its charges and its efficiency against the cell's own.
  @Test(arguments: [TesterModel.a20, .a10H, .a05Plus]) func aCycleIsTheCells(model: TesterModel) throws {
    var laboratory = try Laboratory.withCell(model, coulombs: 100)
    laboratory.instrument.holdError = -0.004
    try laboratory.introduce()
    let before = laboratory.instrument.cell.terminalCharge
    // The others end a hold by a rule of their own, at a tenth of the current here.
    let wanted = setpoint(
      charge(1, to: 3_800), until: [afterHold(seconds: 7_200), fallen(toMilliamperes: 150)], step: 1)
    #expect(laboratory.drive(wanted, atMost: 20_000) == .cutOff(1))
    let charged = try #require(laboratory.countedCharge)
    let trueCharged = laboratory.instrument.cell.terminalCharge - before
    let hold = try #require(laboratory.holdBegan)
    let held = laboratory.readings.filter { $0.time > hold }.compactMap(\.voltage?.volts)
    #expect(held.count > 20 && held.allSatisfy { abs($0 - 3.796) < 0.002 })

    #expect(laboratory.drive(setpoint(.openCircuit, until: [after(seconds: 60)], step: 2), atMost: 70) == .cutOff(0))
    #expect(laboratory.readings.count >= 29 && laboratory.readings.allSatisfy { $0.current == .zero })

    let full = laboratory.instrument.cell.terminalCharge
    let down = setpoint(constant(-0.6), until: [at(.atMost, millivolts: 2_000)], step: 3)
    #expect(laboratory.drive(down, atMost: 20_000) == .cutOff(0))
    let discharged = try #require(laboratory.countedCharge)
    let trueDischarged = laboratory.instrument.cell.terminalCharge - full
    let (error, other) = ((charged / trueCharged - 1) * 1e6, (discharged / trueDischarged - 1) * 1e6)
    print("cycle", model, "hold from", hold.seconds, "s: charge", charged, "C,", error, "ppm")
    print("cycle", model, "discharge", discharged, "C,", other, "ppm")
    print("cycle", model, "efficiency", -discharged / charged, "cell", -trueDischarged / trueCharged)
    // The hold in steps of a count, the bend between two reports, and, where the instrument ended it, half of two seconds.
    #expect(abs(error) < 100 && abs(other) < 150)
    let isMarkLost = laboratory.isMarkLost
    #expect(!isMarkLost)
  }

  /// Nobody listens any more: its own cut-offs end the current a step beyond those of the host.
  @Test func itsOwnCutOffsEndWhatTheHostCannot() throws {
    var laboratory = try Laboratory.withCell()
    try laboratory.introduce()
    laboratory.command(.begin(setpoint(constant(-1), until: [at(.atMost, millivolts: 2_000)])))
    laboratory.run(seconds: 5)
    laboratory.instrument.isMute = true
    laboratory.run(seconds: 8_000) { $0.instrument.state == .finished }
    #expect(laboratory.instrument.state == .finished && laboratory.end == nil)
    let low = laboratory.instrument.cell.voltage(under: .current(-1))
    #expect(low > 1.83 && low <= 1.851)

    laboratory = try Laboratory.withCell()
    try laboratory.introduce()
    laboratory.command(.begin(setpoint(constant(1), until: [at(.atLeast, millivolts: 3_800)])))
    laboratory.run(seconds: 5)
    laboratory.instrument.isMute = true
    laboratory.run(seconds: 8_000) { $0.instrument.state == .finished }
    let high = laboratory.instrument.cell.voltage(under: .current(0.9))
    print("alone: discharged to", low, "V, charged to", high, "V")
    #expect(high > 3.83 && high < 3.852)
  }

  /// The cell falls faster than the host is told: the instrument's own cut-off ends it first.
  @Test func itsOwnEndIsTheCutOffWhenItComesFirst() throws {
    var laboratory = try Laboratory.withCell(coulombs: 60)
    try laboratory.introduce()
    let before = laboratory.instrument.cell.terminalCharge
    let end = laboratory.drive(setpoint(constant(-8), until: [at(.atMost, millivolts: 2_000)], most: 9), atMost: 600)
    #expect(end == .cutOff(0) && laboratory.instrument.state == .finished)
    let counted = try #require(laboratory.countedCharge)
    let truth = laboratory.instrument.cell.terminalCharge - before
    print("own end: counted", counted, "C, cell", truth, "C, lost", laboratory.isMarkLost)
    // Half of two seconds at most, and it is said.
    #expect(abs(counted - truth) <= 8 * 1.1 && laboratory.isMarkLost)
  }

  /// The bound is the instrument's own cut-off; a second of current is nothing to the charge of an hour.
  @Test func aBoundIsTheInstruments() throws {
    var laboratory = try Laboratory.withCell(coulombs: 1_800)
    try laboratory.introduce()
    let before = laboratory.instrument.cell.terminalCharge
    guard case .bound(let fault)? = laboratory.drive(setpoint(constant(-0.1), lower: 2_700), atMost: 40_000) else {
      Issue.record("\(laboratory.events.suffix(4))")
      return
    }
    #expect(fault.code == .instrumentBoundReached && laboratory.instrument.state != .running)
    let counted = try #require(laboratory.countedCharge)
    let truth = laboratory.instrument.cell.terminalCharge - before
    print("bound: counted", counted, "C, cell", truth, "C")
    let isMarkLost = laboratory.isMarkLost
    #expect(abs(counted / truth - 1) < 1e-4 && !isMarkLost)
  }

  @Test func aPowerIsKept() throws {
    var laboratory = try Laboratory.withCell(coulombs: 1_800)
    try laboratory.introduce()
    let ends = [after(seconds: 600), at(.atMost, millivolts: 2_500)]
    #expect(laboratory.drive(setpoint(power(3), until: ends), atMost: 700) == .cutOff(0))
    let energy = try #require(laboratory.instrument.cellTruth(channel: 0).open?.terminalEnergy)
    let powers = laboratory.readings.compactMap { reading in
      reading.current.flatMap { current in reading.voltage.map { $0.volts * current.amperes } }
    }
    print("power: cell", energy / 600, "W, readings", powers.min() ?? 0, "to", powers.max() ?? 0, "W")
    #expect(abs(energy / 600 - 3) < 0.003)
    // Half a step of 10 mA.
    #expect(powers.count >= 298 && powers.allSatisfy { abs($0 + 3) < 0.02 })
  }

  @Test func aTimeEndsAHoldToTheMoment() throws {
    var laboratory = try Laboratory.withCell()
    try laboratory.introduce()
    let wanted = setpoint(charge(2, to: 3_000), until: [afterHold(seconds: 91)])
    #expect(laboratory.drive(wanted, atMost: 2_000) == .cutOff(0))
    let hold = try #require(laboratory.holdBegan)
    let opened = laboratory.events.compactMap { if case .circuitOpened(0, let at) = $0 { at } else { nil } }
    #expect(opened == [hold + TimeSpan(seconds: 91)])
  }

  /// A time that counts in a hold only: it was over long before.
  @Test func aTimeThatCountsInAHoldWaitsForIt() throws {
    var laboratory = try Laboratory.withCell()
    try laboratory.introduce()
    var end = after(seconds: 3)
    end.onlyInHold = true
    #expect(laboratory.drive(setpoint(charge(1, to: 3_000), until: [end]), atMost: 2_000) == .cutOff(0))
    let hold = try #require(laboratory.holdBegan)
    #expect(hold > TimeSpan(seconds: 10))
    #expect(laboratory.events.contains(.circuitOpened(channel: 0, at: hold + TimeSpan(milliseconds: 100))))
  }

  @Test func twentyCyclesLoseNothing() throws {
    var laboratory = try Laboratory.withCell(coulombs: 3_000)
    try laboratory.introduce()
    let before = laboratory.instrument.cell.terminalCharge
    var counted = 0.0
    for cycle in 0..<20 {
      let step = Int32(cycle * 2)
      for (place, amperes) in [-1.0, 1].enumerated() {
        let wanted = setpoint(constant(amperes), until: [after(seconds: 1_200)], step: step + Int32(place) + 1)
        let end = laboratory.drive(wanted, atMost: 2_000)
        #expect(end == .cutOff(0))
        counted += try #require(laboratory.countedCharge)
      }
    }
    let truth = laboratory.instrument.cell.terminalCharge - before
    print("20 cycles: counted", counted, "C, cell", truth, "C of 48000 C")
    #expect(abs(counted - truth) < 0.05 && laboratory.driver.damagedMessages == 0)
  }
}
