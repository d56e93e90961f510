// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The form of what people write here, as far as a program can judge it.

import Foundation
import Testing

@Suite("The form of the sources") struct FormTests {
  @Test("there is something to judge") func notEmpty() {
    #expect(Repository.sources().count > 20)
  }

  @Test("every file says its licence and whose it is") func licence() {
    for file in Repository.written() {
      let head = file.lines.prefix(6).joined(separator: "\n")
      #expect(
        head.contains("SPDX-License-Identifier: Apache-2.0")
          && head.contains("SPDX-FileCopyrightText: NaCycler contributors"),
        "\(file.path) lacks the two SPDX lines at its top")
    }
  }

  @Test("nobody leaves notes to self") func notesToSelf() {
    // Put together here, so that this file does not contain them.
    let words = ["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]
    for file in Repository.written() {
      for (number, line) in file.lines.enumerated() {
        for word in words where line.contains(word) && line.firstMatch(of: Self.word(word)) != nil {
          Issue.record("\(file.path):\(number + 1): \(word): open an entry in the tracker instead")
        }
      }
    }
  }

  private static func word(_ text: String) -> Regex<Substring> {
    // mkdtemp's XXXXXX is no note.
    ((try? Regex("\\b\(text)\\b", as: Substring.self)) ?? /$^/).wordBoundaryKind(.simple)
  }

  @Test("no file is too long to be read in one go") func length() {
    for file in Repository.sources() {
      #expect(file.lines.count <= 600, "\(file.path) has \(file.lines.count) lines; split it by what it is about")
    }
  }

  @Test("no name is a word that says nothing") func names() {
    for file in Repository.sources() {
      for ending in ["Manager", "Helper", "Helpers", "Util", "Utils", "Utilities"] {
        #expect(!file.name.hasSuffix("\(ending).swift"), "\(file.path): use the field's own word for what it is")
      }
    }
  }

  @Test("scripts stop at their first error") func scripts() {
    for file in Repository.files(below: "scripts", endings: [".sh"]) + Repository.files(below: ".ci", endings: ["run"])
    {
      #expect(file.text.contains("set -euo pipefail"), "\(file.path)")
      let path = Repository.root.appending(path: file.path).path(percentEncoded: false)
      #expect(FileManager.default.isExecutableFile(atPath: path), "\(file.path) cannot be executed")
    }
  }
}
