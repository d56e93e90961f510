// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What docs/adding-an-instrument.md promises: a family is a folder of its own, a line in the manifest, one registration with
// the daemon and one with the bench, and a row for people. Nothing else may know of it.

import Foundation
import Testing

@Suite("A family is one folder, and a line wherever it is made known") struct FamilyPlacesTests {
  /// Protocols are rehearsed and measured on MethodSCRIPT, and a port that is named without a family is taken for one of it;
  /// the thermometer has a place of its own on the bench. Every other family is known where families are listed only.
  private static let knownElsewhere: Set<String> = ["MethodSCRIPT", "LineThermometer"]
  private static let daemonList = "Sources/CyclerService/Laboratory/InstrumentFamilies.swift"
  private static let benchList = "Sources/VirtualBench/EmulatedFamilies.swift"
  /// It shows how a family is made and is no instrument that anybody has.
  private static let template = "Template"

  /// The lines of the programs' code that name something of a family.
  private static func mentions(of family: String) -> [(path: String, line: String)] {
    let words = ["\(family)Driver", "\(family)Emulator", "\(family)Models"]
    return ["Sources", "Benchmarks", "Fuzzing"].flatMap { Repository.files(below: $0, endings: [".swift"]) }
      .flatMap { file in
        file.code.filter { line in words.contains { line.contains($0) } }
          .map { (file.path, $0.trimmingCharacters(in: .whitespaces)) }
      }
  }

  @Test("the manifest has one line for it", arguments: Room.families) func manifest(_ family: String) throws {
    let lines = try Repository.text("Package.swift").split(separator: "\n").filter { $0.contains("\"\(family)\"") }
    #expect(lines == ["  \"\(family)\","], "Package.swift lists a family with one line of its own")
  }

  @Test("its folder holds its driver, its emulator, their tests and a page", arguments: Room.families)
  func folder(_ family: String) {
    #expect(Repository.folders(in: "Drivers/\(family)") == ["Driver", "Emulator", "Tests"])
    #expect(
      (try? Repository.text("Drivers/\(family)/README.md"))?.isEmpty == false, "Drivers/\(family) has no README.md")
  }

  @Test(
    "the programs know it by two registrations and their imports alone",
    arguments: Room.families.filter { !knownElsewhere.contains($0) && $0 != template })
  func registrations(_ family: String) {
    let expected = [
      (Self.daemonList, "internal import \(family)Driver"), (Self.daemonList, "\(family)Driver.self,"),
      (Self.benchList, "internal import \(family)Emulator"), (Self.benchList, "\(family)Models.all,"),
    ]
    let mentions = Self.mentions(of: family)
    for (path, line) in expected {
      #expect(mentions.filter { $0.path == path && $0.line == line }.count == 1, "\(path) lacks `\(line)`")
    }
    for mention in mentions where !expected.contains(where: { $0 == (mention.path, mention.line) }) {
      Issue.record("\(mention.path) knows of \(family): \(mention.line)")
    }
  }

  @Test("the template is in no program") func registeredNowhere() { #expect(Self.mentions(of: Self.template).isEmpty) }

  @Test("people find it in the table of instruments", arguments: Room.families.filter { !knownElsewhere.contains($0) })
  func row(_ family: String) throws {
    let rows = try Repository.text("docs/instruments.md").split(separator: "\n")
      .filter { $0.hasPrefix("|") && $0.contains("(../Drivers/\(family)/README.md)") }
    #expect(rows.count == (family == Self.template ? 0 : 1), "docs/instruments.md has one row that links to \(family)")
  }
}
