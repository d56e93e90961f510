// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import GRDB

extension StoreEdit {
  /// Takes whatever cell is on a channel off it; does nothing when there is none.
  ///
  /// Whether a run has the channel is for the caller to know.
  public func unmount(channel: Int64) throws {
    try database.execute(sql: "DELETE FROM cell_mount WHERE channel_id = ?", arguments: [channel])
  }
}
