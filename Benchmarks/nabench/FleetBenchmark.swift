// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A full laboratory: 64 channels, each with a run that records ten readings a second, one client that follows them all.
// Then the end of it: SIGTERM, with clients attached that do not read.

import Foundation

enum FleetBenchmark {
  private static let channels = 64
  /// So many times so many seconds: a shared machine's speed changes meanwhile.
  private static let windows = 5
  private static let windowSeconds = 5.0
  private static let oneShots = 50
  private static let stuckClients = 5

  static func run() throws {
    let folder = try ScratchDirectory()
    let board = try Company.start(.instruments, [folder.path + "/lab", "\(channels)"])
    try board.awaitLine("ready")
    let daemon = try DaemonUnderTest(ports: folder.path + "/lab/bench-*")
    let idle = try daemon.idleChannels(channels)
    let runs = try daemon.start(SampleRun.protocolText(every: "100 ms"), on: idle)
    guard runs.count == channels else { throw BenchmarkFailure("\(runs.count) runs were started") }
    try board.awaitLine("driving \(channels)")
    let tail = try Company.start(.tail, [daemon.socket])
    try measureLoad(daemon)
    try measureOneShots(daemon)
    let stuck = try Company.start(.stuck, [daemon.socket, "\(stuckClients)"])
    try stuck.awaitLine("stuck")
    // Their streams' buffers fill before the signal comes.
    poll(nil, 0, 2_000)
    try measureStop(daemon, board)
    tail.end(SIGKILL)
    stuck.end(SIGKILL)
    board.end(SIGKILL)
  }

  private static func measureLoad(_ daemon: DaemonUnderTest) throws {
    // The start of 64 runs is not what is measured.
    poll(nil, 0, 3_000)
    var shares: [Double] = []
    for _ in 0..<windows {
      let before = try daemon.processorSeconds()
      let begun = Figures.now()
      poll(nil, 0, Int32(windowSeconds * 1_000))
      let used = try daemon.processorSeconds() - before
      shares.append(used / (Double(Figures.now() - begun) * 1e-9) * 100)
    }
    shares.sort()
    Figures.say("cpu_percent_64_channels_10hz", shares[windows / 2], "percent of a core")
    Figures.say("cpu_percent_64_channels_10hz_least", shares[0], "percent of a core")
    Figures.say("rss_mib_64_channels_10hz", try daemon.residentMebibytes(), "MiB")
  }

  private static func measureOneShots(_ daemon: DaemonUnderTest) throws {
    let nactl = try DaemonUnderTest.path(of: "nactl")
    var milliseconds: [Double] = []
    for _ in 0..<oneShots {
      milliseconds.append(try oneShot([nactl, "channels", "--socket", daemon.socket]))
    }
    Figures.say("nactl_one_shot_ms", Figures.percentile(milliseconds.sorted(), 0.5), "ms")
  }

  /// Milliseconds from the start of a program to its end; nothing of ours stands between.
  private static func oneShot(_ arguments: [String]) throws -> Double {
    var strings = arguments.map { strdup($0) }
    strings.append(nil)
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer {
      posix_spawn_file_actions_destroy(&actions)
      for string in strings { free(string) }
    }
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
    var number = pid_t()
    var status: Int32 = 0
    let begun = Figures.now()
    guard posix_spawn(&number, arguments[0], &actions, nil, strings, environ) == 0,
      waitpid(number, &status, 0) == number
    else { throw BenchmarkFailure("\(arguments[0]) cannot be started: errno \(errno)") }
    let ended = Figures.now()
    guard status == 0 else { throw BenchmarkFailure("\(arguments) ended with status \(status)") }
    return Double(ended - begun) * 1e-6
  }

  private static func measureStop(_ daemon: DaemonUnderTest, _ board: StartedProgram) throws {
    let begun = Figures.now()
    kill(daemon.program.number, SIGTERM)
    var last: Int64 = 0
    for _ in 0..<channels {
      let line = try board.awaitLine("stop ")
      last = max(last, Int64(line.dropFirst(5)) ?? 0)
    }
    Figures.say("stop_all_64_ms", Double(last - begun) * 1e-6, "ms")
    daemon.program.process.waitUntilExit()
    Figures.say("exit_64_ms", Double(Figures.now() - begun) * 1e-6, "ms")
  }
}
