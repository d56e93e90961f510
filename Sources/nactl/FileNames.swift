// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// Names of files that are made from what people have called things.
enum FileNames {
  /// File systems take names of 255 bytes. The endings of ours, with that of a file that is being written, have room in
  /// what is left.
  static let mostBytes = 200

  /// `NAME__NAME__END` with letters, digits, hyphens and points: anything else, which a file system or the scheme of names
  /// could trip over, becomes a hyphen. No name begins with a hyphen, which commands take for an option, or a point, which
  /// hides a file. What is too long is cut, each name to its share; `end` stays whole, and tells two such files apart.
  static func stem(_ names: [String], _ end: String) -> String {
    let room = mostBytes - end.utf8.count - 2 * names.count
    let share = names.isEmpty ? 0 : max(1, room / names.count)
    return (names.map { cut(plain($0), to: share) } + [end]).joined(separator: "__")
  }

  private static func plain(_ name: String) -> String {
    let plain = name.map { $0.isLetter || $0.isNumber || $0 == "-" || $0 == "." ? $0 : "-" }
    let visible = String(plain.drop { $0 == "-" || $0 == "." })
    return visible.isEmpty ? "unnamed" : visible
  }

  private static func cut(_ name: String, to bytes: Int) -> String {
    var kept = Substring(name)
    while kept.utf8.count > bytes { kept.removeLast() }
    return kept.isEmpty ? "unnamed" : String(kept)
  }
}
