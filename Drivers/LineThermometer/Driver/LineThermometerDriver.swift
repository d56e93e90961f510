// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The host's side of a thermometer that says its temperature line by line, as a laboratory builds one from a
// microcontroller and a sensor. It is asked who it is and then only listened to. What a sensor says when it is broken
// must not be taken for a temperature: the readings that are known to be false are refused here, in the family that
// knows them.
//
// It drives nothing, so nothing has to be made safe; how old a temperature may be is for the run to say.

public import CyclerModel
public import InstrumentKit
import Quantities

/// A thermometer with a serial line; its protocol is in Drivers/LineThermometer/README.md.
public struct LineThermometerDriver: InstrumentDriver {
  /// Recognised by the product string that the README asks of a microcontroller with USB of its own. One behind a common
  /// serial adapter looks like a hundred other things, so its port is named, with the family in front.
  public static let descriptor = InstrumentDescriptor(
    family: "line_thermometer", baudRate: 9_600, matches: [MatchRule(productPrefix: "NaCycler thermometer")],
    maturity: .emulatedOnly)

  /// All models are thermometers and nothing else.
  public static func capabilities(ofModel name: String) -> InstrumentCapabilities? { .observer(of: [.temperature]) }

  /// Nothing is driven, so nothing has to be said.
  public static var safeStopBytes: [UInt8] { [] }

  /// Asked once a second until it answers: a microcontroller that the opening of its port resets needs two.
  static let questionInterval = TimeSpan(seconds: 1)
  /// An instrument that has said nothing for so long is asked again …
  static let tolerableSilence = TimeSpan(seconds: 10)
  /// … and after so long without any word it is taken for gone, and the port is opened anew.
  static let longestSilence = TimeSpan(seconds: 15)
  /// Damage on the line is told at most so often.
  static let garbageInterval = TimeSpan(seconds: 60)

  /// Lines that were none of the protocol's, since the port was opened.
  public private(set) var damagedMessages = 0

  private var framer = LineFramer(maximumLength: ThermometerLine.maximumLength)
  private var isOpen = false
  private var openedAt = HostInstant(microseconds: 0)
  private var askedAt = HostInstant(microseconds: 0)
  private var heardAt = HostInstant(microseconds: 0)
  private var serial: String?
  private var sensor = SensorJudgement()
  private var garbageToldAt: HostInstant?

  /// A driver that has seen nothing yet.
  public init() {}

  /// Takes one input; see `InstrumentDriver`.
  public mutating func handle(_ input: DriverInput, at now: HostInstant, into outputs: inout DriverOutputs) {
    switch input {
    case .opened:
      self = LineThermometerDriver()
      isOpen = true
      openedAt = now
      heardAt = now
      ask(now, into: &outputs)
    case .bytes(let bytes): if isOpen { receive(bytes, now, into: &outputs) }
    case .tick: if isOpen { wait(now, into: &outputs) }
    case .command(let channel, let command): refuse(command, channel: channel, into: &outputs)
    case .lost: self = LineThermometerDriver()
    }
    if isOpen { outputs.wakeAt = wakeAt }
  }

  // MARK: - Time

  private var wakeAt: HostInstant {
    guard serial != nil else { return askedAt + Self.questionInterval }
    return heardAt + (askedAt > heardAt ? Self.longestSilence : Self.tolerableSilence)
  }

  /// What is asked: who are you?
  private mutating func ask(_ now: HostInstant, into outputs: inout DriverOutputs) {
    askedAt = now
    outputs.writes.append(contentsOf: "?\n".utf8)
  }

  private mutating func wait(_ now: HostInstant, into outputs: inout DriverOutputs) {
    guard now >= wakeAt else { return }
    if now - max(openedAt, heardAt) >= Self.longestSilence {
      heardAt = now
      let what = serial.map { "the thermometer \($0) has said nothing" } ?? "nobody has said that it is a thermometer"
      let fault = Fault(.linkTimeout, "\(what) for \(Self.longestSilence.written)")
      outputs.events.append(.fault(channel: nil, fault))
    }
    ask(now, into: &outputs)
  }

  // MARK: - Lines

  private mutating func receive(
    _ bytes: UnsafeRawBufferPointer, _ now: HostInstant, into outputs: inout DriverOutputs
  ) {
    var offset = 0
    while true {
      switch framer.next(in: bytes, at: &offset) {
      case .line(let range): handle(UnsafeRawBufferPointer(rebasing: bytes[range]), now, into: &outputs)
      case .assembled:
        var line: [UInt8] = []
        framer.exchangeAssembled(&line)
        line.withUnsafeBytes { handle($0, now, into: &outputs) }
        framer.exchangeAssembled(&line)
      case .overlong: noteGarbage(now, into: &outputs)
      case .none: return
      }
    }
  }

  private mutating func handle(
    _ line: UnsafeRawBufferPointer, _ now: HostInstant, into outputs: inout DriverOutputs
  ) {
    switch ThermometerLine(line) {
    case .identity(let model, let number, let firmware):
      heardAt = now
      identify(Self.text(line, model), Self.text(line, number), Self.text(line, firmware), into: &outputs)
    case .temperature(let temperature):
      // Until it is known who speaks, it is nobody's temperature.
      guard serial != nil else { return }
      heardAt = now
      if let fault = sensor.judge(temperature, at: now) {
        outputs.events.append(.fault(channel: nil, fault))
      } else if sensor.isTrusted {
        outputs.events.append(.temperature(temperature))
      }
    case .trouble(let word):
      guard serial != nil else { return }
      heardAt = now
      if let fault = sensor.failed(Self.text(line, word)) { outputs.events.append(.fault(channel: nil, fault)) }
    case nil: if !line.isEmpty { noteGarbage(now, into: &outputs) }
    }
  }

  private static func text(_ line: UnsafeRawBufferPointer, _ range: Range<Int>) -> String {
    String(decoding: line[range], as: UTF8.self)
  }

  private mutating func identify(
    _ model: String, _ number: String, _ firmware: String, into outputs: inout DriverOutputs
  ) {
    if let serial, serial != number {
      let detail = "the thermometer \(number) speaks where \(serial) was"
      outputs.events.append(.fault(channel: nil, Fault(.linkLost, detail)))
      return
    }
    // It also says so by itself after it was switched on.
    guard serial == nil else { return }
    serial = number
    outputs.events.append(
      .identified(
        InstrumentIdentity(
          family: Self.descriptor.family, model: model, serial: number, firmware: firmware,
          capabilities: .observer(of: [.temperature]))))
  }

  private mutating func noteGarbage(_ now: HostInstant, into outputs: inout DriverOutputs) {
    damagedMessages += 1
    // Before it is known who is there, noise is what a port begins with.
    guard serial != nil, garbageToldAt.map({ now - $0 >= Self.garbageInterval }) ?? true else { return }
    garbageToldAt = now
    let detail = "a line of the thermometer was damaged on its way, \(damagedMessages) since its port was opened"
    outputs.events.append(.fault(channel: nil, Fault(.linkGarbage, detail)))
  }

  private func refuse(_ command: ChannelCommand, channel: Int, into outputs: inout DriverOutputs) {
    switch command {
    case .begin(let setpoint):
      let fault = Fault(.instrumentRefused, "a thermometer drives no cell")
      outputs.events.append(.refused(channel: channel, setpoint.token, fault))
    case .openCircuit: outputs.events.append(.circuit(channel: channel, .unknown))
    }
  }
}
