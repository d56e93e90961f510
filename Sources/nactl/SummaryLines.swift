// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ControlAPI

/// What follows from all cycles, as people read it below a table of cycles: of a run and of a file in the same words.
struct SummaryLines {
  var summary: RunSummaryFrame
  var scale: CapacityScale
  /// Why there is no retention; nil to be silent of it.
  var withoutRetention: String?

  init(_ summary: RunSummaryFrame, _ scale: CapacityScale, withoutRetention: String? = nil) {
    self.summary = summary
    self.scale = scale
    self.withoutRetention = withoutRetention
  }

  var text: String { afterFormation + mean + lost + retention + threshold + slope + life }

  static func line(_ title: String, _ value: String) -> String {
    title + String(repeating: " ", count: max(0, 12 - title.count)) + value + "\n"
  }

  private var afterFormation: String {
    guard let efficiency = summary.first_coulombic_efficiency_after_formation else { return "" }
    return Self.line("CE AFTER", "\(Numbers.percent(efficiency, decimals: 3)) %  (the first cycle after formation)")
  }

  private var mean: String {
    guard let mean = summary.mean_coulombic_efficiency_from_second else { return "" }
    let product = summary.coulombic_efficiency_product.map { ", product of all \(Numbers.fixed($0, 5))" } ?? ""
    return Self.line("MEAN CE", "\(Numbers.percent(mean, decimals: 3)) % from the second cycle on\(product)")
  }

  private var lost: String {
    guard let irreversible = summary.cumulative_irreversible_capacity_ah else { return "" }
    return Self.line("LOST", "\(scale.text(irreversible)) in \(summary.complete_cycles) complete cycles")
  }

  private var retention: String {
    guard let retention = summary.retention, let cycle = summary.retention_cycle,
      let reference = summary.reference_cycle, let cycles = summary.decay_cycles
    else { return withoutRetention.map { Self.line("RETENTION", "\(Numbers.unknown)  (\($0))") } ?? "" }
    let linear = summary.linear_decay_per_cycle.map { Numbers.percent($0, decimals: 4) } ?? Numbers.unknown
    let geometric = summary.geometric_decay_per_cycle.map { Numbers.percent($0, decimals: 4) } ?? Numbers.unknown
    return Self.line(
      "RETENTION",
      "\(Numbers.percent(retention, decimals: 3)) % of cycle \(reference) in cycle \(cycle); decay \(linear) % a cycle "
        + "linear, \(geometric) % geometric, over \(cycles)")
  }

  private var threshold: String {
    guard let cycle = summary.retention_threshold_cycle, let cycles = summary.cycles_to_retention_threshold else {
      return ""
    }
    let word = summary.retention_threshold_provisional == true ? ", not confirmed yet" : ""
    return Self.line(
      "LIFE",
      "below \(Numbers.percent(summary.retention_threshold, decimals: 1)) % in cycle \(cycle), \(cycles) after the reference"
        + word)
  }

  private var slope: String {
    guard let slope = summary.capacity_slope_ah_per_cycle, let cycles = summary.capacity_slope_cycles else { return "" }
    return Self.line("SLOPE", "\(scale.text(slope)) a cycle (Theil–Sen, last \(cycles) cycles of its group)")
  }

  private var life: String {
    guard let mean = summary.geometric_mean_coulombic_efficiency, let count = summary.geometric_mean_cycles,
      let cycles = summary.predicted_cycles_to_retention_threshold
    else { return "" }
    let threshold = Numbers.percent(summary.retention_threshold, decimals: 1)
    return Self.line(
      "BY ITS CE",
      "\(threshold) % after \(Numbers.fixed(cycles, 0)) cycles of \(Numbers.percent(mean, decimals: 4)) % "
        + "(geometric mean of \(count))")
  }
}
