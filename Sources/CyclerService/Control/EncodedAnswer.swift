// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ControlAPI

/// A large answer, encoded where it was computed: on the threads that all requests share, megabytes of JSON would keep the
/// others waiting.
public struct EncodedAnswer<Value: Encodable>: Sendable, Hashable {
  /// JSON.
  public let bytes: [UInt8]

  /// Encodes an answer on the thread of the caller.
  public init(_ value: Value) throws { bytes = try WireCoding.encode(value) }
}
