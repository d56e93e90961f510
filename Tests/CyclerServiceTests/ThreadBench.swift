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

  init(
    _ gate: Gate? = nil, startsStore: Bool = true, news: @escaping @Sendable (PortNews) -> Void = { _ in }
  ) throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "nacycler-port-\(UUID().uuidString)")
    store = try CycleStore.open(at: folder.path)
    if startsStore { try store.start() }
    var name = [CChar](repeating: 0, count: 64)
    try #require(nacycler_pty_open(&bench, &host, &name, CInt(name.count)) == 0)
    worker = try PortWorker(path: name.withUnsafeBytes { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
    inlet = store.makeInlet(name: "port")
    try worker.start(
      inlet: inlet, storePatience: TimeSpan(seconds: 600),
      makeDriver: { gate.map { SilentDriver($0) } ?? SilentDriver() }, news: { news($1) })
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
