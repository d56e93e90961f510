// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// What is done to a driver: the rows of the conformance matrix.
public enum TrialRow: String, Sendable, Hashable, CaseIterable {
  /// Each reply in two pieces, at each of its bytes, and byte by byte.
  case split = "split at every byte"
  /// What comes within a quarter of a second comes in one piece.
  case glued
  /// A reply ends early, for each reply.
  case truncated
  /// A byte of a reply is another one, for each reply.
  case corrupted
  /// A reply comes twice, for each reply.
  case duplicated
  /// A reply comes after its question was given up, for each reply.
  case late
  /// A reply never comes, for each reply, and for a few of them no other for a minute.
  case silent
  /// Somebody else's bytes in the middle of a reply, for each reply.
  case interleaved
  /// Somebody else's lines before and behind a reply, for each reply.
  case garbage = "garbage around"
  /// Noise without an end for half a minute, faster than replies, and bytes of replies replaced.
  case flood = "flood of noise"
  /// A slow line: ten bytes a second.
  case slow
  /// The plug is pulled, before each reply.
  case unplug
  /// It does not read what is written, from before each reply for seconds and for a minute.
  case stall
  /// Its power is cut and comes back, before each reply.
  case reboot
  /// The bytes of the safe stop and nothing else, from before each reply.
  case safeStop = "safe stop"
  /// The same to one that was just switched on, and to one whose host has died.
  case safeStopAlone = "safe stop, no session"
  /// It refuses what it is told.
  case refusing = "refused commands"
  /// It acknowledges and does not close the circuit.
  case liarBefore = "liar before closing"
  /// It acknowledges and does not open the circuit.
  case liarClosed = "liar while closed"
  /// It repeats what it measured at rest.
  case frozenBefore = "frozen before closing"
  /// It repeats what it measured while current flowed.
  case frozenClosed = "frozen while closed"
  /// Its converters are at their ends while current flows.
  case overload
  /// What it measures is no number while current flows.
  case notANumber = "not a number"

  /// Whether it is about circuits, so that it does not apply to what drives nothing.
  public var needsCircuit: Bool {
    switch self {
    case .split, .glued, .truncated, .corrupted, .duplicated, .late, .silent, .interleaved, .garbage, .flood, .slow,
      .unplug, .stall, .reboot:
      false
    case .safeStop, .safeStopAlone, .refusing, .liarBefore, .liarClosed, .frozenBefore, .frozenClosed, .overload,
      .notANumber:
      true
    }
  }
}
