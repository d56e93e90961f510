// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import Glibc

/// Something that the bench cannot do, said so that a person can put it right.
public struct BenchError: Error, Equatable, CustomStringConvertible {
  /// What was tried, what went wrong and what would help.
  public var description: String

  /// An error with its text.
  public init(_ description: String) { self.description = description }

  /// A refusal by the system; `number` is an errno value of either sign.
  init(_ attempt: String, errno number: Int32) {
    description = "\(attempt): \(String(cString: strerror(abs(number))))"
  }
}
