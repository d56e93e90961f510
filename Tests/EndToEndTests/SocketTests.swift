// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation
import Testing

extension ProgramTests {
  /// A control socket that somebody removed.
  @Suite struct SocketTests {
    @Test func aRemovedSocketIsMadeAgainAndNobodyIsDisturbed() throws {
      let rig = try LaboratoryRig()
      try rig.startBench(cell: "hard-carbon", speed: "2000")
      try rig.startDaemon(extra: ["--lease", "300"])
      try rig.waitForChannels(1)
      let file = try TestProtocol.write(.hardCarbon, cycles: 1, to: rig.directory)
      #expect(try rig.nactl("start", file).status == 0)
      try rig.wait(for: "current", seconds: 20) { try !TruthComparison(rig).truth.isEmpty }
      // Somebody who was connected before, and stays so.
      let follower = Process()
      let follows = Pipe()
      follower.executableURL = try LaboratoryRig.programs.appendingPathComponent("nactl")
      follower.arguments = ["tail", "last", "--cycles", "--events", "--format", "ndjson", "--socket", rig.socket]
      follower.standardOutput = follows
      follower.standardError = FileHandle.nullDevice
      try follower.runAsFromAShell()
      var followed = String(decoding: follows.fileHandleForReading.availableData, as: UTF8.self)
      #expect(followed.contains("run.started"))
      for _ in 1...2 {
        try FileManager.default.removeItem(atPath: rig.socket)
        let alone = try rig.nactl("channels")
        #expect(alone.status == 3 || alone.status == 0 && FileManager.default.fileExists(atPath: rig.socket))
        try rig.wait(for: "the socket to be there again", seconds: 20) { try rig.nactl("channels").status == 0 }
        let mode = try FileManager.default.attributesOfItem(atPath: rig.socket)[.posixPermissions] as? Int
        #expect(mode == 0o660)
      }
      #expect(try rig.waitForRun(states: ["completed", "held"], seconds: 60) == "completed")
      followed += String(decoding: follows.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      follower.waitUntilExit()
      #expect(follower.terminationStatus == 0)
      #expect(followed.contains("\"kind\":\"cycle\""), "\(followed)")
      #expect(try rig.sqlite("SELECT count(*) FROM event WHERE severity > 0") == "0")
      let comparison = try TruthComparison(rig)
      comparison.expectAgreement()
      #expect(comparison.stored.allSatisfy { !$0.isDamaged })
      #expect(rig.stopDaemon() == 0)
    }

    @Test func aSocketThatCannotBeMadeEndsTheDaemonBeforeItTouchesAPort() throws {
      let rig = try LaboratoryRig()
      try rig.startBench(cell: "hard-carbon")
      for (socket, code) in [
        (rig.directory.path + "/nowhere/s", "socket.unusable"), (rig.database + "-plain", "socket.in_use"),
      ] {
        if code == "socket.in_use" {
          try FileManager.default.createDirectory(
            atPath: (rig.database as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
          try Data("a text".utf8).write(to: URL(fileURLWithPath: socket))
        }
        let result = try LaboratoryRig.run(
          "nacyclerd",
          [
            "--state-directory", (rig.database as NSString).deletingLastPathComponent, "--socket", socket, "--port",
            rig.links + "/*-[0-9]*", "--no-discovery",
          ])
        #expect(result.status == (code == "socket.in_use" ? 75 : 73))
        #expect(result.errors.contains(code) && result.errors.contains("hint"), "\(result.errors)")
        #expect(!result.errors.contains("RequestRefused("), "\(result.errors)")
        #expect(try rig.sqlite("SELECT count(*) FROM instrument") == "0")
      }
    }

    @Test func whoMayOnlyLookGetsInWhenThatWasSaidAndOnlyLooks() throws {
      let rig = try LaboratoryRig()
      func mode() throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: rig.socket)[.posixPermissions] as? Int
      }
      try rig.startDaemon()
      #expect(try mode() == 0o660)
      #expect(rig.stopDaemon() == 0)
      try rig.startDaemon(extra: ["--everyone-may-look"])
      #expect(try mode() == 0o666)
      // Only root can become somebody else.
      guard geteuid() == 0 else { return }
      let stranger = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
      func ask(_ arguments: String...) throws -> CommandResult {
        try LaboratoryRig.system(stranger + ["curl", "-s", "--unix-socket", rig.socket] + arguments)
      }
      #expect(try ask("http://localhost/v1/channels").output.contains("\"channels\""))
      #expect(try ask("-X", "POST", "http://localhost/v1/runs/last/stop").output.contains("request.forbidden"))
    }

    @Test func anotherFileInTheSocketsPlaceIsLeftAloneAndARestartHeals() throws {
      let rig = try LaboratoryRig()
      try rig.startDaemon()
      try FileManager.default.removeItem(atPath: rig.socket)
      let other = rig.directory.appendingPathComponent("other")
      _ = FileManager.default.createFile(atPath: other.path, contents: Data("mine".utf8))
      try FileManager.default.moveItem(atPath: other.path, toPath: rig.socket)
      let answer = try rig.nactl("channels")
      #expect(answer.status == 3)
      #expect(answer.errors.contains("hint: "))
      #expect(rig.stopDaemon() == 0)
      #expect(try Data(contentsOf: URL(fileURLWithPath: rig.socket)) == Data("mine".utf8))
      try FileManager.default.removeItem(atPath: rig.socket)
      try rig.launchDaemon()
      #expect(try rig.nactl("channels").status == 0)
    }
  }
}
