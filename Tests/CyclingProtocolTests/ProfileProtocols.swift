// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingProtocol
import Quantities
import Testing

/// Profiles of currents, right and wrong.
enum ProfileProtocols {
  private static let onlyCurrent: InstrumentLimits = {
    var limits = InstrumentLimits.small
    limits.kinds = [.rest, .constantCurrent]
    return limits
  }()

  private static func rows(_ name: String, _ rows: String, _ path: String, _ message: String, _ hint: String = "")
    -> RefusalCase
  {
    .step(name, #"{"profile": [\#(rows)]}"#, path, message, hint)
  }

  private static let long = Array(repeating: #""charge 0.1 mA for 1 s""#, count: 101).joined(separator: ", ")

  static let malformed: [RefusalCase] = [
    .step("profile as a text", #"{"profile": "udds.csv"}"#, ".profile", "a list of rows", "profile.csv"),
    .step("profile without its file's rows", #"{"profile": {"file": "a.csv"}}"#, ".profile", "not here", "rows"),
    rows("profile without rows", "", ".profile", "1 to 10000 rows"),
    rows("row that is a number", "1", ".profile[0]", "must be a text"),
    rows("row without a time", #""charge 1 mA""#, ".profile[0]", "no row of a profile", "charge 1 mA for 10 s"),
    rows("row without a current", #""charge for 10 s""#, ".profile[0]", "no row of a profile"),
    rows("row of another verb", #""hold 1 V for 10 s""#, ".profile[0]", "no row of a profile"),
    rows("row that rests with a current", #""rest 1 mA for 10 s""#, ".profile[0]", "no row of a profile"),
    rows("row with a sign", #""charge -1 mA for 10 s""#, ".profile[0]", "has a sign", "discharge"),
    rows("row with a power", #""charge 1 mW for 10 s""#, ".profile[0]", "not a unit of a current"),
    rows("row too short", #""charge 0.1 mA for 0.9 s""#, ".profile[0]", "a row of 900 ms", "1 s or more"),
    rows("row too large", #""charge 2 mA for 10 s""#, ".profile[0]", "more than `limits.charge_current`"),
    rows("row without its mass", #""charge 1 A/g for 10 s""#, ".profile[0]", "needs the cell's `active_mass`"),
    rows("row of plating", #""plate 1 mA for 10 s""#, ".profile[0]", "no meaning for role"),
    rows("profile of rests", #""rest for 10 s", "rest for 1 s""#, "", "drives nothing", "`rest`"),
    rows("profile too far", #""charge 1 mA for 2 h", "discharge 1 mA for 2 h""#, "", "in one direction"),
    .step(
      "profile ended by its current", #"{"profile": ["charge 1 mA for 10 s"], "until": ["current >= 1 mA"]}"#,
      ".until[0]", "itself says the current"),
    .step(
      "profile ended by a hold's time", #"{"profile": ["charge 1 mA for 10 s"], "until": ["hold_time >= 1 s"]}"#,
      ".until[0]", "nothing is held"),
    .step(
      "profile ended by dQ/dV", #"{"profile": ["charge 1 mA for 10 s"], "until": ["dq_dv >= 1 mAh/V"]}"#, ".until[0]",
      "where the current changes"),
    .step(
      "profile outside the limits", #"{"profile": ["charge 1 mA for 10 s"], "until": ["voltage >= 2.4 V"]}"#,
      ".until[0]",
      "outside the limits"),
    .step(
      "profile that is marked", #"{"profile": ["charge 1 mA for 10 s"], "diagnostic": true}"#, ".diagnostic", "unknown"),
    .step(
      "long profile ended by its charge", #"{"profile": [\#(long)], "until": ["step_charge >= 1 uAh"]}"#, ".until[0]",
      "anew", "test_time"),
    .steps(
      "long profile inside a cycle",
      SampleProtocol.cycles(
        #"\#(SampleProtocol.discharge), {"profile": [\#(long)]}, \#(SampleProtocol.charge)"#), "steps[0].steps[1]",
      "inside `cycles`", "repeat"),
    .step(
      "profile on an instrument that cannot", #"{"profile": ["charge 1 mA for 10 s"]}"#, "", "no current profile steps",
      instrument: onlyCurrent),
  ]
}

@Suite struct ProfileCompilationTests {
  private func program(_ steps: String) throws -> Program {
    var sample = SampleProtocol()
    sample.steps = steps
    return try sample.compile().get()
  }

  @Test func rowsAreResolvedAndSaid() throws {
    let program = try program(
      #"[{"profile": ["charge 0.5 mA for 10 s", "rest for 1 min", "desodiate 0.1 mA for 2 s", "sodiate 1 mA for 3 s"]}]"#
    )
    guard case .profile(let profile) = try #require(program.steps.first).action else {
      Issue.record("no profile")
      return
    }
    #expect(profile.rows.map(\.current.picoamperes) == [500_000_000, 0, 100_000_000, -1_000_000_000])
    #expect(profile.rows.map(\.duration.microseconds) == [10_000_000, 60_000_000, 2_000_000, 3_000_000])
    #expect(profile.charges.moved == Charge(nanocoulombs: 8_200_000))
    #expect(profile.charges.net == Charge(nanocoulombs: 2_200_000))
    #expect(profile.charges.farthest == Charge(nanocoulombs: 5_200_000))
    let listing = ProgramListing.step(program.steps[0])
    #expect(listing.hasPrefix("profile of 4 rows, 1.25 min with at most 1 mA"), "\(listing)")
    #expect(program.steps[0].isDiagnostic && program.steps[0].halfCycle == nil)
  }

  /// A profile has its own range, and gives it to nobody.
  @Test func itSharesNoRange() throws {
    let program = try program(
      SampleProtocol.cycles(
        "\(SampleProtocol.discharge), {\"profile\": [\"charge 1 mA for 10 s\"]}, \(SampleProtocol.charge)"))
    #expect(program.steps.map(\.rangeCurrent.picoamperes) == [100_000_000, 1_000_000_000, 100_000_000])
  }

  @Test func rowsUseVariables() throws {
    var sample = SampleProtocol()
    sample.more = #", "variables": {"rate": "0.5 mA", "time": "10 s"}"#
    sample.steps = #"[{"profile": ["charge 2 * $rate for $time / 2", "discharge $rate for 10 s"]}]"#
    let written = try sample.compile().get()
    #expect(try written == program(#"[{"profile": ["charge 1 mA for 5 s", "discharge 0.5 mA for 10 s"]}]"#))
  }

  @Test func aLongOneIsSplitAndItsEndsLeadBehindIt() throws {
    let rows = Array(repeating: #""charge 0.1 mA for 1 s""#, count: 250).joined(separator: ", ")
    let program = try program(
      #"[{"profile": [\#(rows)], "until": ["voltage >= 2 V", {"when": "test_time >= 9 h", "go": "end"}]}, {"rest": "1 h"}]"#
    )
    #expect(program.steps.count == 4)
    #expect(program.steps.map { $0.ends.map(\.target) }[0] == [.next, .instruction(3), .end, .instruction(3)])
    #expect(program.steps.map { $0.ends.map(\.target) }[1] == [.next, .instruction(3), .end, .instruction(3)])
    #expect(program.steps.map { $0.ends.map(\.target) }[2] == [.next, .next, .end])
  }

  @Test func aTableFromAFileBecomesItsRows() throws {
    var sample = SampleProtocol()
    sample.steps = #"[{"repeat": 2, "steps": [{"profile": {"file": "a.csv"}, "until": ["voltage >= 2 V"]}]}]"#
    let file = Array(sample.text.utf8)
    #expect(ProtocolIncludes.files(of: file) == ["a.csv"])
    let content = "\u{FEFF}duration_s, current_mA\r\n10,0.5\r\n1.5,-0.25\r\n1e1,0\r\n2,5e-2\r\n"
    let whole = try ProtocolIncludes.putting(Array(content.utf8), of: "a.csv", into: file)
    let compiled = try ProtocolDecoder.decode(whole).flatMap { $0.compile(cell: CellValues(), instrument: nil) }.get()
    sample.steps =
      #"[{"repeat": 2, "steps": [{"profile": ["charge 0.5 mA for 10 s", "discharge 0.25 mA for 1.5 s", "#
      + #""rest for 10 s", "charge 0.05 mA for 2 s"], "until": ["voltage >= 2 V"]}]}]"#
    #expect(try compiled == sample.compile().get())
    #expect(ProtocolIncludes.files(of: whole).isEmpty)
  }

  @Test(arguments: [
    ("", "line 1"), ("time_s,current_mA\n1,1\n", "line 1"), ("duration_s,current\n1,1\n", "current_mA"),
    ("duration_s,current_mA\n", "no row"), ("duration_s,current_mA\n1;1\n", "line 2"),
    ("duration_s,current_mA\n1,1\n\n1,1\n", "line 3"), ("duration_s,current_mA\n0,1\n", "line 2"),
    ("duration_s,current_mA\n-1,1\n", "line 2"), ("duration_s,current_mA\n1,nan\n", "line 2"),
    ("duration_s,current_mA\n1,1e99\n", "line 2"), ("duration_s,current_mA\n1,1,1\n", "line 2"),
  ])
  func aFileThatIsNoneIsRefused(content: String, message: String) {
    var sample = SampleProtocol()
    sample.steps = #"[{"profile": {"file": "a.csv"}}]"#
    let thrown = #expect(throws: ProtocolIncludes.Unusable.self) {
      try ProtocolIncludes.putting(Array(content.utf8), of: "a.csv", into: Array(sample.text.utf8))
    }
    #expect(thrown?.message.contains(message) == true, "\(thrown?.message ?? "")")
  }
}
