// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import GRDB

/// An instrument that measures beside the cell of a channel.
public struct StoredObserver: StoredRow, Codable, Sendable, Hashable {
  /// The channel.
  public var channelId: Int64
  /// What it measures there: `temperature`.
  public var quantity: String
  /// The driver's family.
  public var family: String
  /// The model as the instrument names it.
  public var model: String
  /// The serial number; with the family it is the instrument's identity.
  public var serial: String
  /// The newest firmware that was seen.
  public var firmware: String?
  /// When it was bound.
  public var boundUnixUs: Int64
  /// By whom.
  public var boundBy: String
}
