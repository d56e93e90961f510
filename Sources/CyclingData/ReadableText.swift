// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A file may come from anywhere, and what it says is shown in a terminal: an escape sequence in the name of a column must
// not drive it, nor a mark of direction turn the sentence around.

extension String {
  /// The text on one line, with U+FFFD in place of what controls and does not show.
  var readable: String {
    String(String.UnicodeScalarView(unicodeScalars.map { Self.isShown($0) ? $0 : "\u{FFFD}" }))
  }

  private static func isShown(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    // The two joiners shape letters in some scripts.
    case "\u{200C}", "\u{200D}": return true
    default:
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator: return false
      default: return true
      }
    }
  }
}
