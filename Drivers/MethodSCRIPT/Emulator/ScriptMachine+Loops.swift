// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Measurement loops: when a sample is due, and what it holds.

import VirtualLab

extension ScriptMachine {
  mutating func begin(
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
  mutating func awaitSample(exit: Int32) {
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

  mutating func sample(_ loop: MeasurementLoop, on potentiostat: inout Potentiostat) throws(ErrorCode) {
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

  mutating func measure(
    _ quantity: RangedQuantity, on potentiostat: inout Potentiostat, isLate: Bool
  ) -> ScriptValue {
    switch quantity {
    case .measuredPotential, .appliedPotential: potentiostat.measurePotential(at: now, isLate: isLate)
    case .measuredCurrent, .appliedCurrent: potentiostat.measureCurrent(at: now, isLate: isLate)
    }
  }
}
