// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What docs/adding-an-instrument.md promises: a family is a folder of its own, and a line wherever it is made known. Nothing else
// may know of it. It is held against every family, and proved by adding one: a copy of the template, by the lines of that page.

import Foundation
import Testing

@Suite("A family is one folder, and a line wherever it is made known") struct FamilyPlacesTests {
  private static let texts = RepositoryTexts.present()

  @Test("each family is known where families are listed, and nowhere else", arguments: Room.families)
  func places(_ family: String) {
    for objection in FamilyPlaces.objections(to: family, in: Self.texts) { Issue.record("\(family): \(objection)") }
  }

  @Test(
    "the template is in no program and no row",
    arguments: [
      (FamilyPlaces.daemonList, "    TemplateDriver.self,"), (FamilyPlaces.benchList, "    TemplateModels.all,"),
      (FamilyPlaces.page, "| [`template`](../Drivers/Template/README.md) | a row |"),
    ]) func template(_ path: String, _ line: String)
  {
    var texts = Self.texts
    #expect(FamilyPlaces.objections(to: FamilyPlaces.template, in: texts).isEmpty)
    texts.texts[path, default: ""] += "\(line)\n"
    #expect(!FamilyPlaces.objections(to: FamilyPlaces.template, in: texts).isEmpty)
  }

  @Test("families that are known elsewhere too are families") func exceptions() {
    #expect(FamilyPlaces.knownElsewhere.isSubset(of: Room.families))
    #expect(Room.families.contains(FamilyPlaces.template))
  }

  // MARK: - One more

  /// The template under another name, and the lines of the page that make it known.
  private static func added() throws -> (texts: RepositoryTexts, additions: [Addition]) {
    var texts = Self.texts
    for (path, text) in Self.texts.texts where path.hasPrefix("Drivers/Template/") {
      texts.texts[Addition.renamed(path)] = Addition.renamed(text)
    }
    let additions = try Addition.ofThePage()
    for addition in additions { try addition.add(to: &texts) }
    return (texts, additions)
  }

  @Test("a copy of the template is a family by the lines that the page names") func oneMore() throws {
    let (texts, additions) = try Self.added()
    for family in Room.families + [Addition.example] {
      #expect(FamilyPlaces.objections(to: family, in: texts).isEmpty, "\(family)")
    }
    // What differs is the folder and these lines, and nothing was taken away.
    for (path, text) in texts.texts where text != Self.texts.texts[path] && !path.hasPrefix("Drivers/Example/") {
      let difference = texts.lines(path).difference(from: Self.texts.lines(path))
      #expect(difference.removals.isEmpty && difference.insertions.count == additions.count(to: path), "\(path)")
    }
    #expect(Set(additions.map(\.path)) == Set(Self.places))
    // The families stay in their order, by which the manifest is compared with the folders.
    let manifest = try #require(texts.texts[FamilyPlaces.manifest])
    #expect(Repository.families(of: manifest) == (Room.families + [Addition.example]).sorted())
  }

  private static let places = [
    FamilyPlaces.manifest, FamilyPlaces.daemonList, FamilyPlaces.benchList, FamilyPlaces.matrix, FamilyPlaces.page,
  ]

  @Test("each of these lines is needed") func eachLine() throws {
    let (texts, additions) = try Self.added()
    for addition in additions {
      // Without the rest of the matrix's line nothing compiles.
      for line in addition.lines where addition.path != FamilyPlaces.matrix || line.contains("ExampleDriver") {
        var without = texts
        without.texts[addition.path] = texts.lines(addition.path).filter { $0 != line }.joined(separator: "\n")
        #expect(!FamilyPlaces.objections(to: Addition.example, in: without).isEmpty, "\(addition.path): \(line)")
      }
    }
  }

  @Test(
    "whatever else knows of it is found",
    arguments: [
      ("Sources/nacyclerd/Nacyclerd.swift", "import ExampleDriver"),
      ("Sources/VirtualBench/Bench.swift", "let models = ExampleModels.all"),
      ("Drivers/Batlab/Driver/BatlabDriver.swift", "let other = ExampleDriver()"),
      ("Sources/CyclerService/CyclerDaemon.swift", "if family == \"example\" { return }"),
      (FamilyPlaces.daemonList, "    ExampleDriver.self,"),
      (FamilyPlaces.page, "| [`example`](../Drivers/Example/README.md) | another row |"),
      (FamilyPlaces.manifest, "  // \"Example\" needs a flag of its own"),
      ("Drivers/Example/Shared/Values.swift", "struct Values {}"),
    ]) func strangers(_ path: String, _ line: String) throws
  {
    var (texts, _) = try Self.added()
    let isNew = path.hasPrefix("Drivers/Example/")
    try #require(isNew || texts.texts[path] != nil, "there is no \(path)")
    texts.texts[path, default: ""] += "\(line)\n"
    #expect(!FamilyPlaces.objections(to: Addition.example, in: texts).isEmpty)
  }
}

extension [Addition] {
  /// How many lines are added to a file.
  fileprivate func count(to path: String) -> Int { filter { $0.path == path }.reduce(0) { $0 + $1.lines.count } }
}
