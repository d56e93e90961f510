// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

public import VirtualLab

/// The models that a bench can set up.
public enum MethodSCRIPTModels {
  /// PalmSens EmStat4 HR, ±6 V and ±200 mA, and Nexus, ±10 V and ±1 A.
  public static let all = [model("emstat4-hr", .emStat4HR), model("nexus", .nexus)]

  private static func model(_ name: String, _ profile: MethodSCRIPTProfile) -> EmulatedModel {
    EmulatedModel(name, hasItsOwnTime: true, runsScripts: true) { parts in
      var profile = profile
      profile.hasImpedance = parts.hasImpedance
      return MethodSCRIPTInstrument(
        profile: profile, serial: parts.serial, cell: parts.cells[0],
        converters: parts.converters == .ideal ? .ideal : .real(), plateauThresholdVolts: parts.plateauThresholdVolts,
        instructionSeconds: parts.instructionSeconds, seed: parts.seed)
    }
  }
}
