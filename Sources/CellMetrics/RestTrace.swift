// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What the records say of a cell while no current flows: how long, from which voltage to which, and how fast it still
// moves. A rest is made of all rests and checks of the open circuit between two steps that drive current, pauses and
// interruptions included.

public import CyclerModel
public import Quantities

/// Follows the records of a run for what the next half-cycle begins with (docs/metrics.md, "The rest before").
///
/// Say `stepBegan` at time zero of each step without current, `record` for each record of any step, and `drivenStepEnded`
/// behind each step that drove current.
public struct RestTrace: Sendable, Hashable {
  /// The drift comes from records that are so far apart at least.
  public static let leastDriftSpan = TimeSpan(seconds: 60)

  /// A record's voltage and current, as far as they were measured.
  public struct Standing: Sendable, Hashable {
    /// Its voltage.
    public var voltage: Voltage?
    /// Its current.
    public var current: Current?
    /// A standing.
    public init(voltage: Voltage?, current: Current?) {
      self.voltage = voltage
      self.current = current
    }
  }

  fileprivate struct Mark: Sendable, Hashable {
    var at: TimeSpan
    var voltage: Voltage
  }

  /// The last record of all.
  public private(set) var last = Standing(voltage: nil, current: nil)
  // Test time at which the last current ended or the run began; nil when that is not known.
  private var beganAt: TimeSpan? = .zero
  // Test time at time zero of the present step.
  private var stepBeganAt = TimeSpan.zero
  // A record was made since no current flows.
  private var hasRecords = false
  private var startVoltage: Voltage?
  // The newest of a chain of records with the least distance from each other, and the one before it.
  private var mark: Mark?
  private var markBefore: Mark?
  // The newest record with a voltage.
  private var lastMeasured: Mark?

  /// A run that begins.
  public init() {}

  /// A run of which nobody knows when its last current ended.
  public static var unknown: RestTrace {
    var trace = RestTrace()
    trace.beganAt = nil
    return trace
  }

  /// Time zero of a step without current has come, at that test time.
  public mutating func stepBegan(at testTime: TimeSpan) { stepBeganAt = testTime }

  /// Takes a record of the present step.
  public mutating func record(_ row: RecordRow, isDriven: Bool) {
    last = Standing(voltage: row.voltage, current: row.current)
    if !isDriven { rest(row) }
  }

  /// A step that drove current is over, at that test time.
  public mutating func drivenStepEnded(at testTime: TimeSpan) {
    beganAt = testTime
    hasRecords = false
    startVoltage = nil
    mark = nil
    markBefore = nil
    lastMeasured = nil
  }

  /// The rest behind which the circuit is closed at that test time; nil when no record was made in any.
  public func before(closingAt testTime: TimeSpan) -> RestBefore? {
    guard hasRecords else { return nil }
    var rest = RestBefore()
    rest.duration = beganAt.map { testTime - $0 }
    rest.startVoltage = startVoltage
    rest.endVoltage = last.voltage
    if let end = lastMeasured, let markBefore, last.voltage != nil, end.at - markBefore.at >= Self.leastDriftSpan {
      let span = end.at - markBefore.at
      let change = Int128(end.voltage.nanovolts) - Int128(markBefore.voltage.nanovolts)
      // nV · 3.6e9 / µs = nV/h, halves away from zero.
      let product = change * 3_600_000_000
      let half = Int128(span.microseconds / 2) * (product < 0 ? -1 : 1)
      rest.drift = VoltageRate(count: Int64(clamping: (product + half) / Int128(span.microseconds)))
      rest.driftSpan = span
    }
    return rest
  }

  private mutating func rest(_ row: RecordRow) {
    hasRecords = true
    guard let voltage = row.voltage else { return }
    let now = Mark(at: stepBeganAt + row.stepTime, voltage: voltage)
    startVoltage = startVoltage ?? voltage
    lastMeasured = now
    guard let mark else {
      self.mark = now
      return
    }
    guard now.at - mark.at >= Self.leastDriftSpan else { return }
    markBefore = mark
    self.mark = now
  }
}

// MARK: - Checkpoint

extension RestTrace {
  /// Appends the state to a checkpoint. Changes nothing; `mutating` spares the copy.
  public mutating func encode(into writer: inout ByteWriter) {
    writer.write(last.voltage?.nanovolts)
    writer.write(last.current?.picoamperes)
    writer.write(beganAt?.microseconds)
    writer.write(stepBeganAt.microseconds)
    writer.write(hasRecords)
    writer.write(startVoltage?.nanovolts)
    for mark in [mark, markBefore, lastMeasured] {
      writer.write(mark?.at.microseconds)
      writer.write(mark?.voltage.nanovolts)
    }
  }

  /// Reads what `encode(into:)` wrote.
  /// - Throws: `ByteReader.Malformed` with the place, when the bytes end early or cannot be such a state.
  public init(from reader: inout ByteReader) throws(ByteReader.Malformed) {
    last.voltage = try reader.readOptional(Int64.self).map { Voltage(nanovolts: $0) }
    last.current = try reader.readOptional(Int64.self).map { Current(picoamperes: $0) }
    beganAt = try reader.readOptional(Int64.self).map { TimeSpan(microseconds: $0) }
    stepBeganAt = TimeSpan(microseconds: try reader.read())
    hasRecords = try reader.readBool()
    startVoltage = try reader.readOptional(Int64.self).map { Voltage(nanovolts: $0) }
    mark = try Mark(from: &reader)
    markBefore = try Mark(from: &reader)
    lastMeasured = try Mark(from: &reader)
  }
}

extension RestTrace.Mark {
  fileprivate init?(from reader: inout ByteReader) throws(ByteReader.Malformed) {
    let at = try reader.readOptional(Int64.self)
    let voltage = try reader.readOptional(Int64.self)
    guard let at, let voltage else { return nil }
    self.init(at: TimeSpan(microseconds: at), voltage: Voltage(nanovolts: voltage))
  }
}
