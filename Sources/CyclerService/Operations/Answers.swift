// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Answers that are put together from several rows.

internal import CellMetrics
internal import ControlAPI
internal import CycleStore
internal import CyclerModel
internal import CyclingProtocol
internal import InstrumentKit
internal import MethodSCRIPTDriver
internal import Quantities

/// What the store knows of a channel.
struct StoredSight: Sendable {
  var latch: StoredLatch?
  var cell: String?
  var wiring: String?
  var runState: String?
  var reading: (record: RecordRow, at: UnixInstant)?
}

/// The newest acknowledged record of a run, with its step.
struct NewestRecord: Sendable {
  var record: RecordRow
  var step: StoredStep
}

extension StoreView {
  /// The newest record of a run.
  func newestRecord(of run: Int64) throws -> NewestRecord? {
    guard let cursor = try lastRecord(run: run) else { return nil }
    let before = RecordCursor(stepID: cursor.stepID, index: cursor.index - 1)
    guard let record = try records(after: before, limit: 1).first else { return nil }
    let count = RowIdentity.count(of: cursor.stepID)
    guard let step = try steps(run: run, after: count - 1, limit: 1).first else { return nil }
    return NewestRecord(record: record, step: step)
  }

  /// A cell with the channel that it is on and the cycles that it has seen.
  func status(of cell: StoredCell) throws -> CellStatus {
    let channel = try cell.channelId.flatMap { id in try channels().first { $0.channelId == id }?.name }
    return CellStatus(cell, channel: channel, cycles: try nextCellCycleNumber(cell: cell.cellId) - 1)
  }
}

extension LatchStatus {
  init(_ latch: StoredLatch) {
    self.init(fault: latch.fault, detail: latch.detail, raised_unix_us: latch.raisedUnixUs, run: latch.runId)
  }
}

extension ControlAPI.CircuitState {
  /// The word for a circuit's state, and with an expired lease its moment.
  static func words(_ state: CyclerModel.CircuitState) -> (ControlAPI.CircuitState, Int64?) {
    switch state {
    case .closed: (.closed, nil)
    case .openConfirmed: (.openConfirmed, nil)
    case .openLeaseExpired(let at): (.openLeaseExpired, at.microseconds)
    case .unknown: (.unknown, nil)
    }
  }
}

extension ChannelStatus {
  /// A channel as its thread and the store know it.
  ///
  /// The current is shown while it may flow only; how old the reading is stands beside it.
  init(_ entry: ChannelEntry, _ stored: StoredSight, _ circuit: CyclerModel.CircuitState, at now: UnixInstant) {
    let (word, expired) = ControlAPI.CircuitState.words(circuit)
    let state =
      if stored.latch != nil {
        "latched"
      } else if entry.worker == nil {
        "away"
      } else if entry.isStalled {
        "unusable"
      } else {
        entry.run == nil && !entry.isReserved ? "idle" : "busy"
      }
    let instrument = entry.instrument
    self.init(
      channel: entry.name, instrument_family: instrument.family, instrument_model: instrument.model,
      instrument_serial: instrument.serial, instrument_firmware: instrument.firmware,
      driver_maturity: InstrumentFamilies.named(instrument.family)?.descriptor.maturity.rawValue ?? "emulated_only",
      port: entry.worker?.path, state: state,
      circuit: word, circuit_lease_expired_unix_us: expired, goes_safe_alone: instrument.capabilities.hasLease,
      holds_limits_itself: instrument.capabilities.holdsBounds, cell: stored.cell, wiring: stored.wiring,
      run: entry.run,
      run_state: stored.runState, latch: stored.latch.map(LatchStatus.init),
      voltage_V: stored.reading?.record.voltage?.volts,
      current_A: circuit == .closed ? stored.reading?.record.current?.amperes : nil,
      reading_age_s: stored.reading.map { max(0, (now - $0.at).seconds) })
  }
}

extension CheckedProtocol {
  /// A protocol that could not be read, or not be compiled.
  init(_ name: String, _ found: ProtocolProblems, _ document: ProtocolDocument? = nil) {
    self.init(
      name: name, title: document?.title, role: document?.role.rawValue, listing: [],
      problems: found.problems.map { Problem($0, in: name) }, warnings: [])
  }

  /// A protocol that compiles.
  init(_ name: String, _ program: Program, _ limits: InstrumentLimits?, _ values: CellValues) {
    self.init(
      name: name, title: program.title, role: program.role.rawValue, cycle_count: program.cycleCount,
      listing: ProgramListing.lines(of: program, instrument: limits, cell: values), problems: [],
      warnings: ProgramListing.warnings(of: program, instrument: limits).map { warning in
        Problem(protocol_name: name, path: "", message: warning)
      })
  }
}

extension CycleTable {
  /// The cycles of a run with the initial efficiency of its cell, which may come from an earlier run.
  init(_ run: StoredRun, _ view: StoreView) throws {
    let cell = try view.cell(run.cellId)
    let first = try view.firstCycle(cell: run.cellId)
    self.init(
      run: run.runId, cell: run.cellName, role: cell?.role ?? "", active_mass_ug: cell?.activeMassUg,
      area_mm2: cell?.areaMm2E3.map { Double($0) / 1_000 }, rate_basis_mass_ug: run.rateBasisMassUg,
      cycles: try view.cycles(run: run.runId).map { CycleFrame($0, cell: run.cellName) },
      initial_coulombic_efficiency: first?.coulombicEfficiency, initial_cycle_run: first?.runId,
      efficiency_tests: try view.efficiencyTests(run: run.runId).map { EfficiencyTestFrame($0) },
      half_cycles: try view.halfCycles(run: run.runId).map { HalfCycleFrame($0) },
      definitions_version: try view.parameters(run.parameterSetId)?.definitionsVersion ?? "")
    active_mass_source = active_mass_ug == nil ? nil : "cell"
    area_source = area_mm2 == nil ? nil : "cell"
    if let own = try view.recounts(run: run.runId).first(where: { $0.isOwn }) { take(ParameterSet(own)) }
    summary = try view.runSummary(run.runId).map { RunSummaryFrame($0, of: self) }
  }

  /// Says by which set of parameters its cycles were computed, and takes over what capacities are told by there.
  mutating func take(_ set: ParameterSet) {
    definitions_version = set.definitions_version
    parameter_set = set.parameter_set
    parameter_set_label = set.label
    parameter_set_is_own = set.is_own
    sodiation_plateau_below_V = set.sodiation_plateau_below_V
    desodiation_plateau_below_V = set.desodiation_plateau_below_V
    retention_reference = set.retention_reference
    retention_threshold = set.retention_threshold
    plateau_ir_correction = set.plateau_ir_correction
    if let mass = set.active_mass_ug { (active_mass_ug, active_mass_source) = (mass, "parameter_set") }
    if let area = set.area_mm2 { (area_mm2, area_source) = (area, "parameter_set") }
  }
}

extension RunSummaryFrame {
  /// What is stored, with the initial efficiency of the cell and the tests of plating that the table tells.
  init(_ summary: StoredRunSummary, of table: CycleTable) {
    self.init(
      complete_cycles: summary.completeCycles, retention_threshold: summary.retentionThreshold,
      conditions_groups: summary.conditionsGroups)
    // The run's own, as an export of it tells; that of a cell's first cycle in another run is the table's.
    initial_coulombic_efficiency =
      summary.initialCoulombicEfficiency
      ?? (table.initial_cycle_run == table.run ? table.initial_coulombic_efficiency : nil)
    first_coulombic_efficiency_after_formation = summary.firstCoulombicEfficiencyAfterFormation
    mean_coulombic_efficiency_from_second = summary.meanCoulombicEfficiencyFromSecond
    coulombic_efficiency_product = summary.coulombicEfficiencyProduct
    geometric_mean_coulombic_efficiency = summary.geometricMeanCoulombicEfficiency
    geometric_mean_cycles = summary.geometricMeanCycles
    predicted_cycles_to_retention_threshold = summary.predictedCyclesToRetentionThreshold
    cumulative_irreversible_capacity_ah = summary.cumulativeIrreversibleCapacityAh
    reference_cycle = summary.referenceCycle
    retention_cycle = summary.retentionCycle
    retention = summary.retention
    linear_decay_per_cycle = summary.linearDecayPerCycle
    geometric_decay_per_cycle = summary.geometricDecayPerCycle
    decay_cycles = summary.decayCycles
    retention_of_last_complete_cycle = summary.retentionOfLastCompleteCycle
    retention_threshold_cycle = summary.retentionThresholdCycle
    cycles_to_retention_threshold = summary.cyclesToRetentionThreshold
    retention_threshold_provisional = summary.retentionThresholdProvisional
    capacity_slope_ah_per_cycle = summary.capacitySlopeAhPerCycle
    capacity_slope_cycles = summary.capacitySlopeCycles
    func efficiency(_ kind: EfficiencyTestKind) -> Double? {
      table.efficiency_tests.first { $0.kind == kind.rawValue }?.coulombic_efficiency
    }
    reservoir_coulombic_efficiency = efficiency(.reservoir)
    long_cycling_coulombic_efficiency = efficiency(.longCycling)
  }
}

extension RunDetail {
  /// Everything about a run that fits on a page.
  init(
    _ run: StoredRun, _ programs: [Int64: Program], _ view: StoreView, instrument: String,
    circuit: CyclerModel.CircuitState
  ) throws {
    let cycle = try view.newestCycle(run: run.runId)
    let newest = try view.newestRecord(of: run.runId)
    var reader = RunReader(run: run, programs: programs)
    let program = reader.program
    let cell = try view.cell(run.cellId)
    let (word, expired) = ControlAPI.CircuitState.words(circuit)
    let impedance = try view.impedanceCounts(run: run.runId)
    let events = try view.events(run: run.runId, after: view.eventCursor(beforeLast: 20, run: run.runId))
    self.init(
      run: RunStatus(
        run, cycle: newest?.step.cycleNumber ?? cycle?.cycleNumber, cycleCount: program?.cycleCount),
      role: cell?.role ?? "", instrument: instrument, wiring: run.wiring, circuit: word,
      circuit_lease_expired_unix_us: expired,
      latch: try view.latch(channel: run.channelId).map(LatchStatus.init),
      step_count: newest.map { Int($0.step.stepCount) }, step_path: newest?.step.programPath,
      step_text: newest.flatMap { reader.text(of: $0.step) },
      test_time_s: newest.map { Double($0.step.startedTestTimeUs + $0.record.stepTime.microseconds) / 1e6 },
      last_record: try newest.flatMap { try reader.frame($0.record, in: view) },
      last_cycle: cycle.map { CycleFrame($0, cell: run.cellName) }, active_mass_ug: run.rateBasisMassUg,
      area_mm2: run.rateBasisAreaMm2E3.map { Double($0) / 1_000 },
      nominal_capacity_mAh: run.rateBasisChargeNc.map { Double($0) / 3.6e9 },
      initial_coulombic_efficiency: try view.firstCycle(cell: run.cellId)?.coulombicEfficiency,
      impedance_points: impedance.points, impedance_spectra: impedance.spectra,
      listing: program.map { ProgramListing.lines(of: $0) } ?? [],
      protocol_revision: run.protocolRevision,
      revisions: try view.revisions(run: run.runId).map { ProtocolRevision($0) },
      events: events.map { EventFrame($0, channel: run.channelName, cell: run.cellName) },
      imported: try view.origin(run: run.runId).map { RunOrigin($0) })
  }
}

extension ProtocolRevision {
  init(_ revision: StoredRevision) {
    self.init(
      revision: revision.revision, from_step_count: revision.fromStepId.map(RowIdentity.count),
      amended_by: revision.amendedBy, amended_unix_us: revision.amendedUnixUs, reason: revision.reason,
      refusal: revision.refusal)
  }
}
