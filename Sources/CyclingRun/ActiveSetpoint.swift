// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import CellMetrics
internal import CyclerModel
internal import CyclingEngine
internal import Quantities

/// The set-point that is under way and the step row that its readings go to. One row never spans two set-points, so a
/// row's times are on one instrument clock.
struct ActiveSetpoint: Sendable, Hashable {
  var token: SetpointToken
  var stepID: Int64
  var kind: StepKind
  /// Its charge, its time and its faults are no half-cycle's.
  var isDiagnostic = false
  var commanded: CommandedDrive
  var readingInterval: TimeSpan
  /// For each of the set-point's cut-offs the index of the step's end that it stands for.
  var cutOffEnds: [Int32]
  var integrator: ChargeIntegrator
  var policy: RecordPolicy
  var edges: PlateauEdges
  /// The resistance by which the plateau is corrected is not known yet.
  var awaitsResistance = false
  /// Step time zero on the set-point's clock: the first closing, or the beginning of a rest.
  var zero: TimeSpan?
  var closedAt: TimeSpan?
  var openedAt: TimeSpan?
  var holdBeganAt: TimeSpan?
  var lastReading: Reading?
  /// Voltage of the reading before the last one, and what had flowed by then, as the integrator keeps it.
  var voltageBeforeLast: Voltage?
  var chargeSumBeforeLast: Int128 = 0
  /// What had flowed at the last reading, once the circuit is open.
  var chargeSumBeforeOpening: Int128?
  /// What the run's records say of the cell without current.
  var rest = RestTrace()
  /// Between what the next readings need no judgement; see `RunPilot.handle(_:_:_:)`.
  var quiet = QuietBand.none
  /// What the last reading would store, while it is not a record.
  var unrecorded: RecordCandidate?
  var readingsSinceClosed: Int32 = 0
  /// Readings in a row for which an end holds that the instrument should have acted on.
  var overdueEnds: Int32 = 0
  var recordIndex: Int32 = 0
  var flags: DataFlags = []
  /// Largest current that can flow, for the bound of a gap.
  var largestCurrent: Current
  /// How long the instrument goes on without the host.
  var lease: TimeSpan
  var askedAt: HostInstant
  var heardAt: HostInstant
  var closingAskedAt: HostInstant?
  /// The instrument told, after the link or the daemon was gone, how the set-point ended, and `unheard` after the last
  /// reading it opened the circuit.
  var isAccountedFor = false
  /// The longest that a point of a spectrum may last, over which the instrument is silent; zero in other steps.
  var longestPoint = TimeSpan.zero
  /// Points in a row that were clipped.
  var clippedPoints = 0
  /// How many points of a spectrum are measured.
  var pointCount: Int32 = 0
  var unheard = TimeSpan.zero
  var hasBegun = false
  /// Lowest and highest voltage seen; for open-circuit checks.
  var lowestVoltage: Voltage?
  var highestVoltage: Voltage?

  /// Step time of the last reading.
  @inline(__always)
  var stepTime: TimeSpan? {
    guard let zero, let lastReading else { return nil }
    return lastReading.time - zero
  }

  /// Since the voltage hold began, at the last reading.
  @inline(__always)
  var holdTime: TimeSpan? {
    guard let holdBeganAt, let lastReading else { return nil }
    return lastReading.time - holdBeganAt
  }

  /// Whether it drives current through the cell at all.
  var isDriven: Bool {
    switch kind {
    case .constantCurrent, .constantVoltage, .constantCurrentConstantVoltage, .constantPower, .constantResistance,
      .voltageSweep, .currentProfile, .impedanceSpectrum:
      true
    case .rest, .openCircuitCheck: false
    }
  }

  /// Whether what happens in it is part of the half-cycle that is open.
  var countsForHalfCycle: Bool { kind != .openCircuitCheck && !isDiagnostic }

  /// How long after the last word between host and instrument current may still flow.
  var longestAlone: TimeSpan {
    RunSettings.longestAlone(lease: lease, leases: leasesAlone, readingInterval: readingInterval) + longestPoint
  }

  /// An instrument that goes over to holding while nobody listens may begin a lease anew, once.
  private var leasesAlone: Int64 {
    switch kind {
    case .constantCurrent, .constantPower, .constantResistance, .currentProfile, .impedanceSpectrum: 1
    case .rest, .openCircuitCheck, .constantVoltage, .constantCurrentConstantVoltage, .voltageSweep: 2
    }
  }

  /// Whether its time counts: the circuit was closed, or the instrument rests.
  var hasTimeZero: Bool { isDriven ? zero != nil : hasBegun || lastReading != nil }

  /// Whether the circuit was seen to close and not to open.
  @inline(__always)
  var isClosed: Bool { closedAt != nil && openedAt == nil }

  mutating func circuitOpened(_ at: TimeSpan) {
    openedAt = at
    chargeSumBeforeOpening = integrator.chargeSum
    integrator.circuitOpened(at: at)
  }

  mutating func sawVoltage(_ voltage: Voltage) {
    lowestVoltage = min(lowestVoltage ?? voltage, voltage)
    highestVoltage = max(highestVoltage ?? voltage, voltage)
  }
}

/// What a step has behind it in earlier rows.
struct CarriedStep: Sendable, Hashable {
  var time = TimeSpan.zero
  var holdTime = TimeSpan.zero
  var charge = Charge.zero
  var energy = Energy.zero
  /// What flowed last while the voltage was held; nil before that, and where an earlier version wrote the checkpoint.
  var heldCurrent: Current?
  /// The step was left and is taken up again.
  var isResumed = false
}

/// What a reading would store, with the integrals as they stood at it.
struct RecordCandidate: Sendable, Hashable {
  var stepTime: TimeSpan
  var voltage: Voltage?
  var current: Current?
  /// As the integrator keeps them: rounding costs a division that few readings need.
  var chargeSum: Int128
  var energySum: Int128
  var flags: DataFlags

  var charge: Charge { ChargeIntegrator.charge(chargeSum) }
  var energy: Energy { ChargeIntegrator.energy(energySum) }
}
