// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// From the bytes of a table to its records, in whatever pieces they come. A line that is whole is read where it lies; only
// one that a piece ends in is kept. Nothing is made for a record but the record.

/// Who gets the records of a table.
protocol RowTaking {
  /// Hears what the columns are, before the first record.
  mutating func begin(_ header: TableHeader)
  /// Takes the next one.
  mutating func take(_ row: DataRow)
  /// Hears that the heading came again: what follows may be another test with a clock of its own.
  mutating func beginSection()
}

extension RowTaking {
  mutating func beginSection() {}
}

/// Reads a table.
struct TableReader: Sendable {
  /// What was passed over, for the notes.
  struct PassedOver: Sendable, Hashable {
    /// Records without a time or a current.
    var incomplete = 0
    /// Lines that repeat the heading.
    var headings = 0
    /// Sections of other lines between the records.
    var sections = 0
    /// The last line ended in the middle.
    var hasCutLine = false
  }

  /// The plan; nil before the heading was found.
  private(set) var header: TableHeader?
  private(set) var passedOver = PassedOver()
  /// What gives the currents their sign, where steps have words.
  private(set) var signs = SignRule()
  /// What separates whole and fraction.
  private(set) var decimalMark: UInt8 = 0x2E
  /// The line that is being read, from 1.
  private(set) var line = 0

  private let map: ColumnMap
  private let invertsCurrent: Bool
  private var kept: [UInt8] = []
  private var head: [(number: Int, text: String)] = []
  private var headBytes = 0
  private var row = DataRow()
  // Neware's lines of steps and cycles between the records.
  private var markers = 0
  /// Whether the first column has no name and holds what a table's index is, not the marks of Neware's layers.
  private var hasIndex = false
  private var hasRead = false
  // After the end of a section, until the heading comes again.
  private var isBetweenSections = false
  // Nothing has been read but what is in `beginning`.
  private var hasBegun = false
  private var beginning: [UInt8] = []
  private var transcoder: WideText?
  private var builtBase = 0.0
  private var builtLast = DataRow()
  private var hasBuilt = false
  private var isLastLine = false

  /// More than any table has in front of its heading, EC-Lab's parameters and Novonix's program among it.
  private static let mostHeadLines = 5_000
  private static let mostHeadBytes = 1 << 20
  /// Longer lines are no table.
  private static let longestLine = 1 << 18
  /// So many records at the beginning are checked for having as many fields as the heading.
  private static let checkedRecords = 1_000

  /// A reader of a table whose columns are `map`'s where their names do not say it.
  /// - Parameter invertsCurrent: Whether each current gets the other sign.
  init(map: ColumnMap, invertsCurrent: Bool = false) {
    self.map = map
    self.invertsCurrent = invertsCurrent
  }

  /// Reads the next piece.
  mutating func read(
    _ bytes: UnsafeRawBufferPointer, into taker: inout some RowTaking
  ) throws(DataProblem) {
    guard !hasBegun || transcoder != nil else { return try readText(bytes.bindMemory(to: UInt8.self), into: &taker) }
    if !hasBegun {
      // The first bytes tell the encoding, and four of them are enough.
      beginning += bytes
      guard beginning.count >= 4 else { return }
      hasBegun = true
      transcoder = WideText(beginning)
      let first = beginning
      beginning = []
      guard transcoder != nil else {
        return try first.withUnsafeBufferPointer { (bytes) throws(DataProblem) in try readText(bytes, into: &taker) }
      }
      return try readWide(first, into: &taker)
    }
    try readWide(Array(bytes), into: &taker)
  }

  private mutating func readWide(_ bytes: [UInt8], into taker: inout some RowTaking) throws(DataProblem) {
    guard let text = transcoder?.text(bytes) else { return }
    try text.withUnsafeBufferPointer { (bytes) throws(DataProblem) in try readText(bytes, into: &taker) }
  }

  private mutating func readText(
    _ all: UnsafeBufferPointer<UInt8>, into taker: inout some RowTaking
  ) throws(DataProblem) {
    var rest = all[...]
    if !kept.isEmpty {
      guard let end = rest.firstIndex(of: DecimalText.lineFeed) else { return try keep(rest) }
      kept.append(contentsOf: rest[...end])
      rest = rest[(end + 1)...]
      let whole = kept
      kept = []
      try whole.withUnsafeBufferPointer { (lines) throws(DataProblem) in try readLines(lines, into: &taker) }
    }
    guard let end = rest.lastIndex(of: DecimalText.lineFeed) else { return try keep(rest) }
    try readLines(UnsafeBufferPointer(rebasing: rest[...end]), into: &taker)
    try keep(rest[(end + 1)...])
  }

  /// The table is over; reads a last line that has no line end.
  mutating func finish(into taker: inout some RowTaking) throws(DataProblem) {
    if !hasBegun {
      let first = beginning
      hasBegun = true
      try first.withUnsafeBufferPointer { (bytes) throws(DataProblem) in try readText(bytes, into: &taker) }
    }
    if !kept.isEmpty {
      var last = kept
      kept = []
      last.append(DecimalText.lineFeed)
      isLastLine = true
      try last.withUnsafeBufferPointer { (lines) throws(DataProblem) in try readLines(lines, into: &taker) }
    }
    guard header != nil else {
      guard line > 0 else {
        throw DataProblem("data.empty", "the file is empty", hint: "is it the right file?")
      }
      throw TableHeader.missing(in: head, map: map)
    }
  }

  private mutating func keep(_ rest: Slice<UnsafeBufferPointer<UInt8>>) throws(DataProblem) {
    kept.append(contentsOf: rest)
    if line == 0 { try Self.refuseForeign(kept) }
    guard kept.count <= Self.longestLine else {
      line += 1
      throw tooLong
    }
  }

  private var tooLong: DataProblem {
    DataProblem(
      "data.long_line", line: line, "a line has more than \(Self.longestLine) bytes",
      hint: "a table has a record a line, each ended by a line feed")
  }
}

// MARK: - Lines

extension TableReader {
  /// Reads whole lines; the last byte is a line feed.
  private mutating func readLines(
    _ bytes: UnsafeBufferPointer<UInt8>, into taker: inout some RowTaking
  ) throws(DataProblem) {
    guard let base = bytes.baseAddress else { return }
    var cursor = base
    let end = base + bytes.count
    while header == nil, cursor < end {
      try readHead(&cursor)
      if let header { taker.begin(header) }
    }
    guard let header, cursor < end else { return }
    try header.fields.withUnsafeBufferPointer { (fields) throws(DataProblem) in
      while cursor < end {
        line += 1
        let begin = cursor
        if isBetweenSections {
          lookForHeading(&cursor, header)
          if !isBetweenSections { taker.beginSection() }
          continue
        }
        var outcome = readRecord(&cursor, fields, header.delimiter, header)
        if case .malformed(let index) = outcome, turnsToDecimalComma(begin, index, header) {
          cursor = begin
          outcome = readRecord(&cursor, fields, header.delimiter, header)
        }
        if case .marker = outcome, !hasRead, markers == 0 {
          outcome = tryIndex(&cursor, begin, fields, header)
          if hasIndex { taker.begin(header.withoutLayers) }
        }
        switch outcome {
        case .record:
          hasRead = true
          Self.skipLine(&cursor, end)
          complete(header)
          taker.take(row)
        case .nothing: Self.skipLine(&cursor, end)
        case .marker:
          markers += 1
          Self.skipLine(&cursor, end)
        case .incomplete:
          passedOver.incomplete += 1
          Self.skipLine(&cursor, end)
        case .malformed(let index):
          let headings = passedOver.headings
          try judge(&cursor, begin, index, header)
          if passedOver.headings > headings { taker.beginSection() }
        }
      }
    }
  }

  /// A first line with something in the unnamed column is a record where all else in it is one: the table has an index.
  private mutating func tryIndex(
    _ cursor: inout UnsafePointer<UInt8>, _ begin: UnsafePointer<UInt8>,
    _ fields: UnsafeBufferPointer<TableHeader.Field>, _ header: TableHeader
  ) -> Outcome {
    hasIndex = true
    cursor = begin
    let outcome = readRecord(&cursor, fields, header.delimiter, header)
    if case .record = outcome { return outcome }
    hasIndex = false
    cursor = begin
    return .marker
  }

  /// Why nothing can be said of a table that holds nothing.
  var holdsNoRecord: DataProblem {
    DataProblem(
      "data.no_records", "no record is in it",
      hint: "below its heading a table has a record a line, with a time, a current and a voltage")
  }

  private enum Outcome {
    case record
    case nothing
    case marker
    case incomplete
    /// The field that cannot be read, or the number of fields where one is missing.
    case malformed(Int)
  }

  /// Reads the fields of a record into `row`.
  @inline(__always)
  private mutating func readRecord(
    _ cursor: inout UnsafePointer<UInt8>, _ fields: UnsafeBufferPointer<TableHeader.Field>, _ delimiter: UInt8,
    _ header: TableHeader
  ) -> Outcome {
    if cursor.pointee <= 0x23, Self.isNothing(cursor) { return .nothing }
    var row = DataRow()
    row.line = line
    for index in 0..<fields.count {
      if index > 0 {
        guard cursor.pointee == delimiter else { return .malformed(index) }
        cursor += 1
      }
      let field = fields[index]
      switch field.action {
      case .skip:
        if index < header.leadingEmpty, !hasIndex, cursor.pointee != delimiter { return .marker }
        DecimalText.skip(&cursor, delimiter: delimiter)
      case .stepType: readType(&cursor, delimiter, &row, isStep: !header.hasStep)
      case .time, .stepTime, .current, .voltage, .step, .firstCounter, .secondCounter:
        let value: Double
        let begin = cursor
        switch DecimalText.read(
          &cursor, delimiter: delimiter, decimalMark: decimalMark, exponent: field.exponent)
        {
        case .number(let number):
          if field.needsDuration { return .malformed(index) }
          value = number * field.factor
        case .duration(let seconds):
          guard field.action == .time || field.action == .stepTime else { return .malformed(index) }
          value = seconds
        case .unknown: continue
        case .malformed:
          guard field.action == .step, cursor != begin else { return .malformed(index) }
          // A step may have a name instead of a number.
          value = Double(Self.hash(UnsafeBufferPointer(start: begin, count: cursor - begin)))
        }
        // Beyond anything that a cell does; also keeps every later sum finite.
        guard value.magnitude < (field.action == .current || field.action == .voltage ? 1e6 : 1e12) else {
          return .malformed(index)
        }
        switch field.action {
        case .time: row.time = value
        case .stepTime: row.stepTime = value
        case .current: row.current = value
        case .voltage: row.voltage = value
        case .step: row.step = value
        case .firstCounter: row.firstCounter = value
        case .secondCounter: row.secondCounter = value
        case .skip, .stepType: break
        }
      }
    }
    let isWhole = header.buildsTime ? !row.stepTime.isNaN : !row.time.isNaN
    if row.current.isNaN || !isWhole { return row.voltage.isNaN && !isWhole ? .nothing : .incomplete }
    if line <= Self.checkedRecords || fields.count == header.names.count || isLastLine,
      !hasRightCount(cursor, fields.count, header)
    {
      return .malformed(fields.count)
    }
    self.row = row
    return .record
  }

  /// Whether the line has no more fields than the heading, and the last line no fewer. A delimiter at the end is no field.
  private func hasRightCount(_ place: UnsafePointer<UInt8>, _ read: Int, _ header: TableHeader) -> Bool {
    var place = place
    var count = read
    while place.pointee != DecimalText.lineFeed {
      place += 1
      let next = place.pointee
      if next == DecimalText.lineFeed || (next == DecimalText.carriageReturn && place[1] == DecimalText.lineFeed) {
        break
      }
      count += 1
      DecimalText.skip(&place, delimiter: header.delimiter)
    }
    return count <= header.names.count && (!isLastLine || count == header.names.count)
  }

  @inline(__always)
  private static func skipLine(_ cursor: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) {
    // Eight bytes at a time: a byte is a line feed where the difference from it is nothing.
    while cursor + 8 <= end {
      let word = UnsafeRawPointer(cursor).loadUnaligned(as: UInt64.self) ^ 0x0A0A_0A0A_0A0A_0A0A
      if (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080 != 0 { break }
      cursor += 8
    }
    while cursor.pointee != DecimalText.lineFeed { cursor += 1 }
    cursor += 1
  }

  /// Whether the line is empty or a comment.
  private static func isNothing(_ begin: UnsafePointer<UInt8>) -> Bool {
    var place = begin
    while place.pointee == 0x20 || place.pointee == DecimalText.tab || place.pointee == DecimalText.carriageReturn {
      place += 1
    }
    return place.pointee == DecimalText.lineFeed || place.pointee == 0x23
  }

  /// The word for what the step does: CC_DChg, CC_DCH, Discharge, D, CC Chg, Charge, C.
  private mutating func readType(
    _ cursor: inout UnsafePointer<UInt8>, _ delimiter: UInt8, _ row: inout DataRow, isStep: Bool
  ) {
    var begin = cursor
    DecimalText.skip(&cursor, delimiter: delimiter)
    // Without quotes, spaces and the return at the end of the line.
    func isPadding(_ byte: UInt8) -> Bool { byte <= 0x20 || byte == DecimalText.quote }
    var end = cursor
    while end > begin, isPadding(end[-1]) { end -= 1 }
    while begin < end, isPadding(begin.pointee) { begin += 1 }
    let word = UnsafeBufferPointer(start: begin, count: end - begin)
    var letters: (UInt8, UInt8, UInt8) = (0, 0, 0)
    for byte in word {
      letters = (letters.1, letters.2, byte | 0x20)
      // dch and dis before chg and cha, of which one is in both.
      if letters == (0x64, 0x63, 0x68) || letters == (0x64, 0x69, 0x73) { row.typeSign = -1 }
      if row.typeSign == 0, letters == (0x63, 0x68, 0x67) || letters == (0x63, 0x68, 0x61) { row.typeSign = 1 }
      // 放 and 充 in UTF-8, with the bit that makes letters small.
      if letters == (0xE6, 0xB4, 0xBE) { row.typeSign = -1 }
      if row.typeSign == 0, letters == (0xE5, 0xA5, 0xA5) { row.typeSign = 1 }
    }
    if word.count == 1, row.typeSign == 0 {
      // State `C`, `D` or `R`.
      row.typeSign = letters.2 == UInt8(ascii: "c") ? 1 : letters.2 == UInt8(ascii: "d") ? -1 : 0
    }
    if isStep { row.step = Double(Self.hash(word)) }
  }

  /// FNV-1a: the same word is the same step.
  private static func hash(_ word: UnsafeBufferPointer<UInt8>) -> UInt32 {
    word.reduce(2_166_136_261) { ($0 ^ UInt32($1)) &* 16_777_619 }
  }

  /// What a record needs beyond its fields: Neware's step, a sign from the step's word, a time from the steps' times.
  @inline(__always)
  private mutating func complete(_ header: TableHeader) {
    if header.leadingEmpty > 0, !header.hasStep { row.step = Double(markers) }
    if header.hasStepType { signs.apply(&row) }
    guard header.buildsTime else { return }
    if hasBuilt, row.stepTime < builtLast.stepTime || row.step != builtLast.step && !row.step.isNaN {
      builtBase = builtLast.time
    }
    row.time = builtBase + row.stepTime
    builtLast = row
    hasBuilt = true
  }
}

// MARK: - What is no record

extension TableReader {
  private mutating func readHead(_ cursor: inout UnsafePointer<UInt8>) throws(DataProblem) {
    line += 1
    let begin = cursor
    while cursor.pointee != DecimalText.lineFeed { cursor += 1 }
    let bytes = UnsafeBufferPointer(start: begin, count: cursor - begin)
    cursor += 1
    guard bytes.count <= Self.longestLine else { throw tooLong }
    if line == 1 { try Self.refuseForeign(Array(bytes)) }
    let text = Self.text(bytes)
    if text.allSatisfy({ $0.isWhitespace }) { return }
    header = try TableHeader(line: text, map: map)
    if header != nil {
      if invertsCurrent { header?.invertCurrent() }
      head = []
      return
    }
    head.append((line, text))
    headBytes += bytes.count
    if head.count >= Self.mostHeadLines || headBytes >= Self.mostHeadBytes {
      throw TableHeader.missing(in: head, map: map)
    }
  }

  /// UTF-8, or Latin-1 where it is none: instruments write µ and ° that way.
  private static func text(_ bytes: UnsafeBufferPointer<UInt8>) -> String {
    if let text = String(validating: bytes, as: UTF8.self) { return text }
    return String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
  }

  private static func refuseForeign(_ begin: [UInt8]) throws(DataProblem) {
    func begins(_ magic: [UInt8]) -> Bool { begin.starts(with: magic) }
    if begins([0x1F, 0x8B]) {
      throw DataProblem(
        "data.compressed", "the file is compressed with gzip", hint: "gunzip -c FILE | nactl analyze - --role …")
    }
    if begins([0x50, 0x4B, 0x03, 0x04]) {
      throw DataProblem(
        "data.archive", "the file is a workbook or an archive (xlsx, ndax, zip)",
        hint: "save or export the sheet with the records as CSV")
    }
    if begins([0x28, 0xB5, 0x2F, 0xFD]) || begins(Array("BZh".utf8)) || begins([0xFD, 0x37, 0x7A, 0x58, 0x5A]) {
      throw DataProblem(
        "data.compressed", "the file is compressed",
        hint: "decompress it: zstd, bunzip2 or xz -dc FILE | nactl analyze - …")
    }
    if begins([0xD0, 0xCF, 0x11, 0xE0]) || begins([0x00, 0x01, 0x00, 0x00]) {
      throw DataProblem(
        "data.archive", "the file is a workbook or a data base (xls, res)",
        hint: "save the sheet as CSV, or mdb-export FILE Channel_Normal_Table")
    }
    if begins(Array("BIO-LOGIC MODULAR FILE".utf8)) || begins(Array("NEWARE".utf8)) {
      throw DataProblem(
        "data.binary", "the file is an instrument's own (mpr, nda)",
        hint: "export it as text from the instrument's program (EC-Lab: .mpt, BTSDA: CSV)")
    }
    if begins([0x50, 0x41, 0x52, 0x31]) {
      throw DataProblem("data.parquet", "the file is Parquet", hint: "write it as CSV")
    }
    if begin.contains(0) {
      throw DataProblem(
        "data.binary", "the file is no text", hint: "export the records as CSV from the instrument's program")
    }
  }

  /// A field that is none with a point, but has one comma: the file has decimal commas, if they cannot be delimiters.
  private mutating func turnsToDecimalComma(
    _ begin: UnsafePointer<UInt8>, _ index: Int, _ header: TableHeader
  ) -> Bool {
    guard header.delimiter != 0x2C, decimalMark == 0x2E, index < header.fields.count else { return false }
    let text = Self.field(begin, index, header.delimiter)
    guard text.contains(","), !text.contains(".") else { return false }
    decimalMark = 0x2C
    return true
  }

  /// Passes a line over that belongs to no section with records.
  private mutating func lookForHeading(_ cursor: inout UnsafePointer<UInt8>, _ header: TableHeader) {
    let begin = cursor
    while cursor.pointee != DecimalText.lineFeed { cursor += 1 }
    let text = UnsafeBufferPointer(start: begin, count: cursor - begin)
    cursor += 1
    // Only as long as the heading's names can it be one.
    guard text.count < Self.longestLine else { return }
    isBetweenSections =
      TableHeader.names(Self.text(text), Character(Unicode.Scalar(header.delimiter))) != header.names
  }

  /// A line that cannot be read: the end of a file that was cut, the heading once more, or a problem.
  private mutating func judge(
    _ cursor: inout UnsafePointer<UInt8>, _ begin: UnsafePointer<UInt8>, _ index: Int, _ header: TableHeader
  ) throws(DataProblem) {
    cursor = begin
    while cursor.pointee != DecimalText.lineFeed { cursor += 1 }
    let text = Self.text(UnsafeBufferPointer(start: begin, count: cursor - begin))
    cursor += 1
    if isLastLine {
      passedOver.hasCutLine = true
      return
    }
    let delimiter = Character(Unicode.Scalar(header.delimiter))
    let names = TableHeader.names(text, delimiter)
    if names == header.names {
      passedOver.headings += 1
      return
    }
    if text.first == "[" {
      // Novonix puts the sections of several tests after one another.
      passedOver.sections += 1
      isBetweenSections = true
      return
    }
    guard index < header.fields.count, names.count > index else {
      let hint =
        names.count > header.names.count && header.delimiter == 0x2C
        ? "a comma as decimal mark needs another delimiter: save it with semicolons" : "is a line broken or cut there?"
      throw DataProblem(
        "data.fields", line: line,
        "there are \(names.count) fields where the heading has \(header.names.count)", hint: hint)
    }
    let field = header.fields[index]
    let what = "“\(names[index].prefix(40))” in the column “\(header.names[index])”"
    if field.needsDuration, Double(names[index].replacing(",", with: ".")) != nil {
      let key = field.action == .time ? "time" : "step_time"
      throw DataProblem(
        "data.no_unit", line: line, "\(what) has no unit",
        hint:
          "--columns \(key)_s=\(header.names[index]) if it is in seconds, \(key)_min=… if in minutes, \(key)_h=… if in "
          + "hours")
    }
    if names[index].contains("/") || names[index].contains("-"), names[index].contains(":") {
      throw DataProblem(
        "data.date", line: line, "\(what) is a date, not a time since the test began",
        hint: "export the time as relative time, in seconds")
    }
    throw DataProblem(
      "data.number", line: line, "\(what) is no number",
      hint: "a number has a point and no thousands separators, for instance -1.5e-4; leave empty what was not measured")
  }

  private static func field(_ begin: UnsafePointer<UInt8>, _ index: Int, _ delimiter: UInt8) -> String {
    var place = begin
    for _ in 0..<index {
      DecimalText.skip(&place, delimiter: delimiter)
      if place.pointee == delimiter { place += 1 }
    }
    let start = place
    DecimalText.skip(&place, delimiter: delimiter)
    return text(UnsafeBufferPointer(start: start, count: place - start))
  }
}
