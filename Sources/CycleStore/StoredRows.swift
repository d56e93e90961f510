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
  /// How its leads go to the cell: `Wiring`'s raw value; nil when nobody has said it.
  public var wiring: String?
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

/// A protocol as it was handed in, with what it became for one run; equal texts are one row.
public struct StoredProtocol: StoredRow, Codable, Sendable, Hashable {
  /// Key.
  public var protocolId: Int64
  /// The protocol file, byte by byte.
  public var source: String
  /// The steps that it compiled to for this run, as `nactl check` prints them.
  public var listing: String
  /// The version of the program that compiled it.
  public var compilerVersion: String
}

/// One revision of a run's protocol.
public struct StoredRevision: StoredRow, Codable, Sendable, Hashable {
  /// From 1, which is what the run was started with.
  public var revision: Int64
  /// The first step that it held for; nil for the first revision, and for one that never held or does not yet.
  public var fromStepId: Int64?
  /// Who asked for it; nil for the first.
  public var amendedBy: String?
  /// When.
  public var amendedUnixUs: Int64?
  /// Why, if that was said.
  public var reason: String?
  /// Why it could not hold when its time came; nil otherwise.
  public var refusal: String?
  /// The protocol file, byte by byte.
  public var source: String

  /// Whether it still waits for its time in that run; of several that wait only the newest comes to hold.
  public func waits(in run: StoredRun) -> Bool { revision > run.protocolRevision && refusal == nil }
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
  /// How the leads went to the cell when it was started: `Wiring`'s raw value; nil when nobody had said it.
  public var wiring: String?
  /// The revision of its protocol that holds, from 1.
  public var protocolRevision: Int64

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
    wiring = row["wiring"]
    protocolRevision = row["protocol_revision"]
  }
}
