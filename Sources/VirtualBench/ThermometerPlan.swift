// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// A thermometer on the bench, and how warm it is there.
public struct ThermometerPlan: Sendable, Hashable {
  /// Where the chamber goes, in degrees Celsius.
  public var target: Double
  /// How warm it is when the bench is set up.
  public var start: Double
  /// The chamber's time constant in real seconds; 0 for one that is at its target at once.
  public var timeConstant: Double

  /// A chamber on its way from `start`, or at its target.
  public init(target: Double, start: Double? = nil, timeConstant: Double = 0) {
    self.target = target
    self.start = start ?? target
    self.timeConstant = timeConstant
  }
}
