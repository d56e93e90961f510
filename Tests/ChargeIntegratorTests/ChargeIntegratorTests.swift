// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingEngine
import Quantities
import Testing

private func at(_ seconds: Double) -> TimeSpan { TimeSpan(microseconds: Int64((seconds * 1e6).rounded())) }

private func reading(_ seconds: Double, _ volts: Double?, _ microamperes: Double?) -> Reading {
  Reading(
    time: at(seconds), voltage: volts.map(Voltage.init(volts:)),
    current: microamperes.map { Current(amperes: $0 * 1e-6) })
}

@Suite struct ChargeIntegratorTests {
  @Test func aStepByHand() {
    var integral = ChargeIntegrator(direction: .charge)
    integral.circuitClosed(at: at(0.5))
    integral.reading(reading(1.5, 1, 100))  // 1 s of 100 µA: 100 µC, 100 µJ
    integral.reading(reading(3.5, 2, 200))  // 2 s of 150 µA: 300 µC; mean power 250 µW: 500 µJ
    integral.circuitOpened(at: at(4))  // half a second of 200 µA: 100 µC, 200 µJ
    #expect(integral.charge == Charge(nanocoulombs: 500_000))
    #expect(integral.energy == Energy(nanojoules: 800_000))
    #expect(integral.reverseCharge == .zero)
    #expect(!integral.hasUnknown && !integral.hasUnknownEnergy && integral.backwardsCount == 0)
  }

  @Test func halvesOfANanocoulombRoundAwayFromZero() {
    for (picoamperes, expected) in [(500, 1), (499, 0), (501, 1), (-500, -1), (-499, 0), (1_500, 2)] as [(Int64, Int64)]
    {
      var integral = ChargeIntegrator(direction: .charge)
      integral.circuitClosed(at: .zero)
      integral.reading(
        Reading(time: at(1), voltage: Voltage(millivolts: 1_000), current: Current(picoamperes: picoamperes)))
      #expect(integral.charge.nanocoulombs == expected, "\(picoamperes) pA for 1 s")
      #expect(integral.energy.nanojoules == expected, "\(picoamperes) pA for 1 s at 1 V")
    }
  }

  @Test("Hazard rule 11: charge is integrated over exactly the time in which the circuit was closed")
  func rule11ClosedIntervals() {
    // Segments of 600 s, each closed 100 ms after the one before opened; readings at whole seconds only, and none at
    // the closing or the opening. A bridging trapezoid would count 167 ppm too much, lost ends 1,667 ppm too little.
    var integral = ChargeIntegrator(direction: .discharge)
    for segment in 0..<10 {
      let start = Double(segment) * 600.1
      integral.reading(reading(start - 0.05, 0.3, 0))
      integral.circuitClosed(at: at(start))
      for second in 1..<600 { integral.reading(reading(start + Double(second), 0.3, -134.3)) }
      integral.circuitOpened(at: at(start + 600))
    }
    #expect(integral.charge == Charge(nanocoulombs: -134_300 * 6_000))
    #expect(integral.reverseCharge == .zero)
  }

  @Test func currentWithTheCircuitOpenIsNotCounted() {
    var integral = ChargeIntegrator(direction: .charge)
    for second in 0..<5 { integral.reading(reading(Double(second), 1, 100)) }
    #expect(integral.charge == .zero)
    integral.circuitOpened(at: at(9))
    #expect(integral.charge == .zero && !integral.hasUnknown)
  }

  @Test func closingTwiceAndOpeningTwiceIsOnce() {
    var integral = ChargeIntegrator(direction: .charge)
    integral.circuitClosed(at: at(0))
    integral.reading(reading(1, 1, 10))
    integral.circuitClosed(at: at(1.5))
    integral.circuitOpened(at: at(2))
    integral.circuitOpened(at: at(3))
    #expect(integral.charge == Charge(nanocoulombs: 20_000))
  }

  @Test func anIntervalWithoutCurrentIsUnknownAndNotCounted() {
    var integral = ChargeIntegrator(direction: .charge)
    integral.circuitClosed(at: at(0))
    integral.reading(reading(1, 1, 10))
    #expect(!integral.hasUnknown)
    integral.reading(reading(2, 1, nil))
    integral.reading(reading(3, 1, 10))
    integral.reading(reading(4, 1, 10))
    #expect(integral.charge == Charge(nanocoulombs: 20_000))
    #expect(integral.hasUnknown && integral.hasUnknownEnergy)
  }

  @Test func aClosedCircuitWithoutAnyReadingIsUnknown() {
    var integral = ChargeIntegrator(direction: .charge)
    integral.circuitClosed(at: at(0))
    integral.circuitOpened(at: at(1))
    #expect(integral.hasUnknown)
    var instant = ChargeIntegrator(direction: .charge)
    instant.circuitClosed(at: at(1))
    instant.circuitOpened(at: at(1))
    #expect(!instant.hasUnknown)
  }

  @Test func withoutVoltageChargeIsKnownAndEnergyIsNot() {
    var integral = ChargeIntegrator(direction: .charge)
    integral.circuitClosed(at: at(0))
    integral.reading(reading(1, nil, 10))
    #expect(integral.charge == Charge(nanocoulombs: 10_000))
    #expect(integral.energy == .zero)
    #expect(!integral.hasUnknown && integral.hasUnknownEnergy)
  }

  @Test func aClockThatGoesBackwardsIsSkippedAndCounted() {
    var integral = ChargeIntegrator(direction: .charge)
    integral.circuitClosed(at: at(10))
    integral.reading(reading(9, 1, 1_000))
    integral.reading(reading(11, 1, 10))
    integral.reading(reading(10.5, 1, 1_000))
    integral.reading(reading(13, 1, 10))
    integral.circuitOpened(at: at(12))
    #expect(integral.backwardsCount == 3)
    #expect(integral.charge == Charge(nanocoulombs: 30_000))
    #expect(!integral.isClosed)
  }

  @Test("Hazard rule 15: opposite charge inside a half-cycle is kept as reverse charge")
  func rule15ReverseCharge() {
    var integral = ChargeIntegrator(direction: .discharge)
    integral.circuitClosed(at: at(0))
    integral.reading(reading(10, 1, -10))  // -100 µC
    integral.reading(reading(12, 1, 4))  // -6 µC: an interval that turns counts as what it moved in all
    integral.reading(reading(15, 1, 4))  // +12 µC
    #expect(integral.charge == Charge(nanocoulombs: -94_000))
    #expect(integral.reverseCharge == Charge(nanocoulombs: 12_000))
    var aimless = ChargeIntegrator(direction: .none)
    aimless.circuitClosed(at: at(0))
    aimless.reading(reading(1, 1, -3))
    #expect(aimless.reverseCharge == .zero)
  }

  @Test func aHoldSharesItsFirstIntervalByTime() {
    var integral = ChargeIntegrator(direction: .charge)
    integral.circuitClosed(at: at(0))
    integral.reading(reading(4, 4, 100))
    integral.holdBegan(at: at(5))
    integral.reading(reading(8, 4, 60))  // 320 µC, three quarters of it held
    integral.reading(reading(10, 4, 40))  // 100 µC held
    integral.holdBegan(at: at(9))  // a hold begins once
    integral.circuitOpened(at: at(11))  // 40 µC held
    #expect(integral.charge == Charge(nanocoulombs: 860_000))
    #expect(integral.constantVoltageCharge == Charge(nanocoulombs: 380_000))
  }

  @Test(arguments: SeededGenerator.seeds) func noInputTraps(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let extremes: [Int64] = [.min, .min + 1, -1, 0, 1, .max - 1, .max]
    func absurd() -> Int64 {
      Bool.random(using: &random)
        ? extremes.randomElement(using: &random) ?? 0 : Int64.random(in: .min ... .max, using: &random)
    }
    var integral = ChargeIntegrator(direction: Direction.allCases.randomElement(using: &random) ?? .none)
    var wereUnknown = false
    for _ in 0..<500 {
      switch Int.random(in: 0..<6, using: &random) {
      case 0: integral.circuitClosed(at: TimeSpan(microseconds: absurd()))
      case 1: integral.circuitOpened(at: TimeSpan(microseconds: absurd()))
      case 2: integral.holdBegan(at: TimeSpan(microseconds: absurd()))
      default:
        integral.reading(
          Reading(
            time: TimeSpan(microseconds: absurd()), voltage: Voltage(nanovolts: absurd()),
            current: Current(picoamperes: absurd())))
      }
      #expect(!wereUnknown || integral.hasUnknown, "what is unknown stays unknown")
      wereUnknown = integral.hasUnknown
      #expect(integral.reverseCharge >= .zero)
      _ = (integral.charge, integral.energy, integral.constantVoltageCharge)
    }
  }
}
