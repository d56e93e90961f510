// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

public import Quantities

/// Names one execution of one step, so that an instrument found running can be matched with a checkpoint.
public struct SetpointToken: Sendable, Hashable {
  /// The run's number, 1 or more.
  public var run: Int64
  /// The run's count of step executions, 1 or more.
  public var stepCount: Int32
  /// Names one execution of one step.
  public init(run: Int64, stepCount: Int32) {
    self.run = run
    self.stepCount = stepCount
  }
}

/// What an instrument shall do with a cell until something ends it, and the bounds that it must keep by itself.
///
/// Every closed set-point has a time bound, voltage bounds and a lease, so that a driver can push them down to the
/// instrument and the cell is safe when the host is not there.
public struct Setpoint: Sendable, Hashable {
  /// What is driven.
  public enum Mode: Sendable, Hashable {
    /// The circuit is open and the voltage is measured.
    case openCircuit
    /// A constant current, positive charging, never zero.
    case constantCurrent(Current)
    /// A constant current until the voltage is reached, then that voltage.
    case constantCurrentThenVoltage(Current, Voltage)
    /// A constant voltage.
    case constantVoltage(Voltage)
    /// A current that follows the cell's voltage; `from` is the magnitude of the first, not above the demand's most.
    case demand(CurrentDemand, from: Current)
    /// A voltage that moves at a constant rate.
    case sweep(Sweep)
    /// Currents one after the other, of which the largest fits the range; `ownEnd` is the set-point's cut-off that the end
    /// of the table is.
    case profile(CurrentProfile, ownEnd: Int)
    /// An alternating voltage around a constant one, point by point.
    case impedance(Impedance)
  }

  /// A voltage that begins somewhere and moves at a constant rate to one or more others, one after the other.
  public struct Sweep: Sendable, Hashable {
    /// Where it begins.
    public var from: Voltage
    /// Where it goes; never empty, and no two neighbours are the same.
    public var to: [Voltage]
    /// How fast, a magnitude above zero.
    public var rate: VoltageRate
    /// Which of the set-point's cut-offs its own end is.
    public var ownEnd: Int
    /// A sweep.
    public init(from: Voltage, to: [Voltage], rate: VoltageRate, ownEnd: Int) {
      self.from = from
      self.to = to
      self.rate = rate
      self.ownEnd = ownEnd
    }
  }

  /// An impedance spectrum and the voltage around which it is measured.
  public struct Impedance: Sendable, Hashable {
    /// Frequencies, amplitude, bound.
    public var spectrum: ImpedanceSpectrum
    /// The voltage in the middle.
    public var around: Voltage
    /// Which of the set-point's cut-offs its own end is: all points are measured.
    public var ownEnd: Int
    /// A spectrum around a voltage.
    public init(_ spectrum: ImpedanceSpectrum, around: Voltage, ownEnd: Int) {
      self.spectrum = spectrum
      self.around = around
      self.ownEnd = ownEnd
    }
  }

  /// Names the execution.
  public var token: SetpointToken
  /// What is driven.
  public var mode: Mode
  /// Ends that the instrument should judge itself on every sample; the host judges them again.
  public var cutOffs: [CutOff]
  /// Bounds beyond which the instrument opens the circuit by itself.
  public var bounds: Bounds
  /// The time between readings.
  public var readingInterval: TimeSpan
  /// The largest current that the range must hold; the same for both directions of a cycle (hazard rule 14).
  public var rangeCurrent: Current
  /// How long the instrument may go on without hearing from the host.
  public var lease: TimeSpan
  /// How long after the circuit was closed, or the hold began, the cut-offs are first judged (hazard rule 10).
  public var settle: TimeSpan

  /// A set-point.
  public init(
    token: SetpointToken, mode: Mode, cutOffs: [CutOff], bounds: Bounds, readingInterval: TimeSpan,
    rangeCurrent: Current, lease: TimeSpan, settle: TimeSpan = Self.usualSettle
  ) {
    self.token = token
    self.mode = mode
    self.cutOffs = cutOffs
    self.bounds = bounds
    self.readingInterval = readingInterval
    self.rangeCurrent = rangeCurrent
    self.lease = lease
    self.settle = settle
  }

  /// The settle of a step that names none.
  public static let usualSettle = TimeSpan(milliseconds: 100)
}

/// What the instrument itself must never let pass while the circuit is closed.
public struct Bounds: Sendable, Hashable {
  /// The hard lower voltage; it counts while discharging.
  public var lowerVoltage: Voltage
  /// The hard upper voltage; it counts while charging.
  public var upperVoltage: Voltage
  /// The hard largest current, as a magnitude.
  public var currentMagnitude: Current
  /// The longest that the set-point may last.
  public var duration: TimeSpan
  /// Bounds.
  public init(lowerVoltage: Voltage, upperVoltage: Voltage, currentMagnitude: Current, duration: TimeSpan) {
    self.lowerVoltage = lowerVoltage
    self.upperVoltage = upperVoltage
    self.currentMagnitude = currentMagnitude
    self.duration = duration
  }
}

/// One comparison that ends a set-point, judged on the instrument where it can.
public struct CutOff: Sendable, Hashable {
  /// What is compared.
  public enum Quantity: Sendable, Hashable {
    /// The cell voltage, in nanovolts.
    case voltage
    /// The magnitude of the current, in picoamperes.
    case currentMagnitude
    /// The time since the circuit was closed, in microseconds.
    case time
    /// The time since the hold began, in microseconds.
    case holdTime
  }
  /// What is compared.
  public var quantity: Quantity
  /// How.
  public var comparison: Comparison
  /// In the quantity's unit.
  public var threshold: Int64
  /// True when it counts only while a voltage is held.
  public var onlyInHold: Bool
  /// A cut-off.
  public init(quantity: Quantity, comparison: Comparison, threshold: Int64, onlyInHold: Bool) {
    self.quantity = quantity
    self.comparison = comparison
    self.threshold = threshold
    self.onlyInHold = onlyInHold
  }
}

/// The four comparisons of the protocol language.
public enum Comparison: String, Sendable, Hashable, CaseIterable {
  /// Less than or equal.
  case atMost = "<="
  /// Greater than or equal.
  case atLeast = ">="
  /// Less than.
  case below = "<"
  /// Greater than.
  case above = ">"

  /// Whether it is met by what is large.
  public var isUpper: Bool { self == .atLeast || self == .above }

  /// Whether `value` stands in this relation to `threshold`.
  @inlinable public func holds<Value: Comparable>(_ value: Value, _ threshold: Value) -> Bool {
    switch self {
    case .atMost: value <= threshold
    case .atLeast: value >= threshold
    case .below: value < threshold
    case .above: value > threshold
    }
  }
}
