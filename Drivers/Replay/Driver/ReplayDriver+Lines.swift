// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What the player says.

import CyclerModel
import InstrumentKit
import Quantities

extension ReplayDriver {
  /// The protocol that this driver speaks.
  static let version = "1"

  mutating func take(_ line: UnsafeRawBufferPointer, into outputs: inout DriverOutputs) {
    guard !line.isEmpty else { return }
    guard let said = PlayerLine(line) else {
      return noteGarbage("a line of the player was damaged on its way", lines: 1, into: &outputs)
    }
    if said.number == lastNumber { return repeated(into: &outputs) }
    if said.number < lastNumber {
      if said.number == 0 { switchedOn(into: &outputs) }
      return
    }
    let lost = lastNumber < 0 ? 0 : said.number - lastNumber - 1
    lastNumber = said.number
    if lost > 0, stage == .playing || stage == .starting {
      active?.hasGap = true
      // Numbers of a player that lies must not bring the count to its limits.
      noteGarbage("\(lost) lines of the player did not arrive", lines: Int(min(lost, 1_000)), into: &outputs)
    }
    if stage == .playing { heard() }
    follow(said, line, into: &outputs)
  }

  @inline(__always)
  private mutating func follow(_ said: PlayerLine, _ line: UnsafeRawBufferPointer, into outputs: inout DriverOutputs) {
    switch said.content {
    case .reading(let time, let current, let voltage):
      guard isListening(into: &outputs) else { return }
      read(time, current, voltage, said.number, into: &outputs)
    case .standing(let time, let voltage):
      guard isListening(into: &outputs), active?.isLook == true else { return }
      read(time, 0, voltage, said.number, into: &outputs)
    case .border(let time, let isHold):
      guard isListening(into: &outputs) else { return }
      cross(TimeSpan(microseconds: time), isHold, said.number, into: &outputs)
    case .begun(let token, let stretch, let isHold, let passed):
      if stage == .starting, token == active?.token {
        begin(stretch: stretch, isHold: isHold, passed: passed, into: &outputs)
        taken = said.number
      } else if stage == .playing, token != active?.token {
        let detail = "the player plays another set-point than the one that was asked for"
        stop(.failed(Fault(.linkGarbage, detail)), into: &outputs)
      }
    case .over(let token, let time, let stretch, let fileLine, let reason):
      guard token == active?.token, isListening(into: &outputs) else { return }
      taken = said.number
      active?.stretch = stretch
      over(TimeSpan(microseconds: time), fileLine, reason, into: &outputs)
    case .stopped(let token, let time): stopped(token, TimeSpan(microseconds: time), into: &outputs)
    case .refused(let token, let words):
      guard stage == .starting, token == active?.token else { return }
      refused(String(decoding: line[words], as: UTF8.self), into: &outputs)
    case .identity(let name, let number, let version):
      identify(
        String(decoding: line[name], as: UTF8.self), String(decoding: line[number], as: UTF8.self),
        String(decoding: line[version], as: UTF8.self), into: &outputs)
    }
  }

  /// Whether what the player measures belongs to the set-point; the word that it began may have been lost.
  @inline(__always)
  private mutating func isListening(into outputs: inout DriverOutputs) -> Bool {
    if stage == .playing { return true }
    guard stage == .starting else { return false }
    begin(stretch: 0, isHold: false, passed: 0, into: &outputs)
    return true
  }

  @inline(__always)
  private mutating func heard() {
    deadline = now + Self.tolerableSilence
    hasAskedWhetherThere = false
    misses = 0
  }

  /// The last line came once more. Where it was asked for, the player is there and has nothing new to say: its recorded
  /// readings lie far apart. A host that hears of no reading for seconds gives the link up, so it is told that the
  /// set-point has begun, as it has, once more.
  private mutating func repeated(into outputs: inout DriverOutputs) {
    guard stage == .playing, hasAskedWhetherThere, let active else { return }
    heard()
    acknowledge(lastNumber, atOnce: true, into: &outputs)
    outputs.events.append(.began(channel: 0, active.token))
  }

  /// The player's power was cut and is back: it has forgotten everything.
  private mutating func switchedOn(into outputs: inout DriverOutputs) {
    lastNumber = 0
    taken = -1
    guard serial != nil else { return }
    let fault = Fault(.instrumentError, "the player was switched off and on: the recording begins anew")
    outputs.events.append(.circuit(channel: 0, .openConfirmed))
    if active == nil {
      outputs.events.append(.fault(channel: 0, fault))
    } else {
      finish(.failed(fault), into: &outputs)
    }
  }

  private mutating func identify(
    _ name: String, _ number: String, _ version: String, into outputs: inout DriverOutputs
  ) {
    if let serial, serial != number {
      let detail = "the player \(number) speaks where \(serial) was"
      outputs.events.append(.fault(channel: nil, Fault(.linkLost, detail)))
      return
    }
    guard stage == .asking else { return }
    deadline = nil
    guard version == Self.version else {
      stage = .undrivable
      let detail = "the player speaks version \(version) of its protocol; \(Self.version) would be right"
      outputs.events.append(.fault(channel: nil, Fault(.instrumentError, detail)))
      return
    }
    stage = .idle
    serial = number
    outputs.events.append(
      .identified(
        InstrumentIdentity(
          family: Self.descriptor.family, model: name, serial: number, firmware: version,
          capabilities: Self.capabilities)))
    outputs.events.append(.circuit(channel: 0, .openConfirmed))
    if let orphan {
      outputs.events.append(
        .orphanEnded(
          channel: 0, orphan.token, lastReading: nil, circuitOpenedAt: orphan.openedAt, end: .requested))
    }
    orphan = nil
  }

  private mutating func refused(_ words: String, into outputs: inout DriverOutputs) {
    guard let active else { return }
    self.active = nil
    stage = .idle
    deadline = nil
    outputs.events.append(.refused(channel: 0, active.token, Fault(.instrumentRefused, words)))
  }
}
