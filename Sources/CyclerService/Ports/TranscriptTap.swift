// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A recording on its way from a port's thread to whoever asked for it. The thread never waits for the reader: what the reader
// has not fetched is bounded, and a recording that passes a bound is ended, and says so in its last line. Nothing is ever
// left out in the middle.

internal import InstrumentKit
internal import Synchronization

/// One recording.
final class TranscriptTap: Sendable {
  /// What the port's thread made of the request.
  enum Answer: Sendable, Hashable {
    /// It records from the next opening on.
    case taken
    /// It does not, for that reason.
    case refused(String)
    /// It did not look at it in time, and will not any more.
    case silent
  }

  /// A reader that is so many bytes behind does not keep up; a talkative instrument says some kilobytes a second.
  static let mostWaiting = 8 << 20
  /// Room for a last line.
  private static let lastLineBytes = 4_096

  private struct State {
    var answer: Answer?
    var waiting: [UInt8] = []
    var count = 0
    var isOver = false
  }
  private let state = Mutex(State())
  private let mostBytes: Int
  /// How it was recorded, and what the person says of it, for the header.
  let recorded: String
  let note: String?

  init(recorded: String, note: String?, mostBytes: Int = InstrumentTranscript.mostBytes) {
    self.recorded = recorded
    self.note = note
    self.mostBytes = mostBytes
  }

  // MARK: - On the port's thread

  /// Takes the request; false when nobody waits for it any more.
  func accept() -> Bool {
    state.withLock { state in
      guard state.answer == nil else { return false }
      state.answer = .taken
      return true
    }
  }

  /// Says why nothing is recorded.
  func refuse(_ reason: String) {
    state.withLock { if $0.answer == nil { $0.answer = .refused(reason) } }
  }

  /// Leaves whole lines for the reader; false once the recording is over.
  func leave(_ text: [UInt8]) -> Bool {
    state.withLock { state in
      guard !state.isOver else { return false }
      if state.count + text.count > mostBytes - Self.lastLineBytes {
        Self.end(&state, "the recording has reached its largest size, \(mostBytes >> 20) MiB")
      } else if state.waiting.count + text.count > Self.mostWaiting {
        Self.end(&state, "the recording was not fetched fast enough: \(state.waiting.count) bytes waited")
      } else {
        state.count += text.count
        state.waiting += text
      }
      return !state.isOver
    }
  }

  // MARK: - On any thread

  /// Ends the recording, unless it is over.
  func end(_ reason: String) { state.withLock { if !$0.isOver { Self.end(&$0, reason) } } }

  private static func end(_ state: inout State, _ reason: String) {
    state.isOver = true
    state.waiting += TranscriptWriter.lastLine(reason)
  }

  /// Whether nothing more is recorded.
  var isOver: Bool { state.withLock { $0.isOver } }

  /// Fetches what was left; nil after the last line.
  func fetch() -> [UInt8]? {
    state.withLock { state in
      guard !state.isOver || !state.waiting.isEmpty else { return nil }
      defer { state.waiting = [] }
      return state.waiting
    }
  }

  /// What the thread made of the request, once it is known; at most so long.
  func answer(patience: Duration) async -> Answer {
    let deadline = ContinuousClock.now + patience
    while true {
      if let answer = state.withLock({ $0.answer }) { return answer }
      if ContinuousClock.now >= deadline { break }
      // Who has gone meanwhile waits for nothing.
      do { try await Task.sleep(for: .milliseconds(5)) } catch { break }
    }
    return state.withLock { state in
      let answer = state.answer ?? .silent
      state.answer = answer
      return answer
    }
  }
}
