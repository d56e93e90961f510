// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Testing

@testable import VirtualLab

/// A drive of any kind that could come up, also senseless ones.
private func anyDrive(_ numbers: inout SeededNumbers, amperes: Double) -> CellDrive {
  switch Int.random(in: 0..<12, using: &numbers) {
  case 0...1: .open
  case 2...6: .current(Double.random(in: -amperes...amperes, using: &numbers))
  case 7...9:
    .voltage(
      Double.random(in: -0.5...4.5, using: &numbers),
      currentLimit: Double.random(in: 0...(10 * amperes), using: &numbers))
  case 10: .current(.nan)
  default: .voltage(.infinity, currentLimit: amperes)
  }
}

@Suite("Charge of virtual cells")
struct ChargeTests {
  @Test("Terminal charge is stored charge and lost charge, whatever the drive", arguments: Presets.names)
  func chargeIsConserved(name: String) throws {
    let preset = try Presets.preset(name)
    let amperes = preset.nominalCapacityMilliampereHours / 1000
    for seed in UInt64(1)...12 {
      var numbers = SeededNumbers(seed: seed)
      var cell = preset.makeCell(seed: seed)
      let sign = cell.losesWhileCharging ? 1.0 : -1.0
      // What rounding is measured against: the cell's size and all that has gone through it.
      var passed = preset.nominalCapacityMilliampereHours * 3.6
      for _ in 0..<400 {
        let before = (terminal: cell.terminalCharge, lost: cell.lostCharge)
        let drive = anyDrive(&numbers, amperes: amperes)
        let seconds = Double.random(in: 0...60, using: &numbers)
        cell.advance(seconds: seconds, drive: drive)
        passed += abs(cell.terminalCharge - before.terminal)
        #expect(
          abs(cell.terminalCharge - cell.storedCharge - sign * cell.lostCharge) <= 1e-13 * passed,
          "\(name), seed \(seed): terminal, stored and lost charge differ")
        #expect(cell.lostCharge >= before.lost, "\(name), seed \(seed): lost charge came back")
        #expect(cell.voltage(under: .open).isFinite && cell.current(under: drive).isFinite, "\(name), seed \(seed)")
        if case .current(let current) = drive, current.isFinite {
          #expect(
            abs(cell.terminalCharge - before.terminal - current * seconds) <= 1e-13 * passed,
            "\(name), seed \(seed): not the charge of the current")
          #expect(
            cell.lostCharge - before.lost <= abs(current * seconds), "\(name), seed \(seed): more lost than passed")
        }
        if case .voltage(_, let limit) = drive {
          #expect(abs(cell.terminalCharge - before.terminal) <= limit * seconds * (1 + 1e-9) + 1e-15)
        }
      }
    }
  }

  @Test("The same seed gives the same cell and the same truth", arguments: Presets.names)
  func sameSeedSameTruth(name: String) throws {
    let preset = try Presets.preset(name)
    var runs: [[Double]] = []
    for seed in [UInt64(7), 7, 8] {
      var numbers = SeededNumbers(seed: 3)
      var cell = preset.makeCell(seed: seed)
      for _ in 0..<200 {
        cell.advance(
          seconds: Double.random(in: 0...100, using: &numbers),
          drive: anyDrive(&numbers, amperes: preset.nominalCapacityMilliampereHours / 1000))
      }
      runs.append([cell.terminalCharge, cell.lostCharge, cell.voltage(under: .open)])
    }
    #expect(runs[0] == runs[1])
    #expect(runs[0] != runs[2])
    #expect(preset.makeCell().voltage(under: .open) == preset.makeCell(seed: nil).voltage(under: .open))
  }

  @Test("Any division of the time gives the same state at constant current")
  func constantCurrentIsExact() throws {
    var whole = try Presets.preset("hard-carbon").makeCell()
    var parts = whole
    whole.advance(seconds: 3600, drive: .current(-36e-6))
    for _ in 0..<36_000 { parts.advance(seconds: 0.1, drive: .current(-36e-6)) }
    #expect(abs(whole.terminalCharge - parts.terminalCharge) < 1e-12)
    #expect(abs(whole.lostCharge - parts.lostCharge) < 1e-12)
    #expect(abs(whole.voltage(under: .open) - parts.voltage(under: .open)) < 1e-9)
  }
}

@Suite("Constant voltage")
struct ConstantVoltageTests {
  /// Charges the cell at C/5 to a voltage and holds it there; the charge of the hold and its final current.
  private func hold(_ name: String, at volts: Double, seconds: Int, step: Double, rate: Double) throws -> (
    charge: Double, lost: Double, last: Double
  ) {
    let preset = try Presets.preset(name)
    let amperes = rate * preset.nominalCapacityMilliampereHours / 1000
    var cell = preset.makeCell()
    cycle(&cell, amperes: amperes, until: volts)
    let before = (cell.terminalCharge, cell.lostCharge)
    let drive = CellDrive.voltage(volts, currentLimit: abs(amperes))
    for _ in 0..<Int((Double(seconds) / step).rounded()) { cell.advance(seconds: step, drive: drive) }
    return (cell.terminalCharge - before.0, cell.lostCharge - before.1, cell.current(under: drive))
  }

  @Test(
    "Steps of five seconds and of a millisecond agree within one part in a million",
    arguments: [
      ("hard-carbon", 0.010, -0.2), ("nvpf", 4.25, 0.2), ("anode-free-nvpf", 4.25, 0.2),
      ("anode-free-nncfm", 4.0, 0.2), ("anode-free-cylindrical", 3.8, 0.2), ("hard-carbon", 0.100, -1.0),
    ])
  func stepsAgree(name: String, volts: Double, rate: Double) throws {
    let coarse = try hold(name, at: volts, seconds: 900, step: 5, rate: rate)
    let fine = try hold(name, at: volts, seconds: 900, step: 0.001, rate: rate)
    #expect(abs(coarse.charge / fine.charge - 1) < 1e-6, "\(name): \(coarse.charge) and \(fine.charge)")
    #expect(abs(coarse.lost - fine.lost) <= 1e-6 * abs(fine.lost) + 1e-15)
    #expect(abs(coarse.last / fine.last - 1) < 1e-5, "\(name): \(coarse.last) and \(fine.last)")
  }

  @Test("The current of a hold decays monotonically", arguments: ["nvpf", "anode-free-nvpf", "anode-free-nncfm"])
  func currentDecays(name: String) throws {
    let preset = try Presets.preset(name)
    let amperes = 0.2 * preset.nominalCapacityMilliampereHours / 1000
    let volts = name == "anode-free-nncfm" ? 4.0 : 4.25
    var cell = preset.makeCell()
    // Stops close to the voltage: a cell that overshot it is pushed back first and its current then rises for a while.
    cycle(&cell, amperes: amperes, until: volts, step: 0.05)
    let drive = CellDrive.voltage(volts, currentLimit: amperes)
    var last = cell.current(under: drive)
    let first = last
    for _ in 0..<300 {
      cell.advance(seconds: 5, drive: drive)
      let current = cell.current(under: drive)
      #expect(current <= last && current > 0)
      last = current
    }
    #expect(last < 0.25 * first)
  }

  @Test("A source that is limited gives its limit, then its voltage")
  func limitedSource() throws {
    var cell = try Presets.preset("nvpf").makeCell()
    let drive = CellDrive.voltage(4.0, currentLimit: 1e-4)
    #expect(cell.current(under: drive) == 1e-4)
    #expect(cell.voltage(under: drive) < 4.0)
    cell.advance(seconds: 100, drive: drive)
    #expect(abs(cell.terminalCharge - 1e-2) < 1e-14)
    cell.advance(seconds: 40_000, drive: drive)
    #expect(cell.voltage(under: drive) == 4.0)
    #expect(cell.current(under: drive) < 1e-5)
  }
}

@Suite("What the presets are like")
struct PresetTests {
  @Test(
    "Fresh cells stand where such cells stand",
    arguments: [
      ("hard-carbon", 2.2, 3.0), ("nvpf", 2.4, 3.2), ("anode-free-nvpf", -0.2, 1.0), ("anode-free-nncfm", -0.2, 1.0),
      ("anode-free-cylindrical", -0.2, 1.0), ("plating-stripping", 1.5, 3.0),
    ])
  func freshVoltage(name: String, low: Double, high: Double) throws {
    for seed in [nil, UInt64(1), 2, 3] {
      let volts = try Presets.preset(name).makeCell(seed: seed).voltage(under: .open)
      #expect(volts > low && volts < high, "\(name): \(volts) V")
    }
  }

  @Test("Hard carbon at C/20: initial efficiency and plateau ratio of a real one, recovering in the second cycle")
  func hardCarbon() throws {
    var cell = try Presets.preset("hard-carbon").makeCell()
    var ratios: [Double] = []
    var efficiencies: [Double] = []
    for _ in 0..<2 {
      var plateau = 0.0
      let sodiated = cycle(&cell, amperes: -18e-6, until: 0.010) { volts, charge in
        if volts < 0.1 { plateau += charge }
      }
      let desodiated = cycle(&cell, amperes: 18e-6, until: 2.0)
      ratios.append(plateau / sodiated.charge)
      efficiencies.append(desodiated.charge / sodiated.charge)
      #expect(abs(desodiated.charge + sodiated.lost - sodiated.charge) < 0.01 * sodiated.charge)
    }
    #expect(ratios.allSatisfy { $0 > 0.45 && $0 < 0.70 }, "plateau ratios \(ratios)")
    #expect(efficiencies[0] > 0.6 && efficiencies[0] < 0.9, "initial efficiency \(efficiencies[0])")
    #expect(efficiencies[1] > 0.95 && efficiencies[1] < 1, "second efficiency \(efficiencies[1])")
  }

  @Test("NVPF has its plateaus near 3.7 and 4.2 V")
  func plateausOfNVPF() throws {
    var cell = try Presets.preset("nvpf").makeCell()
    var lower = 0.0
    var upper = 0.0
    let charged = cycle(&cell, amperes: 18e-6, until: 4.25) { volts, charge in
      if volts > 3.6, volts < 3.8 { lower += charge }
      if volts > 4.1, volts < 4.25 { upper += charge }
    }
    #expect(lower / charged.charge > 0.35 && upper / charged.charge > 0.35)
    let discharged = cycle(&cell, amperes: -18e-6, until: 2.0)
    #expect(discharged.charge / charged.charge > 0.85 && discharged.charge / charged.charge < 0.97)
  }

  @Test(
    "An anode-free cell fades by what it loses", arguments: [("anode-free-nvpf", 4.25), ("anode-free-nncfm", 4.0)])
  func anodeFree(name: String, upper: Double) throws {
    let preset = try Presets.preset(name)
    let amperes = 0.2 * preset.nominalCapacityMilliampereHours / 1000
    var cell = preset.makeCell()
    var discharges: [Double] = []
    var efficiencies: [Double] = []
    for _ in 0..<30 {
      let charged = cycle(&cell, amperes: amperes, until: upper)
      let discharged = cycle(&cell, amperes: -amperes, until: 2.0)
      discharges.append(discharged.charge)
      efficiencies.append(discharged.charge / charged.charge)
    }
    #expect(efficiencies[0] > 0.75 && efficiencies[0] < 0.95, "initial efficiency \(efficiencies[0])")
    #expect(efficiencies[29] > 0.985 && efficiencies[29] < 1, "last efficiency \(efficiencies[29])")
    #expect(discharges[29] < discharges[1])
    #expect(discharges[29] > 0.7 * discharges[1])
  }

  @Test("Plated sodium comes back but for what was lost")
  func platingAndStripping() throws {
    var cell = try Presets.preset("plating-stripping").makeCell()
    for number in 1...10 {
      let before = cell.lostCharge
      for _ in 0..<720 { cell.advance(seconds: 5, drive: .current(-0.5e-3)) }
      #expect(cell.voltage(under: .current(-0.5e-3)) < 0)
      let stripped = cycle(&cell, amperes: 0.5e-3, until: 0.5)
      let efficiency = stripped.charge / 1.8
      #expect(efficiency > 0.8 && efficiency < 1, "cycle \(number): \(efficiency)")
      if number > 1 { #expect(abs(1.8 - (cell.lostCharge - before) - stripped.charge) < 0.01) }
    }
  }
}
