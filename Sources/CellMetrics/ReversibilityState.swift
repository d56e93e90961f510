// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import CyclerModel
internal import Quantities

/// What a run's cycles have to be compared with: what the earlier ones have not given back, and what the one before gave
/// back (docs/metrics.md, "Cumulative irreversible capacity" and "Capacity change").
struct ReversibilityState: Sendable, Hashable {
  /// Sum over the run's cycles; nil once a charge was not known.
  private var irreversible: Charge? = .zero
  /// The reversible capacity of the cycle before; nil before the first, and when that one is incomplete.
  private var reversible: Charge?

  init() {}

  /// Nobody noted what went before.
  static var unknown: ReversibilityState {
    var state = ReversibilityState()
    state.irreversible = nil
    return state
  }

  /// Takes the next cycle of the run and fills in what it comes to.
  /// - Parameters:
  ///   - first, second: Its half-cycles in the order of the role; nil where one is missing.
  ///   - hasEfficiency: Whether the role's second half-cycle gives back what the first one took.
  mutating func take(first: HalfCycleRow?, second: HalfCycleRow?, hasEfficiency: Bool, into summary: inout CycleSummary)
  {
    if hasEfficiency {
      if let before = irreversible, let first, let second, first.isChargeKnown, second.isChargeKnown {
        irreversible = Self.sum(before, first.charge, less: second.charge)
      } else {
        irreversible = nil
      }
      summary.cumulativeIrreversibleCharge = irreversible
    }
    let present = second?.isComplete == true ? second?.charge : nil
    if let present, let reversible, reversible > .zero {
      summary.capacityChange = Double(present.nanocoulombs) / Double(reversible.nanocoulombs) - 1
    }
    reversible = present
  }

  /// Nil beyond what can be counted, which no cell reaches and a file may.
  private static func sum(_ before: Charge, _ added: Charge, less removed: Charge) -> Charge? {
    let (sum, isTooLarge) = before.nanocoulombs.addingReportingOverflow(added.nanocoulombs)
    let (rest, isTooSmall) = sum.subtractingReportingOverflow(removed.nanocoulombs)
    return isTooLarge || isTooSmall ? nil : Charge(nanocoulombs: rest)
  }

  func encode(into writer: inout ByteWriter) {
    writer.write(irreversible?.nanocoulombs)
    writer.write(reversible?.nanocoulombs)
  }

  init(from reader: inout ByteReader) throws(ByteReader.Malformed) {
    irreversible = try reader.readOptional(Int64.self).map { Charge(nanocoulombs: $0) }
    reversible = try reader.readOptional(Int64.self).map { Charge(nanocoulombs: $0) }
  }
}
