// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// Who fetches a recording; it ends with its reader.
final class TranscriptReading: Sendable {
  /// So often it is looked whether something was said.
  private static let pause = Duration.milliseconds(100)

  private let tap: TranscriptTap
  private let seconds: Double?
  private let deadline: ContinuousClock.Instant?

  /// Reads a recording, which ends after so many seconds.
  init(_ tap: TranscriptTap, seconds: Double?) {
    self.tap = tap
    self.seconds = seconds
    deadline = seconds.map { ContinuousClock.now + .seconds($0) }
  }

  deinit { tap.end("nobody reads the recording any more") }

  /// The next lines; nil after the last one.
  func next() async throws -> [UInt8]? {
    while true {
      if let deadline, let seconds, ContinuousClock.now >= deadline { tap.end("\(seconds) s have passed") }
      guard let text = tap.fetch() else { return nil }
      if !text.isEmpty { return text }
      try await Task.sleep(for: Self.pause)
    }
  }
}
