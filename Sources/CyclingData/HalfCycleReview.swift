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
  /// What is brief and moves less than this share of what its neighbours do is no measure of a half-cycle.
  private static let neighbourShare = 0.1
  /// Where at least this share of a branch ends, and two half-cycles, is a usual end.
  private static let usualShare = 0.1
  /// A first half-cycle of less than this share of the next one began in the middle.
  static let partialShare = 0.9

  /// Without the runs that are no half-cycle of their own, what then meets joined; measured by the table's largest.
  /// - Parameter restsAreExact: Rests show exactly no current, so that a small one is a current and no offset.
  static func merged(_ found: [DataHalfCycle], restsAreExact: Bool) -> (halfCycles: [DataHalfCycle], spurious: Int) {
    let largest = largestCharge(of: found)
    let pieces = found.compactMap { piece -> DataHalfCycle? in
      if piece.isQuiet, !restsAreExact || share(piece, of: largest) < HalfCycleFinder.quietShare { return nil }
      return restsAreExact ? piece.countingQuiet : piece
    }
    let current = pieces.map(\.largestCurrent).max() ?? 0
    let strong = pieces.filter { !isWeak($0, beside: largest, current) }
    let runs = joined(strong)
    // Where half-cycles end is known from those that are some in any case.
    let plain = withoutPulses(runs, beside: largest, CutOffs([]))
    let cutOffs = CutOffs(plain.halfCycles)
    let halves = cutOffs.areKnown ? withoutPulses(runs, beside: largest, cutOffs) : plain
    return (halves.halfCycles, halves.spurious + pieces.count - strong.count)
  }

  /// The charge of the largest half-cycle. Its pieces between pulses may be small, so what is short and small beside its
  /// own neighbours is passed over.
  private static func largestCharge(of found: [DataHalfCycle]) -> Charge {
    var runs = joined(found.filter { !$0.isQuiet })
    while true {
      let dropped = dropSmallest(&runs, CutOffs([])) { run, beside in
        guard let beside, isBrief(run) else { return false }
        return Double(run.charge.nanocoulombs) < neighbourShare * Double(beside.nanocoulombs)
      }
      if dropped == 0 { return runs.map(\.charge).max() ?? .zero }
      runs = joined(runs)
    }
  }

  private static func withoutPulses(
    _ runs: [DataHalfCycle], beside largest: Charge, _ cutOffs: CutOffs
  ) -> (halfCycles: [DataHalfCycle], spurious: Int) {
    var runs = runs
    var removed = 0
    while true {
      let dropped = dropSmallest(&runs, cutOffs) { run, _ in
        isBrief(run) && share(run, of: largest) < HalfCycleFinder.spuriousShare
      }
      guard dropped > 0 else { return (runs, removed) }
      removed += dropped
      runs = joined(runs)
    }
  }

  /// Pieces of one direction that follow each other are one run.
  private static func joined(_ pieces: [DataHalfCycle]) -> [DataHalfCycle] {
    var runs: [DataHalfCycle] = []
    for piece in pieces {
      if let last = runs.indices.last, runs[last].direction == piece.direction {
        runs[last].append(piece)
      } else {
        runs.append(piece)
      }
    }
    return runs
  }

  /// Takes out the runs that split nothing, the smallest first: only when the pulses between them are gone do the parts of
  /// a half-cycle show what they are.
  /// - Parameter isPulse: Whether a run is one, with what its neighbours moved; nil for these at an end of the table.
  /// - Returns: How many went.
  private static func dropSmallest(
    _ runs: inout [DataHalfCycle], _ cutOffs: CutOffs, isPulse: (DataHalfCycle, Charge?) -> Bool
  ) -> Int {
    let order = runs.indices.filter { isBrief(runs[$0]) }.sorted { runs[$0].charge < runs[$1].charge }
    guard !order.isEmpty else { return 0 }
    // Neighbours that are still there; a run that is gone is marked by a direction of none.
    var before = runs.indices.map { $0 - 1 }
    var after = runs.indices.map { $0 + 1 }
    var dropped = 0
    func beside(_ index: Int) -> Charge? {
      guard before[index] >= 0, after[index] < runs.count else { return nil }
      return runs[before[index]].charge.wrapping(runs[after[index]].charge)
    }
    for index in order where runs[index].direction != .none && isPulse(runs[index], beside(index)) {
      let (left, right) = (before[index], after[index])
      if left >= 0, cutOffs.hold(runs[left]), cutOffs.hold(runs[index]) { continue }
      // Of a pulse and one back, the first is in the half-cycle before them, unless that has come to its end already.
      if left > 0, before[left] >= 0, isPulse(runs[left], beside(left)), !cutOffs.hold(runs[before[left]]) { continue }
      let run = runs[index]
      runs[index].direction = .none
      dropped += 1
      if left >= 0, right < runs.count {
        runs[left].append(runs[right], after: (run.spurious + 1, run.charge.wrapping(run.spuriousCharge)))
        runs[right].direction = .none
        after[left] = after[right]
        if after[right] < runs.count { before[after[right]] = left }
      } else {
        if left >= 0 { after[left] = right }
        if right < runs.count { before[right] = left }
      }
    }
    runs.removeAll { $0.direction == .none }
    return dropped
  }

  /// As short as a pulse, a glitch or the noise at a turn.
  private static func isBrief(_ half: DataHalfCycle) -> Bool { half.end - half.begin < HalfCycleFinder.shortest }

  /// An offset or noise at rest.
  private static func isWeak(_ half: DataHalfCycle, beside largest: Charge, _ current: Double) -> Bool {
    half.largestCurrent <= HalfCycleFinder.quietCurrent * current
      && share(half, of: largest) < HalfCycleFinder.quietShare
  }

  private static func share(_ half: DataHalfCycle, of whole: Charge) -> Double {
    Double(half.charge.nanocoulombs) / Double(max(whole.nanocoulombs, 1))
  }

  /// Flags ends that no other of the branch shares: the ones that differ from those that agree, and where none agree, all
  /// but the first. Of a branch that ends in two ways, each more than once, neither is wrong; but what ends *before* the
  /// usual cut-off was cut short, also when it happened twice at about one voltage, as it does in a long table.
  static func flagTruncated(_ list: inout [DataHalfCycle]) {
    for direction in [Direction.charge, .discharge] {
      let branch = list.indices.filter { list[$0].direction == direction && list[$0].lastVoltage != nil }
      let ends = branch.map { list[$0].lastVoltage ?? 0 }
      let sorted = ends.sorted()
      func companions(_ end: Double) -> Int { count(sorted, from: end - sameCutOff, through: end + sameCutOff) }
      let agreeing = ends.map(companions)
      let usual = max(2, Int(usualShare * Double(ends.count)))
      let usualEnds = zip(ends, agreeing).filter { $0.1 >= usual }.map(\.0)
      let farthest = direction == .charge ? usualEnds.max() : usualEnds.min()
      func isBeyond(_ end: Double) -> Bool {
        guard let farthest else { return true }
        return direction == .charge ? end >= farthest : end <= farthest
      }
      let isShared = zip(ends, agreeing).map { $1 >= usual || $1 >= 2 && isBeyond($0) }
      let hasAgreement = isShared.contains(true)
      for (place, index) in branch.enumerated() where !isShared[place] {
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
