// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The rows of the database as values. A field has the name of its column, with the unit at its end; instants are
// microseconds of UTC. What each means stands in docs/database.md.

public import CyclerModel
import GRDB

/// A row whose fields are found by their column's name: `active_mass_ug` becomes `activeMassUg`.
protocol StoredRow: FetchableRecord, Decodable {}
extension StoredRow {
  static var databaseColumnDecodingStrategy: DatabaseColumnDecodingStrategy { .convertFromSnakeCase }
}

/// A potentiostat that was seen at least once.
public struct StoredInstrument: StoredRow, Codable, Sendable, Hashable {
  /// Key.
  public var instrumentId: Int64
  /// The driver's family, for instance `methodscript`.
  public var family: String
  /// The model as the instrument names it.
  public var model: String
  /// The serial number; with the family it is the instrument's identity.
  public var serial: String
  /// The newest firmware that was seen.
  public var firmware: String?
  /// When it was first seen.
  public var firstSeenUnixUs: Int64
}

/// A channel of an instrument.
public struct StoredChannel: StoredRow, Codable, Sendable, Hashable {
  /// Key.
  public var channelId: Int64
  /// Its instrument.
  public var instrumentId: Int64
  /// Counted from 1 on the instrument.
  public var number: Int64
  /// The name that people use.
  public var name: String
  /// The cell that is mounted on it.
  public var cellId: Int64?
}

/// A cell with its newest revision.
public struct StoredCell: StoredRow, Codable, Sendable, Hashable {
  /// Key.
  public var cellId: Int64
  /// The name that people use; unique.
  public var name: String
  /// The laboratory's own number or barcode; unique.
  public var externalId: String?
  /// The batch that it was made in.
  public var batch: String?
  /// `CellRole`'s raw value.
  public var role: String
  /// When it was registered.
  public var createdUnixUs: Int64
  /// When it was taken out of use.
  public var retiredUnixUs: Int64?
  /// The newest revision, from 1.
  public var revision: Int64
  /// When the revision was entered.
  public var enteredUnixUs: Int64
  /// Who entered it.
  public var enteredBy: String
  /// Why.
  public var reason: String
  /// Active mass in micrograms.
  public var activeMassUg: Int64?
  /// What the mass counts, for instance `active material without binder`.
  public var activeMassBasis: String?
  /// Standard uncertainty of the mass in micrograms.
  public var activeMassUncertaintyUg: Int64?
  /// Electrode area in thousandths of a square millimetre.
  public var areaMm2E3: Int64?
  /// Nominal capacity in nanocoulombs.
  public var nominalChargeNc: Int64?
  /// Electrolyte.
  public var electrolyte: String?
  /// Counter electrode.
  public var counterElectrode: String?
  /// Anything else.
  public var notes: String?
  /// The channel that it is mounted on.
  public var channelId: Int64?

  /// The role; nil only when somebody else wrote the row.
  public var cellRole: CellRole? { CellRole(rawValue: role) }
}

/// A protocol as it was handed in; equal texts are one row.
public struct StoredProtocol: StoredRow, Codable, Sendable, Hashable {
  /// Key.
  public var protocolId: Int64
  /// The protocol file, byte by byte.
  public var source: String
  /// The compiled steps as `nactl check` prints them.
  public var listing: String
  /// The version of the program that compiled it.
  public var compilerVersion: String
}

/// A run.
public struct StoredRun: StoredRow, Codable, Sendable, Hashable {
  /// Key; never used again.
  public var runId: Int64
  /// The same across databases.
  public var uuid: String
  /// The protocol's title.
  public var title: String
  /// The cell.
  public var cellId: Int64
  /// Its name.
  public var cellName: String
  /// The cell's revision with which the currents were computed.
  public var cellRevision: Int64
  /// The channel.
  public var channelId: Int64
  /// Its name.
  public var channelName: String
  /// The parameters of its live metrics.
  public var parameterSetId: Int64
  /// `RunState`'s raw value.
  public var state: String
  /// Why it is in that state.
  public var stateReason: String?
  /// Since when.
  public var stateUnixUs: Int64
  /// Its place in the queue of its cell; nil when it does not wait.
  public var queuePosition: Int64?
  /// When it was asked for.
  public var createdUnixUs: Int64
  /// When its pre-flight began.
  public var startedUnixUs: Int64?
  /// When it ended.
  public var endedUnixUs: Int64?
  /// Who started it.
  public var startedBy: String
  /// Why it ended.
  public var endReason: String?
  /// The nominal capacity behind C-rates, in nanocoulombs.
  public var rateBasisChargeNc: Int64?
  /// The mass behind specific currents, in micrograms.
  public var rateBasisMassUg: Int64?
  /// The area behind current densities, in thousandths of a square millimetre.
  public var rateBasisAreaMm2E3: Int64?
  /// The cell's cycle number of the run's cycle 1.
  public var firstCycleNumber: Int64
  /// The daemon that started it.
  public var daemonVersion: String
  /// What the instrument promises: ranges, accuracy, which bounds it holds itself.
  public var instrumentSpecification: String
  /// How the person started it, as a JSON object.
  public var settings: String

  /// The state; nil only when somebody else wrote the row.
  public var runState: RunState? { RunState(rawValue: state) }
}

extension StoredRun {
  /// Reads the columns by name. Written out because a live view reads all open runs ten times a second, and finding a
  /// name for each column of each row was a seventh of a busy daemon's time.
  init(row: Row) throws {
    runId = row["run_id"]
    uuid = row["uuid"]
    title = row["title"]
    cellId = row["cell_id"]
    cellName = row["cell_name"]
    cellRevision = row["cell_revision"]
    channelId = row["channel_id"]
    channelName = row["channel_name"]
    parameterSetId = row["parameter_set_id"]
    state = row["state"]
    stateReason = row["state_reason"]
    stateUnixUs = row["state_unix_us"]
    queuePosition = row["queue_position"]
    createdUnixUs = row["created_unix_us"]
    startedUnixUs = row["started_unix_us"]
    endedUnixUs = row["ended_unix_us"]
    startedBy = row["started_by"]
    endReason = row["end_reason"]
    rateBasisChargeNc = row["rate_basis_charge_nc"]
    rateBasisMassUg = row["rate_basis_mass_ug"]
    rateBasisAreaMm2E3 = row["rate_basis_area_mm2_e3"]
    firstCycleNumber = row["first_cycle_number"]
    daemonVersion = row["daemon_version"]
    instrumentSpecification = row["instrument_specification"]
    settings = row["settings"]
  }
}

/// A step of a run.
public struct StoredStep: StoredRow, Codable, Sendable, Hashable {
  /// `RowIdentity.step`.
  public var stepId: Int64
  /// Its run.
  public var runId: Int64
  /// Counted from 1 within the run, never repeated.
  public var stepCount: Int64
  /// The revision of the run's protocol.
  public var protocolRevision: Int64
  /// Index in the program; -1 for an open-circuit check.
  public var programIndex: Int64
  /// Place in the protocol file.
  public var programPath: String
  /// `StepKind`'s raw value.
  public var kind: String
  /// -1 discharge, 0 none, 1 charge.
  public var direction: Int64
  /// Its half-cycle.
  public var halfCycleId: Int64?
  /// The run's cycle.
  public var cycleNumber: Int64?
  /// When it began.
  public var startedUnixUs: Int64
  /// The run's test time then.
  public var startedTestTimeUs: Int64
  /// The run's test time when it ended; nil while it runs.
  public var endedTestTimeUs: Int64?
  /// Net charge of the run when it began.
  public var startChargeNc: Int64
  /// The largest current that its range had to hold.
  public var currentRangePa: Int64?
  /// Why it ended.
  public var endReason: String?
}

/// A half-cycle of a run.
public struct StoredHalfCycle: StoredRow, Codable, Sendable, Hashable {
  /// `RowIdentity.halfCycle`.
  public var halfCycleId: Int64
  /// Its run.
  public var runId: Int64
  /// Counted from 1 within the run.
  public var number: Int64
  /// The run's cycle.
  public var cycleNumber: Int64?
  /// -1 discharge, 1 charge.
  public var direction: Int64
  /// `CyclePurpose`'s raw value.
  public var purpose: String?
  /// Label of its block.
  public var label: String?
  /// Charge in the programmed direction less the opposite.
  public var chargeNc: Int64
  /// Charge against the programmed direction.
  public var reverseChargeNc: Int64
  /// Energy in the programmed direction.
  public var energyNj: Int64
  /// Of the charge, what flowed at a held voltage.
  public var constantVoltageChargeNc: Int64
  /// The instrument's own count of the charge.
  public var deviceChargeNc: Int64?
  /// Charge below the plateau threshold.
  public var plateauChargeNc: Int64?
  /// The most by which the charge can be wrong because of gaps; nil when unknown.
  public var gapChargeNc: Int64?
  /// Why it ended; nil while it is open.
  public var endReason: String?
  /// `DataFlags`.
  public var flags: Int64
}

/// A finished cycle under one set of metric parameters.
public struct StoredCycle: StoredRow, Codable, Sendable, Hashable {
  /// Its run.
  public var runId: Int64
  /// The parameters under which it was computed.
  public var parameterSetId: Int64
  /// Within the run, from 1.
  public var cycleNumber: Int64
  /// Within the cell's life, from 1.
  public var cellCycleNumber: Int64
  /// `CyclePurpose`'s raw value.
  public var purpose: String?
  /// Label of its block.
  public var label: String?
  /// Charge of the charging half-cycle in ampere-hours; nil when unknown.
  public var chargeCapacityAh: Double?
  /// Charge of the discharging half-cycle in ampere-hours.
  public var dischargeCapacityAh: Double?
  /// Energy of the charging half-cycle in watt-hours.
  public var chargeEnergyWh: Double?
  /// Energy of the discharging half-cycle in watt-hours.
  public var dischargeEnergyWh: Double?
  /// A fraction, never clamped; nil when incomplete or meaningless.
  public var coulombicEfficiency: Double?
  /// Its standard uncertainty.
  public var coulombicEfficiencyUncertainty: Double?
  /// Plateau charge of the sodiation branch in ampere-hours.
  public var sodiationPlateauCapacityAh: Double?
  /// The plateau's share of the sodiation branch, a fraction.
  public var sodiationPlateauRatio: Double?
  /// Plateau charge of the desodiation branch in ampere-hours.
  public var desodiationPlateauCapacityAh: Double?
  /// The plateau's share of the desodiation branch, a fraction.
  public var desodiationPlateauRatio: Double?
  /// `DataFlags`.
  public var flags: Int64
}

/// An event.
public struct StoredEvent: StoredRow, Codable, Sendable, Hashable {
  /// Key; rises with the order in which events were stored, so it serves as a cursor.
  public var eventId: Int64
  /// When.
  public var unixUs: Int64
  /// The run that it belongs to.
  public var runId: Int64?
  /// The channel that it belongs to.
  public var channelId: Int64?
  /// The step that it belongs to.
  public var stepId: Int64?
  /// The step time then.
  public var stepTimeUs: Int64?
  /// `FaultCode`'s raw value.
  public var code: String
  /// 0 info, 1 warning, 2 alarm.
  public var severity: Int64
  /// Who: `daemon`, `instrument` or a user's name.
  public var actor: String
  /// One sentence.
  public var detail: String
  /// Who has taken note of it.
  public var acknowledgedBy: String?
  /// When.
  public var acknowledgedUnixUs: Int64?
}

/// A latched channel: nothing starts on it before a named person has cleared it.
public struct StoredLatch: StoredRow, Codable, Sendable, Hashable {
  /// The channel.
  public var channelId: Int64
  /// `FaultCode`'s raw value.
  public var fault: String
  /// The run that it happened to.
  public var runId: Int64?
  /// When.
  public var raisedUnixUs: Int64
  /// What was seen.
  public var detail: String
}

/// What a run needs in order to go on.
public struct StoredCheckpoint: Codable, Sendable, Hashable {
  /// The run.
  public var runId: Int64
  /// When it was taken.
  public var unixUs: Int64
  /// The state; its bytes begin with their own version.
  public var state: [UInt8]
}
