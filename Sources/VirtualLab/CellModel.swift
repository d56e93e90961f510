// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The physics of every virtual cell, as a function of a small state.
//
//     terminal voltage = positive potential − negative potential + hysteresis + diffusion + resistance × current
//
// One electrode is the leaky one: in one direction of current a fraction of the charge goes into side reactions and
// never reaches it. The other electrode follows the terminals exactly. Everything else (resistance, the two diffusion
// elements, hysteresis) changes the voltage only, so charge is conserved by construction. So does the ageing of the leaky
// electrode: its potential curve becomes narrower with the charge that has passed, and the cut-offs come earlier.
//
// At constant current each part has a closed solution, so one advance is exact however long it is. At constant voltage
// the current depends on the state; there the state is integrated by the classical Runge–Kutta rule in steps well below
// the fastest time constant at hand.

import Glibc

/// What changes in a virtual cell. Charges in coulombs, positive charging; voltages in volts.
struct CellState: Sendable, Equatable {
  /// Net charge through the terminals.
  var terminal = 0.0
  /// Charge lost to side reactions, a magnitude that never decreases.
  var lost = 0.0
  /// Net charge that reached the leaky electrode: terminal − lost for a leak while charging, + lost while discharging.
  var stored = 0.0
  /// Voltage over the faster and the slower diffusion element.
  var diffusion = SIMD2<Double>(0, 0)
  /// Where between the discharging (−1) and the charging branch (1) the cell is.
  var branch = 0.0
  /// What is left of the early and of the long-lasting fraction of lost charge, 1 when fresh.
  var lossLeft = SIMD2<Double>(1, 1)
  /// What is left of the leaky electrode's capacity, 1 when fresh.
  var capacityLeft = 1.0
}

/// A cell's constants and its laws of motion.
final class CellModel: Sendable {
  /// The direction of current in which the leaky electrode loses charge.
  enum LossDirection: Sendable {
    case charging
    case discharging
  }

  /// Charge lost to side reactions: of each coulomb in the lossy direction the fraction
  /// `lasting + early.x · exp(−Q/reach.x) + early.y · exp(−Q/reach.y)`, Q being what has passed in that direction.
  struct Loss: Sendable {
    var direction: LossDirection
    /// The fraction that remains for ever.
    var lasting: Double
    /// The fractions that fade.
    var early: SIMD2<Double>
    /// Coulombs over which they fade.
    var reach: SIMD2<Double>
  }

  /// Where the leaky electrode loses capacity.
  struct Ageing: Sendable {
    /// The charge in coulombs, counted in the lossy direction, over which the capacity fades to 1/e; infinite for an
    /// electrode that does not age.
    var reach: Double
    /// The charge on the leaky electrode's curve that stays where it is: the electrode without sodium.
    var fixedPoint: Double
  }

  /// Electrolyte that is oxidised at the other electrode, the working one: beyond a terminal charge at which that
  /// electrode stands at some potential, a further fraction of what is charged goes there, and not into plated sodium.
  struct Oxidation: Sendable {
    /// Of the charge beyond.
    var fraction: Double
    /// Coulombs through the terminals since the cell was made.
    var beginsAt: Double
  }

  /// The potential that rises with the leaky electrode's charge, and the one that rises with the terminals' charge.
  let leaky: PotentialCurve
  let faithful: PotentialCurve?
  let loss: Loss
  let oxidation: Oxidation?
  let ageing: Ageing
  /// Ohms in series.
  let resistance: Double
  /// Ohms and seconds of the two diffusion elements.
  let diffusionResistance: SIMD2<Double>
  let diffusionTime: SIMD2<Double>
  /// Half the gap between the branches in volts, and the charge in coulombs over which a branch is reached.
  let hysteresis: Double
  let hysteresisCharge: Double

  init(
    leaky: PotentialCurve, faithful: PotentialCurve?, loss: Loss, oxidation: Oxidation?, ageing: Ageing,
    resistance: Double, diffusionResistance: SIMD2<Double>, diffusionTime: SIMD2<Double>, hysteresis: Double,
    hysteresisCharge: Double
  ) {
    self.leaky = leaky
    self.faithful = faithful
    self.loss = loss
    self.oxidation = oxidation
    self.ageing = ageing
    self.resistance = resistance
    self.diffusionResistance = diffusionResistance
    self.diffusionTime = diffusionTime
    self.hysteresis = hysteresis
    self.hysteresisCharge = hysteresisCharge
  }

  // MARK: - Voltages

  /// The voltage of the open cell in volts.
  func openVoltage(_ state: CellState) -> Double {
    leakyVolts(at: state.stored, capacityLeft: state.capacityLeft) + (faithful?.volts(at: state.terminal) ?? 0)
      + hysteresis * state.branch + state.diffusion.x + state.diffusion.y
  }

  /// The leaky electrode's part of it, of a curve that has become as narrow as the capacity that is left.
  private func leakyVolts(at stored: Double, capacityLeft: Double) -> Double {
    leaky.volts(at: ageing.fixedPoint + (stored - ageing.fixedPoint) / capacityLeft)
  }

  func leakySlope(_ state: CellState) -> Double {
    leaky.slope(at: ageing.fixedPoint + (state.stored - ageing.fixedPoint) / state.capacityLeft) / state.capacityLeft
  }

  /// The current in amperes that a source of `volts` without a limit would drive.
  func unlimitedCurrent(_ state: CellState, at volts: Double) -> Double {
    (volts - openVoltage(state)) / resistance
  }

  // MARK: - Constant current

  /// The fraction of the charge in the lossy direction that is lost at this moment.
  func lossFraction(_ state: CellState) -> Double {
    let beyond = oxidation.map { state.terminal > $0.beginsAt ? $0.fraction : 0 } ?? 0
    return loss.lasting + loss.early.x * state.lossLeft.x + loss.early.y * state.lossLeft.y + beyond
  }

  /// What is oxidised of a charge that has just gone through the terminals.
  private func oxidised(_ charge: Double, in state: CellState) -> Double {
    guard let oxidation, state.terminal > oxidation.beginsAt else { return 0 }
    return oxidation.fraction * min(charge, state.terminal - oxidation.beginsAt)
  }

  /// Books a charge in coulombs that went through the terminals in one direction.
  private func book(_ charge: Double, in state: inout CellState) {
    state.terminal += charge
    switch loss.direction {
    case .charging:
      guard charge > 0 else { break }
      let lost = lose(charge, in: &state) + oxidised(charge, in: state)
      state.lost += lost
      state.stored += charge - lost
      return
    case .discharging:
      guard charge < 0 else { break }
      let lost = lose(-charge, in: &state)
      state.lost += lost
      state.stored += charge + lost
      return
    }
    state.stored += charge
  }

  /// What of a charge (a magnitude) in the lossy direction is lost: the fraction above, integrated.
  private func lose(_ charge: Double, in state: inout CellState) -> Double {
    let fading = SIMD2(fadedShare(charge / loss.reach.x), fadedShare(charge / loss.reach.y))
    let faded = state.lossLeft * fading
    state.lossLeft -= faded
    state.capacityLeft -= state.capacityLeft * fadedShare(charge / ageing.reach)
    let lost = loss.early * loss.reach * faded
    return loss.lasting * charge + lost.x + lost.y
  }

  /// 1 − exp(−x) for x ≥ 0. The series is exact to rounding below 1/256, where nearly every advance lies.
  private func fadedShare(_ x: Double) -> Double {
    x < 0x1p-8
      ? x * (1 - x * (0.5 - x * (1.0 / 6 - x * (1.0 / 24 - x * (1.0 / 120 - x / 720)))))
      : -expm1(-x)
  }

  /// Lets `seconds` pass at a constant current in amperes.
  func pass(_ current: Double, for seconds: Double, in state: inout CellState) {
    let settled = current * diffusionResistance
    let faded = SIMD2(fadedShare(seconds / diffusionTime.x), fadedShare(seconds / diffusionTime.y))
    state.diffusion += (settled - state.diffusion) * faded
    guard current != 0 else { return }
    let charge = current * seconds
    let direction = current > 0 ? 1.0 : -1.0
    state.branch += (direction - state.branch) * fadedShare(abs(charge) / hysteresisCharge)
    book(charge, in: &state)
  }

  // MARK: - Constant voltage

  /// Lets `seconds` pass at a constant voltage in volts, the current's magnitude not above `limit` amperes.
  func hold(_ volts: Double, limit: Double, for seconds: Double, in state: inout CellState) {
    guard limit > 0 else { return pass(0, for: seconds, in: &state) }
    var remaining = seconds
    var justReleased = false
    while remaining > 0 {
      let wanted = unlimitedCurrent(state, at: volts)
      if abs(wanted) > limit, !justReleased {
        let passed = passLimited(wanted > 0 ? limit : -limit, toward: volts, atMost: remaining, in: &state)
        remaining -= passed.seconds
        justReleased = passed.released
      } else {
        let step = min(remaining, stableStep(state, current: wanted))
        relax(toward: volts, limit: limit, for: step, in: &state)
        remaining -= step
        justReleased = false
      }
    }
  }

  /// Passes the limiting current until the voltage source would no longer be limited; says how long that was.
  private func passLimited(
    _ current: Double, toward volts: Double, atMost seconds: Double, in state: inout CellState
  ) -> (seconds: Double, released: Bool) {
    // Short enough for the voltage to be monotone within, or nearly.
    let step = min(seconds, 0.5 * diffusionTime.min())
    let limited = { (state: CellState) in abs(self.unlimitedCurrent(state, at: volts)) >= abs(current) }
    var after = state
    pass(current, for: step, in: &after)
    guard !limited(after) else {
      state = after
      return (step, false)
    }
    var early = 0.0
    var late = step
    for _ in 0..<52 {
      let middle = 0.5 * (early + late)
      after = state
      pass(current, for: middle, in: &after)
      if limited(after) { early = middle } else { late = middle }
    }
    pass(current, for: late, in: &state)
    return (late, true)
  }

  /// Seconds over which the Runge–Kutta rule is good to well below one part in a million.
  private func stableStep(_ state: CellState, current: Double) -> Double {
    let slope =
      leakySlope(state) + (faithful?.slope(at: state.terminal) ?? 0) + 2 * hysteresis / hysteresisCharge
    let rates = (SIMD2(repeating: 1) + diffusionResistance / resistance) / diffusionTime
    let fastest = slope / resistance + rates.x + rates.y
    let grid = min(leaky.spacing * state.capacityLeft, faithful?.spacing ?? .infinity)
    return min(0.1 / fastest, 0.25 * grid / max(abs(current), 1e-15))
  }

  /// One Runge–Kutta step of the classical fourth order at constant voltage.
  private func relax(toward volts: Double, limit: Double, for seconds: Double, in state: inout CellState) {
    let motion = Motion(model: self, start: state, volts: volts, limit: limit, reaching: 1 - lossFraction(state))
    let start = SIMD4(0, state.diffusion.x, state.diffusion.y, state.branch)
    let k1 = motion.rate(at: start)
    let k2 = motion.rate(at: start + k1 * (0.5 * seconds))
    let k3 = motion.rate(at: start + k2 * (0.5 * seconds))
    let k4 = motion.rate(at: start + k3 * seconds)
    let end = start + (k1 + 2 * k2 + 2 * k3 + k4) * (seconds / 6)
    state.diffusion = SIMD2(end.y, end.z)
    state.branch = min(max(end.w, -1), 1)
    book(end.x, in: &state)
  }

  /// The equations of motion at constant voltage, for the time of one step.
  private struct Motion {
    let model: CellModel
    let start: CellState
    let volts: Double
    let limit: Double
    /// The share of the charge in the lossy direction that reaches the leaky electrode.
    let reaching: Double

    /// Change per second. x: charge through the terminals since the step's start; y, z: diffusion; w: branch.
    func rate(at point: SIMD4<Double>) -> SIMD4<Double> {
      let lossy =
        switch model.loss.direction {
        case .charging: point.x > 0
        case .discharging: point.x < 0
        }
      let stored = start.stored + (lossy ? point.x * reaching : point.x)
      let aged = lossy ? model.fadedShare(abs(point.x) / model.ageing.reach) : 0
      let capacityLeft = start.capacityLeft * (1 - aged)
      let faithful = model.faithful?.volts(at: start.terminal + point.x) ?? 0
      let electromotive =
        model.leakyVolts(at: stored, capacityLeft: capacityLeft) + faithful + model.hysteresis * point.w + point.y
        + point.z
      let current = min(max((volts - electromotive) / model.resistance, -limit), limit)
      let settled = current * model.diffusionResistance
      return SIMD4(
        current, (settled.x - point.y) / model.diffusionTime.x, (settled.y - point.z) / model.diffusionTime.y,
        (current - abs(current) * point.w) / model.hysteresisCharge)
    }
  }
}
