// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A run in the middle of a constant-current step, as the port's thread sees it: the pilot with its program, and the
// bytes that an instrument sends meanwhile.

import CyclerModel
import CyclingProtocol
import CyclingRun
import InstrumentKit
import MethodSCRIPTDriver
import Quantities

enum SampleRun {
  /// Time between readings.
  static let interval = TimeSpan(milliseconds: 100)
  /// 100 µA.
  static let current = Current(picoamperes: -100_000_000)

  /// A discharge with limits that a benchmark never reaches.
  static func protocolText(every: String) -> String {
    protocolText(record: #"{"every": "\#(every)"}"#, ends: plainEnds)
  }

  private static func protocolText(record: String, ends: String) -> String {
    """
    {
      "nacycler_protocol": 1, "title": "benchmark",
      "cell": {"role": "anode-half-cell", "expect_open_circuit": {"from": "0 V", "to": "3.3 V"}},
      "limits": {
        "voltage": {"min": "-50 mV", "max": "2.3 V", "for": "2 s"},
        "charge_current": {"max": "5 mA", "for": "1 s"}, "discharge_current": {"max": "5 mA", "for": "1 s"},
        "half_cycle_charge": {"max": "1000 mAh"}, "empty_half_cycle": {"below": "1 uAh", "in_a_row": 3}
      },
      "record": \(record.first == "[" ? #"{"every": "60 s"}"# : record), "metrics": {"sodiation_plateau_below": "100 mV"},
      "on_interruption": {"resume_within": "30 min", "otherwise": "hold"},
      "steps": [{"cycles": 1, "purpose": "life", "label": "life", "steps": [
        {"discharge": "100 uA", "record": \(record), "until": [\(ends)]},
        {"charge": "100 uA", "until": ["voltage >= 2.0 V", "step_time >= 2000 h"]}
      ]}]
    }
    """
  }

  /// The ends of most steps.
  static let plainEnds = #""voltage <= 10 mV", "step_time >= 2000 h""#

  /// Everything that a step can end by, of which nothing is met and much nearly is: a comparison that holds without the
  /// other that it is joined with, or not for so long.
  static let richEnds = [
    plainEnds, #""step_charge >= 900 mAh", "step_energy >= 900 mWh", "half_cycle_charge >= 900 mAh""#,
    #""half_cycle_time >= 1900 h", "cycle_time >= 3000 h", "test_time >= 4000 h""#,
    #"{"when": "voltage <= 1.95 V and half_cycle_charge >= 800 mAh and step_time >= 1 s", "go": "hold"}"#,
    #"{"when": "voltage <= 1.9 V and step_energy <= 800 mWh", "for": "1 d", "go": "end"}"#,
  ].joined(separator: ", ")

  /// Records by everything that can make one.
  static let richRecord =
    #"[{"every": "60 s", "on_voltage_change": "2 mV", "until": "1 h"}, {"every": "60 s", "on_voltage_change": "2 mV", "#
    + #""on_current_change": "5 %", "on_charge_change": "1 mAh"}]"#

  /// The protocol, compiled.
  private static func program(record: String, ends: String) throws -> Program {
    let text = Array(protocolText(record: record, ends: ends).utf8)
    let compiled = ProtocolDecoder.decode(text).flatMap { $0.compile(cell: CellValues(), instrument: nil) }
    switch compiled {
    case .success(let program): return program
    case .failure(let problems): throw BenchmarkFailure("the benchmark's protocol does not compile: \(problems)")
    }
  }

  /// The set-point of the discharge.
  static let setpoint = Setpoint(
    token: SetpointToken(run: 1, stepCount: 2), mode: .constantCurrent(current),
    cutOffs: [CutOff(quantity: .voltage, comparison: .atMost, threshold: 10_000_000, onlyInHold: false)],
    bounds: Bounds(
      lowerVoltage: Voltage(millivolts: -100), upperVoltage: Voltage(millivolts: 2_350),
      currentMagnitude: Current(picoamperes: 10_000_000_000), duration: TimeSpan(seconds: 8_000_000)),
    readingInterval: interval, rangeCurrent: current.magnitude, lease: TimeSpan(seconds: 60))

  /// The moment at which a benchmark's readings arrive; the pure core compares it only with others of its kind.
  static let moment = RunMoment(
    host: HostInstant(microseconds: 1_000_000), unix: UnixInstant(microseconds: 1_700_000_000_000_000))

  /// A pilot whose discharge has begun.
  static func pilot(every: String) throws -> RunPilot {
    try pilot(record: #"{"every": "\#(every)"}"#, ends: plainEnds)
  }

  /// A pilot whose discharge has begun, with a rule for its records and ends of its own.
  static func pilot(record: String, ends: String) throws -> RunPilot {
    let identity = RunIdentity(
      run: 1, channel: 1, instrumentChannel: 0, earlierCellCycles: 0, protocolRevision: 1, startedBy: "benchmark")
    var pilot = RunPilot(
      identity: identity, program: try program(record: record, ends: ends), settings: RunSettings(),
      instrumentIsHere: true)
    var outputs = RunOutputs()
    var inputs: [RunInput] = [.begin]
    while !inputs.isEmpty {
      outputs.removeAll()
      pilot.handle(inputs.removeFirst(), at: moment, into: &outputs)
      if outputs.wantsCommit { inputs.append(.committed) }
      guard case .begin(let setpoint)? = outputs.commands.first else { continue }
      inputs.append(.driver(.began(channel: 0, setpoint.token)))
      guard setpoint.mode == .openCircuit else {
        inputs.append(.driver(.circuitClosed(channel: 0, at: .zero)))
        continue
      }
      for second in 0...10 { inputs.append(.driver(.reading(channel: 0, atRest(second)))) }
      inputs.append(.driver(.ended(channel: 0, setpoint.token, .cutOff(0))))
    }
    guard pilot.state == .running else { throw BenchmarkFailure("the benchmark's run is \(pilot.state)") }
    return pilot
  }

  private static func atRest(_ second: Int) -> Reading {
    Reading(time: TimeSpan(seconds: Int64(second)), voltage: Voltage(millivolts: 2_000), current: .zero)
  }

  /// The `index`-th reading of the discharge, from 1: slowly falling, never at a limit.
  @inline(__always)
  static func reading(_ index: Int64) -> Reading {
    Reading(
      time: TimeSpan(microseconds: index * interval.microseconds),
      voltage: Voltage(nanovolts: 1_900_000_000 - index * 100),
      current: Current(picoamperes: current.picoamperes - index % 7 * 1_000), range: 0x12)
  }

  /// A driver that has taken the set-point's script.
  static func driver() throws -> MethodSCRIPTDriver {
    var driver = MethodSCRIPTDriver()
    var outputs = DriverOutputs()
    var instrument = WireInstrument(serial: "BENCH")
    var now = HostInstant(microseconds: 1_000_000)
    driver.handle(.opened, at: now, into: &outputs)
    var hasBegun = false
    for _ in 0..<100 {
      instrument.receive(outputs.writes)
      let isIdentified = outputs.events.contains { if case .identified = $0 { true } else { false } }
      hasBegun = hasBegun || outputs.events.contains { if case .circuitClosed = $0 { true } else { false } }
      let wakeAt = outputs.wakeAt
      outputs.removeAll()
      if hasBegun { return driver }
      if isIdentified {
        driver.handle(.command(channel: 0, .begin(setpoint)), at: now, into: &outputs)
      } else if !instrument.output.isEmpty {
        instrument.output.withUnsafeBytes { driver.handle(.bytes($0), at: now, into: &outputs) }
        instrument.output.removeAll()
      } else if let wakeAt {
        now = wakeAt
        driver.handle(.tick, at: now, into: &outputs)
      }
    }
    throw BenchmarkFailure("the driver did not take the set-point")
  }

  /// What an instrument sends for so many readings, with the answers to the renewals of its lease.
  static func wireBytes(readings: Int64) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Int(readings) * 48)
    // The driver asks at a third of the lease.
    let perLease = setpoint.lease.microseconds / 3 / interval.microseconds
    for index in 1...readings {
      let reading = reading(index)
      WireText.append(
        reading, to: &bytes, timeIn: .milliseconds, metadata: true)
      if index % perLease == 0 { bytes.append(contentsOf: "Y\n*\nM0007\n".utf8) }
    }
    return bytes
  }
}
