// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// The checksum of the wire: `*` and the exclusive-or of all bytes before it, as two upper-case hexadecimal digits.
enum WireLine {
  private static let digits = Array("0123456789ABCDEF".utf8)

  /// Appends the checksum of what `output` holds from `start` on, and a line feed.
  static func close(_ output: inout [UInt8], from start: Int) {
    var sum: UInt8 = 0
    for byte in output[start...] { sum ^= byte }
    output.append(UInt8(ascii: "*"))
    output.append(digits[Int(sum >> 4)])
    output.append(digits[Int(sum & 15)])
    output.append(UInt8(ascii: "\n"))
  }

  /// Appends a whole number.
  static func append(_ value: Int64, to output: inout [UInt8]) {
    if value < 0 { output.append(UInt8(ascii: "-")) }
    var rest = value.magnitude
    var divisor: UInt64 = 1
    while rest / divisor >= 10 { divisor *= 10 }
    while divisor > 0 {
      output.append(UInt8(ascii: "0") + UInt8(rest / divisor))
      rest %= divisor
      divisor /= 10
    }
  }

  /// A line without its checksum, if that is right.
  static func body(of line: [UInt8]) -> ArraySlice<UInt8>? {
    let end = line.count - 3
    guard end > 0, line[end] == UInt8(ascii: "*") else { return nil }
    let sum = line[..<end].reduce(0 as UInt8, ^)
    return line[end + 1] == digits[Int(sum >> 4)] && line[end + 2] == digits[Int(sum & 15)] ? line[..<end] : nil
  }
}
