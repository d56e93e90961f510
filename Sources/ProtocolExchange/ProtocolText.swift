// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Writes a protocol as a person would: a step a line where it fits, keys in the order of the documentation.

import CyclingProtocol

/// A part of a protocol's text.
indirect enum TextNode: Sendable, Hashable {
  case text(String)
  case whole(Int64)
  case flag(Bool)
  case list([TextNode])
  case object([Member])

  /// A key with its value.
  struct Member: Sendable, Hashable {
    var key: String
    var value: TextNode
  }

  /// An object of these, in this order; members without a value are left out.
  static func members(_ members: [(String, TextNode?)]) -> TextNode {
    .object(members.compactMap { key, value in value.map { Member(key: key, value: $0) } })
  }

  /// Whether a text in it stands for a variable's value.
  var holdsVariable: Bool {
    switch self {
    case .text(let text): text.contains("$")
    case .whole, .flag: false
    case .list(let elements): elements.contains(where: \.holdsVariable)
    case .object(let members): members.contains { $0.value.holdsVariable }
    }
  }

  /// What was read elsewhere; numbers are whole in our files.
  init(_ node: JSONNode) {
    switch node.content {
    case .null: self = .text("null")
    case .boolean(let value): self = .flag(value)
    case .number(let digits): self = Int64(digits).map { .whole($0) } ?? .text(digits)
    case .string(let text): self = .text(text)
    case .array(let nodes): self = .list(nodes.map { TextNode($0) })
    case .object(let members):
      self = .object(members.map { Member(key: $0.key, value: TextNode($0.value)) })
    }
  }
}

/// Writes protocols.
enum ProtocolText {
  private static let widest = 118

  static func write(
    _ title: String, notes: [String], sections: [TextNode.Member], steps: [TextNode]
  ) -> String {
    var members = [
      TextNode.Member(key: "nacycler_protocol", value: .whole(1)), TextNode.Member(key: "title", value: .text(title)),
    ]
    if !notes.isEmpty {
      members.append(TextNode.Member(key: "notes", value: .text(String(notes.joined(separator: " ").prefix(4_000)))))
    }
    members += sections
    members.append(TextNode.Member(key: "steps", value: .list(steps)))
    return write(.object(members), indent: 0, isTop: true) + "\n"
  }

  /// In one line where it fits and holds no steps; otherwise one member or element a line.
  private static func write(_ node: TextNode, indent: Int, isTop: Bool = false) -> String {
    let line = inline(node)
    if !isTop, !holdsSteps(node), indent + line.count <= widest { return line }
    let inner = String(repeating: " ", count: indent + 2)
    let outer = String(repeating: " ", count: indent)
    switch node {
    case .text, .whole, .flag: return line
    case .list(let elements):
      let lines = elements.map { inner + write($0, indent: indent + 2) }
      return "[\n" + lines.joined(separator: ",\n") + "\n\(outer)]"
    case .object(let members):
      if !isTop, let block = block(members, indent: indent) { return block }
      let lines = members.map { "\(inner)\(quoted($0.key)): " + write($0.value, indent: indent + 2) }
      return "{\n" + lines.joined(separator: ",\n") + "\n\(outer)}"
    }
  }

  /// A block's own keys stand in its first line, its steps below.
  private static func block(_ members: [TextNode.Member], indent: Int) -> String? {
    guard let last = members.last, last.key == "steps" else { return nil }
    let keys = members.dropLast().map { "\(quoted($0.key)): \(inline($0.value))" }
    return "{" + (keys + ["\"steps\": " + write(last.value, indent: indent)]).joined(separator: ", ") + "}"
  }

  private static func holdsSteps(_ node: TextNode) -> Bool {
    switch node {
    case .text, .whole, .flag: false
    case .list(let elements): elements.contains { holdsSteps($0) }
    case .object(let members): members.contains { $0.key == "steps" || holdsSteps($0.value) }
    }
  }

  private static func inline(_ node: TextNode) -> String {
    switch node {
    case .text(let text): quoted(text)
    case .whole(let number): String(number)
    case .flag(let flag): flag ? "true" : "false"
    case .list(let elements): "[" + elements.map { inline($0) }.joined(separator: ", ") + "]"
    case .object(let members):
      "{" + members.map { "\(quoted($0.key)): \(inline($0.value))" }.joined(separator: ", ") + "}"
    }
  }

  static func quoted(_ text: String) -> String {
    var written = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": written += "\\\(scalar)"
      case "\n": written += "\\n"
      case "\t": written += "\\t"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        written += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: written.unicodeScalars.append(scalar)
      }
    }
    return written + "\""
  }
}
