// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A whole run without a process, a port or a clock: the real driver, the real emulator, a virtual cell and the real
// pilot, joined by byte arrays. Everything is a value, so a world can be copied at any turn, gone on with twice, and
// compared. Deterministic: the same seed gives the same bytes.

import CellMetrics
import CyclerModel
import CyclingProtocol
import CyclingRun
import InstrumentKit
import MethodSCRIPTDriver
import MethodSCRIPTEmulator
import Quantities
import VirtualLab

/// What the store would hold.
struct KeptJournal: Sendable {
  var records: [RecordRow] = []
  var halfCycles: [HalfCycleRow] = []
  /// What was told last of a half-cycle that is not over.
  var openHalfCycle: HalfCycleRow?
  var cycles: [CycleSummary] = []
  var summaries: [RunSummary] = []
  var events: [EventRow] = []
  var states: [RunState] = []
  var latches: [Fault] = []
  var endedSteps: [String] = []
  var checkpoint: [UInt8]?
  var checkpointAt = UnixInstant(microseconds: 0)
  var entries: [JournalEntry] = []

  mutating func keep(_ outputs: RunOutputs) {
    records.append(contentsOf: outputs.records)
    entries.append(contentsOf: outputs.entries)
    for entry in outputs.entries {
      switch entry {
      case .halfCycleUpdated(let row): if row.endReason == nil { openHalfCycle = row } else { halfCycles.append(row) }
      case .cycleClosed(_, let summary): cycles.append(summary)
      case .event(let row): events.append(row)
      case .runState(_, let state, _, _): states.append(state)
      case .latched(_, _, let fault, _): latches.append(fault)
      case .stepEnded(_, _, let reason): endedSteps.append(reason)
      case .checkpoint(_, let at, let state):
        checkpoint = state
        checkpointAt = at
      case .checkpointDropped: checkpoint = nil
      case .stepStarted, .stepBegan, .temperature, .halfCycleOpened, .testUpdated, .amended, .amendmentRefused,
        .impedancePoint:
        break
      case .summaryUpdated(_, let summary): summaries.append(summary)
      }
    }
  }

  func has(_ code: FaultCode) -> Bool { events.contains { $0.code == code } }

  /// What a transaction holds: how much of each list, and the checkpoint.
  struct Mark: Sendable {
    var counts = [0, 0, 0, 0, 0, 0, 0, 0]
    var checkpoint: [UInt8]?
    var checkpointAt = UnixInstant(microseconds: 0)
  }

  /// Everything up to now, as committed.
  var mark: Mark {
    Mark(
      counts: [
        records.count, halfCycles.count, cycles.count, events.count, states.count, latches.count, endedSteps.count,
        entries.count,
      ], checkpoint: checkpoint, checkpointAt: checkpointAt)
  }

  /// Forgets what was not committed.
  mutating func rollBack(to mark: Mark) {
    records.removeLast(records.count - mark.counts[0])
    halfCycles.removeLast(halfCycles.count - mark.counts[1])
    cycles.removeLast(cycles.count - mark.counts[2])
    events.removeLast(events.count - mark.counts[3])
    states.removeLast(states.count - mark.counts[4])
    latches.removeLast(latches.count - mark.counts[5])
    endedSteps.removeLast(endedSteps.count - mark.counts[6])
    entries.removeLast(entries.count - mark.counts[7])
    checkpoint = mark.checkpoint
    checkpointAt = mark.checkpointAt
  }
}

/// One cell on one emulated instrument, driven by one run.
struct RunWorld: Sendable {
  var instrument: MethodSCRIPTInstrument
  var driver = MethodSCRIPTDriver()
  var pilot: RunPilot
  var journal = KeptJournal()
  /// What the instrument sent and the host has not read.
  var line: [UInt8] = []
  var isLinked = true
  /// Delays what passes in both directions; nil when nothing does.
  var busyLine: BusyLine?
  var identity: InstrumentIdentity?
  /// The host's clocks; they follow the instrument's, so a lease is a lease for both.
  var hostOffset: Int64 = 1_000_000
  /// The store commits after so many turns, and when it is asked to.
  var turnsACommit = 1
  /// The store takes what it is given and does not commit.
  var holdsCommits = false
  private(set) var isCommitAwaited = false
  /// What the driver wrote, in pieces as written.
  private(set) var written: [[UInt8]] = []
  /// What the pilot asked of the driver.
  private(set) var asked: [ChannelCommand] = []
  private var isOpened = false
  private var committed = KeptJournal.Mark()
  private var turns = 0
  private var resetLink: Fault?
  private var driverOutputs = DriverOutputs()
  private var runOutputs = RunOutputs()
  private var commands: [ChannelCommand] = []
  private var begins: Bool
  private let makePilot: @Sendable () -> RunPilot

  /// A world in which nothing has happened yet.
  init(
    cell: any VirtualCell, program: Program, settings: RunSettings = RunSettings.aReadingASecond,
    profile: MethodSCRIPTProfile = .emStat4HR, converters: ConverterModel = .ideal, plateau: Double? = 0.1,
    seed: UInt64 = 1, instructionSeconds: Double = 0.001
  ) {
    instrument = MethodSCRIPTInstrument(
      profile: profile, serial: "WORLD", cell: cell, converters: converters, plateauThresholdVolts: plateau,
      instructionSeconds: instructionSeconds, seed: seed)
    let identity = RunIdentity(
      run: 1, channel: 1, instrumentChannel: 0, earlierCellCycles: 0, protocolRevision: 1, startedBy: "tester")
    makePilot = { RunPilot(identity: identity, program: program, settings: settings, instrumentIsHere: true) }
    pilot = makePilot()
    begins = true
  }

  var now: RunMoment {
    let microseconds = Int64(instrument.time * 1e6) + hostOffset
    return RunMoment(
      host: HostInstant(microseconds: microseconds),
      unix: UnixInstant(microseconds: 1_700_000_000_000_000 + microseconds))
  }

  /// Opens the port and lets things happen until `done` or so many turns have passed; says whether `done`.
  mutating func run(turns: Int = 10_000_000, slice: Double = 5, until done: (RunWorld) -> Bool) -> Bool {
    if !isOpened, isLinked { open() }
    for _ in 0..<turns {
      if done(self) { return true }
      turn(slice: slice)
    }
    return done(self)
  }

  /// Runs to the end of the run.
  /// A held run does not go on by itself, so that ends it too; what happened is printed then.
  mutating func runToEnd(turns: Int = 10_000_000) -> Bool {
    let isDone = run(turns: turns) { $0.pilot.isOver || $0.journal.states.last == .held }
    if !pilot.isOver { for event in journal.events.suffix(8) { print("\(event.code.rawValue): \(event.detail)") } }
    return isDone && pilot.isOver
  }

  mutating func open() {
    isOpened = true
    driver = MethodSCRIPTDriver()
    feedDriver(.opened)
  }

  /// One turn: the instrument goes on for a while, then the host works off what it said, then time is told.
  mutating func turn(slice: Double) {
    var output: [UInt8] = []
    let moment = now.host
    for bytes in busyLine?.towardsInstrument.arrivals(at: moment) ?? [] {
      bytes.withUnsafeBytes { instrument.receive($0) }
    }
    let pause = instrument.run(until: instrument.time + slice, output: &output, outputLimit: 2_048)
    if pause == .idle { hostOffset += busyLine == nil ? 20_000 : 1_000 }
    if isLinked { arrive(output) }
    deliver()
    feedRun(.tick)
    if isLinked, let wake = driverWakeAt, wake <= now.host { feedDriver(.tick) }
    turns += 1
    if turns % turnsACommit == 0, !holdsCommits { commit() }
    if resetLink != nil {
      resetLink = nil
      loseLink()
      restoreLink()
    }
  }

  private mutating func arrive(_ output: [UInt8]) {
    guard busyLine != nil else { return line.append(contentsOf: output) }
    let moment = now.host
    busyLine?.towardsHost.send(output, at: moment)
    for bytes in busyLine?.towardsHost.arrivals(at: moment) ?? [] { line.append(contentsOf: bytes) }
  }

  private mutating func send(_ bytes: [UInt8]) {
    let moment = now.host
    guard busyLine == nil else {
      busyLine?.towardsInstrument.send(bytes, at: moment)
      return
    }
    bytes.withUnsafeBytes { instrument.receive($0) }
  }

  /// Everything that the store was given becomes a transaction.
  mutating func commit() {
    committed = journal.mark
    guard isCommitAwaited else { return }
    isCommitAwaited = false
    take(.committed)
    driverOutputs.removeAll()
    driverOutputs.wakeAt = driverWakeAt
    workOff()
  }

  /// Lets time pass for the instrument while the host does nothing; what it says stays on the line, if there is one.
  mutating func passWithoutHost(seconds: Double) {
    let start = now.host.microseconds
    let end = start + Int64(seconds * 1e6)
    var output: [UInt8] = []
    while now.host.microseconds < end {
      let left = Double(end - now.host.microseconds) / 1e6
      output.removeAll()
      let pause = instrument.run(until: instrument.time + left, output: &output, outputLimit: 65_536)
      if isLinked { line.append(contentsOf: output) }
      if pause == .idle { hostOffset += end - now.host.microseconds }
    }
  }

  /// The host reads all there is.
  mutating func deliver() {
    guard !line.isEmpty else { return }
    let bytes = line
    line.removeAll(keepingCapacity: true)
    bytes.withUnsafeBytes { feedDriver(.bytes($0)) }
  }

  private var driverWakeAt: HostInstant?

  mutating func feedDriver(_ input: DriverInput) {
    driverOutputs.removeAll()
    driver.handle(input, at: now.host, into: &driverOutputs)
    workOff()
  }

  mutating func feedRun(_ input: RunInput) {
    take(input)
    guard !commands.isEmpty else { return }
    driverOutputs.removeAll()
    driverOutputs.wakeAt = driverWakeAt
    workOff()
  }

  private mutating func take(_ input: RunInput) {
    pilot.handle(input, at: now, into: &runOutputs)
    takeOutputs()
  }

  private mutating func takeOutputs() {
    commands.append(contentsOf: runOutputs.commands)
    asked.append(contentsOf: runOutputs.commands)
    if let fault = runOutputs.resetLink { resetLink = fault }
    journal.keep(runOutputs)
    let wantsCommit = runOutputs.wantsCommit
    runOutputs.removeAll()
    var writer = ByteWriter()
    pilot.checkpoint(into: &writer)
    journal.checkpoint = writer.bytes
    journal.checkpointAt = now.unix
    guard wantsCommit else { return }
    isCommitAwaited = true
    if holdsCommits { return }
    committed = journal.mark
    isCommitAwaited = false
    take(.committed)
  }

  private mutating func workOff() {
    while true {
      driverWakeAt = driverOutputs.wakeAt
      let writes = driverOutputs.writes
      let events = driverOutputs.events
      driverOutputs.removeAll()
      if !writes.isEmpty { written.append(writes) }
      if isLinked, !writes.isEmpty { send(writes) }
      // A run hears of its orphan before it hears that its instrument is there.
      for event in events {
        if case .orphanEnded = event { orphans.append(event) }
      }
      for event in events { dispatch(event) }
      guard !commands.isEmpty else { return }
      driver.handle(.command(channel: 0, commands.removeFirst()), at: now.host, into: &driverOutputs)
    }
  }

  private mutating func dispatch(_ event: DriverEvent) {
    switch event {
    case .identified(let found):
      identity = found
      if begins {
        begins = false
        take(.begin)
      } else {
        for orphan in orphans { take(.driver(orphan)) }
        orphans = []
        take(.instrumentReady)
      }
    case .orphanEnded: break
    case .reading(_, let reading):
      pilot.handle(reading, at: now, into: &runOutputs)
      takeOutputs()
    case .began, .circuitClosed, .circuitMarkLost, .holdBegan, .circuitOpened, .ended, .refused, .circuit, .temperature,
      .fault, .impedance:
      take(.driver(event))
    }
  }

  private var orphans: [DriverEvent] = []

  // MARK: - Faults

  /// The link goes; what is on the line is lost; the instrument runs on.
  mutating func loseLink() {
    isLinked = false
    isOpened = false
    line.removeAll()
    feedDriver(.lost)
    identity = nil
    feedRun(.instrumentLost(Fault(.linkLost, "unplugged by the test")))
  }

  /// The link is back.
  mutating func restoreLink() {
    isLinked = true
    open()
  }

  /// The daemon dies: what it had not committed is gone, and the instrument runs on.
  mutating func kill() {
    journal.rollBack(to: committed)
    commands = []
    orphans = []
    isCommitAwaited = false
    resetLink = nil
    identity = nil
    isOpened = false
    line.removeAll()
  }

  /// Another daemon starts from the last committed checkpoint.
  mutating func restart(settings: RunSettings = RunSettings.aReadingASecond) throws {
    isLinked = true
    if let checkpoint = journal.checkpoint {
      pilot = try RunPilot(
        identity: pilot.identity, program: pilot.program, settings: settings, checkpoint: checkpoint,
        since: journal.checkpointAt)
      begins = false
    } else {
      pilot = makePilot()
      begins = true
    }
    open()
  }

  mutating func killAndRestart(after seconds: Double = 0) throws {
    kill()
    isLinked = false
    passWithoutHost(seconds: seconds)
    try restart()
  }
}

extension RunSettings {
  /// Whole runs with a reading a second: a fifth of the readings of a real run, so that hundreds of them take minutes.
  static var aReadingASecond: RunSettings {
    var settings = RunSettings()
    settings.slowestDrivenReadings = settings.slowestReadings
    return settings
  }
}
