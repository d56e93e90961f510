// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Currents and charges that nobody can write down beforehand, because they are shares of what the run's own cycles show:
// a third of the last discharge capacity in an hour, half of it as a charge.

public import Quantities

/// A capacity that each cycle of a run shows.
public enum MeasuredCapacity: String, Sendable, Hashable, CaseIterable {
  /// Of the charging half-cycle.
  case charge = "charge_capacity"
  /// Of the discharging half-cycle.
  case discharge = "discharge_capacity"
}

/// So much of a capacity that a cycle of the run has shown.
public struct MeasuredShare: Sendable, Hashable {
  /// Which capacity.
  public var capacity: MeasuredCapacity
  /// Of which cycle; nil: of the last whole one.
  public var cycle: CycleReference?
  /// How much of it there is for each nanocoulomb of the capacity, in picoamperes or nanocoulombs.
  public var factor: ExactFraction
  /// As it was written, for instance `C/3 of discharge_capacity`.
  public var written: String

  /// A share.
  public init(_ factor: ExactFraction, of capacity: MeasuredCapacity, in cycle: CycleReference?, written: String) {
    self.factor = factor
    self.capacity = capacity
    self.cycle = cycle
    self.written = written
  }
}
