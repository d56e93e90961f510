// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ControlAPI
import CycleStore
import CyclerModel
import CyclingRun
import Foundation
import InstrumentKit
import Quantities
import Testing

@testable import CyclerService

@Suite("What is judged before and beside runs") struct SupervisionTests {
  @Test("the watchdog is fed only when store, control loop and supervision have all gone on") func progress() {
    let fed = Progress(storeRounds: 10, pulses: 5, looks: 5)
    #expect(Progress(storeRounds: 11, pulses: 6, looks: 6).isBeyond(fed))
    #expect(!Progress(storeRounds: 10, pulses: 6, looks: 6).isBeyond(fed))
    #expect(!Progress(storeRounds: 11, pulses: 5, looks: 6).isBeyond(fed))
    #expect(!Progress(storeRounds: 11, pulses: 6, looks: 5).isBeyond(fed))
  }

  @Test("a store is given up after its patience of turns, not of sleep") func storePatience() {
    var host = HostInstant(microseconds: 1_000_000)
    var vigil = StoreVigil(patience: TimeSpan(seconds: 600))
    func turns(_ seconds: Int64, committed: Int64 = 3, waiting: Int = 7) {
      for _ in 0..<2 * seconds {
        host = host + TimeSpan(milliseconds: 500)
        vigil.turn(committed: committed, waiting: waiting, at: host)
      }
    }
    turns(1)
    turns(400)
    #expect(!vigil.isStuck)
    host = host + TimeSpan(seconds: 3 * 86_400)
    turns(1)
    #expect(!vigil.isStuck, "the machine slept")
    turns(200)
    #expect(vigil.isStuck)
    turns(1, committed: 4)
    #expect(!vigil.isStuck, "a commit is all that it takes")
    turns(700, committed: 4, waiting: 0)
    #expect(!vigil.isStuck, "nothing waits")
    turns(599, committed: 4)
    #expect(!vigil.isStuck)
  }

  @Test("an instrument that leaves the cell to the host is used only when a person agrees") func hardwareLimits() {
    var capabilities = InstrumentCapabilities.unknown
    (capabilities.holdsBounds, capabilities.hasLease) = (true, true)
    #expect(capabilities.gapWithoutHost == nil)
    (capabilities.holdsBounds, capabilities.hasLease) = (false, true)
    #expect(capabilities.gapWithoutHost?.contains("limits") == true)
    (capabilities.holdsBounds, capabilities.hasLease) = (true, false)
    #expect(capabilities.gapWithoutHost?.contains("stays on") == true)
    (capabilities.holdsBounds, capabilities.hasLease) = (false, false)
    #expect(capabilities.checkHardwareLimits("ch1", accepted: true) == nil)
    let refusal = capabilities.checkHardwareLimits("ch1", accepted: false)
    #expect(refusal?.kind == .conflict)
    #expect(refusal?.body.code == "start.no_hardware_limits")
    #expect(refusal?.body.hint?.contains("--accept-no-hardware-limits") == true)
  }

  @Test("a wall clock that was set is told once an hour at most") func wallClock() {
    var watch = WallClockWatch()
    func look(_ host: Int64, _ unix: Int64) -> Fault? {
      watch.look(
        RunMoment(
          host: HostInstant(microseconds: host * 1_000_000), unix: UnixInstant(microseconds: unix * 1_000_000)))
    }
    #expect(look(100, 1_000) == nil)
    #expect(look(200, 1_101) == nil, "a second is a time service's work")
    #expect(look(201, 1_000)?.code == .clockDrift)
    #expect(look(202, 1_001) == nil, "told")
    #expect(look(203, 5_000) == nil, "not again within the hour")
    #expect(look(3_802, 8_599)?.detail.contains("3998") == true)
  }
}
