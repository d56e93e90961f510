// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The host's side of an IO Rodeo Rodeostat: one line of JSON asks, one answers, and while a test runs its samples come in
// between. The instrument holds and sweeps voltages and knows neither a current to be kept nor a limit, so cut-offs and
// bounds are judged here. What it does by itself is to end a test when its time is over, and to disconnect the cell then:
// that is the lease.
//
// One question is under way at a time. The answers come in the order of the questions and repeat the command's name. After
// a question that was not answered comes one whose answer names itself, and until then nothing counts.

public import CyclerModel
public import InstrumentKit
import Quantities

/// IO Rodeo Rodeostat, hardware V0.2; its lines are in Drivers/Rodeostat/README.md. Tried on no instrument yet.
public struct RodeostatDriver: InstrumentDriver {
  /// The general numbers of two processor boards (from memory): they fit other things too, which the answers to the
  /// first questions tell.
  public static let descriptor = InstrumentDescriptor(
    family: "rodeostat", baudRate: 115_200, matches: [], maturity: .emulatedOnly)

  /// By the names of `RodeostatModel`, such as `10V_microAmpV0.2`.
  public static func capabilities(ofModel name: String) -> InstrumentCapabilities? {
    RodeostatModel(named: name)?.capabilities
  }

  /// Ends what runs and disconnects all electrodes. The empty line ends half a command.
  public static var safeStopBytes: [UInt8] {
    var bytes = [UInt8(ascii: "\n")]
    for exchange in Exchange.safe.prefix(2) { exchange.write(into: &bytes) }
    return bytes
  }

  /// The longest line that is read: the answer with most parameters has some 300 bytes.
  static let maximumLineLength = 1_000
  /// How long an answer may take.
  static let patience = TimeSpan(milliseconds: 500)
  /// How long the answer to a measurement may: a later one belongs to another moment.
  static let measuringPatience = TimeSpan(milliseconds: 150)
  /// Unanswered so often in a row, the instrument is taken for gone.
  static let tolerableMisses = 3
  /// A test whose samples do not come for three periods and this is looked after.
  static let silence = TimeSpan(seconds: 1)
  /// A measured voltage may lie so far from the one that is set: converters at both ends, and a lead that drops some.
  static let tolerableDeviation = Voltage(millivolts: 50)
  /// So many measurements in a row may lie farther.
  static let tolerableDeviations = 2

  /// Lines that were neither a sample nor an answer, since the port was opened.
  public internal(set) var damagedMessages = 0

  /// What the exchanges under way are for.
  enum Purpose: Sendable, Hashable {
    /// Nothing is asked: nobody uses the cell, or a set-point runs.
    case none
    /// The cell is disconnected, and then asked who is there.
    case opening, identifying
    /// That it is disconnected shall be said.
    case confirming
    /// A set-point begins; a leg of one begins.
    case arming, beginning
    /// A set-point's reading; the lease.
    case measuring(SetpointCourse.Moment), renewing
    /// The range of the voltage at rest, and that voltage.
    case ranging, resting(since: HostInstant)
    /// A look whether it is still there.
    case looking
    /// The end of a set-point, or that it was not taken.
    case ending(SetpointEnd), refusing(Fault)
  }

  /// A question that is not answered yet.
  struct Pending: Sendable, Hashable {
    var exchange: Exchange
    var askedAt: HostInstant
    var deadline: HostInstant
    /// It asks for nothing but to be answered itself.
    var isFence = false
  }

  var isOpen = false
  var model: RodeostatModel?
  var identity: InstrumentIdentity?
  var isUndrivable = false
  var purpose = Purpose.none
  /// What is still to be asked; the first is under way.
  var exchanges: [Exchange] = []
  /// Which of them is under way.
  var place = 0
  var pending: Pending?
  var misses = 0
  /// What an answer said instead of what it should have.
  var unmet: String?
  var found = IdentityAnswers()
  var course: SetpointCourse?
  /// The measurement under way.
  var currents = ConverterPair()
  var voltages = ConverterPair()
  private var fences = 0
  private var framer = LineFramer(maximumLength: Self.maximumLineLength)

  /// A driver that has seen nothing yet.
  public init() {}

  /// Takes one input; see `InstrumentDriver`.
  public mutating func handle(_ input: DriverInput, at now: HostInstant, into outputs: inout DriverOutputs) {
    switch input {
    case .opened:
      self = RodeostatDriver()
      isOpen = true
      outputs.writes.append(UInt8(ascii: "\n"))
      disconnect(.opening, now, &outputs)
    case .bytes(let bytes): if isOpen { receive(bytes, now, &outputs) }
    case .tick: if isOpen { wait(now, &outputs) }
    case .command(let channel, let command): obey(command, channel: channel, now, &outputs)
    case .lost:
      let wasOpen = isOpen
      self = RodeostatDriver()
      if wasOpen { outputs.events.append(.circuit(channel: 0, .unknown)) }
    }
    outputs.wakeAt = isOpen ? wakeAt : nil
  }

  private var wakeAt: HostInstant? { pending?.deadline ?? course?.wakeAt }

  // MARK: - Questions

  /// Begins to ask for something; what was asked before is forgotten.
  mutating func ask(
    _ exchanges: [Exchange], for purpose: Purpose, _ now: HostInstant, _ outputs: inout DriverOutputs
  ) {
    self.exchanges = exchanges
    place = 0
    self.purpose = purpose
    unmet = nil
    askNext(now, &outputs)
  }

  /// The exchange under way.
  var exchange: Exchange? { place < exchanges.count ? exchanges[place] : nil }

  mutating func askNext(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    guard let exchange = exchange else {
      pending = nil
      return
    }
    let isMeasurement =
      switch exchange.expected {
      case .current, .voltage: true
      case .done, .doneOrAbsent, .truth, .text, .whole, .parameters, .anything: false
      }
    pending = Pending(
      exchange: exchange, askedAt: now, deadline: now + (isMeasurement ? Self.measuringPatience : Self.patience))
    exchange.write(into: &outputs.writes)
  }

  private static let fenceNames = [
    "cyclic", "sinusoid", "constant", "squareWave", "linearSweep", "chronoamp", "multiStep", "differentialPulse",
  ]

  /// Asks for an answer that names itself: what was sent before it is behind us when it comes.
  mutating func fence(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    fences += 1
    let name = Self.fenceNames[fences % Self.fenceNames.count]
    let exchange = Exchange(
      command: "getTestDoneTime", rest: ",\"test\":\"\(name)\"", expected: .text("test", name))
    pending = Pending(exchange: exchange, askedAt: now, deadline: now + Self.patience, isFence: true)
    exchange.write(into: &outputs.writes)
  }

  /// Disconnects the cell, whatever is under way.
  mutating func disconnect(_ purpose: Purpose, _ now: HostInstant, _ outputs: inout DriverOutputs) {
    ask(Exchange.safe, for: purpose, now, &outputs)
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
    guard !line.isEmpty else { return }
    guard let object = LineObject(line: line) else {
      damagedMessages += 1
      return
    }
    if object.count == 0 {
      testEnded(now, &outputs)
    } else if let sample = TestSample(object) {
      take(sample, now, &outputs)
    } else if !takeAnswer(object, now, &outputs), object.truth("success") == nil || object.object("response") == nil {
      // Answers that came too late, or to what was left for a stop, have their form.
      damagedMessages += 1
    }
  }
}
