// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The efficiency of plating from all charge that was plated and stripped in a test (docs/metrics.md, "Efficiency of
// plating"): CE = (n Qc + Qs) / (n Qc + Qr) for the reservoir test of Aurbach (Adams et al., Adv. Energy Mater. 2018,
// 8, 1702097), and the sum of what was stripped over the sum of what was plated for long cycling. The mean of the
// cycles' ratios is neither.

public import CyclerModel
internal import Quantities

/// Makes the row of one test from its closed half-cycles.
public struct EfficiencyTestAccumulator: Sendable, Hashable {
  /// What is known so far.
  public private(set) var row: EfficiencyTestRow
  private let platingDirection: Direction
  /// A half-cycle whose charge is not known or that was cut short makes the ratio meaningless.
  private var isSpoilt = false
  /// In long cycling a ratio is told of whole cycles: what was plated last and not stripped yet is left out.
  private var unstripped = Charge.zero

  /// More was stripped than plated by so much that no error of measurement explains it: the cell held metal before the
  /// test.
  private static let mostCredible = 1.001

  /// A test in which nothing has been plated. `platingDirection` is that of the first half-cycle of the cell's role;
  /// `earlier` is how the cell was left before the test, nil when nobody has cycled it: what was plated then and not
  /// stripped would count as stripped here.
  public init(
    run: Int64, number: Int32, test: EfficiencyTest, platingDirection: Direction, after earlier: EarlierHalfCycle? = nil
  ) {
    row = EfficiencyTestRow(run: run, number: number, kind: test.kind, label: test.label)
    self.platingDirection = platingDirection
    guard let earlier, earlier.mayLeavePlated(by: platingDirection) else { return }
    row.flags.insert(.partialStart)
    isSpoilt = true
  }

  /// Takes a closed half-cycle of the test. `endedAtVoltage` says whether its voltage ended it, or a hold at it: a strip
  /// that was ended by its charge or its time may have left something, and then there is no ratio until one did not; nor
  /// is there one after a strip that moved nothing, because its voltage had been passed before it began.
  public mutating func add(_ halfCycle: HalfCycleRow, part: EfficiencyTestPart, endedAtVoltage: Bool) {
    row.flags.formUnion(halfCycle.flags)
    if !halfCycle.isComplete { isSpoilt = true }
    if halfCycle.direction == platingDirection {
      row.platedCharge += halfCycle.charge
      unstripped += halfCycle.charge
      if part == .reservoir { row.reservoirCharge += halfCycle.charge }
      if isSpoilt { row.coulombicEfficiency = nil }
    } else {
      row.strippedCharge += halfCycle.charge
      unstripped = .zero
      if part == .cycled { row.cycles += 1 }
      row.coulombicEfficiency = endedAtVoltage && !halfCycle.flags.contains(.empty) ? efficiency(after: part) : nil
    }
  }

  private func efficiency(after part: EfficiencyTestPart) -> Double? {
    let plated: Charge
    switch row.kind {
    case .reservoir:
      guard part == .finalStrip else { return nil }
      plated = row.platedCharge
    case .longCycling: plated = row.platedCharge - unstripped
    }
    guard !isSpoilt, plated > .zero, row.strippedCharge > .zero else { return nil }
    let ratio = Double(row.strippedCharge.nanocoulombs) / Double(plated.nanocoulombs)
    return ratio <= Self.mostCredible ? ratio : nil
  }
}

// MARK: - Checkpoint

extension EfficiencyTestAccumulator {
  /// Appends what the test's place in the program does not tell.
  public func encode(into writer: inout ByteWriter) {
    writer.write(row.number)
    writer.write(row.cycles)
    writer.write(row.reservoirCharge.nanocoulombs)
    writer.write(row.platedCharge.nanocoulombs)
    writer.write(row.strippedCharge.nanocoulombs)
    writer.write(row.flags.rawValue)
    writer.write(row.coulombicEfficiency.map { Int64(bitPattern: $0.bitPattern) })
    writer.write(isSpoilt)
    writer.write(unstripped.nanocoulombs)
  }

  /// Reads what `encode(into:)` wrote; refuses a test that the program does not have.
  public init(
    run: Int64, tests: [EfficiencyTest], platingDirection: Direction, from reader: inout ByteReader
  ) throws(ByteReader.Malformed) {
    let number: Int32 = try reader.read()
    guard tests.indices.contains(Int(number) - 1) else { throw reader.malformed }
    self.init(run: run, number: number, test: tests[Int(number) - 1], platingDirection: platingDirection)
    row.cycles = try reader.read()
    row.reservoirCharge = Charge(nanocoulombs: try reader.read())
    row.platedCharge = Charge(nanocoulombs: try reader.read())
    row.strippedCharge = Charge(nanocoulombs: try reader.read())
    row.flags = DataFlags(rawValue: try reader.read())
    row.coulombicEfficiency = try reader.readOptional(Int64.self).map { Double(bitPattern: UInt64(bitPattern: $0)) }
    isSpoilt = try reader.readBool()
    unstripped = Charge(nanocoulombs: try reader.read())
  }
}
