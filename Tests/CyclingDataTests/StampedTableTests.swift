// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Our own exports: what the stamps say is taken, what the records tell is summed up, and what does not fit is told.

import CellMetrics
import CyclerModel
import Foundation
import Quantities
import Testing

@testable import CyclingData

@Suite struct StampedTableTests {
  /// The worked example of docs/metrics.md.
  private static func example() throws -> (table: String, stated: [[String]]) {
    let page = try String(contentsOf: RepositoryRoot.url.appending(path: "docs/metrics.md"), encoding: .utf8)
    let block = try #require(page.components(separatedBy: "```stamped\n").dropFirst().first)
    let lines = block.components(separatedBy: "```")[0].split(separator: "\n").map(String.init)
    return (
      lines.filter { !$0.hasPrefix("= ") }.map { $0 + "\n" }.joined(),
      lines.filter { $0.hasPrefix("= ") }.map { $0.split(separator: " ").map(String.init) }
    )
  }

  @Test(arguments: [1, 7, 100_000]) func theDocumentedExample(pieces: Int) throws {
    let (table, stated) = try Self.example()
    let result = try analyze(table, nil, pieces: pieces)
    let summary = try #require(result.cycles.first?.summary)
    let computed = [
      "charge_capacity_nc_of_1": summary.chargeCapacity.map { "\($0.nanocoulombs)" },
      "discharge_capacity_nc_of_1": summary.dischargeCapacity.map { "\($0.nanocoulombs)" },
      "coulombic_efficiency_of_1": summary.coulombicEfficiency.map { "\($0)" },
      "cell_cycle_of_1": "\(summary.cellCycleNumber)",
    ]
    #expect(stated.count == 4)
    for words in stated { #expect(computed[words[1]] == words[2], "\(words)") }
    #expect(result.stampedOptions?.role == .anodeHalfCell && result.records == 4)
    #expect(result.notes.count == 1, "\(result.notes)")
  }

  @Test func recordsThatAreMissingMakeTheChargeUnknown() throws {
    let (table, _) = try Self.example()
    let lines = table.split(separator: "\n", omittingEmptySubsequences: false)
    let without = lines.enumerated().filter { $0.offset != 2 }.map(\.element).joined(separator: "\n")
    let result = try analyze(without, nil)
    let summary = try #require(result.cycles.first?.summary)
    #expect(summary.dischargeCapacity == nil && summary.coulombicEfficiency == nil)
    #expect(summary.chargeCapacity == Charge(nanocoulombs: 3_240_000) && summary.flags.contains(.chargeUnknown))
    #expect(result.notes.contains { $0.contains("records of half-cycle 1 do not come to") }, "\(result.notes)")
    // A line that ends in the middle is told and left out.
    let cut = try analyze(table.dropLast(9), nil)
    #expect(cut.notes.contains { $0.contains("cut off") } && cut.cycles.first?.summary.chargeCapacity == nil)
  }

  @Test func stampsThatTheirRecordsContradictAreToldByHalfCycle() throws {
    let (table, _) = try Self.example()
    let own = try analyze(table, nil)
    for (old, new, half, what) in [
      ("reverse_charge_nC=0&energy_nJ=1980000", "reverse_charge_nC=1&energy_nJ=1980000", 1, "reverse charge"),
      (
        "constant_voltage_charge_nC=0&gap_charge_nC=0&end_reason=voltage&flags=0 cycle=1",
        "constant_voltage_charge_nC=7&gap_charge_nC=0&end_reason=voltage&flags=0 cycle=1", 2, "constant-voltage charge"
      ),
      ("energy_nJ=1980000", "energy_nJ=1980000&plateau_charge_nC=1800000", 1, "plateau"),
      ("energy_nJ=1782000", "energy_nJ=1782000&end_voltage_nV=999999999", 2, "end voltage"),
      ("energy_nJ=1782000", "energy_nJ=1782000&active_time_us=3240001", 2, "active time"),
      // A record that was late, in a half-cycle whose stamp knows of none.
      ("-0.0000005500000,0,0,1,", "-0.0000005500000,0,4,1,", 1, "flags"),
    ] {
      let changed = table.replacingOccurrences(of: old, with: new)
      #expect(changed != table, "\(old)")
      let result = try analyze(changed, nil)
      let note = "the stamp of half-cycle \(half) (\(what)) does not say what its records come to"
      #expect(result.notes.contains { $0.contains(note) }, "\(new): \(result.notes)")
      #expect(result.cycles.map(\.summary.chargeCapacity) == own.cycles.map(\.summary.chargeCapacity))
    }
    // What fits is told of nobody.
    let fitting = table.replacingOccurrences(
      of: "energy_nJ=1782000", with: "energy_nJ=1782000&end_voltage_nV=1000000000&active_time_us=3240000")
    #expect(try analyze(fitting, nil).notes == own.notes)
    // Another threshold than the run's gives another plateau, and that is no contradiction.
    let stated = table.replacingOccurrences(
      of: "energy_nJ=1980000", with: "energy_nJ=1980000&plateau_charge_nC=1800000")
    let asked = try analyze(stated, nil) {
      $0.sodiationPlateauBelow = Voltage(millivolts: 50)
      $0.hasStatedSodiationPlateau = true
    }
    #expect(!asked.notes.contains { $0.contains("data quality") }, "\(asked.notes)")
  }

  @Test func aTestsStampThatCannotBeIsTold() throws {
    let (table, _) = try Self.example()
    func notes(plated: Int, stripped: Int, _ efficiency: String) throws -> [String] {
      let test =
        "test=3&kind=long_cycling&label=x&cycles=1&reservoir_charge_nC=0&plated_charge_nC=\(plated)"
        + "&stripped_charge_nC=\(stripped)\(efficiency)&flags=0 half_cycle=1&"
      let text = table.replacingOccurrences(of: "half_cycle=1&", with: test)
      return try analyze(text, nil).notes.filter { $0.contains("data quality") }
    }
    #expect(try notes(plated: 3_600_000, stripped: 3_240_000, "&coulombic_efficiency=0.9").isEmpty)
    #expect(
      try notes(plated: 3_600_000, stripped: 3_240_000, "&coulombic_efficiency=0.99")
        == ["data quality: the stamp of test 3 says an efficiency that is not that of its charges"])
    #expect(
      try notes(plated: 3_600_001, stripped: 3_240_000, "")
        == ["data quality: the stamp of test 3 says more charge than all half-cycles have moved"])
  }

  @Test func noFormationIsFormationThatIsDone() throws {
    let (table, _) = try Self.example()
    #expect(try analyze(table, nil).summary.firstEfficiencyAfterFormation == nil)
    let formed = try analyze(table, nil) { $0.formationCycles = 0 }
    #expect(formed.summary.firstEfficiencyAfterFormation == 0.9 && formed.summary.cycles.referenceCycle == 1)
    // And means the same where the stamps are not looked at.
    let ignored = try analyze(table, .anodeHalfCell) {
      $0.formationCycles = 0
      $0.ignoresStamps = true
    }
    #expect(ignored.summary.firstEfficiencyAfterFormation == 0.9 && ignored.summary.cycles.referenceCycle == 1)
  }

  /// A run whose protocol names no reference has none, and its export has as few.
  @Test func theReferenceIsTheRuns() throws {
    let (table, _) = try Self.example()
    let none = try analyze(table, nil).summary
    #expect(none.referenceCycle == nil && none.cycles.referenceCycle == nil)
    let named = table.replacingOccurrences(
      of: "parameter.sodiation", with: "parameter.retention_reference=life%20cycle%201&parameter.sodiation")
    #expect(try analyze(named, nil).summary.referenceCycle == 1)
    #expect(try analyze(table, nil) { $0.referenceCycle = 1 }.summary.referenceCycle == 1)
  }

  /// What a file says can be shown in a terminal, whatever is in it.
  @Test func whatControlsATerminalIsNotRepeated() throws {
    let escape = "\u{1B}[2J\u{202E}\u{9B}1m"
    let shown = "\u{FFFD}[2J\u{FFFD}\u{FFFD}1m"
    let (table, _) = try Self.example()
    let heading = "time_s,current_A,voltage_V\n"
    for (text, place) in [
      // A field, a stamp, the names of columns in a message and in a hint.
      (table.replacingOccurrences(of: "2,3.6,3.6", with: "2,\(escape),3.6"), \DataProblem.message),
      (table.replacingOccurrences(of: "direction=-1", with: escape), \.message),
      (heading + "0,\(escape),3\n1,0,3\n", \.message),
      ("Zeit\(escape) (s),current_A,voltage_V\n0,1,3\n", \.columnNames[0]),
    ] as [(String, KeyPath<DataProblem, String>)] {
      let told = try problem(text)
      #expect(told[keyPath: place].contains(shown), "\(told)")
      #expect(
        !(told.message + told.hint + told.columnNames.joined()).unicodeScalars.contains {
          [.control, .format].contains($0.properties.generalCategory)
        })
    }
    let cell = table.replacingOccurrences(of: "&role=", with: "&cell=a%1B%5B2J&role=")
    #expect(try analyze(cell, nil).notes[0].contains("of a\u{FFFD}[2J, and"))
  }

  @Test func otherProgramsMayHaveWrittenItAnew() throws {
    let (table, _) = try Self.example()
    let known = try analyze(table, nil)
    let semicolons = table.replacingOccurrences(of: ",", with: ";")
    let quoted = table.split(separator: "\n").map { line in
      line.split(separator: ",", omittingEmptySubsequences: false).map { "\"\($0)\"" }.joined(separator: ",") + "\r\n"
    }.joined()
    let exponents = table.replacingOccurrences(of: "-0.0000010000000", with: "-1e-06")
      .replacingOccurrences(of: "0.0000009000000", with: "9.000000000000001E-7")
    for text in [semicolons, quoted, exponents] {
      #expect(try analyze(text, nil).cycles == known.cycles)
    }
  }

  @Test func whatIsWrongIsToldWithItsLine() throws {
    let (table, _) = try Self.example()
    func told(_ old: String, _ new: String) throws -> DataProblem {
      try problem(table.replacingOccurrences(of: old, with: new))
    }
    for (old, new, line, what) in [
      ("stamps=1", "stamps=2", 2, "form 2"), ("run=7", "runs=7", 2, "no kind of stamp"),
      ("2,3.6,3.6", "2,x,3.6", 3, "no number"), ("0,0,1,\n", "0,0,3,\n", 3, "half-cycle 3 is missing"),
      ("direction=-1", "direction=-1&direction=1", 2, "no part of a stamp"),
      ("&energy_nJ=1980000", "", 2, "lacks “energy_nJ”"),
      ("role=anode-half-cell", "role=anode", 2, "cannot be understood"),
      ("half_cycle=2&", "run=8&stamps=1&earlier_cell_cycles=0 half_cycle=2&", 4, "another run begins"),
      ("-0.0000010000000", "-99999999999", 3, "million ampere-hours"),
    ] {
      let found = try told(old, new)
      #expect(found.code == "data.stamps" && found.line == line && found.message.contains(what), "\(new): \(found)")
      #expect(found.hint.contains("--ignore-stamps"))
    }
    let fields = try problem(table + "5,1\n")
    #expect(fields.code == "data.stamps" && fields.line == 6)
    let heading = try #require(table.split(separator: "\n").first)
    #expect(try problem(heading + "\n").code == "data.no_records")
  }

  @Test func whatTheFileSaysIsNotSaidAgain() throws {
    let (table, _) = try Self.example()
    #expect(try problem(table) { $0.first = .charge }.code == "analysis.stamped")
    #expect(try problem(table) { $0.gapLimit = 60 }.message.contains("--gap-limit"))
    let errors = try problem(table) {
      $0.currentGainPartsPerMillion = 100
      $0.currentOffset = Current(picoamperes: 1)
    }
    #expect(
      errors.code == "analysis.stamped" && errors.message.contains("--current-gain-ppm, --current-offset")
        && errors.hint.contains("--ignore-stamps"), "\(errors)")
    // Like anybody's file it needs somebody to say what the cell is.
    #expect(throws: DataProblem.self) { try analyze(table, nil) { $0.ignoresStamps = true } }
    let ignored = try analyze(table, .anodeHalfCell) { $0.ignoresStamps = true }
    #expect(ignored.stampedOptions == nil && ignored.halfCycles.allSatisfy { $0.stampedFlags == nil })
    let other = try analyze(table, .fullCell)
    #expect(other.cycles.first?.summary.coulombicEfficiency == 1 / 0.9)
    #expect(other.notes.contains { $0.contains("anode-half-cell") })
  }

  @Test(arguments: SeededGenerator.seeds) func stampsReadBack(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    func integer() -> Int64 { Int64.random(in: -1_000_000_000_000_000_000...1_000_000_000_000_000_000, using: &random) }
    func cycles() -> Int64 { Int64.random(in: 0...1_000_000_000_000, using: &random) }
    func text() -> String {
      let alphabet = Array("ab &=%,\"; é≤\n+.~")
      return String(
        (0..<Int.random(in: 0...12, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? "a" })
    }
    let number = Int32.random(in: 1...(.max), using: &random)
    let row = HalfCycleRow(
      halfCycleID: RowIdentity.halfCycle(run: 5, number: number), run: 5, number: number,
      cycleNumber: Bool.random(using: &random) ? cycles() : nil,
      direction: Direction.allCases.randomElement(using: &random) ?? .none,
      purpose: CyclePurpose.allCases.randomElement(using: &random), label: Bool.random(using: &random) ? text() : nil,
      charge: Charge(nanocoulombs: integer()), reverseCharge: Charge(nanocoulombs: integer()),
      energy: Energy(nanojoules: integer()), constantVoltageCharge: Charge(nanocoulombs: integer()),
      plateauCharge: Bool.random(using: &random) ? Charge(nanocoulombs: integer()) : nil,
      gapCharge: Bool.random(using: &random) ? Charge(nanocoulombs: integer()) : nil,
      endReason: Bool.random(using: &random) ? text() : nil, flags: DataFlags(rawValue: integer()))
    var test = EfficiencyTestRow(run: 5, number: number, kind: .reservoir, label: text())
    test.coulombicEfficiency = Double.random(in: 0...2, using: &random)
    let facts = RunFacts(
      run: integer(), uuid: text(), cell: text(), role: CellRole.allCases.randomElement(using: &random),
      earlierCellCycles: cycles(), definitionsVersion: text(), parameters: [text(): text(), "x": text()])
    for stamp in [RunStamp.halfCycle(row), .test(test), .run(facts), .cycle(cycles())] {
      #expect(
        stamp.text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: "\"") })
      #expect(try RunStamp(text: stamp.text, run: 5) == stamp, "\(stamp.text)")
    }
  }

  @Test func stampsThatNoRunHasAreRefused() throws {
    let (half, run) = ("half_cycle=1&cycle=1&direction=1&charge_nC=5&reverse_charge_nC=0&energy_nJ=5", "run=1&stamps=1")
    let rest = "&constant_voltage_charge_nC=0&flags=0"
    _ = try RunStamp(text: half + rest)
    _ = try RunStamp(text: run + "&earlier_cell_cycles=1000000000000")
    // No JSON can hold what is no number, and no life is over above its reference.
    let test = "test=1&kind=reservoir&cycles=1&reservoir_charge_nC=0&plated_charge_nC=2&stripped_charge_nC=1&flags=0"
    let threshold = run + "&earlier_cell_cycles=0&parameter.retention_threshold="
    _ = try RunStamp(text: test + "&coulombic_efficiency=0.5")
    for share in ["0", "0.8", "1"] { _ = try RunStamp(text: threshold + share) }
    let numbersThatAreNone =
      ["nan", "inf", "-inf", "1e999", "x"].flatMap { [test + "&coulombic_efficiency=\($0)", threshold + $0] }
      + [threshold + "1.01", threshold + "-0.1"]
    let strange =
      [
        run + "&earlier_cell_cycles=1000000000001", run + "&earlier_cell_cycles=-1", "cycle=9223372036854775807",
        "cycle=-1", half.replacing("cycle=1&direction", with: "cycle=1000000000001&direction") + rest,
        // 257 is 1 in the lowest eight bits.
        half.replacing("direction=1", with: "direction=257") + rest,
        half.replacing("charge_nC=5", with: "charge_nC=9223372036854775807") + rest,
        run + "&earlier_cell_cycles=0" + (0..<200).map { "&parameter.x\($0)=1" }.joined(),
      ] + numbersThatAreNone
    for text in strange {
      #expect(throws: RunStamp.Malformed.self, "\(text.prefix(80))") { try RunStamp(text: text) }
    }
  }

  @Test(arguments: SeededGenerator.seeds) func decimalsReadBack(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<200 {
      let digits = Int.random(in: 0...13, using: &random)
      let value = Int64.random(in: (.min)...(.max), using: &random) >> Int64.random(in: 0...62, using: &random)
      var whole = String(value.magnitude)
      while whole.count <= digits { whole = "0" + whole }
      var text = (value < 0 ? "-" : "") + whole
      if digits > 0 { text.insert(".", at: text.index(text.endIndex, offsetBy: -digits)) }
      let read = Array(text.utf8).withUnsafeBufferPointer { ExactDecimal.read($0, exponent: digits) }
      #expect(read == Int128(value), "\(text)")
    }
    for text in ["", "-", ".", "1.2.3", "e5", "1e", "0x10", "1e999", String(repeating: "9", count: 60), "NaN"] {
      #expect(Array(text.utf8).withUnsafeBufferPointer { ExactDecimal.read($0, exponent: 3) } == nil, "\(text)")
    }
    for (text, value) in [("0.5", 1), ("-0.5", -1), ("0.49999", 0), ("1.5e1", 15), ("+2E-1", 0), ("1e-90", 0)] {
      #expect(
        Array(text.utf8).withUnsafeBufferPointer { ExactDecimal.read($0, exponent: 0) } == Int128(value), "\(text)")
    }
  }
}
