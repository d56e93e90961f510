// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The host's side of a Keithley SourceMeter in SCPI. The instrument keeps a current or a voltage and answers when it is
// asked; everything else is done here: cut-offs, bounds, the open-circuit voltage without which no compliance can be
// chosen, and the proof that a cell is disconnected.
//
// One line is under way at a time. Each begins with a number that the instrument keeps in a register that it does not
// need (`*ESE`) and says in front of its answer, so an answer that comes late, twice or after a restart is never taken
// for the answer to another question. A line whose answer is damaged counts as unanswered and is asked again.
//
// Which command set is spoken is decided by the answer to `*IDN?`; what is sent before stops the output of any model.
// For lines that carry messages (USBTMC) and must know whether an answer comes: all that is written are whole lines; of
// the lines of one call at most one has a question mark in it, and that one is the last and is answered with one line.
// An empty line is there for serial lines only and need not be sent. Another question before the answer is possible:
// a stop waits for nothing, and who was not answered asks again. What the instrument says of that in its queue
// (-410 to -440) is not taken for a fault.

public import CyclerModel
public import InstrumentKit
import Quantities

/// Keithley SourceMeters 2400 (RS-232), 2450 and 2460 (USBTMC, sockets); their lines are in
/// Drivers/KeithleySCPI/README.md. Tried on no instrument yet.
public struct KeithleySCPIDriver: InstrumentDriver {
  /// A 2450 or 2460 has a number of its own on USB. A serial adapter says nothing of what is behind it, and an address neither,
  /// so such a port is named by a person. 9,600 bits per second is what a 2400 leaves the factory with; the others have no
  /// speed.
  public static let descriptor = InstrumentDescriptor(
    family: "keithley_scpi", baudRate: 9_600, carriesMessages: true,
    matches: [
      MatchRule(vendorID: "05e6", productID: "2450", isWholeDevice: true),
      MatchRule(vendorID: "05e6", productID: "2460", isWholeDevice: true),
    ], maturity: .emulatedOnly)

  /// By the names of `KeithleyModel`, such as `2400`.
  public static func capabilities(ofModel name: String) -> InstrumentCapabilities? {
    KeithleyModel(rawValue: name)?.capabilities
  }

  /// Makes "off" mean disconnected, and switches off, in the words of every model. The empty line ends half a command.
  public static var safeStopBytes: [UInt8] { Array(ScpiDialect.prelude.utf8) }

  /// The longest line that is taken for an answer.
  static let maximumLineLength = 250
  /// How long an answer may take: at a 2400, 160 bytes both ways at 9,600 bits per second, and a measurement of 0.1 s.
  static let patience = TimeSpan(milliseconds: 900)
  /// Unanswered so often in a row, the instrument is taken for gone.
  static let tolerableMisses = 3
  /// The instrument writes its clock with seven digits; after so long it is set to zero anew, for milliseconds to
  /// count.
  static let clockPeriod = TimeSpan(seconds: 9_000)

  /// Lines that answered no question, since the port was opened.
  public internal(set) var damagedMessages = 0

  /// So often an instrument that nobody uses is disconnected anew: one that lost its power meanwhile holds 0 V across
  /// the cell as soon as it wakes up.
  static let watchPeriod = TimeSpan(seconds: 5)

  /// A line that the instrument must answer.
  enum Question: Sendable, Hashable {
    /// Disconnect, and prove it.
    case safe
    /// Who are you? With the answer that came before, because a digit could have been lost. What stops any model comes
    /// before it.
    case identity(String?)
    /// Which of its command sets does it speak?
    case language
    /// The same, alone and without a number, for one that speaks TSP and understands nothing else.
    case languageAlone
    /// A line of the present set-up.
    case setup
    /// The next entry of the error queue, which began with this; or with a silence, of which the queue may tell more.
    case errors(Fault, isExplained: Bool)
    /// Switch on; the instrument's clock begins anew at the first time of a set-point.
    case close
    /// Whether it did switch on.
    case checkClosed
    /// Measure; the clock begins anew where it is told so.
    case measure(restartsClock: Bool)
  }

  /// A question under way.
  struct Pending: Sendable, Hashable {
    var question: Question
    var number: Int
    var deadline: HostInstant
    var sentAt: HostInstant
  }

  /// What comes after the proof that the cell is disconnected.
  enum Purpose: Sendable, Hashable {
    /// To be set up for the first time.
    case opening
    /// To say so.
    case confirming
    /// Nothing: nobody uses the cell, and it is looked whether it still is disconnected.
    case watching
    /// The set-point's own lines.
    case arming
    /// To hold this voltage instead of a current.
    case handingOver(Voltage)
    /// The end of the set-point.
    case ending(SetpointEnd)
    /// It was not taken.
    case refusing(Fault)
  }

  /// What is being done with the cell.
  enum Phase: Sendable, Hashable {
    /// The lines after identification.
    case opening
    /// Zero current, to know the open-circuit voltage.
    case findingOpenVoltage
    /// The set-point itself, or a rest.
    case driving
    /// The voltage after a current.
    case handingOver(Voltage)
  }

  /// A set-point under way.
  struct Active: Sendable {
    var plan: SourcePlan
    var hosted: HostedSetpoint
    var hasBegun = false
    var isClosed = false
    /// What the instrument itself will hold, while it drives a current.
    var ownHold: Voltage?
    /// What the instrument was told to source.
    var sourced = ScpiDialect.Sourced.current
    /// The set-point's time at the instrument's zero.
    var offset = TimeSpan.zero
    /// The last known moment, on both clocks.
    var lastTime = TimeSpan.zero
    var lastHost = HostInstant(microseconds: 0)
    var nextMeasurement = HostInstant(microseconds: 0)
    /// Whether a line that changes the circuit or the clock was sent more than once, so that its moment is not known.
    var momentIsLost = false
    /// Whether a line that sets the clock to zero was sent and not answered.
    var clockIsLost = false

    var token: SetpointToken { plan.setpoint.token }
    var isRest: Bool { plan.setpoint.mode == .openCircuit }

    /// Where the set-point's time stands by the host's clock.
    func expectedTime(_ now: HostInstant) -> TimeSpan { lastTime + (now - lastHost) }

    /// A time of the instrument's clock, if the host's does not contradict it: it is not before the last known moment,
    /// and no more than the line's delay after what the host expects. A power cut sets the instrument's to zero.
    func plausible(_ time: TimeSpan, _ now: HostInstant) -> TimeSpan? {
      let expected = expectedTime(now)
      let tolerance = KeithleySCPIDriver.patience + (expected - lastTime) / 100
      return time >= lastTime && time <= expected + tolerance ? time : nil
    }
  }

  var isOpen = false
  var model: KeithleyModel?
  var identity: InstrumentIdentity?
  var isUndrivable = false
  /// How it is spoken to; until it is known who is there, as the oldest model.
  var dialect = ScpiDialect.series2400
  /// Whether it understands no SCPI at all, so that nothing can be asked of it.
  var speaksTSP = false
  var pending: Pending?
  var purpose = Purpose.opening
  var phase = Phase.opening
  var lines: [SetupLine] = []
  /// The lines that follow once the cell is disconnected.
  var armed: [SetupLine] = []
  /// Whether the line that switches on was sent twice.
  var closeWasRepeated = false
  var misses = 0
  var setupRepeats = 0
  var active: Active?
  /// When an unused instrument is looked after next.
  var watchAt: HostInstant?
  private var lastNumber = Self.numbers.upperBound
  private var framer = LineFramer(maximumLength: Self.maximumLineLength)

  /// Three digits each, so that a lost one is seen; the register holds eight bits.
  static let numbers = 100...255

  /// A driver that has seen nothing yet.
  public init() {}

  /// Takes one input; see `InstrumentDriver`.
  public mutating func handle(_ input: DriverInput, at now: HostInstant, into outputs: inout DriverOutputs) {
    switch input {
    case .opened:
      self = KeithleySCPIDriver()
      isOpen = true
      disconnect(.opening, now, &outputs)
    case .bytes(let bytes): if isOpen { receive(bytes, now, &outputs) }
    case .tick: if isOpen { wait(now, &outputs) }
    case .command(let channel, let command): obey(command, channel: channel, now, &outputs)
    case .lost:
      let wasOpen = isOpen
      self = KeithleySCPIDriver()
      if wasOpen { outputs.events.append(.circuit(channel: 0, .unknown)) }
    }
    if isOpen, active == nil, pending == nil, !speaksTSP {
      watchAt = watchAt ?? now + Self.watchPeriod
    } else {
      watchAt = nil
    }
    outputs.wakeAt = isOpen ? wakeAt : nil
  }

  private var wakeAt: HostInstant? {
    pending?.deadline ?? (isMeasuring ? active?.nextMeasurement : nil) ?? watchAt
  }

  /// Whether nothing is under way but measurements.
  var isMeasuring: Bool { phase == .driving && active?.isClosed == true }

  // MARK: - Questions

  /// Sends a question under a number of its own.
  mutating func ask(_ question: Question, _ now: HostInstant, _ outputs: inout DriverOutputs) {
    lastNumber = lastNumber >= Self.numbers.upperBound ? Self.numbers.lowerBound : lastNumber + 1
    pending = Pending(question: question, number: lastNumber, deadline: now + Self.patience, sentAt: now)
    switch question {
    case .safe: if dialect == .series2400 { outputs.writes.append(UInt8(ascii: "\n")) }
    case .identity: outputs.writes.append(contentsOf: ScpiDialect.prelude.utf8)
    case .language, .languageAlone, .setup, .errors, .close, .checkClosed, .measure: break
    }
    if question != .languageAlone {
      outputs.writes.append(contentsOf: "*ESE ".utf8)
      writeNumber(&outputs)
      outputs.writes.append(contentsOf: ";*ESE?;".utf8)
    }
    write(question, &outputs)
    outputs.writes.append(UInt8(ascii: "\n"))
  }

  private func writeNumber(_ outputs: inout DriverOutputs) {
    for digit in [lastNumber / 100, lastNumber / 10 % 10, lastNumber % 10] {
      outputs.writes.append(UInt8(ascii: "0") + UInt8(digit))
    }
  }

  private func write(_ question: Question, _ outputs: inout DriverOutputs) {
    switch question {
    case .safe: outputs.writes.append(contentsOf: dialect.safeLine.utf8)
    case .identity: outputs.writes.append(contentsOf: "*IDN?".utf8)
    case .language, .languageAlone: outputs.writes.append(contentsOf: "*LANG?".utf8)
    case .setup:
      outputs.writes.append(contentsOf: (lines.first?.text ?? "").utf8)
      outputs.writes.append(contentsOf: ";:SYST:ERR?".utf8)
    case .errors: outputs.writes.append(contentsOf: ":SYST:ERR?".utf8)
    case .close:
      outputs.writes.append(contentsOf: dialect.closeLine(startsClock: active?.hasBegun != true).utf8)
    case .checkClosed: outputs.writes.append(contentsOf: dialect.checkClosedLine.utf8)
    case .measure(let restartsClock):
      if restartsClock { outputs.writes.append(contentsOf: dialect.clockLine.utf8) }
      outputs.writes.append(contentsOf: dialect.measureLine(active?.sourced ?? .current).utf8)
    }
  }

  // MARK: - Lines

  private mutating func receive(_ bytes: UnsafeRawBufferPointer, _ now: HostInstant, _ outputs: inout DriverOutputs) {
    var offset = 0
    while true {
      switch framer.next(in: bytes, at: &offset) {
      case .line(let range): take(UnsafeRawBufferPointer(rebasing: bytes[range]), now, &outputs)
      case .assembled:
        var line: [UInt8] = []
        framer.exchangeAssembled(&line)
        line.withUnsafeBytes { take($0, now, &outputs) }
        framer.exchangeAssembled(&line)
      case .overlong: damagedMessages += 1
      case .none: return
      }
    }
  }
}
