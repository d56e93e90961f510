// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import InstrumentKit
import KeithleyTSPEmulator
import Quantities
import Testing
import VirtualLab

@testable import KeithleyTSPDriver

/// Instruments that are silent, refuse, lie, lose their power or their program, and lines that are bad.
@Suite struct FailureTests {
  private static let discharge = Laboratory.setpoint(
    .constantCurrent(Laboratory.microamperes(-300)), until: [Laboratory.time(20)])

  /// Both channels drive.
  private func discharging() throws -> Laboratory {
    var laboratory = Laboratory.identified(try Laboratory.cells())
    for channel in 0...1 { laboratory.command(.begin(Self.discharge), channel: channel) }
    laboratory.pass(10) { $0.readings(0).count >= 2 && $0.readings(1).count >= 2 }
    #expect(laboratory.circuit(0) == .closed && laboratory.circuit(1) == .closed)
    return laboratory
  }

  /// Nothing flows any more through either cell.
  private func expectDisconnected(_ laboratory: inout Laboratory) {
    let before = laboratory.instrument.cells.map(\.terminalCharge)
    laboratory.pass(60)
    #expect(laboratory.instrument.cells.map(\.terminalCharge) == before)
    // The driver waits for its deadlines and does not spin.
    #expect(laboratory.mostIdleWakes < 100)
  }

  // MARK: Safe stop

  /// Without any driver before: just switched on, a script being loaded, a script that runs, half a message on the line.
  @Test(arguments: [
    "", "loadscript\nfunction f()", "smua.source.func=0 smua.source.output=1 delay(90)\n", "print(", "x=",
  ])
  func safeStopNeedsNoState(before: String) throws {
    var instrument = TSPInstrument(serial: "1", cells: try Laboratory.cells())
    var output: [UInt8] = []
    func pass(_ seconds: Double, _ instrument: inout TSPInstrument) {
      let end = instrument.time + seconds
      while instrument.time < end {
        if instrument.run(until: end, output: &output, outputLimit: 1_000) == .idle { instrument.rest(until: end) }
      }
    }
    Array(before.utf8).withUnsafeBytes { instrument.receive($0) }
    pass(1, &instrument)
    KeithleyTSPDriver.safeStopBytes.withUnsafeBytes { instrument.receive($0) }
    pass(1, &instrument)
    let stopped = [0, 1].map { instrument.cellTruth(channel: $0) }
    pass(100, &instrument)
    #expect([0, 1].map { instrument.cellTruth(channel: $0) } == stopped)
  }

  /// In every state that the driver brings the instrument into.
  @Test(arguments: 0..<24) func safeStopFromEveryState(step: Int) throws {
    var laboratory = Laboratory.identified(try Laboratory.cells())
    laboratory.command(.begin(Self.discharge))
    laboratory.command(.begin(Self.discharge), channel: 1)
    laboratory.pass(Double(step) * 0.117)
    laboratory.isCut = true
    laboratory.instrument.byteTime = 0
    KeithleyTSPDriver.safeStopBytes.withUnsafeBytes { laboratory.instrument.receive($0) }
    laboratory.pass(0.5)
    #expect(laboratory.instrument.meters.allSatisfy { !$0.isOn && $0.offMode == .highImpedance })
    expectDisconnected(&laboratory)
  }

  /// A wish for an open circuit is fulfilled at whatever moment it comes, and loss never leaves a confirmation.
  @Test(arguments: 0..<24) func opensAndLosesInEveryState(step: Int) throws {
    var laboratory = Laboratory.identified(try Laboratory.cells())
    laboratory.command(.begin(Self.discharge))
    laboratory.command(.begin(Self.discharge), channel: 1)
    laboratory.pass(Double(step) * 0.13)
    var lost = laboratory
    laboratory.command(.openCircuit)
    laboratory.command(.openCircuit, channel: 1)
    laboratory.pass(5)
    for channel in 0...1 {
      #expect(laboratory.end(channel) == .requested && laboratory.circuit(channel) == .openConfirmed)
    }
    expectDisconnected(&laboratory)
    lost.lose()
    #expect(lost.circuit(0) == .unknown && lost.circuit(1) == .unknown && lost.outputs.wakeAt == nil)
    // Opened again, it is made safe before anything else.
    lost.events = []
    lost.open()
    lost.pass(20) { $0.identity != nil }
    #expect(lost.identity != nil && lost.circuit(0) == .openConfirmed && lost.circuit(1) == .openConfirmed)
    expectDisconnected(&lost)
  }

  /// A host that died while it loaded the program left a script that swallows every message.
  @Test func findsAnInstrumentThatIsBeingLoaded() throws {
    var laboratory = Laboratory(try Laboratory.cells())
    laboratory.whisper("loadscript nacycler\nfunction f()\nx=1\n")
    laboratory.instrument.rest(until: 2)
    laboratory.open()
    laboratory.pass(20) { $0.identity != nil }
    #expect(laboratory.identity != nil)
    laboratory.run(Self.discharge, atMost: 60)
    #expect(laboratory.end() == .cutOff(0))
  }

  // MARK: Silence

  @Test func nobodyThere() throws {
    var laboratory = Laboratory(try Laboratory.cells())
    laboratory.instrument.isMute = true
    laboratory.open()
    laboratory.pass(30)
    // Told once, and tried on.
    #expect(laboratory.faults == [.linkTimeout] && laboratory.identity == nil)
    laboratory.instrument.isMute = false
    laboratory.pass(20) { $0.identity != nil }
    #expect(laboratory.identity != nil && laboratory.circuit(0) == .openConfirmed)
  }

  @Test func muteWhileDriving() throws {
    var laboratory = try discharging()
    laboratory.events = []
    laboratory.instrument.isMute = true
    laboratory.pass(12)
    #expect(laboratory.circuit(0) == .unknown && laboratory.circuit(1) == .unknown)
    #expect(laboratory.faults == [.linkTimeout] && laboratory.end(0) == nil)
    // It waits for its deadlines and does not spin.
    #expect(laboratory.mostIdleWakes < 100)
    laboratory.instrument.isMute = false
    laboratory.pass(5)
    for channel in 0...1 {
      guard case .failed? = laboratory.end(channel) else {
        Issue.record("\(String(describing: laboratory.end(channel)))")
        continue
      }
      #expect(laboratory.circuit(channel) == .openConfirmed)
    }
    // The moment is not known, and that is said.
    #expect(laboratory.events.contains { if case .circuitMarkLost = $0 { true } else { false } })
    expectDisconnected(&laboratory)
    laboratory.events = []
    laboratory.run(Self.discharge, atMost: 60)
    #expect(laboratory.end() == .cutOff(0))
  }

  @Test func muteWhileUnused() throws {
    var laboratory = Laboratory.identified(try Laboratory.cells())
    laboratory.instrument.isMute = true
    laboratory.pass(9)
    #expect(laboratory.faults == [.linkTimeout] && laboratory.circuit(0) == .unknown)
    laboratory.instrument.isMute = false
    laboratory.pass(4)
    #expect(laboratory.circuit(0) == .openConfirmed && laboratory.circuit(1) == .openConfirmed)
    laboratory.pass(5)
    laboratory.run(Self.discharge, atMost: 60)
    #expect(laboratory.end() == .cutOff(0))
  }

  /// Somebody, or an error of the program, ends it: the outputs are on and nothing watches but the driver.
  @Test(arguments: ["abort\n", "abort\nnc_c[1].p=nil nc_watch()\n"]) func programThatStops(how: String) throws {
    var laboratory = try discharging()
    laboratory.events = []
    laboratory.whisper(how)
    laboratory.pass(9)
    for channel in 0...1 {
      guard case .failed(let fault)? = laboratory.end(channel) else {
        Issue.record("\(String(describing: laboratory.end(channel)))")
        continue
      }
      #expect(fault.code == .instrumentError || fault.code == .instrumentNoReading)
      #expect(laboratory.circuit(channel) == .openConfirmed)
    }
    expectDisconnected(&laboratory)
  }

  @Test func powerCutLeavesTheCellsToTheDriver() throws {
    var laboratory = try discharging()
    laboratory.events = []
    laboratory.instrument.powerCycle()
    laboratory.pass(20)
    #expect(laboratory.end(0) != nil && laboratory.end(1) != nil)
    #expect(laboratory.circuit(0) == .openConfirmed && laboratory.circuit(1) == .openConfirmed)
    expectDisconnected(&laboratory)
    // The program was loaded anew.
    laboratory.events = []
    laboratory.run(Self.discharge, atMost: 60)
    #expect(laboratory.end() == .cutOff(0) && laboratory.written.components(of: "loadscript") == 2)
  }

  /// It wakes up as a source of 0 V while nobody uses it.
  @Test func powerCutOfAnUnusedInstrumentIsFound() throws {
    var laboratory = Laboratory.identified(try Laboratory.cells())
    laboratory.pass(60)
    let before = laboratory.instrument.cells[0].terminalCharge
    laboratory.instrument.powerCycle()
    laboratory.pass(7)
    let after = laboratory.instrument.cells[0].terminalCharge
    #expect(after < before)
    laboratory.pass(600)
    #expect(laboratory.instrument.cells[0].terminalCharge == after && laboratory.faults.isEmpty)
    laboratory.run(Self.discharge, atMost: 60)
    #expect(laboratory.refusal() == nil && laboratory.end() == .cutOff(0))
  }

  // MARK: Lies and refusals

  /// Acknowledged and not carried out.
  @Test(arguments: ["source.leveli", "source.limitv", "source.func", "smu.sense", "source.output"])
  func findsWhatWasNotCarriedOut(attribute: String) throws {
    var laboratory = Laboratory.identified(try Laboratory.cells())
    laboratory.instrument.ignored = [attribute]
    laboratory.run(Self.discharge, atMost: 30)
    let code = try #require(laboratory.refusal()?.code)
    #expect(code == .instrumentSetpointNotFollowed || code == .instrumentError)
    #expect(!laboratory.hasBegun() && laboratory.circuit() == .openConfirmed)
  }

  /// An output that cannot be switched off is never called open.
  @Test(arguments: ["source.output", "source.offmode"]) func offThatIsNotCarriedOutIsNotConfirmed(attribute: String)
    throws
  {
    var laboratory = try discharging()
    laboratory.instrument.ignored = [attribute]
    // One that was sent to another off mode by somebody.
    if attribute == "source.offmode" {
      laboratory.instrument.powerCycle()
      laboratory.instrument.ignored = [attribute]
    }
    laboratory.events = []
    laboratory.command(.openCircuit)
    laboratory.pass(9)
    #expect(laboratory.end() == nil && laboratory.circuit() == .unknown && laboratory.faults.contains(.linkTimeout))
    laboratory.instrument.ignored = []
    laboratory.pass(4)
    #expect(laboratory.circuit() == .openConfirmed && laboratory.end() != nil)
    expectDisconnected(&laboratory)
  }

  @Test func openLeadsRefuse() throws {
    var laboratory = Laboratory.identified((OpenLeads(), try Laboratory.cell("hard-carbon")))
    laboratory.run(Self.discharge, atMost: 30)
    #expect(laboratory.refusal()?.code == .instrumentNoReading && laboratory.circuit() == .openConfirmed)
    laboratory.run(Self.discharge, channel: 1, atMost: 60)
    #expect(laboratory.end(1) == .cutOff(0))
  }

  /// Numbers beyond the range, or none: readings without numbers, and the end after eight of them.
  @Test(arguments: [true, false]) func measurementsWithoutNumbers(isOverflow: Bool) throws {
    var laboratory = try discharging()
    laboratory.events = []
    laboratory.instrument.meters[0].isOverdriven = isOverflow
    laboratory.instrument.meters[0].givesNoNumbers = !isOverflow
    laboratory.pass(6)
    #expect(laboratory.readings().count >= 2)
    #expect(
      laboratory.readings().dropFirst().allSatisfy { $0.voltage == nil && $0.current == nil && $0.quality == .overload }
    )
    #expect(laboratory.faults == [.instrumentNoReading] && laboratory.circuit() == .openConfirmed)
    // The other channel goes on.
    #expect(laboratory.instrument.meters[1].isOn && laboratory.end(1) == nil)
    #expect(laboratory.readings(1).count >= 5 && laboratory.readings(1).allSatisfy { $0.quality.isEmpty })
  }

  @Test func anotherModelIsLeftAlone() throws {
    var laboratory = Laboratory(try Laboratory.cells())
    laboratory.instrument.maker = "Keithley Instruments Inc., Model 2651A"
    laboratory.open()
    laboratory.pass(10)
    #expect(laboratory.faults == [.linkIdentity] && laboratory.identity == nil)
    #expect(!laboratory.written.contains("loadscript"))
    laboratory.command(.openCircuit)
    laboratory.pass(2)
    #expect(laboratory.circuit() == .openConfirmed)
  }

  /// An instrument that does not compile the program: its words are told.
  @Test func programThatIsNotTaken() throws {
    var laboratory = Laboratory(try Laboratory.cells())
    laboratory.open()
    laboratory.pass(60) { laboratory in
      laboratory.written.components(of: "loadscript") > 0
    }
    laboratory.instrument.machineIsFull = true
    laboratory.pass(60) { !$0.faults.isEmpty }
    #expect(laboratory.faults == [.instrumentError] && laboratory.identity == nil)
    #expect(laboratory.written.components(of: "loadscript") == 3)
  }

  @Test func refusesWhatItCannot() throws {
    var laboratory = Laboratory.identified(try Laboratory.cells())
    var setpoint = Self.discharge
    setpoint.rangeCurrent = Current(picoamperes: 4_000_000_000_000)
    laboratory.command(.begin(setpoint))
    #expect(laboratory.refusal()?.code == .instrumentRefused)
    setpoint = Self.discharge
    setpoint.mode = .sweep(
      Setpoint.Sweep(from: .zero, to: [Voltage(millivolts: 100)], rate: VoltageRate(count: 1_000), ownEnd: 0))
    laboratory.events = []
    laboratory.command(.begin(setpoint))
    #expect(laboratory.refusal()?.code == .instrumentRefused && laboratory.outputs.writes.isEmpty)
    setpoint = Self.discharge
    setpoint.bounds.upperVoltage = Voltage(millivolts: 6_001)
    laboratory.events = []
    laboratory.command(.begin(setpoint))
    #expect(laboratory.refusal()?.code == .instrumentRefused)
    laboratory.events = []
    laboratory.command(.begin(Self.discharge), channel: 2)
    #expect(laboratory.refusal(2)?.code == .instrumentRefused)
    // One at a time.
    laboratory.command(.begin(Self.discharge))
    laboratory.command(.begin(Self.discharge))
    #expect(laboratory.refusal(0)?.code == .instrumentRefused)
  }

  /// A call for one channel interrupts what the program does with the other, at every place of its own switching off.
  @Test func interruptedAtEveryPlaceOfAnEnd() throws {
    var ready = Laboratory.identified(try Laboratory.cells())
    var setpoint = Self.discharge
    setpoint.cutOffs = [Laboratory.time(2)]
    ready.command(.begin(Laboratory.setpoint(.openCircuit, until: [])), channel: 1)
    ready.pass(5) { $0.hasBegun(1) }
    ready.command(.begin(setpoint))
    ready.pass(5) { $0.readings().count >= 2 }
    // When its end would be heard of.
    var undisturbed = ready
    undisturbed.pass(5) { $0.end() != nil }
    let start = undisturbed.instrument.time - ready.instrument.time - 0.3
    var interrupted = 0
    for step in 0..<150 {
      var laboratory = ready
      laboratory.pass(start + Double(step) * 0.002)
      guard laboratory.end() == nil else { continue }
      interrupted += 1
      laboratory.command(.openCircuit, channel: 1)
      laboratory.pass(12) { $0.end(0) != nil && $0.end(1) != nil }
      #expect(laboratory.end(0) == .cutOff(0) && laboratory.end(1) == .requested, "step \(step)")
      #expect(laboratory.readings().allSatisfy { ($0.voltage?.volts ?? 0) > 1 }, "step \(step)")
      #expect(laboratory.instrument.meters.allSatisfy { !$0.isOn && $0.offMode == .highImpedance }, "step \(step)")
    }
    print("interrupted at \(interrupted) places")
    #expect(interrupted > 20)
  }

  // MARK: Bad lines

  /// A line that tells of the output, of a hold or of the end is lost: what can be known is known all the same.
  @Test(arguments: ["C", "H", "O", "CHO"]) func makesUpForLostLines(which: String) throws {
    var laboratory = Laboratory((PlainCell(), PlainCell()))
    laboratory.open()
    laboratory.pass(20) { $0.identity != nil }
    laboratory.swallowed = which.map { "\($0)1" }
    var setpoint = Laboratory.setpoint(
      .constantCurrentThenVoltage(Laboratory.microamperes(300), Voltage(millivolts: 3_250)),
      until: [CutOff(quantity: .holdTime, comparison: .atLeast, threshold: 3_000_000, onlyInHold: true)])
    setpoint.bounds.upperVoltage = Voltage(millivolts: 4_000)
    let before = laboratory.instrument.cells[0].terminalCharge
    laboratory.run(setpoint, atMost: 30)
    #expect(laboratory.swallowed.isEmpty && laboratory.end() == .cutOff(0) && laboratory.closings() == 1)
    let isLost = laboratory.events.contains { if case .circuitMarkLost = $0 { true } else { false } }
    #expect(isLost == which.contains("C"))
    let holds = laboratory.events.count { if case .holdBegan = $0 { true } else { false } }
    #expect(holds == 1)
    let charge = laboratory.instrument.cells[0].terminalCharge - before
    // 250 µA in the hold, for which the moments are known but for 10 ms.
    #expect(abs(laboratory.charge() - charge) < 250e-6 * 0.01 + (which.contains("C") ? 250e-6 * 0.05 : 0))
  }

  /// What an earlier call said, late or twice, is not taken for the present one.
  @Test func linesOfAnEarlierCallAreNotTaken() throws {
    var laboratory = Laboratory.identified(try Laboratory.cells())
    laboratory.run(Self.discharge, atMost: 60)
    #expect(laboratory.end() == .cutOff(0))
    let earlier = laboratory.heard.split(separator: "\n").filter { $0.hasPrefix("R1") || $0.hasPrefix("O1") }.suffix(2)
    laboratory.events = []
    laboratory.command(.begin(Self.discharge))
    laboratory.receive(Array((earlier.joined(separator: "\n") + "\n").utf8))
    #expect(laboratory.events.isEmpty && laboratory.driver.damagedMessages == 0)
    laboratory.pass(5) { $0.readings().count >= 2 }
    let count = laboratory.readings().count
    laboratory.receive(Array((earlier.joined(separator: "\n") + "\n").utf8))
    #expect(laboratory.readings().count == count && laboratory.driver.damagedMessages == 0)
    laboratory.pass(60) { $0.end() != nil }
    #expect(laboratory.end() == .cutOff(0) && laboratory.readings().count >= 20)
  }

  /// One line in five is damaged: slower, and nothing wrong.
  @Test(arguments: 1...6) func worksOnABadLine(seed: UInt64) throws {
    var laboratory = Laboratory(try Laboratory.cells())
    laboratory.noise = seed
    laboratory.open()
    laboratory.pass(120) { $0.identity != nil }
    for channel in 0...1 { laboratory.command(.begin(Self.discharge), channel: channel) }
    laboratory.pass(120) { $0.end(0) != nil && $0.end(1) != nil }
    for channel in 0...1 {
      #expect(
        laboratory.end(channel) == .cutOff(0) && laboratory.readings(channel).count > 8,
        "seed \(seed): \(laboratory.readings(channel).count), \(laboratory.faults)")
      #expect(laboratory.readings(channel).allSatisfy { abs(($0.current?.amperes ?? 0) + 3e-4) < 1e-6 })
    }
  }
}

/// Nothing between the leads: any current brings the voltage to where the source lets it.
private struct OpenLeads: VirtualCell {
  mutating func advance(seconds: Double, drive: CellDrive) {}
  func voltage(under drive: CellDrive) -> Double {
    switch drive {
    case .open: 0
    case .current(let amperes): amperes * 1e13
    case .voltage(let volts, _): volts
    }
  }
  func current(under drive: CellDrive) -> Double { 0 }
  func impedance(atHertz hertz: Double) -> (real: Double, imaginary: Double) { (1e13, 0) }
  var terminalCharge: Double { 0 }
  var lostCharge: Double { 0 }
}

extension String {
  /// How often a text occurs.
  func components(of text: String) -> Int {
    var count = 0
    var rest = self[...]
    while let range = rest.firstRange(of: text) {
      count += 1
      rest = rest[range.upperBound...]
    }
    return count
  }
}
