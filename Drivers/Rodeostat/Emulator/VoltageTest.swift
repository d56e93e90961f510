// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The courses of the voltage that the firmware knows by name. Times are in whole microseconds, voltages in single
// precision. Parameters may be changed while a test runs, and then count from the next step of its clock.

/// One test with its parameters.
struct VoltageTest: Sendable, Hashable {
  /// What the voltage does after the quiet time.
  enum Course: String, Sendable, Hashable, CaseIterable {
    case cyclic, sinusoid, constant, squareWave, linearSweep, chronoamp, multiStep, differentialPulse
  }

  /// A level and how long it is held.
  struct Step: Sendable, Hashable {
    var duration: UInt64
    var value: Float
  }

  let course: Course
  var quietTime: UInt64 = 0
  var quietValue: Float = 0
  var duration: UInt64
  var value: Float = 1
  var startValue: Float = -0.5
  var finalValue: Float = 0.5
  var stepValue: Float = 0.005
  var amplitude: Float
  var pulseValue: Float = 0.025
  var window: Float = 0.2
  var offset: Float = 0
  var period: UInt64 = 1_000_000
  var cycles: UInt32 = 10
  var shift: Float = 0
  var steps: [Step]
  /// Microseconds between two samples; a stair takes as long.
  var samplePeriod: UInt64 = 10_000
  /// When a stair is over; worked out when one of its parameters is set, and no sooner.
  private(set) var stairEnd: UInt64 = 0

  init(_ course: Course) {
    self.course = course
    duration = course == .constant ? 5_000_000 : 2_000_000
    amplitude = course == .squareWave ? 0.025 : 1
    let pair = [Step(duration: 1_000_000, value: 0.5), Step(duration: 1_000_000, value: -0.5)]
    steps = course == .multiStep ? pair + pair + pair.prefix(1) : pair
    updateStairEnd()
  }

  var isStair: Bool { course == .squareWave || course == .differentialPulse }
  /// Tests that a multiplexer may share.
  var fitsMultiplexer: Bool { !isStair }

  mutating func updateStairEnd() {
    guard stepValue > 0 else {
      stairEnd = quietTime
      return
    }
    let count = ((finalValue - startValue).magnitude / stepValue).rounded(.up)
    stairEnd = quietTime + (UInt64(min(max(count, 0), 1e12)) + 1) * samplePeriod
  }

  /// Microseconds after its beginning at which it is over.
  var doneTime: UInt64 {
    switch course {
    case .constant, .linearSweep: quietTime + duration
    case .chronoamp, .multiStep: quietTime + steps.reduce(0) { $0 + $1.duration }
    case .cyclic, .sinusoid: quietTime &+ UInt64(cycles) &* period
    case .squareWave, .differentialPulse: stairEnd
    }
  }

  // MARK: The voltage

  /// The voltage at a moment.
  func level(at time: UInt64) -> Float {
    guard time >= quietTime else { return quietValue }
    let since = time - quietTime
    switch course {
    case .constant: return value
    case .linearSweep:
      return duration == 0 ? startValue : (finalValue - startValue) * Float(since) / Float(duration) + startValue
    case .cyclic: return triangle(phase(since))
    case .sinusoid:
      return period == 0 ? offset : offset + amplitude * sine(Double(phase(since)) / Double(period))
    case .chronoamp, .multiStep: return steppedLevel(since)
    case .squareWave:
      return stair(since) + (since % max(samplePeriod, 1) < samplePeriod / 2 ? amplitude : -amplitude)
    case .differentialPulse:
      let isPulse = since >= samplePeriod && since % max(samplePeriod, 1) < samplePeriod / 2
      return stair(since) + (isPulse ? pulseValue : 0)
    }
  }

  private func phase(_ since: UInt64) -> UInt64 {
    period == 0 ? 0 : (since + UInt64(min(max(Double(shift), 0) * Double(period), 1e18))) % period
  }

  private func triangle(_ phase: UInt64) -> Float {
    guard period > 0 else { return offset - amplitude }
    let way = phase < period / 2 ? phase : period - phase
    return 4 * amplitude * Float(way) / Float(period) + offset - amplitude
  }

  /// From a table of 300 places with straight lines between them.
  private func sine(_ turns: Double) -> Float {
    let places = 299.0
    let place = (turns * places).rounded(.down)
    let low = Self.sine(of: place / places)
    let high = Self.sine(of: (place + 1) / places)
    return Float(low + (high - low) * (turns * places - place))
  }

  /// By its series around the nearest of 0 and a half turn: no library is needed for it.
  private static func sine(of turns: Double) -> Double {
    let folded = turns - turns.rounded()
    let near = folded.magnitude <= 0.25 ? folded : (folded < 0 ? -0.5 : 0.5) - folded
    let angle = near * 2 * Double.pi
    var term = angle
    var sum = angle
    for order in stride(from: 3.0, through: 19, by: 2) {
      term *= -angle * angle / (order * (order - 1))
      sum += term
    }
    return sum
  }

  private func steppedLevel(_ since: UInt64) -> Float {
    var end: UInt64 = 0
    for step in steps {
      end += step.duration
      if since <= end { return step.value }
    }
    return 0
  }

  /// Where the stair stands.
  func stair(_ since: UInt64) -> Float {
    let count = samplePeriod == 0 ? 0 : since / samplePeriod
    let sign: Float = startValue <= finalValue ? 1 : -1
    let level = startValue + Float(count) * sign * stepValue
    return min(max(level, min(startValue, finalValue)), max(startValue, finalValue))
  }

  /// How long the current counts at the end of each half of a stair's step.
  var windowTime: UInt64 {
    let half = max(samplePeriod / 2, 2)
    return max(UInt64(Float(half - 1) * window), 1)
  }

  /// Where in a half step of a stair a moment lies: microseconds to the half's end, and whether it is the first half.
  func halfStep(_ time: UInt64) -> (left: UInt64, isFirst: Bool) {
    let half = max(samplePeriod / 2, 1)
    let place = (time - min(time, quietTime)) % max(samplePeriod, 1)
    return place < half ? (half - place, true) : (max(samplePeriod, 1) - place, false)
  }

  /// The lowest and the highest voltage, as the firmware reckons them to choose its ranges.
  var extent: (low: Float, high: Float) {
    switch course {
    case .constant: (min(value, quietValue), max(value, quietValue))
    case .linearSweep: (min(startValue, finalValue, quietValue), max(startValue, finalValue, quietValue))
    case .cyclic, .sinusoid: (offset - amplitude, offset + amplitude)
    case .chronoamp, .multiStep: (steps.map(\.value).min() ?? 0, steps.map(\.value).max() ?? 0)
    case .squareWave:
      (
        min(min(startValue, finalValue) - amplitude, quietValue),
        max(max(startValue, finalValue) + amplitude, quietValue)
      )
    case .differentialPulse:
      startValue <= finalValue
        ? (min(startValue, finalValue), max(startValue, finalValue) + pulseValue)
        : (min(startValue, finalValue), max(startValue, finalValue))
    }
  }

  /// The longest time for which the voltage may be taken for constant from a moment on; one step of the clock for a
  /// voltage that moves.
  func steadyTime(from time: UInt64, tick: UInt64) -> UInt64 {
    if time < quietTime { return quietTime - time }
    switch course {
    case .constant: return .max
    case .squareWave, .differentialPulse:
      // The last step of the clock before the voltage moves is one of its own, and in the window there are some.
      let left = halfStep(time).left
      let beforeStep = left > tick ? left - tick : left
      return max(min(left > windowTime ? left - windowTime : windowTime / 4, beforeStep), tick)
    case .chronoamp, .multiStep, .linearSweep, .cyclic, .sinusoid: return tick
    }
  }
}
