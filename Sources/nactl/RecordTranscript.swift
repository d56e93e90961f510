// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ArgumentParser
import ControlAPI

/// `nactl record-transcript INSTRUMENT --output FILE`
struct RecordTranscript: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Records what passes between the daemon and an instrument, byte by byte.",
    discussion: """
      The daemon closes the instrument's port and opens it anew, so it must be idle; a run that is started meanwhile is \
      recorded too. Goes on for --seconds, until Ctrl-C, or until the file has 64 MiB; the last line says which. The file \
      is text (docs/transcripts.md), and has the instrument's serial number in it.
      """)
  @OptionGroup var daemon: DaemonOption
  @Argument(
    help: "Its serial number, one of its channels, or its port, as in nactl instruments.",
    completion: .shellCommand("nactl instruments --format csv 2>/dev/null | tail -n +2 | cut -d, -f2"))
  var instrument: String
  @Option(name: .shortAndLong, help: ArgumentHelp("The new file.", valueName: "file"), completion: .file())
  var output: String
  @Option(help: ArgumentHelp("How long; otherwise until Ctrl-C.", valueName: "seconds")) var seconds: Double?
  @Option(help: ArgumentHelp("What a reader should know, for instance what is connected.", valueName: "text"))
  var note: String?
  @Flag(help: "Replace the file when it exists.") var force = false

  func validate() throws {
    guard seconds.map({ $0 > 0 && $0 <= TranscriptRequest.longestSeconds }) ?? true else {
      throw ValidationError("--seconds takes more than 0 and at most \(Int(TranscriptRequest.longestSeconds)).")
    }
  }

  func run() async throws {
    let client = try daemon.client()
    let file = try TranscriptFile(path: output, replacing: force)
    let path = output
    @Sendable func tell(_ count: Int) { Terminal.out("\(path): \(Numbers.bytes(count))\n") }
    let request = TranscriptRequest(seconds: seconds, note: note)
    do {
      var hasBegun = false
      try await client.recordTranscript(of: instrument, request) { bytes in
        if !hasBegun { await file.finishAtInterrupt(tell) }
        hasBegun = true
        try file.append(bytes)
      }
    } catch let failure as ControlFailure {
      // What has come is kept; nothing has when the daemon was never reached.
      if let count = try file.finishBegun("the connection to the daemon was lost") { tell(count) }
      throw failure
    }
    if let count = try file.finish("the daemon ended it without a word") { tell(count) }
  }
}
