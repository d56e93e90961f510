// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A short session as a person would have it, written down: who is there, what the family can do, the last of it stopped under
// way, and the plug pulled. `TranscriptReplay` holds a driver to it later. It is emulated, in virtual time; one of an instrument
// has the same form and comes from `nactl record-transcript`.

internal import CyclerModel
internal import InstrumentKit
internal import Quantities

/// A session of one family in virtual time.
public enum RecordedSession {
  /// So many set-points are enough: a rest, one that comes to its own end, and one that is stopped.
  private static let mostSetpoints = 3
  /// Seconds that one that drives nothing is listened to.
  private static let listening = 6.0

  /// Why there is no session to be written down.
  public struct Unsound: Error, Sendable, Hashable {
    /// What was wrong with it.
    public var reasons: [String]
  }

  /// Runs a session and returns its transcript.
  /// - Throws: `Unsound` where it broke a rule or did not come to its end.
  public static func record(_ family: DriverFamily) throws(Unsound) -> [UInt8] {
    var trial = DriverTrial(family, seed: 1)
    trial.menu = family.menu.prefix(mostSetpoints)
    var again = trial
    _ = run(&trial, header(of: family, as: nil))
    var reasons = trial.judge.violations
    if trial.identity == nil { reasons.append("nobody said who is there") }
    if trial.outcomes.count != again.menu.count { reasons.append("only \(trial.outcomes) of \(again.menu)") }
    guard reasons.isEmpty else { throw Unsound(reasons: reasons) }
    // Once more, now that it is known who is there.
    return run(&again, header(of: family, as: trial.identity))
  }

  private static func header(of family: DriverFamily, as identity: InstrumentIdentity?) -> InstrumentTranscript.Header {
    InstrumentTranscript.Header(
      family: type(of: family.driver.init()).descriptor.family, identity, version: "unreleased",
      recorded: "emulated: driver and emulator in virtual time, without a daemon (make transcripts)")
  }

  private static func run(_ trial: inout DriverTrial, _ header: InstrumentTranscript.Header) -> [UInt8] {
    let family = trial.family
    trial.transcript = TranscriptWriter(header)
    if family.drivesCells {
      trial.pass(600) { $0.menu.isEmpty && $0.setpoint != nil }
      trial.pass(family.latency + 2 * family.interval)
      trial.stop()
      trial.pass(family.reaction + 30) { $0.isDone }
    } else {
      trial.pass(listening)
    }
    trial.unplug()
    trial.transcript?.end("the course is over")
    return trial.transcript?.text ?? []
  }
}
