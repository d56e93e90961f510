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
  /// Where nothing happens the time is told so often, so that a reader who went away is noticed.
  private static let longestSilence = TimeSpan(seconds: 5)

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

extension PortLoop {
  /// Begins a recording: the port is closed and opened anew, so that the recording has all from the beginning. Not where a
  /// run is.
  mutating func record(_ tap: TranscriptTap, _ now: RunMoment) {
    if endsAt != nil { return tap.refuse("the port is being closed") }
    if slots.contains(where: { $0.pilot != nil }) { return tap.refuse("a run is on one of its channels") }
    // One whose reader has gone since the last turn is over.
    keepRecording(now)
    if recorder != nil { return tap.refuse("it is being recorded already") }
    guard tap.accept() else { return }
    let recorder = PortRecorder(tap, family: type(of: driver).descriptor.family, identity, at: now.host)
    loseLink(Fault(.linkLost, "\(worker.path) is closed and opened anew for a recording"))
    self.recorder = recorder
  }

  /// Writes down what the driver was given and what it made of it.
  mutating func writeDown(_ input: DriverInput, _ now: RunMoment) {
    if recorder?.turn(input, at: now.host, driverOutputs) == false { recorder = nil }
  }

  /// Lets a recording that is over go.
  mutating func keepRecording(_ now: RunMoment) {
    if recorder?.keepOn(now.host) == false { recorder = nil }
  }
}
