// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import FoundationEssentials
import Testing
import VirtualLab

@testable import VirtualBench

@Suite("Scripts of faults", .timeLimit(.minutes(15)))
struct FaultScriptTests {
  private static func script(_ entry: String) throws -> FaultScript {
    try FaultScript(json: Data(#"{"seed": 7, "faults": [\#(entry)]}"#.utf8), file: "faults.json")
  }

  @Test("Every kind is read, with its values")
  func kinds() throws {
    func kind(_ text: String) throws -> ScheduledFault.Kind? {
      try Self.script(#"{"at_seconds": 1, "for_seconds": 2, \#(text)}"#).faults(of: 1).first?.kind
    }
    #expect(try kind(#""kind": "mute""#) == .line(.mute))
    #expect(try kind(#""kind": "stall""#) == .line(.stall))
    #expect(
      try kind(#""kind": "garbage", "bytes_per_second": 50"#) == .line(.garbage(bytesPerSecond: 50, replacing: 0)))
    #expect(try kind(#""kind": "garbage", "replacing": 0.5"#) == .line(.garbage(bytesPerSecond: 0, replacing: 0.5)))
    #expect(try kind(#""kind": "slow", "bytes_per_second": 20"#) == .line(.slow(bytesPerSecond: 20)))
    #expect(try kind(#""kind": "late", "delay_seconds": 1.5"#) == .line(.late(seconds: 1.5)))
    #expect(try kind(#""kind": "glued", "window_seconds": 0.5"#) == .line(.glued(seconds: 0.5)))
    #expect(try kind(#""kind": "truncated", "keep_bytes": 3"#) == .line(.truncated(at: 3)))
    #expect(try kind(#""kind": "corrupted", "at_byte": 3, "value": 255"#) == .line(.corrupted(at: 3, byte: 255)))
    #expect(try kind(#""kind": "duplicated""#) == .line(.duplicated))
    #expect(try kind(#""kind": "interleaved", "bytes": [0, 10], "at_byte": 2"#) == .line(.interleaved([0, 10], at: 2)))
    var wrong = WrongValue()
    wrong.voltageOffset = 0.05
    wrong.currentFactor = 2
    #expect(
      try kind(#""kind": "wrong_value", "voltage_offset_V": 0.05, "current_factor": 2"#)
        == .instrument(.wrongValue(wrong)))
    #expect(try kind(#""kind": "liar""#) == .instrument(.liar))
    #expect(try kind(#""kind": "refusing""#) == .instrument(.refusing))
    #expect(try kind(#""kind": "frozen_reading""#) == .instrument(.frozenReading))
    #expect(try kind(#""kind": "overload""#) == .instrument(.overload))
    #expect(try kind(#""kind": "not_a_number""#) == .instrument(.notANumber))
    #expect(try kind(#""kind": "disconnect""#) == .disconnect)
    #expect(try kind(#""kind": "reboot""#) == .reboot)
    for name in FaultFields.kinds {
      let error = #expect(throws: BenchError.self) {
        try Self.script(#"{"kind": "\#(name)", "at_seconds": 0, "x": 1}"#)
      }
      #expect(error?.description.contains("(\(name))") == true)
    }
  }

  @Test("When, for how long and to whom")
  func times() throws {
    let script = try FaultScript(
      json: Data(
        """
        {"faults": [
          {"kind": "mute", "instrument": 2, "channel": 3, "at_closing": 4},
          {"kind": "liar", "at_seconds": 120, "for_seconds": 60}
        ]}
        """.utf8), file: "faults.json")
    #expect(script.faults(of: 1) == [ScheduledFault(.instrument(.liar), .time(120), seconds: 60)])
    #expect(script.faults(of: 2).first == ScheduledFault(.line(.mute), .closing(4), channel: 2))
  }

  @Test(
    "What is wrong is said with file, entry and what would be right",
    arguments: [
      (#"{"kind": "fire", "at_seconds": 1}"#, "fault 1: kind is one of mute, stall"),
      (#"{"at_seconds": 1}"#, "kind is one of"), ("7", "has to be an object"),
      (#"{"kind": "mute"}"#, "(mute): say when, with one of at_seconds"),
      (#"{"kind": "mute", "at_seconds": 1, "at_closing": 2}"#, "with one of at_seconds"),
      (#"{"kind": "mute", "at_second": 1}"#, "there is no at_second here; when it begins is said with at_seconds"),
      (#"{"kind": "mute", "at_closing": 0}"#, "at_closing is a whole number from 1"),
      (#"{"kind": "mute", "at_closing": 1.5}"#, "whole number"),
      (#"{"kind": "mute", "at_seconds": -1}"#, "at_seconds is a number from 0"),
      (#"{"kind": "mute", "at_seconds": "soon"}"#, "at_seconds is a number"),
      (#"{"kind": "mute", "at_seconds": 1, "for_second": 1}"#, "there is no for_second here; there are: at_closing"),
      (#"{"kind": "mute", "at_seconds": 1, "for_seconds": 0}"#, "for_seconds is a number from 0.001"),
      (#"{"kind": "slow", "at_seconds": 1}"#, "bytes_per_second is needed"),
      (#"{"kind": "slow", "at_seconds": 1, "bytes_per_second": 0}"#, "from 0.01"),
      (#"{"kind": "garbage", "at_seconds": 1}"#, "give bytes_per_second above 0"),
      (#"{"kind": "garbage", "at_seconds": 1, "replacing": 2}"#, "replacing is a number from 0 to 1"),
      (#"{"kind": "wrong_value", "at_seconds": 1}"#, "nothing is wrong"),
      (#"{"kind": "wrong_value", "at_seconds": 1, "voltage_factor": 1}"#, "nothing is wrong"),
      (#"{"kind": "disconnect", "at_seconds": 1}"#, "for_seconds is needed"),
      (#"{"kind": "interleaved", "at_seconds": 1, "at_byte": 0, "bytes": [256]}"#, "numbers from 0 to 255"),
      (#"{"kind": "corrupted", "at_seconds": 1, "at_byte": 0, "value": 300}"#, "value is a whole number from 0 to 255"),
    ])
  func refusals(entry: String, words: String) {
    let error = #expect(throws: BenchError.self) { try Self.script(entry) }
    #expect(error?.description.hasPrefix("faults.json: fault 1") == true, "\(error?.description ?? "")")
    #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
  }

  @Test(
    "A file that is none is refused",
    arguments: ["", "[]", "{}", #"{"faults": []}"#, #"{"faults": 1}"#, #"{"fault": []}"#])
  func noScript(text: String) throws {
    let folder = try TestFolder()
    let path = folder.path + "/faults.json"
    try Data(text.utf8).write(to: URL(filePath: path))
    let error = #expect(throws: BenchError.self) { try FaultScript(path: path) }
    #expect(error?.description.contains("faults.json") == true)
    #expect(throws: BenchError.self) { try FaultScript(path: folder.path + "/nowhere.json") }
  }

  private static func plan(_ folder: TestFolder, _ entry: String, pace: Pace) throws -> BenchPlan {
    let root = String(#filePath.dropLast("Tests/VirtualBenchTests/FaultScriptTests.swift".count))
    var plan = BenchPlan(
      instrument: try #require(EmulatedFamilies.model(named: "emstat4-hr")), cellName: "hard-carbon",
      preset: try PresetShelf(named: root + "VirtualCells").preset("hard-carbon"), links: folder.path)
    plan.pace = pace
    plan.faults = try script(entry)
    return plan
  }

  @Test(
    "A fault that would never happen is refused before the bench starts",
    arguments: [
      (#"{"kind": "mute", "instrument": 2, "at_seconds": 1}"#, "no instrument 2; there are 1 to 1"),
      (#"{"kind": "mute", "channel": 2, "at_seconds": 1}"#, "has no channel 2; it has 1 to 1"),
    ])
  func misplaced(entry: String, words: String) throws {
    let folder = try TestFolder()
    let error = #expect(throws: BenchError.self) { try Bench(Self.plan(folder, entry, pace: .times(1))) }
    #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
  }

  @Test("What an instrument cannot do is refused with its name")
  func impossible() throws {
    let folder = try TestFolder()
    var plan = try Self.plan(folder, #"{"kind": "not_a_number", "at_seconds": 1}"#, pace: .times(1))
    plan.instrument = try #require(EmulatedFamilies.model(named: "ebc-a20"))
    let error = #expect(throws: BenchError.self) { try Bench(plan) }
    #expect(error?.description.contains("a ebc-a20 has no such thing") == true, "\(error?.description ?? "")")
  }

  @Test("A scripted instrument is mute for its virtual time and then answers")
  func mute() throws {
    let folder = try TestFolder()
    let bench = try Bench(
      Self.plan(folder, #"{"kind": "mute", "at_seconds": 0, "for_seconds": 20}"#, pace: .times(20)))
    let host = try TestHost("\(folder.path)/emstat4-hr-1")
    try host.say("i\n")
    #expect(try eventually { try ControlSocket.status(links: folder.path)[0].condition == "mute" })
    #expect(try eventually { try ControlSocket.status(links: folder.path)[0].condition == "connected" })
    try host.say("t\n")
    #expect(host.wait(for: "R*\n"))
    #expect(!host.heard.contains("NASIM0001"))
    try bench.stop()
  }

  @Test("A scripted hang-up comes at its time, although nothing runs, and the line comes back")
  func disconnect() throws {
    let folder = try TestFolder()
    let bench = try Bench(
      Self.plan(folder, #"{"kind": "disconnect", "at_seconds": 10, "for_seconds": 10}"#, pace: .times(20)))
    let host = try TestHost("\(folder.path)/emstat4-hr-1")
    #expect(host.waitForHangUp())
    let again = try TestHost("\(folder.path)/emstat4-hr-1")
    try again.say("i\n")
    #expect(again.wait(for: "NASIM0001"))
    #expect(try bench.truth(of: 1).time >= 20)
    try bench.stop()
  }

  @Test(
    "A stalled instrument reads nothing until it is over, and then all of it, at greatest speed too",
    arguments: [Pace.times(10), .greatest])
  func stall(pace: Pace) throws {
    let folder = try TestFolder()
    let seconds = pace == .greatest ? 0.5 : 5
    let bench = try Bench(
      Self.plan(folder, #"{"kind": "stall", "at_seconds": 0, "for_seconds": \#(seconds)}"#, pace: pace))
    let host = try TestHost("\(folder.path)/emstat4-hr-1")
    try host.say("i\nt\n")
    #expect(host.wait(for: "R*\n"))
    #expect(host.heard.contains("iNASIM0001\n"))
    let passed = try bench.truth(of: 1).time
    #expect(passed >= seconds)
    try bench.stop()
  }
}
