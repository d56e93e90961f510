// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The host's side of a Keithley 2602 in its own language, TSP. At opening a program is loaded that keeps set-points, judges
// them and disconnects the cells by itself (`InstrumentProgram`); the driver begins and stops its calls, passes on what it
// says, and renews its lease.
//
// Questions that are asked without the program, and calls of it, carry a number of three digits that comes back with every
// line of the answer. So a late answer, or one that came twice, is never taken for another.

public import CyclerModel
public import InstrumentKit
import Quantities

/// Keithley 2602, 2602A, 2602B: two channels behind one line; Drivers/KeithleyTSP/README.md. Tried on no instrument yet.
public struct KeithleyTSPDriver: InstrumentDriver {
  /// A serial adapter says nothing of what is behind it, so the port is named by a person. 9,600 bits per second is
  /// what the instrument leaves the factory with.
  public static let descriptor = InstrumentDescriptor(
    family: "keithley_tsp", baudRate: 9_600, matches: [], maturity: .emulatedOnly)

  /// By the names of `SourceMeterModel`, such as `2602B`.
  public static func capabilities(ofModel name: String) -> InstrumentCapabilities? {
    SourceMeterModel(rawValue: name)?.capabilities
  }

  /// Ends a script that is being loaded and one that runs, makes "off" mean disconnected, and switches off.
  public static var safeStopBytes: [UInt8] { Array("\nendscript\nabort\n\(offMessage)\n".utf8) }

  /// Channels of an instrument.
  static let channelCount = 2
  /// Makes "off" mean disconnected, and switches off.
  static let offMessage = ["smua", "smub"].map {
    "\($0).source.offmode=\($0).OUTPUT_HIGH_Z \($0).source.output=\($0).OUTPUT_OFF"
  }.joined(separator: " ")

  /// The longest line that is taken for an answer.
  static let maximumLineLength = 250
  /// How long an answer may take that needs no measurement: 400 bytes at 9,600 bits per second, and the instrument's own
  /// time.
  static let patience = TimeSpan(milliseconds: 900)
  /// How long a set-point may take to begin: its 350 bytes and half a second for the open-circuit voltage.
  static let startPatience = TimeSpan(milliseconds: 2_500)
  /// How long the program may take to be loaded: its 4,900 bytes at 9,600 bits per second, and to be compiled.
  static let loadPatience = TimeSpan(seconds: 12)
  /// Unanswered so often in a row, the instrument is taken for gone.
  static let tolerableMisses = 3
  /// A stop is sent so often before the program is taken for gone.
  static let stopAttempts = 4
  /// The lease is renewed at least so often, so that a program that stopped is noticed.
  static let renewalPeriod = TimeSpan(seconds: 1)
  /// So often an instrument that nobody uses is disconnected anew: one that lost its power meanwhile holds 0 V across
  /// its cells as soon as it wakes up.
  static let watchPeriod = TimeSpan(seconds: 5)

  /// What the link is good for.
  enum Stage: Sendable, Hashable {
    case closed
    /// Both channels are to be confirmed to be off.
    case securing
    /// It is asked who it is; with the answer that came before.
    case identifying(String?)
    /// The program is loaded.
    case loading
    /// The error queue is read to its end; then it is ready, or given up.
    case clearing(Fault?, isUsable: Bool)
    /// Set-points are taken.
    case ready
    /// It is nothing that this driver can drive.
    case refused
  }

  /// A question without the program that is under way.
  struct Question: Sendable, Hashable {
    var number: Int
    var deadline: HostInstant
  }

  var stage = Stage.closed
  var question: Question?
  var misses = 0
  var loads = 0
  /// It was told that the instrument cannot be driven.
  var isUndrivable = false
  var hasToldTimeout = false
  var identity: InstrumentIdentity?
  /// Whether the host was told who it is.
  var hasIdentified = false
  var channels = [TSPChannel](repeating: TSPChannel(), count: channelCount)
  /// When the lease is renewed next; nil while no output is on.
  var renewAt: HostInstant?
  /// Renewals since the program last said anything.
  var unheardRenewals = 0
  /// Whether nothing was heard of the program for so long that it may be gone.
  var isProgramInDoubt = false
  /// When an unused instrument is looked after next.
  var watchAt: HostInstant?
  /// Lines that have the form of none, since the port was opened.
  public internal(set) var damagedMessages = 0
  private var lastNumber = Self.numbers.upperBound
  private var framer = LineFramer(maximumLength: Self.maximumLineLength)

  /// Three digits each, so that a lost one is seen.
  static let numbers = 100...999

  /// A driver that has seen nothing yet.
  public init() {}

  /// Takes one input; see `InstrumentDriver`.
  public mutating func handle(_ input: DriverInput, at now: HostInstant, into outputs: inout DriverOutputs) {
    switch input {
    case .opened:
      self = KeithleyTSPDriver()
      secure(now, &outputs)
    case .bytes(let bytes): if stage != .closed { receive(bytes, now, &outputs) }
    case .tick: if stage != .closed { wait(now, &outputs) }
    case .command(let channel, let command): obey(command, channel: channel, now, &outputs)
    case .lost:
      let wasOpen = stage != .closed
      self = KeithleyTSPDriver()
      if wasOpen { tellCircuits(.unknown, &outputs) }
    }
    pump(now, &outputs)
    if isUnused { watchAt = watchAt ?? now + Self.watchPeriod } else { watchAt = nil }
    outputs.wakeAt = stage == .closed ? nil : wakeAt
  }

  /// Whether the instrument is ready and nothing is under way.
  var isUnused: Bool { stage == .ready && question == nil && channels.allSatisfy { $0.phase == .idle } }

  private var wakeAt: HostInstant? {
    // While it is secured only that counts.
    guard stage == .ready else { return question?.deadline }
    var wake = question?.deadline ?? watchAt
    func earlier(_ moment: HostInstant) { wake = min(wake ?? moment, moment) }
    if let renewAt { earlier(renewAt) }
    for channel in channels where channel.isInFlight || channel.phase == .running { earlier(channel.deadline) }
    return wake
  }

  mutating func tellCircuits(_ state: CircuitState, _ outputs: inout DriverOutputs) {
    for channel in channels.indices { outputs.events.append(.circuit(channel: channel, state)) }
  }

  /// A number that no other recent question or call had.
  mutating func nextNumber() -> Int {
    lastNumber = lastNumber >= Self.numbers.upperBound ? Self.numbers.lowerBound : lastNumber + 1
    return lastNumber
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

  private mutating func take(_ line: UnsafeRawBufferPointer, _ now: HostInstant, _ outputs: inout DriverOutputs) {
    if stage == .ready, let said = ProgramLine(line) {
      take(said, line, now, &outputs)
    } else if question == nil || !takeAnswer(line, now, &outputs) {
      if !line.isEmpty, !Self.hasForm(line) { damagedMessages += 1 }
    }
  }
}
