// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The repository as the tests of this folder read it. They read files as text: what they hold must also hold for code
// that does not compile on this machine.

import Foundation
import Testing

/// A file of the repository.
struct RepositoryFile: CustomTestStringConvertible {
  /// Relative to the repository.
  let path: String
  let text: String

  var testDescription: String { path }
  var name: String { String(path.split(separator: "/").last ?? "") }
  var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }

  /// The lines without what follows `//`.
  var code: [Substring] {
    lines.map { line in line.firstRange(of: "//").map { line[..<$0.lowerBound] } ?? line }
  }
}

/// The files of the repository.
enum Repository {
  /// Its folder: two above this file's, links followed.
  static let root: URL = URL(filePath: #filePath).deletingLastPathComponent().resolvingSymlinksInPath()
    .deletingLastPathComponent().deletingLastPathComponent()

  /// The text of one file.
  static func text(_ path: String) throws -> String {
    try String(contentsOf: root.appending(path: path), encoding: .utf8)
  }

  /// The folders in a folder, by name.
  static func folders(in folder: String) -> [String] {
    let start = root.appending(path: folder)
    let names = try? FileManager.default.contentsOfDirectory(atPath: start.path(percentEncoded: false))
    return (names ?? []).filter { start.appending(path: $0).isFolder && !$0.hasPrefix(".") }.sorted()
  }

  /// The families that the manifest lists.
  static func familiesOfTheManifest() throws -> [String] {
    try #require(families(of: text("Package.swift")))
  }

  /// The families that a manifest lists; nil where it has no such list.
  static func families(of manifest: String) -> [String]? {
    manifest.firstMatch(of: /let families = \[\n([^\]]*)\]/)?.output.1.matches(of: /"(\w+)"/)
      .map { String($0.output.1) }
  }

  /// All files below a folder whose names end so; none when there is no such folder. Build folders are not entered.
  static func files(below folder: String, endings: [String]) -> [RepositoryFile] {
    let start = root.appending(path: folder)
    guard let paths = FileManager.default.enumerator(atPath: start.path(percentEncoded: false)) else { return [] }
    return paths.compactMap { $0 as? String }
      .filter { path in !path.contains(".build") && endings.contains { path.hasSuffix($0) } }
      .sorted()
      .compactMap { path in
        (try? text("\(folder)/\(path)")).map { RepositoryFile(path: "\(folder)/\(path)", text: $0) }
      }
  }

  /// Everything that people wrote as code.
  static func sources() -> [RepositoryFile] {
    ["Sources", "Drivers", "Tests", "Benchmarks", "Fuzzing"].flatMap {
      files(below: $0, endings: [".swift", ".c", ".h"])
    }
  }

  /// Everything that people wrote and that can carry a comment.
  static func written() -> [RepositoryFile] {
    var all = sources()
    all += ["docs", "Drivers", "Protocols"].flatMap { files(below: $0, endings: [".md"]) }
    all += ["scripts", ".ci"].flatMap { files(below: $0, endings: ["run", ".sh", ".py"]) }
    all += files(below: "systemd", endings: [".service", ".conf", ".rules"])
    for path in ["Makefile", "Package.swift", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "README.md"] {
      if let text = try? text(path) { all.append(RepositoryFile(path: path, text: text)) }
    }
    return all
  }
}

extension URL {
  /// Whether there is a folder.
  var isFolder: Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path(percentEncoded: false), isDirectory: &isFolder)
      && isFolder.boolValue
  }
}
