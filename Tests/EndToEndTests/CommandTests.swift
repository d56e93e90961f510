// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation
import Testing

extension ProgramTests {
  /// Every command of `nactl` that lists, writes or explains, through a running daemon; docs/nactl.md promises it.
  @Suite struct CommandTests {
    /// A daemon with one finished run of two cycles on the registered cell HC-1.
    private func finished() throws -> LaboratoryRig {
      let rig = try LaboratoryRig()
      try rig.startBench(cell: "hard-carbon")
      try rig.startDaemon()
      try rig.waitForChannels(1)
      let add = try rig.nactl(
        "cell", "add", "HC-1", "--role", "anode-half-cell", "--mass", "1.2 mg", "--area", "1.131 cm2", "--id", "B1",
        "--batch", "seven")
      #expect(add.status == 0, "\(add.errors)")
      let file = try TestProtocol.write(.hardCarbon, cycles: 2, to: rig.directory, every: "60 s")
      let start = try rig.nactl("start", file, "--cells", "B1", "--channels", "ch1")
      #expect(start.status == 0, "\(start.errors)")
      #expect(try rig.waitForRun(states: ["completed", "held"], seconds: 60) == "completed")
      return rig
    }

    @Test func everyListIsTheSameInEveryForm() throws {
      let rig = try finished()
      for (command, list) in [
        (["channels"], "channels"), (["cell", "list"], "cells"), (["runs"], "runs"), (["cycles", "last"], "cycles"),
      ] {
        let json = try rig.nactl(command + ["--format", "json"])
        #expect(json.status == 0, "\(json.errors)")
        let document = try json.json()
        let rows = try #require(document[list] as? [[String: Any]])
        let csv = try rig.nactl(command + ["--format", "csv"])
        #expect(csv.status == 0 && csv.errors.isEmpty)
        try expect(csv.output, says: rows, of: list, in: document)
        let table = try rig.nactl(command + ["--format", "table"])
        #expect(table.status == 0 && table.errors.isEmpty)
        #expect(try rig.nactl(command).output == table.output, "the table is what people get without asking")
        #expect(table.output.split(separator: "\n").count >= rows.count + 1)
        #expect(try rig.nactl(command + ["--format", "xml"]).status == 64)
      }
      #expect(try rig.nactl("runs", "--active", "--format", "csv").output.split(separator: "\n").count == 1)
      #expect(try rig.nactl("runs", "--active").errors.contains("no run is under way"))
    }

    /// CSV has the documents' names for its columns, and their values; what the document says of all rows may stand behind
    /// each.
    private func expect(
      _ csv: String, says rows: [[String: Any]], of list: String, in document: [String: Any]
    ) throws {
      let lines = csv.split(separator: "\n").map { fields(of: $0) }
      let heading = try #require(lines.first)
      #expect(lines.count == rows.count + 1, "\(list)")
      #expect(Set(heading).count == heading.count && heading.count > 10)
      for (line, row) in zip(lines.dropFirst(), rows) {
        for (name, field) in zip(heading, line) where name != "latch_fault" && name != "flags" {
          let value = try #require(row[name] ?? document[name], "\(list): \(name) is not in the JSON")
          switch value {
          case is NSNull: #expect(field == "", "\(list): \(name)")
          case let text as String: #expect(field == text, "\(list): \(name)")
          // Foundation reads the last digit of a number differently in JSON.
          case let number as NSNumber where field != "true" && field != "false":
            let value = try #require(Double(field))
            #expect(abs(value - number.doubleValue) <= 1e-14 * value.magnitude, "\(list): \(name)")
          case let flag as Bool: #expect(field == "\(flag)", "\(list): \(name)")
          default: Issue.record("\(list): \(name) is \(value)")
          }
        }
      }
    }

    private func fields(of line: Substring) -> [String] {
      line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }

    @Test func whatPeopleWriteIsReadableOrRefused() throws {
      let rig = try finished()
      for invisible in ["a\u{202E}b", "\u{1B}[31mred", "a\u{200B}"] {
        let named = try rig.nactl("cell", "add", invisible, "--role", "anode-half-cell")
        #expect(named.status == 1 && named.errors.contains("cell.impossible_name"), "\(named.errors)")
        let noted = try rig.nactl("note", "last", invisible)
        #expect(noted.status == 1 && noted.errors.contains("request.unreadable_text"), "\(noted.errors)")
        let entered = try rig.nactl("cell", "edit", "HC-1", "--reason", "typed", "--electrolyte", invisible)
        #expect(entered.status == 1 && entered.errors.contains("`electrolyte`"), "\(entered.errors)")
      }
      for alike in ["HC-1 ", "\u{A0}HC-1", "e\u{301}"] {
        let named = try rig.nactl("cell", "add", alike, "--role", "anode-half-cell")
        #expect(named.status == 1 && named.errors.contains("cell.impossible_name"), "\(named.errors)")
      }
      let looksAlike = try rig.nactl("cell", "add", "HC-1\u{200D}", "--role", "anode-half-cell")
      #expect(looksAlike.status == 1 && looksAlike.errors.contains("cell.impossible_name"), "\(looksAlike.errors)")
      #expect(try rig.nactl("cell", "edit", "HC-1", "--reason", "wrong barcode", "--id", "").status == 0)
      #expect(try rig.sqlite("SELECT external_id IS NULL FROM cell") == "1")
      #expect(try rig.nactl("note", "last", "two\nlines, naïve – 𝘅 👩‍🔬").status == 0)
      let file = try TestProtocol.write(.hardCarbon, cycles: 1, to: rig.directory, every: "60 s")
      let allowed = try rig.nactl("start", file, "--cells", "HC-1", "--channels", "ch1", "--allow-voltage", "\u{200B}")
      #expect(allowed.status == 1 && allowed.errors.contains("run.reason_missing"), "\(allowed.errors)")
      // A plain file where the socket should be is named as what it is.
      let wrong = try LaboratoryRig.run("nactl", ["runs", "--socket", file])
      #expect(wrong.status != 0 && wrong.errors.contains("is not a socket"), "\(wrong.errors)")
      let missing = try rig.nactl("export", "last", "--output", "/nowhere/run.csv")
      #expect(missing.status != 0 && !missing.errors.contains("partial"), "\(missing.errors)")
    }

    @Test func cellsAreAddedEditedImportedAndMounted() throws {
      let rig = try finished()
      // The own id and the batch are the cell's; the revision remembers what they were.
      let renamed = try rig.nactl("cell", "edit", "HC-1", "--reason", "relabelled", "--id", "B7", "--batch", "eight")
      #expect(renamed.status == 0, "\(renamed.errors)")
      #expect(
        try rig.sqlite("SELECT external_id, (SELECT name FROM batch WHERE batch_id = cell.batch_id) FROM cell")
          == "B7|eight")
      #expect(
        try rig.sqlite("SELECT reason FROM cell_revision WHERE revision = 2")
          == "relabelled; own id B1 became B7; batch seven became eight")
      let edit = try rig.nactl("cell", "edit", "HC-1", "--reason", "weighed again", "--mass", "1.25 mg")
      #expect(edit.status == 0 && edit.output.contains("revision 3"), "\(edit.errors)")
      let file = rig.directory.appendingPathComponent("cells.csv")
      try "cell,role,active_mass_mg,notes\nHC-2,anode-half-cell,1.3,\"dry, \"\"first\"\"\"\nHC-3,full-cell,,\n"
        .write(to: file, atomically: true, encoding: .utf8)
      let entered = try rig.nactl("cell", "import", file.path)
      #expect(entered.status == 0 && entered.output == "2 cells are registered\n", "\(entered.errors)")
      // All or none: HC-4 is new, HC-2 is not.
      try "cell,role\nHC-4,full-cell\nHC-2,full-cell\n".write(to: file, atomically: true, encoding: .utf8)
      let again = try rig.nactl("cell", "import", file.path)
      #expect(again.status == 1 && again.errors.contains("cell.exists"), "\(again.errors)")
      try "cell,rloe\nHC-5,full-cell\n".write(to: file, atomically: true, encoding: .utf8)
      #expect(try rig.nactl("cell", "import", file.path).status == 2)
      let cells = try #require(try rig.nactl("cell", "list", "--format", "json").json()["cells"] as? [[String: Any]])
      #expect(cells.compactMap { $0["cell"] as? String } == ["HC-1", "HC-2", "HC-3"])
      #expect(cells[0]["active_mass_ug"] as? Int == 1_250)
      #expect(cells[0]["area_mm2"] as? Double == 113.1, "what is not given stays")
      #expect(cells[0]["cycles"] as? Int == 2)
      #expect(cells[1]["notes"] as? String == "dry, \"first\"")
      #expect(try rig.nactl("cell", "mount", "ch1", "HC-2").output == "“HC-2” is on ch1; “HC-1” was taken off\n")
      #expect(try rig.channel()["cell"] as? String == "HC-2")
      let formation = rig.directory.appendingPathComponent("formation.json").path
      let source = LaboratoryRig.repository.appendingPathComponent("Protocols/demo-hard-carbon.json")
      var text = try String(contentsOf: source, encoding: .utf8)
      text.replace(#""active_mass": "1.2 mg","#, with: "")
      try text.write(toFile: formation, atomically: true, encoding: .utf8)
      // What a start would take: the mounted cell's mass, and no cell of another role.
      #expect(try rig.nactl("check", formation).errors.contains("active_mass"))
      let mounted = try rig.nactl("check", formation, "--channel", "ch1")
      #expect(mounted.status == 0, "\(mounted.errors)")
      let other = try rig.nactl("check", formation, "--cell", "HC-3")
      #expect(other.status == 1 && other.errors.contains("cell.role_differs"), "\(other.errors)")
      #expect(try rig.nactl("cell", "mount", "ch1").status == 0)
      #expect(try rig.channel()["cell"] is NSNull)
      #expect(try rig.nactl("cell", "mount", "ch1", "HC-9").errors.hasPrefix("cell.not_found: "))
      #expect(try rig.nactl("cell", "add", "HC-1", "--role", "full-cell").errors.hasPrefix("cell.exists: "))
      #expect(try rig.nactl("cell", "add", "X", "--role", "half-cell").errors.contains("anode-half-cell"))
    }

    @Test func aTailGoesOnExactlyWhereItWasLeft() throws {
      let rig = try finished()
      #expect(try rig.nactl("note", "last", "the clip was warm").output == "noted\n")
      let shown = try rig.nactl("show", "last")
      #expect(shown.status == 0 && shown.output.contains("the clip was warm") && shown.output.contains("HC-1"))
      #expect(try rig.nactl("show", "last", "--listing").output.contains("2 cycles in all"))
      for kind in ["records", "cycles", "events"] {
        let tail = ["tail", "last", "--\(kind)", "--no-follow"]
        let all = lines(of: try rig.nactl(tail + ["-n", "100000", "--format", "ndjson"]).output)
        #expect(all.count > 1)
        let newest = try rig.nactl(tail + ["-n", "2", "--format", "ndjson"])
        // Cursors also tell the places among the other kinds, which differ.
        #expect(try data(of: lines(of: newest.output)) == data(of: all.suffix(2)))
        // From any place in it, what follows is exactly the rest.
        let place = all.count / 2
        let cursor = try #require(try object(all[place - 1])["cursor"] as? String)
        let rest = try rig.nactl(tail + ["--after", cursor, "--format", "ndjson"])
        #expect(lines(of: rest.output) == all.suffix(all.count - place))
        let end = try #require(rest.errors.split(separator: " ").last?.split(separator: "\n").first)
        let nothing = try rig.nactl(tail + ["--after", String(end), "--format", "ndjson"])
        #expect(nothing.status == 0 && lines(of: nothing.output) == [])
        let csv = try rig.nactl(tail + ["-n", "2", "--format", "csv"]).output.split(separator: "\n")
        let data = try #require(try object(all[all.count - 1])["data"] as? [String: Any])
        #expect(csv.count == 3)
        #expect(csv.first.map { fields(of: $0).allSatisfy { data[$0] != nil } } == true)
      }
      #expect(try rig.nactl("tail", "last", "--format", "csv", "--cycles", "--events").status == 64)
      #expect(try rig.nactl("tail", "last", "--after", "here").status == 64)
    }

    /// The frames of a stream; the run's own state comes with each.
    private func lines(of output: String) -> [String] {
      output.split(separator: "\n").map(String.init).filter { !$0.hasPrefix("{\"kind\":\"run\"") }
    }

    /// What the frames say, without their kinds and cursors.
    private func data(of lines: some Sequence<String>) throws -> [String] {
      try lines.map { line in
        let start = try #require(line.range(of: "\"data\":"))
        return String(line[start.upperBound...])
      }
    }

    private func object(_ line: String) throws -> [String: Any] {
      try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    }

    @Test func aTailIsLeftWithoutFailure() throws {
      let rig = try finished()
      let tail = Process()
      let (output, errors) = (Pipe(), Pipe())
      tail.executableURL = try LaboratoryRig.programs.appendingPathComponent("nactl")
      tail.arguments = ["tail", "--events", "--socket", rig.socket]
      (tail.standardOutput, tail.standardError) = (output, errors)
      try tail.runAsFromAShell()
      #expect(!output.fileHandleForReading.availableData.isEmpty)
      kill(tail.processIdentifier, SIGINT)
      tail.waitUntilExit()
      #expect(tail.terminationStatus == 0)
      let said = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      #expect(said.contains("cursor: "), "\(said)")
      let nactl = try LaboratoryRig.programs.appendingPathComponent("nactl").path
      let piped = try LaboratoryRig.system(
        "bash", "-c", "\(nactl) export last --format csv --socket \(rig.socket) | head -n 1; echo ${PIPESTATUS[0]}")
      #expect(piped.output.hasPrefix("record,") && piped.output.hasSuffix("\n0\n"), "\(piped.errors)")
    }

    @Test func exportsAndSnapshotsAreWholeFiles() throws {
      let rig = try finished()
      let records = try #require(Int(try rig.sqlite("SELECT count(*) FROM record")))
      for (format, beginning) in [("bdf", "Record Index / 1,Test Time / s,"), ("csv", "record,test_time_s,")] {
        let text = try exported(format, rig)
        #expect(text.hasPrefix(beginning))
        // In front of a step's first record, bdf has a row for its beginning.
        let begun = "SELECT count(*) FROM record WHERE step_record_index = 0 AND step_time_us > 0"
        let beginnings = format == "bdf" ? try #require(Int(try rig.sqlite(begun))) : 0
        #expect(text.split(separator: "\n").count == records + beginnings + 1)
      }
      let document = try object(try exported("json", rig))
      #expect((document["records"] as? [Any])?.count == records)
      #expect((document["cycles"] as? [Any])?.count == 2)
      let copy = rig.directory.appendingPathComponent("copy.sqlite").path
      #expect(try rig.nactl("snapshot", copy).status == 0)
      #expect(try rig.nactl("snapshot", copy).errors.hasPrefix("file.exists: "))
      let look = try LaboratoryRig.system(
        "sqlite3", "-readonly", copy, "PRAGMA integrity_check; SELECT count(*) FROM record")
      #expect(look.output == "ok\n\(records)\n")
      // It lay beside the database on its way, and is gone from there.
      let transfers = URL(fileURLWithPath: rig.database).deletingLastPathComponent().path + "/transfers"
      #expect(try FileManager.default.contentsOfDirectory(atPath: transfers).isEmpty)
    }

    /// A run's export in a file, which is the same as on standard output and is not replaced unless one says so.
    private func exported(_ format: String, _ rig: LaboratoryRig) throws -> String {
      let file = rig.directory.appendingPathComponent("run.\(format)").path
      let first = try rig.nactl("export", "last", "--format", format, "-o", file)
      #expect(first.status == 0 && first.output == "", "\(first.errors)")
      let second = try rig.nactl("export", "last", "--format", format, "-o", file)
      #expect(second.status == 2 && second.errors.contains("hint: "))
      #expect(try rig.nactl("export", "last", "--format", format, "-o", file, "--force").status == 0)
      let text = try String(contentsOfFile: file, encoding: .utf8)
      #expect(try rig.nactl("export", "last", "--format", format).output == text)
      let left = try FileManager.default.contentsOfDirectory(atPath: rig.directory.path)
      #expect(!left.contains { $0.contains("partial") })
      return text
    }

    @Test func exitCodesAreAsDocumented() throws {
      let rig = try LaboratoryRig()
      #expect(try rig.nactl("channels").status == 3, "no daemon")
      try rig.startDaemon()
      let missing = try rig.nactl("show", "7")
      #expect(missing.status == 1 && missing.errors.hasPrefix("run.not_found: ") && missing.errors.contains("\nhint: "))
      #expect(try rig.nactl("check", rig.directory.path + "/none.json").status == 2)
      let bad = rig.directory.appendingPathComponent("bad.json")
      try "{\n  \"nacycler_protocol\": 1,\n  \"titel\": \"x\"\n}".write(to: bad, atomically: true, encoding: .utf8)
      for command in ["check", "start"] {
        let problems = try rig.nactl(command, bad.path)
        #expect(problems.status == 4)
        #expect(problems.errors.contains("\(bad.path):3:") && problems.errors.contains("hint: "), "\(problems.errors)")
      }
      #expect(try rig.nactl("cycles", "last", "--units", "mAh/kg").status == 64)
      try expectHintsOfFiles(rig)
      #expect(try rig.nactl("frobnicate").status == 64)
      for command in ["channels", "cell", "check", "start", "runs", "show", "note", "tail", "cycles", "snapshot"] {
        let help = try rig.nactl(command, "--help")
        #expect(help.status == 0 && help.output.contains("USAGE:"), "\(command)")
      }
    }

    /// What cannot be written or read says what to do about it.
    private func expectHintsOfFiles(_ rig: LaboratoryRig) throws {
      let folder = rig.directory.appendingPathComponent("sub").path
      let lacking = try rig.nactl("snapshot", "\(folder)/x.sqlite")
      #expect(lacking.status == 2)
      #expect(
        lacking.errors == "file.unwritable: \(folder)/x.sqlite: No such file or directory\n"
          + "hint: there is no folder \(folder); make it: mkdir -p \(folder)\n")
    }

    /// A daemon that is warm answers a request, and hangs up, before the client has said that it is done with asking.
    /// Of two hundred such commands four used to take that for a lost connection.
    @Test func aQuickAnswerIsNotTakenForALostConnection() throws {
      let rig = try LaboratoryRig()
      try rig.startDaemon()
      let nactl = try LaboratoryRig.programs.appendingPathComponent("nactl").path
      let loop = "for i in $(seq 200); do \(nactl) channels --socket \(rig.socket) 2>&1 | grep connection_lost; done"
      #expect(try LaboratoryRig.system("bash", "-c", loop).output == "")
    }

    @Test(arguments: ["bash", "zsh", "fish"])
    func completionScriptsNameEveryCommand(_ shell: String) throws {
      let script = try LaboratoryRig.run("nactl", ["--generate-completion-script", shell])
      #expect(script.status == 0, "\(script.errors)")
      for command in ["channels", "snapshot", "import", "--allow-voltage", "--no-follow"] {
        let word = shell == "fish" && command.hasPrefix("--") ? String(command.dropFirst(2)) : command
        #expect(script.output.contains(word), "\(command)")
      }
      // The other shells are asked where they are installed.
      let rig = try LaboratoryRig()
      let file = rig.directory.appendingPathComponent("completion")
      try script.output.write(to: file, atomically: true, encoding: .utf8)
      guard try LaboratoryRig.system("sh", "-c", "command -v \(shell)").status == 0 else { return }
      let syntax = try LaboratoryRig.system(shell, "-n", file.path)
      #expect(syntax.status == 0, "\(syntax.errors)")
    }
  }
}
