// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingProtocol
import Quantities

/// Files that are not protocols, and protocols with words or values that the language does not know.
enum MalformedProtocols {
  static let good = SampleProtocol().text

  static let grammar: [RefusalCase] = [
    RefusalCase("empty file", text: "", "", "ends too early"),
    RefusalCase("not an object", text: "[1]", "", "must be an object"),
    RefusalCase("half a file", text: String(good.dropLast(20)), "steps[0]", "ends too early"),
    RefusalCase("two protocols", text: good + good, "", "after the end"),
    RefusalCase("comment", text: "// x\n" + good, "", "no comments", "notes"),
    RefusalCase("byte order mark", text: "\u{FEFF}" + good, "", "byte order mark"),
    RefusalCase("trailing comma in an object", text: #"{"title": "x",}"#, "", "key in double quotes"),
    RefusalCase("trailing comma in a list", text: #"{"steps": [1,]}"#, "steps[1]", "comma at the end"),
    RefusalCase("single quotes", text: "{'title': 1}", "", "key in double quotes"),
    RefusalCase("word without quotes", text: #"{"title": NaN}"#, "title", "value is missing"),
    RefusalCase("lower-case word", text: #"{"title": nan}"#, "title", "word without quotes"),
    RefusalCase("zero in front", text: #"{"nacycler_protocol": 01}"#, "nacycler_protocol", "malformed number"),
    RefusalCase("missing colon", text: #"{"title" "x"}"#, "title", "colon is missing"),
    RefusalCase("missing comma", text: #"{"title": "x" "notes": "y"}"#, "", "comma or `}`"),
    RefusalCase("open text", text: #"{"title": "x"#, "title", "closing quote"),
    RefusalCase("line end in a text", text: "{\"title\": \"a\nb\"}", "title", "control character"),
    RefusalCase("unknown escape", text: #"{"title": "\q"}"#, "title", "unknown escape"),
    RefusalCase("half a surrogate pair", text: #"{"title": "\ud83d"}"#, "title", "unpaired surrogate"),
    RefusalCase("second half of a pair", text: #"{"title": "\ude00"}"#, "title", "unpaired surrogate"),
    RefusalCase("short escape", text: #"{"title": "\u00b"}"#, "title", "four hexadecimal"),
    RefusalCase(
      "too deep", text: String(repeating: "[", count: 100) + String(repeating: "]", count: 100),
      String(repeating: "[0]", count: 32), "deeper than 32"),
    RefusalCase("too large", text: String(repeating: " ", count: 1 << 20) + "{}", "", "larger than 1 MiB"),
    .part("key twice", "title", "stands twice") { $0.head += #", "title": "Other""# },
    .part("key twice in a step", "steps[0].rest", "stands twice") {
      $0.steps = #"[{"rest": "1 min", "rest": "1 h"}]"#
    },
  ]

  static let words: [RefusalCase] = [
    .part("unknown top-level key", "stepps", "unknown key `stepps`", "`steps`") { $0.more = #", "stepps": []"# },
    .part("another language's version", "nacycler_protocol", "from 1 to 1") {
      $0.head = #""nacycler_protocol": 2, "title": "x""#
    },
    .part("version as a text", "nacycler_protocol", "must be a whole number") {
      $0.head = #""nacycler_protocol": "1", "title": "x""#
    },
    .part("no version", "nacycler_protocol", "is missing") { $0.head = #""title": "x""# },
    .part("no title", "title", "is missing") { $0.head = #""nacycler_protocol": 1"# },
    .part("empty title", "title", "is empty") { $0.head = #""nacycler_protocol": 1, "title": """# },
    .part("terminal escape in the title", "title", "control or invisible") {
      $0.head = #""nacycler_protocol": 1, "title": "\u001b[2J""#
    },
    .part("right-to-left override in the title", "title", "control or invisible") {
      $0.head = #""nacycler_protocol": 1, "title": "\u202eV 1""#
    },
    .cell("no role", #"{"expect_open_circuit": {"from": "0 V", "to": "1 V"}}"#, "cell.role", "is missing"),
    .cell(
      "unknown role", #"{"role": "anode-halfcell", "expect_open_circuit": {"from": "0 V", "to": "1 V"}}"#,
      "cell.role", "not a role", "anode-half-cell"),
    .cell("no open-circuit window", #"{"role": "anode-half-cell"}"#, "cell.expect_open_circuit", "is missing", "1.2 V"),
    .cell(
      "mass without a unit",
      #"{"role": "anode-half-cell", "active_mass": 1.2, "expect_open_circuit": {"from": "0 V", "to": "1 V"}}"#,
      "cell.active_mass", "bare number", "1.2 mg"),
    .cell(
      "no mass at all",
      #"{"role": "anode-half-cell", "active_mass": "0 mg", "expect_open_circuit": {"from": "0 V", "to": "1 V"}}"#,
      "cell.active_mass", "more than nothing"),
    .cell(
      "unknown requirement",
      #"{"role": "anode-half-cell", "requires": ["mass"], "expect_open_circuit": {"from": "0 V", "to": "1 V"}}"#,
      "cell.requires[0]", "not a value of a cell", "active_mass"),
    .part("plateau without its branch", "metrics.plateau_below", "unknown key", "sodiation_plateau_below") {
      $0.more = #", "metrics": {"plateau_below": "100 mV"}"#
    },
    .part("reference that is no cycle", "metrics.retention_reference", "is not a cycle") {
      $0.more = #", "metrics": {"retention_reference": "cycle 1"}"#
    },
    .part("life that is over at once", "metrics.retention_threshold", "not over at its reference", "less than 100 %") {
      $0.more = #", "metrics": {"retention_threshold": "100 %"}"#
    },
    .part("threshold of nothing", "metrics.retention_threshold", "without a reference", "life cycle 1") {
      $0.more = #", "metrics": {"retention_threshold": "70 %"}"#
    },
    .part("threshold as a number", "metrics.retention_threshold", "bare number") {
      $0.more = #", "metrics": {"retention_threshold": 0.8}"#
    },
    .part("no life at all", "metrics.retention_threshold", "more than nothing") {
      $0.more = #", "metrics": {"retention_threshold": "0 %"}"#
    },
    .part("reference that is never run", "metrics.retention_reference", "only 2 life cycles") {
      $0.more = #", "metrics": {"retention_reference": "life cycle 3"}"#
      $0.steps = SampleProtocol.cycles(SampleProtocol.discharge + "," + SampleProtocol.charge)
    },
    .steps("no step", "[]", "steps", "without a step"),
    .steps("steps as an object", "{}", "steps", "list of steps"),
    .steps("step without a verb", #"[{"label": "x"}]"#, "steps[0]", "one key"),
    .step("misspelt verb", #"{"dischrge": "1 mA", "until": ["step_time >= 1 h"]}"#, "", "`dischrge`", "`discharge`"),
    .step("another cycler's verb", #"{"cccv": "1 mA"}"#, "", "unknown step", "`charge`"),
    .step("two verbs", #"{"charge": "1 mA", "rest": "1 h"}"#, "", "does one thing"),
    .step("rest of no time", #"{"rest": "0 s"}"#, ".rest", "more than nothing"),
    .step("rest of years", #"{"rest": "1000 d"}"#, ".rest", "too long"),
    .step("rest with a bare number", #"{"rest": 600}"#, ".rest", "bare number"),
    .step("unknown option", #"{"rest": "1 h", "interval": "1 s"}"#, ".interval", "unknown key"),
    .step("unit of another quantity", #"{"rest": "10 mV"}"#, ".rest", "not a unit of a time"),
    .step("unit in wrong case", #"{"rest": "10 Min"}"#, ".rest", "not a unit", "10 min"),
    .step("no space before the unit", #"{"rest": "10min"}"#, ".rest", "one space", "10 min"),
    .step("exponent", #"{"rest": "1e3 s"}"#, ".rest", "not a decimal number"),
    .step("no end", #"{"charge": "0.1 mA"}"#, ".until", "is missing", "step_time"),
    .step("empty list of ends", #"{"charge": "0.1 mA", "until": []}"#, ".until", "without a condition"),
    .step("end as one text", #"{"charge": "0.1 mA", "until": "step_time >= 1 h"}"#, ".until", "must be a list"),
    .step(
      "unknown quantity", #"{"charge": "0.1 mA", "until": ["volts >= 2 V", "step_time >= 1 h"]}"#, ".until[0]",
      "unknown quantity `volts`"),
    .step(
      "another cycler's quantity", #"{"charge": "0.1 mA", "until": ["time >= 1 h"]}"#, ".until[0]", "`time`",
      "`step_time`"),
    .step(
      "equality", #"{"charge": "0.1 mA", "until": ["voltage == 2 V", "step_time >= 1 h"]}"#, ".until[0]",
      "unknown operator", "never exactly equal"),
    .step(
      "operator the wrong way round", #"{"charge": "0.1 mA", "until": ["step_time => 1 h"]}"#, ".until[0]",
      "unknown operator", ">="),
    .step("no spaces in a condition", #"{"charge": "0.1 mA", "until": ["step_time>=1 h"]}"#, ".until[0]", "comparison"),
    .step(
      "same quantity twice", #"{"charge": "0.1 mA", "until": ["step_time >= 1 h", "step_time >= 2 h"]}"#, ".until[1]",
      "stands twice"),
    .step(
      "hold_until without to",
      #"{"charge": "0.1 mA", "hold_until": ["hold_time >= 1 h"], "until": ["step_time >= 1 h"]}"#, ".hold_until",
      "without a voltage"),
    .step("to without hold_until", #"{"charge": "0.1 mA", "to": "2 V", "until": ["step_time >= 1 h"]}"#, ".to", "end"),
    .step(
      "option switched off", #"{"charge": "0.1 mA", "until": ["step_time >= 1 h"], "diagnostic": false}"#,
      ".diagnostic", "can only be true"),
    .steps("no passes", SampleProtocol.cycles(SampleProtocol.discharge, passes: "0"), "steps[0].cycles", "from 1"),
    .steps("half a pass", SampleProtocol.cycles(SampleProtocol.discharge, passes: "1.5"), "steps[0].cycles", "whole"),
    .steps(
      "too many passes", SampleProtocol.cycles(SampleProtocol.discharge, passes: "1000001"), "steps[0].cycles",
      "1000000"),
    .steps(
      "unknown purpose", #"[{"cycles": 1, "purpose": "aging", "label": "x", "steps": [{"rest": "1 s"}]}]"#,
      "steps[0].purpose", "not a purpose"),
    .steps(
      "cycles without a label", #"[{"cycles": 1, "purpose": "life", "steps": [{"rest": "1 s"}]}]"#, "steps[0].label",
      "is missing"),
  ]

  static let later: [RefusalCase] = [
    .step(
      "until on a block inside cycles",
      #"{"cycles": 1, "purpose": "life", "label": "life", "steps": [\#(SampleProtocol.discharge), "#
        + #"{"repeat": 2, "steps": [\#(SampleProtocol.charge)], "until": ["test_time >= 1 h"]}]}"#,
      ".steps[1].until[0]", "not yet")
  ]

  private static func variables(
    _ name: String, _ variables: String, _ path: String, _ message: String, _ hint: String = "",
    steps: String = #"[{"rest": "$time"}]"#
  ) -> RefusalCase {
    .part(name, path, message, hint) {
      $0.more = #", "variables": \#(variables)"#
      $0.steps = steps
    }
  }

  /// A `for_each` over two currents, called `rate`.
  private static func each(_ body: String) -> String {
    #"{"for_each": {"rate": ["0.1 mA", "0.2 mA"]}, "steps": [\#(body)]}"#
  }

  private static let used = #"{"discharge": "$rate", "until": ["voltage <= 10 mV", "step_time >= 4 h"]}"#

  /// 20 to the fourth steps in a few lines.
  private static let explosion: String = {
    let values = (1...20).map { #""\#($0) s""# }.joined(separator: ", ")
    return ["a", "b", "c", "d"].reversed().reduce(#"[{"rest": "$a", "label": "$b $c $d"}]"#) {
      #"[{"for_each": {"\#($1)": [\#(values)]}, "steps": \#($0)}]"#
    }
  }()

  static let names: [RefusalCase] = [
    .step("a variable that nobody declares", #"{"rest": "$time"}"#, ".rest", "no variable `time`", "\"variables\""),
    variables("a misspelt variable", #"{"tyme": "1 h"}"#, "steps[0].rest", "no variable `time`", "`tyme`"),
    variables("an unused variable", #"{"time": "1 h", "rate": "1 mA"}"#, "variables.rate", "nothing uses", "`$rate`"),
    variables("a variable without a unit", #"{"time": 60}"#, "steps[0].rest", "bare number"),
    variables("a variable of another quantity", #"{"time": "1 V"}"#, "steps[0].rest", "`V`"),
    variables("a variable that is a list", #"{"time": ["1 h"]}"#, "variables.time", "a text or a number"),
    variables("a variable of a variable below it", #"{"time": "2 * $unit"}"#, "variables.time", "no variable `unit`"),
    variables("a sum of unlike things", #"{"t": "1 V", "time": "$t + 1 h"}"#, "variables.time", "cannot be added"),
    variables("a sum with a plain number", #"{"t": "1 h", "time": "$t + 1"}"#, "variables.time", "a plain number"),
    variables("a product of two times", #"{"t": "1 h", "time": "$t * $t"}"#, "variables.time", "only one value"),
    variables("a time as a divisor", #"{"t": "1 h", "time": "2 / $t"}"#, "variables.time", "only one value"),
    variables("a division by nothing", #"{"t": "1 h", "time": "$t / 0"}"#, "variables.time", "divided by 0"),
    variables("an expression without spaces", #"{"t": "1 h", "time": "$t/2"}"#, "variables.time", "mixes a variable"),
    variables("an expression without an end", #"{"t": "1 h", "time": "$t +"}"#, "variables.time", "mixes a variable"),
    variables("parentheses", #"{"t": "1 h", "time": "2 * ( $t )"}"#, "variables.time", "mixes a variable"),
    variables("a name with capitals", #"{"Time": "1 h"}"#, "variables.Time", "no name of a variable"),
    variables("variables as a list", #"["1 h"]"#, "variables", "must be an object"),
    .step("a variable inside a quantity", #"{"rest": "$time h"}"#, ".rest", "mixes a variable"),
    .step("a sign without a name", #"{"rest": "1 h", "label": "5 $"}"#, ".label", "without the name"),
    variables(
      "a variable as an operator", #"{"time": "1 h", "less": "<="}"#, "steps[0].until[0]", "unknown operator",
      steps: #"[{"rest": "$time", "until": ["voltage $less 1 V"]}]"#),
    variables(
      "a second condition inside a value", #"{"time": "1 h", "end": "1 V or test_time >= 1 s"}"#, "steps[0].until[0]",
      "", steps: #"[{"rest": "$time", "until": ["voltage <= $end"]}]"#),
    .steps("for_each without steps", #"[{"for_each": {"rate": ["1 mA"]}}]"#, "steps[0].steps", "is missing"),
    .steps(
      "for_each over nothing", #"[{"for_each": {"rate": []}, "steps": []}]"#, "steps[0].for_each.rate",
      "list of values, not an empty one"),
    .steps("for_each without a name", #"[{"for_each": {}, "steps": []}]"#, "steps[0].for_each", "needs a name"),
    .steps(
      "for_each with lists of two lengths",
      #"[{"for_each": {"rate": ["1 mA"], "time": ["1 h", "2 h"]}, "steps": [{"rest": "$time"}]}]"#,
      "steps[0].for_each", "1 values and `time` has 2", "as many values"),
    .steps("for_each that is not used", "[\(each(#"{"rest": "1 h"}"#))]", "steps[0].for_each.rate[1]", "nothing uses"),
    .steps("for_each inside itself", "[\(each(each(used)))]", "steps[0].steps[0].for_each.rate", "already"),
    .steps("a variable after its for_each", "[\(each(used)), {\"rest\": \"$rate\"}]", "steps[1].rest", "no variable"),
    .steps(
      "a bad value in the middle", #"[{"for_each": {"time": ["1 h", "2 x"]}, "steps": [{"rest": "$time"}]}]"#,
      "steps[0].steps[0].rest", "`x`"),
    .steps(
      "the same mistake in each pass", "[\(each(#"{"discharge": "$rate", "until": ["voltage <= 10 mV"]}"#))]",
      "steps[0].steps[0]", "time bound"),
    .steps(
      "for_each that explodes", explosion, "steps[0].steps[0].steps[0].steps[0].steps[0]", "more than 5000 steps"),
  ]
}
