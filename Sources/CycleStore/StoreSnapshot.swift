// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A copy for long analyses: a program that reads the live database for hours would keep its write-ahead log from being
// reused. The copy is a plain database without a log, compacted, of one consistent state.

import GRDB
import Glibc

extension CycleStore {
  /// Writes a copy of what is committed to a new file. Existing files are never overwritten.
  ///
  /// - Throws: `StoreError.taken` when the file exists, `StoreError.notWritten` when it cannot be written.
  public func snapshot(to target: String) async throws {
    guard access(target, F_OK) != 0 else { throw StoreError.taken(kind: "file", name: target) }
    let partial = target + ".partial"
    unlink(partial)
    do {
      try await pool.unsafeRead { database in
        try database.execute(sql: "VACUUM INTO ?", arguments: [partial])
        // SQLite leaves the new file to the page cache.
        let descriptor = Glibc.open(partial, O_RDWR | O_CLOEXEC)
        defer { if descriptor >= 0 { Glibc.close(descriptor) } }
        guard descriptor >= 0, fsync(descriptor) == 0 else {
          throw StoreError.unusablePath(path: target, reason: String(cString: strerror(errno)))
        }
      }
    } catch let error as DatabaseError {
      unlink(partial)
      throw StoreError.notWritten(StoreFailure(error))
    } catch {
      unlink(partial)
      throw error
    }
    // A link never replaces what somebody made in the meantime.
    guard link(partial, target) == 0 else {
      let reason = String(cString: strerror(errno))
      unlink(partial)
      throw StoreError.unusablePath(path: target, reason: reason)
    }
    unlink(partial)
  }
}
