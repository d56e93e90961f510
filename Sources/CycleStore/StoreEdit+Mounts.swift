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
