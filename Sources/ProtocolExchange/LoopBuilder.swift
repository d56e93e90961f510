// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Other programs loop by going back to a step; ours have blocks. A loop wraps what stands between its target and itself.

/// Makes a tree of steps and of jumps back.
struct LoopBuilder {
  private struct Entry {
    /// The first and the last step of the file that it stands for.
    var places: ClosedRange<Int>
    /// Loops inside each other.
    var depth = 0
    var step: PlanStep
  }

  /// Why a loop cannot be a block.
  enum Fault: Error {
    /// Nothing stands between the target and the loop.
    case empty
    /// The target lies inside an earlier loop.
    case crossing
    /// Loops in loops in loops.
    case deep
  }

  /// Our own files nest no deeper.
  private static let depthLimit = 10

  private var entries: [Entry] = []

  /// What was built.
  var steps: [PlanStep] { entries.map(\.step) }

  /// Appends the step at a place of the file.
  mutating func append(_ step: PlanStep, at place: Int) { entries.append(Entry(places: place...place, step: step)) }

  /// Goes through everything from the step at `target` on so many times.
  mutating func loop(from target: Int, at place: Int, passes: Int64, label: String?) throws(Fault) {
    guard let first = entries.firstIndex(where: { $0.places.upperBound >= target }) else { throw .empty }
    guard entries[first].places.lowerBound >= target else { throw .crossing }
    let depth = (entries[first...].map(\.depth).max() ?? 0) + 1
    guard depth <= Self.depthLimit else { throw .deep }
    let body = entries[first...].map(\.step)
    entries.removeSubrange(first...)
    let loop = PlanLoop(passes: passes, label: label, body: body)
    entries.append(Entry(places: target...place, depth: depth, step: .loop(loop)))
  }
}
