// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Reads a protocol file and says everything that is wrong with it at once. Decoding has three parts: the grammar of
// JSON (JSONReader), the words and values of each section (SectionReader), and what the sections mean together
// (DocumentRules). What depends on a cell or an instrument is judged by `compile`.

/// Reads protocol files.
public enum ProtocolDecoder {
  /// Decodes a file. Never crashes, whatever the bytes are.
  public static func decode(_ bytes: [UInt8]) -> Result<ProtocolDocument, ProtocolProblems> {
    let lines = LineIndex(bytes)
    let (root, faults) = JSONReader.read(bytes)
    let faultProblems = faults.map { lines.site($0.offset, path: $0.path).problem($0.message, hint: $0.hint) }
    guard let root else { return failure(faultProblems) }
    var reader = SectionReader(lines: lines, problems: faultProblems)
    let document = reader.readDocument(root, source: String(decoding: bytes, as: UTF8.self))
    guard let document, reader.problems.isEmpty else { return failure(reader.problems) }
    return .success(document)
  }

  private static func failure(_ problems: [ProtocolProblem]) -> Result<ProtocolDocument, ProtocolProblems> {
    if let found = ProtocolProblems(problems) { return .failure(found) }
    preconditionFailure("a protocol was refused without a reason")
  }
}
