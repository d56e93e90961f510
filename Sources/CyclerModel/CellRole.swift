// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// What a cell is, declared by a person; it decides which half-cycle comes first and what its efficiency means.
public enum CellRole: String, Sendable, Hashable, CaseIterable {
  /// Hard carbon (or another anode) against sodium metal: discharge is sodiation and comes first.
  case anodeHalfCell = "anode-half-cell"
  /// A positive electrode against sodium metal: charge comes first.
  case cathodeHalfCell = "cathode-half-cell"
  /// A positive against a negative electrode: charge comes first.
  case fullCell = "full-cell"
  /// A positive electrode against a bare current collector: charge plates the sodium and comes first.
  case anodeFree = "anode-free"
  /// Sodium metal against a bare collector: discharge plates and comes first.
  case platingStripping = "plating-stripping"
  /// Two like electrodes: cycles are counted, efficiencies are null by role.
  case symmetric = "symmetric"
  /// Sweeps and diagnostics only: nothing is counted.
  case noCycles = "no-cycles"

  /// The direction of a cycle's first half-cycle, or nil where nothing is counted.
  public var firstDirection: Direction? {
    switch self {
    case .anodeHalfCell, .platingStripping: .discharge
    case .cathodeHalfCell, .fullCell, .anodeFree, .symmetric: .charge
    case .noCycles: nil
    }
  }

  /// Whether sodium is plated on purpose, so that tests of plating mean something.
  public var platesSodium: Bool {
    switch self {
    case .platingStripping, .anodeFree: true
    case .anodeHalfCell, .cathodeHalfCell, .fullCell, .symmetric, .noCycles: false
    }
  }

  /// Whether the sodium that was put in is all that the cell has, so that each cycle's loss is one of capacity. Cells
  /// against sodium metal, or with a reservoir of it, have more than they use.
  public var isLimitedByInventory: Bool {
    switch self {
    case .anodeFree, .fullCell: true
    case .anodeHalfCell, .cathodeHalfCell, .platingStripping, .symmetric, .noCycles: false
    }
  }

  /// Whether coulombic efficiency means anything for the role.
  public var hasCoulombicEfficiency: Bool {
    switch self {
    case .anodeHalfCell, .cathodeHalfCell, .fullCell, .anodeFree, .platingStripping: true
    case .symmetric, .noCycles: false
    }
  }
}

/// The direction of current through the cell.
public enum Direction: Int8, Sendable, Hashable, CaseIterable {
  /// Negative current.
  case discharge = -1
  /// No current.
  case none = 0
  /// Positive current.
  case charge = 1

  /// The other closed direction; `none` stays `none`.
  public var reversed: Direction {
    switch self {
    case .discharge: .charge
    case .none: .none
    case .charge: .discharge
    }
  }
}

/// Why a group of cycles is run; stamped on every cycle when it happens.
public enum CyclePurpose: String, Sendable, Hashable, CaseIterable {
  /// First cycles that build the interphase.
  case formation
  /// Cycles at varied rates.
  case rate
  /// Ageing.
  case life
  /// A check that does not belong to the ageing series.
  case diagnostic
}

/// The kind of a program step, as stored in the database.
public enum StepKind: String, Sendable, Hashable, CaseIterable {
  /// No current; the circuit is open wherever the instrument can open it.
  case rest
  /// Constant current.
  case constantCurrent = "constant_current"
  /// Constant current up to a voltage, then constant voltage.
  case constantCurrentConstantVoltage = "constant_current_constant_voltage"
  /// Constant voltage.
  case constantVoltage = "constant_voltage"
  /// A constant power: the current follows the voltage.
  case constantPower = "constant_power"
  /// A constant resistance: the current follows the voltage.
  case constantResistance = "constant_resistance"
  /// A voltage that moves at a constant rate.
  case voltageSweep = "voltage_sweep"
  /// Currents of a table, one after the other.
  case currentProfile = "current_profile"
  /// An impedance spectrum: small alternating voltages of many frequencies, around the open circuit.
  case impedanceSpectrum = "impedance_spectrum"
  /// The open circuit measured before the first closed one, or before a run goes on.
  case openCircuitCheck = "open_circuit_check"
}
