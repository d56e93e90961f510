// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import CyclerModel

/// Half-cycles and cycles of records.
package struct RowAnalysis: Sendable {
  var finder: HalfCycleFinder
  private let options: AnalysisOptions

  /// One that has no record yet.
  package init(_ options: AnalysisOptions) {
    self.options = options
    finder = HalfCycleFinder(HalfCycleFinder.Rules(options))
  }

  /// The table is over.
  /// - Returns: How many complete cycles were in it.
  package mutating func finish() -> Int {
    finder.finish()
    let halves = HalfCycleReview.merged(finder.closed, restsAreExact: finder.tally.restsAreExact).halfCycles
    return CycleMaker(halves, options: options, first: options.firstDirection ?? .charge).cycles.count { $0.isComplete }
  }
}
