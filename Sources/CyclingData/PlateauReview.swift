// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import CyclerModel
internal import Quantities

/// Whether the thresholds of plateaus lie among the voltages of a table: where they do not, a plateau is all or nothing,
/// and a bare number was perhaps meant in millivolts.
struct PlateauReview {
  let halfCycles: [DataHalfCycle]
  let options: AnalysisOptions
  /// Role and thresholds are those that the table's run had.
  var isStamped = false

  var notes: [String] {
    guard let lowest = halfCycles.compactMap(\.lowestVoltage).min(),
      let highest = halfCycles.compactMap(\.highestVoltage).max()
    else { return [] }
    let thresholds = [
      ("sodiation-plateau-below", options.sodiationPlateauBelow, options.hasStatedSodiationPlateau),
      ("desodiation-plateau-below", options.desodiationPlateauBelow, options.hasStatedDesodiationPlateau),
    ]
    var notes = thresholds.compactMap { name, threshold, isStated in
      isStated ? threshold.flatMap { Self.note(name, $0, lowest, highest) } : nil
    }
    // What is usual for the role does not fit where the cell is none of it.
    if !isStamped, let usual = options.sodiationPlateauBelow, !options.hasStatedSodiationPlateau, usual.volts <= lowest
    {
      notes.append(
        "no voltage lies below \(usual.written), where the plateau of an anode half-cell is (the lowest is "
          + "\(Self.text(lowest))), so no plateau is told: is the role right?")
    }
    return notes
  }

  private static func note(_ name: String, _ threshold: Voltage, _ lowest: Double, _ highest: Double) -> String? {
    let isAbove = threshold.volts > highest
    guard isAbove || threshold.volts <= lowest else { return nil }
    let place =
      isAbove
      ? "above the highest voltage, \(text(highest)), so all charge of the branch counts as plateau"
      : "below the lowest voltage, \(text(lowest)), so no plateau is told"
    return "--\(name) \(threshold.written) lies \(place): a bare number is volts; write 100 mV or 0.1 V"
  }

  private static func text(_ volts: Double) -> String {
    "\((min(max(volts, -1e9), 1e9) * 1e4).rounded() / 1e4) V"
  }
}
