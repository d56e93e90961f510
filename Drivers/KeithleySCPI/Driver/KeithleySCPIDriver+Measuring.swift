// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Measuring, and what follows from a measurement: the open-circuit voltage, the end, the hold.

import CyclerModel
import InstrumentKit
import Quantities

extension KeithleySCPIDriver {
  /// Asks for the next measurement.
  mutating func measure(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    guard let active else { return }
    let interval = max(active.plan.setpoint.readingInterval, TimeSpan(milliseconds: 1))
    // In step with the interval; what was missed is left out.
    var next = active.nextMeasurement + interval
    if next <= now { next = now + interval }
    self.active?.nextMeasurement = next
    let restarts = active.clockIsLost || active.lastTime - active.offset >= Self.clockPeriod
    if restarts { self.active?.clockIsLost = true }
    ask(.measure(restartsClock: restarts), now, &outputs)
  }

  /// Takes the answer to a measurement.
  mutating func takeMeasurement(
    _ line: UnsafeRawBufferPointer, _ restartsClock: Bool, _ now: HostInstant, _ outputs: inout DriverOutputs
  ) {
    let found =
      switch dialect {
      case .series2400: MeterReading(line, from: 4)
      case .interactive: MeterReading(interactive: line, from: 4, sourced: active?.sourced ?? .current)
      }
    guard let measured = found else {
      // The number and no measurement: it refused, as it does when its output is off. A 2450 says that it is off.
      let isRefused = line.count == 3 || (dialect == .interactive && MeterReading.isOn(line) == false)
      if isRefused { measurementRefused(now, &outputs) } else { damagedMessages += 1 }
      return
    }
    pending = nil
    misses = 0
    if phase == .findingOpenVoltage {
      openVoltageFound(measured, now, &outputs)
    } else {
      take(measured, restartsClock, now, &outputs)
    }
  }

  private mutating func measurementRefused(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    pending = nil
    guard let active else { return }
    let fault = Fault(
      .instrumentError, "it refuses to measure: its output was switched off by somebody or something else")
    disconnect(active.hasBegun ? .ending(.failed(fault)) : .refusing(fault), now, &outputs)
  }

  // MARK: Before the set-point

  private mutating func openVoltageFound(
    _ measured: MeterReading, _ now: HostInstant, _ outputs: inout DriverOutputs
  ) {
    guard let active else { return }
    guard measured.status.contains(.remoteSense) else {
      let fault = Fault(.instrumentError, "it does not sense the voltage with four wires, as it was told")
      return disconnect(.refusing(fault), now, &outputs)
    }
    guard let voltage = measured.voltage, measured.quality.isEmpty,
      measured.status.isDisjoint(with: .compliance)
    else {
      let fault = Fault(
        .instrumentNoReading, "the open-circuit voltage cannot be measured: is a cell connected, with all four leads?")
      return disconnect(.refusing(fault), now, &outputs)
    }
    guard active.plan.hasRoom(above: voltage) else {
      let fault = Fault(
        .instrumentRefused,
        "the cell stands at \(voltage.written), beyond what is used of its range of \(active.plan.range.written)"
      )
      return disconnect(.refusing(fault), now, &outputs)
    }
    armed = active.plan.lines(openVoltage: voltage)
    self.active?.ownHold = active.plan.ownHold(openVoltage: voltage)
    disconnect(.arming, now, &outputs)
  }

  // MARK: In the set-point

  private mutating func take(
    _ measured: MeterReading, _ restartsClock: Bool, _ now: HostInstant, _ outputs: inout DriverOutputs
  ) {
    guard var active else { return }
    // A buffer's clock that somebody else began anew is no longer the one that the last reading was on.
    let isOther = dialect == .interactive && active.plausible(active.offset + measured.time, now) == nil
    if restartsClock || isOther {
      // Between the last reading on the old clock and this one the host's clock counts.
      active.offset = active.expectedTime(now) - measured.time
      active.clockIsLost = false
    }
    let time = active.offset + measured.time
    var quality = measured.quality
    if active.isRest, measured.status.contains(.compliance) { quality.insert(.overload) }
    let reading = Reading(
      time: time, voltage: measured.voltage, current: measured.current,
      range: UInt16(active.plan.rangeIndex + 1), quality: quality)
    active.lastTime = time
    active.lastHost = now
    outputs.events.append(.reading(channel: 0, reading))
    let verdict = active.hosted.judge(reading)
    self.active = active
    follow(verdict, measured, reading, now, &outputs)
  }

  private mutating func follow(
    _ verdict: HostedSetpoint.Verdict, _ measured: MeterReading, _ reading: Reading, _ now: HostInstant,
    _ outputs: inout DriverOutputs
  ) {
    let isInCompliance = measured.status.contains(.compliance)
    switch verdict {
    case .end(let end): disconnect(.ending(end), now, &outputs)
    case .hold(let target): hold(target, reading, isInCompliance, now, &outputs)
    case .goOn:
      guard let active, isInCompliance, !active.isRest else { return }
      if let target = active.ownHold {
        if active.hosted.holdBeganAt == nil { hold(target, reading, isInCompliance, now, &outputs) }
      } else {
        disconnect(.ending(limitReached(reading)), now, &outputs)
      }
    }
  }

  /// The instrument no longer does what the set-point asks, because its compliance does not let it.
  private func limitReached(_ reading: Reading) -> SetpointEnd {
    let voltage = reading.voltage?.written ?? "an unknown voltage"
    let current = reading.current?.written ?? "an unknown current"
    return .bound(
      Fault(.instrumentBoundReached, "the circuit was opened: the compliance limits it at \(voltage), \(current)"))
  }

  /// The voltage of the hold is reached. Where the instrument's compliance holds it well enough that is all; otherwise
  /// it is told to source the voltage, which leads through a disconnected cell.
  private mutating func hold(
    _ target: Voltage, _ reading: Reading, _ isInCompliance: Bool, _ now: HostInstant, _ outputs: inout DriverOutputs
  ) {
    let distance = reading.voltage.map { ($0 - target).magnitude }
    if isInCompliance, active?.ownHold == target, let distance, distance <= SourcePlan.holdTolerance {
      active?.hosted.held(at: reading.time)
      outputs.events.append(.holdBegan(channel: 0, at: reading.time))
    } else {
      active?.ownHold = nil
      disconnect(.handingOver(target), now, &outputs)
    }
  }
}
