// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation
import Testing

/// Cables that are pulled and plugged into whatever socket is free, several at a time, so that instruments change their
/// ports with each other. `make replugs` does it a thousand times. All of it waits most of the time, so that it runs beside
/// other programs.
@Suite struct ReplugTests {
  /// Sockets, and instruments that are plugged into some of them.
  private struct Hub {
    let folder: String
    let links: String
    /// The instrument's number at each socket; nil where nothing is plugged in.
    var plugged: [Int?]

    init(_ rig: LaboratoryRig, instruments: Int, sockets: Int) throws {
      folder = rig.directory.appendingPathComponent("hub").path
      links = rig.links
      plugged = Array(repeating: nil, count: sockets)
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      for number in 1...instruments { try plug(number, into: number - 1) }
    }

    func port(_ socket: Int) -> String { "\(folder)/ttyACM\(socket)" }

    mutating func plug(_ number: Int, into socket: Int) throws {
      try FileManager.default.createSymbolicLink(
        atPath: port(socket), withDestinationPath: "\(links)/emstat4-hr-\(number)")
      plugged[socket] = number
    }

    mutating func pull(_ socket: Int) throws {
      try FileManager.default.removeItem(atPath: port(socket))
      plugged[socket] = nil
    }

    func socket(of number: Int) -> Int? { plugged.firstIndex(of: number) }
  }

  private struct Channel {
    var port: String?
    var serial: String
    var run: Int?
    var runState: String?
    var circuit: String?
  }

  private func channels(_ rig: LaboratoryRig) throws -> [Channel] {
    let list = try rig.nactl("channels", "--format", "json").json()["channels"] as? [[String: Any]] ?? []
    return list.map {
      Channel(
        port: $0["port"] as? String, serial: $0["instrument_serial"] as? String ?? "", run: $0["run"] as? Int,
        runState: $0["run_state"] as? String, circuit: $0["circuit"] as? String)
    }
  }

  private func serial(_ number: Int) -> String { "NASIM" + String(format: "%04d", number) }

  private func descriptors(_ rig: LaboratoryRig) throws -> Int {
    let daemon = try #require(rig.daemon).processIdentifier
    return try FileManager.default.contentsOfDirectory(atPath: "/proc/\(daemon)/fd").count
  }

  private let wanted = Int(ProcessInfo.processInfo.environment["NACYCLER_TEST_REPLUGS"] ?? "") ?? 6
  /// Many replugs need many instruments: a run looks at its cell for some seconds before it goes on.
  private var instruments: Int { wanted < 100 ? 6 : 24 }
  private let lease = 10

  @Test func aRunGoesOnAtItsOwnInstrumentOnly() throws {
    let environment = ProcessInfo.processInfo.environment
    let seed = UInt64(environment["NACYCLER_TEST_SEED"] ?? "") ?? UInt64.random(in: 1...1_000_000)
    print("seed \(seed)")
    var random = SeededMoments(seed: seed)
    let rig = try LaboratoryRig()
    try rig.startBench(cell: "hard-carbon", count: instruments, speed: "1")
    var hub = try Hub(rig, instruments: instruments, sockets: instruments + 2)
    try rig.startDaemon(ports: ["\(hub.folder)/*"], extra: ["--lease", "\(lease)"])
    try rig.waitForChannels(instruments)
    let owners = try startRuns(rig)
    try settle(rig, hub, owners)
    let before = try descriptors(rig)
    var done = 0
    while done < wanted {
      let chosen = random.some(of: Array(1...instruments), count: instruments / 3 + Int(random.next(below: 2)))
      for number in chosen { try hub.pull(#require(hub.socket(of: number))) }
      // Sometimes the daemon has noticed before the cable is back, and sometimes not.
      if random.next(below: 2) == 0 { try expectAway(rig, chosen) }
      for number in chosen {
        let free = hub.plugged.indices.filter { hub.plugged[$0] == nil }
        try hub.plug(number, into: random.some(of: free, count: 1)[0])
      }
      done += chosen.count
      try settle(rig, hub, owners)
      if done % 100 < chosen.count { print("\(done) replugs, \(try descriptors(rig)) descriptors") }
    }
    #expect(try descriptors(rig) <= before + 2, "descriptors were left behind: \(before) before")
    try expectRecordsOfOwnersOnly(rig)
    try expectSafeWithoutHost(rig, &hub)
    print("\(done) replugs, \(before) descriptors before, \(try descriptors(rig)) at the end")
  }

  /// A run on each channel; which serial number each run belongs to.
  private func startRuns(_ rig: LaboratoryRig) throws -> [Int: String] {
    let file = try TestProtocol.write(.hardCarbon, cycles: 1, to: rig.directory, every: "1 s", resumeWithin: "10 h")
    let names = (1...instruments).map { "ch\($0)" }
    let started = try rig.nactl(["start", file, "--channels"] + names)
    try #require(started.status == 0, "\(started.errors)")
    let owners = try channels(rig).compactMap { channel in channel.run.map { ($0, channel.serial) } }
    try #require(owners.count == instruments)
    return Dictionary(uniqueKeysWithValues: owners)
  }

  /// Waits until every instrument is seen where it is plugged in and its run drives its cell; at no moment may a channel be
  /// shown at a port where another instrument is.
  private func settle(_ rig: LaboratoryRig, _ hub: Hub, _ owners: [Int: String]) throws {
    try rig.wait(for: "all runs to go on", seconds: 60) {
      let seen = try channels(rig)
      for channel in seen {
        guard let run = channel.run else { throw RigError("the channel of \(channel.serial) lost its run") }
        #expect(owners[run] == channel.serial, "run \(run) went to \(channel.serial)")
        // A cell that was pulled right after its current had brought it inside the limits relaxes out of them again.
        if channel.runState == "held" { _ = try rig.nactl("resume", "\(run)", "--allow-voltage", "it has relaxed") }
      }
      return (1...instruments).allSatisfy { number in
        let own = seen.first { $0.serial == serial(number) }
        return own?.port == hub.socket(of: number).map(hub.port) && own?.circuit == "closed"
      }
    }
  }

  private func expectAway(_ rig: LaboratoryRig, _ numbers: [Int]) throws {
    try rig.wait(for: "the pulled instruments to be away", seconds: 20) {
      try channels(rig).filter { channel in numbers.contains { serial($0) == channel.serial } }
        .allSatisfy { $0.port == nil }
    }
  }

  /// The cells differ, and so do their voltages: records of a run that came from another's cell would leap. What is stored of
  /// each run is compared with what passed through the cell of its own instrument.
  private func expectRecordsOfOwnersOnly(_ rig: LaboratoryRig) throws {
    for number in 1...instruments {
      let run = try rig.sqlite(
        """
        SELECT run_id FROM run JOIN channel USING (channel_id) JOIN instrument USING (instrument_id)
        WHERE serial = '\(serial(number))'
        """)
      let sum = try rig.sqlite(
        """
        SELECT sum(charge) FROM (SELECT max(abs(charge_nc)) AS charge FROM record JOIN step USING (step_id)
          WHERE run_id = \(run) GROUP BY step_id)
        """)
      let stored = try #require(Double(sum))
      let answer = try rig.nasim("truth", "--links", rig.links, "\(number)", "--format", "json").json()
      let real = (answer["half_cycles"] as? [[String: Any]] ?? [])
        .reduce(0) { $0 + ($1["terminal_charge_c"] as? Double ?? 0) }
      // While it was unplugged, its lease let current flow that nobody saw: the truth is more, never less.
      #expect(stored / 1e9 <= real * 1.0001, "run \(run): \(stored / 1e9) C stored, \(real) C flowed")
    }
  }

  /// All cables out: when the lease is over no charge flows any more.
  private func expectSafeWithoutHost(_ rig: LaboratoryRig, _ hub: inout Hub) throws {
    for socket in hub.plugged.indices where hub.plugged[socket] != nil { try hub.pull(socket) }
    try expectAway(rig, Array(1...instruments))
    poll(nil, 0, Int32((lease + 2) * 1_000))
    let first = try totalCharge(rig)
    poll(nil, 0, 2_000)
    #expect(try totalCharge(rig) == first, "a cell is driven beyond its lease")
  }

  private func totalCharge(_ rig: LaboratoryRig) throws -> [Double] {
    try (1...instruments).map { number in
      let answer = try rig.nasim("truth", "--links", rig.links, "\(number)", "--format", "json").json()
      return (answer["half_cycles"] as? [[String: Any]] ?? [])
        .reduce(0) { $0 + ($1["terminal_charge_c"] as? Double ?? 0) }
    }
  }
}
