// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// `nafuzz --seconds N [--seed S] [--last FILE] FILE...`: damages protocol files for so long and hands them to the
// decoder, the compiler, the listing and the warnings. A crash ends the process with the damaged file in FILE; a file
// that takes too long, an accepted one that breaks a promise, or too much memory end it with 1. `make fuzz` runs it.

import CyclerModel
import CyclingProtocol
import Glibc
import Quantities

@main
struct Nafuzz {
  /// Longer for one file is a hang: no protocol that a person writes takes a hundredth of it.
  static let longestSeconds = 1.0
  /// The most memory of the whole process.
  static let mostMebibytes = 64.0

  static func main() {
    do {
      let order = try Order(CommandLine.arguments.dropFirst())
      var fuzz = try Fuzz(order)
      try fuzz.run()
    } catch {
      say("nafuzz: \(error)")
      exit(1)
    }
  }
}

/// What is asked for.
struct Order {
  var seconds = 10.0
  var seed = UInt64.random(in: .min ... .max)
  var last = "/dev/null"
  var files: [String] = []

  init(_ arguments: ArraySlice<String>) throws {
    var rest = arguments
    while let word = rest.popFirst() {
      switch word {
      case "--seconds": seconds = try Self.value(&rest, word, Double.init)
      case "--seed": seed = try Self.value(&rest, word) { UInt64($0) }
      case "--last": last = try Self.value(&rest, word) { $0 }
      default: files.append(word)
      }
    }
    guard !files.isEmpty else { throw Finding("name protocol files to begin from") }
  }

  private static func value<Value>(
    _ rest: inout ArraySlice<String>, _ option: String, _ read: (String) -> Value?
  ) throws -> Value {
    guard let text = rest.popFirst(), let value = read(text) else { throw Finding("\(option) needs a value") }
    return value
  }
}

/// What went wrong.
struct Finding: Error, CustomStringConvertible {
  var description: String
  init(_ description: String) { self.description = description }
}

/// The course of a fuzz.
struct Fuzz {
  private let order: Order
  private let last: Int32
  private var damage: Damage
  /// What is damaged: the files given, and damaged ones that are still protocols.
  private var pool: [[UInt8]]
  private let given: Int
  private var tried = 0
  private var accepted = 0
  private var longest = 0.0

  private static let poolLimit = 300
  private static let longestFile = 64 << 10

  init(_ order: Order) throws {
    self.order = order
    last = open(order.last, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard last >= 0 else { throw Finding("\(order.last) cannot be written") }
    pool = try order.files.map { try contents(of: $0) }
    given = pool.count
    damage = Damage(seed: order.seed, words: pool)
  }

  mutating func run() throws {
    say("seed \(order.seed), \(given) files")
    let end = seconds() + order.seconds
    while seconds() < end {
      let bytes = damage.damaged(damage.one(of: pool), with: pool)
      guard bytes.count <= Self.longestFile else { continue }
      keep(bytes)
      tried += 1
      let begun = processorSeconds()
      let isAccepted = try Self.judge(bytes)
      let took = processorSeconds() - begun
      longest = max(longest, took)
      guard took < Nafuzz.longestSeconds else { throw Finding("\(order.last) took \(took) s") }
      guard isAccepted else { continue }
      accepted += 1
      if pool.count < given + Self.poolLimit {
        pool.append(bytes)
      } else {
        pool[given + damage.below(Self.poolLimit)] = bytes
      }
    }
    try conclude()
  }

  /// The file that is tried, for whoever finds the process dead.
  private func keep(_ bytes: [UInt8]) {
    _ = bytes.withUnsafeBytes { pwrite(last, $0.baseAddress, $0.count, 0) }
    _ = ftruncate(last, off_t(bytes.count))
  }

  private func conclude() throws {
    let peak = try peakMebibytes()
    say(
      #"{"tried":\#(tried),"accepted":\#(accepted),"longest_ms":\#(longest * 1e3),"peak_mib":\#(peak),"seed":\#(order.seed)}"#
    )
    guard tried > 0, accepted > 0, accepted < tried else { throw Finding("nothing was accepted, or everything") }
    guard peak <= Nafuzz.mostMebibytes else { throw Finding("\(peak) MiB of memory") }
  }

  // MARK: - One file

  private static let values = CellValues(
    activeMass: Mass(micrograms: 1_200), area: Area(squareMillimetreThousandths: 113_100),
    nominalCapacity: Charge(ampereHours: 360e-6))

  private static let instrument = InstrumentLimits(
    voltage: VoltageWindow(from: Voltage(millivolts: -6_000), to: Voltage(millivolts: 6_000)),
    maximumCurrent: Current(amperes: 0.2), voltageErrorPartsPerMillion: 1_000,
    voltageOffsetError: Voltage(millivolts: 2), shortestReadingInterval: TimeSpan(milliseconds: 10),
    kinds: [.rest, .constantCurrent, .constantCurrentConstantVoltage, .constantVoltage],
    openCircuit: .disconnectedAndMeasured)

  /// Takes a file all the way; says whether it is a protocol.
  private static func judge(_ bytes: [UInt8]) throws -> Bool {
    switch ProtocolDecoder.decode(bytes) {
    case .failure(let found):
      try judge(found)
      return false
    case .success(let document):
      let written = document.values
      let values = CellValues(
        activeMass: written.activeMass ?? values.activeMass, area: written.area ?? values.area,
        nominalCapacity: written.nominalCapacity ?? values.nominalCapacity)
      switch document.compile(cell: values, instrument: instrument) {
      case .failure(let found):
        try judge(found)
        return false
      case .success(let program):
        try judge(program)
        guard !ProgramListing.lines(of: program, instrument: instrument, cell: values).isEmpty else {
          throw Finding("a program without a listing")
        }
        _ = ProgramListing.warnings(of: program, instrument: instrument)
        return true
      }
    }
  }

  /// A refusal names at least one problem, each with a place and words.
  private static func judge(_ found: ProtocolProblems) throws {
    guard !found.problems.isEmpty, found.problems.allSatisfy({ $0.line > 0 && !$0.message.isEmpty }) else {
      throw Finding("a refusal without place or reason: \(found)")
    }
  }

  /// What the engine builds on.
  private static func judge(_ program: Program) throws {
    guard program.instructions.last == .end, program.limits.lowerVoltage.soft < program.limits.upperVoltage.soft else {
      throw Finding("a program without end or window")
    }
    for step in program.steps {
      switch step.action {
      case .rest: break
      case .constantCurrent(let direction, let current), .constantCurrentConstantVoltage(let direction, let current, _):
        let limit = direction == .charge ? program.limits.chargeCurrent : program.limits.dischargeCurrent
        guard current > .zero, current.count <= limit.soft, direction != .none else {
          throw Finding("a current of \(current.shown()) beyond the limit, or without direction")
        }
      case .hold(_, _, let atMost):
        guard atMost > .zero else { throw Finding("a hold without a bound") }
      case .demand(let demand):
        let limit = demand.direction == .charge ? program.limits.chargeCurrent : program.limits.dischargeCurrent
        guard demand.currentAtMost > .zero, demand.currentAtMost.count <= limit.soft, demand.direction != .none else {
          throw Finding("a power or a resistance beyond the limit, or without a bound or direction")
        }
      case .sweep(let sweep):
        guard sweep.currentAtMost > .zero, sweep.rate > .zero, !sweep.to.isEmpty else {
          throw Finding("a sweep without a bound, a rate or a way")
        }
      case .profile(let profile):
        let limits = program.limits
        guard 1...CurrentProfile.mostRows ~= profile.rows.count, profile.largestCurrent > .zero,
          profile.rows.allSatisfy({
            $0.current.picoamperes <= limits.chargeCurrent.soft
              && -$0.current.picoamperes <= limits.dischargeCurrent.soft
          })
        else { throw Finding("a profile beyond a limit, or without rows") }
      case .impedance(let spectrum):
        guard spectrum.currentAtMost > .zero, spectrum.amplitude > .zero, spectrum.points >= 2,
          spectrum.frequencies.allSatisfy({ $0 > .zero })
        else {
          throw Finding("a spectrum without a bound, an amplitude or points")
        }
      }
      guard step.ends.contains(where: { $0.quantity == .stepTime || $0.quantity == .holdTime }) else {
        throw Finding("a step without an end in time")
      }
    }
  }
}

// MARK: - The system

func say(_ line: String) { print(line) }

func seconds() -> Double { seconds(of: CLOCK_MONOTONIC) }

/// The process's own: another's work on the machine is no hang.
func processorSeconds() -> Double { seconds(of: CLOCK_PROCESS_CPUTIME_ID) }

private func seconds(of clock: clockid_t) -> Double {
  var now = timespec()
  clock_gettime(clock, &now)
  return Double(now.tv_sec) + Double(now.tv_nsec) * 1e-9
}

func contents(of path: String) throws -> [UInt8] {
  guard let file = fopen(path, "rb") else { throw Finding("\(path) cannot be read") }
  defer { fclose(file) }
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 65_536)
  while case let count = fread(&buffer, 1, buffer.count, file), count > 0 { bytes += buffer.prefix(count) }
  return bytes
}

/// The most memory that the process has had, from the kernel.
func peakMebibytes() throws -> Double {
  let status = String(decoding: try contents(of: "/proc/self/status"), as: UTF8.self)
  guard let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
    let kibibytes = Double(
      line.split(separator: " ", omittingEmptySubsequences: true).dropFirst().first?.filter(\.isNumber) ?? "")
  else { throw Finding("the kernel does not say how much memory was used") }
  return kibibytes / 1_024
}
