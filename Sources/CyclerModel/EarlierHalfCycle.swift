// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// How the half-cycle before left the cell, in the same run or an earlier one: what follows means something only when the
/// cell stood where the protocol says.
public struct EarlierHalfCycle: Sendable, Hashable {
  /// Its direction.
  public var direction: Direction
  /// It ended at a programmed condition and not because somebody cut it short.
  public var isWhole: Bool
  /// That condition was a voltage, or the end of a hold at one: nothing was left that it could move.
  public var endedAtVoltage: Bool

  /// A half-cycle as it left the cell.
  public init(direction: Direction, isWhole: Bool, endedAtVoltage: Bool) {
    self.direction = direction
    self.isWhole = isWhole
    self.endedAtVoltage = endedAtVoltage
  }

  /// What a half-cycle's row tells; nil of one that has left the cell as it was, and so says nothing.
  public init?(direction: Direction, flags: DataFlags, endedAtVoltage: Bool) {
    if flags.contains(.empty), flags.contains(.truncated) { return nil }
    self.init(
      direction: direction, isWhole: !flags.contains(.truncated),
      endedAtVoltage: endedAtVoltage && !flags.contains(.truncated))
  }

  /// Whether metal may have been left on an electrode that is plated in that direction.
  public func mayLeavePlated(by plating: Direction) -> Bool { direction == plating || !endedAtVoltage }
}
