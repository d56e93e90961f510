// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What the instrument sends, every two seconds and unasked: nineteen bytes, FA, status, current, voltage, charge, two that
// are always 0, the three numbers of the command that it carries out or carried out last, model, checksum, F8.

/// A report whose form and checksum are right.
struct Report: Sendable, Hashable {
  /// Bytes of a report.
  static let length = 19

  /// What the instrument is doing.
  enum State: Sendable, Hashable {
    /// Nothing flows.
    case stopped
    /// Its current flows.
    case running
    /// It ended by a rule of its own; nothing flows.
    case finished
    /// One of the first reports after `connect`: it counts for nothing but as a reason to stop.
    case connecting(isRunning: Bool)
    /// A status that nobody knows.
    case unknown
  }

  /// What the instrument is doing.
  var state: State
  /// The model's number for what it does or did last.
  var mode: UInt8
  /// In steps of the model's current.
  var current: Int
  /// Millivolts.
  var millivolts: Int
  /// The command's three numbers.
  var numbers: FrameNumbers
  /// The model's code.
  var model: UInt8

  /// Reads a whole frame; nil where it is none, or its checksum is wrong.
  init?(_ frame: [UInt8]) {
    guard frame.count == Self.length, frame[0] == CommandFrame.start, frame[18] == CommandFrame.end,
      frame[17] == CommandFrame.checksum(frame[1..<17]),
      // What is measured has digits below 240; settings of another program need not have.
      frame[1..<8].allSatisfy({ $0 < 0xF0 })
    else { return nil }
    state =
      switch frame[1] / 10 {
      case 0: .stopped
      case 1: .running
      case 2: .finished
      case 10: .connecting(isRunning: false)
      case 11: .connecting(isRunning: true)
      default: .unknown
      }
    mode = frame[1] % 10
    current = FrameNumber(high: frame[2], low: frame[3]).value
    millivolts = FrameNumber(high: frame[4], low: frame[5]).value
    numbers = FrameNumbers(frame, at: 10)
    model = frame[16]
  }
}
