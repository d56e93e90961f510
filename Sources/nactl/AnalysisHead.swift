// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CellMetrics
import ControlAPI
import CyclerModel
import CyclingData
import Quantities

/// What is told of the table as a whole.
struct AnalysisHead: Encodable {
  var file: String
  @OrNull var role: String?
  var pair: String
  var records: Int
  var time_span_s: Double
  var charge_source: String
  @OrNull var sodiation_plateau_below_v: Double?
  @OrNull var desodiation_plateau_below_v: Double?
  var definitions: String
  var efficiency_tests: [AnalyzedTest]
  var summary: AnalyzedSummary
  var notes: [String]

  init(_ result: AnalysisResult, file: String, options: AnalysisOptions) {
    self.file = file
    role = options.role?.rawValue
    pair = (options.firstDirection == .charge ? PairOrder.chargeFirst : .dischargeFirst).rawValue
    records = result.records
    time_span_s = result.span
    charge_source = result.usesCounter ? "counter" : "samples"
    sodiation_plateau_below_v = options.sodiationPlateauBelow?.volts
    desodiation_plateau_below_v = options.desodiationPlateauBelow?.volts
    definitions = MetricDefinitions.version
    efficiency_tests = result.tests.map(AnalyzedTest.init)
    summary = AnalyzedSummary(result)
    notes = result.notes
  }
}
