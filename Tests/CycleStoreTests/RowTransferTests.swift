// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation
import GRDB
import Testing

@testable import CycleStore

/// Rows from one database to another.
@Suite struct RowTransferTests {
  private static func database(_ sql: String = "") throws -> DatabaseQueue {
    let queue = try DatabaseQueue()
    try queue.write { database in
      try database.execute(sql: "CREATE TABLE t(a INTEGER, b INTEGER, c INTEGER, d, e TEXT, f INTEGER, g); \(sql)")
    }
    return queue
  }

  @Test func eachColumnBecomesWhatIsSaidOfIt() throws {
    let here = try Self.database(
      """
      INSERT INTO t VALUES(1, 10, 7, x'00FF', 'aµ', 5, 0.1), (2, NULL, 8, NULL, '', NULL, NULL),
        (3, 30, NULL, 1e300, 'c', 5, -0.0);
      """)
    let there = try Self.database()
    try here.read { source in
      try there.write { target in
        var transfer = try RowTransfer(
          into: "t", "SELECT a, b, c, d, e, f, g FROM t ORDER BY a", from: source, to: target,
          [
            "a": .counted, "b": .moved(by: 100), "c": .mapped([7: 70]), "f": .fixedUnlessNull(1.databaseValue),
            "g": .left,
          ])
        let first = try transfer.run(limit: 2, key: [0, 3])
        #expect(first.count == 2 && first.last == [2.databaseValue, .null])
      }
    }
    let rows = try there.read { try Row.fetchAll($0, sql: "SELECT * FROM t ORDER BY a") }
    let values = rows.map { row in row.map { $0.1 } }
    let first: [DatabaseValue] = [
      1.databaseValue, 110.databaseValue, 70.databaseValue, Data([0, 255]).databaseValue, "aµ".databaseValue,
      1.databaseValue, .null,
    ]
    // 8 has no key there.
    let second: [DatabaseValue] = [2.databaseValue, .null, .null, .null, "".databaseValue, .null, .null]
    #expect(values == [first, second])
  }

  @Test func valuesThatAreFixedAreOfEachKind() throws {
    let (here, there) = (try Self.database("INSERT INTO t(a) VALUES(1)"), try Self.database())
    let fixed: [String: DatabaseValue] = [
      "a": .null, "b": 5.databaseValue, "d": Data([0, 1]).databaseValue, "e": "nµ".databaseValue,
      "g": 0.1.databaseValue,
    ]
    try here.read { source in
      try there.write { target in
        var transfer = try RowTransfer(
          into: "t", "SELECT * FROM t WHERE a = ?", [1], from: source, to: target,
          fixed.mapValues { .fixed($0) })
        let all = try transfer.run()
        #expect(all.count == 1 && all.last == nil)
      }
    }
    let row = try #require(try there.read { try Row.fetchOne($0, sql: "SELECT * FROM t") })
    for (column, value) in fixed { #expect(row[column] as DatabaseValue == value, "\(column)") }
  }

  @Test func aRowThatDoesNotFitSaysWhy() throws {
    let (here, there) = (try Self.database("INSERT INTO t(a) VALUES(1), (1)"), try Self.database())
    try there.write { try $0.execute(sql: "CREATE UNIQUE INDEX once ON t(a)") }
    let error = #expect(throws: DatabaseError.self) {
      try here.read { source in
        try there.write { target in
          var transfer = try RowTransfer(into: "t", "SELECT * FROM t", from: source, to: target)
          _ = try transfer.run()
        }
      }
    }
    #expect(error?.extendedResultCode == .SQLITE_CONSTRAINT_UNIQUE && error?.message?.contains("t.a") == true)
    #expect(try there.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM t") } == 0)
  }
}
