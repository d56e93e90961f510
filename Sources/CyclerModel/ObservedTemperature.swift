// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

public import Quantities

/// What a thermometer beside the cell said last. It has no clock of its own: the moment is that of its arrival.
public struct ObservedTemperature: Sendable, Hashable {
  /// The temperature.
  public var temperature: Temperature
  /// When it arrived.
  public var arrivedAt: HostInstant
  /// A temperature and its arrival.
  public init(_ temperature: Temperature, arrivedAt: HostInstant) {
    self.temperature = temperature
    self.arrivedAt = arrivedAt
  }
}
