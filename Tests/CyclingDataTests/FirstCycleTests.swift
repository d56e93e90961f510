// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import Foundation
import Quantities
import Testing

@testable import CyclingData

/// A wrong sign, a wrong role and a cell that was not fresh are told beside numbers that look right.
@Suite("First cycles and plateaus that do not fit") struct FirstCycleTests {
  /// A hard-carbon cell: 1 mAh in, 0.85 back, then 0.85 and 0.85.
  private static func anode(_ sign: Double = 1, cycles: Int = 3) -> SampleTable {
    var table = SampleTable()
    for cycle in 0..<cycles {
      table.step(-0.001 * sign, seconds: cycle == 0 ? 3_600 : 3_060, from: 1, to: 0.01)
      table.step(0.001 * sign, seconds: 3_060, from: 0.1, to: 1.5)
    }
    return table
  }

  private func expectSilence(_ result: AnalysisResult) {
    #expect(result.initialEfficiencyDoubt == nil)
    let told = result.notes.filter { $0.contains("role right") || $0.contains("inverted") || $0.contains("ICE") }
    #expect(told == [])
  }

  @Test(arguments: [1, 2, 3]) func aSoundCellHasNoDoubt(cycles: Int) throws {
    expectSilence(try analyze(Self.anode(cycles: cycles).text, .anodeHalfCell))
    expectSilence(try analyze(SampleTable.cycles(cycles).text, .fullCell))
  }

  @Test(arguments: [1, 2, 3]) func anInvertedCurrentIsAskedAbout(cycles: Int) throws {
    let table = Self.anode(-1, cycles: cycles)
    for role in [CellRole.anodeHalfCell, .fullCell] {
      let result = try analyze(table.text, role)
      let notes = result.notes.filter { $0.contains("--invert-current") }
      #expect(notes.count == 1 && !result.notes.contains { $0.contains("role right") }, "\(result.notes)")
      let hasInitial = result.summary.initialEfficiency != nil
      #expect(result.initialEfficiencyDoubt == (hasInitial ? "is the sign of the current inverted?" : nil))
      let right = try analyze(table.text, role) { $0.invertsCurrent = true }
      #expect(!right.notes.contains { $0.contains("--invert-current") })
    }
    let right = try analyze(table.text, .anodeHalfCell) { $0.invertsCurrent = true }
    #expect(right.summary == (try analyze(Self.anode(cycles: cycles).text, .anodeHalfCell)).summary)
    expectSilence(right)
  }

  /// Plated sodium shows the voltage of a nucleation at first, so that it rises over a discharge.
  @Test(arguments: [CellRole.platingStripping, .symmetric, .anodeFree]) func aNucleationIsNoSign(role: CellRole) throws
  {
    var table = SampleTable()
    for _ in 0..<3 {
      table.step(-0.001, seconds: 3_600, from: -0.2, to: -0.02)
      table.step(0.001, seconds: 3_560, from: 0.2, to: 0.02)
    }
    let result = try analyze(table.text, role)
    #expect(!result.notes.contains { $0.contains("inverted") }, "\(result.notes)")
  }

  @Test func anotherRolesOrderIsAskedAbout() throws {
    let result = try analyze(Self.anode().text, .fullCell)
    #expect(result.initialEfficiencyDoubt == "behind a discharge of 1 mAh: not the cell's first")
    #expect(
      result.notes.contains { $0.contains("118 % of the half-cycle after it") && $0.contains("--role anode-half-cell") }
    )
    #expect(result.summary.initialEfficiency == 1, "the number stays as it is")
  }

  @Test func aPartialStartIsNotOneToQuote() throws {
    var table = SampleTable()
    for part in [0.1, 1, 1] {
      table.step(0.001, seconds: 3_600 * part, from: 4 - 2 * part, to: 4)
      table.step(-0.001, seconds: 3_420, from: 3.7, to: 2)
    }
    let full = try analyze(table.text, .fullCell)
    #expect(full.initialEfficiencyDoubt == "partial start: not one to quote")
    #expect(full.notes.contains { $0.contains("10 % of the next one") && $0.contains("--pair discharge-first") })
    #expect((full.summary.initialEfficiency ?? 0) > 9)
    let cathode = try analyze(table.text, .cathodeHalfCell)
    #expect(cathode.initialEfficiencyDoubt?.contains("made with less sodium") == true)
  }

  /// More than was put in is odd of an anode, and ordinary of a cathode that lacks sodium when it is made.
  @Test func whatIsPlausibleFollowsTheRole() throws {
    var table = SampleTable()
    table.step(0.001, seconds: 3_600, from: 2, to: 4)
    table.step(-0.001, seconds: 3_900, from: 3.7, to: 2)
    let full = try analyze(table.text, .fullCell)
    #expect(full.initialEfficiencyDoubt == "more came back than went in: not one to quote")
    #expect(full.notes.contains { $0.contains("108.333 % is beyond 105 %") }, "\(full.notes)")
    expectSilence(try analyze(table.text, .cathodeHalfCell))
  }

  // MARK: Plateaus

  @Test func aThresholdOutsideOfTheVoltagesIsTold() throws {
    func notes(_ change: (inout AnalysisOptions) -> Void) throws -> [String] {
      try analyze(Self.anode().text, .anodeHalfCell, change).notes.filter { $0.contains("plateau") }
    }
    let high = try notes {
      $0.sodiationPlateauBelow = Voltage(volts: 100)
      $0.hasStatedSodiationPlateau = true
    }
    #expect(
      high.count == 1 && high[0].contains("--sodiation-plateau-below 100 V lies above the highest voltage, 1.5 V"))
    let low = try notes {
      $0.desodiationPlateauBelow = Voltage(volts: 0.01)
      $0.hasStatedDesodiationPlateau = true
    }
    #expect(low.count == 1 && low[0].contains("below the lowest voltage, 0.01 V"), "\(low)")
    let usual = try notes {
      $0.sodiationPlateauBelow = Voltage(volts: 0.1)
      $0.hasStatedSodiationPlateau = true
    }
    #expect(usual.isEmpty)
    let cathode = try analyze(SampleTable.cycles(2).text, .anodeHalfCell) {
      $0.sodiationPlateauBelow = Voltage(millivolts: 100)
    }
    #expect(cathode.notes.contains { $0.contains("no voltage lies below 100 mV") })
  }

  // MARK: Measured data

  @Test(
    .enabled(if: ReferenceSet.isThere, "the reference data are not beside the repository"), arguments: ReferenceSet.all)
  func theReferencesRaiseWhatIsRight(set: ReferenceSet) throws {
    let result = try set.analyzed()
    #expect(!result.notes.contains { $0.contains("inverted") }, "\(result.notes)")
    let doubts = [
      "li_aurora_cccv_partialstart": "partial start: not one to quote",
      // Full when the file begins; the reference pairs its discharge with the charge after it.
      "na_hakadi18650_1c": "more came back than went in: not one to quote",
      // The simulation begins with a discharge of the full cell.
      "pybamm_full_cccv_c5": "behind a discharge of 2.596 mAh: not the cell's first",
    ]
    #expect(result.initialEfficiencyDoubt == doubts[set.name])
    let inverted = try set.analyzed { $0.invertsCurrent = true }
    #expect(inverted.notes.contains { $0.contains("inverted") }, "\(inverted.notes)")
  }
}
