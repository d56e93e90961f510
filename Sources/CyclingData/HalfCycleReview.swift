// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What only shows once all half-cycles are there: runs at the beginning that turn out to be nothing, ends that are not
// where their branch ends, a first half-cycle that began in the middle.

internal import CyclerModel
internal import Quantities

enum HalfCycleReview {
  /// Two ends of a branch nearer than this are the same cut-off, V.
  static let sameCutOff = 0.05
  /// A first half-cycle of less than this share of the next one began in the middle.
  static let partialShare = 0.9

  /// Without the runs that are too small to be one, what then meets joined; both measured by the table's largest.
  static func merged(_ found: [DataHalfCycle]) -> (halfCycles: [DataHalfCycle], spurious: Int) {
    let largest = found.map(\.charge).max() ?? .zero
    let current = found.map(\.largestCurrent).max() ?? 0
    var kept: [DataHalfCycle] = []
    var removed = 0
    var between: (count: Int, charge: Charge) = (0, .zero)
    for half in found {
      let isMore = kept.last?.direction == half.direction
      if isWeak(half, beside: largest, current) || (!isMore && isShort(half, beside: largest)) {
        removed += 1
        between = (between.count + 1, between.charge.wrapping(half.charge))
      } else if isMore, let last = kept.indices.last {
        kept[last].append(half, after: between)
        between = (0, .zero)
      } else {
        kept.append(half)
        between = (0, .zero)
      }
    }
    return (kept, removed)
  }

  /// Without the shortest and smallest runs, of which a table of noise may have one every second record.
  static func withoutNoise(_ found: [DataHalfCycle]) -> [DataHalfCycle] {
    let largest = found.map(\.charge).max() ?? .zero
    return found.filter { !isShort($0, beside: largest) }
  }

  /// A pulse or a glitch, measured by the largest half-cycle of the table.
  private static func isShort(_ half: DataHalfCycle, beside largest: Charge) -> Bool {
    half.end - half.begin < HalfCycleFinder.shortest && share(half, of: largest) < HalfCycleFinder.spuriousShare
  }

  /// An offset or noise at rest.
  private static func isWeak(_ half: DataHalfCycle, beside largest: Charge, _ current: Double) -> Bool {
    half.largestCurrent <= HalfCycleFinder.quietCurrent * current
      && share(half, of: largest) < HalfCycleFinder.quietShare
  }

  private static func share(_ half: DataHalfCycle, of whole: Charge) -> Double {
    Double(half.charge.nanocoulombs) / Double(max(whole.nanocoulombs, 1))
  }

  /// Flags ends that no other of the branch shares: the ones that differ from those that agree, and where none agree, all
  /// but the first. Of a branch that ends in two ways, each more than once, neither is wrong.
  static func flagTruncated(_ list: inout [DataHalfCycle]) {
    for direction in [Direction.charge, .discharge] {
      let branch = list.indices.filter { list[$0].direction == direction && list[$0].lastVoltage != nil }
      let ends = branch.map { list[$0].lastVoltage ?? 0 }
      let sorted = ends.sorted()
      // A group that is rare in a long table is no second way to end.
      let enough = max(2, ends.count / 10)
      func companions(_ end: Double) -> Int { count(sorted, from: end - sameCutOff, through: end + sameCutOff) }
      let agreeing = ends.map(companions)
      let hasAgreement = agreeing.contains { $0 >= enough }
      for (place, index) in branch.enumerated() where agreeing[place] < enough {
        list[index].isTruncated = hasAgreement || place > 0
      }
    }
  }

  private static func count(_ sorted: [Double], from low: Double, through high: Double) -> Int {
    func first(_ isBeyond: (Double) -> Bool) -> Int {
      var (begin, end) = (0, sorted.count)
      while begin < end {
        let middle = (begin + end) / 2
        if isBeyond(sorted[middle]) { end = middle } else { begin = middle + 1 }
      }
      return begin
    }
    return first { $0 > high } - first { $0 >= low }
  }

  /// Flags the first half-cycle of the first cycle when the next one of its direction moved much more.
  static func flagPartialStart(_ list: inout [DataHalfCycle], first: Int) {
    guard list.indices.contains(first), list.indices.contains(first + 2) else { return }
    let share = Double(list[first].charge.nanocoulombs) / Double(max(list[first + 2].charge.nanocoulombs, 1))
    list[first].isPartialStart = share < partialShare
  }
}
