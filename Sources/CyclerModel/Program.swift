// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A compiled protocol. Everything that the language leaves to a cell (mass, area, nominal capacity) is resolved here
// to amperes and coulombs, and every block to a flat list with loop counters, so that a place in the program is two
// small integers and the counters, and a listing can be printed before anything starts.

public import Quantities

/// A protocol compiled for one cell.
public struct Program: Sendable, Hashable {
  /// The protocol's title.
  public var title: String
  /// The role that the protocol is for.
  public var role: CellRole
  /// All steps, in the order of the text.
  public var steps: [ProgramStep]
  /// What is executed.
  public var instructions: [Instruction]
  /// What ends blocks before their passes are done, in the order of the text, block by block.
  public var passConditions: [PassCondition]
  /// The tests of plating, in the order of the text.
  public var tests: [EfficiencyTest]
  /// How many loop counters the instructions use.
  public var loopCount: Int
  /// Where a cell must stand before its first closed circuit.
  public var expectOpenCircuit: VoltageWindow
  /// What must never be passed.
  public var limits: SafetyLimits
  /// When a reading is recorded.
  public var record: RecordRule
  /// Thresholds of the metrics.
  public var metrics: MetricParameters
  /// What happens after an interruption.
  public var onInterruption: InterruptionPolicy
  /// How many cycles a whole run counts at most.
  public var cycleCount: Int64

  /// A program.
  public init(
    title: String, role: CellRole, steps: [ProgramStep], instructions: [Instruction],
    passConditions: [PassCondition] = [], tests: [EfficiencyTest] = [], loopCount: Int,
    expectOpenCircuit: VoltageWindow, limits: SafetyLimits,
    record: RecordRule, metrics: MetricParameters, onInterruption: InterruptionPolicy, cycleCount: Int64
  ) {
    self.title = title
    self.role = role
    self.steps = steps
    self.instructions = instructions
    self.passConditions = passConditions
    self.tests = tests
    self.loopCount = loopCount
    self.expectOpenCircuit = expectOpenCircuit
    self.limits = limits
    self.record = record
    self.metrics = metrics
    self.onInterruption = onInterruption
    self.cycleCount = cycleCount
  }

  /// One instruction of the flat list.
  public enum Instruction: Sendable, Hashable {
    /// Run the step with that index in `steps`.
    case step(Int)
    /// Set the loop's counter to zero.
    case beginLoop(loop: Int)
    /// Count one pass; when fewer than `passes` are done go to `start` (the instruction after the loop's begin).
    case endLoop(loop: Int, passes: Int64, start: Int)
    /// A cycle of a `cycles` block begins: the cycle number rises by one.
    case beginCycle
    /// The program is done. Always the last instruction.
    case end
  }
}

/// An inclusive range of voltages.
public struct VoltageWindow: Sendable, Hashable {
  /// The lower end.
  public var from: Voltage
  /// The upper end.
  public var to: Voltage
  /// A window from `from` to `to`.
  public init(from: Voltage, to: Voltage) {
    self.from = from
    self.to = to
  }
  /// Whether a voltage lies inside, ends included.
  public func contains(_ voltage: Voltage) -> Bool { from <= voltage && voltage <= to }
}

/// One step of a program.
public struct ProgramStep: Sendable, Hashable {
  /// What a step does.
  public enum Action: Sendable, Hashable {
    /// No current.
    case rest
    /// A constant current; the magnitude is positive, the direction is never `none`.
    case constantCurrent(Direction, Current)
    /// A constant current to a voltage that is then held.
    case constantCurrentConstantVoltage(Direction, Current, Voltage)
    /// A held voltage; the direction is that of the half-cycle it belongs to, or `none`.
    case hold(Direction, Voltage, currentAtMost: Current)
    /// A current that follows the cell's voltage: a constant power or a constant resistance.
    case demand(CurrentDemand)
    /// A voltage that moves at a constant rate. It belongs to no half-cycle.
    case sweep(VoltageSweep)
    /// Currents one after the other. It belongs to no half-cycle.
    case profile(CurrentProfile)
    /// An impedance spectrum around the open circuit. It belongs to no half-cycle.
    case impedance(ImpedanceSpectrum)
  }

  /// The half-cycle that a step belongs to.
  public struct HalfCyclePlace: Sendable, Hashable {
    /// True when the step opens its half-cycle.
    public var opens: Bool
    /// True when the step's end closes its half-cycle.
    public var closes: Bool
    /// True when the step's end also closes a cycle.
    public var closesCycle: Bool
    /// True inside a `cycles` block: the half-cycle has a cycle number.
    public var isCounted: Bool
    /// A place.
    public init(opens: Bool, closes: Bool, closesCycle: Bool, isCounted: Bool) {
      self.opens = opens
      self.closes = closes
      self.closesCycle = closesCycle
      self.isCounted = isCounted
    }
  }

  /// The step's place in the protocol file, for instance `steps[1].steps[0]`.
  public var path: String
  /// The nearest label, its own or that of the block around it.
  public var label: String?
  /// The purpose of the block around it.
  public var purpose: CyclePurpose?
  /// What it does.
  public var action: Action
  /// The step ends on the first of these.
  public var ends: [EndCondition]
  /// The comparisons that some of `ends` are joined with by `and`.
  public var joined: [JoinedComparison]
  /// Whether one of `ends` must hold for some time.
  public let hasLastingEnds: Bool
  /// The half-cycle that it belongs to; nil for rests and diagnostics.
  public var halfCycle: HalfCyclePlace?
  /// The largest current of the block that shares a current range with this step.
  public var rangeCurrent: Current
  /// The share of a measured capacity that the current is, where it is one; what `action` says is then the most of it.
  public var currentShare: MeasuredShare?
  /// How long after the circuit is closed the first condition may be judged (hazard rule 10).
  public var settle: TimeSpan
  /// What its half-cycle is in a test of plating; nil outside of tests.
  public var test: EfficiencyTestPlace?
  /// When its readings become records, segment after segment; empty where the program's rule holds.
  public var record: [RecordSegment]
  /// What must not be passed in it; nil where the run's limits hold.
  public var limits: SafetyLimits?

  /// A step.
  public init(
    path: String, label: String?, purpose: CyclePurpose?, action: Action, ends: [EndCondition],
    joined: [JoinedComparison] = [], halfCycle: HalfCyclePlace?, rangeCurrent: Current,
    currentShare: MeasuredShare? = nil, settle: TimeSpan = Setpoint.usualSettle,
    test: EfficiencyTestPlace? = nil, record: [RecordSegment] = []
  ) {
    self.path = path
    self.label = label
    self.purpose = purpose
    self.action = action
    self.ends = ends
    self.joined = joined
    hasLastingEnds = ends.contains { $0.lasting > .zero }
    self.halfCycle = halfCycle
    self.rangeCurrent = rangeCurrent
    self.currentShare = currentShare
    self.settle = settle
    self.test = test
    self.record = record
  }

  /// The kind under which the step is stored.
  public var kind: StepKind {
    switch action {
    case .rest: .rest
    case .constantCurrent: .constantCurrent
    case .constantCurrentConstantVoltage: .constantCurrentConstantVoltage
    case .hold: .constantVoltage
    case .demand(let demand):
      switch demand.law {
      case .power: .constantPower
      case .resistance: .constantResistance
      }
    case .sweep: .voltageSweep
    case .profile: .currentProfile
    case .impedance: .impedanceSpectrum
    }
  }

  /// Whether it drives current that belongs to no half-cycle: it neither opens, feeds nor closes one (hazard rule 15).
  public var isDiagnostic: Bool { action != .rest && halfCycle == nil }

  /// The programmed direction; `none` for a rest.
  public var direction: Direction {
    switch action {
    case .rest: .none
    case .constantCurrent(let direction, _): direction
    case .constantCurrentConstantVoltage(let direction, _, _): direction
    case .hold(let direction, _, _): direction
    case .demand(let demand): demand.direction
    case .sweep, .profile, .impedance: .none
    }
  }
}

/// A sweep of the voltage as a protocol asks for it.
public struct VoltageSweep: Sendable, Hashable {
  /// Where it begins; nil where the cell stands.
  public var from: Voltage?
  /// Where it goes, one after the other: one voltage for a linear sweep, two for a cyclic one.
  public var to: [Voltage]
  /// How fast, a magnitude above zero.
  public var rate: VoltageRate
  /// More current than this ends it as a fault.
  public var currentAtMost: Current
  /// A sweep.
  public init(from: Voltage?, to: [Voltage], rate: VoltageRate, currentAtMost: Current) {
    self.from = from
    self.to = to
    self.rate = rate
    self.currentAtMost = currentAtMost
  }
}

/// One comparison that ends a step.
public struct EndCondition: Sendable, Hashable {
  /// What is compared; the unit of the threshold is in the comment.
  public enum Quantity: String, Sendable, Hashable, CaseIterable {
    /// Nanovolts.
    case voltage
    /// Nanovolts an hour, the magnitude over the last ten minutes.
    case voltageDrift = "voltage_drift"
    /// Picoamperes, the magnitude.
    case current
    /// Microseconds since the step began, without pauses and interruptions.
    case stepTime = "step_time"
    /// Microseconds since the hold began.
    case holdTime = "hold_time"
    /// Microseconds of the half-cycle's steps.
    case halfCycleTime = "half_cycle_time"
    /// Microseconds since the cycle began, without pauses and interruptions.
    case cycleTime = "cycle_time"
    /// Microseconds since the run's first reading, pauses and interruptions included.
    case testTime = "test_time"
    /// Nanocoulombs since the step began, the magnitude.
    case stepCharge = "step_charge"
    /// Nanocoulombs since the half-cycle began, the magnitude.
    case halfCycleCharge = "half_cycle_charge"
    /// Nanojoules since the step began, the magnitude.
    case stepEnergy = "step_energy"
    /// Nanocoulombs for each volt, the magnitude, over the last lines of a grid that the voltage has crossed.
    case chargePerVolt = "dq_dv"
    /// The run's present cycle, from 1.
    case cycleNumber = "cycle_number"
    /// Thousandths of a degree Celsius, as a thermometer beside the cell says; not known without one.
    case temperature
  }
  /// What is compared.
  public var quantity: Quantity
  /// How.
  public var comparison: Comparison
  /// In the quantity's unit. Where it is a share of a measured capacity, what is sure of it before that is known: the most
  /// of a charge, no current.
  public var threshold: Int64
  /// The share of a measured capacity that the threshold is, where it is one.
  public var share: MeasuredShare?
  /// True for conditions of `hold_until`: they count only while a voltage is held.
  public var onlyInHold: Bool
  /// The condition as it was written, for instance `voltage <= 10 mV`; it is also the step's end reason, and no two
  /// conditions of a step have the same.
  public var text: String
  /// Where the run goes on.
  public var target: ConditionTarget
  /// How long it must have held, at every reading, before it counts; zero: the first reading counts.
  public var lasting: TimeSpan
  /// What must hold at the same reading as well, as places in the step's `joined`; empty for most.
  public var also: Range<Int>
  /// A condition.
  public init(
    quantity: Quantity, comparison: Comparison, threshold: Int64, share: MeasuredShare? = nil, onlyInHold: Bool,
    text: String, target: ConditionTarget = .next, lasting: TimeSpan = .zero, also: Range<Int> = 0..<0
  ) {
    self.quantity = quantity
    self.comparison = comparison
    self.threshold = threshold
    self.share = share
    self.onlyInHold = onlyInHold
    self.text = text
    self.target = target
    self.lasting = lasting
    self.also = also
  }

  /// What a step says that was cut off and is not taken up again.
  public static let cutOff = "cut off"

  /// Where the run goes on when a step is cut off or skipped of which others are the rest. No reading ever meets it.
  public static func behind(_ target: ConditionTarget = .next) -> EndCondition {
    EndCondition(
      quantity: .stepTime, comparison: .above, threshold: .max, onlyInHold: false, text: cutOff, target: target,
      lasting: TimeSpan(microseconds: .max))
  }

  /// Whether one reading and one comparison decide it, so that an instrument may judge it and a bound may rest on it.
  @inlinable public var isPlain: Bool { also.isEmpty && lasting == .zero }
}

/// A comparison that an end condition is joined with by `and`.
public struct JoinedComparison: Sendable, Hashable {
  /// What is compared.
  public var quantity: EndCondition.Quantity
  /// How.
  public var comparison: Comparison
  /// In the quantity's unit.
  public var threshold: Int64
  /// A comparison.
  public init(quantity: EndCondition.Quantity, comparison: Comparison, threshold: Int64) {
    self.quantity = quantity
    self.comparison = comparison
    self.threshold = threshold
  }
}

extension ProgramStep {
  /// The voltage that the step holds, from its beginning or after its constant current; nil where it holds none.
  public var heldVoltage: Voltage? {
    switch action {
    case .constantCurrentConstantVoltage(_, _, let voltage), .hold(_, let voltage, _): voltage
    case .rest, .constantCurrent, .demand, .sweep, .profile, .impedance: nil
    }
  }
}
