// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// How short a program can be: each step ends by the condition that can be met first, each block after as few passes as
// its conditions allow, and whatever goes on elsewhere goes there. A condition on something that the cell decides can
// hold at once, so only times, and charges at a current with a largest value, make a step last.

import CyclerModel
import Quantities

/// Walks a program once, with the earliest time at which each instruction can be reached.
struct ShortestCourse {
  private let program: Program
  /// Where conditions lead, with the earliest times, in microseconds.
  private var arrivals: [Int: Int128] = [:]
  private var over: Int128?

  /// The shortest duration of a program in microseconds, until it is done, or waits for a person.
  static func duration(of program: Program) -> Int128 {
    var course = ShortestCourse(program: program)
    course.end(at: course.walk(0..<program.instructions.count, from: 0))
    return course.over ?? 0
  }

  private init(program: Program) { self.program = program }

  /// The earliest time behind these instructions; nil when nothing comes there.
  private mutating func walk(_ instructions: Range<Int>, from start: Int128?) -> Int128? {
    var time = start
    var index = instructions.lowerBound
    while index < instructions.upperBound {
      time = Self.earlier(time, arrivals[index])
      switch program.instructions[index] {
      case .step(let step): if let begun = time { time = leave(program.steps[step], begunAt: begun) }
      case .beginLoop:
        let end = ProgramWalk.end(ofLoopAt: index, in: program)
        time = pass(index...end, from: time)
        index = end
      case .end: end(at: time)
      case .beginCycle, .endLoop: break
      }
      index += 1
    }
    return time
  }

  /// All passes of a block that are not to be avoided.
  private mutating func pass(_ block: ClosedRange<Int>, from start: Int128?) -> Int128? {
    // No condition leads into a block from outside, so nothing is reached in one that is not reached itself.
    guard let start, let once = walk(block.lowerBound + 1..<block.upperBound, from: start) else { return nil }
    let body = once - start
    var passes = ProgramWalk.passes(ofLoopAt: block.lowerBound, in: program)
    for condition in program.passConditions where condition.block.lowerBound == block.lowerBound {
      let least = condition.quantity == .testTime ? 1 : Int64(max(1, condition.cyclesInARow))
      if condition.target == .next {
        passes = min(passes, least)
      } else if least <= passes {
        go(to: condition.target, at: start + body * Int128(least))
      }
    }
    return start + body * Int128(passes)
  }

  /// The earliest end of a step that leads to what follows; the others are noted where they lead.
  private mutating func leave(_ step: ProgramStep, begunAt begun: Int128) -> Int128? {
    var next: Int128?
    for end in step.ends {
      let terms = end.also.map { step.joined[$0] }.map { Self.least($0.quantity, $0.comparison, $0.threshold, step) }
      // A share may be as small as the capacity turns out.
      let own = end.share == nil ? Self.least(end.quantity, end.comparison, end.threshold, step) : 0
      let time = begun + max(own, terms.max() ?? 0) + Int128(end.lasting.microseconds)
      if end.target == .next { next = Self.earlier(next, time) } else { go(to: end.target, at: time) }
    }
    return next
  }

  /// How long a step lasts before a comparison can hold, in microseconds.
  private static func least(
    _ quantity: EndCondition.Quantity, _ comparison: Comparison, _ threshold: Int64, _ step: ProgramStep
  ) -> Int128 {
    // Its one end is a bound for the case that it never comes.
    if case .impedance(let spectrum) = step.action { return Int128(spectrum.expectedTime.count) }
    // Not known earlier.
    if quantity == .voltageDrift { return 610_000_000 }
    guard comparison == .atLeast || comparison == .above else { return 0 }
    switch quantity {
    case .stepTime, .holdTime: return Int128(threshold)
    case .stepCharge:
      // nC over pA are 1e9 µs.
      guard let current = largest(step), current > .zero else { return 0 }
      return Int128(threshold) * 1_000_000_000 / Int128(current.picoamperes)
    case .voltage, .voltageDrift, .current, .halfCycleTime, .cycleTime, .testTime, .halfCycleCharge, .stepEnergy,
      .chargePerVolt, .cycleNumber, .temperature:
      return 0
    }
  }

  /// The most that flows in a step, where that is known.
  private static func largest(_ step: ProgramStep) -> Current? {
    switch step.action {
    case .constantCurrent(_, let current): current
    case .demand(let demand): demand.currentAtMost
    case .profile(let profile): profile.largestCurrent
    case .rest, .constantCurrentConstantVoltage, .hold, .sweep, .impedance: nil
    }
  }

  private mutating func go(to target: ConditionTarget, at time: Int128) {
    switch target {
    case .instruction(let index): arrivals[index] = Self.earlier(arrivals[index], time)
    case .next, .end, .hold: end(at: time)
    }
  }

  private mutating func end(at time: Int128?) { over = Self.earlier(over, time) }

  private static func earlier(_ one: Int128?, _ other: Int128?) -> Int128? {
    guard let one, let other else { return one ?? other }
    return min(one, other)
  }
}
