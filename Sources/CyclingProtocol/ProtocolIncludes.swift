// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Blocks and profiles that stand in files of their own. They are put into the text before it is sent, with the file's
// digest, so what is stored with a run says everything by itself and the daemon reads no files of others.

/// Puts the blocks and profiles of other files into a protocol.
public enum ProtocolIncludes {
  /// Why a file does not hold what is taken from it.
  public struct Unusable: Error, Sendable, Hashable {
    /// What it holds instead, or what is wrong with it.
    public var message: String
    /// What it should hold.
    public var hint: String
  }

  /// A place that names a file.
  private struct Place {
    enum Kind {
      case block
      case profile
    }
    var kind: Kind
    var file: String
    /// Of the brace that opens the object with the name.
    var offset: Int
  }

  /// The files that a protocol takes something from, as it names them; none where it cannot be read.
  public static func files(of protocolFile: [UInt8]) -> [String] { places(in: protocolFile).map(\.file) }

  /// The protocol with what such a file holds beside each of its names. Lines stay where they were.
  public static func putting(
    _ content: [UInt8], of file: String, into protocolFile: [UInt8]
  ) throws(Unusable) -> [UInt8] {
    let digest = SHA256.digest(content).map { byte in
      let digits = Array("0123456789abcdef".utf8)
      return [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    }
    var result = protocolFile
    // From behind, so that the places in front stay where they are.
    for place in places(in: protocolFile).reversed() where place.file == file {
      let held: [UInt8]
      switch place.kind {
      case .block: held = Array(#""steps": "#.utf8) + (try steps(content))
      case .profile: held = Array(#""rows": "#.utf8) + (try rows(content))
      }
      result.insert(
        contentsOf: held + Array(#", "sha256": ""#.utf8) + digest.joined() + Array(#"", "#.utf8), at: place.offset + 1)
    }
    return result
  }

  private static func steps(_ content: [UInt8]) throws(Unusable) -> [UInt8] {
    let hint = "that file holds the steps of the block and nothing else"
    let (root, faults) = JSONReader.read(content)
    if let fault = faults.first {
      let site = LineIndex(content).site(fault.offset, path: fault.path)
      throw Unusable(message: "line \(site.line), column \(site.column): \(fault.message)", hint: hint)
    }
    guard case .array? = root?.content else {
      throw Unusable(message: "it is no list of steps, like [ … ]", hint: hint)
    }
    // What is no text has spaces for its line ends.
    return content.map { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") ? UInt8(ascii: " ") : $0 }
  }

  private static func rows(_ content: [UInt8]) throws(Unusable) -> [UInt8] {
    do {
      let rows = try ProfileTable.rows(of: content)
      return Array(("[" + rows.map { "\"\($0)\"" }.joined(separator: ", ") + "]").utf8)
    } catch {
      throw Unusable(message: error.message, hint: "that file holds a table of a duration and a current a line")
    }
  }

  // MARK: - Places

  private static func places(in protocolFile: [UInt8]) -> [Place] {
    guard case .object(let members)? = JSONReader.read(protocolFile).0?.content else { return [] }
    var places: [Place] = []
    for member in members {
      switch (member.key, member.value.content) {
      case ("blocks", .object(let blocks)):
        for block in blocks {
          place(of: block.value, .block, "steps").map { places.append($0) }
          findProfiles(in: block.value, &places)
        }
      case ("steps", _): findProfiles(in: member.value, &places)
      default: continue
      }
    }
    return places.sorted { $0.offset < $1.offset }
  }

  /// The reader has bounded how deep the nodes lie.
  private static func findProfiles(in node: JSONNode, _ places: inout [Place]) {
    switch node.content {
    case .array(let nodes): for node in nodes { findProfiles(in: node, &places) }
    case .object(let members):
      for member in members {
        if member.key == "profile" { place(of: member.value, .profile, "rows").map { places.append($0) } }
        if member.key == "steps" { findProfiles(in: member.value, &places) }
      }
    case .null, .boolean, .number, .string: break
    }
  }

  /// The place of an object that names a file and does not hold what it stands for.
  private static func place(of node: JSONNode, _ kind: Place.Kind, _ held: String) -> Place? {
    guard case .object(let keys) = node.content, !keys.contains(where: { $0.key == held }),
      case .string(let file)? = keys.first(where: { $0.key == "file" })?.value.content
    else { return nil }
    return Place(kind: kind, file: file, offset: node.offset)
  }
}
