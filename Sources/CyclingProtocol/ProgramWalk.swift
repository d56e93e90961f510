// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import Quantities

/// What can be said of a program without running it.
enum ProgramWalk {
  /// The instruction that ends the loop that begins at `begin`.
  static func end(ofLoopAt begin: Int, in program: Program) -> Int {
    var depth = 0
    for index in begin..<program.instructions.count {
      switch program.instructions[index] {
      case .beginLoop: depth += 1
      case .endLoop:
        depth -= 1
        if depth == 0 { return index }
      case .step, .beginCycle, .end: continue
      }
    }
    return program.instructions.count - 1
  }

  /// How often the loop that begins at `begin` is passed.
  static func passes(ofLoopAt begin: Int, in program: Program) -> Int64 {
    if case .endLoop(_, let passes, _) = program.instructions[end(ofLoopAt: begin, in: program)] { return passes }
    return 1
  }

  /// What a program comes to at the most, without pauses and interruptions.
  struct Extent {
    /// In microseconds.
    var duration: Int128 = 0
    /// Those that the clock makes, with the first and the last of each step; changes of voltage, current or charge make
    /// more.
    var records: Int128 = 0
    /// In both directions together, in nanocoulombs.
    var charge: Int128 = 0

    static func += (sum: inout Extent, part: Extent) {
      sum.duration += part.duration
      sum.records += part.records
      sum.charge += part.charge
    }

    func times(_ passes: Int64) -> Extent {
      Extent(duration: duration * Int128(passes), records: records * Int128(passes), charge: charge * Int128(passes))
    }
  }

  /// What a program comes to when each step lasts as long as it can.
  static func extent(of program: Program) -> Extent {
    var sums = [Extent()]
    for instruction in program.instructions {
      switch instruction {
      case .step(let index): sums[sums.count - 1] += extent(of: program.steps[index], in: program)
      case .beginLoop: sums.append(Extent())
      case .endLoop(_, let passes, _):
        let body = sums.removeLast()
        sums[sums.count - 1] += body.times(passes)
      case .beginCycle, .end: continue
      }
    }
    return sums[0]
  }

  private static func extent(of step: ProgramStep, in program: Program) -> Extent {
    let duration = bound(of: step)
    var extent = Extent(duration: Int128(duration.count), records: 2)
    var from = TimeSpan.zero
    for segment in step.record.isEmpty ? [RecordSegment(rule: program.record, until: nil)] : step.record {
      let to = min(segment.until ?? duration, duration)
      if to > from, segment.rule.every > .zero {
        extent.records += Int128((to - from).count / segment.rule.every.count)
        from = to
      }
    }
    let most = Int128(program.limits.halfCycleCharge.count)
    let current: Current? =
      switch step.action {
      case .rest: .zero
      case .constantCurrent(_, let current): current
      case .demand(let demand): demand.currentAtMost
      case .constantCurrentConstantVoltage, .hold, .sweep, .profile, .impedance: nil
      }
    // pA times µs are 1e-9 nC.
    extent.charge =
      current.map { min(most, Int128($0.magnitude.count) * Int128(duration.count) / 1_000_000_000) } ?? most
    if case .profile(let profile) = step.action { extent.charge = Int128(profile.charges.moved.count) }
    for end in step.ends where end.isPlain && (end.quantity == .stepCharge || end.quantity == .halfCycleCharge) {
      extent.charge = min(extent.charge, Int128(end.threshold))
    }
    return extent
  }

  /// The longest that one execution of a step lasts.
  private static func bound(of step: ProgramStep) -> TimeSpan {
    if case .impedance(let spectrum) = step.action { return spectrum.longestTime }
    let times = step.ends.filter(\.isPlain).filter { end in
      switch end.quantity {
      case .stepTime: !end.onlyInHold
      case .holdTime: step.kind == .constantVoltage
      case .voltage, .voltageDrift, .current, .halfCycleTime, .cycleTime, .testTime, .stepCharge, .halfCycleCharge,
        .stepEnergy, .chargePerVolt, .cycleNumber, .temperature:
        false
      }
    }
    return TimeSpan(count: times.map(\.threshold).min() ?? 0)
  }

  /// A long time in words, to two units: `20 d 3 h`.
  static func roughly(_ microseconds: Int128) -> String {
    let minutes = (microseconds + 59_999_999) / 60_000_000
    let parts = [(minutes / 1_440, "d"), (minutes / 60 % 24, "h"), (minutes % 60, "min")].drop { $0.0 == 0 }
    let words = parts.prefix(2).filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
    return words.isEmpty ? "0 min" : words.joined(separator: " ")
  }

  /// A number of bytes in words, to two digits: `1.3 MB`.
  static func roughly(bytes: Int128) -> String {
    let units: [(size: Int128, name: String)] = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")]
    let unit = units.first { bytes >= $0.size } ?? (1_000, "kB")
    let tenths = (bytes * 10 + unit.size - 1) / unit.size
    return tenths < 100 ? "\(tenths / 10).\(tenths % 10) \(unit.name)" : "\(tenths / 10) \(unit.name)"
  }
}
