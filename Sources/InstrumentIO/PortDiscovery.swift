// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// One thread knows which ports there are: it listens to udev and to the directories of named ports, and tells what
// changed. It opens nothing.

public import CyclerModel
internal import Glibc
internal import Quantities

/// Watches for ports that may lead to instruments, until it is stopped.
public final class PortDiscovery: Sendable {
  /// What discovery says, on its own thread; the receiver must return soon.
  public enum News: Sendable, Hashable {
    /// A port came or went.
    case changed(PortChange)
    /// All that was there at the start has been reported.
    case settled
    /// Plugged ports cannot be watched on this system; named ones still are.
    case impaired(Fault)
    /// A pattern leads to something that is no line and is not opened.
    case passedOver(path: String, Fault)
    /// What was passed over is gone, or has become a line.
    case noLongerPassedOver(path: String)
    /// A named pattern leads to nothing now. That is no fault: it is looked at again and again.
    case leadsNowhere(pattern: String)
    /// It leads somewhere again.
    case leadsSomewhere(pattern: String)
  }

  private let wake: WakeUp
  private let thread: PortThread

  /// Named ports are looked at anew after this time at the latest: a directory that inotify cannot watch, or a line
  /// that was made anew behind an unchanged link, is found by the clock alone.
  private static let namedPortInterval = TimeSpan(seconds: 2)

  /// Begins to watch.
  ///
  /// - Parameters:
  ///   - patterns: Names of ports, with the shell's wildcards; a relative one counts from the working directory.
  ///   - watchesUSB: Whether plugged ports are reported too.
  ///   - receive: Called on the discovery thread for everything that it has to say, in order.
  /// - Throws: `port.unusable` when the system has no thread or descriptor left.
  public init(
    patterns: [String], watchesUSB: Bool, receive: @escaping @Sendable (News) -> Void
  ) throws(Fault) {
    let wake = try WakeUp()
    self.wake = wake
    thread = try PortThread.start(name: "discovery") {
      Self.watch(patterns, watchesUSB, wake, receive)
    }
  }

  /// Ends the thread and waits for it; nothing is received afterwards. May be repeated. Not from `receive`.
  public func stop() {
    wake.signal()
    thread.join()
  }

  deinit { wake.signal() }

  private static func watch(
    _ patterns: [String], _ watchesUSB: Bool, _ wake: WakeUp, _ receive: (News) -> Void
  ) {
    var named = NamedPorts(patterns: patterns)
    var census = PortCensus()
    if watchesUSB {
      do throws(Fault) {
        var plugged = try PluggedPorts()
        report(&census, &named, plugged.candidates, receive)
        receive(.settled)
        while wait(named.descriptor, plugged.descriptor, wake, hasPatterns: !patterns.isEmpty) {
          named.drain()
          plugged.drain()
          report(&census, &named, plugged.candidates, receive)
        }
        return
      } catch { receive(.impaired(error)) }
    }
    report(&census, &named, [], receive)
    receive(.settled)
    while wait(named.descriptor, -1, wake, hasPatterns: !patterns.isEmpty) {
      named.drain()
      report(&census, &named, [], receive)
    }
  }

  private static func report(
    _ census: inout PortCensus, _ named: inout NamedPorts, _ plugged: [PortCandidate], _ receive: (News) -> Void
  ) {
    let (before, absent) = (named.passedOver, named.leadingNowhere)
    let found = named.evaluate()
    for path in before.subtracting(named.passedOver).sorted() { receive(.noLongerPassedOver(path: path)) }
    for pattern in absent.subtracting(named.leadingNowhere).sorted() { receive(.leadsSomewhere(pattern: pattern)) }
    for change in census.update(named: found, plugged: plugged) { receive(.changed(change)) }
    for path in named.passedOver.subtracting(before).sorted() {
      let detail = "\(path) is no serial line: a pattern of --port leads to a plain file, a directory or the like"
      receive(.passedOver(path: path, Fault(.portUnusable, detail)))
    }
    for pattern in named.leadingNowhere.subtracting(absent).sorted() { receive(.leadsNowhere(pattern: pattern)) }
  }

  /// Waits for a reason to look; false when the watch is to end.
  private static func wait(_ named: CInt, _ plugged: CInt, _ wake: WakeUp, hasPatterns: Bool) -> Bool {
    withUnsafeTemporaryAllocation(of: pollfd.self, capacity: 3) { waited in
      for (index, descriptor) in [wake.descriptor, named, plugged].enumerated() {
        waited.initializeElement(at: index, to: pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0))
      }
      // Interrupted or timed out: looking once more does no harm.
      guard PortPoll.poll(waited, for: hasPatterns ? namedPortInterval : nil) > 0 else { return true }
      return !(waited[0].revents != 0 && wake.drain())
    }
  }
}
