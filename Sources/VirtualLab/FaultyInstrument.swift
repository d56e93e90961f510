// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// An instrument with a schedule of faults. It is an instrument itself: whoever runs it needs no case for faults, but for a
// line that hangs up, which only the holder of the line can do (`takeLinkOrder`). All of it happens in virtual time and
// by a seed, so the same schedule and the same host give the same bytes. What the emulator does is the emulator's; here
// its bytes are spoiled, and its own faults begun and ended.

/// Any emulated instrument, with faults at its times.
public struct FaultyInstrument: EmulatedInstrument {
  /// Bytes that a line holds in either direction; more of them is lost, as on a wire.
  static let lineRoom = 16_384
  /// Moments nearer than this are the same: emulators count in whole nanoseconds.
  private static let instant = 1e-6
  /// A circuit that is waited for is looked at so often, in virtual seconds.
  private static let look = 0.05

  /// A fault and how far it has got.
  private struct Course: Sendable {
    var fault: ScheduledFault
    var stage = Stage.waiting
  }
  private enum Stage: Sendable, Hashable {
    case waiting
    case active(until: Double, lastReply: Int?)
    case over
  }

  /// What is inside.
  public var instrument: any EmulatedInstrument
  /// How many replies the instrument has begun to send; counted while something is scheduled.
  public private(set) var replies = 0
  private var courses: [Course]
  private var numbers: SeededNumbers
  private var line = SpoiledLine()
  private var withheld: [UInt8] = []
  private var orders: [LinkOrder] = []
  private var closings: [Int]
  private var wasClosed: [Bool]
  private var noiseFrom: Double?
  private var chunk: [UInt8] = []
  /// A fault has begun since `run` was called.
  private var hasBegun = false

  /// An instrument whose faults are these; `seed` makes the random bytes.
  public init(_ instrument: any EmulatedInstrument, faults: [ScheduledFault] = [], seed: UInt64 = 0) {
    self.instrument = instrument
    courses = faults.map { Course(fault: $0) }
    numbers = SeededNumbers(seed: seed)
    let channels = (faults.map(\.channel).max() ?? 0) + 1
    closings = Array(repeating: 0, count: channels)
    wasClosed = Array(repeating: false, count: channels)
    // What is wrong from the beginning is so before the host's first byte.
    update()
  }

  /// Whether the instrument emulates a misbehaviour of a channel, and the channel exists.
  public func canMisbehave(_ kind: Misbehaviour, channel: Int) -> Bool {
    var other = instrument
    return other.misbehave(kind, channel: channel)
  }

  /// Adds a fault to the schedule.
  public mutating func schedule(_ fault: ScheduledFault) {
    while closings.count <= fault.channel {
      closings.append(0)
      wasClosed.append(instrument.terminals(channel: closings.count - 1)?.isClosed ?? false)
    }
    courses.append(Course(fault: fault))
    update()
  }

  /// Ends what is under way and forgets what is to come. What is on the line is lost, as when it is unplugged.
  public mutating func mend() {
    for index in courses.indices { end(index) }
    courses.removeAll()
    line.removeAll()
  }

  /// Whether something whose times count is under way on the line, or bytes are on it: time must go on, also while the
  /// instrument is idle.
  public var isBusyWithFaults: Bool {
    !line.isEmpty || has { if case .line(let fault) = $0 { fault.isTimed } else { false } }
  }

  /// Whether any fault of the line is under way, or bytes are on it.
  public var isDisturbed: Bool { !line.isEmpty || has { if case .line = $0 { true } else { false } } }

  /// When the next fault begins or ends by time, in virtual seconds; nil when none does.
  public var nextEdge: Double? {
    courses.compactMap { course in
      switch course.stage {
      case .waiting: if case .time(let at) = course.fault.begin { at } else { nil }
      case .active(let until, _): until.isFinite ? until : nil
      case .over: nil
      }
    }.min()
  }

  /// What is wrong now, by name.
  public var activeFaults: [String] {
    courses.compactMap { if case .active = $0.stage { $0.fault.kind.name } else { nil } }
  }

  /// Whether `takeLinkOrder` has something to say.
  public var hasLinkOrder: Bool { !orders.isEmpty }

  /// What whoever holds the line is to do now; each is said once.
  public mutating func takeLinkOrder() -> LinkOrder? { orders.isEmpty ? nil : orders.removeFirst() }

  /// Whether it does not read what the host writes.
  public var isStalled: Bool { has { if case .line(.stall) = $0 { true } else { false } } }

  private func has(_ isSuch: (ScheduledFault.Kind) -> Bool) -> Bool {
    courses.contains { if case .active = $0.stage { isSuch($0.fault.kind) } else { false } }
  }

  private var isArmed: Bool { !line.isEmpty || courses.contains { $0.stage != .over } }

  // MARK: - The instrument's own

  /// Virtual seconds since power-on.
  public var time: Double { instrument.time }
  /// The instrument's.
  public var hostDeadline: Double? { instrument.hostDeadline }
  /// The instrument's.
  public func cellTruth(channel: Int) -> CellTruth { instrument.cellTruth(channel: channel) }
  /// The instrument's.
  public func terminals(channel: Int) -> TerminalState? { instrument.terminals(channel: channel) }
  /// The instrument's.
  public mutating func misbehave(_ kind: Misbehaviour?, channel: Int) -> Bool {
    instrument.misbehave(kind, channel: channel)
  }
  /// Its power is cut and comes back; nothing is on the line any more, and faults go on.
  public mutating func powerCycle() {
    instrument.powerCycle()
    withheld.removeAll()
    line.removeAll()
  }

  /// Bytes came from the host.
  public mutating func receive(_ bytes: UnsafeRawBufferPointer) {
    if isStalled {
      withheld.append(contentsOf: bytes.prefix(max(0, Self.lineRoom - withheld.count)))
    } else {
      instrument.receive(bytes)
    }
  }

  // MARK: - Time

  /// Lets virtual time pass; see `EmulatedInstrument`. Returns early, with `.reachedLimit`, when a fault begins or
  /// there is a link order.
  public mutating func run(until limit: Double, output: inout [UInt8], outputLimit: Int) -> EmulatorPause {
    guard isArmed else { return instrument.run(until: limit, output: &output, outputLimit: outputLimit) }
    hasBegun = false
    while true {
      update()
      makeNoise()
      while line.deliver(at: time + Self.instant, into: &output) {
        if output.count >= outputLimit { return .outputFull }
      }
      // Whoever paces time hears of a fault at once.
      if hasBegun || !orders.isEmpty || time >= limit - Self.instant { return .reachedLimit }
      let moment = nextMoment(before: limit)
      chunk.removeAll(keepingCapacity: true)
      let pause = instrument.run(until: moment, output: &chunk, outputLimit: 1)
      update()
      if !chunk.isEmpty {
        send()
        continue
      }
      switch pause {
      case .reachedLimit, .outputFull: continue
      case .hostDeadline: return .hostDeadline
      case .idle:
        guard isBusyWithFaults else { return .idle }
        instrument.rest(until: moment)
      }
    }
  }

  /// Lets idle time pass, with the edges of faults in it.
  public mutating func rest(until limit: Double) {
    while true {
      update()
      let moment = min(limit, nextEdge.map { max($0, time + Self.instant) } ?? limit)
      instrument.rest(until: moment)
      guard moment < limit else { break }
    }
    update()
  }

  /// How far the instrument may go before something here is due.
  private func nextMoment(before limit: Double) -> Double {
    var moment = limit
    if let edge = nextEdge { moment = min(moment, edge) }
    if let due = line.nextDue { moment = min(moment, due) }
    if noiseFrom != nil { moment = min(moment, time + Self.look) }
    if awaitsClosing { moment = min(moment, time + Self.look) }
    return min(limit, max(moment, time + Self.instant))
  }

  // MARK: - Edges

  private var awaitsClosing: Bool {
    courses.contains { course in
      if case .closing = course.fault.begin, course.stage == .waiting { true } else { false }
    }
  }

  /// Begins and ends what is due now.
  private mutating func update() {
    guard !courses.isEmpty else { return }
    for channel in closings.indices where awaitsClosing {
      let isClosed = instrument.terminals(channel: channel)?.isClosed ?? false
      if isClosed, !wasClosed[channel] { closings[channel] += 1 }
      wasClosed[channel] = isClosed
    }
    for index in courses.indices {
      if case .active(let until, _) = courses[index].stage, time >= until - Self.instant { end(index) }
      if courses[index].stage == .waiting, isDue(courses[index].fault) { begin(index) }
    }
  }

  private func isDue(_ fault: ScheduledFault) -> Bool {
    switch fault.begin {
    case .time(let at): time >= at - Self.instant
    case .closing(let count): closings[fault.channel] >= count
    case .reply: false
    }
  }

  private mutating func begin(_ index: Int) {
    let fault = courses[index].fault
    hasBegun = true
    courses[index].stage = .active(until: time + fault.seconds, lastReply: fault.replies.map { replies + $0 })
    switch fault.kind {
    case .line(.garbage): noiseFrom = time
    case .line: break
    case .instrument(let kind): _ = instrument.misbehave(kind, channel: fault.channel)
    case .disconnect: orders.append(LinkOrder(isReboot: false, seconds: fault.seconds))
    case .reboot:
      powerCycle()
      orders.append(LinkOrder(isReboot: true, seconds: fault.seconds))
    }
  }

  private mutating func end(_ index: Int) {
    guard case .active = courses[index].stage else {
      courses[index].stage = .over
      return
    }
    courses[index].stage = .over
    switch courses[index].fault.kind {
    case .instrument: _ = instrument.misbehave(nil, channel: courses[index].fault.channel)
    case .line(.garbage): noiseFrom = nil
    case .line(.stall): if !isStalled { hearWithheld() }
    case .line, .disconnect, .reboot: break
    }
  }

  private mutating func hearWithheld() {
    let bytes = withheld
    withheld.removeAll()
    if !bytes.isEmpty { bytes.withUnsafeBytes { instrument.receive($0) } }
  }

  // MARK: - Bytes

  /// Puts a reply on the line, spoiled by what is active.
  private mutating func send() {
    for index in courses.indices {
      if case .reply(let number) = courses[index].fault.begin, number == replies, courses[index].stage == .waiting {
        begin(index)
      }
    }
    var reply = SpoiledReply(chunk, at: time)
    for course in courses {
      if case .active = course.stage, case .line(let fault) = course.fault.kind { reply.suffer(fault, &numbers) }
    }
    line.append(reply)
    replies += 1
    for index in courses.indices {
      if case .active(_, let last?) = courses[index].stage, replies >= last { end(index) }
    }
  }

  /// Random bytes of the time that has passed since the last ones.
  private mutating func makeNoise() {
    guard let from = noiseFrom else { return }
    for course in courses {
      guard case .active = course.stage, case .line(.garbage(let rate, _)) = course.fault.kind, rate > 0 else {
        continue
      }
      let count = ((time - from) * rate).rounded(.down)
      guard count >= 1 else { continue }
      noiseFrom = from + count / rate
      line.append(
        SpoiledReply((0..<Int(min(count, 4_096))).map { _ in UInt8(truncatingIfNeeded: numbers.next()) }, at: time))
    }
  }
}
