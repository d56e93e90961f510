// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The instrument's end of a pseudo-terminal.

import CNacycler
import Foundation
import Glibc

/// A raw, non-blocking pseudo-terminal; both ends stay open so that hosts may come and go.
final class Line {
  let descriptor: Int32
  private let host: Int32
  /// What a host opens.
  let path: String
  private var input = [UInt8](repeating: 0, count: 16_384)

  init() throws {
    var ends: (bench: Int32, host: Int32) = (-1, -1)
    var name = [CChar](repeating: 0, count: 128)
    let result = nacycler_pty_open(&ends.bench, &ends.host, &name, Int32(name.count))
    guard result == 0 else { throw BenchmarkFailure("no pseudo-terminal: errno \(-result)") }
    (descriptor, host) = ends
    path = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit {
    close(descriptor)
    close(host)
  }

  /// Waits for the host so many microseconds at most; returns what it sent, perhaps nothing.
  func read(within microseconds: Int64) -> ArraySlice<UInt8> {
    var waited = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    guard nacycler_poll(&waited, 1, microseconds) > 0 else { return [] }
    let count = Glibc.read(descriptor, &input, input.count)
    return count > 0 ? input[..<count] : []
  }

  /// Writes all of it; a host that does not read for a second is an error.
  func write(_ bytes: [UInt8]) throws {
    var start = 0
    while start < bytes.count {
      let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress.map { $0 + start }, $0.count - start) }
      if count > 0 {
        start += count
        continue
      }
      var waited = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
      guard nacycler_poll(&waited, 1, 1_000_000) > 0 else { throw BenchmarkFailure("the host does not read") }
    }
  }
}
