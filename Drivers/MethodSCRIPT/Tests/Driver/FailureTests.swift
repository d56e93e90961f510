// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import InstrumentKit
import Quantities
import Testing

@testable import MethodSCRIPTDriver

@Suite struct FailureTests {
  @Test func aRuntimeErrorIsFollowedByCellOffBeforeItIsSaid() {
    var conversation = Conversation.running(Samples.discharge)
    conversation.receive(mark(1, at: 1_000) + "M000A\n" + sample(1_000, 900_000, -134_300))
    let stop = conversation.receive("!0058: Line 41\n")
    #expect(stop.writes == "e\ncell_off\n\n" && stop.events.isEmpty)
    // The instrument was deaf: the script is sent again until it answers.
    #expect(conversation.receive("\n").events.isEmpty)
    #expect(conversation.tickWhenWanted().writes == "e\ncell_off\n\n")
    #expect(conversation.receive("e\n").events.isEmpty)
    #expect(conversation.receive("\n").events.isEmpty)
    let fault = Fault(
      .instrumentError, "the script stopped with error 0058 (the loop could not keep its timing): Line 41")
    #expect(
      conversation.receive(Conversation.nothingFlows).events == [
        .circuit(channel: 0, .openConfirmed), .ended(channel: 0, Samples.token, .failed(fault)),
      ])
  }

  @Test func aCriticalOverloadHasItsOwnFault() {
    var conversation = Conversation.running(Samples.hold)
    conversation.receive("!0032: Line 30\n")
    guard case .ended(0, _, .failed(let fault))? = conversation.disconnect().last else {
      Issue.record("the set-point did not end")
      return
    }
    #expect(fault.code == .instrumentOverload)
  }

  @Test func aRefusedScriptClosesNothing() {
    var conversation = Conversation()
    _ = conversation.openIdle()
    _ = conversation.command(.begin(Samples.discharge))
    let fault = Fault(
      .instrumentRefused, "the instrument refused the script: 4001 (unknown script command): Line 24, Col 1")
    #expect(
      conversation.receive("e!4001: Line 24, Col 1\n").events == [
        .circuit(channel: 0, .openConfirmed), .refused(channel: 0, Samples.token, fault),
      ])
    // A set-point that comes while the instrument is deaf waits.
    #expect(conversation.command(.begin(Samples.rest)).writes.isEmpty)
    #expect(conversation.tickWhenWanted().writes.hasPrefix("e\nvar c\n"))
    #expect(conversation.receive("e\n").events.first == .began(channel: 0, Samples.token))
  }

  @Test func aScriptRefusedBecauseAnotherRunsIsMadeSafe() {
    var conversation = Conversation()
    _ = conversation.openIdle()
    _ = conversation.command(.begin(Samples.discharge))
    #expect(conversation.receive("e!0006\n").events.isEmpty)
    #expect(conversation.tickWhenWanted().writes == "\nZ\n")
    conversation.receive("Z\n\n")
    let events = conversation.disconnect()
    guard case .refused(0, Samples.token, _)? = events.last else {
      Issue.record("\(events)")
      return
    }
    #expect(events.first == .circuit(channel: 0, .openConfirmed))
  }

  @Test func anUnreadableEndIsConfirmedByAScript() {
    var conversation = Conversation.running(Samples.discharge)
    conversation.receive(mark(1, at: 1_000) + "M000A\n" + sample(1_000, 4_000, -134_300) + "*\n")
    conversation.receive("Tnacycler 12 34 driven\nPja8000009i;jb80000")
    #expect(conversation.receive("\n\n").writes == "e\ncell_off\n\n")
    let events = conversation.disconnect()
    guard case .ended(0, Samples.token, .failed(let fault))? = events.last else {
      Issue.record("\(events)")
      return
    }
    #expect(fault.code == .linkGarbage)
    // When the current stopped is not known, so it is not said.
    #expect(events.count == 2)
  }

  @Test func anEmptyLineThatWasNoiseDoesNotLeaveTheScriptRunning() {
    var conversation = Conversation.running(Samples.discharge)
    conversation.receive(mark(1, at: 1_000) + "M000A\n")
    #expect(conversation.receive("\n").writes == "e\ncell_off\n\n")
    conversation.receive("e!0006\n")
    #expect(conversation.tickWhenWanted().writes == "\nZ\n")
    conversation.receive("Z\n")
    let events = conversation.receive(ending(0, opened: 700, sampled: -1, 0, 0)).events
    #expect(events.first == .circuitOpened(channel: 0, at: TimeSpan(milliseconds: 700)))
    #expect(events.last != .ended(channel: 0, Samples.token, .requested))
  }

  @Test func silenceEndsInAnAbort() {
    var conversation = Conversation.running(Samples.discharge)
    conversation.receive(mark(1, at: 1_000) + "M000A\n" + sample(1_000, 900_000, -134_300))
    #expect(conversation.tickWhenWanted().events.isEmpty)
    #expect(conversation.tickWhenWanted().events.isEmpty)
    let third = conversation.tickWhenWanted()
    guard case .fault(nil, let fault)? = third.events.first else {
      Issue.record("\(third.events)")
      return
    }
    #expect(fault.code == .linkTimeout && third.writes == "Z\n")
    #expect(conversation.tickWhenWanted().writes == "\nZ\n")
    conversation.receive("Z\n")
    let events = conversation.receive(ending(0, opened: 9_000, sampled: 8_000, 850_000, -134_300)).events
    guard case .ended(0, Samples.token, .failed(let end))? = events.last else {
      Issue.record("\(events)")
      return
    }
    #expect(end.code == .linkTimeout)
    #expect(events.first == .circuitOpened(channel: 0, at: TimeSpan(milliseconds: 9_000)))
  }

  @Test func garbageIsCountedAndSaidOnceASecond() {
    var conversation = Conversation.running(Samples.discharge)
    var faults: [DriverEvent] = []
    for _ in 1...20 {
      conversation.now = conversation.now + TimeSpan(milliseconds: 100)
      faults += conversation.receive("Peb80030D4m;ab82F4D6Xu;ba5050F80p\n").events
    }
    #expect(faults.count == 2 && conversation.driver.damagedMessages == 20)
    for fault in faults {
      guard case .fault(nil, let fault) = fault else {
        Issue.record("\(fault)")
        return
      }
      #expect(fault.code == .linkGarbage)
    }
  }

  @Test func timeThatGoesBackIsAFaultAndNoReading() {
    var conversation = Conversation.running(Samples.discharge)
    conversation.receive(sample(2_000, 900_000, -134_300))
    guard case .fault(0, let fault)? = conversation.receive(sample(1_999, 900_000, -134_300)).events.first else {
      Issue.record("no fault")
      return
    }
    #expect(fault.code == .instrumentTimeBackwards)
    // Further ahead than a lease allows: a wrong digit, not a reading.
    #expect(
      !conversation.receive(sample(99_000, 900_000, -134_300)).events.contains { event in
        if case .reading = event { true } else { false }
      })
    #expect(conversation.receive(sample(3_000, 900_000, -134_300)).events.count == 1)
  }

  @Test func aPackageOfTheWrongKindIsNoReading() {
    var conversation = Conversation.running(Samples.discharge)
    for line in [
      package(variable("eb", 1_000, "m"), variable("ab", 1, "m")),
      package(variable("ab", 1_000, "m"), variable("eb", 1, "m"), variable("ba", 1, "m")),
      package(variable("eb", 1_000, "m"), variable("ab", 1, "m"), variable("ba", 1, "m"), variable("ba", 1, "m")),
      package(variable("eb", -1, "m"), variable("ab", 1, "m"), variable("ba", 1, "m")),
      package("eb     nan", variable("ab", 1, "m"), variable("ba", 1, "m")),
    ] {
      let events = conversation.receive(line).events
      #expect(!events.contains { if case .reading = $0 { true } else { false } }, "\(line)")
    }
    #expect(conversation.driver.damagedMessages == 5)
  }
}

/// Answers that come later than the next command. A busy host or bench delays everything in order, so the answer to what
/// was written first still comes first.
@Suite struct LateAnswerTests {
  /// A discharge that ended by itself, 0 V reached, just after the driver had asked for another lease.
  private func endedWithARenewalOnTheLine() -> Conversation {
    var conversation = Conversation.running(Samples.discharge)
    conversation.receive(mark(1, at: 1_000) + "M000A\n" + sample(1_000, 900_000, -134_300))
    let renewal = conversation.receive(sample(22_000, 899_000, -134_300))
    #expect(renewal.writes == "Y\n")
    let end = conversation.receive("*\n" + ending(10, opened: 23_000, sampled: 22_000, 899_000, -134_300))
    #expect(end.writes.isEmpty)
    #expect(end.events.last == .ended(channel: 0, Samples.token, .cutOff(0)))
    return conversation
  }

  @Test func noScriptIsSentBeforeARenewalIsAnswered() {
    var conversation = endedWithARenewalOnTheLine()
    #expect(conversation.command(.begin(Samples.rest)).writes.isEmpty)
    #expect(conversation.tick(milliseconds: 400).writes.isEmpty)
    #expect(conversation.receive("Y!0006\n").writes.isEmpty)
    #expect(conversation.tickWhenWanted().writes == "i\n")
    let answer = conversation.receive("iES4HR23A0007\n")
    #expect(answer.events == [.circuit(channel: 0, .openConfirmed)])
    #expect(answer.writes.hasPrefix("e\nvar c\n"))
    #expect(conversation.receive("e\n").events.first == .began(channel: 0, Samples.token))
  }

  @Test func aRenewalThatIsNeverAnsweredIsGivenUpByAnAbort() {
    var conversation = endedWithARenewalOnTheLine()
    #expect(conversation.command(.begin(Samples.rest)).writes.isEmpty)
    #expect(conversation.tickWhenWanted().writes == "i\n")
    // Lost as well: it is asked again, and what answers twice does no harm.
    #expect(conversation.tickWhenWanted().writes == "i\n")
    #expect(conversation.receive("iES4HR23A0007\n").writes.hasPrefix("e\nvar c\n"))
    #expect(conversation.receive("iES4HR23A0007\n").writes.isEmpty)
    #expect(conversation.receive("e\n").events.first == .began(channel: 0, Samples.token))
  }

  /// A line that is slower than any answer may take: counting would not find out, the question does.
  @Test func anAnswerThatComesAfterTheQuestionWasAskedIsNotTakenForAnEnd() {
    var conversation = endedWithARenewalOnTheLine()
    #expect(conversation.command(.begin(Samples.rest)).writes.isEmpty)
    #expect(conversation.tickWhenWanted().writes == "i\n")
    #expect(conversation.receive("Y!0006\n").writes.isEmpty)
    #expect(conversation.tickWhenWanted().writes == "i\n")
    #expect(conversation.receive("i!0006\n").writes.isEmpty)
    #expect(conversation.tickWhenWanted().writes == "i\n")
    #expect(conversation.receive("iES4HR23A0007\n").writes.hasPrefix("e\nvar c\n"))
  }

  @Test func whatWaitsForALateAnswerCanBeCalledOff() {
    var conversation = endedWithARenewalOnTheLine()
    #expect(conversation.command(.begin(Samples.rest)).writes.isEmpty)
    #expect(conversation.command(.openCircuit).writes.isEmpty)
    conversation.receive("Y!0006\n")
    conversation.tickWhenWanted()
    #expect(
      conversation.receive("iES4HR23A0007\n").events == [
        .circuit(channel: 0, .openConfirmed), .ended(channel: 0, Samples.token, .requested),
      ])
    #expect(conversation.command(.begin(Samples.rest)).writes.hasPrefix("e\nvar c\n"))
  }

  /// The script still ran but measured no more: the instrument is deaf while it ends.
  @Test func aScriptThatEndsInTheDeafnessIsNotFollowedAtOnce() {
    var conversation = Conversation.running(Samples.discharge)
    conversation.receive(mark(1, at: 1_000) + "M000A\n" + sample(1_000, 900_000, -134_300))
    conversation.receive(sample(22_000, 899_000, -134_300))
    conversation.receive("*\nY!0006\n" + ending(10, opened: 23_000, sampled: 22_000, 899_000, -134_300))
    #expect(conversation.command(.begin(Samples.rest)).writes.isEmpty)
    #expect(conversation.tickWhenWanted().writes.hasPrefix("e\nvar c\n"))
  }

  @Test func aScriptIsNotSentTwiceForAnAnswerThatIsNotItsOwn() {
    var conversation = Conversation()
    _ = conversation.openIdle()
    #expect(conversation.command(.begin(Samples.discharge)).writes.hasPrefix("e\nvar c\n"))
    #expect(conversation.receive("Y!0006\n").writes.isEmpty)
    #expect(conversation.tick(milliseconds: 300).writes.isEmpty)
    #expect(conversation.receive("e\n").events.first == .began(channel: 0, Samples.token))
  }

  @Test func anAbortThatWasSentTwiceIsAnsweredTwiceBeforeTheNextScript() {
    var conversation = Conversation.running(Samples.discharge)
    conversation.receive(mark(1, at: 1_000) + "M000A\n" + sample(1_000, 900_000, -134_300))
    #expect(conversation.command(.openCircuit).writes == "Z\n")
    #expect(conversation.tickWhenWanted().writes == "\nZ\n")
    let end = conversation.receive("Z\n*\n" + ending(0, opened: 2_000, sampled: 1_000, 900_000, -134_300))
    #expect(end.events.last == .ended(channel: 0, Samples.token, .requested))
    #expect(conversation.command(.begin(Samples.rest)).writes.isEmpty)
    #expect(conversation.receive("\nZ!0006\n").writes.isEmpty)
    #expect(conversation.tickWhenWanted().writes == "i\n")
    #expect(conversation.receive("iES4HR23A0007\n").writes.hasPrefix("e\nvar c\n"))
  }

  @Test func twoScriptsThatDisconnectAreNotFollowedAtOnce() {
    var conversation = Conversation()
    _ = conversation.openIdle()
    #expect(conversation.command(.openCircuit).writes == "e\ncell_off\n\n")
    #expect(conversation.tickWhenWanted().writes == "e\ncell_off\n\n")
    #expect(conversation.receive("e\n\n").writes == MethodSCRIPTDriver.proofScript)
    #expect(conversation.command(.begin(Samples.rest)).writes.isEmpty)
    // The end of the second one is none of the script that measures.
    #expect(conversation.receive("e\n\n").events.isEmpty)
    let proven = conversation.receive(Conversation.nothingFlows)
    #expect(proven.events == [.circuit(channel: 0, .openConfirmed)])
    #expect(proven.writes.hasPrefix("e\nvar c\n"))
  }
}
