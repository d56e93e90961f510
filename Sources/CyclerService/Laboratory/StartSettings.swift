// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import Foundation

/// How a person started a run, beyond the protocol and the cell; stored with the run as JSON.
struct StartSettings: Codable, Sendable, Hashable {
  /// Why a start voltage outside the protocol's window is all right.
  var allowedVoltageReason: String?
  /// The person accepts an instrument that stays on when this machine dies.
  var acceptsNoHardwareLimits = false
  /// A resistor is connected in place of a cell; nil, as of runs that were started before one could say it: none.
  var isOnResistor: Bool?

  enum CodingKeys: String, CodingKey {
    case allowedVoltageReason = "allow_voltage_reason"
    case acceptsNoHardwareLimits = "accept_no_hardware_limits"
    case isOnResistor = "on_resistor"
  }

  init() {}

  /// Reads what `stored` wrote; anything else reads as the usual settings, which allow nothing.
  init(stored: String) {
    self = (try? JSONDecoder().decode(StartSettings.self, from: Data(stored.utf8))) ?? StartSettings()
  }

  /// As stored.
  var stored: String {
    get throws {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys]
      return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
  }
}
