// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Other values for the variables of a file. They are written into the text itself, so what is stored with a run is a
// protocol that says everything by itself, and starting it again does the same.

internal import Quantities

/// Gives the variables of protocol files other values.
public enum ProtocolVariables {
  /// A file that declares none of the names, or cannot be read, comes back as it was.
  ///
  /// - Parameters:
  ///   - values: By name of the variable. A quantity may lack the space before its unit: `0.2A/g`.
  ///   - bytes: The file.
  /// - Returns: The file with the values in place, and the names that it declares.
  public static func set(_ values: [String: String], in bytes: [UInt8]) -> (bytes: [UInt8], declared: Set<String>) {
    guard case .object(let members)? = JSONReader.read(bytes).0?.content,
      case .object(let variables)? = members.first(where: { $0.key == "variables" })?.value.content
    else { return (bytes, []) }
    var result = bytes
    for variable in variables.sorted(by: { $0.value.offset > $1.value.offset }) {
      guard let value = values[variable.key] else { continue }
      switch variable.value.content {
      case .string: replaceText(at: variable.value.offset, by: value, in: &result)
      case .number(let digits):
        let range = variable.value.offset..<(variable.value.offset + digits.utf8.count)
        // What is no number is left to the reader to refuse, as a text.
        let isNumber = !value.isEmpty && value.utf8.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
        result.replaceSubrange(range, with: isNumber ? Array(value.utf8) : quoted(value))
      case .null, .boolean, .array, .object: continue
      }
    }
    return (result, Set(variables.map(\.key)))
  }

  /// The nearest of the declared names, for a hint.
  public static func hint(for name: String, among declared: Set<String>) -> String {
    declared.isEmpty ? "the protocol declares no `variables`" : Vocabulary.hint(for: name, among: declared.sorted())
  }

  private static func replaceText(at offset: Int, by value: String, in bytes: inout [UInt8]) {
    var end = offset + 1
    while end < bytes.count, bytes[end] != UInt8(ascii: "\"") { end += bytes[end] == UInt8(ascii: "\\") ? 2 : 1 }
    guard end < bytes.count else { return }
    bytes.replaceSubrange(offset...end, with: quoted(spaced(value)))
  }

  /// A text as JSON writes it.
  private static func quoted(_ text: String) -> [UInt8] {
    var bytes = [UInt8(ascii: "\"")]
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
      case 0..<0x20:
        let digits = Array("0123456789abcdef".utf8)
        bytes += Array("\\u00".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      default: bytes.append(byte)
      }
    }
    return bytes + [UInt8(ascii: "\"")]
  }

  /// A number that its unit follows at once gets its space.
  private static func spaced(_ value: String) -> String {
    let digits = value.prefix { $0.isNumber || $0 == "." || $0 == "-" }
    let rest = value.dropFirst(digits.count)
    guard !digits.isEmpty, let first = rest.first, first.isLetter || first == "%" else { return value }
    return "\(digits) \(rest)"
  }
}
