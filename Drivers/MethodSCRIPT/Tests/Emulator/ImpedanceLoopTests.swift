// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import MethodSCRIPTEmulator
import Testing
import VirtualLab

@Suite("Impedance loops")
struct ImpedanceLoopTests {
  private static let variables = "var f\nvar r\nvar j\nvar t\n"
  private static let potentiostat = "set_pgstat_mode 3\nset_autoranging ba 1u 10m\nset_e 1\n"
  private static let package = "timer_get t\npck_start\npck_add t\npck_add f\npck_add r\npck_add j\npck_end\n"

  private static func script(_ arguments: String, cell: String = "cell_on", body: String = "") -> String {
    variables + potentiostat + cell + "\ntimer_start\nmeas_loop_eis f r j \(arguments)\n" + package + body
      + "endloop\non_finished:\ncell_off"
  }

  /// 100 ohm and 1 mF in a row.
  private static let cell = LinearCell(startVoltage: 1, capacitance: 1e-3, resistance: 100)

  @Test func pointsLieOnALogarithmicScaleAndTakeWholePeriods() {
    var laboratory = Laboratory(Self.cell)
    let lines = laboratory.execute(Self.script("10m 1k 100m 5i 1"))
    #expect(lines.prefix(2) == ["e", "M000D"] && lines.suffix(2) == ["*", ""])
    let packages = lines.filter { $0.hasPrefix("P") }.map(Laboratory.package)
    #expect(packages.map { $0.map(\.type) } == Array(repeating: ["eb", "dc", "cc", "cd"], count: 5))
    var time = 0.0
    for (package, hertz) in zip(packages, [1_000, 100, 10, 1, 0.1]) {
      #expect(abs(package[1].value / hertz - 1) < 1e-6)
      #expect(abs(package[2].value - 100) < 1e-4)
      #expect(abs(package[3].value * 2 * Double.pi * hertz * 1e-3 + 1) < 1e-5)
      // A period to settle, 5 s at most, two or half a second to measure; the loop's own commands take 1 ms each.
      time += min(1 / hertz, 5) + max(2 / hertz, 0.5)
      #expect(abs(package[0].value - time) < 0.05, "\(hertz) Hz")
    }
  }

  /// One point at a frequency from a variable, as often as an outer loop wants it; the cell is not touched between.
  @Test func aLoopOfOnePointTakesItsFrequencyFromAVariable() {
    var laboratory = Laboratory(Self.cell)
    let script =
      Self.variables + "var g\nvar n\nstore_var g 1k dc\nstore_var n 0i ee\n" + Self.potentiostat
      + "cell_on\ntimer_start\nloop n < 3i\nmeas_loop_eis f r j 10m g g 1i 1\n" + Self.package
      + "mul_var g 100m\nadd_var n 1i\nendloop\nendloop\non_finished:\ncell_off"
    let packages = laboratory.execute(script).filter { $0.hasPrefix("P") }.map(Laboratory.package)
    #expect(packages.map { ($0[1].value * 1_000).rounded() / 1_000 } == [1_000, 100, 10])
  }

  /// What the range cannot carry is clipped and said so.
  @Test func moreCurrentThanTheRangeCarriesIsAnOverload() {
    var laboratory = Laboratory(Self.cell)
    let script = Self.script("10m 1k 1k 1i 1").replacing("set_autoranging ba 1u 10m", with: "set_range ba 10u")
    let package = laboratory.execute(script).first { $0.hasPrefix("P") }.map(Laboratory.package)
    #expect(package?[2].metadata.hasPrefix(",12") == true)
    #expect((package?[2].value ?? 0) > 200)
  }

  /// The host's `Y` spoils the point at hand: the loop ends without its body.
  @Test func aLoopThatTheHostEndsGivesNoPoint() {
    var laboratory = Laboratory(Self.cell)
    laboratory.send("e\n\(Self.script("10m 10m 10m 1i 1"))\n\n")
    _ = laboratory.run(until: 20)
    laboratory.send("Y\n")
    let lines = laboratory.run(until: 25)
    #expect(lines.first == "Y" && lines.contains("*") && !lines.contains { $0.hasPrefix("P") })
  }

  @Test func anAbortInTheMiddleOfAPointDisconnectsTheCell() {
    var laboratory = Laboratory(Self.cell)
    laboratory.send("e\n\(Self.script("10m 10m 10m 1i 1"))\n\n")
    _ = laboratory.run(until: 20)
    laboratory.send("Z\n")
    #expect(laboratory.run(until: 21) == ["Z", ""])
    let closed = laboratory.execute("var p\nmeas 100m p ab").contains { $0.hasPrefix("!") }
    #expect(!closed)
  }

  @Test(arguments: [
    ("10m 1k 100m 5i 1", "cell_off", "!4027"), ("10m 0 1 5i 1", "cell_on", "e!"), ("10m 300k 1 5i 1", "cell_on", "e!"),
    ("500m 1k 1 5i 1", "cell_on", "e!"), ("10m 1k 1 0i 1", "cell_on", "!"), ("10m 1k 1", "cell_on", "e!"),
    ("10m 1k 1 5i 1 eis_acdc(f r j t)", "cell_on", "e!"),
  ])
  func whatIsWrongIsRefused(arguments: String, cell: String, answer: String) {
    var laboratory = Laboratory(Self.cell)
    let lines = laboratory.execute(Self.script(arguments, cell: cell))
    #expect(lines.contains { $0.hasPrefix(answer) }, "\(lines)")
    #expect(!lines.contains { $0.hasPrefix("P") })
  }
}
