// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What the host sends: ten bytes, FA, code, three numbers, checksum, F8. Nothing answers it; what it did is seen in the
// reports that follow.

/// A command.
struct CommandFrame: Sendable, Hashable {
  /// The codes that mean the same for all models; those that start something are the models' own.
  enum Code {
    /// End whatever runs.
    static let stop: UInt8 = 0x02
    /// Begin to report. The instrument shows `PC`.
    static let connect: UInt8 = 0x05
    /// Discharge with a constant current.
    static let dischargeCurrent: UInt8 = 0x01
    /// Discharge with a constant power.
    static let dischargePower: UInt8 = 0x11
  }

  /// The first byte of every frame; no other byte has this value.
  static let start: UInt8 = 0xFA
  /// The last.
  static let end: UInt8 = 0xF8

  /// Ends whatever runs.
  static let stop = CommandFrame(code: Code.stop)
  /// Asks for reports.
  static let connect = CommandFrame(code: Code.connect)

  /// What is to be done.
  var code: UInt8
  /// Their meaning depends on the code.
  var numbers = FrameNumbers()

  /// Appends its bytes.
  func write(into bytes: inout [UInt8]) {
    bytes.append(Self.start)
    let first = bytes.count
    bytes.append(code)
    Self.append(numbers.first, to: &bytes)
    Self.append(numbers.second, to: &bytes)
    Self.append(numbers.third, to: &bytes)
    bytes.append(Self.checksum(bytes[first...]))
    bytes.append(Self.end)
  }

  private static func append(_ number: FrameNumber, to bytes: inout [UInt8]) {
    bytes.append(number.high)
    bytes.append(number.low)
  }

  /// All bytes by exclusive or. A sum from F0 to FF would mark a frame, so its high digit is left out then.
  static func checksum(_ bytes: some Sequence<UInt8>) -> UInt8 {
    let sum = bytes.reduce(0, ^)
    return sum >= 0xF0 ? sum & 0x0F : sum
  }
}
