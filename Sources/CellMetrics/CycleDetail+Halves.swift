// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// By how much a cycle's numbers can be wrong, from the instrument's stated error in each of its half-cycles
// (docs/metrics.md, "Uncertainty"). What is stated are the largest errors, so these are bounds, to first order.

internal import CyclerModel
internal import Quantities

extension CycleDetail {
  init(
    charging: HalfCycleRow?, discharging: HalfCycleRow?, first: HalfCycleRow?, second: HalfCycleRow?,
    efficiency: Double?, hasPlateaus: Bool
  ) {
    self.init()
    if let charging, charging.isChargeKnown { chargeCapacityUncertainty = charging.detail.chargeUncertainty }
    if let discharging, discharging.isChargeKnown {
      dischargeCapacityUncertainty = discharging.detail.chargeUncertainty
    }
    if let efficiency, let first, let second {
      coulombicEfficiencyUncertainty = Self.uncertainty(of: efficiency, first, second)
    }
    guard hasPlateaus else { return }
    if let discharging {
      (sodiationPlateauIRCorrectedCharge, sodiationPlateauIRCorrectedRatio) = Self.plateau(discharging)
    }
    if let charging {
      (desodiationPlateauIRCorrectedCharge, desodiationPlateauIRCorrectedRatio) = Self.plateau(charging)
    }
  }

  /// An offset makes one half-cycle larger and the other smaller, so both count. An error of the gain is in both alike and
  /// goes out of the quotient, as long as they were measured in the same range.
  private static func uncertainty(of efficiency: Double, _ first: HalfCycleRow, _ second: HalfCycleRow) -> Double? {
    guard first.charge > .zero, let offset = first.detail.offsetUncertainty, let gain = first.detail.gainUncertainty,
      let secondOffset = second.detail.offsetUncertainty, let secondGain = second.detail.gainUncertainty
    else { return nil }
    let isSameRange = first.detail.rangeFullScale != nil && first.detail.rangeFullScale == second.detail.rangeFullScale
    func error(_ charge: Charge, _ other: Charge) -> Double {
      (Double(other.nanocoulombs) + efficiency.magnitude * Double(charge.nanocoulombs))
        / Double(first.charge.nanocoulombs)
    }
    return error(offset, secondOffset) + (isSameRange ? 0 : error(gain, secondGain))
  }

  private static func plateau(_ half: HalfCycleRow) -> (Charge?, Double?) {
    guard half.isChargeKnown, let plateau = half.detail.plateauIRCorrectedCharge else { return (nil, nil) }
    guard half.isComplete, half.charge > .zero else { return (plateau, nil) }
    return (plateau, Double(plateau.nanocoulombs) / Double(half.charge.nanocoulombs))
  }
}
