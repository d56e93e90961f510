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

  // MARK: - Multiples and blocks

  @Test(arguments: [
    ("0.1 mA", "0.5 * $rate", "0.05 mA"), ("0.1 mA", "2 * $rate", "0.2 mA"), ("C/20", "2 * $rate", "C/10"),
    ("C/20", "0.5 * $rate", "C/40"), ("2 C", "0.25 * $rate", "0.5 C"), ("C/3", "0.3 * $rate", "C/10"),
    ("C/2", "3 * $rate / 4", "0.375 C"),
  ])
  func aMultipleOfAVariableIsExact(rate: String, multiple: String, value: String) throws {
    let step = #"[{"discharge": "RATE", "until": ["voltage <= 10 mV", "step_time >= 9 h"]}]"#
    var written = sample(#"{"rate": "\#(rate)"}"#, step.replacing("RATE", with: multiple))
    var plain = sample(nil, step.replacing("RATE", with: value))
    let capacity = #", "nominal_capacity": "0.2 mAh""#
    for index in 0..<2 {
      if index == 0 { written.cell.insert(contentsOf: capacity, at: written.cell.index(before: written.cell.endIndex)) }
      if index == 1 { plain.cell.insert(contentsOf: capacity, at: plain.cell.index(before: plain.cell.endIndex)) }
    }
    #expect(try written.compile().get() == plain.compile().get())
  }

  @Test func aMultipleOfAPowerIsAPower() throws {
    let step = #"""
      [{"discharge": "LEVEL", "current_at_most": "0.9 mA", "until": ["voltage <= 0.5 V", "step_time >= 1 h"]}]
      """#
    let written = sample(#"{"power": "0.2 mW"}"#, step.replacing("LEVEL", with: "0.5 * $power"))
    #expect(try written.compile().get() == sample(nil, step.replacing("LEVEL", with: "0.1 mW")).compile().get())
  }

  @Test func multiplesStandInConditionsAndPassesToo() throws {
    let steps = #"""
      [{"cycles": "3 * $n", "purpose": "life", "label": "life", "steps": [
        {"discharge": "0.1 mA", "until": ["voltage <= 0.5 * $low", {"when": "step_time >= 2 * $long and voltage <= 2 V"},
          "step_time >= 3 * $long"]},
        {"charge": "0.1 mA", "until": ["voltage >= 2 V", "step_time >= 9 h"]}]}]
      """#
    let program = try sample(#"{"n": 2, "low": "20 mV", "long": "3 h"}"#, steps).compile().get()
    #expect(program.cycleCount == 6)
    #expect(
      program.steps[0].ends.map(\.text) == [
        "voltage <= 10 mV", "step_time >= 6 h and voltage <= 2 V", "step_time >= 9 h",
      ])
  }

  @Test(arguments: [
    ("1/3 * $rate", "mixes a variable"), ("-2 * $rate", "has a sign"), ("0 * $rate", "no current"),
    ("$rate - $rate", "no current"),
    ("2 * $word", "has no exact value"),
  ])
  func whatIsNoMultipleIsRefused(multiple: String, message: String) throws {
    let step = #"[{"discharge": "\#(multiple)", "until": ["voltage <= 10 mV", "step_time >= 9 h"]}]"#
    let problems = ProtocolDecoder.decode(
      Array(sample(#"{"rate": "0.1 mA", "word": "fast"}"#, step).text.utf8)
    ).problems
    #expect(problems.contains { $0.message.contains(message) }, "\(problems)")
  }

  /// Whatever is calculated might have been written instead.
  @Test(arguments: [
    ("$rate * 2", "0.2 mA"), ("2 * $rate * 2", "0.4 mA"), ("$rate / 4", "0.025 mA"), ("$rate + 50 uA", "0.15 mA"),
    ("2 * $rate - $slow", "0.15 mA"), ("$rate * 3 / 3", "0.1 mA"), ("$twice", "0.2 mA"), ("$twice / $n", "0.05 mA"),
  ])
  func expressionsStandForTheirValues(expression: String, value: String) throws {
    let step = #"[{"discharge": "RATE", "until": ["voltage <= 10 mV", "step_time >= 2 h"]}]"#
    let variables = #"{"rate": "0.1 mA", "slow": "0.05 mA", "twice": "2 * $rate", "n": 4}"#
    let known = ["$rate", "$slow", "$twice", "$n"].map { #"{"rest": "1 min", "label": "\#($0)"}"# }
    func steps(_ rate: String) -> String {
      "[" + (known + [String(step.replacing("RATE", with: rate).dropFirst())]).joined(separator: ", ")
    }
    #expect(
      try sample(variables, steps(expression)).compile().get() == sample(variables, steps(value)).compile().get())
  }

  @Test func expressionsStandInVoltagesTimesConditionsAndPasses() throws {
    let steps = #"""
      [{"cycles": "$n * $n + 1", "purpose": "life", "label": "life", "steps": [
        {"discharge": "0.1 mA", "until": ["voltage <= $low + 5 mV", "step_time >= $long / 2 + 10 min"]},
        {"charge": "0.1 mA", "until": ["voltage >= $high - $low", "step_time >= 9 h"]}],
        "until": ["cycle_number >= $n - 1"]}]
      """#
    let program = try sample(#"{"n": 3, "low": "20 mV", "high": "2 V", "long": "3 h"}"#, steps).compile().get()
    #expect(program.cycleCount == 10)
    #expect(
      program.steps.flatMap { $0.ends.map(\.text) } == [
        "voltage <= 25 mV", "step_time >= 100 min", "voltage >= 1980 mV", "step_time >= 9 h",
      ])
    #expect(program.passConditions.map(\.text) == ["cycle_number >= 2"])
    #expect(program.passConditions.map(\.threshold) == [2])
  }

  private let cycle = #"""
    [{"discharge": "RATE", "until": ["voltage <= 10 mV", "step_time >= 9 h"]},
     {"charge": "RATE", "until": ["voltage >= 2 V", "step_time >= 9 h"]}]
    """#

  private func inBlocks(_ blocks: String, _ steps: String) -> SampleProtocol {
    var sample = SampleProtocol()
    sample.more = #", "blocks": \#(blocks)"#
    sample.steps = steps
    return sample
  }

  private func life(_ steps: String) -> String {
    #"[{"cycles": 2, "purpose": "life", "label": "life", "steps": \#(steps)}]"#
  }

  /// A block is its steps in each place where it is used, with the values that are given there.
  @Test func aBlockIsItsStepsWhereItIsUsed() throws {
    let steps = #"""
      [{"cycles": 1, "purpose": "formation", "label": "formation", "steps": [{"use": "pair", "with": {"rate": "50 uA"}}]},
       {"cycles": 2, "purpose": "life", "label": "life", "steps": [{"use": "pair", "with": {"rate": "0.1 mA"}}]}]
      """#
    let blocks = #"{"pair": \#(cycle.replacing("RATE", with: "$rate")), "wait": [{"rest": "1 h"}]}"#
    let program = try inBlocks(blocks, steps.dropLast() + #", {"use": "wait"}, {"use": "wait"}]"#).compile().get()
    var plain = SampleProtocol()
    let pairs = ["50 uA", "0.1 mA"].map { String(cycle.replacing("RATE", with: $0)) }
    plain.steps = #"""
      [{"cycles": 1, "purpose": "formation", "label": "formation", "steps": \#(pairs[0])},
       {"cycles": 2, "purpose": "life", "label": "life", "steps": \#(pairs[1])}, {"rest": "1 h"}, {"rest": "1 h"}]
      """#
    var expected = try plain.compile().get()
    for index in expected.steps.indices { expected.steps[index].path = program.steps[index].path }
    #expect(program == expected)
    #expect(program.steps[0].path == "blocks.pair[0]")
  }

  @Test func aBlockMayUseAnotherAndHandItsValuesOn() throws {
    let blocks = #"""
      {"half": [{"discharge": "$rate", "until": ["voltage <= 10 mV", "step_time >= 9 h"]}],
       "whole": [{"use": "half", "with": {"rate": "2 * $slow"}}, {"charge": "$slow", "until": ["voltage >= 2 V",
         "step_time >= 9 h"]}]}
      """#
    let program = try inBlocks(blocks, life(#"[{"use": "whole", "with": {"slow": "50 uA"}}]"#)).compile().get()
    #expect(program.steps.map(\.rangeCurrent) == Array(repeating: Current(picoamperes: 100_000_000), count: 2))
    #expect(program.steps.map(\.action).last == .constantCurrent(.charge, Current(picoamperes: 50_000_000)))
  }

  @Test(arguments: [
    (#"{"a": [{"use": "a"}]}"#, #"[{"use": "a"}]"#, "uses itself"),
    (#"{"a": [{"use": "b"}], "b": [{"use": "a"}]}"#, #"[{"use": "a"}]"#, "uses itself"),
    (#"{"a": [{"rest": "1 h"}]}"#, #"[{"rest": "1 h"}]"#, "nothing uses the block"),
    (#"{"a": [{"rest": "1 h"}]}"#, #"[{"use": "a"}, {"use": "b"}]"#, "there is no block"),
    (#"{"a": [{"rest": "1 h"}]}"#, #"[{"use": "a", "with": {"t": "1 h"}}]"#, "nothing uses the variable"),
    (#"{"a": [{"rest": "$t"}]}"#, #"[{"use": "a"}]"#, "there is no variable"),
    (#"{"a": []}"#, #"[{"use": "a"}]"#, "without a step"),
    (#"{"A": [{"rest": "1 h"}]}"#, #"[{"rest": "1 h"}]"#, "no name of a block"),
    (#"{"a": {"file": "x.json"}}"#, #"[{"use": "a"}]"#, "are not here"),
    (#"{"a": 7}"#, #"[{"use": "a"}]"#, "list of steps"), ("[]", #"[{"rest": "1 h"}]"#, "must be an object"),
    (#"{"a": [{"rest": "1 h"}]}"#, #"[{"use": "a", "label": "x"}]"#, "unknown key"),
    (#"{"a": [{"rest": "$t"}]}"#, #"[{"use": "a", "with": {"t": ["1 h"]}}]"#, "a text or a number"),
    (#"{"a": [{"rest": "$t"}]}"#, #"[{"use": "a", "with": {}}]"#, "gives values to names"),
    (
      "{" + (1...20).map { "\"b\($0)\": [{\"use\": \"b\($0 + 1)\"}]" }.joined(separator: ", ")
        + #", "b21": [{"rest": "1 h"}]}"#,
      #"[{"use": "b1"}]"#, "16 deep"
    ),
  ])
  func aBlockThatMeansNothingIsRefused(blocks: String, steps: String, message: String) {
    let problems = ProtocolDecoder.decode(Array(inBlocks(blocks, steps).text.utf8)).problems
    #expect(problems.contains { $0.message.contains(message) }, "\(problems)")
  }

  /// Blocks that use each other twice would be a thousand steps from ten.
  @Test func blocksCannotGrowWithoutEnd() {
    var blocks = #""b0": [{"rest": "1 h"}]"#
    for level in 1...14 {
      blocks += #", "b\#(level)": [{"use": "b\#(level - 1)"}, {"use": "b\#(level - 1)"}]"#
    }
    let problems = ProtocolDecoder.decode(Array(inBlocks("{\(blocks)}", #"[{"use": "b14"}]"#).text.utf8)).problems
    #expect(problems.contains { $0.message.contains("more than") }, "\(problems.prefix(3))")
  }

  @Test func theStepsOfAnotherFileArePutInWithItsDigest() throws {
    let sample = inBlocks(
      #"{"wait": {"file": "wait.json"}, "own": [{"rest": "2 h"}]}"#, #"[{"use": "wait"}, {"use": "own"}]"#)
    let file = Array(sample.text.utf8)
    #expect(ProtocolIncludes.files(of: file) == ["wait.json"])
    let content = Array("[{\"rest\":\n  \"1 h\"}]\n".utf8)
    let whole = try ProtocolIncludes.putting(content, of: "wait.json", into: file)
    #expect(whole.count { $0 == UInt8(ascii: "\n") } == file.count { $0 == UInt8(ascii: "\n") }, "lines stay")
    let text = String(decoding: whole, as: UTF8.self)
    // sha256sum of the same bytes.
    #expect(text.contains(#""sha256": "\#(Self.digestOfWait)""#), "\(text)")
    let program = try ProtocolDecoder.decode(whole).flatMap { $0.compile(cell: CellValues(), instrument: nil) }.get()
    #expect(program.steps.map(\.path) == ["blocks.wait.steps[0]", "blocks.own[0]"])
    #expect(ProtocolIncludes.files(of: whole).isEmpty)
    for (content, message) in [("{}", "no list"), ("[", "line 1"), ("[1,]", "line 1"), ("", "")] {
      let thrown = #expect(throws: ProtocolIncludes.Unusable.self) {
        try ProtocolIncludes.putting(Array(content.utf8), of: "wait.json", into: file)
      }
      #expect(thrown?.message.contains(message) == true, "\(thrown?.message ?? "")")
    }
  }

  private static let digestOfWait = "ac3b3e2b60e565d42f876b9d9442890a0041fd57e058869d2bb6d1ac756c9a15"

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
