// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import InstrumentKit
import LineThermometerDriver
import Quantities

/// A driver and what was said to it.
struct ThermometerConversation {
  var driver = LineThermometerDriver()
  var outputs = DriverOutputs()
  /// Seconds on the host's clock.
  var host = 100.0
  var entries: [DriverTranscript.Entry] = []

  var now: HostInstant { HostInstant(microseconds: Int64((host * 1e6).rounded())) }

  /// A line with its checksum.
  static func line(_ body: String) -> String {
    let digits = String(body.utf8.reduce(0 as UInt8, ^), radix: 16, uppercase: true)
    return body + "*" + (digits.count < 2 ? "0" : "") + digits + "\n"
  }

  private mutating func give(_ input: DriverInput) -> [DriverEvent] {
    outputs.removeAll()
    driver.handle(input, at: now, into: &outputs)
    return outputs.events
  }

  mutating func open() -> [DriverEvent] {
    entries.append(.opened)
    return give(.opened)
  }

  mutating func receive(_ text: String) -> [DriverEvent] { receive(Array(text.utf8)) }

  mutating func receive(_ bytes: [UInt8]) -> [DriverEvent] {
    entries.append(.received(bytes))
    outputs.removeAll()
    bytes.withUnsafeBytes { driver.handle(.bytes($0), at: now, into: &outputs) }
    return outputs.events
  }

  /// A line of the protocol, some time after the one before.
  mutating func say(_ body: String, after seconds: Double = 1) -> [DriverEvent] {
    pass(seconds)
    return receive(Self.line(body))
  }

  private mutating func pass(_ seconds: Double) {
    host += seconds
    entries.append(.tick(after: TimeSpan(microseconds: Int64((seconds * 1e6).rounded()))))
    _ = give(.tick)
  }

  mutating func tick(after seconds: Double) -> [DriverEvent] {
    host += seconds
    entries.append(.tick(after: TimeSpan(microseconds: Int64((seconds * 1e6).rounded()))))
    return give(.tick)
  }

  mutating func command(_ command: ChannelCommand) -> [DriverEvent] { give(.command(channel: 0, command)) }

  var written: String { String(decoding: outputs.writes, as: UTF8.self) }

  /// One that is open and knows who is there.
  static func identified() -> ThermometerConversation {
    var conversation = ThermometerConversation()
    _ = conversation.open()
    _ = conversation.receive(line("THERMOMETER,nano,T-0042,1.2"))
    return conversation
  }

  func transcript(_ name: String) -> DriverTranscript { DriverTranscript(name: name, entries: entries) }
}

extension [DriverEvent] {
  /// Every temperature in it.
  var temperatures: [Int64] {
    compactMap { event in
      if case .temperature(let temperature) = event { return temperature.millidegrees }
      return nil
    }
  }

  /// Every fault in it.
  var faults: [FaultCode] {
    compactMap { event in
      if case .fault(_, let fault) = event { return fault.code }
      return nil
    }
  }
}
