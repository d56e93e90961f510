// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Measurement loops: when a sample is due, and what it holds.

import VirtualLab

extension ScriptMachine {
  mutating func begin(
    _ loop: MeasurementLoop, on potentiostat: inout Potentiostat, output: inout [UInt8]
  ) throws(ErrorCode) {
    if let spectrum = loop.spectrum { return try begin(spectrum, of: loop, on: &potentiostat, output: &output) }
    var sweep: SweptPotential?
    if let end = loop.sweepEnd { sweep = try SweptPotential(loop, to: end, in: self) }
    let (interval, runTime) = try times(of: loop, sweep)
    guard interval > 0, runTime > 0 else { throw .mustBePositive }
    switch loop.technique {
    case .openCircuit:
      guard !potentiostat.isCellOn else { throw .openCircuitWithCellOn }
    case .potentiometry:
      guard potentiostat.mode == .galvanostat else { throw .wrongMode }
      guard potentiostat.isCellOn else { throw .needsCellOn }
      if let setValue = loop.setValue { try potentiostat.apply(current: try number(setValue), at: now) }
    case .amperometry, .linearSweep, .impedance:
      guard potentiostat.mode != .galvanostat, potentiostat.mode != .off else { throw .wrongMode }
      guard potentiostat.isCellOn else { throw .needsCellOn }
      if let setValue = loop.setValue { try potentiostat.apply(voltage: try number(setValue), at: now) }
    }
    activeLoop = ActiveLoop(start: now, interval: interval, end: now + runTime, sweep: sweep)
    announcedDeadline = nil
    loopsSinceHostSpoke += 1
    longestRunTime = max(longestRunTime, runTime)
    readyAt = now
    if sendsOutput { Self.append(loop.technique.announcement, to: &output) }
  }

  private func times(
    of loop: MeasurementLoop, _ sweep: SweptPotential?
  ) throws(ErrorCode) -> (interval: Int64, runTime: Int64) {
    if let sweep { return (sweep.interval, sweep.interval * sweep.samples) }
    return (try nanoseconds(loop.interval), try nanoseconds(loop.runTime))
  }

  /// Decides whether another sample belongs to the loop, and waits for its time. A sweep takes its next step before.
  mutating func awaitSample(exit: Int32, on potentiostat: inout Potentiostat) throws(ErrorCode) {
    readyAt = now
    guard var loop = activeLoop else {
      counter = Int(exit)
      return
    }
    loop.exit = exit
    if loop.spectrum != nil { return awaitPoint(of: loop, exit: exit) }
    let next = loop.start + (loop.count + 1) * loop.interval
    if loop.isAborted || now >= loop.end {
      counter = Int(exit)
    } else if next > loop.end {
      readyAt = loop.end
      counter = Int(exit)
      isWaiting = true
    } else {
      if let sweep = loop.sweep { try potentiostat.apply(voltage: sweep.potential(loop.count), at: now) }
      loop.count += 1
      readyAt = max(now, next)
      isWaiting = true
    }
    activeLoop = loop
  }

  mutating func sample(_ loop: MeasurementLoop, on potentiostat: inout Potentiostat) throws(ErrorCode) {
    isWaiting = false
    guard let active = activeLoop else { return }
    if let spectrum = loop.spectrum { return try takePoint(spectrum, of: loop, active, on: &potentiostat) }
    let isLate = now > active.start + active.count * active.interval
    switch loop.technique {
    case .openCircuit, .potentiometry:
      values[try place(loop.potential)] = potentiostat.measurePotential(at: now, isLate: isLate)
    case .amperometry, .linearSweep, .impedance: values[try place(loop.potential)] = potentiostat.appliedPotential
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

  mutating func measure(
    _ quantity: RangedQuantity, on potentiostat: inout Potentiostat, isLate: Bool
  ) -> ScriptValue {
    switch quantity {
    case .measuredPotential, .appliedPotential: potentiostat.measurePotential(at: now, isLate: isLate)
    case .measuredCurrent, .appliedCurrent: potentiostat.measureCurrent(at: now, isLate: isLate)
    }
  }
}

/// The staircase of a linear sweep.
struct SweptPotential: Sendable {
  private let begin: Double
  private let end: Double
  private let step: Double
  /// How long each step lasts, in nanoseconds.
  let interval: Int64
  /// How many steps there are, both ends included.
  let samples: Int64

  init(_ loop: MeasurementLoop, to end: Operand, in machine: ScriptMachine) throws(ErrorCode) {
    self.end = try machine.number(end)
    var begin = self.end
    if let setValue = loop.setValue { begin = try machine.number(setValue) }
    self.begin = begin
    let height = try machine.number(loop.interval)
    let rate = try machine.number(loop.runTime)
    guard height > 0, rate > 0 else { throw .mustBePositive }
    step = self.end < begin ? -height : height
    let seconds = height / rate
    guard seconds < 1e9, seconds >= 1e-9 else { throw .outOfBounds }
    interval = Int64((seconds * 1e9).rounded())
    let steps = ((self.end - begin).magnitude / height * (1 + 1e-12)).rounded(.down)
    guard steps < 1e9 else { throw .outOfBounds }
    samples = Int64(steps) + 1
  }

  /// The potential of the step with that index, from 0.
  func potential(_ index: Int64) -> Double {
    let potential = begin + Double(index) * step
    return step < 0 ? max(potential, end) : min(potential, end)
  }
}
