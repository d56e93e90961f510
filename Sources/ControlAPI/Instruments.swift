// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// swift-format-ignore-file: AlwaysUseLowerCamelCase
//
// Instruments as the daemon knows them: who they are, what they can do, and how their lines are.

/// What an instrument can do.
public struct InstrumentAbilities: Codable, Sendable, Hashable {
  /// The kinds of steps that it can carry out, by name; empty for one that only measures beside cells.
  public var step_kinds: [String]
  /// The lowest voltage that it measures and applies.
  public var voltage_from_V: Double
  /// The highest.
  public var voltage_to_V: Double
  /// The largest current.
  public var maximum_current_A: Double
  /// Its current ranges, as full-scale values, ascending.
  public var current_ranges_A: [Double]
  /// The shortest time between readings.
  public var shortest_reading_interval_s: Double
  /// The highest frequency at which it measures an impedance; null when it measures none.
  @OrNull public var highest_frequency_Hz: Double?
  /// Whether it judges voltage and current bounds without the host.
  public var holds_limits_itself: Bool
  /// Whether it disconnects the cell when the host falls silent.
  public var goes_safe_alone: Bool
  /// When it stays on all the same, in a sentence; null when it never does.
  @OrNull public var stays_on_when: String?
  /// What its open circuit is: `disconnected_and_measured`, `disconnected_blind` or `zero_current_held`.
  public var open_circuit: String
  /// What it measures beside a cell, such as `temperature`.
  public var observes: [String]

  /// Makes one from its parts.
  public init(
    step_kinds: [String], voltage_from_V: Double, voltage_to_V: Double, maximum_current_A: Double,
    current_ranges_A: [Double], shortest_reading_interval_s: Double, highest_frequency_Hz: Double? = nil,
    holds_limits_itself: Bool, goes_safe_alone: Bool, stays_on_when: String? = nil, open_circuit: String,
    observes: [String]
  ) {
    self.step_kinds = step_kinds
    self.voltage_from_V = voltage_from_V
    self.voltage_to_V = voltage_to_V
    self.maximum_current_A = maximum_current_A
    self.current_ranges_A = current_ranges_A
    self.shortest_reading_interval_s = shortest_reading_interval_s
    self.highest_frequency_Hz = highest_frequency_Hz
    self.holds_limits_itself = holds_limits_itself
    self.goes_safe_alone = goes_safe_alone
    self.stays_on_when = stays_on_when
    self.open_circuit = open_circuit
    self.observes = observes
  }
}

/// How a line has been since its port appeared, or since the daemon started.
public struct LinkStatistics: Codable, Sendable, Hashable {
  /// Bytes that came from the instrument.
  public var received_bytes: Int64
  /// Bytes that the system took for the instrument.
  public var sent_bytes: Int64
  /// Readings of all its channels.
  public var readings: Int64
  /// What arrived damaged or was not understood and was left aside, in lines, frames or pieces, as far as the driver can tell it;
  /// from the moment at which the instrument was identified.
  public var damaged_messages: Int64
  /// How often the line was given up and opened anew.
  public var losses: Int64
  /// How long ago the last byte came; null when none has come.
  @OrNull public var last_byte_age_s: Double?

  /// Makes one from its parts.
  public init(
    received_bytes: Int64, sent_bytes: Int64, readings: Int64, damaged_messages: Int64, losses: Int64,
    last_byte_age_s: Double? = nil
  ) {
    self.received_bytes = received_bytes
    self.sent_bytes = sent_bytes
    self.readings = readings
    self.damaged_messages = damaged_messages
    self.losses = losses
    self.last_byte_age_s = last_byte_age_s
  }
}

/// One instrument as it is now.
public struct InstrumentStatus: Codable, Sendable, Hashable {
  /// Model, as the instrument says it.
  public var instrument_model: String
  /// Serial number; of an instrument that has none, its model and the name of its port.
  public var instrument_serial: String
  /// Firmware version.
  @OrNull public var instrument_firmware: String?
  /// The driver that speaks with it.
  public var instrument_family: String
  /// `emulated_only`, `tried_on_hardware` or `proven_on_hardware`.
  public var driver_maturity: String
  /// Where it is plugged in; null while it is away.
  @OrNull public var port: String?
  /// `ready`, `away` (no port) or `silent` (a port, but no sense from it).
  public var state: String
  /// Its channels, by name; of a thermometer, those that it is bound to.
  public var channels: [String]
  /// What it can do.
  public var abilities: InstrumentAbilities
  /// How its line is; null while it is away.
  @OrNull public var link: LinkStatistics?

  /// Makes one from its parts.
  public init(
    instrument_model: String, instrument_serial: String, instrument_firmware: String? = nil, instrument_family: String,
    driver_maturity: String, port: String? = nil, state: String, channels: [String], abilities: InstrumentAbilities,
    link: LinkStatistics? = nil
  ) {
    self.instrument_model = instrument_model
    self.instrument_serial = instrument_serial
    self.instrument_firmware = instrument_firmware
    self.instrument_family = instrument_family
    self.driver_maturity = driver_maturity
    self.port = port
    self.state = state
    self.channels = channels
    self.abilities = abilities
    self.link = link
  }
}

/// Body of `POST /v1/ports/identify`.
public struct IdentifyRequest: StrictRequest, Hashable {
  /// The port's name, such as `/dev/ttyUSB3` or `tcp://192.168.1.20:5025`.
  public var port: String

  /// Makes one.
  public init(port: String) { self.port = port }

  /// The keys that a request may have.
  public static let shape: RequestShape = .object(["port": .value])
}

/// Answer to `POST /v1/ports/identify`.
public struct IdentifiedPort: Codable, Sendable, Hashable {
  /// The request's number, by which the daemon's journal knows it.
  public var request_id: String
  /// The port's name.
  public var port: String
  /// The driver that understood the instrument; null when nobody answered.
  @OrNull public var instrument_family: String?
  /// Model, as the instrument says it.
  @OrNull public var instrument_model: String?
  /// Serial number; empty where it has none.
  @OrNull public var instrument_serial: String?
  /// Firmware version.
  @OrNull public var instrument_firmware: String?
  /// What the daemon is to be told so that it takes the instrument: the value of `--port`; null when nobody answered.
  @OrNull public var port_option: String?
  /// The families that were asked for, in this order.
  public var asked: [String]
  /// What drivers that understood somebody there will not drive, and why; empty where somebody can be driven.
  public var refusals: [FamilyRefusal]

  /// Makes one from its parts.
  public init(
    request_id: String, port: String, instrument_family: String? = nil, instrument_model: String? = nil,
    instrument_serial: String? = nil, instrument_firmware: String? = nil, port_option: String? = nil, asked: [String],
    refusals: [FamilyRefusal] = []
  ) {
    self.request_id = request_id
    self.port = port
    self.instrument_family = instrument_family
    self.instrument_model = instrument_model
    self.instrument_serial = instrument_serial
    self.instrument_firmware = instrument_firmware
    self.port_option = port_option
    self.asked = asked
    self.refusals = refusals
  }
}

/// Why a driver that was understood at a port does not drive what is there.
public struct FamilyRefusal: Codable, Sendable, Hashable {
  /// The driver.
  public var instrument_family: String
  /// Registered dotted name of the fault, `link.identity`.
  public var code: String
  /// What was said there, and what the driver knows.
  public var message: String

  /// Makes one from its parts.
  public init(instrument_family: String, code: String, message: String) {
    self.instrument_family = instrument_family
    self.code = code
    self.message = message
  }
}

/// Answer to `GET /v1/instruments`.
public struct InstrumentList: Codable, Sendable, Hashable {
  /// All that are known, by model and serial number.
  public var instruments: [InstrumentStatus]
  /// Ports that were found or named and carry none, by name.
  public var unusable_ports: [UnusablePort]
  /// Patterns of `--port` that match no port now, as they were given; one that appears is taken.
  public var unmatched_ports: [String]
  /// The families of which an instrument can be named with `--port FAMILY:PORT`.
  public var families: [String]

  /// Makes one from its parts.
  public init(
    instruments: [InstrumentStatus], unusable_ports: [UnusablePort], unmatched_ports: [String] = [], families: [String]
  ) {
    self.instruments = instruments
    self.unusable_ports = unusable_ports
    self.unmatched_ports = unmatched_ports
    self.families = families
  }
}

/// Records what passes between the daemon and an instrument: `POST /v1/instruments/{instrument}/transcript`.
public struct TranscriptRequest: StrictRequest, Hashable {
  /// How long; null: until the connection ends.
  public var seconds: Double?
  /// What a reader of the recording should know, for its header.
  public var note: String?

  /// No recording lasts longer: a week.
  public static let longestSeconds = 604_800.0

  /// Makes one from its parts.
  public init(seconds: Double? = nil, note: String? = nil) {
    self.seconds = seconds
    self.note = note
  }

  /// The keys that a request may have.
  public static let shape: RequestShape = .object(["seconds": .value, "note": .value])
}
