// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import InstrumentKit
import Quantities
import Testing

@testable import MethodSCRIPTDriver

@Suite struct OpeningTests {
  @Test func makesAnIdleInstrumentSafeAndAsksWhoItIs() throws {
    var conversation = Conversation()
    #expect(conversation.open().writes == "\nZ\n")
    #expect(conversation.receive("\nZ!0006\n").writes.isEmpty)
    // It is deaf after an error.
    #expect(conversation.tick(milliseconds: 99).writes.isEmpty)
    #expect(conversation.tick(milliseconds: 1).writes == "e\ncell_off\n\n")
    #expect(conversation.receive("e\n").writes.isEmpty)
    #expect(conversation.receive("\n").writes == "t\n")
    #expect(conversation.receive("tes4_hr1500#Mar 12 2026 14:28:01\n").writes.isEmpty)
    #expect(conversation.receive("R*\n").writes == "i\n")
    #expect(conversation.receive("iES4HR23A0007\n").writes == "v\n")
    #expect(conversation.receive("v01.09.00\n").writes == "CM\n")
    let known = conversation.receive("CM\(Conversation.features)\n")
    #expect(known.events.isEmpty && known.writes == MethodSCRIPTDriver.proofScript)
    let events = conversation.receive(Conversation.nothingFlows).events
    let identity = InstrumentIdentity(
      family: "methodscript", model: "EmStat4 HR", serial: "ES4HR23A0007",
      firmware: "1.500 (MethodSCRIPT 01.09.00)", capabilities: MethodSCRIPTModel.emStat4HR.capabilities)
    #expect(events == [.identified(identity), .circuit(channel: 0, .openConfirmed)])
    #expect(conversation.wakeAt == nil)
  }

  @Test(arguments: [
    ("es4_hr1500", "EmStat4 HR", true), ("es4_lr1307", "EmStat4 LR", true), ("nexus11100", "Nexus", true),
    ("espico1601", "EmStat Pico", false),
  ])
  func knowsTheModels(firmware: String, model: String, isGalvanostat: Bool) throws {
    var conversation = Conversation()
    let events = conversation.openIdle(firmware: firmware)
    guard case .identified(let identity) = try #require(events.first) else {
      Issue.record("\(events)")
      return
    }
    #expect(identity.model == model)
    #expect(identity.capabilities.kinds.contains(.constantCurrent) == isGalvanostat)
    #expect(identity.capabilities.kinds.contains(.rest) && identity.capabilities.kinds.contains(.constantVoltage))
    #expect(identity.capabilities.openCircuit == .disconnectedAndMeasured)
    #expect(identity.capabilities.holdsBounds && identity.capabilities.hasLease)
  }

  /// Impedance is an option of the maker's; who has it not says so, and one that does not know the question is believed.
  @Test(arguments: [
    (Conversation.features, true), ("0" + Conversation.features.dropFirst().dropLast(8) + "7FBFFFFE", false),
    ("!0003", true), ("12", true),
  ])
  func asksForTheOptionOfImpedance(features: String, hasImpedance: Bool) throws {
    var conversation = Conversation()
    _ = conversation.open()
    conversation.receive("\nZ!0006\n")
    conversation.tickWhenWanted()
    conversation.receive("e\n\n")
    let events = conversation.introduce(features: features)
    guard case .identified(let identity) = try #require(events.first) else {
      Issue.record("\(events)")
      return
    }
    #expect(identity.capabilities.kinds.contains(.impedanceSpectrum) == hasImpedance)
    #expect((identity.capabilities.highestFrequency != nil) == hasImpedance)
    let answer = conversation.command(.begin(Samples.impedance))
    #expect(answer.events.isEmpty == hasImpedance)
  }

  @Test(arguments: ["es4_hr1306", "mes4hr1500", "espico1600", "es4_hr", "sm3000"])
  func turnsDownWhatItDoesNotKnow(firmware: String) {
    var conversation = Conversation()
    let events = conversation.openIdle(firmware: firmware)
    guard case .fault(nil, let identity)? = events.first, events.count == 1 else {
      Issue.record("\(events)")
      return
    }
    #expect(identity.code == .linkIdentity)
    let answer = conversation.command(.begin(Samples.rest))
    guard case .refused(0, Samples.token, let fault)? = answer.events.first else {
      Issue.record("\(answer.events)")
      return
    }
    #expect(fault.code == .instrumentRefused && answer.writes.isEmpty)
  }

  /// Hazard rule 5: what is found running names itself while it is aborted.
  @Test func rule5TellsWhatEndedAnOrphan() throws {
    var conversation = Conversation.orphan()
    let events = conversation.introduce()
    let last = Reading(
      time: TimeSpan(milliseconds: 61_000), voltage: Voltage(millivolts: 95),
      current: Current(picoamperes: -134_300_000))
    #expect(
      events.dropFirst() == [
        .circuit(channel: 0, .openConfirmed),
        .orphanEnded(
          channel: 0, Samples.token, lastReading: last, circuitOpenedAt: TimeSpan(milliseconds: 61_402),
          end: .requested),
      ])
  }

  /// Hazard rule 4: a bound that was passed while nobody listened is told as such; so is a step's own end.
  @Test func rule4TellsWhyAnOrphanEnded() throws {
    let ends: [(Int64, FaultCode?, SetpointEnd?)] = [
      (1, nil, .requested), (2, nil, .leaseExpired), (3, .instrumentBoundReached, nil),
      (4, .instrumentBoundReached, nil), (5, .instrumentBoundReached, nil), (6, .instrumentBoundReached, nil),
      (10, nil, .cutOff(0)), (12, nil, .cutOff(2)), (7, nil, nil), (-1, nil, nil),
    ]
    for (reason, code, expected) in ends {
      var conversation = Conversation()
      _ = conversation.open()
      conversation.receive(ending(reason, opened: 61_402, sampled: 61_000, 95_000, -134_300) + "Z!0006\n")
      conversation.tickWhenWanted()
      conversation.receive("e\n\n")
      guard case .orphanEnded(_, Samples.token, _, _, let end)? = conversation.introduce().last else {
        Issue.record("\(reason)")
        continue
      }
      if case .bound(let fault)? = end { #expect(fault.code == code) } else { #expect(end == expected, "\(reason)") }
      #expect((code == nil) == (end == expected), "\(reason)")
    }
  }

  @Test func anOrphanedRestNeverClosedACircuit() throws {
    var conversation = Conversation()
    _ = conversation.open()
    conversation.receive("Z\n" + ending(0, opened: 5_000, sampled: -1, 0, 0, kind: "rest"))
    conversation.receive("e\n\n")
    #expect(
      conversation.introduce().last
        == .orphanEnded(channel: 0, Samples.token, lastReading: nil, circuitOpenedAt: nil, end: .requested))
  }

  @Test func aForeignScriptIsOnlyStopped() {
    var conversation = Conversation()
    _ = conversation.open()
    conversation.receive("Peb80030D4m;ab82F4D60u,10,206;ba5050F80p,10,20F\nZ\n*\nThello\n")
    #expect(conversation.receive("\n").writes == "e\ncell_off\n\n")
    conversation.receive("e\n\n")
    let events = conversation.introduce()
    #expect(events.count == 2 && events.last == .circuit(channel: 0, .openConfirmed))
  }

  @Test func aSilentPortIsSaidOnceAndTriedForEver() {
    var conversation = Conversation()
    _ = conversation.open()
    var faults: [DriverEvent] = []
    for attempt in 1...10 {
      let answer = conversation.tickWhenWanted()
      #expect(answer.writes == "\nZ\n", "attempt \(attempt)")
      faults += answer.events
    }
    guard case .fault(nil, let fault)? = faults.first, faults.count == 1 else {
      Issue.record("\(faults)")
      return
    }
    #expect(fault.code == .linkTimeout)
    conversation.receive("Z!0006\n")
    conversation.tickWhenWanted()
    conversation.receive("e\n\n")
    #expect(conversation.introduce().count == 2)
  }

  @Test func asksAgainWhenAnAnswerIsLost() {
    var conversation = Conversation()
    _ = conversation.open()
    conversation.receive("Z!0006\n")
    conversation.tickWhenWanted()
    conversation.receive("e\n\n")
    conversation.receive("tes4_h\u{7F}1500#Mar 12 2026 14:28:01\nR*\n")
    #expect(conversation.tickWhenWanted().writes == "t\n")
    #expect(conversation.introduce().count == 2)
  }

  @Test func disconnectsAgainWhenTheInstrumentWasDeaf() {
    var conversation = Conversation()
    _ = conversation.open()
    conversation.receive("Z!0006\n")
    #expect(conversation.tickWhenWanted().writes == "e\ncell_off\n\n")
    #expect(conversation.tickWhenWanted().writes == "e\ncell_off\n\n")
    #expect(conversation.receive("e!0006\n").writes.isEmpty)
    #expect(conversation.tickWhenWanted().writes == "\nZ\n")
  }

  /// Hazard rule 7: without a port nothing is known of the circuit.
  @Test func rule7KnowsNothingWithoutAPort() {
    var conversation = Conversation.running(Samples.discharge)
    #expect(conversation.lose().events == [.circuit(channel: 0, .unknown)])
    #expect(conversation.command(.openCircuit).events == [.circuit(channel: 0, .unknown)])
    #expect(conversation.receive(sample(1_000, 100_000, -134_300)).events.isEmpty)
    #expect(conversation.wakeAt == nil)
  }

  @Test func matchesTheProductStringsAndNoBootloader() {
    let rules = MethodSCRIPTDriver.descriptor.matches
    #expect(rules.map(\.productPrefix) == ["EmStat4", "Nexus", "ESPicoDev"])
    #expect(rules[0].excludedProductPrefix == "EmStat4 Bootloader")
    #expect(MethodSCRIPTDriver.descriptor.maturity == .emulatedOnly)
    #expect(String(decoding: MethodSCRIPTDriver.safeStopBytes, as: UTF8.self) == "\nZ\n\ne\ncell_off\n\n")
  }
}

extension Conversation {
  /// A port that is opened while an earlier connection's script runs, up to the question who it is.
  static func orphan() -> Conversation {
    var conversation = Conversation()
    _ = conversation.open()
    conversation.receive("4D60u,10,206;ba5050F80p\n" + sample(60_000, 96_000, -134_300) + "\n")
    conversation.receive(sample(61_000, 95_000, -134_300) + "Z\n*\n")
    conversation.receive(ending(0, opened: 61_402, sampled: 61_000, 95_000, -134_300))
    conversation.receive("e\n\n")
    return conversation
  }
}
