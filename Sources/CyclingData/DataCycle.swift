// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

public import CyclerModel
public import Quantities

/// A cycle of a table.
public struct DataCycle: Sendable, Hashable {
  /// Capacities, energies, efficiency, plateaus, retention and what else a live cycle has.
  public var summary: CycleSummary
  /// Indices of its half-cycles among those of the table.
  public var charge: Int?
  /// See `charge`.
  public var discharge: Int?
  /// Whether its efficiency can be compared with others': complete, and the half-cycle before it ended in the same way.
  public var isComparable: Bool
  /// What a reader must know, in words.
  public var flags: [String] = []

  /// Whether both half-cycles are there and ended where their branch ends.
  public var isComplete: Bool { summary.series.isComplete }
  /// Cycles with the same number ran at the same currents to the same cut-offs; nil when incomplete.
  public var group: Int64? { summary.series.group }
  /// How far the end of charging moved since the cycle before, positive charging.
  public var chargeEndSlippage: Charge? { summary.series.chargeEndSlippage }
  /// How far the end of discharging moved.
  public var dischargeEndSlippage: Charge? { summary.series.dischargeEndSlippage }
}
