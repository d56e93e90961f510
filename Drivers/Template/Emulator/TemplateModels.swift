// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What a bench can set up. When copying, one entry a model; `EmulatedModel` says what can be said of one.

public import VirtualLab

/// The models that a bench can set up.
public enum TemplateModels {
  /// The one there is. Its readings are stamped by the host, so that it lives in real time.
  public static let all = [
    EmulatedModel("template-1", hasConverterErrors: false) { parts in
      TemplateInstrument(serial: parts.serial, cell: parts.cells[0], plateauThreshold: parts.plateauThresholdVolts)
    }
  ]
}
