// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The sums of one half-cycle while its records are read. Charges of intervals are added as Doubles with compensation and
// handed on as whole nanocoulombs since the step's beginning, as an instrument's records have them; from there on it is the
// arithmetic of CellMetrics that a live run uses.

internal import CellMetrics
internal import CyclerModel
internal import Quantities

struct HalfCycleDraft: Sendable, Hashable {
  let direction: Direction
  private(set) var accumulator: HalfCycleAccumulator
  // Of the present step, positive charging; C and J.
  private var stepCharge = CompensatedSum()
  private var stepEnergy = CompensatedSum()
  /// Whether a record of the present step has been added.
  private(set) var isInStep = false

  let firstLine: Int
  private(set) var lastLine: Int
  let begin: Double
  private(set) var end: Double
  let firstVoltage: Double
  private(set) var lastVoltage: Double
  private(set) var lowestVoltage: Double
  private(set) var highestVoltage: Double
  /// The largest magnitude of the current, A.
  private(set) var largestCurrent: Double
  /// The same with that of the pieces before it that only pulses cut off: what its currents are measured by.
  private(set) var scale: Double
  /// How long current flowed, s.
  private(set) var activeTime = CompensatedSum()
  /// Steps in which current flowed.
  private(set) var steps = 0
  /// What the samples come to, and what the counter does, where there are both; positive charging, C.
  private(set) var integral = CompensatedSum()
  private(set) var counted = CompensatedSum()
  private(set) var hasCount = false
  /// An interval of it had no voltage at either end.
  private(set) var lacksEnergy = false
  /// A magnitude: what may have flowed while nobody measured, C.
  private(set) var gapCharge = 0.0
  private(set) var hasGap = false
  /// How long it was interrupted, s.
  private(set) var interruption = 0.0
  private(set) var isInterrupted = false
  /// What flowed while there was hardly any current; in none of the sums.
  private(set) var quiet = QuietPart()

  /// The next piece of a half-cycle from which hardly any current of the other direction was cut out.
  init(continuing before: HalfCycleDraft, row: DataRow) {
    self.init(before.direction, threshold: before.accumulator.plateauThreshold, row: row, scale: before.scale)
    stepCharge = before.stepCharge
    stepEnergy = before.stepEnergy
  }

  init(_ direction: Direction, threshold: Voltage?, row: DataRow, scale: Double = 0) {
    self.direction = direction
    accumulator = HalfCycleAccumulator(direction: direction, plateauThreshold: threshold)
    firstLine = row.line
    lastLine = row.line
    begin = row.time
    end = row.time
    firstVoltage = row.voltage
    lastVoltage = row.voltage
    lowestVoltage = row.voltage
    highestVoltage = row.voltage
    largestCurrent = row.current.magnitude
    self.scale = max(scale, row.current.magnitude)
  }

  /// Net charge so far, a magnitude when all is well; C.
  var charge: Double { Double(accumulator.charge.nanocoulombs) * 1e-9 }

  /// Adds what flowed up to a record of it.
  mutating func add(charge: Double, over time: Double, energyAt voltage: Double, to row: DataRow) {
    add(charge, time, voltage, at: row.voltage)
    end = row.time
    lastLine = row.line
    let magnitude = row.current.magnitude
    if magnitude > largestCurrent {
      largestCurrent = magnitude
      if magnitude > scale { scale = magnitude }
    }
    guard !row.voltage.isNaN else { return }
    lastVoltage = row.voltage
    if !(row.voltage >= lowestVoltage) { lowestVoltage = row.voltage }
    if !(row.voltage <= highestVoltage) { highestVoltage = row.voltage }
  }

  /// Adds what flowed after its last record, up to another's.
  mutating func add(charge: Double, over time: Double, until end: Double) {
    guard charge != 0 || time != 0 else { return }
    add(charge, time, lastVoltage, at: .nan)
    self.end = end
  }

  private mutating func add(_ charge: Double, _ time: Double, _ energyVoltage: Double, at voltage: Double) {
    if !isInStep {
      isInStep = true
      steps += 1
    }
    stepCharge.add(charge)
    if !energyVoltage.isNaN { stepEnergy.add(charge * energyVoltage) } else if charge != 0 { lacksEnergy = true }
    activeTime.add(time)
    accumulator.record(
      RecordRow(
        stepID: 0, index: 0, stepTime: .zero, voltage: voltage.isNaN ? nil : Voltage(nanovolts: Self.nano(voltage)),
        current: nil, charge: Charge(nanocoulombs: Self.nano(stepCharge.value)),
        energy: Energy(nanojoules: Self.nano(stepEnergy.value)), flags: []))
  }

  /// The step is over, or the current.
  mutating func endStep() {
    guard isInStep else { return }
    accumulator.stepEnded()
    // What rounding left over goes into the next step, so that a thousand of them lose no more than one.
    stepCharge = CompensatedSum(stepCharge.value - Double(Self.nano(stepCharge.value)) / 1e9)
    stepEnergy = CompensatedSum(stepEnergy.value - Double(Self.nano(stepEnergy.value)) / 1e9)
    isInStep = false
  }

  mutating func compare(counted charge: Double, integral sampled: Double) {
    counted.add(charge)
    integral.add(sampled)
    hasCount = true
  }

  mutating func note(gap charge: Double) {
    hasGap = true
    gapCharge += charge
  }

  mutating func note(interruption seconds: Double) {
    isInterrupted = true
    interruption += seconds
  }

  /// Takes what flowed since it was `before` out of the sums and keeps it aside.
  mutating func setAside(since before: HalfCycleDraft, isLast: Bool) {
    var part = before.quiet
    part.add(
      charge: accumulator.charge.nanocoulombs &- before.accumulator.charge.nanocoulombs,
      energy: accumulator.energy.nanojoules &- before.accumulator.energy.nanojoules,
      plateau: (accumulator.plateauCharge?.nanocoulombs ?? 0) &- (before.accumulator.plateauCharge?.nanocoulombs ?? 0),
      time: activeTime.value - before.activeTime.value, steps: steps - before.steps)
    part.tail = isLast ? QuietPart.Tail(end: end, line: lastLine, voltage: lastVoltage) : nil
    self = before
    quiet = part
  }

  /// Whole billionths; what is beyond any cell stays at the end of the range instead of stopping the program.
  @inline(__always)
  static func nano(_ value: Double) -> Int64 {
    let scaled = (value * 1e9).rounded()
    return scaled.magnitude < 4e18 ? Int64(scaled) : scaled < 0 ? -4_000_000_000_000_000_000 : 4_000_000_000_000_000_000
  }
}
