// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import CyclerModel

/// Where the columns of one of our own exports stand. It is known by its columns and never by its name: a file that was
/// renamed, or written anew by another program with all of them, is one as well.
struct StampedHeading: Sendable, Hashable {
  /// What separates fields.
  let delimiter: UInt8
  /// How many there are.
  let count: Int
  let testTime: Int
  let voltage: Int
  let current: Int
  let step: Int
  let stepTime: Int
  /// Counted from 0 in the step.
  let index: Int
  /// 1 where the format counts from 1 and marks with a 0 what no record is, otherwise 0.
  let firstIndex: Int64
  let charge: Int
  let energy: Int
  let halfCycle: Int
  let flags: Int
  let stamps: Int

  private static let batteryDataFormat = [
    "Test Time / s", "Voltage / V", "Current / A", "Step Count / 1", "Step Time / s", "Step Record Index / 1",
    "Step Net Capacity / Ah", "Step Net Energy / Wh", "Half-Cycle / 1", "Flags / 1", "Stamps",
  ]
  private static let ownNames = [
    "test_time_s", "voltage_V", "current_A", "step_count", "step_time_s", "step_record_index", "step_charge_Ah",
    "step_energy_Wh", "half_cycle", "flags", "stamps",
  ]

  /// nil when the line is not the heading of such a table.
  init?(line: [UInt8]) {
    guard let text = String(validating: line, as: UTF8.self) else { return nil }
    for delimiter in [",", ";", "\t"] as [Character] {
      let names = TableHeader.names(text, delimiter)
      for (wanted, firstIndex) in [(Self.batteryDataFormat, 1), (Self.ownNames, 0)] {
        let places = wanted.compactMap { names.firstIndex(of: $0) }
        guard places.count == wanted.count, let mark = delimiter.asciiValue else { continue }
        self.delimiter = mark
        count = names.count
        testTime = places[0]
        voltage = places[1]
        current = places[2]
        step = places[3]
        stepTime = places[4]
        index = places[5]
        charge = places[6]
        energy = places[7]
        halfCycle = places[8]
        flags = places[9]
        stamps = places[10]
        self.firstIndex = Int64(firstIndex)
        return
      }
    }
    return nil
  }
}

/// Decimal numbers as whole counts of a unit, without a detour over binary fractions.
enum ExactDecimal {
  /// `text` times ten to the `exponent`, rounded half away from zero; nil when it is no number or too long for one.
  static func read(_ text: UnsafeBufferPointer<UInt8>, exponent: Int) -> Int128? {
    var place = 0
    let isNegative = text.first == UInt8(ascii: "-")
    if isNegative || text.first == UInt8(ascii: "+") { place = 1 }
    var value: Int128 = 0
    var digits = 0
    var scale = exponent
    var isFraction = false
    while place < text.count {
      let byte = text[place]
      if byte == UInt8(ascii: "."), !isFraction {
        isFraction = true
      } else if byte &- UInt8(ascii: "0") < 10 {
        guard value < most else { return nil }
        value = value * 10 + Int128(byte &- UInt8(ascii: "0"))
        digits += 1
        if isFraction { scale -= 1 }
      } else {
        break
      }
      place += 1
    }
    guard digits > 0 else { return nil }
    if place < text.count {
      guard text[place] | 0x20 == UInt8(ascii: "e"), place + 1 < text.count,
        let power = Int(String(decoding: text[(place + 1)...], as: UTF8.self)), power.magnitude < 100
      else { return nil }
      scale += power
    }
    while scale > 0, value != 0 {
      guard value < most else { return nil }
      value *= 10
      scale -= 1
    }
    if scale < 0 {
      guard scale > -38 else { return 0 }
      var divisor: Int128 = 1
      for _ in 0..<(-scale) { divisor *= 10 }
      value = (value + divisor / 2) / divisor
    }
    return isNegative ? -value : value
  }

  // Ten times this is still far from the end of the range.
  private static let most: Int128 = 1_000_000_000_000_000_000_000_000_000_000_000
}
