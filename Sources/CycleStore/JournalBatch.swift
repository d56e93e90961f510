// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

public import CyclerModel

/// What a source hands to the store in one go. It is committed whole, in one transaction, or not at all.
///
/// Within a batch the entries are written before the records, and of a run's checkpoints only the last.
public struct JournalBatch: Sendable {
  /// Measurements, in the order in which they were made.
  public var records: ContiguousArray<RecordRow>
  /// Everything else, in the order in which it happened.
  public var entries: [JournalEntry]

  /// An empty batch.
  public init() {
    records = []
    entries = []
  }

  /// A batch of these.
  public init(records: ContiguousArray<RecordRow>, entries: [JournalEntry]) {
    self.records = records
    self.entries = entries
  }

  /// Whether there is nothing in it.
  public var isEmpty: Bool { records.isEmpty && entries.isEmpty }
  /// Records and entries together.
  public var count: Int { records.count + entries.count }

  /// Forgets the contents and keeps the memory.
  public mutating func removeAll() {
    records.removeAll(keepingCapacity: true)
    entries.removeAll(keepingCapacity: true)
  }

  /// Moves the contents of `other` to the end of this batch; both keep their memory.
  mutating func append(taking other: inout JournalBatch) {
    guard !isEmpty else { return swap(&self, &other) }
    records.append(contentsOf: other.records)
    entries.append(contentsOf: other.entries)
    other.removeAll()
  }
}
