// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The temperature beside the cell. It comes from an instrument of its own with no clock but its arrival, some once a
// second, and it is judged whatever the cell's instrument does: while current flows, at rest and in a check of the open
// circuit.

public import CyclerModel
public import Quantities

extension SafetyMonitor {
  /// Judges the temperature at a moment on the host's clock; a fault means that the circuit must be opened now.
  ///
  /// One that is not known judges nothing and begins no tolerance: whether it may be unknown is for the run to say, which
  /// knows how long it has been so.
  public mutating func judge(_ temperature: Temperature?, at host: HostInstant) -> Fault? {
    guard let limits = limits.temperature, let count = temperature?.count else {
      warmerSince = nil
      colderSince = nil
      return nil
    }
    if let upper = limits.upper,
      Self.passes(count - upper.soft, count - upper.hard, host, upper.tolerance, &warmerSince)
    {
      return Fault(
        .limitTemperatureHigh, .warmerThan(Temperature(count: count), limit: Temperature(count: upper.soft)))
    }
    if let lower = limits.lower,
      Self.passes(lower.soft - count, lower.hard - count, host, lower.tolerance, &colderSince)
    {
      return Fault(
        .limitTemperatureLow, .colderThan(Temperature(count: count), limit: Temperature(count: lower.soft)))
    }
    return nil
  }

  /// Whether a value beyond its soft limit (excess > 0) has been so for too long, or is beyond the hard limit.
  private static func passes(
    _ softExcess: Int64, _ hardExcess: Int64, _ now: HostInstant, _ tolerance: TimeSpan, _ since: inout HostInstant?
  ) -> Bool {
    guard softExcess > 0 else {
      since = nil
      return false
    }
    if hardExcess > 0 { return true }
    let first = since ?? now
    since = first
    return now - first >= tolerance
  }
}
