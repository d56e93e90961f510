// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// What an instrument does to a cell's terminals.
public enum CellDrive: Sendable, Hashable {
  /// Nothing is connected.
  case open
  /// A current in amperes, positive charging.
  case current(Double)
  /// A voltage in volts; the current follows, limited to that magnitude in amperes.
  case voltage(Double, currentLimit: Double)
}

/// A cell that exists in arithmetic only. Deterministic: the same drives for the same times give the same state.
///
/// Charge is conserved by construction: terminal charge = stored charge + charge lost to side reactions.
public protocol VirtualCell: Sendable {
  /// Lets `seconds` (≥ 0) pass under a drive.
  mutating func advance(seconds: Double, drive: CellDrive)
  /// The terminal voltage in volts at this moment under a drive.
  func voltage(under drive: CellDrive) -> Double
  /// The terminal current in amperes at this moment under a drive, positive charging.
  func current(under drive: CellDrive) -> Double
  /// The small-signal impedance in ohms at this moment, without a direct current, at a frequency in hertz above zero.
  func impedance(atHertz hertz: Double) -> (real: Double, imaginary: Double)
  /// Net terminal charge in coulombs since the cell was made, positive charging.
  var terminalCharge: Double { get }
  /// Charge in coulombs lost to side reactions since the cell was made, never decreasing.
  var lostCharge: Double { get }
}
