// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation
import Testing

/// What the daemon stored, half-cycle by half-cycle, against what really passed through the terminals.
struct TruthComparison {
  /// As stored.
  struct HalfCycle {
    var charge: Double
    var direction: Int
    /// nil when the daemon says that it does not know.
    var gap: Double?
    var flags: Int
    var isDamaged: Bool { flags & (256 | 512 | 1024 | 4096) != 0 }
  }

  var stored: [HalfCycle]
  var truth: [(charge: Double, direction: Int, plateau: Double)]

  init(_ rig: LaboratoryRig, run: String = "1", instrument: String = "1", links: String? = nil) throws {
    let rows = try rig.sqlite(
      "SELECT charge_nc, direction, coalesce(gap_charge_nc, ''), flags FROM half_cycle WHERE run_id = \(run) ORDER BY number"
    )
    stored = rows.split(separator: "\n").compactMap { row in
      let parts = row.split(separator: "|", omittingEmptySubsequences: false)
      guard parts.count == 4, let charge = Double(parts[0]), let direction = Int(parts[1]), let flags = Int(parts[3])
      else { return nil }
      return HalfCycle(
        charge: charge / 1e9, direction: direction, gap: Double(parts[2]).map { $0 / 1e9 }, flags: flags)
    }
    let answer = try rig.nasim("truth", "--links", links ?? rig.links, instrument, "--format", "json").json()
    let halves = answer["half_cycles"] as? [[String: Any]] ?? []
    truth = halves.map { half in
      (
        charge: half["terminal_charge_c"] as? Double ?? -1,
        direction: half["direction"] as? String == "charge" ? 1 : -1, plateau: half["plateau_charge_c"] as? Double ?? 0
      )
    }
  }

  /// The largest relative difference among undamaged half-cycles.
  var worst: Double {
    zip(stored, truth).filter { !$0.0.isDamaged }.map { abs($0.0.charge - $0.1.charge) / $0.1.charge }.max() ?? 0
  }

  /// Expects every undamaged half-cycle within ten millionths and every damaged one within the gap that it reports.
  func expectAgreement(tolerance: Double = 10e-6) {
    #expect(stored.count == truth.count)
    for (index, (kept, real)) in zip(stored, truth).enumerated() {
      #expect(kept.direction == real.direction, "half-cycle \(index + 1)")
      let difference = abs(kept.charge - real.charge)
      if !kept.isDamaged {
        #expect(
          difference <= tolerance * real.charge, "half-cycle \(index + 1): \(kept.charge) against \(real.charge) C")
      } else if let gap = kept.gap {
        #expect(
          difference <= gap + tolerance * real.charge,
          "half-cycle \(index + 1): \(kept.charge) against \(real.charge) C, a gap of \(gap) C was reported")
      }
    }
  }

  /// Expects the charge of all sweeps near what went through the terminals. It is sampled at the end of each step of the
  /// instrument's staircase, where the current of a capacitance is least: that is missed by half the step's time over the
  /// cell's time constant.
  func expectSweepAgreement(_ rig: LaboratoryRig, within tolerance: Double = 5e-3) throws {
    #expect(stored.isEmpty, "a sweep belongs to no half-cycle")
    let said = Double(
      try rig.sqlite(
        """
        SELECT sum(charge_nc) FROM record JOIN step USING (step_id)
        WHERE kind = 'voltage_sweep' AND step_record_index = (SELECT max(step_record_index) FROM record r WHERE r.step_id = step.step_id)
        """))
    let net = try #require(said) / 1e9
    let real = truth.map { Double($0.direction) * $0.charge }.reduce(0, +)
    let moved = truth.map(\.charge).reduce(0, +)
    #expect(abs(net - real) <= tolerance * moved, "\(net) C against \(real) C")
  }
}
