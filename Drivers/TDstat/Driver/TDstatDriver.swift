// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The host's side of a TDstatv3 or MYSTAT: a potentiostat and galvanostat that does one thing for each packet and answers with
// one packet. It keeps a current or a voltage for as long as it has power, and knows no limit, no clock and no host. So bounds
// and cut-offs are judged here at each conversion, a hold behind a current is begun here, and whatever was acknowledged is
// believed when it is measured.
//
// One question is under way at a time, and each goes out alone, because the firmware takes what comes together for one command.

public import CyclerModel
public import InstrumentKit
import Quantities

/// Dobbelaere's TDstatv3 and the MYSTAT; their packets are in Drivers/TDstat/README.md. Tried on no instrument yet.
public struct TDstatDriver: InstrumentDriver {
  /// It is no serial line and has no speed; the number is for a line that stands in for it.
  public static let descriptor = InstrumentDescriptor(
    family: "tdstat", baudRate: 115_200, bulk: BulkPipes(interface: 0, outEndpoint: 0x01, inEndpoint: 0x81),
    matches: [MatchRule(vendorID: "a0a0", productID: "0002", isWholeDevice: true)], maturity: .emulatedOnly)

  /// Of `TDstatv3` or `MYSTAT`.
  public static func capabilities(ofModel name: String) -> InstrumentCapabilities? {
    TDstatModel(rawValue: name)?.capabilities
  }

  /// One packet: `CELL OFF`.
  public static let safeStopBytes = [UInt8]("CELL OFF".utf8)

  /// How long an answer may take; the slowest in use takes 10 ms.
  static let patience = TimeSpan(milliseconds: 300)
  /// A stop does not wait longer for the answer to something else.
  static let stopPatience = TimeSpan(milliseconds: 50)
  /// Unanswered so often in a row, the instrument is taken for gone.
  static let tolerableMisses = 3
  /// At the opening it may say so often that it does not know a command, and is asked again.
  static let tolerableRefusals = 3
  /// Between a conversion that was read, with which the next one begins, and its reading. A conversion takes 80 ms.
  static let conversionTime = TimeSpan(milliseconds: 90)
  /// Until it is asked once more after `WAIT`.
  static let waitTime = TimeSpan(milliseconds: 10)
  /// So long after the last conversion there are none any more.
  static let conversionPatience = TimeSpan(seconds: 1)
  /// What the output's converter is given before the cell is connected, as by the makers' clients.
  static let settleTime = TimeSpan(milliseconds: 100)
  /// What the control loop is given before a conversion begins that counts.
  static let loopTime = TimeSpan(milliseconds: 10)
  /// Until an instrument that did not do what it should is told again.
  static let retryTime = TimeSpan(seconds: 1)
  /// What is kept is read so often, until two answers agree.
  static let memoryAttempts = 6

  /// What is being done.
  enum Purpose: Sendable, Hashable {
    /// Nobody uses the cell.
    case none
    /// The cell is disconnected, and then asked who is there.
    case opening
    /// That it is disconnected shall be said.
    case confirming
    /// A set-point is prepared; the cell is being connected; it runs.
    case arming, closing, running
    /// The voltage of a current is reached: the cell is disconnected, to be held next.
    case handingOver
    /// The end of a set-point, or that it was not taken.
    case ending(SetpointEnd), refusing(Fault)
  }

  /// A question that is not answered yet.
  struct Pending: Sendable, Hashable {
    var question: Question
    var deadline: HostInstant
    /// Nobody wants its answer any more; the line still waits for it.
    var isAbandoned = false
  }

  /// What a conversion says.
  struct Measured: Sendable, Hashable {
    var voltage: Voltage?
    var current: Current?
  }

  var isOpen = false
  var isUndrivable = false
  var identity: InstrumentIdentity?
  var model = TDstatModel.tdstatv3
  var calibration = StoredCalibration()
  /// The range that is selected; the largest, which wakes up with it.
  var range = TDstatModel.tdstatv3.ranges[0]
  var purpose = Purpose.none
  /// What is still to be done; the one at `place` is under way.
  var steps: [Step] = []
  var place = 0
  var pending: Pending?
  var pausedUntil: HostInstant?
  /// Conversions that began too early to count.
  var discard = 0
  /// When one was read last, and with that the next one began; nil before the first.
  var conversionBeganAt: HostInstant?
  /// Since when converters are waited for.
  var waitsSince = HostInstant(microseconds: 0)
  var looked = Measured()
  var misses = 0
  var refusals = 0
  var hasToldTimeout = false
  var hasToldStuck = false
  var memory: AnswerBytes?
  var memoryAttempt = 0
  var course: SetpointCourse?
  private var assembler = AnswerAssembler()

  /// Packets, and pieces of packets, that have no answer's form, since the port was opened.
  public var damagedMessages: Int { unasked + assembler.damaged }
  /// Those that came while nothing was asked.
  private var unasked = 0

  /// A driver that has seen nothing yet.
  public init() {}

  var scale: ConverterScale { ConverterScale(model: model, calibration: calibration) }

  /// Takes one input; see `InstrumentDriver`.
  public mutating func handle(_ input: DriverInput, at now: HostInstant, into outputs: inout DriverOutputs) {
    switch input {
    case .opened:
      self = TDstatDriver()
      isOpen = true
      begin(Step.open, for: .opening, now, &outputs)
    case .bytes(let bytes): if isOpen { receive(bytes, now, &outputs) }
    case .tick: if isOpen { wait(now, &outputs) }
    case .command(let channel, let command): obey(command, channel: channel, now, &outputs)
    case .lost:
      let wasOpen = isOpen
      self = TDstatDriver()
      if wasOpen { outputs.events.append(.circuit(channel: 0, .unknown)) }
    }
    outputs.wakeAt = isOpen ? wakeAt : nil
  }

  private var wakeAt: HostInstant? {
    guard let pending else { return pausedUntil }
    return assembler.quietAt.map { min($0, pending.deadline) } ?? pending.deadline
  }

  // MARK: - Questions

  /// Begins to do something; what was being done is left. A question that is on the line is waited for, but not for long.
  mutating func begin(_ steps: [Step], for purpose: Purpose, _ now: HostInstant, _ outputs: inout DriverOutputs) {
    self.steps = steps
    place = 0
    self.purpose = purpose
    pausedUntil = nil
    memory = nil
    memoryAttempt = 0
    guard var asked = pending else { return goOn(now, &outputs) }
    asked.isAbandoned = true
    asked.deadline = min(asked.deadline, now + Self.stopPatience)
    pending = asked
  }

  /// Does the step that is next.
  mutating func goOn(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    pending = nil
    pausedUntil = nil
    guard place < steps.count else { return finished(now, &outputs) }
    switch steps[place] {
    case .ask(let question): send(question, now, &outputs)
    case .pause(let time): pausedUntil = now + time
    case .look(let discarding):
      discard = discarding
      waitsSince = now
      convert(now, &outputs)
    }
  }

  /// Asks for a conversion, at once where the one under way is over.
  private mutating func convert(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    if let conversionBeganAt, now < conversionBeganAt + Self.conversionTime {
      pausedUntil = conversionBeganAt + Self.conversionTime
    } else {
      send(.conversion, now, &outputs)
    }
  }

  /// Sends a packet.
  mutating func send(_ question: Question, _ now: HostInstant, _ outputs: inout DriverOutputs) {
    if question == .cellOn { noteClosing(now, &outputs) }
    pausedUntil = nil
    assembler.reset()
    pending = Pending(question: question, deadline: now + Self.patience)
    question.write(into: &outputs.writes)
  }

  // MARK: - Answers

  private mutating func receive(_ bytes: UnsafeRawBufferPointer, _ now: HostInstant, _ outputs: inout DriverOutputs) {
    guard !bytes.isEmpty else { return }
    guard let pending else {
      // A conversion may be late; while a set-point runs nothing else is.
      let answer = AnswerBytes(bytes)?.answer(.acknowledgement)
      if answer == .acknowledged { return takeUnasked(now, &outputs) }
      if answer == nil { unasked += 1 }
      return
    }
    guard let answer = assembler.take(bytes, pending.question.expected, at: now) else { return }
    if answer.fits(pending.question.expected) {
      take(answer, to: pending, now, &outputs)
    } else {
      takeUnasked(now, &outputs)
    }
  }

  /// `OK` where a conversion or nothing should be, or a conversion where `OK` should. It may be late, of what was given up;
  /// while a cell is connected nothing was, so that answers are out of step, and no conversion's moment is known.
  private mutating func takeUnasked(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    switch purpose {
    case .none, .opening, .confirming, .arming, .handingOver, .ending, .refusing: return
    case .closing, .running:
      pending = nil
      fail(
        Fault(.linkGarbage, "an answer came to something that was not asked: the instrument's answers are out of step"),
        now, &outputs)
    }
  }

  /// Time passed.
  private mutating func wait(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    if let pending {
      if let quietAt = assembler.quietAt, now >= quietAt {
        if let answer = assembler.settle(pending.question.expected) { return take(answer, to: pending, now, &outputs) }
      }
      if now >= pending.deadline { missed(pending, now, &outputs) }
    } else if let pausedUntil, now >= pausedUntil {
      resume(now, &outputs)
    }
  }

  private mutating func take(
    _ answer: Answer, to asked: Pending, _ now: HostInstant, _ outputs: inout DriverOutputs
  ) {
    pending = nil
    misses = 0
    hasToldTimeout = false
    if asked.isAbandoned { return goOn(now, &outputs) }
    answered(answer, asked.question, now, &outputs)
  }
}
