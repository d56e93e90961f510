// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Who is there: asked after all cells were stopped, and again after each loss of contact.

import CyclerModel
import InstrumentKit
import Quantities

/// The questions, and what was answered.
struct BatlabIdentification: Sendable, Hashable {
  static let tasks: [RegisterTask] = [
    RegisterTask(register: .presence, aim: .read, role: .presence),
    RegisterTask(register: .firmware, aim: .read, role: .firmware),
    RegisterTask(register: .serialLow, aim: .read, role: .serialLow),
    RegisterTask(register: .serialHigh, aim: .read, role: .serialHigh),
  ]

  var place = 0
  var progress = RegisterTask.Progress()
  var notBefore = HostInstant(microseconds: 0)
  var firmware: UInt16 = 0
  var serialLow: UInt16 = 0
  /// The serial number that was told; nil before.
  var told: UInt32?

  var task: RegisterTask? { place < Self.tasks.count ? Self.tasks[place] : nil }

  mutating func restart(_ now: HostInstant) {
    place = 0
    progress = RegisterTask.Progress()
    notBefore = now
  }
}
