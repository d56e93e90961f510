// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A driver and a player on one desk, in virtual time. What passes between them is kept as a transcript where that is
// asked for.

import CyclerModel
import InstrumentKit
import Quantities
import ReplayEmulator
import VirtualLab

@testable import ReplayDriver

struct Laboratory {
  /// How the host's time goes beside the player's.
  enum Pace {
    /// The same.
    case real
    /// The player's stands still while it waits for the host, and the host's hardly moves.
    case greatest
  }

  var driver = ReplayDriver()
  var player: ReplayInstrument
  let pace: Pace
  /// Whether events and a transcript are kept.
  var keeps = true
  var entries: [DriverTranscript.Entry] = []
  var events: [DriverEvent] = []
  /// What the host wrote, in order.
  var written = ""
  /// What passed since the circuit was closed first, over everything so far.
  var ledger = ChargeLedger()
  /// Nothing arrives, on either side.
  var isCut = false
  /// The host writes and nothing arrives.
  var isHostUnheard = false
  /// What the player said may be changed on its way: the line, with its end, to what arrives.
  var wire: (@Sendable (String) -> String)?
  private var wakeAt: HostInstant?
  private var host = HostInstant(microseconds: 1_000_000)
  private var lastTick = HostInstant(microseconds: 1_000_000)
  private var outputs = DriverOutputs()
  private var output: [UInt8] = []
  /// What the player said and the host has not read.
  private var onItsWay: [UInt8] = []

  init(_ recording: Recording, pace: Pace = .real) {
    player = ReplayInstrument(recording)
    self.pace = pace
  }

  init(csv: String, pace: Pace = .real, deadBand: Double? = nil) throws {
    self.init(try Recording(text: Array(csv.utf8), name: "test", deadBandAmperes: deadBand), pace: pace)
  }

  /// The host's clock.
  var now: HostInstant { host }

  private mutating func take(_ input: DriverInput) {
    outputs.removeAll()
    driver.handle(input, at: host, into: &outputs)
    wakeAt = outputs.wakeAt
    for event in outputs.events { ledger.take(event) }
    if keeps {
      events.append(contentsOf: outputs.events)
      written += String(decoding: outputs.writes, as: UTF8.self)
    }
    if !outputs.writes.isEmpty, !isCut, !isHostUnheard { outputs.writes.withUnsafeBytes { player.receive($0) } }
  }

  private mutating func keep(_ entry: DriverTranscript.Entry) {
    if keeps { entries.append(entry) }
  }

  private mutating func syncTick() {
    guard host > lastTick else { return }
    keep(.tick(after: host - lastTick))
    lastTick = host
    take(.tick)
  }

  mutating func open() {
    keep(.opened)
    take(.opened)
  }

  mutating func lose() {
    syncTick()
    keep(.lost)
    take(.lost)
  }

  mutating func command(_ command: ChannelCommand, channel: Int = 0) {
    syncTick()
    keep(.command(channel: channel, command))
    take(.command(channel: channel, command))
  }

  mutating func receive(_ text: String) {
    keep(.received(Array(text.utf8)))
    Array(text.utf8).withUnsafeBytes { take(.bytes($0)) }
  }

  /// Lets time pass until `isOver`, or for so many seconds; whether it was over.
  @discardableResult
  mutating func run(seconds: Double, until isOver: (Laboratory) -> Bool = { _ in false }) -> Bool {
    let end = player.time + seconds
    // At greatest speed the player's time may stand still for ever; the host's goes on.
    let hostEnd = host + TimeSpan(microseconds: Int64(seconds * 1e6))
    while player.time < end - 1e-9, host < hostEnd {
      if isOver(self) { return true }
      turn(to: end)
    }
    return isOver(self)
  }

  /// Lets the player go on until it says something or somebody waits for the time, but not beyond `end`.
  mutating func turn(to end: Double) {
    switch pace {
    case .real: stepInRealTime(to: end)
    case .greatest: stepAtGreatestSpeed(to: end)
    }
  }

  private mutating func stepInRealTime(to end: Double) {
    let wake = wakeAt.map { player.time + Double(($0 - host).microseconds) / 1e6 } ?? end
    let limit = min(end, max(wake, player.time + 0.000_1))
    let before = player.time
    if player.run(until: limit, output: &output, outputLimit: 1) == .idle, output.isEmpty { player.rest(until: limit) }
    host = host + TimeSpan(microseconds: Int64(((player.time - before) * 1e6).rounded()))
    spoil()
    deliver()
  }

  private mutating func stepAtGreatestSpeed(to end: Double) {
    // What the host has not read yet stays on its way; it reads less at once than the player says.
    let room = 16 * 1024 - onItsWay.count
    let pause = player.run(until: min(end, player.time + 1_000), output: &output, outputLimit: room)
    host = host + TimeSpan(microseconds: 50)
    // Nothing is to come: the host waits for its own time.
    if pause == .idle, output.isEmpty, onItsWay.isEmpty {
      if let wakeAt { host = max(host, wakeAt) } else { host = host + TimeSpan(seconds: 1) }
    }
    spoil()
    onItsWay.append(contentsOf: output)
    output.removeAll(keepingCapacity: true)
    let piece = min(onItsWay.count, 1_000)
    output.append(contentsOf: onItsWay[..<piece])
    onItsWay.removeFirst(piece)
    deliver()
  }

  /// What the line does to what the player says.
  private mutating func spoil() {
    if let wire {
      let lines = String(decoding: output, as: UTF8.self).split(separator: "\n").map { wire($0 + "\n") }
      output = Array(lines.joined().utf8)
    }
    if isCut { output.removeAll() }
  }

  private mutating func deliver() {
    defer { output.removeAll(keepingCapacity: true) }
    if !output.isEmpty || wakeAt.map({ $0 <= host }) == true { syncTick() }
    guard !output.isEmpty else { return }
    keep(.received(output))
    output.withUnsafeBytes { take(.bytes($0)) }
  }

  // MARK: - What was said

  /// Opens the port and lets the player say who it is.
  mutating func introduce() throws {
    open()
    guard run(seconds: 10, until: { $0.driver.stage == .idle }) else {
      throw Fault(.linkIdentity, "nobody was identified: \(events)")
    }
  }

  /// Begins a set-point and lets it come to its end, which is returned; nil where it was refused or takes longer.
  @discardableResult
  mutating func play(_ setpoint: Setpoint, seconds: Double = 1e7) -> SetpointEnd? {
    command(.begin(setpoint))
    run(seconds: seconds) { $0.driver.active == nil }
    return end(of: setpoint.token)
  }

  func end(of token: SetpointToken) -> SetpointEnd? {
    for event in events.reversed() {
      if case .ended(0, token, let end) = event { return end }
    }
    return nil
  }

  var refusal: Fault? {
    for event in events.reversed() {
      if case .refused(_, _, let fault) = event { return fault }
    }
    return nil
  }

  var readings: [Reading] {
    events.compactMap { event in
      if case .reading(0, let reading) = event { return reading }
      return nil
    }
  }

  var faults: [Fault] {
    events.compactMap { event in
      if case .fault(_, let fault) = event { return fault }
      return nil
    }
  }
}
