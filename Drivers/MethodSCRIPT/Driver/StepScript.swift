// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Writes the one script of one step (hazard rules 10, 11 and 12). The shape is always the same: an outer loop around a
// measuring loop whose run time is the lease. The host ends the measuring loop with `Y` before the lease is over, and
// the outer loop begins it anew without touching the cell; a measuring loop that ran out ends the step. Bounds and
// cut-offs are judged on every sample. Whatever ends the script, `on_finished:` takes the time, disconnects the cell
// and says which step it was; only a runtime error passes it by.

import CyclerModel
import InstrumentKit
import Quantities

/// The text of one script and what the driver needs to know of it.
struct StepScript: Sendable, Hashable {
  /// The lines between `e` and the empty line.
  private(set) var lines: [String] = []
  /// The time between samples: as asked, or a sixth of the lease when that is shorter.
  let interval: TimeSpan

  /// From `e` to the empty line that starts it.
  var text: String { "e\n" + lines.joined(separator: "\n") + "\n\n" }

  let setpoint: Setpoint
  let capabilities: InstrumentCapabilities

  /// The longest line that the instrument takes, without its end.
  static let maximumLineLength = 127
  /// What a potentiostat's loop is told besides: its own output is the potential that is applied, and the cell's voltage is the
  /// one that is measured. Both are sent.
  static let measuredPotential = " add_meas(0 ab p)"
  /// Measures the current of a cell that was disconnected, and sends it. It stands behind everything else, so that nothing is
  /// lost should an instrument not measure it.
  static let proof = [
    "meas 100m m ba", "store_var s \(Mark.proof)i ja", "pck_start", "pck_add s", "pck_add m", "pck_end",
  ]
  /// When the first sample of a driven phase is taken, if the interval is longer.
  static let earlySample = TimeSpan(milliseconds: 100)

  /// Writes the script of a set-point that `SetpointCheck` found possible.
  init(_ setpoint: Setpoint, capabilities: InstrumentCapabilities) {
    self.setpoint = setpoint
    self.capabilities = capabilities
    interval = min(setpoint.readingInterval, setpoint.lease / 6)
    declare()
    switch setpoint.mode {
    case .openCircuit:
      writeRest()
    case .constantCurrent(let current):
      writeConstantCurrent(current, thenHold: nil)
    case .constantCurrentThenVoltage(let current, let voltage):
      writeConstantCurrent(current, thenHold: voltage)
      add("if c == \(Reason.holding)i", "timer_get t", "cell_off")
      mark(Mark.opened)
      writeHold(voltage, base: Reason.holding)
      add("endif")
    case .constantVoltage(let voltage):
      writeHold(voltage, base: Reason.none)
    case .demand(let demand, let first):
      writeDemand(demand, from: first)
    case .sweep(let sweep):
      writeSweep(sweep)
    case .profile(let profile, let ownEnd):
      writeProfile(profile, ownEnd: ownEnd)
    case .impedance(let impedance):
      writeImpedance(impedance)
    }
    finish()
  }

  // MARK: Frame

  private mutating func declare() {
    let applied = setsVoltage ? ["o"] : []
    for name in ["c", "s", "t", "u", "b", "h", "p", "i", "m"] + applied + holdTimes.map({ holdTimeName($0.offset) }) {
      add("var \(name)")
    }
    // u is -1 until there is a sample.
    add("store_var c 0i jb", "store_var s 0i ja", "store_var t 0 eb", "store_var u -1 eb")
    add("store_var p 0 ab", "store_var i 0 ba", "store_var h \(settleLiteral) eb")
    // A mode may only be changed while the cell is off, and nobody knows what went before.
    add("cell_off", "set_pgstat_chan 0")
  }

  private mutating func finish() {
    let token = setpoint.token
    let kind = setpoint.mode == .openCircuit ? Signature.rest : Signature.driven
    add("on_finished:", "timer_get t", "cell_off")
    add("send_string \"\(Signature.word) \(token.run) \(token.stepCount) \(kind)\"")
    add("store_var s \(Mark.final)i ja", "pck_start")
    for name in ["s", "c", "t", "u", "p", "i"] { add("pck_add \(name)") }
    add("pck_end")
    lines += Self.proof
  }

  /// Sends a mark of the moment in `t`.
  mutating func mark(_ kind: Int64) {
    add("store_var s \(kind)i ja", "pck_start", "pck_add s", "pck_add t", "pck_end")
  }

  mutating func add(_ new: String...) { lines.append(contentsOf: new) }

  // MARK: Modes

  private mutating func writeRest() {
    setUp(mode: 3)
    // That no current flows is shown in the range that the maker's own programs take at open circuit.
    let range = range(for: Current(picoamperes: 1_000_000))
    add("set_range ba \(Literal.script(range.picoamperes, unitExponent: -12))", "timer_start")
    writeLoops(
      "meas_loop_ocp p", base: Reason.none, isDriven: false, inHold: false, bounds: { $0.judgeDuration() })
  }

  private mutating func writeConstantCurrent(_ current: Current, thenHold voltage: Voltage?) {
    let level = Literal.script(current.picoamperes, unitExponent: -12)
    setUp(mode: 6)
    add("set_range db \(rangeLiteral)", "set_i \(level)", "timer_start", "cell_on", "timer_get t")
    mark(Mark.closed)
    writeLoops("meas_loop_cp p i \(level)", base: Reason.none, isDriven: true, inHold: false) { script in
      script.judgeCurrentBound()
      script.judgeVoltageBounds()
      script.judgeDuration()
    } cutOffs: { script in
      if let voltage { script.judgeArrival(at: voltage, with: current) }
    }
  }

  private mutating func writeHold(_ voltage: Voltage, base: Int64) {
    let level = Literal.script(voltage.nanovolts, unitExponent: -9)
    setUp(mode: 3)
    add("set_range_minmax da \(windowLiteral)", holdRange, "set_e \(level)")
    if base == Reason.none { add("timer_start") }
    add("cell_on", "timer_get t")
    mark(Mark.closedForHold)
    add("copy_var t h", "add_var h \(settleLiteral)")
    for (index, cutOff) in holdTimes {
      let threshold = Literal.script(cutOff.threshold, unitExponent: -6)
      add("copy_var t \(holdTimeName(index))", "add_var \(holdTimeName(index)) \(threshold)")
    }
    writeLoops(
      "meas_loop_ca o i \(level)", besides: Self.measuredPotential, base: base, isDriven: true, inHold: true
    ) { script in
      script.judgeCurrentBound()
      script.judgeVoltageBounds()
      script.judgeDuration()
    }
  }

  mutating func setUp(mode: Int, shortest: TimeSpan = Self.earlySample) {
    add("set_pgstat_mode \(mode)")
    // The maker's rule: 5.850535 Hz over the shortest time between samples in seconds.
    let milliHertz = 5_850_535_000 / min(interval, shortest).microseconds
    add("set_max_bandwidth \(milliHertz)m", "set_range_minmax ab \(windowLiteral)")
  }

  /// The lease: an outer loop around a measuring loop that the host must end in time.
  ///
  /// In front of it a single early sample, when samples are far apart: bounds must not wait for the first interval,
  /// and the current at the begin of a hold, when it changes fastest, is not left to guessing. Cut-offs are left out
  /// there; it is the one reading that hazard rule 10 lets pass.
  private mutating func writeLoops(
    _ measure: String, besides: String = "", base: Int64, isDriven: Bool, inHold: Bool,
    bounds: (inout StepScript) -> Void, cutOffs: (inout StepScript) -> Void = { _ in }
  ) {
    let lease = Literal.script(setpoint.lease.microseconds, unitExponent: -6)
    if isDriven, interval > Self.earlySample {
      let early = Literal.script(Self.earlySample.microseconds, unitExponent: -6)
      writeSamples("\(measure) \(early) 1\(besides)", isDriven: true)
      bounds(&self)
      add("breakloop", "endloop")
    }
    // A loop that ran out ends at most an interval before its run time; a renewal comes much earlier than that.
    let margin = max(interval * 2, setpoint.lease / 20)
    let unrenewed = Literal.script((setpoint.lease - margin).microseconds, unitExponent: -6)
    add("loop c == \(base)i", "timer_get b", "add_var b \(unrenewed)")
    writeSamples(
      "\(measure) \(Literal.script(interval.microseconds, unitExponent: -6)) \(lease)\(besides)", isDriven: isDriven)
    bounds(&self)
    cutOffs(&self)
    judgeCutOffs(inHold: inHold)
    add("endloop")
    add("if c == \(base)i", "timer_get t", "if t >= b", "store_var c \(Reason.leaseExpired)i jb", "endif", "endif")
    add("endloop")
  }

  /// The head of a measuring loop: what is sent of every sample.
  mutating func writeSamples(_ loop: String, isDriven: Bool) {
    add(loop, "timer_get u", "pck_start", "pck_add u", "pck_add p")
    if isDriven { add("pck_add i") }
    if loop.hasSuffix(Self.measuredPotential) { add("pck_add o") }
    add("pck_end")
  }

  // MARK: Judgements on every sample

  /// Leaves the measuring loop with a reason when all conditions hold; the language has no `and`.
  mutating func leave(_ reason: Int64, when conditions: [String]) {
    for condition in conditions { add("if \(condition)") }
    add("store_var c \(reason)i jb", "breakloop")
    for _ in conditions { add("endif") }
  }

  mutating func judgeCurrentBound() {
    let limit = setpoint.bounds.currentMagnitude.picoamperes
    leave(Reason.current, when: ["i > \(Literal.script(limit, unitExponent: -12))"])
    leave(Reason.current, when: ["i < \(Literal.script(-limit, unitExponent: -12))"])
  }

  mutating func judgeVoltageBounds() {
    let bounds = setpoint.bounds
    let upper = Literal.script(bounds.upperVoltage.nanovolts, unitExponent: -9)
    let lower = Literal.script(bounds.lowerVoltage.nanovolts, unitExponent: -9)
    leave(Reason.upperVoltage, when: ["p > \(upper)", "i > 0"])
    leave(Reason.lowerVoltage, when: ["p < \(lower)", "i < 0"])
  }

  mutating func judgeDuration() {
    leave(
      Reason.duration, when: ["u >= \(Literal.script(setpoint.bounds.duration.microseconds, unitExponent: -6))"])
  }

  /// The constant current has brought the cell to the voltage that is to be held. Like a cut-off it waits until the
  /// first iR has settled, but no longer than usual: past its target the current must not go on for a long `settle`.
  private mutating func judgeArrival(at voltage: Voltage, with current: Current) {
    let relation = current > .zero ? ">=" : "<="
    let settle = Literal.script(min(setpoint.settle, Setpoint.usualSettle).microseconds, unitExponent: -6)
    leave(
      Reason.holding,
      when: ["u >= \(settle)", "p \(relation) \(Literal.script(voltage.nanovolts, unitExponent: -9))"])
  }

  mutating func judgeCutOffs(inHold: Bool) {
    let isRest = setpoint.mode == .openCircuit
    let judged = setpoint.cutOffs.enumerated().filter { _, cutOff in
      switch cutOff.quantity {
      case .voltage, .time: inHold || !cutOff.onlyInHold
      case .currentMagnitude: !isRest && (inHold || !cutOff.onlyInHold)
      case .holdTime: inHold
      }
    }
    if judged.isEmpty { return }
    add("if u >= h")
    for (index, cutOff) in judged {
      for conditions in conditions(of: cutOff, index: index) {
        leave(Reason.firstCutOff + Int64(index), when: conditions)
      }
    }
    add("endif")
  }

  /// The conditions that mean the cut-off: any of the outer list, all of an inner one.
  private func conditions(of cutOff: CutOff, index: Int) -> [[String]] {
    let relation = cutOff.comparison.rawValue
    switch cutOff.quantity {
    case .voltage:
      return [["p \(relation) \(Literal.script(cutOff.threshold, unitExponent: -9))"]]
    case .time:
      return [["u \(relation) \(Literal.script(cutOff.threshold, unitExponent: -6))"]]
    case .holdTime:
      return [["u \(relation) \(holdTimeName(index))"]]
    case .currentMagnitude:
      let positive = Literal.script(cutOff.threshold, unitExponent: -12)
      let negative = Literal.script(-cutOff.threshold, unitExponent: -12)
      switch cutOff.comparison {
      case .atMost: return [["i <= \(positive)", "i >= \(negative)"]]
      case .below: return [["i < \(positive)", "i > \(negative)"]]
      case .atLeast: return [["i >= \(positive)"], ["i <= \(negative)"]]
      case .above: return [["i > \(positive)"], ["i < \(negative)"]]
      }
    }
  }

  // MARK: Parts

  /// Whether the voltage is set, so that a loop's own output is what is applied.
  var setsVoltage: Bool {
    switch setpoint.mode {
    case .openCircuit, .constantCurrent, .demand, .profile: false
    case .constantCurrentThenVoltage, .constantVoltage, .sweep, .impedance: true
    }
  }

  /// Cut-offs are first judged so long after the circuit was closed (hazard rule 10); bounds at once.
  var settleLiteral: String { Literal.script(setpoint.settle.microseconds, unitExponent: -6) }

  /// Hold-time cut-offs of a step that holds, with their places in the set-point's list.
  private var holdTimes: [(offset: Int, element: CutOff)] {
    switch setpoint.mode {
    case .openCircuit, .constantCurrent, .demand, .sweep, .profile, .impedance: []
    case .constantCurrentThenVoltage, .constantVoltage:
      setpoint.cutOffs.enumerated().filter { $0.element.quantity == .holdTime }
    }
  }

  /// The variable with the moment at which a hold-time cut-off is met: `ga`, `gb` and so on.
  private func holdTimeName(_ index: Int) -> String {
    "g" + String(UnicodeScalar(UInt8(ascii: "a") + UInt8(index)))
  }

  /// The smallest range that holds the set-point's range current; the same for both directions (hazard rule 14). A
  /// model's largest current may lie above its top range.
  var rangeLiteral: String { Literal.script(range(for: setpoint.rangeCurrent).picoamperes, unitExponent: -12) }

  func range(for current: Current) -> Current {
    let ranges = capabilities.currentRanges
    return ranges.first { $0 >= current.magnitude } ?? ranges.last ?? capabilities.maximumCurrent
  }

  /// A hold begins with a jump: the applied and the measured voltage differ by the errors of both converters, and the
  /// cell's resistance turns a millivolt into more than its constant current. The range may follow it up to what the
  /// bound allows, and never goes below the cycle's (hazard rule 14 lets holds range).
  var holdRange: String {
    let widest = range(for: setpoint.bounds.currentMagnitude)
    guard widest > range(for: setpoint.rangeCurrent) else { return "set_range ba \(rangeLiteral)" }
    return "set_autoranging ba \(rangeLiteral) \(Literal.script(widest.picoamperes, unitExponent: -12))"
  }

  /// Lower and upper voltage that the instrument must be able to measure: the bounds, zero, and 1 V of room above and
  /// 0.5 V below, because a fresh cell may stand outside its limits (hazard rule 1); never more than the model has.
  var windowLiteral: String {
    let bounds = setpoint.bounds
    let lower = max(min(bounds.lowerVoltage, .zero) - Voltage(millivolts: 500), capabilities.voltage.from)
    let upper = min(max(bounds.upperVoltage, .zero) + Voltage(millivolts: 1_000), capabilities.voltage.to)
    return Literal.script(lower.nanovolts, unitExponent: -9) + " " + Literal.script(upper.nanovolts, unitExponent: -9)
  }
}
