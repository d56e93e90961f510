// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The parts between the bytes and the store, one at a time and without a port: what a reading costs in each.

import CellMetrics
import CyclerModel
import CyclingRun
import Foundation
import InstrumentKit
import MethodSCRIPTDriver
import Quantities

enum PureBenchmarks {
  /// Integration, safety, the step's ends and the decision to record; the second figure also records each reading and
  /// gives it to the metrics.
  static func engine() throws {
    try engine("engine_ns_per_reading") { try SampleRun.pilot(every: "60 s") }
    try engine("engine_recording_ns_per_reading") { try SampleRun.pilot(every: "100 ms") }
    // Half a day: less than the longest time for which an end must hold.
    try engine("engine_richest_ns_per_reading", count: 400_000) {
      try SampleRun.pilot(record: SampleRun.richRecord, ends: SampleRun.richEnds)
    }
  }

  private static func engine(_ name: String, count: Int64 = 1_000_000, _ makePilot: () throws -> RunPilot) throws {
    try Figures.sayRounds(name) {
      var pilot = try makePilot()
      var outputs = RunOutputs()
      var recorded = 0
      let begun = Figures.used()
      for index in 1...count {
        pilot.handle(SampleRun.reading(index), at: SampleRun.moment, into: &outputs)
        recorded += outputs.records.count
        outputs.removeAll()
      }
      let nanoseconds = Double(Figures.used() - begun)
      guard pilot.state == .running, recorded >= count / 600 else {
        throw BenchmarkFailure("the benchmark's run is \(pilot.state) after \(recorded) records")
      }
      return nanoseconds / Double(count)
    }
  }

  /// The accumulator of a half-cycle with a plateau threshold, a record at a time.
  static func metrics() throws {
    let records = ContiguousArray(
      (1...Int64(100_000)).map { index -> RecordRow in
        let reading = SampleRun.reading(index)
        return RecordRow(
          stepID: 1, index: Int32(index), stepTime: reading.time,
          // Falls through the threshold half-way.
          voltage: Voltage(nanovolts: 1_000_000_000 - index * 18_000), current: reading.current,
          charge: Charge(nanocoulombs: -index * 10_000), energy: Energy(nanojoules: -index * 5_000), flags: [])
      })
    let passes = 50
    try Figures.sayRounds("metrics_ns_per_reading") {
      let begun = Figures.used()
      for _ in 0..<passes {
        var half = HalfCycleAccumulator(direction: .discharge, plateauThreshold: Voltage(millivolts: 100))
        for record in records { half.record(record) }
        guard half.plateauCharge?.nanocoulombs ?? 0 > 0 else { throw BenchmarkFailure("no plateau was seen") }
      }
      return Double(Figures.used() - begun) / Double(passes * records.count)
    }
  }

  /// What the kernel hands over of a line that runs full, at most.
  private static let chunk = 4_095

  /// Bytes to readings, in the pieces in which a pseudo-terminal delivers them.
  static func driver() throws {
    let count: Int64 = 500_000
    let bytes = SampleRun.wireBytes(readings: count)
    try Figures.sayRounds("driver_ns_per_reading") {
      var driver = try SampleRun.driver()
      var outputs = DriverOutputs()
      var readings = 0
      let begun = Figures.used()
      bytes.withUnsafeBytes { all in
        for start in stride(from: 0, to: all.count, by: chunk) {
          let piece = UnsafeRawBufferPointer(rebasing: all[start..<min(start + chunk, all.count)])
          driver.handle(.bytes(piece), at: SampleRun.moment.host, into: &outputs)
          for event in outputs.events { if case .reading = event { readings += 1 } }
          outputs.removeAll()
        }
      }
      let nanoseconds = Double(Figures.used() - begun)
      guard readings == count else { throw BenchmarkFailure("the driver made \(readings) readings of \(count)") }
      return nanoseconds / Double(count)
    }
  }

  /// A transcript in which one read of the port has very many short lines: a reader that copies the lines before with
  /// each shows here (docs/benchmarks.md).
  static func transcript() throws {
    let lines = 500_000
    let header = "# nacycler transcript 1\n# family: f\n# instrument: i\n# version: 1\n# recorded: now\n"
    let text = Array((header + "@ 0 opened\n@ 5\n" + String(repeating: "< a\\n\n", count: lines) + ". over\n").utf8)
    try Figures.sayRounds("transcript_ns_per_line") {
      let begun = Figures.used()
      let transcript = try InstrumentTranscript(text)
      let nanoseconds = Double(Figures.used() - begun)
      guard case .received(let bytes) = transcript.turns.last?.input, bytes.count == 2 * lines else {
        throw BenchmarkFailure("the transcript was read as something else")
      }
      return nanoseconds / Double(lines)
    }
  }

  // MARK: - Allocations

  /// The counter that scripts/bench.sh preloads; nil without it.
  private static func counter() -> (@convention(c) () -> Int)? {
    guard let symbol = dlsym(nil, "nabench_allocations") else { return nil }
    return unsafeBitCast(symbol, to: (@convention(c) () -> Int).self)
  }

  /// Driver and pilot joined as on the port's thread, every reading recorded; memory that has grown stays in use.
  static func allocations() throws {
    guard let counter = counter() else {
      throw BenchmarkFailure("allocations are counted by a preloaded library: run scripts/bench.sh")
    }
    let count: Int64 = 1_000_000
    let bytes = SampleRun.wireBytes(readings: count)
    var driver = try SampleRun.driver()
    var pilot = try SampleRun.pilot(every: "100 ms")
    var driverOutputs = DriverOutputs()
    var runOutputs = RunOutputs()
    var recorded = 0
    var before = 0
    bytes.withUnsafeBytes { all in
      for (number, start) in stride(from: 0, to: all.count, by: chunk).enumerated() {
        // The first pieces let the buffers grow.
        if number == 10 { before = counter() }
        let piece = UnsafeRawBufferPointer(rebasing: all[start..<min(start + chunk, all.count)])
        driver.handle(.bytes(piece), at: SampleRun.moment.host, into: &driverOutputs)
        for event in driverOutputs.events {
          guard case .reading(_, let reading) = event else { continue }
          pilot.handle(reading, at: SampleRun.moment, into: &runOutputs)
          recorded += runOutputs.records.count
          runOutputs.removeAll()
        }
        driverOutputs.removeAll()
      }
    }
    let made = counter() - before
    guard recorded == count else { throw BenchmarkFailure("\(recorded) records of \(count) readings") }
    Figures.say("allocations_per_1e6_readings", Double(made), "allocations")
  }
}
