// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

public import CyclerModel
public import Quantities

/// The ground on which no end of a step can be met, as numbers in one place. Nearly every reading lies inside, and then
/// the conditions themselves, with their texts and targets, are not looked at.
public struct EndFence: Sendable, Hashable {
  @usableFromInline var voltageFrom = Int64.min
  @usableFromInline var voltageTo = Int64.max
  @usableFromInline var driftFrom = Int64.min
  @usableFromInline var driftTo = Int64.max
  @usableFromInline var chargePerVoltFrom = Int64.min
  @usableFromInline var chargePerVoltTo = Int64.max
  @usableFromInline var currentFrom = Int64.min
  @usableFromInline var currentTo = Int64.max
  @usableFromInline var stepTimeTo = Int64.max
  @usableFromInline var holdTimeTo = Int64.max
  @usableFromInline var halfCycleTimeTo = Int64.max
  @usableFromInline var cycleTimeTo = Int64.max
  @usableFromInline var testTimeTo = Int64.max
  @usableFromInline var stepChargeTo = Int64.max
  @usableFromInline var halfCycleChargeTo = Int64.max
  @usableFromInline var stepEnergyTo = Int64.max
  /// A condition that this does not cover: the ends are looked at each time.
  @usableFromInline var isOpen = false
  /// Whether a condition asks for the step's energy, which costs a division of 128 bits.
  public private(set) var asksForEnergy = false
  /// Whether a condition asks how fast the voltage moves, or how much charge moves it.
  public private(set) var asksForCourse = false
  /// Whether a condition asks for the temperature beside the cell.
  public private(set) var asksForTemperature = false

  /// Whether values, times and charges tell all: no condition asks for more, and each is covered.
  var mayBandQuietly: Bool { !isOpen && !asksForEnergy && !asksForCourse }

  /// The fence of no conditions.
  public init() {}

  /// The fence of a step's conditions and of what is joined to them.
  public init(ends: [EndCondition], joined: [JoinedComparison]) {
    for end in ends { narrow(end.quantity, end.comparison, end.threshold) }
    asksForEnergy = ends.contains { $0.quantity == .stepEnergy } || joined.contains { $0.quantity == .stepEnergy }
    let course: Set<EndCondition.Quantity> = [.voltageDrift, .chargePerVolt]
    let asked = Set(ends.map(\.quantity) + joined.map(\.quantity))
    asksForCourse = !asked.isDisjoint(with: course)
    asksForTemperature = asked.contains(.temperature)
  }

  /// Whether a reading may meet a condition; false only when none can hold.
  @inlinable @inline(__always)
  public func mayBeMet(_ live: LiveQuantities) -> Bool {
    if isOpen { return true }
    if let voltage = live.voltage?.nanovolts, voltage <= voltageFrom || voltage >= voltageTo { return true }
    if let current = live.current?.picoamperes {
      let magnitude = current == .min ? .max : abs(current)
      if magnitude <= currentFrom || magnitude >= currentTo { return true }
    }
    if let drift = live.voltageDrift, drift <= driftFrom || drift >= driftTo { return true }
    if let slope = live.chargePerVolt, slope <= chargePerVoltFrom || slope >= chargePerVoltTo { return true }
    if let held = live.holdTime?.microseconds, held >= holdTimeTo { return true }
    if live.stepTime.microseconds >= stepTimeTo || live.halfCycleTime.microseconds >= halfCycleTimeTo { return true }
    if live.cycleTime.microseconds >= cycleTimeTo || live.testTime.microseconds >= testTimeTo { return true }
    return Self.magnitude(live.stepCharge.nanocoulombs) >= stepChargeTo
      || Self.magnitude(live.halfCycleCharge.nanocoulombs) >= halfCycleChargeTo
      || Self.magnitude(live.stepEnergy.nanojoules) >= stepEnergyTo
  }

  @inlinable @inline(__always)
  static func magnitude(_ value: Int64) -> Int64 { value == .min ? .max : abs(value) }

  // At the threshold itself the condition is asked, whichever way it compares.
  private mutating func narrow(_ quantity: EndCondition.Quantity, _ comparison: Comparison, _ threshold: Int64) {
    let isUpper = comparison == .atLeast || comparison == .above
    switch (quantity, isUpper) {
    case (.voltage, true): voltageTo = min(voltageTo, threshold)
    case (.voltage, false): voltageFrom = max(voltageFrom, threshold)
    case (.voltageDrift, true): driftTo = min(driftTo, threshold)
    case (.voltageDrift, false): driftFrom = max(driftFrom, threshold)
    case (.chargePerVolt, true): chargePerVoltTo = min(chargePerVoltTo, threshold)
    case (.chargePerVolt, false): chargePerVoltFrom = max(chargePerVoltFrom, threshold)
    case (.current, true): currentTo = min(currentTo, threshold)
    case (.current, false): currentFrom = max(currentFrom, threshold)
    case (.stepTime, true): stepTimeTo = min(stepTimeTo, threshold)
    case (.holdTime, true): holdTimeTo = min(holdTimeTo, threshold)
    case (.halfCycleTime, true): halfCycleTimeTo = min(halfCycleTimeTo, threshold)
    case (.cycleTime, true): cycleTimeTo = min(cycleTimeTo, threshold)
    case (.testTime, true): testTimeTo = min(testTimeTo, threshold)
    case (.stepCharge, true): stepChargeTo = min(stepChargeTo, threshold)
    case (.halfCycleCharge, true): halfCycleChargeTo = min(halfCycleChargeTo, threshold)
    case (.stepEnergy, true): stepEnergyTo = min(stepEnergyTo, threshold)
    // No reading foretells it.
    case (.temperature, _): isOpen = true
    case (.stepTime, false), (.holdTime, false), (.halfCycleTime, false), (.cycleTime, false), (.testTime, false),
      (.stepCharge, false), (.halfCycleCharge, false), (.stepEnergy, false), (.cycleNumber, true),
      (.cycleNumber, false):
      isOpen = true
    }
  }
}
