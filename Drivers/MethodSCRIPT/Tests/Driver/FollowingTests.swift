// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import InstrumentKit
import Quantities
import Testing

@testable import MethodSCRIPTDriver

/// In a hold and a sweep what is logged is measured, and what is applied is only compared with it.
@Suite struct FollowingTests {
  /// A reading of a potentiostat's loop: milliseconds, microvolts measured and applied, nanoamperes.
  private static func sample(
    _ milliseconds: Int, _ measured: Int, applied: Int, _ nanoamperes: Int, range: String = "215"
  ) -> String {
    package(
      variable("eb", milliseconds, "m"), variable("ab", measured, "u", ",10,206"),
      variable("ba", nanoamperes, "n", ",10,\(range)"), variable("da", applied, "u"))
  }

  private static func holding() -> Conversation {
    var conversation = Conversation.running(Samples.hold)
    conversation.receive(mark(3, at: 800) + "M0007\n")
    return conversation
  }

  @Test func theVoltageIsTheMeasuredOne() {
    var conversation = Self.holding()
    // The second and third are read by the layout of the first.
    for (second, microvolts) in [(1, 10_400), (2, 10_300), (3, 9_900)] {
      var expected = reading(Int64(second) * 1_000, Int64(microvolts), -50_000)
      expected.range = 0x15
      let answer = conversation.receive(Self.sample(second * 1_000, microvolts, applied: 10_000, -50_000))
      #expect(answer.events == [.reading(channel: 0, expected)] && answer.writes.isEmpty)
    }
  }

  @Test func aCellThatIsNotConnectedEndsAHold() {
    var conversation = Self.holding()
    for second in 1...2 {
      let answer = conversation.receive(Self.sample(second * 1_000, 900_000, applied: 10_000, 0))
      #expect(answer.events.count == 1 && answer.writes.isEmpty)
    }
    let third = conversation.receive(Self.sample(3_000, 900_000, applied: 10_000, 0))
    #expect(third.events.count == 1 && third.writes == "Z\n")
    conversation.receive("Z\n*\n")
    let fault = Fault(
      .instrumentSetpointNotFollowed,
      "it measures 900 mV and no current, and is to keep 10 mV: the cell is not connected")
    // Whatever the script says of its end: no current is what its own cut-off waits for.
    #expect(
      conversation.receive(ending(10, opened: 3_010, sampled: 3_000, 900_000, 0)).events == [
        .circuitOpened(channel: 0, at: TimeSpan(milliseconds: 3_010)), .circuit(channel: 0, .openConfirmed),
        .ended(channel: 0, Samples.token, .failed(fault)),
      ])
  }

  /// A range that clips the current keeps the voltage away from what is applied, and converters have errors.
  @Test(arguments: [(900_000, 10_000, -2_001), (12_000, 10_000, 0), (8_000, 10_000, 0), (4_009_000, 4_000_000, 0)])
  func aPotentiostatAtItsLimitIsConnected(measured: Int, applied: Int, nanoamperes: Int) {
    var conversation = Self.holding()
    for second in 1...6 {
      let answer = conversation.receive(Self.sample(second * 1_000, measured, applied: applied, nanoamperes))
      #expect(answer.writes.isEmpty)
    }
  }

  @Test func oneReadingThatIsNotAstrayBeginsTheCountAnew() {
    var conversation = Self.holding()
    for second in 1...12 {
      let microvolts = second % 3 == 0 ? 10_000 : 900_000
      let answer = conversation.receive(Self.sample(second * 1_000, microvolts, applied: 10_000, 0))
      #expect(answer.writes.isEmpty)
    }
  }

  /// A number of a range that the model does not have says nothing of what zero is there.
  @Test func aReadingOfAnUnknownRangeNeitherCountsNorBeginsTheCountAnew() {
    var conversation = Self.holding()
    for second in 1...9 {
      let isKnown = second % 3 == 0
      let answer = conversation.receive(
        Self.sample(second * 1_000, 900_000, applied: 10_000, 0, range: isKnown ? "215" : "216"))
      // The third that counts is the ninth reading.
      #expect(answer.events.count == 1 && answer.writes == (second == 9 ? "Z\n" : ""), "reading \(second)")
    }
  }

  @Test func anAppliedVoltageIsNoMeasuredOne() {
    var conversation = Self.holding()
    let line = package(variable("eb", 1_000, "m"), variable("da", 10_000, "u"), variable("ba", 1, "n", ",10,215"))
    #expect(!conversation.receive(line).events.contains { if case .reading = $0 { true } else { false } })
    // A constant current sends none.
    var discharge = Conversation.running(Samples.discharge)
    discharge.receive(mark(1, at: 800) + "M000A\n")
    let events = discharge.receive(Self.sample(1_000, 900_000, applied: 10_000, 0)).events
    #expect(!events.contains { if case .reading = $0 { true } else { false } })
  }
}
