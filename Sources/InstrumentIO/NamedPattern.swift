// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// A port as a person names it: a path with the shell's wildcards, and before it, where somebody says so, the family of
/// what is there and a colon.
public struct NamedPattern: Sendable, Hashable {
  /// The family; nil when none was named.
  public let family: String?
  /// The path.
  public let glob: String

  /// As a person writes it.
  public var text: String { family.map { "\($0):\(glob)" } ?? glob }

  /// Reads one. A colon behind a slash or a full stop belongs to the path (`/dev/serial/by-path/pci-0000:00:14.0`), and so
  /// it does behind anything that is no family's name.
  public init(_ text: String) {
    let name = text.prefix { $0 == "_" || ("a"..."z").contains($0) || ("0"..."9").contains($0) }
    let rest = text[name.endIndex...]
    guard !name.isEmpty, rest.first == ":", rest.count > 1 else {
      family = nil
      glob = text
      return
    }
    family = String(name)
    glob = String(rest.dropFirst())
  }
}
