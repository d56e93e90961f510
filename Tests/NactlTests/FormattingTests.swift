// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Testing

@testable import nactl

/// Numbers and lists as people and programs read them.
@Suite struct FormattingTests {
  @Test(arguments: [
    (3.7, 4, "3.7000"), (-0.00005, 4, "-0.0001"), (-0.00004, 4, "0.0000"), (0.5, 0, "1"), (-12.345, 1, "-12.3"),
    (0, 2, "0.00"), (99.999, 2, "100.00"), (1e20, 2, "1e+20"), (.nan, 2, "nan"),
  ])
  func fixedNumbersAreRounded(value: Double, decimals: Int, expected: String) {
    #expect(Numbers.fixed(value, decimals) == expected)
  }

  @Test(arguments: [
    (-134.3e-6, "-134.3 µA"), (1e-3, "1.000 mA"), (0.99999e-3, "1.000 mA"), (0, "0 A"), (12.5, "12.50 A"),
    (999.96e-6, "1.000 mA"), (999.94e-6, "999.9 µA"), (9.9996e-6, "10.00 µA"), (2e-15, "0.002 pA"), (2e3, "2.000 kA"),
  ])
  func scaledNumbersHaveFourDigits(value: Double, expected: String) {
    #expect(Numbers.scaled(value, "A") == expected)
  }

  @Test func whatIsNotKnownIsADashAndNeverZero() {
    #expect(Numbers.percent(nil) == "–")
    #expect(Numbers.percent(0) == "0.00")
    #expect(CapacityScale.milliampereHours.text(nil) == "–")
    let table = Table<Int?>(columns: [.init("N", "n", number: true) { $0.map { "\($0)" } }])
    #expect(table.text([nil, 12]) == " N\n –\n12\n")
    #expect(table.csv([nil, 12]) == "n\n\n12\n")
  }

  @Test func whatAPersonWroteIsCutForPeopleOnly() {
    let label = String(repeating: "long ", count: 400)
    let table = Table<String>(columns: [
      .init("LABEL", "label", text: { Table<String>.shortened($0) }) { $0 }, .init("BY", "by") { _ in "ada" },
    ])
    let lines = table.text([label, "short"]).split(separator: "\n")
    #expect(lines.allSatisfy { $0.count < 60 } && lines[1].contains("…  ada"), "\(lines)")
    #expect(table.csv([label]).contains(label))
    #expect(Table<String>.shortened(String(repeating: "a", count: 48)).last == "a")
  }

  @Test func durationsAreReadable() {
    #expect(Numbers.duration(59.96) == "60.0 s")
    #expect(Numbers.duration(3_661) == "1:01:01")
    #expect(Numbers.duration(360_000) == "100:00:00")
  }

  @Test func columnsForProgramsAreNotShownToPeople() {
    let table = Table<Int>(columns: [.init("A", "a") { "\($0)" }, .hidden("b") { _ in "x,\"y\"" }])
    #expect(table.text([1]) == "A\n1\n")
    #expect(table.csv([1]) == "a,b\n1,\"x,\"\"y\"\"\"\n")
  }

  @Test func capacitiesNeedWhatTheirUnitNeeds() throws {
    let perGram = try CapacityScale(
      .milliampereHoursPerGram, cell: "c", massMicrograms: 1_200, areaSquareMillimetres: nil)
    #expect(perGram.text(0.00036) == "300.00 mAh/g")
    let perArea = try CapacityScale(
      .milliampereHoursPerSquareCentimetre, cell: "c", massMicrograms: nil, areaSquareMillimetres: 113.1)
    #expect(perArea.text(0.001131) == "1.0000 mAh/cm2")
    #expect(throws: UsageFailure.self) {
      _ = try CapacityScale(.milliampereHoursPerGram, cell: "c", massMicrograms: nil, areaSquareMillimetres: 1)
    }
  }
}
