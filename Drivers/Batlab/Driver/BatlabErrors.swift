// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Why a cell was stopped, as its error register says; the bits are those of the firmware (hal.h).

import CyclerModel
import InstrumentKit

/// The bits of a cell's error register.
enum BatlabErrors {
  /// What a stop with these bits means; nil when none is set that means a stop.
  static func end(_ bits: UInt16) -> SetpointEnd? {
    if bits & 0x0200 != 0 {
      return .failed(Fault(.instrumentOverload, "the instrument stopped: the current was beyond its converter"))
    }
    for (bit, words) in bounds where bits & bit != 0 {
      return .bound(Fault(.instrumentBoundReached, "the instrument opened the circuit: \(words)"))
    }
    for (bit, words) in failures where bits & bit != 0 {
      return .failed(Fault(.instrumentError, "the instrument stopped: \(words)"))
    }
    return nil
  }

  private static let bounds: [(UInt16, String)] = [
    (0x01, "the voltage was above its upper limit"), (0x02, "the voltage was below its lower limit"),
    (0x04, "the current was above its limit while charging"),
    (0x08, "the current was above its limit while discharging"),
    (0x10, "the cell was too warm to be charged"), (0x20, "the cell was too warm to be discharged"),
  ]
  private static let failures: [(UInt16, String)] = [
    (0x40, "the cell is the wrong way round"), (0x80, "there is no cell"), (0x0100, "its external supply is missing"),
    (0x0800, "its own supply is below 4.25 V"),
  ]
}
