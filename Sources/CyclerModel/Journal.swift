// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What a run says to the store. Everything in one batch is committed in one transaction, so a checkpoint can never
// be newer or older than the records that it follows from.

public import Quantities

/// One stored measurement. Charge and energy are integrated from every reading since the step's start, so records may
/// be thinned without losing a nanocoulomb. Trivial on purpose: a batch of them is one block of memory.
public struct RecordRow: Sendable, Hashable {
  /// `RowIdentity.step(run:count:)`.
  public var stepID: Int64
  /// Counted from 0 within the step.
  public var index: Int32
  /// Since the step began, without pauses and interruptions.
  public var stepTime: TimeSpan
  /// nil when nobody measured it.
  public var voltage: Voltage?
  /// nil when nobody measured it.
  public var current: Current?
  /// Net charge since the step began.
  public var charge: Charge
  /// Net energy since the step began.
  public var energy: Energy
  /// Quality of this record.
  public var flags: DataFlags
  /// A record.
  public init(
    stepID: Int64, index: Int32, stepTime: TimeSpan, voltage: Voltage?, current: Current?, charge: Charge,
    energy: Energy, flags: DataFlags
  ) {
    self.stepID = stepID
    self.index = index
    self.stepTime = stepTime
    self.voltage = voltage
    self.current = current
    self.charge = charge
    self.energy = energy
    self.flags = flags
  }
}

/// How rows are numbered without asking the database: a pure function of the run's number and a count within the run.
public enum RowIdentity {
  /// Bits for the count within a run: 16,777,215 steps or half-cycles a run.
  public static let countBits: Int64 = 24
  /// The key of a run's `count`-th step, counted from 1.
  @inlinable public static func step(run: Int64, count: Int32) -> Int64 { run << countBits | Int64(count) }
  /// The count within its run that a step's or half-cycle's key says, from 1.
  @inlinable public static func count(of key: Int64) -> Int64 { key & (1 << countBits - 1) }
  /// The key of a run's `number`-th half-cycle, counted from 1.
  @inlinable public static func halfCycle(run: Int64, number: Int32) -> Int64 { run << countBits | Int64(number) }
}

/// A step that began.
public struct StepRow: Sendable, Hashable {
  /// `RowIdentity.step`.
  public var stepID: Int64
  /// The run.
  public var run: Int64
  /// Counted from 1 within the run, never repeated.
  public var stepCount: Int32
  /// Counted from 1.
  public var protocolRevision: Int32
  /// Index in the program's steps; -1 for an open-circuit check, which is in no program.
  public var programIndex: Int32
  /// Place in the protocol file.
  public var programPath: String
  /// Kind.
  public var kind: StepKind
  /// Programmed direction.
  public var direction: Direction
  /// Key of its half-cycle.
  public var halfCycleID: Int64?
  /// The cycle within the run, from 1; nil outside cycles.
  public var cycleNumber: Int64?
  /// When it was asked for, until `JournalEntry.stepBegan` tells when its time zero was.
  public var startedAt: UnixInstant
  /// The run's test time then.
  public var startedTestTime: TimeSpan
  /// Net charge of the run then.
  public var startCharge: Charge
  /// The largest current its range must hold.
  public var rangeCurrent: Current?
  /// A step row.
  public init(
    stepID: Int64, run: Int64, stepCount: Int32, protocolRevision: Int32, programIndex: Int32, programPath: String,
    kind: StepKind, direction: Direction, halfCycleID: Int64?, cycleNumber: Int64?, startedAt: UnixInstant,
    startedTestTime: TimeSpan, startCharge: Charge, rangeCurrent: Current?
  ) {
    self.stepID = stepID
    self.run = run
    self.stepCount = stepCount
    self.protocolRevision = protocolRevision
    self.programIndex = programIndex
    self.programPath = programPath
    self.kind = kind
    self.direction = direction
    self.halfCycleID = halfCycleID
    self.cycleNumber = cycleNumber
    self.startedAt = startedAt
    self.startedTestTime = startedTestTime
    self.startCharge = startCharge
    self.rangeCurrent = rangeCurrent
  }
}

/// A half-cycle, written when it opens and again, complete, when it closes.
public struct HalfCycleRow: Sendable, Hashable {
  /// `RowIdentity.halfCycle`.
  public var halfCycleID: Int64
  /// The run.
  public var run: Int64
  /// Counted from 1 within the run.
  public var number: Int32
  /// The cycle within the run, from 1; nil outside `cycles` blocks.
  public var cycleNumber: Int64?
  /// Programmed direction.
  public var direction: Direction
  /// Purpose of its block.
  public var purpose: CyclePurpose?
  /// Label of its block.
  public var label: String?
  /// Charge moved in the programmed direction less the opposite, a magnitude when all is well.
  public var charge: Charge
  /// Charge that flowed against the programmed direction, a magnitude.
  public var reverseCharge: Charge
  /// Energy moved in the programmed direction.
  public var energy: Energy
  /// Of `charge`, what flowed while a voltage was held.
  public var constantVoltageCharge: Charge
  /// Charge below the plateau threshold of its branch; nil without a threshold or when the voltage never crossed it.
  public var plateauCharge: Charge?
  /// The most by which `charge` can differ from what flowed, because of gaps; nil when that is not known.
  public var gapCharge: Charge?
  /// Why it ended; nil while it is open.
  public var endReason: String?
  /// What a reader must know.
  public var flags: DataFlags
  /// What is known of it besides its sums.
  public var detail = HalfCycleDetail()
  /// How long the circuit was closed in the steps that moved its charge; nil when that was not counted from its beginning.
  public var activeTime: TimeSpan?
  /// Voltage of the last record of its last such step; nil when nobody measured it.
  public var endVoltage: Voltage?
  /// Net charge of the run at its end, positive charging, with all rests and holds before; nil while it is open, and
  /// where charge was missed outside of half-cycles since the one before: the count begins anew behind it.
  public var endNetCharge: Charge?
  /// A half-cycle row.
  public init(
    halfCycleID: Int64, run: Int64, number: Int32, cycleNumber: Int64?, direction: Direction, purpose: CyclePurpose?,
    label: String?, charge: Charge, reverseCharge: Charge, energy: Energy, constantVoltageCharge: Charge,
    plateauCharge: Charge?, gapCharge: Charge?, endReason: String?, flags: DataFlags
  ) {
    self.halfCycleID = halfCycleID
    self.run = run
    self.number = number
    self.cycleNumber = cycleNumber
    self.direction = direction
    self.purpose = purpose
    self.label = label
    self.charge = charge
    self.reverseCharge = reverseCharge
    self.energy = energy
    self.constantVoltageCharge = constantVoltageCharge
    self.plateauCharge = plateauCharge
    self.gapCharge = gapCharge
    self.endReason = endReason
    self.flags = flags
  }
}

/// What is known of a cycle when its second half-cycle has closed.
public struct CycleSummary: Sendable, Hashable {
  /// Within the run, from 1.
  public var cycleNumber: Int64
  /// Within the cell's life, from 1.
  public var cellCycleNumber: Int64
  /// Purpose of its block.
  public var purpose: CyclePurpose?
  /// Label of its block.
  public var label: String?
  /// Charge of the charging half-cycle; nil when unknown.
  public var chargeCapacity: Charge?
  /// Charge of the discharging half-cycle, a magnitude; nil when unknown.
  public var dischargeCapacity: Charge?
  /// Energy of the charging half-cycle.
  public var chargeEnergy: Energy?
  /// Energy of the discharging half-cycle, a magnitude.
  public var dischargeEnergy: Energy?
  /// Second half-cycle over first, in role order, as a fraction; nil when incomplete or meaningless. Never clamped.
  public var coulombicEfficiency: Double?
  /// Reversible capacity (that of the second half-cycle in role order) over the reference cycle's, as a fraction; nil
  /// without a reference and when either is incomplete. Never clamped.
  public var retention: Double?
  /// Reversible capacity over that of the cycle before, less one, as a fraction; nil when either is incomplete and for
  /// the first cycle of the run.
  public var capacityChange: Double?
  /// What the first half-cycles of the run's cycles moved and the second ones did not move back; nil once a charge was
  /// not known.
  public var cumulativeIrreversibleCharge: Charge?
  /// Plateau charge of the sodiation branch.
  public var sodiationPlateauCharge: Charge?
  /// Of the sodiation branch's charge, the plateau's share, as a fraction.
  public var sodiationPlateauRatio: Double?
  /// Plateau charge of the desodiation branch.
  public var desodiationPlateauCharge: Charge?
  /// Of the desodiation branch's charge, the plateau's share, as a fraction.
  public var desodiationPlateauRatio: Double?
  /// By how much its numbers can be wrong by the instrument's stated error, and its plateaus less the ohmic drop.
  public var detail = CycleDetail()
  /// What a reader must know.
  public var flags: DataFlags
  /// What the cycles before it make of it.
  public var series = CycleSeriesValues()

  /// A summary with nothing known but its place.
  public init(cycleNumber: Int64, cellCycleNumber: Int64, purpose: CyclePurpose?, label: String?) {
    self.cycleNumber = cycleNumber
    self.cellCycleNumber = cellCycleNumber
    self.purpose = purpose
    self.label = label
    flags = []
  }
}

/// Something worth keeping that happened.
public struct EventRow: Sendable, Hashable {
  /// When.
  public var at: UnixInstant
  /// The run it belongs to.
  public var run: Int64?
  /// The channel it belongs to.
  public var channel: Int64?
  /// The step it belongs to.
  public var stepID: Int64?
  /// The step time then.
  public var stepTime: TimeSpan?
  /// What.
  public var code: FaultCode
  /// How much a person should care.
  public var severity: Severity
  /// Who: `daemon`, `instrument` or a user's name.
  public var actor: String
  /// One sentence.
  public var detail: String
  /// An event.
  public init(
    at: UnixInstant, run: Int64?, channel: Int64?, stepID: Int64?, stepTime: TimeSpan?, code: FaultCode,
    severity: Severity, actor: String, detail: String
  ) {
    self.at = at
    self.run = run
    self.channel = channel
    self.stepID = stepID
    self.stepTime = stepTime
    self.code = code
    self.severity = severity
    self.actor = actor
    self.detail = detail
  }
}

/// The state of a run, as stored and shown.
public enum RunState: String, Sendable, Hashable, CaseIterable {
  /// Waits for its channel or for the run before it on the cell.
  case queued
  /// Measures the open circuit before the first closed one.
  case preflight
  /// Runs.
  case running
  /// A person opened the circuit; `resume` goes on.
  case paused
  /// The instrument is away or the cell is being checked after it was; goes on by the protocol's policy.
  case interrupted
  /// Something needs a person; `resume` goes on after the latch is cleared.
  case held
  /// The daemon stopped in an orderly way; goes on at its next start by the protocol's policy.
  case suspended
  /// The program reached its end.
  case completed
  /// A person ended it.
  case stopped
  /// It ended by its policy or was refused at the pre-flight.
  case ended

  /// Whether nothing will happen to the cell by this run any more.
  public var isFinal: Bool {
    switch self {
    case .completed, .stopped, .ended: true
    case .queued, .preflight, .running, .paused, .interrupted, .held, .suspended: false
    }
  }
}

/// One thing for the store besides records.
public enum JournalEntry: Sendable, Hashable {
  /// A step began.
  case stepStarted(StepRow)
  /// Its time zero has come, which its row could not know: the instrument took the rest or closed the circuit.
  case stepBegan(stepID: Int64, at: UnixInstant, testTime: TimeSpan)
  /// The temperature beside the cell at a moment of a step; nil when it is not known any more.
  case temperature(stepID: Int64, stepTime: TimeSpan, Temperature?)
  /// A step ended.
  case stepEnded(stepID: Int64, endedTestTime: TimeSpan, reason: String)
  /// A half-cycle opened.
  indirect case halfCycleOpened(HalfCycleRow)
  /// A half-cycle closed or its provisional values changed.
  indirect case halfCycleUpdated(HalfCycleRow)
  /// A cycle closed.
  case cycleClosed(run: Int64, CycleSummary)
  /// What all cycles of the run up to the one that closed come to.
  case summaryUpdated(run: Int64, RunSummary)
  /// A half-cycle of a test of plating is closed, and this is known of the test now.
  case testUpdated(EfficiencyTestRow)
  /// A point of an impedance spectrum is measured.
  case impedancePoint(ImpedanceRow)
  /// Another revision of the run's protocol holds from that step on, nil when it ends with it.
  case amended(run: Int64, revision: Int32, fromStepID: Int64?)
  /// A revision that waited cannot hold any more.
  case amendmentRefused(run: Int64, revision: Int32, reason: String)
  /// A run's state changed; the instant is when, the reason is set for final states and holds.
  case runState(run: Int64, RunState, at: UnixInstant, reason: String?)
  /// A channel is latched.
  case latched(channel: Int64, run: Int64?, fault: Fault, at: UnixInstant)
  /// Something happened.
  case event(EventRow)
  /// The state that a run needs in order to go on; replaces the one before.
  case checkpoint(run: Int64, at: UnixInstant, state: [UInt8])
  /// A run that is over needs no checkpoint.
  case checkpointDropped(run: Int64)
}
