// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

public import Quantities

/// A moment on the host's steady clock (CLOCK_BOOTTIME), in microseconds since boot. Never compared between boots.
public struct HostInstant: Sendable, Hashable, Comparable {
  /// Microseconds since boot.
  public var microseconds: Int64
  /// A moment so many microseconds after boot.
  public init(microseconds: Int64) { self.microseconds = microseconds }
  /// Earlier or later.
  public static func < (left: HostInstant, right: HostInstant) -> Bool { left.microseconds < right.microseconds }
  /// The time that passed between two moments.
  public static func - (left: HostInstant, right: HostInstant) -> TimeSpan {
    TimeSpan(microseconds: left.microseconds - right.microseconds)
  }
  /// A later moment.
  public static func + (left: HostInstant, right: TimeSpan) -> HostInstant {
    HostInstant(microseconds: left.microseconds + right.microseconds)
  }
}

/// A moment in UTC, in microseconds since 1970; the form in which every instant is stored.
public struct UnixInstant: Sendable, Hashable, Comparable {
  /// Microseconds since 1970-01-01T00:00:00Z.
  public var microseconds: Int64
  /// A moment so many microseconds after 1970-01-01T00:00:00Z.
  public init(microseconds: Int64) { self.microseconds = microseconds }
  /// Earlier or later.
  public static func < (left: UnixInstant, right: UnixInstant) -> Bool { left.microseconds < right.microseconds }
  /// The time that passed between two moments.
  public static func - (left: UnixInstant, right: UnixInstant) -> TimeSpan {
    TimeSpan(microseconds: left.microseconds - right.microseconds)
  }
}
