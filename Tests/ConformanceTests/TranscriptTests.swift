// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What each family's driver did once, it must still do: `Drivers/<Family>/Transcripts` is replayed, and every write, event and
// wake compared. `make transcripts` records those in virtual time anew, after a driver was changed on purpose; the others
// are what `nactl record-transcript` wrote.

import DriverTrials
import Foundation
import InstrumentKit
import LineThermometerDriver
import Testing

@Suite struct TranscriptTests {
  /// No file of the repository is larger: a short session tells all that a replay can.
  private static let mostBytes = 60 * 1_024

  private static let drivers = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Drivers")

  /// The folder of a family's transcripts: it is named as its driver is.
  private static func folder(_ family: DriverFamily) -> URL {
    drivers.appendingPathComponent(String("\(family.driver)".dropLast("Driver".count)))
      .appendingPathComponent("Transcripts")
  }

  /// The file of a line of the matrix.
  private static func file(_ family: DriverFamily) -> URL {
    let variant = family.name.split(separator: ",").dropFirst().map { "-" + $0.drop { $0 == " " } }.joined()
    return folder(family).appendingPathComponent("session\(variant).transcript")
  }

  /// All transcripts of a line's folder.
  private static func files(_ family: DriverFamily) throws -> [URL] {
    try FileManager.default.contentsOfDirectory(at: folder(family), includingPropertiesForKeys: nil)
      .filter { $0.pathExtension == "transcript" }.sorted { $0.path < $1.path }
  }

  @Test(
    .enabled(if: ProcessInfo.processInfo.environment["NACYCLER_RECORD_TRANSCRIPTS"] == "1"),
    arguments: families)
  func aRecord(_ family: DriverFamily) throws {
    try FileManager.default.createDirectory(at: Self.folder(family), withIntermediateDirectories: true)
    try Data(try RecordedSession.record(family)).write(to: Self.file(family))
  }

  @Test(arguments: families) func everyDriverDoesWhatItDid(_ family: DriverFamily) throws {
    let files = try Self.files(family)
    #expect(files.contains(Self.file(family)), "no transcript of \(family.name): make transcripts")
    for file in files {
      let text = Array(try Data(contentsOf: file))
      #expect(text.count <= Self.mostBytes, "\(file.lastPathComponent) has \(text.count) bytes")
      let transcript = try InstrumentTranscript(text)
      #expect(transcript.header.family == type(of: family.driver.init()).descriptor.family)
      // Nobody has recorded an instrument yet; one whose file does not say that it is emulated fails here.
      let words = [transcript.header.recorded, transcript.header.note ?? ""]
      #expect(words.contains { $0.hasPrefix("emulated") }, "\(file.lastPathComponent)")
      let differences = TranscriptReplay.differences(in: transcript, atMost: 3) { family.driver.init() }
      let said = differences.map { "\(file.lastPathComponent), \($0)" }.joined(separator: "\n")
      #expect(differences.isEmpty, "\(said)\nif this is what the driver shall do now: make transcripts")
    }
  }

  @Test(arguments: families) func aSessionIsTheSameEachTime(_ family: DriverFamily) throws {
    let text = try RecordedSession.record(family)
    #expect(try RecordedSession.record(family) == text)
    let transcript = try InstrumentTranscript(text)
    #expect(TranscriptReplay.differences(in: transcript) { family.driver.init() } == [])
    // It tells something: who is there, and what was measured.
    let events = transcript.turns.flatMap(\.outputs)
    #expect(events.contains { $0.hasPrefix("= identified ") })
    #expect(events.contains { $0.hasPrefix(family.drivesCells ? "= reading " : "= temperature ") })
  }

  /// Another driver, and the same one with another input, are found, and the place is told.
  @Test func anotherCourseIsFound() throws {
    let family = try #require(families.first { $0.name == "batlab" })
    let transcript = try InstrumentTranscript(Array(try Data(contentsOf: Self.file(family))))
    let other = TranscriptReplay.differences(in: transcript) { LineThermometerDriver() }
    #expect(!other.isEmpty)
    let place = try #require(transcript.turns.lastIndex { $0.outputs.contains { $0.hasPrefix("= reading ") } })
    var changed = transcript
    changed.turns.remove(at: place)
    #expect(!TranscriptReplay.differences(in: changed) { family.driver.init() }.isEmpty)
    changed = transcript
    let index = try #require(changed.turns[place].outputs.firstIndex { $0.hasPrefix("= reading ") })
    let line = changed.turns[place].outputs[index]
    changed.turns[place].outputs[index] = line + "0"
    let difference = try #require(TranscriptReplay.differences(in: changed) { family.driver.init() }.first)
    #expect(difference.line == changed.turns[place].firstOutputLine + index)
    #expect(difference.expected == line + "0" && difference.found == line)
  }
}
