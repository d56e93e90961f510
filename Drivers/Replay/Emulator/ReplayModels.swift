// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

public import VirtualLab

/// What a bench can set up.
public enum ReplayModels {
  /// The player of a recording. Its serial number is the recording's digest.
  public static let all = [
    EmulatedModel("replay", hasItsOwnTime: true, identification: .none, hasConverterErrors: false, playsRecording: true)
    {
      parts in
      ReplayInstrument(
        try Recording(
          contentsOf: parts.recording ?? "", deadBandAmperes: nil, plateauThresholdVolts: parts.plateauThresholdVolts),
        number: parts.number)
    }
  ]
}
