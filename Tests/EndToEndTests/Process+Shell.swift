// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation

extension Process {
  /// Starts the program with no signal blocked. Tests run on threads that block all of them, a program inherits that,
  /// and one that a person starts does not.
  func runAsFromAShell() throws {
    var none = sigset_t()
    var before = sigset_t()
    sigemptyset(&none)
    pthread_sigmask(SIG_SETMASK, &none, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    try run()
  }
}
