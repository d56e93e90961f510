// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import Glibc

/// A chamber that goes to its target as a single store of heat does: the distance falls by 1/e in each time constant.
public struct Chamber: Sendable, Hashable {
  /// How warm it is, in degrees Celsius.
  public private(set) var temperature: Double
  /// Where it goes.
  public var target: Double
  /// In seconds; 0 for one that is there at once.
  public let timeConstant: Double

  /// A chamber at `temperature`, on its way to `target`.
  public init(temperature: Double, target: Double, timeConstant: Double) {
    self.temperature = temperature
    self.target = target
    self.timeConstant = timeConstant
  }

  /// Lets seconds pass.
  public mutating func pass(_ seconds: Double) {
    let left = timeConstant > 0 ? exp(-seconds / timeConstant) : 0
    temperature = target + (temperature - target) * left
  }
}
