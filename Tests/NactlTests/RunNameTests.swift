// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ControlAPI
import Glibc
import Testing

@testable import nactl

@Suite struct RunNameTests {
  private static func run(_ number: Int64, _ cell: String, started: Int64?) -> RunStatus {
    RunStatus(
      run: number, uuid: "\(number)", cell: cell, channel: "ch1", title: "t",
      state: started == nil ? "queued" : "completed",
      is_over: started != nil, started_unix_us: started, started_by: "p")
  }

  /// One that was taken in later may have been run earlier, and one that waits has not begun.
  @Test func theNewestRunOfACellIsTheOneThatBeganLast() {
    let runs = [
      Self.run(5, "HC-7", started: nil), Self.run(4, "HC-7", started: 10), Self.run(2, "HC-7", started: 30),
      Self.run(3, "HC-8", started: 40),
    ]
    #expect(RunName.begun(runs, cell: "HC-7").map(\.run) == [4, 2])
    #expect(RunName.begun(runs, cell: "HC").isEmpty)
  }

  @Test func whatIsNoRunIsToldWithTheRunsOfTheCell() throws {
    let runs = [Self.run(5, "HC-7", started: nil), Self.run(3, "HC-8", started: 40), Self.run(1, "HC-8", started: 4)]
    func hint(_ text: String) throws -> String? { try #require(RunName(argument: text)).failure(runs).body.hint }
    #expect(try hint("HC-7") == "`nactl runs` lists them; cell HC-7 has run 5, which has not begun")
    #expect(try hint("HC-8") == "`nactl runs` lists them; cell HC-8 has runs 1, 3")
    let slip = try #require(RunName(argument: "lats")).failure(runs)
    #expect(slip.body.message == "“lats” is no run, and no cell that has one; last perhaps")
    #expect(["", "0", "007", "99999999999999999999"].allSatisfy { RunName(argument: $0) == nil })
  }

  @Test(
    arguments: [
      (ENOENT, "unwritable", "there is no folder sub/deep; make it: mkdir -p sub/deep"),
      (
        EACCES, "unwritable",
        "you may not write there; name a file in a folder of yours, or see whose it is: ls -ld sub/deep"
      ),
      (EACCES, "unreadable", "you may not read it; see whose it is: ls -l sub/deep/x.csv"),
      (EISDIR, "unwritable", nil),
    ] as [(Int32, String, String?)])
  func aFailureOfAFileSaysWhatHelps(number: Int32, what: String, hint: String?) {
    #expect(FileFailure(what, path: "sub/deep/x.csv", number: number).body.hint == hint)
  }

  @Test func thresholdsHaveAsManyDigitsAsTheyNeed() {
    #expect(ParameterLine.millivolts(0.1) == "100 mV")
    #expect(ParameterLine.millivolts(0.0525) == "52.5 mV")
    #expect(ParameterLine.millivolts(-0.01) == "-10 mV")
    #expect(ParameterLine.millivolts(0) == "0 mV")
    #expect(ParameterLine.plateaus(nil, 0.2) == ["desodiation below 200 mV"])
  }
}
