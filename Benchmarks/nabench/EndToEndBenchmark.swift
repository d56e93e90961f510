// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The whole road: an emulated instrument as fast as it can, its line, driver, engine, metrics and store, with a record
// for each reading. The clock runs from the beginning of the first driven step to the moment at which a client sees the
// run completed, which is after the last commit.

import CycleStore
import CyclerModel
import Foundation

enum EndToEndBenchmark {
  static func run() throws {
    let whole = try cycle(hours: (12, 4))
    guard whole.records >= 1_000_000 else { throw BenchmarkFailure("only \(whole.records) records") }
    Figures.say("end_to_end_readings_per_s", Double(whole.records) / whole.seconds, "readings/s")
    guard let counter = ProcessInfo.processInfo.environment["NABENCH_COUNTER"] else { return }
    // Counted apart: counting takes time.
    let folder = try ScratchDirectory()
    let file = folder.path + "/allocations"
    let counted = try cycle(hours: (4, 2), environment: ["LD_PRELOAD": counter, "NABENCH_ALLOCATIONS": file])
    let made = try portAllocations(file)
    Figures.say(
      "port_thread_allocations_per_1e6_readings", Double(made) / Double(counted.records) * 1e6, "allocations")
  }

  /// The daemon's ports; their threads are named so.
  private static func portAllocations(_ file: String) throws -> Int {
    let text = try String(contentsOfFile: file, encoding: .utf8)
    let counts = text.split(separator: "\n").filter { $0.hasPrefix("port") }
      .compactMap { $0.split(separator: "\t").last.flatMap { Int($0) } }
    guard !counts.isEmpty else { throw BenchmarkFailure("no port's thread among \(text)") }
    return counts.reduce(0, +)
  }

  /// Discharges and charges a hard-carbon cell slowly, with the densest readings that the instrument gives.
  private static func protocolText(hours: (discharge: Int, charge: Int)) -> String {
    """
    {
      "nacycler_protocol": 1, "title": "end to end",
      "cell": {"role": "anode-half-cell", "expect_open_circuit": {"from": "0 V", "to": "3.3 V"}},
      "limits": {
        "voltage": {"min": "-50 mV", "max": "2.3 V", "for": "2 s"},
        "charge_current": {"max": "1 mA", "for": "1 s"}, "discharge_current": {"max": "1 mA", "for": "1 s"},
        "half_cycle_charge": {"max": "1 mAh"}, "empty_half_cycle": {"below": "1 uAh", "in_a_row": 3}
      },
      "record": {"every": "50 ms"}, "metrics": {"sodiation_plateau_below": "100 mV"},
      "on_interruption": {"resume_within": "30 min", "otherwise": "hold"},
      "steps": [{"cycles": 1, "purpose": "life", "label": "life", "steps": [
        {"discharge": "15 uA", "until": ["voltage <= 10 mV", "step_time >= \(hours.discharge) h"]},
        {"charge": "15 uA", "until": ["voltage >= 2.0 V", "step_time >= \(hours.charge) h"]}
      ]}]
    }
    """
  }

  private static func cycle(
    hours: (Int, Int), environment: [String: String] = [:]
  ) throws -> (records: Int, seconds: Double) {
    let folder = try ScratchDirectory()
    let links = folder.path + "/lab"
    let bench = try StartedProgram(
      try DaemonUnderTest.path(of: "nasim"),
      ["run", "--instrument", "emstat4-hr", "--cell", "hard-carbon", "--speed", "max", "--links", links])
    try bench.awaitLine("ready")
    let daemon = try DaemonUnderTest(ports: links + "/emstat4-hr-*", lease: 3_600, environment: environment)
    guard let run = try daemon.start(protocolText(hours: hours), on: try daemon.idleChannels(1)).first else {
      throw BenchmarkFailure("the run did not start")
    }
    let final = try DaemonUnderTest.wait(for: "the end of the run", seconds: 300) { () -> String? in
      let state = try daemon.state(of: run)
      return ["completed", "stopped", "ended", "held"].contains(state) ? state : nil
    }
    let ended = Date().timeIntervalSince1970
    daemon.program.end()
    bench.end()
    guard final == "completed" else { throw BenchmarkFailure("the run is \(final)") }
    let store = try CycleStore.open(at: daemon.state)
    let (records, begun) = try store.readNow { view -> (Int, Double) in
      let first = try view.steps(run: Int64(run)).first { $0.direction != 0 }
      guard let first else { throw BenchmarkFailure("no driven step was stored") }
      return (try view.recordCount(run: Int64(run)), Double(first.startedUnixUs) * 1e-6)
    }
    store.stopAndWait()
    return (records, ended - begun)
  }
}
