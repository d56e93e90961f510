// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation
import Testing

extension ProgramTests {
  /// A host or an adapter that is busy delays everything in order. That is no reason to alarm anybody.
  @Suite struct StutterTests {
    /// The bench is stopped and goes on, again and again, for as long as an answer may take and longer. With a short
    /// lease there is nearly always a renewal on the line.
    @Test func aBenchThatStuttersRaisesNoAlarmAndCostsNoCharge() throws {
      let seed = UInt64(ProcessInfo.processInfo.environment["NACYCLER_TEST_SEED"] ?? "") ?? .random(in: 1...1_000_000)
      print("seed \(seed)")
      var random = SeededMoments(seed: seed)
      let rig = try LaboratoryRig()
      try rig.startBench(cell: "anode-free-nvpf")
      try rig.startDaemon(extra: ["--lease", "15"])
      try rig.waitForChannels(1)
      let cycles = 6
      let file = try TestProtocol.write(.anodeFreeNVPF, cycles: cycles, to: rig.directory, every: "30 s")
      let start = try rig.nactl("start", file)
      #expect(start.status == 0, "\(start.errors)")
      let bench = try #require(rig.bench).processIdentifier
      var stutters = 0
      try rig.wait(for: "the end of the run", seconds: 300) {
        for _ in 0..<10 {
          kill(bench, SIGSTOP)
          poll(nil, 0, Int32(random.next(below: 700)))
          kill(bench, SIGCONT)
          poll(nil, 0, Int32(random.next(below: 40)))
        }
        stutters += 10
        return try ["completed", "held", "ended"].contains(rig.sqlite("SELECT state FROM run"))
      }
      let events = try rig.sqlite("SELECT code, detail FROM event WHERE severity <> 'info'")
      print("\(stutters) stutters")
      #expect(try rig.sqlite("SELECT state FROM run") == "completed", "\(events)")
      let comparison = try TruthComparison(rig)
      comparison.expectAgreement()
      #expect(comparison.stored.count == 2 * cycles)
    }
  }
}
