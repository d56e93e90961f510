// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The rows that a run leaves behind: steps, half-cycles, cycles, events, latches and checkpoints.

public import CyclerModel
import GRDB

/// A step of a run.
public struct StoredStep: StoredRow, Codable, Sendable, Hashable {
  /// `RowIdentity.step`.
  public var stepId: Int64
  /// Its run.
  public var runId: Int64
  /// Counted from 1 within the run, never repeated.
  public var stepCount: Int64
  /// The revision of the run's protocol.
  public var protocolRevision: Int64
  /// Index in the program; -1 for an open-circuit check.
  public var programIndex: Int64
  /// Place in the protocol file.
  public var programPath: String
  /// `StepKind`'s raw value.
  public var kind: String
  /// -1 discharge, 0 none, 1 charge.
  public var direction: Int64
  /// Its half-cycle.
  public var halfCycleId: Int64?
  /// The run's cycle.
  public var cycleNumber: Int64?
  /// When it began.
  public var startedUnixUs: Int64
  /// The run's test time then.
  public var startedTestTimeUs: Int64
  /// The run's test time when it ended; nil while it runs.
  public var endedTestTimeUs: Int64?
  /// Net charge of the run when it began.
  public var startChargeNc: Int64
  /// The largest current that its range had to hold.
  public var currentRangePa: Int64?
  /// Why it ended.
  public var endReason: String?
}

/// A half-cycle of a run.
public struct StoredHalfCycle: StoredRow, Codable, Sendable, Hashable {
  /// `RowIdentity.halfCycle`.
  public var halfCycleId: Int64
  /// Its run.
  public var runId: Int64
  /// Counted from 1 within the run.
  public var number: Int64
  /// The run's cycle.
  public var cycleNumber: Int64?
  /// -1 discharge, 1 charge.
  public var direction: Int64
  /// `CyclePurpose`'s raw value.
  public var purpose: String?
  /// Label of its block.
  public var label: String?
  /// Charge in the programmed direction less the opposite.
  public var chargeNc: Int64
  /// Charge against the programmed direction.
  public var reverseChargeNc: Int64
  /// Energy in the programmed direction.
  public var energyNj: Int64
  /// Of the charge, what flowed at a held voltage.
  public var constantVoltageChargeNc: Int64
  /// The instrument's own count of the charge.
  public var deviceChargeNc: Int64?
  /// Charge below the plateau threshold.
  public var plateauChargeNc: Int64?
  /// The most by which the charge can be wrong because of gaps; nil when unknown.
  public var gapChargeNc: Int64?
  /// Why it ended; nil while it is open.
  public var endReason: String?
  /// `DataFlags`.
  public var flags: Int64
  /// Of the charge, what flowed at constant current.
  public var constantCurrentChargeNc: Int64?
  /// How long that was.
  public var constantCurrentTimeUs: Int64?
  /// How long a voltage was held.
  public var constantVoltageTimeUs: Int64?
  /// How long no current had flowed before it.
  public var restBeforeUs: Int64?
  /// The first voltage of that rest.
  public var restBeforeStartVoltageNv: Int64?
  /// Its last voltage.
  public var restBeforeEndVoltageNv: Int64?
  /// How fast the voltage moved at its end.
  public var restBeforeDriftNvH: Int64?
  /// Between the two records from which that comes.
  public var restBeforeDriftSpanUs: Int64?
  /// Resistance at the first record after the closing.
  public var resistanceFirstUohm: Int64?
  /// When that was.
  public var resistanceFirstDelayUs: Int64?
  /// Resistance after a second.
  public var resistance1SUohm: Int64?
  /// When its record was.
  public var resistance1SDelayUs: Int64?
  /// Resistance after ten seconds.
  public var resistance10SUohm: Int64?
  /// When its record was.
  public var resistance10SDelayUs: Int64?
  /// Resistance after half a minute.
  public var resistance30SUohm: Int64?
  /// When its record was.
  public var resistance30SDelayUs: Int64?
  /// Charge below the plateau threshold of the voltage less its ohmic part.
  public var plateauIrCorrectedChargeNc: Int64?
  /// By how much the charge can be wrong by the instrument's stated offset.
  public var offsetUncertaintyNc: Int64?
  /// By how much it can be wrong by its stated error in proportion to the reading.
  public var gainUncertaintyNc: Int64?
  /// The full scale of the one current range in which it was measured.
  public var rangeFullScalePa: Int64?
  /// How long the circuit was closed in the steps that moved its charge.
  public var activeTimeUs: Int64?
  /// Voltage of the last record of its last such step.
  public var endVoltageNv: Int64?
  /// Net charge of the run at its end.
  public var endNetChargeNc: Int64?
}

/// A finished cycle under one set of metric parameters.
public struct StoredCycle: StoredRow, Codable, Sendable, Hashable {
  /// Its run.
  public var runId: Int64
  /// The parameters under which it was computed.
  public var parameterSetId: Int64
  /// Within the run, from 1.
  public var cycleNumber: Int64
  /// Within the cell's life, from 1.
  public var cellCycleNumber: Int64
  /// `CyclePurpose`'s raw value.
  public var purpose: String?
  /// Label of its block.
  public var label: String?
  /// Charge of the charging half-cycle in ampere-hours; nil when unknown.
  public var chargeCapacityAh: Double?
  /// Charge of the discharging half-cycle in ampere-hours.
  public var dischargeCapacityAh: Double?
  /// Energy of the charging half-cycle in watt-hours.
  public var chargeEnergyWh: Double?
  /// Energy of the discharging half-cycle in watt-hours.
  public var dischargeEnergyWh: Double?
  /// A fraction, never clamped; nil when incomplete or meaningless.
  public var coulombicEfficiency: Double?
  /// By how much it can be wrong by the instrument's stated error, as a fraction; nil where nothing is stated.
  public var coulombicEfficiencyUncertainty: Double?
  /// Plateau charge of the sodiation branch in ampere-hours.
  public var sodiationPlateauCapacityAh: Double?
  /// The plateau's share of the sodiation branch, a fraction.
  public var sodiationPlateauRatio: Double?
  /// Plateau charge of the desodiation branch in ampere-hours.
  public var desodiationPlateauCapacityAh: Double?
  /// The plateau's share of the desodiation branch, a fraction.
  public var desodiationPlateauRatio: Double?
  /// Reversible capacity over the reference cycle's, a fraction; nil without a reference.
  public var retention: Double?
  /// What the run's cycles have not given back, in ampere-hours; nil once a charge was not known.
  public var cumulativeIrreversibleCapacityAh: Double?
  /// `DataFlags`.
  public var flags: Int64
  /// By how much the charge capacity can be wrong by the instrument's stated error, in ampere-hours.
  public var chargeCapacityUncertaintyAh: Double?
  /// The same of the discharge capacity.
  public var dischargeCapacityUncertaintyAh: Double?
  /// Plateau charge of the sodiation branch less the ohmic drop, in ampere-hours.
  public var sodiationPlateauIrCorrectedCapacityAh: Double?
  /// Its share of the branch, a fraction.
  public var sodiationPlateauIrCorrectedRatio: Double?
  /// Plateau charge of the desodiation branch less the ohmic drop, in ampere-hours.
  public var desodiationPlateauIrCorrectedCapacityAh: Double?
  /// Its share of the branch, a fraction.
  public var desodiationPlateauIrCorrectedRatio: Double?
  /// Cycles with the same number ran alike.
  public var conditionsGroup: Int64?
  /// Whether both half-cycles are complete.
  public var complete: Bool?
  /// Whether its efficiency can be compared with others'.
  public var comparable: Bool?
  /// Reversible capacity over that of the group's first complete cycle.
  public var groupRetention: Double?
  /// Loss since the reference cycle a cycle.
  public var linearDecayPerCycle: Double?
  /// The share that each cycle since lost.
  public var geometricDecayPerCycle: Double?
  /// How many cycles it is from the reference.
  public var decayCycles: Int64?
  /// Theil–Sen slope of the reversible capacity within its group.
  public var capacitySlopeAhPerCycle: Double?
  /// Over how many cycles.
  public var capacitySlopeCycles: Int64?
  /// How far the end of charging moved, positive charging.
  public var chargeEndSlippageAh: Double?
  /// How far the end of discharging moved.
  public var dischargeEndSlippageAh: Double?
  /// Product of the complete cycles' efficiencies up to here.
  public var coulombicEfficiencyProduct: Double?
  /// Sodiation's plateau charge over that at the lowest rate.
  public var sodiationPlateauRetention: Double?
  /// Desodiation's plateau charge over that at the lowest rate.
  public var desodiationPlateauRetention: Double?
}

/// A test of plating.
public struct StoredEfficiencyTest: StoredRow, Codable, Sendable, Hashable {
  /// Its run.
  public var runId: Int64
  /// Counted from 1 in the order of the protocol.
  public var number: Int64
  /// `EfficiencyTestKind`'s raw value.
  public var kind: String
  /// Its label.
  public var label: String
  /// How often was stripped before the final strip, or in all.
  public var cycles: Int64
  /// What was plated as the reservoir.
  public var reservoirChargeNc: Int64
  /// All that was plated, a magnitude.
  public var platedChargeNc: Int64
  /// All that was stripped, a magnitude.
  public var strippedChargeNc: Int64
  /// Stripped over plated, a fraction, never clamped; nil while it is not known.
  public var coulombicEfficiency: Double?
  /// `DataFlags`.
  public var flags: Int64
}

/// A point of an impedance spectrum, with its step.
public struct StoredImpedance: StoredRow, Codable, Sendable, Hashable {
  /// Its step.
  public var stepId: Int64
  /// Counted from 1 within the step.
  public var number: Int64
  /// When it was done, since the step began.
  public var stepTimeUs: Int64
  /// Frequency.
  public var frequencyUhz: Int64
  /// Real part of the impedance.
  public var realUohm: Int64
  /// Imaginary part of the impedance.
  public var imaginaryUohm: Int64
  /// The voltage that was held before the point.
  public var voltageNv: Int64?
  /// The current that flowed before the point.
  public var currentPa: Int64?
  /// `DataFlags`.
  public var flags: Int64
  /// The cycle that the step stands in; nil outside of cycles.
  public var cycleNumber: Int64?
  /// When its step began.
  public var startedUnixUs: Int64
  /// The run's test time then.
  public var startedTestTimeUs: Int64
}

/// An event.
public struct StoredEvent: StoredRow, Codable, Sendable, Hashable {
  /// Key; rises with the order in which events were stored, so it serves as a cursor.
  public var eventId: Int64
  /// When.
  public var unixUs: Int64
  /// The run that it belongs to.
  public var runId: Int64?
  /// The channel that it belongs to.
  public var channelId: Int64?
  /// The step that it belongs to.
  public var stepId: Int64?
  /// The step time then.
  public var stepTimeUs: Int64?
  /// `FaultCode`'s raw value.
  public var code: String
  /// 0 info, 1 warning, 2 alarm.
  public var severity: Int64
  /// Who: `daemon`, `instrument` or a user's name.
  public var actor: String
  /// One sentence.
  public var detail: String
  /// Who has taken note of it.
  public var acknowledgedBy: String?
  /// When.
  public var acknowledgedUnixUs: Int64?
}

/// A latched channel: nothing starts on it before a named person has cleared it.
public struct StoredLatch: StoredRow, Codable, Sendable, Hashable {
  /// The channel.
  public var channelId: Int64
  /// `FaultCode`'s raw value.
  public var fault: String
  /// The run that it happened to.
  public var runId: Int64?
  /// When.
  public var raisedUnixUs: Int64
  /// What was seen.
  public var detail: String
}

/// What a run needs in order to go on.
public struct StoredCheckpoint: Codable, Sendable, Hashable {
  /// The run.
  public var runId: Int64
  /// When it was taken.
  public var unixUs: Int64
  /// The state; its bytes begin with their own version.
  public var state: [UInt8]
}

extension StoredHalfCycle {
  /// Of its charge, the share that flowed while a voltage was held; nil when it moved nothing in its direction.
  public var constantVoltageShare: Double? {
    chargeNc > 0 ? Double(constantVoltageChargeNc) / Double(chargeNc) : nil
  }
  /// Of its charge, the share that flowed at constant current.
  public var constantCurrentShare: Double? {
    guard chargeNc > 0, let constantCurrentChargeNc else { return nil }
    return Double(constantCurrentChargeNc) / Double(chargeNc)
  }
  /// By how much its charge can be wrong by the instrument's stated error.
  public var chargeUncertaintyNc: Int64? {
    guard let offsetUncertaintyNc, let gainUncertaintyNc else { return nil }
    let (sum, overflowed) = offsetUncertaintyNc.addingReportingOverflow(gainUncertaintyNc)
    return overflowed ? nil : sum
  }
}

extension StoredCycle {
  /// Its mean voltages and energy efficiency.
  public var means: CycleMeans {
    CycleMeans(
      charged: chargeCapacityAh, chargeEnergy: chargeEnergyWh, discharged: dischargeCapacityAh,
      dischargeEnergy: dischargeEnergyWh, flags: DataFlags(rawValue: flags))
  }
}
