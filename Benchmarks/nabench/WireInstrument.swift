// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The smallest instrument that the daemon takes for an EmStat4 HR: it says who it is, takes scripts without reading
// more of them than their name, passes rests in no time and stops when told. It has no cell, measures what the benchmark
// wants it to measure, and unlike a real one it holds no limit, so that the host's own reaction shows.

import CyclerModel
import Quantities

struct WireInstrument {
  /// What the instrument does.
  enum Activity: Equatable {
    case idle
    /// A script drives the cell; it names itself so at its end.
    case driving(signature: String)
  }

  let serial: String
  private(set) var activity = Activity.idle
  /// To be written to the line.
  var output: [UInt8] = []
  /// The clock of the present script, in microseconds.
  private(set) var time: Int64 = 0
  /// How many driven scripts were stopped by the host.
  private(set) var stops = 0
  private var line: [UInt8] = []
  private var script: [String]?

  init(serial: String) { self.serial = serial }

  var isDriving: Bool { activity != .idle }

  /// Takes bytes from the host.
  mutating func receive(_ bytes: some Sequence<UInt8>) {
    for byte in bytes {
      if byte == 0x0A {
        let text = String(decoding: line, as: UTF8.self)
        line.removeAll(keepingCapacity: true)
        take(text)
      } else {
        line.append(byte)
      }
    }
  }

  /// Sends a reading, so much later than the one before.
  mutating func measure(_ voltage: Voltage, _ current: Current, after microseconds: Int64) {
    time += microseconds
    WireText.append(
      Reading(time: TimeSpan(microseconds: time), voltage: voltage, current: current), to: &output,
      timeIn: .milliseconds, metadata: true)
  }

  private mutating func take(_ text: String) {
    if script != nil {
      guard text.isEmpty else {
        script?.append(text)
        return
      }
      let lines = script ?? []
      script = nil
      begin(lines)
      return
    }
    switch text {
    case "e": script = []
    case "Z": abort()
    case "Y": say("Y\n*\nM0007\n")
    case "t": say("tes4_hr1500#Mar 12 2026 14:28:01\nR*\n")
    case "i": say("i\(serial)\n")
    case "v": say("v01.09.00\n")
    case "CM": say("CM\(String(repeating: "F", count: 64))\n")
    default: say("\n")
    }
  }

  private mutating func begin(_ lines: [String]) {
    say("e\n")
    time = 0
    guard let name = lines.first(where: { $0.hasPrefix("send_string") })?.split(separator: "\"").last.map(String.init)
    else {
      // The script that only disconnects, and the one that measures what flows then.
      if lines.contains(where: { $0.hasPrefix("meas ") }) { tellThatNothingFlows() }
      say("\n")
      return
    }
    if lines.contains(where: { $0.hasPrefix("meas_loop_ocp") }) {
      rest(name)
    } else {
      activity = .driving(signature: name)
      say("P")
      WireText.append("ja", 1, "i", to: &output)
      WireText.append(";eb", 0, "m", to: &output)
      say("\nM0007\n")
    }
  }

  /// Ten seconds of open circuit at 2 V, at once; the first cut-off ends them.
  private mutating func rest(_ name: String) {
    say("M0004\n")
    for second in 0...10 {
      time = Int64(second) * 1_000_000
      WireText.append(
        Reading(time: TimeSpan(microseconds: time), voltage: Voltage(millivolts: 2_000), current: nil), to: &output,
        timeIn: .milliseconds, metadata: false)
    }
    say("*\n")
    end(name, reason: 10)
  }

  private mutating func abort() {
    switch activity {
    case .idle: say("Z!0006\n")
    case .driving(let signature):
      activity = .idle
      stops += 1
      say("Z\n*\n")
      end(signature, reason: 0)
    }
  }

  private mutating func end(_ signature: String, reason: Int64) {
    say("T\(signature)\nP")
    WireText.append("ja", 9, "i", to: &output)
    WireText.append(";jb", reason, "i", to: &output)
    WireText.append(";eb", time / 1_000, "m", to: &output)
    WireText.append(";eb", time / 1_000, "m", to: &output)
    WireText.append(";ab", 2_000_000, "u", to: &output)
    WireText.append(";ba", 0, "n", to: &output)
    say("\n")
    tellThatNothingFlows()
    say("\n")
  }

  /// The current of a cell that is disconnected, in the range of 1 mA.
  private mutating func tellThatNothingFlows() {
    say("P")
    WireText.append("ja", 6, "i", to: &output)
    WireText.append(";ba", 0, "n", to: &output)
    say(",10,215\n")
  }

  private mutating func say(_ text: String) { output.append(contentsOf: text.utf8) }
}
