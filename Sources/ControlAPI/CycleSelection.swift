// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// Cycles of a run as a person names them: `1,2,10-20,last`.
public struct CycleSelection: Sendable, Hashable, CustomStringConvertible {
  private enum Part: Hashable {
    case numbers(ClosedRange<Int64>)
    case previous
    case last
  }

  /// More cycles than that in one picture are no picture.
  public static let most = 50

  private let parts: [Part]
  /// As it was written.
  public let description: String

  /// The newest cycle that has begun.
  public static let last = CycleSelection(parts: [.last], description: "last")

  private init(parts: [Part], description: String) {
    self.parts = parts
    self.description = description
  }

  /// Reads numbers from 1 on, ranges, `last` (the newest cycle that has begun) and `previous` (the one before it), with
  /// commas between; nil for anything else.
  public init?(_ text: String) {
    var parts: [Part] = []
    for word in text.split(separator: ",", omittingEmptySubsequences: false) {
      let ends = word.split(separator: "-", omittingEmptySubsequences: false).map { Self.number($0) }
      switch (word, ends.count) {
      case ("last", _), ("current", _): parts.append(.last)
      case ("previous", _): parts.append(.previous)
      case (_, 1):
        guard let number = ends[0] else { return nil }
        parts.append(.numbers(number...number))
      case (_, 2):
        guard let first = ends[0], let last = ends[1], first <= last else { return nil }
        parts.append(.numbers(first...last))
      default: return nil
      }
    }
    self.init(parts: parts, description: text)
  }

  private static func number(_ text: Substring) -> Int64? {
    guard let number = Int64(text), number > 0, text == String(number) else { return nil }
    return number
  }

  /// The numbers in rising order, each once; nil when they are more than `most`.
  /// - Parameter newest: The newest cycle that has begun.
  public func numbers(newest: Int64) -> [Int64]? {
    var numbers: Set<Int64> = []
    for part in parts {
      switch part {
      case .last: numbers.insert(newest)
      case .previous: numbers.insert(newest - 1)
      case .numbers(let range):
        guard range.upperBound - range.lowerBound < Int64(Self.most) else { return nil }
        numbers.formUnion(range)
      }
    }
    return numbers.count <= Self.most ? numbers.sorted() : nil
  }
}
