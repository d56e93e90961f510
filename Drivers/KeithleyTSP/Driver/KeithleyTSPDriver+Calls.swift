// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What the host asks for, what is sent for it, and when nobody answers. One call of the program is on its way at a time: a
// call interrupts what runs, and another would interrupt the call. A stop of the same channel may do so.

import CyclerModel
import InstrumentKit
import Quantities

extension KeithleyTSPDriver {
  /// Does what the host asks.
  mutating func obey(
    _ command: ChannelCommand, channel: Int, _ now: HostInstant, _ outputs: inout DriverOutputs
  ) {
    switch command {
    case .openCircuit: openCircuit(channel, now, &outputs)
    case .begin(let setpoint):
      do throws(Fault) {
        try begin(setpoint, channel)
      } catch {
        outputs.events.append(.refused(channel: channel, setpoint.token, error))
      }
    }
  }

  private mutating func begin(_ setpoint: Setpoint, _ channel: Int) throws(Fault) {
    guard channels.indices.contains(channel) else {
      throw Fault(.instrumentRefused, "it has \(Self.channelCount) channels, 0 to \(Self.channelCount - 1)")
    }
    guard stage == .ready, channels[channel].phase == .idle else {
      throw Fault(
        .instrumentRefused, "the channel is not idle; wait until the instrument is identified and its set-point ended")
    }
    channels[channel].call = try SetpointCall(setpoint)
    channels[channel].phase = .waitingToStart
  }

  private mutating func openCircuit(_ channel: Int, _ now: HostInstant, _ outputs: inout DriverOutputs) {
    guard stage != .closed, channels.indices.contains(channel) else {
      outputs.events.append(.circuit(channel: channel, .unknown))
      return
    }
    guard stage == .ready else {
      // While it is being secured, the end of that says that the circuit is open.
      if stage == .refused { secure(now, &outputs) }
      return
    }
    switch channels[channel].phase {
    case .idle, .waitingToStart, .running: channels[channel].phase = .waitingToStop
    case .starting: stop(channel, now, &outputs)
    case .waitingToStop, .stopping: return
    }
  }

  // MARK: Calls

  /// Sends the next call if none is on its way; stops go first.
  mutating func pump(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    guard stage == .ready, !channels.contains(where: \.isInFlight) else { return }
    if let channel = channels.firstIndex(where: { $0.phase == .waitingToStop }) {
      stop(channel, now, &outputs)
    } else if let channel = channels.firstIndex(where: { $0.phase == .waitingToStart }) {
      start(channel, now, &outputs)
    }
  }

  private mutating func start(_ channel: Int, _ now: HostInstant, _ outputs: inout DriverOutputs) {
    guard let call = channels[channel].call else { return }
    // What was asked of an unused instrument may go unanswered.
    question = nil
    misses = 0
    channels[channel].number = nextNumber()
    channels[channel].phase = .starting
    channels[channel].deadline = now + Self.startPatience
    unheardRenewals = 0
    outputs.writes.append(contentsOf: "abort\n".utf8)
    outputs.writes.append(contentsOf: call.message(channel: channel, number: channels[channel].number).utf8)
    outputs.writes.append(UInt8(ascii: "\n"))
  }

  /// Disconnects one cell and asks for the proof; the other channel is watched on.
  mutating func stop(_ channel: Int, _ now: HostInstant, _ outputs: inout DriverOutputs) {
    question = nil
    if channels[channel].phase != .stopping {
      // Without a program a second stop helps nobody.
      channels[channel].misses = isProgramInDoubt ? Self.stopAttempts - 1 : 0
    }
    channels[channel].number = nextNumber()
    channels[channel].phase = .stopping
    channels[channel].deadline = now + Self.patience
    unheardRenewals = 0
    // The empty line ends half a message.
    outputs.writes.append(contentsOf: "\nabort\nnc_stop(\(channel + 1),\(channels[channel].number))\n".utf8)
  }

  private mutating func renew(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    outputs.writes.append(contentsOf: "*TRG\n".utf8)
    scheduleRenewal(now)
  }

  /// Renews with what the readings say of the instrument's time, which may pass faster than the host's.
  mutating func renewIfDue(_ channel: Int, _ time: TimeSpan, _ now: HostInstant, _ outputs: inout DriverOutputs) {
    guard let lease = channels[channel].call?.setpoint.lease,
      (time - channels[channel].renewedTime).microseconds >= lease.microseconds / 4
    else { return }
    channels[channel].renewedTime = time
    outputs.writes.append(contentsOf: "*TRG\n".utf8)
  }

  /// Sets the time of the next renewal; none while no output is on.
  mutating func scheduleRenewal(_ now: HostInstant) {
    var period: TimeSpan?
    for channel in channels where channel.isClosed {
      guard let lease = channel.call?.setpoint.lease else { continue }
      let quarter = TimeSpan(microseconds: max(lease.microseconds / 4, 100_000))
      period = min(period ?? Self.renewalPeriod, quarter)
    }
    renewAt = period.map { now + $0 }
  }

  // MARK: - Time

  /// Time passed.
  mutating func wait(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    if let question, now >= question.deadline { return questionMissed(now, &outputs) }
    guard stage == .ready else { return }
    for channel in channels.indices where stage == .ready { waitForChannel(channel, now, &outputs) }
    guard stage == .ready else { return }
    if let renewAt, now >= renewAt {
      if !channels.contains(where: \.isInFlight) { unheardRenewals += 1 }
      if unheardRenewals > Self.tolerableMisses { doubtProgram() } else { renew(now, &outputs) }
    } else if let watchAt, now >= watchAt {
      watch(now, &outputs)
    }
  }

  private mutating func waitForChannel(_ channel: Int, _ now: HostInstant, _ outputs: inout DriverOutputs) {
    guard now >= channels[channel].deadline else { return }
    switch channels[channel].phase {
    case .idle, .waitingToStart, .waitingToStop: return
    case .starting:
      let words = channels[channel].words.map { "the instrument says `\($0)`" }
      let fault = Fault(
        .instrumentError, words ?? "it did not begin the set-point within \(Self.startPatience.written)")
      channels[channel].end = .failed(fault)
      stop(channel, now, &outputs)
    case .running:
      // Nothing comes from the other channel or for renewals either.
      if unheardRenewals >= 2 { return doubtProgram() }
      // Its end may have been lost on the line; then the stop is answered with its reason.
      let fault = Fault(
        .instrumentNoReading, "no reading came for \(channels[channel].patience.written); it was disconnected")
      channels[channel].end = .failed(fault)
      channels[channel].phase = .waitingToStop
    case .stopping:
      channels[channel].misses += 1
      if channels[channel].misses < Self.stopAttempts {
        stop(channel, now, &outputs)
      } else {
        programIsGone(now, &outputs)
      }
    }
  }

  private static let programFault = Fault(
    .instrumentError, "its program does not answer any more: it was interrupted, or the instrument lost its power")

  /// Nothing was heard for a while. The program ends by itself when both channels are off, and its last line may have been
  /// lost: then a stop is answered with what it said.
  private mutating func doubtProgram() {
    isProgramInDoubt = true
    unheardRenewals = 0
    renewAt = nil
    for index in channels.indices where channels[index].isReading {
      channels[index].end = channels[index].end ?? .failed(Self.programFault)
      channels[index].phase = .waitingToStop
    }
  }

  /// The program does not answer: without it nothing on the instrument watches.
  private mutating func programIsGone(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    for index in channels.indices where channels[index].call != nil {
      channels[index].end = channels[index].end ?? .failed(Self.programFault)
    }
    isProgramInDoubt = false
    unheardRenewals = 0
    secure(now, &outputs)
  }
}
