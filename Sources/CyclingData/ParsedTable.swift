// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Records that have been read already, and their analysis without the reading: what the metrics alone cost.

/// The records of a table in memory.
package struct ParsedTable: Sendable {
  private var taker = Taker()

  private struct Taker: RowTaking, Sendable {
    var header: TableHeader?
    var rows: [DataRow] = []
    mutating func begin(_ header: TableHeader) { self.header = header }
    mutating func take(_ row: DataRow) { rows.append(row) }
  }

  /// Reads a whole table.
  /// - Throws: `DataProblem` with the line that is none.
  package init(_ text: [UInt8]) throws(DataProblem) {
    var reader = TableReader(map: ColumnMap())
    var taker = taker
    try text.withUnsafeBufferPointer { (bytes) throws(DataProblem) in
      try reader.read(UnsafeRawBufferPointer(bytes), into: &taker)
    }
    try reader.finish(into: &taker)
    self.taker = taker
  }

  /// How many records it has.
  package var count: Int { taker.rows.count }

  /// Hands all records to an analysis, as reading the table does.
  package func hand(to analysis: inout RowAnalysis) {
    if let header = taker.header { analysis.finder.begin(header) }
    for row in taker.rows { analysis.finder.take(row) }
  }
}
