// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

public import VirtualLab

/// The models that a bench can set up.
public enum KeithleyTSPModels {
  /// Keithley 2602B SourceMeter, two channels of ±40 V and ±3 A, in TSP.
  public static let all = [
    EmulatedModel("keithley-2602b", channels: 2, hasItsOwnTime: true) { parts in
      var keithley = TSPInstrument(
        serial: parts.serial, cells: (parts.cells[0], parts.cells[1]), plateauThreshold: parts.plateauThresholdVolts)
      if parts.converters == .ideal {
        for channel in keithley.meters.indices {
          keithley.meters[channel].sourceGainError = 0
          keithley.meters[channel].sourceOffsetError = 0
        }
      }
      return keithley
    }
  ]
}
