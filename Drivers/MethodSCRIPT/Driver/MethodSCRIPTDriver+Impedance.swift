// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The points of a spectrum, and the patience that one of them needs.

import CyclerModel
import InstrumentKit
import Quantities

extension MethodSCRIPTDriver {
  /// The line that announces an impedance loop.
  static let impedanceLoop = "M000D"

  /// A point has begun: the next word may be as far away as it is long.
  mutating func awaitPoint() {
    deadline = HostInstant(microseconds: now.microseconds + progress.longestPoint + Deadline.readingGrace)
  }

  /// `Pja5;eb…;dc…;cc…;cd…`; the cursor stands behind the mark.
  mutating func handlePoint(_ cursor: inout PackageCursor, into outputs: inout DriverOutputs) {
    guard progress.isDriven, progress.finalReason == nil, progress.longestPoint > 0 else { return }
    var bits: UInt8 = 0
    func value(_ type: UInt16, _ unitExponent: Int, _ cursor: inout PackageCursor) -> Int64? {
      guard let variable = cursor.next(), variable.type == type else { return nil }
      bits |= variable.status
      return variable.count(unitExponent: unitExponent)
    }
    guard let time = value(VariableType.time, -6, &cursor), time >= 0,
      let frequency = value(VariableType.frequency, -6, &cursor), frequency > 0,
      let real = value(VariableType.realImpedance, -6, &cursor),
      let imaginary = value(VariableType.imaginaryImpedance, -6, &cursor), cursor.isComplete
    else { return noteGarbage("a malformed point of a spectrum", into: &outputs) }
    noteBegan(into: &outputs)
    if stage == .running {
      misses = 0
      awaitReading()
    }
    let last = progress.lastReading
    outputs.events.append(
      .impedance(
        channel: 0,
        ImpedancePoint(
          time: TimeSpan(microseconds: time), frequency: Frequency(microhertz: frequency),
          real: Resistance(count: real), imaginary: Resistance(count: imaginary), voltage: last?.voltage,
          current: last?.current, quality: Self.quality(bits))))
  }
}
