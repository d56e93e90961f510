// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What `nactl analyze` costs: a record in memory, a file of ten million through the program, and the allocator's calls.

import CyclerModel
import CyclingData
import Foundation
import Quantities

enum AnalysisBenchmark {
  /// Records of a half-cycle; ten million records are five thousand cycles.
  private static let halfCycle = 1_000

  /// Bytes to cycles in the pieces in which a file is read.
  static func records() throws {
    let text = rows(0..<100_000)
    try Figures.sayRounds("analysis_ns_per_record") {
      var analysis = try begun()
      let begun = Figures.used()
      try feed(text, to: &analysis)
      let result = try analysis.finish()
      let nanoseconds = Double(Figures.used() - begun)
      guard result.summary.completeCycles == 50 else {
        throw BenchmarkFailure("\(result.summary.completeCycles) cycles were found in place of 50")
      }
      return nanoseconds / Double(result.records)
    }
  }

  /// The same without the reading: records in memory to cycles.
  static func metrics() throws {
    let table = try ParsedTable(heading + rows(0..<200_000))
    try Figures.sayRounds("analysis_metrics_ns_per_record") {
      var analysis = RowAnalysis(options)
      let begun = Figures.used()
      table.hand(to: &analysis)
      let complete = analysis.finish()
      let nanoseconds = Double(Figures.used() - begun)
      guard complete == 100 else { throw BenchmarkFailure("\(complete) cycles were found in place of 100") }
      return nanoseconds / Double(table.count)
    }
  }

  /// The allocator's calls for records in memory.
  static func rowAllocations() throws {
    let counter = try allocationCounter()
    let table = try ParsedTable(heading + rows(0..<200_000))
    var analysis = RowAnalysis(options)
    let before = counter()
    table.hand(to: &analysis)
    Figures.say("allocations_per_1e6_analysed_rows", Double(counter() - before) * 5, "allocations")
  }

  private static func allocationCounter() throws -> @convention(c) () -> Int {
    guard let symbol = dlsym(nil, "nabench_allocations") else {
      throw BenchmarkFailure("allocations are counted by a preloaded library: run scripts/bench.sh")
    }
    return unsafeBitCast(symbol, to: (@convention(c) () -> Int).self)
  }

  /// The allocator's calls for a million records, beyond those that half-cycles cost.
  static func allocations() throws {
    let counter = try allocationCounter()
    let pieces = stride(from: 0, to: 1_000_000, by: 100_000).map { rows($0..<$0 + 100_000) }
    var analysis = try begun()
    let before = counter()
    for piece in pieces { try feed(piece, to: &analysis) }
    let made = counter() - before
    guard try analysis.finish().records == 1_000_000 else { throw BenchmarkFailure("records were lost") }
    Figures.say("allocations_per_1e6_analysed_records", Double(made), "allocations")
  }

  /// The program on files of one and of ten million records: seconds by the clock, processor time and resident memory.
  static func file() throws {
    let nactl = try DaemonUnderTest.path(of: "nactl")
    for (count, name) in [(1_000_000, "1e6"), (10_000_000, "1e7")] {
      let path = NSTemporaryDirectory() + "/analysis-\(name).csv"
      defer { unlink(path) }
      try write(count, to: path)
      // The first run brings the file into the kernel's memory.
      var best: (seconds: Double, used: Double, mebibytes: Double)?
      for _ in 0..<3 {
        let run = try run([nactl, "analyze", path, "--role", "anode-half-cell", "--format", "json"])
        if best.map({ run.seconds < $0.seconds }) ?? true { best = run }
      }
      guard let best else { return }
      Figures.say("analysis_seconds_\(name)_rows", best.seconds, "s")
      Figures.say("analysis_cpu_seconds_\(name)_rows", best.used, "s")
      Figures.say("analysis_rss_mib_\(name)_rows", best.mebibytes, "MiB")
    }
  }

  private static var options: AnalysisOptions {
    var options = AnalysisOptions()
    options.role = .anodeHalfCell
    options.sodiationPlateauBelow = Voltage(millivolts: 100)
    options.desodiationPlateauBelow = Voltage(millivolts: 200)
    return options
  }

  private static func begun() throws -> DataAnalysis {
    var analysis = try DataAnalysis(options)
    try feed(heading, to: &analysis)
    return analysis
  }

  private static func feed(_ text: [UInt8], to analysis: inout DataAnalysis) throws {
    try text.withUnsafeBytes { all in
      for start in stride(from: 0, to: all.count, by: 1 << 19) {
        try analysis.read(UnsafeRawBufferPointer(rebasing: all[start..<min(start + 1 << 19, all.count)]))
      }
    }
  }

  // MARK: The table

  private static let heading = Array(
    "record,time_s,current_A,voltage_V,step_index,step_time_s,cycle_index,temperature_degC,aux_1_V,aux_2_V,at\n".utf8)

  /// Rows of 96 to 110 bytes, as an instrument with two spare inputs writes them.
  private static func rows(_ numbers: Range<Int>) -> [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity(numbers.count * 112)
    func append(_ number: Int, fraction digits: Int = 0) {
      var (whole, part, scale) = (number, 0, 1)
      for _ in 0..<digits { scale *= 10 }
      (whole, part) = (number / scale, number % scale)
      text += Array("\(whole)".utf8)
      guard digits > 0 else { return }
      text.append(0x2E)
      let fraction = Array("\(part)".utf8)
      text += [UInt8](repeating: 0x30, count: digits - fraction.count) + fraction
    }
    for number in numbers {
      let (half, place) = (number / halfCycle, number % halfCycle)
      let microvolts = (half % 2 == 0 ? halfCycle - place : place) * 2_000
      append(number)
      text.append(0x2C)
      append(number * 10_000_000, fraction: 6)
      text += Array(half % 2 == 0 ? ",-0.000".utf8 : ",0.000".utf8)
      append(30_000_000 + number % 97)
      text.append(0x2C)
      append(microvolts * 100, fraction: 8)
      for count in [half + 1, place * 10, half / 2 + 1] {
        text.append(0x2C)
        append(count)
      }
      text += Array(",25.125,".utf8)
      append(microvolts * 10, fraction: 7)
      text.append(0x2C)
      append(microvolts * 11, fraction: 7)
      text += Array(",2026-01-01 00:00:00\n".utf8)
    }
    return text
  }

  private static func write(_ count: Int, to path: String) throws {
    guard FileManager.default.createFile(atPath: path, contents: Data(heading)),
      let file = FileHandle(forWritingAtPath: path)
    else { throw BenchmarkFailure("\(path) cannot be written") }
    defer { try? file.close() }
    try file.seekToEnd()
    for start in stride(from: 0, to: count, by: 100_000) {
      try file.write(contentsOf: Data(rows(start..<min(count, start + 100_000))))
    }
  }

  // MARK: The program

  private static func run(_ arguments: [String]) throws -> (seconds: Double, used: Double, mebibytes: Double) {
    var strings = arguments.map { strdup($0) }
    strings.append(nil)
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer {
      posix_spawn_file_actions_destroy(&actions)
      for string in strings { free(string) }
    }
    for descriptor: Int32 in [1, 2] {
      posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_WRONLY, 0)
    }
    var number = pid_t()
    var status: Int32 = 0
    var usage = rusage()
    let begun = Figures.now()
    guard posix_spawn(&number, arguments[0], &actions, nil, strings, environ) == 0 else {
      throw BenchmarkFailure("\(arguments[0]) cannot be started: errno \(errno)")
    }
    // The kernel's own figure of a child begins with what its parent held; this one begins with the program.
    var kibibytes = 0
    while wait4(number, &status, WNOHANG, &usage) == 0 {
      kibibytes = max(kibibytes, peak(of: number))
      usleep(2_000)
    }
    let seconds = Double(Figures.now() - begun) * 1e-9
    guard status == 0 else { throw BenchmarkFailure("\(arguments) ended with status \(status)") }
    let used =
      Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
      + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6
    return (seconds, used, Double(kibibytes) / 1_024)
  }

  private static func peak(of number: pid_t) -> Int {
    let text = (try? String(contentsOfFile: "/proc/\(number)/status", encoding: .utf8)) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    return line?.split(whereSeparator: { $0 == " " || $0 == "\t" }).compactMap { Int($0) }.first ?? 0
  }
}
