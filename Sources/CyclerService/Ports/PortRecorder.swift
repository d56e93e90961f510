// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// While somebody records, a port's thread writes down what its driver hears, writes and says. A thread that nobody records has
// none of this, and formats and allocates nothing for it.

internal import ControlAPI
internal import CyclerModel
internal import CyclingRun
internal import InstrumentKit
internal import Quantities

/// Writes a recording; lives on the port's thread.
final class PortRecorder {
  /// Where nothing happens the time is told so often. That a reader has gone shows when something is written to him, and until
  /// then nobody else can record the instrument.
  private static let longestSilence = TimeSpan(seconds: 1)

  private let tap: TranscriptTap
  private var writer: TranscriptWriter
  private var isOpen = false
  private var spokeAt: HostInstant

  /// Begins a recording of whatever stands at the port when it is opened next.
  init(_ tap: TranscriptTap, family: String, _ identity: InstrumentIdentity?, at now: HostInstant) {
    self.tap = tap
    spokeAt = now
    writer = TranscriptWriter(
      InstrumentTranscript.Header(
        family: family, identity, version: NaCyclerVersion.text, recorded: tap.recorded, note: tap.note))
  }

  /// Hands over what was written; false once the recording is over.
  private func leave(_ now: HostInstant) -> Bool {
    spokeAt = now
    defer { writer.text.removeAll(keepingCapacity: true) }
    return tap.leave(writer.text)
  }

  /// Writes one input and what followed; false once the recording is over.
  func turn(_ input: DriverInput, at now: HostInstant, _ outputs: DriverOutputs) -> Bool {
    if case .opened = input { isOpen = true }
    guard isOpen else { return true }
    writer.turn(input, at: now, outputs)
    return leave(now)
  }

  /// Writes something for people.
  func remark(_ words: String) { writer.remark(words) }

  /// Says that time passes, where nothing else was said for a while; false once the recording is over.
  func keepOn(_ now: HostInstant) -> Bool {
    guard now - spokeAt >= Self.longestSilence else { return !tap.isOver }
    if isOpen { writer.mark(now) } else { writer.remark("the port is not open yet") }
    return leave(now)
  }

  /// Ends the recording.
  func end(_ reason: String) {
    _ = tap.leave(writer.text)
    tap.end(reason)
  }
}
