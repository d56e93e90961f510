// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A cut-off is judged at readings, so the last one lies a little beyond it. When that is more than the readings' own error,
// the half-cycle has moved more than its cut-off allows, and whoever compares efficiencies above 99.9 % wants to know. The
// measured charge stays what it is.

internal import CyclerModel
internal import CyclingEngine
internal import InstrumentKit
internal import Quantities

extension RunPilot {
  /// A smaller overshoot is nobody's concern, whatever the instrument states.
  static let leastOvershoot = Voltage(millivolts: 5)

  /// Says so when the step's last voltage lies far beyond the cut-off that ended it.
  func noteOvershoot(_ active: ActiveSetpoint, reason: String, _ now: RunMoment, _ outputs: inout RunOutputs) {
    guard active.countsForHalfCycle, active.isDriven, let last = active.lastReading?.voltage,
      let end = machine.step?.ends.first(where: { $0.text == reason }), end.quantity == .voltage, end.isPlain
    else { return }
    let cutOff = Voltage(nanovolts: end.threshold)
    let beyond = Self.beyond(last, cutOff, end.comparison)
    let bound = max(Self.leastOvershoot, settings.voltageError(at: cutOff) * 2)
    guard let beyond, beyond > bound else { return }
    let past = charge(of: active, beyond: cutOff, at: last)
    let detail =
      "\(reason): the step ended at \(last.shown()), \(beyond.shown()) beyond its cut-off; "
      + (past.map { "about \($0.shown()) flowed beyond it" } ?? "what flowed beyond it is not known")
    note(.dataCutOffOvershoot, .info, detail, now, &outputs)
  }

  /// How far a voltage lies beyond a cut-off; nil on this side of it.
  private static func beyond(_ voltage: Voltage, _ cutOff: Voltage, _ comparison: Comparison) -> Voltage? {
    let (distance, overflowed) = voltage.nanovolts.subtractingReportingOverflow(cutOff.nanovolts)
    guard !overflowed else { return nil }
    switch comparison {
    case .atLeast, .above: return distance > 0 ? Voltage(nanovolts: distance) : nil
    case .atMost, .below: return distance < 0 && distance > .min ? Voltage(nanovolts: -distance) : nil
    }
  }

  /// What flowed since the cut-off, which lies on the straight line between the last two readings; a magnitude.
  private func charge(of active: ActiveSetpoint, beyond cutOff: Voltage, at last: Voltage) -> Charge? {
    guard let before = active.voltageBeforeLast, before != last, (before < cutOff) != (last < cutOff) else {
      return nil
    }
    let atLast = active.chargeSumBeforeOpening ?? active.integrator.chargeSum
    let interval = ChargeIntegrator.charge(atLast - active.chargeSumBeforeLast)
    let after = ChargeIntegrator.charge(active.integrator.chargeSum - atLast)
    let share =
      (Double(last.nanovolts) - Double(cutOff.nanovolts)) / (Double(last.nanovolts) - Double(before.nanovolts))
    let beyond = Double(interval.nanocoulombs) * share + Double(after.nanocoulombs)
    return Charge(nanocoulombs: Int64(min(beyond.rounded().magnitude, 9e18)))
  }
}

extension RunSettings {
  /// The stated error of a voltage, as a magnitude.
  fileprivate func voltageError(at voltage: Voltage) -> Voltage {
    let proportional = Int128(voltage.magnitude.nanovolts) * Int128(voltageErrorPartsPerMillion) / 1_000_000
    return Voltage(nanovolts: Int64(clamping: proportional)) + voltageOffsetError
  }
}
