// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import Synchronization

/// A place for one at a time: what needs much room on the disk, or much of the writer, is done one after the other.
final class Seat: Sendable {
  private let isTaken = Atomic<Bool>(false)

  init() {}

  /// Nil when somebody has it.
  func take() -> Sitting? { isTaken.exchange(true, ordering: .acquiring) ? nil : Sitting(self) }

  /// Has the seat until it ends or nobody knows it any more.
  final class Sitting: Sendable {
    private let seat: Seat
    private let isOver = Atomic<Bool>(false)

    fileprivate init(_ seat: Seat) { self.seat = seat }

    deinit { end() }

    /// Gives the seat back; once.
    func end() {
      if !isOver.exchange(true, ordering: .relaxed) { seat.isTaken.store(false, ordering: .releasing) }
    }
  }
}
