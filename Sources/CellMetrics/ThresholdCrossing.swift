// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import CyclerModel

/// The first cycle below a retention that one of the next two confirms (docs/metrics.md, "Cycles to a threshold"): one
/// cycle with a bad contact ends no life.
struct ThresholdCrossing: Sendable, Hashable {
  /// The cycle, confirmed or not.
  private(set) var cycle: Int64?
  /// How many cycles may still confirm it; nil once one has.
  private var chances: Int8? = 0

  /// So many of the next cycles are waited for.
  private static let confirmations: Int8 = 2

  init() {}

  /// Whether nothing has confirmed it yet.
  var isProvisional: Bool { chances != nil }

  /// Takes the next complete cycle of the reference's group.
  mutating func take(_ number: Int64, isBelow: Bool) {
    guard let left = chances else { return }
    if cycle == nil {
      guard isBelow else { return }
      cycle = number
      chances = Self.confirmations
    } else if isBelow {
      chances = nil
    } else {
      chances = left - 1
      if left <= 1 { cycle = nil }
    }
  }

  func encode(into writer: inout ByteWriter) {
    writer.write(cycle)
    writer.write(chances)
  }

  init(from reader: inout ByteReader) throws(ByteReader.Malformed) {
    cycle = try reader.readOptional(Int64.self)
    chances = try reader.readOptional(Int8.self)
    guard (0...Self.confirmations).contains(chances ?? 0) else { throw reader.malformed }
  }
}
