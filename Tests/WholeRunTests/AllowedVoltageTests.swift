// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A person answers for a cell that stands outside the limits, for instance after it was stripped too far: the run goes
// on where it stopped, and the cell is judged as before once a current has brought it back.

import CyclerModel
import CyclingRun
import InstrumentKit
import Quantities
import Testing

@Suite struct AllowedVoltageTests {
  private static let reason = "stripped too far, leads are right"

  /// A run that was held and latched at a voltage below the limit of -50 mV while discharging.
  private static func held() throws -> PilotBench {
    let rest = #"{"rest": "10 min"}"#
    var bench = try HazardLimitTests.bench(
      [HazardLimitTests.discharge, rest, HazardLimitTests.charge].joined(separator: ", "))
    bench.start(at: 1.0)
    bench.accept()
    for _ in 0..<30 { bench.read(0.5, -100e-6) }
    bench.read(-0.2, -100e-6)
    bench.end(.requested)
    #expect(bench.pilot.state == .held && bench.journal.latches.map(\.code) == [.limitVoltageLow])
    return bench
  }

  private static func resume(_ bench: inout PilotBench, at volts: Double, because reason: String?) {
    bench.feed(.person(.resume, actor: "anna", allowedVoltageReason: reason))
    bench.check(Array(repeating: volts, count: 10))
  }

  @Test func withoutAReasonTheRunIsHeldAgainAndSaysWhatHelps() throws {
    var bench = try Self.held()
    Self.resume(&bench, at: -0.06, because: nil)
    #expect(bench.pilot.state == .held)
    let event = try #require(bench.journal.events.last)
    #expect(event.code == .runVoltageChanged)
    #expect(event.detail.contains("-60 mV") && event.detail.contains("nactl resume 7 --allow-voltage REASON"))
    #expect(bench.journal.latches.count == 1, "the circuit was open: no new latch")
  }

  @Test func withAReasonItGoesOnThroughTheRestAndIsJudgedAgainAfterwards() throws {
    var bench = try Self.held()
    Self.resume(&bench, at: -0.06, because: Self.reason)
    let event = try #require(bench.journal.events.last { $0.code == .runVoltageAllowed })
    #expect(event.actor == "anna" && event.severity == .warning && event.detail.contains(Self.reason))
    // The discharge has met its end on the way to its limit; the rest begins where the cell stands.
    #expect(bench.setpoint?.mode == .openCircuit && bench.stepsTaken == [0, 1])
    bench.accept()
    for _ in 0..<5 { bench.read(-0.06, 0) }
    #expect(bench.pilot.state == .running, "\(bench.journal.events.suffix(2))")
    // A daemon that dies meanwhile still knows it.
    try bench.restart()
    bench.feed(.instrumentReady)
    bench.check(Array(repeating: -0.06, count: 10))
    #expect(bench.pilot.state == .running, "\(bench.journal.events.suffix(2))")
    bench.accept()
    bench.end(.cutOff(0))
    bench.accept()
    for _ in 0..<60 { bench.read(0.5, 100e-6) }
    bench.feed(.person(.pause, actor: "anna"))
    bench.end(.requested)
    Self.resume(&bench, at: -0.06, because: nil)
    #expect(bench.pilot.state == .held, "it was inside the limits again")
  }

  @Test func itReachesHalfAVoltFurtherAndNoMore() throws {
    for (volts, latch) in [(-0.55, nil), (-0.57, FaultCode.limitVoltageLowAtRest), (3.31, .limitVoltageHighAtRest)] {
      var bench = try Self.held()
      Self.resume(&bench, at: -0.06, because: Self.reason)
      bench.accept()
      bench.read(volts, 0)
      #expect(bench.journal.latches.dropFirst().first?.code == latch, "\(volts) V")
    }
  }

  /// A limit that was passed on the host, on the instrument, or while nobody listened: a cut-off on the way to it was met.
  @Test func aStepThatPassedItsEndOnTheWayToItsLimitIsNotDrivenAgain() throws {
    let passed = Fault(.instrumentBoundReached, "below -100 mV while discharging")
    for way in ["host", "instrument", "both", "alone"] {
      var bench = try HazardLimitTests.bench(HazardLimitTests.discharge + ", " + HazardLimitTests.charge)
      bench.start(at: 1.0)
      bench.accept()
      for _ in 0..<30 { bench.read(0.5, -100e-6) }
      if way == "alone" {
        bench.feed(HazardInterruptionTests.lost)
        let reading = Reading(
          time: TimeSpan(seconds: 31), voltage: Voltage(millivolts: -200), current: Current(picoamperes: -100_000_000))
        bench.feed(
          .driver(
            .orphanEnded(
              channel: 0, try #require(bench.setpoint).token, lastReading: reading,
              circuitOpenedAt: TimeSpan(seconds: 31),
              end: .bound(passed))))
        bench.feed(.instrumentReady)
      } else {
        bench.read(way == "instrument" ? -0.04 : -0.2, -100e-6)
        bench.end(way == "host" ? .requested : .bound(passed))
      }
      #expect(bench.pilot.state == .held && bench.journal.latches.count == 1, "\(way)")
      #expect(bench.journal.endedSteps.last == "voltage <= 10 mV", "\(way)")
      #expect(bench.journal.halfCycles.last?.flags.contains(.truncated) == false, "\(way)")
      Self.resume(&bench, at: 0.3, because: nil)
      #expect(bench.stepsTaken == [0, 1], "\(way)")
      #expect(bench.setpoint?.mode == .constantCurrent(Current(picoamperes: 100_000_000)), "\(way)")
    }
  }

  @Test func aCellOutsideItsLimitsIsNotDrivenFurtherOut() throws {
    let blind = #"{"discharge": "100 uA", "until": ["step_charge >= 1 mAh", "step_time >= 11 h"]}"#
    var bench = try HazardLimitTests.bench(blind + ", " + HazardLimitTests.charge)
    bench.start(at: 1.0)
    bench.accept()
    for _ in 0..<30 { bench.read(0.5, -100e-6) }
    bench.read(-0.2, -100e-6)
    bench.end(.requested)
    Self.resume(&bench, at: -0.06, because: Self.reason)
    #expect(bench.pilot.state == .held && bench.begun == 3, "two checks and one discharge")
    #expect(bench.journal.latches.last?.detail.contains("would discharge it") == true)
  }

  @Test func anAllowanceIsOfOneResumption() throws {
    var bench = try Self.held()
    Self.resume(&bench, at: 0.5, because: Self.reason)
    #expect(!bench.journal.has(.runVoltageAllowed), "nothing had to be allowed")
    bench.accept()
    bench.read(0.5, 0)
    bench.feed(.person(.pause, actor: "anna"))
    bench.end(.requested)
    Self.resume(&bench, at: -0.06, because: nil)
    #expect(bench.pilot.state == .held)
  }
}
