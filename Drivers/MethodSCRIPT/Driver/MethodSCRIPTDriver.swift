// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The host's side of the MethodSCRIPT instruments. It keeps one conversation at a time: make the instrument safe,
// ask who it is, then one script a set-point. Every road that ends a set-point leads through a confirmation that the
// cell is disconnected: the script's own last message, or a script that does nothing but disconnect.
//
// It does not judge readings; it passes them on with what the instrument said of their quality.

public import CyclerModel
public import InstrumentKit
import Quantities

/// PalmSens EmStat4, Nexus and EmStat Pico over a serial line, in the language MethodSCRIPT.
///
/// Written from the maker's published examples; no part was tried on an instrument by us.
public struct MethodSCRIPTDriver: InstrumentDriver {
  /// Recognised by product string: the maker's vendor and product numbers are not published. The speed is that of the
  /// EmStat Pico's serial adapter; the others are USB-CDC devices and ignore it.
  public static let descriptor = InstrumentDescriptor(
    family: "methodscript", baudRate: 230_400,
    matches: [
      MatchRule(productPrefix: "EmStat4", excludedProductPrefix: "EmStat4 Bootloader"),
      MatchRule(productPrefix: "Nexus"),
      MatchRule(productPrefix: "ESPicoDev"),
    ],
    maturity: .emulatedOnly)

  /// By the names of `MethodSCRIPTModel`.
  public static func capabilities(ofModel name: String) -> InstrumentCapabilities? {
    MethodSCRIPTModel.allCases.first { $0.name == name }?.capabilities
  }

  /// Aborts a running script, whose last act is to disconnect the cell, and runs one that does nothing else.
  ///
  /// An instrument at which nothing runs answers the abort with an error and is deaf for some 50 ms; who has the time
  /// should write these bytes twice, 100 ms apart or more.
  public static var safeStopBytes: [UInt8] { Array("\nZ\n\n\(cellOffScript)".utf8) }

  /// The longest answer that the maker's own software takes, in bytes.
  static let maximumLineLength = 1_000

  /// Lines that could not be what they should be, since the port was opened.
  public internal(set) var garbageLines = 0

  /// A driver that has seen nothing yet.
  public init() {}

  // MARK: State

  /// What the driver waits for.
  enum Stage: Sendable, Hashable {
    /// Nothing; there is no port.
    case portClosed
    /// The answer to `Z`.
    case aborting
    /// The end of the script that was aborted.
    case draining
    /// The `e` of the script that disconnects.
    case cellOffSent
    /// The end of that script.
    case cellOffRunning
    /// Two lines of firmware.
    case askingFirmware
    /// The serial number.
    case askingSerial
    /// The version of the language.
    case askingScriptVersion
    /// Nothing: an instrument that we cannot use.
    case undrivable
    /// A command.
    case idle
    /// The `e` of a set-point's script.
    case uploading
    /// Readings.
    case running
    /// The end of the time in which the instrument is deaf after an error.
    case quiet(Next)
  }

  /// What comes after a quiet time.
  enum Next: Sendable, Hashable {
    case abort, cellOff, idle, upload
  }

  /// Why the instrument is being made safe.
  enum Purpose: Sendable, Hashable {
    /// To be asked who it is.
    case opening
    /// To say that the circuit is open.
    case confirming
    /// To end the set-point with this, unless its script says better.
    case ending(SetpointEnd)
  }

  /// What is known of the set-point under way; trivial, because it is touched with every reading.
  struct Progress: Sendable {
    var isActive = false
    var isDriven = false
    var hasBegun = false
    var isClosed = false
    var lease: Int64 = 0
    var interval: Int64 = 0
    var silence: Int64 = 0
    /// The first reading's time in the present measuring loop; -1 before there is one.
    var leaseBegan: Int64 = -1
    /// The time of the reading at which the lease was last asked to be renewed; -1 when not in this loop.
    var renewalAsked: Int64 = -1
    var lastTime: Int64 = -1
    var lastReading: Reading?
    var finalReason: Int64?
  }

  /// A set-point of an earlier connection, found at opening.
  struct Orphan: Sendable {
    var token: SetpointToken
    var isDriven: Bool
    var lastReading: Reading?
    var openedAt: TimeSpan?
    var end: SetpointEnd?
  }

  var stage = Stage.portClosed
  var purpose = Purpose.opening
  var framer = LineFramer(maximumLength: Self.maximumLineLength)
  var now = HostInstant(microseconds: 0)
  var deadline: HostInstant?
  var misses = 0
  var timeoutWasSaid = false
  var lastGarbageFault: HostInstant?
  var firmware = ""
  var serial = ""
  var model: MethodSCRIPTModel?
  var isIdentified = false
  var setpoint: Setpoint?
  /// Asked for while the circuit is being confirmed to be open: a wish for that crossed the end of a script on the line.
  var waiting: Setpoint?
  var script = ""
  var progress = Progress()
  /// A renewal was written and nothing has answered it. When its loop had just ended, the answer is an error after
  /// which the instrument is deaf, so no script may be sent before it has come.
  var renewalIsUnanswered = false
  var orphan: Orphan?

  // MARK: Inputs

  /// Takes one input; see `InstrumentDriver`.
  public mutating func handle(_ input: DriverInput, at now: HostInstant, into outputs: inout DriverOutputs) {
    self.now = now
    switch input {
    case .opened:
      open(into: &outputs)
    case .bytes(let bytes):
      receive(bytes, into: &outputs)
    case .tick:
      break
    case .command(let channel, let command):
      obey(command, channel: channel, into: &outputs)
    case .lost:
      lose(into: &outputs)
    }
    if let deadline, deadline <= now { miss(into: &outputs) }
    outputs.wakeAt = deadline
  }

  private mutating func open(into outputs: inout DriverOutputs) {
    let moment = now
    self = MethodSCRIPTDriver()
    now = moment
    startAbort(.opening, into: &outputs)
  }

  private mutating func lose(into outputs: inout DriverOutputs) {
    let wasIdentified = isIdentified
    self = MethodSCRIPTDriver()
    if wasIdentified { outputs.events.append(.circuit(channel: 0, .unknown)) }
  }

  private mutating func receive(_ bytes: UnsafeRawBufferPointer, into outputs: inout DriverOutputs) {
    guard stage != .portClosed else { return }
    var offset = 0
    while true {
      switch framer.next(in: bytes, at: &offset) {
      case .line(let range):
        handleLine(UnsafeRawBufferPointer(rebasing: bytes[range]), into: &outputs)
      case .assembled:
        var line: [UInt8] = []
        framer.exchangeAssembled(&line)
        line.withUnsafeBytes { handleLine($0, into: &outputs) }
        framer.exchangeAssembled(&line)
      case .overlong:
        noteGarbage("a line of more than \(Self.maximumLineLength) bytes", into: &outputs)
      case .none:
        return
      }
    }
  }

  // MARK: Commands

  private mutating func obey(_ command: ChannelCommand, channel: Int, into outputs: inout DriverOutputs) {
    switch command {
    case .begin(let setpoint):
      begin(setpoint, channel: channel, into: &outputs)
    case .openCircuit:
      openCircuit(into: &outputs)
    }
  }

  private mutating func begin(_ setpoint: Setpoint, channel: Int, into outputs: inout DriverOutputs) {
    if isIdentified, channel == 0, isConfirming, waiting == nil {
      waiting = setpoint
      return
    }
    guard let model, channel == 0, stage == .idle || stage == .quiet(.idle) else {
      let detail =
        channel == 0
        ? "the instrument is not idle; wait until it is identified and its set-point ended"
        : "there is no channel \(channel), only 0"
      outputs.events.append(
        .refused(channel: channel, setpoint.token, Fault(.instrumentRefused, detail)))
      return
    }
    let check = SetpointCheck(capabilities: model.capabilities, modelName: model.name)
    if let fault = check.refusal(of: setpoint) {
      outputs.events.append(.refused(channel: 0, setpoint.token, fault))
      return
    }
    let script = StepScript(setpoint, capabilities: model.capabilities)
    self.setpoint = setpoint
    self.script = script.text
    progress = Progress()
    progress.isActive = true
    progress.isDriven = setpoint.mode != .openCircuit
    progress.lease = setpoint.lease.microseconds
    progress.interval = script.interval.microseconds
    progress.silence = script.interval.microseconds + Deadline.readingGrace
    if stage == .idle { upload(into: &outputs) } else { stage = .quiet(.upload) }
  }

  /// Nothing is under way but the confirmation of an open circuit.
  private var isConfirming: Bool {
    guard purpose == .confirming else { return false }
    switch stage {
    case .aborting, .draining, .cellOffSent, .cellOffRunning, .quiet(.abort), .quiet(.cellOff): return true
    case .portClosed, .askingFirmware, .askingSerial, .askingScriptVersion, .undrivable, .idle, .uploading, .running,
      .quiet(.idle), .quiet(.upload):
      return false
    }
  }

  /// Begins what waited for the confirmation.
  mutating func beginWaiting(into outputs: inout DriverOutputs) {
    guard let setpoint = waiting else { return }
    waiting = nil
    begin(setpoint, channel: 0, into: &outputs)
  }

  mutating func upload(into outputs: inout DriverOutputs) {
    outputs.writes.append(contentsOf: script.utf8)
    wait(.uploading, Deadline.upload)
  }

  private mutating func openCircuit(into outputs: inout DriverOutputs) {
    switch stage {
    case .portClosed:
      outputs.events.append(.circuit(channel: 0, .unknown))
    case .idle:
      startCellOff(.confirming, into: &outputs)
    case .quiet(.idle):
      purpose = .confirming
      stage = .quiet(.cellOff)
    case .quiet(.upload):
      // Not a byte of the script was sent.
      purpose = .ending(.requested)
      stage = .quiet(.cellOff)
    case .uploading, .running:
      startAbort(.ending(.requested), into: &outputs)
    case .undrivable:
      startAbort(.confirming, into: &outputs)
    case .aborting, .draining, .cellOffSent, .cellOffRunning, .quiet(.abort), .quiet(.cellOff), .askingFirmware,
      .askingSerial, .askingScriptVersion:
      // Already on the way, and the answer comes at its end. What waited for that has not begun and will not.
      guard let waiting else { break }
      self.waiting = nil
      setpoint = waiting
      progress = Progress()
      purpose = .ending(.requested)
    }
  }

  // MARK: Waiting

  /// How long the instrument may take, in microseconds.
  enum Deadline {
    /// To answer `Z`, to run `cell_off`, to say who it is.
    static let answer: Int64 = 500_000
    /// To end a script after `Z`.
    static let drain: Int64 = 2_000_000
    /// To take the script that disconnects: short, because an instrument that is deaf after an error needs it again.
    static let cellOff: Int64 = 200_000
    /// To take and check a script.
    static let upload: Int64 = 2_000_000
    /// For a reading, beyond its interval.
    static let readingGrace: Int64 = 1_000_000
    /// Between attempts after it was said that the instrument is silent.
    static let silentRetry: Int64 = 2_000_000
    /// The instrument is deaf for 50 ms after an error; the maker's own software waits twice that.
    static let quiet: Int64 = 100_000
    /// Exchanges without an answer until the link counts as dead.
    static let misses = 3
  }

  mutating func wait(_ stage: Stage, _ microseconds: Int64) {
    self.stage = stage
    let isSilent = timeoutWasSaid && microseconds < Deadline.silentRetry
    deadline = HostInstant(microseconds: now.microseconds + (isSilent ? Deadline.silentRetry : microseconds))
  }

  mutating func rest(_ stage: Stage) {
    self.stage = stage
    deadline = nil
    misses = 0
    timeoutWasSaid = false
  }

  mutating func waitQuietly(_ next: Next) {
    stage = .quiet(next)
    deadline = HostInstant(microseconds: now.microseconds + Deadline.quiet)
  }

  private mutating func miss(into outputs: inout DriverOutputs) {
    deadline = nil
    if case .quiet(let next) = stage { return endQuiet(next, into: &outputs) }
    misses += 1
    if misses >= Deadline.misses, !timeoutWasSaid {
      timeoutWasSaid = true
      outputs.events.append(.fault(channel: nil, silence))
    }
    switch stage {
    case .portClosed, .idle, .undrivable, .quiet:
      break
    case .aborting, .draining:
      retryAbort(into: &outputs)
    case .cellOffSent where misses < Deadline.misses, .cellOffRunning where misses < Deadline.misses:
      startCellOff(purpose, into: &outputs)
    case .cellOffSent, .cellOffRunning:
      retryAbort(into: &outputs)
    case .askingFirmware where misses < Deadline.misses:
      firmware = ""
      ask("t", .askingFirmware, into: &outputs)
    case .askingSerial where misses < Deadline.misses:
      ask("i", .askingSerial, into: &outputs)
    case .askingScriptVersion where misses < Deadline.misses:
      ask("v", .askingScriptVersion, into: &outputs)
    case .askingFirmware, .askingSerial, .askingScriptVersion:
      // Whatever confuses it, a fresh start finds out.
      startAbort(.opening, into: &outputs)
    case .uploading:
      misses = 0
      startAbort(.ending(.failed(silence)), into: &outputs)
    case .running:
      if timeoutWasSaid { startAbort(.ending(.failed(silence)), into: &outputs) } else { awaitReading() }
    }
  }

  private mutating func endQuiet(_ next: Next, into outputs: inout DriverOutputs) {
    switch next {
    case .abort: retryAbort(into: &outputs)
    case .cellOff: startCellOff(purpose, into: &outputs)
    case .idle: rest(.idle)
    case .upload: upload(into: &outputs)
    }
  }

  /// Another reading, or anything else that the script says, is due.
  @inline(__always)
  mutating func awaitReading() {
    deadline = HostInstant(microseconds: now.microseconds + progress.silence)
  }

  private var silence: Fault {
    Fault(
      .linkTimeout,
      "the instrument did not answer \(Deadline.misses) times in a row; trying on to disconnect the cell")
  }
}
