// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// JSON as it stands on the wire: keys in a fixed order, slashes unescaped, nulls written out.
public enum WireCoding {
  /// A request body may hold at most so many bytes: a protocol of 1 MiB is far beyond what a person writes.
  public static let largestBody = 1 << 20

  /// Writes a value.
  public static func encode(_ value: some Encodable) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return Array(try encoder.encode(value))
  }

  /// Throws `RequestRefused` for a request body of more bytes than `largestBody`.
  public static func checkSize(ofBody bytes: Int) throws {
    guard bytes > largestBody else { return }
    throw RequestRefused(
      .tooLarge, code: "request.too_large", message: "the body has \(bytes) bytes, more than \(largestBody)",
      hint: "send fewer protocols or cells at a time")
  }

  /// Reads a request by the strict rules: unknown and duplicate keys, trailing commas and deep nesting are refused.
  /// Throws `RequestRefused`.
  public static func decodeRequest<Request: StrictRequest>(_ type: Request.Type, from bytes: [UInt8]) throws -> Request
  {
    try checkSize(ofBody: bytes.count)
    var scanner = StrictJSONScanner(bytes)
    try scanner.scan(type.shape)
    do {
      return try JSONDecoder().decode(type, from: Data(bytes))
    } catch let error as DecodingError {
      throw refusal(for: error)
    }
  }

  /// Reads an answer or a frame. Keys that this version does not know are left aside, so that an older client can
  /// speak with a newer daemon.
  public static func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws -> Value {
    try JSONDecoder().decode(type, from: Data(bytes))
  }

  private static func refusal(for error: DecodingError) -> RequestRefused {
    switch error {
    case .keyNotFound(let key, let context):
      let place = path(context.codingPath)
      return RequestRefused(
        .malformed, code: "request.missing_key",
        message: "the key \"\(key.stringValue)\" is missing\(place.isEmpty ? "" : " in \(place)")",
        hint: "docs/control-api.md shows each request")
    case .dataCorrupted(let context):
      let place = path(context.codingPath)
      return RequestRefused(
        .malformed, code: "request.wrong_type",
        message: "a number\(place.isEmpty ? "" : " at \(place)") is too large, or has a fraction where none may be",
        hint: "docs/control-api.md shows each request")
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
      let place = path(context.codingPath)
      return RequestRefused(
        .malformed, code: "request.wrong_type",
        message: "the value at \(place.isEmpty ? "the top" : place) is of another kind than it should be",
        hint: "docs/control-api.md shows each request")
    @unknown default:
      return RequestRefused(.malformed, code: "request.not_json", message: "the body cannot be read")
    }
  }

  private static func path(_ keys: [any CodingKey]) -> String {
    keys.reduce(into: "") { text, key in
      if let index = key.intValue {
        text += "[\(index)]"
      } else {
        text += text.isEmpty ? key.stringValue : ".\(key.stringValue)"
      }
    }
  }
}
