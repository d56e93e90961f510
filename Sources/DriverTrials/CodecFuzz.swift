// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Bytes that nobody sends, to both ends of a wire. What is asked for is little and absolute: no crash, no driver that grows,
// or writes or wakes without end, no emulator that sends without end. That nothing is invented is the matrix's to judge.

internal import CyclerModel
internal import InstrumentKit
internal import Quantities
internal import VirtualLab

/// Damages a family's own words, from every state in which its driver waits for some, and hands them to the driver; and the
/// host's, and hands them to the emulator.
public struct CodecFuzz: Sendable {
  /// What was wrong, in words; empty when nothing was.
  public private(set) var violations: [String] = []
  /// Bytes that were handed over.
  public private(set) var bytes = 0

  private let family: DriverFamily
  private let course: ReferenceCourse
  private var numbers: SeededNumbers

  /// A fuzz of one family; the same with the same seed.
  public init(_ family: DriverFamily, seed: UInt64) {
    self.family = family
    course = ReferenceCourse(family, seed: seed)
    numbers = SeededNumbers(seed: seed)
  }

  /// One round: a driver in one of its states, and its instrument, hear a hundred damaged pieces each.
  public mutating func round() {
    guard let reply = course.replies.randomElement(using: &numbers) else { return }
    spoilDriver(reply)
    spoilInstrument(reply)
  }

  // MARK: The driver

  private mutating func spoilDriver(_ reply: ReferenceCourse.Reply) {
    var driver = reply.before.driver
    var now = reply.before.now
    var outputs = DriverOutputs()
    var words = reply.bytes
    for _ in 0..<100 {
      outputs.removeAll()
      switch Int.random(in: 0..<20, using: &numbers) {
      case 0: driver.handle(.command(channel: channel(), .openCircuit), at: now, into: &outputs)
      case 1: driver.handle(.command(channel: channel(), .begin(setpoint())), at: now, into: &outputs)
      case 2:
        driver.handle(.lost, at: now, into: &outputs)
        driver.handle(.opened, at: now, into: &outputs)
      case 3...6:
        now = now + TimeSpan(milliseconds: .random(in: 1...3_000, using: &numbers))
        driver.handle(.tick, at: now, into: &outputs)
      default:
        if let other = course.replies.randomElement(using: &numbers) { words = other.bytes }
        let spoilt = damaged(words)
        bytes += spoilt.count
        spoilt.withUnsafeBytes { driver.handle(.bytes($0), at: now, into: &outputs) }
      }
      judge(outputs)
    }
    let kept = DriverFootprint.bytes(of: driver)
    if kept > DriverFootprint.most { fail("the driver keeps \(kept) bytes") }
    awaken(&driver, now)
  }

  /// A driver that asks for a tick at once, again and again, takes the port's thread for itself.
  private mutating func awaken(_ driver: inout any InstrumentDriver, _ from: HostInstant) {
    var outputs = DriverOutputs()
    var now = from
    driver.handle(.tick, at: now, into: &outputs)
    let end = now + TimeSpan(seconds: 10)
    var ticks = 0
    while let due = outputs.wakeAt, now < end {
      now = max(now, due)
      outputs.removeAll()
      driver.handle(.tick, at: now, into: &outputs)
      ticks += 1
      if ticks > 20_000 { return fail("20,000 ticks in \((now - from).written)") }
    }
  }

  private mutating func judge(_ outputs: DriverOutputs) {
    if outputs.writes.count > TrialJudge.largestWrite { fail("\(outputs.writes.count) bytes were written at once") }
    if outputs.events.count > 4_096 { fail("\(outputs.events.count) events at once") }
  }

  private mutating func channel() -> Int { Int.random(in: -1...4, using: &numbers) }

  private mutating func setpoint() -> Setpoint {
    let step = TrialStep.allCases.randomElement(using: &numbers) ?? .rest
    return family.setpoint(step, count: .random(in: 1...99, using: &numbers))
  }

  // MARK: The instrument

  private mutating func spoilInstrument(_ reply: ReferenceCourse.Reply) {
    var instrument = reply.before.instrument
    var outputs = DriverOutputs()
    var driver = reply.before.driver
    let words = TrialStep.allCases.map { step in
      outputs.removeAll()
      driver.handle(.opened, at: reply.before.now, into: &outputs)
      driver.handle(
        .command(channel: 0, .begin(family.setpoint(step, count: 1))), at: reply.before.now, into: &outputs)
      return outputs.writes + type(of: driver).safeStopBytes
    }
    for _ in 0..<20 {
      let spoilt = damaged(words.randomElement(using: &numbers) ?? [])
      bytes += spoilt.count
      spoilt.withUnsafeBytes { instrument.receive($0) }
      let limit = instrument.time + Double.random(in: 0...1, using: &numbers)
      var said: [UInt8] = []
      if instrument.run(until: limit, output: &said, outputLimit: 2 << 20) == .idle { instrument.rest(until: limit) }
      if said.count > 1 << 20 { fail("the emulator sent \(said.count) bytes in a second") }
    }
  }

  // MARK: Damage

  private mutating func damaged(_ words: [UInt8]) -> [UInt8] {
    var words = words
    for _ in 0..<Int.random(in: 0...4, using: &numbers) {
      let place = Int.random(in: 0...words.count, using: &numbers)
      switch Int.random(in: 0..<7, using: &numbers) {
      case 0: words.insert(UInt8.random(in: 0...255, using: &numbers), at: place)
      case 1: if place < words.count { words[place] ^= 1 << UInt8.random(in: 0..<8, using: &numbers) }
      case 2: if place < words.count { words.remove(at: place) }
      case 3: words.removeSubrange(place...)
      case 4: words.insert(contentsOf: words.prefix(place), at: place)
      case 5: if place < words.count { words[place] = "0-+.,eE\r\n \"{}*".utf8.randomElement(using: &numbers) ?? 0 }
      default:
        let noise = (0..<Int.random(in: 1...600, using: &numbers)).map { _ in
          UInt8.random(in: 0...255, using: &numbers)
        }
        words.insert(contentsOf: noise, at: place)
      }
      if words.count > 65_536 { words.removeSubrange(65_536...) }
    }
    return words
  }

  private mutating func fail(_ words: String) {
    if violations.count < 5 { violations.append(words) }
  }
}
