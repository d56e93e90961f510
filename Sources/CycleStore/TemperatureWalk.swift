// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import Quantities

/// Goes through a run's temperatures beside its records.
struct TemperatureWalk {
  /// Up to where temperatures were read.
  private(set) var read: (stepID: Int64, time: Int64)
  private var rows: [TemperatureRow] = []
  private var place = 0
  private var present: Temperature?

  /// Before the first record of a run.
  init(run: Int64 = 0) { read = (RowIdentity.step(run: run, count: 0), .min) }

  /// Takes what comes after what was read.
  mutating func take(_ more: [TemperatureRow]) {
    rows.removeFirst(place)
    place = 0
    rows += more
    if let last = more.last { read = (last.stepID, last.stepTime) }
  }

  /// The temperature at the next record.
  mutating func next(_ record: RecordRow) -> Temperature? {
    while place < rows.count, rows[place].isAtOrBefore(record) {
      present = rows[place].temperature
      place += 1
    }
    return present
  }
}
