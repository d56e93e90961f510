// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What of a step is a share of a measured capacity, and the step once that is known.

public import Quantities

extension ProgramStep {
  /// Whether something in it is a share of a measured capacity.
  public var hasShares: Bool { currentShare != nil || ends.contains { $0.share != nil } }

  /// All shares of measured capacities in it.
  public var shares: [MeasuredShare] { [currentShare].compactMap { $0 } + ends.compactMap(\.share) }

  /// The step with all shares of measured capacities as numbers; nil while one of them is not known or is nothing. A
  /// share of a current never makes it larger than the action says.
  public func resolved(by measured: MeasuredCapacities) -> ProgramStep? {
    guard hasShares else { return self }
    var step = self
    if let currentShare {
      guard let picoamperes = measured.amount(of: currentShare), picoamperes > 0 else { return nil }
      step.action = action.withCurrent(atMost: Current(picoamperes: picoamperes))
    }
    for index in ends.indices {
      guard let share = ends[index].share else { continue }
      guard let amount = measured.amount(of: share), amount > 0 else { return nil }
      step.ends[index].threshold = amount
    }
    return step
  }
}

extension ProgramStep.Action {
  /// The current of a step of constant current, held at its end or not; nil for others.
  public var constantCurrent: Current? {
    switch self {
    case .constantCurrent(_, let current), .constantCurrentConstantVoltage(_, let current, _): current
    case .rest, .hold, .demand, .sweep, .profile, .impedance: nil
    }
  }

  fileprivate func withCurrent(atMost most: Current) -> ProgramStep.Action {
    switch self {
    case .constantCurrent(let direction, let current): .constantCurrent(direction, min(current, most))
    case .constantCurrentConstantVoltage(let direction, let current, let voltage):
      .constantCurrentConstantVoltage(direction, min(current, most), voltage)
    case .rest, .hold, .demand, .sweep, .profile, .impedance: self
    }
  }
}
