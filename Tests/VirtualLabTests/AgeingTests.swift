// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Glibc
import Testing

@testable import VirtualLab

@Suite("An electrode that ages")
struct AgeingTests {
  /// The hard-carbon preset, losing its capacity over so many milliampere-hours of sodiation.
  private static func preset(reach: Double?, sodiumWhenMade: Double = 0) throws -> CellPreset {
    var preset = try Presets.preset("hard-carbon")
    preset.capacityReachMilliampereHours = reach
    preset.positiveElectrode.sodiumWhenMade = sodiumWhenMade
    return preset
  }

  @Test("The capacity between two voltages shrinks as the law says")
  func fadesAsTheLawSays() throws {
    let reach = 10.0
    var cell = try Self.preset(reach: reach).makeCell()
    var sodiated = 0.0
    var capacities: [(after: Double, charge: Double)] = []
    for _ in 0..<20 {
      sodiated += cycle(&cell, amperes: -36e-6, until: 0.01, step: 0.5).charge
      capacities.append((sodiated, cycle(&cell, amperes: 36e-6, until: 2.0, step: 0.5).charge))
    }
    for (after, charge) in capacities.dropFirst() {
      let law = exp(-(after - capacities[0].after) / (reach * 3.6))
      #expect(abs(charge / capacities[0].charge / law - 1) < 1e-3, "after \(after) C")
    }
    #expect(capacities[19].charge < 0.65 * capacities[0].charge)
  }

  @Test("Charge is conserved, however the time is divided", arguments: [0.0, 0.5])
  func chargeIsConserved(sodiumWhenMade: Double) throws {
    let preset = try Self.preset(reach: 1, sodiumWhenMade: sodiumWhenMade)
    var whole = preset.makeCell()
    var parts = whole
    for amperes in [-36e-6, 36e-6, -72e-6] {
      whole.advance(seconds: 3600, drive: .current(amperes))
      for _ in 0..<3600 { parts.advance(seconds: 1, drive: .current(amperes)) }
    }
    #expect(abs(whole.terminalCharge - whole.storedCharge + whole.lostCharge) < 1e-12)
    #expect(abs(whole.terminalCharge - parts.terminalCharge) < 1e-12)
    #expect(abs(whole.voltage(under: .open) - parts.voltage(under: .open)) < 1e-9)
  }

  @Test("An electrode without sodium stands where it stood, however old it is")
  func theEmptyElectrodeStaysWhereItIs() throws {
    var cell = try Self.preset(reach: 1, sodiumWhenMade: 0).makeCell()
    let fresh = cell.model.openVoltage(CellState())
    var old = CellState()
    old.capacityLeft = 0.5
    #expect(cell.model.openVoltage(old) == fresh)
    old.stored = -0.5 * 0.36 * 3.6 * 0.5
    var young = CellState()
    young.stored = -0.5 * 0.36 * 3.6
    #expect(abs(cell.model.openVoltage(old) - cell.model.openVoltage(young)) < 1e-12)
    cell.advance(seconds: 1, drive: .open)
  }

  @Test("Without a reach nothing changes")
  func withoutAReach() throws {
    var plain = try Self.preset(reach: nil).makeCell()
    for _ in 0..<3 {
      cycle(&plain, amperes: -360e-6, until: 0.01)
      cycle(&plain, amperes: 360e-6, until: 2.0)
    }
    #expect(plain.state.capacityLeft == 1)
  }

  @Test("A hold of an ageing electrode is as exact as any", arguments: [1.0, 5.0])
  func holds(step: Double) throws {
    func held(_ step: Double) throws -> Double {
      var cell = try Self.preset(reach: 2).makeCell()
      cycle(&cell, amperes: -72e-6, until: 0.1, step: 0.5)
      let before = cell.terminalCharge
      for _ in 0..<Int(900 / step) { cell.advance(seconds: step, drive: .voltage(0.1, currentLimit: 72e-6)) }
      return cell.terminalCharge - before
    }
    #expect(abs(try held(step) / held(0.01) - 1) < 1e-6)
  }
}
