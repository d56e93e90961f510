// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// swift-format-ignore-file: AlwaysUseLowerCamelCase
//
// What the daemon says of its runs. A run is one protocol on one cell.

/// One run in a list.
public struct RunStatus: Codable, Sendable, Hashable {
  /// Number.
  public var run: Int64
  /// World-wide name.
  public var uuid: String
  /// Cell.
  public var cell: String
  /// Channel.
  public var channel: String
  /// Title of the protocol.
  public var title: String
  /// `queued`, `preflight`, `running`, `paused`, `interrupted`, `held`, `suspended`, `completed`, `stopped` or `ended`.
  public var state: String
  /// Whether nothing will happen to the cell by this run any more.
  public var is_over: Bool
  /// Place in the cell's queue, from 1.
  @OrNull public var queue_position: Int?
  /// When it began.
  @OrNull public var started_unix_us: Int64?
  /// When it ended.
  @OrNull public var ended_unix_us: Int64?
  /// Who started it.
  public var started_by: String
  /// Why it ended or is held.
  @OrNull public var end_reason: String?
  /// Cycle within the run, now.
  @OrNull public var cycle_number: Int64?
  /// Cycles that a whole run counts.
  @OrNull public var cycle_count: Int64?

  /// Makes one from its parts.
  public init(
    run: Int64, uuid: String, cell: String, channel: String, title: String, state: String, is_over: Bool,
    queue_position: Int? = nil, started_unix_us: Int64? = nil, ended_unix_us: Int64? = nil, started_by: String,
    end_reason: String? = nil, cycle_number: Int64? = nil, cycle_count: Int64? = nil
  ) {
    self.run = run
    self.uuid = uuid
    self.cell = cell
    self.channel = channel
    self.title = title
    self.state = state
    self.is_over = is_over
    self.queue_position = queue_position
    self.started_unix_us = started_unix_us
    self.ended_unix_us = ended_unix_us
    self.started_by = started_by
    self.end_reason = end_reason
    self.cycle_number = cycle_number
    self.cycle_count = cycle_count
  }
}

/// Answer to `GET /v1/runs`.
public struct RunList: Codable, Sendable, Hashable {
  /// Newest first.
  public var runs: [RunStatus]
  /// Why nothing can be stored just now, with the name of the fault; null when it can.
  @OrNull public var store_failure: String?

  /// Makes one from its parts.
  public init(runs: [RunStatus], store_failure: String? = nil) {
    self.runs = runs
    self.store_failure = store_failure
  }
}

/// Answer to `GET /v1/runs/{run}`.
public struct RunDetail: Codable, Sendable, Hashable {
  /// The run.
  public var run: RunStatus
  /// Role of the cell.
  public var role: String
  /// Model and serial of the instrument.
  public var instrument: String
  /// How the leads went to the cell when it was started, `2-wire` or `4-wire`; null when nobody had said it.
  @OrNull public var wiring: String?
  /// What is known of the circuit.
  public var circuit: CircuitState
  /// When the instrument's lease ran out.
  @OrNull public var circuit_lease_expired_unix_us: Int64?
  /// The channel's latch.
  @OrNull public var latch: LatchStatus?
  /// The step, counted from 1.
  @OrNull public var step_count: Int?
  /// Its place in the protocol.
  @OrNull public var step_path: String?
  /// What it does, in words.
  @OrNull public var step_text: String?
  /// Test time.
  @OrNull public var test_time_s: Double?
  /// The newest record.
  @OrNull public var last_record: RecordFrame?
  /// The newest closed cycle.
  @OrNull public var last_cycle: CycleFrame?
  /// Mass that its currents were computed from.
  @OrNull public var active_mass_ug: Int64?
  /// Area that its currents were computed from.
  @OrNull public var area_mm2: Double?
  /// Capacity that its C-rates were computed from.
  @OrNull public var nominal_capacity_mAh: Double?
  /// Efficiency of the cell's first cycle, as a fraction.
  @OrNull public var initial_coulombic_efficiency: Double?
  /// How many points of impedance spectra are stored.
  public var impedance_points: Int
  /// In how many steps.
  public var impedance_spectra: Int
  /// The compiled protocol.
  public var listing: [String]
  /// The revision of the protocol that holds, from 1.
  public var protocol_revision: Int64
  /// The revisions of the protocol, the first first.
  public var revisions: [ProtocolRevision]
  /// The newest events, oldest first.
  public var events: [EventFrame]
  /// Where it came from; null of a run that was run here.
  @OrNull public var imported: RunOrigin?

  /// Makes one from its parts.
  public init(
    run: RunStatus, role: String, instrument: String, wiring: String? = nil, circuit: CircuitState,
    circuit_lease_expired_unix_us: Int64? = nil, latch: LatchStatus? = nil, step_count: Int? = nil,
    step_path: String? = nil, step_text: String? = nil, test_time_s: Double? = nil, last_record: RecordFrame? = nil,
    last_cycle: CycleFrame? = nil, active_mass_ug: Int64? = nil, area_mm2: Double? = nil,
    nominal_capacity_mAh: Double? = nil, initial_coulombic_efficiency: Double? = nil, impedance_points: Int = 0,
    impedance_spectra: Int = 0, listing: [String],
    protocol_revision: Int64 = 1, revisions: [ProtocolRevision] = [], events: [EventFrame], imported: RunOrigin? = nil
  ) {
    self.run = run
    self.role = role
    self.instrument = instrument
    self.wiring = wiring
    self.circuit = circuit
    self.circuit_lease_expired_unix_us = circuit_lease_expired_unix_us
    self.latch = latch
    self.step_count = step_count
    self.step_path = step_path
    self.step_text = step_text
    self.test_time_s = test_time_s
    self.last_record = last_record
    self.last_cycle = last_cycle
    self.active_mass_ug = active_mass_ug
    self.area_mm2 = area_mm2
    self.nominal_capacity_mAh = nominal_capacity_mAh
    self.initial_coulombic_efficiency = initial_coulombic_efficiency
    self.impedance_points = impedance_points
    self.impedance_spectra = impedance_spectra
    self.listing = listing
    self.protocol_revision = protocol_revision
    self.revisions = revisions
    self.events = events
    self.imported = imported
  }
}

/// Answer to `GET /v1/runs/{run}/cycles`.
public struct CycleTable: Codable, Sendable, Hashable {
  /// The run.
  public var run: Int64
  /// The cell.
  public var cell: String
  /// Its role.
  public var role: String
  /// Active mass that specific capacities are told by; null when nobody has said one.
  @OrNull public var active_mass_ug: Int64?
  /// Who says so: `cell` for its newest revision, or `parameter_set`; null without a mass.
  @OrNull public var active_mass_source: String? = nil
  /// Electrode area that areal capacities are told by; null when nobody has said one.
  @OrNull public var area_mm2: Double?
  /// Who says so, likewise.
  @OrNull public var area_source: String? = nil
  /// The mass that the run's currents were computed from; it differs where the cell was weighed again.
  @OrNull public var rate_basis_mass_ug: Int64?
  /// Closed cycles in order.
  public var cycles: [CycleFrame]
  /// Efficiency of the cell's first cycle, as a fraction; null when it is not known or means nothing for the role.
  @OrNull public var initial_coulombic_efficiency: Double?
  /// The run in which that cycle was; a cell has one initial cycle, whichever run is asked for.
  @OrNull public var initial_cycle_run: Int64?
  /// Tests of plating in the order of the protocol.
  public var efficiency_tests: [EfficiencyTestFrame]
  /// All half-cycles in order, those outside of cycles and one that is open included.
  public var half_cycles: [HalfCycleFrame]
  /// What follows from all cycles; null before the first has closed, and where earlier ones went unnoted.
  @OrNull public var summary: RunSummaryFrame? = nil
  /// The version of the definitions by which the cycles were computed; docs/metrics.md.
  public var definitions_version: String
  /// The number of the set of parameters that the cycles were computed with, in this database.
  @OrNull public var parameter_set: Int64? = nil
  /// What a person calls the set; null of the run's own.
  @OrNull public var parameter_set_label: String? = nil
  /// Whether it is the run's own set.
  @OrNull public var parameter_set_is_own: Bool? = nil
  /// The threshold of the plateau on sodiation; null when no such plateau is told.
  @OrNull public var sodiation_plateau_below_V: Double? = nil
  /// The threshold of the plateau on desodiation; null when no such plateau is told.
  @OrNull public var desodiation_plateau_below_V: Double? = nil
  /// The cycle that retention is told by, for instance `life cycle 1`.
  @OrNull public var retention_reference: String? = nil
  /// The retention below which a life is over, a fraction.
  @OrNull public var retention_threshold: Double? = nil
  /// After how long the resistance is read that corrects plateaus; null for none.
  @OrNull public var plateau_ir_correction: String? = nil

  /// Makes one from its parts.
  public init(
    run: Int64, cell: String, role: String, active_mass_ug: Int64? = nil, area_mm2: Double? = nil,
    rate_basis_mass_ug: Int64? = nil, cycles: [CycleFrame],
    initial_coulombic_efficiency: Double? = nil, initial_cycle_run: Int64? = nil,
    efficiency_tests: [EfficiencyTestFrame] = [], half_cycles: [HalfCycleFrame] = [], definitions_version: String = ""
  ) {
    self.run = run
    self.cell = cell
    self.role = role
    self.active_mass_ug = active_mass_ug
    self.area_mm2 = area_mm2
    self.rate_basis_mass_ug = rate_basis_mass_ug
    self.cycles = cycles
    self.initial_coulombic_efficiency = initial_coulombic_efficiency
    self.initial_cycle_run = initial_cycle_run
    self.efficiency_tests = efficiency_tests
    self.half_cycles = half_cycles
    self.definitions_version = definitions_version
  }
}

/// A test of plating, finished or not.
public struct EfficiencyTestFrame: Codable, Sendable, Hashable {
  /// Counted from 1 in the order of the protocol.
  public var number: Int64
  /// `reservoir` or `long_cycling`.
  public var kind: String
  /// Its label.
  public var label: String
  /// How often was stripped before the final strip (`reservoir`), or in all (`long_cycling`).
  public var cycles: Int64
  /// What was plated as the reservoir; 0 in `long_cycling`.
  public var reservoir_charge_Ah: Double
  /// All that was plated, a magnitude.
  public var plated_charge_Ah: Double
  /// All that was stripped, a magnitude.
  public var stripped_charge_Ah: Double
  /// Stripped over plated, as a fraction, never clamped; null before the final strip or the first whole cycle, and when
  /// a charge is not known.
  @OrNull public var coulombic_efficiency: Double?
  /// As those of a cycle.
  public var flags: [String]

  /// Makes one from its parts.
  public init(
    number: Int64, kind: String, label: String, cycles: Int64, reservoir_charge_Ah: Double, plated_charge_Ah: Double,
    stripped_charge_Ah: Double, coulombic_efficiency: Double? = nil, flags: [String] = []
  ) {
    self.number = number
    self.kind = kind
    self.label = label
    self.cycles = cycles
    self.reservoir_charge_Ah = reservoir_charge_Ah
    self.plated_charge_Ah = plated_charge_Ah
    self.stripped_charge_Ah = stripped_charge_Ah
    self.coulombic_efficiency = coulombic_efficiency
    self.flags = flags
  }
}

/// Answer to `GET /v1/runs/{run}/impedance`.
public struct ImpedanceTable: Codable, Sendable, Hashable {
  /// The run.
  public var run: Int64
  /// The cell.
  public var cell: String
  /// The points of its spectra in the order in which they were measured.
  public var points: [ImpedanceFrame]

  /// Makes one from its parts.
  public init(run: Int64, cell: String, points: [ImpedanceFrame]) {
    self.run = run
    self.cell = cell
    self.points = points
  }
}

/// A point of an impedance spectrum.
public struct ImpedanceFrame: Codable, Sendable, Hashable {
  /// The step, counted from 1 within the run; a spectrum is one step.
  public var step_count: Int64
  /// Counted from 1 within the step.
  public var number: Int64
  /// The cycle that the step stands in; null outside of cycles.
  @OrNull public var cycle_number: Int64?
  /// Since the run's first reading; when the point was done.
  public var test_time_s: Double
  /// UTC.
  public var unix_us: Int64
  /// Frequency.
  public var frequency_Hz: Double
  /// Real part of the impedance.
  public var real_impedance_ohm: Double
  /// Imaginary part of the impedance; negative for a capacitive cell.
  public var imaginary_impedance_ohm: Double
  /// The voltage that was held before the point.
  @OrNull public var voltage_V: Double?
  /// The current that flowed before the point.
  @OrNull public var current_A: Double?
  /// As those of a record.
  public var flags: [String]

  /// Makes one from its parts.
  public init(
    step_count: Int64, number: Int64, cycle_number: Int64? = nil, test_time_s: Double, unix_us: Int64,
    frequency_Hz: Double, real_impedance_ohm: Double, imaginary_impedance_ohm: Double, voltage_V: Double? = nil,
    current_A: Double? = nil, flags: [String] = []
  ) {
    self.step_count = step_count
    self.number = number
    self.cycle_number = cycle_number
    self.test_time_s = test_time_s
    self.unix_us = unix_us
    self.frequency_Hz = frequency_Hz
    self.real_impedance_ohm = real_impedance_ohm
    self.imaginary_impedance_ohm = imaginary_impedance_ohm
    self.voltage_V = voltage_V
    self.current_A = current_A
    self.flags = flags
  }
}

/// Answer to `GET /v1/runs/{run}/events`.
public struct EventList: Codable, Sendable, Hashable {
  /// Oldest first.
  public var events: [EventFrame]

  /// Makes one from its parts.
  public init(events: [EventFrame]) {
    self.events = events
  }
}

/// Adds a note to a run: `POST /v1/runs/{run}/notes`.
public struct NoteRequest: StrictRequest, Hashable {
  /// The note.
  public var text: String

  /// Makes one from its parts.
  public init(text: String) {
    self.text = text
  }

  /// The keys that a request may have.
  public static let shape: RequestShape = .object(["text": .value])
}

/// Body of `POST /v1/runs/{run}/stop`, `pause`, `resume` and `skip`; may be left out.
public struct CommandRequest: StrictRequest, Hashable {
  /// Why; kept in the event.
  public var reason: String?
  /// With `skip`: the number of the step that is meant, `step_count` of its records; when it is over, nothing is skipped.
  public var step: Int32?
  /// With `resume`: why the cell may stand outside the limits at open circuit. Without it such a run is held again.
  public var allow_voltage: String?

  /// Makes one from its parts.
  public init(reason: String? = nil, step: Int32? = nil, allow_voltage: String? = nil) {
    self.reason = reason
    self.step = step
    self.allow_voltage = allow_voltage
  }

  /// The keys that a request may have.
  public static let shape: RequestShape = .object(["reason": .value, "step": .value, "allow_voltage": .value])
}
