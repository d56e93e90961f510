// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import Glibc
import InstrumentKit
import Quantities
import Testing

/// Numbers that follow from a seed.
private struct Numbers: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }
}

/// The seed of this run: `NACYCLER_SEED`, or one that is the same every day.
private let seed = getenv("NACYCLER_SEED").flatMap { UInt64(String(cString: $0)) } ?? 20_260_101

/// A driver that writes what it hears, and says some of everything that a driver can say.
private struct Echo: InstrumentDriver {
  static let descriptor = InstrumentDescriptor(family: "echo", baudRate: 9_600, matches: [], maturity: .emulatedOnly)
  static let safeStopBytes: [UInt8] = []
  var damagedMessages: Int { 0 }
  static func capabilities(ofModel name: String) -> InstrumentCapabilities? { nil }
  private var count: Int64 = 0
  init() {}

  mutating func handle(_ input: DriverInput, at now: HostInstant, into outputs: inout DriverOutputs) {
    count += 1
    switch input {
    case .bytes(let bytes):
      outputs.writes += bytes
      outputs.events += TranscriptTextTests.events
      outputs.wakeAt = now + TimeSpan(microseconds: count)
    case .command(_, .begin(let setpoint)): outputs.events.append(.began(channel: 3, setpoint.token))
    case .opened, .tick, .command(_, .openCircuit): outputs.wakeAt = now + TimeSpan(seconds: 1)
    case .lost: outputs.events.append(.circuit(channel: 0, .unknown))
    }
  }
}

/// Texts that are no transcripts, the line that is told, and what is told of it. Those that begin with a moment or an end stand
/// below a header.
private let spoiled: [(text: String, line: Int, reason: String)] = [
  ("", 1, "begins with `# nacycler transcript 1`"),
  ("hello\n", 1, "a line is a sign"),
  ("# nacycler transcript 2\n", 1, "begins with"),
  ("# nacycler transcript 1\r\n", 1, "CR LF"),
  ("# nacycler transcript 1\n# instrument: x\n", 2, "`# family: …` is expected"),
  ("@ 0 tick\n", 6, "the first thing that happens is `opened`"),
  ("@ 0 opened\n@ 5\n", 8, "was cut"),
  ("@ 0 opened\n@ 5 opend\n", 7, "comes `opened`"),
  ("@ 0 opened\n< a\n", 7, "after their moment"),
  ("@ 5 opened\n@ 4\n", 7, "before the one above"),
  ("@ 0 opened\n= x\n> y\n", 8, "in this order"),
  ("@ 0 opened\n@ 1\n< \\q\n", 8, "is no escape"),
  ("@ 0 opened\n@ 1\n< \\x1\n", 8, "two hexadecimal digits"),
  ("@ 0 opened\n@ 1\n< é\n", 8, "no printable"),
  (". over\n", 6, "nothing happened"),
  ("@ 0 opened\n. over\n# more\n", 8, "the last one"),
  ("@ 0 opened\n@ 1 channel 256 open_circuit\n", 7, "from 0 to 255"),
  ("@ 0 opened\n@ 1 channel 0 close_circuit\n", 7, "a command is"),
  ("@ 0 opened\n@ 1 channel 0 begin run=1 step=1 mode=current current_pA=0\n", 7, "never zero"),
  ("@ 0 opened\n@ 1 channel 0 begin run=0\n", 7, "run= takes a whole number from 1"),
  ("@ 0 opened\n@ 1 channel 0 begin run=1 mode=open\n", 7, "step= is expected in the place of `mode=open`"),
]

private let top =
  "# nacycler transcript 1\n# family: echo\n# instrument: x\n# version: 1\n# recorded: emulated\n"

@Suite struct TranscriptTextTests {
  private static let fault = Fault(.linkGarbage, "\"odd\" \\ words,\nµ")
  private static let token = SetpointToken(run: .max, stepCount: 2)
  private static let reading = Reading(time: TimeSpan(seconds: 1), voltage: nil, current: Current(count: -5), range: 7)

  /// One of each.
  fileprivate static let events: [DriverEvent] = [
    .identified(
      InstrumentIdentity(
        family: "echo", model: "E \"1\"", serial: "", firmware: "1.0", capabilities: .observer(of: [.temperature]))),
    .began(channel: 0, token), .circuitClosed(channel: 0, at: .zero), .circuitMarkLost(channel: 1, at: .zero),
    .holdBegan(channel: 0, at: TimeSpan(count: 7)), .reading(channel: 0, reading),
    .impedance(
      channel: 0,
      ImpedancePoint(
        time: .zero, frequency: Frequency(count: 1), real: Resistance(count: 2), imaginary: Resistance(count: -3))),
    .circuitOpened(channel: 0, at: .zero), .ended(channel: 0, token, .cutOff(1)),
    .ended(channel: 0, token, .bound(fault)),
    .ended(channel: 0, token, .leaseExpired), .ended(channel: 0, token, .requested),
    .ended(channel: 0, token, .failed(fault)), .refused(channel: 0, token, fault),
    .orphanEnded(channel: 0, token, lastReading: reading, circuitOpenedAt: nil, end: .requested),
    .orphanEnded(channel: 0, token, lastReading: nil, circuitOpenedAt: .zero, end: nil), .circuit(channel: 0, .closed),
    .circuit(channel: 0, .openLeaseExpired(UnixInstant(microseconds: 9))), .temperature(Temperature(count: -1)),
    .fault(channel: nil, fault), .fault(channel: 2, fault),
  ]

  private static let header = InstrumentTranscript.Header(
    family: "echo", instrument: "an echo, 5 µV", version: "1", recorded: "emulated", note: "a \\ note ")

  /// A set-point of each mode, with all kinds of ends.
  private static func setpoints(_ numbers: inout Numbers) -> [Setpoint] {
    func some(_ most: Int64) -> Int64 { Int64.random(in: 1...most, using: &numbers) }
    let current = Current(count: some(1_000_000_000) * (some(2) == 1 ? 1 : -1))
    let voltage = Voltage(count: some(9_000_000_000) - 4_500_000_000)
    var spectrum = ImpedanceSpectrum(
      amplitude: Voltage(count: some(1_000)), from: Frequency(count: 5), to: Frequency(count: 5 + some(9_999)),
      pointsPerDecade: 3, currentAtMost: Current(count: some(99)), mayPlate: some(2) == 1)
    spectrum.points = Int32(1 + some(99))
    let profile = CurrentProfile(rows: [
      .init(current: current, duration: TimeSpan(count: some(99_999))),
      .init(current: .zero, duration: TimeSpan(count: 1)),
    ])
    let most = Current(count: some(1_000))
    let modes: [Setpoint.Mode] = [
      .openCircuit, .constantCurrent(current), .constantCurrentThenVoltage(current, voltage), .constantVoltage(voltage),
      .demand(CurrentDemand(direction: .charge, law: .power(Power(count: some(99))), currentAtMost: most), from: .zero),
      .demand(
        CurrentDemand(direction: .discharge, law: .resistance(Resistance(count: some(99))), currentAtMost: most),
        from: most),
      .sweep(
        .init(
          from: voltage, to: [voltage + Voltage(count: some(9)), voltage], rate: VoltageRate(count: some(99)), ownEnd: 1
        )),
      .profile(profile, ownEnd: 0), .impedance(.init(spectrum, around: voltage, ownEnd: 3)),
    ]
    let ends = [
      CutOff(quantity: .voltage, comparison: .atMost, threshold: -some(99), onlyInHold: false),
      CutOff(quantity: .currentMagnitude, comparison: .below, threshold: some(99), onlyInHold: true),
      CutOff(quantity: .time, comparison: .atLeast, threshold: some(99), onlyInHold: false),
      CutOff(quantity: .holdTime, comparison: .above, threshold: some(99), onlyInHold: true),
    ]
    return modes.map {
      Setpoint(
        token: SetpointToken(run: some(.max), stepCount: Int32(some(99))), mode: $0, cutOffs: ends,
        bounds: Bounds(
          lowerVoltage: -voltage, upperVoltage: voltage, currentMagnitude: Current(count: some(99)),
          duration: TimeSpan(count: some(99))),
        readingInterval: TimeSpan(count: some(99)), rangeCurrent: Current(count: some(99)), lease: .zero,
        settle: TimeSpan(count: some(99)))
    }
  }

  /// A course of everything: the bytes in random pieces, all 256 values among them.
  private static func entries(_ numbers: inout Numbers) -> [DriverTranscript.Entry] {
    var entries: [DriverTranscript.Entry] = [.opened, .received((0...255).map { UInt8($0) }), .received([0x20])]
    entries += setpoints(&numbers).map { .command(channel: Int.random(in: 0...255, using: &numbers), .begin($0)) }
    for _ in 0..<20 {
      let count = Int.random(in: 1...40, using: &numbers)
      entries.append(.received((0..<count).map { _ in UInt8.random(in: 0...255, using: &numbers) }))
      entries.append(.tick(after: .zero))
    }
    return entries + [.command(channel: 0, .openCircuit), .lost, .opened, .lost]
  }

  private static func written(_ entries: [DriverTranscript.Entry], _ numbers: inout Numbers) -> [UInt8] {
    var writer = TranscriptWriter(header)
    var driver = Echo()
    var now = HostInstant(microseconds: 77_000_000)
    for entry in entries {
      if entry == .opened { driver = Echo() }
      var outputs = DriverOutputs()
      func give(_ input: DriverInput) {
        driver.handle(input, at: now, into: &outputs)
        writer.turn(input, at: now, outputs)
      }
      switch entry {
      case .opened: give(.opened)
      case .command(let channel, let command): give(.command(channel: channel, command))
      case .received(let bytes): bytes.withUnsafeBytes { give(.bytes($0)) }
      case .tick: give(.tick)
      case .lost: give(.lost)
      }
      if Bool.random(using: &numbers) { writer.remark("a remark\nµ") }
      now = now + TimeSpan(microseconds: Int64.random(in: 0...2_000_000, using: &numbers))
      if Bool.random(using: &numbers) { writer.mark(now) }
    }
    writer.end("enough\n")
    return writer.text
  }

  @Test func whatIsWrittenIsReadAndReplayed() throws {
    for round in 0..<50 as Range<UInt64> {
      var numbers = Numbers(state: seed &+ round)
      let entries = Self.entries(&numbers)
      let text = Self.written(entries, &numbers)
      let transcript = try InstrumentTranscript(text)
      #expect(transcript.header == Self.header && transcript.ending == "enough\n", "seed \(seed), round \(round)")
      #expect(transcript.turns.map(\.input) == entries, "seed \(seed), round \(round)")
      #expect(TranscriptReplay.differences(in: transcript) { Echo() } == [], "seed \(seed), round \(round)")
      #expect(text.allSatisfy { $0 == 0x0A || (0x20...0x7E).contains($0) })
      #expect(
        !String(decoding: text, as: UTF8.self).contains(" \n"), "no line ends in a space, which editors take away")
    }
  }

  /// What one read of the port gave may be very many lines; what each costs is in docs/benchmarks.md.
  @Test func manyShortLinesAreOneInput() throws {
    let lines = 100_000
    let text =
      Array((top + "@ 0 opened\n@ 5\n").utf8) + Array(repeatElement(Array("< a\\n\n".utf8), count: lines).joined())
    let transcript = try InstrumentTranscript(text + Array(". over\n".utf8))
    #expect(transcript.turns.count == 2)
    guard case .received(let bytes) = try #require(transcript.turns.last).input else {
      Issue.record("no bytes")
      return
    }
    #expect(bytes.count == 2 * lines && bytes.prefix(4) == [0x61, 0x0A, 0x61, 0x0A])
  }

  @Test func aTranscriptThatWasCutIsFoundOut() throws {
    var numbers = Numbers(state: seed)
    let text = Self.written(Array(Self.entries(&numbers).prefix(4)), &numbers)
    for end in 0..<text.count {
      let problem = #expect(throws: InstrumentTranscript.Problem.self) { try InstrumentTranscript(Array(text[..<end])) }
      let line = try #require(problem?.line)
      let lines = text[..<end].count { $0 == 0x0A }
      #expect((1...lines + 1).contains(line), "\(problem.map { "\($0)" } ?? "") at byte \(end)")
    }
  }

  /// Whatever is done to it, the reader says what is wrong or reads something, and a replay of that comes to its end.
  @Test func damageIsToldAndNeverFatal() throws {
    var numbers = Numbers(state: seed)
    let text = Self.written(Array(Self.entries(&numbers).prefix(14)), &numbers)
    let lines = text.split(separator: 0x0A)
    var refused = 0
    func attempt(_ damaged: [UInt8]) {
      do throws(InstrumentTranscript.Problem) {
        let transcript = try InstrumentTranscript(damaged)
        _ = TranscriptReplay.differences(in: transcript) { Echo() }
      } catch {
        refused += 1
        #expect(error.line >= 1 && !error.reason.isEmpty)
      }
    }
    for index in lines.indices {
      var without = lines
      without.remove(at: index)
      attempt(Array(without.joined(separator: [0x0A])) + [0x0A])
      var twice = lines
      twice.insert(lines[index], at: index)
      attempt(Array(twice.joined(separator: [0x0A])) + [0x0A])
      var shorter = lines
      shorter[index] = shorter[index].dropLast(Int.random(in: 1...lines[index].count, using: &numbers))
      attempt(Array(shorter.joined(separator: [0x0A])) + [0x0A])
    }
    for _ in 0..<2_000 {
      var damaged = text
      for _ in 0..<Int.random(in: 1...4, using: &numbers) {
        damaged[Int.random(in: damaged.indices, using: &numbers)] =
          Bool.random(using: &numbers)
          ? UInt8.random(in: 0...255, using: &numbers) : UInt8.random(in: 0x20...0x7E, using: &numbers)
      }
      attempt(damaged)
    }
    #expect(refused > 1_000, "seed \(seed)")
  }

  /// What a person is told of a file that is not as it was written.
  @Test(arguments: spoiled) func aProblemNamesItsLine(_ spoiled: (text: String, line: Int, reason: String)) throws {
    let hasTop = spoiled.text.hasPrefix("@") || spoiled.text.hasPrefix(".")
    let text = Array(((hasTop ? top : "") + spoiled.text).utf8)
    let problem = try #require(
      #expect(throws: InstrumentTranscript.Problem.self) { try InstrumentTranscript(text) })
    #expect(problem.line == spoiled.line && problem.reason.contains(spoiled.reason), "\(problem)")
  }
}
