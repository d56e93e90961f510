// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// `C/3 of discharge_capacity` and `50 % of charge_capacity`: shares of what the run's last whole cycle shows,
// or, with `of formation cycle 3` behind it, of what that one has shown.

import CyclerModel
import Quantities

extension SectionReader {
  /// Whether a value says that it is a share of something.
  func namesAShare(_ field: Field) -> Bool { plainText(field)?.contains(" of ") ?? false }

  /// A share for something that is compared or driven: of currents as a C-rate, of charges in per cent.
  mutating func readShare(_ field: Field, of quantity: EndCondition.Quantity) -> Sited<MeasuredShare>? {
    guard let text = quantityText(field, example: "C/3 of discharge_capacity") else { return nil }
    let parts = text.split(separator: " of ", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
    guard parts.count > 1 else { return nil }
    let capacity = readMeasuredCapacity(parts[1], field)
    let cycle = parts.count > 2 ? readCycle(parts[2], field) : nil
    let factor: ExactFraction?
    switch quantity {
    case .current: factor = readRate(parts[0], of: parts[1], field)
    case .stepCharge, .halfCycleCharge: factor = readPart(parts[0], of: parts[1], field)
    case .voltage, .voltageDrift, .stepTime, .holdTime, .halfCycleTime, .cycleTime, .testTime, .stepEnergy,
      .chargePerVolt, .cycleNumber, .temperature:
      report(field, "`\(quantity.rawValue)` is no share of a capacity", hint: "write the value itself")
      return nil
    }
    guard let capacity, let factor, parts.count == 2 || cycle != nil else { return nil }
    return Sited(value: MeasuredShare(factor, of: capacity, in: cycle, written: text), site: site(field))
  }

  private mutating func readMeasuredCapacity(_ name: String, _ field: Field) -> MeasuredCapacity? {
    if let capacity = MeasuredCapacity(rawValue: name) { return capacity }
    report(
      field, "`\(name)` is no capacity that a cycle shows",
      hint: Vocabulary.hint(for: name, among: MeasuredCapacity.allCases.map(\.rawValue)))
    return nil
  }

  private mutating func readCycle(_ text: String, _ field: Field) -> CycleReference? {
    if let cycle = CycleReference(written: text) { return cycle }
    report(field, "`\(text)` is no cycle", hint: "write a purpose and a number, like `formation cycle 3`")
    return nil
  }

  private mutating func readRate(_ text: String, of capacity: String, _ field: Field) -> ExactFraction? {
    let rate = try? CurrentExpression(written: text)
    if let factor = rate?.picoamperesPerNanocoulomb, rate?.signum == 1 { return factor }
    report(
      field, "`\(text)` is no C-rate above nothing",
      hint: "write `C/3 of \(capacity)` or `0.5 C of \(capacity)`; other currents stand alone")
    return nil
  }

  private mutating func readPart(_ text: String, of capacity: String, _ field: Field) -> ExactFraction? {
    if let share = try? Share(written: text), share > .zero, share.partsPerMillion <= Self.largestPart {
      return ExactFraction(Int128(share.partsPerMillion), 1_000_000)
    }
    report(
      field, "`\(text)` is no share above nothing and up to 200 %",
      hint: "write `50 % of \(capacity)`; other charges stand alone")
    return nil
  }

  /// Of a capacity, in millionths.
  private static let largestPart: Int64 = 2_000_000
}
