// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import InstrumentKit
import Quantities
import Testing

@testable import MethodSCRIPTDriver

@Suite struct SetpointTests {
  @Test func constantCurrentEndsAtItsCutOff() {
    var conversation = Conversation()
    _ = conversation.openIdle()
    let begin = conversation.command(.begin(Samples.discharge))
    #expect(begin.writes == "e\n\(GoldenScripts.constantCurrent)\n\n" && begin.events.isEmpty)
    #expect(
      conversation.receive("e\n").events == [.began(channel: 0, Samples.token), .circuit(channel: 0, .closed)])
    #expect(
      conversation.receive(mark(1, at: 1_000)).events
        == [.circuitClosed(channel: 0, at: TimeSpan(microseconds: 1_000))])
    #expect(conversation.receive("M000A\n").events.isEmpty)
    #expect(
      conversation.receive(sample(1_005, 5_400, -134_300)).events
        == [.reading(channel: 0, reading(1_005, 5_400, -134_300))])
    #expect(
      conversation.receive(sample(2_005, 4_900, -134_300) + "*\n").events
        == [.reading(channel: 0, reading(2_005, 4_900, -134_300))])
    #expect(
      conversation.receive(ending(10, opened: 2_020, sampled: 2_005, 4_900, -134_300)).events == [
        .circuitOpened(channel: 0, at: TimeSpan(milliseconds: 2_020)), .circuit(channel: 0, .openConfirmed),
        .ended(channel: 0, Samples.token, .cutOff(0)),
      ])
    #expect(conversation.wakeAt == nil)
    #expect(conversation.command(.begin(Samples.rest)).writes.hasPrefix("e\nvar c\n"))
  }

  @Test func chargeThenHoldTellsBothIntervals() {
    var conversation = Conversation.running(Samples.chargeThenHold)
    var events: [DriverEvent] = []
    for text in Conversation.chargeThenHoldAnswers { events += conversation.receive(text).events }
    #expect(
      events == [
        .circuitClosed(channel: 0, at: TimeSpan(microseconds: 900)),
        .reading(channel: 0, reading(500, 4_249_000, 1_000_000)),
        .reading(channel: 0, reading(1_000, 4_250_100, 1_000_000)),
        .circuitOpened(channel: 0, at: TimeSpan(microseconds: 1_010_000)),
        .circuitClosed(channel: 0, at: TimeSpan(microseconds: 1_021_000)),
        .holdBegan(channel: 0, at: TimeSpan(microseconds: 1_021_000)),
        .reading(channel: 0, reading(1_521, 4_250_000, 400_000)),
        .reading(channel: 0, reading(2_021, 4_250_000, 99_000)),
        .circuitOpened(channel: 0, at: TimeSpan(milliseconds: 2_030)), .circuit(channel: 0, .openConfirmed),
        .ended(channel: 0, Samples.token, .cutOff(0)),
      ])
  }

  /// Hazard rule 6: a rest is disconnected and measured; its current is exactly zero and no circuit is closed.
  @Test func rule6RestMeasuresADisconnectedCell() {
    var conversation = Conversation()
    _ = conversation.openIdle()
    #expect(conversation.command(.begin(Samples.rest)).writes == "e\n\(GoldenScripts.openCircuit)\n\n")
    #expect(conversation.receive("e\n").events == [.began(channel: 0, Samples.token)])
    conversation.receive("M000B\n")
    let line = package(variable("eb", 10_000, "m"), variable("ab", 2_650_000, "u", ",10,206"))
    let expected = Reading(time: TimeSpan(seconds: 10), voltage: Voltage(millivolts: 2_650), current: .zero)
    #expect(conversation.receive(line).events == [.reading(channel: 0, expected)])
    conversation.receive("*\n")
    #expect(
      conversation.receive(ending(10, opened: 600_010, sampled: 600_000, 2_650_000, 0, kind: "rest")).events == [
        .circuit(channel: 0, .openConfirmed), .ended(channel: 0, Samples.token, .cutOff(0)),
      ])
  }

  /// Hazard rule 2: a hold that draws too much is ended on the instrument.
  @Test func rule2HoldAbortsOnTheInstrument() {
    var conversation = Conversation.running(Samples.hold)
    let closed = conversation.receive(mark(3, at: 800)).events
    #expect(
      closed == [
        .circuitClosed(channel: 0, at: TimeSpan(microseconds: 800)),
        .holdBegan(channel: 0, at: TimeSpan(microseconds: 800)),
      ])
    conversation.receive("M0007\n" + sample(2, 10_000, -300_000) + "*\n")
    let events = conversation.receive(ending(5, opened: 9, sampled: 2, 10_000, -300_000)).events
    let fault = Fault(
      .instrumentBoundReached,
      "the instrument opened the circuit by itself: a current of more than 0.0002686 A")
    #expect(events.last == .ended(channel: 0, Samples.token, .bound(fault)))
  }

  @Test(arguments: [
    (Int64(3), "above 2.05 V while charging"), (4, "below -0.045 V while discharging"), (6, "longer than 86400 s"),
  ])
  func boundsHaveWords(reason: Int64, words: String) {
    var conversation = Conversation.running(Samples.discharge)
    let events = conversation.receive(ending(reason, opened: 9, sampled: 2, 10_000, -300_000)).events
    let fault = Fault(.instrumentBoundReached, "the instrument opened the circuit by itself: \(words)")
    #expect(events.last == .ended(channel: 0, Samples.token, .bound(fault)))
  }

  /// Hazard rule 12: renewed at a third of the lease by the instrument's own clock, again only when that was lost.
  @Test func rule12RenewsTheLease() {
    var conversation = Conversation.running(Samples.discharge)
    conversation.receive(mark(1, at: 1_000) + "M000A\n")
    var asked: [Int] = []
    for second in 1...40 where conversation.receive(sample(second * 1_000, 900_000, -134_300)).writes == "Y\n" {
      asked.append(second)
    }
    #expect(asked == [21, 36])
    // The loop ended and began anew: the lease counts from its first reading.
    conversation.receive("Y\n*\nM000A\n")
    asked = []
    for second in 41...70 where conversation.receive(sample(second * 1_000, 900_000, -134_300)).writes == "Y\n" {
      asked.append(second)
    }
    #expect(asked == [61])
  }

  /// Loops that end for a new current renew nothing: the lease counts from what the script says of it, and a renewal that
  /// was lost in the end of a loop is asked for again when the next one waits for its sample.
  @Test func rule12ALeaseThatTheScriptSaysIsRenewedUntilItSaysSo() {
    var conversation = Conversation.running(Samples.power)
    conversation.receive(mark(1, at: 1_000) + "M000A\n" + sample(101, 900_000, -100_000) + "*\n")
    conversation.receive(mark(4, at: 102_000) + "M000A\n")
    var asked: [String] = []
    for second in 1...25 {
      let read = conversation.receive(sample(second * 1_000, 900_000 - second, -100_000)).writes
      let begun = conversation.receive("*\nM000A\n").writes
      if read + begun != "" { asked.append("\(second) \(read == "" ? "" : "read")\(begun == "" ? "" : "begun")") }
    }
    #expect(asked == ["21 readbegun", "22 begun", "23 begun", "24 begun", "25 begun"])
    let renewed = conversation.receive("Y\nY\nY\nY\nY\nY\n*\n" + mark(4, at: 25_500_000) + "M000A\n")
    #expect(renewed.writes == "")
    asked = []
    for second in 26...46 where conversation.receive(sample(second * 1_000, 899_000, -100_000)).writes == "Y\n" {
      asked.append("\(second)")
    }
    #expect(asked == ["46"])
    // What is read at once is answered once.
    let backlog = sample(47_000, 899_000, -100_000) + "*\nM000A\n" + sample(48_000, 899_000, -100_000) + "*\nM000A\n"
    #expect(conversation.receive(backlog).writes == "Y\n")
    // No instrument begins a lease in the far future.
    conversation.receive(mark(4, at: 133_000_000))
    #expect(conversation.receive("M000A\n").writes == "Y\n")
  }

  @Test func rule12AnExpiredLeaseEndsTheSetpoint() {
    var conversation = Conversation.running(Samples.discharge)
    conversation.receive(mark(1, at: 1_000) + "M000A\n" + sample(1_000, 900_000, -134_300) + "*\n")
    let events = conversation.receive(ending(2, opened: 60_010, sampled: 60_000, 900_000, -134_300)).events
    #expect(events.last == .ended(channel: 0, Samples.token, .leaseExpired))
    #expect(events.contains(.circuitOpened(channel: 0, at: TimeSpan(milliseconds: 60_010))))
  }

  @Test func openCircuitAbortsAndWaitsForTheEnd() {
    var conversation = Conversation.running(Samples.discharge)
    conversation.receive(mark(1, at: 1_000) + "M000A\n" + sample(1_000, 900_000, -134_300))
    #expect(conversation.command(.openCircuit).writes == "Z\n")
    #expect(conversation.command(.openCircuit).writes.isEmpty)
    // A reading that was on its way still counts.
    #expect(conversation.receive(sample(2_000, 899_000, -134_300)).events.count == 1)
    #expect(conversation.receive("Z\n*\n").events.isEmpty)
    #expect(
      conversation.receive(ending(0, opened: 2_007, sampled: 2_000, 899_000, -134_300)).events == [
        .circuitOpened(channel: 0, at: TimeSpan(milliseconds: 2_007)), .circuit(channel: 0, .openConfirmed),
        .ended(channel: 0, Samples.token, .requested),
      ])
  }

  @Test func aCutOffThatWonTheRaceIsTold() {
    var conversation = Conversation.running(Samples.discharge)
    conversation.receive(mark(1, at: 1_000) + "M000A\n" + sample(1_000, 4_000, -134_300))
    _ = conversation.command(.openCircuit)
    conversation.receive("*\n" + ending(10, opened: 1_007, sampled: 1_000, 4_000, -134_300))
    #expect(conversation.receive("Z!0006\n").events.last == .ended(channel: 0, Samples.token, .cutOff(0)))
  }

  @Test func openCircuitWhenIdleIsConfirmedByAScript() {
    var conversation = Conversation()
    _ = conversation.openIdle()
    #expect(conversation.command(.openCircuit).writes == "e\ncell_off\n\n")
    #expect(conversation.receive("e\n").events.isEmpty)
    let disconnected = conversation.receive("\n")
    #expect(disconnected.events.isEmpty && disconnected.writes == MethodSCRIPTDriver.proofScript)
    #expect(conversation.receive(Conversation.nothingFlows).events == [.circuit(channel: 0, .openConfirmed)])
  }

  @Test func openCircuitBeforeTheScriptAnswered() {
    var conversation = Conversation()
    _ = conversation.openIdle()
    _ = conversation.command(.begin(Samples.discharge))
    #expect(conversation.command(.openCircuit).writes == "Z\n")
    #expect(conversation.receive("e\n").events.first == .began(channel: 0, Samples.token))
    conversation.receive("Z\n")
    #expect(
      conversation.receive(ending(0, opened: 3, sampled: -1, 0, 0)).events.last
        == .ended(channel: 0, Samples.token, .requested))
  }

  @Test func anAbortBeforeTheFirstLinesIsConfirmedByAScript() {
    var conversation = Conversation()
    _ = conversation.openIdle()
    _ = conversation.command(.begin(Samples.discharge))
    _ = conversation.command(.openCircuit)
    // The variables have no types of ours yet.
    let last = "Pja8000009i;aa8000000 ;eb8000001m;aa8000000 ;aa8000000 ;aa8000000 \n"
    let answer = conversation.receive("e\nZ\nTnacycler 12 34 driven\n" + last + measured(nanoamperes: 0) + "\n")
    #expect(answer.writes == "e\ncell_off\n\n" && conversation.driver.damagedMessages == 0)
    #expect(conversation.disconnect().last == .ended(channel: 0, Samples.token, .requested))
  }

  @Test func oneSetpointAtATime() {
    var conversation = Conversation.running(Samples.discharge)
    for (channel, words) in [(0, "not idle"), (1, "no channel 1")] {
      let answer = conversation.command(.begin(Samples.rest), channel: channel)
      guard case .refused(channel, Samples.token, let fault)? = answer.events.first else {
        Issue.record("\(answer.events)")
        return
      }
      #expect(fault.detail.contains(words) && answer.writes.isEmpty)
    }
  }

  static let qualities: [(status: Int, quality: ReadingQuality)] = [
    (1, .late), (2, .overload), (4, .underload), (8, .overloadWarning), (3, [.late, .overload]),
  ]

  /// Hazard rule 14: quality and range come with every reading.
  @Test(arguments: qualities)
  func rule14QualityAndRange(status: Int, quality: ReadingQuality) {
    var conversation = Conversation.running(Samples.discharge)
    conversation.receive(mark(1, at: 1_000))
    let line = package(
      variable("eb", 1_000, "m"), variable("ab", 900_000, "u", ",10,206,4A"),
      variable("ba", -134_300, "n", ",1\(status),215,9zz"))
    var expected = reading(1_000, 900_000, -134_300)
    expected.quality = quality
    expected.range = 0x15
    #expect(conversation.receive(line).events == [.reading(channel: 0, expected)])
  }

  @Test func notANumberIsNoMeasurement() {
    var conversation = Conversation.running(Samples.discharge)
    conversation.receive(mark(1, at: 1_000))
    let line = package(variable("eb", 1_000, "m"), "ab     nan,12,206", "ba     nan,12,212")
    let expected = Reading(
      time: TimeSpan(milliseconds: 1_000), voltage: nil, current: nil, range: 0x12, quality: .overload)
    #expect(conversation.receive(line).events == [.reading(channel: 0, expected)])
  }
}

extension Conversation {
  static let chargeThenHoldAnswers = [
    mark(1, at: 900), "M000A\n", sample(500, 4_249_000, 1_000_000), sample(1_000, 4_250_100, 1_000_000), "*\n",
    mark(2, at: 1_010_000), mark(3, at: 1_021_000), "M0007\n", sample(1_521, 4_250_000, 400_000),
    sample(2_021, 4_250_000, 99_000), "*\n", ending(10, opened: 2_030, sampled: 2_021, 4_250_000, 99_000),
  ]
}
