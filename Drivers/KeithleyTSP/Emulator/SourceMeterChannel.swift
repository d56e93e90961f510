// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The analogue half of one channel: what its output does to a cell, and what its converter makes of it.

import VirtualLab

/// Source, limits, ranges and output of one channel of a 2602.
public struct SourceMeterChannel: Sendable, Hashable {
  /// What a switched-off output is (`smuX.source.offmode`).
  public enum OffMode: Int, Sendable, Hashable, CaseIterable {
    /// A source of 0 V or 0 A with limits of its own: what the instrument wakes up with.
    case normal = 0
    /// A source of 0 V with the limits that were set.
    case zero = 1
    /// Disconnected by a relay.
    case highImpedance = 2
  }

  /// Full scales of the current ranges in amperes.
  static let currentRanges = [1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 3]
  /// Full scales of the voltage ranges in volts.
  static let voltageRanges = [0.1, 1, 6, 40]
  /// A range goes this far beyond its full scale.
  static let overrange = 1.01
  /// What is returned for a measurement beyond its range.
  static let overflow = 9.91e37

  /// The source's error in proportion to its level.
  public var sourceGainError = 1e-4
  /// The current source's error in proportion to its range.
  public var sourceOffsetError = 5e-5
  /// By how much the voltage limit is off, in proportion to its range.
  public var limitError = 0.0
  /// Whether the converter is overdriven.
  public var isOverdriven = false
  /// Whether its measurements are no numbers at all.
  public var givesNoNumbers = false

  /// What is wrong with it.
  var fault: MeterFault?
  /// Whether the output is on.
  public internal(set) var isOn = false
  /// What a switched-off output is.
  public internal(set) var offMode = OffMode.normal
  /// Whether it was sent to high impedance without changing the mode (`source.output = OUTPUT_HIGH_Z`).
  var isSentToHighImpedance = false
  /// Whether a switched-off output in normal mode is a source of current.
  var offSourcesCurrent = false
  var offCurrentLimit = 1e-3
  var offVoltageLimit = 40.0
  var sourcesCurrent = false
  var currentLevel = 0.0
  var voltageLevel = 0.0
  var currentRange = 1e-7
  var voltageRange = 0.1
  var autoCurrentRange = true
  var autoVoltageRange = true
  /// The limit of the voltage while a current is sourced, in volts, in both directions.
  public internal(set) var voltageLimit = 40.0
  /// The limit of the current while a voltage is sourced, in amperes, in both directions.
  public internal(set) var currentLimit = 1.0
  var measureVoltageRange = 0.1
  var measureCurrentRange = 1e-7
  var autoMeasureVoltage = true
  var autoMeasureCurrent = true
  var cycles = 1.0
  /// Whether the voltage is sensed with leads of its own.
  public internal(set) var hasRemoteSense = false
  var sinks = false

  /// As it wakes up.
  public init() {}

  /// The same instrument with the settings with which it wakes up.
  mutating func restoreSettings() {
    var fresh = SourceMeterChannel()
    fresh.sourceGainError = sourceGainError
    fresh.sourceOffsetError = sourceOffsetError
    fresh.limitError = limitError
    fresh.isOverdriven = isOverdriven
    fresh.givesNoNumbers = givesNoNumbers
    fresh.fault = fault
    self = fresh
  }

  static func range(_ ranges: [Double], holding value: Double) -> Double? {
    ranges.first { $0 * overrange >= value.magnitude * (1 - 1e-9) }
  }

  // MARK: Output

  private var sourcedCurrent: Double { currentLevel * (1 + sourceGainError) + currentRange * sourceOffsetError }
  private var sourcedVoltage: Double { voltageLevel * (1 + sourceGainError) }
  private var heldVoltage: Double {
    voltageLimit + limitError * (Self.range(Self.voltageRanges, holding: voltageLimit) ?? 40)
  }

  /// What a cell feels.
  func drive(of cell: any VirtualCell) -> CellDrive {
    guard isOn else { return driveWhileOff(of: cell) }
    guard sourcesCurrent else { return .voltage(sourcedVoltage, currentLimit: currentLimit) }
    return Self.current(sourcedCurrent, limit: heldVoltage, range: currentRange, of: cell)
  }

  private func driveWhileOff(of cell: any VirtualCell) -> CellDrive {
    if isSentToHighImpedance { return .open }
    switch offMode {
    case .highImpedance: return .open
    case .normal where offSourcesCurrent: return Self.current(0, limit: offVoltageLimit, range: 1e-3, of: cell)
    case .normal: return .voltage(0, currentLimit: offCurrentLimit)
    case .zero:
      let limit = sourcesCurrent ? max(currentLevel.magnitude, 0.1 * currentRange) : currentLimit
      return .voltage(0, currentLimit: limit)
    }
  }

  /// A current until the limit of the voltage; from there a voltage, whatever the cell then gives.
  private static func current(_ amperes: Double, limit: Double, range: Double, of cell: any VirtualCell) -> CellDrive {
    let volts = cell.voltage(under: .current(amperes))
    if volts.magnitude <= limit { return .current(amperes) }
    return .voltage(volts < 0 ? -limit : limit, currentLimit: overrange * range)
  }

  /// Whether a limit acts (`smuX.source.compliance`).
  func isLimited(_ cell: any VirtualCell) -> Bool {
    guard isOn else { return false }
    let drive = drive(of: cell)
    if sourcesCurrent { return drive != .current(sourcedCurrent) }
    return cell.current(under: drive).magnitude >= currentLimit * (1 - 1e-9)
  }

  // MARK: Measurement

  /// Volts and amperes at this moment, as its converter sees them.
  func measure(_ cell: any VirtualCell) -> (volts: Double, amperes: Double) {
    if givesNoNumbers || fault?.kind == .notANumber { return (.nan, .nan) }
    if isOverdriven || fault?.kind == .overload { return (Self.overflow, Self.overflow) }
    let found = observe(cell)
    return fault.map { ($0.volts(found.volts), $0.amperes(found.amperes)) } ?? found
  }

  /// In the ranges that were set or that it chooses.
  private func observe(_ cell: any VirtualCell) -> (volts: Double, amperes: Double) {
    let drive = drive(of: cell)
    // Behind an open relay there is nothing.
    guard drive != .open else { return (0, 0) }
    let volts = cell.voltage(under: drive)
    let amperes = cell.current(under: drive)
    // What is sourced is measured in the range of the source.
    let voltageRange = isOn && !sourcesCurrent ? voltageRange : autoMeasureVoltage ? nil : measureVoltageRange
    let currentRange = isOn && sourcesCurrent ? currentRange : autoMeasureCurrent ? nil : measureCurrentRange
    return (
      Self.converted(volts, voltageRange, Self.voltageRanges), Self.converted(amperes, currentRange, Self.currentRanges)
    )
  }

  /// In steps of a millionth of the range.
  private static func converted(_ value: Double, _ fixed: Double?, _ ranges: [Double]) -> Double {
    guard let range = fixed ?? self.range(ranges, holding: value), value.magnitude <= range * 1.02 else {
      return overflow
    }
    let step = range * 1e-6
    return (value / step).rounded() * step
  }
}
