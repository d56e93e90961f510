// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

public import VirtualLab

/// The models that a bench can set up.
public enum ZKEtechEBCModels {
  /// ZKEtech EBC-A20, 5 A charging and 20 A discharging; with real converters 0.5 % more flows than is asked for.
  public static let all = [
    EmulatedModel("ebc-a20", identification: .none) { parts in
      EBCInstrument(
        .a20, cell: parts.cells[0], currentGain: parts.converters == .ideal ? 1 : 1.005,
        plateauThresholdVolts: parts.plateauThresholdVolts)
    }
  ]
}
