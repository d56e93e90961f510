// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// A list of things with one description of its columns for people and for programs.
struct Table<Row> {
  /// One column.
  struct Column {
    /// Heading for people; empty for a column that only programs get.
    var title: String
    /// Name in CSV, with the unit as suffix.
    var key: String
    /// Numbers stand at the right.
    var isNumber: Bool
    /// What people read; nil for what is not known.
    var text: (Row) -> String?
    /// What programs read; nil for what is not known.
    var value: (Row) -> String?

    /// A column with a form for people and one for programs.
    init(
      _ title: String, _ key: String, number: Bool = false, text: @escaping (Row) -> String?,
      value: @escaping (Row) -> String?
    ) {
      self.title = title
      self.key = key
      isNumber = number
      self.text = text
      self.value = value
    }

    /// A column for programs only.
    static func hidden(_ key: String, _ value: @escaping (Row) -> String?) -> Column {
      Column("", key, text: { _ in nil }, value: value)
    }

    /// A column that says the same to both.
    init(_ title: String, _ key: String, number: Bool = false, _ both: @escaping (Row) -> String?) {
      self.init(title, key, number: number, text: both, value: both)
    }
  }

  var columns: [Column]

  /// What a person wrote may be as long as a page, and one such line would push every other column off the screen.
  static func shortened(_ text: String) -> String {
    text.count > mostCharacters ? text.prefix(mostCharacters - 1) + "…" : text
  }

  /// Enough for a title or a label; what is longer is cut for people. Programs get all of it.
  private static var mostCharacters: Int { 48 }

  /// Aligned text with headings; nothing known is a dash.
  func text(_ rows: [Row]) -> String {
    let columns = columns.filter { !$0.title.isEmpty }
    let cells = rows.map { row in columns.map { $0.text(row) ?? Numbers.unknown } }
    let widths = columns.indices.map { index in
      ([columns[index].title] + cells.map { $0[index] }).map(\.count).max() ?? 0
    }
    let lines = [columns.map(\.title)] + cells
    return lines.map { line in
      let padded = line.indices.map { index in
        let space = String(repeating: " ", count: widths[index] - line[index].count)
        return columns[index].isNumber ? space + line[index] : line[index] + space
      }
      return padded.joined(separator: "  ").withoutTrailingSpaces() + "\n"
    }.joined()
  }

  /// CSV as in RFC 4180 with line feeds; nothing known is an empty field.
  func csv(_ rows: [Row]) -> String {
    CSV.line(columns.map(\.key)) + rows.map { row in CSV.line(columns.map { $0.value(row) ?? "" }) }.joined()
  }
}

extension String {
  /// The text without spaces at its end.
  fileprivate func withoutTrailingSpaces() -> String {
    var rest = Substring(self)
    while rest.last == " " { rest.removeLast() }
    return String(rest)
  }
}

/// Comma-separated values as in RFC 4180.
enum CSV {
  /// One line with its line feed.
  static func line(_ fields: [String]) -> String { fields.map(field).joined(separator: ",") + "\n" }

  private static func field(_ text: String) -> String {
    guard text.utf8.contains(where: { $0 == 0x2C || $0 == 0x22 || $0 == 0x0A || $0 == 0x0D }) else { return text }
    return "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
  }

  /// What separates the fields: a comma, or in a file whose first line has none a semicolon or a tab, as spreadsheets
  /// write them where the comma is the decimal mark.
  private static func separator(of text: Substring) -> Character {
    let heading = text.drop { $0.isNewline }.prefix { !$0.isNewline }
    return [",", ";", "\t"].first { heading.contains($0) } ?? ","
  }

  /// Reads all records with the line that each begins on; empty lines and a byte-order mark are left aside. Throws
  /// `FileFailure` for a quote that is not closed or stands in the middle of a field.
  static func read(_ text: String, name: String) throws -> [(line: Int, fields: [String])] {
    var records: [(line: Int, fields: [String])] = []
    var fields: [String] = []
    var field = ""
    var line = 1
    var begin = 1
    var isQuoted = false
    var wasQuoted = false
    func finishRecord() {
      if !(fields.isEmpty && field.isEmpty && !wasQuoted) { records.append((begin, fields + [field])) }
      fields = []
      field = ""
      wasQuoted = false
    }
    // Characters, not bytes: CR LF is one Character and one line end.
    var rest = text.unicodeScalars.first == "\u{FEFF}" ? Substring(text.unicodeScalars.dropFirst()) : Substring(text)
    let separator = separator(of: rest)
    while let character = rest.popFirst() {
      if isQuoted {
        if character == "\"" {
          if rest.first == "\"" { field.append(rest.removeFirst()) } else { isQuoted = false }
        } else {
          field.append(character)
        }
        if character.isNewline { line += 1 }
      } else if character == "\"" {
        guard field.isEmpty, !wasQuoted else {
          throw FileFailure(
            code: "csv.stray_quote", message: "\(name):\(line): a quote stands in the middle of a field",
            hint: "quote the whole field and write quotes in it twice")
        }
        isQuoted = true
        wasQuoted = true
      } else if character == separator {
        fields.append(field)
        field = ""
        wasQuoted = false
      } else if character.isNewline {
        finishRecord()
        line += 1
        begin = line
      } else {
        field.append(character)
      }
    }
    guard !isQuoted else {
      throw FileFailure(
        code: "csv.open_quote", message: "\(name):\(begin): a quote is not closed", hint: "close it with another quote")
    }
    finishRecord()
    return records
  }
}
