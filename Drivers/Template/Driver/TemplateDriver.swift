// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The host's side of the template's instrument, which nobody has: the smallest driver that keeps the whole contract.
//
// This file is the conversation: one question at a time, how long it may take, how often it is repeated, and when the link is
// given up. When copying, keep its shape, and replace the patience and what may be repeated by what your instrument's documents
// say. Two things are in every family: the first question stops the instrument, and what is not confirmed is not said.

public import CyclerModel
public import InstrumentKit
import Quantities

/// The template's instrument; its protocol is in Drivers/Template/README.md.
public struct TemplateDriver: InstrumentDriver {
  /// How long an answer may take; a measurement takes 20 ms.
  static let patience = TimeSpan(milliseconds: 300)
  /// So many unanswered questions in a row mean that nobody is there.
  static let tolerableMisses = 3
  /// Between an answer and the next measurement.
  static let pollInterval = TimeSpan(milliseconds: 80)
  /// Until an instrument that did not stop is told again.
  static let retryInterval = TimeSpan(seconds: 1)
  /// The circuit is opened, and that no current flows is measured.
  static let stop: [TemplateQuestion] = [.off, .measure]

  /// What is being done.
  enum Purpose: Sendable, Hashable {
    /// The port is closed, or somebody else is at it.
    case nothing
    /// The circuit is opened, then it is asked who is there.
    case opening
    /// Nobody uses the cell; its circuit is confirmed to be open.
    case idle
    /// A set-point is prepared.
    case starting
    /// A set-point or a rest.
    case running
    /// The circuit is opened, and a set-point, if there is one, ends so.
    case stopping(SetpointEnd?)
  }

  /// The question on the line.
  struct Pending: Sendable, Hashable {
    var question: TemplateQuestion
    var number: UInt8
    var deadline: HostInstant
  }

  var purpose = Purpose.nothing
  /// What is still to be asked; the one at `place` is under way.
  var steps: [TemplateQuestion] = []
  var place = 0
  var pending: Pending?
  /// When something is to be done though nothing is on the line.
  var pausedUntil: HostInstant?
  var course: TemplateCourse?
  var hasToldStuck = false
  private var misses = 0
  private var hasToldTimeout = false
  /// Lines that were none of the instrument's, since the port was opened.
  public private(set) var damagedMessages = 0
  /// Numbers go on when a port is opened anew: an answer that was on its way belongs to none of the next questions.
  private var number: UInt8 = 0
  private var framer = LineFramer(maximumLength: TemplateLine.maximumLength)

  /// A driver that has seen nothing yet.
  public init() {}

  /// Takes one input; see `InstrumentDriver`.
  public mutating func handle(_ input: DriverInput, at now: HostInstant, into outputs: inout DriverOutputs) {
    switch input {
    case .opened:
      forget()
      // Ends what another host left half said.
      outputs.writes.append(0x0A)
      work(on: Self.stop + [.identity], for: .opening, now, &outputs)
    case .bytes(let bytes): if purpose != .nothing { receive(bytes, now, &outputs) }
    case .tick: if purpose != .nothing { wait(now, &outputs) }
    case .command(let channel, let command): obey(command, channel: channel, now, &outputs)
    case .lost:
      let wasOpen = purpose != .nothing
      forget()
      if wasOpen { outputs.events.append(.circuit(channel: 0, .unknown)) }
    }
    outputs.wakeAt = pending?.deadline ?? pausedUntil
  }

  private mutating func forget() {
    let number = number
    self = TemplateDriver()
    self.number = number
  }

  // MARK: - Questions

  /// Begins to do something; what was being done is left. The instrument takes a question at any time, so a stop never waits.
  mutating func work(
    on steps: [TemplateQuestion], for purpose: Purpose, _ now: HostInstant, _ outputs: inout DriverOutputs
  ) {
    self.steps = steps
    self.purpose = purpose
    place = 0
    goOn(now, &outputs)
  }

  /// Asks what is next.
  mutating func goOn(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    if place < steps.count { ask(steps[place], now, &outputs) } else { finished(now, &outputs) }
  }

  mutating func ask(_ question: TemplateQuestion, _ now: HostInstant, _ outputs: inout DriverOutputs) {
    if question == .on { noteClosing(now, &outputs) }
    if case .lease = question { course?.leaseAskedAt = now }
    number = (number + 1) % 100
    pausedUntil = nil
    pending = Pending(question: question, number: number, deadline: now + Self.patience)
    TemplateLine.append(question, number: number, to: &outputs.writes)
  }

  // MARK: - Answers

  private mutating func receive(_ bytes: UnsafeRawBufferPointer, _ now: HostInstant, _ outputs: inout DriverOutputs) {
    var offset = 0
    while true {
      switch framer.next(in: bytes, at: &offset) {
      case .none: return
      case .overlong: damagedMessages += 1
      case .line(let range): take(TemplateAnswer(UnsafeRawBufferPointer(rebasing: bytes[range])), now, &outputs)
      case .assembled:
        var line: [UInt8] = []
        framer.exchangeAssembled(&line)
        let answer = line.withUnsafeBytes { TemplateAnswer($0) }
        framer.exchangeAssembled(&line)
        take(answer, now, &outputs)
      }
    }
  }

  /// What answers no open question is late, doubled or somebody else's, and says nothing.
  private mutating func take(_ answer: TemplateAnswer?, _ now: HostInstant, _ outputs: inout DriverOutputs) {
    guard let answer else {
      damagedMessages += 1
      return
    }
    guard let asked = pending, asked.number == answer.number else { return }
    switch (answer.content, asked.question) {
    case (.refused(let error), let question):
      pending = nil
      refused(question, error, now, &outputs)
    case (.identity(let model, let firmware, let serial), .identity):
      pending = nil
      introduce(model, firmware, serial, &outputs)
    case (.measured(let measurement), .measure):
      pending = nil
      measured(measurement, now, &outputs)
    case (.done, .off), (.done, .on), (.done, .range), (.done, .current), (.done, .voltage), (.done, .lease):
      pending = nil
      done(asked.question, now, &outputs)
    case (.done, _), (.identity, _), (.measured, _): return
    }
    misses = 0
    hasToldTimeout = false
  }

  /// Who is there is said when the circuit is confirmed to be open, and not before.
  private mutating func introduce(
    _ model: String, _ firmware: String, _ serial: String, _ outputs: inout DriverOutputs
  ) {
    guard let capabilities = Self.capabilities(ofModel: model) else {
      purpose = .nothing
      let fault = Fault(.linkIdentity, "it says that it is `\(model)`; the driver knows \(Self.modelName)")
      return outputs.events.append(.fault(channel: nil, fault))
    }
    purpose = .idle
    outputs.events.append(
      .identified(
        InstrumentIdentity(
          family: Self.descriptor.family, model: model, serial: serial, firmware: firmware, capabilities: capabilities)
      ))
    outputs.events.append(.circuit(channel: 0, .openConfirmed))
  }

  private mutating func refused(
    _ question: TemplateQuestion, _ error: Int64, _ now: HostInstant, _ outputs: inout DriverOutputs
  ) {
    // Whatever it says to a stop: what is measured next decides.
    if question == .off { return done(question, now, &outputs) }
    let words = "the instrument refuses `\(question.words.word)` with its error \(error)"
    switch purpose {
    case .nothing, .idle: return
    case .opening:
      purpose = .nothing
      outputs.events.append(.fault(channel: nil, Fault(.linkIdentity, words)))
    case .starting, .running: end(.failed(Fault(.instrumentRefused, words)), now, &outputs)
    case .stopping: stuck(words, now, &outputs)
    }
  }

  // MARK: - No answer

  /// Time passed.
  private mutating func wait(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    if let pending, now >= pending.deadline { return missed(pending.question, now, &outputs) }
    guard pending == nil, let pausedUntil, now >= pausedUntil else { return }
    if purpose == .running { poll(now, &outputs) } else { goOn(now, &outputs) }
  }

  private mutating func missed(_ question: TemplateQuestion, _ now: HostInstant, _ outputs: inout DriverOutputs) {
    misses += 1
    if question == .off { course?.hasLostMark = true }
    if misses >= Self.tolerableMisses { return giveUp(now, &outputs) }
    // Everything may be said twice but this: whether a current flows would not be known.
    if question == .on {
      let fault = Fault(.linkTimeout, "`ON` was not answered: whether a current flows is not known")
      return end(.failed(fault), now, &outputs)
    }
    ask(question, now, &outputs)
  }

  /// Nobody answers. What can still be done is done, again and again: to stop.
  private mutating func giveUp(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    misses = 0
    let fault = Fault(.linkTimeout, "\(Self.tolerableMisses) questions in a row were not answered")
    if !hasToldTimeout {
      hasToldTimeout = true
      outputs.events.append(.circuit(channel: 0, .unknown))
      outputs.events.append(.fault(channel: nil, fault))
    }
    switch purpose {
    case .nothing, .idle: return
    case .opening, .stopping: work(on: steps, for: purpose, now, &outputs)
    case .starting, .running: end(.failed(fault), now, &outputs)
    }
  }
}
