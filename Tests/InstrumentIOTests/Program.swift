// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A program outside, for what one process cannot show about itself.

import Glibc
import Testing

/// A child process with a pipe to its standard input and one from its standard output.
final class Program {
  private(set) var process: pid_t = 0
  private var input: CInt = -1
  private var output: CInt = -1
  private var ended: CInt?

  init(_ path: String, _ arguments: [String], environment: [String: String]? = nil) throws {
    var toChild: [CInt] = [-1, -1]
    var fromChild: [CInt] = [-1, -1]
    try #require(pipe(&toChild) == 0 && pipe(&fromChild) == 0, "errno \(errno)")
    for descriptor in toChild + fromChild { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, toChild[0], 0)
    posix_spawn_file_actions_adddup2(&actions, fromChild[1], 1)
    posix_spawn_file_actions_adddup2(&actions, fromChild[1], 2)
    var words = ([path] + arguments).map { strdup($0) } + [nil]
    var variables = environment.map { $0.map { strdup("\($0.key)=\($0.value)") } + [nil] } ?? []
    defer { for word in words + variables { free(word) } }
    let refused =
      environment == nil
      ? posix_spawn(&process, path, &actions, nil, &words, environ)
      : posix_spawn(&process, path, &actions, nil, &words, &variables)
    close(toChild[0])
    close(fromChild[1])
    input = toChild[1]
    output = fromChild[0]
    try #require(refused == 0, "\(path): errno \(refused)")
  }

  deinit { end() }

  /// One line of its output, without the line break; what there is at its end.
  func firstLine() -> String {
    var line: [UInt8] = []
    var byte: UInt8 = 0
    while read(output, &byte, 1) == 1, byte != UInt8(ascii: "\n") { line.append(byte) }
    return String(decoding: line, as: UTF8.self)
  }

  /// All of its output, until it closes it.
  func allOutput() -> String {
    var text: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4_096)
    while true {
      let count = read(output, &buffer, buffer.count)
      if count <= 0 { return String(decoding: text, as: UTF8.self) }
      text += buffer.prefix(count)
    }
  }

  /// Closes its input and waits for it to end; its exit status, or 128 and the signal that ended it.
  @discardableResult func end() -> CInt {
    if let ended { return ended }
    close(input)
    var status: CInt = 0
    while process > 0, waitpid(process, &status, 0) < 0, errno == EINTR {}
    close(output)
    let code = status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
    ended = code
    return code
  }

  /// Where a program of that name is, if anywhere on the search path.
  static func find(_ name: String) -> String? {
    let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
    return path.split(separator: ":").map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
  }
}
