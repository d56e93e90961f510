// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Serial bytes arrive in pieces that have nothing to do with lines. The framer finds the lines again, without copying
// when a whole line lies in the piece at hand and without allocating otherwise. It does not know what a line means.

/// Splits a byte stream into lines that end with LF; carriage returns and, where asked, XON and XOFF are dropped.
public struct LineFramer: Sendable {
  /// What the framer found.
  public enum Piece: Sendable, Hashable {
    /// A line in the given bytes, without its end.
    case line(Range<Int>)
    /// A line that came in pieces or with dropped bytes in it; fetch it with `exchangeAssembled`.
    case assembled
    /// A line longer than the limit ended; its bytes are gone.
    case overlong
    /// All bytes are used up.
    case none
  }

  /// The longest line, in bytes without its end.
  public let maximumLength: Int
  /// Whether XON (0x11) and XOFF (0x13) are dropped.
  public let dropsFlowControl: Bool
  @usableFromInline internal private(set) var partial: [UInt8] = []
  @usableFromInline internal private(set) var partialIsComplete = false
  @usableFromInline internal private(set) var isSkipping = false

  /// A framer in front of the first byte.
  public init(maximumLength: Int, dropsFlowControl: Bool = true) {
    precondition(maximumLength > 0, "a line needs room for at least one byte")
    self.maximumLength = maximumLength
    self.dropsFlowControl = dropsFlowControl
    partial.reserveCapacity(maximumLength)
  }

  /// Forgets a line that has begun.
  public mutating func reset() {
    partial.removeAll(keepingCapacity: true)
    partialIsComplete = false
    isSkipping = false
  }

  /// Whether the next byte begins a line.
  @inlinable @inline(__always)
  public var isBetweenLines: Bool { partialIsComplete || (partial.isEmpty && !isSkipping) }

  /// Finds the next line at or after `offset` and moves `offset` behind it; call again until it says `none`.
  public mutating func next(in bytes: UnsafeRawBufferPointer, at offset: inout Int) -> Piece {
    if partialIsComplete {
      partial.removeAll(keepingCapacity: true)
      partialIsComplete = false
    }
    guard partial.isEmpty, !isSkipping else { return assemble(bytes, from: offset, to: &offset) }
    let start = offset
    var index = start
    while index < bytes.count {
      if bytes.count - index >= 8 {
        let marks = Self.marks(in: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
        // A branch, so that the processor reads on before it knows.
        if marks == 0 {
          index += 8
          continue
        }
        index += marks.trailingZeroBitCount / 8
      }
      let byte = bytes[index]
      if byte == Self.lineFeed {
        offset = index + 1
        return index - start > maximumLength ? .overlong : .line(start..<index)
      }
      if byte <= Self.xOff, isDropped(byte) { break }
      index += 1
    }
    if index - start > maximumLength {
      isSkipping = true
    } else {
      partial.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[start..<index]))
    }
    return assemble(bytes, from: index, to: &offset)
  }

  /// Swaps the assembled line with `line`: call it to take the line out and, to keep its memory in use, once more to
  /// put it back. Only valid after `assembled`.
  public mutating func exchangeAssembled(_ line: inout [UInt8]) { swap(&partial, &line) }

  private mutating func assemble(_ bytes: UnsafeRawBufferPointer, from start: Int, to offset: inout Int) -> Piece {
    var index = start
    while index < bytes.count {
      let byte = bytes[index]
      index += 1
      if byte == Self.lineFeed {
        offset = index
        let wasSkipping = isSkipping
        isSkipping = false
        if wasSkipping { return .overlong }
        partialIsComplete = true
        return .assembled
      }
      if isSkipping || isDropped(byte) { continue }
      if partial.count == maximumLength {
        isSkipping = true
        partial.removeAll(keepingCapacity: true)
      } else {
        partial.append(byte)
      }
    }
    offset = index
    return .none
  }

  /// The high bit of each of eight bytes that is below 0x14, where all bytes with a meaning are; above the first, some
  /// others may be marked.
  @inline(__always)
  private static func marks(in loaded: UInt64) -> UInt64 {
    let bytes = UInt64(littleEndian: loaded)
    let every: UInt64 = 0x0101_0101_0101_0101
    return (bytes &- (every &* 0x14)) & ~bytes & (every &* 0x80)
  }

  private func isDropped(_ byte: UInt8) -> Bool {
    byte == Self.carriageReturn || (dropsFlowControl && (byte == Self.xOn || byte == Self.xOff))
  }

  private static let lineFeed: UInt8 = 0x0A
  private static let carriageReturn: UInt8 = 0x0D
  private static let xOn: UInt8 = 0x11
  private static let xOff: UInt8 = 0x13
}
