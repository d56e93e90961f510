// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingProtocol
import Quantities
import Testing

@Suite struct VariableTests {
  private func sample(_ variables: String?, _ steps: String) -> SampleProtocol {
    var sample = SampleProtocol()
    if let variables { sample.more = #", "variables": \#(variables)"# }
    sample.steps = steps
    return sample
  }

  private let life = #"""
    [{"rest": "$wait", "label": "wait $wait"}, {"cycles": "$passes", "purpose": "life", "label": "life", "steps": [
      {"discharge": "$rate", "until": ["voltage <= $cut_off", "step_time >= 9 h"]},
      {"charge": "$rate", "until": ["voltage >= 2 V", "step_time >= 9 h"]}]}]
    """#

  @Test func aVariableStandsForItsValueWhereverItIsWritten() throws {
    let variables = #"{"rate": "0.1 mA", "wait": "10 min", "passes": 7, "cut_off": "20 mV"}"#
    let written = try sample(variables, life).compile().get()
    var plain = SampleProtocol()
    plain.steps =
      life.replacing("$rate", with: "0.1 mA").replacing("$wait", with: "10 min").replacing("\"$passes\"", with: "7")
      .replacing("$cut_off", with: "20 mV")
    #expect(written == (try plain.compile().get()))
    #expect(written.cycleCount == 7)
    #expect(written.steps[0].label == "wait 10 min")
    #expect(written.steps[1].ends[0].text == "voltage <= 20 mV")
  }

  @Test func forEachIsItsStepsOncePerValue() throws {
    let body = #"""
      {"cycles": 2, "purpose": "rate", "label": "RATE", "steps": [
        {"discharge": "RATE", "until": ["voltage <= 10 mV", "step_time >= TIME"]},
        {"charge": "RATE", "until": ["voltage >= 2 V", "step_time >= TIME"]}]}
      """#
    let each = body.replacing("RATE", with: "$rate").replacing("TIME", with: "$longest")
    let program = try sample(
      nil, #"[{"for_each": {"rate": ["0.1 mA", "50 uA"], "longest": ["9 h", "18 h"]}, "steps": [\#(each)]}]"#
    ).compile().get()
    let first = body.replacing("RATE", with: "0.1 mA").replacing("TIME", with: "9 h")
    let second = body.replacing("RATE", with: "50 uA").replacing("TIME", with: "18 h")
    var plain = try sample(nil, "[\(first), \(second)]").compile().get()
    #expect(program.cycleCount == 4)
    #expect(program.steps.map(\.label) == ["0.1 mA", "0.1 mA", "50 uA", "50 uA"])
    // The place in the file is the only difference: both passes stand in one.
    for index in plain.steps.indices { plain.steps[index].path = program.steps[index].path }
    #expect(program == plain)
    #expect(program.steps.map(\.path).count { $0 == "steps[0].steps[0].steps[0]" } == 2)
  }

  @Test func forEachInsideACycleIsSegmentsOfItsHalfCycle() throws {
    let steps = #"""
      [{"cycles": 3, "purpose": "life", "label": "life", "steps": [
        {"for_each": {"rate": ["0.2 mA", "0.1 mA", "50 uA"]}, "steps": [
          {"discharge": "$rate", "until": ["voltage <= 10 mV", "step_time >= 4 h"]}]},
        {"charge": "0.1 mA", "until": ["voltage >= 2 V", "step_time >= 9 h"]}]}]
      """#
    let program = try sample(nil, steps).compile().get()
    #expect(program.cycleCount == 3)
    #expect(program.steps.map { $0.halfCycle?.opens } == [true, false, false, true])
    #expect(program.steps.map { $0.halfCycle?.closes } == [false, false, true, true])
  }

  // MARK: - Other values

  private let declared = #"{"rate": "0.1 mA", "wait": "10 min", "passes": 7, "cut_off": "20 mV"}"#

  private func compiled(_ values: [String: String]) throws -> Program {
    let set = ProtocolVariables.set(values, in: Array(sample(declared, life).text.utf8))
    #expect(set.declared == ["rate", "wait", "passes", "cut_off"])
    return try ProtocolDecoder.decode(set.bytes).flatMap { $0.compile(cell: CellValues(), instrument: nil) }.get()
  }

  @Test func setValuesReplaceTheDeclaredOnes() throws {
    let other = #"{"rate": "0.15 mA", "wait": "1 h", "passes": 30, "cut_off": "20 mV"}"#
    let expected = try sample(other, life).compile().get()
    #expect(try compiled(["rate": "0.15 mA", "wait": "1 h", "passes": "30"]) == expected)
    #expect(try compiled(["rate": "0.15mA", "wait": "1h", "passes": "30"]) == expected, "without the space")
    #expect(try compiled([:]) == (try sample(declared, life).compile().get()))
  }

  /// Whatever is set becomes a value and never a piece of the file.
  @Test(arguments: [
    #"1 h", "passes": 99, "x": ""#, #"\"#, "\n", "", "$rate", "{}", "1 h}", "\u{0}", "1 h\u{202E}", "\u{1F50B}", "-1 h",
  ])
  func aSetValueCannotWriteAnotherFile(_ value: String) {
    let set = ProtocolVariables.set(["wait": value, "passes": value], in: Array(sample(declared, life).text.utf8))
    let problems = ProtocolDecoder.decode(set.bytes).problems
    #expect(!problems.isEmpty)
    let places = ["variables.", "steps[0]", "steps[1].cycles"]
    #expect(problems.allSatisfy { problem in places.contains { problem.path.hasPrefix($0) } }, "\(problems)")
  }

  @Test func aFileWithoutVariablesStaysAsItIs() {
    for text in [SampleProtocol().text, "", "[", #"{"variables": 1}"#, #"{"variables": {"rate": null}}"#] {
      #expect(ProtocolVariables.set(["rate": "1 mA"], in: Array(text.utf8)).bytes == Array(text.utf8))
    }
  }
}
