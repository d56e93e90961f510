// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// How a set-point becomes tests of the instrument. A hold is the test `constant`, whose duration is the lease: it may be
// lengthened while the test runs, and the firmware looks at it at each step of its clock. A sweep is, leg by leg, a stair:
// the test `squareWave` with an amplitude of nothing. Its final value is as far as the lease reaches; to move it further
// changes nothing of what is on its way, which with the duration of a linear sweep would.

import CyclerModel
import InstrumentKit
import Quantities

/// What is done for one set-point.
struct SetpointPlan: Sendable, Hashable {
  /// One piece of a set-point that one test carries out.
  struct Leg: Sendable, Hashable {
    var from: Voltage
    var to: Voltage
    /// Picovolts that the stair goes in each sample period; 0 for a hold.
    var step: Int64

    /// Steps until it is there.
    var count: Int64 {
      step == 0 ? 0 : ((to - from).magnitude.nanovolts * 1_000 + step - 1) / step
    }
  }

  let setpoint: Setpoint
  let model: RodeostatModel
  /// nil in a rest.
  let range: Int?
  /// Milliseconds between two samples.
  let period: Int64
  let legs: [Leg]
  /// The range of the voltage, for all legs.
  let voltageRange: RodeostatModel.VoltageRange
  private let farthest: Voltage

  /// Shorter leases are lost on a busy line.
  static let shortestLease = TimeSpan(seconds: 2)
  /// The firmware's own limits of the sample period, and ours below.
  private static let periods: ClosedRange<Int64> = 10...1_000
  /// A stair goes in steps of this, or smaller ones: nearly those of the output's converter.
  private static let stair: Int64 = 1_000_000
  /// Faster than 0.5 V/s a stair's steps are larger than five times that.
  private static let fastest = VoltageRate(count: 500_000_000 * 3_600)

  init(_ setpoint: Setpoint, on model: RodeostatModel) throws(Fault) {
    self.setpoint = setpoint
    self.model = model
    let interval = setpoint.readingInterval.microseconds / 1_000
    switch setpoint.mode {
    case .openCircuit:
      range = nil
      period = 0
      legs = []
      farthest = .zero
    case .constantVoltage(let voltage):
      range = try Self.range(for: setpoint, on: model)
      period = min(max(interval, 50), Self.periods.upperBound)
      legs = [Leg(from: voltage, to: voltage, step: 0)]
      farthest = try Self.possible([voltage])
    case .sweep(let sweep):
      range = try Self.range(for: setpoint, on: model)
      farthest = try Self.possible([sweep.from] + sweep.to)
      guard !sweep.to.isEmpty, sweep.rate.count > 0, sweep.rate <= Self.fastest,
        setpoint.cutOffs.indices.contains(sweep.ownEnd)
      else { throw Fault(.instrumentRefused, "a sweep without a way or an end, or faster than 0.5 V/s") }
      // nV over nV/h are hours; a millionth of an hour is 3.6 ms.
      let natural = Self.stair * 3_600_000 / sweep.rate.count
      period = min(max(min(natural, interval), Self.periods.lowerBound), Self.periods.upperBound)
      legs = Self.legs(sweep, period)
    case .constantCurrent, .constantCurrentThenVoltage, .demand, .profile, .impedance:
      throw Fault(.instrumentRefused, "a Rodeostat holds or sweeps a voltage; it cannot drive a current")
    }
    guard let voltageRange = RodeostatModel.range(holding: RodeostatModel.withRoom(farthest)) else {
      throw Fault(.instrumentRefused, "no voltage range holds \(farthest.written)")
    }
    self.voltageRange = voltageRange
  }

  private static func legs(_ sweep: Setpoint.Sweep, _ period: Int64) -> [Leg] {
    // nV/h times ms are 1/3.6e6 nV; a thousand picovolts each.
    let step = max((Int128(sweep.rate.count) * Int128(period) * 1_000 + 1_800_000) / 3_600_000, 1)
    var legs: [Leg] = []
    var from = sweep.from
    for target in sweep.to where target != from {
      legs.append(Leg(from: from, to: target, step: Int64(clamping: step)))
      from = target
    }
    return legs
  }

  private static func range(for setpoint: Setpoint, on model: RodeostatModel) throws(Fault) -> Int {
    let bounds = setpoint.bounds
    guard bounds.upperVoltage > bounds.lowerVoltage, bounds.currentMagnitude > .zero else {
      throw Fault(.instrumentRefused, "bounds between which nothing is")
    }
    guard setpoint.rangeCurrent != .zero, let range = model.range(holding: setpoint.rangeCurrent) else {
      throw Fault(
        .instrumentRefused,
        "there is no range for \(setpoint.rangeCurrent.written); the largest reaches "
          + model.capabilities.maximumCurrent.written)
    }
    return range
  }

  private static func possible(_ voltages: [Voltage]) throws(Fault) -> Voltage {
    let farthest = voltages.max { $0.magnitude < $1.magnitude } ?? .zero
    guard farthest.magnitude <= RodeostatModel.largestVoltage else {
      throw Fault(.instrumentRefused, "\(farthest.written) is beyond \(RodeostatModel.largestVoltage.written)")
    }
    return farthest
  }

  // MARK: - Lines

  var isRest: Bool { legs.isEmpty && range == nil }
  var test: String { legs.first?.step == 0 ? "constant" : "squareWave" }
  var currentScale: ConverterScale? { range.map { model.scale(of: model.currentRanges[$0]) } }
  var voltageScale: ConverterScale { model.scale(of: voltageRange) }
  /// The lease that is meant, in milliseconds.
  var lease: Int64 { max(setpoint.lease, Self.shortestLease).microseconds / 1_000 }

  /// All that must be so before the first leg.
  var opening: [Exchange] {
    guard let range else { return Self.rest }
    return [
      Self.autoConnect, .range("setCurrRange", "currRange", model.currentRanges[range].name),
      Exchange(
        command: "setSamplePeriod", rest: ",\"samplePeriod\":\(period)", expected: .whole("samplePeriod", period)),
    ]
  }

  /// The counter electrode stays disconnected: nothing can flow. The other two are what the voltage is measured between.
  private static let rest: [Exchange] = [
    autoConnect, .switchElectrode("setRefElectConnected", true), .switchElectrode("setWrkElectConnected", true),
    Exchange(command: "getCtrElectConnected", expected: .truth("connected", false)),
  ]

  private static let autoConnect = Exchange(
    command: "setElectAutoConnect", rest: ",\"autoConnect\":true", expected: .truth("autoConnect", true))

  /// Begins a leg that may last until `deadline` of its own milliseconds.
  func begin(leg: Int, until deadline: Int64) -> [Exchange] {
    let leg = legs[leg]
    // Never applied, as the quiet time is nothing; it makes the firmware choose ranges that have room for all legs.
    let room = Exchange.Parameter.volts("quietValue", RodeostatModel.withRoom(farthest))
    var parameters = [room, .milliseconds("quietTime", 0)]
    if leg.step == 0 {
      parameters += [.volts("value", leg.to), .milliseconds("duration", deadline)]
    } else {
      parameters += [
        .volts("startValue", leg.from), finalValue(leg, until: deadline),
        Exchange.Parameter(name: "stepValue", picounits: leg.step), .volts("amplitude", .zero),
        Exchange.Parameter(name: "window", picounits: 200_000_000_000),
      ]
    }
    return [
      .set(test, parameters), .run(test),
      Exchange(command: "getRefElectVoltRange", expected: .text("voltRange", voltageRange.name)),
    ]
  }

  /// Lengthens a leg that runs.
  func extend(leg: Int, until deadline: Int64) -> Exchange {
    let leg = legs[leg]
    return .set(
      test, [leg.step == 0 ? .milliseconds("duration", deadline) : finalValue(leg, until: deadline)])
  }

  /// Half a step short of where it stands at the deadline, so that single precision cannot make it one step more.
  private func finalValue(_ leg: Leg, until deadline: Int64) -> Exchange.Parameter {
    let steps = deadline / period - 1
    guard steps < leg.count else { return .volts("finalValue", leg.to) }
    let way = leg.step * steps - leg.step / 2
    let start = leg.from.nanovolts * 1_000
    return Exchange.Parameter(name: "finalValue", picounits: leg.to > leg.from ? start + way : start - way)
  }

  /// When a leg is over that may last until `deadline`, in its own milliseconds; and whether it is then where it should
  /// be.
  func end(of leg: Int, until deadline: Int64) -> (at: Int64, isThere: Bool) {
    let leg = legs[leg]
    guard leg.step > 0 else { return (deadline, false) }
    let steps = max(min(deadline / period - 1, leg.count), 0)
    return ((steps + 1) * period, steps == leg.count)
  }

  /// The voltage that is set at a moment of a leg.
  func voltage(leg: Int, at milliseconds: Int64) -> Voltage {
    let leg = legs[leg]
    guard leg.step > 0 else { return leg.to }
    let way = Voltage(nanovolts: min(milliseconds / period, leg.count) * leg.step / 1_000)
    return leg.to > leg.from ? min(leg.from + way, leg.to) : max(leg.from - way, leg.to)
  }
}
