// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The bytes of a checkpoint. A checkpoint is written ten times a second for every running cell, so it is a plain
// little-endian sequence without names; the format number in front of it decides who can read it.

/// Appends fixed-width little-endian values to memory that it keeps. Inlinable, so that another module's checkpoint is a
/// row of plain stores.
///
/// Owns raw memory, because an array asks at every value whether it is shared; so it cannot be copied.
/// `@unchecked Sendable`: nothing else has the pointer, and who holds the only value holds the memory.
public struct ByteWriter: ~Copyable, @unchecked Sendable {
  /// What lies after `written` means nothing.
  @usableFromInline var memory: UnsafeMutableRawBufferPointer
  @usableFromInline var written = 0
  /// How many bytes were written.
  public var count: Int { written }

  /// An empty writer.
  public init() { memory = .allocate(byteCount: 1_024, alignment: 16) }
  deinit { memory.deallocate() }
  /// A copy of what was written.
  public var bytes: [UInt8] { Array(memory[..<written]) }
  /// Forgets what was written and keeps the memory.
  public mutating func reset() { written = 0 }

  /// Makes room for more bytes and counts them as written; the place of the first.
  @inlinable mutating func take(_ more: Int) -> Int {
    let place = written
    written += more
    if written > memory.count { grow(keeping: place) }
    return place
  }

  @inline(never) @usableFromInline mutating func grow(keeping count: Int) {
    let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: max(written, memory.count * 2), alignment: 16)
    larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: memory[..<count]))
    memory.deallocate()
    memory = larger
  }

  /// Writes an integer in its own width.
  @inlinable public mutating func write<Value: FixedWidthInteger>(_ value: Value) {
    let place = take(MemoryLayout<Value>.size)
    memory.storeBytes(of: value.littleEndian, toByteOffset: place, as: Value.self)
  }
  /// Writes a truth value as one byte.
  @inlinable public mutating func write(_ value: Bool) { write(value ? 1 : 0 as UInt8) }
  /// Writes a floating-point number by its bit pattern.
  @inlinable public mutating func write(_ value: Double) { write(value.bitPattern) }
  /// Writes a presence byte, then the value.
  @inlinable public mutating func write<Value: FixedWidthInteger>(_ value: Value?) {
    write(value != nil)
    if let value { write(value) }
  }
  /// Writes a 32-bit length, then UTF-8.
  public mutating func write(_ value: String) {
    var value = value
    value.withUTF8 { text in
      write(Int32(text.count))
      let place = take(text.count)
      UnsafeMutableRawBufferPointer(rebasing: memory[place..<place + text.count]).copyMemory(
        from: UnsafeRawBufferPointer(text))
    }
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
