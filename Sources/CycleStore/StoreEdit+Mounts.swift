// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

public import CyclerModel
internal import GRDB

extension StoreEdit {
  /// Takes whatever cell is on a channel off it; does nothing when there is none.
  ///
  /// Whether a run has the channel is for the caller to know.
  public func unmount(channel: Int64) throws {
    try database.execute(sql: "DELETE FROM cell_mount WHERE channel_id = ?", arguments: [channel])
  }

  /// Binds an instrument that measures beside cells to a channel, in the place of another that measures the same.
  public func bind(
    observer instrument: Int64, of quantity: String, to channel: Int64, by person: String, at: UnixInstant
  ) throws {
    try database.execute(
      sql: """
        INSERT INTO observer(channel_id, quantity, instrument_id, bound_unix_us, bound_by) VALUES(?, ?, ?, ?, ?)
        ON CONFLICT(channel_id, quantity) DO UPDATE SET instrument_id = excluded.instrument_id,
          bound_unix_us = excluded.bound_unix_us, bound_by = excluded.bound_by
        """, arguments: [channel, quantity, instrument, at.microseconds, person])
  }

  /// Takes the instrument that measures something beside a channel off it; does nothing when there is none.
  public func unbind(observerOf quantity: String, from channel: Int64) throws {
    try database.execute(
      sql: "DELETE FROM observer WHERE channel_id = ? AND quantity = ?", arguments: [channel, quantity])
  }

  /// Says how the channel's leads go to its cell.
  ///
  /// - Throws: `StoreError.inUse` while a run that is not over holds the channel: it keeps what it was started with.
  public func setWiring(of channel: Int64, to wiring: Wiring) throws {
    guard let known = try view.channels().first(where: { $0.channelId == channel }) else {
      throw StoreError.unknown(kind: "channel", name: "\(channel)")
    }
    guard known.wiring != wiring.rawValue else { return }
    if let run = try view.openRuns().first(where: { $0.channelId == channel }) {
      throw StoreError.inUse(kind: "channel", name: known.name, run: run.runId)
    }
    try database.execute(
      sql: "UPDATE channel SET wiring = ? WHERE channel_id = ?", arguments: [wiring.rawValue, channel])
  }
}
