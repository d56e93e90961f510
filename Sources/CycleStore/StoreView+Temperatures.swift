// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Temperatures lie beside the records, not in them: most runs have none, and a thermometer speaks in its own time. What
// was so at a record is what was stored at it or last before it, in whichever step of the run.

public import CyclerModel
import GRDB
public import Quantities

/// A stored temperature.
struct TemperatureRow: Sendable, Hashable {
  var stepID: Int64
  var stepTime: Int64
  /// nil where it was not known any more.
  var temperature: Temperature?

  /// Whether it counts for a record.
  func isAtOrBefore(_ record: RecordRow) -> Bool {
    (stepID, stepTime) <= (record.stepID, record.stepTime.microseconds)
  }
}

extension StoreView {
  /// The temperature at a record; nil when it is not known.
  public func temperature(at record: RecordRow) throws -> Temperature? {
    let run = record.stepID >> RowIdentity.countBits
    let row = try Row.fetchOne(
      database.cachedStatement(
        sql: """
          SELECT temperature_mdegc FROM temperature_record
          WHERE step_id >= ? AND (step_id, step_time_us) <= (?, ?) ORDER BY step_id DESC, step_time_us DESC LIMIT 1
          """),
      arguments: [RowIdentity.step(run: run, count: 0), record.stepID, record.stepTime.microseconds])
    return (row?[0] as Int64?).map(Temperature.init(millidegrees:))
  }

  /// Whether anything was stored of the temperature in a run.
  public func hasTemperatures(run: Int64) throws -> Bool {
    try Row.fetchOne(
      database.cachedStatement(
        sql:
          "SELECT 1 FROM temperature_record WHERE step_id >= ? AND step_id < ? AND temperature_mdegc IS NOT NULL LIMIT 1"
      ),
      arguments: [RowIdentity.step(run: run, count: 0), RowIdentity.step(run: run + 1, count: 0)]) != nil
  }

  /// The temperatures of a run after a place, up to a record.
  func temperatures(afterStep stepID: Int64, time: Int64, upTo record: RecordRow) throws -> [TemperatureRow] {
    try Row.fetchAll(
      database.cachedStatement(
        sql: """
          SELECT step_id, step_time_us, temperature_mdegc FROM temperature_record
          WHERE (step_id, step_time_us) > (?, ?) AND (step_id, step_time_us) <= (?, ?)
          ORDER BY step_id, step_time_us
          """), arguments: [stepID, time, record.stepID, record.stepTime.microseconds]
    ).map {
      TemperatureRow(
        stepID: $0[0], stepTime: $0[1], temperature: ($0[2] as Int64?).map(Temperature.init(millidegrees:)))
    }
  }

  /// Which observers are bound to which channels.
  public func observers() throws -> [StoredObserver] {
    try StoredObserver.fetchAll(
      database,
      sql: """
        SELECT o.channel_id, o.quantity, i.family, i.model, i.serial, i.firmware, o.bound_unix_us, o.bound_by
        FROM observer o JOIN instrument i USING(instrument_id) ORDER BY o.channel_id, o.quantity
        """)
  }
}
