// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// One question at a time: which one comes next, its answer, and what happens when none comes.

import CyclerModel
import InstrumentKit
import Quantities

extension BatlabDriver {
  // MARK: - Asking

  /// Sends the next question if the line is free.
  mutating func pump(_ now: HostInstant, into outputs: inout DriverOutputs) {
    guard question == nil, now >= quietUntil, let owner = nextOwner(now), let packet = packet(of: owner) else { return }
    if needsResynchronisation {
      needsResynchronisation = false
      outputs.writes.append(contentsOf: Self.resynchronisation)
    }
    packet.write(into: &outputs.writes)
    question = Question(owner: owner, packet: packet, sentAt: now)
    scanner.reset()
    if case .channel(let channel) = owner { noteSent(channel: channel, packet, now, into: &outputs) }
  }

  /// A stop goes first, then who is there, then the lease, then the channels in turn.
  private func nextOwner(_ now: HostInstant) -> Owner? {
    if let channel = channels.firstIndex(where: { $0.phase == .stopping && $0.notBefore <= now }) {
      return .channel(channel)
    }
    if link == .securing, isSecured, identification.notBefore <= now { return .identification }
    if hasDriven, lease.dueAt <= now { return .lease }
    for step in 1...Self.channelCount {
      let channel = (lastServed + step) % Self.channelCount
      if isActive(channel), channels[channel].notBefore <= now { return .channel(channel) }
    }
    return nil
  }

  private func packet(of owner: Owner) -> RegisterPacket? {
    switch owner {
    case .channel(let channel): channels[channel].task?.question(channels[channel].progress)
    case .identification: identification.task?.question(identification.progress)
    case .lease: RegisterPacket(.watchdog, writing: lease.ticks)
    case .nobody: nil
    }
  }

  private var isSecured: Bool { channels.allSatisfy { $0.phase == .idle } }

  /// Whether a current may flow anywhere.
  private var hasDriven: Bool { channels.contains { $0.isClosed && $0.phase == .running } }

  private func isActive(_ channel: Int) -> Bool {
    switch channels[channel].phase {
    case .starting, .running: true
    case .stopping, .idle: false
    }
  }

  /// When something is to be done although nothing arrives.
  func wakeAt(_ now: HostInstant) -> HostInstant? {
    if let question { return question.sentAt + Self.answerDeadline }
    var next: HostInstant?
    func want(_ moment: HostInstant) { next = next.map { min($0, moment) } ?? moment }
    for index in channels.indices where channels[index].phase != .idle { want(channels[index].notBefore) }
    if link == .refused || (link == .securing && isSecured) { want(identification.notBefore) }
    if hasDriven { want(lease.dueAt) }
    return next.map { max($0, quietUntil) }
  }

  // MARK: - Answers

  mutating func receive(_ bytes: UnsafeRawBufferPointer, _ now: HostInstant, into outputs: inout DriverOutputs) {
    if form.take(bytes) { damagedMessages += 1 }
    for byte in bytes {
      // What nobody asked for answers nothing.
      guard let asked = question, let value = scanner.take(byte, answering: asked.packet) else { continue }
      question = nil
      misses = 0
      hasToldTimeout = false
      take(value, to: asked, now, into: &outputs)
      pump(now, into: &outputs)
    }
  }

  private mutating func take(
    _ value: UInt16, to asked: Question, _ now: HostInstant, into outputs: inout DriverOutputs
  ) {
    switch asked.owner {
    case .nobody: break
    case .lease:
      if value == 0 {
        lease.renewedAt = asked.sentAt
      } else {
        lease.notBefore = now + TimeSpan(milliseconds: 200)
      }
    case .identification:
      guard let task = identification.task else { return }
      switch task.take(value, to: asked.packet, at: now, &identification.progress) {
      case .again(let delay): quietUntil = now + delay
      case .done(let value): identify(task.role, value, now, into: &outputs)
      case .failed: identification.restart(now + Self.retryInterval)
      }
    case .channel(let channel):
      lastServed = channel
      guard let task = channels[channel].task else { return }
      switch task.take(value, to: asked.packet, at: now, &channels[channel].progress) {
      case .again(let delay): quietUntil = now + delay
      case .done(let value): done(task.role, value, channel: channel, now, into: &outputs)
      case .failed(let value): failed(task, value, channel: channel, now, into: &outputs)
      }
    }
  }

  // MARK: - No answer

  /// Time passed.
  mutating func wait(_ now: HostInstant, into outputs: inout DriverOutputs) {
    if link == .refused, now >= identification.notBefore { secure(now) }
    guard let asked = question, now >= asked.sentAt + Self.answerDeadline else {
      judgeTime(now)
      return
    }
    question = nil
    misses += 1
    quietUntil = now + Self.drainTime
    needsResynchronisation = true
    if misses >= Self.toleratedMisses {
      loseContact(now, into: &outputs)
    } else if case .channel(let channel) = asked.owner, channels[channel].phase == .running {
      // The parts of a reading must not lie on both sides of a gap.
      skipPoll(channel, now)
    }
    judgeTime(now)
  }

  /// The longest time passes without a reading, too.
  private mutating func judgeTime(_ now: HostInstant) {
    for channel in channels.indices where channels[channel].phase == .running {
      guard let course = channels[channel].course, let began = channels[channel].beganAt else { continue }
      if case .end(let end) = course.judge(at: now - began) {
        stop(channel, end, now)
      }
    }
  }

  /// Nobody answers: everything begins anew with the stops, and so does every set-point end.
  private mutating func loseContact(_ now: HostInstant, into outputs: inout DriverOutputs) {
    if !hasToldTimeout {
      hasToldTimeout = true
      let fault = Fault(.linkTimeout, "\(Self.toleratedMisses) questions in a row were not answered")
      outputs.events.append(.fault(channel: nil, fault))
      if identification.told != nil {
        for channel in channels.indices { outputs.events.append(.circuit(channel: channel, .unknown)) }
      }
      for channel in channels.indices where channels[channel].course != nil && channels[channel].end == nil {
        channels[channel].end = .failed(fault)
      }
    }
    misses = 0
    let investigates = channels.map(\.isClosed)
    secure(now)
    for channel in channels.indices where investigates[channel] {
      channels[channel].beginStop(cell: channel, end: nil, at: now, investigating: true)
    }
    quietUntil = now + Self.retryInterval
  }
}
