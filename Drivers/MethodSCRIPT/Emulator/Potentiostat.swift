// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The analogue half of the instrument: what is connected to the cell, on which ranges it is measured, and how virtual
// time reaches the cell. The cell is advanced lazily: while the drive does not change, time only adds up, and the cell
// is brought up to date when it is measured or when the drive changes.

import VirtualLab

/// The modes that `set_pgstat_mode` knows.
enum PotentiostatMode: Int, Sendable {
  /// Nothing is driven or measured.
  case off = 0
  /// Potentiostat for slow signals.
  case lowSpeed = 2
  /// Potentiostat for fast signals.
  case highSpeed = 3
  /// Potentiostat with both channels for the largest range.
  case maximumRange = 4
  /// Galvanostat.
  case galvanostat = 6
}

/// A quantity that has ranges.
enum RangedQuantity: Sendable {
  /// `ab`
  case measuredPotential
  /// `ba`
  case measuredCurrent
  /// `da`
  case appliedPotential
  /// `db`
  case appliedCurrent
}

/// The circuit between the converters and the cell.
struct Potentiostat: Sendable {
  let profile: MethodSCRIPTProfile
  private(set) var cell: any VirtualCell
  private(set) var recorder: TruthRecorder
  private var converters: Converters

  /// What is wrong with it.
  private(set) var fault: MeterFault?
  /// Where the cell's switch is, whatever it is told; nil for one that follows.
  private var stuckSwitch: Bool?
  private(set) var mode = PotentiostatMode.off
  private(set) var isCellOn = false
  private var setVoltage = 0.0
  private var setCurrent = 0.0

  /// Indices into the profile's ranges: the present one and, while ranging automatically, the bounds.
  private var currentRange: Int
  private var currentBounds: ClosedRange<Int>
  private var potentialRange: Int
  private var potentialBounds: ClosedRange<Int>
  private var appliedCurrentRange: Int
  private var appliedPotentials: ClosedRange<Double>

  private var drive = CellDrive.open
  /// Whether the set current lies beyond what its range can drive.
  private var isCurrentClipped = false
  /// How far the cell has been advanced, in nanoseconds since power-on.
  private(set) var cellTime: Int64 = 0
  /// The terminal voltage at `cellTime` under the present drive, when known.
  private var knownVoltage: Double?

  init(profile: MethodSCRIPTProfile, cell: any VirtualCell, converters: Converters, plateauThreshold: Double?) {
    self.profile = profile
    self.cell = cell
    self.converters = converters
    recorder = TruthRecorder(plateauThreshold: plateauThreshold)
    currentRange = profile.currentRanges.count - 1
    currentBounds = currentRange...currentRange
    appliedCurrentRange = currentRange
    potentialRange = profile.potentialRanges.count - 1
    potentialBounds = potentialRange...potentialRange
    appliedPotentials = -profile.largestVoltage...profile.largestVoltage
  }
}

// MARK: - Time

extension Potentiostat {
  /// Brings the cell up to `now` under the drive that stood since the last call.
  mutating func settle(at now: Int64) {
    guard now > cellTime else { return }
    let charge = cell.terminalCharge
    let lost = cell.lostCharge
    let isOpen = drive == .open
    let before = isOpen ? 0 : voltageNow()
    cell.advance(seconds: Double(now - cellTime) / 1e9, drive: drive)
    knownVoltage = nil
    recorder.record(
      from: TruthRecorder.Moment(time: cellTime, charge: charge, lost: lost, voltage: before),
      to: TruthRecorder.Moment(
        time: now, charge: cell.terminalCharge, lost: cell.lostCharge, voltage: isOpen ? 0 : voltageNow()))
    cellTime = now
  }

  private mutating func voltageNow() -> Double {
    if let knownVoltage { return knownVoltage }
    let voltage = cell.voltage(under: drive)
    knownVoltage = voltage
    return voltage
  }

  private mutating func setDrive(at now: Int64) {
    settle(at: now)
    let next = wantedDrive()
    guard next != drive else { return }
    drive = next
    knownVoltage = nil
  }

  private mutating func wantedDrive() -> CellDrive {
    isCurrentClipped = false
    guard stuckSwitch ?? isCellOn else { return .open }
    switch mode {
    case .off: return .open
    case .galvanostat:
      let range = profile.currentRanges[appliedCurrentRange]
      let largest = reach(of: range)
      let wanted = converters.appliedCurrent(setCurrent, fullScale: range.fullScale)
      isCurrentClipped = wanted.magnitude > largest
      return .current(min(max(wanted, -largest), largest))
    case .lowSpeed, .highSpeed, .maximumRange:
      let largest = reach(of: profile.currentRanges[currentBounds.upperBound])
      return .voltage(converters.appliedVoltage(setVoltage), currentLimit: largest)
    }
  }

  /// The largest current that a range measures and drives.
  func reach(of range: MethodSCRIPTProfile.Range) -> Double {
    min(range.fullScale * profile.rangeHeadroom, profile.largestCurrent)
  }
}

// MARK: - Commands

extension Potentiostat {
  /// Everything as after power-on, but for the cell's own state.
  mutating func reset(at now: Int64) {
    settle(at: now)
    isCellOn = false
    mode = .off
    restoreDefaults()
    setDrive(at: now)
  }

  private mutating func restoreDefaults() {
    setVoltage = 0
    setCurrent = 0
    currentRange = profile.currentRanges.count - 1
    currentBounds = currentRange...currentRange
    appliedCurrentRange = currentRange
    potentialRange = profile.potentialRanges.count - 1
    potentialBounds = potentialRange...potentialRange
    appliedPotentials = -profile.largestVoltage...profile.largestVoltage
  }

  /// Changes the mode. The circuit is opened, because nothing sensible could be driven across the change.
  mutating func setMode(_ new: PotentiostatMode, at now: Int64) {
    settle(at: now)
    isCellOn = false
    mode = new
    restoreDefaults()
    setDrive(at: now)
  }

  /// Connects the cell with what was set last.
  mutating func cellOn(at now: Int64) throws(ErrorCode) {
    guard mode != .off else { throw .wrongMode }
    isCellOn = true
    setDrive(at: now)
  }

  /// Disconnects the cell.
  mutating func cellOff(at now: Int64) {
    isCellOn = false
    setDrive(at: now)
  }

  /// Applies a potential, at once when the cell is on.
  mutating func apply(voltage: Double, at now: Int64) throws(ErrorCode) {
    switch mode {
    case .off, .galvanostat: throw .wrongMode
    case .lowSpeed, .highSpeed, .maximumRange: break
    }
    guard voltage.magnitude <= profile.largestVoltage, isWithin(appliedPotentials, voltage) else {
      throw .invalidPotential
    }
    setVoltage = voltage
    setDrive(at: now)
  }

  private func isWithin(_ range: ClosedRange<Double>, _ voltage: Double) -> Bool {
    voltage >= range.lowerBound - 1e-9 && voltage <= range.upperBound + 1e-9
  }

  /// Applies a current, at once when the cell is on.
  mutating func apply(current: Double, at now: Int64) throws(ErrorCode) {
    guard mode == .galvanostat else { throw .wrongMode }
    guard current.magnitude <= profile.largestCurrent else { throw .outOfBounds }
    setCurrent = current
    setDrive(at: now)
  }

  /// Chooses one range that holds values between two.
  mutating func setRange(_ quantity: RangedQuantity, low: Double, high: Double, at now: Int64) throws(ErrorCode) {
    guard low <= high else { throw .outOfBounds }
    let largest = max(low.magnitude, high.magnitude)
    switch quantity {
    case .measuredPotential:
      potentialRange = Self.range(in: profile.potentialRanges, for: largest)
      potentialBounds = potentialRange...potentialRange
    case .measuredCurrent:
      guard largest > 0 else { throw .mustNotBeZero }
      currentRange = Self.range(in: profile.currentRanges, for: largest)
      currentBounds = currentRange...currentRange
    case .appliedPotential:
      guard mode != .galvanostat else { throw .wrongMode }
      guard largest <= profile.largestVoltage else { throw .invalidPotential }
      appliedPotentials = low...high
    case .appliedCurrent:
      guard mode == .galvanostat else { throw .wrongMode }
      guard largest > 0 else { throw .mustNotBeZero }
      appliedCurrentRange = Self.range(in: profile.currentRanges, for: largest)
    }
    setDrive(at: now)
  }

  /// Lets the range follow the measured value between two.
  mutating func setAutoranging(_ quantity: RangedQuantity, low: Double, high: Double, at now: Int64) throws(ErrorCode) {
    let smaller = min(low.magnitude, high.magnitude)
    let larger = max(low.magnitude, high.magnitude)
    switch quantity {
    case .measuredPotential:
      let lowest = Self.range(in: profile.potentialRanges, for: smaller)
      potentialBounds = lowest...Self.range(in: profile.potentialRanges, for: larger)
      potentialRange = min(max(potentialRange, potentialBounds.lowerBound), potentialBounds.upperBound)
    case .measuredCurrent:
      guard larger > 0 else { throw .mustNotBeZero }
      let lowest = Self.range(in: profile.currentRanges, for: smaller)
      currentBounds = lowest...Self.range(in: profile.currentRanges, for: larger)
      currentRange = min(max(currentRange, currentBounds.lowerBound), currentBounds.upperBound)
    case .appliedPotential:
      throw .noRanges
    case .appliedCurrent:
      guard mode == .galvanostat else { throw .wrongMode }
      guard larger > 0 else { throw .mustNotBeZero }
      appliedCurrentRange = Self.range(in: profile.currentRanges, for: larger)
    }
    setDrive(at: now)
  }

  /// The smallest range that holds a magnitude, or the largest there is.
  private static func range(in ranges: [MethodSCRIPTProfile.Range], for magnitude: Double) -> Int {
    ranges.firstIndex { $0.fullScale * (1 + 1e-9) >= magnitude } ?? ranges.count - 1
  }
}

// MARK: - Faults

extension Potentiostat {
  /// What it does to the cell now, when it is settled.
  var terminals: TerminalState { TerminalState(cell, under: drive) }

  /// Begins a fault, or ends it.
  mutating func misbehave(_ kind: Misbehaviour?, at now: Int64) {
    settle(at: now)
    let volts = voltageNow()
    fault = kind.map { MeterFault($0, volts: volts, amperes: cell.current(under: drive)) }
    stuckSwitch = kind == .liar ? isCellOn : nil
    setDrive(at: now)
  }

  /// What the fault makes of a measured value.
  private func spoil(_ value: inout ScriptValue, with shown: (MeterFault, Double) -> Double) {
    guard let fault else { return }
    value.number = shown(fault, value.number)
    if fault.kind == .overload { value.status |= 2 }
  }
}

// MARK: - Measuring

extension Potentiostat {
  /// The potential as applied: what was asked for, since nothing measures it.
  var appliedPotential: ScriptValue { ScriptValue(setVoltage, .appliedPotential) }

  /// Measures the terminal voltage; `isLate` goes into the status.
  mutating func measurePotential(at now: Int64, isLate: Bool) -> ScriptValue {
    settle(at: now)
    let actual = voltageNow()
    let ranges = profile.potentialRanges
    if potentialBounds.lowerBound < potentialBounds.upperBound {
      let wanted = Self.range(in: ranges, for: actual.magnitude)
      potentialRange = min(max(wanted, potentialBounds.lowerBound), potentialBounds.upperBound)
    }
    let isLargest = potentialRange == ranges.count - 1
    let reach = isLargest ? profile.largestVoltage : ranges[potentialRange].fullScale
    let seen = converters.measuredVoltage(min(max(actual, -reach), reach), fullScale: reach)
    var value = ScriptValue(seen, .measuredPotential)
    value.isMeasured = true
    value.status = (isLate ? 1 : 0) | (actual.magnitude > reach ? 2 : 0)
    value.range = mode == .galvanostat ? ranges[potentialRange].galvanostaticIndex : ranges[potentialRange].index
    spoil(&value) { $0.volts($1) }
    return value
  }

  /// The range in which a current is measured that follows a potential.
  mutating func followRange(of amperes: Double) -> MethodSCRIPTProfile.Range {
    if currentBounds.lowerBound < currentBounds.upperBound {
      let wanted = Self.range(in: profile.currentRanges, for: amperes.magnitude)
      currentRange = min(max(wanted, currentBounds.lowerBound), currentBounds.upperBound)
    }
    return profile.currentRanges[currentRange]
  }

  /// Measures the current; `isLate` goes into the status.
  mutating func measureCurrent(at now: Int64, isLate: Bool) -> ScriptValue {
    settle(at: now)
    let actual: Double
    let range: MethodSCRIPTProfile.Range
    var isOverloaded = false
    switch drive {
    case .current(let amperes):
      actual = amperes
      range = profile.currentRanges[appliedCurrentRange]
      isOverloaded = isCurrentClipped
    case .voltage(_, let limit):
      actual = cell.current(under: drive)
      range = followRange(of: actual)
      isOverloaded = actual.magnitude >= limit * (1 - 1e-9)
    case .open:
      actual = 0
      range = profile.currentRanges[mode == .galvanostat ? appliedCurrentRange : currentRange]
    }
    var value = ScriptValue(converters.measuredCurrent(actual, fullScale: range.fullScale), .measuredCurrent)
    value.isMeasured = true
    value.status = (isLate ? 1 : 0) | (isOverloaded ? 2 : 0)
    value.range = mode == .galvanostat ? range.galvanostaticIndex : range.index
    spoil(&value) { $0.amperes($1) }
    return value
  }
}
