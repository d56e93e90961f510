// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What ends a block before its passes are done: comparisons with what the cycles say, judged when a pass is over and
// the circuit is open.

internal import Quantities

/// Where a run goes on once a condition is met.
public enum ConditionTarget: Sendable, Hashable {
  /// With what follows the step or the block.
  case next
  /// At the instruction with that index, which lies behind the step or the block.
  case instruction(Int)
  /// Nowhere: the protocol is done.
  case end
  /// Where it would have gone on without the condition, once a person has looked.
  case hold
}

/// One entry of a block's `until`.
public struct PassCondition: Sendable, Hashable {
  /// What is compared; the unit of the threshold is in the comment.
  public enum Quantity: String, Sendable, Hashable, CaseIterable {
    /// Millionths.
    case coulombicEfficiency = "coulombic_efficiency"
    /// Millionths; the coulombic efficiency of the first cycle of the cell's life, and of no other.
    case initialCoulombicEfficiency = "initial_coulombic_efficiency"
    /// Millionths of the reference cycle's reversible capacity.
    case retention
    /// Millionths of the reversible capacity of the cycle before, a magnitude.
    case capacityChange = "capacity_change"
    /// Nanocoulombs that the run's cycles have not given back.
    case cumulativeIrreversibleCapacity = "cumulative_irreversible_capacity"
    /// Nanocoulombs.
    case chargeCapacity = "charge_capacity"
    /// Nanocoulombs.
    case dischargeCapacity = "discharge_capacity"
    /// Millionths.
    case sodiationPlateauRatio = "sodiation_plateau_ratio"
    /// Nanocoulombs.
    case sodiationPlateauCapacity = "sodiation_plateau_capacity"
    /// Millionths.
    case desodiationPlateauRatio = "desodiation_plateau_ratio"
    /// Nanocoulombs.
    case desodiationPlateauCapacity = "desodiation_plateau_capacity"
    /// Millionths of the charging half-cycle's energy.
    case energyEfficiency = "energy_efficiency"
    /// Nanovolts.
    case meanChargeVoltage = "mean_charge_voltage"
    /// Nanovolts.
    case meanDischargeVoltage = "mean_discharge_voltage"
    /// Nanovolts, the first of these less the second.
    case voltageHysteresis = "voltage_hysteresis"
    /// Microseconds since the run's first reading, pauses and interruptions included.
    case testTime = "test_time"
    /// The run's cycle, from 1.
    case cycleNumber = "cycle_number"
  }

  /// What is compared.
  public var quantity: Quantity
  /// How.
  public var comparison: Comparison
  /// In the quantity's unit.
  public var threshold: Int64
  /// So many cycles in a row must say so.
  public var cyclesInARow: Int32
  /// Where the run goes on.
  public var target: ConditionTarget
  /// The condition as it was written, for instance `retention < 80 % for 2 cycles`.
  public var text: String
  /// The block's instructions, from its begin to its end.
  public var block: Range<Int>
  /// What the same cycle must say as well; empty for most.
  public var also: [Term]

  /// One comparison that a condition is joined with by `and`.
  public struct Term: Sendable, Hashable {
    /// What is compared.
    public var quantity: Quantity
    /// How.
    public var comparison: Comparison
    /// In the quantity's unit.
    public var threshold: Int64
    /// A comparison.
    public init(quantity: Quantity, comparison: Comparison, threshold: Int64) {
      self.quantity = quantity
      self.comparison = comparison
      self.threshold = threshold
    }
  }

  /// A condition.
  public init(
    quantity: Quantity, comparison: Comparison, threshold: Int64, cyclesInARow: Int32,
    target: ConditionTarget, text: String, block: Range<Int>, also: [Term] = []
  ) {
    self.quantity = quantity
    self.comparison = comparison
    self.threshold = threshold
    self.cyclesInARow = cyclesInARow
    self.target = target
    self.text = text
    self.block = block
    self.also = also
  }

  /// Whether a cycle says so; nil when it says nothing: the value is unknown, or the cycle was cut short, interrupted or
  /// has a gap, so that it tells of what happened to it and not of the cell.
  public func holds(_ cycle: CycleSummary) -> Bool? {
    // A cycle is counted whatever happened to it.
    let isCount = quantity == .cycleNumber && also.isEmpty
    guard isCount || cycle.flags.isDisjoint(with: Self.sayNothing) else { return nil }
    let first = Term(quantity: quantity, comparison: comparison, threshold: threshold)
    var holdAll = true
    for term in [first] + also {
      guard let holds = term.holds(cycle) else { return nil }
      if !holds { holdAll = false }
    }
    return holdAll
  }

  private static var sayNothing: DataFlags {
    [.overload, .gap, .interrupted, .truncated, .chargeUnknown, .partialStart]
  }
}

extension PassCondition.Term {
  fileprivate func holds(_ cycle: CycleSummary) -> Bool? {
    let value: Double? =
      switch quantity {
      case .coulombicEfficiency: cycle.coulombicEfficiency.map { $0 * 1e6 }
      case .initialCoulombicEfficiency:
        cycle.cellCycleNumber == 1 ? cycle.coulombicEfficiency.map { $0 * 1e6 } : nil
      case .retention: cycle.retention.map { $0 * 1e6 }
      case .capacityChange: cycle.capacityChange.map { $0.magnitude * 1e6 }
      case .cumulativeIrreversibleCapacity: cycle.cumulativeIrreversibleCharge.map { Double($0.nanocoulombs) }
      case .sodiationPlateauRatio: cycle.sodiationPlateauRatio.map { $0 * 1e6 }
      case .desodiationPlateauRatio: cycle.desodiationPlateauRatio.map { $0 * 1e6 }
      case .chargeCapacity: cycle.chargeCapacity.map { Double($0.nanocoulombs) }
      case .dischargeCapacity: cycle.dischargeCapacity.map { Double($0.nanocoulombs) }
      case .sodiationPlateauCapacity: cycle.sodiationPlateauCharge.map { Double($0.nanocoulombs) }
      case .desodiationPlateauCapacity: cycle.desodiationPlateauCharge.map { Double($0.nanocoulombs) }
      case .energyEfficiency: cycle.means.energyEfficiency.map { $0 * 1e6 }
      case .meanChargeVoltage: cycle.means.chargeVoltage.map { $0 * 1e9 }
      case .meanDischargeVoltage: cycle.means.dischargeVoltage.map { $0 * 1e9 }
      case .voltageHysteresis: cycle.means.hysteresis.map { $0 * 1e9 }
      case .testTime: nil
      case .cycleNumber: Double(cycle.cycleNumber)
      }
    return value.map { comparison.holds($0, Double(threshold)) }
  }
}

/// A cycle of a run, named by its block's purpose.
public struct CycleReference: Sendable, Hashable {
  /// The purpose of its block.
  public var purpose: CyclePurpose
  /// Among the run's cycles with that purpose, from 1.
  public var number: Int64
  /// A reference.
  public init(purpose: CyclePurpose, number: Int64) {
    self.purpose = purpose
    self.number = number
  }
  /// As it is written, for instance `life cycle 1`.
  public var written: String { "\(purpose.rawValue) cycle \(number)" }

  /// Reads it as it is written; nil when it is not a cycle.
  public init?(written text: String) {
    let parts = text.split(separator: " ", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[1] == "cycle", let purpose = CyclePurpose(rawValue: String(parts[0])),
      let number = Int64(parts[2]), number > 0, String(number) == parts[2]
    else { return nil }
    self.init(purpose: purpose, number: number)
  }
}
