// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// SQLite notices a page that makes no sense, and not a digit that has become another. So an archive carries a checksum of
// all its values. It guards against damage and not against people: who can write the file can write the checksum. On the
// way over the values it holds them to what a run can be, because what comes from elsewhere ends in arithmetic that
// stops the daemon when it overflows, and on terminals.

import GRDB
import GRDBSQLite

/// Runs over values in order; 128 bits.
struct ArchiveChecksum {
  private var first: UInt64 = 0x243F_6A88_85A3_08D3
  private var second: UInt64 = 0x1319_8A2E_0370_7344

  /// Integers of a run stay below this, so that two of them can be added.
  private static let largest: Int64 = 1 << 60
  /// Results are ampere-hours, watt-hours, volts and quotients.
  private static let largestResult = 1e18
  /// A text longer than this is none that anybody wrote.
  private static let longestText = 16 << 20
  /// So long may a row be for SQLite: a text of that length with its other columns.
  static let longestValue: Int32 = 17 << 20

  /// Bytes of text in the tables that are not measurements.
  private var textBytes = 0
  private let mostText: Int

  /// - Parameter mostText: More bytes of text than this beside the measurements are refused.
  private init(mostText: Int) { self.mostText = mostText }

  /// The checksum as text.
  var text: String { Self.hexadecimal(first) + Self.hexadecimal(second) }

  /// Takes all rows of the tables that an archive fills.
  ///
  /// - Parameter mostText: More bytes of text than this beside the measurements are refused.
  /// - Throws: `ArchiveProblem` for a value that no run has.
  static func of(_ database: Database, mostText: Int = .max) throws -> (
    checksum: ArchiveChecksum, rows: [String: Int64]
  ) {
    var checksum = ArchiveChecksum(mostText: mostText)
    var rows: [String: Int64] = [:]
    // An older shape lacks the tables that came later.
    for table in ArchiveFormat.filled where try database.tableExists(table.name) {
      rows[table.name] = try checksum.add(table, in: database)
    }
    return (checksum, rows)
  }

  private mutating func add(_ table: ArchiveFormat.Table, in database: Database) throws -> Int64 {
    add(text: table.name.utf8.map { $0 })
    let statement = try database.makeStatement(
      sql: "SELECT * FROM \(table.name) ORDER BY \(table.keys.joined(separator: ", "))")
    let columns = statement.columnNames
    let areUnbounded = columns.map { ArchiveFormat.unboundedResults.contains($0) }
    let handle = statement.sqliteStatement
    var count: Int64 = 0
    let isCounted = !ArchiveFormat.measurements.contains { $0.name == table.name }
    let before = textBytes
    while true {
      let result = sqlite3_step(handle)
      if result == SQLITE_DONE { break }
      guard result == SQLITE_ROW else { throw RowTransfer.error(of: database) }
      count += 1
      for column in 0..<Int32(columns.count) {
        guard add(handle, column, isUnbounded: areUnbounded[Int(column)]) else {
          throw ArchiveProblem.damaged("\(table.name).\(columns[Int(column)]) of row \(count) is none that a run has")
        }
      }
      // Measurements are never held in memory together.
      if !isCounted { textBytes = before }
      guard textBytes <= mostText else {
        throw ArchiveProblem.tooLarge(
          "it has more than \(mostText >> 20) MiB of text", hint: "no run's protocols and events are that long")
      }
    }
    add(UInt64(bitPattern: count))
    return count
  }

  /// Takes a value; false when no run has it.
  private mutating func add(_ row: OpaquePointer, _ column: Int32, isUnbounded: Bool) -> Bool {
    let type = sqlite3_column_type(row, column)
    add(UInt64(UInt32(bitPattern: type)))
    switch type {
    case SQLITE_NULL: return true
    case SQLITE_INTEGER:
      let value = sqlite3_column_int64(row, column)
      add(UInt64(bitPattern: value))
      return value.magnitude <= Self.largest.magnitude
    case SQLITE_FLOAT:
      let value = sqlite3_column_double(row, column)
      add(value.bitPattern)
      return value.isFinite && (isUnbounded || value.magnitude <= Self.largestResult)
    default:
      let count = Int(sqlite3_column_bytes(row, column))
      guard count <= Self.longestText else { return false }
      textBytes += count
      let bytes = sqlite3_column_blob(row, column).map { Array(UnsafeRawBufferPointer(start: $0, count: count)) } ?? []
      add(text: bytes)
      return type == SQLITE_BLOB || Self.isReadable(bytes)
    }
  }

  private mutating func add(text bytes: [UInt8]) {
    add(UInt64(bytes.count))
    var word: UInt64 = 0
    for (place, byte) in bytes.enumerated() {
      word = word << 8 | UInt64(byte)
      if place % 8 == 7 { add(word) }
    }
    add(word)
  }

  @inline(__always)
  private mutating func add(_ word: UInt64) {
    // Two multiplications by odd numbers with the high half mixed down (as in SplitMix64).
    first = (first ^ word) &* 0x9E37_79B9_7F4A_7C15
    first ^= first >> 32
    second = (second &+ word) &* 0xD6E8_FEB8_6659_FD93
    second ^= second >> 29
  }

  /// UTF-8 without control characters, which could move what a terminal shows; several lines are all right.
  private static func isReadable(_ bytes: [UInt8]) -> Bool {
    guard let text = String(validating: bytes, as: UTF8.self) else { return false }
    return text.unicodeScalars.allSatisfy { scalar in
      switch scalar.value {
      case 0x09, 0x0A, 0x0D: true
      case 0..<0x20, 0x7F..<0xA0: false
      default: true
      }
    }
  }

  private static func hexadecimal(_ word: UInt64) -> String {
    let digits = String(word, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
