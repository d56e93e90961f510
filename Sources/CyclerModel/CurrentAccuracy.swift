// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

public import Quantities

/// What an instrument's maker states of the current that it measures in one range: the largest error, not its deviation.
public struct CurrentAccuracy: Sendable, Hashable {
  /// The full scale of the range, a magnitude.
  public var fullScale: Current
  /// The largest error in proportion to the reading, in millionths.
  public var gainPartsPerMillion: Int64
  /// The largest error apart from that, a magnitude.
  public var offset: Current
  /// An accuracy.
  public init(fullScale: Current, gainPartsPerMillion: Int64, offset: Current) {
    self.fullScale = fullScale
    self.gainPartsPerMillion = gainPartsPerMillion
    self.offset = offset
  }
}

extension [CurrentAccuracy] {
  /// The accuracy in the smallest range that holds a current, of ranges in ascending order; the largest range's for a
  /// current beyond all of them, and nil where nothing is stated.
  public func holding(_ current: Current) -> CurrentAccuracy? { first { $0.fullScale >= current.magnitude } ?? last }
}
