// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A constant power or a constant resistance: a galvanostat whose current the script works out anew from every sample.
// A new current needs a new measuring loop, which begins without touching the cell. So measuring loops end for three
// reasons here, and only one of them renews the lease: the host's `Y` does; a new current does not, and the loop behind
// it lasts for what is left of the lease; a loop that ran to its end leaves the step. A `Y` that comes while a sample is
// worked on may end the same loop as a new current and then renews nothing, so the script says when it was renewed.
//
// A changed current is measured 50 ms later, so that the reading before it and the one behind it lie close around the
// step and its charge is told well by a trapezoid; then the usual interval goes on, until the next change.
//
// The current never turns round and is never more than `current_at_most`, whatever the voltage: at 0 V and below a power
// asks for that, and a resistance for nothing. A sample without a value changes nothing. Nothing is divided by a voltage
// that is not above zero: an error would stop the script with the cell connected.
//
// The maker's own script for batteries gives `meas_loop_cp` variables for its current and its run time. That an
// instrument changes from one loop to the next without a glitch is unverified.

import CyclerModel
import InstrumentKit
import Quantities

extension StepScript {
  /// A new current is set when it differs from the present one by more than a thousandth: the bounds of that, times the
  /// present one.
  private static let band = (less: "999m", more: "1001m")

  /// When a new current is first measured, if the interval is longer.
  private static let soon = TimeSpan(milliseconds: 50)

  /// Set current `x`, the one that a sample asks for `y`, the bounds of what needs no change `k` and `l`, what the
  /// current is worked out from `w`, what is left of the lease `r`, the interval of the next loop `v`. Why the last loop
  /// ended `a`: 1 for a new current, 2 because it was one of a single sample, `n` being 1 in such a loop.
  mutating func writeDemand(_ demand: CurrentDemand, from first: Current) {
    let isCharge = demand.direction == .charge
    let start = Literal.script(isCharge ? first.picoamperes : -first.picoamperes, unitExponent: -12)
    for name in ["x", "y", "k", "l", "w", "r", "v", "a", "n"] { add("var \(name)") }
    add("store_var x \(start) ba", "store_var y \(start) ba", "store_var r 0 eb", "store_var a 0i jb")
    add("store_var v \(literal(interval)) eb", "store_var n 0i jb")
    writeConstant(of: demand, isCharge: isCharge)
    setUp(mode: 6, shortest: min(interval, Self.soon))
    add("set_range db \(rangeLiteral)", "set_i \(start)", "timer_start", "cell_on", "timer_get t")
    mark(Mark.closed)
    if interval > Self.earlySample {
      setBand(isCharge: isCharge)
      writeSamples("meas_loop_cp p i x \(literal(Self.earlySample)) 1", isDriven: true)
      judgeBounds()
      workOut(demand, isCharge: isCharge)
      add("copy_var y x", "breakloop", "endloop")
    }
    let margin = max(interval * 2, setpoint.lease / 20)
    if interval > Self.earlySample {
      // The lease begins here, and the current that the early sample asked for is measured soon.
      add("timer_get t", "copy_var t b", "add_var b \(literal(setpoint.lease - margin))")
      mark(Mark.leased)
      add("store_var a 1i jb")
    }
    add("loop c == \(Reason.none)i", "timer_get t", "if a == 0i")
    add("copy_var t b", "add_var b \(literal(setpoint.lease - margin))")
    mark(Mark.leased)
    add("endif", "store_var v \(literal(interval)) eb", "store_var n 0i jb")
    let isSoon = interval > Self.soon
    if isSoon { add("if a == 1i", "store_var v \(literal(Self.soon)) eb", "store_var n 1i jb", "endif") }
    add("store_var a 0i jb", "copy_var b r", "add_var r \(literal(margin))", "sub_var r t")
    setBand(isCharge: isCharge)
    writeSamples("meas_loop_cp p i x v r", isDriven: true)
    judgeBounds()
    judgeCutOffs(inHold: false)
    workOut(demand, isCharge: isCharge)
    for relation in ["y < k", "y > l"] {
      add("if \(relation)", "copy_var y x", "store_var a 1i jb", "breakloop", "endif")
    }
    if isSoon { add("if n == 1i", "store_var a 2i jb", "breakloop", "endif") }
    add("endloop")
    add("if c == \(Reason.none)i", "timer_get t", "if t >= b")
    add("store_var c \(Reason.leaseExpired)i jb", "endif", "endif")
    add("endloop")
  }

  private mutating func judgeBounds() {
    judgeCurrentBound()
    judgeVoltageBounds()
    judgeDuration()
  }

  /// `w`: the power with the sign of the current, or what the resistance makes of a volt.
  private mutating func writeConstant(of demand: CurrentDemand, isCharge: Bool) {
    switch demand.law {
    case .power(let power):
      add("store_var w \(Literal.script(isCharge ? power.count : -power.count, unitExponent: -12)) ba")
    case .resistance(let resistance):
      add("store_var w \(isCharge ? 1 : -1) ba", "div_var w \(Literal.script(resistance.count, unitExponent: -6))")
    }
  }

  /// `k` and `l`, the lower first.
  private mutating func setBand(isCharge: Bool) {
    let (lower, upper) = isCharge ? (Self.band.less, Self.band.more) : (Self.band.more, Self.band.less)
    add("copy_var x k", "mul_var k \(lower)", "copy_var x l", "mul_var l \(upper)")
  }

  /// `y`: what the last sample asks for, and no more than may flow.
  private mutating func workOut(_ demand: CurrentDemand, isCharge: Bool) {
    let most = demand.currentAtMost.picoamperes
    let limit = Literal.script(isCharge ? most : -most, unitExponent: -12)
    let atNothing: String
    add("if p > 0", "copy_var w y")
    switch demand.law {
    case .power:
      add("div_var y p")
      atNothing = limit
    case .resistance:
      add("mul_var y p")
      atNothing = "0"
    }
    add("endif", "if p <= 0", "store_var y \(atNothing) ba", "endif")
    add("if y \(isCharge ? ">" : "<") \(limit)", "store_var y \(limit) ba", "endif")
  }

  private func literal(_ span: TimeSpan) -> String { Literal.script(span.microseconds, unitExponent: -6) }
}
