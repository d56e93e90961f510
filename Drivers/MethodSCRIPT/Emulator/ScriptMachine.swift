// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Carries out a compiled script against a potentiostat on virtual time. It knows nothing of communication: it is told
// how far time may go and says why it stopped.
//
// Every instruction acts at the beginning of its execution time and then lets that time pass, with the cell driven.
// Times are whole nanoseconds since power-on, so that sums of them are exact.

import VirtualLab

/// A running script.
struct ScriptMachine: Sendable {
  /// Values in one package.
  static let largestPackage = 32

  /// Why `run` returned.
  enum Stop: Sendable, Hashable {
    case reachedLimit
    case outputFull
    case hostDeadline
    case finished
    /// A runtime error: the script is over, `on_finished:` did not run, the cell stays as it was.
    case failed(ErrorCode, line: Int)
  }
  /// The measurement loop that runs.
  struct ActiveLoop: Sendable {
    var start: Int64
    var interval: Int64
    /// When its run time is over; this is the host's deadline.
    var end: Int64
    /// Samples taken or begun.
    var count: Int64 = 0
    /// Where it continues when it ends.
    var exit: Int32 = 0
    /// Whether the host asked for its end.
    var isAborted = false
  }

  let script: CompiledScript
  private let cost: Int64
  var values: ContiguousArray<ScriptValue>
  private(set) var counter = 0
  /// Virtual time.
  private(set) var now: Int64
  /// When the next instruction may begin.
  private var readyAt: Int64
  private(set) var activeLoop: ActiveLoop?
  /// Whether the loop waits for its next sample or for its end, so that the host can end it at once.
  private var isWaiting = false
  private var isFinishing = false
  private var timerStart: Int64
  private var package: [UInt8] = []
  private var packageCount = 0
  private var isInPackage = false
  private var sendsOutput = true
  /// The deadline at which `run` stopped once already.
  private var announcedDeadline: Int64?

  /// A script about to begin. `instructionTime` is in nanoseconds, at least one microsecond.
  init(_ script: CompiledScript, at now: Int64, instructionTime: Int64) {
    self.script = script
    cost = instructionTime
    values = ContiguousArray(script.initialValues)
    self.now = now
    readyAt = now
    timerStart = now
    package.reserveCapacity(512)
  }

  /// When the running measurement loop's time is over, while that still lies ahead and a host could end it sooner.
  /// Half and three quarters of that time are deadlines too: a host that prolongs a measurement does so in good time
  /// and may have to ask again, and an instrument whose time races ahead of its host's must let it.
  var hostDeadline: Int64? {
    guard let activeLoop, !activeLoop.isAborted, activeLoop.end > now else { return nil }
    let announced = announcedDeadline ?? .min
    for quarters in 2...3 {
      let deadline = activeLoop.start + (activeLoop.end - activeLoop.start) * Int64(quarters) / 4
      if deadline > now, deadline > announced { return deadline }
    }
    return activeLoop.end
  }

  /// Ends the measurement loop at the next sample or, while it waits for one, now. False when none runs.
  mutating func abortMeasurementLoop() -> Bool {
    guard let exit = activeLoop?.exit else { return false }
    activeLoop?.isAborted = true
    if isWaiting {
      isWaiting = false
      counter = Int(exit)
      readyAt = now
    }
    return true
  }

  /// Goes on with `on_finished:`, or ends when there is none or it runs already.
  mutating func abort() {
    guard !isFinishing else { return }
    isFinishing = true
    counter = script.onFinished ?? script.instructions.count - 1
    activeLoop = nil
    isWaiting = false
    isInPackage = false
    readyAt = now
  }

  /// A byte came from the host, so that the deadline is worth stopping at again.
  mutating func hostSpoke() { announcedDeadline = nil }

  /// Lets time pass without carrying anything out, as while the script is halted.
  mutating func rest(until limit: Int64) { now = max(now, limit) }
}

// MARK: - Running

extension ScriptMachine {
  /// Carries out instructions that begin at `limit` or sooner.
  mutating func run(
    until limit: Int64, potentiostat: inout Potentiostat, output: inout [UInt8], outputLimit: Int
  ) -> Stop {
    let instructions = script.instructions
    return instructions.withUnsafeBufferPointer { code in
      do throws(ErrorCode) {
        while true {
          if output.count >= outputLimit { return .outputFull }
          if let stop = stop(before: limit) { return stop }
          now = max(now, readyAt)
          readyAt = now + cost
          let instruction = code[counter]
          counter += 1
          if case .finish = instruction { return .finished }
          try perform(instruction, on: &potentiostat, output: &output)
        }
      } catch {
        return .failed(error, line: Int(script.lines[counter - 1]))
      }
    }
  }

  /// Whether the next instruction lies beyond the limit, or at the host's deadline for the first time.
  @inline(__always) private mutating func stop(before limit: Int64) -> Stop? {
    if let deadline = hostDeadline, readyAt >= deadline, limit >= deadline, announcedDeadline != deadline {
      announcedDeadline = deadline
      now = max(now, deadline - 1_000)
      return .hostDeadline
    }
    if readyAt > limit {
      now = max(now, limit)
      return .reachedLimit
    }
    return nil
  }

  @inline(__always) private mutating func perform(
    _ instruction: Instruction, on potentiostat: inout Potentiostat, output: inout [UInt8]
  ) throws(ErrorCode) {
    switch instruction {
    case .store(let destination, let from, let type):
      var value = values[Int(from.slot)]
      value.type = type
      values[try place(destination)] = value
    case .copy(let from, let to): values[try place(to)] = values[try place(from)]
    case .arithmetic(let operation, let destination, let source):
      let place = try place(destination)
      try ScriptArithmetic.apply(operation, to: &values[place], with: values[try self.place(source)])
    case .convert(let conversion, let operand): try ScriptArithmetic.apply(conversion, to: &values[try place(operand)])
    case .retype(let operand, let type): values[try place(operand)].type = type
    case .branch(let relation, let left, let right, let otherwise):
      if !(try holds(relation, left, right)) { counter = Int(otherwise) }
    case .jump(let target): jump(to: target)
    case .breakLoop(let target): counter = Int(target)
    case .beginLoop:
      readyAt = now
      if sendsOutput { Self.append("L\n", to: &output) }
    case .testLoop(let relation, let left, let right, let exit):
      if !(try holds(relation, left, right)) { counter = Int(exit) }
    case .endLoop:
      readyAt = now
      if sendsOutput { Self.append("+\n", to: &output) }
    case .beginMeasurement(let index): try begin(script.loops[Int(index)], on: &potentiostat, output: &output)
    case .awaitSample(let exit): awaitSample(exit: exit)
    case .sample(let index): try sample(script.loops[Int(index)], on: &potentiostat)
    case .endMeasurement:
      readyAt = now
      activeLoop = nil
      isWaiting = false
      if sendsOutput { Self.append("*\n", to: &output) }
    case .wait(let duration): readyAt += try nanoseconds(duration)
    case .awaitMeasurement(let duration):
      let span = try nanoseconds(duration)
      guard span > 0 else { throw .mustBePositive }
      readyAt = now + span
    case .startTimer: timerStart = now
    case .getTimer(let operand):
      values[try place(operand)] = ScriptValue(Double(now - timerStart) / 1e9, .time)
    case .send(let index): try send(script.texts[Int(index)], output: &output)
    case .beginPackage: try beginPackage()
    case .addToPackage(let operand): try addToPackage(operand)
    case .endPackage: try endPackage(output: &output)
    case .setOutput(let isOn): sendsOutput = isOn
    case .nothing: break
    case .abort: abortFromWithin()
    case .finish: break
    case .measure, .setMode, .setBandwidth, .setRange, .setAutoranging, .setVoltage, .setCurrent, .cellOn, .cellOff:
      try performOnHardware(instruction, on: &potentiostat)
    }
  }

  private mutating func performOnHardware(
    _ instruction: Instruction, on potentiostat: inout Potentiostat
  ) throws(ErrorCode) {
    switch instruction {
    case .setMode(let mode): potentiostat.setMode(mode, at: now)
    case .setBandwidth(let operand): if try number(operand) < 0 { throw .mustNotBeNegative }
    case .setRange(let quantity, let low, let high):
      try potentiostat.setRange(quantity, low: try number(low), high: try number(high), at: now)
    case .setAutoranging(let quantity, let low, let high):
      try potentiostat.setAutoranging(quantity, low: try number(low), high: try number(high), at: now)
    case .setVoltage(let operand): try potentiostat.apply(voltage: try number(operand), at: now)
    case .setCurrent(let operand): try potentiostat.apply(current: try number(operand), at: now)
    case .cellOn: try potentiostat.cellOn(at: now)
    case .cellOff: potentiostat.cellOff(at: now)
    case .measure(let quantity, let destination):
      values[try place(destination)] = measure(quantity, on: &potentiostat, isLate: false)
    case .store, .copy, .arithmetic, .convert, .retype, .branch, .jump, .breakLoop, .beginLoop, .testLoop, .endLoop,
      .beginMeasurement, .awaitSample, .sample, .endMeasurement, .wait, .awaitMeasurement, .startTimer, .getTimer,
      .send, .beginPackage,
      .addToPackage, .endPackage, .setOutput, .nothing, .abort, .finish:
      preconditionFailure("not a command to the potentiostat")
    }
  }

  private mutating func jump(to target: Int32) {
    readyAt = now
    counter = Int(target)
  }

  /// `abort` in the script: `on_finished:` follows, unless this is it.
  private mutating func abortFromWithin() {
    if isFinishing {
      counter = script.instructions.count - 1
    } else {
      abort()
    }
  }
}

// MARK: - Measurement loops

extension ScriptMachine {
  private mutating func begin(
    _ loop: MeasurementLoop, on potentiostat: inout Potentiostat, output: inout [UInt8]
  ) throws(ErrorCode) {
    let interval = try nanoseconds(loop.interval)
    let runTime = try nanoseconds(loop.runTime)
    guard interval > 0, runTime > 0 else { throw .mustBePositive }
    switch loop.technique {
    case .openCircuit:
      guard !potentiostat.isCellOn else { throw .openCircuitWithCellOn }
    case .potentiometry:
      guard potentiostat.mode == .galvanostat else { throw .wrongMode }
      guard potentiostat.isCellOn else { throw .needsCellOn }
      if let setValue = loop.setValue { try potentiostat.apply(current: try number(setValue), at: now) }
    case .amperometry:
      guard potentiostat.mode != .galvanostat, potentiostat.mode != .off else { throw .wrongMode }
      guard potentiostat.isCellOn else { throw .needsCellOn }
      if let setValue = loop.setValue { try potentiostat.apply(voltage: try number(setValue), at: now) }
    }
    activeLoop = ActiveLoop(start: now, interval: interval, end: now + runTime)
    announcedDeadline = nil
    readyAt = now
    if sendsOutput { Self.append(loop.technique.announcement, to: &output) }
  }

  /// Decides whether another sample belongs to the loop, and waits for its time.
  private mutating func awaitSample(exit: Int32) {
    readyAt = now
    guard var loop = activeLoop else {
      counter = Int(exit)
      return
    }
    loop.exit = exit
    let next = loop.start + (loop.count + 1) * loop.interval
    if loop.isAborted || now >= loop.end {
      counter = Int(exit)
    } else if next > loop.end {
      readyAt = loop.end
      counter = Int(exit)
      isWaiting = true
    } else {
      loop.count += 1
      readyAt = max(now, next)
      isWaiting = true
    }
    activeLoop = loop
  }

  private mutating func sample(_ loop: MeasurementLoop, on potentiostat: inout Potentiostat) throws(ErrorCode) {
    isWaiting = false
    guard let active = activeLoop else { return }
    let isLate = now > active.start + active.count * active.interval
    switch loop.technique {
    case .openCircuit, .potentiometry:
      values[try place(loop.potential)] = potentiostat.measurePotential(at: now, isLate: isLate)
    case .amperometry: values[try place(loop.potential)] = potentiostat.appliedPotential
    }
    if let current = loop.current {
      values[try place(current)] = potentiostat.measureCurrent(at: now, isLate: isLate)
    }
    if let time = loop.time {
      values[try place(time)] = ScriptValue(Double(now - active.start) / 1e9, .time)
    }
    for addition in loop.additions {
      values[try place(addition.into)] = measure(addition.quantity, on: &potentiostat, isLate: isLate)
    }
  }

  private mutating func measure(
    _ quantity: RangedQuantity, on potentiostat: inout Potentiostat, isLate: Bool
  ) -> ScriptValue {
    switch quantity {
    case .measuredPotential, .appliedPotential: potentiostat.measurePotential(at: now, isLate: isLate)
    case .measuredCurrent, .appliedCurrent: potentiostat.measureCurrent(at: now, isLate: isLate)
    }
  }
}

// MARK: - Values

extension ScriptMachine {
  /// The slot of an argument.
  @inline(__always) private func place(_ operand: Operand) throws(ErrorCode) -> Int {
    if operand.indexSlot < 0 { return Int(operand.slot) }
    let index = values[Int(operand.indexSlot)]
    guard index.isInteger else { throw .wrongDataType }
    guard index.integer >= 0, index.integer < operand.count else { throw .indexOutOfBounds }
    return Int(operand.slot) + Int(index.integer)
  }

  /// An argument that must be a number with a unit.
  private func number(_ operand: Operand) throws(ErrorCode) -> Double {
    let value = values[try place(operand)]
    guard !value.isInteger else { throw .wrongDataType }
    return value.number
  }

  /// An argument that is a span of time; thirty years at most, so that sums stay far from overflow.
  private func nanoseconds(_ operand: Operand) throws(ErrorCode) -> Int64 {
    let seconds = try number(operand)
    guard seconds >= 0 else { throw .mustNotBeNegative }
    guard seconds <= 1e9 else { throw .outOfBounds }
    return Int64((seconds * 1e9).rounded())
  }

  @inline(__always) private func holds(
    _ relation: Relation, _ left: Operand, _ right: Operand
  ) throws(ErrorCode) -> Bool {
    let first = values[try place(left)].asNumber
    let second = values[try place(right)].asNumber
    switch relation {
    case .equal: return first == second
    case .notEqual: return first != second
    case .less: return first < second
    case .atMost: return first <= second
    case .greater: return first > second
    case .atLeast: return first >= second
    }
  }
}

// MARK: - Output

extension ScriptMachine {
  private mutating func beginPackage() throws(ErrorCode) {
    guard !isInPackage else { throw .packageSequence }
    isInPackage = true
    packageCount = 0
    package.removeAll(keepingCapacity: true)
    package.append(UInt8(ascii: "P"))
  }

  private mutating func addToPackage(_ operand: Operand) throws(ErrorCode) {
    guard isInPackage else { throw .packageSequence }
    guard packageCount < Self.largestPackage else { throw .packageTooLarge }
    if packageCount > 0 { package.append(UInt8(ascii: ";")) }
    packageCount += 1
    let value = values[try place(operand)]
    guard !value.isInteger || Int(value.integer).magnitude <= PackageText.largestCount else { throw .overflow }
    PackageText.append(value, to: &package)
  }

  private mutating func endPackage(output: inout [UInt8]) throws(ErrorCode) {
    guard isInPackage else { throw .packageSequence }
    isInPackage = false
    guard sendsOutput else { return }
    package.append(UInt8(ascii: "\n"))
    output.append(contentsOf: package)
  }

  private func send(_ parts: [TextPart], output: inout [UInt8]) throws(ErrorCode) {
    var text: [UInt8] = [UInt8(ascii: "T")]
    for part in parts {
      switch part {
      case .literal(let bytes): text.append(contentsOf: bytes)
      case .value(let operand):
        let value = values[try place(operand)]
        text.append(contentsOf: (value.isInteger ? "\(value.integer)" : "\(value.number)").utf8)
      }
    }
    text.append(UInt8(ascii: "\n"))
    if sendsOutput { output.append(contentsOf: text) }
  }

  private static func append(_ text: StaticString, to output: inout [UInt8]) {
    output.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }
}
