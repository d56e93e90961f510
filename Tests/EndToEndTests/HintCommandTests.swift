// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation
import Glibc
import Testing

/// What a user is told who named a port wrongly, or not wholly: each hint leads on.
@Suite struct HintCommandTests {
  private static let protocolText = #"""
    {
      "nacycler_protocol": 1, "title": "a rest",
      "cell": {"role": "cathode-half-cell", "expect_open_circuit": {"from": "1.9 V", "to": "4.3 V"}},
      "limits": {
        "voltage": {"min": "1.9 V", "max": "4.4 V", "for": "2 s"},
        "charge_current": {"max": "1 mA", "for": "1 s"}, "discharge_current": {"max": "1 mA", "for": "1 s"},
        "half_cycle_charge": {"max": "1 mAh"}
      },
      "record": {"every": "1 s"}, "on_interruption": {"resume_within": "30 min", "otherwise": "hold"},
      "steps": [{"rest": "10 s"}]
    }
    """#

  @Test func aNamedPortThatMatchesNothingIsToldUntilItDoes() throws {
    let rig = try LaboratoryRig()
    try rig.startBench(cell: "hard-carbon", speed: "1")
    let later = rig.directory.appendingPathComponent("later").path
    try rig.startDaemon(extra: ["--port", "keithley_scpi:\(later)*"])
    try rig.waitForChannels(1)
    for list in ["channels", "instruments"] {
      let patterns = try rig.nactl(list, "--format", "json").json()["unmatched_ports"] as? [String]
      #expect(patterns == ["keithley_scpi:\(later)*"], "\(list)")
      let shown = try rig.nactl(list).output
      #expect(shown.contains("--port keithley_scpi:\(later)* matches no port now"), "\(shown)")
    }
    #expect(rig.readLog("nacyclerd.log").contains("--port keithley_scpi:\(later)* matches no port now"))
    let port = try #require(rig.channel()["port"] as? String)
    try FileManager.default.createSymbolicLink(atPath: later + "-1", withDestinationPath: port)
    try rig.wait(for: "the pattern to match", seconds: 20) {
      (try rig.nactl("channels", "--format", "json").json()["unmatched_ports"] as? [String])?.isEmpty == true
    }
  }

  /// A port that was named without its family is taken for another's. Who asks there is told, and the daemon has the port again
  /// afterwards; then the hint of `check` is what `start` refuses.
  @Test func anInstrumentOfAnotherFamilyIsFoundAtAPortThatTheDaemonHas() throws {
    let rig = try LaboratoryRig()
    try rig.startBench(cell: "nvpf", speed: "1", instrument: "keithley-2400")
    try rig.startDaemon()
    var ports: [[String: String]] = []
    func waitForTrouble() throws {
      try rig.wait(for: "a port of no use", seconds: 30) {
        let list = try rig.nactl("channels", "--format", "json").json()
        ports = list["unusable_ports"] as? [[String: String]] ?? []
        return ports.count == 1
      }
    }
    try waitForTrouble()
    let port = try #require(ports.first?["port"])
    #expect(ports.first?["hint"]?.contains("`nactl identify \(port)` asks") == true, "\(ports)")
    let found = try rig.nactl("identify", port)
    #expect(found.status == 0 && found.output.contains("nacyclerd --port 'keithley_scpi:\(port)'"), "\(found)")
    try waitForTrouble()
    #expect(rig.stopDaemon() == 0)

    try rig.startDaemon(ports: ["keithley_scpi:\(port)"])
    try rig.waitForChannels(1)
    let file = rig.directory.appendingPathComponent("rest.json")
    try Self.protocolText.write(to: file, atomically: true, encoding: .utf8)
    let check = try rig.nactl("check", file.path, "--channel", "ch1")
    #expect(check.status == 0 && check.errors.contains("needs --accept-no-hardware-limits"), "\(check)")
    let start = try rig.nactl("start", file.path, "--channels", "ch1")
    #expect(start.status == 1 && start.errors.contains("start.no_hardware_limits"), "\(start)")
    #expect(try !rig.nactl("check", file.path).errors.contains("--accept-no-hardware-limits"))
  }

  /// Whoever asked has gone: the next may ask at once, and not in a minute.
  @Test func theAskingEndsWithTheClient() throws {
    let rig = try LaboratoryRig()
    try rig.startBench(cell: "hard-carbon", speed: "1")
    let other = rig.directory.appendingPathComponent("other").path
    try rig.startBench(cell: "nvpf", speed: "1", instrument: "keithley-2400", links: other)
    try rig.startDaemon()
    try rig.waitForChannels(1)
    // One that hears and says nothing.
    let folder = rig.directory.appendingPathComponent("mute").path
    let faults = rig.directory.appendingPathComponent("mute.json")
    try #"{"seed": 1, "faults": [{"kind": "mute", "at_seconds": 0}]}"#.write(
      to: faults, atomically: true, encoding: .utf8)
    try rig.startBench(
      cell: "nvpf", speed: "1", instrument: "keithley-2400", links: folder, extra: ["--fault", faults.path])
    let silent = folder + "/keithley-2400-1"

    let asking = Process()
    asking.executableURL = try LaboratoryRig.programs.appendingPathComponent("nactl")
    asking.arguments = ["identify", silent, "--socket", rig.socket]
    asking.standardOutput = FileHandle.nullDevice
    try asking.run()
    defer { if asking.isRunning { asking.terminate() } }
    try rig.wait(for: "the asking to begin", seconds: 10) {
      rig.readLog("nacyclerd.log").contains("asks who is at \(silent)")
    }
    let port = other + "/keithley-2400-1"
    let busy = try rig.nactl("identify", port)
    #expect(busy.status == 1 && busy.errors.contains("port.in_use: \(silent) is being asked"), "\(busy)")
    // What is wrong with the name is said all the same.
    let nowhere = try rig.nactl("identify", other + "/none")
    #expect(nowhere.status == 1 && nowhere.errors.contains("there is no port \(other)/none"), "\(nowhere)")
    asking.terminate()
    asking.waitUntilExit()
    let killed = ContinuousClock.now
    try rig.wait(for: "the next to be asked", seconds: 8) { try rig.nactl("identify", port).status == 0 }
    #expect(ContinuousClock.now - killed < .seconds(10))
  }

  @Test func whatIsSaidTwiceOrLeavesOutTheFamilyIsRefused() throws {
    let rig = try LaboratoryRig()
    let twice = try rig.nasim(
      "run", "--instrument", "emstat4-hr", "--instrument=nexus", "--cell", "hard-carbon", "--links", rig.links)
    #expect(twice.status == 64 && twice.errors.contains("--instrument is given twice"), "\(twice)")
    let daemon = try LaboratoryRig.run(
      "nacyclerd", ["--state-directory", rig.state, "--socket", rig.socket, "--port", "tcp://127.0.0.1:5025"])
    #expect(daemon.status == 64 && daemon.errors.contains("write FAMILY:tcp://127.0.0.1:5025"), "\(daemon)")
    #expect(daemon.errors.contains("keithley_scpi"), "\(daemon)")
  }
}
