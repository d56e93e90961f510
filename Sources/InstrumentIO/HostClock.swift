// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The only place where the daemon's port threads ask what time it is. Everything below them takes time as an input.

internal import CNacycler
public import CyclerModel

/// The host's steady clock, CLOCK_BOOTTIME: it never steps and counts while the machine sleeps.
public enum HostClock {
  /// The moment of the call.
  public static func now() -> HostInstant { HostInstant(microseconds: nacycler_boottime_us()) }
}

/// The host's calendar clock. It may step; use it to say when something was, never to measure how long.
public enum UnixClock {
  /// The moment of the call.
  public static func now() -> UnixInstant { UnixInstant(microseconds: nacycler_unix_us()) }
}
