// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import GRDB

/// What a run's numbers were computed with.
public struct StoredParameters: StoredRow, Codable, Sendable, Hashable {
  /// The version of the definitions.
  public var definitionsVersion: String
  /// A JSON object.
  public var parameters: String
}

extension StoreView {
  /// A set of parameters by its key.
  public func parameters(_ set: Int64) throws -> StoredParameters? {
    try StoredParameters.fetchOne(
      database, sql: "SELECT definitions_version, parameters FROM parameter_set WHERE parameter_set_id = ?",
      arguments: [set])
  }
}
