// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Why the instrument ended a current. It says that it did, and not why; what was seen of the cell before has to fit.

import CyclerModel
import InstrumentKit
import Quantities

extension EBCPlan {
  /// So far above its cut-off may the last reading lie, two seconds before the end: a cell without sodium falls so fast.
  private static let fallBeforeEnd = Voltage(millivolts: 1_000)
  /// So far below the voltage that it holds may the last reading lie.
  static let holdTolerance = Voltage(millivolts: 50)

  /// The end that the instrument made at `time`, after `last`.
  func end(after last: Reading?, at time: TimeSpan) -> SetpointEnd {
    let words = "\(last?.voltage?.written ?? "an unknown voltage"), \(last?.current?.written ?? "an unknown current")"
    if minutes > 0, time >= TimeSpan(seconds: Int64(minutes) * 60) - ZKEtechEBCDriver.silence {
      return Self.bound("its longest time was over")
    }
    guard let voltage = last?.voltage else { return Self.failed("it ended by itself at \(words)") }
    switch ownEnd {
    case .voltage(let lowest)? where voltage <= lowest + Self.fallBeforeEnd:
      return met(.voltage, isUpper: false) { $0 >= lowest.nanovolts }
        ?? Self.bound("the cell fell to \(lowest.written)")
    case .current(let least, let held)? where voltage >= held - Self.holdTolerance:
      if case .constantCurrentThenVoltage = setpoint.mode {
        return met(.currentMagnitude, isUpper: false) { $0 >= least.picoamperes }
          ?? Self.failed("it ended the hold by itself at \(words): it holds no longer than to \(least.written)")
      }
      return voltageReached(held)
    case .unknownCurrent(let held)? where voltage >= held - Self.holdTolerance:
      if case .constantCurrent = setpoint.mode { return voltageReached(held) }
      return Self.failed("it ended the hold by a rule of its own at \(words)")
    case .voltage?, .current?, .unknownCurrent?, nil: return Self.failed("it ended by itself at \(words)")
    }
  }

  private func voltageReached(_ held: Voltage) -> SetpointEnd {
    met(.voltage, isUpper: true) { $0 <= held.nanovolts } ?? Self.bound("the cell rose to \(held.written)")
  }

  /// The cut-off that is met where the instrument's own one is.
  private func met(_ quantity: CutOff.Quantity, isUpper: Bool, _ isMet: (Int64) -> Bool) -> SetpointEnd? {
    setpoint.cutOffs.firstIndex {
      $0.quantity == quantity && $0.comparison.isUpper == isUpper && isMet($0.threshold)
    }.map { .cutOff($0) }
  }

  private static func bound(_ words: String) -> SetpointEnd {
    .bound(Fault(.instrumentBoundReached, "the instrument opened the circuit: \(words)"))
  }

  private static func failed(_ words: String) -> SetpointEnd { .failed(Fault(.instrumentError, words)) }
}
