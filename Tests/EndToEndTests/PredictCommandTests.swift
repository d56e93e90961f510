// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation
import Testing

extension CommandProgramTests {
  /// What an efficiency means for a life, with and without a run.
  @Suite struct PredictCommandTests {
    @Test func twoOfThreeGiveTheThird() throws {
      let rig = try LaboratoryRig()
      try rig.startDaemon()
      let left = try rig.nactl("predict", "--coulombic-efficiency", "99.9 %", "--cycles", "1000")
      #expect(left.output.contains("retention             36.77 %"), "\(left.output)\(left.errors)")
      let life = try rig.nactl("predict", "--coulombic-efficiency", "99.9 %", "--retention", "80%")
      #expect(life.output.contains("cycles                223.0"), "\(life.output)\(life.errors)")
      let needed = try rig.nactl("predict", "--retention", "80 %", "--cycles", "500", "--format", "json").json()
      #expect(abs(try #require(needed["coulombic_efficiency"] as? Double) - 0.999554) < 1e-6)
      let sodium = try rig.nactl("predict", "--areal-capacity", "3 mAh/cm2")
      #expect(sodium.output == "sodium                26.58 µm\n", "\(sodium.output)\(sodium.errors)")
      for wrong in [
        ["--cycles", "10"], ["--coulombic-efficiency", "99 %", "--cycles", "3", "--retention", "80 %"],
        ["--coulombic-efficiency", "101 %", "--cycles", "3"], [],
        ["--coulombic-efficiency", "99 %", "--retention", "150 %"],
      ] {
        let refused = try rig.nactl(["predict"] + wrong)
        #expect(refused.status == 1 && refused.errors.contains("predict."), "\(wrong) \(refused.errors)")
      }
      #expect(try rig.nactl("predict", "--coulombic-efficiency", "0.999", "--cycles", "3").status == 64)
      #expect(try rig.nactl("predict", "last", "--cycles", "3").errors.contains("no run has begun yet"))
    }

    @Test func aRunStandsForItsCyclesWhereSodiumLimitsIt() throws {
      let rig = try LaboratoryRig()
      try rig.startBench(cell: "anode-free-nvpf")
      try rig.startDaemon()
      try rig.waitForChannels(1)
      func cycle(_ cell: TestProtocol.Cell, _ cycles: Int) throws {
        let file = try TestProtocol.write(cell, cycles: cycles, to: rig.directory)
        let start = try rig.nactl("start", file)
        #expect(start.status == 0, "\(start.errors)")
        #expect(try rig.waitForRun(states: ["completed", "held", "ended"], seconds: 60) == "completed")
      }
      try cycle(.anodeFreeNVPF, 9)
      // The first follows no cycle that it could be compared with. All others ended at the same cut-offs, however far a
      // steep end overshot them.
      let efficiencies = try rig.sqlite("SELECT coulombic_efficiency FROM cycle WHERE comparable ORDER BY cycle_number")
        .split(separator: "\n").map { try #require(Double($0)) }
      try #require(efficiencies.count == 8)
      let prediction = try rig.nactl("predict", "last", "--retention", "80 %", "--format", "json").json()
      let mean = pow(efficiencies.reduce(1, *), 1 / Double(efficiencies.count))
      #expect(abs(try #require(prediction["coulombic_efficiency"] as? Double) / mean - 1) < 1e-9)
      #expect(abs(try #require(prediction["cycles"] as? Double) / (log(0.8) / log(mean)) - 1) < 1e-9)
      #expect(prediction["cycles_of_run"] as? Int == efficiencies.count)
      #expect(try rig.nactl("predict", "last").output.contains("\(efficiencies.count) comparable life cycles"))
    }

    @Test func otherCellsAndShortRunsAreRefused() throws {
      let rig = try LaboratoryRig()
      try rig.startBench(cell: "hard-carbon")
      try rig.startDaemon()
      try rig.waitForChannels(1)
      let file = try TestProtocol.write(.hardCarbon, cycles: 1, to: rig.directory)
      #expect(try rig.nactl("start", file).status == 0)
      #expect(try rig.waitForRun(states: ["completed", "held", "ended"], seconds: 60) == "completed")
      let refused = try rig.nactl("predict", "last", "--cycles", "100")
      #expect(refused.status == 1 && refused.errors.contains("predict.not_limited_by_inventory"), "\(refused.errors)")
    }
  }
}
