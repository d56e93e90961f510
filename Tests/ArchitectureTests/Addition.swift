// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The lines that make a family known, as docs/adding-an-instrument.md writes them for one that is called Example: below `+++`
// and a path, an indented line of that file, and below it, with `+`, what is put behind it. scripts/try-template.sh reads them too.

import Testing

/// Lines that are put into a file behind one of its own.
struct Addition {
  static let example = "Example"
  static let page = "docs/adding-an-instrument.md"

  let path: String
  /// The line of the file behind which they stand.
  let place: String
  var lines: [String] = []

  /// The template's name turned into the example's.
  static func renamed(_ text: String) -> String {
    text.replacing("Template", with: "Example").replacing("template", with: "example")
      .replacing("TEMPLATE", with: "EXAMPLE")
  }

  /// Those of the page.
  static func ofThePage() throws -> [Addition] {
    let block = try #require(
      try Repository.text(page).firstMatch(of: /\n```diff\n((?:.|\n)*?)\n```/), "\(page) lists no lines")
    var path = ""
    var additions: [Addition] = []
    for line in block.output.1.split(separator: "\n") {
      if line.hasPrefix("+++ ") {
        path = String(line.dropFirst(4))
      } else if line.hasPrefix("+") {
        try #require(additions.last?.path == path, "`\(line)` has no place")
        additions[additions.count - 1].lines.append(String(line.dropFirst()))
      } else {
        additions.append(Addition(path: path, place: String(line.dropFirst())))
      }
    }
    return additions
  }

  /// Puts them behind their place, of which there has to be one.
  func add(to texts: inout RepositoryTexts) throws {
    var all = texts.lines(path).map { String($0) }
    let places = all.indices.filter { all[$0] == place }
    try #require(places.count == 1, "\(path) has \(places.count) lines `\(place)`")
    all.insert(contentsOf: lines, at: places[0] + 1)
    texts.texts[path] = all.joined(separator: "\n")
  }
}
