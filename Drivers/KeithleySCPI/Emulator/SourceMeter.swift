// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The analogue half of the instrument: what its output does to a cell, and what its converters make of it.

import VirtualLab

/// Source, limits, ranges and output of a SourceMeter.
public struct SourceMeter: Sendable, Hashable {
  /// What is sourced.
  public enum Function: String, Sendable, Hashable {
    /// A current, with a limited voltage.
    case current = "CURR"
    /// A voltage, with a limited current.
    case voltage = "VOLT"
  }

  /// What a switched-off output is.
  public enum OffState: String, Sendable, Hashable, CaseIterable {
    /// Disconnected by a relay.
    case highImpedance = "HIMP"
    /// A source of 0 V with a small limit: what the instrument wakes up with.
    case normal = "NORM"
    /// A source of 0 V with the limit that was set.
    case zero = "ZERO"
    /// A source of no current.
    case guarded = "GUAR"
  }

  /// A setting of each of the two functions.
  struct PerFunction<Value: Sendable & Hashable>: Sendable, Hashable {
    var current: Value
    var voltage: Value
  }

  /// Full scales of a 2400's current ranges in amperes.
  static let currentRanges = KeithleyInstrument.Model.model2400.currentRanges
  /// Full scales of a 2400's voltage ranges in volts.
  static let voltageRanges = KeithleyInstrument.Model.model2400.voltageRanges

  /// Whose analogue half it is.
  let model: KeithleyInstrument.Model

  /// The source's error in proportion to its level.
  public var sourceGainError = 1e-4
  /// The current source's error in proportion to the range.
  public var sourceOffsetError = 5e-5
  /// By how much the voltage limit is off, in proportion to its range.
  public var complianceError = 0.0
  /// Whether the converters are overdriven.
  public var isOverdriven = false

  var isOn = false
  /// What off is when a current, and when a voltage is sourced; a 2400 has one state for both.
  var offStates = PerFunction(current: OffState.normal, voltage: .normal)
  var function = Function.voltage
  var currentLevel = 0.0
  var voltageLevel = 0.0
  var currentRange = 1e-4
  var voltageRange = 20.0
  var voltageLimit = 21.0
  var currentLimit = 1.05e-4
  /// The voltage limit that is set, in volts.
  public var setVoltageLimit: Double { voltageLimit }
  var senseVoltageRange = 20.0
  var senseCurrentRange = 1e-4
  var hasRemoteSense = false
  /// Whether the instrument chooses these ranges, as only the newer models do here.
  var choosesRange = PerFunction(current: false, voltage: false)
  var choosesSenseRange = PerFunction(current: false, voltage: false)
  /// No voltage beyond this leaves an interactive model, whatever is set; nil for none.
  var protection: Double?

  /// As it wakes up.
  public init(_ model: KeithleyInstrument.Model = .model2400) {
    self.model = model
    if model.isInteractive { setInteractiveDefaults() }
  }

  /// Of the function that is sourced.
  var offState: OffState {
    get { function == .current ? offStates.current : offStates.voltage }
    set { offStates = PerFunction(current: newValue, voltage: newValue) }
  }

  static func range(_ ranges: [Double], holding value: Double) -> Double? {
    ranges.first { $0 * 1.05 >= value.magnitude * (1 - 1e-9) }
  }

  // MARK: Output

  var sourcedCurrent: Double { currentLevel * (1 + sourceGainError) + currentRange * sourceOffsetError }
  var sourcedVoltage: Double {
    let volts = voltageLevel * (1 + sourceGainError)
    return protection.map { min(max(volts, -$0), $0) } ?? volts
  }
  var heldVoltage: Double {
    if model.isInteractive { return heldVoltageInteractive }
    let range = Self.range(Self.voltageRanges, holding: voltageLimit) ?? 200
    return min(voltageLimit, senseVoltageRange * 1.05) + complianceError * range
  }
  var heldCurrent: Double {
    if model.isInteractive { return currentLimit }
    return min(currentLimit, senseCurrentRange * 1.05)
  }

  /// What a cell feels.
  func drive(of cell: any VirtualCell) -> CellDrive {
    guard isOn else {
      switch offState {
      case .highImpedance: return .open
      // A newer model that sources a voltage goes on as a source of 0 V.
      case .guarded where model.isInteractive && function == .voltage:
        return .voltage(0, currentLimit: 0.1 * senseCurrentRange)
      case .guarded: return .open
      // User's manual: half a per cent of full scale (from memory); 2461 Reference Manual: a tenth of the measuring
      // range.
      case .normal:
        return .voltage(0, currentLimit: model.isInteractive ? 0.1 * senseCurrentRange : 0.005 * currentRange)
      case .zero: return .voltage(0, currentLimit: currentLimit)
      }
    }
    switch function {
    case .voltage: return .voltage(sourcedVoltage, currentLimit: heldCurrent)
    case .current:
      let volts = cell.voltage(under: .current(sourcedCurrent))
      if volts.magnitude <= heldVoltage { return .current(sourcedCurrent) }
      // In compliance the instrument is a voltage source, and whatever the cell gives flows into it.
      return .voltage(
        volts < 0 ? -heldVoltage : heldVoltage, currentLimit: 1.05 * max(currentRange, currentLevel.magnitude))
    }
  }

  // MARK: Measurement

  /// Volts, amperes and status of a measurement at this moment.
  func measure(_ cell: any VirtualCell) -> (volts: Double, amperes: Double, status: Int) {
    let drive = drive(of: cell)
    let amperes = cell.current(under: drive)
    let volts = cell.voltage(under: drive)
    var status = function == .current ? 1 << 15 : 1 << 14
    status |= 1 << 11 | 1 << 12
    if hasRemoteSense { status |= 1 << 22 }
    let isLimited: Bool
    let isLimitedByRange: Bool
    if function == .current {
      isLimited = drive != .current(sourcedCurrent)
      isLimitedByRange = senseVoltageRange * 1.05 < voltageLimit
    } else {
      isLimited = amperes.magnitude >= heldCurrent * (1 - 1e-9)
      isLimitedByRange = senseCurrentRange * 1.05 < currentLimit
    }
    if isLimited { status |= isLimitedByRange ? 1 << 16 : 1 << 3 }
    let ranges = (volts: senseVoltageRange, amperes: function == .current ? currentRange : senseCurrentRange)
    let found = (Self.converted(volts, ranges.volts), Self.converted(amperes, ranges.amperes))
    if isOverdriven || found.0 == nil || found.1 == nil {
      return (
        isOverdriven ? Self.overflow : found.0 ?? Self.overflow,
        isOverdriven ? Self.notANumber : found.1 ?? Self.overflow, status | 1
      )
    }
    return (found.0 ?? 0, found.1 ?? 0, status)
  }

  static let overflow = 9.9e37
  static let notANumber = 9.91e37

  /// With five digits and a half; nil beyond the range.
  private static func converted(_ value: Double, _ range: Double) -> Double? {
    guard value.magnitude <= range * 1.0501 else { return nil }
    let resolution = range / (range == 0.2 ? 2e5 : range == 20 || range == 2 || range == 200 ? 2e5 : 1e5)
    return (value / resolution).rounded() * resolution
  }
}
