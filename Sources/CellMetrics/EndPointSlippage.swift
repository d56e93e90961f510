// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Where the ends of charging and discharging stand on one running count of charge, and how far each moves from one cycle
// to the next (docs/metrics.md, "End-point slippage"). A parasitic current shows there as the charge that it took.

public import CyclerModel
public import Quantities

/// Slippage of the end-points, from half-cycles in the order in which they ran.
public struct EndPointSlippage: Sendable, Hashable {
  private var running: Charge = .zero
  private var lastChargeEnd: Charge?
  private var lastDischargeEnd: Charge?

  /// Nothing counted yet.
  public init() {}

  /// Takes the next half-cycle, with every charge between its beginning and its end.
  /// - Parameters:
  ///   - charge: What it moved in its direction; nil where that is not known, and then the count begins anew.
  ///   - endsAtCutOff: Whether its end is an end-point, and not where somebody stopped it.
  /// - Returns: How far its end-point moved since the one before of the same direction, positive charging; nil for the
  ///   first one.
  public mutating func take(_ direction: Direction, charge: Charge?, endsAtCutOff: Bool) -> Charge? {
    guard let charge else {
      self = EndPointSlippage()
      return nil
    }
    switch direction {
    case .charge:
      running += charge
      defer { lastChargeEnd = endsAtCutOff ? running : nil }
      return endsAtCutOff ? lastChargeEnd.map { running - $0 } : nil
    case .discharge:
      running -= charge
      defer { lastDischargeEnd = endsAtCutOff ? running : nil }
      return endsAtCutOff ? lastDischargeEnd.map { running - $0 } : nil
    case .none: return nil
    }
  }
}
