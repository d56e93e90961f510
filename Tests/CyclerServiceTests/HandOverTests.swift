// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CycleStore
import CyclerModel
import CyclingProtocol
import CyclingRun
import InstrumentKit
import Logging
import Quantities
import Testing

@testable import CyclerService

extension Laboratory {
  /// A channel whose instrument is at a port, and a run that waits for it.
  fileprivate func prepare(_ run: WaitingRun, at worker: PortWorker) {
    let identity = InstrumentIdentity(
      family: "silent", model: "Silent", serial: "1", firmware: "", capabilities: .unknown)
    let channel = run.pilot.identity.channel
    channels[channel] = ChannelEntry(
      id: channel, name: "ch1", number: 0, instrument: identity, worker: worker, run: run.pilot.identity.run)
    waiting[channel] = run
  }

  fileprivate var waitingCount: Int { waiting.count }
}

@Suite("A run between two threads") struct HandOverTests {
  private static let text = """
    {"nacycler_protocol": 1, "title": "a rest", "cell": {"role": "anode-half-cell",
      "expect_open_circuit": {"from": "0 V", "to": "3.3 V"}},
      "limits": {"voltage": {"min": "-50 mV", "max": "2.3 V", "for": "2 s"},
        "charge_current": {"max": "5 mA", "for": "1 s"}, "discharge_current": {"max": "5 mA", "for": "1 s"},
        "half_cycle_charge": {"max": "4 mAh"}, "empty_half_cycle": {"below": "1 uAh", "in_a_row": 3}},
      "record": {"every": "10 s"}, "on_interruption": {"resume_within": "30 min", "otherwise": "hold"},
      "steps": [{"rest": "1 min"}]}
    """

  static func pilot() throws -> RunPilot {
    let program = try ProtocolDecoder.decode(Array(Self.text.utf8))
      .flatMap { $0.compile(cell: CellValues(activeMass: nil, area: nil, nominalCapacity: nil), instrument: nil) }.get()
    return RunPilot(
      identity: RunIdentity(
        run: 7, channel: 3, instrumentChannel: 0, earlierCellCycles: 0, protocolRevision: 1, startedBy: "anna"),
      program: program, settings: RunSettings(), instrumentIsHere: true)
  }

  private func words() -> JournalBatch {
    JournalBatch(
      records: [],
      entries: [
        .event(
          EventRow(
            at: UnixInstant(microseconds: 1), run: nil, channel: nil, stepID: nil, stepTime: nil, code: .runNote,
            severity: .info, actor: "daemon", detail: "last words"))
      ])
  }

  @Test("a run is not given to another instrument than its own, and comes back") func identity() async throws {
    let (told, continuation) = AsyncStream<PortNews>.makeStream()
    let bench = try ThreadBench(news: { continuation.yield($0) })
    let other = InstrumentIdentity(
      family: "silent", model: "Bench", serial: "0002", firmware: "", capabilities: .unknown)
    #expect(bench.worker.send(.attach(channel: 0, of: other, try Self.pilot())))
    var back: RunPilot?
    for await news in told {
      guard case .lost(_, let fault, let pilots) = news else { continue }
      #expect(fault.code == .linkLost)
      back = pilots[0]
      break
    }
    #expect(back?.identity.run == 7 && back?.state == .queued, "nothing of it was begun")
    bench.end()
  }

  @Test("a run goes on by another way into the store only when its last words are committed") func order() async throws
  {
    let bench = try ThreadBench(startsStore: false)
    let laboratory = Laboratory(
      store: bench.store, configuration: LaboratoryConfiguration(), roster: PortRoster(), logger: Logger(label: "test"))
    let (commits, committed) = AsyncStream<Int64>.makeStream()
    let earlier = bench.store.makeInlet(name: "earlier port", onCommit: { committed.yield($0) })
    var batch = words()
    earlier.push(&batch)
    let run = WaitingRun(pilot: try Self.pilot(), said: InletPlace(in: earlier))
    await laboratory.prepare(run, at: bench.worker)
    await laboratory.handOverAll()
    #expect(await laboratory.waitingCount == 1, "its last words are not stored yet")
    try bench.store.start()
    for await sequence in commits where sequence >= 1 { break }
    await laboratory.handOverAll()
    #expect(await laboratory.waitingCount == 0)
    bench.end()
  }

  @Test("by the same way it goes on at once, and a thread that has ended is given nothing") func same() async throws {
    let bench = try ThreadBench(startsStore: false)
    let laboratory = Laboratory(
      store: bench.store, configuration: LaboratoryConfiguration(), roster: PortRoster(), logger: Logger(label: "test"))
    var batch = words()
    bench.inlet.push(&batch)
    let run = WaitingRun(pilot: try Self.pilot(), said: InletPlace(in: bench.inlet))
    await laboratory.prepare(run, at: bench.worker)
    await laboratory.handOver(3)
    #expect(await laboratory.waitingCount == 0)
    bench.end()
    await laboratory.prepare(run, at: bench.worker)
    await laboratory.handOver(3)
    #expect(await laboratory.waitingCount == 1, "the run is kept for its next port")
  }
}
