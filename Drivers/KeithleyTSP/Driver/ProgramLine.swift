// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What a line of the program on the instrument says, found in its bytes without making strings of them. Every line but an
// error's has a fixed width.

internal import CyclerModel
internal import Quantities

/// A line of the program.
enum ProgramLine: Sendable, Hashable {
  /// To which channel and call a line belongs.
  struct Origin: Sendable, Hashable {
    /// From 0.
    var channel: Int
    /// The number that the host gave the call.
    var number: Int
  }

  /// What a measurement found besides its numbers.
  struct Flags: OptionSet, Sendable, Hashable {
    let rawValue: Int
    /// The source is limited.
    static let compliance = Flags(rawValue: 1)
    /// The voltage is held.
    static let hold = Flags(rawValue: 2)
  }

  /// A measurement; a value is nil beyond the range or where it is no number.
  case reading(Origin, time: TimeSpan, voltage: Voltage?, current: Current?, Flags)
  /// The output is on.
  case closed(Origin, time: TimeSpan)
  /// The voltage is held from here.
  case held(Origin, time: TimeSpan)
  /// The output is off and the cell is disconnected, for a reason.
  case opened(Origin, time: TimeSpan, reason: Int)
  /// What the error queue held.
  case error(Origin)
  /// The host's renewal was heard.
  case alive

  /// Reads a line; nil unless its form is exact.
  init?(_ line: UnsafeRawBufferPointer) {
    guard line.count >= 1 else { return nil }
    if line.count == 1 {
      guard line[0] == UInt8(ascii: "T") else { return nil }
      self = .alive
      return
    }
    guard line.count >= 7, line[2] == Self.space, line[6] == Self.space,
      let channel = Self.digits(line, 1..<2), (1...2).contains(channel), let number = Self.digits(line, 3..<6)
    else { return nil }
    let origin = Origin(channel: channel - 1, number: number)
    if line[0] == UInt8(ascii: "E") {
      self = .error(origin)
      return
    }
    guard let time = Self.time(line, at: 7), let parsed = Self.timed(line, origin, time) else { return nil }
    self = parsed
  }

  private static func timed(_ line: UnsafeRawBufferPointer, _ origin: Origin, _ time: TimeSpan) -> ProgramLine? {
    switch (line[0], line.count) {
    case (UInt8(ascii: "C"), 23): return .closed(origin, time: time)
    case (UInt8(ascii: "H"), 23): return .held(origin, time: time)
    case (UInt8(ascii: "O"), 31):
      // The two zeros are the proof: the output is off, and off means disconnected.
      guard line[23] == space, line[27] == space, line[29] == space, let reason = digits(line, 24..<27),
        line[28] == UInt8(ascii: "0"), line[30] == UInt8(ascii: "0")
      else { return nil }
      return .opened(origin, time: time, reason: reason)
    case (UInt8(ascii: "R"), 59):
      guard line[23] == space, line[40] == space, line[57] == space, let flags = digits(line, 58..<59), flags < 4,
        let volts = ProgramNumber(line, at: 24), let amperes = ProgramNumber(line, at: 41)
      else { return nil }
      return .reading(
        origin, time: time, voltage: volts.count(decimals: 9).map { Voltage(nanovolts: $0) },
        current: amperes.count(decimals: 12).map { Current(picoamperes: $0) }, Flags(rawValue: flags))
    default: return nil
    }
  }

  private static let space = UInt8(ascii: " ")

  /// A whole number without a sign.
  static func digits(_ line: UnsafeRawBufferPointer, _ range: Range<Int>) -> Int? {
    var value = 0
    for place in range {
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(line[place]) else { return nil }
      value = value * 10 + Int(line[place] - UInt8(ascii: "0"))
    }
    return value
  }

  /// `000001234.567890` in seconds.
  private static func time(_ line: UnsafeRawBufferPointer, at start: Int) -> TimeSpan? {
    guard line.count >= start + 16, line[start + 9] == UInt8(ascii: "."),
      let seconds = digits(line, start..<start + 9), let microseconds = digits(line, start + 10..<start + 16)
    else { return nil }
    return TimeSpan(microseconds: Int64(seconds) * 1_000_000 + Int64(microseconds))
  }
}

/// A number of exactly sixteen bytes, `+3.700123456e+00`, as the program writes what it measured.
struct ProgramNumber: Sendable, Hashable {
  /// Ten digits and a sign: the value is this times ten to `exponent` − 9.
  let mantissa: Int64
  /// Of the digit before the point.
  let exponent: Int

  /// Reads the number that begins at `start`; nil unless its form is exact.
  init?(_ line: UnsafeRawBufferPointer, at start: Int) {
    guard line.count >= start + 16, let sign = Self.sign(line[start]), line[start + 2] == UInt8(ascii: "."),
      line[start + 12] == UInt8(ascii: "e"), let exponentSign = Self.sign(line[start + 13]),
      let first = ProgramLine.digits(line, start + 1..<start + 2),
      let fraction = ProgramLine.digits(line, start + 3..<start + 12),
      let power = ProgramLine.digits(line, start + 14..<start + 16)
    else { return nil }
    mantissa = Int64(sign) * (Int64(first) * 1_000_000_000 + Int64(fraction))
    exponent = exponentSign * power
  }

  private static func sign(_ byte: UInt8) -> Int? {
    switch byte {
    case UInt8(ascii: "+"): 1
    case UInt8(ascii: "-"): -1
    default: nil
    }
  }

  /// The value in units of ten to −`decimals`, rounded half away from zero; nil where it is no measurement (9.91e37) or
  /// too large.
  func count(decimals: Int) -> Int64? {
    guard exponent <= 6 else { return nil }
    var shift = exponent - 9 + decimals
    var value = mantissa
    while shift > 0 {
      let (product, overflows) = value.multipliedReportingOverflow(by: 10)
      if overflows { return nil }
      value = product
      shift -= 1
    }
    if shift < -18 { return 0 }
    var divisor: Int64 = 1
    while shift < 0 {
      divisor *= 10
      shift += 1
    }
    let half = divisor / 2
    return (value + (value < 0 ? -half : half)) / divisor
  }
}
