// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Blocks become a tree of passes, in which each closed step learns its place in its half-cycle. A step's place is a
// fixed property, so a `repeat` that holds the first or last step of a half-cycle is unrolled by one pass at that end:
// `repeat 10 {discharge, rest}` becomes one pass that opens the half-cycle, eight in a loop, one that closes it.

import CyclerModel
import Quantities

/// A step or a loop of a compiled protocol.
indirect enum PassNode {
  case step(ProgramStep)
  case loop(PassLoop)
  /// What follows has this label, at which a step's or a block's end may go on.
  case label(String)
  /// The step before it goes on at a label when its condition with that index ends it.
  case jump(end: Int, label: String)

  /// How many cycles it counts at most.
  var cycleCount: Int64 {
    switch self {
    case .step, .label, .jump: 0
    case .loop(let loop): loop.passes * (loop.isCycles ? 1 : loop.body.reduce(0) { $0 + $1.cycleCount })
    }
  }

  /// The largest current in it.
  private var largestCurrent: Current {
    switch self {
    // Sweeps, profiles and spectra have nothing to do with the range of their block.
    case .step(let step): step.hasOwnRange ? .zero : step.rangeCurrent
    case .loop(let loop): loop.body.map(\.largestCurrent).max() ?? .zero
    case .label, .jump: .zero
    }
  }

  /// Lets all steps of an outermost block share one range (hazard rule 14).
  mutating func shareRange() { setRange(largestCurrent) }

  private mutating func setRange(_ current: Current) {
    switch self {
    case .step(var step):
      if step.hasOwnRange { return }
      step.rangeCurrent = current
      self = .step(step)
    case .loop(var loop):
      for index in loop.body.indices { loop.body[index].setRange(current) }
      self = .loop(loop)
    case .label, .jump: break
    }
  }

  /// Whether a step of a half-cycle in that direction is in it.
  func moves(_ direction: Direction) -> Bool {
    switch self {
    case .step(let step): step.halfCycle != nil && step.direction == direction
    case .loop(let loop): loop.body.contains { $0.moves(direction) }
    case .label, .jump: false
    }
  }
}

extension ProgramStep {
  /// Whether its range has nothing to do with that of its block.
  fileprivate var hasOwnRange: Bool { [.voltageSweep, .currentProfile, .impedanceSpectrum].contains(kind) }
}

/// A block of a compiled protocol.
struct PassLoop {
  var passes: Int64
  var isCycles: Bool
  /// What ends it before its passes are done; only outside `cycles`, where nothing is unrolled.
  var ends: [PassEnd]
  var body: [PassNode]
}

/// A condition of a block whose place among the instructions is not known yet.
struct PassEnd {
  var condition: PassCondition
  /// The label at which the run goes on, where it is one.
  var label: String?
}

/// Which end of a half-cycle is marked.
private enum HalfCycleEnd {
  case opening
  case closing(closesCycle: Bool)
}

extension [PassNode] {
  /// Marks the ends of the two half-cycles of one pass of `cycles`.
  mutating func markPair(first: Direction) {
    mark(first, .opening)
    mark(first, .closing(closesCycle: false))
    mark(first.reversed, .opening)
    mark(first.reversed, .closing(closesCycle: true))
  }

  private mutating func mark(_ direction: Direction, _ end: HalfCycleEnd) {
    let found: Int?
    switch end {
    case .opening: found = firstIndex { $0.moves(direction) }
    case .closing: found = lastIndex { $0.moves(direction) }
    }
    guard let index = found else { return }
    switch self[index] {
    case .step(var step):
      switch end {
      case .opening: step.halfCycle?.opens = true
      case .closing(let closesCycle):
        step.halfCycle?.closes = true
        step.halfCycle?.closesCycle = closesCycle
      }
      self[index] = .step(step)
    case .loop(var loop):
      var edge = loop.body
      edge.mark(direction, end)
      guard loop.passes > 1 else {
        replaceSubrange(index...index, with: edge)
        return
      }
      loop.passes -= 1
      let rest = PassNode.loop(loop)
      switch end {
      case .opening: replaceSubrange(index...index, with: edge + [rest])
      case .closing: replaceSubrange(index...index, with: [rest] + edge)
      }
    case .label, .jump: break
    }
  }
}

/// The flat list that a tree becomes.
struct FlatProgram {
  var steps: [ProgramStep] = []
  var instructions: [Program.Instruction] = []
  var passConditions: [PassCondition] = []
  /// Loops at the same depth never run at once, so they share a counter.
  var loopCount = 0

  /// A condition that goes on at a label that has not been met yet.
  private struct Jump {
    enum Condition {
      case ofBlock(Int)
      case ofStep(Int, end: Int)
    }
    var condition: Condition
    var label: String
  }

  /// The whole list, with its end.
  init(_ nodes: [PassNode]) {
    let unmet = append(nodes, depth: 0)
    precondition(unmet.isEmpty, "a label was looked for, which the rules of the document should have refused")
    instructions.append(.end)
  }

  /// - Returns: the jumps whose labels are not in the list: one of the lists around it has them, farther down.
  private mutating func append(_ nodes: [PassNode], depth: Int) -> [Jump] {
    var jumps: [Jump] = []
    for node in nodes {
      switch node {
      case .step(let step):
        instructions.append(.step(steps.count))
        steps.append(step)
      case .loop(let loop):
        jumps += append(loop, depth: depth)
      case .label(let label):
        for jump in jumps where jump.label == label { land(jump) }
        jumps.removeAll { $0.label == label }
      case .jump(let end, let label):
        jumps.append(Jump(condition: .ofStep(steps.count - 1, end: end), label: label))
      }
    }
    return jumps
  }

  /// The next instruction is where a jump leads.
  private mutating func land(_ jump: Jump) {
    let target = ConditionTarget.instruction(instructions.count)
    switch jump.condition {
    case .ofBlock(let index): passConditions[index].target = target
    case .ofStep(let step, let end): steps[step].ends[end].target = target
    }
  }

  private mutating func append(_ loop: PassLoop, depth: Int) -> [Jump] {
    loopCount = max(loopCount, depth + 1)
    let begin = instructions.count
    instructions.append(.beginLoop(loop: depth))
    if loop.isCycles { instructions.append(.beginCycle) }
    var jumps = append(loop.body, depth: depth + 1)
    instructions.append(.endLoop(loop: depth, passes: loop.passes, start: begin + 1))
    for end in loop.ends {
      if let label = end.label { jumps.append(Jump(condition: .ofBlock(passConditions.count), label: label)) }
      var condition = end.condition
      condition.block = begin..<instructions.count
      passConditions.append(condition)
    }
    return jumps
  }
}
