// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import Foundation
import Quantities
import Testing

@testable import CyclingData

/// Whatever comes, an analysis ends with a result or with a problem that says where.
///
/// `NACYCLER_FUZZ_SECONDS=600` goes on with new seeds for so long; each failure names its seed.
@Suite("Tables that are none") struct RobustnessTests {
  /// Analyses bytes in pieces.
  /// - Returns: The problem, nil when there is a result.
  @discardableResult private func outcome(
    of bytes: [UInt8], pieces: Int = 1 << 19, _ columns: ColumnMap = ColumnMap()
  ) throws -> DataProblem? {
    var options = AnalysisOptions()
    options.role = .fullCell
    options.columns = columns
    var analysis = try DataAnalysis(options)
    do {
      for begin in stride(from: 0, to: bytes.count, by: pieces) {
        try bytes[begin..<min(begin + pieces, bytes.count)].withUnsafeBytes { try analysis.read($0) }
      }
      let result = try analysis.finish()
      #expect(result.records > 0 && result.halfCycles.allSatisfy { $0.end >= $0.begin })
      return nil
    } catch {
      let problem = try #require(error as? DataProblem)
      #expect(!problem.message.isEmpty && !problem.hint.isEmpty)
      return problem
    }
  }

  private func mutate(_ bytes: inout [UInt8], _ random: inout SeededGenerator) {
    guard !bytes.isEmpty else { return }
    let place = Int.random(in: 0..<bytes.count, using: &random)
    let pieces = [
      "-9e99", ",", "\n", "\"", "\r\n", "nan", "1e308", "inf", "0d 00:", "[", "\u{0}", "\t;", "99999999999999999999",
    ]
    switch Int.random(in: 0...4, using: &random) {
    case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
    case 1: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1...40, using: &random)))
    case 2: bytes.insert(contentsOf: Array((pieces.randomElement(using: &random) ?? "").utf8), at: place)
    case 3: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 60)], at: place)
    default: bytes = Array(bytes[..<place])
    }
  }

  private func fuzz(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let noise = (0..<Int.random(in: 0...600, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
    try outcome(of: noise, pieces: Int.random(in: 1...200, using: &random))
    var bytes = Array((Layout.all.randomElement(using: &random) ?? Layout.all[0]).text.utf8)
    for _ in 0..<Int.random(in: 1...5, using: &random) { mutate(&bytes, &random) }
    try outcome(of: bytes, pieces: Int.random(in: 1...400, using: &random))
  }

  @Test func anyBytes() throws {
    for seed in 1...400 as ClosedRange<UInt64> { try fuzz(seed: seed) }
    let new = UInt64.random(in: 1_000_000...(.max))
    print("seed \(new)")
    try fuzz(seed: new)
    guard let seconds = ProcessInfo.processInfo.environment["NACYCLER_FUZZ_SECONDS"].flatMap(Double.init) else {
      return
    }
    let end = Date().addingTimeInterval(seconds)
    var seed = new
    while Date() < end {
      seed &+= 1
      try fuzz(seed: seed)
    }
    print("up to seed \(seed)")
  }

  /// A field that no instrument writes is refused with its line and its column, or is nothing.
  @Test(arguments: [
    "inf", "-inf", "1e308", "-1e308", "1e999999999", "1e-999999999", "10000000000000000000", "99999999999999999999999",
    "0x10", "1..2", "--", "1e", "+", ".", "nan", "", " ", "\u{221E}", "1\u{0}2", "١", "\"", "1:2:3:4:5", ":", "1d",
    "1d 2",
  ]) func aFieldThatIsNoNumber(field: String) throws {
    for column in 0..<4 {
      var fields = ["1800", "0.001", "3", "1"]
      fields[column] = field
      let text =
        "time_s,current_A,voltage_V,step_index\n0,0.001,2,1\n\(fields.joined(separator: ","))\n3600,0.001,4,1\n"
      guard let problem = try outcome(of: Array(text.utf8)) else { continue }
      #expect(problem.line == 3, "\(problem)")
      if field != "\"" { #expect(problem.message.contains("column “"), "\(problem)") }
    }
  }

  /// Memory holds a line, not whatever stands where a line should end.
  @Test func linesWithoutAnEnd() throws {
    let long = [UInt8](repeating: 0x31, count: 10_000_000)
    #expect(try outcome(of: long)?.code == "data.long_line")
    let begun = Array("time_s,current_A,voltage_V\n0,0.001,2\n".utf8)
    let problem = try outcome(of: begun + long)
    #expect(problem?.code == "data.long_line" && problem?.line == 3)
    let columns = Array(("time_s,current_A,voltage_V" + String(repeating: ",x", count: 1_000_000) + "\n").utf8)
    #expect(try outcome(of: columns)?.code == "data.long_line")
    #expect(try outcome(of: [UInt8](repeating: 0x0A, count: 100_000))?.code == "data.no_heading")
    #expect(try outcome(of: begun + [UInt8](repeating: 0, count: 100) + [0x0A]) != nil)
  }

  @Test func manyColumns() throws {
    let names = (0..<5_000).map { ",aux_\($0)_V" }.joined()
    let values = String(repeating: ",1", count: 5_000)
    let text = "time_s,current_A,voltage_V\(names)\n0,0.001,2\(values)\n3600,0.001,4\(values)\n"
    #expect(try outcome(of: Array(text.utf8)) == nil)
    let short = try outcome(of: Array((text + "3700,0.001\n3800,0.001,4\(values)\n").utf8))
    #expect(short?.code == "data.fields" && short?.line == 4)
  }
}
