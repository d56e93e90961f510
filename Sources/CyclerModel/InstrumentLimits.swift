// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

public import Quantities

/// What the instrument that a protocol is compiled for can do; a description of its family is enough.
public struct InstrumentLimits: Sendable, Hashable {
  /// What it can measure and apply.
  public var voltage: VoltageWindow
  /// The largest current, as a magnitude.
  public var maximumCurrent: Current
  /// The stated error of a voltage reading in proportion to it.
  public var voltageErrorPartsPerMillion: Int64
  /// The stated error of a voltage reading apart from that.
  public var voltageOffsetError: Voltage
  /// The shortest time between two readings.
  public var shortestReadingInterval: TimeSpan
  /// The kinds of step that it can carry out.
  public var kinds: Set<StepKind>
  /// What its open circuit is.
  public var openCircuit: OpenCircuit
  /// The highest frequency at which it measures an impedance; nil when it measures none.
  public var highestFrequency: Frequency?
  /// For kinds of step that it cannot carry out, the models that can, in words.
  public var elsewhere: [StepKind: String]
  /// Limits.
  public init(
    voltage: VoltageWindow, maximumCurrent: Current, voltageErrorPartsPerMillion: Int64, voltageOffsetError: Voltage,
    shortestReadingInterval: TimeSpan, kinds: Set<StepKind>, openCircuit: OpenCircuit,
    highestFrequency: Frequency? = nil, elsewhere: [StepKind: String] = [:]
  ) {
    self.voltage = voltage
    self.maximumCurrent = maximumCurrent
    self.voltageErrorPartsPerMillion = voltageErrorPartsPerMillion
    self.voltageOffsetError = voltageOffsetError
    self.shortestReadingInterval = shortestReadingInterval
    self.kinds = kinds
    self.openCircuit = openCircuit
    self.highestFrequency = highestFrequency
    self.elsewhere = elsewhere
  }

  /// The stated error of a reading of `value`, as a magnitude.
  public func voltageError(at value: Voltage) -> Voltage {
    let proportional = Int128(value.magnitude.count) * Int128(voltageErrorPartsPerMillion) / 1_000_000
    return Voltage(count: Int64(clamping: proportional)) + voltageOffsetError
  }
}
