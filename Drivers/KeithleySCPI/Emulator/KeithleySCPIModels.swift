// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

public import VirtualLab

/// The models that a bench can set up.
public enum KeithleySCPIModels {
  /// Keithley SourceMeters: 2400, ±20 V and ±1 A; 2450, the same with finer ranges; 2460, up to 7 A.
  public static let all = KeithleyInstrument.Model.allCases.map { model in
    EmulatedModel("keithley-\(model.rawValue)") { parts in
      var keithley = KeithleyInstrument(
        model, serial: parts.serial, cell: parts.cells[0], plateauThreshold: parts.plateauThresholdVolts)
      if parts.converters == .ideal { (keithley.meter.sourceGainError, keithley.meter.sourceOffsetError) = (0, 0) }
      return keithley
    }
  }
}
