// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A wrong sign or a wrong role makes no error, only other half-cycles, and their efficiencies look better than the right
// ones. What gives such a table away is told beside the numbers, which stay as they are.

internal import CyclerModel
internal import Quantities

/// Whether a table's initial efficiency is that of the cell's first cycle.
struct FirstCycleReview {
  let result: AnalysisResult
  let options: AnalysisOptions
  /// Words for the steps give the currents their sign.
  var readsWords = false

  /// Less than the polarisation of any cell, V: a hysteresis nearer to zero has no sign.
  private static let leastHysteresis = 1e-3
  /// A half-cycle before the first cycle that moves a larger share of what the cycle does was more than its conditioning.
  private static let largestPreCycle = 0.5

  /// The largest initial efficiency that a cell of the role has, a fraction: an anode, a full cell and plated sodium give
  /// back what they took and an instrument's error. A cathode that is made with less sodium than it takes up
  /// (P2-Na2/3MO2, charged to 4.3 V and discharged to 1.5 V) gives back more than twice its first charge.
  static func largestPlausible(_ role: CellRole?) -> Double { role == .cathodeHalfCell ? 2.5 : 1.05 }

  /// In short, for the line of the number; nil when nothing is amiss or there is no initial efficiency.
  var doubt: String? {
    guard result.summary.initialEfficiency != nil else { return nil }
    if isInverted { return "is the sign of the current inverted?" }
    if let before = preCycle { return "behind \(Self.named(before)): not the cell's first" }
    if partialStart != nil {
      return options.role == .cathodeHalfCell
        ? "partial start: one to quote only of a cathode made with less sodium than it takes up"
        : "partial start: not one to quote"
    }
    return isBeyondRole ? "more came back than went in: not one to quote" : nil
  }

  /// The same in sentences, with what to do.
  var notes: [String] {
    if isInverted { return [signNote] }
    guard let efficiency = result.summary.initialEfficiency else { return [] }
    if let before = preCycle {
      let share = percent(before, of: firstHalf)
      return [
        "\(Self.named(before)) precedes cycle 1, \(share) % of the half-cycle after it: this ICE is not the cell's first. Is the "
          + "role right? \(otherOrder) would count it; otherwise the cell was cycled before the file begins"
      ]
    }
    if let (first, next) = partialStart {
      let share = percent(first, of: next)
      let cathode =
        options.role == .cathodeHalfCell ? "unless the cathode is made with less sodium than it takes up, " : ""
      return [
        "cycle 1 begins with \(Self.named(first)), \(share) % of the next one: \(cathode)the cell stood in the middle when it "
          + "began, and this ICE is not one to quote. Is the role right? \(otherOrder) begins with the half-cycle after it"
      ]
    }
    guard isBeyondRole else { return [] }
    let limit = Int(Self.largestPlausible(options.role) * 100)
    return [
      "an ICE of \(Self.rounded(efficiency * 100)) % is beyond \(limit) %, the most that such a cell gives back, and is not one to quote: was "
        + "the cell charged or cycled before the file begins, or is the role another? \(otherOrder) counts the other way round"
    ]
  }

  private var isBeyondRole: Bool {
    result.summary.initialEfficiency.map { $0 > Self.largestPlausible(options.role) } ?? false
  }

  // MARK: The sign

  private var signNote: String {
    let what = "data quality: the voltage falls while the cell charges and rises while it discharges: "
    return readsWords
      ? what + "are the words for the steps right? --columns step_type=NAME names the column that has them"
      : what
        + "is the sign of the current inverted? --invert-current reads it the other way round; these efficiencies are "
        + "those of the wrong half-cycles"
  }

  /// Charging needs a higher voltage than discharging gives back, in every cell. Where no two half-cycles are comparable,
  /// the way that the voltage goes has to tell, which it does not where sodium is plated: it falls after nucleation.
  private var isInverted: Bool {
    guard result.stampedOptions == nil else { return false }
    let isFlat = options.role?.platesSodium == true || options.role == .symmetric
    let comparable = result.cycles.filter(\.isComparable).compactMap(hysteresis)
    let telling = comparable.isEmpty && isFlat ? result.cycles.filter(\.isComplete).compactMap(hysteresis) : comparable
    if !telling.isEmpty { return telling.allSatisfy { $0 < -Self.leastHysteresis } }
    guard !isFlat else { return false }
    let all = result.halfCycles.reduce(0.0) { $0 + Double($1.charge.nanocoulombs) }
    let against = result.halfCycles.filter(goesTheOtherWay).reduce(0.0) { $0 + Double($1.charge.nanocoulombs) }
    return against > 0.5 * all
  }

  private func goesTheOtherWay(_ half: DataHalfCycle) -> Bool {
    guard let begin = half.firstVoltage, let end = half.lastVoltage else { return false }
    return (end - begin) * Double(half.direction.rawValue) < -HalfCycleReview.sameCutOff
  }

  private func hysteresis(_ cycle: DataCycle) -> Double? {
    guard let charge = cycle.charge.flatMap(meanVoltage), let discharge = cycle.discharge.flatMap(meanVoltage) else {
      return nil
    }
    return charge - discharge
  }

  private func meanVoltage(_ index: Int) -> Double? {
    let half = result.halfCycles[index]
    guard let energy = half.energy, half.charge > .zero else { return nil }
    return Double(energy.nanojoules) / Double(half.charge.nanocoulombs)
  }

  // MARK: The beginning

  private var firstHalf: DataHalfCycle? { result.halfCycles.first { $0.cycle == 1 } }

  /// What moved about as much as cycle 1 before it.
  private var preCycle: DataHalfCycle? {
    guard let before = result.halfCycles.first, before.cycle == 0, result.stampedOptions == nil,
      share(before, of: firstHalf) >= Self.largestPreCycle
    else { return nil }
    return before
  }

  /// The first half-cycle of cycle 1 that is much smaller than the next of its direction, and that one.
  private var partialStart: (first: DataHalfCycle, next: DataHalfCycle)? {
    guard result.stampedOptions == nil, let first = firstHalf, first.isPartialStart,
      let next = result.halfCycles.first(where: { $0.cycle > 1 && $0.direction == first.direction })
    else { return nil }
    return (first, next)
  }

  private func share(_ half: DataHalfCycle, of whole: DataHalfCycle?) -> Double {
    guard let whole, whole.charge > .zero else { return 0 }
    return Double(half.charge.nanocoulombs) / Double(whole.charge.nanocoulombs)
  }

  /// Whole per cent, no more than a million: of hardly anything anything is a multiple without meaning.
  private func percent(_ half: DataHalfCycle, of whole: DataHalfCycle?) -> Int {
    Int((min(share(half, of: whole), 1e4) * 100).rounded())
  }

  /// The options that count the other half-cycle of a pair as the first.
  private var otherOrder: String {
    options.firstDirection == .charge
      ? "--role anode-half-cell or plating-stripping (or --pair discharge-first)"
      : "--role cathode-half-cell, full-cell or anode-free (or --pair charge-first)"
  }

  private static func named(_ half: DataHalfCycle) -> String {
    "a \(half.direction == .charge ? "charge" : "discharge") of \(rounded(half.charge.ampereHours * 1e3)) mAh"
  }

  /// With three digits after the point at most.
  private static func rounded(_ value: Double) -> String {
    let thousandths = (min(value.magnitude, 1e12) * 1e3).rounded() / 1e3
    return thousandths == thousandths.rounded() ? "\(Int(thousandths))" : "\(thousandths)"
  }
}
