// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Where the half-cycles of a table end. A cell at 30 C, or one that has lost nearly all of its capacity, goes from one
// cut-off to the other within seconds: that is a half-cycle and no pulse, however little it moves.

internal import CyclerModel
internal import Quantities

/// The voltages at which the half-cycles of each direction end.
struct CutOffs: Sendable {
  private var charging: [Double] = []
  private var discharging: [Double] = []
  private var tolerance = 0.0

  /// Without so many volts between the ends of both directions there is no cut-off: in a symmetric cell pulses end where
  /// half-cycles do.
  private static let leastSpan = 0.2
  /// An end is at a cut-off that is nearer than this share of the span between both.
  private static let nearness = 0.02

  init(_ halves: [DataHalfCycle]) {
    charging = halves.filter { $0.direction == .charge }.compactMap(\.lastVoltage).sorted()
    discharging = halves.filter { $0.direction == .discharge }.compactMap(\.lastVoltage).sorted()
    guard !charging.isEmpty, !discharging.isEmpty else { return }
    let span = charging[charging.count / 2] - discharging[discharging.count / 2]
    if span >= Self.leastSpan { tolerance = min(Self.nearness * span, HalfCycleReview.sameCutOff) }
  }

  /// Whether there are any.
  var areKnown: Bool { tolerance > 0 }

  /// Whether a run ends where its branch does.
  func hold(_ run: DataHalfCycle) -> Bool {
    guard tolerance > 0, let end = run.lastVoltage, run.charge > .zero else { return false }
    let ends = run.direction == .charge ? charging : discharging
    var (low, high) = (0, ends.count)
    while low < high {
      let middle = (low + high) / 2
      if ends[middle] < end - tolerance { low = middle + 1 } else { high = middle }
    }
    return low < ends.count && ends[low] <= end + tolerance
  }
}
