// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The instrument's side of the line: bytes to messages, messages to chunks of the language, and time. A message waits while
// a chunk runs; only `abort`, which ends the chunk, and the trigger `*TRG`, which a waiting chunk can see, are noticed
// before. Bytes need the time of the line, instructions, measurements and the relay of the output theirs, and the cells
// are driven through all of it.

public import VirtualLab

/// A 2602B SourceMeter with two cells at its outputs.
public struct TSPInstrument: EmulatedInstrument {
  /// Seconds that an instruction of the language takes.
  static let instructionTime = 5e-6
  /// Seconds that setting or reading an attribute takes.
  static let attributeTime = 3e-4
  /// Seconds that the output's relay takes.
  static let relayTime = 4e-3
  /// So many virtual seconds after the host's last word the end of a wait may be the end of a lease.
  static let quietTime = 2.0
  /// As long as it could hold a chunk, a message is longer than its memory.
  private static let longestMessage = 65_536

  /// Its serial number.
  public let serial: String
  /// What it names itself, without serial number and firmware.
  public var maker = "Keithley Instruments Inc., Model 2602B"
  /// Its firmware's version.
  public var firmware = "3.4.1"
  /// Seconds that a byte takes on the line: at 9,600 bits per second at first, 0 for a socket.
  public var byteTime = 10.0 / 9_600
  /// The analogue halves of its channels.
  public var meters = [SourceMeterChannel(), SourceMeterChannel()]
  /// Whether it says nothing any more, and hears nothing.
  public var isMute = false
  /// Whether there is no room for another script.
  public var machineIsFull = false
  /// Attributes, such as `source.output` or `source.leveli`, that it takes without an error and does not set.
  public var ignored: Set<String> = []
  /// Seconds since it was switched on first.
  public internal(set) var time = 0.0
  /// The cells.
  public internal(set) var cells: [any VirtualCell]

  var machine = LuaMachine()
  var errors: [(Int, String)] = []
  /// Attributes that only keep their value.
  var kept: [String: LuaValue] = [:]
  var precision = 6
  var clockZero = 0.0
  var isTriggered = false
  private var ledgers: [CellLedger]

  // What comes from the host.
  private var arriving: [UInt8] = []
  private var message: [UInt8] = []
  private var nextByteAt = 0.0
  private var waiting: [String] = []
  /// The script that is being loaded: its name, if it has one, and its lines.
  private var loading: (name: String?, lines: [String])?
  /// The script without a name.
  var anonymous = LuaValue.none

  // What is done.
  var task = Task.nothing
  private var readyAt = 0.0

  // What goes to the host.
  private var leaving: [(at: Double, bytes: [UInt8])] = []
  private var lineFreeAt = 0.0

  private var heardAt = 0.0
  private var announcedAt = -Double.infinity

  /// What the machine stands still for.
  enum Task: Sendable {
    /// Nothing: it runs, or there is nothing to run.
    case nothing
    /// So long it waits, and then goes on with these results.
    case wait(until: Double, [LuaValue])
    /// The output of a channel changes, and then it goes on.
    case switchOutput(until: Double, channel: Int, isOn: Bool)
    /// In the middle of it the converter looks, at its end it goes on.
    case measure(at: Double, until: Double, channel: Int, InstrumentCommand)
    /// So long it waits for a trigger.
    case trigger(until: Double)
  }

  /// A 2602B that was just switched on, with a cell at each output.
  public init(serial: String, cells: (any VirtualCell, any VirtualCell), plateauThreshold: Double? = nil) {
    self.serial = serial
    self.cells = [cells.0, cells.1]
    ledgers = [CellLedger(plateauThreshold: plateauThreshold), CellLedger(plateauThreshold: plateauThreshold)]
    furnish()
  }

  // MARK: - Contract of the bench

  /// Bytes came from the host.
  public mutating func receive(_ bytes: UnsafeRawBufferPointer) {
    guard !isMute, !bytes.isEmpty else { return }
    if arriving.isEmpty { nextByteAt = max(time, nextByteAt) + byteTime }
    arriving.append(contentsOf: bytes)
    heardAt = time
  }

  /// What has passed through a cell.
  public func cellTruth(channel: Int) -> CellTruth {
    ledgers.indices.contains(channel) ? ledgers[channel].truth : CellTruth()
  }

  /// It wakes up with its factory settings and an empty memory; its outputs are off, and off is a source of 0 V.
  public mutating func powerCycle() {
    for channel in meters.indices { meters[channel].restoreSettings() }
    machine = LuaMachine()
    errors = []
    kept = [:]
    precision = 6
    clockZero = time
    isTriggered = false
    arriving = []
    message = []
    waiting = []
    loading = nil
    anonymous = .none
    task = .nothing
    leaving = []
    furnish()
  }

  /// The end of a wait or delay during which the host has been silent for a while.
  public var hostDeadline: Double? {
    let end: Double
    switch task {
    case .wait(let until, _): end = until
    case .trigger(let until): end = until
    case .nothing, .switchOutput, .measure: return nil
    }
    return end >= heardAt + Self.quietTime && end >= announcedAt + Self.quietTime ? end : nil
  }

  /// Lets time pass until `limit` or until there is nothing to do.
  public mutating func run(until limit: Double, output: inout [UInt8], outputLimit: Int) -> EmulatorPause {
    while true {
      deliver(&output)
      if output.count >= outputLimit { return .outputFull }
      startNextMessage()
      guard let next = nextEvent else { return .idle }
      if let deadline = hostDeadline, next >= deadline, limit >= deadline {
        announcedAt = deadline
        pass(to: max(time, deadline - 1e-6))
        return .hostDeadline
      }
      guard next <= limit else {
        pass(to: limit)
        return .reachedLimit
      }
      pass(to: next)
      act()
    }
  }

  /// Lets idle time pass.
  public mutating func rest(until limit: Double) { pass(to: limit) }

  /// An error that the instrument finds by itself.
  mutating func complain(_ number: Int, _ words: String) {
    // As much as its queue holds (from memory).
    if errors.count < 100 { errors.append((number, words)) }
  }

  /// A line for the host.
  mutating func say(_ text: String) {
    let bytes = Array((text + "\n").utf8)
    lineFreeAt = max(time, lineFreeAt) + Double(bytes.count) * byteTime
    if !isMute { leaving.append((lineFreeAt, bytes)) }
  }

  // MARK: - Time

  /// When the next thing happens by itself.
  private var nextEvent: Double? {
    var next = Double.infinity
    if !arriving.isEmpty { next = min(next, nextByteAt) }
    if let first = leaving.first { next = min(next, first.at) }
    if let ready = taskEvent { next = min(next, ready) }
    return next == .infinity ? nil : max(next, time)
  }

  private var taskEvent: Double? {
    switch task {
    case .nothing: machine.isRunning ? readyAt : nil
    case .wait(let until, _), .switchOutput(let until, _, _): until
    case .measure(let at, _, _, _): at
    case .trigger(let until): isTriggered ? time : until
    }
  }

  private mutating func act() {
    while !arriving.isEmpty, nextByteAt <= time { takeByte() }
    guard let ready = taskEvent, ready <= time else { return }
    goOn()
  }

  private mutating func pass(to moment: Double) {
    while time < moment {
      // A source may reach its limit at any time.
      let isDriving = meters.indices.contains { meters[$0].drive(of: cells[$0]) != .open }
      let step = min(moment - time, isDriving ? 0.02 : 1)
      let end = moment - time <= step ? moment : time + step
      for channel in cells.indices { drive(channel, for: step, until: end) }
      time = end
    }
  }

  private mutating func drive(_ channel: Int, for step: Double, until end: Double) {
    let drive = meters[channel].drive(of: cells[channel])
    let before = cells[channel]
    cells[channel].advance(seconds: step, drive: drive)
    ledgers[channel].enter(
      from: before, before.voltage(under: drive), at: time, to: cells[channel], cells[channel].voltage(under: drive),
      at: end)
  }

  private mutating func deliver(_ output: inout [UInt8]) {
    while let first = leaving.first, first.at <= time {
      output.append(contentsOf: first.bytes)
      leaving.removeFirst()
    }
  }

  // MARK: - Messages

  private mutating func takeByte() {
    let byte = arriving.removeFirst()
    nextByteAt += byteTime
    guard byte == 0x0A else {
      if byte != 0x0D, message.count < Self.longestMessage { message.append(byte) }
      return
    }
    var text = String(decoding: message, as: UTF8.self)
    message.removeAll(keepingCapacity: true)
    while text.last == " " { text.removeLast() }
    while text.first == " " { text.removeFirst() }
    take(text)
  }

  private mutating func take(_ text: String) {
    if loading != nil {
      if text == "endscript" { endLoading() } else { loading?.lines.append(text) }
    } else if text == "abort" {
      abort()
    } else if text.lowercased() == "*trg" {
      isTriggered = true
    } else if !text.isEmpty {
      waiting.append(text)
    }
  }

  /// Whatever runs is over; outputs stay as they are.
  private mutating func abort() {
    if case .switchOutput(_, let channel, let isOn) = task { switchOutput(channel, isOn) }
    machine.stop()
    task = .nothing
    waiting = []
    isTriggered = false
  }

  private mutating func startNextMessage() {
    while !machine.isRunning, !waiting.isEmpty {
      let text = waiting.removeFirst()
      if text.hasPrefix("*") {
        takeCommon(text.lowercased())
      } else if text == "loadscript" || text.hasPrefix("loadscript ") {
        beginLoading(text)
      } else {
        begin(text)
      }
    }
  }

  private mutating func beginLoading(_ text: String) {
    let name = text.dropFirst("loadscript".count).drop { $0 == " " }.prefix { $0 != "(" }
    loading = (name.isEmpty ? nil : String(name), [])
    // Lines of it may have come already.
    let behind = waiting
    waiting = []
    for line in behind { take(line) }
  }

  private mutating func endLoading() {
    guard let script = loading else { return }
    loading = nil
    guard !machineIsFull else { return complain(-225, "Out of memory") }
    do throws(LuaSyntaxError) {
      let function = try machine.load(script.lines.joined(separator: "\n"))
      if let name = script.name { machine.setGlobal(name, function) } else { anonymous = function }
    } catch {
      complain(-285, "TSP Syntax error: \(error.words)")
    }
  }

  private mutating func begin(_ text: String) {
    do throws(LuaSyntaxError) {
      try machine.begin(text)
      readyAt = time + Self.attributeTime
    } catch {
      complain(-285, "TSP Syntax error: \(error.words)")
    }
  }

  private mutating func takeCommon(_ text: String) {
    switch text {
    case "*idn?": say("\(maker), \(serial), \(firmware)")
    case "*opc?": say("1")
    case "*tst?": say("0")
    case "*rst": reset()
    case "*cls", "*wai", "*opc": break
    default: complain(-285, "TSP Syntax error: unexpected symbol near `*'")
    }
  }

  // MARK: - Chunks

  /// The moment came for which the machine stood still.
  private mutating func goOn() {
    switch task {
    case .nothing: break
    case .wait(_, let values): machine.answer(values)
    case .switchOutput(_, let channel, let isOn):
      switchOutput(channel, isOn)
      machine.answer([])
    case .measure(_, let until, let channel, let command):
      task = .wait(until: until, measured(command, channel))
      return
    case .trigger:
      let wasTriggered = isTriggered
      isTriggered = false
      machine.answer([.boolean(wasTriggered)])
    }
    task = .nothing
    let (stop, instructions) = machine.run(atMost: 200)
    readyAt = time + Double(instructions) * Self.instructionTime
    follow(stop)
  }

  private mutating func follow(_ stop: LuaMachine.Stop) {
    switch stop {
    case .finished, .spent: return
    case .failed(let words): complain(-286, "TSP Runtime error: \(words)")
    case .get(let object, let channel, let key):
      task = .wait(until: readyAt + Self.attributeTime, [value(of: object, channel, key)])
    case .set(let object, let channel, let key, let value):
      task = .wait(until: readyAt + Self.attributeTime, [])
      set(object, channel, key, value)
    case .call(let command, let channel, let arguments):
      task = .wait(until: readyAt, [])
      call(command, channel, arguments)
    }
  }

  /// The relay's time is over.
  private mutating func switchOutput(_ channel: Int, _ isOn: Bool) {
    if !isIdleByFault(channel) { meters[channel].isOn = isOn }
  }

  /// When the instruction that asks begins.
  var startsAt: Double { readyAt }

  /// Ends the chunk with an error.
  mutating func fail(_ number: Int, _ words: String) {
    machine.stop()
    task = .nothing
    complain(number, words)
  }
}
