// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Reads the data packages of MethodSCRIPT: `P`, then variables joined by `;`, each two letters of type, seven
// hexadecimal digits offset by 0x8000000, one SI prefix, and metadata after commas. The wire has no checksum, so the
// exact shape is the only protection: whatever deviates from it makes the whole package unusable.

/// One variable of a package.
struct PackageVariable {
  /// Its two letters, the first in the high byte.
  var type: UInt16
  /// The digits, without offset; nil when the instrument said `nan`.
  var digits: Int64?
  /// The power of ten of the prefix.
  var exponent: Int
  /// Status bits: 1 timing not met, 2 overload, 4 underload, 8 overload warning.
  var status: UInt8
  /// Range index; 0 when not said.
  var range: UInt16

  /// The value counted in units of ten to the `unitExponent`, rounded half away from zero; nil when it does not fit.
  @inline(__always)
  func count(unitExponent: Int) -> Int64? {
    guard let digits else { return nil }
    let shift = exponent - unitExponent
    if shift >= 0 {
      guard shift <= 18 else { return digits == 0 ? 0 : nil }
      let (value, overflow) = digits.multipliedReportingOverflow(by: powerOfTen(shift))
      return overflow ? nil : value
    }
    guard shift >= -18 else { return 0 }
    let divisor = powerOfTen(-shift)
    let (quotient, remainder) = digits.quotientAndRemainder(dividingBy: divisor)
    return remainder.magnitude >= divisor.magnitude / 2 ? quotient + digits.signum() : quotient
  }
}

/// The types that our scripts send.
enum VariableType {
  /// Potential of the working against the reference electrode, measured.
  static let potential: UInt16 = 0x6162  // ab
  /// Potential that a potentiostat applies, as it is set.
  static let appliedPotential: UInt16 = 0x6461  // da
  /// Current through the working electrode.
  static let current: UInt16 = 0x6261  // ba
  /// Time.
  static let time: UInt16 = 0x6562  // eb
  /// Frequency.
  static let frequency: UInt16 = 0x6463  // dc
  /// Real part of an impedance.
  static let realImpedance: UInt16 = 0x6363  // cc
  /// Imaginary part of an impedance.
  static let imaginaryImpedance: UInt16 = 0x6364  // cd
  /// The kind of a mark.
  static let mark: UInt16 = 0x6A61  // ja
  /// The reason of an end.
  static let reason: UInt16 = 0x6A62  // jb
}

/// Walks over the variables of one package line.
struct PackageCursor {
  private let line: UnsafeRawBufferPointer
  private var offset = 1
  /// Whether something did not have the exact shape.
  private(set) var isMalformed = false
  /// What `advance()` found last. It is read where it stands: handed out of the hot path, it would be written and read
  /// in pieces of different size, and the processor would wait for it.
  private(set) var variable = PackageVariable(type: 0, digits: nil, exponent: 0, status: 0, range: 0)

  /// Begins behind the `P` of `line`.
  @inline(__always)
  init(_ line: UnsafeRawBufferPointer) { self.line = line }

  /// Where the digits of the next variable begin.
  var digitsOffset: Int { offset + 2 }

  /// Whether the package ended as it should.
  @inline(__always)
  var isComplete: Bool { !isMalformed && offset == line.count + 1 }

  /// The next variable; nil at the end and when the shape is wrong.
  mutating func next() -> PackageVariable? { advance() ? variable : nil }

  /// Reads the next variable into `variable`; false at the end and when the shape is wrong.
  mutating func advance() -> Bool {
    guard !isMalformed, offset + Self.width <= line.count else { return malformed() }
    let first = line[offset]
    let second = line[offset + 1]
    guard isLetter(first), isLetter(second) else { return malformed() }
    variable.type = UInt16(first) << 8 | UInt16(second)
    variable.status = 0
    variable.range = 0
    if line[offset + 2] == 0x20 {
      guard isNaN(at: offset + 2) else { return malformed() }
      variable.digits = nil
      variable.exponent = 0
    } else {
      guard let digits = sevenDigits(in: line, at: offset + 2), let exponent = exponent(of: line[offset + 9])
      else { return malformed() }
      variable.digits = digits - signOffset
      variable.exponent = exponent
    }
    offset += Self.width
    while offset < line.count, line[offset] == 0x2C {
      guard readMetadata() else { return malformed() }
    }
    guard offset == line.count || line[offset] == 0x3B else { return malformed() }
    offset += 1
    return true
  }

  /// Two letters, seven digits and a prefix.
  private static let width = 10

  private mutating func malformed() -> Bool {
    isMalformed = true
    return false
  }

  /// Five spaces and `nan` in place of digits and prefix.
  private func isNaN(at start: Int) -> Bool {
    for index in start..<start + 5 where line[index] != 0x20 { return false }
    return line[start + 5] == 0x6E && line[start + 6] == 0x61 && line[start + 7] == 0x6E
  }

  @inline(__always)
  private mutating func readMetadata() -> Bool {
    guard offset + 2 < line.count else { return false }
    let kind = line[offset + 1]
    switch kind {
    case 0x31:  // 1: status
      guard let status = hexadecimal(at: offset + 2, count: 1) else { return false }
      variable.status = UInt8(truncatingIfNeeded: status)
      offset += 3
    case 0x32:  // 2: range
      guard offset + 3 < line.count, let range = hexadecimal(at: offset + 2, count: 2) else { return false }
      variable.range = UInt16(truncatingIfNeeded: range)
      offset += 4
    default:
      return skipMetadata()
    }
    return true
  }

  /// Metadata that we do not know: passed over, but only when it is printable and not empty.
  private mutating func skipMetadata() -> Bool {
    offset += 1
    let start = offset
    while offset < line.count, line[offset] != 0x2C, line[offset] != 0x3B {
      guard isLetter(line[offset]) || hexadecimal(at: offset, count: 1) != nil else { return false }
      offset += 1
    }
    return offset - start >= 2
  }

  @inline(__always)
  private func hexadecimal(at start: Int, count: Int) -> Int64? {
    var value: Int64 = 0
    for index in start..<start + count {
      let byte = line[index]
      let digit: UInt8
      if byte &- 0x30 <= 9 {
        digit = byte &- 0x30
      } else if byte &- 0x41 <= 5 {
        digit = byte &- 0x37
      } else if byte &- 0x61 <= 5 {
        digit = byte &- 0x57
      } else {
        return nil
      }
      value = value &<< 4 | Int64(digit)
    }
    return value
  }

  @inline(__always)
  private func isLetter(_ byte: UInt8) -> Bool { byte &- 0x61 <= 25 }

  /// SI prefixes; a switch because a table would be looked up through a once-check on every reading.
  @inline(__always)
  private func exponent(of prefix: UInt8) -> Int? {
    switch prefix {
    case 0x6D: -3  // m
    case 0x75: -6  // u
    case 0x6E: -9  // n
    case 0x70: -12  // p
    case 0x20, 0x69: 0  // space; i is an integer
    case 0x66: -15  // f
    case 0x61: -18  // a
    case 0x6B: 3  // k
    case 0x4D: 6  // M
    case 0x47: 9  // G
    case 0x54: 12  // T
    case 0x50: 15  // P
    case 0x45: 18  // E
    default: nil
    }
  }
}

/// What the digits of a value are offset by, so that they need no sign.
let signOffset: Int64 = 0x800_0000

/// Seven hexadecimal digits, judged and combined eight bytes at a time; the eighth byte, the prefix, is left out. nil
/// when one is no digit.
@inline(__always)
func sevenDigits(in line: UnsafeRawBufferPointer, at start: Int) -> Int64? {
  let every: UInt64 = 0x0101_0101_0101_0101
  let high = every &* 0x80
  let loaded = UInt64(littleEndian: line.loadUnaligned(fromByteOffset: start, as: UInt64.self))
  let text = (loaded & 0x00FF_FFFF_FFFF_FFFF) | (0x30 << 56)
  guard text & high == 0 else { return nil }
  // The high bit of each byte that lies in the range; no carry leaves a byte, since all are below 0x80.
  let digit = (text &+ every &* (0x80 - 0x30)) & ~(text &+ every &* (0x80 - 0x3A))
  let upper = (text &+ every &* (0x80 - 0x41)) & ~(text &+ every &* (0x80 - 0x47))
  let lower = (text &+ every &* (0x80 - 0x61)) & ~(text &+ every &* (0x80 - 0x67))
  guard (digit | upper | lower) & high == high else { return nil }
  var value = ((text & (every &* 0x0F)) &+ ((text >> 6) & every) &* 9).byteSwapped
  value = (value | value >> 4) & 0x00FF_00FF_00FF_00FF
  value = (value | value >> 8) & 0x0000_FFFF_0000_FFFF
  value = (value | value >> 16) & 0xFFFF_FFFF
  return Int64(truncatingIfNeeded: value >> 4)
}

/// Ten to the power of 0 to 18.
@inline(__always)
func powerOfTen(_ exponent: Int) -> Int64 {
  switch exponent {
  case 0: 1
  case 1: 10
  case 2: 100
  case 3: 1_000
  case 4: 10_000
  case 5: 100_000
  case 6: 1_000_000
  case 7: 10_000_000
  case 8: 100_000_000
  case 9: 1_000_000_000
  case 10: 10_000_000_000
  case 11: 100_000_000_000
  case 12: 1_000_000_000_000
  case 13: 10_000_000_000_000
  case 14: 100_000_000_000_000
  case 15: 1_000_000_000_000_000
  case 16: 10_000_000_000_000_000
  case 17: 100_000_000_000_000_000
  default: 1_000_000_000_000_000_000
  }
}
