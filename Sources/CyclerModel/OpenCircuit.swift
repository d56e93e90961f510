// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// What an instrument does when it opens the circuit: three different things by one name (hazard rule 6).
public enum OpenCircuit: String, Sendable, Hashable, CaseIterable {
  /// The cell is disconnected and its voltage is measured.
  case disconnectedAndMeasured = "disconnected_and_measured"
  /// The cell is disconnected and nothing is known of it.
  case disconnectedBlind = "disconnected_blind"
  /// The cell stays connected at zero current.
  case zeroCurrentHeld = "zero_current_held"

  /// What a person must know of a rest on such an instrument.
  public var meaning: String {
    switch self {
    case .disconnectedAndMeasured: "a rest disconnects the cell and measures its voltage"
    case .disconnectedBlind: "a rest disconnects the cell and measures nothing: its voltage is not known"
    case .zeroCurrentHeld: "a rest holds zero current: what the instrument lets flow all the same is counted"
    }
  }
}
