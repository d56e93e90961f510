// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import InstrumentKit
import Quantities
import Testing

@testable import MethodSCRIPTDriver

/// What the driver makes of a spectrum's script.
@Suite struct ImpedancePointTests {
  private static let closed = "Pja8000001i;eb8000000m\n"
  private static let reading = "Peb8000064m;ab81CFDE0u,10,206;ba8000001u,10,212\n"

  /// A spectrum that holds the voltage before its first point.
  private static func waiting() -> Conversation {
    var conversation = Conversation.running(Samples.impedance)
    conversation.receive(closed + "L\nM0007\n")
    return conversation
  }

  @Test func theFirstReadingBeforeAPointIsAnsweredWithTheLeaveForIt() {
    var conversation = Self.waiting()
    let answer = conversation.receive(Self.reading)
    #expect(answer.writes == "Y\n")
    // The second one is not: the leave is on its way.
    #expect(conversation.receive(Self.reading.replacing("8000064m", with: "80000C8m")).writes.isEmpty)
    #expect(conversation.receive("Y\n*\nM000D\n").writes.isEmpty)
  }

  /// 10 mHz last for more than three minutes, in which nothing is said.
  @Test func aPointIsWaitedFor() throws {
    var conversation = Self.waiting()
    conversation.receive(Self.reading)
    conversation.receive("Y\n*\nM000D\n")
    let wakeAt = try #require(conversation.wakeAt)
    let longest = ImpedanceSpectrum.longestTime(at: Frequency(hertz: 0.01))
    #expect(wakeAt - conversation.now == longest + TimeSpan(seconds: 1))
    let late = conversation.tickWhenWanted()
    #expect(late.writes.isEmpty && late.events.isEmpty)
    // Then it is as silent as any other script.
    #expect(try #require(conversation.wakeAt) - conversation.now < TimeSpan(seconds: 2))
    conversation.tickWhenWanted()
    #expect(conversation.tickWhenWanted().writes == "Z\n")
  }

  @Test func aPointIsToldInWholeNumbers() {
    var conversation = Self.waiting()
    conversation.receive(Self.reading)
    conversation.receive("Y\n*\nM000D\n")
    // 2.5 s, 100 Hz, 38.55 ohm with an overload, -1.2 mohm.
    let answer = conversation.receive("Pja8000005i;eb80009C4m;dc8000064 ;cc8009696m,12,212;cd7FFFB50u\n")
    #expect(
      answer.events == [
        .impedance(
          channel: 0,
          ImpedancePoint(
            time: TimeSpan(milliseconds: 2_500), frequency: Frequency(hertz: 100), real: Resistance(count: 38_550_000),
            imaginary: Resistance(count: -1_200), voltage: Voltage(nanovolts: 1_900_000_000),
            current: Current(picoamperes: 1_000_000), quality: .overload))
      ])
  }

  @Test(arguments: [
    "Pja8000005i;eb80009C4m;dc8000064 ;cc8009696m\n", "Pja8000005i;eb80009C4m;dc8000064 ;cd8009696m;cc7FFFB50u\n",
    "Pja8000005i;eb80009C4m;dc8000000 ;cc8009696m;cd7FFFB50u\n",
    "Pja8000005i;eb80009C4m;dc8000064 ;cc     nan;cd7FFFB50u\n",
    "Pja8000005i;eb7FFFFFFm;dc8000064 ;cc8009696m;cd7FFFB50u\n",
    "Pja8000005i;eb80009C4m;dc8000064 ;cc8009696m;cd7FFFB50u;ab8000000 \n",
    "Pja8000005i;eb80009C4m;dc800006 ;cc8009696m;cd7FFFB50u\n",
  ])
  func aMalformedPointIsNone(line: String) {
    var conversation = Self.waiting()
    conversation.receive(Self.reading)
    conversation.receive("Y\n*\nM000D\n")
    let before = conversation.driver.damagedMessages
    let answer = conversation.receive(line)
    #expect(!answer.events.contains { if case .impedance = $0 { true } else { false } })
    #expect(conversation.driver.damagedMessages == before + 1)
  }

  /// Another script has no points.
  @Test func aPointOfNoSpectrumIsNone() {
    var conversation = Conversation.running(Samples.hold)
    conversation.receive("Pja8000003i;eb8000000m\nM0007\n")
    let answer = conversation.receive("Pja8000005i;eb80009C4m;dc8000064 ;cc8009696m;cd7FFFB50u\n")
    #expect(answer.events.isEmpty || !answer.events.contains { if case .impedance = $0 { true } else { false } })
  }

  @Test(arguments: [
    ("a volt", Voltage(millivolts: 1_000), 1e4, 0.01, "amplitude"), ("nothing", .zero, 1e4, 0.01, "amplitude"),
    ("a megahertz", Voltage(millivolts: 10), 1e6, 0.01, "frequency of 1 MHz"),
  ])
  func whatTheInstrumentCannotIsRefused(name: String, amplitude: Voltage, from: Double, to: Double, reason: String) {
    var setpoint = Samples.impedance
    setpoint.mode = .impedance(
      Setpoint.Impedance(
        ImpedanceSpectrum(
          amplitude: amplitude, from: Frequency(hertz: from), to: Frequency(hertz: to), pointsPerDecade: 5,
          currentAtMost: Current(amperes: 1e-3)), around: Voltage(millivolts: 1_900), ownEnd: 0))
    let check = SetpointCheck(capabilities: MethodSCRIPTModel.emStat4HR.capabilities, modelName: "EmStat4 HR")
    #expect(check.refusal(of: setpoint)?.detail.contains(reason) == true, "\(name)")
    setpoint = Samples.impedance
    if case .impedance(var impedance) = setpoint.mode {
      impedance.around = Voltage(millivolts: 5_990)
      setpoint.mode = .impedance(impedance)
    }
    #expect(check.refusal(of: setpoint)?.detail.contains("the highest voltage") == true)
  }
}
