// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import InstrumentKit
import Quantities

/// A driver whose instrument is a test: what it says of its one channel are the letters that the test sends.
struct ToldDriver: InstrumentDriver {
  /// What a test can say.
  enum Word: UInt8 {
    case identified = 0x69  // i
    case open = 0x6F  // o
    case closed = 0x63  // c
    case refused = 0x72  // r
    case deaf = 0x64  // d
    case damaged = 0x21  // !
  }

  static let descriptor = InstrumentDescriptor(
    family: "told", baudRate: 115_200, matches: [], maturity: .emulatedOnly)
  static let safeStopBytes = Array("safe\n".utf8)
  static func capabilities(ofModel name: String) -> InstrumentCapabilities? { nil }

  /// Zero current is held at rest, so that a check of the open circuit closes it.
  static let identity = InstrumentIdentity(
    family: "told", model: "Told", serial: "1", firmware: "",
    capabilities: InstrumentCapabilities(
      channels: 1, kinds: Set(StepKind.allCases),
      voltage: VoltageWindow(from: Voltage(millivolts: -5_000), to: Voltage(millivolts: 5_000)),
      maximumCurrent: Current(picoamperes: 1_000_000_000_000), currentRanges: [],
      shortestReadingInterval: TimeSpan(milliseconds: 100), voltageErrorPartsPerMillion: 0, voltageOffsetError: .zero,
      holdsBounds: false, hasLease: false, openCircuit: .zeroCurrentHeld))

  private(set) var damagedMessages = 0
  private var token: SetpointToken?

  mutating func handle(_ input: DriverInput, at now: HostInstant, into outputs: inout DriverOutputs) {
    switch input {
    case .opened: outputs.writes.append(contentsOf: "who\n".utf8)
    case .bytes(let bytes): for byte in bytes { say(Word(rawValue: byte), &outputs) }
    case .command(_, .begin(let setpoint)):
      token = setpoint.token
      outputs.writes.append(contentsOf: "begin\n".utf8)
    case .command(_, .openCircuit): outputs.writes.append(contentsOf: "open\n".utf8)
    case .tick, .lost: break
    }
  }

  private mutating func say(_ word: Word?, _ outputs: inout DriverOutputs) {
    switch word {
    case .identified: outputs.events.append(.identified(Self.identity))
    case .open: outputs.events.append(.circuit(channel: 0, .openConfirmed))
    case .closed: outputs.events.append(.circuit(channel: 0, .closed))
    case .refused:
      guard let token else { return }
      outputs.events.append(.refused(channel: 0, token, Fault(.instrumentRefused, "not now")))
    case .deaf: outputs.events.append(.fault(channel: nil, Fault(.linkTimeout, "nobody answers")))
    case .damaged, nil: damagedMessages += 1
    }
  }
}
