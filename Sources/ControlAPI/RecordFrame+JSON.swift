// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Records are what a busy daemon sends most, hundreds a second to each reader, and a general encoder spends ten times
// what this does on one. The bytes are the general encoder's (a test compares them).

extension RecordFrame {
  /// Writes the record as `WireCoding.encode` would.
  func write(to bytes: inout [UInt8]) throws {
    guard isFinite else { return try bytes.append(contentsOf: WireCoding.encode(self)) }
    var object = JSONObjectWriter()
    object.write("cell", cell, to: &bytes)
    object.write("cell_cycle_number", cell_cycle_number, to: &bytes)
    object.write("channel", channel, to: &bytes)
    object.write("current_A", current_A, to: &bytes)
    object.write("cycle_number", cycle_number, to: &bytes)
    object.write("direction", direction, to: &bytes)
    object.begin("flags", to: &bytes)
    JSONObjectWriter.write(flags, to: &bytes)
    object.begin("next_cutoff", to: &bytes)
    Self.write(next_cutoff, to: &bytes)
    object.write("run", run, to: &bytes)
    object.write("step_charge_Ah", step_charge_Ah, to: &bytes)
    object.write("step_count", Int64(step_count), to: &bytes)
    object.write("step_energy_Wh", step_energy_Wh, to: &bytes)
    object.write("step_kind", step_kind, to: &bytes)
    object.write("step_label", step_label, to: &bytes)
    object.write("step_path", step_path, to: &bytes)
    object.write("step_record_index", Int64(step_record_index), to: &bytes)
    object.write("step_time_s", step_time_s, to: &bytes)
    object.write("temperature_degC", temperature_degC, to: &bytes)
    object.write("test_time_s", test_time_s, to: &bytes)
    object.write("unix_us", unix_us, to: &bytes)
    object.write("voltage_V", voltage_V, to: &bytes)
    object.end(to: &bytes)
  }

  /// What JSON has no word for is left to the general encoder to refuse.
  private var isFinite: Bool {
    [
      current_A, step_charge_Ah, step_energy_Wh, step_time_s, test_time_s, temperature_degC, voltage_V,
      next_cutoff?.remaining,
    ]
    .allSatisfy { $0?.isFinite ?? true }
  }

  private static func write(_ cutoff: CutoffDistance?, to bytes: inout [UInt8]) {
    guard let cutoff else { return bytes.append(contentsOf: "null".utf8) }
    var object = JSONObjectWriter()
    object.write("condition", cutoff.condition, to: &bytes)
    object.write("remaining", cutoff.remaining, to: &bytes)
    object.write("unit", cutoff.unit, to: &bytes)
    object.end(to: &bytes)
  }
}

/// Writes one JSON object, key by key in the caller's order.
struct JSONObjectWriter {
  private var isEmpty = true

  /// Writes a key; its value follows.
  mutating func begin(_ key: StaticString, to bytes: inout [UInt8]) {
    bytes.append(isEmpty ? UInt8(ascii: "{") : UInt8(ascii: ","))
    isEmpty = false
    bytes.append(UInt8(ascii: "\""))
    key.withUTF8Buffer { bytes.append(contentsOf: $0) }
    bytes.append(UInt8(ascii: "\""))
    bytes.append(UInt8(ascii: ":"))
  }

  /// Ends the object, which has at least one key.
  func end(to bytes: inout [UInt8]) { bytes.append(UInt8(ascii: "}")) }

  /// A whole number or null.
  mutating func write(_ key: StaticString, _ value: Int64?, to bytes: inout [UInt8]) {
    begin(key, to: &bytes)
    if let value { Self.write(value.description, plainTo: &bytes) } else { Self.write("null", plainTo: &bytes) }
  }

  /// A finite number in the fewest digits that mean it, or null.
  mutating func write(_ key: StaticString, _ value: Double?, to bytes: inout [UInt8]) {
    begin(key, to: &bytes)
    guard let value else { return Self.write("null", plainTo: &bytes) }
    Self.write(value.description, plainTo: &bytes)
    // JSON's general encoder writes a whole number without its “.0”.
    if bytes.suffix(2).elementsEqual(".0".utf8) { bytes.removeLast(2) }
  }

  /// Text or null.
  mutating func write(_ key: StaticString, _ value: String?, to bytes: inout [UInt8]) {
    begin(key, to: &bytes)
    if let value { Self.write(value, to: &bytes) } else { bytes.append(contentsOf: "null".utf8) }
  }

  /// A list of texts.
  static func write(_ values: [String], to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "["))
    for (index, value) in values.enumerated() {
      if index > 0 { bytes.append(UInt8(ascii: ",")) }
      write(value, to: &bytes)
    }
    bytes.append(UInt8(ascii: "]"))
  }

  /// A text in quotes.
  static func write(_ text: String, to bytes: inout [UInt8]) {
    var text = text
    bytes.append(UInt8(ascii: "\""))
    text.withUTF8 { text in
      if text.allSatisfy(isPlain) { bytes.append(contentsOf: text) } else { write(text, escapedTo: &bytes) }
    }
    bytes.append(UInt8(ascii: "\""))
  }

  /// Whether a byte of UTF-8 stands for itself in a JSON text.
  private static func isPlain(_ byte: UInt8) -> Bool {
    byte >= 0x20 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
  }

  private static func write(_ text: String, plainTo bytes: inout [UInt8]) {
    var text = text
    text.withUTF8 { bytes.append(contentsOf: $0) }
  }

  private static func write(_ text: UnsafeBufferPointer<UInt8>, escapedTo bytes: inout [UInt8]) {
    for byte in text {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(contentsOf: [UInt8(ascii: "\\"), byte])
      case 0x08: bytes.append(contentsOf: "\\b".utf8)
      case 0x09: bytes.append(contentsOf: "\\t".utf8)
      case 0x0A: bytes.append(contentsOf: "\\n".utf8)
      case 0x0C: bytes.append(contentsOf: "\\f".utf8)
      case 0x0D: bytes.append(contentsOf: "\\r".utf8)
      case 0..<0x20:
        bytes.append(contentsOf: "\\u00".utf8)
        bytes.append(contentsOf: [byte >> 4, byte & 15].map { $0 < 10 ? 0x30 + $0 : 0x57 + $0 })
      default: bytes.append(byte)
      }
    }
  }
}
