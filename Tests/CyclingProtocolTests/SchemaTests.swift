// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingProtocol
import Foundation
import Quantities
import Testing

/// `protocol.schema.json` lets editors complete what is written. It must accept whatever the reader accepts, or a correct
/// file looks wrong while it is written.
@Suite struct SchemaTests {
  private static func schema() throws -> JSONSchema {
    try JSONSchema(Data(contentsOf: ShippedProtocols.folder.appending(path: "protocol.schema.json")))
  }

  private static func json(_ bytes: [UInt8]) -> Any? {
    try? JSONSerialization.jsonObject(with: Data(bytes), options: [.fragmentsAllowed])
  }

  /// All tables of protocols that are refused.
  private static let refused: [RefusalCase] =
    MalformedProtocols.grammar + MalformedProtocols.words + MalformedProtocols.later + MalformedProtocols.names
    + JoinedConditionProtocols.malformed + TestProtocols.malformed + DangerousProtocols.voltages
    + DangerousProtocols.holds + DangerousProtocols.currents + DangerousProtocols.cycles
    + DangerousProtocols.surroundings + SweepProtocols.malformed + ProfileProtocols.malformed
    + ImpedanceProtocols.malformed
    + DemandProtocols.malformed + ShareProtocols.malformed

  private static func shippedFiles() throws -> [URL] {
    try [ShippedProtocols.folder, ShippedProtocols.folder.appending(path: "literature")].flatMap {
      try FileManager.default.contentsOfDirectory(at: $0, includingPropertiesForKeys: nil)
    }.filter { $0.pathExtension == "json" && $0.lastPathComponent != "protocol.schema.json" }
  }

  @Test func theSchemaAcceptsEveryShippedProtocol() throws {
    let (schema, files) = (try Self.schema(), try Self.shippedFiles())
    #expect(files.count >= 38)
    for file in files {
      let bytes = Array(try Data(contentsOf: file))
      #expect(schema.accepts(try #require(Self.json(bytes))), "\(file.lastPathComponent)")
      guard case .success = ProtocolDecoder.decode(bytes) else {
        Issue.record("\(file.lastPathComponent) is refused: \(ProtocolDecoder.decode(bytes))")
        continue
      }
    }
  }

  /// With the shipped ones more than 250 protocols, good and bad; that the reader refuses these is for other tests.
  @Test func manyMistakesAreSeenByTheSchemaAlready() throws {
    let schema = try Self.schema()
    #expect(Self.refused.count >= 200)
    var refusedByBoth = 0
    for refusal in Self.refused {
      let bytes = Array(refusal.text.utf8)
      guard let value = Self.json(bytes), !schema.accepts(value) else { continue }
      refusedByBoth += 1
    }
    print("\(refusedByBoth) of \(Self.refused.count) refused protocols are refused by the schema already")
    #expect(refusedByBoth >= 60)
  }

  /// Damaged files that the reader still accepts are protocols, so the schema must know them.
  @Test func theSchemaAcceptsWhatTheReaderAccepts() throws {
    let schema = try Self.schema()
    var accepted = 0
    for file in try Self.shippedFiles().sorted(by: { $0.path < $1.path }) {
      let original = Array(try Data(contentsOf: file))
      var random = Mutations(seed: UInt64(original.count))
      for _ in 0..<40 {
        let damaged = random.mutate(original)
        guard case .success = ProtocolDecoder.decode(damaged), let value = Self.json(damaged) else { continue }
        accepted += 1
        #expect(schema.accepts(value), "\(file.lastPathComponent): \(String(decoding: damaged, as: UTF8.self))")
      }
    }
    print("\(accepted) damaged files are still protocols")
    #expect(accepted >= 50)
  }
}
