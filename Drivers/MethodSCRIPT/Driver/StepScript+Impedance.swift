// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// An impedance spectrum, point by point. Over a point the instrument can judge nothing and the host's `Y` would spoil
// it; so each point is a measuring loop of its own that gives one point, and before each the voltage is held in a loop
// that only the host's `Y` ends in time: there the bounds are judged, and a host that is gone lets the lease run out. So
// the circuit stays closed without a host for one point and one lease. A point that a late `Y` has spoilt gives nothing
// and is measured again.
//
// The amplitude is the root mean square, as the maker's own programs call it; that `meas_loop_eis` takes it so, takes a
// variable for its frequencies and keeps the cell connected from one loop to the next is unverified on an instrument.

import CyclerModel
import InstrumentKit
import Quantities

extension StepScript {
  /// Frequency of the next point `g`, of the last one `f`, its impedance `x` and `y`, points that are done `n`.
  mutating func writeImpedance(_ impedance: Setpoint.Impedance) {
    let spectrum = impedance.spectrum
    let level = Literal.script(impedance.around.nanovolts, unitExponent: -9)
    let first = Literal.script(spectrum.from.microhertz, unitExponent: -6)
    for name in ["f", "g", "x", "y", "q", "w", "n"] { add("var \(name)") }
    add("store_var f 0 dc", "store_var g \(first) dc", "store_var x 0 cc", "store_var y 0 cd", "store_var n 0i ee")
    add("set_pgstat_mode 3")
    // Ten times the highest frequency is let through.
    let highest = max(spectrum.from, spectrum.to).microhertz
    add("set_max_bandwidth \(Literal.script(highest * 10, unitExponent: -6))", "set_range_minmax ab \(windowLiteral)")
    add("set_range_minmax da \(windowLiteral)", sweepRange, "set_e \(level)", "timer_start", "cell_on", "timer_get t")
    mark(Mark.closed)
    add("copy_var t h", "add_var h \(settleLiteral)")
    add("loop n < \(spectrum.points)i", "if c != \(Reason.none)i", "breakloop", "endif")
    writeLeave(at: level)
    add("if c == \(Reason.none)i")
    writePoint(spectrum, at: level)
    add("endif", "endloop")
    add("if c == \(Reason.none)i", "store_var c \(Reason.firstCutOff + Int64(impedance.ownEnd))i jb", "endif")
  }

  /// The voltage is held until the host gives its leave for the next point.
  private mutating func writeLeave(at level: String) {
    let margin = max(interval * 2, setpoint.lease / 20)
    let unrenewed = Literal.script((setpoint.lease - margin).microseconds, unitExponent: -6)
    add("timer_get b", "add_var b \(unrenewed)")
    writeSamples(
      "meas_loop_ca o i \(level) \(Literal.script(interval.microseconds, unitExponent: -6)) "
        + Literal.script(setpoint.lease.microseconds, unitExponent: -6) + Self.measuredPotential, isDriven: true)
    judgeCurrentBound()
    judgeVoltageBounds()
    judgeDuration()
    judgeCutOffs(inHold: false)
    add("endloop")
    add("if c == \(Reason.none)i", "timer_get t", "if t >= b")
    add("store_var c \(Reason.leaseExpired)i jb", "endif", "endif")
  }

  /// One point; what is sent, counted and judged of it stands in the loop's body, which a spoilt point does not reach.
  private mutating func writePoint(_ spectrum: ImpedanceSpectrum, at level: String) {
    let amplitude = Literal.script(spectrum.amplitude.nanovolts, unitExponent: -9)
    add("meas_loop_eis f x y \(amplitude) g g 1i \(level)", "timer_get t", "store_var s \(Mark.point)i ja")
    add("pck_start", "pck_add s", "pck_add t", "pck_add f", "pck_add x", "pck_add y", "pck_end")
    // The peak of the current is that of the voltage over the impedance: it was too large when the impedance times the
    // bound is less than the voltage. In squares, since the language has no root: (x k)² + (y k)² < 1.
    let picosiemens = Double(setpoint.bounds.currentMagnitude.picoamperes) / Double(spectrum.peak.nanovolts) * 1e9
    let k = Literal.script(Int64(picosiemens.rounded()), unitExponent: -12)
    add("copy_var x q", "mul_var q \(k)", "mul_var q q", "copy_var y w", "mul_var w \(k)", "mul_var w w")
    add("add_var q w", "if q < 1", "store_var c \(Reason.current)i jb", "endif")
    let ratio = Literal.script(Int64((spectrum.ratio * 1e12).rounded()), unitExponent: -12)
    // The last frequency is named itself: a product of rounded ratios may lie beyond what the instrument reaches, and the
    // error of a script that runs leaves the cell connected.
    let last = Literal.script(spectrum.to.microhertz, unitExponent: -6)
    add(
      "add_var n 1i", "mul_var g \(ratio)", "if n == \(spectrum.points - 1)i", "store_var g \(last) dc", "endif",
      "endloop")
  }
}
