// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A laboratory with instruments of every family at one daemon: 88 channels of four families at ten readings a second each, and
// beside them 13 of four others, as fast as their wire or their converter allows. Then one port stalls, and the reaction at another
// is measured with and without it.

import Foundation

enum MixedFleetBenchmark {
  private static let windows = 5
  private static let windowSeconds = 5.0
  /// In each round so many shots while all is well, and as many while one port stalls: what else the machine does meets both.
  private static let (rounds, shots) = (8, 200)
  /// The benchmark's own instruments, which send ten readings a second, as the one of the shots does.
  private static let boardChannels = 63
  private static let groupChannels = groups.map(\.channels).reduce(0, +)
  /// All channels but that of the shots.
  private static let wanted = boardChannels + groupChannels
  /// So many channels must give ten readings a second; that of the shots is paced by this process and not counted.
  private static let fastChannels = boardChannels + groups.filter(\.isFast).map(\.channels).reduce(0, +)
  /// Ten readings a second, all but what a window cuts off.
  private static let leastRate = 9.5

  /// Emulated instruments of one kind, and what runs on each of their channels.
  private struct Group {
    var instrument: String
    var family: String
    var count: Int
    var channels: Int
    var cell: String
    var role: String
    var window: (String, String)
    var step: String
    /// Whether each of its channels is asked for ten readings a second.
    var isFast = false
  }

  /// Of ampere-hours, so that nothing ends meanwhile.
  private static let largeCell = """
    {"like": "nvpf", "nominal_capacity_mAh": 2000, "active_mass_mg": 16500, "resistance_ohm": 0.08,
      "positive_electrode": {"capacity_mAh": 2000, "potential_V": [[-0.02, 5.0], [0, 4.4], [0.3, 3.9], [0.7, 3.2],
        [1.0, 2.4], [1.05, 1.9], [1.1, 1.5]]},
      "diffusion_ohm": [0.02, 0.05], "diffusion_time_s": [0.5, 4]}
    """
  private static let smallCell = #"{"like": "hard-carbon"}"#
  private static let heldCell = """
    {"like": "hard-carbon", "positive_electrode": {"potential_V": [[-0.02, 2.8], [0, 2.5], [1, 2.3], [2, 2.0]]}}
    """

  private static let gentleStep = #"{"discharge": "36 uA", "until": ["voltage <= 10 mV", "step_time >= 30 h"]}"#

  /// The first group is the one that stalls.
  private static let groups = [
    Group(
      instrument: "keithley-2400", family: "keithley_scpi", count: 1, channels: 1, cell: smallCell,
      role: "anode-half-cell", window: ("-50 mV", "3 V"),
      step: gentleStep),
    Group(
      instrument: "keithley-2400", family: "keithley_scpi", count: 1, channels: 1, cell: smallCell,
      role: "anode-half-cell", window: ("-50 mV", "3 V"),
      step: gentleStep),
    Group(
      instrument: "keithley-2602b", family: "keithley_tsp", count: 1, channels: 2, cell: smallCell,
      role: "anode-half-cell", window: ("-50 mV", "3 V"),
      step: gentleStep),
    Group(
      instrument: "keithley-2450", family: "keithley_scpi", count: 8, channels: 8, cell: smallCell,
      role: "anode-half-cell", window: ("-50 mV", "3 V"), step: gentleStep, isFast: true),
    Group(
      instrument: "tdstatv3", family: "tdstat", count: 8, channels: 8, cell: smallCell,
      role: "anode-half-cell", window: ("-50 mV", "3 V"), step: gentleStep, isFast: true),
    Group(
      instrument: "batlab", family: "batlab", count: 2, channels: 8, cell: largeCell, role: "cathode-half-cell",
      window: ("1.9 V", "4.4 V"), step: #"{"charge": "0.5 A", "until": ["voltage >= 4.1 V", "step_time >= 5 h"]}"#),
    Group(
      instrument: "ebc-a20", family: "zketech_ebc", count: 1, channels: 1, cell: largeCell, role: "cathode-half-cell",
      window: ("1.9 V", "4.4 V"), step: #"{"charge": "0.5 A", "until": ["voltage >= 4.1 V", "step_time >= 5 h"]}"#),
    Group(
      instrument: "rodeostat", family: "rodeostat", count: 8, channels: 8, cell: heldCell, role: "anode-half-cell",
      window: ("-50 mV", "3 V"),
      step: #"{"hold": "2.49 V", "current_at_most": "1 mA", "until": ["step_time >= 5 h"], "diagnostic": true}"#,
      isFast: true),
  ]

  static func run() throws {
    let folder = try ScratchDirectory()
    let board = try Company.start(.instruments, [folder.path + "/fast", "\(boardChannels)"])
    try board.awaitLine("ready")
    var benches: [StartedProgram] = []
    for (index, group) in groups.enumerated() {
      // Within a family no two have the same serial number.
      benches.append(try bench(group, "\(folder.path)/\(index)", firstNumber: index * 10 + 1))
    }
    var target = try ReactionBenchmark.Target(serial: "BENCH9999")
    let ports =
      [folder.path + "/fast/bench-*", target.line.path]
      + groups.indices.map { "\(groups[$0].family):\(folder.path)/\($0)/*-[0-9]*" }
    let daemon = try DaemonUnderTest(ports: ports)
    let run = try target.startRun(at: daemon)
    try target.serve(for: "\(wanted) idle channels") { _ in
      try daemon.channelsByPort().filter { $0.state == "idle" }.count == wanted
    }
    try start(daemon, folder.path, board)
    try measureLoad(daemon, &target)
    try measureReaction(daemon, &target, run: run, stalling: benches[0], at: "\(folder.path)/0/")
    daemon.program.end(SIGKILL)
    for bench in benches { bench.end(SIGKILL) }
    board.end(SIGKILL)
  }

  private static func bench(_ group: Group, _ links: String, firstNumber: Int) throws -> StartedProgram {
    try FileManager.default.createDirectory(atPath: links, withIntermediateDirectories: true)
    let cell = links + ".json"
    try group.cell.write(toFile: cell, atomically: true, encoding: .utf8)
    let program = try StartedProgram(
      try DaemonUnderTest.path(of: "nasim"),
      [
        "run", "--instrument", group.instrument, "--cell", cell, "--count", "\(group.count)", "--first",
        "\(firstNumber)", "--speed", "1", "--links", links, "--presets", "VirtualCells",
      ], log: links + ".log")
    try program.awaitLine("ready")
    return program
  }

  private static func start(_ daemon: DaemonUnderTest, _ folder: String, _ board: StartedProgram) throws {
    let channels = try daemon.channelsByPort()
    func named(below prefix: String) -> [String] {
      channels.filter { $0.port.hasPrefix(prefix + "/") }.map(\.channel).sorted()
    }
    var count = try daemon.start(SampleRun.protocolText(every: "100 ms"), on: named(below: folder + "/fast")).count
    for (index, group) in groups.enumerated() {
      let text = protocolText(group)
      let own = named(below: "\(folder)/\(index)")
      count += try daemon.start(text, on: own, acceptsNoHardwareLimits: true).count
    }
    guard count == wanted else { throw BenchmarkFailure("\(count) of \(wanted) runs were started") }
    try board.awaitLine("driving \(boardChannels)")
  }

  private static func protocolText(_ group: Group) -> String {
    """
    {
      "nacycler_protocol": 1, "title": "\(group.instrument)",
      "cell": {"role": "\(group.role)", "expect_open_circuit": {"from": "0 V", "to": "4.3 V"}},
      "limits": {
        "voltage": {"min": "\(group.window.0)", "max": "\(group.window.1)", "for": "2 s"},
        "charge_current": {"max": "1 A", "for": "1 s"}, "discharge_current": {"max": "1 A", "for": "1 s"},
        "half_cycle_charge": {"max": "3 Ah"}, "empty_half_cycle": {"below": "0.001 uAh", "in_a_row": 3}
      },
      "record": {"every": "\(group.isFast ? "100 ms" : "2 s")"},
      "on_interruption": {"resume_within": "30 min", "otherwise": "hold"},
      "steps": [\(group.step)]
    }
    """
  }

  /// Every circuit is closed: what comes before is measured once a second.
  private static func awaitDriven(_ daemon: DaemonUnderTest, _ target: inout ReactionBenchmark.Target) throws {
    for _ in 0..<60 {
      try target.serve(seconds: 1)
      if try daemon.channelsByPort().filter({ $0.circuit == "closed" }).count == wanted + 1 { return }
    }
    throw BenchmarkFailure("not every channel drove its cell within a minute")
  }

  /// Processor time of the daemon, the middle of the windows; the channel of the shots is driven meanwhile too.
  private static func measureLoad(_ daemon: DaemonUnderTest, _ target: inout ReactionBenchmark.Target) throws {
    try awaitDriven(daemon, &target)
    var shares: [Double] = []
    let (counted, countedAt) = (try daemon.readingCounts(), Figures.now())
    for _ in 0..<windows {
      let before = try daemon.processorSeconds()
      let begun = Figures.now()
      try target.serve(seconds: windowSeconds)
      let used = try daemon.processorSeconds() - before
      shares.append(used / (Double(Figures.now() - begun) * 1e-9) * 100)
    }
    try sayRates(since: counted, countedAt, try daemon.readingCounts())
    shares.sort()
    Figures.say("cpu_percent_64_mixed_channels", shares[windows / 2], "percent of a core")
    Figures.say("cpu_percent_64_mixed_channels_least", shares[0], "percent of a core")
  }

  /// The reaction with and without a port whose instrument neither reads nor answers, in turns.
  private static func measureReaction(
    _ daemon: DaemonUnderTest, _ target: inout ReactionBenchmark.Target, run: Int, stalling bench: StartedProgram,
    at port: String
  ) throws {
    var (well, stalled): ([Double], [Double]) = ([], [])
    for _ in 0..<rounds {
      well += try target.shots(shots, at: daemon, run: run)
      kill(bench.number, SIGSTOP)
      stalled += try target.shots(shots, at: daemon, run: run)
      kill(bench.number, SIGCONT)
      try target.serve(for: "the port that had stalled") { _ in
        try daemon.channelsByPort().contains { $0.port.hasPrefix(port) && $0.circuit == "closed" }
      }
    }
    try ReactionBenchmark.say("reaction_mixed_us", well)
    try ReactionBenchmark.say("reaction_mixed_stalled_us", stalled)
  }

  private typealias Counts = [String: DaemonUnderTest.ReadingCount]

  /// What the instruments gave: a load without its readings is none.
  private static func sayRates(since before: Counts, _ begun: Int64, _ after: Counts) throws {
    let seconds = Double(Figures.now() - begun) * 1e-9
    var rates: [String: [Double]] = [:]
    for (channel, count) in after {
      let given = Double(count.readings - (before[channel]?.readings ?? 0)) / seconds / Double(count.channels)
      rates[count.model, default: []] += Array(repeating: given, count: count.channels)
    }
    let all = rates.values.joined()
    let fast = all.count { $0 >= leastRate }
    Figures.say("channels_mixed", Double(all.count), "channels")
    Figures.say("channels_mixed_10hz", Double(fast), "channels")
    Figures.say("readings_per_second_mixed", all.reduce(0, +), "1/s")
    for (model, own) in rates.sorted(by: { $0.key < $1.key }) {
      Figures.say("readings_per_second_of_a_\(model)", own.reduce(0, +) / Double(own.count), "1/s")
    }
    guard fast >= fastChannels else {
      throw BenchmarkFailure("\(fast) channels of \(fastChannels) gave ten readings a second")
    }
  }
}
