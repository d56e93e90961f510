// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Products and means of the efficiencies of complete cycles. What a product says of the capacity holds only where the
// inventory of sodium limits the cell; the mean that predicts a life is told of such cells alone.

internal import CyclerModel

/// Running products and sums.
struct EfficiencyMeans: Sendable, Hashable {
  private var efficiencies: Int64 = 0
  private var runningProduct = LongProduct()
  private var sum = 0.0
  private var later: Int64 = 0
  private var lifeProduct = LongProduct()
  /// How many undamaged life cycles are in the geometric mean.
  private(set) var lifeCycles: Int64 = 0

  /// A prediction needs so many cycles at least.
  static let fewestCycles = 5
  private static let damage: DataFlags = [.gap, .interrupted, .truncated, .chargeUnknown, .partialStart]

  init() {}

  /// Takes the next complete cycle.
  mutating func take(_ summary: CycleSummary, isLimitedByInventory: Bool) {
    guard let efficiency = summary.coulombicEfficiency else { return }
    efficiencies += 1
    runningProduct.take(efficiency)
    if summary.cellCycleNumber > 1 {
      sum += efficiency
      later += 1
    }
    // The first cycle at another rate, or behind formation, says how the one before ended and not what it lost.
    guard isLimitedByInventory, summary.purpose == .life, summary.series.isComparable,
      summary.flags.isDisjoint(with: Self.damage)
    else { return }
    lifeProduct.take(efficiency)
    lifeCycles += 1
  }

  /// The product of all; nil of none, and beyond what a number holds.
  var product: Double? {
    let product = runningProduct.value
    return efficiencies > 0 && product.isFinite ? product : nil
  }

  /// The mean of those from the cell's second cycle on.
  var meanFromSecond: Double? { later > 0 ? sum / Double(later) : nil }

  /// The efficiency whose powers follow the undamaged life cycles; nil of none, and where one gave nothing back.
  var geometricMean: Double? {
    guard lifeCycles > 0, let logarithm = lifeProduct.logarithm else { return nil }
    return NaturalLogarithm.power(logarithm / Double(lifeCycles))
  }

  /// How many cycles of the mean efficiency leave no more than that share; nil without any loss and of too few cycles.
  func predictedCycles(to share: Double) -> Double? {
    guard lifeCycles >= Self.fewestCycles, let logarithm = lifeProduct.logarithm, logarithm < 0,
      let kept = NaturalLogarithm.of(share)
    else { return nil }
    let cycles = kept / (logarithm / Double(lifeCycles))
    return cycles.isFinite ? cycles : nil
  }
}

// MARK: - Checkpoint

extension EfficiencyMeans {
  func encode(into writer: inout ByteWriter) {
    writer.write(efficiencies)
    runningProduct.encode(into: &writer)
    writer.write(sum)
    writer.write(later)
    lifeProduct.encode(into: &writer)
    writer.write(lifeCycles)
  }

  init(from reader: inout ByteReader) throws(ByteReader.Malformed) {
    efficiencies = try reader.read()
    runningProduct = try LongProduct(from: &reader)
    sum = try reader.readDouble()
    later = try reader.read()
    lifeProduct = try LongProduct(from: &reader)
    lifeCycles = try reader.read()
  }
}
