// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import InstrumentKit
import Quantities
import Testing

@Suite struct HostedSetpointTests {
  private static func setpoint(_ mode: Setpoint.Mode, _ cutOffs: [CutOff] = []) -> HostedSetpoint {
    HostedSetpoint(
      Setpoint(
        token: SetpointToken(run: 1, stepCount: 1), mode: mode, cutOffs: cutOffs,
        bounds: Bounds(
          lowerVoltage: Voltage(millivolts: -50), upperVoltage: Voltage(millivolts: 2_050),
          currentMagnitude: Current(picoamperes: 200_000_000), duration: TimeSpan(seconds: 100)),
        readingInterval: TimeSpan(seconds: 1), rangeCurrent: Current(picoamperes: 100_000_000),
        lease: TimeSpan(seconds: 60)))
  }

  private static func reading(_ milliseconds: Int64, _ millivolts: Int64?, _ microamperes: Int64?) -> Reading {
    Reading(
      time: TimeSpan(milliseconds: milliseconds), voltage: millivolts.map(Voltage.init(millivolts:)),
      current: microamperes.map { Current(picoamperes: $0 * 1_000_000) })
  }

  private static func atMost(millivolts: Int64) -> CutOff {
    CutOff(quantity: .voltage, comparison: .atMost, threshold: millivolts * 1_000_000, onlyInHold: false)
  }

  private static func isBound(_ verdict: HostedSetpoint.Verdict) -> Bool {
    if case .end(.bound(let fault)) = verdict { return fault.code == .instrumentBoundReached }
    return false
  }

  @Test func aCutOffIsJudgedOnceTheCurrentHasSettled() {
    var course = Self.setpoint(.constantCurrent(Current(picoamperes: -100_000_000)), [Self.atMost(millivolts: 10)])
    course.closed(at: TimeSpan(milliseconds: 500))
    #expect(course.judge(Self.reading(500, 5, -100)) == .goOn, "the first iR")
    #expect(course.judge(Self.reading(599, 5, -100)) == .goOn)
    #expect(course.judge(Self.reading(600, 11, -100)) == .goOn)
    #expect(course.judge(Self.reading(700, 10, -100)) == .end(.cutOff(0)))
    #expect(course.judge(Self.reading(700, nil, -100)) == .goOn, "what nobody measured ends nothing")
  }

  @Test func aLimitCountsInItsDirectionOnly() {
    var course = Self.setpoint(.constantCurrent(Current(picoamperes: -100_000_000)))
    course.closed(at: .zero)
    #expect(course.judge(Self.reading(0, 2_500, -100)) == .goOn, "a fresh cell stands above the limits")
    #expect(Self.isBound(course.judge(Self.reading(0, 2_500, 100))), "at once, settled or not")
    #expect(Self.isBound(course.judge(Self.reading(0, -51, -100))))
    #expect(course.judge(Self.reading(0, -51, 100)) == .goOn)
    #expect(Self.isBound(course.judge(Self.reading(0, 1_000, -201))))
  }

  @Test func aCurrentBecomesAHoldOnce() {
    let end = CutOff(quantity: .currentMagnitude, comparison: .atMost, threshold: 20_000_000, onlyInHold: true)
    let held = CutOff(quantity: .holdTime, comparison: .atLeast, threshold: 10_000_000, onlyInHold: true)
    var course = Self.setpoint(
      .constantCurrentThenVoltage(Current(picoamperes: 100_000_000), Voltage(millivolts: 2_000)), [end, held])
    course.closed(at: .zero)
    #expect(course.judge(Self.reading(50, 2_001, 100)) == .goOn)
    #expect(course.judge(Self.reading(1_000, 1_999, 10)) == .goOn, "no hold, no current to fall")
    #expect(course.judge(Self.reading(2_000, 2_000, 100)) == .hold(Voltage(millivolts: 2_000)))
    #expect(course.judge(Self.reading(3_000, 2_010, 100)) == .goOn, "it was told already")
    course.held(at: TimeSpan(milliseconds: 3_500))
    #expect(course.judge(Self.reading(3_550, 2_000, 10)) == .goOn)
    #expect(course.judge(Self.reading(4_000, 2_000, 21)) == .goOn)
    #expect(course.judge(Self.reading(4_500, 2_000, -20)) == .end(.cutOff(0)), "a magnitude")
    #expect(course.judge(Self.reading(13_500, 2_000, 50)) == .end(.cutOff(1)))
  }

  @Test func aVoltageEndsOnlyTheCurrentThatIsMeasured() {
    var course = Self.setpoint(.constantCurrent(Current(picoamperes: -100_000_000)), [Self.atMost(millivolts: 10)])
    course.closed(at: .zero)
    #expect(course.judge(Self.reading(1_000, 0, 0)) == .goOn, "as behind a relay that did not close")
    #expect(course.judge(Self.reading(2_000, 0, nil)) == .goOn)
    #expect(course.judge(Self.reading(3_000, 0, -49)) == .goOn)
    #expect(course.judge(Self.reading(4_000, 0, 100)) == .goOn)
    #expect(course.judge(Self.reading(5_000, 0, -50)) == .end(.cutOff(0)))
  }

  @Test func noHoldBeginsAtATargetWithoutCurrentAndNoneEndsElsewhere() {
    let end = CutOff(quantity: .currentMagnitude, comparison: .atMost, threshold: 20_000_000, onlyInHold: true)
    var course = Self.setpoint(
      .constantCurrentThenVoltage(Current(picoamperes: -100_000_000), Voltage(millivolts: 100)), [end])
    course.closed(at: .zero)
    #expect(course.judge(Self.reading(1_000, 0, 0)) == .goOn)
    #expect(course.judge(Self.reading(2_000, 0, 5)) == .goOn, "the other way")
    #expect(course.judge(Self.reading(3_000, 99, -5)) == .hold(Voltage(millivolts: 100)), "it holds by itself")
    course.held(at: TimeSpan(milliseconds: 3_500))
    #expect(course.judge(Self.reading(4_000, 0, 0)) == .goOn, "nobody holds 100 mV there")
    #expect(course.judge(Self.reading(5_000, 51, -20)) == .end(.cutOff(0)))
  }

  @Test func aRestHasTimesAndNoCurrent() {
    let cutOffs = [
      CutOff(quantity: .currentMagnitude, comparison: .atMost, threshold: 1, onlyInHold: false),
      CutOff(quantity: .time, comparison: .atLeast, threshold: 5_000_000, onlyInHold: false),
    ]
    var course = Self.setpoint(.openCircuit, cutOffs)
    #expect(course.judge(Self.reading(4_000, 2_900, 0)) == .goOn)
    #expect(course.judge(Self.reading(5_000, nil, nil)) == .end(.cutOff(1)), "a blind rest has its time too")
  }

  @Test func nothingLastsLongerThanItsBound() {
    var course = Self.setpoint(.constantVoltage(Voltage(millivolts: 100)))
    course.closed(at: TimeSpan(seconds: 1))
    #expect(course.holdBeganAt == TimeSpan(seconds: 1))
    #expect(course.judge(at: TimeSpan(milliseconds: 100_999)) == .goOn)
    #expect(Self.isBound(course.judge(at: TimeSpan(seconds: 101))))
    #expect(Self.isBound(course.judge(Self.reading(101_000, 100, 1))))
  }
}
