// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Waiting for a port and for other threads at once, for a time that may be shorter than poll's millisecond. Allocates
// nothing.

internal import CNacycler
internal import Glibc
public import Quantities

/// Waits on a port's behalf.
public enum PortPoll {
  /// Why a wait ended; empty when its time was over or a signal handler ran.
  public struct Readiness: OptionSet, Sendable, Hashable {
    /// The set as bits.
    public let rawValue: UInt8
    /// A set of bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    /// Bytes wait to be read, or the line hung up: `InstrumentPort.read` tells which.
    public static let readable = Readiness(rawValue: 1)
    /// The kernel takes bytes again; only reported when asked for.
    public static let writable = Readiness(rawValue: 2)
    /// Another thread signalled the wake-up. The signal has been drained.
    public static let woken = Readiness(rawValue: 4)
    /// The line hung up. Bytes that came before it are read first: go by `InstrumentPort.read`, not by this alone.
    public static let hungUp = Readiness(rawValue: 8)
  }

  /// Waits until the port has something, the wake-up is signalled or the time is over.
  ///
  /// - Parameters:
  ///   - port: The port; nil waits for the wake-up alone.
  ///   - wake: Signalled by other threads.
  ///   - timeout: How long at most; zero or less looks and returns at once, nil waits for ever.
  ///   - untilWritable: Also return when the kernel takes bytes again; only ask while there are bytes to write.
  /// - Returns: What happened; several things may have.
  public static func wait(
    port: (any InstrumentPort)?, wake: WakeUp, timeout: TimeSpan?, untilWritable: Bool = false
  ) -> Readiness {
    withUnsafeTemporaryAllocation(of: pollfd.self, capacity: 2) { waited in
      let wanted = untilWritable ? POLLIN | POLLOUT : POLLIN
      waited.initializeElement(at: 0, to: pollfd(fd: wake.descriptor, events: Int16(POLLIN), revents: 0))
      // A negative descriptor is skipped by poll: so is a port that is not there or was closed.
      waited.initializeElement(at: 1, to: pollfd(fd: port?.descriptor ?? -1, events: Int16(wanted), revents: 0))
      guard poll(waited, for: timeout) > 0 else { return [] }
      var readiness: Readiness = []
      if waited[0].revents != 0, wake.drain() { readiness.insert(.woken) }
      let seen = CInt(waited[1].revents)
      if seen & POLLIN != 0 { readiness.insert(.readable) }
      if seen & POLLOUT != 0 { readiness.insert(.writable) }
      if seen & (POLLHUP | POLLERR | POLLNVAL) != 0 { readiness.formUnion([.hungUp, .readable]) }
      return readiness
    }
  }

  /// poll with microseconds; the number of ready descriptors, 0 when the time is over, negative when interrupted.
  static func poll(_ waited: UnsafeMutableBufferPointer<pollfd>, for timeout: TimeSpan?) -> CInt {
    nacycler_poll(waited.baseAddress, CInt(waited.count), timeout.map { max(0, $0.microseconds) } ?? -1)
  }
}
