// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// How the reversible capacity goes with the cycle number, robustly: the median of the slopes of all pairs (Theil 1950,
// Sen 1968, J. Am. Stat. Assoc. 63, 1379), which a check-up or a bad contact does not bend.

internal import CyclerModel
internal import Quantities

/// The newest complete cycles, of which the slope is told. Its memory has an end.
struct CapacityTrend: Sendable, Hashable {
  struct Point: Sendable, Hashable {
    var cycle: Int64
    var group: Int64
    var capacity: Charge
  }

  /// A slope is over so many cycles of a group at most.
  static let window = 20
  /// So many cycles of all groups are remembered.
  static let most = 40
  /// Of fewer cycles there is no slope.
  static let fewest = 3

  private var points: [Point] = []

  /// Takes a complete cycle of a group; the slope of the newest of its group in Ah a cycle, and over how many.
  mutating func take(_ point: Point) -> (slope: Double, cycles: Int64)? {
    let own = points.indices.filter { points[$0].group == point.group }
    if own.count == Self.window { points.remove(at: own[0]) } else if points.count == Self.most { points.removeFirst() }
    points.append(point)
    let window = points.filter { $0.group == point.group }
    guard window.count >= Self.fewest else { return nil }
    return (Self.slope(window) / 3.6e12, Int64(window.count))
  }

  /// In nC a cycle.
  private static func slope(_ points: [Point]) -> Double {
    var slopes: [Double] = []
    slopes.reserveCapacity(points.count * (points.count - 1) / 2)
    for later in points.indices.dropFirst() {
      for earlier in 0..<later {
        let rise = points[later].capacity.nanocoulombs &- points[earlier].capacity.nanocoulombs
        slopes.append(Double(rise) / Double(points[later].cycle - points[earlier].cycle))
      }
    }
    slopes.sort()
    let middle = slopes.count / 2
    return slopes.count % 2 == 1 ? slopes[middle] : (slopes[middle - 1] + slopes[middle]) / 2
  }
}

// MARK: - Checkpoint

extension CapacityTrend {
  func encode(into writer: inout ByteWriter) {
    writer.write(UInt8(points.count))
    for point in points {
      writer.write(point.cycle)
      writer.write(Int8(point.group))
      writer.write(point.capacity.nanocoulombs)
    }
  }

  init(from reader: inout ByteReader) throws(ByteReader.Malformed) {
    let count: UInt8 = try reader.read()
    guard count <= Self.most else { throw reader.malformed }
    for _ in 0..<count {
      let cycle: Int64 = try reader.read()
      // Rising, so that no slope divides by nothing.
      if let last = points.last, cycle <= last.cycle { throw reader.malformed }
      let group: Int8 = try reader.read()
      guard (1...Int8(RateGroups.most)).contains(group) else { throw reader.malformed }
      points.append(Point(cycle: cycle, group: Int64(group), capacity: Charge(nanocoulombs: try reader.read())))
    }
  }
}
