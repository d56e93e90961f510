// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

public import CyclerModel
import GRDB

/// Why the store cannot commit just now. What waits stays in memory and is tried again; nothing is acknowledged.
public struct StoreFailure: Error, Sendable, Hashable {
  /// `store.full` when there is no room, `store.failed` otherwise.
  public var code: FaultCode
  /// What SQLite said, in one sentence.
  public var detail: String
  /// The batch itself breaks a rule of the schema: no other is concerned, and trying again later will hardly help.
  let isRuleBroken: Bool

  /// Sorts an error of SQLite, or of our own statements, into the two kinds.
  init(_ error: any Error) {
    guard let database = error as? DatabaseError else {
      code = .storeFailed
      detail = (error as? StoreError)?.message ?? "\(error)"
      isRuleBroken = error is StoreError
      return
    }
    isRuleBroken = database.resultCode == .SQLITE_CONSTRAINT
    let text = database.message ?? "no message"
    switch database.resultCode {
    case .SQLITE_FULL:
      code = .storeFull
      detail = "There is no room to store records (SQLite \(database.extendedResultCode.rawValue): \(text))."
    case .SQLITE_BUSY, .SQLITE_LOCKED:
      code = .storeFailed
      detail = "Another program holds the database locked (SQLite \(database.extendedResultCode.rawValue): \(text))."
    default:
      code = .storeFailed
      detail = "The database cannot be written (SQLite \(database.extendedResultCode.rawValue): \(text))."
    }
  }
}

/// How the store is doing, for the supervisor and for people.
public struct StoreHealth: Sendable, Hashable {
  /// Why the last attempt to commit failed; nil when it did not.
  public var failure: StoreFailure?
  /// Why the batches of some sources, apart from all others, are not taken; nil when there are none. What others say is
  /// stored all the same.
  public var setApart: StoreFailure?
  /// The size of the write-ahead log in bytes when it was last looked at.
  public var walBytes: Int64
  /// Whether a reader keeps the write-ahead log from being reused (`store.wal.held`).
  public var isWalHeld: Bool
  /// How often the writer thread has gone round; a writer that is alive counts on.
  public var rounds: Int64
  /// How many transactions were committed for the inlets since the store was opened.
  public var commits: Int64

  /// What a person should hear first: nothing can be stored, or something.
  public var trouble: StoreFailure? { failure ?? setApart }
}

/// Why the store refuses a request or cannot be opened.
public enum StoreError: Error, Sendable, Hashable {
  /// The file is an SQLite database of another program.
  case foreignDatabase(path: String)
  /// The file was written by a newer NaCycler.
  case newerSchema(path: String, found: Int, known: Int)
  /// SQLite does not confirm a setting without which a commit may be lost.
  case notDurable(setting: String, found: String)
  /// The directory or the file cannot be used.
  case unusablePath(path: String, reason: String)
  /// Something named in a request does not exist.
  case unknown(kind: String, name: String)
  /// A name or a number is taken.
  case taken(kind: String, name: String)
  /// A run is active on it, so that it cannot be changed.
  case inUse(kind: String, name: String, run: Int64)
  /// The store is not running (not started, or stopped).
  case stopped
  /// The request could not be written.
  case notWritten(StoreFailure)

  /// What was wrong, where, and what would be right.
  public var message: String {
    switch self {
    case .foreignDatabase(let path):
      "\(path) is a database of another program; choose another state directory."
    case .newerSchema(let path, let found, let known):
      "\(path) has schema version \(found), this program knows up to \(known); install the newer version again."
    case .notDurable(let setting, let found):
      "SQLite reports \(setting) = \(found); without it a power cut could take acknowledged records. Use a local disk."
    case .unusablePath(let path, let reason): "\(path) cannot be used: \(reason)."
    case .unknown(let kind, let name): "There is no \(kind) \(name)."
    case .taken(let kind, let name): "There is already a \(kind) \(name)."
    case .inUse(let kind, let name, let run): "The \(kind) \(name) is in use by run \(run)."
    case .stopped: "The store is not running."
    case .notWritten(let failure): failure.detail
    }
  }
}
