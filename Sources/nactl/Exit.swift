// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ArgumentParser
import ControlAPI
import Glibc

/// How nactl ends; docs/nactl.md promises these numbers.
enum Exit: Int32 {
  /// The daemon refused.
  case refused = 1
  /// A file cannot be read or written.
  case file = 2
  /// No daemon answers, or it stopped answering.
  case noDaemon = 3
  /// A protocol has problems.
  case problems = 4
  /// Wrong usage; sysexits.h calls it EX_USAGE, and the argument parser uses it too.
  case usage = 64

  /// Says what went wrong on standard error and ends the process.
  static func report(_ error: any Error) -> Never {
    switch error {
    case let refusal as RequestRefused:
      explain(refusal.body)
      end(refusal.body.problems?.isEmpty == false ? .problems : .refused)
    case let failure as ControlFailure:
      explain(failure.body)
      end(.noDaemon)
    case let failure as FileFailure:
      explain(failure.body)
      end(.file)
    case let failure as UsageFailure:
      explain(failure.body)
      end(.usage)
    default: Nactl.exit(withError: error)
    }
  }

  /// Ends the process with that number.
  static func end(_ exit: Exit) -> Never { Glibc.exit(exit.rawValue) }

  /// `code: message`, the problems and the hint, on standard error.
  static func explain(_ body: ErrorBody) {
    var text = "\(body.code): \(body.message)\n"
    for problem in body.problems ?? [] { text += Problems.lines(problem) }
    if let hint = body.hint { text += "hint: \(hint)\n" }
    Terminal.error(text)
  }
}

/// A file that cannot be read or written.
struct FileFailure: Error {
  var body: ErrorBody
  /// A failure of a system call, told by errno.
  init(_ what: String, path: String, number: Int32 = errno, hint: String? = nil) {
    body = ErrorBody(
      code: "file.\(what)", message: "\(path): \(String(cString: strerror(number)))",
      hint: hint ?? Self.hint(what, path, number))
  }

  /// What helps; nil where the message says all.
  private static func hint(_ what: String, _ path: String, _ number: Int32) -> String? {
    let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    let isWritten = what == "unwritable"
    switch number {
    case ENOENT where isWritten && access(folder, F_OK) != 0:
      return "there is no folder \(folder); make it: mkdir -p \(folder)"
    case ENOTDIR where isWritten: return "\(folder) is no folder; name another"
    case EACCES, EPERM:
      return isWritten
        ? "you may not write there; name a file in a folder of yours, or see whose it is: ls -ld \(folder)"
        : "you may not read it; see whose it is: ls -l \(path)"
    case EROFS: return "nothing can be written there; name a file on another disk"
    case ENOSPC, EDQUOT: return "make room, or name a file on another disk: df -h \(folder)"
    default: return nil
    }
  }
  /// A file that was read and does not say what it should.
  init(code: String, message: String, hint: String?) { body = ErrorBody(code: code, message: message, hint: hint) }
}

/// Arguments that do not fit together.
struct UsageFailure: Error {
  var body: ErrorBody
  init(code: String, message: String, hint: String?) { body = ErrorBody(code: code, message: message, hint: hint) }
}

/// Problems of protocols as lines for people and editors.
enum Problems {
  /// `file:line:column: path: message`, and the hint on a line of its own.
  static func lines(_ problem: Problem) -> String {
    var place = problem.protocol_name ?? "protocol"
    if let line = problem.line { place += ":\(line)" }
    if let column = problem.column { place += ":\(column)" }
    let path = problem.path.isEmpty ? "" : " \(problem.path):"
    let hint = problem.hint.map { "    hint: \($0)\n" } ?? ""
    return "\(place):\(path) \(problem.message)\n\(hint)"
  }
}
