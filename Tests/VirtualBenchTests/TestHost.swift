// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import FoundationEssentials
import Glibc
import Testing
import VirtualBench
import VirtualLab

/// Asks again and again until the answer is yes, for ten seconds at most; says whether it was.
func eventually(_ condition: () throws -> Bool) rethrows -> Bool {
  let clock = ContinuousClock()
  let deadline = clock.now + .seconds(10)
  while clock.now < deadline {
    if try condition() { return true }
    sched_yield()
  }
  return false
}

/// What a host does with a line: opens it, writes, and waits for text to come.
final class TestHost {
  private let descriptor: Int32
  /// All that came so far.
  private var bytes: [UInt8] = []
  /// Whether the line was hung up.
  private(set) var isHungUp = false

  /// Opens a line as soon as its link leads somewhere.
  init(_ link: String) throws {
    var descriptor: Int32 = -1
    let isOpen = eventually {
      descriptor = open(link, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)
      return descriptor >= 0
    }
    try #require(isOpen, "\(link) cannot be opened")
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  /// What came so far, as text.
  var heard: String { String(decoding: bytes, as: UTF8.self) }

  func say(_ text: String) throws {
    let bytes = Array(text.utf8)
    #expect(write(descriptor, bytes, bytes.count) == bytes.count)
  }

  /// Reads until `text` has come, or the line hangs up, or nothing came for ten seconds.
  @discardableResult
  func wait(for text: String) -> Bool {
    let wanted = Array(text.utf8)
    var searched = 0
    while true {
      if searched < bytes.count, Self.contains(bytes[max(0, searched - wanted.count)...], wanted) { return true }
      searched = bytes.count
      guard readMore() else { return false }
    }
  }

  /// Reads until the line hangs up; false when it does not within ten seconds of silence.
  func waitForHangUp() -> Bool {
    while readMore() {}
    return isHungUp
  }

  private func readMore() -> Bool {
    guard !isHungUp else { return false }
    var waited = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    guard poll(&waited, 1, 10_000) > 0 else { return false }
    var buffer = [UInt8](repeating: 0, count: 65536)
    let count = read(descriptor, &buffer, buffer.count)
    isHungUp = count <= 0
    if count > 0 { bytes.append(contentsOf: buffer[..<count]) }
    return !isHungUp
  }

  private static func contains(_ bytes: ArraySlice<UInt8>, _ wanted: [UInt8]) -> Bool {
    guard let first = wanted.first else { return true }
    var rest = bytes
    while let start = rest.firstIndex(of: first) {
      rest = rest[start...]
      if rest.starts(with: wanted) { return true }
      rest = rest.dropFirst()
    }
    return false
  }
}

/// A folder that is gone with its test.
final class TestFolder {
  let path: String

  init() throws {
    var template = Array("/tmp/nasim-test-XXXXXX".utf8CString)
    path = try #require(mkdtemp(&template).map { String(cString: $0) })
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// A plan with the hard-carbon cell of the repository.
func plan(in folder: TestFolder, pace: Pace) throws -> BenchPlan {
  let root = String(#filePath.dropLast("Tests/VirtualBenchTests/TestHost.swift".count))
  let preset = try PresetShelf(named: root + "VirtualCells").preset("hard-carbon")
  var plan = BenchPlan(
    instrument: try #require(EmulatedFamilies.model(named: "emstat4-hr")), cellName: "hard-carbon", preset: preset,
    links: folder.path)
  plan.pace = pace
  return plan
}

/// A script that sodiates with 36 µA, one package each `interval` seconds, for `runTime` seconds.
func sodiation(interval: Int, runTime: Int) -> String {
  """
  e
  var p
  var i
  set_pgstat_chan 0
  set_pgstat_mode 6
  set_max_bandwidth 1
  set_range_minmax ab -500m 2800m
  set_range db 100u
  set_i -36u
  cell_on
  meas_loop_cp p i -36u \(interval) \(runTime)
  pck_start
  pck_add p
  pck_add i
  pck_end
  endloop
  on_finished:
  cell_off


  """
}
