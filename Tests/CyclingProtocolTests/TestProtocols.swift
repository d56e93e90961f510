// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingProtocol
import Quantities
import Testing

/// Protocols with tests of plating, and what is wrong with some of them.
enum TestProtocols {
  static let plate = #"{"plate": "0.1 mA", "until": ["step_charge >= 1 mAh", "step_time >= 11 h"], "part": "PART"}"#
  static let strip =
    #"{"strip": "0.1 mA", "until": ["step_charge >= 0.1 mAh", "step_time >= 2 h"], "part": "cycled"}"#
  static let plateAgain =
    #"{"plate": "0.1 mA", "until": ["step_charge >= 0.1 mAh", "step_time >= 2 h"], "part": "cycled"}"#
  static let finalStrip =
    #"{"strip": "0.1 mA", "until": ["voltage >= 1 V", "step_time >= 20 h"], "part": "final_strip"}"#

  private static func cycleHalf(_ word: String) -> String {
    #"{"\#(word)": "0.1 mA", "until": ["step_charge >= 1 mAh", "step_time >= 11 h"]}"#
  }

  static var reservoir: String { plate.replacing("PART", with: "reservoir") }

  static func test(_ steps: String..., kind: String = "reservoir") -> String {
    #"{"test": "\#(kind)", "label": "efficiency", "steps": [\#(steps.joined(separator: ", "))]}"#
  }

  static func repeated(_ steps: String...) -> String {
    #"{"repeat": 3, "steps": [\#(steps.joined(separator: ", "))]}"#
  }

  static let right = test(reservoir, #"{"rest": "10 min"}"#, repeated(strip, plateAgain), finalStrip)

  private static func refused(
    _ name: String, _ steps: String, _ path: String, _ message: String, _ hint: String = "",
    role: String = "plating-stripping"
  ) -> RefusalCase {
    .steps(name, "[\(steps)]", path, message, hint, role: role)
  }

  static let malformed: [RefusalCase] = [
    refused(
      "unknown kind", #"{"test": "tank", "label": "x", "steps": [{"rest": "1 s"}]}"#, "steps[0].test", "not a test"),
    refused("no label", #"{"test": "reservoir", "steps": [{"rest": "1 s"}]}"#, "steps[0].label", "is missing"),
    refused("unknown part", test(plate), "steps[0].steps[0].part", "not a part of a test"),
    refused(
      "no part", test(reservoir, #"{"strip": "0.1 mA", "until": ["voltage >= 1 V", "step_time >= 20 h"]}"#),
      "steps[0].steps[1]", "which part"),
    refused(
      "wrong role",
      right.replacing(#""plate""#, with: #""charge""#).replacing(#""strip""#, with: #""discharge""#)
        .replacing("voltage >= 1 V", with: "voltage <= 1 V"), "steps[0]",
      "no efficiency of plating", "plating-stripping", role: "full-cell"),
    refused("wrong order", test(reservoir, finalStrip, repeated(strip, plateAgain)), "steps[0]", "then cycled"),
    refused("nothing cycled", test(reservoir, finalStrip), "steps[0]", "then cycled", "at least one step"),
    refused(
      "plated before", plate.replacing(#", "part": "PART""#, with: "") + ", " + right, "steps[1]",
      "the cell is not stripped when the test begins", "a strip to a voltage"),
    refused(
      "stripped by charge before",
      #"{"strip": "0.1 mA", "until": ["step_charge >= 0.1 mAh", "step_time >= 20 h"]}, {"rest": "1 s"}, "# + right,
      "steps[2]", "the cell is not stripped when the test begins"),
    refused(
      "plated before long cycling",
      #"{"repeat": 2, "steps": [{"plate": "0.1 mA", "until": ["step_time >= 1 h"]}]}, "#
        + test(
          #"{"cycles": 2, "purpose": "life", "label": "x", "steps": ["#
            + plate.replacing(#", "part": "PART""#, with: "")
            + #", {"strip": "0.1 mA", "until": ["voltage >= 1 V", "step_time >= 20 h"]}]}"#,
          kind: "long_cycling"), "steps[1]", "the cell is not stripped when the test begins"),
    refused(
      "strip to a voltage that is passed", right.replacing("voltage >= 1 V", with: "voltage >= -10 mV"),
      "steps[0].steps[3]", "where nothing has been stripped yet", "above 0 V"),
    refused("empty", test(#"{"rest": "1 s"}"#), "steps[0]", "not nothing"),
    refused(
      "stripped reservoir", test(finalStrip.replacing("final_strip", with: "reservoir"), strip, plateAgain, finalStrip),
      "steps[0].steps[0]", "reservoir is plated"),
    refused(
      "plated first", test(reservoir, repeated(plateAgain, strip), finalStrip), "steps[0].steps[1].steps[0]", "in turn"),
    refused("stripped last", test(reservoir, strip, finalStrip), "steps[0].steps[1]", "ends with a strip"),
    refused(
      "final strip by charge", test(reservoir, strip, plateAgain, strip.replacing("cycled", with: "final_strip")),
      "steps[0].steps[3]", "does not end at a voltage"),
    refused(
      "final strip in a block", test(reservoir, strip, plateAgain, repeated(finalStrip)), "steps[0].steps[3].steps[0]",
      "one final strip", "a hold may follow"),
    refused(
      "two final strips", test(reservoir, strip, plateAgain, finalStrip, finalStrip), "steps[0].steps[4]",
      "one final strip"),
    refused(
      "block that only strips", test(reservoir, repeated(strip), plateAgain, finalStrip), "steps[0].steps[1].steps[0]",
      "in turn"),
    refused(
      "diagnostic in a test",
      test(
        reservoir, strip, plateAgain, plateAgain.replacing(#""part": "cycled""#, with: #""diagnostic": true"#),
        finalStrip), "steps[0].steps[3]", "neither sum", "behind the test"),
    refused(
      "hold behind a block",
      test(
        reservoir, repeated(strip, plateAgain),
        #"{"hold": "0.5 V", "current_at_most": "1 mA", "until": ["hold_time >= 1 h"]}"#, finalStrip),
      "steps[0].steps[2]", "neither sum"),
    refused(
      "hold behind a block outside of cycles",
      test(
        reservoir, strip, plateAgain, repeated(strip, plateAgain),
        #"{"hold": "0.5 V", "current_at_most": "1 mA", "until": ["hold_time >= 1 h"]}"#, finalStrip),
      "steps[0].steps[4]", "neither sum"),
    refused(
      "long cycling by charge",
      test(
        #"{"cycles": 4, "purpose": "life", "label": "life", "steps": [\#(cycleHalf("plate")), \#(cycleHalf("strip"))]}"#,
        kind: "long_cycling"), "steps[0].steps[0].steps[1]", "does not end at a voltage"),
    refused("part outside of a test", strip, "steps[0].part", "in a reservoir test only"),
    refused("test inside a block", repeated(right), "steps[0].steps[0]", "inside a block"),
    refused(
      "long cycling without cycles", test(#"{"rest": "1 s"}"#, kind: "long_cycling"), "steps[0]", "one `cycles` block"),
  ]
}

@Suite struct TestCompilationTests {
  private func program(_ steps: String) throws -> Program {
    var sample = SampleProtocol()
    sample.steps = "[\(steps)]"
    sample.cell = #"{"role": "plating-stripping", "expect_open_circuit": {"from": "-0.2 V", "to": "3.3 V"}}"#
    return try sample.compile().get()
  }

  @Test func eachStepKnowsItsPartAndIsNoCycle() throws {
    let program = try program(TestProtocols.right)
    #expect(program.tests == [EfficiencyTest(kind: .reservoir, label: "efficiency")])
    #expect(program.steps.map(\.test?.part) == [.reservoir, nil, .cycled, .cycled, .finalStrip])
    #expect(program.steps.compactMap(\.test?.test) == [0, 0, 0, 0])
    #expect(program.cycleCount == 0)
    // Each of them is a half-cycle of its own.
    #expect(program.steps.filter { $0.halfCycle != nil }.allSatisfy { $0.halfCycle?.closes == true })
  }

  @Test func inLongCyclingEveryHalfCycleCounts() throws {
    let plate = #"{"plate": "0.1 mA", "until": ["step_charge >= 1 mAh", "step_time >= 11 h"]}"#
    let strip = #"{"strip": "0.1 mA", "until": ["voltage >= 1 V", "step_time >= 20 h"]}"#
    let block = #"{"cycles": 4, "purpose": "life", "label": "long", "steps": [\#(plate), \#(strip)]}"#
    let pulse = #"{"strip": "10 uA", "diagnostic": true, "until": ["step_time >= 10 s"]}, "#
    let program = try program(
      TestProtocols.right + ", " + pulse + TestProtocols.test(block, kind: "long_cycling"))
    #expect(program.tests.map(\.kind) == [.reservoir, .longCycling])
    #expect(program.steps.suffix(2).map { $0.test?.part } == [.cycled, .cycled])
    #expect(program.steps.suffix(2).allSatisfy { $0.test?.test == 1 })
    #expect(program.cycleCount == 4)
  }

  @Test func theListingNamesTheTest() throws {
    let lines = ProgramListing.lines(of: try program(TestProtocols.right)).joined(separator: "\n")
    #expect(lines.contains("test of the plating efficiency (reservoir, efficiency):"), "\(lines)")
  }
}
