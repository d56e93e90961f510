// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What the firmware understands. It compares the length of a packet first and then its first letters, so a packet is a command
// or nothing; bytes behind a blank may be any.

/// A command with what stands behind its blank.
enum FirmwareCommand: Sendable, Hashable {
  case cellOn, cellOff, potentiostatic, galvanostatic
  case range(Int)
  case setOutput([UInt8])
  case calibrateOutput
  case readConverters
  case readOffsets, readOutputCalibration, readShunts
  case saveOffsets([UInt8]), setOutputCalibration([UInt8]), saveShunts([UInt8])

  private static let plain: [(words: String, command: FirmwareCommand)] = [
    ("CELL ON", .cellOn), ("CELL OFF", .cellOff), ("POTENTIOSTATIC", .potentiostatic),
    ("GALVANOSTATIC", .galvanostatic), ("RANGE 1", .range(1)), ("RANGE 2", .range(2)), ("RANGE 3", .range(3)),
    ("DACCAL", .calibrateOutput), ("ADCREAD", .readConverters), ("OFFSETREAD", .readOffsets),
    ("DACCALGET", .readOutputCalibration), ("SHUNTCALREAD", .readShunts),
  ]

  /// Words that bytes stand behind, and how many.
  private static func written(_ board: TDstatBoard) -> [(words: String, count: Int)] {
    [("DACSET ", 3), ("OFFSETSAVE ", 6), ("DACCALSET ", 6), ("SHUNTCALSAVE ", 2 * board.rangeCount)]
  }

  /// The command that a packet is; nil for none.
  init?(_ packet: [UInt8], on board: TDstatBoard) {
    if board.rangeCount == 4, packet == Array("RANGE 4".utf8) {
      self = .range(4)
    } else if let known = Self.plain.first(where: { packet == Array($0.words.utf8) }) {
      self = known.command
    } else if let known = Self.written(board).first(where: {
      packet.count == $0.words.utf8.count + $0.count && packet.starts(with: $0.words.utf8)
    }) {
      let bytes = Array(packet.dropFirst(known.words.utf8.count))
      switch known.words {
      case "DACSET ": self = .setOutput(bytes)
      case "OFFSETSAVE ": self = .saveOffsets(bytes)
      case "DACCALSET ": self = .setOutputCalibration(bytes)
      default: self = .saveShunts(bytes)
      }
    } else {
      return nil
    }
  }

  /// Whether a command begins with these bytes, or is all of them.
  static func canBegin(with bytes: [UInt8], on board: TDstatBoard) -> Bool {
    if plain.contains(where: { $0.words.utf8.starts(with: bytes) }) { return true }
    if board.rangeCount == 4, "RANGE 4".utf8.starts(with: bytes) { return true }
    return written(board).contains { known in
      bytes.count <= known.words.utf8.count + known.count
        && (known.words.utf8.starts(with: bytes) || bytes.starts(with: known.words.utf8))
    }
  }

  /// Its first word or words, as tests name it.
  var name: String {
    switch self {
    case .cellOn: "CELL ON"
    case .cellOff: "CELL OFF"
    case .potentiostatic: "POTENTIOSTATIC"
    case .galvanostatic: "GALVANOSTATIC"
    case .range: "RANGE"
    case .setOutput: "DACSET"
    case .calibrateOutput: "DACCAL"
    case .readConverters: "ADCREAD"
    case .readOffsets: "OFFSETREAD"
    case .readOutputCalibration: "DACCALGET"
    case .readShunts: "SHUNTCALREAD"
    case .saveOffsets: "OFFSETSAVE"
    case .setOutputCalibration: "DACCALSET"
    case .saveShunts: "SHUNTCALSAVE"
    }
  }

  /// Seconds that the firmware stands still for it before it answers.
  var seconds: Double {
    switch self {
    case .range: 0.01
    case .calibrateOutput: 0.5
    case .cellOn, .cellOff, .potentiostatic, .galvanostatic, .setOutput, .readConverters, .readOffsets,
      .readOutputCalibration, .readShunts, .saveOffsets, .setOutputCalibration, .saveShunts:
      0
    }
  }
}
