// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Testing

@testable import MethodSCRIPTDriver

@Suite struct DataPackageTests {
  private func variables(_ line: String) -> [PackageVariable]? {
    let bytes = Array(line.utf8)
    return bytes.withUnsafeBytes { raw in
      var cursor = PackageCursor(raw)
      var all: [PackageVariable] = []
      while !cursor.isComplete {
        guard let variable = cursor.next() else { return nil }
        all.append(variable)
      }
      return all
    }
  }

  @Test func readsThePublishedExamples() throws {
    let all = try #require(variables("Peb80030D4m;ab82F4D60u,10,206;ba5050F80p,10,20F"))
    #expect(all.map(\.type) == [VariableType.time, VariableType.potential, VariableType.current])
    #expect(all[0].count(unitExponent: -6) == 12_500_000)
    #expect(all[1].count(unitExponent: -9) == 3_100_000_000)
    #expect(all[2].count(unitExponent: -12) == -50_000_000)
    #expect(all.map(\.range) == [0, 6, 0x0F])
    #expect(all.map(\.status) == [0, 0, 0])
    #expect(try #require(variables("Pab8000000 "))[0].count(unitExponent: -9) == 0)
  }

  @Test func readsNotANumberAsNothing() throws {
    let all = try #require(variables("Pab     nan,12;ba8000001i"))
    #expect(all[0].digits == nil && all[0].status == 2 && all[0].count(unitExponent: -9) == nil)
    #expect(all[1].count(unitExponent: 0) == 1)
  }

  @Test(arguments: [
    ("p", 1_499, 1), ("p", 1_500, 2), ("p", -1_499, -1), ("p", -1_500, -2), ("f", 499_999, 0), ("f", 500_000, 1),
    ("a", 134_217_727, 0), ("n", 7, 7), ("u", 7, 7_000), ("m", -7, -7_000_000), (" ", 4, 4_000_000_000),
    ("k", 1, 1_000_000_000_000),
  ])
  func roundsHalfAwayFromZero(prefix: String, digits: Int, nanovolts: Int64) throws {
    let all = try #require(variables("P" + variable("ab", digits, prefix)))
    #expect(all[0].count(unitExponent: -9) == nanovolts)
  }

  @Test func refusesWhatDoesNotFitAnInteger() throws {
    #expect(try #require(variables("P" + variable("ab", 1, "E")))[0].count(unitExponent: -9) == nil)
    #expect(try #require(variables("P" + variable("ab", 134_217_727, "T")))[0].count(unitExponent: -9) == nil)
    #expect(try #require(variables("P" + variable("ab", 0, "E")))[0].count(unitExponent: -9) == 0)
  }

  @Test func passesOverUnknownMetadata() throws {
    let all = try #require(variables("Pab82F4D60u,10,48,206,9zz;ba5050F80p,40"))
    #expect(all[0].range == 6 && all[1].range == 0)
  }

  @Test(arguments: [
    "P", "Pab", "Pab82F4D60", "Pab82F4D6u", "Pab82F4D600u", "PAB82F4D60u", "Pab82F4D60x", "Pab82G4D60u", "Pab82F4D60u;",
    "Pab82F4D60u,", "Pab82F4D60u,1", "Pab82F4D60u,1g", "Pab82F4D60u,100", "Pab82F4D60u,2", "Pab82F4D60u,20",
    "Pab82F4D60u,2065", "Pab82F4D60u 10", "Pab82F4D60u,10,206Peb80030D4m", "Pab    nan", "Pab      nan", "Pab     nam",
    "Pab     NAN", "P;ab82F4D60u", "Pab82F4D60u;;ba5050F80p", "Pab-2F4D60u", "Pab82F4D60u,9 ",
  ])
  func refusesEveryOtherShape(line: String) {
    #expect(variables(line) == nil)
  }

  @Test func writesExactLiterals() {
    #expect(Literal.script(134_300_000, unitExponent: -12) == "134300n")
    #expect(Literal.script(-50_000_000, unitExponent: -12) == "-50u")
    #expect(Literal.script(4_250_000_000, unitExponent: -9) == "4250m")
    #expect(Literal.script(0, unitExponent: -9) == "0")
    #expect(Literal.script(1_234_567_891, unitExponent: -9) == "1234567891n")
    #expect(Literal.script(600_000_000, unitExponent: -6) == "600")
    #expect(Literal.script(2_147_483_647, unitExponent: -12) == "2147483647p")
    // One more digit than 32 bits hold: rounded, half away from zero.
    #expect(Literal.script(12_345_678_500, unitExponent: -12) == "12345679n")
    #expect(Literal.script(-12_345_678_499, unitExponent: -12) == "-12345678n")
  }

  @Test func writesDecimalsForPeople() {
    #expect(Literal.decimal(4_312_300_000, unitExponent: -9) == "4.3123")
    #expect(Literal.decimal(-5_000_000, unitExponent: -9) == "-0.005")
    #expect(Literal.decimal(60_000_000, unitExponent: -6) == "60")
    #expect(Literal.decimal(1, unitExponent: -12) == "0.000000000001")
  }
}
