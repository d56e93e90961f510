// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// How a set-point becomes a range, a mode and a code. What the instrument cannot do is found here, before anything is sent.

import CyclerModel
import InstrumentKit
import Quantities

/// What is done for one set-point.
struct SetpointPlan: Sendable, Hashable {
  /// What the output regulates.
  enum Target: Sendable, Hashable {
    case current(Current)
    case voltage(Voltage)
  }

  let setpoint: Setpoint
  /// The same for all of the set-point; in a rest none is selected.
  let range: TDstatModel.Range
  /// What is regulated at first; nil in a rest.
  let target: Target?

  init(_ setpoint: Setpoint, on model: TDstatModel) throws(Fault) {
    self.setpoint = setpoint
    switch setpoint.mode {
    case .openCircuit: target = nil
    case .constantCurrent(let current): target = try Self.target(current, setpoint)
    case .constantCurrentThenVoltage(let current, let voltage):
      target = try Self.target(current, setpoint)
      _ = try Self.target(voltage, on: model)
    case .constantVoltage(let voltage): target = try Self.target(voltage, on: model)
    case .demand, .sweep, .profile, .impedance:
      throw Fault(
        .instrumentRefused, "a \(model.rawValue) is driven at a constant current, at a constant voltage, or not at all")
    }
    guard target != nil else {
      range = model.ranges[0]
      return
    }
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
    self.range = range
  }

  private static func target(_ current: Current, _ setpoint: Setpoint) throws(Fault) -> Target {
    guard current != .zero, current.magnitude <= setpoint.rangeCurrent.magnitude else {
      throw Fault(
        .instrumentRefused,
        "\(current.written) is no current for a range that is to hold \(setpoint.rangeCurrent.written)")
    }
    return .current(current)
  }

  private static func target(_ voltage: Voltage, on model: TDstatModel) throws(Fault) -> Target {
    guard voltage.magnitude <= model.largestVoltage else {
      throw Fault(.instrumentRefused, "\(voltage.written) is beyond \(model.largestVoltage.written)")
    }
    return .voltage(voltage)
  }

  var isRest: Bool { target == nil }

  /// Sets what is regulated and how much of it; nothing is connected meanwhile.
  static func regulate(_ target: Target, _ scale: ConverterScale, _ range: TDstatModel.Range) -> [Step] {
    switch target {
    case .current(let current): [.ask(.output(scale.code(current, range))), .ask(.galvanostatic)]
    case .voltage(let voltage): [.ask(.output(scale.code(voltage))), .ask(.potentiostatic)]
    }
  }

  /// All that is so before the cell is connected, and what is measured then: the third conversion, as the makers' clients leave
  /// out two behind a change of the range. The one after that is over before the cell is connected, so that the next one
  /// begins when it is. All together take longer than the makers' clients give the output's converter to settle.
  func arm(_ scale: ConverterScale) -> [Step] {
    guard let target else { return Step.disconnect }
    return [.ask(.range(range.number))] + Self.regulate(target, scale, range) + [
      .look(discarding: 2), .pause(TDstatDriver.conversionTime),
    ]
  }
}

/// One thing to be done after the other.
enum Step: Sendable, Hashable {
  /// Asks, and goes on when it was answered.
  case ask(Question)
  /// Lets time pass.
  case pause(TimeSpan)
  /// Reads conversions until one has begun after so many others had.
  case look(discarding: Int)

  /// Disconnects the cell, and measures what flows then. The first conversion has begun before.
  static let disconnect: [Step] = [.ask(.cellOff), .look(discarding: 1)]

  /// Disconnects the cell and asks who is there. Nothing protects an answer, so what is kept is read until two agree; then
  /// it can be told what flows.
  static let open: [Step] = [
    .ask(.cellOff), .ask(.offsets), .ask(.outputCalibration), .ask(.shunts), .ask(.range(1)), .look(discarding: 2),
  ]
}
