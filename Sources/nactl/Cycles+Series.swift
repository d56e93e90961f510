// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ControlAPI

/// What the row of cycles says of each, as programs get it.
enum SeriesColumns {
  static let values: [(String, @Sendable (CycleFrame) -> String?)] = [
    ("conditions_group", { $0.conditions_group.map { "\($0)" } }),
    ("group_retention", { $0.group_retention.map { "\($0)" } }),
    ("complete", { $0.complete.map { "\($0)" } }),
    ("comparable", { $0.comparable.map { "\($0)" } }),
    ("linear_decay_per_cycle", { $0.linear_decay_per_cycle.map { "\($0)" } }),
    ("geometric_decay_per_cycle", { $0.geometric_decay_per_cycle.map { "\($0)" } }),
    ("decay_cycles", { $0.decay_cycles.map { "\($0)" } }),
    ("capacity_slope_Ah_per_cycle", { $0.capacity_slope_Ah_per_cycle.map { "\($0)" } }),
    ("capacity_slope_cycles", { $0.capacity_slope_cycles.map { "\($0)" } }),
    ("charge_end_slippage_Ah", { $0.charge_end_slippage_Ah.map { "\($0)" } }),
    ("discharge_end_slippage_Ah", { $0.discharge_end_slippage_Ah.map { "\($0)" } }),
    ("coulombic_efficiency_product", { $0.coulombic_efficiency_product.map { "\($0)" } }),
    ("sodiation_plateau_retention", { $0.sodiation_plateau_retention.map { "\($0)" } }),
    ("desodiation_plateau_retention", { $0.desodiation_plateau_retention.map { "\($0)" } }),
  ]

  /// Whether there are several groups, which people then see.
  static func hasGroups(_ cycles: [CycleFrame]) -> Bool { cycles.contains { ($0.conditions_group ?? 1) > 1 } }

  /// For a table; people see groups and what is left within them, and only where there are several.
  static func columns(_ cycles: [CycleFrame]) -> [Table<CycleFrame>.Column] {
    let hasGroups = hasGroups(cycles)
    return values.map { key, value in
      switch key {
      case "conditions_group": .init(hasGroups ? "GROUP" : "", key, number: true, value)
      case "group_retention":
        .init(
          hasGroups ? "IN GROUP %" : "", key, number: true,
          text: { $0.group_retention.map { Numbers.percent($0, decimals: 3) } }, value: value)
      default: .hidden(key, value)
      }
    }
  }
}
