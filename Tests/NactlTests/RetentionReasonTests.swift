// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ControlAPI
import Testing

@testable import nactl

struct RetentionReasonTests {
  private static func cycle(_ number: Int64, group: Int64? = 1, _ flags: String...) -> RetentionReason.Cycle {
    let isComplete = flags.isEmpty
    return RetentionReason.Cycle(
      number: number, isComplete: isComplete, group: isComplete ? group : nil, retention: isComplete ? 1 : nil,
      flags: flags)
  }

  static let cases: [(Int64?, [RetentionReason.Cycle], String)] = [
    (nil, [cycle(1)], "nobody has named the cycle"), (4, [cycle(1)], "cycle 4, which it refers to, is not there"),
    (1, [cycle(1, "truncated"), cycle(2)], "is not complete (truncated)"),
    (1, [cycle(1)], "no complete cycle follows cycle 1"),
    (1, [cycle(1), cycle(2, "truncated")], "no complete cycle follows cycle 1"),
    (1, [cycle(1), cycle(2, group: 2)], "no other complete cycle ran as cycle 1 did"),
    (1, [cycle(1, group: nil), cycle(2)], "moved nothing or has no end voltage"),
  ]

  @Test(arguments: cases) func saysWhy(reference: Int64?, cycles: [RetentionReason.Cycle], words: String) {
    let reason = RetentionReason(reference: reference, cycles: cycles, remedy: "say another")
    #expect(reason.text.contains(words), "\(reason.text)")
  }

  @Test func theLineStandsWhereTheNumberWould() {
    let summary = RunSummaryFrame(complete_cycles: 1, retention_threshold: 0.8, conditions_groups: 1)
    let told = SummaryLines(summary, .milliampereHours, withoutRetention: "no complete cycle follows cycle 1").text
    #expect(told == "RETENTION   –  (no complete cycle follows cycle 1)\n")
    #expect(SummaryLines(summary, .milliampereHours).text == "")
  }
}
