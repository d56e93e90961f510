// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Another program in the middle of a run. It takes over where a pass or a block is over, and what is done stays as it
// was: the blocks behind it must be the same in both programs, or the counts of the one would mean nothing in the other.

public import CyclerModel
internal import Quantities

/// Why a program cannot take the place of the present one.
public enum AmendmentObstacle: Error, Sendable, Hashable {
  /// The run has come to its end.
  case isOver
  /// What was run already is another there; its place in the present file.
  case doneDiffers(String)
  /// It names a cycle that is over and of which nothing is remembered; how it names it.
  case cycleForgotten(String)
  /// The block that is under way is not there, or is another kind of block; its place in the present file.
  case blockDiffers(String)
  /// A newer revision holds or waits already.
  case isSuperseded
}

/// From when on an amendment holds.
public enum AmendmentMoment: Sendable, Hashable {
  /// From the beginning: nothing was run yet.
  case beginning
  /// When the present cycle is over.
  case nextCycle
  /// When the present pass of a `repeat` is over.
  case nextPass
  /// When the present step or block is over.
  case nextBlock
}

extension StepMachine {
  /// What became of an amendment in the last `advance`.
  public enum AmendmentOutcome: Sendable, Hashable {
    /// It holds now.
    case taken
    /// The run had gone elsewhere than was foreseen.
    case refused(AmendmentObstacle)
  }

  /// Lets a program take the present one's place at the next seam, or at once before the first step; one that waits
  /// already is forgotten.
  /// - Parameter isBegun: Whether anything of the present step has been done. Where nothing has, the seam in front of it
  ///   is the next one.
  /// - Returns: when that will be.
  /// - Throws: why it cannot; then nothing has changed.
  public mutating func amend(by amended: Program, isBegun: Bool) throws(AmendmentObstacle) -> AmendmentMoment {
    guard place != .completed else { throw .isOver }
    guard place != .notStarted else {
      take(amended, at: 0, counts: Array(repeating: 0, count: amended.passConditions.count))
      return .beginning
    }
    for share in amended.steps.flatMap(\.shares) {
      if let cycle = share.cycle, !program.names(cycle), measured.hasForgotten(cycle) {
        throw .cycleForgotten(cycle.written)
      }
    }
    let outline = ProgramOutline(program)
    let before = self
    if !isBegun { _ = returnToSeam(of: outline) }
    let seam = place == .seam ? outline.seam(at: presentCounter) : outline.seam(after: presentInstruction)
    guard let seam else { throw .isOver }
    if let obstacle = Self.obstacle(to: amended, ProgramOutline(amended), from: program, outline, at: seam) {
      self = before
      throw obstacle
    }
    amendment = [amended]
    return moment(of: seam, outline)
  }

  /// When a program would take the present one's place; changes nothing.
  /// - Throws: why it cannot.
  public func momentOfAmendment(
    by amended: Program, isBegun: Bool
  ) throws(AmendmentObstacle) -> AmendmentMoment {
    var copy = self
    return try copy.amend(by: amended, isBegun: isBegun)
  }

  private func moment(of seam: ProgramOutline.Seam, _ outline: ProgramOutline) -> AmendmentMoment {
    switch seam {
    case .before: return .nextBlock
    case .passEnd(let path): return outline.block(path)?.isCycles == true ? .nextCycle : .nextPass
    }
  }

  /// Goes over to the program that waits, if the machine stands at a seam.
  mutating func takeAmendment() {
    guard let amended = amendment.first else { return }
    let (outline, new) = (ProgramOutline(program), ProgramOutline(amended))
    guard let seam = outline.seam(at: presentCounter) else { return }
    amendment.removeAll()
    if let obstacle = Self.obstacle(to: amended, new, from: program, outline, at: seam) {
      amendmentOutcome = .refused(obstacle)
      return
    }
    amendmentOutcome = .taken
    let counts = counts(for: amended, new, from: outline, at: seam)
    let end = amended.instructions.count - 1
    switch seam {
    case .before(let index):
      let place = new.items.indices.contains(index) ? new.items[index].range.lowerBound : end
      take(amended, at: place, counts: counts)
    case .passEnd(let path):
      take(amended, at: new.block(path).map { $0.range.upperBound - 1 } ?? end, counts: counts)
    }
  }

  /// The run comes to its end in the program that it is in.
  mutating func refuseAmendment() {
    amendment.removeAll()
    amendmentOutcome = .refused(.isOver)
  }

  /// A condition of a block under way that stands in both programs keeps what it has counted.
  private func counts(
    for amended: Program, _ new: ProgramOutline, from old: ProgramOutline, at seam: ProgramOutline.Seam
  ) -> [Int32] {
    var counts = Array(repeating: Int32(0), count: amended.passConditions.count)
    guard case .passEnd(let path) = seam else { return counts }
    for depth in path.indices {
      let indices = Array(path[...depth])
      guard let before = old.block(indices)?.range, let block = new.block(indices)?.range else { continue }
      for (place, condition) in amended.passConditions.enumerated() where condition.block == block {
        let same = program.passConditions.firstIndex {
          $0.block == before && $0.text == condition.text && $0.threshold == condition.threshold
        }
        if let same { counts[place] = countedCycles[same] }
      }
    }
    return counts
  }

  private static func obstacle(
    to amended: Program, _ new: ProgramOutline, from program: Program, _ old: ProgramOutline,
    at seam: ProgramOutline.Seam
  ) -> AmendmentObstacle? {
    let done: Int
    switch seam {
    case .before(let index): done = index
    case .passEnd(let path):
      done = path[0]
      for depth in 1...path.count {
        let indices = Array(path.prefix(depth))
        guard let before = old.block(indices) else { continue }
        let place = program.place(of: before)
        guard let block = new.block(indices), block.isCycles == before.isCycles, !block.isTest,
          !before.isCycles || amended.purpose(of: block) == program.purpose(of: before)
        else { return .blockDiffers(place) }
        // What came before it in this pass of the block around it.
        if depth < path.count,
          let place = difference(upTo: path[depth], before.items, of: program, block.items, of: amended)
        {
          return .doneDiffers(place)
        }
      }
    }
    return difference(upTo: done, old.items, of: program, new.items, of: amended).map { .doneDiffers($0) }
  }

  /// The place of the first item in front of the one with that index that is another in the other program.
  private static func difference(
    upTo index: Int, _ items: [ProgramOutline.Item]?, of program: Program, _ others: [ProgramOutline.Item]?,
    of amended: Program
  ) -> String? {
    guard let items, let others else { return nil }
    for place in 0..<index {
      guard others.indices.contains(place), program.isSame(items[place], as: others[place], of: amended) else {
        return program.place(of: items[place])
      }
    }
    return nil
  }
}

extension Program {
  /// Whether a share in it is one of what that cycle shows.
  func names(_ cycle: CycleReference) -> Bool { steps.contains { $0.shares.contains { $0.cycle == cycle } } }

  /// The place of an item's first step in the file.
  fileprivate func place(of item: ProgramOutline.Item) -> String { firstStep(of: item)?.path ?? "" }

  fileprivate func purpose(of item: ProgramOutline.Item) -> CyclePurpose? { firstStep(of: item)?.purpose }

  private func firstStep(of item: ProgramOutline.Item) -> ProgramStep? {
    for index in item.range { if case .step(let step) = instructions[index] { return steps[step] } }
    return nil
  }

  /// Whether an item does the same as another one of another program, wherever its conditions lead.
  fileprivate func isSame(_ item: ProgramOutline.Item, as other: ProgramOutline.Item, of program: Program) -> Bool {
    guard item.range.count == other.range.count else { return false }
    return zip(item.range, other.range).allSatisfy { mine, its in
      switch (instructions[mine], program.instructions[its]) {
      case (.step(let step), .step(let otherStep)):
        steps[step].whatItDid == program.steps[otherStep].whatItDid
      case (.endLoop(_, let passes, let start), .endLoop(_, let otherPasses, let otherStart)):
        passes == otherPasses && mine - start == its - otherStart
      case (.beginLoop, .beginLoop), (.beginCycle, .beginCycle): true
      case (.step, _), (.endLoop, _), (.beginLoop, _), (.beginCycle, _), (.end, _): false
      }
    }
  }
}

extension ProgramStep {
  /// The step with nothing said of where it stands, where its conditions lead, what watched over it, what was recorded and
  /// in which range: what was done is the same without.
  fileprivate var whatItDid: ProgramStep {
    var step = self
    step.path = ""
    step.limits = nil
    step.record = []
    step.rangeCurrent = .zero
    for index in step.ends.indices {
      step.ends[index].target = .next
      // What stands for a share is the run's limit.
      if step.ends[index].share != nil { step.ends[index].threshold = 0 }
    }
    return step
  }
}
