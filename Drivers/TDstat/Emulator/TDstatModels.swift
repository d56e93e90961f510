// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

public import VirtualLab

/// The models that a bench can set up.
public enum TDstatModels {
  /// TDstatv3 and MYSTAT, which nothing tells from others of their kind. Real ones have offsets and shunts of their own, and
  /// a memory that knows them, to a millionth of a shunt.
  public static let all = [model("tdstatv3", .tdstatv3), model("mystat", .mystat)]

  private static func model(_ name: String, _ kind: TDstatBoard.Kind) -> EmulatedModel {
    EmulatedModel(name, identification: .none) { parts in
      var board = TDstatBoard(kind)
      if parts.converters == .real {
        var state = parts.seed
        // A share of -1 to 1.
        func next() -> Double {
          state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
          return Double(state >> 33) / Double(1 << 30) - 1
        }
        board.voltageOffset = Int(next() * 2_000)
        board.currentOffset = Int(next() * 2_000)
        board.shunts = (0..<board.rangeCount).map { _ in 1 + next() * 0.01 }
      }
      board.calibrate()
      return TDstatInstrument(board: board, cell: parts.cells[0], plateauThreshold: parts.plateauThresholdVolts)
    }
  }
}
