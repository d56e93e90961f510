// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What is said of a cell and of a run when they are stored.

public import CyclerModel

/// What a person says of a cell when registering or changing it; nil where it is not known.
public struct CellEntry: Sendable, Hashable {
  /// Active mass in micrograms.
  public var activeMassUg: Int64?
  /// What the mass counts.
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
  /// Nothing known.
  public init() {}
  /// What is known of a cell by its newest revision, as the start of the next one.
  public init(_ cell: StoredCell) {
    activeMassUg = cell.activeMassUg
    activeMassBasis = cell.activeMassBasis
    activeMassUncertaintyUg = cell.activeMassUncertaintyUg
    areaMm2E3 = cell.areaMm2E3
    nominalChargeNc = cell.nominalChargeNc
    electrolyte = cell.electrolyte
    counterElectrode = cell.counterElectrode
    notes = cell.notes
  }
}

/// What is known of a run when it is asked for.
public struct RunEntry: Sendable, Hashable {
  /// The same across databases; lower-case UUID.
  public var uuid: String
  /// The protocol's title.
  public var title: String
  /// The cell.
  public var cell: Int64
  /// The cell's revision that the currents were computed with.
  public var cellRevision: Int64
  /// The channel.
  public var channel: Int64
  /// Its first state: `queued` or `preflight`.
  public var state: RunState
  /// When it was asked for.
  public var at: UnixInstant
  /// Its place in the queue of its cell.
  public var queuePosition: Int64?
  /// Who.
  public var startedBy: String
  /// The protocol, from `addProtocol`.
  public var protocolID: Int64
  /// The steps that it compiles to with this cell, as `nactl check` prints them.
  public var listing = ""
  /// The version of the definitions of the metrics.
  public var definitionsVersion: String
  /// The parameters of the metrics as a JSON object with sorted keys; equal texts are one row.
  public var parameters: String
  /// The nominal capacity behind C-rates, in nanocoulombs.
  public var rateBasisChargeNc: Int64?
  /// The mass behind specific currents, in micrograms.
  public var rateBasisMassUg: Int64?
  /// The area behind current densities, in thousandths of a square millimetre.
  public var rateBasisAreaMm2E3: Int64?
  /// The cell's cycle number of the run's cycle 1, from `nextCellCycleNumber`.
  public var firstCycleNumber: Int64
  /// The daemon's version.
  public var daemonVersion: String
  /// What the instrument promises.
  public var instrumentSpecification: String
  /// How the person started it, as a JSON object.
  public var settings: String

  /// A run with no rate basis, no queue and no settings.
  public init(
    uuid: String, title: String, cell: Int64, cellRevision: Int64, channel: Int64, state: RunState, at: UnixInstant,
    startedBy: String, protocolID: Int64, definitionsVersion: String, parameters: String, firstCycleNumber: Int64,
    daemonVersion: String, instrumentSpecification: String
  ) {
    self.uuid = uuid
    self.title = title
    self.cell = cell
    self.cellRevision = cellRevision
    self.channel = channel
    self.state = state
    self.at = at
    self.startedBy = startedBy
    self.protocolID = protocolID
    self.definitionsVersion = definitionsVersion
    self.parameters = parameters
    self.firstCycleNumber = firstCycleNumber
    self.daemonVersion = daemonVersion
    self.instrumentSpecification = instrumentSpecification
    settings = "{}"
  }
}
