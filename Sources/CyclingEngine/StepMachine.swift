// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Where a run stands in its program, and which step comes next. The machine knows nothing of instruments, time or
// storage: it walks the flat instruction list, counts loops and cycles, and says when a condition ends the step.
// Its whole state is a handful of integers, so a checkpoint of it is small.

public import CyclerModel
public import Quantities

/// A condition that was met and says where the run goes on.
public struct MetCondition: Sendable, Hashable {
  /// As it was written.
  public var text: String
  /// Where the run goes on.
  public var target: ConditionTarget
}

/// A place in a program and the rules that move it.
public struct StepMachine: Sendable, Hashable {
  /// Where the machine stands.
  public enum Place: Sendable, Hashable {
    /// Before the first instruction.
    case notStarted
    /// In the step with that index in the program's steps.
    case step(Int)
    /// Between two steps, where another program takes over with the next `advance`.
    case seam
    /// Past the last instruction.
    case completed
  }

  /// The program that is run.
  public private(set) var program: Program
  /// The program that takes its place at the next seam; empty or one, which costs less room than an optional.
  var amendment: [Program] = []
  /// What became of an amendment in the last `advance`; nil when there was none.
  public internal(set) var amendmentOutcome: AmendmentOutcome?
  /// Where the machine stands.
  public private(set) var place: Place = .notStarted
  /// Whether the present step has conditions that must hold for some time.
  public var hasLastingEnds: Bool { judgement.hasLasting }
  /// Whether it can be foreseen between what values no end of the present step is met. Asked before a `QuietBand` is made,
  /// which copies the machine.
  public var mayBeForeseen: Bool { fence.mayBandQuietly && !judgement.hasLasting }
  /// The present step's ends; since when they hold is no part of a checkpoint: after an interruption nobody knows, and the
  /// time begins anew.
  private var judgement = StepJudgement()
  /// Where no end of the present step can be met.
  public private(set) var fence = EndFence()
  /// The cycle within the run, from 1; 0 before the first.
  public private(set) var cycleNumber: Int64 = 0
  /// True when the last `advance` passed the beginning of a cycle.
  public private(set) var enteredCycle = false
  /// How fast the voltage moves, in a step that has a condition on it; no part of a
  /// checkpoint either.
  private var drift = VoltageDrift()
  /// How much charge moves the voltage, in a step that has a condition on it; no part of a checkpoint either.
  private var chargePerVolt = ChargePerVolt()
  /// What led the last `advance` elsewhere than to what follows, and what ended blocks on its way.
  public private(set) var metConditions: [MetCondition] = []
  /// What the run's cycles have shown.
  public private(set) var measured = MeasuredCapacities()
  private var counter = 0
  private var loops: [Int64]
  /// For each condition of a block, how many cycles in a row have said so since the block began.
  private var cyclesInARow: [Int32]

  /// A machine before the first instruction of `program`.
  public init(program: Program) {
    self.program = program
    loops = Array(repeating: 0, count: program.loopCount)
    cyclesInARow = Array(repeating: 0, count: program.passConditions.count)
  }

  /// The step that the machine is in.
  public var step: ProgramStep? {
    switch place {
    case .step(let index): program.steps[index]
    case .notStarted, .seam, .completed: nil
    }
  }

  /// The step with that index with all that is measured in it as numbers; nil while that is not known.
  public func resolvedStep(_ index: Int) -> ProgramStep? { program.steps[index].resolved(by: measured) }

  /// How long after the closing of its circuit the step's conditions are not judged; zero outside of steps.
  @inlinable @inline(__always)
  public var settle: TimeSpan {
    switch place {
    case .step(let index): program.steps[index].settle
    case .notStarted, .seam, .completed: .zero
    }
  }

  /// Takes what a cycle says to the conditions of the blocks around it. A cycle that says nothing changes nothing.
  public mutating func cycleClosed(_ summary: CycleSummary) {
    measured.take(summary) { cycle in ([program] + amendment).contains { $0.names(cycle) } }
    for (index, condition) in program.passConditions.enumerated() where condition.block.contains(counter) {
      guard let holds = condition.holds(summary) else { continue }
      cyclesInARow[index] = holds ? min(cyclesInARow[index], .max - 1) + 1 : 0
    }
  }

  /// Moves to the next step, or to the end.
  ///
  /// Ends after finitely many instructions: the compiler lets no loop body be without a step, and a condition only goes
  /// forward.
  /// - Parameters:
  ///   - testTime: since the run's first reading, for the conditions of blocks.
  ///   - condition: what ended the present step; nil when something else did.
  @discardableResult
  public mutating func advance(at testTime: TimeSpan, endedBy condition: EndCondition? = nil) -> Place {
    enteredCycle = false
    amendmentOutcome = nil
    forgetHeldEnds()
    metConditions.removeAll(keepingCapacity: true)
    // A person who amends at a seam has answered what was asked there.
    if place == .seam { takeAmendment() }
    // Who goes elsewhere goes there in the program whose condition says so.
    var mayAmend = true
    if let condition, condition.target != .next {
      go(to: condition.target, because: condition.text)
      mayAmend = condition.target == .hold
    }
    while place != .completed {
      if mayAmend, !amendment.isEmpty, metCondition(endingAt: counter, testTime) == nil { takeAmendment() }
      let instruction = program.instructions[counter]
      let here = counter
      counter += 1
      switch instruction {
      case .step(let index):
        place = .step(index)
        judgeEnds(of: index)
        return place
      case .beginLoop(let loop):
        loops[loop] = 0
        forgetCycles(ofBlockAt: here)
      case .beginCycle:
        cycleNumber += 1
        enteredCycle = true
      case .endLoop(let loop, let passes, let start):
        loops[loop] += 1
        if loops[loop] < passes { counter = start }
        let met = metCondition(endingAt: here, testTime)
        leaveBlock(endedBy: met)
        if let met { mayAmend = mayAmend && program.passConditions[met].target == .next }
      case .end:
        counter -= 1
        place = .completed
        if !amendment.isEmpty { refuseAmendment() }
      }
    }
    return place
  }

  /// A step that nobody can resolve is not begun, so its ends are not asked.
  private mutating func judgeEnds(of index: Int) {
    let step = resolvedStep(index) ?? program.steps[index]
    judgement = StepJudgement(of: step)
    fence = EndFence(ends: step.ends, joined: step.joined)
  }

  // MARK: - Amendments

  /// The instruction that comes next.
  var presentCounter: Int { counter }
  /// How many cycles in a row have said so, condition by condition.
  var countedCycles: [Int32] { cyclesInARow }
  /// The instruction of the present step.
  var presentInstruction: Int { counter - 1 }

  /// Goes on in another program. The passes of the blocks around the place stay counted.
  /// - Parameter counts: For each condition of the new program, how many cycles in a row have said so.
  mutating func take(_ amended: Program, at instruction: Int, counts: [Int32]) {
    program = amended
    counter = instruction
    let missing = amended.loopCount - loops.count
    if missing > 0 { loops += Array(repeating: 0, count: missing) }
    loops.removeLast(max(0, -missing))
    cyclesInARow = counts
  }

  /// The program that waits takes over in front of the present step, of which nothing has been done, if a seam is there.
  public mutating func bringAmendmentForward() {
    if !amendment.isEmpty { _ = returnToSeam(of: ProgramOutline(program)) }
  }

  /// Goes back to the seam in front of the present step, of which nothing has been done: to the end of the pass before, or
  /// to the block or step itself. Says whether there is one; where there is none, nothing changes.
  mutating func returnToSeam(of outline: ProgramOutline) -> Bool {
    guard case .step = place else { return false }
    var (index, cycles) = (presentInstruction, cycleNumber)
    while outline.seam(at: index) == nil, index > 0 {
      index -= 1
      switch program.instructions[index] {
      case .beginCycle: cycles -= 1
      case .beginLoop(let loop) where loops[loop] > 0:
        let end = outline.end(ofLoopAt: index)
        guard outline.seam(at: end) != nil else { return false }
        loops[loop] -= 1
        return leave(for: end, cycles)
      case .beginLoop: break
      case .step, .endLoop, .end: return false
      }
    }
    guard case .before? = outline.seam(at: index) else { return false }
    return leave(for: index, cycles)
  }

  private mutating func leave(for seam: Int, _ cycles: Int64) -> Bool {
    (place, counter, cycleNumber) = (.seam, seam, cycles)
    return true
  }

  // MARK: - Blocks

  private mutating func forgetCycles(ofBlockAt begin: Int) {
    for (index, condition) in program.passConditions.enumerated() where condition.block.lowerBound == begin {
      cyclesInARow[index] = 0
    }
  }

  /// The first condition of the block that holds at the end of a pass.
  private func metCondition(endingAt end: Int, _ testTime: TimeSpan) -> Int? {
    program.passConditions.indices.first { index in
      let condition = program.passConditions[index]
      guard condition.block.upperBound == end + 1 else { return false }
      if condition.quantity == .testTime {
        return condition.comparison.holds(testTime.microseconds, condition.threshold)
      }
      return cyclesInARow[index] >= condition.cyclesInARow
    }
  }

  private mutating func leaveBlock(endedBy met: Int?) {
    guard let met else { return }
    let condition = program.passConditions[met]
    switch condition.target {
    case .next: counter = condition.block.upperBound
    case .hold: forgetCycles(ofBlockAt: condition.block.lowerBound)
    case .instruction, .end: break
    }
    go(to: condition.target, because: condition.text)
  }

  private mutating func go(to target: ConditionTarget, because text: String) {
    metConditions.append(MetCondition(text: text, target: target))
    switch target {
    case .next, .hold: break
    case .instruction(let index): counter = index
    case .end: counter = program.instructions.count - 1
    }
  }

  // MARK: - Steps

  /// The first condition of the present step that holds, as an index into its `ends`.
  ///
  /// A condition on something that was not measured, or on a hold that has not begun, does not hold; one that must hold
  /// for some time does so by what `noteHeldEnds` has seen. Changes nothing; `mutating` spares the copy.
  public mutating func endReached(_ live: LiveQuantities) -> Int? {
    guard fence.mayBeMet(live) else { return nil }
    return judgement.firstMet(live)
  }

  /// The text of the driven step's first condition on nothing but the voltage that holds at so many nanovolts. Changes
  /// nothing; `mutating` spares the copy.
  public mutating func voltageEndPassed(at nanovolts: Int64) -> String? {
    guard case .step(let index) = place, program.steps[index].direction != .none else { return nil }
    let ends = program.steps[index].ends
    for end in ends.indices where ends[end].quantity == .voltage && ends[end].isPlain {
      if ends[end].comparison.holds(nanovolts, ends[end].threshold) { return ends[end].text }
    }
    return nil
  }

  /// Takes a reading to the conditions that must hold for some time; needed where `hasLastingEnds`.
  public mutating func noteHeldEnds(_ live: LiveQuantities) { judgement.note(live) }

  /// The circuit was open meanwhile: what must hold for some time begins anew.
  public mutating func forgetHeldEnds() {
    judgement.forget()
    drift.reset()
    chargePerVolt.reset()
  }

  /// Takes a reading and tells how fast the voltage moves, and what charge moves it; needed where `fence.asksForCourse`.
  public mutating func noteCourse(_ live: inout LiveQuantities) {
    drift.add(live.voltage, at: live.stepTime)
    live.voltageDrift = drift.nanovoltsPerHour
    chargePerVolt.add(live.voltage, live.stepCharge)
    live.chargePerVolt = chargePerVolt.nanocoulombsPerVolt
  }

  /// Writes the place for a checkpoint.
  public func encode(into writer: inout ByteWriter) {
    switch place {
    case .notStarted: writer.write(Int64(-1))
    case .step(let index): writer.write(Int64(index))
    case .completed: writer.write(Int64(-2))
    case .seam: writer.write(Int64(-3))
    }
    writer.write(cycleNumber)
    writer.write(Int64(counter))
    writer.write(Int32(loops.count))
    for loop in loops { writer.write(loop) }
    // A program has as many as its text says, so their number is not written.
    for count in cyclesInARow { writer.write(count) }
  }

  /// Reads a place; refuses one that does not fit the program.
  public init(program: Program, from reader: inout ByteReader) throws(ByteReader.Malformed) {
    self.init(program: program)
    let storedPlace: Int64 = try reader.read()
    cycleNumber = try reader.read()
    counter = Int(try reader.read(Int64.self))
    let loopCount: Int32 = try reader.read()
    guard Int(loopCount) == loops.count, program.instructions.indices.contains(counter) else { throw reader.malformed }
    for index in loops.indices { loops[index] = try reader.read() }
    for index in cyclesInARow.indices { cyclesInARow[index] = try reader.read() }
    switch storedPlace {
    case -1: place = .notStarted
    case -2: place = .completed
    case -3: place = .seam
    case let index where program.steps.indices.contains(Int(index)): place = .step(Int(index))
    default: throw reader.malformed
    }
    if case .step(let index) = place { judgeEnds(of: index) }
  }

  /// Takes what the cycles had shown from a checkpoint.
  public mutating func restore(_ measured: MeasuredCapacities) {
    self.measured = measured
    if case .step(let index) = place { judgeEnds(of: index) }
  }
}

/// What the conditions of a step look at, at one reading.
public struct LiveQuantities: Sendable, Hashable {
  /// The reading's voltage.
  public var voltage: Voltage?
  /// The reading's current.
  public var current: Current?
  /// How fast the voltage moves, the magnitude in nanovolts an hour; nil while that is not known or nobody asks.
  public var voltageDrift: Int64?
  /// How much charge moves the voltage, the magnitude in nanocoulombs for each volt; nil while that is not known or nobody
  /// asks.
  public var chargePerVolt: Int64?
  /// The run's present cycle, from 1; 0 before the first.
  public var cycleNumber: Int64 = 0
  /// Since the step began, without pauses and interruptions.
  public var stepTime = TimeSpan.zero
  /// Since the hold began; nil before.
  public var holdTime: TimeSpan?
  /// Of the half-cycle's steps.
  public var halfCycleTime = TimeSpan.zero
  /// Since the cycle began, without pauses and interruptions.
  public var cycleTime = TimeSpan.zero
  /// Since the run began, with them.
  public var testTime = TimeSpan.zero
  /// Net charge of the step.
  public var stepCharge = Charge.zero
  /// Net charge of the half-cycle.
  public var halfCycleCharge = Charge.zero
  /// Net energy of the step.
  public var stepEnergy = Energy.zero

  /// Beside the cell; nil while it is not known or nobody asks.
  public var temperature: Temperature?

  /// Nothing yet.
  public init() {}
}

extension JoinedComparison {
  /// Whether it holds; false for what was not measured and for a hold that has not begun.
  @inline(__always)
  func holds(_ live: LiveQuantities) -> Bool {
    guard let value = live.value(of: quantity) else { return false }
    return comparison.holds(value, threshold)
  }
}

extension LiveQuantities {
  /// In the unit in which conditions state it; nil for what was not measured and for a hold that has not begun.
  @inlinable @inline(__always)
  func value(of quantity: EndCondition.Quantity) -> Int64? {
    switch quantity {
    case .voltage: voltage?.nanovolts
    case .voltageDrift: voltageDrift
    case .chargePerVolt: chargePerVolt
    case .cycleNumber: cycleNumber
    case .current: current.map { Int64(clamping: $0.picoamperes.magnitude) }
    case .stepTime: stepTime.microseconds
    case .holdTime: holdTime?.microseconds
    case .halfCycleTime: halfCycleTime.microseconds
    case .cycleTime: cycleTime.microseconds
    case .testTime: testTime.microseconds
    case .stepCharge: Int64(clamping: stepCharge.nanocoulombs.magnitude)
    case .halfCycleCharge: Int64(clamping: halfCycleCharge.nanocoulombs.magnitude)
    case .stepEnergy: Int64(clamping: stepEnergy.nanojoules.magnitude)
    case .temperature: temperature?.millidegrees
    }
  }
}
