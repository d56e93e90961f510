// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// One run on one channel: the order in which integration, safety, the step machine, records and metrics act on what an
// instrument says. The order is the law: integrate, judge safety, judge the step's ends, record; at a step's edge close
// the step, the half-cycle and the cycle, tell the metrics, wait for the commit when the direction changes, and only
// then take the next step. The pilot is a value: it owns no port, no clock and no file, and its whole state fits into a
// checkpoint, so a run goes on from any reading.
//
// What it does not do: speak a wire protocol (the driver), decide who may ask for what (the control server), or keep
// anything (the store).

internal import CellMetrics
public import CyclerModel
internal import CyclingEngine
internal import InstrumentKit
internal import Quantities

/// Carries one run from its start to its end.
public struct RunPilot: Sendable {
  /// What the pilot is about.
  enum Phase: Sendable, Hashable {
    /// Nothing has begun.
    case ready
    /// A set-point is asked for or under way.
    case active(SetpointPurpose)
    /// The circuit is being opened.
    case closing(SetpointPurpose, ClosingCause)
    /// Waits for a commit, then begins the set-point that waits for it, or enters the machine's place.
    case committing
    /// A person opened the circuit.
    case paused
    /// A fault opened the circuit; a person must look.
    case held
    /// The daemon stops.
    case suspended
    /// The instrument is away since then.
    case away(since: UnixInstant)
    /// Over.
    case over
  }

  /// Why a set-point was begun.
  enum SetpointPurpose: UInt8, Sendable, Hashable {
    /// The open circuit before the first closed one.
    case preflight = 0
    /// The open circuit before the run goes on after an interruption.
    case resumeCheck = 1
    /// The open circuit before the run goes on because a person said so.
    case personResume = 2
    /// A step of the program.
    case step = 3
  }

  /// Why the circuit is being opened by the host.
  enum ClosingCause: Sendable, Hashable {
    /// A condition that only the host judges.
    case condition(String)
    /// A person.
    case pause(actor: String)
    /// A person.
    case stop(actor: String)
    /// A person.
    case skip(actor: String)
    /// The daemon stops.
    case suspend
    /// Something is wrong, and with `latches` the store has not been told of its latch yet.
    case fault(Fault, latches: Bool)
  }

  /// A person's word for a voltage outside the limits.
  struct Allowance: Sendable, Hashable {
    var actor: String
    var reason: String
  }

  /// What ends a step of the program, apart from a person's stop.
  enum StepEnding: Sendable, Hashable {
    /// Its condition, as it was written.
    case condition(String)
    /// A person.
    case skip(actor: String)
  }

  /// Who and where.
  public internal(set) var identity: RunIdentity
  /// The program that is run.
  public var program: Program { machine.program }
  var settings: RunSettings
  var machine: StepMachine
  var safety: SafetyMonitor
  var phase: Phase = .ready
  var setpoint: ActiveSetpoint?
  var halfCycle: OpenHalfCycle?
  var cycle: CycleAccumulator
  /// How the half-cycle before the present one left the cell.
  var earlier: EarlierHalfCycle?
  /// The test of plating whose half-cycle was closed last.
  var efficiencyTest: EfficiencyTestAccumulator?
  /// What the records say of the cell without current, up to the present set-point.
  var restTrace = RestTrace()
  /// Time, charge and energy of the present step in earlier rows, before pauses and interruptions.
  var carried = CarriedStep()
  var cycleTimeBeforeStep = TimeSpan.zero
  var stepCount: Int32 = 0
  var halfCycleNumber: Int32 = 0
  var emptyInARow: Int32 = 0
  var testTime = TimeSpan.zero
  var testTimeAt: HostInstant?
  var runCharge = Charge.zero
  var lastVoltage: Voltage?
  /// No current has brought the cell inside the limits yet, or it has hardly moved since and no half-cycle is over;
  /// until then it may stand where a fresh one may.
  var isFresh = true
  /// Where a fresh cell may stand at open circuit.
  var freshWindow: VoltageWindow
  /// Where the cell may stand at open circuit because a person answered for it when the run was resumed; nil once a
  /// current has brought it back inside the limits.
  var allowedWindow: VoltageWindow?
  /// Why a person allows a voltage outside the limits, from the request to the next step.
  var resumptionReason: Allowance?
  var hasPassedPreflight = false
  /// Checks of the open circuit in a row that were broken off.
  var spoiltChecks: Int32 = 0
  var instrumentIsHere = false
  /// What was meant when the instrument went away in the middle of it.
  var pendingCause: ClosingCause?
  /// The fault that was told last of the circuit that is being opened; one that stays is told once.
  var toldWhileClosing: Fault?
  /// What has ended the present step, from when that is known until the step is left. It holds whatever else is asked
  /// for meanwhile: a step that is over is not driven again.
  var stepEnding: StepEnding?
  /// Since when the step is interrupted, until one goes on: neither a pause and a resumption while the instrument is away
  /// nor a link that comes and goes shorten the interruption (hazard rule 3).
  var awaySince: UnixInstant?
  /// The same moment on the steady clock, which nobody puts forward or back; nil when an earlier daemon saw it.
  var awaySinceHost: HostInstant?
  /// Where the cell stood when it was left.
  var voltageBeforeInterruption: Voltage?
  /// The direction of the driven step that the next one follows without an open circuit between; nil after an open
  /// circuit.
  var drivenDirection: Direction?
  /// A prepared set-point that may not reach the instrument before the commit that names it.
  var awaitingCommit: Setpoint?
  /// When the checkpoint was written that the pilot was restored from, until its instrument is back: readings and
  /// steps after it may be lost.
  var restoredFrom: UnixInstant?
  /// When the pilot was last told anything, and the longest time in the present set-point in which it was not: a daemon
  /// that was stopped, or a machine that slept, reads a backlog afterwards and must know how old it is.
  var lastInputAt: HostInstant?
  var longestSilence = TimeSpan.zero
  /// When the pilot came to look for a word that was due and found that it was this machine that had stood still.
  var overslept: HostInstant?
  /// The revision of the protocol that waits for its seam; nil when none does.
  var revisionWaiting: Int32?
  /// What the thermometer beside the cell says, where one is bound to the channel.
  var observing = Observing()
  /// The state that was last told to the store.
  public private(set) var state: RunState = .queued

  /// A pilot before the run's beginning. The instrument is there, or will be announced by `.instrumentReady`.
  public init(identity: RunIdentity, program: Program, settings: RunSettings, instrumentIsHere: Bool) {
    self.identity = identity
    self.settings = settings
    self.instrumentIsHere = instrumentIsHere
    earlier = identity.earlierHalfCycle
    machine = StepMachine(program: program)
    safety = SafetyMonitor(limits: program.limits)
    freshWindow = Self.freshWindow(of: program, isAllowed: settings.allowedVoltageReason != nil)
    cycle = CycleAccumulator(
      role: program.role, earlierCellCycles: identity.earlierCellCycles,
      retentionReference: program.metrics.retentionReference, retentionThreshold: program.metrics.retentionThreshold)
  }

  /// Where a fresh cell may stand after its pre-flight: in the protocol's window, inside the limits, and on the way from
  /// the one to the other; anywhere when a person allowed its voltage.
  static func freshWindow(of program: Program, isAllowed: Bool) -> VoltageWindow {
    guard !isAllowed else { return VoltageWindow(from: Voltage(nanovolts: .min), to: Voltage(nanovolts: .max)) }
    let expected = program.expectOpenCircuit
    let limits = program.limits
    return VoltageWindow(
      from: min(expected.from, Voltage(nanovolts: limits.lowerVoltage.soft)),
      to: max(expected.to, Voltage(nanovolts: limits.upperVoltage.soft)))
  }

  /// Takes one input.
  public mutating func handle(_ input: RunInput, at now: RunMoment, into outputs: inout RunOutputs) {
    listen(now)
    // What was foreseen was foreseen for readings alone.
    setpoint?.quiet = .none
    switch input {
    case .driver(let event): handle(event, now, &outputs)
    case .begin: begin(now, &outputs)
    case .instrumentReady: instrumentReady(now, &outputs)
    case .instrumentLost(let fault): instrumentLost(fault, now, &outputs)
    case .committed: committed(now, &outputs)
    case .person(let request, let actor, let allowance):
      resumptionReason = allowance.map { Allowance(actor: actor, reason: $0) }
      handle(request, actor, now, &outputs)
    case .suspend: suspend(now, &outputs)
    case .storeFull:
      if isWriting {
        close(because: .fault(Fault(.storeFull, "the store cannot take more readings"), latches: false), now, &outputs)
      }
    case .tick: break
    }
    supervise(now, &outputs)
  }

  /// Takes one reading: the same as `.driver(.reading)`, without the way through an enumeration of everything else that
  /// can happen, which for the most frequent input costs more than the reading's arithmetic, and judged in full only when
  /// it may be more than quiet.
  public mutating func handle(_ reading: Reading, at now: RunMoment, into outputs: inout RunOutputs) {
    listen(now)
    handle(reading, now, &outputs)
    supervise(now, &outputs)
  }

  /// Over a point of a spectrum an instrument has nothing to say, however awake everybody is.
  private mutating func listen(_ now: RunMoment) {
    if let lastInputAt {
      let quiet = setpoint?.longestPoint ?? .zero
      longestSilence = max(longestSilence, now.host - lastInputAt - quiet)
    }
    lastInputAt = now.host
  }

  /// Whether the run goes on producing readings; a run that waits has nothing to stop.
  private var isWriting: Bool {
    switch phase {
    case .active, .closing, .committing: true
    case .ready, .paused, .held, .suspended, .away, .over: false
    }
  }

  /// Whether the run is over.
  public var isOver: Bool {
    if case .over = phase { true } else { false }
  }

  // MARK: - The course of a run

  private mutating func begin(_ now: RunMoment, _ outputs: inout RunOutputs) {
    guard phase == .ready else { return }
    observing.beginsAnew(at: now.host)
    note(.runStarted, .info, actor: identity.startedBy, "“\(program.title)” started", now, &outputs)
    if instrumentIsHere {
      beginCheck(.preflight, now, &outputs)
    } else {
      phase = .away(since: now.unix)
      tell(.interrupted, now, &outputs)
    }
  }

  private mutating func handle(_ event: DriverEvent, _ now: RunMoment, _ outputs: inout RunOutputs) {
    switch event {
    case .reading(_, let reading): handle(reading, now, &outputs)
    case .began(_, let token): setpointBegan(token, now, &outputs)
    case .impedance(_, let point): measured(point, now, &outputs)
    case .circuitClosed(_, let at): circuitClosed(at, now, &outputs)
    case .circuitMarkLost(_, let at): circuitMarkLost(at, now, &outputs)
    case .holdBegan(_, let at): holdBegan(at, &outputs)
    case .circuitOpened(_, let at): setpoint?.circuitOpened(at)
    case .ended(_, let token, let end): ended(token, end, now, &outputs)
    case .refused(_, let token, let fault): refused(token, fault, now, &outputs)
    case .orphanEnded(_, let token, let reading, let openedAt, let end):
      adopt(token, reading, openedAt, end, now, &outputs)
    case .fault(_, let fault): note(fault.code, .warning, actor: "instrument", fault.detail, now, &outputs)
    case .identified, .circuit, .temperature: break
    }
  }

  private mutating func committed(_ now: RunMoment, _ outputs: inout RunOutputs) {
    guard phase == .committing else { return }
    guard let waiting = awaitingCommit else {
      enterPlace(now, &outputs)
      return
    }
    let waited = setpoint.map { now.host - $0.askedAt } ?? .zero
    guard waited <= longestStandstill else {
      stoodTooLong(waited, now, &outputs)
      return
    }
    awaitingCommit = nil
    setpoint?.askedAt = now.host
    setpoint?.heardAt = now.host
    outputs.commands.append(.begin(waiting))
    phase = .active(.step)
  }

  /// Takes the step in which the machine stands, or ends the run.
  mutating func enterPlace(_ now: RunMoment, _ outputs: inout RunOutputs) {
    switch machine.place {
    case .completed:
      note(.runCompleted, .info, "the protocol is done", now, &outputs)
      finish(.completed, reason: "completed", now, &outputs)
    case .step(let index):
      // A step that turned out to be over once its row was closed.
      if leaveEndedStep(now, &outputs) {
        if let (fault, latches) = reasonToWait {
          hold(fault, latches: latches, now, &outputs)
        } else {
          takeNext(now, &outputs)
        }
        return
      }
      enterStep(index, now, &outputs)
    case .notStarted:
      machine.advance(at: testTime)
      noteFirstRevision(now, &outputs)
      enterPlace(now, &outputs)
    case .seam:
      machine.advance(at: testTime)
      if machine.enteredCycle { cycleTimeBeforeStep = .zero }
      noteMetConditions(now, &outputs)
      noteAmendment(now, &outputs)
      if let (fault, latches) = reasonToWait {
        hold(fault, latches: latches, now, &outputs)
      } else {
        enterPlace(now, &outputs)
      }
    }
  }

  private mutating func suspend(_ now: RunMoment, _ outputs: inout RunOutputs) {
    switch phase {
    case .active, .closing: close(because: .suspend, now, &outputs)
    case .committing, .ready: settle(.suspend, now, &outputs)
    case .away, .paused, .held, .suspended, .over: break
    }
  }

  /// Whether the circuit is open and confirmed, as far as this run is concerned.
  public var isCircuitOpen: Bool {
    switch phase {
    case .active, .closing: false
    case .away, .paused, .held, .suspended: setpoint == nil
    case .ready, .committing, .over: true
    }
  }

  // MARK: - Saying things

  /// Adds an event.
  func note(
    _ code: FaultCode, _ severity: Severity, actor: String = "daemon", _ detail: String, _ now: RunMoment,
    _ outputs: inout RunOutputs
  ) {
    outputs.entries.append(
      .event(
        EventRow(
          at: now.unix, run: identity.run, channel: identity.channel, stepID: setpoint?.stepID,
          stepTime: setpoint?.stepTime, code: code, severity: severity, actor: actor, detail: detail)))
  }

  /// Tells the run's state.
  mutating func tell(_ newState: RunState, _ now: RunMoment, _ outputs: inout RunOutputs, reason: String? = nil) {
    state = newState
    switch newState {
    case .paused, .held, .suspended, .interrupted: showHalfCycle(&outputs)
    case .queued, .preflight, .running, .completed, .stopped, .ended: break
    }
    outputs.entries.append(.runState(run: identity.run, newState, at: now.unix, reason: reason))
  }

  /// Puts back a state that a checkpoint holds.
  mutating func restore(state: RunState) { self.state = state }
}
