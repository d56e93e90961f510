// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The closed loop: a driver, a line with faults, an emulated instrument with its cell, and a host that does with them what the
// daemon does: it works off set-points one after the other, gives each reading to the safety monitor, opens the circuit when
// that says so, and opens the port anew when the link is of no use. All of it in virtual time, one value, so that it can be
// copied at any moment and gone on with in different ways. Nothing here knows a family.

internal import CyclerModel
internal import CyclingEngine
public import InstrumentKit
internal import Quantities
public import VirtualLab

/// One driver at one emulated instrument.
public struct DriverTrial: Sendable {
  /// What the host is doing.
  enum Stage: Sendable, Hashable {
    /// The port is closed by the host, until then.
    case away(until: Double)
    /// The port is gone until somebody plugs it in.
    case unplugged
    /// The port was opened; nobody has said who is there.
    case opening
    /// Between two set-points.
    case idle(until: Double)
    /// A set-point is under way.
    case running
    /// All are over.
    case done
  }

  /// How a set-point came to its end.
  enum Outcome: Sendable, Hashable {
    case ended(SetpointEnd)
    case refused(FaultCode)
    /// The link was given up meanwhile.
    case lost
  }

  /// The family.
  public let family: DriverFamily
  /// The driver.
  public internal(set) var driver: any InstrumentDriver
  /// The instrument on its line.
  public var instrument: FaultyInstrument
  /// What the judge found.
  public internal(set) var judge: TrialJudge
  /// Everything that the driver said, in order.
  public private(set) var events: [DriverEvent] = []
  /// How many bytes the driver wrote, and how often it wrote.
  public private(set) var writtenBytes = 0
  var writes = 0
  var stage = Stage.away(until: 0)
  var outcomes: [Outcome] = []
  /// The set-points that are left.
  var menu: ArraySlice<TrialStep>
  /// What the monitor, or the driver, said was wrong, by codes.
  var faults: [FaultCode] = []
  var identity: InstrumentIdentity?
  /// What is known of the circuit.
  var circuit: CircuitState?
  /// The set-point under way.
  private(set) var setpoint: Setpoint?
  /// The one that was begun last, and when.
  private(set) var lastSetpoint: Setpoint?
  private(set) var begunAt = 0.0
  /// Whether its current has flowed, in truth.
  private(set) var hasDriven = false
  /// Whether something was written that the instrument has not read yet.
  private var hasUnheardWords = false
  private var count: Int32 = 0
  private var host: TrialHost
  private var outputs = DriverOutputs()
  private var wakeAt: HostInstant?
  private var lastTick = Self.start
  /// The bytes that the line handed over last.
  var lastHeard: [UInt8]?
  /// How many bytes it handed over since somebody set it to 0.
  var heardBytes = 0
  private static let start = HostInstant(microseconds: 1_000_000)
  /// Where everything is written down that the driver hears, writes and says; nil for nowhere.
  var transcript: TranscriptWriter?

  /// A trial in which nothing has happened; the port is opened as soon as time passes.
  public init(_ family: DriverFamily, seed: UInt64) {
    self.family = family
    driver = family.driver.init()
    instrument = FaultyInstrument(family.makeInstrument(family.makeCell()), seed: seed)
    judge = TrialJudge(family)
    menu = family.menu[...]
    host = TrialHost(family)
  }

  /// Virtual seconds of the instrument's life.
  public var time: Double { instrument.time }
  /// The host's clock; it counts as the instrument's does.
  var now: HostInstant { Self.start + span(instrument.time) }
  /// Whether the driver has said who is there since the port was opened.
  public var isIdentified: Bool { identity != nil }
  /// Whether bytes pass.
  var isConnected: Bool {
    switch stage {
    case .away, .unplugged: false
    case .opening, .idle, .running, .done: true
    }
  }
  /// Whether a set-point is under way whose current flows in truth.
  var isDriving: Bool {
    guard let setpoint, setpoint.mode != .openCircuit else { return false }
    return (instrument.terminals(channel: 0)?.amperes.magnitude ?? 0) > family.amperes * 0.02
  }
  /// Whether none is under way, or one that drives nothing yet, and one that drives is to follow or has begun.
  var isBetweenDrivenSteps: Bool {
    guard identity != nil else { return false }
    if let setpoint { return setpoint.mode != .openCircuit && !hasDriven }
    if case .idle = stage { return menu.first.map { $0 != .rest } ?? false }
    return false
  }
  /// Whether all set-points are over.
  public var isDone: Bool { stage == .done }

  // MARK: - Inputs

  private mutating func give(_ input: DriverInput) {
    outputs.removeAll()
    let now = now
    driver.handle(input, at: now, into: &outputs)
    transcript?.turn(input, at: now, outputs)
    wakeAt = outputs.wakeAt
    let said = outputs.events
    if !outputs.writes.isEmpty {
      judge.countWrite(outputs.writes.count)
      writtenBytes += outputs.writes.count
      writes += 1
      if isConnected {
        if instrument.isStalled { hasUnheardWords = true } else { judge.hostSpoke(at: time) }
        outputs.writes.withUnsafeBytes { instrument.receive($0) }
      }
    }
    events += said
    for event in said { take(event) }
  }

  private mutating func tick() {
    guard now > lastTick else { return }
    lastTick = now
    if isConnected { give(.tick) }
  }

  /// Hands bytes to the driver, as a read from the port does.
  private mutating func hear(_ bytes: [UInt8]) {
    tick()
    lastHeard = bytes
    heardBytes += bytes.count
    guard isConnected else { return }
    bytes.withUnsafeBytes { give(.bytes($0)) }
  }

  /// Pulls the plug; nothing passes until it is in again.
  public mutating func unplug() {
    loseLink(then: .unplugged)
  }

  /// Plugs it in; the host opens the port.
  public mutating func plugIn() {
    tick()
    openPort()
  }

  private mutating func openPort() {
    stage = .opening
    identity = nil
    give(.opened)
  }

  private mutating func loseLink(then next: Stage) {
    tick()
    if setpoint != nil { outcomes.append(.lost) }
    setpoint = nil
    let wasConnected = isConnected
    stage = next
    guard wasConnected else { return }
    // Nothing can be written any more.
    outputs.removeAll()
    let now = now
    driver.handle(.lost, at: now, into: &outputs)
    transcript?.turn(.lost, at: now, outputs)
    wakeAt = nil
    let said = outputs.events
    events += said
    for event in said { take(event) }
    stage = next
  }

  // MARK: - The host

  /// What the daemon makes of an event.
  private mutating func take(_ event: DriverEvent) {
    judge.note(event, instrument.terminals(channel: 0), at: time)
    switch event {
    case .identified(let identity):
      self.identity = identity
      if stage == .opening { stage = .idle(until: time + 0.2) }
    case .reading(0, let reading):
      if let setpoint, let fault = host.judge(reading, setpoint, at: time) { trip(fault) }
    case .holdBegan(0, _): host.isHolding = true
    case .began(0, _), .circuitClosed(0, _): host.heardAt = time
    case .ended(0, let token, let end):
      if case .failed(let fault) = end { faults.append(fault.code) }
      if case .bound(let fault) = end { faults.append(fault.code) }
      circuit = .openConfirmed
      close(token, .ended(end))
    case .refused(0, let token, let fault):
      faults.append(fault.code)
      close(token, .refused(fault.code))
    case .circuit(0, let state): circuit = state
    case .fault(_, let fault):
      faults.append(fault.code)
      if fault.code == .linkTimeout || fault.code == .linkLost, isConnected { host.resets = true }
      if fault.code == .instrumentNoReading || fault.code == .instrumentOverload, setpoint != nil { trip(fault) }
    default: break
    }
  }

  private mutating func close(_ token: SetpointToken, _ outcome: Outcome) {
    guard setpoint?.token == token else { return }
    outcomes.append(outcome)
    setpoint = nil
    stage = .idle(until: time + 0.3)
  }

  /// Opens the circuit, once.
  private mutating func trip(_ fault: Fault) {
    guard !host.hasTripped else { return }
    host.hasTripped = true
    faults.append(fault.code)
    judge.circuitWasAskedToOpen(at: time)
    host.wantsOpen = true
  }

  /// A person stops the set-point under way.
  mutating func stop() {
    judge.circuitWasAskedToOpen(at: time)
    host.wantsOpen = true
  }

  /// What is due for the host now.
  private mutating func act() {
    if host.wantsOpen {
      host.wantsOpen = false
      host.askedAt = time
      give(.command(channel: 0, .openCircuit))
    }
    if host.resets {
      host.resets = false
      loseLink(then: .away(until: time + 1))
    }
    switch stage {
    case .away(let until): if time >= until { openPort() }
    case .idle(let until): if time >= until { beginNext() }
    case .running:
      // The daemon's own patience with an instrument that says nothing, and with one that does not open.
      let isSilent = time - host.heardAt > 3 * family.interval + 5
      if isSilent || host.askedAt.map({ time - $0 > 30 }) ?? false {
        faults.append(.linkTimeout)
        host.resets = true
      }
    case .unplugged, .opening, .done: break
    }
  }

  private mutating func beginNext() {
    guard let step = menu.popFirst() else {
      stage = .done
      return
    }
    count += 1
    let setpoint = family.setpoint(step, count: count)
    self.setpoint = setpoint
    lastSetpoint = setpoint
    begunAt = time
    hasDriven = false
    stage = .running
    host.begin(setpoint, at: time)
    judge.begin(setpoint, at: time)
    give(.command(channel: 0, .begin(setpoint)))
  }

  // MARK: - Time

  /// Lets time pass until something is so, or for so many seconds; whether it was so.
  @discardableResult
  public mutating func pass(_ seconds: Double, until isOver: (DriverTrial) -> Bool = { _ in false }) -> Bool {
    let end = time + seconds
    while time < end - 1e-6 {
      if isOver(self) { return true }
      step(to: end)
    }
    return isOver(self)
  }

  /// One turn: as far as something happens, a reading's tenth at most.
  mutating func step(to end: Double) {
    act()
    var limit = min(end, time + max(0.02, family.interval / 10))
    if let wakeAt, isConnected { limit = min(limit, Double((wakeAt - Self.start).microseconds) / 1e6) }
    limit = max(limit, time + 1e-4)
    var output: [UInt8] = []
    if instrument.run(until: limit, output: &output, outputLimit: 1) == .idle { instrument.rest(until: limit) }
    judge.look(
      instrument.terminals(channel: 0), at: time, isLineSound: isConnected && !instrument.isDisturbed)
    // What was written meanwhile is heard when it reads again.
    if hasUnheardWords, !instrument.isStalled {
      hasUnheardWords = false
      judge.hostSpoke(at: time)
    }
    if isDriving { hasDriven = true }
    if !output.isEmpty {
      hear(output)
    } else if let wakeAt, wakeAt <= now {
      tick()
    }
  }
}

/// The part of the host that judges readings.
private struct TrialHost: Sendable {
  private let limits: SafetyLimits
  private var monitor: SafetyMonitor
  private var moved = 0.0
  private var last: Reading?
  var isHolding = false
  var heardAt = 0.0
  var askedAt: Double?
  var hasTripped = false
  var wantsOpen = false
  var resets = false

  init(_ family: DriverFamily) {
    limits = family.limits()
    monitor = SafetyMonitor(limits: limits)
  }

  mutating func begin(_ setpoint: Setpoint, at time: Double) {
    monitor.setpointBegan()
    isHolding = false
    heardAt = time
    askedAt = nil
    hasTripped = false
    wantsOpen = false
    moved = 0
    last = nil
  }

  /// As the daemon judges: each reading, and the charge of the half-cycle so far.
  mutating func judge(_ reading: Reading, _ setpoint: Setpoint, at time: Double) -> Fault? {
    heardAt = time
    if let last, let from = last.current, let to = reading.current {
      moved += (from.amperes + to.amperes) / 2 * (reading.time - last.time).seconds
    }
    last = reading
    if let fault = monitor.judge(reading, commanded: commanded(setpoint)) { return fault }
    return monitor.judge(halfCycleCharge: Charge(nanocoulombs: Int64(moved.magnitude * 1e9)))
  }

  private func commanded(_ setpoint: Setpoint) -> CommandedDrive {
    let anywhere = VoltageWindow(from: Voltage(volts: -10), to: Voltage(volts: 20))
    return switch setpoint.mode {
    case .openCircuit: .open(orIn: anywhere)
    case .constantCurrent(let current): .current(current)
    case .constantCurrentThenVoltage(let current, _):
      isHolding
        ? .voltage(current > .zero ? .charge : .discharge, atMost: setpoint.bounds.currentMagnitude, held: nil)
        : .current(current)
    case .demand(let demand, _): .demand(demand)
    case .constantVoltage, .sweep, .profile, .impedance:
      .voltage(.none, atMost: setpoint.bounds.currentMagnitude, held: nil)
    }
  }
}
