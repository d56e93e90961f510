// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation
import Testing

extension ProgramTests {
  /// Rules about what can hurt a cell or a number that only show in the whole chain; the number is the rule's.
  @Suite struct HazardTests {
    @Test func hazard06ARestIsADisconnectedCellWhoseVoltageIsMeasured() throws {
      let rig = try ready(speed: "200")
      let file = try TestProtocol.write(.hardCarbon, cycles: 1, to: rig.directory)
      let resting = try String(contentsOfFile: file, encoding: .utf8)
        .replacingOccurrences(of: "{\"cycles\": 1", with: "{\"rest\": \"3 min\"}, {\"cycles\": 1")
      try resting.write(toFile: file, atomically: true, encoding: .utf8)
      #expect(try rig.nactl("start", file).status == 0)
      // Each is waited for: the rest with its open circuit, then the step with its closed one.
      for (kind, circuit) in [("rest", "open (confirmed)"), ("constant_current", "closed")] {
        try rig.wait(for: "a record of a \(kind)", seconds: 30) {
          try rig.channel()["circuit"] as? String == circuit
            && rig.sqlite("SELECT kind FROM step ORDER BY step_id DESC LIMIT 1") == kind
        }
      }
      #expect(rig.stopDaemon() == 0)
      let rest = "FROM record JOIN step USING(step_id) WHERE kind = 'rest'"
      #expect(try rig.sqlite("SELECT count(*) > 10, min(voltage_nv) > 2.2e9, max(abs(charge_nc)) \(rest)") == "1|1|0")
      let first = try TruthComparison(rig).truth.first?.charge
      #expect(try TruthComparison(rig).truth.first?.charge == first, "a stopped daemon leaves an open circuit")
    }

    @Test func hazard08AbsoluteErrorsOfVoltagesAreSaidAndPlatingIsNamed() throws {
      let rig = try ready()
      let file = try TestProtocol.write(.hardCarbon, cycles: 1, to: rig.directory)
      let text = try String(contentsOfFile: file, encoding: .utf8)
      func check(_ from: String, _ to: String) throws -> CommandResult {
        try text.replacingOccurrences(of: from, with: to).write(toFile: file, atomically: true, encoding: .utf8)
        return try rig.nactl("check", file, "--channel", "ch1")
      }
      // 1000 ppm of reading and 1 mV: what the instrument states.
      let good = try check("", "")
      #expect(good.status == 0 && good.output.contains("voltage <= 10 mV ± 1.01 mV"), "\(good.output)")
      #expect(good.output.contains("voltage >= 2.0 V ± 3 mV") && !good.errors.contains("plate"), "\(good.output)")
      let zero = try check("voltage <= 10 mV", "voltage <= 0 V")
      #expect(zero.status == 0 && zero.errors.contains("where sodium can plate"), "\(zero.errors)")
      let near = try check("voltage <= 10 mV", "voltage <= 1 mV")
      #expect(near.status == 0 && near.errors.contains("where sodium can plate"), "\(near.errors)")
      let negative = try check("voltage <= 10 mV", "voltage <= -5 mV")
      #expect(negative.status == 4 && negative.errors.contains("allow_plating"), "\(negative.errors)")
      let tight = try check("\"min\": \"-50 mV\"", "\"min\": \"-5 mV\"")
      #expect(tight.status == 4 && tight.errors.contains("20 mV"), "\(tight.errors)")
      #expect(try rig.nactl("start", file).status == 4, "what is refused by check is refused by start")
    }

    @Test func hazard17WhatNobodyMeasuresCannotBeLimited() throws {
      let rig = try ready()
      let file = try TestProtocol.write(.hardCarbon, cycles: 1, to: rig.directory)
      let text = try String(contentsOfFile: file, encoding: .utf8)
      for (from, to) in [
        ("\"limits\": {", "\"limits\": {\n \"temperature\": {\"max\": \"45 C\"},"),
        ("\"step_time >= 30 h\"]", "\"temperature >= 40 C\", \"step_time >= 30 h\"]"),
      ] {
        try text.replacingOccurrences(of: from, with: to).write(toFile: file, atomically: true, encoding: .utf8)
        let start = try rig.nactl("start", file)
        #expect(start.status == 4 && start.errors.contains("temperature"), "\(start.errors)")
      }
      #expect(try rig.sqlite("SELECT count(*) FROM run") == "0")
    }

    @Test func hazard21AHungPortIsItsOwnChannelsFault() throws {
      let rig = try LaboratoryRig()
      try rig.startBench(cell: "hard-carbon", count: 2, speed: "4000")
      let supervisor = try ServiceManager(rig)
      try rig.startDaemon(
        extra: ["--lease", "300"],
        environment: try PreloadedFaults.environment(rig).merging(supervisor.environment) { $1 })
      try rig.waitForChannels(2)
      for cell in ["a", "b"] {
        #expect(try rig.nactl("cell", "add", cell, "--role", "anode-half-cell", "--mass", "1.2 mg").status == 0)
      }
      let file = try TestProtocol.write(.hardCarbon, cycles: 3, to: rig.directory, resumeWithin: "1 h")
      let start = try rig.nactl("start", file, "--channels", "ch1", "ch2", "--cells", "a", "b")
      #expect(start.status == 0, "\(start.errors)")
      try rig.wait(for: "both cells to be cycled", seconds: 30) {
        try rig.sqlite("SELECT count(DISTINCT run_id) FROM half_cycle") == "2"
      }
      // Channels are numbered as instruments answer; ports carry the number of the instrument.
      let port = try #require(try rig.channel()["port"] as? String)
      let (hung, other) = port.hasSuffix("-1") ? ("1", "2") : ("2", "1")
      try PreloadedFaults.set(.stall, try FileManager.default.destinationOfSymbolicLink(atPath: port), rig)
      try rig.wait(for: "the stall to be told", seconds: 30) {
        try rig.sqlite("SELECT count(*) FROM event WHERE code = 'port.stalled'") != "0"
      }
      #expect(try rig.sqlite("SELECT DISTINCT run_id, severity FROM event WHERE code = 'port.stalled'") == "1|2")
      // Nobody can say what the circuit does behind a thread that does not turn, and nothing can be asked of it.
      #expect(try rig.channel()["circuit"] as? String == "unknown")
      #expect(try rig.channel()["state"] as? String == "unusable")
      #expect(try rig.nactl("channels").output.contains("port.stalled"))
      #expect(try rig.nactl("pause", "1").errors.contains("port.stalled"))
      try rig.wait(for: "the manager to be told", seconds: 10) { supervisor.lastStatus.contains("port.stalled") }
      // The service manager hears on, and the other channel's run gets to its end.
      let signs = supervisor.signs()
      try rig.wait(for: "a sign of life", seconds: 20) { supervisor.signs() > signs }
      #expect(try rig.waitForRun("2", states: ["completed", "held"], seconds: 60) == "completed")
      try TruthComparison(rig, run: "2", instrument: other).expectAgreement()
      try PreloadedFaults.clear(.stall, rig)
      #expect(try rig.waitForRun("1", states: ["completed", "held"], seconds: 60) == "completed")
      try TruthComparison(rig, run: "1", instrument: hung).expectAgreement()
    }

    @Test func hazard23ACellWithTwoLikeElectrodesHasNoEfficiencyAndPlateausNameTheirBranch() throws {
      let rig = try ready(cell: .platingStripping)
      var symmetric = TestProtocol.Cell.platingStripping
      symmetric.role = "symmetric"
      symmetric.window = ("-0.5 V", "3.8 V")
      // The bare collector of the preset takes hardly any charge; both directions need only be there.
      symmetric.first = "{\"charge\": \"10 uA\", \"until\": [\"step_charge >= 1.2 uAh\", \"step_time >= 30 h\"]}"
      symmetric.second = "{\"discharge\": \"565 uA\", \"until\": [\"step_charge >= 0.1 mAh\", \"step_time >= 30 h\"]}"
      let file = try TestProtocol.write(symmetric, cycles: 2, to: rig.directory)
      let start = try rig.nactl("start", file)
      #expect(start.status == 0, "\(start.errors)")
      #expect(try rig.waitForRun(states: ["completed", "held"], seconds: 60) == "completed")
      let table = try rig.nactl("cycles", "last", "--format", "json").json()
      #expect(table["initial_coulombic_efficiency"] is NSNull)
      let cycles = try #require(table["cycles"] as? [[String: Any]])
      #expect(cycles.count == 2)
      for cycle in cycles {
        #expect(cycle["coulombic_efficiency"] is NSNull, "null by role, not 0.5 and not 1")
        #expect(cycle["discharge_capacity_Ah"] is Double)
        #expect(Set(cycle.keys.filter { $0.contains("plateau") }) == Set(Self.plateauKeys))
      }
      #expect(try rig.nactl("cycles", "last").output.contains("ICE  –"))
    }

    @Test func hazard06And12CheckAndStartSayWhatTheInstrumentDoes() throws {
      let rig = try ready()
      let file = try TestProtocol.write(.hardCarbon, cycles: 1, to: rig.directory)
      let check = try rig.nactl("check", file, "--channel", "ch1")
      #expect(check.output.contains("a rest disconnects the cell and measures its voltage"), "\(check.output)")
      let start = try rig.nactl("start", file)
      #expect(start.status == 0)
      #expect(
        start.errors.contains("ch1: if its script fails by an error while this machine is dead"), "\(start.errors)")
    }

    @Test func hazard07AfterARestartTheLeaseOfAnAbsentInstrumentIsKnown() throws {
      let rig = try LaboratoryRig()
      try rig.startBench(cell: "hard-carbon", speed: "20")
      // The shortest lease, so that it is over while the test waits.
      try rig.startDaemon(extra: ["--lease", "5"])
      try rig.waitForChannels(1)
      let file = try TestProtocol.write(.hardCarbon, cycles: 1, to: rig.directory)
      #expect(try rig.nactl("start", file).status == 0)
      try rig.wait(for: "current", seconds: 40) { try rig.channel()["circuit"] as? String == "closed" }
      rig.killDaemon()
      rig.stopBench()
      try rig.launchDaemon()
      #expect(try rig.channel()["circuit"] as? String == "unknown", "the lease runs on")
      try rig.wait(for: "the lease to run out", seconds: 40) {
        try rig.channel()["circuit"] as? String == "open (lease expired)"
      }
      #expect(try rig.channel()["circuit_lease_expired_unix_us"] is Int)
      #expect(try rig.channel()["goes_safe_alone"] as? Bool == true)
    }

    @Test func hazard23TheWiringIsSaidWithTheCellAndKeptWithTheRun() throws {
      let rig = try ready(speed: "200")
      #expect(try rig.nactl("cell", "add", "HC", "--role", "anode-half-cell").status == 0)
      let wrong = try rig.nactl("cell", "mount", "ch1", "HC", "--wiring", "5-wire")
      #expect(wrong.status != 0 && wrong.errors.contains("2-wire or 4-wire"), "\(wrong.errors)")
      #expect(try rig.nactl("cell", "mount", "ch1", "--wiring", "4-wire").errors.contains("mount.no_cell"))
      #expect(try rig.nactl("cell", "mount", "ch1", "HC", "--wiring", "4-wire").status == 0)
      #expect(try rig.channel()["wiring"] as? String == "4-wire")
      let file = try TestProtocol.write(.hardCarbon, cycles: 1, to: rig.directory)
      #expect(try rig.nactl("start", file).status == 0)
      #expect(try rig.sqlite("SELECT wiring FROM run") == "4-wire")
      #expect(try rig.nactl("show", "last").output.contains(", 4-wire"))
      let busy = try rig.nactl("cell", "mount", "ch1", "HC", "--wiring", "2-wire")
      #expect(busy.status == 1 && busy.errors.contains("run 1"), "\(busy.errors)")
    }

    private static let plateauKeys = [
      "sodiation_plateau_capacity_Ah", "sodiation_plateau_ratio", "desodiation_plateau_capacity_Ah",
      "desodiation_plateau_ratio",
      "sodiation_plateau_ir_corrected_capacity_Ah", "sodiation_plateau_ir_corrected_ratio",
      "desodiation_plateau_ir_corrected_capacity_Ah", "desodiation_plateau_ir_corrected_ratio",
      "sodiation_plateau_retention", "desodiation_plateau_retention",
    ]

    private func ready(speed: String = "max", cell: TestProtocol.Cell = .hardCarbon) throws -> LaboratoryRig {
      let rig = try LaboratoryRig()
      try rig.startBench(cell: cell.preset, speed: speed)
      try rig.startDaemon(extra: ["--lease", "300"])
      try rig.waitForChannels(1)
      return rig
    }
  }
}

/// The socket on which a service manager hears of its service, and what it heard.
private final class ServiceManager {
  private let descriptor: Int32
  private var heard = 0
  private var status = ""
  /// What a service is told by its manager.
  let environment: [String: String]

  init(_ rig: LaboratoryRig) throws {
    let path = rig.directory.appendingPathComponent("notify").path
    environment = ["NOTIFY_SOCKET": path, "WATCHDOG_USEC": "2000000"]
    descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard bound == 0 else { throw RigError("no socket for the service manager: \(errno)") }
  }

  /// How many signs of life have come so far.
  func signs() -> Int {
    var buffer = [UInt8](repeating: 0, count: 512)
    while true {
      let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
      guard count >= 0 else { return heard }
      let text = String(decoding: buffer.prefix(count), as: UTF8.self)
      if text.contains("WATCHDOG=1") { heard += 1 }
      if text.hasPrefix("STATUS=") { status = text }
    }
  }

  /// What `systemctl status` would show.
  var lastStatus: String {
    _ = signs()
    return status
  }

  deinit { close(descriptor) }
}
