// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The life of one place on the bench. The thread alternates between letting the instrument's time pass and carrying
// bytes; the instrument itself is shared with those who ask for the truth and is locked for a slice of time only.
//
// Virtual time never runs over a host that had no chance: it stands still while output does not fit into the line, and,
// when it runs faster than real time, before the end of a lease until the host has read everything and then kept silent
// for a second.

internal import CNacycler
internal import Synchronization
internal import VirtualLab

/// What a seat's thread owns.
struct SeatThread: ~Copyable {
  /// Output is collected up to so many bytes before it is written and the host is heard again.
  private static let chunk = 32 * 1024
  /// Virtual seconds between two looks at the line at greatest speed, for a script that says nothing.
  private static let silentSlice = 1000.0
  /// How long a host that has read everything may keep silent before a lease is allowed to end. On a machine with a dozen
  /// busy programs a host was seen to be kept from its processor for a quarter of a second between reading and writing.
  private static let grace: Int64 = 1_000_000
  /// How long a lease is held back at most when virtual time is a multiple of real time.
  private static let longestGrace: Int64 = 1_000_000

  private let seat: Seat
  private var terminal: PseudoTerminal?
  private var output: [UInt8] = []
  private var written = 0
  private var input = [UInt8](repeating: 0, count: 4096)
  private var clock: PacedClock
  private let tick: Int64
  /// When the host was heard last, in real microseconds.
  private var heardAt = Int64.min / 2
  /// Whether nothing ran when time last passed.
  private var isIdle = false
  /// Whether virtual time passes as real time does, although it is to pass as fast as the host reads: while a scripted fault
  /// is under way, whose times would mean nothing otherwise.
  private var isPacedByFault = false
  /// When the present fault is over, in real microseconds.
  private var faultEnds: Int64 = 0

  /// Opens the line; the thread that calls `run` becomes the owner.
  init(seat: Seat) throws(BenchError) {
    self.seat = seat
    terminal = try PseudoTerminal.open(link: seat.link)
    output.reserveCapacity(Self.chunk + 4096)
    let factor =
      switch seat.pace {
      case .times(let factor): factor
      case .greatest: 1.0
      }
    clock = PacedClock(factor: factor, now: nacycler_boottime_us(), virtual: 0)
    // An instrument does not say when it will speak next, so it is asked 20 times a second at real time, which costs 64
    // of them some per cent of a core; faster time is divided more finely, and so is the time behind a question.
    tick = min(50_000, max(1_000, Int64(50_000 / factor)))
  }

  /// Serves until the seat is stopped.
  mutating func run() {
    while !seat.isStopping {
      takeOrders()
      if seat.shared.withLock({ $0.fault }) != nil {
        serveFault()
      } else {
        switch seat.pace {
        case .greatest: if isPacedByFaults() { serve(factor: 1) } else { serveAtGreatestSpeed() }
        case .times(let factor): serve(factor: factor)
        }
      }
    }
  }

  /// Whether a scripted fault is under way at greatest speed; the clock begins with it.
  private mutating func isPacedByFaults() -> Bool {
    let isBusy = seat.shared.withLock { $0.instrument.isBusyWithFaults }
    if isBusy, !isPacedByFault { setClock() }
    isPacedByFault = isBusy
    return isBusy
  }

  // MARK: - Time

  /// Virtual time as a multiple of real time.
  private mutating func serve(factor: Double) {
    if hasUnwritten {
      write()
      if hasUnwritten {
        wait(microseconds: -1, forRoom: true)
        hear()
        setClock()
        return
      }
    }
    var pause = advance()
    // The answer to a command leaves at once.
    if hear() { pause = advance() }
    write()
    if isFaultOrdered { return }
    if pause == .hostDeadline {
      if factor > 1 {
        awaitHost(atMost: Self.longestGrace)
        setClock()
      } else {
        _ = runInstrument(until: nil)
      }
    } else if !hasUnwritten {
      wait(microseconds: pause == .idle ? idleTime(factor: factor) : pause == .outputFull ? 0 : untilNextLook)
    }
  }

  /// How long a busy instrument is left alone, in real microseconds: a tick, or while it may be about to answer, a quarter of
  /// the time that it has taken already. So no answer is much later than the instrument is slow.
  private var untilNextLook: Int64 { min(tick, max(1_000, (nacycler_boottime_us() - heardAt) / 4)) }

  /// How long an idle instrument sleeps, in real microseconds: until the next scripted fault, or for ever.
  private func idleTime(factor: Double) -> Int64 {
    let left = seat.shared.withLock { shared in shared.instrument.nextEdge.map { $0 - shared.instrument.time } }
    guard let left else { return -1 }
    return Int64(min(max(left / factor * 1e6, 1_000), 1e12))
  }

  /// Lets the time pass that is due.
  private mutating func advance() -> EmulatorPause {
    let now = nacycler_boottime_us()
    let reached = seat.shared.withLock { $0.instrument.time }
    // While nothing ran the thread slept on purpose: that time has passed in full.
    return pass(until: isIdle ? max(reached, clock.time(now: now)) : clock.target(now: now, virtual: reached))
  }

  /// Lets time pass until a virtual moment.
  private mutating func pass(until target: Double) -> EmulatorPause {
    let pause = runInstrument(until: target)
    isIdle = pause == .idle
    if isIdle { seat.shared.withLock { $0.instrument.rest(until: target) } }
    return pause
  }

  /// Says that virtual time stood still until now.
  private mutating func setClock() {
    clock.set(now: nacycler_boottime_us(), virtual: seat.shared.withLock { $0.instrument.time })
  }

  /// Virtual time as fast as the host takes what is sent; it stands still while nothing runs.
  private mutating func serveAtGreatestSpeed() {
    hear()
    let pause = runInstrument(until: nil)
    write()
    var hasHeard = false
    while hasUnwritten, !seat.isStopping {
      wait(microseconds: -1, forRoom: true)
      // A command to stop must not wait until the line is empty.
      if hear() { hasHeard = true }
      write()
      if isFaultOrdered { return }
    }
    switch pause {
    case .reachedLimit, .outputFull: break
    case .idle: wait(microseconds: -1)
    // What the host said while the line was full may be what the instrument stopped for.
    case .hostDeadline: if !hasHeard { awaitHost(atMost: nil) }
    }
  }

  /// Holds the end of a lease back while the host may still want to prevent it; then lets it come.
  private mutating func awaitHost(atMost longest: Int64?) {
    let start = nacycler_boottime_us()
    var quietSince = start
    while !seat.isStopping, !isFaultOrdered {
      write()
      if hear() { return }
      let now = nacycler_boottime_us()
      if hasUnwritten || (terminal?.unreadBytes ?? 0) > 0 { quietSince = now }
      if now - quietSince >= Self.grace || now - start >= longest ?? .max {
        // The instrument stopped before its deadline; asked again without a word from the host it passes it.
        _ = runInstrument(until: nil)
        return
      }
      wait(microseconds: quietSince == now ? 2_000 : 20_000, forRoom: hasUnwritten)
    }
  }

  /// Runs the instrument for one slice, until `limit` or, at greatest speed, for as long as one chunk of output takes.
  private mutating func runInstrument(until limit: Double?) -> EmulatorPause {
    seat.shared.withLock { shared in
      let limit =
        limit ?? shared.instrument.time + (seat.pace == .greatest && !isPacedByFault ? Self.silentSlice : 1e-3)
      return shared.instrument.run(until: limit, output: &output, outputLimit: Self.chunk)
    }
  }

  // MARK: - Bytes

  private var hasUnwritten: Bool { written < output.count }

  /// Writes what fits.
  private mutating func write() {
    guard hasUnwritten, let sent = output.withUnsafeBytes({ terminal?.write(.init(rebasing: $0[written...])) })
    else { return }
    written += sent
    if !hasUnwritten {
      output.removeAll(keepingCapacity: true)
      written = 0
    }
  }

  /// Hands over what the host sent; says whether there was anything.
  @discardableResult
  private mutating func hear() -> Bool {
    guard !seat.shared.withLock({ $0.instrument.isStalled }) else { return false }
    let count = input.withUnsafeMutableBytes { terminal?.read(into: $0) ?? 0 }
    guard count > 0 else { return false }
    heardAt = nacycler_boottime_us()
    input.withUnsafeBytes { bytes in
      seat.shared.withLock { $0.instrument.receive(.init(rebasing: bytes[..<count])) }
    }
    return true
  }

  private func wait(microseconds: Int64, forRoom: Bool = false) {
    let isStalled = seat.shared.withLock { $0.instrument.isStalled }
    terminal?.wait(forRoom: forRoom, forInput: !isStalled, event: seat.event, microseconds: microseconds)
  }

  // MARK: - Faults

  private var isFaultOrdered: Bool { seat.shared.withLock { $0.ordered != nil || $0.instrument.hasLinkOrder } }

  /// What the script orders, in real seconds; the instrument has lost its power already where it was to.
  private static func scripted(_ shared: inout Seat.Shared, factor: Double) -> (fault: BenchFault, seconds: Double)? {
    guard let order = shared.instrument.takeLinkOrder() else { return nil }
    return (order.isReboot ? .powerLost : .linkLost, order.seconds / factor)
  }

  /// Begins a fault that was ordered.
  private mutating func takeOrders() {
    let factor = if case .times(let factor) = seat.pace { factor } else { 1.0 }
    let ordered = seat.shared.withLock { shared in
      if let scripted = Self.scripted(&shared, factor: factor) {
        shared.fault = scripted.fault
        return Optional(scripted)
      }
      let ordered = shared.ordered
      shared.ordered = nil
      if let ordered {
        shared.fault = ordered.fault
        if ordered.fault == .powerLost { shared.instrument.powerCycle() }
      }
      return ordered
    }
    guard let ordered else { return }
    let now = nacycler_boottime_us()
    faultEnds = now + Int64(ordered.seconds * 1e6)
    beginFaultTime(now)
    discard()
    switch ordered.fault {
    case .linkLost, .powerLost: terminal = nil
    case .mute: break
    }
  }

  /// Where virtual time stands when a fault begins. What is due since the thread last woke passes within the fault.
  private mutating func beginFaultTime(_ now: Int64) {
    let reached = seat.shared.withLock { $0.instrument.time }
    // What was late before the fault stays late.
    if seat.pace != .greatest, !isIdle { _ = clock.target(now: now, virtual: reached) }
    if seat.pace == .greatest || clock.time(now: now) < reached { clock.set(now: now, virtual: reached) }
  }

  /// Lets time pass while nobody hears the instrument; at greatest speed it then passes as real time does. All of it
  /// passes, up to the fault's end and however late the thread wakes: there is no host that could be left behind.
  private mutating func serveFault() {
    let now = nacycler_boottime_us()
    hear()
    let due = clock.time(now: min(now, faultEnds))
    while !seat.isStopping {
      let pause = pass(until: max(due, seat.shared.withLock { $0.instrument.time }))
      discard()
      guard pause == .outputFull || pause == .hostDeadline else { break }
    }
    guard now < faultEnds else {
      endFault()
      return
    }
    let rest = min(tick, faultEnds - now)
    if terminal == nil {
      EventWait.wait(for: seat.event, microseconds: rest)
    } else {
      wait(microseconds: rest)
    }
  }

  private mutating func endFault() {
    if terminal == nil {
      do {
        terminal = try PseudoTerminal.open(link: seat.link)
      } catch {
        // Out of pseudo-terminals: as if the cable were still out; tried again.
        faultEnds = nacycler_boottime_us() + 100_000
        return
      }
    }
    seat.shared.withLock { $0.fault = nil }
  }

  private mutating func discard() {
    output.removeAll(keepingCapacity: true)
    written = 0
  }
}
