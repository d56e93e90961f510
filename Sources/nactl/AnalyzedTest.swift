// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ControlAPI
import CyclerModel
import Quantities

/// A test of plating.
struct AnalyzedTest: Encodable {
  var number: Int32
  var kind: String
  var label: String
  var cycles: Int32
  var reservoir_charge_ah: Double
  var plated_charge_ah: Double
  var stripped_charge_ah: Double
  @OrNull var coulombic_efficiency: Double?
  var flags: [String]

  init(_ row: EfficiencyTestRow) {
    number = row.number
    kind = row.kind.rawValue
    label = row.label
    cycles = row.cycles
    reservoir_charge_ah = row.reservoirCharge.ampereHours
    plated_charge_ah = row.platedCharge.ampereHours
    stripped_charge_ah = row.strippedCharge.ampereHours
    coulombic_efficiency = row.coulombicEfficiency
    flags = row.flags.names
  }
}
