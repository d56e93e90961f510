// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The instrument's side of the line, written from the protocol in Drivers/Template/README.md and not from the driver: it answers
// whoever speaks the protocol, in whatever order. When copying, replace `receive`, `obey` and `answer` by your instrument's
// protocol, `drive` by its regulator, and keep the rest: every moment of virtual time passes through the cell.

public import VirtualLab

/// The template's instrument with a cell at its leads.
public struct TemplateInstrument: EmulatedInstrument {
  /// Seconds that a command takes, and a measurement.
  private static let commandTime = 0.001
  private static let measurementTime = 0.02
  /// The longest line that it keeps, in bytes.
  private static let roomForLine = 64
  /// So many lines may wait; more are lost.
  private static let roomForRequests = 16
  /// The cell is looked at at least so often while current flows, in seconds.
  private static let step = 0.02
  /// Amperes at the end of each range.
  private static let fullScales = [1e-3, 10e-3]
  /// Its amplifier goes so far beyond a range, and beyond 10 V, and its converters a little less far.
  private static let headroom = 1.05
  private static let converterEnd = 1.04

  /// What it regulates.
  enum Target: Sendable, Hashable {
    case current(Double)
    case voltage(Double)
  }

  /// A line that waits for its turn, and what was so when its turn came.
  private struct Request: Sendable {
    var line: InstrumentLine
    var begun: (at: Double, charge: Double, voltSeconds: Double)?
  }

  private let serial: String
  /// Seconds since it was switched on first.
  public private(set) var time = 0.0
  /// The cell.
  public private(set) var cell: any VirtualCell
  /// Whether its output is on.
  public private(set) var isOn = false
  /// What is wrong with it.
  var fault: MeterFault?
  private var range = 1
  private var target = Target.current(0)
  private var leaseSeconds: Double?
  private var leaseEndsAt = 0.0
  private var hasLeaseEnded = false
  private var received: [UInt8] = []
  private var requests: [Request] = []
  private var voltSeconds = 0.0
  private var ledger: CellLedger
  /// The deadline at which it has paused.
  private var pausedAt: Double?

  /// An instrument that was just switched on; charge below `plateauThreshold` volts counts as plateau charge in the truth, nil
  /// counts none.
  public init(serial: String, cell: any VirtualCell, plateauThreshold: Double? = nil) {
    self.serial = serial
    self.cell = cell
    ledger = CellLedger(plateauThreshold: plateauThreshold)
  }

  /// What has passed through the cell.
  public func cellTruth(channel: Int) -> CellTruth { channel == 0 ? ledger.truth : CellTruth() }

  /// The end of the lease, while the output is on.
  public var hostDeadline: Double? { isOn ? leaseEndsAt : nil }

  /// It wakes up with its output off and no lease.
  public mutating func powerCycle() {
    self = Self(serial: serial, cell: cell, time: time, ledger: ledger, fault: fault)
  }

  private init(serial: String, cell: any VirtualCell, time: Double, ledger: CellLedger, fault: MeterFault?) {
    self.init(serial: serial, cell: cell)
    self.time = time
    self.ledger = ledger
    self.fault = fault
  }

  // MARK: - Lines

  /// Bytes of the host.
  public mutating func receive(_ bytes: UnsafeRawBufferPointer) {
    for byte in bytes {
      if byte != 0x0A {
        // One that is too long is damaged, whatever comes behind.
        if received.count <= Self.roomForLine { received.append(byte) }
        continue
      }
      if requests.count < Self.roomForRequests, let line = InstrumentLine(received) {
        requests.append(Request(line: line))
      }
      received.removeAll(keepingCapacity: true)
    }
  }

  /// The answer to a line, once its time is over.
  private mutating func answer(_ request: Request) -> [UInt8] {
    let answer: String
    switch (request.line.word, request.line.value) {
    case ("ID?", nil): answer = "ID TEMPLATE-1 1.4 \(serial)"
    case ("MEASURE?", nil): answer = measurement(since: request)
    case (let word, let value): answer = obey(word, value).map { "ERR \($0)" } ?? "OK"
    }
    return InstrumentLine.bytes("\(request.line.number) \(answer)")
  }

  /// Carries a command out; its error word where it does not.
  private mutating func obey(_ word: String, _ value: Int?) -> Int? {
    if fault?.kind == .refusing { return 3 }
    let before = self
    let error = change(word, value)
    // A liar says what it always says.
    if fault?.kind == .liar { self = before }
    return error
  }

  private mutating func change(_ word: String, _ value: Int?) -> Int? {
    switch (word, value) {
    case ("OFF", nil): isOn = false
    case ("ON", nil):
      guard leaseSeconds != nil, time < leaseEndsAt else { return 3 }
      isOn = true
      hasLeaseEnded = false
    case ("RANGE", let number?):
      guard !isOn else { return 3 }
      guard (1...Self.fullScales.count).contains(number) else { return 2 }
      range = number
    case ("CURRENT", let nanoamperes?):
      guard nanoamperes.magnitude <= 10_000_000 else { return 2 }
      target = .current(Double(nanoamperes) * 1e-9)
    case ("VOLTAGE", let microvolts?):
      guard microvolts.magnitude <= 10_000_000 else { return 2 }
      target = .voltage(Double(microvolts) * 1e-6)
    case ("LEASE", let tenths?):
      guard (1...6_000).contains(tenths) else { return 2 }
      leaseSeconds = Double(tenths) / 10
      leaseEndsAt = time + Double(tenths) / 10
    default: return 1
    }
    return nil
  }

  /// What its converters have found on average while they measured.
  private func measurement(since request: Request) -> String {
    let since = request.begun ?? (time, cell.terminalCharge, voltSeconds)
    let seconds = max(time - since.at, 1e-9)
    let volts = shown((voltSeconds - since.voltSeconds) / seconds, end: 10 * Self.converterEnd, .volts)
    let amperes = shown((cell.terminalCharge - since.charge) / seconds, end: fullScale * Self.converterEnd, .amperes)
    let status = (isOn ? 1 : 0) + (volts.isBeyond ? 2 : 0) + (amperes.isBeyond ? 4 : 0) + (hasLeaseEnded ? 8 : 0)
    return "M \(InstrumentLine.integer(volts.value * 1e6)) \(InstrumentLine.integer(amperes.value * 1e9)) \(status)"
  }

  // MARK: - The analogue half

  private var fullScale: Double { Self.fullScales[range - 1] }

  /// What the amplifier does to the cell.
  var drive: CellDrive {
    guard isOn else { return .open }
    let (mostAmperes, mostVolts) = (fullScale * Self.headroom, 10 * Self.headroom)
    switch target {
    case .voltage(let volts): return .voltage(volts, currentLimit: mostAmperes)
    case .current(let wanted):
      let amperes = min(max(wanted, -mostAmperes), mostAmperes)
      let volts = cell.voltage(under: .current(amperes))
      return volts.magnitude <= mostVolts
        ? .current(amperes) : .voltage(volts < 0 ? -mostVolts : mostVolts, currentLimit: amperes.magnitude)
    }
  }

  // MARK: - Time

  /// Lets time pass until the next answer, or until `limit`.
  public mutating func run(until limit: Double, output: inout [UInt8], outputLimit: Int) -> EmulatorPause {
    while true {
      if output.count >= outputLimit { return .outputFull }
      guard isOn || !requests.isEmpty else { return .idle }
      begin()
      let due = requests.first?.begun.map { $0.at + Self.duration(requests[0].line) } ?? .infinity
      let next = min(due, limit)
      if let deadline = hostDeadline, next >= deadline, pausedAt != deadline {
        pausedAt = deadline
        return .hostDeadline
      }
      pass(to: next)
      guard due <= limit else { return .reachedLimit }
      output += answer(requests.removeFirst())
    }
  }

  /// Lets time pass while nothing flows.
  public mutating func rest(until limit: Double) { pass(to: limit) }

  private static func duration(_ line: InstrumentLine) -> Double {
    line.word == "MEASURE?" ? measurementTime : commandTime
  }

  /// Begins with the line that has waited longest.
  private mutating func begin() {
    guard !requests.isEmpty, requests[0].begun == nil else { return }
    requests[0].begun = (time, cell.terminalCharge, voltSeconds)
  }

  private mutating func pass(to moment: Double) {
    while time < moment {
      var end = min(moment, time + (isOn ? Self.step : 60))
      if isOn { end = min(end, max(leaseEndsAt, time)) }
      let drive = drive
      let before = cell
      cell.advance(seconds: end - time, drive: drive)
      let (from, to) = (before.voltage(under: drive), cell.voltage(under: drive))
      ledger.enter(from: before, from, at: time, to: cell, to, at: end)
      voltSeconds += (from + to) / 2 * (end - time)
      time = end
      if isOn, time >= leaseEndsAt {
        isOn = false
        hasLeaseEnded = true
      }
    }
  }
}
