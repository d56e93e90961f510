// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A spectrum in a run: where it may begin, how long it may last, and what a point becomes.

internal import CyclerModel
internal import CyclingEngine
internal import InstrumentKit
internal import Quantities

extension RunPilot {
  /// Between two points the cell is read so often: one reading is enough to judge it and to ask for the next point.
  static let betweenPoints = TimeSpan(milliseconds: 100)

  /// A spectrum swings around the voltage at which the cell stands, and must stay inside the limits on both sides.
  func refusal(of spectrum: ImpedanceSpectrum, under own: SafetyLimits?) -> Fault? {
    guard let standing = lastVoltage else {
      return Fault(.holdStartedFarAway, "the cell's voltage is not known, so no spectrum may begin")
    }
    let limits = own ?? program.limits
    let (low, high) = (standing - spectrum.peak, standing + spectrum.peak)
    let place = "the cell stands at \(standing.shown()), and the spectrum would take it"
    if high.nanovolts > limits.upperVoltage.soft {
      return Fault(.limitVoltageHigh, "\(place) to \(high.shown()), above its limit")
    }
    if low.nanovolts < limits.lowerVoltage.soft {
      return Fault(.limitVoltageLow, "\(place) to \(low.shown()), below its limit")
    }
    if low < .zero, program.role == .anodeHalfCell, !spectrum.mayPlate {
      return Fault(.limitVoltageLow, "\(place) to \(low.shown()), where sodium can plate on the anode")
    }
    return nil
  }

  /// The longest that a spectrum can last: its points, and before each of them the wait for the host's leave.
  func duration(of spectrum: ImpedanceSpectrum) -> TimeSpan {
    spectrum.longestTime + settings.lease * Int64(spectrum.points)
  }

  /// Says how many points of a spectrum there are when it is over.
  func noteSpectrum(_ active: ActiveSetpoint, _ now: RunMoment, _ outputs: inout RunOutputs) {
    guard case .impedance(let spectrum)? = machine.step?.action else { return }
    let range = "from \(spectrum.from.written) to \(spectrum.to.written)"
    let isWhole = active.pointCount >= spectrum.points
    let count = active.pointCount < 0 ? "not all" : "\(active.pointCount)"
    note(
      .runSpectrumDone, isWhole ? .info : .warning,
      "impedance: \(count) of \(spectrum.points) points \(range) measured", now, &outputs)
  }

  /// A point is a row at once; it is acknowledged like a record, by the commit that holds it.
  mutating func measured(_ point: ImpedancePoint, _ now: RunMoment, _ outputs: inout RunOutputs) {
    guard let active = setpoint, active.kind == .impedanceSpectrum, let zero = active.zero else { return }
    let number = active.pointCount + 1
    setpoint?.heardAt = now.host
    setpoint?.pointCount = number
    outputs.entries.append(
      .impedancePoint(
        ImpedanceRow(
          stepID: active.stepID, number: number, stepTime: point.time - zero, point: point,
          flags: DataFlags(rawValue: Int64(point.quality.rawValue) & 7))))
    judgeClipping(of: point, now, &outputs)
  }

  /// A clipped current makes an impedance too large, and the bound on the peak of the current rests on it.
  private mutating func judgeClipping(of point: ImpedancePoint, _ now: RunMoment, _ outputs: inout RunOutputs) {
    guard point.quality.contains(.overload) else {
      setpoint?.clippedPoints = 0
      return
    }
    let count = (setpoint?.clippedPoints ?? 0) + 1
    setpoint?.clippedPoints = count
    guard count > SafetyMonitor.toleratedOverloads, phase == .active(.step) else { return }
    close(because: .fault(Fault(.instrumentOverload, .clipped(readings: count)), latches: true), now, &outputs)
  }
}
