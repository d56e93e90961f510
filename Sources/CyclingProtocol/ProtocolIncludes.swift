// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Blocks whose steps stand in a file of their own. They are put into the text before it is sent, with the file's digest,
// so what is stored with a run says everything by itself and the daemon reads no files of others.

/// Puts the blocks of other files into a protocol.
public enum ProtocolIncludes {
  /// Why a file holds no steps.
  public struct NotSteps: Error, Sendable, Hashable {
    /// What it holds instead, or what is wrong with it.
    public var message: String
  }

  /// The files that a protocol takes blocks from, as it names them; none where it cannot be read.
  public static func files(of protocolFile: [UInt8]) -> [String] {
    blocks(of: protocolFile).map(\.file)
  }

  /// The protocol with the steps of such a file beside each of its names. Lines stay where they were.
  public static func putting(
    _ content: [UInt8], of file: String, into protocolFile: [UInt8]
  ) throws(NotSteps) -> [UInt8] {
    let (root, faults) = JSONReader.read(content)
    if let fault = faults.first {
      let site = LineIndex(content).site(fault.offset, path: fault.path)
      throw NotSteps(message: "line \(site.line), column \(site.column): \(fault.message)")
    }
    guard case .array? = root?.content else { throw NotSteps(message: "it is no list of steps, like [ … ]") }
    let digest = SHA256.digest(content).map { byte in
      let digits = Array("0123456789abcdef".utf8)
      return [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    }
    // What is no text has spaces for its line ends.
    let steps = content.map { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") ? UInt8(ascii: " ") : $0 }
    let inserted =
      Array(#""steps": "#.utf8) + steps + Array(#", "sha256": ""#.utf8) + digest.joined() + Array(#"", "#.utf8)
    var result = protocolFile
    // From behind, so that the places in front stay where they are.
    for block in blocks(of: protocolFile).reversed() where block.file == file {
      result.insert(contentsOf: inserted, at: block.offset + 1)
    }
    return result
  }

  private static func blocks(of protocolFile: [UInt8]) -> [(file: String, offset: Int)] {
    guard case .object(let members)? = JSONReader.read(protocolFile).0?.content,
      case .object(let blocks)? = members.first(where: { $0.key == "blocks" })?.value.content
    else { return [] }
    return blocks.compactMap { block in
      guard case .object(let keys) = block.value.content, !keys.contains(where: { $0.key == "steps" }),
        case .string(let file)? = keys.first(where: { $0.key == "file" })?.value.content
      else { return nil }
      return (file, block.value.offset)
    }.sorted { $0.offset < $1.offset }
  }
}
