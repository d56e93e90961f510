// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// A temperature, counted in thousandths of a degree Celsius from its zero (range ±9e15 degC).
///
/// A thousandth is a fiftieth of the smallest step of the sensors that laboratories put beside a cell. Differences are
/// counted in the same unit and are then kelvins.
public struct Temperature: FixedPointQuantity {
  /// Thousandths of a degree Celsius.
  public var millidegrees: Int64
  /// Thousandths of a degree Celsius.
  @inlinable public var count: Int64 {
    get { millidegrees }
    set { millidegrees = newValue }
  }
  /// A temperature of so many thousandths of a degree Celsius.
  @inlinable public init(count: Int64) { millidegrees = count }
  /// A temperature of so many thousandths of a degree Celsius.
  @inlinable public init(millidegrees: Int64) { self.millidegrees = millidegrees }
  /// A temperature of so many whole degrees Celsius.
  @inlinable public init(degrees: Int64) { millidegrees = degrees * 1_000 }
  /// The value in degrees Celsius.
  @inlinable public var degreesCelsius: Double { Double(millidegrees) / 1e3 }
}

extension Temperature: WrittenQuantity {
  /// A temperature.
  public static var noun: String { "a temperature" }
  /// `60 degC`.
  public static var example: String { "60 degC" }
  /// degC.
  public static let units: [UnitOfMeasure] = [UnitOfMeasure("degC", 1_000)]
  /// degC.
  public static var zeroUnit: String { "degC" }
}
