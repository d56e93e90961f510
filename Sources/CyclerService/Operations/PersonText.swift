// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import ControlAPI
internal import Foundation

/// What people write: names, reasons, notes. It is kept for ever and shown in tables and terminals, so it must be
/// readable there, and a reason that nobody can see is none.
enum PersonText {
  /// Longer than any note, shorter than a file.
  static let mostBytes = 20_000
  /// Names stand in tables.
  static let mostBytesOfName = 200

  /// Checks a text that must be there and must say something.
  ///
  /// - Parameter purpose: What the text is for, as in "a latch is cleared with a reason".
  static func require(
    _ text: String, _ key: String, code: String, purpose: String, hint: String, severalLines: Bool = false
  ) throws {
    guard isVisible(text) else {
      throw RequestRefused(.malformed, code: code, message: "\(purpose); this one is empty", hint: hint)
    }
    try check(text, key, severalLines: severalLines)
  }

  /// Checks a text that may be missing; a note may have several lines.
  static func check(_ text: String?, _ key: String, severalLines: Bool = false) throws {
    guard let text else { return }
    guard text.utf8.count <= mostBytes else {
      throw RequestRefused(
        .malformed, code: "request.text_too_long", message: "`\(key)` has \(text.utf8.count) bytes",
        hint: "at most \(mostBytes); keep the rest in a file and write its name")
    }
    guard let strange = text.unicodeScalars.first(where: { !isReadable($0, severalLines) }) else { return }
    throw RequestRefused(
      .malformed, code: "request.unreadable_text",
      message: "`\(key)` contains U+\(hexadecimal(strange)), a control or invisible character",
      hint: severalLines ? "write plain text" : "write plain text on one line")
  }

  /// Checks why a voltage outside the protocol's window is all right.
  static func requireAllowance(_ reason: String) throws {
    try require(
      reason, "allow_voltage", code: "run.reason_missing", purpose: "allowing a voltage needs a reason",
      hint: "say why the cell may stand outside its limits")
  }

  /// Whether a text can be the name of something: two names that look alike must be one, so it has no space around it and
  /// its letters are composed (NFC).
  static func isName(_ text: String) -> Bool {
    text.utf8.count <= mostBytesOfName && isVisible(text) && text.first?.isWhitespace == false
      && text.last?.isWhitespace == false
      && text.utf8.elementsEqual(text.precomposedStringWithCanonicalMapping.utf8)
      && text.unicodeScalars.allSatisfy { isReadable($0, false) && !$0.properties.isDefaultIgnorableCodePoint }
  }

  /// The text with a mark in place of what cannot be shown, cut to `mostBytes`.
  static func readable(_ text: String) -> String {
    var scalars = String.UnicodeScalarView()
    scalars.append(contentsOf: text.unicodeScalars.map { isReadable($0, true) ? $0 : "\u{FFFD}" })
    return String(String(scalars).prefix(mostBytes / 4))
  }

  private static func isVisible(_ text: String) -> Bool {
    text.unicodeScalars.contains { scalar in
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator, .spaceSeparator, .unassigned, .surrogate: false
      default: !scalar.properties.isDefaultIgnorableCodePoint
      }
    }
  }

  /// The two joiners shape letters in some scripts and join emoji.
  private static func isReadable(_ scalar: Unicode.Scalar, _ severalLines: Bool) -> Bool {
    switch scalar {
    case "\u{200C}", "\u{200D}": return true
    case "\n", "\r", "\t": return severalLines
    default:
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator: return false
      default: return true
      }
    }
  }

  private static func hexadecimal(_ scalar: Unicode.Scalar) -> String {
    let digits = String(scalar.value, radix: 16, uppercase: true)
    return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }
}
