// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// How a port's thread begins a recording, feeds it and lets it go.

internal import CyclerModel
internal import CyclingRun
internal import InstrumentKit

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
