// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Glibc

/// What a plot is drawn with.
enum PlotGlyphs: Hashable {
  /// Unicode's braille patterns: two columns and four rows of dots a character.
  case braille
  /// Letters that every terminal has: one column and two rows a character.
  case ascii

  /// What standard output can show, by the locale: braille only where it is UTF-8.
  static var ofTerminal: PlotGlyphs {
    let names = ["LC_ALL", "LC_CTYPE", "LANG"]
    let locale = names.lazy.compactMap { getenv($0).map { String(cString: $0) } }.first { !$0.isEmpty } ?? ""
    let encoding = locale.lowercased()
    return encoding.contains("utf-8") || encoding.contains("utf8") ? .braille : .ascii
  }

  /// Dots beside each other in a character.
  var across: Int { self == .braille ? 2 : 1 }
  /// Dots above each other in a character.
  var down: Int { self == .braille ? 4 : 2 }
  /// The edge of the y axis at a number.
  var tick: String { self == .braille ? " ┤" : " +" }
  /// The edge of the y axis elsewhere.
  var edge: String { self == .braille ? " │" : " |" }
  var corner: String { self == .braille ? " └" : " +" }
  var rule: Character { self == .braille ? "─" : "-" }
  var ruleTick: Character { self == .braille ? "┬" : "+" }
  /// Marks what lies above the picture.
  var above: Character { self == .braille ? "▲" : "^" }
  /// Marks what lies below the picture.
  var below: Character { self == .braille ? "▼" : "v" }

  /// The character that shows these dots, one bit a dot, column by column.
  func character(_ dots: UInt8) -> Character {
    switch self {
    case .ascii: [" ", "'", ".", ":"][Int(dots & 3)]
    case .braille: Unicode.Scalar(0x2800 + Self.pattern(dots)).map(Character.init) ?? " "
    }
  }

  /// Unicode numbers the first three rows column by column, and then the fourth row.
  private static func pattern(_ dots: UInt8) -> UInt32 {
    var pattern: UInt32 = 0
    for x in 0..<2 {
      for y in 0..<4 where dots >> UInt8(x * 4 + y) & 1 == 1 {
        pattern |= y < 3 ? 1 << UInt32(x * 3 + y) : 1 << UInt32(6 + x)
      }
    }
    return pattern
  }
}

/// A field of dots that becomes lines of characters.
struct DotCanvas {
  let columns: Int
  let lines: Int
  let glyphs: PlotGlyphs
  private var dots: [UInt8]
  private var marks: [Int: Character] = [:]

  init(columns: Int, lines: Int, glyphs: PlotGlyphs) {
    self.columns = columns
    self.lines = lines
    self.glyphs = glyphs
    dots = Array(repeating: 0, count: columns * lines)
  }

  /// Dots beside each other.
  var width: Int { columns * glyphs.across }
  /// Dots above each other.
  var height: Int { lines * glyphs.down }

  /// Sets the dots of a column between two rows, counted from the top.
  mutating func stroke(column: Int, from top: Int, to bottom: Int) {
    guard (0..<width).contains(column) else { return }
    for row in max(0, min(top, bottom))...max(0, min(height - 1, max(top, bottom))) where row < height {
      let bit = UInt8(1) << UInt8(column % glyphs.across * glyphs.down + row % glyphs.down)
      dots[row / glyphs.down * columns + column / glyphs.across] |= bit
    }
  }

  /// Puts a character in the first or last line, above a column of dots.
  mutating func mark(column: Int, atTop: Bool) {
    guard (0..<width).contains(column) else { return }
    let place = (atTop ? 0 : lines - 1) * columns + column / glyphs.across
    marks[place] = atTop ? glyphs.above : glyphs.below
  }

  /// A line without what is empty at its end.
  func text(line: Int) -> String {
    var text = ""
    for column in 0..<columns {
      let place = line * columns + column
      text.append(marks[place] ?? glyphs.character(dots[place]))
    }
    while let last = text.last, last == " " || last == "\u{2800}" { text.removeLast() }
    return text
  }
}
