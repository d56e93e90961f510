// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A set-point that ran on without us: the instrument tells of it when the link is back (hazard rule 5).

internal import CellMetrics
internal import CyclerModel
internal import CyclingEngine
internal import InstrumentKit
internal import Quantities

extension RunPilot {
  /// The instrument told how a set-point of an earlier connection ended: its charge is known then, and why it ended
  /// counts as if it had been seen.
  mutating func adopt(
    _ token: SetpointToken, _ reading: Reading?, _ openedAt: TimeSpan?, _ end: SetpointEnd?, _ now: RunMoment,
    _ outputs: inout RunOutputs
  ) {
    guard let active = setpoint, active.token == token else { return }
    switch phase {
    case .away, .paused, .held, .suspended: break
    case .ready, .active, .closing, .committing, .over: return
    }
    if active.isDriven { account(for: active, reading, openedAt) } else { accountForRest(active, reading) }
    guard let end, active.kind != .openCircuitCheck else { return }
    switch end {
    case .cutOff(let index):
      if stepEnding == nil { stepEnding = .condition(endReason(active, cutOff: index)) }
    case .bound(let fault), .failed(let fault):
      noteEnd(behind: fault)
      pendingCause = settled(pendingCause ?? .condition(fault.code.rawValue), by: end, now, &outputs)
    case .leaseExpired, .requested: break
    }
  }

  private mutating func account(for known: ActiveSetpoint, _ reading: Reading?, _ openedAt: TimeSpan?) {
    var active = known
    guard active.isClosed, let openedAt, let zero = active.zero, openedAt >= active.lastReading?.time ?? zero else {
      return
    }
    // Nobody heard which rows of a profile flowed meanwhile.
    guard active.kind != .currentProfile else {
      setpoint?.flags.insert(.gap)
      return
    }
    let lastTime = active.lastReading?.time ?? zero
    let before = active.integrator.charge
    if let reading, reading.time > (active.lastReading?.time ?? zero) {
      active.integrator.reading(reading)
      active.lastReading = reading
    }
    active.circuitOpened(openedAt)
    active.isAccountedFor = true
    active.unheard = openedAt - lastTime
    active.flags.insert(.gap)
    setpoint = active
    halfCycle?.row.flags.insert(.gap)
    if halfCycle == nil { cycle.chargeWasMissed() }
    noteGap((active.integrator.charge - before).magnitude)
  }

  /// A rest that ran on has rested on.
  private mutating func accountForRest(_ active: ActiveSetpoint, _ reading: Reading?) {
    setpoint?.isAccountedFor = true
    let lastTime = active.lastReading?.time ?? active.zero ?? .zero
    guard let reading, reading.time > lastTime else { return }
    setpoint?.lastReading = reading
    setpoint?.unheard = reading.time - lastTime
    if let voltage = reading.voltage { lastVoltage = voltage }
  }
}
