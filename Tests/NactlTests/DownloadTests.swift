// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ControlAPI
import Foundation
import Glibc
import Testing

@testable import nactl

/// What a download may take the place of, and what remains of one that fails.
@Suite struct DownloadTests {
  /// Runs a test in a folder of its own, which is gone afterwards.
  private func inFolder(_ test: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appending(
      path: "nacycler-download-\(UInt32.random(in: .min ... .max))")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try test(folder.path)
  }

  private func names(_ folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
  }

  private func code(_ body: () throws -> Void) -> String? {
    do {
      try body()
      return nil
    } catch { return (error as? FileFailure)?.body.code }
  }

  @Test func aPlainFileIsReplacedOnlyWhenThatIsAskedFor() throws {
    try inFolder { folder in
      let path = folder + "/a"
      for replacing in [false, true] {
        let download = try Download(path: path, replacing: replacing)
        try download.append([1, 2, replacing ? 4 : 3])
        #expect(try download.finish() == 3)
      }
      #expect(code { _ = try Download(path: path, replacing: false) } == "file.exists")
      #expect(try Array(Data(contentsOf: URL(fileURLWithPath: path))) == [1, 2, 4])
      #expect(try names(folder) == ["a"])
    }
  }

  @Test func whatIsNoPlainFileIsNeverReplaced() throws {
    try inFolder { folder in
      try #require(mkfifo(folder + "/pipe", 0o600) == 0)
      try #require(symlink("/dev/null", folder + "/link") == 0)
      try #require(mkdir(folder + "/folder", 0o700) == 0)
      let before = try names(folder)
      for path in ["/dev/null", folder + "/pipe", folder + "/link", folder + "/folder", folder] {
        #expect(code { _ = try Download(path: path, replacing: true) } == "file.not_plain", "\(path)")
      }
      #expect(try names(folder) == before)
    }
  }

  @Test func whatTakesTheNameMeanwhileIsKeptAndNothingIsLeftBesideIt() throws {
    try inFolder { folder in
      for replacing in [false, true] {
        let path = "\(folder)/\(replacing)"
        let download = try Download(path: path, replacing: replacing)
        try download.append([1])
        try #require(mkfifo(path, 0o600) == 0)
        #expect(code { _ = try download.finish() } == (replacing ? "file.not_plain" : "file.exists"))
        // Whoever still has it cannot finish it after all.
        #expect(throws: FileFailure.self) { _ = try download.finish() }
        #expect(throws: FileFailure.self) { try download.append([2]) }
      }
      #expect(try names(folder) == ["false", "true"])
    }
  }
}
