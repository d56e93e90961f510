// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CNacycler
import CycleStore
import CyclerModel
import Foundation
import Glibc
import InstrumentIO
import InstrumentKit
import Quantities
import Testing

@testable import CyclerService

/// A driver that says nothing, and at opening waits as long as a test likes, as a driver of the kernel may.
struct SilentDriver: InstrumentDriver {
  static let descriptor = InstrumentDescriptor(
    family: "silent", baudRate: 115_200, matches: [], maturity: .emulatedOnly)
  static let safeStopBytes = Array("safe\n".utf8)
  var damagedMessages: Int { 0 }
  static func capabilities(ofModel name: String) -> InstrumentCapabilities? { nil }
  var gate: Gate?

  init() {}
  init(_ gate: Gate) { self.gate = gate }

  mutating func handle(_ input: DriverInput, at now: HostInstant, into outputs: inout DriverOutputs) {
    if case .opened = input { gate?.pass() }
  }
}

/// Where a thread waits until it is let through.
final class Gate: Sendable {
  private let semaphore = DispatchSemaphore(value: 0)
  let isReached = DispatchSemaphore(value: 0)
  func pass() {
    isReached.signal()
    semaphore.wait()
  }
  func open() { semaphore.signal() }
}

/// A port's thread on a pseudo-terminal, with a store of its own.
final class ThreadBench {
  let store: CycleStore
  let worker: PortWorker
  let inlet: StoreInlet
  private let folder: URL
  private var bench: CInt = -1
  private var host: CInt = -1
  private let line: String
  /// All that the thread has written and `awaitWritten` has read.
  private var heard = ""

  convenience init(
    _ gate: Gate? = nil, startsStore: Bool = true, news: @escaping @Sendable (PortNews) -> Void = { _ in }
  ) throws {
    try self.init(
      startsStore: startsStore, makeDriver: { gate.map { SilentDriver($0) } ?? SilentDriver() }, news: news)
  }

  init(
    startsStore: Bool = true, makeDriver: @escaping @Sendable () -> any InstrumentDriver,
    news: @escaping @Sendable (PortNews) -> Void
  ) throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "nacycler-port-\(UUID().uuidString)")
    store = try CycleStore.open(at: folder.path)
    if startsStore { try store.start() }
    var name = [CChar](repeating: 0, count: 64)
    try #require(nacycler_pty_open(&bench, &host, &name, CInt(name.count)) == 0)
    line = name.withUnsafeBytes { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    worker = try PortWorker(path: folder.appending(path: "port").path)
    try FileManager.default.createSymbolicLink(atPath: worker.path, withDestinationPath: line)
    inlet = store.makeInlet(name: "port")
    try worker.start(
      inlet: inlet, storePatience: TimeSpan(seconds: 600),
      makeDriver: makeDriver, news: { news($1) })
  }

  /// From now on the port cannot be opened; what is open stays so.
  func unplug() { _ = unlink(worker.path) }

  /// The port can be opened again.
  func plugIn() { _ = symlink(line, worker.path) }

  /// Says something as the instrument.
  func send(_ words: [ToldDriver.Word]) {
    let bytes = words.map(\.rawValue)
    _ = write(bench, bytes, bytes.count)
  }

  /// Reads until the thread has written this so often; a minute at most.
  func awaitWritten(_ text: String, times: Int = 1, sourceLocation: SourceLocation = #_sourceLocation) {
    let isWritten = waits {
      heard += written()
      return heard.components(separatedBy: text).count > times
    }
    if !isWritten {
      Issue.record("“\(text)” was not written \(times) times: \(heard)", sourceLocation: sourceLocation)
    }
  }

  /// Whether the first channel's circuit comes to be seen so.
  func sees(_ circuit: CircuitState) -> Bool { waits { worker.sighting(channel: 0)?.circuit == circuit } }

  /// Whether the link comes to have so many damaged messages.
  func counts(damaged count: Int64) -> Bool { waits { worker.counters.counts.damagedMessages == count } }

  /// Blocks, because on a busy machine an asynchronous test may not be called again before a run's patience is over.
  private func waits(for condition: () -> Bool) -> Bool {
    let deadline = HostClock.now() + TimeSpan(seconds: 60)
    while !condition() {
      guard HostClock.now() < deadline else { return false }
      sched_yield()
    }
    return true
  }

  /// Waits until the thread has ended by itself.
  func ended() {
    worker.join()
    end()
  }

  /// What the thread has written so far.
  func written() -> String {
    var buffer = [UInt8](repeating: 0, count: 4_096)
    let count = read(bench, &buffer, buffer.count)
    return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
  }

  /// Ends the thread and waits for it.
  func end() {
    worker.send(.end)
    worker.join()
    store.stopAndWait()
  }

  deinit {
    close(bench)
    close(host)
    try? FileManager.default.removeItem(at: folder)
  }
}
