// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The engine records the readings around a plateau threshold and the metrics interpolate between them; both must mean
// the same voltage, so the choice is made here, once.

public import Quantities

extension MetricParameters {
  /// The voltage below which charge is plateau charge on the branch that runs in `direction`.
  ///
  /// A plateau in this sense belongs to an anode against sodium metal: discharge sodiates it, charge desodiates it. Any
  /// other role has none, because its cell voltage is not that of the anode.
  /// - Returns: The threshold, or nil when the branch has none.
  public func plateauThreshold(direction: Direction, role: CellRole) -> Voltage? {
    switch role {
    case .anodeHalfCell:
      switch direction {
      case .discharge: sodiationPlateauBelow
      case .charge: desodiationPlateauBelow
      case .none: nil
      }
    case .cathodeHalfCell, .fullCell, .anodeFree, .platingStripping, .symmetric, .noCycles: nil
    }
  }
}
