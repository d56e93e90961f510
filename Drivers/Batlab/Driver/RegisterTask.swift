// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The protocol has no checksum, acknowledges a write before it is executed, and sometimes does not execute it. So what is
// written is read back and compared, and what is read is read until two answers agree.

import CyclerModel
import InstrumentKit
import Quantities

/// One thing to be done with a register, in one or more exchanges.
struct RegisterTask: Sendable, Hashable {
  /// What must come of it.
  enum Aim: Sendable, Hashable {
    /// Write until it reads so.
    case hold(UInt16)
    /// Write until it reads so twice: what is said of a circuit hangs on it.
    case confirm(UInt16)
    /// Write only if it does not read so (the memory behind some registers wears out).
    case ensure(UInt16)
    /// Write a mode until it reads so; a cell that was stopped at once is not switched on and off again.
    case enter(UInt16)
    /// A counter that runs down: write until it reads nearly so.
    case wind(UInt16)
    /// Ask for idle until the mode is decided: idle, no cell or backwards.
    case decideIdle
    /// Read until two agree.
    case read
    /// Read; any other value must be read twice.
    case expect(UInt16)
  }
  /// What it is for.
  enum Role: Sendable, Hashable {
    case setUp, idleCheck, mode, drive, stop, error, watchdog, voltage, current, modeCheck
    case presence, firmware, serialLow, serialHigh
  }

  /// What follows from an answer.
  enum Outcome: Sendable, Hashable {
    /// Ask again, after so long.
    case again(after: TimeSpan)
    /// Done, with this value.
    case done(UInt16)
    /// It cannot be had; the last value.
    case failed(UInt16)
  }

  /// How far it has come.
  struct Progress: Sendable, Hashable {
    var hasWritten = false
    var last: UInt16?
    var attempts = 0
    var writtenAt: HostInstant?
  }

  /// As often as the reference client tries.
  static let attempts = 10
  /// Between a write and its reading back; the firmware executes in the loop after the answer.
  static let writeDelay = TimeSpan(milliseconds: 5)

  var register: BatlabRegister
  var aim: Aim
  var role = Role.setUp

  /// What to send next.
  func question(_ progress: Progress) -> RegisterPacket {
    switch aim {
    case .hold(let value), .confirm(let value), .enter(let value), .wind(let value):
      progress.hasWritten ? RegisterPacket(register) : RegisterPacket(register, writing: value)
    case .ensure(let value):
      // Without a reading that differs nothing is written.
      progress.last == nil || progress.hasWritten
        ? RegisterPacket(register) : RegisterPacket(register, writing: value)
    case .decideIdle:
      progress.hasWritten ? RegisterPacket(register) : RegisterPacket(register, writing: BatlabMode.idle)
    case .read, .expect: RegisterPacket(register)
    }
  }

  /// Takes the answer to `asked`.
  func take(_ answer: UInt16, to asked: RegisterPacket, at now: HostInstant, _ progress: inout Progress) -> Outcome {
    if asked.written != nil {
      // Whatever it says: the reading decides.
      progress.hasWritten = true
      progress.last = nil
      progress.writtenAt = now
      return .again(after: Self.writeDelay)
    }
    let agrees = progress.last == answer
    progress.last = answer
    switch aim {
    case .hold(let value), .ensure(let value): if answer == value { return .done(answer) }
    case .confirm(let value):
      if answer == value { return agrees ? .done(answer) : tryAgain(&progress, rewriting: false) }
    case .enter(let value):
      if answer == value { return .done(answer) }
      if answer == BatlabMode.stopped {
        return agrees ? .failed(answer) : tryAgain(&progress, rewriting: false)
      }
    case .wind(let value): if answer <= value, answer + 10 >= value { return .done(answer) }
    case .decideIdle:
      if answer <= BatlabMode.idle { return agrees ? .done(answer) : tryAgain(&progress, rewriting: false) }
    case .read: return agrees ? .done(answer) : tryAgain(&progress, rewriting: false)
    case .expect(let value):
      return agrees || answer == value ? .done(answer) : tryAgain(&progress, rewriting: false)
    }
    return tryAgain(&progress, rewriting: true)
  }

  private func tryAgain(_ progress: inout Progress, rewriting: Bool) -> Outcome {
    progress.attempts += 1
    if progress.attempts > Self.attempts { return .failed(progress.last ?? 0) }
    if rewriting { progress.hasWritten = false }
    return .again(after: .zero)
  }
}
