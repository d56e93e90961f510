// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import InstrumentKit
import Quantities
import Testing

@testable import MethodSCRIPTDriver

/// The language acknowledges nothing that it tells the hardware: the circuit is open when no current is measured, and not
/// before.
@Suite struct DisconnectionProofTests {
  private static let cellOff = "e\ncell_off\n\n"
  private static let opened = DriverEvent.circuitOpened(channel: 0, at: TimeSpan(milliseconds: 1_020))
  private static let flow = measured(nanoamperes: -134_300)

  /// A discharge that came to its cut-off, with what was measured afterwards.
  private static func ended(_ proof: String) -> (conversation: Conversation, answer: Conversation.Answer) {
    var conversation = Conversation.running(Samples.discharge)
    conversation.receive(mark(1, at: 1_000) + "M000A\n" + sample(1_005, 4_900, -134_300) + "*\n")
    let end = ending(10, opened: 1_020, sampled: 1_005, 4_900, -134_300)
    let answer = conversation.receive(end.replacing(measured(nanoamperes: 0), with: proof))
    return (conversation, answer)
  }

  /// From the abort to the measurement; what the driver said to the latter.
  private static func attempt(_ conversation: inout Conversation, _ proof: String) -> [DriverEvent] {
    #expect(conversation.tickWhenWanted().writes == "\nZ\n")
    #expect(conversation.receive("\nZ!0006\n").events.isEmpty)
    #expect(conversation.tickWhenWanted().writes == cellOff)
    #expect(conversation.receive("e\n\n").writes == MethodSCRIPTDriver.proofScript)
    return conversation.receive("e\n" + proof + "\n").events
  }

  @Test func theScriptThatMeasuresTouchesNeitherModeNorRange() {
    #expect(
      MethodSCRIPTDriver.proofScript
        == "e\nvar m\nvar s\nmeas 100m m ba\nstore_var s 6i ja\npck_start\npck_add s\npck_add m\npck_end\n\n")
  }

  @Test func aCurrentThatGoesOnIsSaidAndNeverTakenForAnOpenCircuit() {
    var (conversation, end) = Self.ended(Self.flow)
    #expect(end.events == [Self.opened] && end.writes == Self.cellOff)
    #expect(conversation.receive("e\n\n").writes == MethodSCRIPTDriver.proofScript)
    let second = conversation.receive("e\n" + Self.flow + "\n")
    #expect(second.events.isEmpty && second.writes.isEmpty)
    let fault = Fault(
      .instrumentError,
      "after 3 commands the cell is not known to be disconnected, trying on: -0.0001343 A were measured afterwards, and "
        + "its zero is good to 0.000002 A")
    #expect(
      Self.attempt(&conversation, Self.flow) == [
        .fault(channel: 0, fault), .circuit(channel: 0, .unknown),
        .circuitMarkLost(channel: 0, at: TimeSpan(milliseconds: 1_020)),
      ])
    // Said once, and tried for ever.
    for _ in 0..<5 {
      #expect(conversation.wakeAt == conversation.now + TimeSpan(seconds: 2))
      #expect(Self.attempt(&conversation, Self.flow).isEmpty)
    }
    // A step whose circuit did not open when it should have has no other end than that.
    #expect(
      Self.attempt(&conversation, measured(nanoamperes: 0)) == [
        .circuit(channel: 0, .openConfirmed), .ended(channel: 0, Samples.token, .failed(fault)),
      ])
  }

  /// What was lost on the line is measured again, and the step ends as its script says.
  @Test(arguments: ["", measured(nanoamperes: 0).replacing("ba8", with: "ba$"), measured(nanoamperes: 3_000)])
  func aSingleDoubtIsNoFault(proof: String) {
    var (conversation, end) = Self.ended(proof)
    #expect(!end.events.contains(.circuit(channel: 0, .openConfirmed)) && end.writes == Self.cellOff)
    #expect(
      conversation.disconnect() == [
        .circuit(channel: 0, .openConfirmed), .ended(channel: 0, Samples.token, .cutOff(0)),
      ])
  }

  /// A meter that tells nothing of use shows nothing.
  @Test(arguments: [
    measured(nanoamperes: 0, ",12,215"), "Pja8000006i;ba     nan,10,215\n", measured(nanoamperes: 0, ",10,205"),
    measured(nanoamperes: 0, ""),
  ])
  func whatIsNoMeasurementShowsNothing(proof: String) {
    var (conversation, end) = Self.ended(proof)
    #expect(end.events == [Self.opened] && end.writes == Self.cellOff)
    conversation.receive("e\n\n")
    #expect(conversation.receive("e\n" + proof + "\n").events.isEmpty)
    let third = Self.attempt(&conversation, proof)
    // That no current was measured does not say that one flowed.
    #expect(third.count == 2 && third.last == .circuit(channel: 0, .unknown))
    #expect(Self.attempt(&conversation, measured(nanoamperes: 0)).first == .circuit(channel: 0, .openConfirmed))
  }

  @Test func whatLiesWithinTheZeroOfItsRangeIsNoCurrent() {
    for nanoamperes in [2_000, -2_000] {
      let events = Self.ended(measured(nanoamperes: nanoamperes)).answer.events
      #expect(events.last == .ended(channel: 0, Samples.token, .cutOff(0)))
    }
    #expect(Self.ended(measured(nanoamperes: 2_001)).answer.events == [Self.opened])
    // The same in a range of 1 uA.
    #expect(Self.ended(measured(nanoamperes: 11, ",10,20C")).answer.events == [Self.opened])
  }

  /// A measurement before the script's word that it disconnected says nothing of what is now.
  @Test func onlyWhatComesAfterTheLastMessageCounts() {
    var conversation = Conversation.running(Samples.discharge)
    conversation.receive(mark(1, at: 1_000) + measured(nanoamperes: 0) + "M000A\n" + sample(1_005, 4_900, -134_300))
    let end = ending(10, opened: 1_020, sampled: 1_005, 4_900, -134_300)
    #expect(conversation.receive("*\n" + end.replacing(measured(nanoamperes: 0), with: "")).events == [Self.opened])
  }

  /// An instrument that does not measure with the cell off is disconnected before, and said to be of no use.
  @Test func aRefusedMeasurementIsSaid() {
    var conversation = Conversation()
    _ = conversation.openIdle()
    #expect(conversation.command(.openCircuit).writes == Self.cellOff)
    var events: [DriverEvent] = []
    for attempt in 1...4 {
      if attempt > 1 {
        #expect(conversation.tickWhenWanted().writes == "\nZ\n")
        conversation.receive("\nZ!0006\n")
        #expect(conversation.tickWhenWanted().writes == Self.cellOff)
      }
      #expect(conversation.receive("e\n\n").writes == MethodSCRIPTDriver.proofScript)
      events += conversation.receive(attempt == 2 ? "e\n!4027: Line 3\n\n" : "e!4209: Line 3, Col 13\n").events
    }
    guard case .fault(0, let fault)? = events.first else {
      Issue.record("\(events)")
      return
    }
    #expect(events.count == 2 && events.last == .circuit(channel: 0, .unknown))
    #expect(fault.code == .instrumentError && fault.detail.contains("4209"), "\(fault.detail)")
  }

  @Test func aMeasurementThatIsNotAnsweredIsTriedAgain() {
    var conversation = Conversation()
    _ = conversation.openIdle()
    _ = conversation.command(.openCircuit)
    #expect(conversation.receive("e\n\n").writes == MethodSCRIPTDriver.proofScript)
    #expect(conversation.receive("e\n").events.isEmpty)
    #expect(Self.attempt(&conversation, measured(nanoamperes: 0)) == [.circuit(channel: 0, .openConfirmed)])
  }

  /// Nobody is introduced whose circuit may be closed.
  @Test func anInstrumentIsNotIdentifiedWhileACurrentFlows() {
    var conversation = Conversation()
    _ = conversation.open()
    conversation.receive("\nZ!0006\n")
    conversation.tickWhenWanted()
    conversation.receive("e\n\n")
    conversation.receive("tes4_hr1500#Mar 12 2026 14:28:01\nR*\n")
    conversation.receive("iES4HR23A0007\n")
    conversation.receive("v01.09.00\n")
    #expect(conversation.receive("CM\(Conversation.features)\n").writes == MethodSCRIPTDriver.proofScript)
    #expect(conversation.receive("e\n" + Self.flow + "\n").events.isEmpty)
    #expect(Self.attempt(&conversation, Self.flow).isEmpty)
    let said = Self.attempt(&conversation, Self.flow)
    guard said.count == 1, case .fault(nil, let fault)? = said.first else {
      Issue.record("\(said)")
      return
    }
    #expect(fault.code == .instrumentError)
    let events = Self.attempt(&conversation, measured(nanoamperes: 0))
    guard case .identified? = events.first else {
      Issue.record("\(events)")
      return
    }
    #expect(events.count == 2 && events.last == .circuit(channel: 0, .openConfirmed))
  }

  /// Numbers of ranges as the maker's published example names them; the stated offset, and 10 nA at least.
  @Test(arguments: [
    (MethodSCRIPTModel.emStat4HR, UInt16(27), Int64(200_000_000)), (.emStat4HR, 21, 2_000_000), (.emStat4HR, 9, 10_000),
    (.emStat4LR, 24, 20_000_000), (.emStat4LR, 3, 10_000), (.nexus, 11, 1_000_000_000), (.nexus, 43, 1_000_000_000),
    (.nexus, 8, 1_000_000), (.nexus, 6, 1_000_000), (.nexus, 40, 1_000_000), (.nexus, 39, 10_000_000),
    (.nexus, 0, 10_000), (.nexus, 16, 10_000), (.emStatPico, 11, 5_000_000), (.emStatPico, 10, 1_000_000),
    (.emStatPico, 137, 5_000_000), (.emStatPico, 136, 1_000_000), (.emStatPico, 0, 10_000),
  ])
  func knowsTheZeroOfARange(model: MethodSCRIPTModel, index: UInt16, picoamperes: Int64) {
    #expect(model.zero(ofRange: index) == Current(picoamperes: picoamperes))
  }

  @Test(arguments: [
    (MethodSCRIPTModel.emStat4HR, UInt16(0)), (.emStat4HR, 28), (.emStat4HR, 10), (.nexus, 12), (.nexus, 44),
    (.emStatPico, 12), (.emStatPico, 127), (.emStatPico, 138),
  ])
  func knowsNoZeroOfAnotherNumber(model: MethodSCRIPTModel, index: UInt16) {
    #expect(model.zero(ofRange: index) == nil)
  }
}
