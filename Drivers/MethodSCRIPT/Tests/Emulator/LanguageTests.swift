// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import MethodSCRIPTEmulator
import Testing

@Suite("The language, by value")
struct LanguageTests {
  /// Runs statements and returns what `pck_add` makes of each of the named variables, one line each.
  private func values(_ statements: String, _ names: String...) -> [String] {
    var laboratory = Laboratory()
    var script = statements
    for name in names { script += "\npck_start\npck_add \(name)\npck_end" }
    return laboratory.execute(script)
  }

  @Test(arguments: [
    ("3100m", "ab", "Pab82F4D60u"), ("-50u", "ba", "Pba5050F80p"), ("0", "aa", "Paa8000000 "),
    ("1i", "ee", "Pee8000001i"), ("-1i", "ja", "Pja7FFFFFFi"), ("200", "eb", "Peb8030D40m"),
    ("134217727u", "eb", "PebFFFFFFFu"), ("134217728u", "eb", "Peb8020C4Am"), ("12500m", "eb", "Peb8BEBC20u"),
    ("0x1Fi", "ja", "Pja800001Fi"), ("0b101", "ja", "Pja8000005i"), ("134300n", "ba", "Pba8020C9Cn"),
    ("1k", "ja", "Pja80F4240m"), ("2M", "ja", "Pja81E8480 "), ("1G", "ja", "Pja80F4240k"),
  ])
  func packageTakesTheFinestPrefixThatFits(_ literal: String, _ type: String, _ expected: String) {
    #expect(values("var a\nstore_var a \(literal) \(type)", "a") == ["e", expected, ""])
  }

  @Test func arithmeticOfNumbers() {
    let lines = values(
      """
      var a
      var b
      store_var a 1500m ab
      store_var b 250m ja
      add_var a b
      mul_var a 2
      sub_var a 500m
      div_var a -4
      copy_var a b
      """, "a", "b")
    // ((1.5 + 0.25) × 2 − 0.5) / −4 = −0.75
    #expect(lines == ["e", "Pab7F48E50u", "Pab7F48E50u", ""])
  }

  @Test func arithmeticOfIntegers() {
    let lines = values(
      """
      var a
      store_var a 100i ja
      add_var a 5i
      mul_var a 3i
      div_var a 2i
      mod_var a 100i
      bit_lsl_var a 4i
      bit_or_var a 0x1
      bit_and_var a 0x3F1
      bit_xor_var a 0xF
      bit_lsr_var a 1i
      sub_var a 7i
      bit_inv_var a
      """, "a")
    // 105 × 3 / 2 = 157; mod 100 = 57; << 4 = 912; | 1 = 913; & 0x3F1 = 913; ^ 15 = 926; >> 1 = 463; 456; ~ = −457
    #expect(lines == ["e", "Pja7FFFE37i", ""])
  }

  @Test func conversions() {
    let lines = values(
      """
      var a
      var b
      var c
      store_var a 2700m ja
      copy_var a b
      float_to_int a
      float_to_int_round b
      copy_var b c
      int_to_float c
      alter_vartype c eb
      """, "a", "b", "c")
    #expect(lines == ["e", "Pja8000002i", "Pja8000003i", "Peb82DC6C0u", ""])
  }

  @Test func arraysKeepTheirElements() {
    let lines = values(
      """
      array a 3i
      var i
      var x
      store_var i 0i ja
      loop i < 3i
      array_set a i i
      add_var i 1i
      endloop
      array_get a 1i x
      mul_var a[2i] 10i
      store_var i 2i ja
      """, "x", "a[i]", "a[0i]")
    #expect(lines == ["e", "L", "+", "Pja8000001i", "Pja8000014i", "Pja8000000i", ""])
  }

  @Test(arguments: [
    ("1i", "==", "1i", true), ("1i", "!=", "1i", false), ("1i", "<", "2i", true), ("2", "<=", "2", true),
    ("2", ">", "2", false), ("-1m", ">=", "-2m", true), ("1i", "<", "1500m", true), ("3i", ">=", "2", true),
  ])
  func relations(_ left: String, _ relation: String, _ right: String, _ isTrue: Bool) {
    let script = "if \(left) \(relation) \(right)\nsend_string \"yes\"\nelse\nsend_string \"no\"\nendif"
    #expect(values(script) == ["e", isTrue ? "Tyes" : "Tno", ""])
  }

  @Test(arguments: [(0, "zero"), (1, "one"), (2, "two"), (7, "many")])
  func conditionTakesOneArm(_ number: Int, _ expected: String) {
    let script = """
      var a
      store_var a \(number)i ja
      if a == 0i
        send_string "zero"
      elseif a == 1i
        send_string "one"
      elseif a == 2i
        if a > 1i
          send_string "two"
        endif
      else
        send_string "many"
      endif
      """
    #expect(values(script) == ["e", "T" + expected, ""])
  }

  @Test func loopsNestAndBreak() {
    let script = """
      var i
      var n
      store_var i 0i ja
      store_var n 0i ja
      loop i < 3i   # a comment
        loop 0i == 0i
          add_var n 1i
          if n > 2i
            breakloop
          endif
        endloop
        add_var i 1i
      endloop
      """
    #expect(values(script, "n") == ["e", "L", "L", "+", "L", "+", "L", "+", "+", "Pja8000005i", ""])
  }

  @Test func textsAreSentAsTheyStandOrInterpolated() {
    let script = "var a\nstore_var a 12i ja\nsend_string \"a # b {a}\"\nsend_string f\"a={a}; {a}\""
    #expect(values(script) == ["e", "Ta # b {a}", "Ta=12; 12", ""])
  }

  @Test func silencedOutputIsNotSent() {
    let script = """
      set_script_output 0
      send_string "a"
      set_script_output 1
      send_string "b"
      """
    #expect(values(script) == ["e", "Tb", ""])
  }

  @Test func abortRunsWhatFollowsOnFinished() {
    let script =
      "send_string \"a\"\nabort\nsend_string \"b\"\non_finished:\nsend_string \"c\"\nabort\nsend_string \"d\""
    #expect(values(script) == ["e", "Ta", "Tc", ""])
  }

  @Test func notANumberIsEightCharacters() {
    var bytes: [UInt8] = []
    PackageTextProbe.append(.nan, to: &bytes)
    #expect(String(decoding: bytes, as: UTF8.self) == "ba     nan")
  }

  @Test(arguments: [
    ("var a\ndiv_var a 0", "0028", 2), ("var a\nadd_var a 1i", "4207", 2),
    ("array a 2i\nvar i\nstore_var i 2i ja\ncopy_var 1 a[i]", "400F", 4),
    ("array a 2i\nvar i\ncopy_var 1 a[i]", "4207", 3), ("pck_add 1", "401B", 1), ("pck_start\npck_start", "401B", 2),
    ("pck_end", "401B", 1), ("var a\nstore_var a 2147483647i ja\nadd_var a 1i", "4037", 3),
    ("var a\nstore_var a 1E ja\nloop 0 == 0\nmul_var a a\nendloop", "0010", 4), ("set_e 1", "0023", 1),
    ("set_pgstat_mode 6\nset_e 1", "0023", 2), ("set_pgstat_mode 2\nset_i 0", "0023", 2),
    ("set_pgstat_mode 2\nset_range db 1m", "0023", 2), ("cell_on", "0023", 1),
    ("var p\nvar c\nset_pgstat_mode 6\nmeas_loop_cp p c 1m 1 5\nendloop", "4027", 4),
    ("var p\nvar c\nset_pgstat_mode 2\nmeas_loop_ca p c 1 1 5\nendloop", "4027", 4),
    ("var p\nvar c\nset_pgstat_mode 3\ncell_on\nmeas_loop_cp p c 1m 1 5\nendloop", "0023", 5),
    ("var p\nset_pgstat_mode 3\ncell_on\nmeas_loop_ocp p 1 5\nendloop", "0014", 4),
    ("var e\nstore_var e 7 ab\nset_pgstat_mode 3\nset_e e", "000F", 4),
    ("set_pgstat_mode 3\nset_range_minmax da -1 1\nset_e 2", "000F", 3),
    ("var i\nstore_var i 300m ba\nset_pgstat_mode 6\nset_i i", "4205", 4),
    ("var w\nstore_var w 1i ja\nwait w", "4207", 3), ("set_range ba 0", "4202", 1),
    ("set_pgstat_mode 3\nset_range_minmax ba 1m 1u", "4205", 2),
  ])
  func runtimeErrorsNameTheLineAndSkipOnFinished(_ script: String, _ code: String, _ line: Int) {
    var laboratory = Laboratory()
    let lines = laboratory.execute(script + "\non_finished:\nsend_string \"finished\"").filter { $0 != "L" }
    #expect(lines == ["e", "!\(code): Line \(line)", ""])
  }
}
