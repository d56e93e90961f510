// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

public import VirtualLab

/// The models that a bench can set up.
public enum RodeostatModels {
  /// IO Rodeo Rodeostat of up to 10 mA, which sets voltages only.
  public static let all = [
    EmulatedModel("rodeostat", identification: .number, hasConverterErrors: false) { parts in
      RodeostatInstrument(
        board: RodeostatBoard(processor: .itsyBitsy, current: .tenMilliAmp), deviceID: UInt32(clamping: parts.number),
        cell: parts.cells[0], plateauThreshold: parts.plateauThresholdVolts)
    }
  ]
}
