// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// One recorded reading.
struct RecordedRow: Sendable, Hashable {
  /// The line in the file, from 1.
  var line: Int
  /// Where that line begins in the file.
  var offset: Int
  /// In microseconds, on the file's clock.
  var time: Int64
  /// In amperes, positive charging.
  var current: Double
  /// In volts.
  var voltage: Double
  /// The instrument's number of the step; nil where the file has no such column.
  var step: Int64?
  /// In microseconds since the step began; nil where the file does not say.
  var stepTime: Int64?
  /// The current as it is written, a range of the reader's buffer; valid until the next row is read.
  var currentText: Range<Int>
  /// The voltage as it is written.
  var voltageText: Range<Int>
}

/// The rows of a recording, one after the other. Every one is checked: what is no number, out of range or out of order
/// stops the reading with its place.
struct RecordingRows: Sendable {
  /// Beyond this no cell is meant; most likely the column is in another unit.
  private static let largestCurrent = 1_000.0
  private static let largestVoltage = 100.0
  /// Thirty years in microseconds.
  private static let largestTime: Int64 = 1_000_000_000_000_000

  private(set) var lines: RecordingLines
  let columns: RecordingColumns
  private var fields: [Range<Int>] = []
  private var lastTime = Int64.min

  /// Reads the heading; the first row is the next.
  /// - Throws: When there is none, or it lacks a column.
  init(_ source: RecordingSource, file: String) throws(RecordingError) {
    var lines = RecordingLines(source, file: file)
    guard let heading = try lines.next() else { throw RecordingError(file, "is empty") }
    columns = try RecordingColumns(heading: String(decoding: lines.buffer[heading], as: UTF8.self), file: file)
    self.lines = lines
    fields.reserveCapacity(columns.count)
  }

  /// Goes to a row that begins at `offset` in the line of that number.
  mutating func seek(offset: Int, line: Int) {
    lines.seek(offset: offset, number: line)
    lastTime = .min
  }

  /// The next row; nil behind the last.
  /// - Throws: With line and column where a row cannot be read.
  mutating func next() throws(RecordingError) -> RecordedRow? {
    while let line = try lines.next() {
      if line.isEmpty { continue }
      split(line)
      guard fields.count == columns.count else { throw wrongCount() }
      return try row()
    }
    return nil
  }

  private mutating func split(_ line: Range<Int>) {
    fields.removeAll(keepingCapacity: true)
    var start = line.lowerBound
    for place in line where lines.buffer[place] == UInt8(ascii: ",") {
      fields.append(start..<place)
      start = place + 1
    }
    fields.append(start..<line.upperBound)
  }

  private func wrongCount() -> RecordingError {
    let words =
      lines.isEnded || fields.count > columns.count
      ? "has \(fields.count) columns, the heading has \(columns.count)"
      : "the file ends in the middle of this line; delete it, or get the whole file"
    return RecordingError(lines.file, line: lines.number, words)
  }

  private mutating func row() throws(RecordingError) -> RecordedRow {
    let time = try microseconds(columns.time, RecordingColumns.timeName)
    let current = try number(columns.current, RecordingColumns.currentName).value
    let voltage = try number(columns.voltage, RecordingColumns.voltageName).value
    guard abs(current) <= Self.largestCurrent else {
      throw error(RecordingColumns.currentName, "is more than \(Int(Self.largestCurrent)) A; amperes would be right")
    }
    guard abs(voltage) <= Self.largestVoltage else {
      throw error(RecordingColumns.voltageName, "is more than \(Int(Self.largestVoltage)) V; volts would be right")
    }
    guard time >= lastTime else {
      let back = "the time goes back, from \(Self.seconds(lastTime)) s to \(Self.seconds(time)) s"
      throw error(RecordingColumns.timeName, "\(back); seconds since the test began would be right, in order")
    }
    lastTime = time
    var row = RecordedRow(
      line: lines.number, offset: lines.offset, time: time, current: current, voltage: voltage,
      currentText: fields[columns.current], voltageText: fields[columns.voltage])
    if columns.step >= 0 { row.step = try step() }
    if columns.stepTime >= 0 { row.stepTime = try microseconds(columns.stepTime, RecordingColumns.stepTimeName) }
    return row
  }

  private func number(_ column: Int, _ name: String) throws(RecordingError) -> DecimalField {
    let text = lines.buffer[fields[column]]
    guard let number = DecimalField(text) else {
      throw error(name, "`\(Self.shown(text))` is no number; a number such as -0.000302 or 8.88e-05 would be right")
    }
    return number
  }

  private func microseconds(_ column: Int, _ name: String) throws(RecordingError) -> Int64 {
    guard let time = try number(column, name).scaled(places: 6), abs(time) <= Self.largestTime else {
      throw error(name, "is more than thirty years; seconds would be right")
    }
    return time
  }

  private func step() throws(RecordingError) -> Int64 {
    let number = try number(columns.step, RecordingColumns.stepName)
    guard let step = number.scaled(places: 0), Double(step) == number.value else {
      throw error(RecordingColumns.stepName, "a step's number has to be a whole one")
    }
    return step
  }

  private func error(_ column: String, _ words: String) -> RecordingError {
    RecordingError(lines.file, line: lines.number, column: column, words)
  }

  private static func shown(_ text: ArraySlice<UInt8>) -> String { String(decoding: text.prefix(40), as: UTF8.self) }

  /// Seconds with at most six digits behind the point.
  static func seconds(_ microseconds: Int64) -> String {
    let digits = String(microseconds.magnitude)
    let padded = String(repeating: "0", count: max(0, 7 - digits.utf8.count)) + digits
    var fraction = padded.suffix(6)
    while fraction.last == "0" { fraction = fraction.dropLast() }
    return (microseconds < 0 ? "-" : "") + padded.dropLast(6) + (fraction.isEmpty ? "" : "." + fraction)
  }
}
