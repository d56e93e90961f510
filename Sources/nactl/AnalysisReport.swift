// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ControlAPI
import CyclingData
import Quantities

/// An analysis as programs get it.
struct AnalysisReport {
  var head: AnalysisHead
  var cycles: [AnalyzedCycle]
  var halfCycles: [DataHalfCycle]
  /// Why the initial efficiency is not one to quote, in short.
  var initialEfficiencyDoubt: String?
  /// What people read above the table of the thresholds of plateaus, and where they are from; nil without a plateau.
  var plateaus: String?

  init(_ result: AnalysisResult, file: String, options: AnalysisOptions, cell: AnalyzedCellOptions) {
    head = AnalysisHead(result, file: file, options: options)
    cycles = result.cycles.map { AnalyzedCycle($0, of: result, cell: cell) }
    halfCycles = result.halfCycles
    initialEfficiencyDoubt = result.initialEfficiencyDoubt
    plateaus = Self.plateaus(options, isOfRun: result.stampedOptions != nil, cell)
  }

  /// A threshold was said, is that of the run whose export this is, or was assumed.
  private static func plateaus(_ options: AnalysisOptions, isOfRun: Bool, _ cell: AnalyzedCellOptions) -> String? {
    let source = isOfRun ? " (as in its run)" : " (assumed)"
    let parts = [
      (options.sodiationPlateauBelow, "sodiation", cell.sodiationPlateauBelow != nil),
      (options.desodiationPlateauBelow, "desodiation", cell.desodiationPlateauBelow != nil),
    ].compactMap { threshold, branch, isSaid in
      threshold.map { "\(branch) below \(ParameterLine.millivolts($0.volts))\(isSaid ? "" : source)" }
    }
    return parts.isEmpty ? nil : "plateau: \(parts.joined(separator: ", "))"
  }

  /// Writes one object, a piece at a time: a table of ten thousand cycles would take ten times its size at once.
  func writeJSON() throws {
    try writeJSON("{\"cycles\":[", cycles) { $0 }
    try writeJSON("],\"half_cycles\":[", halfCycles, AnalyzedHalfCycle.init)
    Terminal.out("],")
    Terminal.out(bytes: try WireCoding.encode(head).dropFirst() + [0x0A])
  }

  private func writeJSON<Row, Value: Encodable>(
    _ begin: String, _ rows: [Row], _ value: (Row) -> Value
  ) throws {
    var bytes = Array(begin.utf8)
    for (index, row) in rows.enumerated() {
      if index > 0 { bytes.append(0x2C) }
      bytes += try WireCoding.encode(value(row))
      guard bytes.count > 1 << 16 else { continue }
      Terminal.out(bytes: bytes)
      bytes.removeAll(keepingCapacity: true)
    }
    Terminal.out(bytes: bytes)
  }
}
