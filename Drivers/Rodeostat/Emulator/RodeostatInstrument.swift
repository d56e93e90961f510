// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The instrument's side of the line, from the published sources of its firmware: lines of JSON, a clock of 200 µs that
// sets the voltage and reads the current, three switches. It knows nothing of any host. The analogue half (what a
// converter's end and an open loop do to a cell) is not in those sources and is assumed.

public import VirtualLab

/// A Rodeostat with a cell between its working electrode and the other two.
public struct RodeostatInstrument: EmulatedInstrument {
  /// Microseconds of the firmware's clock.
  static let tick: UInt64 = 200
  /// Seconds from a line's end to its answer. Unverified: nobody measured it.
  static let answerTime = 0.001
  /// Bytes that it keeps of lines that it has not read yet.
  private static let inputRoom = 2_000
  /// USB packets have this size; messages that fill whole ones are seen late.
  private static let packet = 64

  /// Which board it is.
  public let board: RodeostatBoard
  /// Whether it neither hears nor says anything.
  public var isMute = false
  /// Commands that it acknowledges and does not carry out.
  public var ignored: Set<String> = []
  /// Commands that it refuses, with this message.
  public var refused: [String: String] = [:]
  /// Its voltage lies this far, in volts, from what its converter should give.
  public var voltageError = 0.0
  /// Whether its clock stands still, as after a crash of its processor; nothing ends then, and nothing is answered.
  public var isHung = false
  /// Seconds since it was switched on first.
  public private(set) var time = 0.0
  /// The cell.
  public private(set) var cell: any VirtualCell

  /// What is wrong with it.
  var fault: MeterFault?
  var deviceID: UInt32
  var voltRange = ConverterRange.volts[0]
  var referenceRange: ConverterRange
  var currentRange: ConverterRange
  var outputCode = RodeostatBoard.mostOutput / 2
  var switches = ElectrodeSwitches()
  var connectsByItself = true
  var samplePeriod: UInt64 = 10_000
  var tests: [VoltageTest]
  var multiplexer = MultiplexerState()
  /// Which test runs, or ran last.
  var testPlace: Int?
  private var testStart: Double?
  private var ticks: UInt64 = 0
  private var filter = CurrentFilter()
  private var averages = StairAverages()
  private var owesEnd = false
  private var samples: [UInt8] = []
  private var input: [UInt8] = []
  private var withheld: [UInt8] = []
  private var answerDue: Double?
  private var ledger: CellLedger

  /// An instrument that was just switched on.
  public init(
    board: RodeostatBoard = RodeostatBoard(), deviceID: UInt32 = 0, cell: any VirtualCell,
    plateauThreshold: Double? = nil
  ) {
    self.board = board
    self.deviceID = deviceID
    self.cell = cell
    ledger = CellLedger(plateauThreshold: plateauThreshold)
    currentRange = board.current.standardRange
    referenceRange = ConverterRange.volts[board.hasSwitches ? 0 : 3]
    tests = VoltageTest.Course.allCases.map { VoltageTest($0) }
    switches.set(!board.hasSwitches)
  }

  /// What has passed through the cell.
  public func cellTruth(channel: Int) -> CellTruth { ledger.truth }

  /// How the firmware writes a number.
  public static func text(of value: Float) -> String { FirmwareText.written(value) }

  /// Whether current can flow through the cell.
  public var isClosed: Bool { switches.counter && switches.working }

  /// Whether a test runs.
  public var isTesting: Bool { testStart != nil }

  /// The end of the test under way.
  public var hostDeadline: Double? {
    guard let testStart, let testPlace, !isHung else { return nil }
    return testStart + Double(tests[testPlace].doneTime) / 1e6
  }

  /// It wakes up with its electrodes disconnected, and with its factory settings.
  public mutating func powerCycle() {
    let (time, ledger, error, fault) = (time, ledger, voltageError, fault)
    self = RodeostatInstrument(board: board, deviceID: deviceID, cell: cell)
    self.time = time
    self.ledger = ledger
    voltageError = error
    self.fault = fault
  }

  // MARK: - The line

  /// Bytes came from the host, as one message.
  public mutating func receive(_ bytes: UnsafeRawBufferPointer) {
    guard !isMute, !isHung else { return }
    withheld.append(contentsOf: bytes)
    if board.processor == .itsyBitsy, !bytes.isEmpty, bytes.count % Self.packet == 0,
      withheld.count < 4 * Self.packet
    {
      return
    }
    input.append(contentsOf: withheld.prefix(max(Self.inputRoom - input.count, 0)))
    withheld = []
    if answerDue == nil, input.contains(0x0A) { answerDue = time + Self.answerTime }
  }

  private mutating func answer(_ output: inout [UInt8]) {
    answerDue = nil
    guard let end = input.firstIndex(of: 0x0A) else { return }
    let request = FirmwareParser.object(in: input[..<end])
    let text = reply(to: request)
    input.removeSubrange(...end)
    if !isMute { output.append(contentsOf: (text + "\r\n").utf8) }
    if input.contains(0x0A) { answerDue = time + Self.answerTime }
  }

  private mutating func say(_ output: inout [UInt8]) {
    if owesEnd { samples.append(contentsOf: "{}\r\n".utf8) }
    owesEnd = false
    if !isMute { output.append(contentsOf: samples) }
    samples.removeAll(keepingCapacity: true)
  }

  // MARK: - Time

  /// Lets time pass until `limit` or until there is nothing to do.
  public mutating func run(until limit: Double, output: inout [UInt8], outputLimit: Int) -> EmulatorPause {
    while true {
      say(&output)
      if output.count >= outputLimit { return .outputFull }
      if isHung || (answerDue == nil && testStart == nil) { return .idle }
      let next = min(answerDue ?? .infinity, nextTick ?? .infinity)
      guard next <= limit else {
        pass(to: limit)
        return .reachedLimit
      }
      pass(to: next)
      if let testStart, let nextTick, nextTick <= next {
        advanceTest(to: UInt64(((next - testStart) * 1e6 / Double(Self.tick)).rounded()))
      }
      if let answerDue, answerDue <= next { answer(&output) }
    }
  }

  /// Lets idle time pass.
  public mutating func rest(until limit: Double) { pass(to: limit) }

  private mutating func pass(to moment: Double) {
    while time < moment {
      let step = min(moment - time, isClosed ? 0.02 : 60)
      let drive = drive
      let before = cell
      cell.advance(seconds: step, drive: drive)
      let end = moment - time <= step ? moment : time + step
      ledger.enter(
        from: before, before.voltage(under: drive), at: time, to: cell, cell.voltage(under: drive), at: end)
      time = end
    }
  }

  // MARK: - The test

  /// The tick at which the next thing happens: the voltage moves, a sample is due, the test is over. Between them
  /// nothing changes but the cell, which is looked at every five milliseconds for the filter's sake.
  private var nextTick: Double? {
    guard let testStart, let testPlace else { return nil }
    let test = tests[testPlace]
    let now = ticks * Self.tick
    var until = now + min(test.steadyTime(from: now, tick: Self.tick), 5_000)
    let fraction = test.isStair ? Self.tick : 0
    until = min(until, (now - min(now, fraction)) / samplePeriod * samplePeriod + samplePeriod + fraction)
    until = min(until, max(test.doneTime, now + Self.tick))
    let count = max(ticks + 1, (until + Self.tick - 1) / Self.tick)
    return testStart + Double(count * Self.tick) / 1e6
  }

  private mutating func advanceTest(to count: UInt64) {
    guard let testPlace else { return }
    let test = tests[testPlace]
    let steps = Int(count - ticks)
    ticks = count
    let moment = count * Self.tick
    setVolt(test.level(at: moment))
    let code = currentCode
    filter.take(current(ofCode: code), steps: steps)
    if test.isStair { averages.take(filter.value, test, at: moment, steps: steps, tick: Self.tick) }
    let offset = test.isStair ? Self.tick : 0
    if moment >= samplePeriod, (moment - offset) % samplePeriod == 0, moment > offset {
      addSample(test, moment, isAtEnd: code == 0 || code == board.mostInput)
    }
    if moment >= test.doneTime { stopTest() }
  }

  private mutating func addSample(_ test: VoltageTest, _ moment: UInt64, isAtEnd: Bool) {
    var sample = FirmwareObject()
    sample["t"] = .integer(Int64(UInt32(truncatingIfNeeded: moment / 1_000)))
    let since = moment - min(moment, test.quietTime)
    sample["v"] = .number(test.isStair ? test.stair(since) : test.level(at: moment))
    sample["i"] = .number(test.isStair ? averages.sample(test, at: moment) : filter.value)
    if let channel = multiplexer.nextChannel() { sample["n"] = .integer(Int64(channel)) }
    if isAtEnd { sample["le"] = .truth(true) }
    var text = ""
    sample.write(into: &text)
    samples.append(contentsOf: (text + "\r\n").utf8)
  }

  /// Begins a test, whatever runs.
  mutating func startTest(_ place: Int) {
    testPlace = place
    let extent = tests[place].extent
    if let range = ConverterRange.holding(extent.low, extent.high) {
      voltRange = range
      if board.hasSwitches { referenceRange = range }
    }
    setVolt(tests[place].level(at: 0))
    if connectsByItself, board.hasSwitches { switches.set(true) }
    filter = CurrentFilter()
    averages = StairAverages()
    ticks = 0
    testStart = time
  }

  /// Ends the test; the electrodes follow where they were told to. Without a test it does the same.
  mutating func stopTest() {
    testStart = nil
    owesEnd = true
    if connectsByItself, board.hasSwitches { switches.set(false) }
  }

  // MARK: - The analogue half

  mutating func setVolt(_ volts: Float) { outputCode = voltRange.code(below: -volts, of: RodeostatBoard.mostOutput) }

  /// What its output converter stands for.
  var setVoltage: Float { -voltRange.level(outputCode, of: RodeostatBoard.mostOutput) }

  /// At a converter's end its amplifier is at its own end, some per cent beyond, and lets no more through. Unverified.
  private static let headroom = 1.1

  var drive: CellDrive {
    guard isClosed else { return .open }
    let most = Double(currentRange.fullScale) * 1e-6 * Self.headroom
    // Without its reference the loop is open and goes to its end. Unverified.
    guard switches.reference else { return .voltage(setVoltage < 0 ? -11 : 11, currentLimit: most) }
    return .voltage(Double(setVoltage) + voltageError, currentLimit: most)
  }

  private var currentCode: Int {
    let microamperes = shownAmperes(cell.current(under: drive)) * 1e6
    return currentRange.code(measured: board.hasSwitches ? -microamperes : microamperes, of: board.mostInput)
  }

  private func current(ofCode code: Int) -> Float {
    let level = currentRange.level(code, of: board.mostInput)
    return board.hasSwitches ? -level : level
  }

  /// Microamperes, as the input converter finds them now.
  var measuredCurrent: Float { current(ofCode: currentCode) }

  /// Volts between working and reference electrode, as the input converter finds them now. With either of them
  /// disconnected it is taken to find none; unverified.
  var measuredReference: Float {
    let isConnected = switches.reference && switches.working
    let code = referenceRange.code(
      measured: isConnected ? shownVolts(cell.voltage(under: drive)) : 0, of: board.mostInput)
    return referenceRange.level(code, of: board.mostInput)
  }
}
