// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation
import Testing

@testable import CycleStore

/// The folder of archives that are made or looked at.
@Suite struct TransferFolderTests {
  @Test func itIsEmptiedWithItsDaemonsStart() throws {
    let scratch = try ScratchDirectory()
    let folder = TransferFolder(stateDirectory: scratch.path)
    try folder.empty()
    let left = folder.newFile("upload")
    try Data([1]).write(to: URL(fileURLWithPath: left))
    try folder.empty()
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    // A link in its place is not followed.
    let other = scratch.path + "/other"
    try FileManager.default.createDirectory(atPath: other, withIntermediateDirectories: false)
    try Data([1]).write(to: URL(fileURLWithPath: other + "/mine"))
    try FileManager.default.removeItem(atPath: folder.path)
    try FileManager.default.createSymbolicLink(atPath: folder.path, withDestinationPath: other)
    try folder.empty()
    #expect(FileManager.default.fileExists(atPath: other + "/mine"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
  }

  @Test func roomIsAskedForBeforeAnythingIsWritten() throws {
    let scratch = try ScratchDirectory()
    let folder = TransferFolder(stateDirectory: scratch.path)
    try folder.checkRoom(for: 0)
    let problem = #expect(throws: ArchiveProblem.self) { try folder.checkRoom(for: .max) }
    #expect(problem?.kind == .room && problem?.code == "archive.no_room")
    #expect(throws: ArchiveProblem.self) {
      try TransferFolder(stateDirectory: scratch.path + "/none").checkRoom(for: 0)
    }
    let small = folder.newFile("upload")
    try Data([1]).write(to: URL(fileURLWithPath: small))
    try folder.checkRoom(forCopyOf: small)
    #expect(throws: ArchiveProblem.self) { try folder.checkRoom(forCopyOf: scratch.path + "/gone") }
    // A database and its log, of which both have to fit: files with holes, which are as long as no disk.
    let database = scratch.path + "/database"
    try Data([1]).write(to: URL(fileURLWithPath: database))
    try folder.checkRoom(forCopyOfDatabase: database)
    try Data().write(to: URL(fileURLWithPath: database + "-wal"))
    #expect(truncate(database + "-wal", 1 << 42) == 0)
    #expect(throws: ArchiveProblem.self) { try folder.checkRoom(forCopyOfDatabase: database) }
    // A gibibyte of a large disk, a tenth of a small one.
    #expect(TransferFolder.reserve(of: 1 << 40) == 1 << 30)
    #expect(TransferFolder.reserve(of: 64 << 20) == 6_710_886)
  }
}
