// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ControlAPI

extension Cycles {
  /// What the row of cycles says of each. People see groups and what is left within them only where there are several.
  static func series(_ cycles: [CycleFrame]) -> [Table<CycleFrame>.Column] {
    let hasGroups = cycles.contains { ($0.conditions_group ?? 1) > 1 }
    let group = Table<CycleFrame>.Column(hasGroups ? "GROUP" : "", "conditions_group", number: true) {
      $0.conditions_group.map { "\($0)" }
    }
    let kept = Table<CycleFrame>.Column(
      hasGroups ? "IN GROUP %" : "", "group_retention", number: true,
      text: { $0.group_retention.map { Numbers.percent($0, decimals: 3) } }
    ) { $0.group_retention.map { "\($0)" } }
    return [
      group, kept,
      .hidden("complete") { $0.complete.map { "\($0)" } },
      .hidden("comparable") { $0.comparable.map { "\($0)" } },
      .hidden("linear_decay_per_cycle") { $0.linear_decay_per_cycle.map { "\($0)" } },
      .hidden("geometric_decay_per_cycle") { $0.geometric_decay_per_cycle.map { "\($0)" } },
      .hidden("decay_cycles") { $0.decay_cycles.map { "\($0)" } },
      .hidden("capacity_slope_Ah_per_cycle") { $0.capacity_slope_Ah_per_cycle.map { "\($0)" } },
      .hidden("capacity_slope_cycles") { $0.capacity_slope_cycles.map { "\($0)" } },
      .hidden("charge_end_slippage_Ah") { $0.charge_end_slippage_Ah.map { "\($0)" } },
      .hidden("discharge_end_slippage_Ah") { $0.discharge_end_slippage_Ah.map { "\($0)" } },
      .hidden("coulombic_efficiency_product") { $0.coulombic_efficiency_product.map { "\($0)" } },
      .hidden("sodiation_plateau_retention") { $0.sodiation_plateau_retention.map { "\($0)" } },
      .hidden("desodiation_plateau_retention") { $0.desodiation_plateau_retention.map { "\($0)" } },
    ]
  }
}
