// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ControlAPI
import Hummingbird

/// The query of a URL, read by the letter: an unknown or repeated key is refused, like in a body.
struct QueryParameters {
  private var values: [String: String] = [:]

  /// Reads the query of a request that may have these keys.
  init(_ request: Request, known: [String]) throws {
    for (key, value) in request.uri.queryParameters {
      let key = String(key)
      guard known.contains(key) else {
        let nearest = NearestWord.to(key, among: known).map { "perhaps \"\($0)\"" }
        let list = known.isEmpty ? "this path takes none" : "known parameters: \(known.joined(separator: ", "))"
        throw RequestRefused(
          .malformed, code: "request.unknown_key", message: "the query parameter \"\(key)\" is unknown",
          hint: nearest ?? list)
      }
      guard values.updateValue(String(value), forKey: key) == nil else {
        throw RequestRefused(
          .malformed, code: "request.repeated_key", message: "the query parameter \"\(key)\" stands there twice")
      }
    }
  }

  /// The text of a parameter.
  subscript(key: String) -> String? { values[key] }

  /// A parameter as something else; refused when it is there and cannot be read.
  func value<Value>(_ key: String, expected: String, _ read: (String) -> Value?) throws -> Value? {
    guard let text = values[key] else { return nil }
    guard let value = read(text) else {
      throw RequestRefused(
        .malformed, code: "request.wrong_type", message: "\(key)=\(text) cannot be read", hint: "expected: \(expected)")
    }
    return value
  }

  /// `true` or `false`.
  func flag(_ key: String, otherwise: Bool) throws -> Bool {
    try value(key, expected: "true or false") { Bool($0) } ?? otherwise
  }
}
