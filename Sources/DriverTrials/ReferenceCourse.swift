// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A course without faults, with the trial as it was before each reply: every state in which a driver waits for something. A
// fault is tried from each of them, which is cheaper than running to it again, and misses none.

internal import InstrumentKit
internal import Quantities

/// An undisturbed course.
public struct ReferenceCourse: Sendable {
  /// What was on its way to the driver.
  struct Reply: Sendable {
    /// The trial before the turn in which it came.
    var before: DriverTrial
    /// The bytes.
    var bytes: [UInt8]
  }

  /// The replies, in order.
  let replies: [Reply]
  /// The trial as it was before each set-point that drives the cell.
  let betweenSteps: [DriverTrial]
  /// The trial after all of them.
  public let end: DriverTrial

  /// Runs a course; it ends when all set-points are over, or after so many seconds.
  public init(_ family: DriverFamily, seed: UInt64, atMost seconds: Double = 600) {
    var trial = DriverTrial(family, seed: seed)
    var replies: [Reply] = []
    var betweenSteps: [DriverTrial] = []
    let limit = family.drivesCells ? seconds : 8
    while trial.time < limit, !trial.isDone || !family.drivesCells {
      let before = trial
      trial.lastHeard = nil
      trial.step(to: limit)
      if case .idle = trial.stage, trial.stage != before.stage, trial.isBetweenDrivenSteps {
        betweenSteps.append(trial)
      }
      if let bytes = trial.lastHeard { replies.append(Reply(before: before, bytes: bytes)) }
    }
    self.replies = replies
    self.betweenSteps = betweenSteps
    end = trial
  }

  /// Evenly spread replies, as many as a row can afford; all where there are no more.
  func sample(_ most: Int, _ isWanted: (Reply) -> Bool = { _ in true }) -> [(index: Int, reply: Reply)] {
    let all = replies.enumerated().filter { isWanted($0.element) }.map { (index: $0.offset, reply: $0.element) }
    guard all.count > most, most > 0 else { return all }
    return (0..<most).map { all[$0 * all.count / most] }
  }
}
