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
  case loop(passes: Int64, isCycles: Bool, [PassNode])

  /// How many cycles it counts.
  var cycleCount: Int64 {
    switch self {
    case .step: 0
    case .loop(let passes, let isCycles, let body):
      passes * (isCycles ? 1 : body.reduce(0) { $0 + $1.cycleCount })
    }
  }

  /// The largest current in it.
  private var largestCurrent: Current {
    switch self {
    case .step(let step): step.rangeCurrent
    case .loop(_, _, let body): body.map(\.largestCurrent).max() ?? .zero
    }
  }

  /// Lets all steps of an outermost block share one range (hazard rule 14).
  mutating func shareRange() { setRange(largestCurrent) }

  private mutating func setRange(_ current: Current) {
    switch self {
    case .step(var step):
      step.rangeCurrent = current
      self = .step(step)
    case .loop(let passes, let isCycles, var body):
      for index in body.indices { body[index].setRange(current) }
      self = .loop(passes: passes, isCycles: isCycles, body)
    }
  }

  /// Whether a step of a half-cycle in that direction is in it.
  func moves(_ direction: Direction) -> Bool {
    switch self {
    case .step(let step): step.halfCycle != nil && step.direction == direction
    case .loop(_, _, let body): body.contains { $0.moves(direction) }
    }
  }
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
    case .loop(let passes, let isCycles, let body):
      var edge = body
      edge.mark(direction, end)
      guard passes > 1 else {
        replaceSubrange(index...index, with: edge)
        return
      }
      let rest = PassNode.loop(passes: passes - 1, isCycles: isCycles, body)
      switch end {
      case .opening: replaceSubrange(index...index, with: edge + [rest])
      case .closing: replaceSubrange(index...index, with: [rest] + edge)
      }
    }
  }
}

/// The flat list that a tree becomes.
struct FlatProgram {
  var steps: [ProgramStep] = []
  var instructions: [Program.Instruction] = []
  /// Loops at the same depth never run at once, so they share a counter.
  var loopCount = 0

  mutating func append(_ nodes: [PassNode], depth: Int) {
    for node in nodes {
      switch node {
      case .step(let step):
        instructions.append(.step(steps.count))
        steps.append(step)
      case .loop(let passes, let isCycles, let body):
        loopCount = max(loopCount, depth + 1)
        instructions.append(.beginLoop(loop: depth))
        let start = instructions.count
        if isCycles { instructions.append(.beginCycle) }
        append(body, depth: depth + 1)
        instructions.append(.endLoop(loop: depth, passes: passes, start: start))
      }
    }
  }
}
