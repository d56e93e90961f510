// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingProtocol
import Foundation
import Quantities
import Testing

/// The protocols of the repository, found beside these tests.
enum ShippedProtocols {
  static let folder = URL(filePath: #filePath).resolvingSymlinksInPath()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Protocols")

  static let names = [
    "al-nncfm-anode-free", "al-nvpf-anode-free", "anode-free-cylindrical", "demo-hard-carbon",
    "hard-carbon-half-cell", "hard-carbon-impedance", "hard-carbon-pulses-by-charge", "hard-carbon-rate-series",
    "hard-carbon-voltammetry",
    "na-nvpf-constant-power", "na-nvpf-half-cell", "na-nvpf-load-profile", "plating-stripping-efficiency",
  ]

  static func bytes(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: folder.appending(path: "\(name).json")))
  }

  static let cell = CellValues(
    activeMass: Mass(micrograms: 12_000), area: Area(squareMillimetreThousandths: 113_000),
    nominalCapacity: Charge(ampereHours: 0.00144))
}

@Suite struct ShippedProtocolTests {
  @Test func everyFileIsListed() throws {
    let files = try FileManager.default.contentsOfDirectory(atPath: ShippedProtocols.folder.path())
    let protocols = files.filter { $0.hasSuffix(".json") && $0 != "protocol.schema.json" }
    #expect(protocols.map { String($0.dropLast(5)) }.sorted() == ShippedProtocols.names)
  }

  @Test(arguments: ShippedProtocols.names)
  func compiles(_ name: String) throws {
    let document = try ProtocolDecoder.decode(ShippedProtocols.bytes(name)).get()
    let carriesItsCell = document.requires.allSatisfy { $0 == .activeMass } && document.values.activeMass != nil
    var nexus = InstrumentLimits.small
    nexus.maximumCurrent = Current(amperes: 1)
    let cell = carriesItsCell ? CellValues() : ShippedProtocols.cell
    let program = try document.compile(cell: cell, instrument: nexus).get()
    // Sweeps belong to no cycle.
    #expect(program.cycleCount >= (name.hasSuffix("voltammetry") ? 0 : 5))
    #expect(ProgramListing.warnings(of: program, instrument: nexus).isEmpty)
  }

  @Test(arguments: ["hard-carbon-half-cell", "hard-carbon-rate-series", "demo-hard-carbon"])
  func startsAlone(_ name: String) throws {
    let document = try ProtocolDecoder.decode(ShippedProtocols.bytes(name)).get()
    let program = try document.compile(cell: CellValues(), instrument: .small).get()
    #expect(program.metrics.sodiationPlateauBelow == Voltage(millivolts: 100))
  }

  @Test func theExampleOfTheManualCompiles() throws {
    let manual = ShippedProtocols.folder.deletingLastPathComponent().appending(path: "docs/protocol.md")
    let text = try String(contentsOf: manual, encoding: .utf8)
    let example = try #require(text.components(separatedBy: "```json\n").last?.components(separatedBy: "```").first)
    let program = try ProtocolDecoder.decode(Array(example.utf8))
      .flatMap { $0.compile(cell: CellValues(), instrument: .small) }.get()
    #expect(program.cycleCount == 3)
  }

  @Test func theTitrationOfTheManualCompiles() throws {
    let manual = ShippedProtocols.folder.deletingLastPathComponent().appending(path: "docs/protocol.md")
    let text = try String(contentsOf: manual, encoding: .utf8)
    let section = try #require(text.components(separatedBy: "## Titrations\n").last)
    var sample = SampleProtocol()
    sample.steps = "[" + (try #require(section.components(separatedBy: "```").dropFirst().first)) + "]"
    let program = try sample.compile(
      CellValues(nominalCapacity: Charge(ampereHours: 0.00036)), instrument: .small
    ).get()
    #expect(program.steps.count == 3)
    #expect(ProgramListing.warnings(of: program, instrument: .small).isEmpty)
  }
}
