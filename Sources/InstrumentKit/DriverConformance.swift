// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What every driver must survive, whatever its protocol: bytes that come one by one or all at once, lines that are cut
// off, damaged, doubled or preceded by noise. A transcript that the driver understands is replayed in all these ways.
// The replay is open-loop: it does not look at what the driver writes, except to compare it between two replays.

public import CyclerModel
public import Quantities

/// What happened to a driver, in order, for replay.
public struct DriverTranscript: Sendable, Hashable {
  /// One thing that happened.
  public enum Entry: Sendable, Hashable {
    /// The port was opened.
    case opened
    /// The host asked for something.
    case command(channel: Int, ChannelCommand)
    /// The instrument sent these bytes.
    case received([UInt8])
    /// So much time passed, and then a tick came.
    case tick(after: TimeSpan)
    /// The port went away.
    case lost
  }
  /// Names the transcript in violations.
  public var name: String
  /// What happened.
  public var entries: [Entry]
  /// A transcript.
  public init(name: String, entries: [Entry]) {
    self.name = name
    self.entries = entries
  }
}

extension DriverTranscript.Entry {
  /// Gives it to a driver, after the time that it says has passed.
  func give(to driver: inout any InstrumentDriver, at now: inout HostInstant, into outputs: inout DriverOutputs) {
    switch self {
    case .opened: driver.handle(.opened, at: now, into: &outputs)
    case .command(let channel, let command):
      driver.handle(.command(channel: channel, command), at: now, into: &outputs)
    case .received(let bytes): bytes.withUnsafeBytes { driver.handle(.bytes($0), at: now, into: &outputs) }
    case .tick(let span):
      now = now + span
      driver.handle(.tick, at: now, into: &outputs)
    case .lost: driver.handle(.lost, at: now, into: &outputs)
    }
  }
}

extension DriverTranscript.Entry {
  /// Whether nobody is known at the port any more.
  fileprivate var endsKnowledge: Bool {
    switch self {
    case .opened, .lost: true
    case .command, .received, .tick: false
    }
  }
}

extension DriverEvent {
  fileprivate var isIdentification: Bool { if case .identified = self { true } else { false } }
}

/// Replays transcripts in the ways in which a serial line spoils them and tells what a driver did wrong.
public enum DriverConformance {
  /// A rule that a driver broke.
  public struct Violation: Sendable, Hashable, CustomStringConvertible {
    /// The rules.
    public enum Rule: String, Sendable, Hashable, CaseIterable {
      /// Cutting the bytes elsewhere must change nothing.
      case splitChangesNothing = "split changes nothing"
      /// A transcript that ends early yields the beginning of the same readings.
      case truncationInventsNothing = "truncation invents nothing"
      /// A damaged, missing, doubled or inserted byte or line never yields a reading that was not sent.
      case damageInventsNothing = "damage invents nothing"
      /// A cut-off or bound that was not reached is never reported.
      case damageEndsNothing = "damage ends nothing"
      /// Noise in front of an answer changes no reading and no end.
      case noiseChangesNothing = "noise in front changes nothing"
      /// The same input gives the same output.
      case repeatable
      /// Of what came as it was sent nothing counts as damaged.
      case soundIsNotDamaged = "sound is not damaged"
      /// Noise on the line of an identified instrument counts.
      case noiseIsCounted = "noise is counted"
    }
    /// Which rule.
    public var rule: Rule
    /// In which transcript.
    public var transcript: String
    /// What was done to it and what came of it.
    public var detail: String
    /// One line for a person.
    public var description: String { "\(transcript): \(rule.rawValue): \(detail)" }
  }

  /// What a replay yielded.
  public struct Outcome: Sendable, Hashable {
    /// All events in order.
    public var events: [DriverEvent] = []
    /// All bytes written.
    public var writes: [UInt8] = []
    /// What the driver has counted as damaged of identified instruments.
    public var damagedMessages: Int64 = 0

    /// The readings alone.
    public var readings: [Reading] {
      events.compactMap { event in
        if case .reading(_, let reading) = event { return reading }
        return nil
      }
    }
    /// What a thermometer said.
    public var temperatures: [Temperature] {
      events.compactMap { event in
        if case .temperature(let temperature) = event { return temperature }
        return nil
      }
    }
    /// The ends alone.
    public var ends: [SetpointEnd] {
      events.compactMap { event in
        if case .ended(_, _, let end) = event { return end }
        return nil
      }
    }
  }

  /// Replays a transcript as it is.
  public static func replay(_ entries: [DriverTranscript.Entry], with make: () -> any InstrumentDriver) -> Outcome {
    var driver = make()
    var outputs = DriverOutputs()
    var outcome = Outcome()
    var now = HostInstant(microseconds: 1_000_000)
    var damage = DamageTally()
    var isIdentified = false
    for entry in entries {
      outputs.removeAll()
      entry.give(to: &driver, at: &now, into: &outputs)
      if entry.endsKnowledge {
        damage.reopened()
        isIdentified = false
      }
      damage.take(driver.damagedMessages, isIdentified: isIdentified)
      if outputs.events.contains(where: \.isIdentification) { isIdentified = true }
      outcome.events.append(contentsOf: outputs.events)
      outcome.writes.append(contentsOf: outputs.writes)
    }
    outcome.damagedMessages = damage.count
    return outcome
  }

  /// Replays a transcript in all ways and returns what the driver did wrong; empty when it conforms.
  ///
  /// The damage is such that a line-based protocol without checksums can see it: a byte that no protocol here uses, a
  /// byte that is missing, a line that came twice. Digits that turn into other digits are beyond it.
  public static func check(_ transcript: DriverTranscript, with make: @escaping () -> any InstrumentDriver)
    -> [Violation]
  {
    var check = Check(transcript: transcript, make: make)
    check.checkRepetition()
    check.checkSplits()
    check.checkTruncation()
    check.checkDamage()
    check.checkNoise()
    return check.violations
  }
}

/// One transcript under examination.
private struct Check {
  let transcript: DriverTranscript
  let make: () -> any InstrumentDriver
  let reference: DriverConformance.Outcome
  var violations: [DriverConformance.Violation] = []

  init(transcript: DriverTranscript, make: @escaping () -> any InstrumentDriver) {
    self.transcript = transcript
    self.make = make
    reference = DriverConformance.replay(transcript.entries, with: make)
  }

  private mutating func fail(_ rule: DriverConformance.Violation.Rule, _ detail: String) {
    violations.append(DriverConformance.Violation(rule: rule, transcript: transcript.name, detail: detail))
  }

  /// Places of the transcript at which bytes came.
  private var received: [(index: Int, bytes: [UInt8])] {
    transcript.entries.enumerated().compactMap { index, entry in
      if case .received(let bytes) = entry { return (index, bytes) }
      return nil
    }
  }

  private func replay(replacing index: Int, with pieces: [[UInt8]]) -> DriverConformance.Outcome {
    var entries = transcript.entries
    entries.replaceSubrange(index...index, with: pieces.map { .received($0) })
    return DriverConformance.replay(entries, with: make)
  }

  mutating func checkRepetition() {
    if DriverConformance.replay(transcript.entries, with: make) != reference {
      fail(.repeatable, "two replays of the same transcript differ")
    }
    if reference.damagedMessages > 0 { fail(.soundIsNotDamaged, "\(reference.damagedMessages) messages") }
  }

  mutating func checkSplits() {
    let everyByte = transcript.entries.flatMap { entry -> [DriverTranscript.Entry] in
      if case .received(let bytes) = entry { return bytes.map { .received([$0]) } }
      return [entry]
    }
    if DriverConformance.replay(everyByte, with: make) != reference {
      fail(.splitChangesNothing, "byte by byte")
    }
    var glued: [DriverTranscript.Entry] = []
    for entry in transcript.entries {
      if case .received(let more) = entry, case .received(let bytes)? = glued.last {
        glued[glued.count - 1] = .received(bytes + more)
      } else {
        glued.append(entry)
      }
    }
    if DriverConformance.replay(glued, with: make) != reference {
      fail(.splitChangesNothing, "adjacent pieces glued together")
    }
    for (index, bytes) in received where bytes.count > 1 {
      for cut in 1..<bytes.count
      where replay(replacing: index, with: [Array(bytes[..<cut]), Array(bytes[cut...])]) != reference {
        fail(.splitChangesNothing, "entry \(index) cut after byte \(cut)")
      }
    }
  }

  mutating func checkTruncation() {
    for (index, bytes) in received {
      for cut in 0..<bytes.count {
        let entries = Array(transcript.entries[..<index]) + [.received(Array(bytes[..<cut])), .lost]
        let outcome = DriverConformance.replay(entries, with: make)
        if !reference.readings.starts(with: outcome.readings)
          || !reference.temperatures.starts(with: outcome.temperatures)
        {
          fail(.truncationInventsNothing, "entry \(index) ended after byte \(cut), then the port was lost")
        }
      }
    }
  }

  mutating func checkDamage() {
    for (index, bytes) in received {
      for place in bytes.indices {
        for alien: UInt8 in [0x00, 0xFF, 0x24] {
          var damaged = bytes
          damaged[place] = alien
          judge(replay(replacing: index, with: [damaged]), "entry \(index), byte \(place) turned into \(alien)")
        }
        var shorter = bytes
        shorter.remove(at: place)
        judge(replay(replacing: index, with: [shorter]), "entry \(index), byte \(place) missing")
        var longer = bytes
        longer.insert(0x24, at: place)
        judge(replay(replacing: index, with: [longer]), "entry \(index), a byte inserted before \(place)")
      }
      for line in lines(of: bytes) {
        var doubled = bytes
        doubled.insert(contentsOf: bytes[line], at: line.lowerBound)
        judge(replay(replacing: index, with: [doubled]), "entry \(index), the line at \(line.lowerBound) doubled")
      }
    }
  }

  private func lines(of bytes: [UInt8]) -> [Range<Int>] {
    var lines: [Range<Int>] = []
    var start = 0
    for index in bytes.indices where bytes[index] == 0x0A {
      lines.append(start..<index + 1)
      start = index + 1
    }
    return lines
  }

  /// What a damaged transcript yields must be part of what the sound one yields.
  private mutating func judge(_ outcome: DriverConformance.Outcome, _ detail: String) {
    if let invented = inventedReading(in: outcome.readings) {
      fail(.damageInventsNothing, "\(detail): \(invented)")
    }
    // A line that came twice says the same twice.
    if let invented = outcome.temperatures.first(where: { !reference.temperatures.contains($0) }) {
      fail(.damageInventsNothing, "\(detail): \(invented.written)")
    }
    for end in outcome.ends where !reference.ends.contains(end) {
      switch end {
      case .cutOff, .bound, .leaseExpired: fail(.damageEndsNothing, "\(detail): \(end)")
      case .requested, .failed: continue
      }
    }
  }

  /// The first reading that was not sent, or was not sent in this place; quality may be lost with damaged metadata.
  private func inventedReading(in readings: [Reading]) -> Reading? {
    var place = reference.readings.startIndex
    for reading in readings {
      let rest = reference.readings[place...]
      guard
        let found = rest.firstIndex(where: {
          $0.time == reading.time && $0.voltage == reading.voltage && $0.current == reading.current
        })
      else { return reading }
      place = found + 1
    }
    return nil
  }

  /// Whether the instrument is known when an entry comes.
  private func isIdentified(before index: Int) -> Bool {
    let begin = transcript.entries[..<index].lastIndex(where: \.endsKnowledge) ?? 0
    return DriverConformance.replay(Array(transcript.entries[begin..<index]), with: make).events
      .contains(where: \.isIdentification)
  }

  mutating func checkNoise() {
    // Noise without a line end would damage the line behind it; that is the rule before this one.
    let noise: [[UInt8]] = [
      [0x0D], [0x00, 0xFF, 0x55, 0xAA, 0x0A], Array(repeating: 0x80, count: 5_000) + [0x0A],
    ]
    for (index, bytes) in received {
      for (number, garbage) in noise.enumerated() {
        let outcome = replay(replacing: index, with: [garbage, bytes])
        if outcome.readings != reference.readings || outcome.ends != reference.ends
          || outcome.temperatures != reference.temperatures
        {
          fail(.noiseChangesNothing, "entry \(index), noise \(number)")
        }
        if number > 0, outcome.damagedMessages == 0, isIdentified(before: index) {
          fail(.noiseIsCounted, "entry \(index), noise \(number)")
        }
      }
    }
  }
}
