// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What `make bench` runs. Each benchmark prints one JSON object a line for each of its figures; docs/benchmarks.md says
// what the names mean. Figures are printed and never judged: a slow machine is no error. An error is what could not be
// measured.

import CBench
import Foundation

/// One benchmark: the figures that it prints, and how.
struct Benchmark: Sendable {
  let names: [String]
  let run: @Sendable () throws -> Void
}

/// Why a figure could not be measured.
struct BenchmarkFailure: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

@main
enum Nabench {
  static let all = [
    Benchmark(names: ["engine_ns_per_reading"], run: PureBenchmarks.engine),
    Benchmark(names: ["metrics_ns_per_reading"], run: PureBenchmarks.metrics),
    Benchmark(names: ["driver_ns_per_reading"], run: PureBenchmarks.driver),
    Benchmark(names: ["transcript_ns_per_line"], run: PureBenchmarks.transcript),
    Benchmark(names: ["allocations_per_1e6_readings"], run: PureBenchmarks.allocations),
    Benchmark(names: ["analysis_ns_per_record"], run: AnalysisBenchmark.records),
    Benchmark(names: ["analysis_metrics_ns_per_record"], run: AnalysisBenchmark.metrics),
    Benchmark(names: ["allocations_per_1e6_analysed_rows"], run: AnalysisBenchmark.rowAllocations),
    Benchmark(names: ["allocations_per_1e6_analysed_records"], run: AnalysisBenchmark.allocations),
    Benchmark(
      names: [
        "analysis_seconds_1e6_rows", "analysis_cpu_seconds_1e6_rows", "analysis_rss_mib_1e6_rows",
        "analysis_seconds_1e7_rows", "analysis_cpu_seconds_1e7_rows", "analysis_rss_mib_1e7_rows",
      ], run: AnalysisBenchmark.file),
    Benchmark(names: ["store_rows_per_s"], run: StoreBenchmark.run),
    Benchmark(
      names: ["recompute_seconds_1e7_records", "recompute_rss_mib_1e7_records"], run: RecountBenchmark.run),
    Benchmark(names: ["end_to_end_readings_per_s"], run: EndToEndBenchmark.run),
    Benchmark(names: ["reaction_us", "reaction_c_us"], run: ReactionBenchmark.run),
    Benchmark(
      names: ["cpu_percent_64_channels_10hz", "rss_mib_64_channels_10hz", "nactl_one_shot_ms", "stop_all_64_ms"],
      run: FleetBenchmark.run),
    Benchmark(
      names: ["cpu_percent_64_mixed_channels", "reaction_mixed_us", "reaction_mixed_stalled_us"],
      run: MixedFleetBenchmark.run),
  ]

  static func main() {
    signal(SIGPIPE, SIG_IGN)
    do {
      let arguments = Array(CommandLine.arguments.dropFirst())
      if try Company.serve(arguments) { return }
      for benchmark in try chosen(arguments) { try benchmark.run() }
    } catch {
      FileHandle.standardError.write(Data("nabench: \(error)\n".utf8))
      exit(1)
    }
  }

  /// The benchmarks whose figures begin with one of the names; all without names.
  private static func chosen(_ names: [String]) throws -> [Benchmark] {
    if names.isEmpty { return all }
    for name in names where !all.contains(where: { $0.prints(name) }) {
      let known = all.flatMap(\.names).joined(separator: ", ")
      throw BenchmarkFailure("no benchmark prints \(name); there are \(known)")
    }
    return all.filter { benchmark in names.contains { benchmark.prints($0) } }
  }
}

extension Benchmark {
  /// `reaction_us_p99` belongs to the benchmark that prints `reaction_us`.
  func prints(_ name: String) -> Bool { names.contains { name.hasPrefix($0) || $0.hasPrefix(name) } }
}

/// The figures' way out.
enum Figures {
  /// Prints one figure at once, rounded to four digits.
  static func say(_ name: String, _ value: Double, _ unit: String) {
    let digits = value == 0 ? 0 : max(0, 3 - Int(log10(abs(value)).rounded(.down)))
    let text = String(format: "%.\(digits)f", value)
    // Whoever has read enough may close the pipe.
    try? FileHandle.standardOutput.write(
      contentsOf: Data("{\"name\":\"\(name)\",\"value\":\(text),\"unit\":\"\(unit)\"}\n".utf8))
  }

  /// The value below which that share of `sorted` lies.
  static func percentile(_ sorted: [Double], _ share: Double) -> Double {
    sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
  }

  /// Nanoseconds on the steady clock that all processes of the machine share.
  static func now() -> Int64 { cbench_now_ns() }

  /// Nanoseconds of processor time that this thread used; unlike the clock it does not count what others use.
  static func used() -> Int64 { cbench_thread_ns() }

  /// Prints the middle of several rounds of `body`, which returns nanoseconds a reading, and the least, as the name with
  /// `_least`: a shared machine runs at half its speed for a while, and what the middle then tells is the neighbour. The
  /// rounds follow each other without a pause, for a processor that has slept begins slowly. The first only warms up.
  static func sayRounds(_ name: String, _ body: () throws -> Double) rethrows {
    _ = try body()
    var values: [Double] = []
    for _ in 0..<15 { values.append(try body()) }
    values.sort()
    say(name, values[values.count / 2], "ns")
    say(name + "_least", values[0], "ns")
  }
}
