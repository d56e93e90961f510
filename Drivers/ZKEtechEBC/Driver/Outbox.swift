// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What is to be sent, and when it was. The instrument overlooks commands that follow each other too fast; a stop goes
// before everything else.

import CyclerModel
import InstrumentKit
import Quantities

/// Commands that wait for their turn.
struct Outbox: Sendable, Hashable {
  var wantsStop = false
  var wantsStart = false
  private var wantsConnect = false
  private var sentAt: HostInstant?

  /// When the present stop was sent last; nil before.
  var stopSentAt: HostInstant?
  /// How often.
  var stops = 0
  /// When the present start was sent last; nil before.
  var startSentAt: HostInstant?
  /// How often.
  var starts = 0
  /// Whether no report has told yet what came of it.
  var isStartOpen = false
  /// When reports were asked for last, or should have been.
  private(set) var connectSentAt = HostInstant(microseconds: 0)

  /// Reports are to be asked for.
  mutating func connectWanted(_ now: HostInstant) {
    wantsConnect = true
    connectSentAt = now
  }

  /// When something may be sent; nil when nothing waits.
  var dueAt: HostInstant? {
    guard wantsStop || wantsConnect || wantsStart else { return nil }
    return sentAt.map { $0 + ZKEtechEBCDriver.commandGap } ?? HostInstant(microseconds: 0)
  }

  /// What is sent now.
  mutating func next(_ now: HostInstant, start: CommandFrame?) -> CommandFrame? {
    guard let dueAt, now >= dueAt else { return nil }
    if wantsStop {
      wantsStop = false
      stopSentAt = now
      stops += 1
      sentAt = now
      return .stop
    }
    if wantsConnect {
      wantsConnect = false
      connectSentAt = now
      sentAt = now
      return .connect
    }
    wantsStart = false
    guard let start else { return nil }
    startSentAt = now
    starts += 1
    isStartOpen = true
    sentAt = now
    return start
  }

  /// Another stop begins.
  mutating func beginStop() {
    wantsStart = false
    wantsStop = true
    stopSentAt = nil
    stops = 0
  }

  /// Another start begins.
  mutating func beginStart() {
    wantsStart = true
    startSentAt = nil
    starts = 0
    isStartOpen = false
  }

  /// Whether a report of this moment can tell what the last stop did.
  func isStopDone(_ now: HostInstant) -> Bool { !wantsStop && Self.isFresh(stopSentAt, now) }

  /// Whether a report of this moment can tell what the last start did.
  func isStartDone(_ now: HostInstant) -> Bool { !wantsStart && Self.isFresh(startSentAt, now) }

  private static func isFresh(_ sentAt: HostInstant?, _ now: HostInstant) -> Bool {
    sentAt.map { now - $0 >= ZKEtechEBCDriver.freshAfter } ?? false
  }
}
