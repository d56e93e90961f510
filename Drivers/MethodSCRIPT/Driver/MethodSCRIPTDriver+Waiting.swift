// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// How long the instrument is waited for, and what is done when it does not answer.

import CyclerModel
import InstrumentKit
import Quantities

extension MethodSCRIPTDriver {
  /// How long the instrument may take, in microseconds.
  enum Deadline {
    /// To answer `Z`, to run `cell_off`, to say who it is.
    static let answer: Int64 = 500_000
    /// To end a script after `Z`.
    static let drain: Int64 = 2_000_000
    /// To take the script that disconnects: short, because one that fell into the deafness after an error is needed
    /// again.
    static let cellOff: Int64 = 200_000
    /// To take and check a script.
    static let upload: Int64 = 2_000_000
    /// For a reading, beyond its interval.
    static let readingGrace: Int64 = 1_000_000
    /// Between attempts after it was said that the instrument is silent.
    static let silentRetry: Int64 = 2_000_000
    /// The instrument is deaf for 50 ms after an error; the maker's own software waits twice that.
    static let quiet: Int64 = 100_000
    /// Exchanges without an answer until the link counts as dead.
    static let misses = 3
  }

  mutating func wait(_ stage: Stage, _ microseconds: Int64) {
    self.stage = stage
    let isSilent = timeoutWasSaid && microseconds < Deadline.silentRetry
    deadline = HostInstant(microseconds: now.microseconds + (isSilent ? Deadline.silentRetry : microseconds))
  }

  mutating func rest(_ stage: Stage) {
    self.stage = stage
    deadline = nil
    misses = 0
    doubts = 0
    timeoutWasSaid = false
  }

  mutating func waitQuietly(_ next: Next) {
    stage = .quiet(next)
    deadline = HostInstant(microseconds: now.microseconds + Deadline.quiet)
  }

  mutating func miss(into outputs: inout DriverOutputs) {
    deadline = nil
    if case .quiet(let next) = stage { return endQuiet(next, into: &outputs) }
    misses += 1
    if misses >= Deadline.misses, !timeoutWasSaid {
      timeoutWasSaid = true
      outputs.events.append(.fault(channel: nil, silence))
    }
    switch stage {
    case .portClosed, .idle, .undrivable, .quiet:
      break
    case .aborting, .draining:
      retryAbort(into: &outputs)
    case .cellOffSent where misses < Deadline.misses, .cellOffRunning where misses < Deadline.misses:
      // Nothing is more urgent. If only the answer was late, there are now two such scripts on the line.
      unansweredCommands &+= 1
      startCellOff(purpose, into: &outputs)
    case .cellOffSent, .cellOffRunning, .proofSent, .proofRunning:
      retryAbort(into: &outputs)
    case .catchingUp, .askingWhetherIdle:
      ask("i", .askingWhetherIdle, into: &outputs)
    case .askingFirmware where misses < Deadline.misses:
      firmware = ""
      ask("t", .askingFirmware, into: &outputs)
    case .askingSerial where misses < Deadline.misses:
      ask("i", .askingSerial, into: &outputs)
    case .askingScriptVersion where misses < Deadline.misses:
      ask("v", .askingScriptVersion, into: &outputs)
    case .askingFeatures where misses < Deadline.misses - 1:
      ask("CM", .askingFeatures, into: &outputs)
    case .askingFeatures:
      // It has told who it is; what it does not tell of its options is taken from its model.
      identify(features: nil, isDeaf: false, into: &outputs)
    case .askingFirmware, .askingSerial, .askingScriptVersion:
      // Whatever confuses it, a fresh start finds out.
      startAbort(.opening, into: &outputs)
    case .uploading:
      misses = 0
      startAbort(.ending(.failed(silence)), into: &outputs)
    case .running:
      if timeoutWasSaid { startAbort(.ending(.failed(silence)), into: &outputs) } else { awaitReading() }
    }
  }

  mutating func endQuiet(_ next: Next, into outputs: inout DriverOutputs) {
    switch next {
    case .abort: retryAbort(into: &outputs)
    case .cellOff: startCellOff(purpose, into: &outputs)
    case .proof: startProof(into: &outputs)
    case .idle: rest(.idle)
    case .upload: upload(into: &outputs)
    case .question: ask("i", .askingWhetherIdle, into: &outputs)
    }
  }

  /// Another reading, or anything else that the script says, is due.
  @inline(__always)
  mutating func awaitReading() {
    deadline = HostInstant(microseconds: now.microseconds + progress.silence)
  }

  var silence: Fault {
    Fault(
      .linkTimeout,
      "the instrument did not answer \(Deadline.misses) times in a row; trying on to disconnect the cell")
  }
}
