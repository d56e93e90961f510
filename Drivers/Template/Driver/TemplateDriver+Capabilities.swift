// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// When copying, replace every value of this file, each from a source that the README names; what no source says is marked there
// as unverified. What is said here, `nactl check` and `nactl start` tell people before a cell is connected.

import CyclerModel
public import InstrumentKit
import Quantities

extension TemplateDriver {
  /// No match rule: nothing in its USB strings tells it from other things, so people name its port (docs/adr/0018).
  public static let descriptor = InstrumentDescriptor(
    family: "template", baudRate: 115_200, matches: [], maturity: .emulatedOnly)

  /// By the word with which it identifies itself.
  public static func capabilities(ofModel name: String) -> InstrumentCapabilities? {
    name == modelName ? capabilities : nil
  }

  static let modelName = "TEMPLATE-1"

  /// `OFF`, behind a line end that ends what another host left half said. Built without any state: these bytes are also sent
  /// when there is no driver any more.
  public static var safeStopBytes: [UInt8] {
    var bytes: [UInt8] = [0x0A]
    TemplateLine.append(.off, number: 0, to: &bytes)
    return bytes
  }

  /// Full scales, ascending; `RANGE` counts them from 1.
  static let ranges = [Current(picoamperes: 1_000_000_000), Current(picoamperes: 10_000_000_000)]
  /// A nanoampere is the unit of the line.
  static let smallestCurrent = Current(picoamperes: 1_000)
  static let window = VoltageWindow(from: Voltage(millivolts: -10_000), to: Voltage(millivolts: 10_000))

  static let capabilities: InstrumentCapabilities = {
    var capabilities = InstrumentCapabilities(
      channels: 1,
      kinds: [.rest, .openCircuitCheck, .constantCurrent, .constantCurrentConstantVoltage, .constantVoltage],
      voltage: window, maximumCurrent: ranges[ranges.count - 1], currentRanges: ranges,
      shortestReadingInterval: pollInterval + TimeSpan(milliseconds: 20),
      voltageErrorPartsPerMillion: 500, voltageOffsetError: Voltage(millivolts: 1),
      // It judges no limit: `HostedSetpoint` does, here. It does stop by itself when it hears of no lease, from any state; where
      // there is such a state all the same, `leaseHole` says so in a sentence.
      holdsBounds: false, hasLease: true, leaseHole: nil, openCircuit: .disconnectedAndMeasured)
    capabilities.currentAccuracy = ranges.map {
      CurrentAccuracy(fullScale: $0, gainPartsPerMillion: 500, offset: $0 / 2_000)
    }
    return capabilities
  }()
}
