// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The host's side of a Batlab: four cells behind one line that answers one question at a time. Each cell has its own list
// of registers to write and read; the line belongs to one question, and a stop goes before everything that waits.
//
// Limits and the watchdog are the instrument's; cut-offs are judged here, at each reading.

public import CyclerModel
public import InstrumentKit
import Quantities

/// A Lexcelon Batlab; its protocol is in Drivers/Batlab/README.md.
public struct BatlabDriver: InstrumentDriver {
  /// What the link is good for.
  enum Link: Sendable, Hashable {
    case closed
    /// All four stops are to be confirmed, then it is asked who it is.
    case securing
    /// Identified; set-points are taken.
    case ready
    /// It is nothing that this driver can drive; tried again after a while.
    case refused
  }

  /// Whose question is on the line.
  enum Owner: Sendable, Hashable {
    case channel(Int)
    case identification
    case lease
    /// It is no longer asked, and the line waits for its answer all the same.
    case nobody
  }

  /// The one question that is open.
  struct Question: Sendable, Hashable {
    var owner: Owner
    var packet: RegisterPacket
    var sentAt: HostInstant
  }

  /// An answer takes some milliseconds.
  static let answerDeadline = TimeSpan(milliseconds: 100)
  /// After an answer that did not come, nothing is taken for an answer for so long.
  static let drainTime = TimeSpan(milliseconds: 50)
  /// So many in a row mean that nobody is there.
  static let toleratedMisses = 3
  /// How often it is tried again then.
  static let retryInterval = TimeSpan(seconds: 2)
  /// A full turn of the measurements, 614.4 ms, and the slice of a cell, 102.4 ms: what is older was before.
  static let freshAfter = TimeSpan(milliseconds: 720)

  var link = Link.closed
  var channels = [BatlabChannel](repeating: BatlabChannel(), count: channelCount)
  var question: Question?
  var scanner = AnswerScanner()
  var quietUntil = HostInstant(microseconds: 0)
  var misses = 0
  var hasToldTimeout = false
  var needsResynchronisation = false
  var lastServed = channelCount - 1
  var identification = BatlabIdentification()
  var lease = BatlabLease()
  var form = PacketForm()
  /// Pieces of what arrived with bytes in them that are in no packet, since the port was opened.
  public internal(set) var damagedMessages = 0

  /// A driver that has seen nothing yet.
  public init() {}

  /// Takes one input; see `InstrumentDriver`.
  public mutating func handle(_ input: DriverInput, at now: HostInstant, into outputs: inout DriverOutputs) {
    switch input {
    case .opened:
      self = BatlabDriver()
      secure(now)
    case .bytes(let bytes): if link != .closed { receive(bytes, now, into: &outputs) }
    case .tick: if link != .closed { wait(now, into: &outputs) }
    case .command(let channel, let command): take(command, channel: channel, now, into: &outputs)
    case .lost:
      let wasIdentified = identification.told != nil
      self = BatlabDriver()
      if wasIdentified {
        for channel in 0..<Self.channelCount { outputs.events.append(.circuit(channel: channel, .unknown)) }
      }
    }
    guard link != .closed else { return }
    pump(now, into: &outputs)
    outputs.wakeAt = wakeAt(now)
  }

  /// Back to the first line: all stops are confirmed before anything else is asked.
  mutating func secure(_ now: HostInstant) {
    link = .securing
    needsResynchronisation = true
    question = nil
    identification.restart(now)
    lease = BatlabLease()
    for channel in channels.indices { channels[channel].beginStop(cell: channel, end: nil, at: now) }
  }

  // MARK: - Commands

  private mutating func take(
    _ command: ChannelCommand, channel: Int, _ now: HostInstant, into outputs: inout DriverOutputs
  ) {
    switch command {
    case .begin(let setpoint):
      if let fault = refusal(of: setpoint, channel: channel) {
        outputs.events.append(.refused(channel: channel, setpoint.token, fault))
      } else {
        start(setpoint, channel: channel, now)
      }
    case .openCircuit:
      guard link != .closed, channels.indices.contains(channel) else {
        outputs.events.append(.circuit(channel: channel, .unknown))
        return
      }
      // A stop that is on its way is the answer.
      guard channels[channel].phase != .stopping else { return }
      stop(channel, .requested, now)
    }
  }

  private func refusal(of setpoint: Setpoint, channel: Int) -> Fault? {
    guard channels.indices.contains(channel) else {
      return Fault(.instrumentRefused, "a Batlab has \(Self.channelCount) channels, 0 to \(Self.channelCount - 1)")
    }
    guard link == .ready, channels[channel].phase == .idle else {
      return Fault(
        .instrumentRefused, "the channel is not idle; wait until the instrument is identified and its set-point ended")
    }
    switch setpoint.mode {
    case .openCircuit: return nil
    case .constantCurrent(let current):
      if current.magnitude < Self.smallestCurrent {
        return Fault(
          .instrumentRefused, "\(current.written) is below \(Self.smallestCurrent.written): a Batlab reports it as none"
        )
      }
      if current.magnitude > Self.largestCurrent {
        return Fault(.instrumentRefused, "\(current.written) is more than \(Self.largestCurrent.written)")
      }
      return nil
    case .constantCurrentThenVoltage, .constantVoltage, .demand, .sweep, .profile, .impedance:
      return Fault(.instrumentRefused, "a Batlab keeps a constant current and nothing else")
    }
  }
}
