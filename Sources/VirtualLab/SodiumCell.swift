// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// A sodium cell in arithmetic: a preset's constants and the state that they have led to.
///
/// All presets (hard carbon, NVPF, anode-free, plating–stripping) are this one type with different constants. A drive
/// that is not a finite number counts as an open circuit, so that nothing an emulator does can spoil the state.
public struct SodiumCell: VirtualCell, Equatable {
  let model: CellModel
  private(set) var state = CellState()

  init(model: CellModel) { self.model = model }

  /// Two cells are equal when they were made alike by the same call and have come to the same state.
  public static func == (left: Self, right: Self) -> Bool {
    left.model === right.model && left.state == right.state
  }

  /// Lets `seconds` (≥ 0) pass under a drive. Exact at constant current, within one part in a million at constant
  /// voltage, however the time is divided.
  public mutating func advance(seconds: Double, drive: CellDrive) {
    guard seconds > 0, seconds.isFinite else { return }
    switch Self.possible(drive) {
    case .open: model.pass(0, for: seconds, in: &state)
    case .current(let amperes): model.pass(amperes, for: seconds, in: &state)
    case .voltage(let volts, let limit): model.hold(volts, limit: limit, for: seconds, in: &state)
    }
  }

  /// The terminal voltage in volts at this moment under a drive.
  public func voltage(under drive: CellDrive) -> Double {
    let current = current(under: drive)
    if case .voltage(let volts, let limit) = Self.possible(drive), abs(current) < limit { return volts }
    return model.openVoltage(state) + model.resistance * current
  }

  /// The terminal current in amperes at this moment under a drive, positive charging.
  public func current(under drive: CellDrive) -> Double {
    switch Self.possible(drive) {
    case .open: 0
    case .current(let amperes): amperes
    case .voltage(let volts, let limit): min(max(model.unlimitedCurrent(state, at: volts), -limit), limit)
    }
  }

  /// The small-signal impedance in ohms at this moment, without a direct current, at a frequency in hertz above zero.
  public func impedance(atHertz hertz: Double) -> (real: Double, imaginary: Double) {
    model.impedance(state, atHertz: hertz)
  }

  /// Net terminal charge in coulombs since the cell was made, positive charging.
  public var terminalCharge: Double { state.terminal }

  /// Charge in coulombs lost to side reactions since the cell was made, never decreasing.
  public var lostCharge: Double { state.lost }

  /// Net charge in coulombs that has reached the electrode with the side reactions since the cell was made, positive
  /// charging: `terminalCharge` less what was lost while charging, plus what was lost while discharging.
  public var storedCharge: Double { state.stored }

  /// Whether side reactions take their share while charging (true) or while discharging (false).
  public var losesWhileCharging: Bool { model.loss.direction == .charging }

  /// The drive, or an open circuit in place of one that no instrument can mean.
  private static func possible(_ drive: CellDrive) -> CellDrive {
    switch drive {
    case .open: .open
    case .current(let amperes): amperes.isFinite ? drive : .open
    case .voltage(let volts, let limit): volts.isFinite && limit > 0 ? drive : .open
    }
  }
}
