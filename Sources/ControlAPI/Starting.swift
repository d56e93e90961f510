// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// swift-format-ignore-file: AlwaysUseLowerCamelCase
//
// Checking protocols and starting runs. The protocols travel as text, so that the daemon's own compiler finds the
// places of all mistakes and the store keeps what the person wrote.

/// A protocol as a person wrote it.
public struct ProtocolSource: StrictRequest, Hashable {
  /// Name for messages, usually the file's.
  public var name: String
  /// The text of the file.
  public var text: String

  /// Makes one from its parts.
  public init(name: String, text: String) {
    self.name = name
    self.text = text
  }

  /// The keys that a request may have.
  public static let shape: RequestShape = .object(["name": .value, "text": .value])
}

/// Compiles protocols without starting anything: `POST /v1/check`.
public struct CheckRequest: StrictRequest, Hashable {
  /// The protocols, in order.
  public var protocols: [ProtocolSource]
  /// Registered cell whose values are used.
  public var cell: String?
  /// Channel whose instrument is considered.
  public var channel: String?
  /// Active mass in micrograms, when neither protocol nor cell has it.
  public var active_mass_ug: Int64?
  /// Electrode area in square millimetres.
  public var area_mm2: Double?
  /// Nominal capacity.
  public var nominal_capacity_mAh: Double?
  /// Values for the protocols' variables, each `name=value`.
  public var set: [String]?

  /// Makes one from its parts.
  public init(
    protocols: [ProtocolSource], cell: String? = nil, channel: String? = nil, active_mass_ug: Int64? = nil,
    area_mm2: Double? = nil, nominal_capacity_mAh: Double? = nil, set: [String]? = nil
  ) {
    self.protocols = protocols
    self.cell = cell
    self.channel = channel
    self.active_mass_ug = active_mass_ug
    self.area_mm2 = area_mm2
    self.nominal_capacity_mAh = nominal_capacity_mAh
    self.set = set
  }

  /// The keys that a request may have.
  public static let shape: RequestShape = .object([
    "protocols": .list(ProtocolSource.shape), "cell": .value, "channel": .value, "active_mass_ug": .value,
    "area_mm2": .value, "nominal_capacity_mAh": .value, "set": .value,
  ])
}

/// One protocol after compilation.
public struct CheckedProtocol: Codable, Sendable, Hashable {
  /// The name under which it was sent.
  public var name: String
  /// Its title; null when it could not be read so far.
  @OrNull public var title: String?
  /// Its role.
  @OrNull public var role: String?
  /// Cycles that a whole run counts.
  @OrNull public var cycle_count: Int64?
  /// The compiled steps, a line each, as they would be carried out; empty when there are problems.
  public var listing: [String]
  /// All that is wrong.
  public var problems: [Problem]
  /// What a person should know before starting it.
  public var warnings: [Problem]

  /// Makes one from its parts.
  public init(
    name: String, title: String? = nil, role: String? = nil, cycle_count: Int64? = nil, listing: [String],
    problems: [Problem], warnings: [Problem]
  ) {
    self.name = name
    self.title = title
    self.role = role
    self.cycle_count = cycle_count
    self.listing = listing
    self.problems = problems
    self.warnings = warnings
  }
}

/// Answer to `POST /v1/check`.
public struct CheckResponse: Codable, Sendable, Hashable {
  /// Whether no protocol has problems.
  public var valid: Bool
  /// In the order of the request.
  public var protocols: [CheckedProtocol]

  /// Makes one from its parts.
  public init(valid: Bool, protocols: [CheckedProtocol]) {
    self.valid = valid
    self.protocols = protocols
  }
}

/// Starts runs: `POST /v1/runs`. Several protocols follow each other on a cell; several cells start all or none.
public struct StartRequest: StrictRequest, Hashable {
  /// The protocols, in the order in which they follow each other on each cell.
  public var protocols: [ProtocolSource]
  /// Channels by name; empty: the only idle one.
  public var channels: [String]
  /// Cells by name or id of the laboratory, one for each channel; empty: those mounted, or new ones.
  public var cells: [String]
  /// Active mass in micrograms, when neither protocol nor cell has it.
  public var active_mass_ug: Int64?
  /// Electrode area in square millimetres.
  public var area_mm2: Double?
  /// Nominal capacity.
  public var nominal_capacity_mAh: Double?
  /// Values for the protocols' variables, each `name=value`.
  public var set: [String]?
  /// Why an open-circuit voltage outside the protocol's window is right this time; logged.
  public var allow_voltage: String?
  /// Agrees to an instrument that cannot hold limits when the host dies.
  public var accept_no_hardware_limits: Bool
  /// A resistor is connected in place of a cell: channels hold no cell, before and afterwards, an open circuit of exactly 0 V is
  /// right, and the protocols are for `no-cycles`. Absent is false.
  public var on_resistor: Bool?

  /// Whether it is said that a resistor is connected.
  public var isOnResistor: Bool { on_resistor ?? false }

  /// Makes one from its parts.
  public init(
    protocols: [ProtocolSource], channels: [String], cells: [String], active_mass_ug: Int64? = nil,
    area_mm2: Double? = nil, nominal_capacity_mAh: Double? = nil, set: [String]? = nil, allow_voltage: String? = nil,
    accept_no_hardware_limits: Bool = false, on_resistor: Bool? = nil
  ) {
    self.protocols = protocols
    self.channels = channels
    self.cells = cells
    self.active_mass_ug = active_mass_ug
    self.area_mm2 = area_mm2
    self.nominal_capacity_mAh = nominal_capacity_mAh
    self.set = set
    self.allow_voltage = allow_voltage
    self.accept_no_hardware_limits = accept_no_hardware_limits
    self.on_resistor = on_resistor
  }

  /// The keys that a request may have.
  public static let shape: RequestShape = .object([
    "protocols": .list(ProtocolSource.shape), "channels": .value, "cells": .value, "active_mass_ug": .value,
    "area_mm2": .value, "nominal_capacity_mAh": .value, "set": .value, "allow_voltage": .value,
    "accept_no_hardware_limits": .value, "on_resistor": .value,
  ])
}

/// One run that was made.
public struct StartedRun: Codable, Sendable, Hashable {
  /// Its number.
  public var run: Int64
  /// Its world-wide name.
  public var uuid: String
  /// Where.
  public var channel: String
  /// On which cell.
  public var cell: String
  /// Whether the cell was registered with this request, under the name above.
  public var cell_registered: Bool
  /// Title of the protocol.
  public var title: String
  /// See `RunStatus.state`.
  public var state: String
  /// Place in the cell's queue, from 1; null when it begins now.
  @OrNull public var queue_position: Int?

  /// Makes one from its parts.
  public init(
    run: Int64, uuid: String, channel: String, cell: String, cell_registered: Bool, title: String, state: String,
    queue_position: Int? = nil
  ) {
    self.run = run
    self.uuid = uuid
    self.channel = channel
    self.cell = cell
    self.cell_registered = cell_registered
    self.title = title
    self.state = state
    self.queue_position = queue_position
  }
}

/// Answer to `POST /v1/runs`.
public struct StartResponse: Codable, Sendable, Hashable {
  /// The id under which the event log names the request.
  public var request_id: String
  /// The runs.
  public var runs: [StartedRun]
  /// What a person should know.
  public var warnings: [String]

  /// Makes one from its parts.
  public init(request_id: String, runs: [StartedRun], warnings: [String]) {
    self.request_id = request_id
    self.runs = runs
    self.warnings = warnings
  }
}
