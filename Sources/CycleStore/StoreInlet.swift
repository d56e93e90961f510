// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The door through which one source (a port thread, the control loop) reaches the store. It never waits for the
// disk: `push` moves the batch into memory and returns a number; when `committedSequence` has reached that number the
// batch is on the disk. Nobody may show or count what is not committed yet.

import Synchronization

/// One source's way into the store. Safe to call from any thread; batches of one inlet keep their order.
public final class StoreInlet: Sendable {
  private struct Pending {
    var batch = JournalBatch()
    var sequence: Int64 = 0
    var takenSequence: Int64 = 0
  }

  /// Who pushes, for messages.
  public let name: String
  /// How many records and entries may wait before `isFull`.
  public let capacity: Int
  private let onCommit: @Sendable (Int64) -> Void
  private let onFailure: @Sendable (StoreFailure) -> Void
  private let doorbell: Doorbell
  private let pending = Mutex(Pending())
  private let committed = Atomic<Int64>(0)
  private let waiting = Atomic<Int>(0)
  private let closed = Atomic<Bool>(false)

  /// So many waiting rows call the writer before its tick.
  private static let earlyCommitRows = 1 << 16

  init(
    name: String, capacity: Int, doorbell: Doorbell, onCommit: @escaping @Sendable (Int64) -> Void,
    onFailure: @escaping @Sendable (StoreFailure) -> Void
  ) {
    self.name = name
    self.capacity = capacity
    self.doorbell = doorbell
    self.onCommit = onCommit
    self.onFailure = onFailure
  }

  /// Takes the contents of `batch`, leaves it empty with its memory, and returns the batch's number: 1 for the first
  /// push of this inlet and one more for each. Never blocks on the disk and never drops anything; ask `isFull`.
  @discardableResult
  public func push(_ batch: inout JournalBatch) -> Int64 {
    let added = batch.count
    let sequence = pending.withLock { pending in
      pending.batch.append(taking: &batch)
      pending.sequence += 1
      return pending.sequence
    }
    let total = waiting.add(added, ordering: .sequentiallyConsistent).newValue
    if total >= Self.earlyCommitRows { doorbell.ring() }
    return sequence
  }

  /// Asks the writer to commit at once instead of at its next tick.
  public func requestCommit() { doorbell.ring() }

  /// The number of the last batch that is on the disk; all before it are too. 0 before the first.
  public var committedSequence: Int64 { committed.load(ordering: .sequentiallyConsistent) }
  /// The number of the last batch that was pushed; 0 before the first.
  public var pushedSequence: Int64 { pending.withLock { $0.sequence } }
  /// Records and entries that are not on the disk yet.
  public var waitingCount: Int { waiting.load(ordering: .sequentiallyConsistent) }
  /// Whether so much waits that the source must pause its run. Pushing still works, so that nothing is lost.
  public var isFull: Bool { waitingCount >= capacity }

  /// Says that nothing will be pushed any more; what waits is still committed.
  public func close() {
    closed.store(true, ordering: .sequentiallyConsistent)
    doorbell.ring()
  }

  // MARK: The writer's side

  /// Whether something was pushed that the writer has not taken.
  var hasNews: Bool { pending.withLock { $0.sequence != $0.takenSequence } }
  var isClosed: Bool { closed.load(ordering: .sequentiallyConsistent) }

  /// Exchanges what waits for an empty batch and returns the number of the last push in it; nil when nothing was
  /// pushed since the last time.
  func take(into empty: inout JournalBatch) -> Int64? {
    pending.withLock { pending in
      guard pending.sequence != pending.takenSequence else { return nil }
      swap(&pending.batch, &empty)
      pending.takenSequence = pending.sequence
      return pending.sequence
    }
  }

  func acknowledge(_ sequence: Int64, count: Int) {
    waiting.subtract(count, ordering: .sequentiallyConsistent)
    committed.store(sequence, ordering: .sequentiallyConsistent)
    onCommit(sequence)
  }

  func report(_ failure: StoreFailure) { onFailure(failure) }
}
