// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import GRDB
public import CyclerModel

/// A place in a run's records: the last one that a reader has. It is given to clients, who come back with it.
public struct RecordCursor: Sendable, Hashable, Comparable, LosslessStringConvertible {
  /// `RowIdentity.step`; it carries the run.
  public var stepID: Int64
  /// Index within the step; -1 stands before the first record.
  public var index: Int64

  /// A place.
  public init(stepID: Int64, index: Int64) {
    self.stepID = stepID
    self.index = index
  }
  /// The place before the first record of a run.
  public init(startOf run: Int64) { self.init(stepID: RowIdentity.step(run: run, count: 0), index: -1) }
  /// The place of a record.
  public init(_ record: RecordRow) { self.init(stepID: record.stepID, index: Int64(record.index)) }

  /// Reads what `description` wrote.
  public init?(_ description: String) {
    let parts = description.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 2, let stepID = Int64(parts[0]), let index = Int64(parts[1]), stepID >= 0, index >= -1
    else { return nil }
    self.init(stepID: stepID, index: index)
  }
  /// Step and index with a point between them.
  public var description: String { "\(stepID).\(index)" }
  /// The run that it lies in.
  public var run: Int64 { stepID >> RowIdentity.countBits }
  /// Earlier or later.
  public static func < (left: RecordCursor, right: RecordCursor) -> Bool {
    (left.stepID, left.index) < (right.stepID, right.index)
  }
}
