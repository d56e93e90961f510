// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Glibc

extension CellPreset {
  /// A fresh cell of this kind.
  ///
  /// Without a seed it has exactly the preset's values; with one it differs from them as one cell of a batch does, the
  /// same seed always giving the same cell.
  public func makeCell(seed: UInt64? = nil) -> SodiumCell {
    var capacity = 1.0
    var resistance = 1.0
    var losses = 1.0
    if let seed {
      var numbers = SeededNumbers(seed: seed)
      capacity = Self.factor(percent: cellToCell.capacityPercent, &numbers)
      resistance = Self.factor(percent: cellToCell.resistancePercent, &numbers)
      losses = min(Self.factor(percent: cellToCell.sideReactionsPercent, &numbers), 0.99 / max(totalLoss, 1e-9))
    }
    let positive = Self.risingWithCharge(positiveElectrode, scale: capacity, charging: -1)
    // A collector's curve belongs to its surface; only what stores sodium in bulk varies with the electrode's mass.
    let negative = negativeElectrode.map { Self.risingWithCharge($0, scale: 1, charging: 1) }
    let leakyIsPositive = sideReactions.electrode == .positive
    let leaky = leakyIsPositive ? positive : (negative ?? positive)
    let leakyElectrode = leakyIsPositive ? positiveElectrode : (negativeElectrode ?? positiveElectrode)
    let direction = leakyIsPositive ? -1.0 : 1.0
    let bulk = leakyIsPositive ? capacity : 1
    return SodiumCell(
      model: CellModel(
        leaky: leaky, faithful: leakyIsPositive ? negative : positive,
        loss: CellModel.Loss(
          direction: sideReactions.during == .charging ? .charging : .discharging,
          lasting: sideReactions.lastingFraction * losses,
          early: SIMD2(sideReactions.earlyFractions[0], sideReactions.earlyFractions[1]) * losses,
          reach: SIMD2(sideReactions.earlyReachMilliampereHours[0], sideReactions.earlyReachMilliampereHours[1])
            * Self.coulombs),
        oxidation: oxidation.map {
          CellModel.Oxidation(fraction: $0.fraction, beginsAt: positive.charge(at: $0.aboveVolts))
        },
        ageing: CellModel.Ageing(
          reach: capacityReachMilliampereHours.map { $0 * Self.coulombs } ?? .infinity,
          fixedPoint: -leakyElectrode.sodiumWhenMade * leakyElectrode.capacityMilliampereHours * Self.coulombs * bulk
            * direction),
        resistance: resistanceOhms * resistance,
        diffusionResistance: SIMD2(diffusionOhms[0], diffusionOhms[1]) * resistance,
        diffusionTime: SIMD2(diffusionSeconds[0], diffusionSeconds[1]),
        hysteresis: hysteresisVolts, hysteresisCharge: hysteresisReachMilliampereHours * Self.coulombs))
  }

  /// Coulombs in a milliampere-hour.
  private static let coulombs = 3.6

  private var totalLoss: Double { sideReactions.lastingFraction + sideReactions.earlyFractions.reduce(0, +) }

  /// A factor near one, never so far from it that a cell becomes something else.
  private static func factor(percent: Double, _ numbers: inout SeededNumbers) -> Double {
    min(max(1 + numbers.normal() * percent / 100, 0.5), 1.5)
  }

  /// An electrode's part of the terminal voltage over the charge through the terminals since the cell was made, which
  /// rises for both electrodes. `charging` is the sign of the change of the electrode's sodium while charging.
  private static func risingWithCharge(_ electrode: Electrode, scale: Double, charging: Double) -> PotentialCurve {
    let full = electrode.capacityMilliampereHours * coulombs * scale * charging
    let knots = electrode.potential.map { point in
      PotentialCurve.Knot(charge: (point[0] - electrode.sodiumWhenMade) * full, volts: point[1] * -charging)
    }
    return PotentialCurve(knots: charging < 0 ? knots.reversed() : knots)
  }
}

/// Numbers from a seed, the same on every machine (SplitMix64: Steele, Lea, Flood, OOPSLA 2014).
public struct SeededNumbers: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// A sequence of its own for each seed.
  public init(seed: UInt64) { state = seed }

  /// The next 64 bits.
  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// A number from the standard normal distribution (Box and Muller's method).
  public mutating func normal() -> Double {
    let radius = Double.random(in: Double.leastNonzeroMagnitude...1, using: &self)
    let angle = Double.random(in: 0..<(2 * Double.pi), using: &self)
    return sqrt(-2 * log(radius)) * cos(angle)
  }
}
