// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The handle of a port's thread. Everything that decides about a cell happens on that thread; from outside one can only
// leave a message in its mailbox and wake it.

internal import CycleStore
internal import CyclerModel
internal import CyclingRun
internal import InstrumentIO
internal import InstrumentKit
internal import Quantities
internal import Synchronization

/// What can be asked of a port's thread.
enum PortCommand: Sendable {
  /// Carry this run on a channel of that instrument, and of no other that may have come to the port since. A new run
  /// begins; another goes on.
  case attach(channel: Int, of: InstrumentIdentity, RunPilot)
  /// A person asks something of the run on a channel, and waits for the answer.
  case person(channel: Int, PersonAsk)
  /// Look at that thermometer for the channel's runs, or at none.
  case bind(channel: Int, ObservationCell?)
  /// Close the port, open it anew, and record what its driver hears, writes and says.
  case record(TranscriptTap)
  /// Forget what earlier connections left on a channel without a run. Its circuit is open already: a driver makes the
  /// instrument safe before it says who it is.
  case release(channel: Int)
  /// The daemon stops: make every cell safe, then end when all is confirmed.
  case suspendAndEnd
  /// The port is gone: end.
  case end
}

/// What a port's thread says, on that thread; the receiver must return at once.
enum PortNews: Sendable {
  /// An instrument answered.
  case identified(InstrumentIdentity)
  /// The port cannot be used for now; the thread tries again.
  case unusable(Fault)
  /// A thermometer, which has no run to say it to, has noticed something.
  case observer(Fault)
  /// The link is gone. The runs that were on it wait for their instrument.
  case lost(InstrumentIdentity?, Fault, pilots: [Int: RunPilot])
  /// A run is over and was committed.
  case finished(run: Int64, channel: Int)
  /// The thread has ended; the runs that were on it.
  case ended(pilots: [Int: RunPilot])
}

/// What is known of one channel from its port's thread, for people to look at.
struct ChannelSighting: Sendable, Hashable {
  var run: Int64?
  var state: RunState?
  var circuit: CircuitState = .unknown
}

/// One port and its thread.
final class PortWorker: Sendable {
  /// The port's name.
  let path: String
  /// Where it is plugged in, the same after replugging into the same socket; nil for a port that a person named.
  let place: String?
  let wake: WakeUp
  /// How the line is.
  let counters = LinkCounters()
  /// What a thermometer at this port says.
  let observation = ObservationCell()
  /// Nil once the thread takes no more.
  private let mailbox = Mutex<[PortCommand]?>([])
  private let way = Mutex<StoreInlet?>(nil)
  private let sightings = Mutex<[ChannelSighting]>([])
  private let isCommitAwaited = Atomic<Bool>(false)
  private let heartbeatMicroseconds = Atomic<Int64>(0)
  private let thread = Mutex<PortThread?>(nil)

  /// Makes the handle; `start` starts the thread.
  init(path: String, place: String? = nil) throws(Fault) {
    self.path = path
    self.place = place
    wake = try WakeUp()
  }

  /// Starts the thread.
  func start(
    inlet: StoreInlet, storePatience: TimeSpan, makeDriver: @escaping @Sendable () -> any InstrumentDriver,
    news: @escaping @Sendable (PortWorker, PortNews) -> Void
  ) throws(Fault) {
    way.withLock { $0 = inlet }
    let name = "port " + (path.split(separator: "/").last.map(String.init) ?? path)
    let started = try PortThread.start(name: name) { [self] in
      var loop = PortLoop(
        worker: self, inlet: inlet, storePatience: storePatience, makeDriver: makeDriver
      ) { [self] in news(self, $0) }
      loop.run()
    }
    thread.withLock { $0 = started }
  }

  /// The thread's way into the store, once it was started.
  var inlet: StoreInlet? { way.withLock { $0 } }

  /// Leaves a message and wakes the thread; false when the thread takes no more, and then nothing was left.
  @discardableResult
  func send(_ command: PortCommand) -> Bool {
    let isLeft = mailbox.withLock { commands in
      commands?.append(command)
      return commands != nil
    }
    if isLeft { wake.signal() }
    return isLeft
  }

  /// Passes a person's request on and waits for the answer, at most so long.
  func answer(to ask: PersonAsk, channel: Int, patience: Duration) async -> PersonAnswer {
    guard send(.person(channel: channel, ask)) else { return .changing }
    return await withTaskGroup(of: Void.self) { group in
      group.addTask {
        try? await Task.sleep(for: patience)
        ask.withdraw()
      }
      defer { group.cancelAll() }
      return await ask.answer
    }
  }

  /// Takes the messages; called on the thread.
  func takeCommands() -> [PortCommand] {
    mailbox.withLock { commands in
      let taken = commands ?? []
      if !taken.isEmpty { commands?.removeAll(keepingCapacity: true) }
      return taken
    }
  }

  /// Takes the last messages; from now on none can be left. Called on the thread as its last act but one.
  func closeMailbox() -> [PortCommand] {
    mailbox.withLock { commands in
      defer { commands = nil }
      return commands ?? []
    }
  }

  /// Says whether the thread waits for a commit; called on the thread, before it pushes what it waits for. A commit that
  /// nobody waits for, and that is most of them, wakes no thread.
  func awaitCommit(_ isAwaited: Bool) { isCommitAwaited.store(isAwaited, ordering: .sequentiallyConsistent) }

  /// Something of this port's was committed; called on the store's thread.
  func committed() {
    if isCommitAwaited.load(ordering: .sequentiallyConsistent) { wake.signal() }
  }

  /// Says that the thread is alive; called on the thread.
  func beat(_ now: HostInstant) { heartbeatMicroseconds.store(now.microseconds, ordering: .relaxed) }

  /// When the thread was last seen alive.
  var lastBeat: HostInstant { HostInstant(microseconds: heartbeatMicroseconds.load(ordering: .relaxed)) }

  /// A thread beats twice a second; so long without is a stall.
  static let stallLimit = TimeSpan(seconds: 5)

  /// Whether the thread began to turn and does not any more: what it last said of its channels is not known to be true.
  func isStalled(at now: HostInstant) -> Bool {
    !isFinished && lastBeat.microseconds > 0 && now - lastBeat > Self.stallLimit
  }

  /// Publishes what is known of the channels; called on the thread when something changed.
  func publish(_ seen: [ChannelSighting]) { sightings.withLock { $0 = seen } }

  /// What was last published of a channel.
  func sighting(channel: Int) -> ChannelSighting? {
    sightings.withLock { $0.indices.contains(channel) ? $0[channel] : nil }
  }

  /// Waits for the thread's end. Blocks: not for asynchronous code.
  func join() { thread.withLock { $0 }?.join() }

  /// Whether the thread has ended.
  var isFinished: Bool { thread.withLock { $0 }?.isFinished ?? true }
}
