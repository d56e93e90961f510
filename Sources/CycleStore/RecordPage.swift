// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Records of one step, handed over by SQLite from within one call. Row by row, as a result that is stepped through, a
// fifth to a third of a bare loop's time goes into the calls that give out one column each (docs/benchmarks.md); an aggregate
// function gets all columns of a row at once and its values without them. SQL promises no order of its rows, so that is
// looked at here.

public import CyclerModel
import GRDB
import GRDBSQLite
import Quantities

/// A few records of one step, in memory that is used again.
public final class RecordPage {
  /// At most so many are read at once: what stays in a processor's own memory.
  public static let capacity = 1_024

  /// What the aggregate function is given the place of.
  private struct Contents {
    var stepID: Int64 = 0
    var records: [RecordRow] = []
  }

  private let contents: UnsafeMutablePointer<Contents>

  /// An empty page.
  public init() {
    contents = .allocate(capacity: 1)
    contents.initialize(to: Contents())
    contents.pointee.records.reserveCapacity(Self.capacity)
  }

  deinit {
    contents.deinitialize(count: 1)
    contents.deallocate()
  }

  /// The records of the last `StoreView.read(_:ofStep:after:limit:)`, by ascending index.
  public var records: [RecordRow] { contents.pointee.records }

  fileprivate func removeAll() { contents.pointee.records.removeAll(keepingCapacity: true) }

  // MARK: The aggregate function

  private static let function = "nacycler_page"
  /// What tells SQLite that the pointer is one to `Contents`.
  private static let pointerType: StaticString = "nacycler_page"

  /// Makes the function known to a connection.
  static func register(in database: Database) throws {
    let code = sqlite3_create_function_v2(
      database.sqliteConnection, function, 8, SQLITE_UTF8 | SQLITE_DETERMINISTIC, nil, nil,
      { context, _, values in
        guard let values, let place = RecordPage.place(context, values[0]) else { return }
        place.pointee.records.append(RecordRow(values + 1, stepID: place.pointee.stepID))
      },
      { context in sqlite3_result_null(context) }, nil)
    guard code == SQLITE_OK else { throw DatabaseError(resultCode: ResultCode(rawValue: code)) }
  }

  /// Where the rows of a statement go. It is kept from the first row on, because looking at the pointer's type compares
  /// texts.
  @inline(__always)
  private static func place(_ context: OpaquePointer?, _ pointer: OpaquePointer?) -> UnsafeMutablePointer<Contents>? {
    let kept = sqlite3_aggregate_context(context, Int32(MemoryLayout<UnsafeMutableRawPointer?>.size))?
      .assumingMemoryBound(to: UnsafeMutableRawPointer?.self)
    guard let kept else { return nil }
    if kept.pointee == nil { kept.pointee = pointerType.withUTF8CString { sqlite3_value_pointer(pointer, $0) } }
    return kept.pointee?.assumingMemoryBound(to: Contents.self)
  }

  /// Replaces what is in the page by the records of a step whose indices lie in that range.
  fileprivate func read(ofStep step: Int64, _ indices: ClosedRange<Int64>, _ database: Database) throws {
    removeAll()
    contents.pointee.stepID = step
    let statement = try database.cachedStatement(
      sql: """
        SELECT \(Self.function)(?, \(RecordRow.columnsOfStep)) FROM record
        WHERE step_id = ? AND step_record_index BETWEEN ? AND ?
        """)
    let handle = statement.sqliteStatement
    defer {
      sqlite3_reset(handle)
      sqlite3_bind_null(handle, 1)
    }
    let pointer = UnsafeMutableRawPointer(contents)
    let isBound = Self.pointerType.withUTF8CString { sqlite3_bind_pointer(handle, 1, pointer, $0, nil) } == SQLITE_OK
    guard isBound, sqlite3_bind_int64(handle, 2, step) == SQLITE_OK,
      sqlite3_bind_int64(handle, 3, indices.lowerBound) == SQLITE_OK,
      sqlite3_bind_int64(handle, 4, indices.upperBound) == SQLITE_OK, sqlite3_step(handle) == SQLITE_ROW
    else { throw RecordRow.error(of: database) }
    if zip(records, records.dropFirst()).contains(where: { $0.index > $1.index }) {
      contents.pointee.records.sort { $0.index < $1.index }
    }
  }
}

extension StoreView {
  /// Reads the next records of a step after the one with that index, in order: at most `limit` and at most a page.
  ///
  /// The page is empty only when there are none.
  public func read(_ page: RecordPage, ofStep step: Int64, after index: Int64, limit: Int) throws {
    // The first one that there is, and not the next number: an index may be missing.
    let first = try Int64.fetchOne(
      database.cachedStatement(
        sql: """
          SELECT step_record_index FROM record WHERE step_id = ? AND step_record_index > ?
          ORDER BY step_record_index LIMIT 1
          """), arguments: [step, index])
    guard let first else { return page.removeAll() }
    try page.read(ofStep: step, first...(first + Int64(max(1, min(limit, RecordPage.capacity))) - 1), database)
  }
}

extension StaticString {
  /// The text as C has it, ended by a zero.
  fileprivate func withUTF8CString<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
    utf8Start.withMemoryRebound(to: CChar.self, capacity: utf8CodeUnitCount + 1, body)
  }
}
