// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// One of the two channels as the driver knows it.

import CyclerModel
import InstrumentKit
import Quantities

/// The state of one channel.
struct TSPChannel: Sendable {
  enum Phase: Sendable, Hashable {
    /// Disconnected, and nothing is under way.
    case idle
    /// Its set-point is to be sent.
    case waitingToStart
    /// Its set-point was sent.
    case starting
    /// Its output is on.
    case running
    /// It is to be stopped.
    case waitingToStop
    /// Its stop was sent.
    case stopping
  }

  var phase = Phase.idle
  /// What is under way.
  var call: SetpointCall?
  /// The number of the last call of this set-point; lines with another are not its, and none has 0.
  var number = 0
  var hasBegun = false
  var isClosed = false
  var isHeld = false
  /// The last known moment, on both clocks.
  var lastTime = TimeSpan.zero
  var lastHost = HostInstant(microseconds: 0)
  /// The set-point's time at which the lease was last renewed for what its readings say.
  var renewedTime = TimeSpan.zero
  /// When an answer is due, or a reading.
  var deadline = HostInstant(microseconds: 0)
  /// Calls in a row that were not answered.
  var misses = 0
  /// Why it is stopped, if not because the host asked.
  var end: SetpointEnd?
  /// What the error queue held when it refused.
  var words: String?

  var token: SetpointToken? { call?.setpoint.token }

  /// Whether a call of this channel is on its way.
  var isInFlight: Bool { phase == .starting || phase == .stopping }

  /// How long no reading may come: a few of them may be lost. The program disconnects without being heard.
  var patience: TimeSpan {
    guard let call else { return KeithleyTSPDriver.startPatience }
    return max(call.setpoint.readingInterval * 5, TimeSpan(seconds: 3)) + TimeSpan(seconds: 1)
  }

  /// Where the set-point's time stands by the host's clock.
  func expectedTime(_ now: HostInstant) -> TimeSpan { lastTime + (now - lastHost) }

  /// Forgets the set-point.
  mutating func settle() { self = TSPChannel() }

  /// Whether its readings are wanted.
  var isReading: Bool { phase == .running || phase == .waitingToStop }
}
