// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import InstrumentKit
import Quantities

/// Adds up what a driver's events say has passed: the trapezoid between readings, and each edge of a closed circuit
/// with the current beside it.
struct ChargeLedger {
  /// In coulombs, positive charging.
  private(set) var coulombs = 0.0
  /// Readings of all kinds.
  private(set) var readings = 0
  /// Seconds in which the circuit was closed.
  private(set) var closedSeconds = 0.0
  private var isClosed = false
  private var time = 0.0
  private var current: Double?

  mutating func take(_ event: DriverEvent) {
    switch event {
    case .circuitClosed(_, let at):
      isClosed = true
      time = at.seconds
      current = nil
    case .reading(_, let reading):
      readings += 1
      guard isClosed, let amperes = reading.current?.amperes else { return }
      count(to: reading.time.seconds, from: current ?? amperes, to: amperes)
      current = amperes
    case .circuitOpened(_, let at):
      guard isClosed else { return }
      count(to: at.seconds, from: current ?? 0, to: current ?? 0)
      isClosed = false
    default: return
    }
  }

  private mutating func count(to moment: Double, from first: Double, to second: Double) {
    coulombs += (first + second) / 2 * (moment - time)
    closedSeconds += moment - time
    time = moment
  }
}
