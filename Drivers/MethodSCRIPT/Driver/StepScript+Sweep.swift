// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A sweep of the voltage, leg by leg. The lease is a piece of the way: each measuring loop sweeps no further than the
// lease lasts, and a `Y` of the host before its end begins the next piece where the leg's own clock has come to, so the
// rate is kept however often the lease is renewed. A piece that was swept to its end without a `Y`, before the leg is
// done, ends the step. A leg that is done needs none, so a cyclic sweep may go on alone for two leases, as a hold after
// its constant current may.
//
// That `meas_loop_lsv` takes variables for its begin and end is unverified on an instrument.

import CyclerModel
import InstrumentKit
import Quantities

extension StepScript {
  /// Position `e`, end of the piece `f`, begin of the leg `l`.
  mutating func writeSweep(_ sweep: Setpoint.Sweep) {
    let start = Literal.script(sweep.from.nanovolts, unitExponent: -9)
    for name in ["e", "f", "l"] { add("var \(name)") }
    add("store_var e \(start) da", "store_var f \(start) da", "store_var l 0 eb")
    setUp(mode: 3)
    add("set_range_minmax da \(windowLiteral)", sweepRange, "set_e \(start)", "timer_start", "cell_on", "timer_get t")
    mark(Mark.closed)
    add("copy_var t h", "add_var h \(settleLiteral)")
    writeEarlySample(at: start)
    var from = sweep.from
    for target in sweep.to where target != from {
      writeLeg(from: from, to: target, sweep.rate)
      from = target
    }
    add("if c == \(Reason.none)i", "store_var c \(Reason.firstCutOff + Int64(sweep.ownEnd))i jb", "endif")
  }

  /// Where samples are far apart the bounds do not wait for the first of them; the leg's clock begins behind it.
  private mutating func writeEarlySample(at start: String) {
    guard interval > Self.earlySample else { return }
    writeSamples(
      "meas_loop_ca o i \(start) \(Literal.script(Self.earlySample.microseconds, unitExponent: -6)) 1"
        + Self.measuredPotential, isDriven: true)
    judgeCurrentBound()
    judgeVoltageBounds()
    judgeDuration()
    add("breakloop", "endloop")
  }

  private mutating func writeLeg(from: Voltage, to: Voltage, _ rate: VoltageRate) {
    let isUp = to > from
    let (target, start) = (
      Literal.script(to.nanovolts, unitExponent: -9), Literal.script(from.nanovolts, unitExponent: -9)
    )
    // nV/h over 3.6 are pV/s.
    let perSecond = Int64(clamping: (Int128(rate.count) * 10 + 18) / 36)
    let slope = Literal.script(isUp ? perSecond : -perSecond, unitExponent: -12)
    // pV/s times µs are 1e-6 pV.
    let step = max(1, Int64(clamping: Int128(perSecond) * Int128(interval.microseconds) / 1_000_000))
    let piece = Int64(clamping: Int128(perSecond) * Int128(setpoint.lease.microseconds) / 1_000_000)
    let margin = max(interval * 2, setpoint.lease / 20)
    let unrenewed = Literal.script((setpoint.lease - margin).microseconds, unitExponent: -6)
    let before = isUp ? "<" : ">"
    add("timer_get l", "store_var e \(start) da", "loop e \(before) \(target)")
    add("if c != \(Reason.none)i", "breakloop", "endif")
    add("copy_var e f", "add_var f \(Literal.script(isUp ? piece : -piece, unitExponent: -12))")
    add("if f \(isUp ? ">" : "<") \(target)", "store_var f \(target) da", "endif")
    add("timer_get b", "add_var b \(unrenewed)")
    writeSamples(
      "meas_loop_lsv o i e f \(Literal.script(step, unitExponent: -12)) "
        + Literal.script(perSecond, unitExponent: -12) + Self.measuredPotential, isDriven: true)
    judgeCurrentBound()
    judgeVoltageBounds()
    judgeDuration()
    judgeCutOffs(inHold: false)
    add("endloop")
    // Where the leg's clock has come to.
    add("timer_get t", "copy_var t e", "sub_var e l", "mul_var e \(slope)", "add_var e \(start)")
    add("if c == \(Reason.none)i", "if e \(before) \(target)", "if t >= b")
    add("store_var c \(Reason.leaseExpired)i jb", "endif", "endif", "endif")
    add("endloop")
  }

  /// The current of a sweep or a spectrum may span everything from the smallest range to the one that holds its bound.
  var sweepRange: String {
    let widest = range(for: setpoint.bounds.currentMagnitude)
    guard let smallest = capabilities.currentRanges.first, smallest < widest else {
      return "set_range ba \(Literal.script(widest.picoamperes, unitExponent: -12))"
    }
    return "set_autoranging ba \(Literal.script(smallest.picoamperes, unitExponent: -12)) "
      + Literal.script(widest.picoamperes, unitExponent: -12)
  }
}
