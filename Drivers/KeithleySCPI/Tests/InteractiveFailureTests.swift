// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import InstrumentKit
import KeithleySCPIDriver
import KeithleySCPIEmulator
import Quantities
import Testing
import VirtualLab

/// What goes wrong at a 2450, and what the driver says of it.
@Suite struct InteractiveFailureTests {
  private static let discharge = FailureTests.discharge

  /// In the middle of a discharge.
  private func discharging(_ model: KeithleyInstrument.Model = .model2450) throws -> Laboratory {
    var laboratory = Laboratory.identified(try Laboratory.cell("hard-carbon"), model)
    laboratory.command(.begin(Self.discharge))
    laboratory.pass(20) { $0.readings.count >= 3 }
    return laboratory
  }

  // MARK: The command set

  /// The fault says what to do; a person does it, and the instrument is used.
  @Test(arguments: Laboratory.interactive, [KeithleyInstrument.Language.tsp, .scpi2400])
  func refusesAnotherCommandSet(model: KeithleyInstrument.Model, language: KeithleyInstrument.Language) throws {
    var laboratory = Laboratory(model, cell: try Laboratory.cell("hard-carbon"))
    laboratory.instrument.language = language
    laboratory.open()
    laboratory.pass(10) { !$0.faults.isEmpty }
    #expect(laboratory.faults == [.linkIdentity] && laboratory.identity == nil)
    let detail = try #require(laboratory.faultDetails.first)
    #expect(
      detail.contains("is \(language.rawValue)") && detail.contains("*LANG SCPI") && detail.contains("off and on"))
    laboratory.command(.begin(Self.discharge))
    #expect(laboratory.refusal?.code == .instrumentRefused)
    // The cell that it discharged when it woke up is disconnected in its own words.
    laboratory.pass(2)
    let before = laboratory.instrument.cell.terminalCharge
    laboratory.pass(60)
    #expect(laboratory.instrument.cell.terminalCharge == before)
    // Where nothing can be asked nothing is confirmed, and it is not taken for gone.
    #expect(laboratory.circuit == (language == .tsp ? .unknown : .openConfirmed))
    laboratory.command(.openCircuit)
    laboratory.pass(2)
    #expect(laboratory.circuit == (language == .tsp ? .unknown : .openConfirmed))
    #expect(laboratory.faults == [.linkIdentity])
    laboratory.sayAside("*LANG SCPI")
    laboratory.instrument.powerCycle()
    laboratory.events = []
    laboratory.open()
    laboratory.pass(10) { $0.identity != nil }
    #expect(laboratory.identity?.model == model.rawValue && laboratory.faults.isEmpty)
  }

  // MARK: The line

  @Test func muteFromTheBeginning() throws {
    var laboratory = Laboratory(.model2450, cell: try Laboratory.cell("hard-carbon"))
    laboratory.instrument.isMute = true
    laboratory.open()
    laboratory.pass(10)
    #expect(laboratory.identity == nil && laboratory.faults.contains(.linkTimeout))
    #expect(laboratory.circuit == .unknown)
    laboratory.instrument.isMute = false
    laboratory.pass(10) { $0.identity != nil }
    #expect(laboratory.identity?.model == "2450" && laboratory.circuit == .openConfirmed)
  }

  @Test func muteWhileDriving() throws {
    var laboratory = try discharging()
    laboratory.instrument.isMute = true
    laboratory.pass(6)
    #expect(Set(laboratory.faults) == [.linkTimeout])
    #expect(laboratory.circuit == .unknown && laboratory.end == nil)
    laboratory.instrument.isMute = false
    laboratory.pass(3)
    guard case .failed(let fault) = laboratory.end else {
      Issue.record("it ended with \(String(describing: laboratory.end))")
      return
    }
    #expect(fault.code == .linkTimeout && laboratory.circuit == .openConfirmed)
    // Nobody knows when it was disconnected.
    #expect(laboratory.hasLostMark)
  }

  /// The answer to the line that switches on is lost: the moment is not known, and said to be so.
  @Test func anAnswerThatIsLostLeavesNoExactMoment() throws {
    var laboratory = Laboratory.identified(try Laboratory.cell("hard-carbon"), .model2450)
    laboratory.command(.begin(Self.discharge))
    // The second line that switches on, which is the set-point's own.
    laboratory.pass(5) { $0.written.components(of: ":OUTP ON;") == 2 }
    laboratory.spoil = { _, _ in [] }
    laboratory.pass(0.5)
    laboratory.spoil = nil
    laboratory.pass(3) { $0.hasBegun }
    #expect(laboratory.hasBegun && laboratory.hasLostMark && laboratory.faults.isEmpty)
    laboratory.pass(40) { $0.end != nil }
    #expect(laboratory.end == .cutOff(0))
  }

  /// One answer in three is damaged: slower, and nothing wrong.
  @Test(arguments: Laboratory.interactive) func worksOnABadLine(model: KeithleyInstrument.Model) throws {
    var laboratory = Laboratory(model, cell: try Laboratory.cell("hard-carbon"))
    laboratory.spoil = { bytes, number in
      guard number % 3 == 0, bytes.count > 4 else { return bytes }
      var bytes = bytes
      bytes.remove(at: bytes.count / 2)
      return bytes
    }
    laboratory.open()
    laboratory.pass(100) { $0.identity != nil }
    laboratory.run(Self.discharge, atMost: 120)
    #expect(
      laboratory.end == .cutOff(0) && laboratory.readings.count > 10,
      "\(laboratory.readings.count), \(laboratory.faults)")
    #expect(laboratory.readings.allSatisfy { abs(($0.current?.amperes ?? 0) + 3e-4) < 1e-6 })
  }

  /// A stop that overtakes a measurement leaves an entry in the event log, for which no set-point is blamed.
  @Test(arguments: 0..<12) func stopsInTheMiddleOfAnAnswer(step: Int) throws {
    var laboratory = Laboratory.identified(try Laboratory.cell("hard-carbon"), .model2450)
    laboratory.instrument.interruptsQuestions = true
    laboratory.command(.begin(Self.discharge))
    laboratory.pass(0.02 + Double(step) * 0.037)
    laboratory.command(.openCircuit)
    laboratory.pass(3)
    #expect(laboratory.end == .requested && laboratory.circuit == .openConfirmed)
    laboratory.events = []
    laboratory.run(Self.discharge, atMost: 60)
    #expect(laboratory.end == .cutOff(0) && laboratory.refusal == nil && laboratory.faults.isEmpty)
  }

  /// A line of the set-up that something overtakes is asked again, and what the event log says of it refuses nothing.
  @Test func asksAgainWhatWasOvertaken() throws {
    var laboratory = Laboratory.identified(try Laboratory.cell("hard-carbon"), .model2450)
    laboratory.instrument.interruptsQuestions = true
    laboratory.command(.begin(Self.discharge))
    laboratory.pass(3) { $0.written.components(of: ":SOUR:FUNC CURR") == 1 }
    laboratory.pass(0.003)
    Array("\n".utf8).withUnsafeBytes { laboratory.instrument.receive($0) }
    laboratory.pass(60) { $0.end != nil || $0.refusal != nil }
    #expect(laboratory.end == .cutOff(0) && laboratory.refusal == nil, "\(laboratory.refusal?.detail ?? "")")
    // The line was said twice for the zero current, and once for the set-point.
    #expect(laboratory.written.components(of: ":SOUR:FUNC CURR") == 3)
  }

  // MARK: The instrument

  @Test func aPersonSwitchesItOff() throws {
    var laboratory = try discharging()
    laboratory.instrument.tripOutput()
    laboratory.pass(5)
    #expect(laboratory.faults == [.instrumentError] && laboratory.circuit == .openConfirmed)
  }

  @Test func interlockRefusesToSwitchOn() throws {
    var laboratory = Laboratory.identified(try Laboratory.cell("hard-carbon"), .model2450)
    laboratory.instrument.isInterlocked = true
    laboratory.run(Self.discharge, atMost: 20)
    #expect(laboratory.refusal?.code == .instrumentError && !laboratory.hasBegun)
    #expect(laboratory.refusal?.detail.contains("interlock") == true && laboratory.circuit == .openConfirmed)
    laboratory.instrument.isInterlocked = false
    laboratory.events = []
    laboratory.run(Self.discharge, atMost: 60)
    #expect(laboratory.end == .cutOff(0))
  }

  /// Acknowledged and not carried out.
  @Test(arguments: [
    "SOUR:CURR", "SOUR:CURR:RANG", "SOUR:CURR:VLIM", "SENS:VOLT:RANG", "SENS:FUNC", "OUTP", "SOUR:FUNC",
  ])
  func findsWhatWasNotCarriedOut(command: String) throws {
    var laboratory = Laboratory.identified(try Laboratory.cell("hard-carbon"), .model2450)
    laboratory.instrument.ignored = [command]
    laboratory.run(Self.discharge, atMost: 30)
    let code = try #require(laboratory.refusal?.code)
    #expect(code == .instrumentSetpointNotFollowed || code == .instrumentError)
    #expect(!laboratory.hasBegun && laboratory.circuit == .openConfirmed)
  }

  @Test(arguments: ["SENS:VOLT:RSEN", "SENS:CURR:RSEN"]) func withoutFourWiresNothingBegins(command: String) throws {
    var laboratory = Laboratory(.model2450, cell: try Laboratory.cell("hard-carbon"))
    laboratory.instrument.ignored = [command]
    laboratory.open()
    laboratory.pass(10)
    #expect(laboratory.identity == nil && laboratory.faults == [.instrumentSetpointNotFollowed])
    laboratory.command(.openCircuit)
    laboratory.pass(2)
    #expect(laboratory.circuit == .openConfirmed)
  }

  /// A protection that somebody set too low for a rest is said to be the reason, at once.
  @Test func namesWhatTheInstrumentRefuses() throws {
    var laboratory = Laboratory.identified(try Laboratory.cell("hard-carbon"), .model2450)
    laboratory.sayAside(":SOUR:VOLT:PROT PROT2")
    let begun = laboratory.instrument.time
    laboratory.run(Self.discharge, atMost: 20)
    #expect(laboratory.refusal?.code == .instrumentError && laboratory.circuit == .openConfirmed)
    #expect(laboratory.refusal?.detail.contains("-222") == true, "\(laboratory.refusal?.detail ?? "")")
    #expect(laboratory.refusal?.detail.contains(":SOUR:CURR:VLIM 2E1") == true)
    #expect(laboratory.instrument.time - begun < 1)
  }

  /// Offsets, averages, units and calculations that somebody left in it falsify nothing.
  @Test func undoesWhatFalsifiesReadings() throws {
    var laboratory = Laboratory(.model2450, cell: try Laboratory.cell("hard-carbon"))
    for line in [
      ":SENS:VOLT:REL 1;:SENS:VOLT:REL:STAT ON", ":CALC:VOLT:MATH:MMF 2;:CALC:VOLT:MATH:STAT ON",
      ":SENS:CURR:UNIT WATT;:SENS:VOLT:UNIT OHM", ":SENS:VOLT:AVER:COUN 50;:SENS:VOLT:AVER ON", ":SENS:COUN 20",
      ":SOUR:CURR:READ:BACK OFF", ":SENS:VOLT:NPLC 10", ":FORM:ASC:PREC 3",
    ] {
      laboratory.sayAside(line)
    }
    laboratory.open()
    laboratory.pass(10) { $0.identity != nil }
    let before = laboratory.instrument.cell.terminalCharge
    laboratory.run(Self.discharge, atMost: 60)
    #expect(laboratory.end == .cutOff(0) && laboratory.readings.count >= 29)
    let truth = laboratory.instrument.cell.terminalCharge - before
    let tolerance: Double = 0.003 * 3e-4 + 0.5e-9 * 30
    #expect(abs(laboratory.charge - truth) < tolerance)
    #expect(laboratory.readings.allSatisfy { (1...2.7).contains($0.voltage?.volts ?? 0) })
  }

  /// An output that cannot be switched off is never called open.
  @Test func offThatIsNotCarriedOutIsNotConfirmed() throws {
    var laboratory = try discharging()
    laboratory.instrument.ignored = ["OUTP"]
    laboratory.events = []
    laboratory.command(.openCircuit)
    laboratory.pass(5)
    #expect(laboratory.end == nil && laboratory.circuit == .unknown && laboratory.faults.contains(.linkTimeout))
    laboratory.instrument.ignored = []
    laboratory.pass(3)
    #expect(laboratory.circuit == .openConfirmed && laboratory.end != nil)
  }

  /// Off that is not high impedance for one of the two functions is none.
  @Test(arguments: ["OUTP:CURR:SMOD", "OUTP:VOLT:SMOD"]) func bothOffStatesAreProved(command: String) throws {
    var laboratory = try discharging()
    laboratory.sayAside(":\(command) NORM")
    laboratory.instrument.ignored = [command]
    laboratory.events = []
    laboratory.command(.openCircuit)
    laboratory.pass(5)
    #expect(laboratory.end == nil && laboratory.circuit == .unknown)
  }

  @Test func overdrivenConvertersGiveNoNumbers() throws {
    var laboratory = try discharging()
    laboratory.events = []
    laboratory.instrument.meter.isOverdriven = true
    laboratory.pass(3)
    #expect(laboratory.readings.count >= 2)
    #expect(laboratory.readings.allSatisfy { $0.voltage == nil && $0.current == nil && $0.quality == .overload })
  }

  /// A power cut in every moment of a set-point leaves the cell to the driver, who disconnects it.
  @Test(arguments: 0..<10) func powerCutLeavesTheCellToTheDriver(step: Int) throws {
    var laboratory = Laboratory.identified(try Laboratory.cell("hard-carbon"), .model2450)
    laboratory.command(.begin(Self.discharge))
    laboratory.pass(Double(step) * 0.08)
    laboratory.instrument.powerCycle()
    laboratory.pass(10) { $0.end != nil || $0.refusal != nil }
    if laboratory.end == nil, laboratory.refusal == nil {
      // It noticed before anything was closed, set the instrument up anew and goes on.
      #expect(laboratory.hasBegun)
      laboratory.command(.openCircuit)
      laboratory.pass(3)
    }
    #expect(laboratory.circuit == .openConfirmed)
    let before = laboratory.instrument.cell.terminalCharge
    laboratory.pass(60)
    #expect(laboratory.instrument.cell.terminalCharge == before)
  }

  /// It wakes up as a source of 0 V while nobody uses it, and the next set-point sets it up anew.
  @Test func powerCutOfAnUnusedInstrumentIsFound() throws {
    var laboratory = Laboratory.identified(try Laboratory.cell("hard-carbon"), .model2450)
    laboratory.pass(60)
    let before = laboratory.instrument.cell.terminalCharge
    laboratory.instrument.powerCycle()
    laboratory.pass(7)
    let after = laboratory.instrument.cell.terminalCharge
    #expect(after < before)
    laboratory.pass(600)
    #expect(laboratory.instrument.cell.terminalCharge == after && laboratory.circuit == .openConfirmed)
    laboratory.pass(5.2)
    laboratory.run(Self.discharge, atMost: 60)
    #expect(laboratory.refusal == nil && laboratory.end == .cutOff(0))
  }

  /// Somebody empties the buffer, and with it the clock: times go on.
  @Test func clockThatSomebodyBeginsAnew() throws {
    var laboratory = try discharging()
    laboratory.pass(10)
    laboratory.sayAside(":TRAC:CLE")
    laboratory.pass(60) { $0.end != nil }
    #expect(laboratory.end == .cutOff(0))
    #expect(zip(laboratory.readings, laboratory.readings.dropFirst()).allSatisfy { $0.time < $1.time })
    let steps = zip(laboratory.readings, laboratory.readings.dropFirst()).map { ($1.time - $0.time).seconds }
    #expect(steps.allSatisfy { (0.9...1.1).contains($0) }, "\(steps)")
  }

  /// A wish for an open circuit is fulfilled at whatever moment it comes, and loss never leaves a confirmation.
  @Test(arguments: 0..<16) func opensAndLosesInEveryState(step: Int) throws {
    var laboratory = Laboratory.identified(try Laboratory.cell("hard-carbon"), .model2450)
    laboratory.command(.begin(Self.discharge))
    laboratory.pass(Double(step) * 0.04)
    var lost = laboratory
    laboratory.command(.openCircuit)
    laboratory.pass(3)
    #expect(laboratory.end == .requested && laboratory.circuit == .openConfirmed)
    let before = laboratory.instrument.cell.terminalCharge
    laboratory.pass(60)
    #expect(laboratory.instrument.cell.terminalCharge == before)
    lost.lose()
    #expect(lost.circuit == .unknown && lost.outputs.wakeAt == nil)
    // Opened again, it is made safe before anything else.
    lost.events = []
    lost.open()
    lost.pass(10) { $0.identity != nil }
    #expect(lost.identity != nil && lost.circuit == .openConfirmed)
  }

  @Test func refusesWhatItCannot() throws {
    var laboratory = Laboratory.identified(try Laboratory.cell("hard-carbon"), .model2450)
    var setpoint = Self.discharge
    setpoint.rangeCurrent = Current(picoamperes: 2_000_000_000_000)
    laboratory.command(.begin(setpoint))
    #expect(laboratory.refusal?.code == .instrumentRefused && laboratory.outputs.writes.isEmpty)
    setpoint = Self.discharge
    setpoint.bounds.upperVoltage = Voltage(millivolts: 20_000)
    laboratory.events = []
    laboratory.command(.begin(setpoint))
    #expect(laboratory.refusal?.code == .instrumentRefused && laboratory.outputs.writes.isEmpty)
  }
}
