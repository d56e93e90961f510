// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Every driver against every fault. A cell of the matrix holds how often the fault was tried and, in words, every rule that
// was broken; it is never left out without a reason. The rules (docs/adding-an-instrument.md says them to people): no reading
// that was not measured; no end, and no open circuit, said while current flows; no current beyond bound, lease or command for
// longer than the family states; each set-point comes to an end or the link is said to be lost; and after the fault the
// instrument is identified again, with the circuit open.

internal import InstrumentKit
internal import VirtualLab

/// Judges a family, row by row.
public struct ConformanceMatrix: Sendable {
  /// What came of a row.
  public enum Verdict: Sendable, Hashable {
    /// So many trials, and no rule broken; and what the misbehaviour was found by, as names of faults and how often.
    case passed(trials: Int, found: [String: Int])
    /// It cannot be tried, for that reason.
    case notApplicable(String)
    /// Rules that were broken.
    case failed(trials: Int, violations: [String])
  }

  let family: DriverFamily
  let course: ReferenceCourse
  private let seed: UInt64
  private(set) var numbers: SeededNumbers
  private var trials = 0
  private var violations: [String] = []
  /// What told of a misbehaviour first.
  var found: [String: Int] = [:]

  /// A matrix of one family; `seed` chooses places, bytes and noise.
  public init(_ family: DriverFamily, seed: UInt64) {
    self.family = family
    course = ReferenceCourse(family, seed: seed)
    self.seed = seed
    numbers = SeededNumbers(seed: seed)
  }

  /// What must hold before faults are looked at: the undisturbed course itself is sound. Empty when it is.
  public var objections: [String] {
    var objections = course.end.judge.violations
    if family.drivesCells {
      for (step, outcome) in zip(family.menu, course.end.outcomes) {
        if case .ended(.cutOff) = outcome { continue }
        objections.append("\(step.rawValue): \(outcome)")
      }
      if course.end.outcomes.count != family.menu.count { objections.append("not all set-points came to an end") }
    }
    if course.end.identity == nil { objections.append("nobody was identified") }
    if course.replies.count < 4 { objections.append("only \(course.replies.count) replies") }
    return objections
  }

  /// Tries a row; the same with the same seed, whatever was tried before.
  public mutating func judge(_ row: TrialRow) -> Verdict {
    if row.needsCircuit, !family.drivesCells { return .notApplicable("it drives no cell: there is no circuit") }
    if let reason = family.notApplicable[row] { return .notApplicable(reason) }
    let place = TrialRow.allCases.firstIndex(of: row) ?? 0
    numbers = SeededNumbers(seed: seed &+ UInt64(place) &* 0xA24B_AED4_963E_E407)
    trials = 0
    violations = []
    found = [:]
    if let reason = attempt(row) { return .notApplicable(reason) }
    if trials == 0 { violations.append("nothing could be tried") }
    return violations.isEmpty ? .passed(trials: trials, found: found) : .failed(trials: trials, violations: violations)
  }

  /// Seconds of a trial after its fault, unless all set-points are over before.
  private var horizon: Double { 40 * family.interval + 40 }
  /// Seconds after which no set-point may still be under way: its charge would have ended it.
  private var longest: Double { (family.halfCycleReadings + 4) * family.interval + family.reaction }

  /// Lets a course go on to its end, and one without set-points for some readings.
  private func goOn(_ trial: inout DriverTrial) {
    trial.pass(4 * family.interval)
    trial.pass(horizon) { $0.isDone }
  }

  /// A course of more replies than this has so many of them, evenly spread, spoiled, three times each: a minute is all that the
  /// matrix may take. Plug, power and safe stop are tried before each reply.
  private static let mostReplies = 60

  // MARK: - Rows

  private mutating func attempt(_ row: TrialRow) -> String? {
    switch row {
    case .split: splitReplies()
    case .glued: wholeSession(.line(.glued(seconds: 0.25)), delay: 0.25)
    case .slow:
      wholeSession(.line(.slow(bytesPerSecond: 10)), delay: 60)
      wholeSession(.line(.slow(bytesPerSecond: 200)), delay: 30)
    case .truncated: eachReply { .line(.truncated(at: $0)) }
    case .corrupted: corruptReplies()
    case .duplicated: eachReply(places: 1) { _ in .line(.duplicated) }
    case .late: eachReply(places: 1, delay: 6) { _ in .line(.late(seconds: 6)) }
    case .silent:
      eachReply(places: 1) { _ in .line(.mute) }
      from(most: 8, seconds: 60) { _, _ in .line(.mute) }
    case .interleaved: eachReply { .line(.interleaved([0x00, 0xFF, 0x55, 0xAA, 0x0A], at: $0)) }
    case .garbage:
      eachReply(places: 1) { _ in .line(.interleaved([0x55, 0xFF, 0x00, 0x80, 0x0A], at: 0)) }
      eachReply(places: 1) { _ in .line(.interleaved([0x24, 0xFF, 0x00, 0x80, 0x0A], at: .max)) }
    case .flood:
      from(most: 12, seconds: 30, delay: 5) { _, _ in .line(.garbage(bytesPerSecond: 2_000, replacing: 0.05)) }
    case .unplug: unplug()
    case .stall:
      from(most: 40, seconds: 4) { _, _ in .line(.stall) }
      from(most: 8, seconds: 60) { _, _ in .line(.stall) }
    case .reboot: reboot()
    case .safeStop: safeStop()
    case .safeStopAlone: safeStopAlone()
    case .refusing, .liarBefore, .liarClosed, .frozenBefore, .frozenClosed, .overload, .notANumber:
      return misbehave(row)
    }
    return nil
  }

  /// Ends a trial: the fault is over, the port is opened anew, and all must be well.
  mutating func finish(_ trial: DriverTrial, _ what: String) {
    var trial = trial
    if trial.setpoint != nil, trial.isConnected, trial.time - trial.begunAt > longest {
      trial.judge.fail("a set-point neither ended nor was the link given up", at: trial.time)
    }
    trial.instrument.mend()
    trial.menu = []
    trial.judge.isBlind = false
    trial.judge.isUnprotected = true
    trial.judge.isDeaf = true
    trial.unplug()
    // What is on the line is lost, and the last bytes of a fault are gone.
    trial.pass(3)
    trial.identity = nil
    trial.plugIn()
    if !trial.pass(family.introduction, until: { $0.identity != nil }) {
      trial.judge.fail("not identified within \(family.introduction) s after the fault", at: trial.time)
    }
    let told = trial.events.count
    trial.pass(family.drivesCells ? 1 : 3)
    if let terminals = trial.instrument.terminals(channel: 0), terminals.amperes.magnitude > family.amperes * 0.02 {
      trial.judge.fail("\(terminals.amperes) A flow after the port was opened anew", at: trial.time)
    }
    if !family.drivesCells, trial.events.count == told {
      trial.judge.fail("nothing is measured after the port was opened anew", at: trial.time)
    }
    // Counting takes as long as a trial; what grows is found in one of eight.
    if trials.isMultiple(of: 8) {
      let size = DriverFootprint.bytes(of: trial.driver)
      if size > DriverFootprint.most { trial.judge.fail("the driver keeps \(size) bytes", at: trial.time) }
    }
    count(trial.judge.violations, what)
  }

  private mutating func count(_ found: [String], _ what: String) {
    trials += 1
    if let first = found.first { violations.append("\(what): \(first)") }
  }

  // MARK: - Bytes

  /// Cutting changes nothing: the events and the bytes written are the same, piece by piece.
  private mutating func splitReplies() {
    func heard(_ reply: ReferenceCourse.Reply, _ fault: LineFault) -> DriverTrial {
      var trial = reply.before
      trial.instrument.schedule(ScheduledFault(.line(fault), .reply(trial.instrument.replies), replies: 1))
      let end = trial.time + 5
      trial.heardBytes = 0
      while trial.heardBytes < reply.bytes.count, trial.time < end { trial.step(to: end) }
      return trial
    }
    for (index, reply) in course.replies.enumerated() where reply.bytes.count > 1 {
      let whole = heard(reply, .split(at: .max))
      for place in 0..<reply.bytes.count {
        let cut = heard(reply, .split(at: place))
        let isSame = cut.events == whole.events && cut.writtenBytes == whole.writtenBytes && cut.time == whole.time
        count(isSame ? [] : ["other events or bytes"], "reply \(index) cut at byte \(place)")
      }
    }
  }

  /// Each reply of the course suffers once, or a few times at other places.
  private mutating func eachReply(
    places: Int = 3, delay: Double = 0, _ fault: (Int) -> ScheduledFault.Kind
  ) {
    for (index, reply) in course.sample(Self.mostReplies) {
      for attempt in 0..<min(places, reply.bytes.count) {
        let place = attempt == 0 ? reply.bytes.count / 2 : Int(numbers.next() % UInt64(reply.bytes.count))
        suffer(index, reply, fault(place), replies: 1, delay: delay, "\(place)")
      }
    }
  }

  private mutating func corruptReplies() {
    for (index, reply) in course.sample(Self.mostReplies) {
      for attempt in 0..<min(3, reply.bytes.count) {
        let place = Int(numbers.next() % UInt64(reply.bytes.count))
        let alien: [UInt8] = [0x00, 0xFF, 0x24]
        var byte = alien[attempt]
        if family.hasChecksums { byte = reply.bytes[place] ^ UInt8(1 << (numbers.next() % 8)) }
        suffer(index, reply, .line(.corrupted(at: place, byte: byte)), replies: 1, delay: 0, "\(place) \(byte)")
      }
    }
  }

  private mutating func suffer(
    _ index: Int, _ reply: ReferenceCourse.Reply, _ kind: ScheduledFault.Kind, replies: Int, delay: Double,
    _ detail: String
  ) {
    var trial = reply.before
    trial.judge.lineDelay = delay
    trial.instrument.schedule(ScheduledFault(kind, .reply(trial.instrument.replies), replies: replies))
    goOn(&trial)
    finish(trial, "reply \(index) at \(detail)")
  }

  /// A fault that lasts, from a few replies on.
  private mutating func from(
    most: Int, seconds: Double, delay: Double = 0, _ fault: (Int, DriverTrial) -> ScheduledFault.Kind
  ) {
    for (index, reply) in course.sample(most) {
      var trial = reply.before
      trial.judge.lineDelay = delay
      trial.instrument.schedule(ScheduledFault(fault(index, trial), .time(trial.time), seconds: seconds))
      trial.pass(seconds)
      goOn(&trial)
      finish(trial, "from reply \(index) on")
    }
  }

  private mutating func wholeSession(_ kind: ScheduledFault.Kind, delay: Double) {
    for seed in 0..<3 as Range<UInt64> {
      var trial = DriverTrial(family, seed: seed)
      trial.judge.lineDelay = delay
      trial.judge.capabilities = course.end.judge.capabilities
      trial.instrument.schedule(ScheduledFault(kind, .time(Double(seed) * 3)))
      trial.pass(4 * family.interval)
      trial.pass(200) { $0.isDone }
      finish(trial, "from second \(seed * 3) on")
    }
  }

  // MARK: - The link and the power

  private mutating func unplug() {
    for (index, reply) in course.replies.enumerated() {
      var trial = reply.before
      trial.unplug()
      // Past the lease of those that have one.
      trial.pass(family.lease + family.reaction + 2)
      finish(trial, "unplugged before reply \(index)")
    }
  }

  private mutating func reboot() {
    for (index, reply) in course.replies.enumerated() {
      var trial = reply.before
      trial.unplug()
      trial.instrument.powerCycle()
      trial.judge.rebooted()
      trial.pass(2)
      trial.plugIn()
      goOn(&trial)
      finish(trial, "rebooted before reply \(index)")
    }
  }

  /// The bytes of the safe stop, to the instrument as it is, without a driver.
  private mutating func safeStop() {
    for (index, reply) in course.replies.enumerated() {
      var trial = reply.before
      trial.unplug()
      trial.judge.hostSpoke(at: trial.time)
      family.driver.safeStopBytes.withUnsafeBytes { trial.instrument.receive($0) }
      trial.pass(family.reaction)
      if let terminals = trial.instrument.terminals(channel: 0), terminals.amperes.magnitude > family.amperes * 0.02 {
        trial.judge.fail("\(terminals.amperes) A flow \(family.reaction) s after the safe stop", at: trial.time)
      }
      finish(trial, "stopped before reply \(index)")
    }
  }

  private mutating func safeStopAlone() {
    // One that was just switched on, which nobody has spoken to.
    var fresh = DriverTrial(family, seed: 1)
    fresh.stage = .unplugged
    fresh.pass(1)
    family.driver.safeStopBytes.withUnsafeBytes { fresh.instrument.receive($0) }
    fresh.pass(family.reaction)
    checkOpen(&fresh)
    finish(fresh, "just switched on")
    // One that drives its cell, whose host has died in the middle of a command and begins with the bytes.
    for (index, reply) in course.sample(20, { $0.before.isDriving }) {
      for cut in [1, 3] {
        var trial = reply.before
        trial.unplug()
        family.driver.safeStopBytes.prefix(cut).withUnsafeBufferPointer {
          trial.instrument.receive(UnsafeRawBufferPointer($0))
        }
        family.driver.safeStopBytes.withUnsafeBytes { trial.instrument.receive($0) }
        // What was cut off may spoil the first; a host sends them again (PortLoop does, after a tenth of a second).
        trial.pass(0.2)
        family.driver.safeStopBytes.withUnsafeBytes { trial.instrument.receive($0) }
        trial.judge.hostSpoke(at: trial.time)
        trial.pass(family.reaction)
        checkOpen(&trial)
        finish(trial, "host died at reply \(index), \(cut) bytes")
      }
    }
  }

  private func checkOpen(_ trial: inout DriverTrial) {
    guard let terminals = trial.instrument.terminals(channel: 0), terminals.amperes.magnitude > family.amperes * 0.02
    else { return }
    trial.judge.fail("\(terminals.amperes) A flow \(family.reaction) s after the safe stop", at: trial.time)
  }
}
