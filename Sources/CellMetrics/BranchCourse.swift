// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// How a half-cycle went, besides its sums: how long it lasted at constant current and at constant voltage, what the closing
// of the circuit cost in voltage, and what the instrument's stated error comes to. The sums of charge belong to
// `HalfCycleAccumulator`; this takes what it needs of them.

internal import CyclerModel
internal import Quantities

/// The course of one half-cycle.
struct BranchCourse: Sendable, Hashable {
  // What the present step drives.
  private enum Phase: UInt8 {
    // No current, or nobody has said what the step is.
    case none = 0
    case constantCurrent = 1
    // A current that follows from something else, but is steady over seconds: at constant power and resistance.
    case steady = 2
    case other = 3
  }

  // The currents ranges in which something flowed.
  private enum Ranges: Sendable, Hashable {
    case none
    case one(Int64)
    case several
  }

  /// Whether anybody says what the steps are: not so for records of other programs and of the time before.
  private(set) var isTold = false
  /// Nobody knows how the half-cycle began, so nothing is told of it.
  private var isLost = false
  private var phase = Phase.none
  // Of the present step: the step time of its last record, and what had flowed backwards before it, in µs and nC.
  private var lastTime: Int64 = 0
  private var reverseBefore: Int64 = 0
  // In µs.
  private var currentTime: Int64 = 0
  private var heldTime: Int64 = 0
  // At constant current; nC, net, positive charging.
  private var currentCharge: Int64 = 0

  // The instrument's stated error in the present step's range; nil where nothing is stated, and at rest.
  private var accuracy: CurrentAccuracy?
  // A step drove a current of which nothing is stated.
  private var lacksAccuracy = false
  private var ranges = Ranges.none
  // Of the steps that have ended, in pA·µs and in nC·ppm.
  private var offsetSum: Int128 = 0
  private var gainSum: Int128 = 0

  private var hasClosed = false
  private var reference = RestTrace.Standing(voltage: nil, current: nil)
  // The next delay at which a resistance is told; nil when none is any more.
  private var awaited: ResistanceDelay?
  private(set) var resistances = ClosingResistances()
  private(set) var restBefore: RestBefore?

  init() {}

  /// Of a half-cycle of which nobody knows how it began.
  static var lost: BranchCourse {
    var course = BranchCourse()
    course.isLost = true
    return course
  }

  /// A step of that kind begins.
  mutating func stepBegan(_ kind: StepKind, accuracy: CurrentAccuracy?, reverse: Int64) {
    isTold = !isLost
    reverseBefore = reverse
    lastTime = 0
    self.accuracy = nil
    switch kind {
    case .rest, .openCircuitCheck:
      phase = .none
      return
    case .constantCurrent, .constantCurrentConstantVoltage: phase = .constantCurrent
    case .constantPower, .constantResistance: phase = .steady
    case .constantVoltage, .voltageSweep, .currentProfile, .impedanceSpectrum: phase = .other
    }
    self.accuracy = accuracy
  }

  /// The circuit is closed for the first time.
  mutating func circuitClosed(from standing: RestTrace.Standing, after rest: RestBefore?) {
    guard !hasClosed, !isLost else { return }
    hasClosed = true
    reference = standing
    restBefore = rest
    awaited = phase == .constantCurrent || phase == .steady ? .firstRecord : nil
  }

  /// Takes a record at which so much has flowed since the one before, in nC.
  @inline(__always)
  mutating func record(_ row: RecordRow, moved increment: Int64) {
    let time = row.stepTime.microseconds
    let span = time &- lastTime
    lastTime = time
    if row.flags.contains(.constantVoltage) {
      heldTime &+= span
    } else if phase == .constantCurrent {
      currentTime &+= span
      currentCharge &+= increment
    }
    if awaited != nil { tellResistance(row) }
  }

  /// The step is over.
  /// - Parameters:
  ///   - charge: What it has moved, net, in nC.
  ///   - reverse: What has flowed against the direction in all steps so far, a magnitude, in nC.
  mutating func stepEnded(charge: Int64, reverse: Int64, direction: Direction) {
    if phase != .none {
      let error = stepError(charge: charge, reverse: reverse, direction: direction)
      offsetSum &+= error.offset
      gainSum &+= error.gain
      if lastTime > 0 || charge != 0 {
        if let accuracy { note(range: accuracy.fullScale.picoamperes) } else { lacksAccuracy = true }
      }
    }
    phase = .none
    accuracy = nil
    awaited = nil
    lastTime = 0
    reverseBefore = reverse
  }

  /// Fills in what it knows, of a half-cycle whose present step has moved so much.
  func fill(_ detail: inout HalfCycleDetail, charge: Int64, reverse: Int64, direction: Direction) {
    detail.restBefore = restBefore
    detail.resistances = resistances
    guard isTold else { return }
    detail.constantCurrentCharge = Charge(
      nanocoulombs: direction == .discharge ? 0 &- currentCharge : currentCharge)
    detail.constantCurrentTime = TimeSpan(microseconds: currentTime)
    detail.constantVoltageTime = TimeSpan(microseconds: heldTime)
    var whole = self
    whole.stepEnded(charge: charge, reverse: reverse, direction: direction)
    guard !whole.lacksAccuracy else { return }
    // pA · µs = 1e-9 nC.
    detail.offsetUncertainty = Self.roundedUp(whole.offsetSum, by: 1_000_000_000)
    detail.gainUncertainty = Self.roundedUp(whole.gainSum, by: 1_000_000)
    if case .one(let range) = whole.ranges { detail.rangeFullScale = Current(picoamperes: range) }
  }

  /// Takes a resistance that was read when the half-cycle ran.
  mutating func know(_ resistance: ClosingResistance, at delay: ResistanceDelay) { resistances[delay] = resistance }

  /// The resistance at a delay, by which a plateau is corrected; nil while it is not known.
  @inline(__always)
  func resistance(at delay: ResistanceDelay) -> Resistance? { resistances[delay]?.resistance }
}

// MARK: - Arithmetic

extension BranchCourse {
  // In a step that flows forth and back, its gain counts for both.
  private func stepError(charge: Int64, reverse: Int64, direction: Direction) -> (offset: Int128, gain: Int128) {
    guard let accuracy, lastTime > 0 else { return (0, 0) }
    let back = Int128(reverse) - Int128(reverseBefore)
    let net = Int128(charge)
    let moved =
      switch direction {
      case .charge: net + 2 * back
      case .discharge: 2 * back - net
      case .none: Int128(net.magnitude)
      }
    return (
      Int128(accuracy.offset.picoamperes) &* Int128(lastTime),
      Int128(accuracy.gainPartsPerMillion) &* Int128(moved.magnitude)
    )
  }

  private mutating func note(range: Int64) {
    switch ranges {
    case .none: ranges = .one(range)
    case .one(let known): if known != range { ranges = .several }
    case .several: break
    }
  }

  private static func roundedUp(_ sum: Int128, by unit: Int128) -> Charge {
    Charge(nanocoulombs: Int64(clamping: (sum + unit - 1) / unit))
  }

  private mutating func tellResistance(_ row: RecordRow) {
    guard !row.flags.contains(.constantVoltage) else {
      awaited = nil
      return
    }
    while let delay = awaited, row.stepTime >= delay.least {
      if row.stepTime <= delay.most, let resistance = Self.resistance(from: reference, to: row) {
        resistances[delay] = ClosingResistance(resistance: resistance, delay: row.stepTime)
      }
      awaited = delay.next
    }
  }

  /// Change of voltage over change of current; nil when either is not known, when the current changed by less than a tenth
  /// of the larger one, and when the voltage went the other way: then the cell has relaxed by more than its drop.
  static func resistance(from before: RestTrace.Standing, to row: RecordRow) -> Resistance? {
    guard let voltageBefore = before.voltage?.nanovolts, let currentBefore = before.current?.picoamperes,
      let voltage = row.voltage?.nanovolts, let current = row.current?.picoamperes
    else { return nil }
    let rise = Int128(voltage) - Int128(voltageBefore)
    let step = Int128(current) - Int128(currentBefore)
    guard step != 0, step.magnitude * 10 >= UInt128(max(current.magnitude, currentBefore.magnitude)),
      rise == 0 || (rise < 0) == (step < 0)
    else { return nil }
    // nV / pA = 1e9 µΩ; halves up.
    let microohms = (rise.magnitude * 1_000_000_000 + step.magnitude / 2) / step.magnitude
    return microohms > UInt128(Int64.max) ? nil : Resistance(count: Int64(microohms))
  }
}

// MARK: - Checkpoint

extension BranchCourse {
  /// Appends the state to a checkpoint.
  func encode(into writer: inout ByteWriter) {
    writer.write(isTold)
    writer.write(isLost)
    writer.write(phase.rawValue)
    writer.write(lastTime)
    writer.write(reverseBefore)
    writer.write(currentTime)
    writer.write(heldTime)
    writer.write(currentCharge)
    writer.write(accuracy?.fullScale.picoamperes)
    writer.write(accuracy?.gainPartsPerMillion)
    writer.write(accuracy?.offset.picoamperes)
    writer.write(lacksAccuracy)
    switch ranges {
    case .none: writer.write(0 as UInt8)
    case .one(let range):
      writer.write(1 as UInt8)
      writer.write(range)
    case .several: writer.write(2 as UInt8)
    }
    writer.write(offsetSum)
    writer.write(gainSum)
    writer.write(hasClosed)
    writer.write(reference.voltage?.nanovolts)
    writer.write(reference.current?.picoamperes)
    writer.write(awaited.map { UInt8(ResistanceDelay.allCases.firstIndex(of: $0) ?? 0) })
    resistances.encode(into: &writer)
    restBefore.encode(into: &writer)
  }

  /// Reads what `encode(into:)` wrote.
  /// - Throws: `ByteReader.Malformed` with the place, when the bytes end early or cannot be such a state.
  init(from reader: inout ByteReader) throws(ByteReader.Malformed) {
    isTold = try reader.readBool()
    isLost = try reader.readBool()
    guard let phase = Phase(rawValue: try reader.read()) else { throw reader.malformed }
    self.phase = phase
    lastTime = try reader.read()
    reverseBefore = try reader.read()
    currentTime = try reader.read()
    heldTime = try reader.read()
    currentCharge = try reader.read()
    let fullScale = try reader.readOptional(Int64.self)
    let gain = try reader.readOptional(Int64.self)
    let offset = try reader.readOptional(Int64.self)
    if let fullScale, let gain, let offset {
      accuracy = CurrentAccuracy(
        fullScale: Current(picoamperes: fullScale), gainPartsPerMillion: gain, offset: Current(picoamperes: offset))
    }
    lacksAccuracy = try reader.readBool()
    switch try reader.read(UInt8.self) {
    case 0: ranges = .none
    case 1: ranges = .one(try reader.read())
    case 2: ranges = .several
    default: throw reader.malformed
    }
    offsetSum = try reader.read()
    gainSum = try reader.read()
    hasClosed = try reader.readBool()
    reference.voltage = try reader.readOptional(Int64.self).map { Voltage(nanovolts: $0) }
    reference.current = try reader.readOptional(Int64.self).map { Current(picoamperes: $0) }
    if let index = try reader.readOptional(UInt8.self) {
      guard ResistanceDelay.allCases.indices.contains(Int(index)) else { throw reader.malformed }
      awaited = ResistanceDelay.allCases[Int(index)]
    }
    resistances = try ClosingResistances(from: &reader)
    restBefore = try RestBefore?.decode(from: &reader)
  }
}
