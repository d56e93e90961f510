// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingEngine
import Quantities
import Testing

/// What an integrator is told.
private enum Happening {
  case closed(TimeSpan)
  case opened(TimeSpan)
  case read(Reading)

  func tell(_ integral: inout ChargeIntegrator) {
    switch self {
    case .closed(let time): integral.circuitClosed(at: time)
    case .opened(let time): integral.circuitOpened(at: time)
    case .read(let reading): integral.reading(reading)
    }
  }
}

/// A step of several closings with readings at uneven times, and what flowed, computed the other way round: from the
/// corners of the current's curve over each closing, in exact integers and again in floating point.
private struct RandomStep {
  let direction: Direction
  private(set) var happenings: [Happening] = []
  /// 2 pA·µs.
  private(set) var charge: Int128 = 0
  /// 2 pA·µs.
  private(set) var reverse: Int128 = 0
  /// 2 nV·pA·µs.
  private(set) var energy: Int128 = 0
  private(set) var coulombs = 0.0
  private(set) var joules = 0.0

  private struct Corner {
    var time: Int64
    var current: Int64
    var voltage: Int64
  }

  init(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    direction = Direction.allCases.randomElement(using: &random) ?? .charge
    let scale = Int64.random(in: 1_000...200_000_000_000, using: &random)
    var time = Int64.random(in: 0...1_000_000, using: &random)
    for _ in 0..<Int.random(in: 1...5, using: &random) {
      var corners: [Corner] = []
      let closing = time
      happenings.append(.closed(TimeSpan(microseconds: time)))
      for _ in 0..<Int.random(in: 1...60, using: &random) {
        time += Int64.random(in: 0...5_000_000, using: &random)
        corners.append(
          Corner(
            time: time, current: Int64.random(in: -scale...scale, using: &random),
            voltage: Int64.random(in: -1_000_000_000...5_000_000_000, using: &random)))
      }
      for corner in corners {
        happenings.append(
          .read(
            Reading(
              time: TimeSpan(microseconds: corner.time), voltage: Voltage(nanovolts: corner.voltage),
              current: Current(picoamperes: corner.current))))
      }
      time += Int64.random(in: 0...1_000_000, using: &random)
      happenings.append(.opened(TimeSpan(microseconds: time)))
      var first = corners[0]
      first.time = closing
      var last = corners[corners.count - 1]
      last.time = time
      add([first] + corners + [last])
      time += Int64.random(in: 1...3_000_000, using: &random)
    }
  }

  private mutating func add(_ corners: [Corner]) {
    for (left, right) in zip(corners, corners.dropFirst()) {
      let span = right.time - left.time
      let moved = Int128(left.current) * Int128(span) + Int128(right.current) * Int128(span)
      charge += moved
      if moved.signum() == -Int128(direction.rawValue) { reverse += Int128(moved.magnitude) }
      energy +=
        Int128(left.voltage) * Int128(left.current) * Int128(span)
        + Int128(right.voltage) * Int128(right.current) * Int128(span)
      let seconds = Double(span) * 1e-6
      coulombs += (Double(left.current) + Double(right.current)) * 0.5e-12 * seconds
      joules +=
        (Double(left.current) * Double(left.voltage) + Double(right.current) * Double(right.voltage)) * 0.5e-21
        * seconds
    }
  }
}

/// Halves away from zero, the long way.
private func rounded(_ sum: Int128, by unit: Int128) -> Int64 {
  let (quotient, remainder) = sum.quotientAndRemainder(dividingBy: unit)
  return Int64(remainder.magnitude * 2 >= unit.magnitude ? quotient + sum.signum() : quotient)
}

@Suite struct ChargeIntegratorPropertyTests {
  @Test(arguments: SeededGenerator.seeds) func agreesWithTheCurvesCorners(seed: UInt64) {
    let step = RandomStep(seed: seed)
    var integral = ChargeIntegrator(direction: step.direction)
    for happening in step.happenings { happening.tell(&integral) }
    #expect(integral.charge.nanocoulombs == rounded(step.charge, by: 2_000_000_000))
    #expect(integral.reverseCharge.nanocoulombs == rounded(step.reverse, by: 2_000_000_000))
    #expect(integral.energy.nanojoules == rounded(step.energy, by: 2_000_000_000_000_000_000))
    #expect(abs(Double(integral.charge.nanocoulombs) - step.coulombs * 1e9) < 1)
    #expect(abs(Double(integral.energy.nanojoules) - step.joules * 1e9) < 1)
    #expect(!integral.hasUnknown && integral.backwardsCount == 0)
  }

  @Test(arguments: SeededGenerator.seeds) func goesOnFromACheckpointAtAnyReading(seed: UInt64) throws {
    let step = RandomStep(seed: seed)
    var straight = ChargeIntegrator(direction: step.direction)
    var broken = straight
    for (number, happening) in step.happenings.enumerated() {
      if number == 3 { straight.holdBegan(at: TimeSpan(seconds: 7)) }
      if number == 3 { broken.holdBegan(at: TimeSpan(seconds: 7)) }
      happening.tell(&straight)
      happening.tell(&broken)
      var writer = ByteWriter()
      broken.encode(into: &writer)
      var reader = ByteReader(writer.bytes)
      broken = try ChargeIntegrator(from: &reader)
      #expect(reader.isAtEnd)
      #expect(broken == straight)
    }
  }

  @Test func aCutCheckpointIsRefused() {
    var writer = ByteWriter()
    ChargeIntegrator(direction: .discharge).encode(into: &writer)
    for length in 0..<writer.bytes.count {
      #expect(throws: ByteReader.Malformed.self, "cut after \(length) bytes") {
        var reader = ByteReader(Array(writer.bytes[..<length]))
        _ = try ChargeIntegrator(from: &reader)
      }
    }
    var wrong = writer.bytes
    wrong[0] = 7
    #expect(throws: ByteReader.Malformed.self) {
      var reader = ByteReader(wrong)
      _ = try ChargeIntegrator(from: &reader)
    }
  }
}
