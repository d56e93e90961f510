// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A potentiostat that is connected makes the cell's voltage what it applies, or drives as much current as it can. Where the
// voltage that is measured is another one and no current flows, it is not connected: a switch that stayed open, a lead that
// fell off. A constant current is followed by whoever judges readings, and needs nothing here.

import CyclerModel
import InstrumentKit
import Quantities

extension MethodSCRIPTDriver {
  /// So many readings in a row, and it is not by chance.
  private static let mostAstray: Int32 = 3

  /// Counts readings that are not what is applied, in nanovolts; whether the set-point is to end for it. The fault is kept. A
  /// reading that has no voltage, or whose range has no known zero, says nothing: it neither counts nor breaks the row.
  mutating func isAstray(_ reading: Reading, _ applied: Int64) -> Bool {
    guard let voltage = reading.voltage, let current = reading.current else { return false }
    // What both converters may be wrong by.
    let set = Voltage(nanovolts: applied)
    let gainError = set.magnitude.nanovolts / 1_000_000 * progress.voltageErrorPartsPerMillion
    let allowed = (Voltage(nanovolts: gainError) + progress.voltageOffsetError) * 2
    let isElsewhere = (voltage - set).magnitude > allowed
    if isElsewhere, model?.zero(ofRange: reading.range) == nil { return false }
    guard isElsewhere, let zero = model?.zero(ofRange: reading.range), current.magnitude <= zero else {
      progress.astray = 0
      return false
    }
    progress.astray &+= 1
    guard progress.astray >= Self.mostAstray else { return false }
    failure = Fault(
      .instrumentSetpointNotFollowed,
      "it measures \(voltage.written) and no current, and is to keep \(set.written): the cell is not connected")
    return true
  }
}
