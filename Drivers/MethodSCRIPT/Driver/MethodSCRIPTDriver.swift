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
  public internal(set) var damagedMessages = 0

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
    /// The `e` of the script that measures whether a current flows.
    case proofSent
    /// The end of that script.
    case proofRunning
    /// Two lines of firmware.
    case askingFirmware
    /// The serial number.
    case askingSerial
    /// The version of the language.
    case askingScriptVersion
    /// The mask of the commands that it knows and is licensed for.
    case askingFeatures
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
    /// The answers to what was still on the line when a script ended; see `unansweredCommands`.
    case catchingUp
    /// The serial number, asked for once more: its answer comes after all answers to what was written before.
    case askingWhetherIdle
  }

  /// What comes after a quiet time.
  enum Next: Sendable, Hashable {
    case abort, cellOff, proof, idle, upload, question
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
    /// When the circuit was opened last, on the set-point's clock; -1 before.
    var openedAt: Int64 = -1
    var lease: Int64 = 0
    /// How long after its begin a lease is renewed: a third of it; before a point of a spectrum at once.
    var renewsAfter: Int64 = 0
    /// The longest that a point of a spectrum may last, over which nothing is said; 0 in other scripts.
    var longestPoint: Int64 = 0
    var interval: Int64 = 0
    var silence: Int64 = 0
    /// Whether the script says when a lease begins: its measuring loops end for other reasons too.
    var saysLeases = false
    /// The first reading's time in the present measuring loop, or when the script said that its lease began; -1 before.
    var leaseBegan: Int64 = -1
    /// The time of the reading at which the lease was last asked to be renewed; -1 when not in this lease.
    var renewalAsked: Int64 = -1
    /// Whether the lease was asked for in what is being read now.
    var hasJustAsked = false
    var lastTime: Int64 = -1
    var lastReading: Reading?
    var finalReason: Int64?
    /// Whether the script holds or sweeps a voltage, and so sends the one that is applied.
    var setsVoltage = false
    /// What is stated of the error of a voltage, so that it need not be looked up with every reading.
    var voltageErrorPartsPerMillion: Int64 = 0
    var voltageOffsetError = Voltage.zero
    /// Readings in a row whose voltage is not the one that is applied.
    var astray: Int32 = 0
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
  var scriptVersion = ""
  var model: MethodSCRIPTModel?
  /// What the model can do, less the options that this instrument does not have.
  var capabilities: InstrumentCapabilities?
  var isIdentified = false
  var setpoint: Setpoint?
  /// Asked for while the circuit is being confirmed to be open: a wish for that crossed the end of a script on the line.
  var waiting: Setpoint?
  var script = ""
  var progress = Progress()
  /// How the set-point's last reading was written.
  var layout = ReadingLayout()
  /// What was written and may be answered at any time still: renewals, aborts, a script that disconnects and was sent
  /// twice. A renewal or an abort that meets no script any more is answered with an error, after which the instrument is
  /// deaf. So no set-point's script is sent before all answers have come: it would be lost, or meet another script.
  var unansweredCommands: Int32 = 0
  /// When an error was last heard while a script ran; the instrument may still be deaf when it ends.
  var errorHeardAt: HostInstant?
  var orphan: Orphan?
  /// The current that was measured after the cell had been disconnected last.
  var proof: PackageVariable?
  /// How often in a row it did not show that no current flows.
  var doubts: Int32 = 0
  /// What was wrong with the set-point under way, whatever its script says of its end.
  var failure: Fault?

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
    progress.hasJustAsked = false
    var offset = 0
    while true {
      if readLikeTheLast(bytes, at: &offset, into: &outputs) { continue }
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
}
