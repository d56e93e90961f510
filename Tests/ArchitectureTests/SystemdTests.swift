// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The unit, the users, the folders and the udev rules, judged by systemd's own tools where the machine has them.

import Foundation
import Testing

@Suite("systemd and udev") struct SystemdTests {
  private static func tool(_ name: String) -> String? {
    ["/usr/bin/", "/bin/", "/usr/local/bin/"].map { $0 + name }.first {
      FileManager.default.isExecutableFile(atPath: $0)
    }
  }

  private static func run(_ tool: String, _ arguments: [String]) throws -> (status: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(filePath: tool)
    process.arguments = arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: output, as: UTF8.self))
  }

  private static func path(_ file: String) -> String {
    Repository.root.appending(path: "systemd/\(file)").path(percentEncoded: false)
  }

  @Test(
    "the unit has no mistake that systemd knows", .enabled(if: tool("systemd-analyze") != nil, "no systemd-analyze"))
  func verify() throws {
    let analyze = try #require(Self.tool("systemd-analyze"))
    // The program need not be installed for its unit to be right: another one stands in for it.
    let folder = FileManager.default.temporaryDirectory.appending(path: "nacycler-unit-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let unit = folder.appending(path: "nacyclerd.service")
    let text = try Repository.text("systemd/nacyclerd.service")
    #expect(text.contains("ExecStart=/usr/local/bin/nacyclerd "))
    try text.replacing("/usr/local/bin/nacyclerd", with: "/bin/true").write(to: unit, atomically: true, encoding: .utf8)
    let result = try Self.run(analyze, ["verify", unit.path(percentEncoded: false)])
    #expect(result.status == 0)
    // Complaints about other units of the machine are not ours.
    #expect(!result.output.contains("nacyclerd.service"), "\(result.output)")
  }

  @Test("the daemon is exposed by 1.5 at most", .enabled(if: tool("systemd-analyze") != nil, "no systemd-analyze"))
  func exposure() throws {
    let analyze = try #require(Self.tool("systemd-analyze"))
    // The threshold is in tenths; the command fails above it.
    let result = try Self.run(
      analyze, ["security", "--offline=true", "--no-pager", "--threshold=15", Self.path("nacyclerd.service")])
    #expect(result.status == 0, "\(result.output.suffix(400))")
    #expect(result.output.contains("Overall exposure level for nacyclerd.service"), "\(result.output.suffix(400))")
  }

  @Test("the user and its group can be made", .enabled(if: tool("systemd-sysusers") != nil, "no systemd-sysusers"))
  func users() throws {
    let tool = try #require(Self.tool("systemd-sysusers"))
    let result = try Self.run(tool, ["--dry-run", Self.path("nacycler.sysusers.conf")])
    #expect(result.status == 0, "\(result.output)")
  }

  @Test("whatever a driver matches, the udev rules give to the group") func rules() throws {
    let rules = try Repository.text("systemd/70-nacycler.rules")
    var prefixes: Set<String> = []
    for file in Repository.files(below: "Drivers", endings: [".swift"]) {
      for match in file.text.matches(of: /productPrefix: "([^"]+)"/) { prefixes.insert(String(match.output.1)) }
    }
    #expect(!prefixes.isEmpty)
    for prefix in prefixes {
      #expect(
        rules.contains("ATTRS{product}==\"\(prefix)*\", GOTO=\"nacycler_instrument\""),
        "systemd/70-nacycler.rules has no line for \(prefix)")
    }
    for file in Repository.files(below: "Drivers", endings: [".swift"]) {
      let devices = /vendorID: "(\w+)", productID: "(\w+)", isWholeDevice: true/
      for match in file.text.matches(of: devices) {
        let line = "ATTR{idVendor}==\"\(match.output.1)\", ATTR{idProduct}==\"\(match.output.2)\", GROUP=\"nacycler\""
        #expect(rules.contains(line), "systemd/70-nacycler.rules lacks \(line)")
      }
    }
    for word in ["GROUP=\"nacycler\"", "MODE=\"0660\"", "ENV{ID_MM_DEVICE_IGNORE}=\"1\""] {
      #expect(rules.contains(word), "\(word)")
    }
  }

  @Test("every jump of the udev rules lands, and only forward") func jumps() throws {
    let lines = try Repository.text("systemd/70-nacycler.rules").split(
      separator: "\n", omittingEmptySubsequences: false)
    for (number, line) in lines.enumerated() where !line.hasPrefix("#") {
      for jump in line.matches(of: /GOTO="(\w+)"/) {
        #expect(lines[number...].contains("LABEL=\"\(jump.output.1)\""), "line \(number + 1)")
      }
    }
  }

  @Test("user, group and folders are the same in all files") func agree() throws {
    let unit = try Repository.text("systemd/nacyclerd.service")
    let users = try Repository.text("systemd/nacycler.sysusers.conf")
    let folders = try Repository.text("systemd/nacycler.tmpfiles.conf")
    #expect(unit.contains("\nUser=nacyclerd\nGroup=nacycler\n"))
    #expect(users.contains("\ng nacycler ") && users.contains("\nu nacyclerd -:nacycler "))
    for folder in ["/var/lib/nacycler", "/run/nacycler"] {
      #expect(folders.contains("d \(folder)") && unit.contains(folder), "\(folder)")
    }
    // A namespace of its own would hide the clients' user ids, by which the daemon decides who may operate.
    #expect(unit.contains("\nPrivateUsers=no\n"))
  }
}
