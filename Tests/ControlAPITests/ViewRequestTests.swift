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
    let set = ComparisonRequest(of: ["1"], parameters: ParameterSetName("50 mV & more"))
    #expect(set.query == "of=1%0A&by=cycle&parameters=50%20mV%20%26%20more")
    #expect(ComparisonRequest.names("HC, 1\nü/2\n") == ["HC, 1", "ü/2"])
    #expect(ComparisonRequest.names("1,HC-2") == ["1", "HC-2"])
    #expect(ComparisonRequest.names("HC, 1\n") == ["HC, 1"])
  }

  @Test func aSetIsNamedByItsNumberOrItsLabel() throws {
    let sets: [(number: Int64, label: String?)] = [(1, nil), (2, "low"), (4, "high"), (5, "high"), (6, "7"), (7, "2")]
    func chosen(_ text: String, role: String? = nil) throws(RequestRefused) -> Int64? {
      try ParameterSetName(text)?.chosen(from: sets, by: { $0 }, of: 3, cell: "HC-1", role: role).number
    }
    #expect(try chosen("1") == 1 && chosen("low") == 2)
    #expect(try chosen("2") == 2 && chosen("7") == 7, "a number is first of all a number")
    #expect(ParameterSetName("") == nil)
    func refusal(_ text: String, role: String? = nil) -> ErrorBody? {
      do {
        _ = try chosen(text, role: role)
        return nil
      } catch { return error.body }
    }
    #expect(refusal("high")?.message == "run 3 has several parameter sets of the label “high”: 4, 5")
    let missing = refusal("lo", role: "anode-half-cell")
    #expect(missing?.message == "run 3 of cell HC-1 has no cycles under parameter set “lo”")
    #expect(missing?.hint?.hasSuffix("`nactl recompute 3 --sodiation-plateau-below \"50 mV\"` makes one") == true)
    #expect(refusal("9", role: "full-cell")?.hint?.hasSuffix("`nactl recompute 3 --mass \"1.2 mg\"` makes one") == true)
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
