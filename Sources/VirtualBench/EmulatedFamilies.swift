// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import BatlabEmulator
internal import KeithleySCPIEmulator
internal import KeithleyTSPEmulator
internal import MethodSCRIPTEmulator
internal import ReplayEmulator
internal import RodeostatEmulator
internal import TDstatEmulator
public import VirtualLab
internal import ZKEtechEBCEmulator

/// The families whose instruments a bench can set up. The thermometer is none of them: it has a place of its own
/// (`ThermometerSeat`), for it stands beside the cells of the others.
public enum EmulatedFamilies {
  /// Emulating another family is one line here.
  private static let families: [[EmulatedModel]] = [
    MethodSCRIPTModels.all,
    KeithleySCPIModels.all,
    KeithleyTSPModels.all,
    BatlabModels.all,
    ZKEtechEBCModels.all,
    ReplayModels.all,
    RodeostatModels.all,
    TDstatModels.all,
  ]

  /// All models.
  public static let models: [EmulatedModel] = Array(families.joined())

  /// A model by its name; nil when there is none of that name.
  public static func model(named name: String) -> EmulatedModel? { models.first { $0.name == name } }
}
