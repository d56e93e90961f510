// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What the host can ask, word for word. The firmware compares a packet's length before its text, so nothing stands behind a
// command, and a packet carries one. Source of the words: firmware/main.c of TDstatv3 and of MYSTAT.

/// A command and what its answer looks like.
enum Question: Sendable, Hashable {
  /// Disconnects the cell; connects it.
  case cellOff, cellOn
  /// What the output is to regulate.
  case potentiostatic, galvanostatic
  /// Selects a shunt, by the firmware's number.
  case range(Int)
  /// Sets the output's converter.
  case output(OutputCode)
  /// The result of the last conversion; with its answer the next one begins.
  case conversion
  /// What is stored: offsets of both converters, the output's own calibration, the shunts.
  case offsets, outputCalibration, shunts

  /// What an answer must look like. Every command may also be answered by `?`.
  enum Expected: Sendable, Hashable {
    /// `OK`.
    case acknowledgement
    /// Six bytes, or `WAIT`.
    case conversion
    /// Six bytes.
    case memory
    /// Six bytes from a TDstatv3, eight from a MYSTAT.
    case shunts
  }

  var expected: Expected {
    switch self {
    case .cellOff, .cellOn, .potentiostatic, .galvanostatic, .range, .output: .acknowledgement
    case .conversion: .conversion
    case .offsets, .outputCalibration: .memory
    case .shunts: .shunts
    }
  }

  /// The command's words, without what is behind a blank in `DACSET`.
  var words: String {
    switch self {
    case .cellOff: "CELL OFF"
    case .cellOn: "CELL ON"
    case .potentiostatic: "POTENTIOSTATIC"
    case .galvanostatic: "GALVANOSTATIC"
    case .range(let number): "RANGE \(number)"
    case .output: "DACSET"
    case .conversion: "ADCREAD"
    case .offsets: "OFFSETREAD"
    case .outputCalibration: "DACCALGET"
    case .shunts: "SHUNTCALREAD"
    }
  }

  /// Appends the packet.
  func write(into bytes: inout [UInt8]) {
    bytes.append(contentsOf: words.utf8)
    guard case .output(let code) = self else { return }
    bytes.append(UInt8(ascii: " "))
    code.write(into: &bytes)
  }
}
