// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// swift-format-ignore-file: AlwaysUseLowerCamelCase
//
// Instruments that measure beside cells, and their bindings to channels.

/// A thermometer as it is now.
public struct ThermometerStatus: Codable, Sendable, Hashable {
  /// Serial number: the name by which it is bound.
  public var thermometer: String
  /// The driver that speaks with it.
  public var instrument_family: String
  /// Model, as the instrument says it.
  public var instrument_model: String
  /// Firmware version.
  @OrNull public var instrument_firmware: String?
  /// `emulated_only`, `tried_on_hardware` or `proven_on_hardware`.
  public var driver_maturity: String
  /// Where it is plugged in; null while it is away.
  @OrNull public var port: String?
  /// `measuring`, `silent` (a port, but no temperature from it) or `away` (no port).
  public var state: String
  /// What it said last; null when it has said nothing yet.
  @OrNull public var temperature_degC: Double?
  /// How old that is.
  @OrNull public var temperature_age_s: Double?
  /// Why it says no temperature, where that is known.
  @OrNull public var trouble: String?
  /// The channels that it is bound to, by name.
  public var channels: [String]

  /// Makes one from its parts.
  public init(
    thermometer: String, instrument_family: String, instrument_model: String, instrument_firmware: String? = nil,
    driver_maturity: String, port: String? = nil, state: String, temperature_degC: Double? = nil,
    temperature_age_s: Double? = nil, trouble: String? = nil, channels: [String]
  ) {
    self.thermometer = thermometer
    self.instrument_family = instrument_family
    self.instrument_model = instrument_model
    self.instrument_firmware = instrument_firmware
    self.driver_maturity = driver_maturity
    self.port = port
    self.state = state
    self.temperature_degC = temperature_degC
    self.temperature_age_s = temperature_age_s
    self.trouble = trouble
    self.channels = channels
  }
}

/// Answer to `GET /v1/thermometers`.
public struct ThermometerList: Codable, Sendable, Hashable {
  /// All that are there or bound, by name.
  public var thermometers: [ThermometerStatus]

  /// Makes one from its parts.
  public init(thermometers: [ThermometerStatus]) { self.thermometers = thermometers }
}

/// Says which thermometer stands beside a channel's cell: `POST /v1/channels/{channel}/observe`.
public struct ObserveRequest: StrictRequest, Hashable {
  /// Its serial number; null binds none.
  public var thermometer: String?

  /// Makes one from its parts.
  public init(thermometer: String?) { self.thermometer = thermometer }

  /// The keys that a request may have.
  public static let shape: RequestShape = .object(["thermometer": .value])
}
