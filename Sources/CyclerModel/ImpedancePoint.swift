// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

public import Quantities

/// One point of a spectrum as an instrument measured it.
public struct ImpedancePoint: Sendable, Hashable {
  /// When it was done, since the set-point's start on the instrument's clock.
  public var time: TimeSpan
  /// At which frequency.
  public var frequency: Frequency
  /// Real part of the impedance.
  public var real: Resistance
  /// Imaginary part of the impedance; negative for a capacitive cell.
  public var imaginary: Resistance
  /// The voltage that was held before the point; nil when it was not read.
  public var voltage: Voltage?
  /// The current that flowed before the point.
  public var current: Current?
  /// Trustworthiness.
  public var quality: ReadingQuality
  /// A point.
  public init(
    time: TimeSpan, frequency: Frequency, real: Resistance, imaginary: Resistance, voltage: Voltage? = nil,
    current: Current? = nil, quality: ReadingQuality = []
  ) {
    self.time = time
    self.frequency = frequency
    self.real = real
    self.imaginary = imaginary
    self.voltage = voltage
    self.current = current
    self.quality = quality
  }
}

/// A point of a spectrum as it is stored.
public struct ImpedanceRow: Sendable, Hashable {
  /// `RowIdentity.step`.
  public var stepID: Int64
  /// Counted from 1 within the step.
  public var number: Int32
  /// Since the step began; when the point was done.
  public var stepTime: TimeSpan
  /// What was measured; its time is the set-point's.
  public var point: ImpedancePoint
  /// What a reader must know.
  public var flags: DataFlags
  /// A row.
  public init(stepID: Int64, number: Int32, stepTime: TimeSpan, point: ImpedancePoint, flags: DataFlags) {
    self.stepID = stepID
    self.number = number
    self.stepTime = stepTime
    self.point = point
    self.flags = flags
  }
}
