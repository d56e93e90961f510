// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Tables of a cell whose every half-cycle is known, in the many ways in which instruments record one. The charge that is
// right is counted here a second time, from the same records but with the knowledge of what each of them belongs to.

@testable import CyclingData

/// A table of records with what each of them belongs to.
struct SyntheticTest {
  /// What a record belongs to.
  enum Part: Hashable {
    case half(Int)
    case rest
    /// A pulse the other way.
    case pulse
  }

  struct Record {
    var time: Double
    var current: Double
    var voltage: Double
    var step: Int
    var stepTime: Double
    var part: Part
  }

  var records: [Record] = []
  /// Direction of each half-cycle: 1 charges.
  private(set) var signs: [Double] = []
  /// What each half-cycle moved by the closed form of its currents, C; nil where one of them fell.
  private(set) var moved: [Double?] = []
  let shape: Shape
  private var random: SeededGenerator
  private var now = 0.0
  private var step = 0

  /// How a table is recorded, and what of a cell it shows.
  struct Shape: CustomStringConvertible {
    var capacity: Double
    var chargesFirst: Bool
    var hasStep: Bool
    var hasStepTime: Bool
    /// The first record of a step is written at its very beginning.
    var recordsBegin: Bool
    /// The last one at its very end.
    var recordsEnd: Bool
    /// Of the largest current: what a rest shows; 0 for none.
    var restNoise: Double
    var restOffset: Double
    var interval: Double

    var description: String {
      "\(capacity) C, charges first: \(chargesFirst), steps: \(hasStep) \(hasStepTime), begin: \(recordsBegin), "
        + "end: \(recordsEnd), rest: \(restNoise) \(restOffset), every \(interval) s"
    }
  }

  init(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let exponent = Double.random(in: -2.4...6, using: &random)
    var capacity = 1.0
    for _ in 0..<Int(exponent.magnitude.rounded()) { capacity *= exponent < 0 ? 0.1 : 10 }
    let rest = Int.random(in: 0...3, using: &random)
    let hasStep = Int.random(in: 0...3, using: &random) > 0
    let hasStepTime = Bool.random(using: &random)
    // Where nothing tells when a step began, its first record has to.
    let recordsBegin = !hasStepTime || Bool.random(using: &random)
    shape = Shape(
      capacity: capacity * Double.random(in: 1...3, using: &random), chargesFirst: Bool.random(using: &random),
      hasStep: hasStep, hasStepTime: hasStepTime,
      recordsBegin: recordsBegin, recordsEnd: !recordsBegin || Bool.random(using: &random),
      restNoise: rest == 2 ? 1e-5 : 0, restOffset: rest == 3 ? [2e-5, -2e-5].randomElement(using: &random) ?? 0 : 0,
      interval: [5, 10, 10.05, 30].randomElement(using: &random) ?? 5)
    self.random = random
    run()
  }

  /// The same cell at one rate is `rate` of this many A.
  private var oneC: Double { shape.capacity / 3_600 }

  // MARK: The program

  private mutating func run() {
    rest(300)
    let count = Int.random(in: 2...5, using: &random)
    for index in 0..<count {
      let sign = (index % 2 == 0) == shape.chargesFirst ? 1.0 : -1
      signs.append(sign)
      moved.append(0)
      switch Int.random(in: 0...5, using: &random) {
      case 0: constant(sign)
      case 1: falling(sign)
      case 2: several(sign)
      case 3: pulsed(sign)
      case 4: titrated(sign)
      default: withPulseTests(sign)
      }
      rest(Double.random(in: 60...900, using: &random))
    }
  }

  private mutating func rate(_ rates: [Double]) -> Double { rates.randomElement(using: &random) ?? 1 }

  private mutating func constant(_ sign: Double) {
    let rate = rate([0.1, 0.2, 0.5, 1, 2, 5])
    flow(sign * rate, seconds: 3_600 / rate, from: 0, to: 1, every: 3_600 / rate / 200)
  }

  /// To the cut-off, held there until hardly anything flows, and a trickle behind it.
  private mutating func falling(_ sign: Double) {
    let rate = rate([0.5, 1, 2])
    flow(sign * rate, seconds: 2_880 / rate, from: 0, to: 1)
    let last = rate / self.rate([20.0, 50, 150, 400])
    flow(sign * rate, seconds: 4_000, from: 1, to: 1, fallingTo: sign * last)
    if shape.hasStep, Bool.random(using: &random) { flow(sign * 0.01, seconds: 7_200, from: 1, to: 1, every: 60) }
  }

  /// C/20, C/30, C/60 and rests between, as hard carbon is formed; C/50 after a pulse of 2 C.
  private mutating func several(_ sign: Double) {
    if Bool.random(using: &random) { flow(sign * 2, seconds: 60, from: 0, to: 0.02) }
    for (rate, from, to) in [(1.0 / 20, 0.02, 0.7), (1.0 / 30, 0.6, 0.9), (1.0 / 60, 0.8, 1)] {
      flow(sign * rate, seconds: 10_000, from: from, to: to, every: 60)
      rest(900)
    }
  }

  /// A pulse the other way after each tenth.
  private mutating func pulsed(_ sign: Double) {
    for part in 0..<10 {
      let (from, to) = (Double(part) / 10, Double(part + 1) / 10)
      flow(sign, seconds: 360, from: from, to: to)
      guard part > 2, part < 9 else { continue }
      if Bool.random(using: &random) { rest(40) }
      flow(-sign, seconds: 10, from: to - 0.1, to: to - 0.15, every: 0.5, part: .pulse)
      if Bool.random(using: &random) { rest(40) }
    }
  }

  /// Pulses of a hundredth of the capacity, and rests.
  private mutating func titrated(_ sign: Double) {
    let count = 60
    for part in 0..<count {
      let place = Double(part) / Double(count)
      flow(sign * 0.1, seconds: 600, from: place, to: place + 1 / Double(count), every: 20)
      rest(600)
    }
  }

  /// Tests of power: a pulse with the current, one against it, then a tenth of the capacity.
  private mutating func withPulseTests(_ sign: Double) {
    for part in 0..<10 {
      let (from, to) = (Double(part) / 10, Double(part + 1) / 10)
      if part > 0 {
        flow(sign, seconds: 10, from: from, to: from + 0.05, every: 1)
        rest(40)
        flow(-sign * 0.75, seconds: 10, from: from, to: from - 0.05, every: 1, part: .pulse)
        rest(40)
      }
      flow(sign * 0.5, seconds: 720, from: from, to: to)
    }
  }

  // MARK: Records

  /// - Parameters:
  ///   - rate: In C, positive charging.
  ///   - from: How much of the half-cycle's way from one cut-off to the other lies behind it.
  private mutating func flow(
    _ rate: Double, seconds: Double, from: Double, to: Double, every: Double? = nil, fallingTo last: Double? = nil,
    part: Part? = nil
  ) {
    let half = signs.count - 1
    let current = rate * oneC
    let end = (last ?? rate) * oneC
    // From the first to the last current by one factor each second.
    func value(_ elapsed: Double) -> Double {
      last == nil ? current : current * Self.power(end / current, elapsed / seconds)
    }
    let sign = signs[half]
    write(seconds, every ?? shape.interval, part ?? .half(half)) { elapsed in
      let way = from + (to - from) * elapsed / seconds
      return (value(elapsed), sign > 0 ? 2 + 2 * way : 4 - 2 * way)
    }
    if part == nil { moved[half] = last == nil ? moved[half].map { $0 + (current * seconds).magnitude } : nil }
  }

  private mutating func rest(_ seconds: Double) {
    let (noise, offset) = (shape.restNoise * oneC, shape.restOffset * oneC)
    var random = random
    write(seconds, 20, .rest) { _ in (offset + (noise > 0 ? Double.random(in: -noise...noise, using: &random) : 0), 3) }
    self.random = random
  }

  private mutating func write(
    _ seconds: Double, _ interval: Double, _ part: Part, _ value: (Double) -> (current: Double, voltage: Double)
  ) {
    step += 1
    var elapsed = shape.recordsBegin ? 0 : min(interval, seconds)
    func record(_ elapsed: Double) -> Record {
      let (current, voltage) = value(elapsed)
      return Record(
        time: now + elapsed, current: current, voltage: voltage, step: step, stepTime: elapsed, part: part)
    }
    while elapsed < seconds - 1e-9 {
      records.append(record(elapsed))
      elapsed += interval
    }
    if shape.recordsEnd || elapsed == min(interval, seconds) { records.append(record(seconds)) }
    now += seconds
  }

  private static func power(_ base: Double, _ exponent: Double) -> Double {
    // base to the exponent by squaring of its roots: exact enough for a current, and without another library.
    var (result, root, rest) = (1.0, base, exponent)
    for _ in 0..<52 {
      root = root.squareRoot()
      rest *= 2
      if rest >= 1 {
        result *= root
        rest -= 1
      }
    }
    return exponent >= 1 ? base : result
  }

  // MARK: As a file

  var text: String {
    var text = "time_s,current_A,voltage_V" + (shape.hasStep ? ",step_index" : "")
    text += (shape.hasStepTime ? ",step_time_s" : "") + "\n"
    for record in records {
      text += "\(record.time),\(record.current),\(record.voltage)"
      if shape.hasStep { text += ",\(record.step)" }
      if shape.hasStepTime { text += ",\(record.stepTime)" }
      text += "\n"
    }
    return text
  }

  /// The same with records that are there twice, records out of order, and a clock that begins anew during a rest.
  mutating func disturb() {
    var disturbed: [Record] = []
    let rests = records.indices.dropFirst().filter {
      records[$0].part == .rest && records[$0 - 1].part == .rest && records[$0].step == records[$0 - 1].step
    }
    let restart = rests.randomElement(using: &random)
    var shift = 0.0
    for (index, record) in records.enumerated() {
      if index == restart { shift = records[index - 1].time }
      var moved = record
      moved.time -= shift
      disturbed.append(moved)
      switch Int.random(in: 0...99, using: &random) {
      case 0, 1: disturbed.append(moved)
      case 2 where index > 0 && index != restart && record.time > records[index - 1].time:
        moved.time -= (record.time - records[index - 1].time) / 2
        disturbed.append(moved)
      default: break
      }
    }
    records = disturbed
  }

  // MARK: What is right

  /// The charge of each half-cycle by the rule of docs/metrics.md ("Charge in files"), C, a magnitude.
  var charges: [Double] {
    var sums = [CompensatedSum](repeating: CompensatedSum(), count: signs.count)
    func add(_ charge: Double, _ part: Part) {
      if case .half(let index) = part { sums[index].add(charge * signs[index]) }
    }
    if let first = records.first, shape.hasStepTime, first.stepTime > 0 {
      add(first.current * first.stepTime, first.part)
    }
    for (before, after) in zip(records, records.dropFirst()) {
      let span = after.time - before.time
      guard span > 0 else { continue }
      let isKnown = shape.hasStep && before.step != after.step || shape.hasStepTime && after.stepTime < before.stepTime
      let isFree = !shape.hasStep && !shape.hasStepTime
      if isKnown || isFree && before.part != after.part {
        let tau = isKnown && shape.hasStepTime && after.stepTime > 0 ? min(after.stepTime, span) : 0
        add(before.current * (span - tau), before.part)
        add(after.current * tau, after.part)
      } else {
        let current = (before.part == .rest ? 0 : before.current) + (after.part == .rest ? 0 : after.current)
        add(current / 2 * span, after.part == .rest ? before.part : after.part)
      }
    }
    return sums.map(\.value)
  }
}
