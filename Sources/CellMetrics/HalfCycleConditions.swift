// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

public import CyclerModel
internal import Quantities

/// How a half-cycle was run, as its records tell: two that are alike can be compared (docs/metrics.md, "Conditions").
public struct HalfCycleConditions: Sendable, Hashable {
  /// The mean magnitude of the current, A: that of its constant-current phase where it is known to have one, because the
  /// share of a hold grows with age, and of the time in which the circuit was closed otherwise.
  public let meanCurrent: Double
  /// Where it ended, nV: its cut-off where the program ended it by one, otherwise the voltage of its last record.
  let end: Int64

  /// Mean currents that differ by no more than this share of the larger are the same.
  static let sameCurrent = 0.1
  /// Ends nearer than this are the same cut-off, nV.
  static let sameEnd: Int64 = 50_000_000

  /// nil where the time or the end is not known.
  public init?(_ row: HalfCycleRow) {
    guard let time = row.activeTime?.microseconds, time > 0, let voltage = row.cutOff ?? row.endVoltage else {
      return nil
    }
    // nC / µs is mA.
    if let charge = row.detail.constantCurrentCharge, let phase = row.detail.constantCurrentTime?.microseconds,
      phase > 0
    {
      meanCurrent = Double(charge.nanocoulombs) / Double(phase) * 1e-3
    } else {
      meanCurrent = Double(row.charge.nanocoulombs) / Double(time) * 1e-3
    }
    end = voltage.nanovolts
  }

  /// Whether both ran at the same mean current to the same cut-off.
  public func isAlike(_ other: HalfCycleConditions) -> Bool {
    let largest = max(meanCurrent.magnitude, other.meanCurrent.magnitude)
    return (meanCurrent - other.meanCurrent).magnitude <= Self.sameCurrent * largest
      && (end &- other.end).magnitude <= UInt64(Self.sameEnd)
  }
}

extension HalfCycleRow {
  /// The voltage that its program ended it by, for instance 10 mV where its end's reason is `voltage <= 10 mV`. Where a
  /// branch is steep the last reading stands far beyond it, each time a little otherwise.
  ///
  /// The reason is the condition as the program writes it, and it is stored, exported and archived with the half-cycle: so
  /// whoever has the row knows the cut-off.
  ///
  /// nil when anything else ended it, also a condition that must last or hold together with another: the cell goes on
  /// beyond that voltage.
  var cutOff: Voltage? {
    guard let endReason else { return nil }
    let beginnings = direction == .charge ? Self.upperCutOffs : Self.lowerCutOffs
    guard let beginning = beginnings.first(where: { endReason.hasPrefix($0) }) else { return nil }
    return try? Voltage(written: String(endReason.dropFirst(beginning.count)))
  }

  // Only what a current of the direction comes to can have ended it: the other way round a rest may end.
  private static let upperCutOffs = ["voltage >= ", "voltage > "]
  private static let lowerCutOffs = ["voltage <= ", "voltage < "]
}

// MARK: - Checkpoint

extension HalfCycleConditions {
  func encode(into writer: inout ByteWriter) {
    writer.write(meanCurrent)
    writer.write(end)
  }

  init(from reader: inout ByteReader) throws(ByteReader.Malformed) {
    meanCurrent = try reader.readDouble()
    guard meanCurrent.isFinite else { throw reader.malformed }
    end = try reader.read()
  }
}
