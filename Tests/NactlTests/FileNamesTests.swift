// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Testing

@testable import nactl

/// Names of files that are made from names of cells.
@Suite struct FileNamesTests {
  @Test(arguments: [
    ("HC-1", "HC-1__20261129_001"), ("HC/1 µ", "HC-1-µ__20261129_001"), ("-rf", "rf__20261129_001"),
    ("--help", "help__20261129_001"), (".hidden", "hidden__20261129_001"), ("../../etc", "etc__20261129_001"),
    ("/", "unnamed__20261129_001"), ("…", "unnamed__20261129_001"),
  ])
  func noNameBeginsWithAHyphenOrAPoint(cell: String, expected: String) {
    #expect(FileNames.stem([cell], "20261129_001") == expected)
  }

  @Test func longNamesAreCutAndTheRunsNumberStays() {
    let endings = [".bdf.metadata.json", ".partial-4194304"].map(\.utf8.count).reduce(0, +)
    for name in [
      String(repeating: "a", count: 200), String(repeating: "电", count: 66), String(repeating: "é", count: 100),
    ] {
      for names in [[name], [name + name, name]] {
        let stem = FileNames.stem(names, "20261129_123456")
        #expect(stem.utf8.count <= FileNames.mostBytes && stem.utf8.count + endings <= 255, "\(stem)")
        #expect(stem.hasSuffix("__20261129_123456") && stem.first == name.first, "\(stem)")
      }
    }
  }
}
