// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation
import Testing

/// Instruments on a resistor of 1 kΩ, which virtual cells can be: no charge moves its voltage. These wait most of the time, so
/// that they run beside other programs.
@Suite struct SelftestCommandTests {
  private func rig(
    _ instrument: String = "emstat4-hr", family: String? = nil, cell: String = "resistor", speed: String = "10",
    channels: Int = 1, extra: [String] = []
  ) throws -> LaboratoryRig {
    let rig = try LaboratoryRig()
    try rig.startBench(cell: cell, speed: speed, seed: nil, instrument: instrument, extra: extra)
    let ports = family.map { ["\($0):\(rig.links)/*-[0-9]*"] } ?? []
    try rig.startDaemon(ports: ports, extra: ["--lease", "300"])
    try rig.waitForChannels(channels)
    return rig
  }

  /// The steps of a report, and that nothing is wrong in them.
  private func steps(_ result: CommandResult) throws -> [String: [String: Any]] {
    let report = try result.json()
    #expect(result.status == 0 && report["run_state"] as? String == "completed", "\(result)")
    #expect((report["failures"] as? [String])?.isEmpty == true, "\(result)")
    #expect(report["damaged_messages"] as? Int == 0 && report["losses"] as? Int == 0)
    let steps = try #require(report["steps"] as? [[String: Any]])
    for step in steps {
      #expect((step["failures"] as? [String])?.isEmpty == true && (step["readings"] as? Int ?? 0) >= 3, "\(step)")
      guard step["step"] as? String != "rest" else { continue }
      let resistance = try #require(step["resistance_ohm"] as? Double)
      #expect(abs(resistance / 1_000 - 1) < 0.01, "\(step)")
    }
    return Dictionary(uniqueKeysWithValues: steps.map { ($0["step"] as? String ?? "", $0) })
  }

  /// Idle and empty, without a latch.
  private func expectAsBefore(_ rig: LaboratoryRig) throws {
    let channel = try rig.channel()
    #expect(channel["state"] as? String == "idle" && channel["circuit"] as? String == "open (confirmed)", "\(channel)")
    #expect(channel["cell"] is NSNull && channel["run"] is NSNull && channel["latch"] is NSNull, "\(channel)")
  }

  @Test func aResistorIsMeasuredAndAnotherIsFoundOut() throws {
    let rig = try rig(extra: ["--converters", "real"])
    let good = try rig.nactl("selftest", "ch1", "--resistor", "1000", "--format", "json")
    #expect(Set(try steps(good).keys) == ["rest", "charge", "discharge", "hold"])
    try expectAsBefore(rig)
    let wrong = try rig.nactl("selftest", "ch1", "--resistor", "1200")
    #expect(wrong.status == 1 && wrong.output.contains("failed\n"), "\(wrong)")
    // The current that makes 0.5 V on 1.2 kΩ makes 0.417 V on 1 kΩ.
    #expect(wrong.output.contains("voltage 417.") && wrong.output.contains("instead of 500.0 mV"), "\(wrong.output)")
    try expectAsBefore(rig)
    // Both tests had the same stand-in, which no cell's start is hindered by.
    let cells = try rig.nactl("cell", "list", "--format", "json").json()["cells"] as? [[String: Any]]
    #expect(cells?.map { $0["cell"] as? String } == ["resistor-ch1"])
  }

  @Test func exactlyNothingIsRightForAResistor() throws {
    let rig = try rig("keithley-2400", family: "keithley_scpi", speed: "1")
    let result = try rig.nactl(
      "selftest", "ch1", "--resistor", "1000", "--accept-no-hardware-limits", "--format", "json")
    #expect(try steps(result)["rest"]?["mean_voltage_V"] as? Double == 0)
    let shown = try rig.nactl("show", "last")
    #expect(
      shown.output.contains("preflight.allowed_by_person") && shown.output.contains("resistor in place of a cell"),
      "\(shown)")
    try expectAsBefore(rig)
  }

  @Test func whatKeepsNoCurrentSweeps() throws {
    let rig = try rig("rodeostat", family: "rodeostat", speed: "1")
    let result = try rig.nactl(
      "selftest", "ch1", "--resistor", "1000", "--accept-no-hardware-limits", "--format", "json")
    let steps = try steps(result)
    #expect(Set(steps.keys) == ["rest", "sweep-up", "sweep-down"])
    for label in ["sweep-up", "sweep-down"] {
      let step = try #require(steps[label])
      let (low, high) = (step["lowest_voltage_V"] as? Double ?? 0, step["highest_voltage_V"] as? Double ?? 0)
      #expect(low < -0.46 && low > -0.52 && high > 0.46 && high < 0.52, "\(step)")
      #expect(step["mean_current_A"] is NSNull && (step["readings"] as? Int ?? 0) > 20, "\(step)")
    }
    try expectAsBefore(rig)
  }

  @Test func aCellInThePlaceOfTheResistorIsRefusedAndTheReasonTold() throws {
    let rig = try rig(cell: "hard-carbon")
    let report = try rig.nactl("selftest", "ch1", "--resistor", "1000", "--format", "json")
    #expect(report.status == 1, "\(report)")
    let failures = try #require(try report.json()["failures"] as? [String])
    #expect(failures.first == "the run was not completed but is ended")
    #expect(
      failures.contains { $0.hasPrefix("preflight.outside_window: ") && $0.contains("outside -50 mV … 50 mV") },
      "\(failures)")
    let text = try rig.nactl("selftest", "ch1", "--resistor", "1000")
    #expect(text.status == 1 && text.output.contains("\npreflight.outside_window: "), "\(text)")
    try expectAsBefore(rig)
    // No current flowed.
    let truth = try rig.nasim("truth", "--links", rig.links, "1", "--format", "json").json()
    #expect((truth["half_cycles"] as? [Any])?.isEmpty == true, "\(truth)")
    // A cell of which the channel knows is not tried at all.
    #expect(try rig.nactl("cell", "add", "HC-7", "--role", "anode-half-cell").status == 0)
    #expect(try rig.nactl("cell", "mount", "ch1", "HC-7").status == 0)
    let mounted = try rig.nactl("selftest", "ch1", "--resistor", "1000")
    #expect(
      mounted.status == 1 && mounted.errors.contains("channel.holds_cell: ch1 holds the cell “HC-7”")
        && mounted.errors.contains("nactl cell mount ch1"), "\(mounted)")
    #expect((try rig.nactl("runs", "--format", "json").json()["runs"] as? [Any])?.count == 2)
  }

  @Test func anInterruptStopsIt() throws {
    let rig = try rig(speed: "1")
    let command = Process()
    command.executableURL = try LaboratoryRig.programs.appendingPathComponent("nactl")
    command.arguments = ["selftest", "ch1", "--resistor", "1000", "--socket", rig.socket]
    let (output, errors) = (Pipe(), Pipe())
    command.standardOutput = output
    command.standardError = errors
    try command.runAsFromAShell()
    var said = ""
    while !said.contains("goes on for about a minute") {
      let data = errors.fileHandleForReading.availableData
      guard !data.isEmpty else { throw RigError("nactl ended before it had begun: \(said)") }
      said += String(decoding: data, as: UTF8.self)
    }
    kill(command.processIdentifier, SIGINT)
    let report = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    command.waitUntilExit()
    #expect(command.terminationReason == .exit && command.terminationStatus == 1)
    #expect(report.contains("the run was not completed but is stopped\nstopped by "), "\(report)")
    try expectAsBefore(rig)
  }

  @Test func whatCannotBeTriedIsRefused() throws {
    let rig = try rig()
    let nowhere = try rig.nactl("selftest", "ch9", "--resistor", "1000")
    #expect(nowhere.status == 64 && nowhere.errors.contains("channels are: ch1"), "\(nowhere)")
    let tooMuch = try rig.nactl("selftest", "ch1", "--resistor", "1000", "--current", "1")
    #expect(tooMuch.status == 64 && tooMuch.errors.contains("largest current is 0.2 A"), "\(tooMuch)")
    let tooHigh = try rig.nactl("selftest", "ch1", "--resistor", "1000000", "--current", "0.1")
    #expect(tooHigh.status == 64 && tooHigh.errors.contains("works from -6.0 V to 6.0 V"), "\(tooHigh)")
    #expect(try rig.nactl("selftest", "ch1", "--resistor", "-1").status == 64)
    #expect(try rig.nactl("runs", "--format", "json").json()["runs"] as? [String] == [])
    #expect(try rig.nactl("cell", "list", "--format", "json").json()["cells"] as? [String] == [])
  }

  @Test func whatDoesNotWorkAroundZeroIsRefused() throws {
    let rig = try rig("batlab", family: "batlab", cell: "nvpf", speed: "1", channels: 4)
    let refused = try rig.nactl("selftest", "ch1", "--resistor", "1000")
    #expect(
      refused.status == 64 && refused.errors.contains("works from 1.8 V to 4.49 V")
        && refused.errors.contains("both sides of 0 V"), "\(refused)")
  }
}
