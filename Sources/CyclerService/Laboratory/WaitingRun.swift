// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A run between two threads. What a run says passes through the inlet of the thread that owns it, and an inlet keeps its
// order; two inlets have no order between them. So a run speaks by another inlet only when everything that was said by
// the last one is committed: its rows reach the store through one way in at a time.

internal import CycleStore
internal import CyclingRun

/// Up to where an inlet had been used at some moment.
struct InletPlace: Sendable {
  let inlet: StoreInlet
  private let sequence: Int64

  /// Everything that was pushed so far.
  init(in inlet: StoreInlet) {
    self.inlet = inlet
    sequence = inlet.pushedSequence
  }

  /// Whether all of it is on the disk.
  var isCommitted: Bool { inlet.committedSequence >= sequence }

  /// Whether what follows may go through that inlet.
  func allows(_ next: StoreInlet) -> Bool { next === inlet || isCommitted }
}

/// A run without its instrument.
struct WaitingRun: Sendable {
  var pilot: RunPilot
  /// Where it spoke last; nil when it has said nothing yet.
  var said: InletPlace?

  /// Whether the order of what it says is kept when it goes on by that inlet.
  func maySpeak(by inlet: StoreInlet) -> Bool { said?.allows(inlet) ?? true }
}
