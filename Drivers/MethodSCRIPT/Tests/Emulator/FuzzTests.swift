// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import MethodSCRIPTEmulator
import Testing
import VirtualLab

/// SplitMix64, so that a printed seed gives the same test again.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

@Suite("Random input")
struct FuzzTests {
  static let words = [
    "var", "array", "store_var", "copy_var", "add_var", "sub_var", "mul_var", "div_var", "mod_var", "if", "elseif",
    "else", "endif", "loop", "endloop", "breakloop", "meas_loop_cp", "meas_loop_ca", "meas_loop_ocp", "wait",
    "timer_start", "timer_get", "send_string", "pck_start", "pck_add", "pck_end", "set_pgstat_mode", "set_range",
    "set_range_minmax", "set_autoranging", "set_e", "set_i", "cell_on", "cell_off", "meas", "abort", "on_finished:",
    "float_to_int", "bit_lsl_var", "a", "b", "c", "x", "a[b]", "x[c]", "x[1i]", "1", "-1", "0", "5i", "2m", "50u",
    "-7i", "0xFF", "0b11i", "ab", "ba", "da", "db", "eb", "ja", "==", "<", ">=", "6", "2", "3", "\"text\"",
    "f\"{a}\"", "#", "time(a)", "add_meas(0 ab b)", "ocp(a)",
  ]

  /// Statements that are more often right than wrong.
  static let statements = [
    "add_var a 1", "sub_var b 50m", "mul_var a b", "div_var a b", "add_var i 1i", "copy_var i x[i]", "copy_var x[i] i",
    "copy_var a p", "float_to_int a", "int_to_float i", "if a < b", "if i >= 3i", "elseif a == b", "else", "endif",
    "loop i < 9i", "loop a <= b", "endloop", "breakloop", "meas_loop_cp p c 1m 1 9", "meas_loop_ca p c a 100m 2",
    "meas_loop_ocp p 1 3", "cell_on", "cell_off", "set_pgstat_mode 6", "set_pgstat_mode 2", "set_e a", "set_i b",
    "set_range ba 1m", "set_range_minmax da -1 1", "set_autoranging ba 1u 1m", "set_range db b", "wait 50m",
    "timer_start", "timer_get a", "pck_start", "pck_add a", "pck_add i", "pck_end", "send_string f\"{a} {i}\"",
    "meas 10m p ab", "meas 10m c ba", "abort", "on_finished:",
  ]

  /// Feeds text in random pieces with commands between them, and checks what must hold whatever was sent.
  private func survives(_ bytes: [UInt8], _ generator: inout SeededGenerator, seed: UInt64) {
    var laboratory = Laboratory(LinearCell(startVoltage: 1, capacitance: 1, resistance: 10), seed: seed)
    var rest = bytes[...]
    var time = 0.0
    while !rest.isEmpty {
      let piece = rest.prefix(Int.random(in: 1...64, using: &generator))
      rest = rest.dropFirst(piece.count)
      Array(piece).withUnsafeBytes { laboratory.instrument.receive($0) }
      var output: [UInt8] = []
      time += Double.random(in: 0...2, using: &generator)
      let limit = Int.random(in: 1...500, using: &generator)
      _ = laboratory.instrument.run(until: time, output: &output, outputLimit: limit)
      #expect(output.isEmpty || output.last == 0x0A, "seed \(seed)")
      #expect(laboratory.instrument.time <= time + 1e-6, "seed \(seed)")
    }
    let truth = laboratory.instrument.cellTruth(channel: 0)
    let charge = truth.open?.terminalCharge ?? 0
    #expect(charge.isFinite, "seed \(seed)")
    // Whatever happened, the instrument can be silenced and brought back.
    laboratory.instrument.rest(until: time + 1)
    _ = laboratory.run(until: time + 1)
    for text in ["\n\n", "Z\n"] {
      laboratory.send(text)
      time += 1
      _ = laboratory.run(until: laboratory.instrument.time + 1)
      laboratory.instrument.rest(until: laboratory.instrument.time + 1)
    }
    _ = laboratory.run(until: laboratory.instrument.time + 100)
    laboratory.instrument.rest(until: laboratory.instrument.time + 1)
    laboratory.send("i\n")
    if !laboratory.instrument.isScriptRunning {
      #expect(laboratory.run(until: laboratory.instrument.time).contains("iTEST0001"), "seed \(seed)")
    }
  }

  @Test func randomBytesNeverStopTheInstrument() {
    let seed = UInt64.random(in: 0 ... .max)
    print("fuzz seed for bytes: \(seed)")
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<150 {
      let alphabet = Array("etrilZYhH\n\n 01289aimupx[]()\"#-:".utf8)
      let bytes = (0..<400).map { _ -> UInt8 in
        Bool.random(using: &generator)
          ? alphabet.randomElement(using: &generator) ?? 0 : UInt8.random(in: 0...255, using: &generator)
      }
      survives(bytes, &generator, seed: seed)
    }
  }

  @Test func randomWordsNeverStopTheInstrument() {
    let seed = UInt64.random(in: 0 ... .max)
    print("fuzz seed for words: \(seed)")
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<300 {
      var script = "e\nvar a\nvar b\nvar c\narray x 3i\n"
      for _ in 0..<Int.random(in: 1...30, using: &generator) {
        let count = Int.random(in: 1...6, using: &generator)
        let line = (0..<count).compactMap { _ in Self.words.randomElement(using: &generator) }
        script += line.joined(separator: " ") + "\n"
      }
      survives(Array((script + "\n").utf8), &generator, seed: seed)
    }
  }

  @Test func randomStatementsNeverStopTheInstrument() {
    let seed = UInt64.random(in: 0 ... .max)
    print("fuzz seed for statements: \(seed)")
    var generator = SeededGenerator(seed: seed)
    var taken = 0
    for _ in 0..<600 {
      var script = "var a\nvar b\nvar i\nvar p\nvar c\narray x 4i\nstore_var i 0i ja\nset_pgstat_mode 6\ncell_on\n"
      // Scopes are mostly closed again in the order in which they were opened.
      var closings: [String] = []
      for _ in 0..<Int.random(in: 3...25, using: &generator) {
        guard let statement = Self.statements.randomElement(using: &generator) else { continue }
        if statement == "endif" || statement == "endloop" {
          if let closing = closings.popLast() { script += closing + "\n" }
          continue
        }
        script += statement + "\n"
        if statement.hasPrefix("if ") { closings.append("endif") }
        if statement.hasPrefix("loop") || statement.hasPrefix("meas_loop") { closings.append("endloop") }
      }
      for closing in closings.reversed() { script += closing + "\n" }
      var probe = Laboratory()
      probe.send("e\n" + script + "\n")
      if probe.run(until: 0).first == "e" { taken += 1 }
      survives(Array(("e\n" + script + "\n").utf8), &generator, seed: seed)
    }
    print("random scripts accepted: \(taken) of 600")
    #expect(taken > 30, "too few of the random scripts were accepted to mean anything; seed \(seed)")
  }
}
