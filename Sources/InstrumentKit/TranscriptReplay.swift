// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import CyclerModel
internal import Quantities

/// Gives the inputs of a transcript to a fresh driver and compares what it writes and says, line by line.
public enum TranscriptReplay {
  /// Where a driver did something else.
  public struct Difference: Sendable, Hashable, CustomStringConvertible {
    /// The line of the transcript, from 1.
    public var line: Int
    /// What stands there; nil where nothing more followed.
    public var expected: String?
    /// What the driver does now; nil when nothing more.
    public var found: String?
    /// All of it, on three lines.
    public var description: String {
      "line \(line)\n  expected: \(expected ?? "nothing more")\n  found:    \(found ?? "nothing more")"
    }
  }

  /// The first differences, at most so many; empty when the driver does what it did.
  public static func differences(
    in transcript: InstrumentTranscript, atMost most: Int = 10, with make: () -> any InstrumentDriver
  ) -> [Difference] {
    var differences: [Difference] = []
    var driver = make()
    var outputs = DriverOutputs()
    let origin = HostInstant(microseconds: 1_000_000)
    var writer = TranscriptWriter(from: origin)
    for turn in transcript.turns {
      // A port that was opened anew has a driver that has seen nothing.
      if turn.input == .opened { driver = make() }
      outputs.removeAll()
      var now = origin + turn.time
      turn.input.give(to: &driver, at: &now, into: &outputs)
      writer.text.removeAll(keepingCapacity: true)
      writer.say(outputs)
      let found = String(decoding: writer.text, as: UTF8.self).split(separator: "\n").map(String.init)
      for index in 0..<max(found.count, turn.outputs.count) {
        let (old, new) = (turn.outputs.at(index), found.at(index))
        if old != new {
          differences.append(Difference(line: turn.firstOutputLine + index, expected: old, found: new))
        }
        if differences.count == most { return differences }
      }
    }
    return differences
  }
}

extension [String] {
  fileprivate func at(_ index: Int) -> String? { indices.contains(index) ? self[index] : nil }
}
