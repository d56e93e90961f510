// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// From a reading beyond a hard limit, on its way into the line, to the first byte of the stop, out of it. The daemon is
// the real one with its store; the bare C loop is measured on the same kind of line, in the same run, under the same
// load. Each shot ends as a person would end it: the latch is cleared and the run resumed.

import Foundation
import Quantities

enum ReactionBenchmark {
  /// What else the machine's disk has to do.
  private enum Load: String, CaseIterable {
    case idle
    case small
    case saturating

    /// In the names of the figures; those with another process's small synchronous writes have the plain name.
    var suffix: String {
      switch self {
      case .idle: "_idle"
      case .small: ""
      case .saturating: "_saturated"
      }
    }

    var shots: Int {
      switch self {
      case .idle, .small, .saturating: 1_000
      }
    }
  }

  private static let turns = 5
  private static let safe = Voltage(millivolts: 4_100)
  private static let dangerous = Voltage(millivolts: 4_500)
  private static let current = Current(picoamperes: 100_000_000)

  private static let protocolText = """
    {
      "nacycler_protocol": 1, "title": "reaction",
      "cell": {"role": "cathode-half-cell", "expect_open_circuit": {"from": "0 V", "to": "4.3 V"}},
      "limits": {
        "voltage": {"min": "0.5 V", "max": "4.3 V", "for": "2 s"},
        "charge_current": {"max": "5 mA", "for": "1 s"}, "discharge_current": {"max": "5 mA", "for": "1 s"},
        "half_cycle_charge": {"max": "1000 mAh"}, "empty_half_cycle": {"below": "1 uAh", "in_a_row": 3}
      },
      "record": {"every": "100 ms"},
      "on_interruption": {"resume_within": "30 min", "otherwise": "hold"},
      "steps": [{"cycles": 1, "purpose": "life", "label": "life", "steps": [
        {"charge": "100 uA", "until": ["step_charge >= 900 mAh", "step_time >= 2000 h"]},
        {"discharge": "100 uA", "until": ["voltage <= 1 V", "step_time >= 2000 h"]}
      ]}]
    }
    """

  static func run() throws {
    for load in Load.allCases {
      let folder = try ScratchDirectory()
      let writer = load == .idle ? nil : try Company.start(.disk, [folder.path, load.rawValue])
      try writer?.awaitLine("writing")
      // In turns under the same writer: what the disk and the machine do besides changes from one second to the next.
      var daemon: [Double] = []
      var bare: [Double] = []
      for _ in 0..<turns {
        daemon += try daemonShots(load.shots / turns)
        bare += try bareShots(load.shots / turns)
      }
      try say("reaction\(load.suffix)_us", daemon)
      try say("reaction_c\(load.suffix)_us", bare)
      writer?.end(SIGKILL)
    }
  }

  static func say(_ name: String, _ microseconds: [Double]) throws {
    let sorted = microseconds.sorted()
    Figures.say("\(name)_p50", Figures.percentile(sorted, 0.5), "us")
    Figures.say("\(name)_p99", Figures.percentile(sorted, 0.99), "us")
    Figures.say("\(name)_p999", Figures.percentile(sorted, 0.999), "us")
  }

  // MARK: - One shot

  /// Writes harmless readings at about 1 kHz, then the dangerous one; returns microseconds until a `Z` came and all
  /// that came with it.
  private static func shoot(
    _ instrument: inout WireInstrument, _ line: Line, warmUp: Int
  ) throws -> (microseconds: Double, heard: [UInt8]) {
    for _ in 0..<warmUp {
      instrument.measure(safe, current, after: 100_000)
      try speak(&instrument, line)
      let bytes = line.read(within: 1_000)
      if bytes.contains(UInt8(ascii: "Z")) { throw BenchmarkFailure("a harmless reading was stopped") }
      instrument.receive(bytes)
    }
    try speak(&instrument, line)
    instrument.measure(dangerous, current, after: 100_000)
    let begun = Figures.now()
    try speak(&instrument, line)
    var heard: [UInt8] = []
    while !heard.contains(UInt8(ascii: "Z")) {
      let bytes = line.read(within: 2_000_000)
      guard !bytes.isEmpty else { throw BenchmarkFailure("a reading beyond a hard limit was not stopped within 2 s") }
      heard.append(contentsOf: bytes)
    }
    return (Double(Figures.now() - begun) * 1e-3, heard)
  }

  private static func speak(_ instrument: inout WireInstrument, _ line: Line) throws {
    guard !instrument.output.isEmpty else { return }
    try line.write(instrument.output)
    instrument.output.removeAll(keepingCapacity: true)
  }

  // MARK: - The daemon

  private static func daemonShots(_ count: Int) throws -> [Double] {
    var target = try Target(serial: "BENCH0001")
    let daemon = try DaemonUnderTest(ports: target.line.path)
    let run = try target.startRun(at: daemon)
    let times = try target.shots(count, at: daemon, run: run)
    daemon.program.end()
    return times
  }

  /// An instrument of a daemon at which is shot.
  struct Target {
    let line: Line
    private var instrument: WireInstrument
    private var channel = ""

    /// An instrument on a line of its own.
    init(serial: String) throws {
      line = try Line()
      instrument = WireInstrument(serial: serial)
    }

    /// Waits for its channel and drives its cell; returns the number of the run.
    mutating func startRun(at daemon: DaemonUnderTest) throws -> Int {
      var found: String?
      let port = line.path
      try serve(for: "an idle channel") { _ in
        found = try daemon.channelsByPort().first { $0.port == port && $0.state == "idle" }?.channel
        return found != nil
      }
      guard let found, let run = try daemon.start(protocolText, on: [found]).first else {
        throw BenchmarkFailure("the run did not start")
      }
      channel = found
      return run
    }

    /// So many shots; microseconds of each.
    mutating func shots(_ count: Int, at daemon: DaemonUnderTest, run: Int) throws -> [Double] {
      var numbers = SystemRandomNumberGenerator()
      var times: [Double] = []
      let channel = channel
      for _ in 0..<count {
        try serve(for: "a driven cell") { $0.isDriving }
        let shot = try shoot(&instrument, line, warmUp: Int.random(in: 3...12, using: &numbers))
        times.append(shot.microseconds)
        instrument.receive(shot.heard)
        try serve(for: "a cleared latch") { _ in
          try daemon.control.call("POST", "/v1/channels/\(channel)/clear", ["reason": "the next shot"]).status < 300
        }
        try serve(for: "a resumed run") { _ in
          try daemon.control.call("POST", "/v1/runs/\(run)/resume").status < 300
        }
      }
      return times
    }

    /// Lets the instrument answer until it is so.
    mutating func serve(for what: String, until isSo: (WireInstrument) throws -> Bool) throws {
      let deadline = Figures.now() + 60_000_000_000
      while Figures.now() < deadline {
        try speak(&instrument, line)
        if try isSo(instrument) { return }
        instrument.receive(line.read(within: 2_000))
      }
      throw BenchmarkFailure("waited 60 s in vain for \(what)")
    }

    /// Measures ten times a second for a while.
    mutating func serve(seconds: Double) throws {
      let end = Figures.now() + Int64(seconds * 1e9)
      while Figures.now() < end {
        if instrument.isDriving { instrument.measure(safe, current, after: 100_000) }
        try speak(&instrument, line)
        instrument.receive(line.read(within: 100_000))
      }
    }
  }

  // MARK: - Bare C

  private static func bareShots(_ count: Int) throws -> [Double] {
    var numbers = SystemRandomNumberGenerator()
    let line = try Line()
    var instrument = WireInstrument(serial: "BENCH0002")
    let guardian = try Company.start(.guardian, [line.path, "4350000"])
    defer { guardian.end(SIGKILL) }
    var times: [Double] = []
    for _ in 0..<count {
      times.append(
        try shoot(&instrument, line, warmUp: Int.random(in: 3...12, using: &numbers)).microseconds)
    }
    return times
  }
}
