// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The numbers of a half-cycle, from its records and nothing else. A record carries the exact charge and energy since
// its step began, so every sum here is a sum of differences of stored integers: computed live, from the store or from an
// export, it is the same to the last digit, and records between the edges may be missing without changing it.
//
// It does not know why a half-cycle ended, what a gap hid or what counts as empty; who runs the cell says that.

public import CyclerModel
public import Quantities

/// Sums up the records of one half-cycle (docs/metrics.md, "Half-cycle").
///
/// Give it the records of each of its steps in order and say `stepEnded()` after each step. The sums may be read at any
/// time.
public struct HalfCycleAccumulator: Sendable, Hashable {
  /// The programmed direction.
  public let direction: Direction
  /// Charge passed below this voltage is plateau charge; nil where the branch has no plateau.
  public let plateauThreshold: Voltage?

  // Net, positive charging, of the steps that have ended; nC and nJ.
  private var endedCharge: Int64 = 0
  private var endedEnergy: Int64 = 0
  // Of the present step, at its last record.
  private var stepCharge: Int64 = 0
  private var stepEnergy: Int64 = 0
  // A magnitude.
  private var reverse: Int64 = 0
  // Net, positive charging.
  private var held: Int64 = 0
  private var flags: DataFlags = []

  // Closed time of the steps that have ended, µs; nil when it was not counted from the beginning.
  private var endedTime: Int64? = 0
  // Of the present step, at its last record, and at its last one with a voltage.
  private var stepTime: Int64 = 0
  private var stepVoltage: Int64?
  // Of the last step that has ended and drove a current.
  private var endedVoltage: Int64?

  // Net charge below the threshold, positive charging, up to `placedCharge` of the present step.
  private var below: Int64 = 0
  private var wasBelow = false
  // A step moved charge and nobody measured its voltage.
  private var hasUnplaced = false
  // The present step's last record with a voltage.
  private var placedCharge: Int64 = 0
  private var placedVoltage: Int64?

  /// An empty half-cycle.
  public init(direction: Direction, plateauThreshold: Voltage?) {
    self.direction = direction
    self.plateauThreshold = plateauThreshold
  }

  /// An empty half-cycle with the plateau threshold that the parameters give its branch.
  public init(direction: Direction, parameters: MetricParameters, role: CellRole) {
    self.init(
      direction: direction, plateauThreshold: parameters.plateauThreshold(direction: direction, role: role))
  }

  /// Counts what flowed since the step's record before this one, or since its beginning.
  public mutating func record(_ record: RecordRow) {
    let charge = record.charge.nanocoulombs
    let increment = charge &- stepCharge
    switch direction {
    case .charge: if increment < 0 { reverse &-= increment }
    case .discharge: if increment > 0 { reverse &+= increment }
    case .none: break
    }
    if record.flags.contains(.constantVoltage) { held &+= increment }
    flags.formUnion(record.flags.intersection(Self.inherited))
    stepCharge = charge
    stepEnergy = record.energy.nanojoules
    stepTime = record.stepTime.microseconds
    if let voltage = record.voltage { stepVoltage = voltage.nanovolts }
    if let plateauThreshold, let voltage = record.voltage {
      place(charge, voltage.nanovolts, threshold: plateauThreshold.nanovolts)
    }
  }

  /// The step is over; the next record begins another one.
  /// - Parameter isDriven: Whether it was one that moves charge, and not a rest inside the half-cycle.
  public mutating func stepEnded(isDriven: Bool = true) {
    if isDriven {
      endedTime = endedTime.map { $0 &+ stepTime }
      endedVoltage = stepVoltage ?? endedVoltage
    }
    stepTime = 0
    stepVoltage = nil
    let rest = chargeAfterPlaced
    below &+= rest.below
    hasUnplaced = hasUnplaced || rest.isUnplaced
    endedCharge &+= stepCharge
    endedEnergy &+= stepEnergy
    stepCharge = 0
    stepEnergy = 0
    placedCharge = 0
    placedVoltage = nil
  }

  /// Charge moved in the programmed direction less the opposite.
  public var charge: Charge { Charge(nanocoulombs: directed(endedCharge &+ stepCharge)) }
  /// Charge moved against the programmed direction, a magnitude: the sum over the intervals between records in which
  /// more flowed against it than with it. Zero without a direction.
  public var reverseCharge: Charge { Charge(nanocoulombs: reverse) }
  /// Energy moved in the programmed direction.
  public var energy: Energy { Energy(nanojoules: directed(endedEnergy &+ stepEnergy)) }
  /// Of `charge`, what flowed in the intervals that end with a record of the constant-voltage phase.
  public var constantVoltageCharge: Charge { Charge(nanocoulombs: directed(held)) }
  /// Of `charge`, what flowed while the voltage was below the threshold.
  ///
  /// nil without a threshold, when no record lies below it, and when charge flowed in a step of which nobody measured a
  /// voltage. A half-cycle that lies below the threshold as a whole is plateau as a whole.
  public var plateauCharge: Charge? {
    let rest = chargeAfterPlaced
    guard plateauThreshold != nil, wasBelow, !hasUnplaced, !rest.isUnplaced else { return nil }
    return Charge(nanocoulombs: directed(below &+ rest.below))
  }

  /// How long the circuit was closed in the steps that moved charge; nil when that was not counted from the beginning.
  public var activeTime: TimeSpan? {
    endedTime.map { TimeSpan(microseconds: stepCharge == 0 ? $0 : $0 &+ stepTime) }
  }
  /// Voltage of the last record of the last such step; nil when nobody measured it.
  public var endVoltage: Voltage? {
    (stepCharge == 0 ? endedVoltage : stepVoltage ?? endedVoltage).map(Voltage.init(nanovolts:))
  }

  /// `row` with the sums and the records' flags; place, gap and end are left as they are.
  public func fill(_ row: HalfCycleRow) -> HalfCycleRow {
    var row = row
    row.charge = charge
    row.reverseCharge = reverseCharge
    row.energy = energy
    row.constantVoltageCharge = constantVoltageCharge
    row.plateauCharge = plateauCharge
    row.activeTime = activeTime
    row.endVoltage = endVoltage
    row.flags.formUnion(flags)
    return row
  }
}

// MARK: - Arithmetic

extension HalfCycleAccumulator {
  // What is true of a half-cycle because it is true of one of its records.
  private static let inherited: DataFlags = [.overload, .underload, .late, .gap, .interrupted, .chargeUnknown]

  // Sums wrap rather than trap: beyond 2.5 MAh nothing is a cell, and a file from elsewhere must not stop the daemon.
  private func directed(_ net: Int64) -> Int64 {
    switch direction {
    case .charge, .none: net
    case .discharge: 0 &- net
    }
  }

  private mutating func place(_ charge: Int64, _ voltage: Int64, threshold: Int64) {
    let increment = charge &- placedCharge
    let isBelow = voltage < threshold
    if let before = placedVoltage, (before < threshold) != isBelow {
      // The voltages stand on both sides: the share of the interval that the lower one's side takes, linearly.
      let lower = min(before, voltage)
      let span = UInt64(bitPattern: max(before, voltage) &- lower)
      below &+= Self.share(increment, UInt64(bitPattern: threshold &- lower), of: span)
    } else if isBelow {
      below &+= increment
    }
    wasBelow = wasBelow || isBelow
    placedCharge = charge
    placedVoltage = voltage
  }

  // amount · part / whole with 0 <= part <= whole, halves away from zero.
  private static func share(_ amount: Int64, _ part: UInt64, of whole: UInt64) -> Int64 {
    // An odd whole has no half to round.
    let magnitude = (UInt128(amount.magnitude) * UInt128(part) + UInt128(whole / 2)) / UInt128(whole)
    return amount < 0 ? 0 &- Int64(truncatingIfNeeded: magnitude) : Int64(truncatingIfNeeded: magnitude)
  }

  // What flowed after the last record with a voltage takes that record's side.
  private var chargeAfterPlaced: (below: Int64, isUnplaced: Bool) {
    guard let plateauThreshold, stepCharge != placedCharge else { return (0, false) }
    guard let placedVoltage else { return (0, true) }
    return (placedVoltage < plateauThreshold.nanovolts ? stepCharge &- placedCharge : 0, false)
  }
}

// MARK: - Checkpoint

extension HalfCycleAccumulator {
  /// Appends the state to a checkpoint.
  public func encode(into writer: inout ByteWriter) {
    writer.write(direction.rawValue)
    writer.write(plateauThreshold?.nanovolts)
    writer.write(endedCharge)
    writer.write(endedEnergy)
    writer.write(stepCharge)
    writer.write(stepEnergy)
    writer.write(reverse)
    writer.write(held)
    writer.write(flags.rawValue)
    writer.write(below)
    writer.write(placedCharge)
    writer.write(placedVoltage)
    writer.write(wasBelow)
    writer.write(hasUnplaced)
  }

  /// Reads what `encode(into:)` wrote.
  /// - Throws: `ByteReader.Malformed` with the place, when the bytes end early or cannot be such a state.
  public init(from reader: inout ByteReader) throws(ByteReader.Malformed) {
    guard let direction = Direction(rawValue: try reader.read()) else { throw reader.malformed }
    let threshold = try reader.readOptional(Int64.self)
    self.init(direction: direction, plateauThreshold: threshold.map(Voltage.init(nanovolts:)))
    endedCharge = try reader.read()
    endedEnergy = try reader.read()
    stepCharge = try reader.read()
    stepEnergy = try reader.read()
    reverse = try reader.read()
    held = try reader.read()
    flags = DataFlags(rawValue: try reader.read())
    below = try reader.read()
    placedCharge = try reader.read()
    placedVoltage = try reader.readOptional(Int64.self)
    wasBelow = try reader.readBool()
    hasUnplaced = try reader.readBool()
  }

  /// Appends what tells the conditions, which came later than the rest.
  public func encodeConditions(into writer: inout ByteWriter) {
    writer.write(endedTime)
    writer.write(stepTime)
    writer.write(stepVoltage)
    writer.write(endedVoltage)
  }

  /// Reads what `encodeConditions(into:)` wrote.
  /// - Throws: `ByteReader.Malformed` with the place, when the bytes end early.
  public mutating func decodeConditions(from reader: inout ByteReader) throws(ByteReader.Malformed) {
    endedTime = try reader.readOptional(Int64.self)
    stepTime = try reader.read()
    stepVoltage = try reader.readOptional(Int64.self)
    endedVoltage = try reader.readOptional(Int64.self)
  }

  /// Nobody counted the time from the beginning.
  public mutating func forgetConditions() { endedTime = nil }
}
