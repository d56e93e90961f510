// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// Writes what the host says, with its checksum, without allocating once `output` has grown.
struct HostLine {
  private let start: Int

  /// A line that begins with `letter`.
  init(_ letter: Character, _ output: inout [UInt8]) {
    start = output.count
    output.append(letter.asciiValue ?? UInt8(ascii: "?"))
  }

  /// Appends a word.
  func add(_ word: StaticString, _ output: inout [UInt8]) {
    output.append(UInt8(ascii: " "))
    output.append(contentsOf: UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount))
  }

  /// Appends a number that is not negative.
  func add(_ number: Int64, _ output: inout [UInt8], separator: Character = " ") {
    output.append(separator.asciiValue ?? UInt8(ascii: " "))
    var divisor: Int64 = 1
    while number / divisor >= 10 { divisor *= 10 }
    while divisor > 0 {
      output.append(UInt8(ascii: "0") + UInt8(number / divisor % 10))
      divisor /= 10
    }
  }

  /// Appends checksum and line feed.
  func close(_ output: inout [UInt8]) {
    var sum: UInt8 = 0
    for index in start..<output.count { sum ^= output[index] }
    output.append(UInt8(ascii: "*"))
    output.append(Self.digit(sum >> 4))
    output.append(Self.digit(sum & 15))
    output.append(UInt8(ascii: "\n"))
  }

  private static func digit(_ nibble: UInt8) -> UInt8 {
    nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "A") + nibble - 10
  }
}
