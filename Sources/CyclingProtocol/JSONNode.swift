// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// One value of a JSON text with its place.
package struct JSONNode: Sendable {
  /// What the value is.
  package indirect enum Content: Sendable {
    case null
    case boolean(Bool)
    /// The digits as written: no binary fraction ever stands between a file and a cell.
    case number(String)
    case string(String)
    case array([JSONNode])
    case object([JSONMember])
  }

  /// The offset of its first byte.
  package var offset: Int
  package var content: Content

  /// What it is called in a message.
  package var noun: String {
    switch content {
    case .null: "null"
    case .boolean: "true or false"
    case .number: "a number"
    case .string: "a text"
    case .array: "a list"
    case .object: "an object"
    }
  }
}

/// One key of an object with its value.
package struct JSONMember: Sendable {
  package var key: String
  package var keyOffset: Int
  package var value: JSONNode
}
