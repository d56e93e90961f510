// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Refuses, before a byte is sent, what the model at hand cannot do. What the instrument would refuse or silently clip
// must not depend on its mood.

import CyclerModel
import InstrumentKit
import Quantities

/// Judges set-points against a model's abilities.
struct SetpointCheck {
  let capabilities: InstrumentCapabilities
  let modelName: String

  /// The most cut-offs of a set-point; our limit, so that a script stays small and variable names short.
  static let maximumCutOffs = 26

  /// Why the set-point is impossible, or nil.
  func refusal(of setpoint: Setpoint) -> Fault? {
    reason(setpoint).map { Fault(.instrumentRefused, "\($0); nothing was sent to the \(modelName)") }
  }

  private func reason(_ setpoint: Setpoint) -> String? {
    timing(setpoint) ?? cutOffs(setpoint) ?? mode(setpoint)
  }

  private func timing(_ setpoint: Setpoint) -> String? {
    let shortest = capabilities.shortestReadingInterval
    if setpoint.readingInterval < shortest {
      return "a reading interval of \(seconds(setpoint.readingInterval)) is shorter than \(seconds(shortest))"
    }
    if setpoint.lease < shortest * 6 {
      return "a lease of \(seconds(setpoint.lease)) is shorter than six readings, \(seconds(shortest * 6))"
    }
    if setpoint.bounds.duration <= .zero { return "the set-point has no time bound above zero" }
    return nil
  }

  private func cutOffs(_ setpoint: Setpoint) -> String? {
    if setpoint.cutOffs.count > Self.maximumCutOffs {
      return "\(setpoint.cutOffs.count) cut-offs are more than \(Self.maximumCutOffs)"
    }
    for cutOff in setpoint.cutOffs {
      switch cutOff.quantity {
      case .voltage:
        if let reason = outside(Voltage(nanovolts: cutOff.threshold), "the voltage cut-off") { return reason }
      case .currentMagnitude, .time, .holdTime:
        continue
      }
    }
    return nil
  }

  private func mode(_ setpoint: Setpoint) -> String? {
    switch setpoint.mode {
    case .openCircuit:
      return kind(.rest)
    case .constantCurrent(let current):
      return kind(.constantCurrent) ?? driven(setpoint) ?? level(current, setpoint)
    case .constantCurrentThenVoltage(let current, let voltage):
      return kind(.constantCurrentConstantVoltage) ?? driven(setpoint) ?? level(current, setpoint)
        ?? outside(voltage, "the held voltage")
    case .constantVoltage(let voltage):
      return kind(.constantVoltage) ?? driven(setpoint) ?? outside(voltage, "the held voltage")
    case .demand(let demand, let first):
      return refusal(of: demand, from: first, setpoint)
    case .sweep(let sweep):
      return kind(.voltageSweep) ?? driven(setpoint) ?? outside(sweep, setpoint)
    case .profile(let profile, let ownEnd):
      return kind(.currentProfile) ?? driven(setpoint) ?? refusal(of: profile, ownEnd, setpoint)
    case .impedance(let impedance):
      return kind(.impedanceSpectrum) ?? driven(setpoint) ?? outside(impedance, setpoint)
    }
  }

  private func refusal(of profile: CurrentProfile, _ ownEnd: Int, _ setpoint: Setpoint) -> String? {
    if !(1...CurrentProfile.mostRows ~= profile.rows.count) {
      return "a profile of \(profile.rows.count) rows, not of 1 to \(CurrentProfile.mostRows)"
    }
    if !setpoint.cutOffs.indices.contains(ownEnd) { return "a profile without an end of its own" }
    if let row = profile.rows.first(where: { $0.duration < CurrentProfile.shortestRow }) {
      return "a row of \(seconds(row.duration)), shorter than \(seconds(CurrentProfile.shortestRow))"
    }
    return level(profile.largestCurrent, setpoint)
  }

  private func refusal(of demand: CurrentDemand, from first: Current, _ setpoint: Setpoint) -> String? {
    if demand.direction == .none { return "a current that follows the voltage without a direction" }
    if first < .zero || first > demand.currentAtMost {
      return "a first current of \(amperes(first)) is not between nothing and \(amperes(demand.currentAtMost))"
    }
    let possible = driven(setpoint) ?? level(demand.currentAtMost, setpoint)
    switch demand.law {
    case .power(let power):
      return kind(.constantPower) ?? (power <= .zero ? "a constant power that is not above zero" : possible)
    case .resistance(let resistance):
      if demand.direction == .charge { return "a constant resistance does not charge" }
      return kind(.constantResistance)
        ?? (resistance <= .zero ? "a constant resistance that is not above zero" : possible)
    }
  }

  private func outside(_ sweep: Setpoint.Sweep, _ setpoint: Setpoint) -> String? {
    // 4 nV/h are 1 pV/s, the least that a script can say.
    if sweep.to.isEmpty || sweep.rate.count < 4 { return "a sweep without a way or a rate" }
    if !setpoint.cutOffs.indices.contains(sweep.ownEnd) { return "a sweep without an end of its own" }
    return ([sweep.from] + sweep.to).lazy.compactMap { outside($0, "the swept voltage") }.first
  }

  /// The maker's own programs take amplitudes up to 0.25 V; far below what an instrument could do, far above what is of
  /// use.
  private static let largestAmplitude = Voltage(millivolts: 250)
  /// Our limit, so that a script's counter and times stay small.
  private static let mostPoints: Int32 = 1_000

  private func outside(_ impedance: Setpoint.Impedance, _ setpoint: Setpoint) -> String? {
    let spectrum = impedance.spectrum
    if !setpoint.cutOffs.indices.contains(impedance.ownEnd) { return "a spectrum without an end of its own" }
    if spectrum.amplitude <= .zero || spectrum.amplitude > Self.largestAmplitude {
      return "an amplitude of \(volts(spectrum.amplitude)) is not between nothing and \(volts(Self.largestAmplitude))"
    }
    if !(2...Self.mostPoints).contains(spectrum.points) { return "a spectrum of \(spectrum.points) points" }
    let (low, high) = (min(spectrum.from, spectrum.to), max(spectrum.from, spectrum.to))
    let highest = capabilities.highestFrequency ?? .zero
    if low <= .zero || high > highest { return "a frequency of \((low <= .zero ? low : high).written)" }
    return outside(impedance.around - spectrum.peak, "the lowest voltage")
      ?? outside(impedance.around + spectrum.peak, "the highest voltage")
  }

  private func kind(_ kind: StepKind) -> String? {
    capabilities.kinds.contains(kind) ? nil : "this model cannot do a step of the kind \(kind.rawValue)"
  }

  private func driven(_ setpoint: Setpoint) -> String? {
    let bounds = setpoint.bounds
    if bounds.lowerVoltage >= bounds.upperVoltage {
      return
        "the lower voltage bound \(volts(bounds.lowerVoltage)) is not below the upper, \(volts(bounds.upperVoltage))"
    }
    if bounds.currentMagnitude <= .zero { return "the current bound is not above zero" }
    if setpoint.rangeCurrent.magnitude > capabilities.maximumCurrent || setpoint.rangeCurrent == .zero {
      return
        "a range for \(amperes(setpoint.rangeCurrent)) does not exist (up to \(amperes(capabilities.maximumCurrent)))"
    }
    return outside(bounds.lowerVoltage, "the lower voltage bound")
      ?? outside(bounds.upperVoltage, "the upper voltage bound")
  }

  private func level(_ current: Current, _ setpoint: Setpoint) -> String? {
    if current == .zero { return "a constant current of zero is no set-point; rest instead" }
    if current.magnitude > capabilities.maximumCurrent {
      return "\(amperes(current)) is more than \(amperes(capabilities.maximumCurrent))"
    }
    if current.magnitude > setpoint.rangeCurrent.magnitude {
      return "\(amperes(current)) does not fit a range for \(amperes(setpoint.rangeCurrent))"
    }
    return nil
  }

  private func outside(_ voltage: Voltage, _ what: String) -> String? {
    if capabilities.voltage.contains(voltage) { return nil }
    let window = capabilities.voltage
    return "\(what) \(volts(voltage)) lies outside \(volts(window.from)) to \(volts(window.to))"
  }

  private func seconds(_ span: TimeSpan) -> String { Literal.decimal(span.microseconds, unitExponent: -6) + " s" }
  private func volts(_ voltage: Voltage) -> String { Literal.decimal(voltage.nanovolts, unitExponent: -9) + " V" }
  private func amperes(_ current: Current) -> String { Literal.decimal(current.picoamperes, unitExponent: -12) + " A" }
}
