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
    /// The potentials of a sweep.
    var sweep: SweptPotential?
    /// The frequencies of an impedance loop.
    var spectrum: SpectrumCourse?
  }

  let script: CompiledScript
  let cost: Int64
  var values: ContiguousArray<ScriptValue>
  var counter = 0
  /// Virtual time.
  var now: Int64
  /// When the next instruction may begin.
  var readyAt: Int64
  var activeLoop: ActiveLoop?
  /// Whether the loop waits for its next sample or for its end, so that the host can end it at once.
  var isWaiting = false
  var isFinishing = false
  var timerStart: Int64
  var package: [UInt8] = []
  var packageCount = 0
  var isInPackage = false
  var sendsOutput = true
  /// When the host last said anything, or the script began, and the longest run time of a loop begun since: who prolongs
  /// a measurement counts from there, however often the script itself begins its loop anew.
  var hostSpokeAt: Int64
  var longestRunTime: Int64 = 0
  var loopsSinceHostSpoke = 0
  /// The deadline at which `run` stopped once already.
  var announcedDeadline: Int64?

  /// A script about to begin. `instructionTime` is in nanoseconds, at least one microsecond.
  init(_ script: CompiledScript, at now: Int64, instructionTime: Int64) {
    self.script = script
    cost = instructionTime
    values = ContiguousArray(script.initialValues)
    self.now = now
    readyAt = now
    timerStart = now
    hostSpokeAt = now
    package.reserveCapacity(512)
  }

  /// When the running measurement loop's time is over, while that still lies ahead and a host could end it sooner.
  /// Half and three quarters of that time are deadlines too: a host that prolongs a measurement does so in good time
  /// and may have to ask again, and an instrument whose time races ahead of its host's must let it.
  ///
  /// An impedance loop has no such time: who ended it would spoil its point.
  var hostDeadline: Int64? {
    guard let activeLoop, activeLoop.spectrum == nil, !activeLoop.isAborted, activeLoop.end > now else { return nil }
    let announced = announcedDeadline ?? .min
    var nearest = activeLoop.end
    for quarters in 2...3 as ClosedRange<Int64> {
      let deadline = activeLoop.start + (activeLoop.end - activeLoop.start) * quarters / 4
      if deadline > now, deadline > announced { nearest = min(nearest, deadline) }
      let sinceHost = hostSpokeAt + longestRunTime * quarters / 4
      if loopsSinceHostSpoke > 1, sinceHost > now, sinceHost > announced { nearest = min(nearest, sinceHost) }
    }
    return nearest
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
  mutating func hostSpoke() {
    announcedDeadline = nil
    hostSpokeAt = now
    longestRunTime = 0
    loopsSinceHostSpoke = 0
  }

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
  @inline(__always) mutating func stop(before limit: Int64) -> Stop? {
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

  @inline(__always) mutating func perform(
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
    case .awaitSample(let exit): try awaitSample(exit: exit, on: &potentiostat)
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

  mutating func performOnHardware(
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

  mutating func jump(to target: Int32) {
    readyAt = now
    counter = Int(target)
  }

  /// `abort` in the script: `on_finished:` follows, unless this is it.
  mutating func abortFromWithin() {
    if isFinishing {
      counter = script.instructions.count - 1
    } else {
      abort()
    }
  }
}
