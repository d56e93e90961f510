// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import FoundationEssentials
import Glibc
import Testing
import VirtualLab

@testable import VirtualBench

@Suite("A bench with emulated instruments", .timeLimit(.minutes(15)))
struct BenchTests {
  @Test("Every instrument has its link, its serial number and its cell, and leaves its truth behind")
  func comesAndGoes() throws {
    let folder = try TestFolder()
    var plan = try plan(in: folder, pace: .times(1))
    plan.count = 3
    plan.firstNumber = 5
    let bench = try Bench(plan)
    #expect(bench.lines.first == "\(folder.path)/emstat4-hr-5 NASIM0005 hard-carbon")
    for number in 5...7 {
      let host = try TestHost("\(folder.path)/emstat4-hr-\(number)")
      try host.say("i\n")
      #expect(host.wait(for: "iNASIM000\(number)\n"), "heard \(host.heard)")
    }
    try bench.stop()
    try bench.stop()
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        == (5...7).map { "emstat4-hr-\($0).truth.json" })
  }

  @Test("A host may close the line and another open it")
  func hostsComeAndGo() throws {
    let folder = try TestFolder()
    let bench = try Bench(plan(in: folder, pace: .greatest))
    for _ in 0..<3 {
      let host = try TestHost("\(folder.path)/emstat4-hr-1")
      try host.say("t\n")
      #expect(host.wait(for: "R*\n"))
    }
    try bench.stop()
  }

  @Test("A folder that another bench serves is refused, one that a dead bench left is not")
  func oneBenchAFolder() throws {
    let folder = try TestFolder()
    let first = try Bench(plan(in: folder, pace: .times(1)))
    #expect(throws: BenchError.self) { try Bench(plan(in: folder, pace: .times(1))) }
    let host = try TestHost("\(folder.path)/emstat4-hr-1")
    try host.say("i\n")
    #expect(host.wait(for: "iNASIM0001\n"))
    try first.stop()
    // What a killed bench leaves: a socket that nobody listens at, and a link into nowhere.
    #expect(symlink("/dev/pts/999999", "\(folder.path)/emstat4-hr-1") == 0)
    close(try ControlSocket.listen(at: ControlSocket.path(in: folder.path)))
    let second = try Bench(plan(in: folder, pace: .times(1)))
    try TestHost("\(folder.path)/emstat4-hr-1").say("i\n")
    try second.stop()
  }

  @Test("At greatest speed 20,000 virtual seconds pass at once, and the truth is current times time")
  func greatestSpeed() throws {
    let folder = try TestFolder()
    let bench = try Bench(plan(in: folder, pace: .greatest))
    let host = try TestHost("\(folder.path)/emstat4-hr-1")
    try host.say(sodiation(interval: 1, runTime: 20_000))
    #expect(host.wait(for: "*\n\n"))
    let truth = try bench.truth(of: 1)
    let half = try #require(truth.halfCycles.first)
    #expect(truth.halfCycles.count == 1)
    #expect(half.direction == "discharge")
    let seconds = half.terminalCharge / 36e-6
    #expect(seconds > 20_000 && seconds < 20_000.1, "\(seconds) s with the cell on")
    #expect(host.heard.split(separator: "\n").filter { $0.hasPrefix("P") }.count >= 19_999)
    try bench.stop()
  }

  @Test("The same seed gives the same truth, and another one another")
  func deterministic() throws {
    var truths: [[Truth.HalfCycle]] = []
    for seed in [UInt64(11), 11, 12] {
      let folder = try TestFolder()
      var plan = try plan(in: folder, pace: .greatest)
      plan.seed = seed
      plan.converters = .real
      let bench = try Bench(plan)
      let host = try TestHost("\(folder.path)/emstat4-hr-1")
      try host.say(sodiation(interval: 10, runTime: 5_000))
      #expect(host.wait(for: "*\n\n"))
      truths.append(try bench.truth(of: 1).halfCycles)
      try bench.stop()
    }
    #expect(truths[0] == truths[1])
    #expect(truths[0] != truths[2])
  }

  @Test("Virtual time waits for a host that does not read")
  func timeStandsStill() throws {
    let folder = try TestFolder()
    let bench = try Bench(plan(in: folder, pace: .greatest))
    let host = try TestHost("\(folder.path)/emstat4-hr-1")
    try host.say(sodiation(interval: 1, runTime: 100_000))
    #expect(host.wait(for: "M000A"))
    // Ten times as long as the whole script takes when somebody reads; the line's buffers hold some thousand packages.
    let clock = ContinuousClock()
    let deadline = clock.now + .seconds(2)
    var latest = 0.0
    while clock.now < deadline { latest = try ControlSocket.status(links: folder.path)[0].time }
    #expect(latest < 20_000)
    #expect(host.wait(for: "*\n\n"))
    #expect(try bench.truth(of: 1).time > 100_000)
    try bench.stop()
  }

  @Test("A multiple of real time is kept")
  func multipleOfRealTime() throws {
    let folder = try TestFolder()
    let bench = try Bench(plan(in: folder, pace: .times(100)))
    let host = try TestHost("\(folder.path)/emstat4-hr-1")
    let clock = ContinuousClock()
    let start = clock.now
    try host.say(sodiation(interval: 1, runTime: 100))
    #expect(host.wait(for: "*\n\n"))
    let taken = clock.now - start
    #expect(taken > .milliseconds(900), "took \(taken)")
    #expect(try bench.truth(of: 1).time >= 100)
    try bench.stop()
  }

  @Test("Time passes in full while nothing runs, and the clock of a later script has it")
  func idleTimePasses() throws {
    let folder = try TestFolder()
    let bench = try Bench(plan(in: folder, pace: .times(10_000)))
    let clock = ContinuousClock()
    let host = try TestHost("\(folder.path)/emstat4-hr-1")
    try host.say("i\n")
    #expect(host.wait(for: "iNASIM0001\n"))
    let before = try bench.truth(of: 1).time
    let start = clock.now
    #expect(eventually { clock.now > start + .milliseconds(700) })
    try host.say("t\n")
    #expect(host.wait(for: "R*\n"))
    #expect(try bench.truth(of: 1).time - before >= 7_000)
    try bench.stop()
  }

  @Test("A lease ends by itself only after the host was silent, and not when the host renews it")
  func lease() throws {
    let folder = try TestFolder()
    let bench = try Bench(plan(in: folder, pace: .greatest))
    let host = try TestHost("\(folder.path)/emstat4-hr-1")
    let script = """
      e
      var n
      var p
      var i
      var k
      store_var n 0i ja
      store_var k 0i ja
      set_pgstat_chan 0
      set_pgstat_mode 6
      set_max_bandwidth 1
      set_range db 100u
      set_i -36u
      cell_on
      loop n < 3i
      meas_loop_cp p i -36u 1 100
      pck_start
      pck_add p
      pck_end
      endloop
      add_var n 1i
      send_string "over"
      endloop
      on_finished:
      cell_off


      """
    let clock = ContinuousClock()
    let start = clock.now
    try host.say(script)
    #expect(host.wait(for: "Tover\n"), "heard \(host.heard.suffix(200))")
    // The first lease was left alone: it ended after the grace, not before.
    #expect(clock.now - start > .milliseconds(200))
    try host.say("Y\n")
    #expect(host.wait(for: "Y\n"))
    #expect(host.wait(for: "\n\n"))
    try bench.stop()
  }
}

@Suite("Faults on the bench", .timeLimit(.minutes(15)))
struct FaultTests {
  @Test("A lost link hangs up and comes back under its name, the script running on meanwhile")
  func linkLost() throws {
    let folder = try TestFolder()
    let bench = try Bench(plan(in: folder, pace: .times(10)))
    let host = try TestHost("\(folder.path)/emstat4-hr-1")
    try host.say(sodiation(interval: 1, runTime: 1_000))
    #expect(host.wait(for: "P"))
    let before = try bench.truth(of: 1).time
    try bench.order(.linkLost, of: 1, seconds: 0.5)
    #expect(host.waitForHangUp())
    let again = try TestHost("\(folder.path)/emstat4-hr-1")
    // When the line is there again, the whole fault has passed: not a part of a look at the clock is missing.
    #expect(try bench.truth(of: 1).time >= before + 5)
    #expect(again.wait(for: "P"), "the script is silent")
    let truth = try bench.truth(of: 1)
    // The circuit stayed closed: all the time since the first current is in the charge.
    let half = try #require(truth.halfCycles.first)
    #expect(abs(half.terminalCharge - 36e-6 * (half.endedAt - half.startedAt)) < 1e-9)
    try bench.stop()
  }

  @Test("Lost power takes the script and the circuit")
  func powerLost() throws {
    let folder = try TestFolder()
    let bench = try Bench(plan(in: folder, pace: .times(10)))
    let host = try TestHost("\(folder.path)/emstat4-hr-1")
    try host.say(sodiation(interval: 1, runTime: 1_000))
    #expect(host.wait(for: "P"))
    try bench.order(.powerLost, of: 1, seconds: 0.3)
    #expect(host.waitForHangUp())
    let after = try bench.truth(of: 1).halfCycles
    let again = try TestHost("\(folder.path)/emstat4-hr-1")
    try again.say("Z\n")
    #expect(again.wait(for: "Z!0006"))
    #expect(try bench.truth(of: 1).halfCycles == after)
    #expect(try bench.truth(of: 1).time > (after.last?.endedAt ?? 0) + 2)
    try bench.stop()
  }

  @Test("A mute instrument hears and goes on")
  func mute() throws {
    let folder = try TestFolder()
    let bench = try Bench(plan(in: folder, pace: .times(10)))
    let host = try TestHost("\(folder.path)/emstat4-hr-1")
    try bench.order(.mute, of: 1, seconds: 0.5)
    #expect(try eventually { try ControlSocket.status(links: folder.path)[0].condition == "mute" })
    try host.say("i\n")
    #expect(try eventually { try ControlSocket.status(links: folder.path)[0].condition == "connected" })
    try host.say("t\n")
    #expect(host.wait(for: "R*\n"))
    #expect(!host.heard.contains("NASIM0001"))
    try bench.stop()
  }
}

@Suite("Asking a bench")
struct ControlTests {
  @Test("Truth and faults go through the socket; nonsense is answered with what would be right")
  func socket() throws {
    let folder = try TestFolder()
    let bench = try Bench(plan(in: folder, pace: .greatest))
    #expect(try ControlSocket.truth(of: 1, links: folder.path) == bench.truth(of: 1))
    #expect(try ControlSocket.status(links: folder.path).map(\.serial) == ["NASIM0001"])
    for (request, hint) in [
      ("truth 2", "there are 1 to 1"), ("truth one", "no instrument's number"), ("fault 1 fire 2", "link-lost"),
      ("fault 1 mute soon", "no number of seconds"), ("fault 1 mute -1", "0 to 1000000"), ("dance", "say status"),
      ("", "say status"),
    ] {
      let error = #expect(throws: BenchError.self) { try ControlSocket.ask(request, links: folder.path) }
      #expect(error?.description.contains(hint) == true, "\(request): \(error?.description ?? "")")
    }
    try bench.stop()
    #expect(throws: BenchError.self) { try ControlSocket.ask("status", links: folder.path) }
  }

  @Test("A path too long for a socket is refused in words")
  func longPath() {
    let error = #expect(throws: BenchError.self) {
      try ControlSocket.ask("status", links: "/tmp/" + String(repeating: "x", count: 120))
    }
    #expect(error?.description.contains("shorter folder") == true)
  }
}

@Suite("Plans and clocks")
struct PlanTests {
  @Test("A pace is max or a factor above 0", arguments: ["", "0", "-1", "fast", "nan", "inf", "1x"])
  func refusedPaces(text: String) {
    #expect(Pace(text) == nil)
  }

  @Test("Known paces")
  func paces() {
    #expect(Pace("max") == .greatest)
    #expect(Pace("1000") == .times(1000))
    #expect(Pace("0.5") == .times(0.5))
  }

  @Test("Virtual time that fell behind is late and does not rush")
  func pacedClock() {
    var clock = PacedClock(factor: 10, now: 1_000_000, virtual: 5)
    #expect(clock.target(now: 1_050_000, virtual: 5) == 5.5)
    // Two seconds late: a tenth of a second is caught up, the rest is forgotten.
    #expect(clock.target(now: 3_050_000, virtual: 5.5) == 6.5)
    #expect(clock.target(now: 3_100_000, virtual: 6.5) == 7)
  }

  @Test("An unknown cell is refused with those there are")
  func unknownCell() throws {
    let root = String(#filePath.dropLast("Tests/VirtualBenchTests/BenchTests.swift".count))
    let shelf = try PresetShelf(named: root + "VirtualCells")
    #expect(shelf.names().contains("anode-free-nvpf"))
    for name in shelf.names() { #expect(throws: Never.self, "\(name)") { try shelf.preset(name) } }
    let error = #expect(throws: BenchError.self) { try shelf.preset("lead-acid") }
    #expect(error?.description.contains("hard-carbon") == true)
    #expect(throws: BenchError.self) { try PresetShelf(named: root + "nowhere") }
  }

  @Test("A variant is its original with what it says instead")
  func variants() throws {
    let root = String(#filePath.dropLast("Tests/VirtualBenchTests/BenchTests.swift".count))
    let shelf = try PresetShelf(named: root + "VirtualCells")
    let original = try shelf.preset("hard-carbon")
    let folder = try TestFolder()
    func variant(_ text: String) throws -> CellPreset {
      let file = folder.path + "/variant.json"
      try Data(text.utf8).write(to: URL(filePath: file))
      return try shelf.preset(file)
    }
    var expected = original
    expected.capacityReachMilliampereHours = 12
    expected.sideReactions.lastingFraction = 0.002
    expected.diffusionOhms = [1, 2]
    let same = try variant(
      #"{"like": "hard-carbon", "capacity_reach_mAh": 12, "side_reactions": {"lasting_fraction": 0.002}, "#
        + #""diffusion_ohm": [1, 2]}"#)
    #expect(same == expected)
    for (text, words) in [
      (#"{"like": "lead-acid"}"#, "there is no \"lead-acid\""),
      (#"{"like": "hard-carbon", "capacity_reach": 12}"#, "unknown key"),
      (#"{"like": "hard-carbon", "capacity_reach_mAh": 0}"#, "must be above 0"),
    ] {
      let error = #expect(throws: BenchError.self) { try variant(text) }
      #expect(error?.description.contains(words) == true, "\(error?.description ?? "no error")")
    }
  }

  @Test("Every cell of the literature can be made")
  func literature() throws {
    let root = String(#filePath.dropLast("Tests/VirtualBenchTests/BenchTests.swift".count))
    let shelf = try PresetShelf(named: root + "VirtualCells")
    let files = try FileManager.default.contentsOfDirectory(atPath: root + "VirtualCells/literature")
      .filter { $0.hasSuffix(".json") }
    #expect(files.count >= 16)
    for file in files { _ = try shelf.preset("\(root)VirtualCells/literature/\(file)") }
  }
}
