// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A family as the trials see it: its driver, its emulator with a small cell, and what of its set-points, clocks and digits a
// judge must know. One value is one line of the conformance matrix.

internal import CyclerModel
internal import Glibc
public import InstrumentKit
internal import Quantities
public import VirtualLab

/// One family under trial.
public struct DriverFamily: Sendable {
  /// Its name in the table.
  public var name: String
  /// Its driver.
  public var driver: any InstrumentDriver.Type
  /// An emulator that was just switched on, with that cell in its first channel.
  public var makeInstrument: @Sendable (any VirtualCell) -> any EmulatedInstrument
  /// The cell's open-circuit voltage at first.
  public var volts: Double
  /// The current of its set-points, in amperes; 0 for one that drives nothing.
  public var amperes: Double
  /// Seconds between readings.
  public var interval: Double
  /// What it can do, in the order of the course.
  public var menu: [TrialStep]
  /// Volts to which a reading is exact: the digits of the wire and the converter's error.
  public var voltageResolution: Double
  /// Amperes to which a reading is exact.
  public var currentResolution: Double
  /// Seconds from a measurement's begin until it is told, at most.
  public var latency: Double
  /// Seconds in which the circuit has to be open after something that ends it: a cut-off or bound that is passed in truth, a
  /// command, the end of a lease.
  public var reaction: Double
  /// Seconds until it is identified, from any state.
  public var introduction: Double
  /// Whether its frames have checksums, so that it must see any changed byte; otherwise bytes are changed to such as its
  /// protocol does not use.
  public var hasChecksums: Bool
  /// Rows that do not apply, each with the physical or protocol reason.
  public var notApplicable: [TrialRow: String]

  /// A family.
  public init(
    _ name: String, _ driver: any InstrumentDriver.Type, volts: Double, amperes: Double, interval: Double,
    menu: [TrialStep], voltageResolution: Double, currentResolution: Double, latency: Double, reaction: Double,
    introduction: Double = 20, hasChecksums: Bool = false, notApplicable: [TrialRow: String] = [:],
    makeInstrument: @escaping @Sendable (any VirtualCell) -> any EmulatedInstrument
  ) {
    self.name = name
    self.driver = driver
    self.volts = volts
    self.amperes = amperes
    self.interval = interval
    self.menu = menu
    self.voltageResolution = voltageResolution
    self.currentResolution = currentResolution
    self.latency = latency
    self.reaction = reaction
    self.introduction = introduction
    self.hasChecksums = hasChecksums
    self.notApplicable = notApplicable
    self.makeInstrument = makeInstrument
  }

  /// Whether it drives cells.
  public var drivesCells: Bool { amperes > 0 }

  /// The voltage that the current moves at once, by the cell's resistance.
  static let ohmicStep = 0.02
  /// The voltage that the current moves in six readings.
  static let ramp = 0.04
  /// Beyond a cut-off, the bound.
  static let margin = 0.05

  /// Its cell: six readings move it by `ramp`.
  public func makeCell() -> TrialCell {
    guard drivesCells else { return TrialCell(volts: volts, capacitance: 1, resistance: 1) }
    return TrialCell(
      volts: volts, capacitance: amperes * 6 * interval / Self.ramp, resistance: Self.ohmicStep / amperes)
  }

  /// By what factor the current of a held voltage is less at the end of so many seconds, as its cell makes it fall.
  func fall(in seconds: Double) -> Double {
    let cell = makeCell()
    return exp(seconds / (cell.resistance * cell.capacitance))
  }
}

/// A step of a course.
public enum TrialStep: String, Sendable, Hashable, CaseIterable {
  /// The circuit is open for four readings.
  case rest
  /// A constant current up to a voltage.
  case charge
  /// A constant current down to a voltage.
  case discharge
  /// A constant current up to a voltage, and that voltage for four readings.
  case chargeAndHold
  /// A voltage a little above the cell's, for five readings.
  case hold
  /// Up and down again.
  case sweep
}

extension DriverFamily {
  /// The set-point of a step.
  func setpoint(_ step: TrialStep, count: Int32) -> Setpoint {
    let (upper, lower) = (volts + Self.ohmicStep + 0.03, volts - Self.ohmicStep - 0.03)
    return Setpoint(
      token: SetpointToken(run: 7, stepCount: count), mode: mode(step, upper), cutOffs: cutOffs(step, upper, lower),
      bounds: Bounds(
        lowerVoltage: Voltage(volts: lower - Self.margin), upperVoltage: Voltage(volts: upper + Self.margin),
        currentMagnitude: Current(amperes: amperes * 3), duration: span(60 * interval)),
      readingInterval: span(interval), rangeCurrent: Current(amperes: amperes * 1.5),
      lease: span(lease))
  }

  /// Seconds without the host after which an instrument with a lease ends by itself.
  var lease: Double { max(10, 6 * interval) }

  private func mode(_ step: TrialStep, _ upper: Double) -> Setpoint.Mode {
    switch step {
    case .rest: .openCircuit
    case .charge: .constantCurrent(Current(amperes: amperes))
    case .discharge: .constantCurrent(Current(amperes: -amperes))
    case .chargeAndHold: .constantCurrentThenVoltage(Current(amperes: amperes), Voltage(volts: upper))
    case .hold: .constantVoltage(Voltage(volts: volts + Self.ohmicStep / 2))
    case .sweep:
      .sweep(
        Setpoint.Sweep(
          from: Voltage(volts: volts), to: [Voltage(volts: volts + Self.ramp), Voltage(volts: volts)],
          rate: VoltageRate(count: Int64(Self.ramp / (4 * interval) * 3.6e12)), ownEnd: 0))
    }
  }

  private func cutOffs(_ step: TrialStep, _ upper: Double, _ lower: Double) -> [CutOff] {
    func after(_ intervals: Double, _ quantity: CutOff.Quantity = .time) -> CutOff {
      CutOff(
        quantity: quantity, comparison: .atLeast, threshold: Int64(intervals * interval * 1e6),
        onlyInHold: quantity == .holdTime)
    }
    func at(_ comparison: Comparison, _ volts: Double) -> CutOff {
      CutOff(quantity: .voltage, comparison: comparison, threshold: Int64(volts * 1e9), onlyInHold: false)
    }
    switch step {
    case .rest: return [after(4)]
    case .charge: return [at(.atLeast, upper)]
    case .discharge: return [at(.atMost, lower)]
    case .chargeAndHold: return [after(4, .holdTime)]
    case .hold: return [after(5)]
    case .sweep: return [after(30)]
    }
  }

  /// What the safety monitor is told of a step.
  func limits() -> SafetyLimits {
    let margin = Self.ohmicStep + 0.03 + Self.margin
    func limit(_ value: Double, _ away: Double) -> SoftHardLimit {
      SoftHardLimit(soft: Int64(value), hard: Int64(value + away), tolerance: span(2 * interval))
    }
    return SafetyLimits(
      lowerVoltage: limit((volts - margin) * 1e9, -0.05e9), upperVoltage: limit((volts + margin) * 1e9, 0.05e9),
      chargeCurrent: limit(amperes * 3e12, amperes * 3e12), dischargeCurrent: limit(amperes * 3e12, amperes * 3e12),
      halfCycleCharge: Charge(nanocoulombs: Int64(amperes * halfCycleReadings * interval * 1e9)),
      emptyHalfCycleBelow: .zero, emptyHalfCyclesInARow: 3)
  }

  /// A half-cycle may last so many readings: what ends a current whose readings do not change.
  var halfCycleReadings: Double { 30 }
}

/// A span of so many seconds, to the microsecond.
func span(_ seconds: Double) -> TimeSpan { TimeSpan(microseconds: Int64((seconds * 1e6).rounded())) }
