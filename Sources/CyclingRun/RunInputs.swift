// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

public import CyclerModel
public import InstrumentKit
public import Quantities

/// The moment at which an input arrives, on both of the host's clocks. The pilot asks no clock itself.
public struct RunMoment: Sendable, Hashable {
  /// Steady; for supervision of the link and for the time between set-points.
  public var host: HostInstant
  /// UTC; for what is stored.
  public var unix: UnixInstant
  /// A moment.
  public init(host: HostInstant, unix: UnixInstant) {
    self.host = host
    self.unix = unix
  }
}

/// What a person can ask of a run.
public enum PersonRequest: String, Sendable, Hashable, CaseIterable {
  /// Open the circuit and wait.
  case pause
  /// Go on after a pause, or after a hold whose latch was cleared.
  case resume
  /// End the present step and go on with the next.
  case skip
  /// End the run.
  case stop
}

/// What can happen to a run.
public enum RunInput: Sendable {
  /// Start it: the pre-flight comes first.
  case begin
  /// The driver said something of the run's channel.
  case driver(DriverEvent)
  /// The instrument is there, identified, and its circuit is confirmed open.
  case instrumentReady
  /// The instrument is away.
  case instrumentLost(Fault)
  /// Everything that was handed to the store until the commit was asked for is committed.
  case committed
  /// A person asks; with a resumption may come the reason why the cell may stand outside the limits.
  case person(PersonRequest, actor: String, allowedVoltageReason: String? = nil)
  /// The daemon stops.
  case suspend
  /// The store cannot take more.
  case storeFull
  /// Time passed.
  case tick
}

/// What a pilot wants done. Reused from input to input, so nothing is allocated for a reading.
public struct RunOutputs: Sendable {
  /// For the driver, in this order.
  public var commands: [ChannelCommand] = []
  /// For the store.
  public var records: ContiguousArray<RecordRow> = []
  /// For the store, in the same transaction as the records.
  public var entries: [JournalEntry] = []
  /// The pilot waits for `.committed` before it goes on (hazard rule 13).
  public var wantsCommit = false
  /// The link is of no use as it is: write the safe-stop bytes, close the port and open it again.
  public var resetLink: Fault?
  /// When the pilot wants a `tick`.
  public var wakeAt: HostInstant?
  /// Empty outputs.
  public init() {}
  /// Forgets everything and keeps the memory.
  public mutating func removeAll() {
    if !commands.isEmpty { commands.removeAll(keepingCapacity: true) }
    if !records.isEmpty { records.removeAll(keepingCapacity: true) }
    if !entries.isEmpty { entries.removeAll(keepingCapacity: true) }
    wantsCommit = false
    resetLink = nil
    wakeAt = nil
  }
}

/// What a run is to the world around it.
public struct RunIdentity: Sendable, Hashable {
  /// The run's number.
  public var run: Int64
  /// The channel's number in the store.
  public var channel: Int64
  /// The channel's number on its instrument, from 0.
  public var instrumentChannel: Int
  /// Cycles that the cell has seen before this run.
  public var earlierCellCycles: Int64
  /// How earlier runs left the cell; nil when there was none.
  public var earlierHalfCycle: EarlierHalfCycle?
  /// The protocol's revision, from 1.
  public var protocolRevision: Int32
  /// Who started it.
  public var startedBy: String
  /// An identity.
  public init(
    run: Int64, channel: Int64, instrumentChannel: Int, earlierCellCycles: Int64, protocolRevision: Int32,
    startedBy: String, earlierHalfCycle: EarlierHalfCycle? = nil
  ) {
    self.run = run
    self.channel = channel
    self.instrumentChannel = instrumentChannel
    self.earlierCellCycles = earlierCellCycles
    self.protocolRevision = protocolRevision
    self.startedBy = startedBy
    self.earlierHalfCycle = earlierHalfCycle
  }
}

/// How runs are carried out, the same for all runs of a daemon unless a person says otherwise at the start.
public struct RunSettings: Sendable, Hashable {
  /// How long an instrument may go on without the host.
  public var lease: TimeSpan = TimeSpan(seconds: 60)
  /// How long the open circuit is measured before the first closed one and before a run goes on.
  public var openCircuitCheck: TimeSpan = TimeSpan(seconds: 10)
  /// The slowest readings at rest, whatever the protocol records.
  public var slowestReadings: TimeSpan = TimeSpan(seconds: 1)
  /// The slowest readings while current flows. Cut-offs and limits are judged at readings, and at the steep ends of a
  /// curve the voltage of a healthy cell moves by some 0.2 V in a second (the last sodium leaving a bare collector).
  public var slowestDrivenReadings: TimeSpan = TimeSpan(milliseconds: 200)
  /// The fastest readings that the instrument can give.
  public var fastestReadings: TimeSpan = TimeSpan(milliseconds: 10)
  /// What is stated of the instrument's currents, range by range in ascending order; empty where nothing is.
  public var currentAccuracy: [CurrentAccuracy] = []
  /// What is stated of the voltages that it measures: the largest error in proportion to the reading, in millionths.
  public var voltageErrorPartsPerMillion: Int64 = 0
  /// The largest error apart from that.
  public var voltageOffsetError = Voltage.zero
  /// How old what a thermometer said may be while a limit or a condition needs it.
  public var observerPatience: TimeSpan = TimeSpan(seconds: 30)
  /// A person allowed a start voltage outside the protocol's window, and why.
  public var allowedVoltageReason: String?
  /// A resistor is connected in place of the cell, on which exactly 0 V is right; all else is judged as ever.
  public var isOnResistor = false
  /// Whether the instrument can drive a constant current to a voltage. Where it cannot, a hold is not approached, and a cell
  /// that relaxed too far away from it waits for a person.
  public var setsCurrents = true
  /// The usual settings.
  public init() {}

  /// Takes over what the instrument states of itself.
  public mutating func fit(_ instrument: InstrumentCapabilities) {
    fastestReadings = instrument.shortestReadingInterval
    setsCurrents = instrument.kinds.contains(.constantCurrentConstantVoltage)
    currentAccuracy = instrument.currentAccuracy
    voltageErrorPartsPerMillion = instrument.voltageErrorPartsPerMillion
    voltageOffsetError = instrument.voltageOffsetError
  }

  /// How long after the last word between host and instrument current may still flow, whatever the step is: a reading
  /// may have been late by as much as is tolerated without a word, the lease have been renewed at its arrival, and
  /// another one have begun with a hold.
  public static func longestAlone(
    lease: TimeSpan, leases: Int64 = 2, readingInterval: TimeSpan = RunSettings().slowestReadings
  ) -> TimeSpan {
    let late = readingInterval * RunPilot.toleratedSilentIntervals + RunPilot.silenceMargin
    return lease * leases + late + readingInterval + readingInterval
  }
}
