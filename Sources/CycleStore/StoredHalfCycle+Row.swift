// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import Quantities

extension HalfCycleRow {
  /// A stored one as the run wrote it; nil only when somebody else wrote the row.
  init?(_ row: StoredHalfCycle) {
    guard let direction = Direction(rawValue: Int8(clamping: row.direction)), let number = Int32(exactly: row.number)
    else { return nil }
    self.init(
      halfCycleID: row.halfCycleId, run: row.runId, number: number, cycleNumber: row.cycleNumber,
      direction: direction, purpose: row.purpose.flatMap(CyclePurpose.init(rawValue:)), label: row.label,
      charge: Charge(nanocoulombs: row.chargeNc), reverseCharge: Charge(nanocoulombs: row.reverseChargeNc),
      energy: Energy(nanojoules: row.energyNj),
      constantVoltageCharge: Charge(nanocoulombs: row.constantVoltageChargeNc),
      plateauCharge: row.plateauChargeNc.map(Charge.init(nanocoulombs:)),
      gapCharge: row.gapChargeNc.map(Charge.init(nanocoulombs:)), endReason: row.endReason,
      flags: DataFlags(rawValue: row.flags))
    activeTime = row.activeTimeUs.map(TimeSpan.init(microseconds:))
    endVoltage = row.endVoltageNv.map(Voltage.init(nanovolts:))
    endNetCharge = row.endNetChargeNc.map(Charge.init(nanocoulombs:))
    detail = HalfCycleDetail(row)
  }
}

extension HalfCycleDetail {
  fileprivate init(_ row: StoredHalfCycle) {
    self.init()
    constantCurrentCharge = row.constantCurrentChargeNc.map(Charge.init(nanocoulombs:))
    constantCurrentTime = row.constantCurrentTimeUs.map(TimeSpan.init(microseconds:))
    constantVoltageTime = row.constantVoltageTimeUs.map(TimeSpan.init(microseconds:))
    restBefore = RestBefore(row)
    resistances.firstRecord = Self.resistance(row.resistanceFirstUohm, row.resistanceFirstDelayUs)
    resistances.oneSecond = Self.resistance(row.resistance1SUohm, row.resistance1SDelayUs)
    resistances.tenSeconds = Self.resistance(row.resistance10SUohm, row.resistance10SDelayUs)
    resistances.thirtySeconds = Self.resistance(row.resistance30SUohm, row.resistance30SDelayUs)
    plateauIRCorrectedCharge = row.plateauIrCorrectedChargeNc.map(Charge.init(nanocoulombs:))
    offsetUncertainty = row.offsetUncertaintyNc.map(Charge.init(nanocoulombs:))
    gainUncertainty = row.gainUncertaintyNc.map(Charge.init(nanocoulombs:))
    rangeFullScale = row.rangeFullScalePa.map(Current.init(picoamperes:))
  }

  private static func resistance(_ microohms: Int64?, _ delay: Int64?) -> ClosingResistance? {
    guard let microohms, let delay else { return nil }
    return ClosingResistance(resistance: Resistance(count: microohms), delay: TimeSpan(microseconds: delay))
  }
}

extension RestBefore {
  fileprivate init?(_ row: StoredHalfCycle) {
    self.init()
    duration = row.restBeforeUs.map(TimeSpan.init(microseconds:))
    startVoltage = row.restBeforeStartVoltageNv.map(Voltage.init(nanovolts:))
    endVoltage = row.restBeforeEndVoltageNv.map(Voltage.init(nanovolts:))
    drift = row.restBeforeDriftNvH.map(VoltageRate.init(count:))
    driftSpan = row.restBeforeDriftSpanUs.map(TimeSpan.init(microseconds:))
    if self == RestBefore() { return nil }
  }
}
