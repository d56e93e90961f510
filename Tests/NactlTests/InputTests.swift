// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ArgumentParser
import ControlAPI
import Testing

@testable import nactl

/// What a person types or puts into a file.
@Suite struct InputTests {
  @Test(arguments: [("1.2 mg", 1_200), ("1.2mg", 1_200), ("560 ug", 560), ("560 µg", 560), ("0.00056 g", 560)])
  func massesAreRead(text: String, micrograms: Int64) {
    #expect(MassArgument(argument: text)?.micrograms == micrograms)
  }

  @Test(arguments: [
    "1.2", "", "mg", "1,2 mg", "-1 mg", "0 mg", "1.0005 ug", "1e3 ug", "1.2 MG", "1..2 mg", ". mg", "1. mg",
    "99999999999999 kg", "1 mAh", "+1 mg",
  ])
  func whatIsNoMassIsRefused(text: String) { #expect(MassArgument(argument: text) == nil) }

  @Test func areasAndCapacitiesAreRead() {
    #expect(AreaArgument(argument: "1.131 cm2")?.squareMillimetres == 113.1)
    #expect(AreaArgument(argument: "113.097 mm²")?.squareMillimetres == 113.097)
    #expect(CapacityArgument(argument: "0.36 mAh")?.milliampereHours == 0.36)
    #expect(CapacityArgument(argument: "3 Ah")?.milliampereHours == 3_000)
  }

  @Test func cellsAreReadFromCSV() throws {
    let text =
      "cell,role,active_mass_mg,area_cm2,notes\r\nHC-1,anode-half-cell,1.2,1.131,\"a, \"\"b\"\"\nc\"\r\n\r\nHC-2,full-cell,,,\n"
    let cells = try CellTable.read(text, name: "f")
    #expect(cells.map(\.cell) == ["HC-1", "HC-2"])
    #expect(cells.first?.active_mass_ug == 1_200)
    #expect(cells.first?.area_mm2 == 113.1)
    #expect(cells.first?.notes == "a, \"b\"\nc")
    #expect(cells.last?.active_mass_ug == nil)
  }

  /// As spreadsheets save it: with a byte-order mark, and with semicolons where the comma is the decimal mark.
  @Test(arguments: [";", "\t", ","])
  func tablesOfSpreadsheetsAreRead(_ separator: String) throws {
    let lines = [["cell", "role", "active_mass_mg"], ["HC-1", "anode-half-cell", "1.2"]]
    let text = "\u{FEFF}\r\n" + lines.map { $0.joined(separator: separator) + "\r\n" }.joined()
    let cells = try CellTable.read(text, name: "f")
    #expect(cells.map(\.cell) == ["HC-1"])
    #expect(cells.first?.active_mass_ug == 1_200)
  }

  @Test func aDecimalCommaIsRefused() throws {
    let text = "cell;role;active_mass_mg\nHC-1;anode-half-cell;1,234\n"
    let failure = #expect(throws: FileFailure.self) { _ = try CellTable.read(text, name: "f") }
    #expect(failure?.body.code == "csv.bad_number")
    #expect(failure?.body.hint?.contains("with a point") == true)
  }

  @Test(arguments: [
    ("", "csv.empty", ""), ("cell,rloe\n", "csv.unknown_column", "f:1"),
    ("cell,cell\n", "csv.repeated_column", "f:1"), ("active_mass_mg,active_mass_ug\n", "csv.repeated_column", "f:1"),
    ("cell,role\na\n", "csv.wrong_count", "f:2"), ("cell,role\na,b,c\n", "csv.wrong_count", "f:2"),
    ("cell,role\n\n,full-cell\n", "csv.missing", "f:3"), ("cell,role\na,\n", "csv.missing", "f:2"),
    ("cell,role,active_mass_mg\na,b,1.2 mg\n", "csv.bad_number", "f:2"),
    ("cell,role,active_mass_mg\na,b,0\n", "csv.bad_number", "f:2"),
    ("cell,role,active_mass_mg\na,b,-1\n", "csv.bad_number", "f:2"), ("cell,role\n\"a,b\n", "csv.open_quote", "f:2"),
    ("cell,role\na\"b,c\n", "csv.stray_quote", "f:2"),
  ])
  func badTablesAreRefusedWithTheirPlace(text: String, code: String, place: String) {
    let failure = #expect(throws: FileFailure.self) { _ = try CellTable.read(text, name: "f") }
    #expect(failure?.body.code == code)
    #expect(failure?.body.message.contains(place) == true || place.isEmpty)
  }

  @Test func aMisspeltColumnNamesTheNearestOne() {
    let failure = #expect(throws: FileFailure.self) { _ = try CellTable.read("cell,elektrolyte\n", name: "f") }
    #expect(failure?.body.hint == "perhaps \"electrolyte\"")
  }

  @Test func commandsAreRead() throws {
    let start = try #require(
      try Nactl.parseAsRoot(["start", "a.json", "b.json", "--channels", "x", "y,z", "--mass", "1.2 mg", "--follow"])
        as? Start)
    #expect(start.protocols == ["a.json", "b.json"])
    #expect(start.channels == ["x", "y,z"])
    #expect(start.values.mass?.micrograms == 1_200)
    let tail = try #require(try Nactl.parseAsRoot(["tail", "--no-follow", "-n", "3", "--cycles"]) as? Tail)
    #expect(tail.run == nil && !tail.follow && tail.number == 3)
  }

  @Test(arguments: [
    ["tail", ""], ["tail", "-n", "-1"], ["tail", "--after", "here"], ["start", "a", "--mass", "1.2"], ["start"],
    ["clear", "x"], ["export", "1"], ["tail", "--format", "csv", "--records", "--cycles"], ["cycles", "0"],
  ])
  func wrongUsageIsRefused(arguments: [String]) {
    #expect(throws: (any Error).self) { _ = try Nactl.parseAsRoot(arguments) }
  }
}
