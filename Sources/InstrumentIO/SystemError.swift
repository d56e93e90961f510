// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The text of an errno value.

internal import Glibc

/// What the kernel answered to a refused call.
struct SystemError: Error, Hashable, CustomStringConvertible {
  /// An errno value, positive.
  let number: CInt

  /// The error of the call that failed just before.
  static var last: SystemError { SystemError(number: errno) }

  /// The C library's words for it, for instance `Permission denied`. (glibc keeps the text per thread.)
  var description: String {
    guard let text = strerror(number) else { return "error \(number)" }
    return String(cString: text)
  }
}
