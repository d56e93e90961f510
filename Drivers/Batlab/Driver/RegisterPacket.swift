// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Five bytes: start, place, number with the direction in its highest bit, value with the low byte first. The answer has
// the question's first three bytes, and that is all by which it can be told from noise: there is no checksum.

/// A question, or what an answer must look like.
public struct RegisterPacket: Sendable, Hashable {
  /// The first byte.
  public static let start: UInt8 = 0xAA
  /// What a write that was refused, and a place that does not exist, are answered with.
  public static let refusal: UInt16 = 0x0101

  /// Which register.
  public var register: BatlabRegister
  /// What is written; nil for a read.
  public var written: UInt16?
  /// A question.
  public init(_ register: BatlabRegister, writing written: UInt16? = nil) {
    self.register = register
    self.written = written
  }

  /// The third byte.
  public var key: UInt8 { register.number | (written == nil ? 0 : 0x80) }

  /// Appends its bytes.
  public func write(into bytes: inout [UInt8]) {
    let value = written ?? 0
    bytes.append(Self.start)
    bytes.append(register.place)
    bytes.append(key)
    bytes.append(UInt8(truncatingIfNeeded: value))
    bytes.append(UInt8(truncatingIfNeeded: value >> 8))
  }
}
