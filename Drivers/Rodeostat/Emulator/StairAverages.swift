// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The current of a stair's sample is a difference: of the ends of both halves of a step, or of a pulse and of what was
// before it. Without a single step of the clock in its window it is no number.

/// The sums between two samples of a stair.
struct StairAverages: Sendable, Hashable {
  private var firstSum: Float = 0
  private var firstCount = 0
  private var secondSum: Float = 0
  private var secondCount = 0
  private var before: Float = 0
  private var hasBefore = false

  /// Takes some steps of the clock up to a moment, of which those in the window count.
  mutating func take(_ current: Float, _ test: VoltageTest, at time: UInt64, steps: Int, tick: UInt64) {
    guard time >= test.quietTime else { return }
    let (left, isFirst) = test.halfStep(time)
    guard left - 1 < test.windowTime else { return }
    let inside = min(steps, Int((test.windowTime - left) / tick) + 1)
    if isFirst {
      firstSum += current * Float(inside)
      firstCount += inside
    } else {
      secondSum += current * Float(inside)
      secondCount += inside
    }
  }

  /// The current of the sample that is due, and begins anew.
  mutating func sample(_ test: VoltageTest, at time: UInt64) -> Float {
    if time < test.quietTime { return 0 }
    let forward = firstSum / Float(firstCount)
    let reverse = secondSum / Float(secondCount)
    defer {
      let (last, has) = (reverse, true)
      self = StairAverages()
      before = last
      hasBefore = has
    }
    guard test.course == .differentialPulse else { return forward - reverse }
    return hasBefore ? forward - before : 0
  }
}
