// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import MethodSCRIPTEmulator
import Testing

@Suite("Scripts that are refused before anything runs")
struct RefusedScriptTests {
  /// A script and where and why it is refused.
  struct Refused: Sendable, CustomTestStringConvertible {
    var script: String
    var answer: String
    var testDescription: String { answer + " " + script.replacing("\n", with: " | ") }
    init(_ script: String, _ code: String, line: Int, column: Int) {
      self.script = script
      answer = "e!\(code): Line \(line), Col \(column)"
    }
  }

  static let loop = "var p\nvar c\n"

  static let refused: [Refused] = [
    // Commands and characters.
    Refused("meas_lop 1", "4001", line: 1, column: 1), Refused("CELL_ON", "4001", line: 1, column: 1),
    Refused("var a\n  fly a", "4001", line: 2, column: 3), Refused("on_finished", "4001", line: 1, column: 1),
    Refused("meas_loop_geis a b c", "001B", line: 1, column: 1), Refused("set_e 1\u{7}", "4004", line: 1, column: 8),
    Refused("send_string \"a", "4004", line: 1, column: 15), Refused("send_string a", "4004", line: 1, column: 13),
    Refused("cell_on ocp(", "4004", line: 1, column: 13), Refused("wait )", "4004", line: 1, column: 6),
    // Too few and too many arguments.
    Refused("wait", "4004", line: 1, column: 5), Refused("var a\nadd_var a", "4004", line: 2, column: 10),
    Refused("cell_off 1", "420A", line: 1, column: 10), Refused("var a b", "420A", line: 1, column: 7),
    Refused(loop + "meas_loop_cp p c 1m 1", "4004", line: 3, column: 22),
    Refused(loop + "meas_loop_cp p c 1m 1 2 3", "420A", line: 3, column: 25),
    Refused(loop + "meas_loop_cp p c 1m 1 2 fly(3)", "4008", line: 3, column: 25),
    Refused(loop + "meas_loop_cp p c 1m 1 2 time(x)", "420B", line: 3, column: 30),
    Refused(loop + "meas_loop_ca p c 1 1 2 add_meas(1 ab p)", "002F", line: 3, column: 33),
    Refused(loop + "meas_loop_ca p c 1 1 2 add_meas(0 da p)", "4209", line: 3, column: 35),
    Refused("cell_on ocp(1)", "4008", line: 1, column: 9),
    // Names.
    Refused("add_var a 1", "420B", line: 1, column: 9), Refused("var a\nvar a", "4026", line: 2, column: 5),
    Refused("array a 5i\nvar a", "4026", line: 2, column: 5), Refused("var 1a", "402B", line: 1, column: 5),
    Refused("var A", "402B", line: 1, column: 5), Refused("var a-b", "402B", line: 1, column: 5),
    Refused("var " + String(repeating: "a", count: 33), "402C", line: 1, column: 5),
    Refused("if a == 1\nendif", "420B", line: 1, column: 4),
    Refused("pck_start\npck_add x", "420B", line: 2, column: 9),
    Refused("send_string f\"{x}\"", "420B", line: 1, column: 13),
    Refused("send_string f\"{x\"", "4210", line: 1, column: 13),
    // Kinds of arguments.
    Refused("copy_var 1 2", "420D", line: 1, column: 12),
    Refused("var a\nset_pgstat_mode a", "420C", line: 2, column: 17),
    Refused("array a 2i\nadd_var a 1", "420E", line: 2, column: 9),
    Refused("var a\narray_set a 1i 1", "420C", line: 2, column: 11),
    Refused("array a 2i\ncopy_var 1 a[2i]", "400F", line: 2, column: 12),
    Refused("array a 2i\ncopy_var 1 a[0]", "4207", line: 2, column: 12),
    Refused("array a 2i\ncopy_var 1 a[0i", "4038", line: 2, column: 12),
    Refused("array a 0i", "4204", line: 1, column: 9), Refused("array a 100000i", "000B", line: 1, column: 9),
    Refused("var a\nstore_var a 1 zz", "4209", line: 2, column: 15), Refused("wait 1i", "4207", line: 1, column: 6),
    // Literals.
    Refused("wait 1.5", "4039", line: 1, column: 6), Refused("wait 1x", "4039", line: 1, column: 6),
    Refused("wait 1e3", "4039", line: 1, column: 6), Refused("wait -", "4039", line: 1, column: 6),
    Refused("wait 2147483648", "4039", line: 1, column: 6), Refused("wait m", "420B", line: 1, column: 6),
    Refused("var a\nstore_var a 0x1m ja", "4014", line: 2, column: 13),
    // Values that can be judged without the instrument.
    Refused("wait -1", "4200", line: 1, column: 6), Refused("set_pgstat_mode 5", "0021", line: 1, column: 17),
    Refused("set_pgstat_chan 1", "002F", line: 1, column: 17), Refused("set_e 6001m", "000F", line: 1, column: 7),
    Refused("set_i 201m", "4205", line: 1, column: 7), Refused("set_range ea 1", "0084", line: 1, column: 11),
    Refused("set_acquisition_frac_autoadjust 55", "4205", line: 1, column: 33),
    Refused("set_script_output 7", "403C", line: 1, column: 19), Refused("meas 0 p ab", "4204", line: 1, column: 6),
    Refused(loop + "meas_loop_cp p c 300m 1 5", "4205", line: 3, column: 18),
    Refused(loop + "meas_loop_ca p c 7 1 5", "000F", line: 3, column: 18),
    Refused(loop + "meas_loop_cp p c 1m 0 5", "4204", line: 3, column: 21),
    Refused(loop + "meas_loop_ocp p 1 -5", "4204", line: 3, column: 19),
    Refused("if 1 = 1\nendif", "4041", line: 1, column: 6),
    // Scopes.
    Refused("if 1 == 1", "4018", line: 1, column: 10), Refused("loop 1 == 1\nwait 1", "4018", line: 2, column: 7),
    Refused(loop + "meas_loop_ocp p 1 5\nwait 1", "4018", line: 4, column: 7),
    Refused("endif", "400E", line: 1, column: 1), Refused("endloop", "400E", line: 1, column: 1),
    Refused("else", "400E", line: 1, column: 1), Refused("if 1 == 1\nelse\nelse\nendif", "400E", line: 3, column: 1),
    Refused("if 1 == 1\nelse\nelseif 1 == 1\nendif", "400E", line: 3, column: 1),
    Refused("if 1 == 1\nendloop", "400E", line: 2, column: 1),
    Refused("loop 1 == 1\nendif", "400E", line: 2, column: 1),
    Refused("breakloop", "400C", line: 1, column: 1),
    Refused("if 1 == 1\nbreakloop\nendif", "400C", line: 2, column: 1),
    Refused("on_finished:\non_finished:", "400E", line: 2, column: 1),
    Refused("if 1 == 1\non_finished:\nendif", "400E", line: 2, column: 1),
    Refused(String(repeating: "if 1 == 1\n", count: 17) + "endif", "400D", line: 17, column: 1),
    // Measurement loops.
    Refused(loop + "meas_loop_ocp p 1 5\nmeas_loop_cp p c 1m 1 5", "400B", line: 4, column: 1),
    Refused(loop + "meas_loop_ca p c 1 1 5\nset_e 1\nendloop", "4032", line: 4, column: 1),
    Refused(loop + "meas_loop_ca p c 1 1 5\nset_range da 1\nendloop", "4032", line: 4, column: 1),
    Refused(loop + "meas_loop_cp p c 1m 1 5\nif 1 == 1\nset_i 1m\nendif\nendloop", "4033", line: 5, column: 1),
    Refused(loop + "meas_loop_cp p c 1m 1 5\nset_range db 1m\nendloop", "4033", line: 4, column: 1),
    Refused(loop + "meas_loop_cp p c 1m 1 5\ncell_off\nendloop", "401A", line: 4, column: 1),
    Refused(loop + "meas_loop_cp p c 1m 1 5\nset_pgstat_mode 2\nendloop", "401A", line: 4, column: 1),
    // Sizes.
    Refused("wait 1\n#" + String(repeating: "x", count: 127), "0008", line: 2, column: 128),
    Refused(String(repeating: "#23456789012345\n", count: 1025) + "wait 1", "4005", line: 1025, column: 1),
  ]

  @Test(arguments: refused)
  func isRefusedWithLineAndColumn(_ refused: Refused) {
    var laboratory = Laboratory()
    #expect(laboratory.execute(refused.script) == [refused.answer])
    #expect(!laboratory.instrument.isCellOn && !laboratory.instrument.isScriptRunning)
  }

  @Test(arguments: ["meas_loop_cp p c 1m 1 5\nendloop", "set_i 1m"])
  func galvanostaticCommandsAreUnknownWithoutGalvanostat(_ command: String) {
    var laboratory = Laboratory(profile: .emStatPico)
    #expect(laboratory.execute("var p\nvar c\n" + command) == ["e!4001: Line 3, Col 1"])
  }

  @Test func galvanostatModeDoesNotExistWithoutGalvanostat() {
    var laboratory = Laboratory(profile: .emStatPico)
    #expect(laboratory.execute("set_pgstat_mode 6") == ["e!0021: Line 1, Col 17"])
  }

  @Test func onlySomeModelsStartAtOpenCircuit() {
    let script = "var p\nset_pgstat_mode 3\nmeas 100m p ab\ncell_on ocp(p)\ncell_off"
    var nexus = Laboratory(profile: .nexus)
    #expect(nexus.execute(script) == ["e", ""])
    var emStat = Laboratory()
    #expect(emStat.execute(script) == ["e!4008: Line 4, Col 9"])
  }

  @Test func deepestNestingIsTaken() {
    var laboratory = Laboratory()
    let script =
      String(repeating: "if 1 == 1\n", count: 16) + "send_string \"in\"" + String(repeating: "\nendif", count: 16)
    #expect(laboratory.execute(script) == ["e", "Tin", ""])
  }
}
