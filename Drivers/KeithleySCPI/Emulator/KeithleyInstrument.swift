// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The instrument's side of the line, from the maker's manuals and recorded answers, not from the driver.
// Bytes need the time that 9,600 bits per second give them, commands a few milliseconds, measurements two power-line
// cycles each; the cell is driven through all of it. The newer models have a line that takes no time.

public import VirtualLab

/// A SourceMeter with a cell at its output.
public struct KeithleyInstrument: EmulatedInstrument {
  /// Seconds that a byte takes at a 2400: ten bits.
  public static let byteTime = 10.0 / 9_600

  /// Which one it is.
  public let model: Model
  /// Its serial number.
  public let serial: String
  /// What it names itself in front of the serial number.
  public var maker: String
  /// The analogue half.
  public var meter: SourceMeter
  /// Whether it says nothing any more, and hears nothing.
  public var isMute = false
  /// Commands, as `OUTP` or `OUTP:SMOD`, that it takes without an error and does not carry out.
  public var ignored: Set<String> = []
  /// The error with which it refuses to switch on, as an interlock makes it: `+802,"OUTPUT blocked by output enable"`.
  public var isInterlocked = false
  /// The command set that a 2450 or 2460 understands; another one that is chosen is taken up after a power cut.
  public var language = Language.scpi
  /// What stands between the elements of a 2450's reading: its manual says a comma and a blank, its examples show a
  /// comma alone.
  public var elementSeparator = ","
  /// Whether a 2450 gives up the answer to a question when the next line comes, and says so in its event log, as a line
  /// that carries messages makes it.
  public var interruptsQuestions = false
  /// Seconds since it was switched on first.
  public private(set) var time = 0.0
  /// The cell.
  public internal(set) var cell: any VirtualCell

  /// What is wrong with it.
  var fault: MeterFault?
  var errors: [(Int, String)] = []
  /// What a 2450 or 2460 has besides.
  var interactive: InteractiveState
  var eventEnable = 0
  var clockZero = 0.0
  var elements = ["VOLT", "CURR", "RES", "TIME", "STAT"]
  var cycles = 1.0
  var isConcurrent = true
  var clearsOutput = false
  /// What is measured: `VOLT`, `CURR`, both.
  var measured: Set<String> = ["CURR"]
  private var input: [UInt8] = []
  private var job: Job?
  private var ledger: CellLedger

  /// A line that is being received and carried out.
  private struct Job: Sendable {
    var units: [Substring]
    var next = 0
    var path: [String] = []
    var answers: [String] = []
    /// When its next act is over.
    var until: Double
    /// What was said is on its way.
    var isSaying = false
    /// Another line came before it was answered.
    var isOvertaken = false
  }

  /// One that was just switched on, with a cell at its output.
  public init(
    _ model: Model = .model2400, serial: String, cell: any VirtualCell, plateauThreshold: Double? = nil
  ) {
    self.model = model
    self.serial = serial
    self.cell = cell
    maker = model.maker
    meter = SourceMeter(model)
    interactive = InteractiveState()
    ledger = CellLedger(plateauThreshold: plateauThreshold)
  }

  /// Nothing ends by itself: it has no lease.
  public var hostDeadline: Double? { nil }

  /// Bytes came from the host.
  public mutating func receive(_ bytes: UnsafeRawBufferPointer) {
    guard !isMute else { return }
    input.append(contentsOf: bytes)
    if interruptsQuestions { job?.isOvertaken = true }
  }

  /// What has passed through the cell.
  public func cellTruth(channel: Int) -> CellTruth { ledger.truth }

  /// It wakes up with its factory settings; its output is off, and off is a source of 0 V.
  public mutating func powerCycle() {
    meter.isOverdriven = fault?.kind == .overload
    input = []
    job = nil
    reset()
    errors = []
    clockZero = time
    language = interactive.nextLanguage ?? language
    interactive = InteractiveState()
    if model.isInteractive { eventEnable = 0 }
  }

  /// The settings of `*RST`.
  mutating func reset() {
    var meter = SourceMeter(model)
    meter.sourceGainError = self.meter.sourceGainError
    meter.sourceOffsetError = self.meter.sourceOffsetError
    meter.complianceError = self.meter.complianceError
    meter.isOverdriven = self.meter.isOverdriven
    self.meter = meter
    elements = ["VOLT", "CURR", "RES", "TIME", "STAT"]
    cycles = 1
    clearsOutput = false
    measured = ["CURR"]
    interactive.reset()
  }

  /// Its output goes off by itself, as when it is too hot or somebody presses the key.
  public mutating func tripOutput() { meter.isOn = false }

  // MARK: - Time

  /// Lets time pass until `limit` or until there is nothing to do.
  public mutating func run(until limit: Double, output: inout [UInt8], outputLimit: Int) -> EmulatorPause {
    while true {
      if job == nil, !beginJob() { return .idle }
      guard let until = job?.until else { return .idle }
      if until > limit {
        pass(to: limit)
        return .reachedLimit
      }
      pass(to: until)
      advanceJob(&output)
      if output.count >= outputLimit { return .outputFull }
    }
  }

  /// Lets idle time pass.
  public mutating func rest(until limit: Double) { pass(to: limit) }

  private mutating func pass(to moment: Double) {
    while time < moment {
      // The output may go into its compliance at any time.
      let step = min(moment - time, meter.isOn ? 0.02 : 1)
      let drive = meter.drive(of: cell)
      let before = cell
      cell.advance(seconds: step, drive: drive)
      let end = moment - time <= step ? moment : time + step
      ledger.enter(
        from: before, before.voltage(under: drive), at: time, to: cell, cell.voltage(under: drive), at: end)
      time = end
    }
  }

  // MARK: - Lines

  private mutating func beginJob() -> Bool {
    guard let end = input.firstIndex(where: { $0 == 0x0A || $0 == 0x0D }) else { return false }
    let line = String(decoding: input[..<end], as: UTF8.self)
    input.removeSubrange(...end)
    // Scripts know no semicolons between common commands.
    let units = model.isInteractive && language == .tsp ? [line[...]] : Self.units(of: line)
    var job = Job(units: units, until: time + Double(line.utf8.count + 1) * model.byteTime)
    var path: [String] = []
    // What is short is done while the next bytes come.
    if let first = job.units.first.flatMap({ ScpiUnit($0, path: &path) }), first.isMeasurement || model.isInteractive {
      job.until += duration(of: first)
    }
    self.job = job
    return true
  }

  /// The units of a line; a semicolon in quotes separates nothing.
  private static func units(of line: String) -> [Substring] {
    var units: [Substring] = []
    var start = line.startIndex
    var quote: Character?
    for index in line.indices {
      let character = line[index]
      if character == quote {
        quote = nil
      } else if quote == nil, character == "'" || character == "\"" {
        quote = character
      }
      if character == ";", quote == nil {
        units.append(line[start..<index])
        start = line.index(after: index)
      }
    }
    units.append(line[start...])
    return units
  }

  private mutating func advanceJob(_ output: inout [UInt8]) {
    guard var job else { return }
    if job.isSaying {
      if job.isOvertaken {
        complain(-410, "Query interrupted")
      } else if !isMute {
        output.append(contentsOf: (job.answers.joined(separator: ";") + "\n").utf8)
      }
      self.job = nil
    } else if job.next < job.units.count {
      guard let unit = ScpiUnit(job.units[job.next], path: &job.path) else {
        job.next += 1
        self.job = job
        return
      }
      // Each is done when its time is over: the first has used its time for being received.
      let before = errors.count
      if let answer = carryOut(unit) { job.answers.append(answer) }
      // An interactive model leaves a line at the first command that it does not carry out.
      job.next = model.isInteractive && errors.count > before ? job.units.count : job.next + 1
      if job.next < job.units.count {
        var path = job.path
        let following = ScpiUnit(job.units[job.next], path: &path)
        job.until += following.map { duration(of: $0) } ?? 0
      }
      self.job = job
    } else if job.answers.isEmpty {
      self.job = nil
    } else {
      let bytes = job.answers.reduce(job.answers.count) { $0 + $1.utf8.count }
      job.until += Double(bytes) * model.byteTime
      job.isSaying = true
      self.job = job
    }
  }

  private func duration(of unit: ScpiUnit) -> Double {
    if model.isInteractive { return interactiveDuration(of: unit) }
    if unit.isMeasurement { return 2 * cycles / 50 + 0.012 }
    if unit.matches("OUTPut[:STATe]"), !unit.isQuery { return 0.006 }
    return 0.002
  }
}
