// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What each model of the family can do. The figures come from the maker's published tables and examples; those marked
// unverified were never checked against an instrument here.

import CyclerModel
import InstrumentKit
import Quantities

/// The models that answer to MethodSCRIPT and that this driver knows.
enum MethodSCRIPTModel: Sendable, Hashable, CaseIterable {
  case emStat4HR
  case emStat4LR
  case nexus
  case emStatPico

  /// The six characters after `t` in the firmware answer.
  var firmwareID: String {
    switch self {
    case .emStat4HR: "es4_hr"
    case .emStat4LR: "es4_lr"
    case .nexus: "nexus1"
    case .emStatPico: "espico"
    }
  }

  /// As people call it.
  var name: String {
    switch self {
    case .emStat4HR: "EmStat4 HR"
    case .emStat4LR: "EmStat4 LR"
    case .nexus: "Nexus"
    case .emStatPico: "EmStat Pico"
    }
  }

  /// The oldest firmware that the maker's own software accepts, as the four digits of the firmware answer.
  var minimumFirmware: Int {
    switch self {
    case .emStat4HR, .emStat4LR: 1307
    case .nexus: 1100
    case .emStatPico: 1601
    }
  }

  /// What it can do with a cell.
  var capabilities: InstrumentCapabilities {
    var capabilities = InstrumentCapabilities(
      channels: 1, kinds: kinds, voltage: voltageWindow, maximumCurrent: maximumCurrent, currentRanges: currentRanges,
      // Ours, not the maker's: a loop body of some twenty instructions must fit with room to spare.
      shortestReadingInterval: TimeSpan(milliseconds: 50),
      // Unverified: typical of the class.
      voltageErrorPartsPerMillion: 1_000, voltageOffsetError: Voltage(millivolts: 1),
      holdsBounds: true, hasLease: true,
      // Of the maker's description; unverified like all that was never seen on an instrument.
      leaseHole: "if its script fails by an error while this machine is dead, the cell stays connected",
      openCircuit: .disconnectedAndMeasured, highestFrequency: highestFrequency, elsewhere: elsewhere)
    capabilities.currentAccuracy = currentRanges.map { range in
      CurrentAccuracy(
        fullScale: range, gainPartsPerMillion: currentGainError,
        offset: Current(picoamperes: range.picoamperes * currentOffsetError / 1_000_000))
    }
    return capabilities
  }

  /// Of reading, in millionths. Unverified: from memory of data sheets of the class.
  private var currentGainError: Int64 {
    switch self {
    case .emStat4HR, .emStat4LR: 2_000
    case .nexus: 1_000
    case .emStatPico: 5_000
    }
  }

  /// Of the range's full scale, in millionths. Unverified: from memory of data sheets of the class.
  var currentOffsetError: Int64 {
    switch self {
    case .emStat4HR, .emStat4LR: 2_000
    case .nexus, .emStatPico: 1_000
    }
  }

  /// Of the public examples; below a hertz nothing is stated.
  private var highestFrequency: Frequency? {
    switch self {
    case .emStat4HR, .emStat4LR: Frequency(microhertz: 200_000_000_000)
    case .nexus: Frequency(microhertz: 1_000_000_000_000)
    // It can, by its maker's examples; a cell that it cannot cycle is measured elsewhere.
    case .emStatPico: nil
    }
  }

  /// For what it cannot do, who can.
  private var elsewhere: [StepKind: String] {
    let others = StepKind.allCases.filter { !kinds.contains($0) }.map { kind in
      (kind, Self.names(thatCan: kind))
    }
    return Dictionary(uniqueKeysWithValues: others)
  }

  /// The models that can carry out a kind of step.
  static func names(thatCan kind: StepKind) -> String {
    allCases.filter { $0.kinds.contains(kind) }.map(\.name).joined(separator: ", ")
  }

  private var kinds: Set<StepKind> {
    switch self {
    case .emStat4HR, .emStat4LR, .nexus: Set(StepKind.allCases)
    // It has no galvanostat and answers a constant-current script with e!4001.
    case .emStatPico: [.rest, .openCircuitCheck, .constantVoltage, .voltageSweep]
    }
  }

  private var voltageWindow: VoltageWindow {
    switch self {
    case .emStat4HR: VoltageWindow(from: Voltage(millivolts: -6_000), to: Voltage(millivolts: 6_000))
    case .emStat4LR: VoltageWindow(from: Voltage(millivolts: -3_000), to: Voltage(millivolts: 3_000))
    case .nexus: VoltageWindow(from: Voltage(millivolts: -10_000), to: Voltage(millivolts: 10_000))
    case .emStatPico: VoltageWindow(from: Voltage(millivolts: -1_700), to: Voltage(millivolts: 2_000))
    }
  }

  private var maximumCurrent: Current {
    switch self {
    case .emStat4HR: Current(picoamperes: 200_000_000_000)
    case .emStat4LR: Current(picoamperes: 30_000_000_000)
    case .nexus: Current(picoamperes: 1_000_000_000_000)
    case .emStatPico: Current(picoamperes: 3_000_000_000)
    }
  }

  private var currentRanges: [Current] {
    switch self {
    case .emStat4HR: Self.decades(from: 100_000, through: 100_000_000_000)
    case .emStat4LR: Self.decades(from: 1_000, through: 10_000_000_000)
    case .nexus: Self.decades(from: 100, through: 1_000_000_000_000)
    // The names of the ranges; the steps between the first and the last are unverified.
    case .emStatPico:
      [100, 2_000, 4_000, 8_000, 16_000, 32_000, 63_000, 125_000, 250_000, 500_000, 1_000_000, 5_000_000]
        .map { Current(picoamperes: $0 * 1_000) }
    }
  }

  private static func decades(from first: Int64, through last: Int64) -> [Current] {
    var ranges: [Current] = []
    var fullScale = first
    while fullScale <= last {
      ranges.append(Current(picoamperes: fullScale))
      fullScale *= 10
    }
    return ranges
  }
}
