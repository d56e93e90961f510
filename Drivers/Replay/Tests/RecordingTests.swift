// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Files that are right in unusual ways, and files that are wrong: each of these is refused with its place and with what
// would be right.

import Foundation
import ReplayEmulator
import Testing
import VirtualLab

@Suite struct RecordingTests {
  private func recording(_ text: String, deadBand: Double? = nil) throws -> Recording {
    try Recording(text: Array(text.utf8), name: "a file.csv", deadBandAmperes: deadBand)
  }

  @Test(arguments: [
    ("", "a file.csv: is empty"),
    ("time_s,current_A,voltage_V\n", "has no readings behind its heading"),
    ("time_s,current_A\n0,1\n", "line 1: the heading has no voltage_V; right would be time_s,current_A,voltage_V"),
    ("time_s;current_A;voltage_V\n0;1;2\n", "separated by commas and not by semicolons"),
    ("time_s\tcurrent_A\tvoltage_V\n0\t1\t2\n", "separated by commas and not by tabs"),
    ("Time,I,V\n0,1,2\n", "It begins with `Time,I,V`"),
    ("time_s,time_s,current_A,voltage_V\n", "line 1, column time_s: stands twice in the heading"),
    ("time_s,current_A,voltage_V\n0,1,2\n1,1\n2,1,2\n", "line 3: has 2 columns, the heading has 3"),
    ("time_s,current_A,voltage_V\n0,1,2\n1,1,2,3\n", "line 3: has 4 columns, the heading has 3"),
    ("time_s,current_A,voltage_V\n0,1,2\n1,0.5", "line 3: the file ends in the middle of this line"),
    (
      "time_s,current_A,voltage_V\n0,abc,2\n",
      "line 2, column current_A: `abc` is no number; a number such as -0.000302"
    ),
    ("time_s,current_A,voltage_V\n0,1,\n", "line 2, column voltage_V: `` is no number"),
    ("time_s,current_A,voltage_V\n0,nan,2\n", "line 2, column current_A: `nan` is no number"),
    ("time_s,current_A,voltage_V\n0,1, 2\n", "line 2, column voltage_V: ` 2` is no number"),
    ("time_s,current_A,voltage_V\n0,\"1\",2\n", "line 2, column current_A: `\"1\"` is no number"),
    ("time_s,current_A,voltage_V\n0,1,3700\n", "line 2, column voltage_V: is more than 100 V; volts would be right"),
    ("time_s,current_A,voltage_V\n0,1500,3\n", "line 2, column current_A: is more than 1000 A; amperes would be right"),
    ("time_s,current_A,voltage_V\n5,1,2\n4.5,1,2\n", "line 3, column time_s: the time goes back, from 5 s to 4.5 s"),
    ("time_s,current_A,voltage_V\n1e12,1,2\n", "line 2, column time_s: is more than thirty years"),
    (
      "time_s,current_A,voltage_V,step_index\n0,1,2,1.5\n",
      "line 2, column step_index: a step's number has to be a whole"
    ),
    (String(repeating: "x", count: 70_000), "line 1: is longer than 4096 bytes; is this a text file?"),
  ])
  func saysWhatIsWrong(text: String, words: String) {
    do {
      _ = try recording(text)
      Issue.record("it was taken")
    } catch {
      #expect("\(error)".contains(words), "\(error)")
    }
  }

  @Test func aFileThatIsNotThere() {
    #expect { try Recording(contentsOf: "/nowhere/data.csv") } throws: {
      "\($0)".hasPrefix("/nowhere/data.csv: cannot be opened: No such file")
    }
  }

  @Test func aDeadBandHasToBeOne() {
    #expect(throws: RecordingError.self) {
      try recording("time_s,current_A,voltage_V\n0,1,2\n9,1,2\n", deadBand: -1)
    }
  }

  @Test(arguments: ["\u{FEFF}", ""]) func windowsFilesAreRead(mark: String) throws {
    let text = mark + "voltage_V, time_s ,note,current_A\r\n2.5,0,a,1e-3\r\n\r\n2.6,+10.,b,.001\r\n2.7,20,,0.1E-2"
    let recording = try recording(text)
    #expect(recording.rows == 3 && recording.stretches.count == 1 && !recording.hasSteps)
    #expect(recording.stretches[0].sense == .charge && recording.stretches[0].seconds == 20)
    #expect(recording.stretches[0].meanCurrent == 0.001 && recording.name == "a_file.csv")
  }

  @Test func withoutStepsTheSenseOfTheCurrentCuts() throws {
    var text = "time_s,current_A,voltage_V\n"
    // A rest, a charge with a glitch of a tenth of a second, a rest with an offset inside the dead band, a discharge.
    let parts: [(Double, Double, Double)] = [
      (0, 30, 0), (31, 60, 1), (60.05, 60.1, 0), (61, 90, 1), (91, 120, 0.0009), (121, 150, -1),
    ]
    for (from, to, current) in parts {
      for time in stride(from: from, through: to, by: to - from < 1 ? 0.05 : 1) { text += "\(time),\(current),3\n" }
    }
    let all = try recording(text)
    #expect(all.stretches.map(\.sense) == [.rest, .charge, .rest, .discharge])
    #expect(all.deadBandAmperes == 0.001)
    #expect(all.stretches[1].seconds == 60, "from its first row to the first of what follows")
    let narrow = try recording(text, deadBand: 0.0001)
    #expect(narrow.stretches.map(\.sense) == [.rest, .charge, .discharge])
  }

  @Test func aStepBeginsBeforeItsFirstRow() throws {
    let text = """
      time_s,current_A,voltage_V,step_index,step_time_s
      60,0,3,1,60
      100,0,3,1,100
      130,1,3.1,2,20
      160,1,3.2,2,50
      200,-1,3.1,3,0
      260,-1,3.0,3,60

      """
    let recording = try recording(text)
    #expect(recording.stretches.map(\.startMicroseconds) == [0, 110_000_000, 200_000_000])
    #expect(recording.stretches.map(\.endMicroseconds) == [110_000_000, 200_000_000, 260_000_000])
    #expect(recording.truth.closed.map(\.terminalCharge) == [90])
    #expect(recording.truth.open?.terminalCharge == 60 && recording.truth.open?.direction == -1)
  }

  /// The same bytes are the same recording, and any other byte another; the number of several players is part of who
  /// they are.
  @Test func identityFollowsFromTheBytes() throws {
    let text = "time_s,current_A,voltage_V\n0,1,2\n9,1,2\n"
    let one = try recording(text)
    let other = try recording(text.replacingOccurrences(of: "9,1,2", with: "9,1,3"))
    #expect(try recording(text).digest == one.digest && other.digest != one.digest)
    #expect(ReplayInstrument(one).serial == one.digest)
    #expect(ReplayInstrument(one, number: 2).serial == one.digest + "-2")
  }

  @Test func plateauChargeIsCutAtTheThreshold() throws {
    let text = "time_s,current_A,voltage_V\n0,-1,0.2\n100,-1,0.0\n200,-1,-0.1\n"
    let recording = try Recording(text: Array(text.utf8), name: "x", plateauThresholdVolts: 0.1)
    #expect(abs((recording.truth.open?.plateauCharge ?? 0) - 150) < 1e-9)
    #expect(recording.truth.open?.terminalCharge == 200)
  }
}
