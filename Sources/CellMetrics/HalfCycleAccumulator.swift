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

  private var plateau = ThresholdCharge()
  /// Closed time of the steps that have ended, µs; nil when it was not counted from the beginning.
  private var endedTime: Int64? = 0
  // Of the present step, at its last record, and at its last one with a voltage.
  private var stepTime: Int64 = 0
  private var stepVoltage: Int64?
  // Of the last step that has ended and drove a current.
  private var endedVoltage: Int64?

  /// The delay of the resistance that corrects the plateau; nil when it is not corrected.
  public let correctionDelay: ResistanceDelay?
  private var correctedPlateau = ThresholdCharge()
  private var course = BranchCourse()

  /// An empty half-cycle.
  public init(direction: Direction, plateauThreshold: Voltage?, correctionDelay: ResistanceDelay? = nil) {
    self.direction = direction
    self.plateauThreshold = plateauThreshold
    self.correctionDelay = plateauThreshold == nil ? nil : correctionDelay
  }

  /// An empty half-cycle with the plateau threshold that the parameters give its branch.
  public init(direction: Direction, parameters: MetricParameters, role: CellRole) {
    self.init(
      direction: direction, plateauThreshold: parameters.plateauThreshold(direction: direction, role: role),
      correctionDelay: parameters.plateauIRCorrection)
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
    course.record(record, moved: increment)
    guard let plateauThreshold, let voltage = record.voltage else { return }
    plateau.place(charge, voltage.nanovolts, threshold: plateauThreshold.nanovolts)
    if let correctionResistance, let current = record.current {
      let corrected = voltage.lessDrop(of: current, at: correctionResistance)
      correctedPlateau.place(charge, corrected.nanovolts, threshold: plateauThreshold.nanovolts)
    }
  }

  /// A step of that kind begins, in a range with that stated error. Who does not know what the steps are leaves it out, and
  /// the half-cycle has no detail.
  public mutating func stepBegan(_ kind: StepKind, accuracy: CurrentAccuracy?) {
    course.stepBegan(kind, accuracy: accuracy, reverse: reverse)
  }

  /// The circuit is closed from where the last record before left the cell, behind a rest if there was one. What comes
  /// after the first time says nothing of the half-cycle's beginning and is left out.
  public mutating func circuitClosed(from standing: RestTrace.Standing, after rest: RestBefore?) {
    course.circuitClosed(from: standing, after: rest)
  }

  /// Takes the resistance by which the plateau is corrected, as it was read when the half-cycle ran.
  mutating func know(_ resistance: ClosingResistance) {
    if let correctionDelay { course.know(resistance, at: correctionDelay) }
  }

  /// The resistance by which the plateau is corrected; nil while it is not known or not asked for.
  public var correctionResistance: Resistance? { correctionDelay.flatMap(course.resistance) }

  /// The step is over; the next record begins another one.
  /// - Parameter isDriven: Whether it was one that moves charge, and not a rest inside the half-cycle.
  public mutating func stepEnded(isDriven: Bool = true) {
    if isDriven {
      endedTime = endedTime.map { $0 &+ stepTime }
      endedVoltage = stepVoltage ?? endedVoltage
    }
    stepTime = 0
    stepVoltage = nil
    plateau.stepEnded(at: stepCharge, threshold: plateauThreshold?.nanovolts)
    if correctionDelay != nil { correctedPlateau.stepEnded(at: stepCharge, threshold: plateauThreshold?.nanovolts) }
    course.stepEnded(charge: stepCharge, reverse: reverse, direction: direction)
    endedCharge &+= stepCharge
    endedEnergy &+= stepEnergy
    stepCharge = 0
    stepEnergy = 0
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
    plateauThreshold.flatMap { plateau.value(at: stepCharge, threshold: $0.nanovolts) }
      .map { Charge(nanocoulombs: directed($0)) }
  }
  /// The same of the voltage less its ohmic part, by the resistance at `correctionDelay`. What flowed before that was known
  /// takes the side of the record at which it was. nil also when it was not known at the end of the first step.
  public var plateauIRCorrectedCharge: Charge? {
    guard correctionDelay != nil else { return nil }
    return plateauThreshold.flatMap { correctedPlateau.value(at: stepCharge, threshold: $0.nanovolts) }
      .map { Charge(nanocoulombs: directed($0)) }
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
    course.fill(&row.detail, charge: stepCharge, reverse: reverse, direction: direction)
    row.detail.plateauIRCorrectedCharge = plateauIRCorrectedCharge
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
    plateau.encode(into: &writer)
  }

  /// Appends what `encode(into:)` leaves out, because earlier checkpoints did not have it.
  public func encodeCourse(into writer: inout ByteWriter) {
    writer.write(correctionDelay != nil)
    if correctionDelay != nil { correctedPlateau.encode(into: &writer) }
    course.encode(into: &writer)
  }

  /// Reads what `encode(into:)` wrote.
  /// - Parameter correctionDelay: As it was at its beginning; it is the parameters' and not written.
  /// - Throws: `ByteReader.Malformed` with the place, when the bytes end early or cannot be such a state.
  public init(
    from reader: inout ByteReader, correctionDelay: ResistanceDelay? = nil
  ) throws(ByteReader.Malformed) {
    guard let direction = Direction(rawValue: try reader.read()) else { throw reader.malformed }
    let threshold = try reader.readOptional(Int64.self)
    self.init(
      direction: direction, plateauThreshold: threshold.map(Voltage.init(nanovolts:)),
      correctionDelay: correctionDelay)
    endedCharge = try reader.read()
    endedEnergy = try reader.read()
    stepCharge = try reader.read()
    stepEnergy = try reader.read()
    reverse = try reader.read()
    held = try reader.read()
    flags = DataFlags(rawValue: try reader.read())
    plateau = try ThresholdCharge(from: &reader)
  }

  /// Nobody knows how the half-cycle began, because a checkpoint of before did not say it: it has its sums and no detail.
  public mutating func forgetCourse() { course = .lost }

  /// Reads what `encodeCourse(into:)` wrote.
  /// - Throws: as `init(from:correctionDelay:)`.
  public mutating func decodeCourse(from reader: inout ByteReader) throws(ByteReader.Malformed) {
    guard try reader.readBool() == (correctionDelay != nil) else { throw reader.malformed }
    if correctionDelay != nil { correctedPlateau = try ThresholdCharge(from: &reader) }
    course = try BranchCourse(from: &reader)
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
