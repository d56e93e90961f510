// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Glibc
import Synchronization

/// A recording as it comes, line by line; it gets its name and a last line however it ends, also by Ctrl-C.
final class TranscriptFile: Sendable {
  private struct State {
    var download: Download
    /// The beginning of a line whose end has not come yet.
    var begun: [UInt8] = []
    /// How the last whole line begins.
    var lastSign: UInt8?
    var isOver = false
    var signals: SignalWatch?
  }
  private let path: String
  private let state: Mutex<State>

  /// Begins a file. Throws `FileFailure` when it exists and may not be replaced, or cannot be made.
  init(path: String, replacing: Bool) throws {
    self.path = path
    state = Mutex(State(download: try Download(path: path, replacing: replacing)))
  }

  /// Adds what has come. Where it cannot be written the recording is over and leaves no file.
  func append(_ bytes: [UInt8]) throws {
    try state.withLock { state in
      guard !state.isOver else { return }
      state.begun += bytes
      guard let end = state.begun.lastIndex(of: 0x0A) else { return }
      let whole = Array(state.begun[...end])
      state.begun.removeFirst(whole.count)
      let last = whole.dropLast().lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
      state.lastSign = whole[last]
      do { try state.download.append(whole) } catch {
        state.isOver = true
        throw error
      }
    }
  }

  /// Gives the file its name, with a last line that says why nothing follows, in plain ASCII, unless the daemon has said
  /// that. Says how many bytes it has; nil when it was finished before.
  func finish(_ reason: String) throws -> Int? {
    try state.withLock { state in
      guard !state.isOver else { return nil }
      state.isOver = true
      if state.lastSign != UInt8(ascii: ".") { try state.download.append(Array(". \(reason)\n".utf8)) }
      return try state.download.finish()
    }
  }

  /// The same, where something has come.
  func finishBegun(_ reason: String) throws -> Int? {
    try state.withLock { $0.lastSign } == nil ? nil : finish(reason)
  }

  /// From now on Ctrl-C, or a request to end, finishes the file and ends the process.
  func finishAtInterrupt(_ tell: @escaping @Sendable (Int) -> Void) async {
    let watch = await SignalWatch.hear([SIGINT, SIGTERM]) { [self] in
      do {
        if let count = try finish("who recorded it has ended it") { tell(count) }
        exit(0)
      } catch {
        Exit.report(error)
      }
    }
    state.withLock { $0.signals = watch }
  }
}
