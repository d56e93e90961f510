// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingProtocol
import Foundation
import Quantities
import Testing

/// A flipped byte on a disk or in a hand must not become another protocol unnoticed.
@Suite struct MutationTests {
  @Test(arguments: ShippedProtocols.names)
  func damagedFilesNeverCrash(_ name: String) throws {
    let original = try ShippedProtocols.bytes(name)
    let seed = UInt64(truncatingIfNeeded: original.count) &* 0x2545_F491_4F6C_DD1D
    print("\(name): seed \(seed)")
    var random = Mutations(seed: seed)
    var accepted = 0
    for _ in 0..<1_500 {
      let damaged = random.mutate(original)
      switch ProtocolDecoder.decode(damaged) {
      case .failure(let found): #expect(found.problems.allSatisfy { $0.line > 0 && !$0.message.isEmpty })
      case .success(let document):
        accepted += 1
        #expect(Array(document.source.utf8) == damaged)
        let program = document.compile(cell: ShippedProtocols.cell, instrument: .small)
        if case .success(let program) = program { expectSafe(program) }
      }
    }
    print("\(name): \(accepted) of 1500 damaged files are still protocols")
    #expect(accepted < 750)
  }

  /// Whatever was accepted keeps the promises that the engine builds on.
  private func expectSafe(_ program: Program) {
    #expect(program.instructions.last == .end)
    #expect(program.limits.lowerVoltage.soft < program.limits.upperVoltage.soft)
    for step in program.steps {
      switch step.action {
      case .rest: break
      case .constantCurrent(let direction, let current), .constantCurrentConstantVoltage(let direction, let current, _):
        let limit = direction == .charge ? program.limits.chargeCurrent : program.limits.dischargeCurrent
        #expect(current > .zero && current.count <= limit.soft && direction != .none)
        #expect(step.rangeCurrent >= current)
      case .hold(_, _, let atMost): #expect(atMost > .zero && step.rangeCurrent >= atMost)
      case .demand(let demand):
        let limit = demand.direction == .charge ? program.limits.chargeCurrent : program.limits.dischargeCurrent
        #expect(demand.currentAtMost > .zero && demand.currentAtMost.count <= limit.soft && demand.direction != .none)
        #expect(step.rangeCurrent >= demand.currentAtMost)
      case .sweep(let sweep): #expect(sweep.currentAtMost > .zero && sweep.rate > .zero && !sweep.to.isEmpty)
      case .profile(let profile):
        #expect(profile.largestCurrent > .zero && profile.rows.count <= CurrentProfile.mostRows)
        #expect(profile.rows.allSatisfy { $0.duration >= CurrentProfile.shortestRow })
        #expect(step.rangeCurrent >= profile.largestCurrent)
      case .impedance(let spectrum):
        #expect(spectrum.currentAtMost > .zero && spectrum.points >= 2)
        #expect(spectrum.frequencies.allSatisfy { $0 >= Frequency(microhertz: 1_000) })
      }
      #expect(step.ends.contains { $0.quantity == .stepTime || $0.quantity == .holdTime })
      for end in step.ends where end.quantity == .voltage && step.direction != .none {
        #expect(end.threshold - program.limits.lowerVoltage.soft >= (step.direction == .discharge ? 20_000_000 : 0))
        #expect(program.limits.upperVoltage.soft - end.threshold >= (step.direction == .charge ? 20_000_000 : 0))
      }
    }
  }

  /// Every byte of a number or unit carries meaning: changing a digit changes the program or is refused.
  @Test(arguments: ShippedProtocols.names)
  func aChangedDigitIsNeverIgnored(_ name: String) throws {
    let original = try ShippedProtocols.bytes(name)
    let program = try ProtocolDecoder.decode(original).flatMap {
      $0.compile(cell: ShippedProtocols.cell.without($0.values), instrument: nil)
    }.get()
    // Title and notes are for people; the steps begin after them.
    let start = try #require(String(decoding: original, as: UTF8.self).range(of: "\"cell\"")?.lowerBound)
    let prefix = String(decoding: original, as: UTF8.self)[..<start].utf8.count
    for index in original.indices.dropFirst(prefix) where UInt8(ascii: "1")...UInt8(ascii: "8") ~= original[index] {
      var changed = original
      changed[index] += 1
      let result = ProtocolDecoder.decode(changed).flatMap {
        $0.compile(cell: ShippedProtocols.cell.without($0.values), instrument: nil)
      }
      if case .success(let other) = result { #expect(other != program, "digit at byte \(index)") }
    }
  }
}

extension CellValues {
  /// These values but for those that a file carries itself.
  fileprivate func without(_ carried: CellValues) -> CellValues {
    CellValues(
      activeMass: carried.activeMass == nil ? activeMass : nil, area: carried.area == nil ? area : nil,
      nominalCapacity: carried.nominalCapacity == nil ? nominalCapacity : nil)
  }
}

/// Repeatable damage: bytes replaced, removed, doubled, pieces moved (numbers from SplitMix64).
struct Mutations {
  private var state: UInt64
  init(seed: UInt64) { state = seed }

  private mutating func next(below bound: Int) -> Int {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return Int((mixed ^ (mixed >> 31)) % UInt64(bound))
  }

  mutating func mutate(_ original: [UInt8]) -> [UInt8] {
    var bytes = original
    for _ in 0...next(below: 3) {
      let at = next(below: bytes.count)
      switch next(below: 6) {
      case 0: bytes[at] = UInt8(next(below: 256))
      case 1: bytes[at] = Array("0123456789-.\"{}[],: mAVhC/<>=".utf8)[next(below: 29)]
      case 2: bytes.remove(at: at)
      case 3: bytes.insert(bytes[at], at: at)
      case 4:
        let end = min(bytes.count, at + next(below: 40))
        bytes.insert(contentsOf: bytes[at..<end], at: next(below: bytes.count))
      default: bytes.removeSubrange(at..<min(bytes.count, at + next(below: 40)))
      }
      if bytes.isEmpty { return original }
    }
    return bytes
  }
}
