// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingProtocol
import Quantities
import Testing

/// Steps with rules of their own for records.
@Suite struct RecordSegmentTests {
  static func rest(_ record: String) -> String { #"{"rest": "1 h", "record": \#(record)}"# }

  static let malformed: [RefusalCase] = [
    .step("no list of segments", rest("[]"), ".record", "1 to 3 segments"),
    .step(
      "four segments",
      rest(
        #"[{"every": "1 s", "until": "1 s"}, {"every": "1 s", "until": "2 s"}, {"every": "1 s", "until": "3 s"}, "#
          + #"{"every": "1 s"}]"#), ".record", "1 to 3 segments"),
    .step("a segment without an end", rest(#"[{"every": "1 s"}, {"every": "2 s"}]"#), ".record[0].until", "is missing"),
    .step("an end of the last", rest(#"{"every": "1 s", "until": "1 min"}"#), ".record.until", "last segment"),
    .step(
      "segments that go back",
      rest(#"[{"every": "1 s", "until": "2 min"}, {"every": "5 s", "until": "1 min"}, {"every": "9 s"}]"#),
      ".record[1]", "ends before it begins"),
    .step("no interval", rest(#"{"on_voltage_change": "1 mV"}"#), ".record.every", "is missing"),
    .step(
      "an interval of readings", rest(#"{"every": "1 s", "read_every": "1 s"}"#), ".record.read_every", "unknown key"),
    .step("a word", rest(#""dense""#), ".record", "object"),
  ]

  @Test(arguments: malformed) func isRefused(_ refusal: RefusalCase) {
    let decoded = ProtocolDecoder.decode(Array(refusal.text.utf8))
    let found = decoded.flatMap { $0.compile(cell: refusal.cell, instrument: refusal.instrument) }.problems
    #expect(found.map(\.path) == [refusal.path], "\(found)")
    #expect(found.first.map { $0.message.contains(refusal.message) } == true, "\(found)")
  }

  @Test func segmentsAreCompiledAndListed() throws {
    var sample = SampleProtocol()
    let record =
      #"[{"every": "1 s", "on_voltage_change": "1 mV", "until": "10 min"}, {"every": "30 s", "on_charge_change": "1 uAh"}]"#
    sample.steps =
      #"[{"discharge": "0.1 mA", "until": ["voltage <= 10 mV", "step_time >= 9 h"], "record": \#(record)}, {"rest": "1 h"}]"#
    let program = try sample.compile().get()
    #expect(
      program.steps[0].record == [
        RecordSegment(
          rule: RecordRule(
            every: TimeSpan(seconds: 1), onVoltageChange: Voltage(millivolts: 1), onCurrentChangePartsPerMillion: nil),
          until: TimeSpan(seconds: 600)),
        RecordSegment(
          rule: RecordRule(
            every: TimeSpan(seconds: 30), onVoltageChange: nil, onCurrentChangePartsPerMillion: nil,
            onChargeChange: Charge(nanocoulombs: 3_600_000)), until: nil),
      ])
    #expect(program.steps[1].record.isEmpty)
    let listing = ProgramListing.lines(of: program).joined(separator: "\n")
    #expect(listing.contains("records every 1 s or by 1 mV until 10 min, then every 30 s or by 1 uAh"), "\(listing)")
  }
}
