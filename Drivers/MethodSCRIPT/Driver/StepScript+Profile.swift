// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A table of currents: a galvanostat that goes from row to row by the step's own clock, so that no delay adds up. A row
// begins with a single sample, soon behind the change; then the usual interval goes on, and what is left when it no longer
// fits is an interval of its own, so that the last sample lies at the row's end. So each change stands between two near
// readings, and a trapezoid tells its charge well.
//
// A measuring loop is left at the row's end or by the host's `Y`, which renews the lease; one that runs to its end ends
// the step. A `Y` that comes just as a row ends renews nothing, so the script says when it was renewed, as it does for a
// power.
//
// The next row is looked up while the present one flows, by comparisons in groups of ten, so that the change from one to
// the other is the same few instructions each time: what it adds to a row it takes from the next. That an instrument's script memory holds a hundred rows is
// unverified.

import CyclerModel
import InstrumentKit
import Quantities

extension StepScript {
  /// When a new current is first measured.
  private static let soon = TimeSpan(milliseconds: 50)
  /// A row is over so long before its end: no loop could be run in what is left.
  private static let rest = TimeSpan(milliseconds: 20)
  private static let group = 10

  /// Current `x` and the next `z`; end of the row on the step's clock `d` and of the next `e`; row `n`; what comes next `a`: 0 more of the row, 1 the next row,
  /// 2 a renewed lease, 3 what is left of the row. Interval `v` and run time `r` of the next loop, what is left of the row
  /// `y`.
  mutating func writeProfile(_ profile: CurrentProfile, ownEnd: Int) {
    let first = Literal.script(profile.rows.first?.current.picoamperes ?? 0, unitExponent: -12)
    let margin = max(interval * 2, setpoint.lease / 20)
    let end = literal(profile.rows.first?.duration ?? .zero)
    for name in ["x", "z", "d", "e", "v", "r", "y", "n", "a"] { add("var \(name)") }
    add("store_var x \(first) ba", "store_var z \(first) ba", "store_var d 0 eb", "store_var e \(end) eb")
    add("store_var n -1i jb", "store_var a 1i jb")
    add("store_var v \(literal(interval)) eb", "store_var r 0 eb", "store_var y 0 eb")
    setUp(mode: 6, shortest: min(interval, Self.soon))
    add("set_range db \(rangeLiteral)", "set_i \(first)", "timer_start", "cell_on", "timer_get t")
    mark(Mark.closed)
    renew(margin)
    add("loop c == \(Reason.none)i", "if a == 2i")
    renew(margin)
    add("store_var a 0i jb", "endif")
    writeNextRow(of: profile, ownEnd: ownEnd)
    writeRest(margin)
    add("endloop")
  }

  private mutating func renew(_ margin: TimeSpan) {
    add("timer_get t", "copy_var t b", "add_var b \(literal(setpoint.lease - margin))")
    mark(Mark.leased)
  }

  /// Goes over to the row that was looked up and measures it once, or ends the step behind the last. Then the row behind
  /// it is looked up, while this one flows.
  private mutating func writeNextRow(of profile: CurrentProfile, ownEnd: Int) {
    add("if a == 1i", "add_var n 1i", "copy_var z x", "copy_var e d", "store_var a 0i jb")
    add("if n == \(profile.rows.count)i", "store_var c \(Reason.firstCutOff + Int64(ownEnd))i jb", "breakloop", "endif")
    writeSamples("meas_loop_cp p i x \(literal(Self.soon)) 1", isDriven: true)
    judgeBounds()
    add("breakloop", "endloop")
    lookUp(profile)
    add("endif")
  }

  /// `z` and `e`: current and end of the row behind row `n`.
  private mutating func lookUp(_ profile: CurrentProfile) {
    var ends: [TimeSpan] = []
    for row in profile.rows { ends.append((ends.last ?? .zero) + row.duration) }
    for first in stride(from: 0, to: profile.rows.count - 1, by: Self.group) {
      let last = min(first + Self.group, profile.rows.count - 1)
      add("if n < \(last)i", "if n >= \(first)i")
      for index in first..<last {
        add("if n == \(index)i", "store_var z \(current(of: profile.rows[index + 1])) ba")
        add("store_var e \(literal(ends[index + 1])) eb", "endif")
      }
      add("endif", "endif")
    }
  }

  private func current(of row: CurrentProfile.Row) -> String {
    Literal.script(row.current.picoamperes, unitExponent: -12)
  }

  /// Measures to the end of the row. Only the lease ends the loop by its run time.
  private mutating func writeRest(_ margin: TimeSpan) {
    add("if c == \(Reason.none)i", "timer_get t", "copy_var d y", "sub_var y t")
    add("copy_var b r", "add_var r \(literal(margin))", "sub_var r t")
    add("store_var v \(literal(interval)) eb", "if y < v", "copy_var y v", "endif")
    add("if y > \(literal(Self.rest))", "if r > \(literal(Self.rest))")
    writeSamples("meas_loop_cp p i x v r", isDriven: true)
    judgeBounds()
    judgeCutOffs(inHold: false)
    add("copy_var d y", "sub_var y u", "if y < v", "store_var a 3i jb", "breakloop", "endif")
    add("endloop", "endif", "endif", "endif")
    // Why it ended.
    add("if c == \(Reason.none)i", "timer_get t", "copy_var d y", "sub_var y \(literal(Self.rest))")
    add("if a == 0i", "store_var a 2i jb", "endif", "if a == 3i", "store_var a 0i jb", "endif")
    add("if t >= y", "store_var a 1i jb", "endif")
    add("if a == 2i", "if t >= b", "store_var c \(Reason.leaseExpired)i jb", "endif", "endif", "endif")
  }

  private mutating func judgeBounds() {
    judgeCurrentBound()
    judgeVoltageBounds()
    judgeDuration()
  }

  private func literal(_ span: TimeSpan) -> String { Literal.script(span.microseconds, unitExponent: -6) }
}
