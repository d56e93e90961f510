// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation
import Testing

extension CommandProgramTests {
  /// `scripts/demo.sh`, which is `make demo`, left by Ctrl-C: nothing goes on and nothing stays behind.
  @Suite struct DemonstrationTests {
    @Test(arguments: ["1. ", "2. ", "3. ", "4. "])
    func anInterruptedDemonstrationLeavesNothing(_ heading: String) throws {
      let rig = try LaboratoryRig()
      let demonstration = try Demonstration(rig)
      try demonstration.read(until: heading)
      let group = try #require(try demonstration.group())
      // As a terminal does on Ctrl-C, and once more for impatient people.
      kill(-group, SIGINT)
      kill(-group, SIGINT)
      let status = demonstration.waitForEnd()
      #expect(status == 130, "\(demonstration.said)")
      #expect(try Demonstration.processes(of: rig).isEmpty)
      #expect(try FileManager.default.contentsOfDirectory(atPath: demonstration.temporary.path) == [])
    }

    @Test func anUndisturbedDemonstrationEndsWithItsTableAndLeavesNothing() throws {
      let rig = try LaboratoryRig()
      let demonstration = try Demonstration(rig)
      try demonstration.read(until: "5. ")
      #expect(demonstration.waitForEnd() == 0)
      #expect(demonstration.said.contains("\nICE  8"))
      #expect(try Demonstration.processes(of: rig).isEmpty)
      #expect(try FileManager.default.contentsOfDirectory(atPath: demonstration.temporary.path) == [])
    }
  }
}

/// A demonstration in a process group of its own, with a folder of its own for temporary files.
private final class Demonstration {
  let temporary: URL
  private let process = Process()
  private let output = Pipe()
  private(set) var said = ""

  init(_ rig: LaboratoryRig) throws {
    temporary = rig.directory.appendingPathComponent("tmp")
    try FileManager.default.createDirectory(at: temporary, withIntermediateDirectories: true)
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
      "setsid", "--wait", LaboratoryRig.repository.appendingPathComponent("scripts/demo.sh").path,
    ]
    process.environment = ProcessInfo.processInfo.environment.merging([
      "TMPDIR": temporary.path, "NACYCLER_BIN_DIR": try LaboratoryRig.programs.path,
      "NASIM_PRESETS": LaboratoryRig.repository.appendingPathComponent("VirtualCells").path,
    ]) { $1 }
    process.standardOutput = output
    process.standardError = output
    try process.runAsFromAShell()
  }

  /// Reads what it says until a line begins with that heading.
  func read(until heading: String) throws {
    while !said.contains("[1m" + heading) {
      let data = output.fileHandleForReading.availableData
      guard !data.isEmpty else { throw RigError("the demonstration ended before “\(heading)”: \(said)") }
      said += String(decoding: data, as: UTF8.self)
    }
  }

  /// The process group of the script.
  func group() throws -> pid_t? {
    let name = temporary.path
    // The script or a child of it: all but `setsid`, which stays in our own group, are in that of the script.
    return try Self.processes { $0.contains("TMPDIR=\(name)") }.map { getpgid($0) }
      .first { $0 > 1 && $0 != getpgid(0) && $0 != getpgid(process.processIdentifier) }
  }

  /// Reads to the end; the exit status.
  func waitForEnd() -> Int32 {
    said += String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return process.terminationStatus
  }

  deinit {
    guard process.isRunning, let group = try? group() else { return }
    kill(-group, SIGTERM)
    process.waitUntilExit()
  }

  /// Everything that was started with the rig's folder in its environment.
  static func processes(of rig: LaboratoryRig) throws -> [pid_t] {
    try processes { $0.contains("TMPDIR=\(rig.directory.path)") }
  }

  private static func processes(where isOurs: (String) -> Bool) throws -> [pid_t] {
    try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { pid_t($0) }.filter { number in
      // A process that has just ended has no environment any more.
      guard let environment = FileManager.default.contents(atPath: "/proc/\(number)/environ") else { return false }
      return isOurs(String(decoding: environment, as: UTF8.self))
    }
  }
}
