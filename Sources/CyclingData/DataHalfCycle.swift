// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import CellMetrics
public import CyclerModel
public import Quantities

/// A half-cycle that was found in a table.
public struct DataHalfCycle: Sendable, Hashable {
  /// Its direction.
  public var direction: Direction
  /// The cycle that it belongs to, 0 for one before the first.
  public var cycle: Int64 = 0
  /// What it moved in its direction.
  public var charge: Charge
  /// Energy of it; nil where a voltage is missing.
  public var energy: Energy?
  /// What it moved below the plateau threshold of its branch; nil without one, and when no record lies below it.
  public var plateauCharge: Charge?
  /// The same of the voltage less its ohmic part; only where a run of ours asked for it.
  public var plateauIRCorrectedCharge: Charge?
  /// When its current began and ended, s of the test.
  public var begin: Double
  /// See `begin`.
  public var end: Double
  /// Lines of its first and last record.
  public var firstLine: Int
  /// See `firstLine`.
  public var lastLine: Int
  /// Voltage of its first and last record, V; nil where it was not measured.
  public var firstVoltage: Double?
  /// See `firstVoltage`.
  public var lastVoltage: Double?
  /// The lowest and the highest voltage of its records, V; nil where none was measured.
  public var lowestVoltage: Double?
  /// See `lowestVoltage`.
  public var highestVoltage: Double?
  /// How long current flowed, s.
  public var activeTime: Double
  /// The largest magnitude of its current, A.
  public var largestCurrent: Double
  /// Steps with a current, or pieces between rests where no step is known.
  public var steps: Int
  /// What the instrument counted, where it did.
  public var counted: Charge?
  /// What the samples come to, where there is a counter beside them.
  public var integral: Charge?
  /// The most that may have flowed while nobody measured. In a table that nobody stamped nil without a gap; in one of ours
  /// zero then, and nil where there is no bound.
  public var gapCharge: Charge?
  /// How long it was interrupted, s; nil if it was not.
  public var interruption: Double?
  /// Runs that did not split it, and what they moved.
  public var spurious = 0
  /// See `spurious`.
  public var spuriousCharge = Charge.zero
  /// It ended at another voltage than its branch does.
  public var isTruncated = false
  /// The first of the table, and much smaller than the next of its direction.
  public var isPartialStart = false
  /// What is in no sum of it, because hardly any current flowed.
  var quiet: QuietPart
  /// It is hardly any current as a whole, beside the half-cycle that it follows.
  var isQuiet = false
  /// The flags that a run gave it; nil in tables that nobody stamped.
  public var stampedFlags: DataFlags?

  /// The mean magnitude of its current, A.
  public var meanCurrent: Double? { activeTime > 0 ? Double(charge.nanocoulombs) / 1e9 / activeTime : nil }

  init(_ draft: HalfCycleDraft) {
    direction = draft.direction
    charge = draft.accumulator.charge
    energy = draft.lacksEnergy ? nil : draft.accumulator.energy
    plateauCharge = draft.accumulator.plateauCharge
    begin = draft.begin
    end = draft.end
    firstLine = draft.firstLine
    lastLine = draft.lastLine
    firstVoltage = draft.firstVoltage.isNaN ? nil : draft.firstVoltage
    lastVoltage = draft.lastVoltage.isNaN ? nil : draft.lastVoltage
    lowestVoltage = draft.lowestVoltage.isNaN ? nil : draft.lowestVoltage
    highestVoltage = draft.highestVoltage.isNaN ? nil : draft.highestVoltage
    activeTime = draft.activeTime.value
    largestCurrent = draft.largestCurrent
    steps = draft.steps
    let sign = Double(draft.direction.rawValue)
    counted = draft.hasCount ? Charge(nanocoulombs: HalfCycleDraft.nano(sign * draft.counted.value)) : nil
    integral = draft.hasCount ? Charge(nanocoulombs: HalfCycleDraft.nano(sign * draft.integral.value)) : nil
    gapCharge = draft.hasGap ? Charge(nanocoulombs: HalfCycleDraft.nano(draft.gapCharge)) : nil
    interruption = draft.isInterrupted ? draft.interruption : nil
    quiet = draft.quiet
  }

  /// The same with what was set aside.
  var countingQuiet: DataHalfCycle {
    var whole = self
    whole.isQuiet = false
    whole.charge = charge.wrapping(Charge(nanocoulombs: quiet.charge))
    whole.energy = energy.map { Energy(nanojoules: $0.nanojoules &+ quiet.energy) }
    if let plateauCharge {
      whole.plateauCharge = plateauCharge.wrapping(Charge(nanocoulombs: quiet.plateau))
    }
    whole.activeTime += quiet.time
    whole.steps += quiet.steps
    if let tail = quiet.tail {
      whole.end = tail.end
      whole.lastLine = tail.line
      if !tail.voltage.isNaN { whole.lastVoltage = tail.voltage }
    }
    whole.quiet = QuietPart()
    return whole
  }

  /// Takes in what flowed after its last record, for the comparison alone; positive charging, C.
  mutating func compare(counted: Double, integral sampled: Double) {
    let sign = Double(direction.rawValue)
    self.counted = (self.counted ?? .zero).wrapping(Charge(nanocoulombs: HalfCycleDraft.nano(sign * counted)))
    integral = (integral ?? .zero).wrapping(Charge(nanocoulombs: HalfCycleDraft.nano(sign * sampled)))
  }

  /// Takes in what followed in the same direction, with `between` spurious runs of that charge in between.
  mutating func append(_ next: DataHalfCycle, after between: (count: Int, charge: Charge) = (0, .zero)) {
    charge = charge.wrapping(next.charge)
    energy = energy.flatMap { own in next.energy.map { Energy(nanojoules: own.nanojoules &+ $0.nanojoules) } }
    if let own = plateauCharge, let other = next.plateauCharge {
      plateauCharge = own.wrapping(other)
    } else {
      plateauCharge = plateauCharge ?? next.plateauCharge
    }
    end = next.end
    lastLine = next.lastLine
    lastVoltage = next.lastVoltage ?? lastVoltage
    lowestVoltage = [lowestVoltage, next.lowestVoltage].compactMap { $0 }.min()
    highestVoltage = [highestVoltage, next.highestVoltage].compactMap { $0 }.max()
    activeTime += next.activeTime
    largestCurrent = max(largestCurrent, next.largestCurrent)
    steps += next.steps
    counted = counted.flatMap { own in next.counted.map { own.wrapping($0) } }
    integral = integral.flatMap { own in next.integral.map { own.wrapping($0) } }
    quiet.add(next.quiet)
    if let other = next.gapCharge { gapCharge = (gapCharge ?? .zero).wrapping(other) }
    if let other = next.interruption { interruption = (interruption ?? 0) + other }
    spurious += next.spurious + between.count
    spuriousCharge = spuriousCharge.wrapping(next.spuriousCharge).wrapping(between.charge)
  }
}

extension Charge {
  /// A sum that wraps where it is beyond any cell: what a counter shows in a file must not stop the program.
  func wrapping(_ other: Charge) -> Charge { Charge(nanocoulombs: nanocoulombs &+ other.nanocoulombs) }
}
