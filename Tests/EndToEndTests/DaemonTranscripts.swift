// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation
import Testing

/// The transcripts `Drivers/<Family>/Transcripts/nacyclerd-….transcript`, recorded anew through the programs, as `make transcripts`
/// asks for it: a run of `nasim`'s instrument in real time. Conformance tests replay them.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["NACYCLER_RECORD_TRANSCRIPTS"] == "1"))
struct DaemonTranscripts {
  /// A cell of which a charge takes seconds.
  private static let cell = #"""
    {"like": "hard-carbon", "nominal_capacity_mAh": 0.0024, "active_mass_mg": 0.008, "resistance_ohm": 200,
      "positive_electrode": {"capacity_mAh": 0.0024, "potential_V": [[-0.02, 4.6], [0, 2.6], [0.05, 2.3],
        [0.3, 1.7], [0.6, 1.0], [0.9, 0.35], [1.0, 0.1], [1.1, -0.05], [2.0, -0.06]]},
      "diffusion_ohm": [300, 400], "diffusion_time_s": [0.5, 4]}
    """#
  private static let steps = #"""
    {
      "nacycler_protocol": 1, "title": "a short session",
      "cell": {"role": "anode-half-cell", "expect_open_circuit": {"from": "0 V", "to": "3.3 V"}},
      "limits": {
        "voltage": {"min": "-50 mV", "max": "2.8 V", "for": "2 s"},
        "charge_current": {"max": "1 mA", "for": "1 s"}, "discharge_current": {"max": "1 mA", "for": "1 s"},
        "half_cycle_charge": {"max": "0.1 Ah"}, "empty_half_cycle": {"below": "0.001 uAh", "in_a_row": 3}
      },
      "record": {"every": "2 s", "read_every": "1 s"},
      "on_interruption": {"resume_within": "30 min", "otherwise": "hold"},
      "steps": [{"rest": "2 s"}, {"discharge": "360 uA", "until": ["voltage <= 1.9 V", "step_time >= 1 min"]},
        {"rest": "1 s"}, {"charge": "360 uA", "until": ["voltage >= 2.7 V", "step_time >= 1 min"]}]
    }
    """#

  @Test(arguments: [
    ("emstat4-hr", "methodscript", "MethodSCRIPT"), ("keithley-2400", "keithley_scpi", "KeithleySCPI"),
  ]) func aRecord(_ instrument: String, _ family: String, _ folder: String) throws {
    let rig = try LaboratoryRig()
    let (cell, steps) = (rig.directory.path + "/cell.json", rig.directory.path + "/steps.json")
    try Self.cell.write(toFile: cell, atomically: true, encoding: .utf8)
    try Self.steps.write(toFile: steps, atomically: true, encoding: .utf8)
    try rig.startBench(cell: cell, speed: "1", instrument: instrument)
    try rig.startDaemon(ports: ["\(family):\(rig.links)/*-[0-9]*"])
    try rig.waitForChannels(1)
    let file = rig.directory.path + "/recorded"
    let recorder = try rig.recording(
      "ch1", file, "--note", "emulated by nasim, in real time, with a small virtual cell")
    defer { if recorder.isRunning { kill(recorder.processIdentifier, SIGKILL) } }
    try rig.waitForChannels(1)
    let started = try rig.nactl("start", steps, "--accept-no-hardware-limits")
    #expect(started.status == 0, "\(started)")
    // Beyond the last cut-off the cell is so steep that a bound may be reached: that is worth a transcript too.
    try rig.waitForRun(states: ["completed", "held"], seconds: 120)
    kill(recorder.processIdentifier, SIGINT)
    recorder.waitUntilExit()
    #expect(recorder.terminationStatus == 0)
    // Where a folder of one test was is nobody's business.
    let text = try String(contentsOfFile: file, encoding: .utf8)
      .replacingOccurrences(of: rig.directory.path, with: "/tmp")
    let place = LaboratoryRig.repository.appendingPathComponent(
      "Drivers/\(folder)/Transcripts/nacyclerd-\(instrument).transcript")
    try text.write(to: place, atomically: true, encoding: .utf8)
  }
}

extension LaboratoryRig {
  /// Begins a recording that goes on beside what the test does, and waits until the instrument has said again who it is.
  func recording(_ instrument: String, _ file: String, _ more: String...) throws -> Process {
    let process = Process()
    process.executableURL = try Self.programs.appendingPathComponent("nactl")
    process.arguments = ["record-transcript", instrument, "--output", file, "--socket", socket] + more
    process.standardOutput = FileHandle.nullDevice
    try process.runAsFromAShell()
    try wait(for: "the recording", seconds: 30) {
      guard process.isRunning else { throw RigError("nactl record-transcript ended: \(process.terminationStatus)") }
      let partial = try? String(contentsOfFile: "\(file).partial-\(process.processIdentifier)", encoding: .utf8)
      return partial?.contains("\n= identified ") ?? false
    }
    return process
  }
}
