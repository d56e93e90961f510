// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

public import VirtualLab

/// The models that a bench can set up.
public enum BatlabModels {
  /// Lexcelon Batlab, four cells of 1.8 V to 4.5 V, up to 4 A; with real converters 1 % more flows than is asked for.
  public static let all = [
    EmulatedModel("batlab", channels: 4, identification: .number) { parts in
      BatlabInstrument(
        serial: UInt32(clamping: parts.number), cells: parts.cells,
        currentGain: parts.converters == .ideal ? 1 : 1.01, plateauThresholdVolts: parts.plateauThresholdVolts)
    }
  ]
}
