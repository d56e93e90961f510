// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation
import InstrumentKit
import MethodSCRIPTDriver
import Testing

/// What passes between the daemon and an instrument, recorded, read back, and given to a fresh driver.
@Suite struct RecordTranscriptCommandTests {
  private static let twoSteps = #"""
    {
      "nacycler_protocol": 1, "title": "recorded",
      "cell": {"role": "anode-half-cell", "expect_open_circuit": {"from": "0.5 V", "to": "3.2 V"}},
      "limits": {
        "voltage": {"min": "-50 mV", "max": "3.3 V", "for": "2 s"},
        "charge_current": {"max": "1 mA", "for": "1 s"}, "discharge_current": {"max": "1 mA", "for": "1 s"},
        "half_cycle_charge": {"max": "1 mAh"}, "empty_half_cycle": {"below": "0.001 uAh", "in_a_row": 3}
      },
      "record": {"every": "2 s"}, "on_interruption": {"resume_within": "30 min", "otherwise": "hold"},
      "steps": [{"rest": "3 s"}, {"discharge": "50 uA", "until": ["voltage <= 5 mV", "step_time >= 4 s"]}]
    }
    """#

  private func rig() throws -> LaboratoryRig {
    let rig = try LaboratoryRig()
    try rig.startBench(cell: "hard-carbon", speed: "1")
    try rig.startDaemon()
    try rig.waitForChannels(1)
    return rig
  }

  private func transcript(_ file: String) throws -> InstrumentTranscript {
    try InstrumentTranscript(Array(try Data(contentsOf: URL(fileURLWithPath: file))))
  }

  @Test func aRunIsRecordedAndReplayed() throws {
    let rig = try rig()
    let file = rig.directory.appendingPathComponent("hr.transcript").path
    let serial = try #require(try rig.channel()["instrument_serial"] as? String)
    let recorder = try rig.recording(serial, file, "--note", "a virtual cell, 2 wires")
    defer { if recorder.isRunning { kill(recorder.processIdentifier, SIGKILL) } }
    // While it is recorded it is not recorded again.
    let second = try rig.nactl("record-transcript", "ch1", "--output", file + "2", "--seconds", "1")
    #expect(second.status == 1 && second.errors.contains("being recorded already"), "\(second)")
    let text = rig.directory.appendingPathComponent("two-steps.json")
    try Self.twoSteps.write(to: text, atomically: true, encoding: .utf8)
    try rig.waitForChannels(1)
    let started = try rig.nactl("start", text.path)
    #expect(started.status == 0, "\(started)")
    // A run is not disturbed.
    let refused = try rig.nactl("record-transcript", "ch1", "--output", file + "3")
    #expect(refused.status == 1 && refused.errors.contains("ch1 has run 1"), "\(refused)")
    #expect(refused.errors.contains("begin it while nothing runs"), "\(refused)")
    try rig.waitForRun(states: ["completed"], seconds: 60)
    // Ctrl-C.
    kill(recorder.processIdentifier, SIGINT)
    recorder.waitUntilExit()
    #expect(recorder.terminationStatus == 0)

    let transcript = try transcript(file)
    #expect(transcript.header.family == "methodscript" && transcript.header.instrument.contains(serial))
    #expect(transcript.header.note == "a virtual cell, 2 wires")
    #expect(transcript.header.recorded.hasPrefix("by nacyclerd at "))
    #expect(transcript.ending == "who recorded it has ended it")
    let events = transcript.turns.flatMap(\.outputs).filter { $0.hasPrefix("= ") }
    #expect(events.contains { $0.hasPrefix("= ended channel=0 run=1 ") })
    #expect(events.count { $0.hasPrefix("= reading channel=0 ") } > 10)
    #expect(transcript.turns.contains { turn in if case .command(0, .begin) = turn.input { true } else { false } })
    #expect(TranscriptReplay.differences(in: transcript) { MethodSCRIPTDriver() } == [])
    // The run was not disturbed either, and the instrument is there.
    #expect(try rig.channel()["circuit"] as? String == "open (confirmed)")
  }

  @Test func aRecordingEndsWithItsTimeOrItsInstrument() throws {
    let rig = try rig()
    let file = rig.directory.appendingPathComponent("hr.transcript").path
    let short = try rig.nactl("record-transcript", "ch1", "--output", file, "--seconds", "1.5")
    #expect(short.status == 0 && short.output.hasPrefix("\(file): "), "\(short)")
    var transcript = try transcript(file)
    #expect(transcript.ending == "1.5 s have passed" && transcript.header.note == nil)
    #expect(TranscriptReplay.differences(in: transcript) { MethodSCRIPTDriver() } == [])
    let again = try rig.nactl("record-transcript", "ch1", "--output", file)
    #expect(again.status == 2 && again.errors.contains("file.exists"), "\(again)")
    let nobody = try rig.nactl("record-transcript", "EMSTAT", "--output", file + "2")
    #expect(nobody.status == 1 && nobody.errors.contains("instrument.not_found"), "\(nobody)")
    #expect(try rig.nactl("record-transcript", "ch1", "--output", file + "2", "--seconds", "0").status == 64)

    let port = try #require(try rig.channel()["port"] as? String)
    try rig.waitForChannels(1)
    let recorder = try rig.recording(port, file, "--force")
    defer { if recorder.isRunning { kill(recorder.processIdentifier, SIGKILL) } }
    rig.stopBench()
    recorder.waitUntilExit()
    #expect(recorder.terminationStatus == 0)
    transcript = try self.transcript(file)
    #expect(transcript.ending.contains("the port is closed for good") && transcript.turns.last?.input == .lost)
    #expect(TranscriptReplay.differences(in: transcript) { MethodSCRIPTDriver() } == [])
  }

  /// A limit of the size of files stands for a full disk: a write fails in the middle of the recording.
  @Test func aRecordingThatCannotBeWrittenLeavesNothing() throws {
    let rig = try rig()
    let file = rig.directory.appendingPathComponent("hr.transcript").path
    let nactl = try LaboratoryRig.programs.appendingPathComponent("nactl").path
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = [
      "-c", "trap '' XFSZ; ulimit -f 1; exec \"$0\" \"$@\"", nactl, "record-transcript", "ch1", "--output", file,
      "--socket",
      rig.socket, "--seconds", "60",
    ]
    process.standardOutput = FileHandle.nullDevice
    try process.runAsFromAShell()
    process.waitUntilExit()
    #expect(process.terminationStatus == 2)
    let names = try FileManager.default.contentsOfDirectory(atPath: rig.directory.path)
    #expect(!names.contains { $0.hasPrefix("hr.transcript") }, "\(names)")
  }

  /// A recorder that was killed keeps nobody from recording for longer than it takes to write to him again.
  @Test func aRecorderThatWasKilledGivesItsPlaceUp() throws {
    let rig = try rig()
    let file = rig.directory.appendingPathComponent("hr.transcript").path
    let recorder = try rig.recording("ch1", file)
    kill(recorder.processIdentifier, SIGKILL)
    recorder.waitUntilExit()
    try rig.wait(for: "the recorder's place", seconds: 30) {
      try rig.nactl("record-transcript", "ch1", "--output", file, "--seconds", "0.1").status == 0
    }
  }

  @Test func aDaemonThatStopsLeavesTheFile() throws {
    let rig = try rig()
    let file = rig.directory.appendingPathComponent("hr.transcript").path
    let recorder = try rig.recording("ch1", file)
    defer { if recorder.isRunning { kill(recorder.processIdentifier, SIGKILL) } }
    rig.killDaemon()
    recorder.waitUntilExit()
    #expect(recorder.terminationStatus == 3)
    let transcript = try transcript(file)
    #expect(transcript.ending == "the connection to the daemon was lost")
    #expect(TranscriptReplay.differences(in: transcript) { MethodSCRIPTDriver() } == [])
  }
}
