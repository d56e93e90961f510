// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Data packages as a MethodSCRIPT instrument writes them: `P`, then variables of two letters, seven hexadecimal digits
// offset by 0x8000000 and an SI prefix, joined by `;`.

import CyclerModel
import Quantities

enum WireText {
  /// The unit in which a time is written; seven digits hold 37 h in milliseconds and 134 s in microseconds.
  enum TimeUnit {
    case milliseconds
    case microseconds
  }

  /// Appends one variable.
  static func append(_ type: StaticString, _ digits: Int64, _ prefix: Unicode.Scalar, to bytes: inout [UInt8]) {
    bytes.append(contentsOf: UnsafeBufferPointer(start: type.utf8Start, count: type.utf8CodeUnitCount))
    let offset = UInt64(bitPattern: digits + 0x800_0000)
    for place in (0..<7).reversed() {
      let digit = UInt8(truncatingIfNeeded: offset >> UInt64(place * 4)) & 0xF
      bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "A") + digit - 10)
    }
    bytes.append(UInt8(truncatingIfNeeded: prefix.value))
  }

  /// Appends the package of a reading: voltage in microvolts, current in nanoamperes.
  static func append(_ reading: Reading, to bytes: inout [UInt8], timeIn unit: TimeUnit, metadata: Bool) {
    bytes.append(UInt8(ascii: "P"))
    switch unit {
    case .milliseconds: append("eb", reading.time.microseconds / 1_000, "m", to: &bytes)
    case .microseconds: append("eb", reading.time.microseconds, "u", to: &bytes)
    }
    append(";ab", (reading.voltage?.nanovolts ?? 0) / 1_000, "u", to: &bytes)
    if metadata { bytes.append(contentsOf: ",10,206".utf8) }
    if let current = reading.current {
      append(";ba", current.picoamperes / 1_000, "n", to: &bytes)
      if metadata { bytes.append(contentsOf: ",10,212".utf8) }
    }
    bytes.append(0x0A)
  }
}
