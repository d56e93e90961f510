// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ControlAPI
import Testing

@Suite("Requests for curves and comparisons") struct ViewRequestTests {
  @Test(
    arguments: [
      ("1", [1]), ("1,2,4-6,last", [1, 2, 4, 5, 6, 9]), ("previous,last", [8, 9]), ("3,3,2-3", [2, 3]),
      ("current", [9]),
    ] as [(String, [Int64])])
  func cyclesAreReadAsAPersonWritesThem(text: String, numbers: [Int64]) {
    #expect(CycleSelection(text)?.numbers(newest: 9) == numbers)
  }

  @Test(arguments: ["", "0", "1,", "a", "3-1", "1-2-3", "-1", "01", "+1", "1 2", "9223372036854775808", "last-3"])
  func anythingElseIsNone(text: String) {
    #expect(CycleSelection(text) == nil)
  }

  @Test func tooManyAreNone() {
    #expect(CycleSelection("1-50")?.numbers(newest: 1)?.count == 50)
    #expect(CycleSelection("1-51")?.numbers(newest: 1) == nil)
    #expect(CycleSelection("1-50,last")?.numbers(newest: 99) == nil)
    #expect(CycleSelection("1-9223372036854775807")?.numbers(newest: 1) == nil)
  }

  @Test func namesWithCommasStandOnLinesOfTheirOwn() {
    let request = ComparisonRequest(of: ["HC, 1", "ü/2"], batch: "b&7", cycle: 3)
    #expect(request.query == "of=HC%2C%201%0A%C3%BC%2F2%0A&batch=b%267&by=cycle&cycle=3")
    #expect(ComparisonRequest.names("HC, 1\nü/2\n") == ["HC, 1", "ü/2"])
    #expect(ComparisonRequest.names("1,HC-2") == ["1", "HC-2"])
    #expect(ComparisonRequest.names("HC, 1\n") == ["HC, 1"])
  }

  @Test func capacitiesInOtherUnitsNeedTheirBasis() throws {
    let cycle = CycleFrame(
      run: 1, cell: "c", cycle_number: 1, cell_cycle_number: 1, charge_capacity_Ah: 3e-4, flags: [])
    var bare = CycleTable(run: 1, cell: "c", role: "anode-half-cell", active_mass_ug: 0, cycles: [cycle])
    for basis in CapacityBasis.allCases {
      do {
        try bare.add(basis)
        Issue.record("\(basis) was not refused")
      } catch {
        #expect(error.body.code == (basis == .mass ? "cell.no_mass" : "cell.no_area"))
      }
    }
    var weighed = CycleTable(
      run: 1, cell: "c", role: "anode-half-cell", active_mass_ug: 1_200, area_mm2: 120, cycles: [cycle])
    try weighed.add(.mass)
    try weighed.add(.area)
    #expect(weighed.cycles[0].charge_capacity_mAh_per_g == 250)
    let areal = try #require(weighed.cycles[0].charge_capacity_mAh_per_cm2)
    #expect(abs(areal - 0.25) < 1e-15)
    #expect(weighed.cycles[0].discharge_capacity_mAh_per_g == nil)
    // What nobody asked for is left out, as before.
    let text = String(decoding: try WireCoding.encode(bare), as: UTF8.self)
    #expect(!text.contains("mAh_per"))
  }
}
