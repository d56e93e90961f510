// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// Ids under which the event log names requests that change something.
public enum RequestIDs {
  /// A new one: 16 hexadecimal digits, at random.
  public static func make() -> String {
    let digits = String(UInt64.random(in: .min ... .max), radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  /// Whether a text may be an id: 1 to 64 ASCII letters, digits, `.`, `_` or `-`, so that it can stand in a header
  /// and a log without quoting.
  public static func isValid(_ text: String) -> Bool {
    (1...64).contains(text.utf8.count)
      && text.unicodeScalars.allSatisfy {
        $0.isASCII && ($0.properties.isAlphabetic || ("0"..."9").contains($0) || $0 == "." || $0 == "_" || $0 == "-")
      }
  }
}
