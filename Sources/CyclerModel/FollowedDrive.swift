// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

public import Quantities

/// Whether a reading shows that the instrument does what it was told. What does not show it says nothing of the cell: behind
/// a relay that did not close, or a lead that came off, there are 0 V and no current, and no discharge is over because of it.
///
/// The shares are our choice: wide enough for what a sound instrument shows (the offset of a large range can be a tenth of a
/// small current; a tester of ampere-hours holds its voltage to some 20 mV), and far from nothing at all. Nobody has tried them on
/// hardware.
public enum FollowedDrive {
  /// Whether a measured current is the one that was asked for: it differs by half of it at most.
  @inlinable
  public static func shows(_ current: Current, asked set: Current) -> Bool {
    (current - set).magnitude <= set.magnitude / 2
  }

  /// Whether a current flows at all, in the direction of the one that was asked for: a twentieth of it. Where an instrument
  /// goes over to its hold by itself, its current has fallen before anybody reads it.
  @inlinable
  public static func flows(_ current: Current, asked set: Current) -> Bool {
    (current < .zero) == (set < .zero) && current.magnitude >= set.magnitude / 20
  }

  /// Whether a measured current is the one that a demand asks for at the voltage that was measured with it: it differs by half
  /// of it at most, or by a hundredth of the most, which is the offset of its range.
  public static func shows(_ current: Current, at voltage: Voltage, asked demand: CurrentDemand) -> Bool {
    let asked = demand.current(at: voltage)
    let set = demand.direction == .discharge ? -asked : asked
    return (current - set).magnitude <= max(asked / 2, demand.currentAtMost / 100)
  }

  /// By how much a measured voltage may differ from the one that is held: 50 mV or a twentieth of it.
  @inlinable
  public static func tolerance(ofHeld voltage: Voltage) -> Voltage {
    max(Voltage(millivolts: 50), voltage.magnitude / 20)
  }

  /// Whether a measured voltage is the one that is held.
  @inlinable
  public static func shows(_ voltage: Voltage, held: Voltage) -> Bool {
    (voltage - held).magnitude <= tolerance(ofHeld: held)
  }
}
