// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The places at which a family is made known, as docs/adding-an-instrument.md lists them, and what else in the repository knows of
// one. All of it works on texts, so that it can be asked of the repository as it is and of one to which a family was added.

import Foundation
import Glibc

/// The repository as texts, by path.
struct RepositoryTexts {
  var texts: [String: String] = [:]

  /// All that a family could be known in: code, pages, scripts and rules.
  static func present() -> RepositoryTexts {
    var all = RepositoryTexts()
    let transcripts = Repository.files(below: "Drivers", endings: [".transcript"])
    for file in Repository.written() + transcripts { all.texts[file.path] = file.text }
    return all
  }

  func lines(_ path: String) -> [Substring] {
    (texts[path] ?? "").split(separator: "\n", omittingEmptySubsequences: false)
  }

  /// The folders below a folder that hold something.
  func folders(in folder: String) -> Set<String> {
    let below = texts.keys.filter { $0.hasPrefix("\(folder)/") }.map { $0.dropFirst(folder.count + 1) }
    return Set(below.filter { $0.contains("/") }.compactMap { $0.split(separator: "/").first.map { String($0) } })
  }
}

/// Where a family is made known.
enum FamilyPlaces {
  static let manifest = "Package.swift"
  static let daemonList = "Sources/CyclerService/Laboratory/InstrumentFamilies.swift"
  static let benchList = "Sources/VirtualBench/EmulatedFamilies.swift"
  static let matrix = "Tests/ConformanceTests/Families.swift"
  static let page = "docs/instruments.md"
  /// It shows how a family is made and is no instrument that anybody has: no program and no row knows of it.
  static let template = "Template"
  /// Protocols are rehearsed and measured on MethodSCRIPT, and a port that is named without a family is taken for one of it;
  /// the thermometer has a place of its own on the bench. Every other family is known where families are listed only.
  static let knownElsewhere: Set<String> = ["MethodSCRIPT", "LineThermometer"]

  /// The lines of the programs that make a family known.
  static func registrations(of family: String) -> [(path: String, line: String)] {
    [
      (daemonList, "internal import \(family)Driver"), (daemonList, "\(family)Driver.self,"),
      (benchList, "internal import \(family)Emulator"), (benchList, "\(family)Models.all,"),
    ]
  }

  /// What is wrong with how a family is made known; empty when nothing is.
  static func objections(to family: String, in texts: RepositoryTexts) -> [String] {
    folderObjections(family, texts) + manifestObjections(family, texts) + programObjections(family, texts)
      + matrixObjections(family, texts) + pageObjections(family, texts) + strangerObjections(family, texts)
  }

  private static func folderObjections(_ family: String, _ texts: RepositoryTexts) -> [String] {
    var found: [String] = []
    let folders = texts.folders(in: "Drivers/\(family)")
    if folders != ["Driver", "Emulator", "Tests", "Transcripts"] {
      found.append("Drivers/\(family) holds \(folders.sorted())")
    }
    if texts.texts["Drivers/\(family)/README.md"]?.isEmpty != false {
      found.append("Drivers/\(family) has no README.md")
    }
    return found
  }

  private static func manifestObjections(_ family: String, _ texts: RepositoryTexts) -> [String] {
    let lines = texts.lines(manifest).filter { $0.contains("\"\(family)\"") }
    return lines == ["  \"\(family)\","] ? [] : ["\(manifest) lists it with one line of its own, and not with \(lines)"]
  }

  private static func programObjections(_ family: String, _ texts: RepositoryTexts) -> [String] {
    let mentions = mentions(of: family, below: ["Sources", "Benchmarks", "Fuzzing"], in: texts)
    if family == template { return mentions.map { "\($0.path) knows of the template: \($0.line)" } }
    if knownElsewhere.contains(family) { return [] }
    let expected = registrations(of: family)
    let missing = expected.filter { place in mentions.filter { $0 == place }.count != 1 }
    let others = mentions.filter { mention in !expected.contains { $0 == mention } }
    return missing.map { "\($0.path) lacks `\($0.line)`, or has it twice" }
      + others.map { "\($0.path) knows of it: \($0.line)" }
  }

  /// With a line in the matrix, or several, it is tried against every fault.
  private static func matrixObjections(_ family: String, _ texts: RepositoryTexts) -> [String] {
    let lines = texts.lines(matrix)
    let isImported = lines.contains("import \(family)Driver")
    let isTried = lines.contains { $0.contains(" \(family)Driver.self, volts:") }
    return isImported && isTried ? [] : ["\(matrix) does not try it"]
  }

  private static func pageObjections(_ family: String, _ texts: RepositoryTexts) -> [String] {
    if knownElsewhere.contains(family) { return [] }
    let rows = texts.lines(page).filter { $0.hasPrefix("|") && $0.contains("(../Drivers/\(family)/README.md)") }
    let expected = family == template ? 0 : 1
    return rows.count == expected ? [] : ["\(page) has \(rows.count) rows that link to it, and not \(expected)"]
  }

  /// Other families know nothing of it, whatever they could share.
  private static func strangerObjections(_ family: String, _ texts: RepositoryTexts) -> [String] {
    mentions(of: family, below: ["Drivers"], in: texts).filter { !$0.path.hasPrefix("Drivers/\(family)/") }
      .map { "\($0.path) knows of it: \($0.line)" }
      + stableNameObjections(family, texts)
  }

  /// What a program does must not depend on a family's stable name either. What is measured (Benchmarks) may name one.
  private static func stableNameObjections(_ family: String, _ texts: RepositoryTexts) -> [String] {
    let drivers = texts.texts.filter { $0.key.hasPrefix("Drivers/\(family)/Driver/") }.values
    guard let name = drivers.lazy.compactMap({ $0.firstMatch(of: /family: "(\w+)"/)?.output.1 }).first else {
      return ["no file of Drivers/\(family)/Driver says its stable name"]
    }
    return code(with: ["\"\(name)\""], below: ["Sources"], in: texts)
      .map { "\($0.path) knows it by its stable name: \($0.line)" }
  }

  private static func mentions(of family: String, below folders: [String], in texts: RepositoryTexts) -> [(
    path: String, line: String
  )] {
    code(with: ["\(family)Driver", "\(family)Emulator", "\(family)Models"], below: folders, in: texts)
  }

  /// Lines of Swift that hold one of these words, without comments and indentation.
  private static func code(with words: [String], below folders: [String], in texts: RepositoryTexts) -> [(
    path: String, line: String
  )] {
    texts.texts.filter { file in
      file.key.hasSuffix(".swift") && folders.contains { file.key.hasPrefix("\($0)/") }
        && words.contains { file.value.holds($0) }
    }
    .sorted { $0.key < $1.key }
    .flatMap { file in
      RepositoryFile(path: file.key, text: file.value).code.filter { line in words.contains { line.contains($0) } }
        .map { (file.key, $0.trimmingCharacters(in: .whitespaces)) }
    }
  }
}

extension String {
  /// Whether it holds a word. The C library looks through megabytes while the debug build of a search would look through lines.
  fileprivate func holds(_ word: String) -> Bool { strstr(self, word) != nil }
}
