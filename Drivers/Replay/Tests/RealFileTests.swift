// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Whole data files from instruments and simulations, through the wire and the driver, against sums that the tests form
// from the same files by themselves.

import CyclerModel
import Foundation
import InstrumentKit
import Quantities
import ReplayEmulator
import Testing
import VirtualLab

@testable import ReplayDriver

private struct Reference: Decodable {
  struct Half: Decodable {
    var sign: Int
    var q_ah: Double
    var e_wh: Double
  }
  var half_cycles: [Half]
}

@Suite(.enabled(if: DataFile.areThere, "the reference data are not beside the repository"))
struct RealFileTests {
  /// How many stretches the files fall into, counted in the files by hand.
  private static let stretchCounts = [
    "hc_half_parasitic_2uA": 12, "li_aurora_cccv_partialstart": 15, "li_cellpy_si_halfcell_multistep": 32,
    "li_graphite_navani_arbin": 5, "na_cu_reservoir_eta0995": 24, "na_nacoo2_c24": 14, "na_nacoo2_rate": 62,
    "pybamm_full_cccv_c5": 17, "pybamm_half_hc_c10": 12,
  ]

  @Test(arguments: DataFile.all) func fallsIntoItsStretches(file: DataFile) throws {
    let recording = try file.recording()
    let rows = try PlainTable.rows(file.path)
    #expect(recording.rows == rows.count)
    #expect(recording.stretches.reduce(0) { $0 + $1.rows } == rows.count, "each row belongs to one stretch")
    var line = 2
    for stretch in recording.stretches {
      #expect(stretch.firstLine == line)
      line += stretch.rows
    }
    if let count = Self.stretchCounts[file.name] { #expect(recording.stretches.count == count) }
    #expect(recording.name == file.name && recording.digest.count == 16)
    for (index, stretch) in recording.stretches.prefix(8).enumerated() {
      print(file.name, index + 1, stretch.sense, stretch.isHold, stretch.rows, stretch.seconds, stretch.meanCurrent)
    }
  }

  @Test func holdsAreKnownFromCurrents() throws {
    let recording = try DataFile(name: "li_aurora_cccv_partialstart").recording()
    #expect(recording.stretches.prefix(5).map(\.isHold) == [false, true, false, false, true])
    let simulated = try DataFile(name: "pybamm_full_cccv_c5").recording()
    #expect(simulated.stretches.prefix(5).map(\.isHold) == [false, false, false, true, false])
    // Two constant currents one after the other, at the same voltage, are no hold.
    let formation = try DataFile(name: "li_cellpy_fullcell_formation_arbin").recording()
    #expect(!formation.stretches.contains { $0.isHold })
    // Relays of a hundredth of a second are no stretches: 19 steps, of which five have one reading.
    #expect(formation.stretches.count == 14, "\(formation.stretches.map(\.firstLine))")
  }

  /// The truth is the recording's half-cycles; another program computed them from the same rows.
  @Test(arguments: DataFile.all) func theTruthAgreesWithTheReference(file: DataFile) throws {
    let truth = ReplayInstrument(try file.recording()).cellTruth(channel: 0)
    let halves = truth.closed + (truth.open.map { [$0] } ?? [])
    let reference = try JSONDecoder().decode(
      Reference.self,
      from: Data(contentsOf: DataFile.folder.appending(path: "\(file.name)/reference.json")))
    try #require(halves.map(\.direction) == reference.half_cycles.map(\.sign))
    for (half, expected) in zip(halves, reference.half_cycles) {
      let charge = (half.terminalCharge / 3_600 / expected.q_ah - 1).magnitude
      let energy = (half.terminalEnergy / 3_600 / expected.e_wh - 1).magnitude
      // The reference's energy is the mean voltage times the charge, ours the mean of the powers, as the daemon's is;
      // they differ where current and voltage move together, most in a half-cycle of three readings (1.9e-4).
      #expect(charge < 1e-8 && energy < 3e-4, "\(charge) \(energy)")
    }
  }

  /// Every stretch of every file, at greatest speed: the charge by the driver's events is the sum over the file's rows.
  @Test(arguments: DataFile.all) func theChargeOfEachStretchIsTheFiles(file: DataFile) throws {
    let recording = try file.recording()
    let rows = try PlainTable.rows(file.path)
    var laboratory = Laboratory(recording, pace: .greatest)
    try laboratory.introduce()
    laboratory.keeps = false
    var (row, worst) = (0, 0.0)
    var stretch = 0
    for (setpoint, taken) in recording.setpoints {
      laboratory.ledger = ChargeLedger()
      laboratory.play(setpoint)
      let count = recording.stretches[stretch..<stretch + taken].reduce(0) { $0 + $1.rows }
      #expect(laboratory.ledger.readings == count, "stretch \(stretch + 1)")
      guard setpoint.mode != .openCircuit else {
        #expect(laboratory.ledger.coulombs == 0)
        (row, stretch) = (row + count, stretch + taken)
        continue
      }
      let expected = PlainTable.coulombs(rows, row, row + count - 1)
      let error = (laboratory.ledger.coulombs - expected).magnitude
      // A current is rounded to the picoampere; sums of binary fractions lose a few of their last digits.
      #expect(error <= 0.5e-12 * laboratory.ledger.closedSeconds + expected.magnitude * 1e-11, "stretch \(stretch + 1)")
      worst = max(worst, error / expected.magnitude)
      (row, stretch) = (row + count, stretch + taken)
    }
    print("worst relative error", file.name, worst)
    #expect(row == rows.count && laboratory.player.rowsPlayed == rows.count)
  }

  /// The pace changes nothing: real time, with gaps of a minute between readings, gives the same events.
  @Test(arguments: ["pybamm_half_hc_c10", "hc_half_parasitic_2uA"])
  func realTimeGivesTheSameReadings(name: String) throws {
    let recording = try DataFile(name: name).recording()
    var all: [[Reading]] = []
    var charges: [Double] = []
    for pace in [Laboratory.Pace.real, .greatest] {
      var laboratory = Laboratory(recording, pace: pace)
      try laboratory.introduce()
      for (setpoint, _) in recording.setpoints {
        #expect(laboratory.play(setpoint) == .cutOff(0))
      }
      all.append(laboratory.readings)
      charges.append(laboratory.ledger.coulombs)
      #expect(laboratory.faults.isEmpty)
    }
    #expect(all[0] == all[1] && all[0].count == recording.rows)
    #expect(charges[0] == charges[1])
  }

  /// A test that was broken off is no half-cycle that came to its end.
  @Test func aTruncatedStretchFails() throws {
    let recording = try DataFile(name: "li_cellpy_si_halfcell_multistep").recording()
    var laboratory = Laboratory(recording, pace: .greatest)
    try laboratory.introduce()
    let all = recording.setpoints
    for (setpoint, _) in all.dropLast() { #expect(laboratory.play(setpoint) == .cutOff(0)) }
    var last = all[all.count - 1].setpoint
    last.cutOffs = [above(1.0)]
    guard case .failed(let fault)? = laboratory.play(last) else {
      Issue.record("\(laboratory.events.suffix(3))")
      return
    }
    #expect(fault.code == .instrumentError)
    for words in ["stretch 32", "425.1 mV", "line 9066", "voltage >= 1 V"] {
      #expect(fault.detail.contains(words), "\(fault.detail)")
    }
  }
}
