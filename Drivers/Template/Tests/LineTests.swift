// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Bytes by value and by damage. When copying: the examples of your instrument's documents, byte for byte.

import CyclerModel
import Quantities
import Testing

@testable import TemplateDriver

@Suite struct LineTests {
  private static func line(_ question: TemplateQuestion, _ number: UInt8) -> String {
    var bytes: [UInt8] = []
    TemplateLine.append(question, number: number, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func answer(_ text: String) -> TemplateAnswer? {
    Array(text.utf8).withUnsafeBytes { TemplateAnswer($0) }
  }

  /// The examples of the README; their checksums are those of Python's `binascii.crc_hqx(line, 0xFFFF)`.
  @Test func questionsAreTheReadmes() {
    #expect(Self.line(.off, 0) == "00 OFF*A4C8\n")
    #expect(Self.line(.measure, 7) == "07 MEASURE?*212F\n")
    #expect(Self.line(.current(milliamperes(-0.5)), 42) == "42 CURRENT -500000*2C87\n")
    #expect(Self.line(.voltage(Voltage(millivolts: 4_200)), 99) == "99 VOLTAGE 4200000*4A0B\n")
    #expect(TemplateDriver.safeStopBytes == Array("\n00 OFF*A4C8\n".utf8))
  }

  @Test func answersAreValues() throws {
    let answer = try #require(Self.answer("07 M 3000000 -500000 5*787F"))
    #expect(answer.number == 7)
    guard case .measured(let measurement) = answer.content else {
      Issue.record("\(answer)")
      return
    }
    #expect(measurement.voltage == Voltage(millivolts: 3_000))
    // Its converter is at its end.
    #expect(measurement.current == nil && measurement.isBeyondRange && measurement.isOn && !measurement.hasLeaseEnded)
  }

  @Test func aBitThatTurnsIsSeen() throws {
    let sound = Array("07 M 3000000 -500000 1*38FB".utf8)
    try #require(sound.withUnsafeBytes { TemplateAnswer($0) } != nil)
    for place in sound.indices {
      for bit in 0..<8 {
        var damaged = sound
        damaged[place] ^= 1 << UInt8(bit)
        #expect(damaged.withUnsafeBytes { TemplateAnswer($0) } == nil, "byte \(place), bit \(bit)")
      }
    }
  }

  @Test func whatIsNoNumberIsNone() throws {
    let answer = try #require(Self.answer("07 M 99999999999999999999 0 1*2E7E"))
    guard case .measured(let measurement) = answer.content else {
      Issue.record("\(answer)")
      return
    }
    #expect(measurement.voltage == nil && measurement.current == .zero)
  }

  @Test(arguments: ["", "*", "*FFFF", "07*0000", "07 OK", "07 M 1 2*E71D"])
  func whatIsNoLineIsNothing(text: String) { #expect(Self.answer(text) == nil) }
}
