// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The instrument's side of the line, as other people's clients describe it: commands that nothing answers, reports every
// two seconds, cut-offs of its own, no watchdog. It knows nothing of any host. What nobody has measured is marked.

public import VirtualLab

/// An emulated EBC tester at one cell.
public struct EBCInstrument: EmulatedInstrument {
  /// What it is doing.
  public enum State: UInt8, Sendable, Hashable {
    /// Nothing flows.
    case stopped = 0
    /// A current flows.
    case running = 1
    /// It ended by itself.
    case finished = 2
  }

  /// Nanoseconds of a turn of the regulator, in which cut-offs are judged. Unverified.
  private static let turn: Int64 = 100_000_000
  /// From report to report (GrizzlyFr, on an EBC-A05+).
  private static let reportPeriod: Int64 = 2_000_000_000
  /// A byte of eleven bits at 9600 bits per second.
  private static let byteTime: Int64 = 1_145_833
  /// From a command's last byte to its effect. Unverified.
  private static let commandTime: Int64 = 30_000_000
  /// Commands that come sooner after another are overlooked (sigrok's wiki: do not send fast). Unverified.
  private static let commandGap: Int64 = 100_000_000
  /// So many reports after `connect` have another status.
  private static let firstReports = 2

  /// Whether its line is dead: it neither hears nor speaks, and does as it was told.
  public var isMute = false
  /// Codes of commands that do not reach it.
  public var ignoredCodes: Set<UInt8> = []
  /// Whether the supply that a charge needs is there.
  public var hasSupply = true
  /// Volts by which its hold is too high.
  public var holdError = 0.0
  /// Volts that its meter reads too much.
  public var meterError = 0.0
  /// A model code that it reports instead of its own.
  public var reportedModel: UInt8?
  /// How many reports it is yet to spoil.
  public var reportsToSpoil = 0

  /// Which model it is.
  public let model: TesterModel
  /// What it is doing.
  public private(set) var state = State.stopped
  /// The mode of the present or the last program.
  public private(set) var mode: UInt8 = 0
  /// The present or the last program's three numbers, as it took them.
  public private(set) var numbers: [Int] = [0, 0, 0]
  /// The cell.
  public private(set) var cell: any VirtualCell
  /// What the commands were that it heard, in order.
  public private(set) var heard: [UInt8] = []

  /// What is wrong with it.
  var fault: MeterFault?
  /// Amperes that flow for each that is asked for.
  private let currentGain: Double
  private var ledger: PassedCharge
  private var clock: Int64 = 0
  private var nextTurnAt = turn
  private var nextReportAt: Int64?
  private var firstReportsLeft = 0
  private var received: [UInt8] = []
  private var hearsAgainAt: Int64 = 0
  private var due: [(at: Int64, code: UInt8, numbers: [Int])] = []
  private var sending: [(at: Int64, bytes: [UInt8])] = []
  private var startedAt: Int64 = 0
  private var passedCharge = 0.0

  /// An instrument that was just switched on: stopped, silent, with the cell at its terminals.
  ///
  /// - Parameters:
  ///   - model: which model.
  ///   - cell: what is connected.
  ///   - currentGain: amperes that flow for each that is asked for and measured.
  ///   - plateauThresholdVolts: charge below that voltage is counted as plateau charge in the truth; nil counts none.
  public init(
    _ model: TesterModel, cell: any VirtualCell, currentGain: Double = 1, plateauThresholdVolts: Double? = nil
  ) {
    self.model = model
    self.cell = cell
    self.currentGain = currentGain
    ledger = PassedCharge(plateauThreshold: plateauThresholdVolts)
  }

  /// Virtual seconds since power-on.
  public var time: Double { Double(clock) / 1e9 }
  /// It has no watchdog.
  public var hostDeadline: Double? { nil }
  /// What passed through the cell's terminals.
  public func cellTruth(channel: Int) -> CellTruth { channel == 0 ? ledger.truth : CellTruth() }

  /// Power is cut and comes back.
  public mutating func powerCycle() {
    halt(.stopped)
    mode = 0
    numbers = [0, 0, 0]
    nextReportAt = nil
    received.removeAll()
    due.removeAll()
    sending.removeAll()
    passedCharge = 0
  }

  /// Somebody presses its button: it stops, or does again what it did last.
  public mutating func pressButton() {
    if state == .running { halt(.stopped) } else { start(mode, numbers) }
  }

  // MARK: - Time

  /// Lets virtual time pass; see `EmulatedInstrument`.
  public mutating func run(until limit: Double, output: inout [UInt8], outputLimit: Int) -> EmulatorPause {
    let end = Int64((limit * 1e9).rounded())
    while clock < end {
      if nextReportAt == nil, due.isEmpty, sending.isEmpty, state != .running { return .idle }
      pass(to: nextEvent(before: end), &output)
      if output.count >= outputLimit { return .outputFull }
    }
    return .reachedLimit
  }

  /// Lets virtual time pass while nothing happens.
  public mutating func rest(until limit: Double) {
    var nothing: [UInt8] = []
    let end = Int64((limit * 1e9).rounded())
    while clock < end { pass(to: nextEvent(before: end), &nothing) }
  }

  private func nextEvent(before end: Int64) -> Int64 {
    var next = min(end, nextTurnAt)
    if let nextReportAt { next = min(next, nextReportAt) }
    for command in due { next = min(next, max(command.at, clock)) }
    if let first = sending.first { next = min(next, max(first.at, clock)) }
    return next
  }

  private mutating func pass(to next: Int64, _ output: inout [UInt8]) {
    drive(to: next)
    if clock >= nextTurnAt {
      nextTurnAt += Self.turn
      if state == .running { judge() }
    }
    while let first = due.first, first.at <= clock {
      due.removeFirst()
      obey(first.code, first.numbers)
    }
    if let at = nextReportAt, clock >= at {
      nextReportAt = at + Self.reportPeriod
      report()
    }
    while let first = sending.first, first.at <= clock {
      sending.removeFirst()
      if !isMute { output.append(contentsOf: first.bytes) }
    }
  }

  private mutating func drive(to next: Int64) {
    let seconds = Double(next - clock) / 1e9
    guard seconds > 0 else { return }
    let drive = drive
    let (charge, lost) = (cell.terminalCharge, cell.lostCharge)
    let before = cell.voltage(under: drive)
    cell.advance(seconds: seconds, drive: drive)
    let passed = cell.terminalCharge - charge
    passedCharge += passed.magnitude
    ledger.enter(
      charge: passed, lost: cell.lostCharge - lost, volts: (before + cell.voltage(under: drive)) / 2, from: time,
      to: Double(next) / 1e9)
    clock = next
  }

  // MARK: - Regulator

  /// What the present program does to the cell at this moment.
  var drive: CellDrive {
    guard state == .running else { return .open }
    switch mode {
    case 0: return .current(-Double(numbers[0]) * model.ampereStep * currentGain)
    case 1: return .current(-min(watts / loadedVolts, model.mostDischarge))
    case model.chargeMode: return charge
    default: return .open
    }
  }

  /// Watts in a count: whole ones, or, unverified, tenths.
  private var watts: Double { Double(numbers[0]) * (model == .a20 ? 1 : 0.1) }

  /// Volts of the cell while it gives the power: the current and its own fall of voltage settle in a few rounds.
  private var loadedVolts: Double {
    var volts = max(cell.voltage(under: .open), 0.1)
    for _ in 0..<4 { volts = max(cell.voltage(under: .current(-min(watts / volts, model.mostDischarge))), 0.1) }
    return volts
  }

  private var charge: CellDrive {
    let asked = Double(numbers[0]) * model.ampereStep * currentGain
    let held = Double(numbers[1]) / 100 + holdError
    if cell.voltage(under: .current(asked)) <= held { return .current(asked) }
    // A charger takes no current back.
    let hold = CellDrive.voltage(held, currentLimit: asked)
    return cell.current(under: hold) > 0 ? hold : .open
  }

  var measuredVolts: Double {
    let volts = cell.voltage(under: drive) + meterError
    return max(fault?.volts(volts) ?? volts, 0)
  }
  /// Amperes, as its meter has them: it is calibrated against the regulator's own error.
  var measuredAmperes: Double {
    let amperes = cell.current(under: drive).magnitude
    return fault?.amperes(amperes) ?? amperes
  }

  private mutating func judge() {
    let volts = measuredVolts
    let isDischarge = mode == 0 || mode == 1
    if isDischarge, volts <= Double(numbers[1]) / 100 { return halt(.finished) }
    if !isDischarge {
      if !hasSupply { return halt(.stopped) }
      // When the others end a charge is unverified.
      let least = model == .a20 ? Double(numbers[2]) * model.ampereStep : Double(numbers[0]) * model.ampereStep / 10
      if measuredAmperes <= least { return halt(.finished) }
    }
    let minutes = model == .a20 && !isDischarge ? 0 : numbers[2]
    if minutes > 0, clock - startedAt >= Int64(minutes) * 60_000_000_000 { halt(.finished) }
  }

  private mutating func halt(_ state: State) { self.state = state }

  private mutating func start(_ mode: UInt8, _ numbers: [Int]) {
    self.mode = mode
    self.numbers = numbers
    passedCharge = 0
    startedAt = clock
    guard mode <= 1 || hasSupply else { return halt(.stopped) }
    state = .running
  }

  // MARK: - Commands

  /// Bytes came from the host.
  public mutating func receive(_ bytes: UnsafeRawBufferPointer) {
    guard !isMute else { return }
    for byte in bytes {
      if byte == 0xFA {
        received = [byte]
      } else if !received.isEmpty {
        received.append(byte)
        if received.count == 10 {
          takeFrame(received)
          received.removeAll()
        }
      }
    }
  }

  private mutating func takeFrame(_ frame: [UInt8]) {
    guard frame[9] == 0xF8, frame[8] == Self.checksum(frame[1..<8]) else { return }
    let arrived = max(clock, due.last?.at ?? clock) + 10 * Self.byteTime
    guard arrived >= hearsAgainAt else { return }
    hearsAgainAt = arrived + Self.commandGap
    guard !ignoredCodes.contains(frame[1]), fault?.kind != .liar else { return }
    heard.append(frame[1])
    let numbers = stride(from: 2, to: 8, by: 2).map { Int(frame[$0]) * 240 + Int(frame[$0 + 1]) }
    due.append((arrived + Self.commandTime, frame[1], numbers))
  }

  private mutating func obey(_ code: UInt8, _ numbers: [Int]) {
    switch code {
    case 0x02: halt(.stopped)
    case 0x05:
      firstReportsLeft = Self.firstReports
      nextReportAt = clock
    case 0x06: nextReportAt = nil
    // Only a discharge with a constant current can be changed on its way.
    case 0x07: if state == .running, mode == 0 { self.numbers = numbers }
    case 0x01: start(0, numbers)
    case 0x11: start(1, numbers)
    case model.chargeCode: start(model.chargeMode, numbers)
    default: return
    }
  }

  // MARK: - Reports

  /// All bytes by exclusive or, without the high digit where that is F.
  private static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt8 { bytes.reduce(0, ^) % 240 }

  private static func pair(_ value: Double) -> [UInt8] {
    let count = Int(min(max(value.rounded(), 0), 57_599))
    return [UInt8(count / 240), UInt8(count % 240)]
  }

  /// Milliampere-hours up to 10 Ah; beyond in steps of 10, with a mark.
  private static func charge(_ coulombs: Double) -> [UInt8] {
    let milliampereHours = coulombs / 3.6
    guard milliampereHours >= 10_000 else { return pair(milliampereHours) }
    let bytes = pair(milliampereHours / 10 + 0x800)
    return [bytes[0] | 0x80, bytes[1]]
  }

  private mutating func report() {
    var status = state.rawValue * 10 + mode
    if firstReportsLeft > 0 {
      firstReportsLeft -= 1
      status += 100
    }
    var frame: [UInt8] = [0xFA, status]
    frame += Self.pair(measuredAmperes / model.ampereStep)
    frame += Self.pair(measuredVolts * 1_000)
    frame += Self.charge(passedCharge)
    frame += [0, 0]
    for number in numbers { frame += Self.pair(Double(number)) }
    frame.append(reportedModel ?? model.rawValue)
    frame.append(Self.checksum(frame[1...]))
    frame.append(0xF8)
    if reportsToSpoil > 0 {
      reportsToSpoil -= 1
      frame[4] ^= 0x11
    }
    sending.append((clock + Int64(frame.count) * Self.byteTime, frame))
  }
}
