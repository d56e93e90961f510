// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A run before it is started: the real driver, the real pilot, an emulated instrument and a virtual cell, joined by
// byte arrays in one thread and in virtual time. What it tells is what the daemon would have done with such a cell, to
// the same end of each step, because nothing of it is written a second time.
//
// What it is not: the daemon. Nothing is stored, no link is lost and nobody presses pause.

public import CyclerModel
public import CyclingRun
public import InstrumentKit
internal import MethodSCRIPTDriver
public import MethodSCRIPTEmulator
public import Quantities
public import VirtualLab

/// One run on one virtual cell.
public struct Rehearsal: Sendable {
  private var instrument: MethodSCRIPTInstrument
  private var driver = MethodSCRIPTDriver()
  private var pilot: RunPilot?
  /// How warm it is beside the cell, all the time; nil without a thermometer.
  private var temperature: Temperature?
  private var isOpened = false
  /// What the instrument has said of itself.
  public private(set) var identity: InstrumentIdentity?
  /// Why the run gave its link up, which in a rehearsal nobody brings back; nil while it has not.
  public private(set) var linkFault: Fault?
  /// How far the host's clock is before the instrument's: an idle instrument's stands still.
  private var hostOffset: Int64 = 1_000_000
  private var driverOutputs = DriverOutputs()
  private var runOutputs = RunOutputs()
  private var driverWakeAt: HostInstant?
  private var commands: [ChannelCommand] = []
  private var output: [UInt8] = []

  /// An instrument that was just switched on, with a cell.
  public init(on profile: MethodSCRIPTProfile, cell: any VirtualCell, seed: UInt64) {
    instrument = MethodSCRIPTInstrument(
      profile: profile, serial: "REHEARSAL", cell: cell, converters: .ideal, plateauThresholdVolts: nil, seed: seed)
  }

  /// Virtual time since the instrument was switched on, in seconds.
  public var seconds: Double { Double(now.host.microseconds) * 1e-6 }

  /// What has passed through the cell's terminals.
  public var truth: CellTruth { instrument.cellTruth(channel: 0) }

  /// Opens the line and lets the instrument say what it is; nil when it does not.
  public mutating func identify() -> InstrumentCapabilities? {
    for _ in 0..<Self.identificationTurns where identity == nil { turn { _ in } }
    return identity?.capabilities
  }

  /// Begins a run, after the instrument was identified.
  /// - Parameter temperature: What a thermometer beside the cell says all the time; nil without one.
  public mutating func begin(
    _ program: Program, settings: RunSettings, temperature: Temperature? = nil, hear: (borrowing RunOutputs) -> Void
  ) {
    self.temperature = temperature
    let run = RunIdentity(
      run: 1, channel: 1, instrumentChannel: 0, earlierCellCycles: 0, protocolRevision: 1, startedBy: "rehearsal")
    pilot = RunPilot(identity: run, program: program, settings: settings, instrumentIsHere: true)
    observe(hear)
    feedRun(.begin, hear)
  }

  /// What the run is about; nil before it was begun.
  public var state: RunState? { pilot?.state }

  /// Lets the instrument go on for a while and works off what it says.
  /// - Parameter hear: Is given everything that the daemon would have stored, as it comes.
  public mutating func turn(_ hear: (borrowing RunOutputs) -> Void) {
    if !isOpened {
      isOpened = true
      feedDriver(.opened, hear)
    }
    output.removeAll(keepingCapacity: true)
    let pause = instrument.run(until: instrument.time + Self.slice, output: &output, outputLimit: Self.outputLimit)
    if pause == .idle { hostOffset += Self.idleMicroseconds }
    if !output.isEmpty {
      let bytes = output
      bytes.withUnsafeBytes { feedDriver(.bytes($0), hear) }
    }
    if pilot != nil {
      observe(hear)
      feedRun(.tick, hear)
    }
    if let driverWakeAt, driverWakeAt <= now.host { feedDriver(.tick, hear) }
  }

  /// Virtual seconds that pass in a turn at most, below any time-out.
  private static let slice = 5.0
  /// Bytes after which the host is given its turn: it hears each reading before the next one is taken, as on a line.
  private static let outputLimit = 1
  /// What a turn takes when nobody has anything to do.
  private static let idleMicroseconds: Int64 = 20_000
  private static let identificationTurns = 10_000

  private var now: RunMoment {
    let microseconds = Int64(instrument.time * 1e6) + hostOffset
    return RunMoment(
      host: HostInstant(microseconds: microseconds), unix: UnixInstant(microseconds: microseconds))
  }

  // MARK: - Between the two

  private mutating func feedDriver(_ input: DriverInput, _ hear: (borrowing RunOutputs) -> Void) {
    driverOutputs.removeAll()
    driver.handle(input, at: now.host, into: &driverOutputs)
    workOff(hear)
  }

  private mutating func feedRun(_ input: RunInput, _ hear: (borrowing RunOutputs) -> Void) {
    take(input, hear)
    guard !commands.isEmpty else { return }
    driverOutputs.removeAll()
    driverOutputs.wakeAt = driverWakeAt
    workOff(hear)
  }

  private mutating func take(_ input: RunInput, _ hear: (borrowing RunOutputs) -> Void) {
    let moment = now
    guard pilot?.handle(input, at: moment, into: &runOutputs) != nil else { return }
    takeOutputs(hear)
  }

  private mutating func takeOutputs(_ hear: (borrowing RunOutputs) -> Void) {
    commands.append(contentsOf: runOutputs.commands)
    if linkFault == nil { linkFault = runOutputs.resetLink }
    let wantsCommit = runOutputs.wantsCommit
    hear(runOutputs)
    runOutputs.removeAll()
    // What a store would take milliseconds for is on the disk at once.
    if wantsCommit { take(.committed, hear) }
  }

  /// A turn is short of any patience with a thermometer, so one look a turn is enough.
  private mutating func observe(_ hear: (borrowing RunOutputs) -> Void) {
    guard let temperature else { return }
    let moment = now
    let seen = ObservedTemperature(temperature, arrivedAt: moment.host)
    guard pilot?.observe(seen, at: moment, into: &runOutputs) != nil else { return }
    takeOutputs(hear)
    guard !commands.isEmpty else { return }
    driverOutputs.removeAll()
    driverOutputs.wakeAt = driverWakeAt
    workOff(hear)
  }

  private mutating func workOff(_ hear: (borrowing RunOutputs) -> Void) {
    while true {
      driverWakeAt = driverOutputs.wakeAt
      if !driverOutputs.writes.isEmpty { driverOutputs.writes.withUnsafeBytes { instrument.receive($0) } }
      let events = driverOutputs.events
      driverOutputs.removeAll()
      for event in events { dispatch(event, hear) }
      guard !commands.isEmpty else { return }
      driver.handle(.command(channel: 0, commands.removeFirst()), at: now.host, into: &driverOutputs)
    }
  }

  private mutating func dispatch(_ event: DriverEvent, _ hear: (borrowing RunOutputs) -> Void) {
    switch event {
    case .identified(let found): identity = found
    case .reading(_, let reading):
      let moment = now
      guard pilot?.handle(reading, at: moment, into: &runOutputs) != nil else { return }
      takeOutputs(hear)
    case .began, .circuitClosed, .circuitMarkLost, .holdBegan, .circuitOpened, .ended, .refused, .orphanEnded, .circuit,
      .temperature, .fault, .impedance:
      take(.driver(event), hear)
    }
  }
}
