// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The instrument as a host sees it: commands in, lines out. It interprets the language and knows nothing of the
// scripts that any particular host sends.

public import VirtualLab

/// An emulated instrument of the MethodSCRIPT family with one virtual cell.
///
/// `run` stops once at `hostDeadline` (half, three quarters and the end of the running measurement loop's run time, and
/// of the longest since the host last spoke where the script begins its loops anew) with `.hostDeadline`, a microsecond
/// before it; the next call without an intervening `receive` passes it. While no script runs, or while the script is
/// halted, `run` answers `.idle` and leaves the time alone; `rest(until:)` moves it.
public struct MethodSCRIPTInstrument: EmulatedInstrument {
  /// Bytes of a line that the instrument takes, without the line feed.
  private static let longestLine = ScriptCompiler.longestLine
  /// How long it is deaf after an error: 50 ms.
  private static let deafness: Int64 = 50_000_000

  /// What the host is in the middle of.
  private enum Reception: Sendable {
    case commands
    /// Script lines up to an empty one; then it runs, or not.
    case script([[UInt8]], runs: Bool)
  }

  private let profile: MethodSCRIPTProfile
  private let serial: String
  private let instructionTime: Int64
  var potentiostat: Potentiostat
  private(set) var clock: Int64 = 0
  private var deafUntil: Int64 = 0
  private var reception = Reception.commands
  private var line: [UInt8] = []
  /// Bytes of script lines so far; what is beyond the memory is counted and not kept.
  private var scriptSize = 0
  /// Answers that `run` has not handed out yet.
  private var answers: [UInt8] = []
  private var loaded: CompiledScript?
  private var machine: ScriptMachine?
  private var isHalted = false

  /// An instrument that was just switched on, with the cell disconnected.
  ///
  /// - Parameters:
  ///   - profile: the model.
  ///   - serial: what it answers to `i`.
  ///   - cell: the cell between its terminals.
  ///   - converters: what stands between the cell and the numbers on the wire.
  ///   - plateauThresholdVolts: charge below that voltage is counted as plateau charge in the truth; nil counts none.
  ///   - instructionSeconds: virtual time that each instruction takes; at least a microsecond is taken.
  ///   - seed: for the converters' noise.
  public init(
    profile: MethodSCRIPTProfile, serial: String, cell: any VirtualCell, converters: ConverterModel,
    plateauThresholdVolts: Double?, instructionSeconds: Double = 0.001, seed: UInt64
  ) {
    self.profile = profile
    self.serial = serial
    instructionTime = max(Self.nanoseconds(instructionSeconds), 1_000)
    potentiostat = Potentiostat(
      profile: profile, cell: cell, converters: Converters(converters, seed: seed),
      plateauThreshold: plateauThresholdVolts)
  }

  private static func nanoseconds(_ seconds: Double) -> Int64 {
    guard seconds > 0 else { return 0 }
    return seconds < 9.2e9 ? Int64((seconds * 1e9).rounded()) : Int64.max / 2
  }

  /// Virtual seconds since power-on.
  public var time: Double { Double(clock) / 1e9 }

  /// The end of the running measurement loop's run time, in virtual seconds; nil when none runs or the host has ended it
  /// already.
  public var hostDeadline: Double? {
    guard !isHalted, let deadline = machine?.hostDeadline else { return nil }
    return Double(deadline) / 1e9
  }

  /// Whether the cell is connected.
  public var isCellOn: Bool { potentiostat.isCellOn }

  /// Whether an impedance loop is at a point.
  public var isMeasuringImpedance: Bool { machine?.activeLoop?.spectrum != nil }

  /// Whether a script runs or is halted.
  public var isScriptRunning: Bool { machine != nil }

  /// Power is cut and comes back. The clock goes on; the cell is disconnected and keeps its state.
  public mutating func powerCycle() {
    potentiostat.reset(at: clock)
    deafUntil = clock
    reception = .commands
    line.removeAll()
    answers.removeAll()
    loaded = nil
    machine = nil
    isHalted = false
  }

  /// What passed through the cell's terminals up to the present time; the instrument has channel 0 only.
  public func cellTruth(channel: Int) -> CellTruth {
    guard channel == 0 else { return CellTruth() }
    var upToDate = potentiostat
    upToDate.settle(at: clock)
    return upToDate.recorder.truth
  }
}

// MARK: - Time

extension MethodSCRIPTInstrument {
  /// Lets virtual time pass until `limit`, which should be finite: a script may compute for ever without a word.
  public mutating func run(until limit: Double, output: inout [UInt8], outputLimit: Int) -> EmulatorPause {
    output.append(contentsOf: answers)
    answers.removeAll(keepingCapacity: true)
    let end = Self.nanoseconds(limit)
    if machine == nil || isHalted { return runIdle(until: end) }
    guard let stop = machine?.run(until: end, potentiostat: &potentiostat, output: &output, outputLimit: outputLimit)
    else { return .idle }
    clock = max(clock, machine?.now ?? clock)
    switch stop {
    case .reachedLimit: return .reachedLimit
    case .outputFull: return .outputFull
    case .hostDeadline: return .hostDeadline
    case .finished: machine = nil
    case .failed(let code, let line):
      machine = nil
      output.append(contentsOf: "!\(code.digits): Line \(line)\n".utf8)
      deafUntil = clock + Self.deafness
    }
    output.append(UInt8(ascii: "\n"))
    return output.count >= outputLimit ? .outputFull : runIdle(until: end)
  }

  /// Without a running script only the deaf time after an error passes by itself.
  private mutating func runIdle(until end: Int64) -> EmulatorPause {
    guard deafUntil > clock else { return .idle }
    clock = max(clock, min(deafUntil, end))
    return deafUntil > clock ? .reachedLimit : .idle
  }

  /// Lets time pass while nothing runs. The cell rests, or stays driven when a script left it on.
  public mutating func rest(until limit: Double) {
    guard machine == nil || isHalted else { return }
    clock = max(clock, Self.nanoseconds(limit))
    machine?.rest(until: clock)
  }
}

// MARK: - Bytes from the host

extension MethodSCRIPTInstrument {
  /// Takes bytes, in whatever pieces they come. XON, XOFF and carriage returns are dropped.
  public mutating func receive(_ bytes: UnsafeRawBufferPointer) {
    if !bytes.isEmpty { machine?.hostSpoke() }
    for byte in bytes {
      guard clock >= deafUntil else {
        line.removeAll(keepingCapacity: true)
        return
      }
      switch byte {
      case 0x11, 0x13, 0x0D: continue
      case 0x0A:
        let complete = line
        line.removeAll(keepingCapacity: true)
        take(complete)
      default:
        // One byte more than fits is kept, so that the line is known to be too long.
        if line.count <= Self.longestLine { line.append(byte) }
      }
    }
  }

  private mutating func take(_ line: [UInt8]) {
    switch reception {
    case .commands: obey(line)
    case .script(var lines, let runs):
      guard !line.isEmpty else {
        reception = .commands
        finishReception(lines, runs: runs)
        return
      }
      reception = .commands
      scriptSize += line.count + 1
      // Beyond the memory nothing is kept but one line more, which the compiler then refuses.
      if scriptSize - line.count - 1 <= ScriptCompiler.largestScript { lines.append(line) }
      reception = .script(lines, runs: runs)
    }
  }

  private mutating func finishReception(_ lines: [[UInt8]], runs: Bool) {
    let letter = runs ? "e" : "l"
    do throws(ScriptRefusal) {
      let script = try ScriptCompiler.compile(lines, for: profile)
      if potentiostat.fault?.kind == .refusing {
        throw ScriptRefusal(code: .wrongCommunicationMode, line: 1, column: 1)
      }
      loaded = script
      answer(letter)
      if runs { start(script) }
    } catch {
      loaded = nil
      refuse(letter, "\(error.code.digits): Line \(error.line), Col \(error.column)")
    }
  }

  private mutating func start(_ script: CompiledScript) {
    machine = ScriptMachine(script, at: clock, instructionTime: instructionTime)
    isHalted = false
  }

  private mutating func answer(_ text: String) { answers.append(contentsOf: (text + "\n").utf8) }

  private mutating func refuse(_ letter: String, _ text: String) {
    answer("\(letter)!\(text)")
    deafUntil = clock + Self.deafness
  }

  private mutating func obey(_ line: [UInt8]) {
    guard !line.isEmpty else {
      answer("")
      return
    }
    let command = String(decoding: line, as: UTF8.self)
    let letter = (0x21...0x7E).contains(line[0]) ? String(Unicode.Scalar(line[0])) : "?"
    guard line.count <= Self.longestLine else { return refuse(letter, ErrorCode.lineTooLong.digits) }
    if machine != nil {
      obeyWhileRunning(command, letter)
    } else {
      obeyWhileIdle(command, letter)
    }
  }

  private mutating func obeyWhileRunning(_ command: String, _ letter: String) {
    switch command {
    case "t": answerFirmware()
    case "h":
      isHalted = true
      answer("h")
    case "H":
      isHalted = false
      answer("H")
    case "Z":
      isHalted = false
      if potentiostat.fault?.kind != .liar { machine?.abort() }
      answer("Z")
    case "Y":
      if potentiostat.fault?.kind == .liar {
        answer("Y")
      } else if machine?.abortMeasurementLoop() == true {
        answer("Y")
      } else {
        refuse("Y", ErrorCode.wrongCommunicationMode.digits)
      }
    default: refuse(letter, ErrorCode.wrongCommunicationMode.digits)
    }
  }

  private mutating func obeyWhileIdle(_ command: String, _ letter: String) {
    switch command {
    case "t": answerFirmware()
    case "i": answer("i" + serial)
    case "v": answer("v" + profile.languageVersion)
    case "m": refuse("m", ErrorCode.notMultichannel.digits)
    case "CC": answer("CC" + CapabilityMask.communication(profile))
    case "CM": answer("CM" + CapabilityMask.language(profile))
    case "e": beginReception(runs: true)
    case "l": beginReception(runs: false)
    case "r":
      guard let loaded else { return refuse("r", ErrorCode.noScriptLoaded.digits) }
      answer("r")
      start(loaded)
    case "h", "H", "Z", "Y", "R": refuse(letter, ErrorCode.wrongCommunicationMode.digits)
    default:
      let isRegister = letter == "G" || letter == "S"
      refuse(letter, (isRegister ? ErrorCode.unknownRegister : .unknownCommunicationCommand).digits)
    }
  }

  private mutating func beginReception(runs: Bool) {
    reception = .script([], runs: runs)
    scriptSize = 0
  }

  private mutating func answerFirmware() {
    answer("t" + profile.firmware)
    answer("R*")
  }
}
