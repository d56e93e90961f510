// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import Quantities
import Testing

@testable import CyclingData

/// What must not change a result.
@Suite("Properties of an analysis") struct PropertyTests {
  /// Cycles of random currents and lengths.
  private func table(_ random: inout SeededGenerator, every interval: Double = 10, rests: Bool) -> SampleTable {
    var table = SampleTable()
    var shares = random
    for _ in 0..<Int.random(in: 1...4, using: &random) {
      for (sign, from, to) in [(-1.0, 2.0, 0.01), (1, 0.02, 2)] {
        let pieces = Int.random(in: 1...3, using: &random)
        for piece in 0..<pieces {
          let current = sign * Double(Int.random(in: 200...900, using: &random)) * 1e-6
          let seconds = Double(Int.random(in: 100...400, using: &random)) * 10
          let begin = from + (to - from) * Double(piece) / Double(pieces)
          let end = from + (to - from) * Double(piece + 1) / Double(pieces)
          table.step(current, seconds: seconds, every: interval, from: begin, to: end)
          if rests, Bool.random(using: &shares) { table.step(0, seconds: 500, every: interval, from: end, to: end) }
        }
      }
    }
    return table
  }

  private func halves(_ text: String, pieces: Int = .max) throws -> [DataHalfCycle] {
    try analyze(text, .anodeHalfCell, pieces: pieces) {
      $0.sodiationPlateauBelow = Voltage(millivolts: 100)
      $0.desodiationPlateauBelow = Voltage(millivolts: 200)
    }.halfCycles
  }

  private func charges(_ halves: [DataHalfCycle]) -> [[Int64]] {
    halves.map { [$0.charge.nanocoulombs, $0.energy?.nanojoules ?? -1, $0.plateauCharge?.nanocoulombs ?? -1] }
  }

  /// Wherever the bytes are split.
  @Test(arguments: SeededGenerator.seeds.suffix(6)) func piecesOfBytes(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let text = table(&random, every: 200, rests: true).text
    let whole = try halves(text)
    for pieces in [1, 2, 3, 5, 17, 64, 257] { #expect(try halves(text, pieces: pieces) == whole, "\(pieces)") }
  }

  /// Rests between steps.
  @Test(arguments: SeededGenerator.seeds.suffix(12)) func rests(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let without = try halves(table(&random, rests: false).text)
    random = SeededGenerator(seed: seed)
    let with = try halves(table(&random, rests: true).text)
    #expect(charges(with) == charges(without))
  }

  /// How often a constant current with a straight voltage is recorded: charge, energy and plateau are the same, but for the
  /// nanocoulomb to which an interval's share is rounded.
  @Test(arguments: SeededGenerator.seeds.suffix(12)) func density(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let coarse = charges(try halves(table(&random, every: 100, rests: true).text))
    random = SeededGenerator(seed: seed)
    let fine = charges(try halves(table(&random, every: 3, rests: true).text))
    #expect(coarse.count == fine.count)
    for (one, other) in zip(coarse, fine) {
      for (left, right) in zip(one, other) { #expect(abs(left - right) <= 2 + left.magnitude / 100_000_000) }
    }
  }

  /// Whatever bytes come, an analysis ends with a result or a problem.
  @Test(arguments: SeededGenerator.seeds.suffix(12)) func anyBytes(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let text = Array(table(&random, every: 500, rests: true).text.utf8)
    for _ in 0..<40 {
      var bytes = text
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0...3, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes.remove(at: place)
        case 2: bytes.insert(contentsOf: Array("-9e99,\n\r\";:".utf8).shuffled(using: &random), at: place)
        default: bytes.removeSubrange(place..<min(bytes.count, place + 40))
        }
      }
      var options = AnalysisOptions()
      options.role = .anodeHalfCell
      var analysis = try DataAnalysis(options)
      do {
        try bytes.withUnsafeBytes { try analysis.read($0) }
        let result = try analysis.finish()
        #expect(result.records > 0)
      } catch {
        #expect(error is DataProblem)
      }
    }
  }
}
