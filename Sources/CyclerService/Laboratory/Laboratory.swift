// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Which instruments there are, which channels they have, which run is on which channel. The laboratory brings runs and
// instruments together, by identity and never by a port's name, and it takes people's requests. It decides nothing
// about a cell: that happens on the port's thread.

internal import CycleStore
internal import CyclerModel
internal import CyclingRun
internal import Dispatch
internal import InstrumentIO
internal import InstrumentKit
internal import Logging
internal import MethodSCRIPTDriver
public import Quantities
internal import Synchronization

/// What a person says at the daemon's start.
public struct LaboratoryConfiguration: Sendable {
  /// Named ports, with the shell's wildcards.
  public var portPatterns: [String] = []
  /// Whether plugged ports are looked for.
  public var watchesUSB = true
  /// How long an instrument may go on without the host.
  public var lease = TimeSpan(seconds: 60)
  /// How long readings may wait in memory for a store that refuses them; then circuits are opened and runs held.
  public var storePatience = TimeSpan(seconds: 600)
  /// How old what a thermometer said may be while a run needs it; then its circuit is opened.
  public var observerPatience = TimeSpan(seconds: 30)
  /// The usual configuration.
  public init() {}
}

/// A channel of a known instrument, there or away.
struct ChannelEntry: Sendable {
  var id: Int64
  var name: String
  var number: Int
  var instrument: InstrumentIdentity
  /// The port's thread, while the instrument is there.
  var worker: PortWorker?
  /// The run that has the channel, and whether it has one or is about to.
  var run: Int64?
  var isReserved = false
  /// When the link went, or when this daemon started, if it went before: the earlier daemon may have renewed a lease until
  /// then.
  var lostAt: RunMoment?
  /// The instrument's port is there and its thread does not turn.
  var isStalled: Bool { worker?.isStalled(at: HostClock.now()) ?? false }
}

/// The instruments, channels and runs of one daemon.
actor Laboratory {
  let store: CycleStore
  let configuration: LaboratoryConfiguration
  let logger: Logger
  /// The threads of all ports, for the signal that stops them at once.
  let roster: PortRoster
  var channels: [Int64: ChannelEntry] = [:]
  var waiting: [Int64: WaitingRun] = [:]
  /// Ports that carry no usable instrument now, and why.
  var unusablePorts: [String: Fault] = [:]
  /// Patterns of named ports that match nothing now, as they were given.
  var unmatchedPatterns: Set<String> = []
  /// Who speaks at which port.
  var drivers: [String: any InstrumentDriver.Type] = [:]
  /// Where plugged ports are plugged in.
  var places: [String: String] = [:]
  /// Thermometers that were seen or are bound, by their serial numbers.
  var observers: [ObserverKey: ObserverEntry] = [:]
  /// Which of them is bound to which channel.
  var bindings: [Int64: ObserverKey] = [:]
  /// The port at which somebody is being asked who he is, for a person.
  var askedPort: String?
  /// Ports that have no thread of their own for the moment and are to be opened when they may: those that appeared again
  /// before the thread of their earlier life had ended, and the one that a person has asked for.
  var reappeared: Set<String> = []
  /// Instruments that answered at a second port while the first was still taken for theirs.
  var refused: [(identity: InstrumentIdentity, worker: PortWorker)] = []
  /// Instruments at their ports of which the store would not hear; each pulse tells it again.
  var unregistered: [(identity: InstrumentIdentity, worker: PortWorker)] = []
  /// Ports at which nobody has answered yet. Channels that are new get their numbers once none is left or the patience is
  /// over, in the order of their ports: which instrument answers first is chance.
  var unheard: Set<String> = []
  /// Ports at which an instrument has said who it is since they appeared.
  var introduced: Set<String> = []
  var newcomers: [(identity: InstrumentIdentity, worker: PortWorker)] = []
  var newcomersSince: ContinuousClock.Instant?
  var portsAreSettled = false
  /// Runs that this version cannot take up, and why; they are held.
  var setAsideRuns: [Int64: String] = [:]
  /// Channels whose queue could not go on because the store refused; each pulse tries again.
  var unfinishedQueues: [Int64: UnfinishedQueue] = [:]
  /// What runs without an instrument have to say goes through here.
  let inlet: StoreInlet
  private let news: AsyncStream<Happening>
  private let newsContinuation: AsyncStream<Happening>.Continuation
  /// Ports must be identified after what was stored is known.
  private var discovery: PortDiscovery?

  /// What reaches the laboratory from its threads.
  enum Happening: Sendable {
    case port(PortWorker, PortNews)
    case discovery(PortDiscovery.News)
    /// The watchdog asks for a sign of life; what waits for the store is tried again.
    case pulse
  }
  /// How many pulses have come through: the sign that what happens is still being worked off.
  private(set) var pulses: Int64 = 0

  init(store: CycleStore, configuration: LaboratoryConfiguration, roster: PortRoster, logger: Logger) {
    self.store = store
    self.configuration = configuration
    self.roster = roster
    self.logger = logger
    inlet = store.makeInlet(
      name: "laboratory",
      onFailure: { logger.critical("\($0.code.rawValue): events of runs without an instrument wait: \($0.detail)") })
    (news, newsContinuation) = AsyncStream.makeStream()
  }

  /// Takes up what was stored, then watches ports until it is cancelled.
  func run() async throws {
    try await recover()
    let continuation = newsContinuation
    discovery = try PortDiscovery(patterns: configuration.portPatterns, watchesUSB: configuration.watchesUSB) {
      continuation.yield(.discovery($0))
    }
    for await happening in news {
      switch happening {
      case .port(let worker, let said): await take(said, from: worker)
      case .discovery(let said): await take(said)
      case .pulse:
        pulses += 1
        handOverAll()
        await registerNewcomers()
        await registerAll()
        await startQueues()
      }
    }
  }

  /// Ends the watch; the news that were said are still taken.
  func stop() {
    newsContinuation.finish()
    discovery = nil
  }

  /// Tells the laboratory something from a thread.
  nonisolated func tell(_ worker: PortWorker, _ said: PortNews) { newsContinuation.yield(.port(worker, said)) }

  /// Asks for a sign of life, see `pulses`.
  nonisolated func pulse() { newsContinuation.yield(.pulse) }

  nonisolated func now() -> RunMoment { RunMoment(host: HostClock.now(), unix: UnixClock.now()) }
}

extension InstrumentIdentity {
  /// Two sightings of one instrument: firmware and port may differ.
  func isSame(as other: InstrumentIdentity) -> Bool { family == other.family && serial == other.serial }
}
