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

  /// The time after which the program is over at the latest, without pauses and interruptions; in microseconds.
  static func longestDuration(of program: Program) -> Int128 {
    var sums: [Int128] = [0]
    for instruction in program.instructions {
      switch instruction {
      case .step(let index): sums[sums.count - 1] += Int128(bound(of: program.steps[index]).count)
      case .beginLoop: sums.append(0)
      case .endLoop(_, let passes, _):
        let body = sums.removeLast()
        sums[sums.count - 1] += body * Int128(passes)
      case .beginCycle, .end: continue
      }
    }
    return sums[0]
  }

  /// The longest that one execution of a step lasts.
  private static func bound(of step: ProgramStep) -> TimeSpan {
    let times = step.ends.filter(\.isPlain).filter { end in
      switch end.quantity {
      case .stepTime: !end.onlyInHold
      case .holdTime: step.kind == .constantVoltage
      case .voltage, .current, .halfCycleTime, .cycleTime, .testTime, .stepCharge, .halfCycleCharge, .stepEnergy: false
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
}
