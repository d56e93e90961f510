// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// swift-format-ignore-file: AlwaysUseLowerCamelCase
//
// What the daemon says of its channels. A channel is one place where one cell can be connected; it belongs to an
// instrument, whichever port that instrument is plugged into.

/// What is known of the connection between instrument and cell. Never "open" without a confirmation (hazard rule 7).
public enum CircuitState: String, Codable, Sendable, Hashable, CaseIterable {
  /// Current may flow.
  case closed
  /// The instrument said that the cell is disconnected.
  case openConfirmed = "open (confirmed)"
  /// The host is cut off, and the instrument's own lease has run out since; the moment is told apart.
  case openLeaseExpired = "open (lease expired)"
  /// Nobody can say.
  case unknown
}

/// A fault that keeps a channel from being driven until a named person clears it.
public struct LatchStatus: Codable, Sendable, Hashable {
  /// Registered dotted name of the fault, for instance `limit.voltage.high`.
  public var fault: String
  /// What was seen, in one sentence with units.
  public var detail: String
  /// When, in microseconds of UTC since 1970.
  public var raised_unix_us: Int64
  /// The run that was going on.
  @OrNull public var run: Int64?

  /// Makes one from its parts.
  public init(fault: String, detail: String, raised_unix_us: Int64, run: Int64? = nil) {
    self.fault = fault
    self.detail = detail
    self.raised_unix_us = raised_unix_us
    self.run = run
  }
}

/// One channel as it is now.
public struct ChannelStatus: Codable, Sendable, Hashable {
  /// Name; stays the same when the instrument is plugged in elsewhere.
  public var channel: String
  /// The driver that speaks with it.
  public var instrument_family: String
  /// Model, as the instrument says it.
  public var instrument_model: String
  /// Serial number, the identity of the instrument.
  public var instrument_serial: String
  /// Firmware version.
  @OrNull public var instrument_firmware: String?
  /// `emulated_only`, `tried_on_hardware` or `proven_on_hardware`.
  public var driver_maturity: String
  /// Where it is plugged in; null while it is away.
  @OrNull public var port: String?
  /// `idle`, `busy` (a run has it), `latched`, `away` (no port) or `unusable` (a port, but no sense from it).
  public var state: String
  /// What is known of the circuit.
  public var circuit: CircuitState
  /// With `open (lease expired)`: when the lease ran out or will have run out.
  @OrNull public var circuit_lease_expired_unix_us: Int64?
  /// Whether the instrument disconnects the cell when the host falls silent.
  public var goes_safe_alone: Bool
  /// Whether the instrument judges voltage and current bounds without the host.
  public var holds_limits_itself: Bool
  /// The cell that is mounted on it.
  @OrNull public var cell: String?
  /// How its leads go to the cell, `2-wire` or `4-wire`; null when nobody has said it.
  @OrNull public var wiring: String?
  /// The run that has it.
  @OrNull public var run: Int64?
  /// State of that run, see `RunStatus.state`.
  @OrNull public var run_state: String?
  /// The latch, when there is one.
  @OrNull public var latch: LatchStatus?
  /// Last measured voltage.
  @OrNull public var voltage_V: Double?
  /// Last measured current; positive charges the cell.
  @OrNull public var current_A: Double?
  /// How old that reading is.
  @OrNull public var reading_age_s: Double?
  /// The thermometer beside the cell.
  @OrNull public var thermometer: String?
  /// What it said last.
  @OrNull public var temperature_degC: Double?
  /// How old that is.
  @OrNull public var temperature_age_s: Double?

  /// Makes one from its parts.
  public init(
    channel: String, instrument_family: String, instrument_model: String, instrument_serial: String,
    instrument_firmware: String? = nil, driver_maturity: String, port: String? = nil, state: String,
    circuit: CircuitState, circuit_lease_expired_unix_us: Int64? = nil, goes_safe_alone: Bool,
    holds_limits_itself: Bool, cell: String? = nil, wiring: String? = nil, run: Int64? = nil, run_state: String? = nil,
    latch: LatchStatus? = nil, voltage_V: Double? = nil, current_A: Double? = nil, reading_age_s: Double? = nil,
    thermometer: String? = nil, temperature_degC: Double? = nil, temperature_age_s: Double? = nil
  ) {
    self.channel = channel
    self.instrument_family = instrument_family
    self.instrument_model = instrument_model
    self.instrument_serial = instrument_serial
    self.instrument_firmware = instrument_firmware
    self.driver_maturity = driver_maturity
    self.port = port
    self.state = state
    self.circuit = circuit
    self.circuit_lease_expired_unix_us = circuit_lease_expired_unix_us
    self.goes_safe_alone = goes_safe_alone
    self.holds_limits_itself = holds_limits_itself
    self.cell = cell
    self.wiring = wiring
    self.run = run
    self.run_state = run_state
    self.latch = latch
    self.voltage_V = voltage_V
    self.current_A = current_A
    self.reading_age_s = reading_age_s
    self.thermometer = thermometer
    self.temperature_degC = temperature_degC
    self.temperature_age_s = temperature_age_s
  }
}

/// A port that carries no instrument that can be used now. It is tried again by itself.
public struct UnusablePort: Codable, Sendable, Hashable {
  /// The port's name.
  public var port: String
  /// Registered dotted name of the fault, for instance `link.busy`.
  public var code: String
  /// What was found.
  public var message: String
  /// What a person can do.
  public var hint: String

  /// Makes one from its parts.
  public init(port: String, code: String, message: String, hint: String) {
    self.port = port
    self.code = code
    self.message = message
    self.hint = hint
  }
}

/// Answer to `GET /v1/channels`.
public struct ChannelList: Codable, Sendable, Hashable {
  /// All channels, by name.
  public var channels: [ChannelStatus]
  /// Ports that were found or named and carry no channel, by name.
  public var unusable_ports: [UnusablePort]
  /// Patterns of `--port` that match no port now, as they were given; one that appears is taken.
  public var unmatched_ports: [String]
  /// Why nothing can be stored just now, with the name of the fault; null when it can.
  @OrNull public var store_failure: String?

  /// Makes one from its parts.
  public init(
    channels: [ChannelStatus], unusable_ports: [UnusablePort] = [], unmatched_ports: [String] = [],
    store_failure: String? = nil
  ) {
    self.channels = channels
    self.unusable_ports = unusable_ports
    self.unmatched_ports = unmatched_ports
    self.store_failure = store_failure
  }
}

/// Removes a latch: `POST /v1/channels/{channel}/clear`. It never resumes a run.
public struct ClearRequest: StrictRequest, Hashable {
  /// Why the channel is fit to be used again; kept with the name of the person.
  public var reason: String

  /// Makes one from its parts.
  public init(reason: String) {
    self.reason = reason
  }

  /// The keys that a request may have.
  public static let shape: RequestShape = .object(["reason": .value])
}

/// Says which cell a channel holds: `POST /v1/channels/{channel}/mount`.
public struct MountRequest: StrictRequest, Hashable {
  /// Name of the cell; null takes the cell off.
  public var cell: String?
  /// How the leads go to it, `2-wire` or `4-wire`; null leaves what was said before.
  public var wiring: String?

  /// Makes one from its parts.
  public init(cell: String? = nil, wiring: String? = nil) {
    self.cell = cell
    self.wiring = wiring
  }

  /// The keys that a request may have.
  public static let shape: RequestShape = .object(["cell": .value, "wiring": .value])
}

/// Answer to `GET /v1/status`.
public struct DaemonStatus: Codable, Sendable, Hashable {
  /// Version of nacyclerd.
  public var daemon_version: String
  /// When this daemon started.
  public var started_unix_us: Int64
  /// The SQLite file, which others may read while runs go on.
  public var database_path: String
  /// Channels known.
  public var channels: Int
  /// Runs that are not over.
  public var runs_active: Int
  /// Why nothing can be stored just now, with the name of the fault; null when it can.
  @OrNull public var store_failure: String?

  /// Makes one from its parts.
  public init(
    daemon_version: String, started_unix_us: Int64, database_path: String, channels: Int, runs_active: Int,
    store_failure: String? = nil
  ) {
    self.daemon_version = daemon_version
    self.started_unix_us = started_unix_us
    self.database_path = database_path
    self.channels = channels
    self.runs_active = runs_active
    self.store_failure = store_failure
  }
}
