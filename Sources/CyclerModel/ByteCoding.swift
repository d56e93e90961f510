// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The bytes of a checkpoint. A checkpoint is written ten times a second for every running cell, so it is a plain
// little-endian sequence without names; the format number in front of it decides who can read it.

/// Appends fixed-width little-endian values to a byte array.
public struct ByteWriter: Sendable {
  /// What was written.
  public private(set) var bytes: [UInt8] = []
  /// An empty writer.
  public init() {}
  /// Forgets what was written and keeps the memory.
  public mutating func reset() { bytes.removeAll(keepingCapacity: true) }

  /// Writes an integer in its own width.
  public mutating func write<Value: FixedWidthInteger>(_ value: Value) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }
  /// Writes a truth value as one byte.
  public mutating func write(_ value: Bool) { bytes.append(value ? 1 : 0) }
  /// Writes a floating-point number by its bit pattern.
  public mutating func write(_ value: Double) { write(value.bitPattern) }
  /// Writes a presence byte, then the value.
  public mutating func write<Value: FixedWidthInteger>(_ value: Value?) {
    write(value != nil)
    if let value { write(value) }
  }
  /// Writes a 32-bit length, then UTF-8.
  public mutating func write(_ value: String) {
    write(Int32(value.utf8.count))
    bytes.append(contentsOf: value.utf8)
  }
}

/// Reads what `ByteWriter` wrote.
public struct ByteReader: Sendable {
  /// The bytes ended early, or a value cannot be what it is read as.
  public struct Malformed: Error, Hashable {
    /// Where, in bytes from the start.
    public var offset: Int
  }
  private let bytes: [UInt8]
  private var offset = 0
  /// Reads from the start of `bytes`.
  public init(_ bytes: [UInt8]) { self.bytes = bytes }
  /// Whether all was read.
  public var isAtEnd: Bool { offset == bytes.count }
  /// The error that names the present place.
  public var malformed: Malformed { Malformed(offset: offset) }

  /// Reads an integer in its own width.
  public mutating func read<Value: FixedWidthInteger>(_ type: Value.Type = Value.self) throws(Malformed) -> Value {
    let width = MemoryLayout<Value>.size
    guard offset + width <= bytes.count else { throw malformed }
    let value = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: Value.self) }
    offset += width
    return Value(littleEndian: value)
  }
  /// Reads a truth value.
  public mutating func readBool() throws(Malformed) -> Bool {
    let byte: UInt8 = try read()
    guard byte <= 1 else { throw malformed }
    return byte == 1
  }
  /// Reads a floating-point number.
  public mutating func readDouble() throws(Malformed) -> Double { Double(bitPattern: try read(UInt64.self)) }
  /// Reads a presence byte and perhaps a value.
  public mutating func readOptional<Value: FixedWidthInteger>(
    _ type: Value.Type = Value.self
  ) throws(Malformed) -> Value? {
    try readBool() ? try read(Value.self) : nil
  }
  /// Reads a length and UTF-8.
  public mutating func readString() throws(Malformed) -> String {
    let length: Int32 = try read()
    guard length >= 0, offset + Int(length) <= bytes.count else { throw malformed }
    let text = String(decoding: bytes[offset..<offset + Int(length)], as: UTF8.self)
    offset += Int(length)
    return text
  }
}
